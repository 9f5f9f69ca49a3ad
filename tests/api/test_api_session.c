/* Sessions: evaluating, sampling, shortening, settings and facts. The same tokens give the same bits however they are
 * cut into calls and batches, on however many threads, at every CPU level, warm or cold. */
#include "test.h"

#include "api/handles.h"
#include "base/fpenv.h"
#include "model/decoder_state.h"
#include "support/accounting_sys.h"
#include "support/tiny_family.h"
#include "support/tiny_open.h"

enum { N_VOCAB = 320, N_PROMPT = 70 };

static int64_t fact(const inlay_session *session, int32_t key) {
    int64_t value = -1;
    CHECK_INT(inlay_session_get_int(session, key, &value), INLAY_OK);
    return value;
}

static void check_bits(const float *found, const float *expected, size_t n, const char *what) {
    if (memcmp(found, expected, n * sizeof *found) == 0) return;
    test_failures++;
    fprintf(stderr, "the logits differ: %s\n", what);
}

/* ---------------------------------------------------------------- same bits */

/* Logits after the prompt, in a session of some threads and batch size, in calls of `step` tokens. */
static void check_session(inlay_model *model, int threads, int batch, size_t step, const float *expected) {
    char what[100];
    int32_t tokens[N_PROMPT];
    tiny_tokens(tokens, N_PROMPT);
    inlay_session *s = tiny_session(model, INLAY_OPT_THREADS, threads, INLAY_OPT_BATCH, batch, 0);
    snprintf(what, sizeof what, "%d threads, batches of %d, calls of %zu", threads, batch, step);
    CHECK_INT(fact(s, INLAY_SESSION_THREADS), threads);
    for (int round = 0; round < 2; round++) { /* a fresh cache, then a used one */
        float *found = tiny_eval(s, tokens, N_PROMPT, step);
        check_bits(found, expected, N_VOCAB, what);
        free(found);
        CHECK_INT(inlay_session_truncate(s, 0), INLAY_OK);
    }
    inlay_session_free(s);
}

TEST(batches_calls_and_threads_change_no_bit) {
    static const int threads[] = {1, 2, 3, 8}, batches[] = {1, 2, 7, 64, 256};
    static const size_t steps[] = {N_PROMPT, 1, 13};
    static const int types[] = {INLAY_TYPE_F32, INLAY_TYPE_Q4_0, INLAY_TYPE_F16};
    for (size_t k = 0; k < 3; k++) {
        tiny_params p = tiny_defaults();
        int32_t tokens[N_PROMPT];
        p.matrix_type = (uint32_t)types[k];
        tiny t = tiny_open(&p, NULL);
        tiny_tokens(tokens, N_PROMPT);
        inlay_session *s = tiny_session(t.model, INLAY_OPT_THREADS, 1, INLAY_OPT_BATCH, 1, 0);
        float *expected = tiny_eval(s, tokens, N_PROMPT, 1);
        inlay_session_free(s);
        for (size_t i = 0; i < 4; i++)
            for (size_t j = 0; j < 5; j++)
                check_session(t.model, threads[i], batches[j], steps[(i + j) % 3], expected);
        free(expected);
        tiny_close(&t);
    }
}

static float *rows_at_level(const uint8_t *data, size_t size, inlay__cpu level, int cache_type) {
    int32_t tokens[N_PROMPT];
    inlay_model *model;
    inlay_options *o = tiny_options(INLAY_OPT_CACHE_TYPE, cache_type, INLAY_OPT_THREADS, 2, 0);
    inlay_session *s;
    float *rows = malloc(sizeof *rows * N_PROMPT * N_VOCAB);
    tiny_tokens(tokens, N_PROMPT);
    CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, inlay__cpu_name(level), INLAY_ALL), INLAY_OK);
    CHECK_INT(inlay_model_open_memory(data, size, o, &model), INLAY_OK);
    CHECK_INT(inlay_session_new(model, o, &s), INLAY_OK);
    CHECK_INT(inlay_eval_all(s, tokens, N_PROMPT, rows, (size_t)N_PROMPT * N_VOCAB), INLAY_OK);
    inlay_session_free(s);
    inlay_model_free(model);
    inlay_options_free(o);
    return rows;
}

