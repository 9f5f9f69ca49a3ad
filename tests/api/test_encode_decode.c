/* A session of an encoder-decoder: what comes before what, what a call that fails leaves behind, and that nothing of
 * what was encoded before shows in what comes after. */
#include "test.h"


#include "api/handles.h"
#include "base/fpenv.h"
#include "model/decoder_state.h"
#include "support/fail_sys.h"
#include "support/posix.h"
#include "support/tiny_family.h"
#include "support/tiny_seq2seq.h"

enum { N_VOCAB = 70, N_ENCODED = 40, N_TOKENS = 12 };

static int32_t text[N_ENCODED], other[N_ENCODED], tokens[N_TOKENS];

static void set_up(void) {
    tiny_seq2seq_tokens(text, N_ENCODED, 19);
    tiny_seq2seq_tokens(other, N_ENCODED, 23);
    tiny_seq2seq_tokens(tokens, N_TOKENS, 37);
}

static int64_t fact_of(const inlay_session *s, int32_t fact) {
    int64_t value = -1;
    CHECK_INT(inlay_session_get_int(s, fact, &value), INLAY_OK);
    return value;
}

/* The rows of `tokens` after `text`, of a session of its own. */
static float *fresh_rows(inlay_model *model, const int32_t *encoded, size_t n) {
    inlay_session *s = tiny_session(model, INLAY_OPT_CONTEXT, 64, INLAY_OPT_THREADS, 1, 0);
    CHECK_INT(inlay_encode(s, encoded, n), INLAY_OK);
    float *rows = tiny_seq2seq_decode(s, tokens, N_TOKENS, N_TOKENS);
    inlay_session_free(s);
    return rows;
}

/* Tokens [begin, N_TOKENS) give those rows now. */
static void check_rows(inlay_session *s, const float *expected, size_t begin) {
    float *rows = tiny_seq2seq_decode(s, tokens + begin, N_TOKENS - begin, 5);
    CHECK(memcmp(rows, expected + begin * N_VOCAB, (N_TOKENS - begin) * N_VOCAB * sizeof *rows) == 0);
    free(rows);
}

/* Biases follow the context and are made with the session. */
TEST(the_modes_of_the_host_change_no_bias_of_a_session) {
#if defined(__x86_64__)
    static const uint32_t modes[] = {0x2000, 0x4000, 0x6000}; /* down, up, to zero */
    tiny_seq2seq m = tiny_t5();
    tiny t = tiny_seq2seq_open(&m, NULL);
    inlay_options *o = tiny_options(INLAY_OPT_CONTEXT, 300, 0);
    inlay_session *expected = NULL, *found = NULL;
    CHECK_INT(inlay_session_new(t.model, o, &expected), INLAY_OK);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        uint32_t before = _mm_getcsr();
        _mm_setcsr(0x1f80 | modes[i]);
        int32_t status = inlay_session_new(t.model, o, &found);
        _mm_setcsr(before);
        CHECK_INT(status, INLAY_OK);
        for (size_t k = 0; k < 2; k++) {
            const inlay__biases *a = &expected->decoder->biases[k], *b = &found->decoder->biases[k];
            CHECK(memcmp(a->table, b->table, m.sides[0].n_head * a->stride * sizeof *a->table) == 0);
        }
        inlay_session_free(found);
    }
    inlay_session_free(expected);
    inlay_options_free(o);
    tiny_close(&t);
#else
    SKIP("the modes of this CPU are not set by this test");
#endif
}

