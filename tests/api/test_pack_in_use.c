/* Models whose weights are packed while sessions use them: the same bits before, during and after, on mapped, copied
 * and made tensors; no memory is taken then. */
#include "test.h"

#include <pthread.h>

#include "api/handles.h"
#include "support/accounting_sys.h"
#include "support/temp_file.h"
#include "support/tiny_open.h"

enum { N_TOKENS = 24, N_SESSIONS = 4, N_ROUNDS = 4 };

static tiny_params of_type(uint32_t type) {
    tiny_params p = tiny_defaults();
    p.matrix_type = p.embedding_type = type;
    p.n_embd = 256;
    p.n_ff = 512;
    p.n_vocab = 301; /* fills no panel */
    p.n_layer = 3;
    p.tied = true;
    return p;
}

static const char *write_model(const tiny_params *p) {
    size_t size;
    uint8_t *data = tiny_model(p, &size);
    const char *path = temp_file("model.gguf", data, size);
    free(data);
    return path;
}

static inlay_model *open_model(const char *path, int load, int pack, int quantize) {
    inlay_model *model;
    inlay_options *o = tiny_options(INLAY_OPT_LOAD, load, INLAY_OPT_PACK, pack, INLAY_OPT_QUANTIZE, quantize, 0);
    if (inlay_model_open(path, o, &model) != INLAY_OK) {
        printf("%s\n", inlay_error());
        exit(2);
    }
    inlay_options_free(o);
    return model;
}

/* The logits after N_TOKENS, `step` of them a call. */
static float *logits_of(inlay_model *model, size_t step) {
    int32_t tokens[N_TOKENS];
    tiny_tokens(tokens, N_TOKENS);
    inlay_session *s = tiny_session(model, INLAY_OPT_CONTEXT, 64, INLAY_OPT_THREADS, 2, 0);
    float *logits = tiny_eval(s, tokens, N_TOKENS, step);
    inlay_session_free(s);
    return logits;
}

typedef struct job {
    pthread_t thread;
    inlay_model *model;
    size_t step;
    float *logits;
} job;

static void *run(void *arg) {
    job *j = arg;
    j->logits = logits_of(j->model, j->step);
    return NULL;
}

/* Sessions that read prompts and single tokens at once, from when the model is open. */
static void check_together(inlay_model *model, const float *expected, size_t n_vocab) {
    job jobs[N_SESSIONS];
    for (size_t i = 0; i < N_SESSIONS; i++) {
        jobs[i] = (job){.model = model, .step = i % 2 == 0 ? 1 : N_TOKENS / 2};
        if (pthread_create(&jobs[i].thread, NULL, run, &jobs[i]) != 0) exit(2);
    }
    for (size_t i = 0; i < N_SESSIONS; i++) {
        pthread_join(jobs[i].thread, NULL);
        CHECK(memcmp(jobs[i].logits, expected, n_vocab * sizeof(float)) == 0);
        free(jobs[i].logits);
    }
}

TEST(sessions_that_meet_while_a_model_is_packed_give_the_bits_of_its_rows) {
    static const uint32_t types[] = {INLAY_TYPE_Q4_1, INLAY_TYPE_Q8_0, INLAY_TYPE_Q4_K, INLAY_TYPE_Q6_K};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        tiny_params p = of_type(types[i]);
        const char *path = write_model(&p);
        inlay_model *rows = open_model(path, INLAY_LOAD_MAP, INLAY_PACK_NEVER, -1);
        float *expected = logits_of(rows, N_TOKENS);
        inlay_model_free(rows);
        for (int round = 0; round < N_ROUNDS; round++) {
            inlay_model *model =
                open_model(path, round % 2 == 0 ? INLAY_LOAD_MAP : INLAY_LOAD_COPY, INLAY_PACK_AUTO, -1);
            check_together(model, expected, p.n_vocab);
            inlay_model_free(model);
        }
        free(expected);
    }
}