TEST(every_cpu_level_gives_the_same_bits) {
    static const uint32_t types[] = {INLAY_TYPE_F32,  INLAY_TYPE_F16,    INLAY_TYPE_BF16,   INLAY_TYPE_Q4_0,
                                     INLAY_TYPE_Q4_1, INLAY_TYPE_Q5_0,   INLAY_TYPE_Q5_1,   INLAY_TYPE_Q8_0,
                                     INLAY_TYPE_Q2_K, INLAY_TYPE_Q3_K,   INLAY_TYPE_Q4_K,   INLAY_TYPE_Q5_K,
                                     INLAY_TYPE_Q6_K, INLAY_TYPE_IQ4_NL, INLAY_TYPE_IQ4_XS, INLAY_TYPE_MXFP4,
                                     INLAY_TYPE_TQ1_0, INLAY_TYPE_TQ2_0, INLAY_TYPE_IQ1_S, INLAY_TYPE_IQ1_M,
                                     INLAY_TYPE_IQ2_XXS, INLAY_TYPE_IQ2_XS, INLAY_TYPE_IQ2_S, INLAY_TYPE_IQ3_XXS,
                                     INLAY_TYPE_IQ3_S};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        tiny_params p = tiny_defaults();
        size_t size;
        p.matrix_type = types[i];
        p.embedding_type = i % 2 == 0 ? INLAY_TYPE_F16 : types[i];
        p.n_embd = p.n_ff = 256;
        uint8_t *data = tiny_model(&p, &size);
        static const int caches[] = {INLAY_TYPE_F32, INLAY_TYPE_F16, INLAY_TYPE_Q8_0};
        for (size_t c = 0; c < 3; c++) {
            int cache = caches[c];
            float *expected = rows_at_level(data, size, INLAY__CPU_SCALAR, cache);
            for (int level = INLAY__CPU_SCALAR + 1; level < INLAY__CPU_N_LEVELS; level++) {
                if (!inlay__cpu_has((inlay__cpu)level)) continue;
                float *found = rows_at_level(data, size, (inlay__cpu)level, cache);
                check_bits(found, expected, (size_t)N_PROMPT * N_VOCAB, inlay__cpu_name((inlay__cpu)level));
                free(found);
            }
            free(expected);
        }
        free(data);
    }
}

TEST(rows_of_eval_all_are_what_each_token_alone_gives) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[N_PROMPT];
    float *rows = malloc(sizeof *rows * N_PROMPT * N_VOCAB);
    inlay_session *all = tiny_session(t.model, INLAY_OPT_BATCH, 16, 0), *one = tiny_session(t.model, 0);
    tiny_tokens(tokens, N_PROMPT);
    CHECK_INT(inlay_eval_all(all, tokens, N_PROMPT, rows, (size_t)N_PROMPT * N_VOCAB), INLAY_OK);
    for (size_t i = 0; i < N_PROMPT; i++) {
        float *row = tiny_eval(one, tokens + i, 1, 1);
        check_bits(row, rows + i * N_VOCAB, N_VOCAB, "rows of inlay_eval_all");
        free(row);
    }
    float *last = tiny_logits(all);
    check_bits(last, rows + (N_PROMPT - 1) * N_VOCAB, N_VOCAB, "the last row");
    free(last);
    free(rows);
    inlay_session_free(all);
    inlay_session_free(one);
    tiny_close(&t);
}