TEST(nothing_is_decoded_before_something_was_encoded) {
    tiny_seq2seq m = tiny_t5();
    tiny t = tiny_seq2seq_open(&m, NULL);
    int32_t token;
    float *logits;
    set_up();
    inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, 64, 0);
    CHECK_INT(inlay_eval(s, tokens, 1), INLAY_ERR_STATE);
    CHECK_HAS(inlay_session_error(s), "inlay_encode");
    CHECK_INT(inlay_sample(s, &token), INLAY_ERR_STATE);
    CHECK_INT(fact_of(s, INLAY_SESSION_LENGTH), 0);
    CHECK_INT(inlay_encode(s, text, N_ENCODED), INLAY_OK);
    CHECK_INT(fact_of(s, INLAY_SESSION_ENCODED), N_ENCODED);
    CHECK_INT(inlay_logits(s, &logits, NULL), INLAY_ERR_STATE);
    CHECK_INT(inlay_eval(s, tokens, 3), INLAY_OK);
    CHECK_INT(inlay_sample(s, &token), INLAY_OK);
    CHECK_INT(inlay_logits_at(s, 0, &logits, NULL), INLAY_ERR_UNSUPPORTED);
    inlay_session_free(s);
    tiny_close(&t);
}

TEST(what_is_encoded_takes_the_place_of_what_was_and_empties_the_sequence) {
    tiny_seq2seq models[] = {tiny_t5(), tiny_bart()};
    set_up();
    for (size_t i = 0; i < 2; i++) {
        tiny t = tiny_seq2seq_open(&models[i], NULL);
        float *of_text = fresh_rows(t.model, text, N_ENCODED), *of_other = fresh_rows(t.model, other, 7), *logits;
        inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, 64, INLAY_OPT_THREADS, 2, 0);
        CHECK(memcmp(of_text, of_other, N_VOCAB * sizeof *of_text) != 0);
        for (int round = 0; round < 2; round++) {
            CHECK_INT(inlay_encode(s, text, N_ENCODED), INLAY_OK);
            CHECK_INT(fact_of(s, INLAY_SESSION_LENGTH), 0);
            CHECK_INT(inlay_logits(s, &logits, NULL), INLAY_ERR_STATE);
            check_rows(s, of_text, 0);
            CHECK_INT(inlay_encode(s, other, 7), INLAY_OK);
            CHECK_INT(fact_of(s, INLAY_SESSION_ENCODED), 7);
            check_rows(s, of_other, 0);
            CHECK_INT(inlay_session_truncate(s, 4), INLAY_OK);
            check_rows(s, of_other, 4);
            CHECK_INT(inlay_session_truncate(s, 0), INLAY_OK);
            check_rows(s, of_other, 0);
        }
        free(of_text);
        free(of_other);
        inlay_session_free(s);
        tiny_close(&t);
    }
}

static int32_t refuse(void *user, uint64_t done, uint64_t total) {
    (void)done;
    (void)total;
    return *(int32_t *)user;
}

TEST(a_call_that_fails_leaves_what_was_encoded_and_decoded) {
    tiny_seq2seq m = tiny_bart();
    tiny t = tiny_seq2seq_open(&m, NULL);
    int32_t wrong[N_ENCODED], refuses = 0;
    set_up();
    memcpy(wrong, other, sizeof wrong);
    wrong[20] = N_VOCAB;
    float *expected = fresh_rows(t.model, text, N_ENCODED);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, N_ENCODED, INLAY_OPT_THREADS, 2, 0);
    CHECK_INT(inlay_encode(s, text, N_ENCODED), INLAY_OK);
    CHECK_INT(inlay_eval(s, tokens, 3), INLAY_OK);
    CHECK_INT(inlay_encode(s, wrong, N_ENCODED), INLAY_ERR_TOKEN);
    CHECK_HAS(inlay_session_error(s), "token 20 of 40 is 70");
    CHECK_INT(inlay_encode(s, NULL, 3), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_encode(s, text, 0), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_encode(s, tokens, N_ENCODED + 1), INLAY_ERR_CONTEXT);
    CHECK_INT(inlay_eval(s, text, N_ENCODED), INLAY_ERR_CONTEXT);
    CHECK_INT(inlay_eval(s, wrong + 20, 1), INLAY_ERR_TOKEN);
    CHECK_INT(fact_of(s, INLAY_SESSION_LENGTH), 3);
    CHECK_INT(fact_of(s, INLAY_SESSION_ENCODED), N_ENCODED);
    s->progress = refuse;
    s->progress_user = &refuses;
    refuses = 1;
    CHECK_INT(inlay_eval(s, tokens + 3, 2), INLAY_ERR_CANCELLED);
    refuses = 0;
    check_rows(s, expected, 3);
    free(expected);
    inlay_session_free(s);
    tiny_close(&t);
}

