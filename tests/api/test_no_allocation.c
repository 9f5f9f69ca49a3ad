/* Once sessions and samplers are made, nothing more is taken: neither from the caller's allocator nor past it from
 * libc, whose functions the linker leads through this file (--wrap), while ten thousand tokens are read, generated,
 * forked, cut, saved, cancelled and sampled. */
#include "test.h"

#include <stdatomic.h>

#include "support/tiny_open.h"

enum { N_TOKENS = 10000, N_CONTEXT = 128, N_SEQUENCES = 4, N_STATE = 1 << 20 };

static atomic_size_t n_libc, n_given;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **memory, size_t alignment, size_t size);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);

void *__wrap_malloc(size_t size) {
    atomic_fetch_add(&n_libc, 1);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
    atomic_fetch_add(&n_libc, 1);
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size) {
    atomic_fetch_add(&n_libc, 1);
    return __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    atomic_fetch_add(&n_libc, 1);
    return __real_aligned_alloc(alignment, size);
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t size) {
    atomic_fetch_add(&n_libc, 1);
    return __real_posix_memalign(memory, alignment, size);
}

static void *give(void *user, size_t size, size_t alignment) {
    (void)user;
    atomic_fetch_add(&n_given, 1);
    return __real_aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

static void take_back(void *user, void *memory, size_t size) {
    (void)user, (void)size;
    free(memory);
}

static void use(inlay_session *session, int64_t sequence) {
    CHECK_INT(inlay_session_set_int(session, INLAY_OPT_SEQUENCE, sequence), INLAY_OK);
}

/* Reads a prompt and generates behind it, with every kind of call; how many tokens were evaluated. */
static size_t talk(inlay_session *session, inlay_sampler *sampler, const int32_t *prompt, size_t n_prompt,
                   uint8_t *state) {
    size_t done = 0, n_state, starts[3] = {0, 1, 2};
    int32_t token, both[2] = {0, 1}, pair[2];
    float *logits;
    use(session, 0);
    CHECK_INT(inlay_session_truncate(session, 0), INLAY_OK);
    CHECK_INT(inlay_eval(session, prompt, n_prompt), INLAY_OK);
    CHECK_INT(inlay_sampler_accept(sampler, prompt, n_prompt), INLAY_OK);
    CHECK_INT(inlay_sequence_fork(session, 0, 1), INLAY_OK);
    for (done = n_prompt; done < n_prompt + 20; done += 2) {
        CHECK_INT(inlay_logits(session, &logits, NULL), INLAY_OK);
        CHECK_INT(inlay_sampler_sample(sampler, logits, &token), INLAY_OK);
        CHECK_INT(inlay_sampler_accept(sampler, &token, 1), INLAY_OK);
        CHECK_INT(inlay_sample(session, &pair[1]), INLAY_OK);
        pair[0] = token;
        CHECK_INT(inlay_eval_batch(session, both, pair, starts, 2), INLAY_OK);
    }
    CHECK_INT(inlay_sequence_save(session, 0, state, N_STATE, &n_state), INLAY_OK);
    CHECK_INT(inlay_sequence_load(session, 2, state, n_state), INLAY_OK);
    CHECK_INT(inlay_eval_prompt(session, prompt, n_prompt / 2, NULL), INLAY_OK);
    CHECK_INT(inlay_eval_begin(session, prompt, n_prompt), INLAY_OK);
    inlay_session_cancel(session);
    CHECK_INT(inlay_eval_step(session, 1), INLAY_ERR_CANCELLED);
    CHECK_INT(inlay_eval_begin(session, prompt, n_prompt / 4), INLAY_OK);
    for (int32_t status = INLAY_AGAIN; status == INLAY_AGAIN;) {
        status = inlay_eval_step(session, 50);
        CHECK(status == INLAY_AGAIN || status == INLAY_OK);
    }
    CHECK_INT(inlay_sampler_reset(sampler, done), INLAY_OK);
    return done + n_prompt / 4;
}

static inlay_options *options_of(int64_t pack) {
    static const int64_t values[][2] = {{INLAY_OPT_THREADS, 2},
                                        {INLAY_OPT_CONTEXT, N_CONTEXT},
                                        {INLAY_OPT_BATCH, 32},
                                        {INLAY_OPT_SEQUENCES, N_SEQUENCES},
                                        {INLAY_OPT_KEEP, 3}};
    inlay_options *options = NULL;
    CHECK_INT(inlay_options_new_with_allocator(give, take_back, NULL, &options), INLAY_OK);
    CHECK_INT(inlay_options_set_int(options, INLAY_OPT_PACK, pack), INLAY_OK);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        CHECK_INT(inlay_options_set_int(options, (int32_t)values[i][0], values[i][1]), INLAY_OK);
    CHECK_INT(inlay_options_set_float(options, INLAY_OPT_TEMPERATURE, 1.0), INLAY_OK);
    return options;
}

/* Talks until so many tokens were evaluated. */
static void talk_long(inlay_model *model, const inlay_options *options, size_t n_tokens, const char *name) {
    inlay_session *session;
    inlay_sampler *sampler;
    int32_t prompt[90];
    uint8_t *state = malloc(N_STATE);
    size_t done = 0;
    int64_t n_vocab = 0;
    float *logits;
    CHECK_INT(inlay_session_new(model, options, &session), INLAY_OK);
    CHECK_INT(inlay_model_get_int(model, INLAY_MODEL_N_VOCAB, &n_vocab), INLAY_OK);
    for (int32_t i = 0; i < 90; i++) prompt[i] = (int32_t)((i * 37 + i / 7 + 3) % n_vocab);
    CHECK_INT(inlay_sampler_new((size_t)n_vocab, options, &sampler), INLAY_OK);
    for (int32_t stage = INLAY_STAGE_TEMPERATURE; stage <= INLAY_STAGE_DRY; stage++)
        if (stage != INLAY_STAGE_MIROSTAT && stage != INLAY_STAGE_MIROSTAT_V2)
            CHECK_INT(inlay_sampler_add(sampler, stage), INLAY_OK);
    CHECK_INT(inlay_logits(session, &logits, NULL), INLAY_ERR_STATE);
    size_t libc = n_libc, given = n_given;
    CHECK(libc > 0 && given > 0);
    while (done < n_tokens) {
        done += talk(session, sampler, prompt, 20 + done % 70, state);
        if (!CHECK(n_libc == libc && n_given == given)) {
            fprintf(stderr, "%s, after %zu tokens: %zu of libc, %zu of the allocator\n", name, done,
                    (size_t)n_libc - libc, (size_t)n_given - given);
            break;
        }
    }
    inlay_sampler_free(sampler);
    inlay_session_free(session);
    free(state);
}

static void talk_with(int64_t pack) {
    tiny_params params = tiny_defaults();
    params.matrix_type = INLAY_TYPE_Q8_0;
    inlay_options *options = options_of(pack);
    tiny t = tiny_open(&params, options);
    talk_long(t.model, options, N_TOKENS, "llama");
    tiny_close(&t);
    inlay_options_free(options);
}

/* Else the test could not fail. */
TEST(what_a_session_takes_of_libc_is_seen) {
    tiny t = tiny_open(NULL, NULL);
    size_t libc = n_libc;
    inlay_session *session = tiny_session(t.model, 0);
    CHECK(n_libc > libc);
    inlay_session_free(session);
    tiny_close(&t);
}

TEST(ten_thousand_tokens_allocate_nothing) { talk_with(INLAY_PACK_AUTO); }
TEST(nor_from_packed_weights) { talk_with(INLAY_PACK_OPEN); }
TEST(nor_from_rows) { talk_with(INLAY_PACK_NEVER); }

TEST(nor_do_recurrent_convolutional_and_windowed_families) {
    static const char *const names[] = {"gemma3", "mamba2", "lfm2-conv", "recurrentgemma", "rwkv4", "qwen3-moe"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        inlay_model *model = tiny_folder(names[i]);
        if (model == NULL) SKIP("INLAY_DATA does not name the folder of reference data");
        inlay_options *options = options_of(INLAY_PACK_AUTO);
        talk_long(model, options, N_TOKENS / 5, names[i]);
        inlay_options_free(options);
        inlay_model_free(model);
    }
}

TEST_MAIN(CASE(what_a_session_takes_of_libc_is_seen), CASE(ten_thousand_tokens_allocate_nothing),
          CASE(nor_from_packed_weights), CASE(nor_from_rows),
          CASE(nor_do_recurrent_convolutional_and_windowed_families))