/* A host may have set its own rounding and flush to zero; it gets them back, and the bits are the same. */
TEST(the_modes_of_the_host_change_no_bit_and_come_back) {
#if defined(__x86_64__)
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[20], token, expected_token;
    tiny_tokens(tokens, 20);
    inlay_options *o = tiny_options(INLAY_OPT_SEED, 3, 0);
    inlay_session *one, *other;
    inlay_options_set_float(o, INLAY_OPT_TEMPERATURE, 1.3);
    CHECK_INT(inlay_session_new(t.model, o, &one), INLAY_OK);
    CHECK_INT(inlay_session_new(t.model, o, &other), INLAY_OK);
    float *expected = tiny_eval(one, tokens, 20, 20);
    CHECK_INT(inlay_sample(one, &expected_token), INLAY_OK);
    uint32_t before = _mm_getcsr();
    _mm_setcsr(0x1f80 | 0x4000 | 0x8040); /* up, flush to zero, denormals are zero */
    float *found = tiny_eval(other, tokens, 20, 7);
    CHECK_INT(inlay_sample(other, &token), INLAY_OK);
    uint32_t after = _mm_getcsr();
    _mm_setcsr(before);
    CHECK_INT(after & 0xffc0, (0x1f80 | 0x4000 | 0x8040) & 0xffc0);
    CHECK_INT(token, expected_token);
    check_bits(found, expected, N_VOCAB, "rounding up");
    free(found);
    free(expected);
    inlay_session_free(one);
    inlay_session_free(other);
    inlay_options_free(o);
    tiny_close(&t);
#else
    SKIP("the modes of this CPU are not set by this test");
#endif
}

#if defined(__x86_64__)
static void put_dynamic(gguf_writer *w) {
    tiny_put_vocabulary(w, 320);
    gguf_writer_string(w, "llama.rope.scaling.type", "dynamic");
    gguf_writer_f32(w, "llama.rope.scaling.factor", 3.7f);
}
#endif

/* Frequencies that follow the context are made with the session. */
TEST(the_modes_of_the_host_change_no_frequency_of_a_session) {
#if defined(__x86_64__)
    enum { N_FREQUENCIES = 64 };
    const tiny_family family = {.architecture = "llama",
                                .n_layer = 1,
                                .n_vocab = 320,
                                .n_embd = 128,
                                .n_head = 1,
                                .n_head_kv = 1,
                                .n_head_dim = 128,
                                .n_ff = 32,
                                .norms = {{"attn_norm"}, {"ffn_norm"}},
                                .gated = true,
                                .activation = INLAY__SILU,
                                .pairs = TINY_ADJACENT,
                                .metadata = put_dynamic};
    size_t size;
    uint8_t *data = tiny_family_file(&family, &size);
    inlay_model *model = NULL;
    inlay_options *o = tiny_options(INLAY_OPT_CONTEXT, 700, 0);
    inlay_session *one = NULL, *other = NULL;
    CHECK_INT(inlay_model_open_memory(data, size, NULL, &model), INLAY_OK);
    CHECK_INT(inlay_session_new(model, o, &one), INLAY_OK);
    uint32_t before = _mm_getcsr();
    _mm_setcsr(0x1f80 | 0x4000 | 0x8040);
    int32_t status = inlay_session_new(model, o, &other);
    _mm_setcsr(before);
    CHECK_INT(status, INLAY_OK);
    CHECK(memcmp(one->decoder->frequencies, other->decoder->frequencies, N_FREQUENCIES * sizeof(double)) == 0);
    inlay_session_free(one);
    inlay_session_free(other);
    inlay_options_free(o);
    inlay_model_free(model);
    free(data);
#else
    SKIP("the modes of this CPU are not set by this test");
#endif
}

/* ---------------------------------------------------------------- generation */

/* n tokens drawn after a prompt. */
static void generate(inlay_session *s, int32_t *out, size_t n) {
    int32_t tokens[10];
    tiny_tokens(tokens, 10);
    CHECK_INT(inlay_eval(s, tokens, 10), INLAY_OK);
    for (size_t i = 0; i < n; i++) {
        CHECK_INT(inlay_sample(s, &out[i]), INLAY_OK);
        CHECK_INT(inlay_eval(s, &out[i], 1), INLAY_OK);
    }
}

