/* Encoders by the public functions: every way to misuse them is refused, every fault of the system leaves all as it
 * was, and sequences never change one another. */
#include "test.h"

#include <stdlib.h>

#include "api/handles.h"
#include "support/fail_sys.h"
#include "support/tiny_family.h"
#include "support/tiny_open.h"

enum { N_EMBD = 48, N_VOCAB = 320, N_TOKENS = 30 };

static const tiny_family bert = TINY_BERT;

static inlay_model *open_family(const tiny_family *family, const inlay_options *options, uint8_t **data) {
    size_t size;
    inlay_model *model = NULL;
    *data = tiny_family_file(family, &size);
    CHECK_INT(inlay_model_open_memory(*data, size, options, &model), INLAY_OK);
    return model;
}

static int64_t fact(const inlay_model *model, int32_t key) {
    int64_t value = -1;
    CHECK_INT(inlay_model_get_int(model, key, &value), INLAY_OK);
    return value;
}

#define REFUSED(status, text, call)          \
    do {                                     \
        CHECK_INT(call, status);             \
        CHECK_HAS(inlay_error(), text);      \
    } while (0)

TEST(misuse_is_refused_by_name) {
    uint8_t *data;
    inlay_model *model = open_family(&bert, NULL, &data);
    inlay_session *s = NULL;
    CHECK_INT(inlay_session_new(model, NULL, &s), INLAY_OK);
    int32_t tokens[N_TOKENS];
    uint8_t segments[N_TOKENS] = {0};
    size_t starts[] = {0, 10, 30}, backwards[] = {0, 10, 5}, n = 0;
    const float *states = NULL;
    float *logits = NULL, out[2 * N_EMBD];
    tiny_tokens(tokens, N_TOKENS);
    REFUSED(INLAY_ERR_ARGUMENT, "inlay_encode: session", inlay_encode(NULL, tokens, 1));
    REFUSED(INLAY_ERR_ARGUMENT, "inlay_encode: session", inlay_encode((inlay_session *)(void *)model, tokens, 1));
    REFUSED(INLAY_ERR_ARGUMENT, "inlay_encode: tokens", inlay_encode(s, NULL, 1));
    REFUSED(INLAY_ERR_ARGUMENT, "n_tokens is 0", inlay_encode(s, tokens, 0));
    REFUSED(INLAY_ERR_CONTEXT, "513 tokens do not fit", inlay_encode(s, tokens, 513));
    REFUSED(INLAY_ERR_STATE, "inlay_hidden_states: nothing was encoded", inlay_hidden_states(s, &states, &n, &n));
    REFUSED(INLAY_ERR_STATE, "inlay_logits_at: nothing was encoded", inlay_logits_at(s, 0, &logits, &n));
    CHECK_INT(inlay_encode_segments(s, tokens, NULL, N_TOKENS), INLAY_OK);
    segments[7] = 2;
    REFUSED(INLAY_ERR_ARGUMENT, "token 7 of 30 is of segment 2", inlay_encode_segments(s, tokens, segments, N_TOKENS));
    REFUSED(INLAY_ERR_ARGUMENT, "position is 30", inlay_logits_at(s, N_TOKENS, &logits, &n));
    REFUSED(INLAY_ERR_ARGUMENT, "inlay_logits_at: session", inlay_logits_at(NULL, 0, &logits, &n));
    CHECK_INT(inlay_logits_at(s, 0, NULL, NULL), INLAY_OK);
    CHECK_INT(inlay_hidden_states(s, NULL, NULL, NULL), INLAY_OK);
    CHECK_INT(inlay_hidden_states(s, &states, &n, NULL), INLAY_OK);
    CHECK(states != NULL && n == N_TOKENS);
    REFUSED(INLAY_ERR_ARGUMENT, "inlay_hidden_states: session", inlay_hidden_states(NULL, &states, &n, &n));
    REFUSED(INLAY_ERR_ARGUMENT, "inlay_embeddings: session", inlay_embeddings(NULL, tokens, starts, 2, out, 96, &n));
    REFUSED(INLAY_ERR_ARGUMENT, "inlay_embeddings: tokens", inlay_embeddings(s, NULL, starts, 2, out, 96, &n));
    REFUSED(INLAY_ERR_ARGUMENT, "inlay_embeddings: starts", inlay_embeddings(s, tokens, NULL, 2, out, 96, &n));
    REFUSED(INLAY_ERR_ARGUMENT, "n_sequences is 0", inlay_embeddings(s, tokens, starts, 0, out, 96, &n));
    REFUSED(INLAY_ERR_ARGUMENT, "inlay_embeddings: embeddings", inlay_embeddings(s, tokens, starts, 2, NULL, 96, &n));
    REFUSED(INLAY_ERR_BUFFER, "capacity is 95", inlay_embeddings(s, tokens, starts, 2, out, 95, &n));
    REFUSED(INLAY_ERR_BUFFER, "capacity is 95", inlay_embeddings(s, tokens, starts, SIZE_MAX, out, 95, &n));
    CHECK_INT(n, N_EMBD);
    REFUSED(INLAY_ERR_ARGUMENT, "sequence 1 of 2 has no tokens",
            inlay_embeddings(s, tokens, backwards, 2, out, 96, &n));
    CHECK_INT(inlay_embeddings(s, tokens, starts, 2, out, 96, NULL), INLAY_OK);
    REFUSED(INLAY_ERR_UNSUPPORTED, "has no head that classifies",
            inlay_scores(s, tokens, NULL, starts, 2, out, 96, &n));
    REFUSED(INLAY_ERR_ARGUMENT, "inlay_scores: session", inlay_scores(NULL, tokens, NULL, starts, 2, out, 96, &n));
    REFUSED(INLAY_ERR_UNSUPPORTED, "is an encoder and cannot generate", inlay_eval(s, tokens, 1));
    REFUSED(INLAY_ERR_UNSUPPORTED, "cannot generate", inlay_logits(s, &logits, &n));
    REFUSED(INLAY_ERR_ARGUMENT, "inlay_tokenize_pair: model",
            inlay_tokenize_pair(NULL, "a", 1, "b", 1, tokens, segments, N_TOKENS, &n));
    REFUSED(INLAY_ERR_ARGUMENT, "inlay_tokenize_pair: first",
            inlay_tokenize_pair(model, NULL, 1, "b", 1, tokens, segments, N_TOKENS, &n));
    REFUSED(INLAY_ERR_ARGUMENT, "inlay_tokenize_pair: second",
            inlay_tokenize_pair(model, "a", 1, NULL, 1, tokens, segments, N_TOKENS, &n));
    REFUSED(INLAY_ERR_ARGUMENT, "inlay_tokenize_pair: n_tokens",
            inlay_tokenize_pair(model, "a", 1, "b", 1, tokens, segments, N_TOKENS, NULL));
    CHECK_INT(fact(model, INLAY_MODEL_CAPABILITIES), INLAY_CAN_ENCODE | INLAY_CAN_EMBED | INLAY_CAN_FILL_MASK);
    inlay_session_free(s);
    inlay_model_free(model);
    free(data);
}