/* Learned positions end where the model's do; a decoder's prefix cannot see what comes. */
TEST(what_the_model_cannot_do_is_an_error) {
    tiny_seq2seq m = tiny_bart();
    tiny t = tiny_seq2seq_open(&m, NULL);
    int32_t long_text[321];
    const char *kind;
    int64_t can = 0, start = 0, forced = 0;
    size_t size;
    set_up();
    tiny_seq2seq_tokens(long_text, 321, 11);
    CHECK_INT(inlay_model_get_string(t.model, INLAY_MODEL_KIND, &kind, &size), INLAY_OK);
    CHECK_STR(kind, "encoder-decoder");
    CHECK_INT(inlay_model_get_int(t.model, INLAY_MODEL_CAPABILITIES, &can), INLAY_OK);
    CHECK_INT(can &
                  (INLAY_CAN_GENERATE | INLAY_CAN_ENCODE | INLAY_CAN_PREFIX | INLAY_CAN_TRUNCATE | INLAY_CAN_FILL_MASK),
              INLAY_CAN_GENERATE | INLAY_CAN_ENCODE | INLAY_CAN_TRUNCATE);
    CHECK_INT(inlay_model_get_int(t.model, INLAY_MODEL_TOKEN_START, &start), INLAY_OK);
    CHECK_INT(inlay_model_get_int(t.model, INLAY_MODEL_TOKEN_FORCED, &forced), INLAY_OK);
    CHECK(start == 2 && forced == -1);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, 400, INLAY_OPT_BATCH, 400, 0);
    CHECK_INT(inlay_encode(s, long_text, 321), INLAY_ERR_CONTEXT);
    CHECK_HAS(inlay_session_error(s), "knows 320 positions");
    CHECK_INT(inlay_encode(s, long_text, 320), INLAY_OK);
    CHECK_INT(inlay_eval(s, long_text, 321), INLAY_ERR_CONTEXT);
    CHECK_INT(inlay_eval(s, long_text, 320), INLAY_OK);
    CHECK_INT(inlay_session_truncate(s, 0), INLAY_OK);
    CHECK_INT(inlay_session_set_int(s, INLAY_OPT_PREFIX, 4), INLAY_ERR_UNSUPPORTED);
    inlay_session_free(s);
    tiny_close(&t);
}

TEST(a_child_of_fork_encodes_and_decodes) {
#if defined(__SANITIZE_THREAD__)
    SKIP("the thread sanitizer does not follow fork");
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
    SKIP("the thread sanitizer does not follow fork");
#endif
#endif
    if (!CAN_FORK) SKIP("there is no fork");
    tiny_seq2seq m = tiny_t5();
    tiny t = tiny_seq2seq_open(&m, NULL);
    int status = -1;
    set_up();
    float *of_text = fresh_rows(t.model, text, N_ENCODED), *of_other = fresh_rows(t.model, other, N_ENCODED);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, 64, INLAY_OPT_THREADS, 3, 0);
    CHECK_INT(inlay_encode(s, text, N_ENCODED), INLAY_OK);
    CHECK_INT(inlay_eval(s, tokens, 5), INLAY_OK);
    pid_t child = fork();
    if (child == 0) {
        int before = test_failures;
        alarm(60);
        check_rows(s, of_text, 5);
        CHECK_INT(inlay_encode(s, other, N_ENCODED), INLAY_OK);
        check_rows(s, of_other, 0);
        inlay_session_free(s);
        _exit(test_failures == before ? 0 : 3);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
    check_rows(s, of_text, 5);
    free(of_text);
    free(of_other);
    inlay_session_free(s);
    tiny_close(&t);
}