TEST(the_same_seed_gives_the_same_text) {
    tiny t = tiny_open(NULL, NULL);
    int32_t first[40], again[40], other[40];
    inlay_options *o = tiny_options(INLAY_OPT_SEED, 7, INLAY_OPT_TOP_K, 50, 0);
    inlay_session *s;
    inlay_options_set_float(o, INLAY_OPT_TEMPERATURE, 1.0);
    CHECK_INT(inlay_session_new(t.model, o, &s), INLAY_OK);
    generate(s, first, 40);
    CHECK_INT(inlay_session_truncate(s, 0), INLAY_OK);
    CHECK_INT(inlay_session_set_int(s, INLAY_OPT_SEED, 7), INLAY_OK); /* restarts the numbers */
    generate(s, again, 40);
    CHECK(memcmp(first, again, sizeof first) == 0);
    CHECK_INT(inlay_session_truncate(s, 0), INLAY_OK);
    generate(s, other, 40); /* the numbers go on */
    CHECK(memcmp(first, other, sizeof first) != 0);
    inlay_session_free(s);
    inlay_options_free(o);
    tiny_close(&t);
}

TEST(without_temperature_the_greatest_logit_is_taken) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[10], token = -1;
    float *logits;
    size_t n = 0, best = 0;
    inlay_session *s = tiny_session(t.model, 0);
    tiny_tokens(tokens, 10);
    CHECK_INT(inlay_eval(s, tokens, 10), INLAY_OK);
    CHECK_INT(inlay_logits(s, &logits, &n), INLAY_OK);
    CHECK_INT(n, N_VOCAB);
    for (size_t i = 1; i < n; i++)
        if (logits[i] > logits[best]) best = i;
    CHECK_INT(inlay_sample(s, &token), INLAY_OK);
    CHECK_INT(token, best);
    logits[best] = -1e30f; /* the caller's bias */
    logits[5] = logits[7] = 1e30f;
    CHECK_INT(inlay_sample(s, &token), INLAY_OK);
    CHECK_INT(token, 5);
    for (size_t i = 0; i < n; i++)
        logits[i] = -__builtin_inff();
    token = 99;
    CHECK_INT(inlay_sample(s, &token), INLAY_ERR_NUMERIC);
    CHECK_INT(token, 99);
    CHECK_HAS(inlay_session_error(s), "minus infinity");
    logits[3] = __builtin_nanf("");
    CHECK_INT(inlay_sample(s, &token), INLAY_ERR_NUMERIC);
    CHECK_INT(inlay_eval(s, tokens, 1), INLAY_OK); /* the session goes on */
    CHECK_INT(inlay_sample(s, &token), INLAY_OK);
    inlay_session_free(s);
    tiny_close(&t);
}

TEST(sampling_options_change_and_the_others_are_fixed) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[10], greedy = -1, token = -1;
    inlay_session *s = tiny_session(t.model, 0);
    size_t n_others = 0;
    tiny_tokens(tokens, 10);
    CHECK_INT(inlay_eval(s, tokens, 10), INLAY_OK);
    CHECK_INT(inlay_sample(s, &greedy), INLAY_OK);
    CHECK_INT(inlay_session_set_float(s, INLAY_OPT_TEMPERATURE, 50.0), INLAY_OK);
    for (int i = 0; i < 50; i++) {
        CHECK_INT(inlay_sample(s, &token), INLAY_OK);
        n_others += token != greedy;
    }
    CHECK(n_others > 40);
    CHECK_INT(inlay_session_set_int(s, INLAY_OPT_TOP_K, 1), INLAY_OK);
    CHECK_INT(inlay_sample(s, &token), INLAY_OK);
    CHECK_INT(token, greedy);
    CHECK_INT(inlay_session_set_int(s, INLAY_OPT_TOP_K, 0), INLAY_OK);
    CHECK_INT(inlay_session_set_float(s, INLAY_OPT_TOP_P, 0.0), INLAY_OK);
    CHECK_INT(inlay_sample(s, &token), INLAY_OK);
    CHECK_INT(token, greedy);
    CHECK_INT(inlay_session_set_float(s, INLAY_OPT_MIN_P, 2.0), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_session_set_float(s, INLAY_OPT_TOP_K, 2.0), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_session_set_int(s, INLAY_OPT_TEMPERATURE, 1), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_session_set_int(s, INLAY_OPT_SEED, -1), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_session_set_int(s, INLAY_OPT_CONTEXT, 10), INLAY_ERR_STATE);
    CHECK_INT(inlay_session_set_int(s, INLAY_OPT_THREADS, 1), INLAY_ERR_STATE);
    CHECK_INT(inlay_session_set_float(s, INLAY_OPT_CPU, 1.0), INLAY_ERR_STATE);
    CHECK_INT(inlay_session_set_int(s, 12345, 1), INLAY_ERR_KEY);
    CHECK_INT(inlay_session_set_float(s, 0, 1.0), INLAY_ERR_KEY);
    inlay_session_free(s);
    tiny_close(&t);
}