TEST(a_head_of_labels_scores_sequences_together_and_alone) {
    tiny_family family = bert;
    family.n_labels = 5;
    uint8_t *data;
    inlay_model *model = open_family(&family, NULL, &data);
    inlay_session *s = tiny_session(model, INLAY_OPT_CONTEXT, 32, INLAY_OPT_BATCH, 48, 0);
    int32_t tokens[200];
    uint8_t segments[200];
    size_t starts[41], n_labels = 0;
    float all[40 * 5], each[5];
    tiny_tokens(tokens, 200);
    for (size_t i = 0; i <= 40; i++) starts[i] = i < 20 ? i : i < 30 ? 20 + 8 * (i - 20) : 100 + 10 * (i - 30);
    for (size_t i = 0; i < 200; i++) segments[i] = i % 3 == 0;
    CHECK_INT(fact(model, INLAY_MODEL_N_LABELS), 5);
    CHECK_INT(inlay_scores(s, tokens, segments, starts, 40, all, 40 * 5, &n_labels), INLAY_OK);
    CHECK_INT(n_labels, 5);
    for (size_t i = 0; i < 40; i++) {
        const size_t one[] = {0, starts[i + 1] - starts[i]};
        CHECK_INT(inlay_scores(s, tokens + starts[i], segments + starts[i], one, 1, each, 5, NULL), INLAY_OK);
        CHECK(memcmp(each, all + 5 * i, sizeof each) == 0);
    }
    inlay_session_free(s);
    inlay_model_free(model);
    free(data);
}

TEST(labels_of_narrow_embeddings_are_refused_and_masked_tokens_run) {
    tiny_family family = bert;
    family.n_embd_in = 16;
    uint8_t *data;
    size_t size, n_vocab = 0;
    int32_t tokens[4];
    inlay_model *model = open_family(&family, NULL, &data);
    inlay_session *s = tiny_session(model, INLAY_OPT_CONTEXT, 32, 0);
    tiny_tokens(tokens, 4);
    CHECK_INT(inlay_encode(s, tokens, 4), INLAY_OK);
    CHECK_INT(inlay_logits_at(s, 1, NULL, &n_vocab), INLAY_OK);
    CHECK_INT(n_vocab, N_VOCAB);
    inlay_session_free(s);
    inlay_model_free(model);
    free(data);
    family.n_labels = 5;
    data = tiny_family_file(&family, &size);
    REFUSED(INLAY_ERR_UNSUPPORTED, "embedding_length_in", inlay_model_open_memory(data, size, NULL, &model));
    free(data);
}

/* ------------------------------------------------------------------- faults */

typedef struct result {
    float states[N_TOKENS * N_EMBD], logits[N_VOCAB], embeddings[2 * N_EMBD];
} result;

