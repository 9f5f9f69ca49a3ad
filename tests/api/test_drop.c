/* Tokens taken out of the midst of a sequence. In a network of one layer a key knows of no other token, so that what is
 * left is what its tokens would give when read anew, but for the rounding of keys that moved. */
#include "test.h"

#include <math.h>

#include "support/tiny_ngram.h"
#include "support/tiny_open.h"

enum { N_VOCAB = 320, N = 300, N_CONTEXT = 600 };

static tiny open_layers(uint32_t n_layer, const char *architecture) {
    tiny_params params = tiny_defaults();
    params.n_layer = n_layer;
    params.n_ctx = N_CONTEXT;
    params.architecture = architecture;
    params.n_embd = 128; /* heads of 32, as blocks of Q8_0 want them */
    return tiny_open(&params, NULL);
}

static inlay_session *session_of(inlay_model *model, int cache_type) {
    return tiny_session(model, INLAY_OPT_CONTEXT, N_CONTEXT, INLAY_OPT_CACHE_TYPE, cache_type, INLAY_OPT_SEQUENCES, 3,
                        INLAY_OPT_THREADS, 2, 0);
}

static float *read_anew(inlay_model *model, int cache_type, const int32_t *tokens, size_t n) {
    inlay_session *s = session_of(model, cache_type);
    float *logits = tiny_eval(s, tokens, n, n);
    inlay_session_free(s);
    return logits;
}

/* The greatest difference, as a part of the greatest logit. */
static double difference(const float *a, const float *b) {
    double worst = 0.0, greatest = 0.0;
    for (size_t i = 0; i < N_VOCAB; i++) {
        double apart = fabs((double)a[i] - (double)b[i]), size = fabs((double)b[i]);
        if (!(apart <= worst)) worst = apart; /* also what is no number */
        if (size > greatest) greatest = size;
    }
    return worst / greatest;
}

/* `n_times` times one part of the text is taken out, before the last token is read. */
static double drift(const char *architecture, int cache_type, size_t n_times, size_t n_taken) {
    tiny t = open_layers(1, architecture);
    int32_t tokens[N];
    tiny_tokens(tokens, N);
    inlay_session *s = session_of(t.model, cache_type);
    size_t n = N - 1;
    CHECK_INT(inlay_eval(s, tokens, n), INLAY_OK);
    for (size_t i = 0; i < n_times; i++) {
        CHECK_INT(inlay_session_drop(s, 3, 3 + n_taken), INLAY_OK);
        memmove(tokens + 3, tokens + 3 + n_taken, (N - 3 - n_taken) * sizeof *tokens);
        n -= n_taken;
        CHECK_INT(tiny_length(s), n);
    }
    tokens[n] = 77;
    float *found = tiny_eval(s, tokens + n, 1, 1), *expected = read_anew(t.model, cache_type, tokens, n + 1);
    double worst = difference(found, expected);
    free(found), free(expected);
    inlay_session_free(s);
    tiny_close(&t);
    return worst;
}

TEST(what_is_left_is_what_its_tokens_give) {
    static const char *const architectures[] = {NULL, "qwen2", "gemma3"};
    for (size_t i = 0; i < 3; i++) {
        CHECK(drift(architectures[i], INLAY_TYPE_F32, 1, 20) < 1e-5);
        CHECK(drift(architectures[i], INLAY_TYPE_F32, 1, 270) < 1e-5);
        CHECK(drift(architectures[i], INLAY_TYPE_F16, 1, 20) < 2e-3);
        CHECK(drift(architectures[i], INLAY_TYPE_Q8_0, 1, 256) < 4e-2);
    }
}

TEST(a_hundred_moves_round_a_hundred_times_and_no_worse) {
    double f32 = drift(NULL, INLAY_TYPE_F32, 100, 2), f16 = drift(NULL, INLAY_TYPE_F16, 100, 2);
    double q8_0 = drift(NULL, INLAY_TYPE_Q8_0, 100, 2);
    printf("after 100 moves the logits differ by %.2g (f32), %.2g (f16), %.2g (q8_0) of the greatest\n", f32, f16,
           q8_0);
    CHECK(f32 < 1e-4);
    CHECK(f16 < 1e-2);
    CHECK(q8_0 < 0.2);
}

/* -------------------------------------------------------------------- of bits */