/* -------------------------------------------------------------------- errors */

TEST(nothing_evaluated_means_no_logits) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[10], token = 99;
    float *logits = NULL;
    size_t n = 99;
    inlay_session *s = tiny_session(t.model, 0);
    tiny_tokens(tokens, 10);
    CHECK_INT(inlay_sample(s, &token), INLAY_ERR_STATE);
    CHECK_INT(inlay_logits(s, &logits, &n), INLAY_ERR_STATE);
    CHECK(token == 99 && n == 99 && logits == NULL);
    CHECK_INT(inlay_eval(s, tokens, 10), INLAY_OK);
    CHECK_INT(inlay_logits(s, NULL, NULL), INLAY_OK);
    CHECK_INT(inlay_session_truncate(s, 9), INLAY_OK);
    CHECK_INT(inlay_sample(s, &token), INLAY_ERR_STATE);
    CHECK_INT(inlay_logits(s, &logits, &n), INLAY_ERR_STATE);
    inlay_session_free(s);
    tiny_close(&t);
}

/* After each failure: length, logits and the next evaluation are as if it had not been tried. */
TEST(a_failed_call_leaves_the_session_as_it_was) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[128], bad[3] = {5, 5, 0};
    float room[N_VOCAB];
    tiny_tokens(tokens, 128);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, 40, INLAY_OPT_BATCH, 8, 0);
    inlay_session *untouched = tiny_session(t.model, INLAY_OPT_CONTEXT, 40, 0);
    float *before = tiny_eval(s, tokens, 20, 20), *expected = tiny_eval(untouched, tokens, 30, 30);
    static const int32_t ids[] = {-1, N_VOCAB, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < 4; i++) {
        bad[2] = ids[i];
        CHECK_INT(inlay_eval(s, bad, 3), INLAY_ERR_TOKEN);
        CHECK_HAS(inlay_session_error(s), "2 of 3");
    }
    CHECK_INT(inlay_eval(s, tokens, 0), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_eval(s, NULL, 3), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_eval(s, tokens, 21), INLAY_ERR_CONTEXT);
    CHECK_HAS(inlay_session_error(s), "40");
    CHECK_STR(inlay_session_error(s), inlay_error());
    CHECK_INT(inlay_eval(s, tokens, SIZE_MAX), INLAY_ERR_CONTEXT);
    CHECK_INT(inlay_eval_all(s, tokens, 2, room, 2 * N_VOCAB - 1), INLAY_ERR_BUFFER);
    CHECK_INT(inlay_eval_all(s, tokens, 2, NULL, 2 * N_VOCAB), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_eval_all(s, tokens, SIZE_MAX, room, N_VOCAB), INLAY_ERR_BUFFER);
    CHECK_INT(inlay_session_truncate(s, 21), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_session_truncate(s, SIZE_MAX), INLAY_ERR_ARGUMENT);
    CHECK_INT(tiny_length(s), 20);
    float *after = tiny_logits(s), *found = tiny_eval(s, tokens + 20, 10, 10);
    check_bits(after, before, N_VOCAB, "after failures");
    check_bits(found, expected, N_VOCAB, "going on after failures");
    free(before);
    free(after);
    free(found);
    free(expected);
    inlay_session_free(s);
    inlay_session_free(untouched);
    tiny_close(&t);
}