/* All that a session holds is what it was given: its caches too, of which each counts once. */
TEST(memory_is_counted_once) {
    tiny_seq2seq m = tiny_bart();
    fail_sys f;
    size_t size;
    uint8_t *data = tiny_seq2seq_file(&m, &size);
    inlay_options *o = NULL;
    inlay_model *model = NULL;
    inlay_session *s = NULL;
    set_up();
    fail_sys_init(&f);
    CHECK_INT(inlay__options_new_with_sys(&f.sys, &o), INLAY_OK);
    CHECK_INT(inlay_options_set_int(o, INLAY_OPT_CONTEXT, 256), INLAY_OK);
    CHECK_INT(inlay_options_set_int(o, INLAY_OPT_CACHE_TYPE, INLAY_TYPE_F16), INLAY_OK);
    CHECK_INT(inlay_model_open_memory(data, size, o, &model), INLAY_OK);
    size_t before = atomic_load(&f.n_bytes);
    CHECK_INT(inlay_session_new(model, o, &s), INLAY_OK);
    size_t taken = atomic_load(&f.n_bytes) - before;
    CHECK_INT(fact_of(s, INLAY_SESSION_MEMORY), taken);
    /* keys and values of 256 positions, of the decoder's layers twice in F16; and of one of the encoder's in F32 */
    size_t kept = 2 * m.sides[1].n_layer * 256 * 2 * m.n_embd * 2, least = kept + 256 * 2 * m.n_embd * 4;
    CHECK(fact_of(s, INLAY_SESSION_CACHE_MEMORY) >= (int64_t)least &&
          fact_of(s, INLAY_SESSION_CACHE_MEMORY) < (int64_t)taken);
    CHECK_INT(inlay_encode(s, text, N_ENCODED), INLAY_OK);
    CHECK_INT(inlay_eval(s, tokens, N_TOKENS), INLAY_OK);
    CHECK_INT(atomic_load(&f.n_bytes) - before, taken);
    inlay_session_free(s);
    CHECK_INT(atomic_load(&f.n_bytes), before);
    inlay_model_free(model);
    inlay_options_free(o);
    CHECK(fail_sys_is_clean(&f));
    free(data);
}

/* Opens, encodes and decodes; each call that fails is tried once more, when the fault has gone. The rows from
 * malloc. */
static float *run_with_faults(const uint8_t *data, size_t size, fail_sys *f) {
    inlay_options *o = NULL;
    inlay_model *model = NULL;
    inlay_session *s = NULL;
#define TRY(call)                                      \
    do {                                               \
        if ((call) != INLAY_OK) {                      \
            CHECK(atomic_load(&f->n_failed) > 0);      \
            CHECK(inlay_error()[0] != '\0');           \
            atomic_store(&f->fail_at, 0);              \
            CHECK_INT(call, INLAY_OK);                 \
        }                                              \
    } while (0)
    TRY(inlay__options_new_with_sys(&f->sys, &o));
    TRY(inlay_options_set_int(o, INLAY_OPT_THREADS, 3));
    TRY(inlay_options_set_int(o, INLAY_OPT_CONTEXT, 64));
    TRY(inlay_model_open_memory(data, size, o, &model));
    TRY(inlay_session_new(model, o, &s));
    TRY(inlay_encode(s, text, N_ENCODED));
    TRY(inlay_eval(s, tokens, 1));
#undef TRY
    float *rows = tiny_logits(s);
    inlay_session_free(s);
    inlay_model_free(model);
    inlay_options_free(o);
    CHECK(fail_sys_is_clean(f));
    return rows;
}