/* Tensors that are made while opening have no rows that could be read later. */
TEST(sessions_that_meet_on_a_model_quantised_while_opening_give_the_same_bits) {
    tiny_params p = of_type(INLAY_TYPE_F32);
    const char *path = write_model(&p);
    inlay_model *packed = open_model(path, INLAY_LOAD_MAP, INLAY_PACK_OPEN, INLAY_TYPE_Q4_0);
    float *expected = logits_of(packed, N_TOKENS);
    inlay_model_free(packed);
    for (int round = 0; round < N_ROUNDS; round++) {
        inlay_model *model = open_model(path, INLAY_LOAD_MAP, INLAY_PACK_AUTO, INLAY_TYPE_Q4_0);
        check_together(model, expected, p.n_vocab);
        inlay_model_free(model);
    }
    free(expected);
}

static int64_t token_bytes(const inlay_model *model) {
    int64_t bytes = 0;
    CHECK_INT(inlay_model_get_int(model, INLAY_MODEL_TOKEN_BYTES, &bytes), INLAY_OK);
    return bytes;
}

/* Panels of Q4_K are larger than its rows, so the bytes of a token tell which are read. */
TEST(the_evaluation_that_packs_takes_no_memory_and_a_few_tokens_do_not_pack) {
    accounting a;
    inlay_options *o;
    inlay_model *model;
    inlay_session *s;
    int32_t tokens[N_TOKENS];
    tiny_params p = of_type(INLAY_TYPE_Q4_K);
    const char *path = write_model(&p);
    tiny_tokens(tokens, N_TOKENS);
    accounting_init(&a);
    CHECK_INT(inlay__options_new_with_sys(&a.sys, &o), INLAY_OK);
    inlay_options_set_int(o, INLAY_OPT_LOAD, INLAY_LOAD_MAP);
    CHECK_INT(inlay_model_open(path, o, &model), INLAY_OK);
    CHECK_INT(inlay_session_new(model, o, &s), INLAY_OK);
    size_t n_allocs = a.n_allocs, live = a.live;
    int64_t rows = token_bytes(model);
    CHECK_INT(inlay_eval(s, tokens, 2), INLAY_OK);
    CHECK_INT(token_bytes(model), rows);
    CHECK_INT(inlay_eval(s, tokens, N_TOKENS), INLAY_OK);
    inlay__kernels kernels;
    inlay__kernels_init(&kernels, inlay__cpu_best());
    if (kernels.product_packed[INLAY_TYPE_Q4_K] != NULL) CHECK(token_bytes(model) > rows);
    CHECK_INT(a.n_allocs, n_allocs);
    CHECK_INT(a.live, live);
    inlay_session_free(s);
    inlay_model_free(model);
    inlay_options_free(o);
    CHECK_INT(a.live, 0);
}

TEST(packing_while_opening_and_never_are_choices) {
    tiny_params p = of_type(INLAY_TYPE_Q4_K);
    const char *path = write_model(&p);
    int64_t bytes[3];
    float *logits[3];
    for (int pack = INLAY_PACK_AUTO; pack <= INLAY_PACK_OPEN; pack++) {
        inlay_model *model = open_model(path, INLAY_LOAD_MAP, pack, -1);
        bytes[pack] = token_bytes(model);
        logits[pack] = logits_of(model, N_TOKENS);
        CHECK(memcmp(logits[pack], logits[0], p.n_vocab * sizeof(float)) == 0);
        if (pack != INLAY_PACK_AUTO) CHECK_INT(token_bytes(model), bytes[pack]);
        inlay_model_free(model);
    }
    CHECK_INT(bytes[INLAY_PACK_AUTO], bytes[INLAY_PACK_NEVER]);
    CHECK(bytes[INLAY_PACK_OPEN] >= bytes[INLAY_PACK_NEVER]);
    for (int pack = INLAY_PACK_AUTO; pack <= INLAY_PACK_OPEN; pack++) free(logits[pack]);
}

TEST_MAIN(CASE(sessions_that_meet_while_a_model_is_packed_give_the_bits_of_its_rows),
          CASE(sessions_that_meet_on_a_model_quantised_while_opening_give_the_same_bits),
          CASE(the_evaluation_that_packs_takes_no_memory_and_a_few_tokens_do_not_pack),
          CASE(packing_while_opening_and_never_are_choices))