TEST(the_context_can_be_filled_to_the_last_token) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[128];
    tiny_tokens(tokens, 128);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, 17, 0);
    inlay_session *one = tiny_session(t.model, INLAY_OPT_CONTEXT, 1, 0);
    CHECK_INT(inlay_eval(s, tokens, 18), INLAY_ERR_CONTEXT);
    CHECK_INT(inlay_eval(s, tokens, 17), INLAY_OK);
    CHECK_INT(inlay_eval(s, tokens, 1), INLAY_ERR_CONTEXT);
    CHECK_INT(fact(s, INLAY_SESSION_LENGTH), 17);
    CHECK_INT(inlay_eval(one, tokens, 1), INLAY_OK);
    CHECK_INT(inlay_eval(one, tokens, 1), INLAY_ERR_CONTEXT);
    inlay_session_free(s);
    inlay_session_free(one);
    s = tiny_session(t.model, 0);
    CHECK_INT(inlay_eval(s, tokens, 128), INLAY_OK); /* what the model was trained with */
    inlay_session_free(s);
    tiny_close(&t);
}

TEST(truncating_goes_back_to_any_length) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[60];
    tiny_tokens(tokens, 60);
    inlay_session *s = tiny_session(t.model, 0), *fresh = tiny_session(t.model, 0);
    for (size_t length = 0; length < 50; length += 7) {
        CHECK_INT(inlay_session_truncate(s, 0), INLAY_OK);
        CHECK_INT(inlay_session_truncate(fresh, 0), INLAY_OK);
        float *first = tiny_eval(s, tokens, 50, 50);
        CHECK_INT(inlay_session_truncate(s, length), INLAY_OK);
        CHECK_INT(tiny_length(s), length);
        if (length > 0) CHECK_INT(inlay_eval(fresh, tokens, length), INLAY_OK);
        float *found = tiny_eval(s, tokens + 40, 10, 10), *expected = tiny_eval(fresh, tokens + 40, 10, 3);
        check_bits(found, expected, N_VOCAB, "after truncating");
        free(first);
        free(found);
        free(expected);
    }
    inlay_session_free(s);
    inlay_session_free(fresh);
    tiny_close(&t);
}

TEST(weights_that_overflow_are_an_error_and_not_a_token) {
    tiny_params p = tiny_defaults();
    gguf_writer w;
    size_t size, n_bytes = 64 * 4;
    tiny_metadata(&p, &w);
    tiny_tensors(&p, &w);
    uint8_t *data = gguf_writer_finish(&w, &size);
    float huge = 3e38f;
    for (size_t i = 0; i < n_bytes; i += 4) /* the final norm is the last tensor, padded to 32 */
        memcpy(data + size - n_bytes + i, &huge, 4);
    inlay_model *model;
    int32_t tokens[3], status = inlay_model_open_memory(data, size, NULL, &model);
    tiny_tokens(tokens, 3);
    CHECK_INT(status, INLAY_OK);
    if (status == INLAY_OK) {
        inlay_session *s = tiny_session(model, 0);
        CHECK_INT(inlay_eval(s, tokens, 3), INLAY_ERR_NUMERIC);
        CHECK_INT(tiny_length(s), 0);
        inlay_session_free(s);
    }
    inlay_model_free(model);
    free(data);
}

/* --------------------------------------------------------------------- facts */

static size_t three_cpus(void *user) {
    (void)user;
    return 3;
}

TEST(no_more_threads_work_than_there_are_cpus) {
    static const int asked[] = {0, 1, 2, 3, 4, 200}, work[] = {3, 1, 2, 3, 3, 3};
    tiny t = tiny_open(NULL, NULL);
    inlay__sys sys = inlay__sys_default;
    sys.cpu_count = three_cpus;
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        inlay_options *o = NULL;
        inlay_session *s = NULL;
        CHECK_INT(inlay__options_new_with_sys(&sys, &o), INLAY_OK);
        CHECK_INT(inlay_options_set_int(o, INLAY_OPT_THREADS, asked[i]), INLAY_OK);
        if (!CHECK(inlay_session_new(t.model, o, &s) == INLAY_OK)) return;
        CHECK_INT(fact(s, INLAY_SESSION_THREADS), work[i]);
        inlay_session_free(s);
        inlay_options_free(o);
    }
    tiny_close(&t);
}