TEST(every_call_to_the_system_may_fail) {
    tiny_seq2seq models[] = {tiny_t5(), tiny_bart()};
    set_up();
    for (size_t i = 0; i < 2; i++) {
        fail_sys f;
        size_t size, n_faults = 0;
        uint8_t *data = tiny_seq2seq_file(&models[i], &size);
        fail_sys_init(&f);
        float *expected = run_with_faults(data, size, &f);
        for (size_t n = 1;; n++, n_faults++) {
            fail_sys_arm(&f, n, n % 2 == 0);
            float *found = run_with_faults(data, size, &f);
            if (!CHECK(memcmp(found, expected, N_VOCAB * sizeof *found) == 0))
                fprintf(stderr, "%s after the failure of call %zu\n", models[i].architecture, n);
            free(found);
            if (atomic_load(&f.n_failed) == 0) break;
        }
        CHECK(n_faults > 30);
        free(expected);
        free(data);
    }
}

/* ---------------------------------------------------------------- wrong files */

static void refused(tiny_seq2seq m, const char *left_out, void (*metadata)(gguf_writer *), int32_t status,
                    const char *words) {
    size_t size;
    inlay_model *model = NULL;
    m.left_out = left_out;
    m.metadata = metadata;
    uint8_t *data = tiny_seq2seq_file(&m, &size);
    CHECK_INT(inlay_model_open_memory(data, size, NULL, &model), status);
    CHECK(model == NULL);
    CHECK_HAS(inlay_error(), words);
    inlay_model_free(model);
    free(data);
}

static void put_start(gguf_writer *w) { gguf_writer_u32(w, "bart.decoder_forced_token_id", 70); }
static void put_extra(gguf_writer *w) { tiny_put(w, "dec.blk.7.cross_attn_q.weight", 64, 64, 1, 0.0f, 1.0f); }

TEST(a_file_that_contradicts_itself_is_refused) {
    tiny_seq2seq t5 = tiny_t5(), bart = tiny_bart(), wrong;
    refused(t5, "dec.blk.2.cross_attn_k.weight", NULL, INLAY_ERR_FORMAT,
            "tensor 'dec.blk.2.cross_attn_k.weight' is missing");
    refused(t5, "enc.blk.0.attn_rel_b.weight", NULL, INLAY_ERR_FORMAT,
            "tensor 'enc.blk.0.attn_rel_b.weight' is missing");
    refused(t5, "dec.output_norm.weight", NULL, INLAY_ERR_FORMAT, "tensor 'dec.output_norm.weight' is missing");
    refused(bart, "enc.token_embd_norm.weight", NULL, INLAY_ERR_FORMAT,
            "tensor 'enc.token_embd_norm.weight' is missing");
    refused(bart, "dec.position_embd.weight", NULL, INLAY_ERR_FORMAT, "tensor 'dec.position_embd.weight' is missing");
    refused(t5, NULL, put_extra, INLAY_ERR_UNSUPPORTED, "dec.blk.7.cross_attn_q.weight");
    refused(bart, NULL, put_start, INLAY_ERR_FORMAT, "bart.decoder_forced_token_id");
    wrong = t5;
    wrong.n_buckets = 3;
    refused(wrong, NULL, NULL, INLAY_ERR_FORMAT, "'t5.attention.relative_buckets_count' is 3, expected 4 to");
    wrong = t5;
    wrong.max_distance = 16;
    refused(wrong, NULL, NULL, INLAY_ERR_FORMAT, "t5.attention.relative_max_distance");
    wrong = bart;
    wrong.sides[1].n_head = 3;
    refused(wrong, NULL, NULL, INLAY_ERR_FORMAT, "'bart.decoder_attention_head_count' is 3");
}

TEST_MAIN(CASE(the_modes_of_the_host_change_no_bias_of_a_session),
          CASE(nothing_is_decoded_before_something_was_encoded),
          CASE(what_is_encoded_takes_the_place_of_what_was_and_empties_the_sequence),
          CASE(a_call_that_fails_leaves_what_was_encoded_and_decoded), CASE(what_the_model_cannot_do_is_an_error),
          CASE(a_child_of_fork_encodes_and_decodes), CASE(memory_is_counted_once),
          CASE(every_call_to_the_system_may_fail), CASE(a_file_that_contradicts_itself_is_refused))