static fail_sys f;

/* Again after a failure that the header lists. */
#define TRY(call)                                                                            \
    for (int32_t status_ = INLAY_ERR_MEMORY; status_ != INLAY_OK;) {                         \
        status_ = (call);                                                                    \
        if (status_ == INLAY_OK) break;                                                      \
        CHECK(status_ == INLAY_ERR_MEMORY || status_ == INLAY_ERR_THREAD);                   \
        if (inlay_error()[0] == '\0' || atomic_load(&f.n_failed) == 0) exit(2);              \
        fail_sys_arm(&f, 0, false);                                                          \
        n_faults++;                                                                          \
    }

static size_t n_faults;

static void run(const uint8_t *data, size_t size, result *r) {
    inlay_options *o = NULL;
    inlay_model *model = NULL;
    inlay_session *s = NULL;
    int32_t tokens[N_TOKENS];
    const size_t starts[] = {0, 10, N_TOKENS};
    const float *states = NULL;
    float *logits = NULL;
    size_t n = 0;
    tiny_tokens(tokens, N_TOKENS);
    TRY(inlay__options_new_with_sys(&f.sys, &o));
    TRY(inlay_options_set_int(o, INLAY_OPT_THREADS, 3));
    TRY(inlay_model_open_memory(data, size, o, &model));
    TRY(inlay_session_new(model, o, &s));
    TRY(inlay_encode(s, tokens, N_TOKENS));
    TRY(inlay_hidden_states(s, &states, &n, NULL));
    memcpy(r->states, states, sizeof r->states);
    TRY(inlay_logits_at(s, 3, &logits, NULL));
    memcpy(r->logits, logits, sizeof r->logits);
    TRY(inlay_embeddings(s, tokens, starts, 2, r->embeddings, 2 * N_EMBD, NULL));
    inlay_session_free(s);
    inlay_model_free(model);
    inlay_options_free(o);
}

TEST(every_fault_leaves_all_as_it_was) {
    static result expected, found;
    size_t size;
    uint8_t *data = tiny_family_file(&bert, &size);
    fail_sys_init(&f);
    run(data, size, &expected);
    CHECK(fail_sys_is_clean(&f));
    for (int after = 0; after < 2; after++)
        for (size_t call = 1;; call++) {
            size_t before = n_faults;
            fail_sys_arm(&f, call, after != 0);
            run(data, size, &found);
            CHECK(memcmp(&found, &expected, sizeof found) == 0);
            CHECK(fail_sys_is_clean(&f));
            if (n_faults == before) break;
        }
    CHECK(n_faults > 20);
    free(data);
}

/* ------------------------------------------------------------------- cancel */

static int32_t stop(void *user, uint64_t done, uint64_t total) {
    (void)total;
    return done >= *(const uint64_t *)user;
}

TEST(progress_cancels_between_passes_and_states_stay) {
    uint8_t *data;
    inlay_model *model = open_family(&bert, NULL, &data);
    inlay_options *o = tiny_options(INLAY_OPT_CONTEXT, 16, INLAY_OPT_BATCH, 16, 0);
    inlay_session *s = NULL;
    int32_t tokens[N_TOKENS];
    const size_t starts[] = {0, 10, 20, N_TOKENS};
    const float *states = NULL;
    uint64_t most = 2;
    float before[10 * N_EMBD], out[3 * N_EMBD];
    size_t n = 0;
    tiny_tokens(tokens, N_TOKENS);
    CHECK_INT(inlay_options_set_progress(o, stop, &most), INLAY_OK);
    CHECK_INT(inlay_session_new(model, o, &s), INLAY_OK);
    CHECK_INT(inlay_encode(s, tokens, 10), INLAY_OK);
    CHECK_INT(inlay_hidden_states(s, &states, &n, NULL), INLAY_OK);
    memcpy(before, states, sizeof before);
    CHECK_INT(inlay_embeddings(s, tokens, starts, 3, out, 3 * N_EMBD, NULL), INLAY_ERR_CANCELLED);
    CHECK_INT(inlay_hidden_states(s, &states, &n, NULL), INLAY_OK);
    CHECK(n == 10 && memcmp(before, states, sizeof before) == 0);
    most = 100;
    CHECK_INT(inlay_embeddings(s, tokens, starts, 3, out, 3 * N_EMBD, NULL), INLAY_OK);
    inlay_session_free(s);
    inlay_options_free(o);
    inlay_model_free(model);
    free(data);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {CASE(misuse_is_refused_by_name),
                                      CASE(a_head_of_labels_scores_sequences_together_and_alone),
                                      CASE(labels_of_narrow_embeddings_are_refused_and_masked_tokens_run),
                                      CASE(every_fault_leaves_all_as_it_was),
                                      CASE(progress_cancels_between_passes_and_states_stay)};
    return test_main(cases, sizeof cases / sizeof cases[0], argc, argv);
}