TEST(facts_tell_what_was_chosen) {
    tiny t = tiny_open(NULL, NULL);
    int64_t value = 7;
    inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, 50, INLAY_OPT_BATCH, 64, INLAY_OPT_THREADS, 3, 0);
    CHECK_INT(fact(s, INLAY_SESSION_LENGTH), 0);
    CHECK_INT(fact(s, INLAY_SESSION_CONTEXT), 50);
    CHECK_INT(fact(s, INLAY_SESSION_THREADS), 3);
    CHECK_INT(fact(s, INLAY_SESSION_BATCH), 50);                       /* never more than the context */
    CHECK(fact(s, INLAY_SESSION_CACHE_MEMORY) >= 2 * 50 * 2 * 32 * 2); /* layers, positions, keys and values, f16 */
    CHECK(fact(s, INLAY_SESSION_MEMORY) > fact(s, INLAY_SESSION_CACHE_MEMORY));
    CHECK_INT(inlay_session_get_int(s, 0, &value), INLAY_ERR_KEY);
    CHECK_INT(inlay_session_get_int(s, 99, &value), INLAY_ERR_KEY);
    CHECK_HAS(inlay_session_error(s), "fact 99");
    CHECK_INT(value, 7);
    inlay_session *wide = tiny_session(t.model, INLAY_OPT_CONTEXT, 50, INLAY_OPT_CACHE_TYPE, INLAY_TYPE_F32, 0);
    CHECK_INT(fact(wide, INLAY_SESSION_CACHE_MEMORY), 2 * fact(s, INLAY_SESSION_CACHE_MEMORY));
    CHECK(fact(wide, INLAY_SESSION_THREADS) >= 1 && fact(wide, INLAY_SESSION_THREADS) <= 16);
    inlay_session_free(wide);
    inlay_session *many = tiny_session(t.model, INLAY_OPT_CONTEXT, 50, INLAY_OPT_BATCH, 128, INLAY_OPT_SEQUENCES, 3, 0);
    CHECK_INT(fact(s, INLAY_SESSION_SEQUENCES), 1);
    CHECK_INT(fact(many, INLAY_SESSION_SEQUENCES), 3);
    CHECK_INT(fact(many, INLAY_SESSION_BATCH), 128);
    CHECK_INT(fact(many, INLAY_SESSION_CACHE_MEMORY), 3 * fact(s, INLAY_SESSION_CACHE_MEMORY));
    inlay_session_free(many);
    inlay_session_free(s);
    s = tiny_session(t.model, 0);
    CHECK_INT(fact(s, INLAY_SESSION_CONTEXT), 128);
    inlay_session_free(s);
    tiny_close(&t);
}

TEST(after_it_is_made_a_session_allocates_nothing) {
    accounting a;
    inlay_options *o;
    int32_t tokens[60], token;
    float *rows = malloc(sizeof *rows * 60 * N_VOCAB);
    inlay_session *s;
    accounting_init(&a);
    tiny_tokens(tokens, 60);
    tiny t = tiny_open(NULL, NULL);
    CHECK_INT(inlay__options_new_with_sys(&a.sys, &o), INLAY_OK);
    inlay_options_set_float(o, INLAY_OPT_TEMPERATURE, 0.8);
    CHECK_INT(inlay_session_new(t.model, o, &s), INLAY_OK);
    inlay_options_free(o);
    size_t n_allocs = a.n_allocs, live = a.live;
    CHECK_INT(fact(s, INLAY_SESSION_MEMORY), live);
    CHECK_INT(inlay_eval_all(s, tokens, 60, rows, (size_t)60 * N_VOCAB), INLAY_OK);
    CHECK_INT(inlay_session_truncate(s, 10), INLAY_OK);
    for (int i = 0; i < 30; i++) {
        CHECK_INT(inlay_eval(s, tokens + i, 1), INLAY_OK);
        CHECK_INT(inlay_session_set_float(s, INLAY_OPT_TOP_P, 0.5 + i / 100.0), INLAY_OK);
        CHECK_INT(inlay_sample(s, &token), INLAY_OK);
    }
    CHECK_INT(a.n_allocs, n_allocs);
    CHECK_INT(a.live, live);
    inlay_session_free(s);
    CHECK_INT(a.live, 0);
    free(rows);
    tiny_close(&t);
}

/* ---------------------------------------------------------------------- prefix */