static float *after_drop(const char *cpu, int threads, int cache_type, bool shares) {
    inlay_options *o = tiny_options(INLAY_OPT_THREADS, threads, INLAY_OPT_CONTEXT, N_CONTEXT, INLAY_OPT_CACHE_TYPE,
                                    cache_type, INLAY_OPT_SEQUENCES, 2, 0);
    if (cpu != NULL) CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, cpu, INLAY_ALL), INLAY_OK);
    tiny_params params = tiny_defaults();
    params.n_ctx = N_CONTEXT;
    params.n_embd = 128;
    tiny t = tiny_open(&params, o);
    int32_t tokens[N];
    tiny_tokens(tokens, N);
    inlay_session *s;
    CHECK_INT(inlay_session_new(t.model, o, &s), INLAY_OK);
    CHECK_INT(inlay_eval(s, tokens, N), INLAY_OK);
    float *whole = tiny_logits(s);
    if (shares) CHECK_INT(inlay_sequence_fork(s, 0, 1), INLAY_OK);
    CHECK_INT(inlay_session_drop(s, 5, 35), INLAY_OK);
    float *kept = tiny_logits(s); /* of the last token, which stays */
    CHECK(memcmp(kept, whole, N_VOCAB * sizeof *kept) == 0);
    CHECK_INT(inlay_session_drop(s, 2, 2), INLAY_OK);
    float *logits = tiny_eval(s, tokens, 60, 7);
    if (shares) { /* the other one noticed nothing */
        CHECK_INT(inlay_session_set_int(s, INLAY_OPT_SEQUENCE, 1), INLAY_OK);
        float *found = tiny_eval(s, tokens, 30, 30);
        inlay_session *fresh;
        CHECK_INT(inlay_session_new(t.model, o, &fresh), INLAY_OK);
        CHECK_INT(inlay_eval(fresh, tokens, N), INLAY_OK);
        float *expected = tiny_eval(fresh, tokens, 30, 30);
        CHECK(memcmp(found, expected, N_VOCAB * sizeof *found) == 0);
        inlay_session_free(fresh);
        free(found), free(expected);
    }
    free(whole), free(kept);
    inlay_session_free(s);
    inlay_options_free(o);
    tiny_close(&t);
    return logits;
}

TEST(bits_are_the_same_on_every_cpu_and_where_pages_are_shared) {
    static const int types[] = {INLAY_TYPE_F32, INLAY_TYPE_F16, INLAY_TYPE_Q8_0};
    for (size_t i = 0; i < 3; i++) {
        float *expected = after_drop("scalar", 1, types[i], false);
        for (int shares = 0; shares < 2; shares++)
            for (int threads = 1; threads < 4; threads += 2) {
                float *found = after_drop(NULL, threads, types[i], shares != 0);
                CHECK(memcmp(found, expected, N_VOCAB * sizeof *found) == 0);
                free(found);
            }
        free(expected);
    }
}

TEST(the_end_taken_out_is_a_cut) {
    tiny t = open_layers(2, NULL);
    int32_t tokens[N];
    float *logits;
    tiny_tokens(tokens, N);
    inlay_session *s = session_of(t.model, INLAY_TYPE_F16);
    CHECK_INT(inlay_eval(s, tokens, N), INLAY_OK);
    CHECK_INT(inlay_session_drop(s, 250, N), INLAY_OK);
    CHECK_INT(inlay_logits(s, &logits, NULL), INLAY_ERR_STATE);
    float *found = tiny_eval(s, tokens + 250, 50, 50), *expected = read_anew(t.model, INLAY_TYPE_F16, tokens, N);
    CHECK(memcmp(found, expected, N_VOCAB * sizeof *found) == 0);
    CHECK_INT(inlay_session_drop(s, 0, N), INLAY_OK);
    CHECK_INT(tiny_length(s), 0);
    free(found), free(expected);
    inlay_session_free(s);
    tiny_close(&t);
}

TEST(n_grams_forget_what_was_taken_out) {
    const tiny_ngram words = {.n_words = 20, .order = 4};
    size_t size;
    uint8_t *text = tiny_ngram_file(&words, &size);
    inlay_model *model = NULL;
    CHECK_INT(inlay_model_open_memory(text, size, NULL, &model), INLAY_OK);
    inlay_session *s = tiny_session(model, 0), *fresh = tiny_session(model, 0);
    const int32_t all[] = {3, 4, 5, 6, 7, 8, 9}, left[] = {3, 4, 7, 8, 9};
    CHECK_INT(inlay_eval(s, all, 6), INLAY_OK);
    CHECK_INT(inlay_session_drop(s, 2, 4), INLAY_OK);
    CHECK_INT(inlay_eval(s, all + 6, 1), INLAY_OK);
    CHECK_INT(inlay_eval(fresh, left, 5), INLAY_OK);
    float *found = tiny_logits(s), *expected = tiny_logits(fresh);
    CHECK(memcmp(found, expected, 20 * sizeof *found) == 0);
    free(found), free(expected);
    inlay_session_free(s), inlay_session_free(fresh);
    inlay_model_free(model);
    free(text);
}

TEST(what_is_not_there_or_sees_the_prefix_is_refused) {
    tiny t = open_layers(2, NULL);
    int32_t tokens[N];
    tiny_tokens(tokens, N);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, N_CONTEXT, INLAY_OPT_PREFIX, 10, 0);
    CHECK_INT(inlay_eval(s, tokens, 50), INLAY_OK);
    const size_t wrong[][2] = {{0, 51}, {20, 19}, {51, 51}, {SIZE_MAX, SIZE_MAX}, {0, 20}, {9, 20}};
    for (size_t i = 0; i < 6; i++) CHECK_INT(inlay_session_drop(s, wrong[i][0], wrong[i][1]), INLAY_ERR_ARGUMENT);
    CHECK_INT(tiny_length(s), 50);
    CHECK_INT(inlay_session_drop(s, 10, 20), INLAY_OK);
    CHECK_INT(tiny_length(s), 40);
    inlay_session_free(s);
    tiny_close(&t);
}

TEST_MAIN(CASE(what_is_left_is_what_its_tokens_give), CASE(a_hundred_moves_round_a_hundred_times_and_no_worse),
          CASE(bits_are_the_same_on_every_cpu_and_where_pages_are_shared), CASE(the_end_taken_out_is_a_cut),
          CASE(n_grams_forget_what_was_taken_out), CASE(what_is_not_there_or_sees_the_prefix_is_refused))