/* With a prefix as long as the sequence every token sees the last one; after it none sees what comes. */
TEST(tokens_of_a_prefix_see_one_another_and_others_what_is_before) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[20];
    float *rows[2] = {NULL, NULL};
    size_t n_vocab = 320;
    tiny_tokens(tokens, 20);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_PREFIX, 10, INLAY_OPT_BATCH, 4, 0);
    CHECK_INT(fact(s, INLAY_SESSION_BATCH), 10);
    for (int changed = 0; changed < 2; changed++) {
        rows[changed] = calloc(20 * n_vocab, sizeof(float));
        if (changed) tokens[9] = TINY_FIRST_BYTE + 200;
        CHECK_INT(inlay_eval_all(s, tokens, 20, rows[changed], 20 * n_vocab), INLAY_OK);
        CHECK_INT(inlay_session_truncate(s, 0), INLAY_OK);
    }
    for (size_t i = 0; i < 20; i++)
        CHECK(memcmp(rows[0] + i * n_vocab, rows[1] + i * n_vocab, n_vocab * sizeof(float)) != 0);
    tokens[10] = TINY_FIRST_BYTE + 201;
    CHECK_INT(inlay_eval_all(s, tokens, 20, rows[0], 20 * n_vocab), INLAY_OK);
    for (size_t i = 0; i < 20; i++)
        CHECK((memcmp(rows[0] + i * n_vocab, rows[1] + i * n_vocab, n_vocab * sizeof(float)) == 0) == (i < 10));
    free(rows[0]);
    free(rows[1]);
    inlay_session_free(s);
    tiny_close(&t);
}

TEST(a_prefix_comes_in_one_call_and_is_never_cut) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[20];
    tiny_tokens(tokens, 20);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_BATCH, 8, 0);
    CHECK_INT(inlay_session_set_int(s, INLAY_OPT_PREFIX, 9), INLAY_ERR_ARGUMENT);
    CHECK_HAS(inlay_error(), "'prefix' is 9, expected at most the batch of 8");
    CHECK_INT(inlay_session_set_int(s, INLAY_OPT_PREFIX, 8), INLAY_OK);
    CHECK_INT(inlay_eval(s, tokens, 7), INLAY_ERR_ARGUMENT);
    CHECK_HAS(inlay_error(), "a prefix of 8 tokens");
    CHECK_INT(inlay_eval(s, tokens, 20), INLAY_OK);
    CHECK_INT(inlay_session_set_int(s, INLAY_OPT_PREFIX, 3), INLAY_ERR_STATE);
    CHECK_INT(inlay_session_truncate(s, 7), INLAY_ERR_ARGUMENT);
    CHECK_INT(tiny_length(s), 20);
    CHECK_INT(inlay_session_truncate(s, 8), INLAY_OK);
    CHECK_INT(inlay_session_truncate(s, 0), INLAY_OK);
    CHECK_INT(inlay_session_set_int(s, INLAY_OPT_PREFIX, 3), INLAY_OK);
    CHECK_INT(inlay_eval(s, tokens, 3), INLAY_OK);
    inlay_session_free(s);
    tiny_close(&t);
}

TEST_MAIN(CASE(tokens_of_a_prefix_see_one_another_and_others_what_is_before),
          CASE(a_prefix_comes_in_one_call_and_is_never_cut), CASE(batches_calls_and_threads_change_no_bit),
          CASE(every_cpu_level_gives_the_same_bits), CASE(rows_of_eval_all_are_what_each_token_alone_gives),
          CASE(the_modes_of_the_host_change_no_bit_and_come_back),
          CASE(the_modes_of_the_host_change_no_frequency_of_a_session), CASE(the_same_seed_gives_the_same_text),
          CASE(without_temperature_the_greatest_logit_is_taken), CASE(sampling_options_change_and_the_others_are_fixed),
          CASE(nothing_evaluated_means_no_logits), CASE(a_failed_call_leaves_the_session_as_it_was),
          CASE(the_context_can_be_filled_to_the_last_token), CASE(truncating_goes_back_to_any_length),
          CASE(weights_that_overflow_are_an_error_and_not_a_token), CASE(facts_tell_what_was_chosen),
          CASE(no_more_threads_work_than_there_are_cpus), CASE(after_it_is_made_a_session_allocates_nothing))
