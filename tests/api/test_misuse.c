/* Every public function with every argument in turn NULL, zero, negative, too large or a handle of another kind, the
 * others as they should be: an error that names the function, or what the header calls harmless. */
#include "test.h"

#include "support/tiny_open.h"

/* What the calls work on, made anew for each case. */
typedef struct world {
    tiny t;
    inlay_options *options;
    inlay_session *session;
} world;

static world w;
static int n_calls;

static void set_up(void) {
    int32_t tokens[4];
    w.t = tiny_open(NULL, NULL);
    w.options = tiny_options(0);
    w.session = tiny_session(w.t.model, INLAY_OPT_CONTEXT, 16, 0);
    tiny_tokens(tokens, 4);
    CHECK_INT(inlay_eval(w.session, tokens, 4), INLAY_OK);
}

static void tear_down(void) {
    CHECK_INT(tiny_length(w.session), 4); /* nothing here changed the sequence */
    inlay_session_free(w.session);
    inlay_options_free(w.options);
    tiny_close(&w.t);
}

/* The call fails with this status and a text that names the function. */
#define REFUSED(status, function, ...)                               \
    do {                                                             \
        n_calls++;                                                   \
        inlay_option_describe(4711, NULL, NULL, NULL, NULL, NULL);   \
        CHECK_INT(function(__VA_ARGS__), status);                    \
        CHECK_HAS(inlay_error(), #function ": ");                    \
    } while (0)

#define BAD(function, ...) REFUSED(INLAY_ERR_ARGUMENT, function, __VA_ARGS__)

/* Handles of another kind, as if cast by mistake. */
static inlay_options *as_options(void *p) { return p; }
static inlay_model *as_model(void *p) { return p; }
static inlay_session *as_session(void *p) { return p; }

TEST(functions_of_options) {
    set_up();
    int64_t integer = 0;
    double number = 0.0;
    const char *text = NULL;
    size_t size = 0;
    inlay_options *made = NULL;
    BAD(inlay_options_new, NULL);
    BAD(inlay_options_new_with_allocator, NULL, NULL, NULL, NULL);
    BAD(inlay_options_new_with_allocator, NULL, NULL, NULL, &made);
    inlay_options *const wrong[] = {NULL, as_options(w.t.model), as_options(w.session)};
    for (size_t i = 0; i < 3; i++) {
        BAD(inlay_options_set_int, wrong[i], INLAY_OPT_BATCH, 1);
        BAD(inlay_options_set_float, wrong[i], INLAY_OPT_TOP_P, 0.5);
        BAD(inlay_options_set_string, wrong[i], INLAY_OPT_CPU, "scalar", 6);
        BAD(inlay_options_set_text, wrong[i], INLAY_OPT_BATCH, "1", 1);
        BAD(inlay_options_get_int, wrong[i], INLAY_OPT_BATCH, &integer);
        BAD(inlay_options_get_float, wrong[i], INLAY_OPT_TOP_P, &number);
        BAD(inlay_options_get_string, wrong[i], INLAY_OPT_CPU, &text, &size);
        BAD(inlay_options_set_log, wrong[i], NULL, NULL);
        BAD(inlay_options_set_progress, wrong[i], NULL, NULL);
        BAD(inlay_options_set_parallel, wrong[i], NULL, NULL);
        inlay_options_free(wrong[i]); /* harmless */
    }
    BAD(inlay_options_set_string, w.options, INLAY_OPT_CPU, NULL, 1);
    BAD(inlay_options_set_string, w.options, INLAY_OPT_CPU, NULL, INLAY_ALL);
    BAD(inlay_options_set_text, w.options, INLAY_OPT_BATCH, NULL, 1);
    BAD(inlay_options_set_text, w.options, INLAY_OPT_BATCH, "1", 0);
    BAD(inlay_options_get_int, w.options, INLAY_OPT_BATCH, NULL);
    BAD(inlay_options_get_float, w.options, INLAY_OPT_TOP_P, NULL);
    BAD(inlay_options_get_string, w.options, INLAY_OPT_CPU, NULL, &size);
    BAD(inlay_options_get_string, w.options, INLAY_OPT_CPU, &text, NULL);
    const int32_t keys[] = {0, -1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < 4; i++) {
        REFUSED(INLAY_ERR_KEY, inlay_options_set_int, w.options, keys[i], 1);
        REFUSED(INLAY_ERR_KEY, inlay_options_set_float, w.options, keys[i], 1.0);
        REFUSED(INLAY_ERR_KEY, inlay_options_set_string, w.options, keys[i], "x", 1);
        REFUSED(INLAY_ERR_KEY, inlay_options_set_text, w.options, keys[i], "x", 1);
        REFUSED(INLAY_ERR_KEY, inlay_options_get_int, w.options, keys[i], &integer);
        REFUSED(INLAY_ERR_KEY, inlay_options_get_float, w.options, keys[i], &number);
        REFUSED(INLAY_ERR_KEY, inlay_options_get_string, w.options, keys[i], &text, &size);
        REFUSED(INLAY_ERR_KEY, inlay_option_describe, keys[i], NULL, NULL, NULL, NULL, NULL);
    }
    CHECK_INT(inlay_options_set_log(w.options, NULL, NULL), INLAY_OK);
    CHECK_INT(inlay_options_set_progress(w.options, NULL, NULL), INLAY_OK);
    CHECK(made == NULL);
    tear_down();
}

static int64_t read_nothing(void *user, void *buffer, size_t size, uint64_t offset) {
    (void)user, (void)buffer, (void)size, (void)offset;
    return 0;
}

TEST(functions_that_open_models) {
    set_up();
    inlay_model *model = NULL;
    BAD(inlay_model_open, NULL, NULL, &model);
    BAD(inlay_model_open, "x.gguf", NULL, NULL);
    BAD(inlay_model_open, "x.gguf", as_options(w.t.model), &model);
    BAD(inlay_model_open, "x.gguf", as_options(w.session), &model);
    BAD(inlay_model_open_memory, NULL, w.t.size, NULL, &model);
    BAD(inlay_model_open_memory, NULL, 0, NULL, &model);
    BAD(inlay_model_open_memory, w.t.data, w.t.size, NULL, NULL);
    BAD(inlay_model_open_memory, w.t.data, w.t.size, as_options(w.session), &model);
    BAD(inlay_model_open_fd, -1, 0, 1, NULL, &model);
    BAD(inlay_model_open_fd, INT32_MIN, 0, INLAY_TO_END, NULL, &model);
    BAD(inlay_model_open_fd, 0, 0, 1, NULL, NULL);
    BAD(inlay_model_open_fd, 0, 0, 1, as_options(w.session), &model);
    BAD(inlay_model_open_read, NULL, NULL, 1, NULL, &model);
    BAD(inlay_model_open_read, read_nothing, NULL, 1, NULL, NULL);
    BAD(inlay_model_open_read, read_nothing, NULL, 1, as_options(w.session), &model);
    CHECK(model == NULL);
    CHECK_INT(inlay_model_open_read(read_nothing, NULL, 1, NULL, &model), INLAY_ERR_IO);
    CHECK_INT(inlay_model_open_memory(w.t.data, 0, NULL, &model), INLAY_ERR_FORMAT);
    inlay_model_free(NULL);
    inlay_model_free(as_model(w.options));
    inlay_model_free(as_model(w.session));
    CHECK_STR(inlay_model_error(NULL), "");
    CHECK_STR(inlay_model_error(as_model(w.options)), "");
    tear_down();
}

TEST(functions_that_write_models) {
    set_up();
    BAD(inlay_convert_file, NULL, "x.gguf", NULL);
    BAD(inlay_convert_file, "x", NULL, NULL);
    BAD(inlay_convert_file, "x", "x.gguf", as_options(w.t.model));
    BAD(inlay_convert_file, "x", "x.gguf", as_options(w.session));
    BAD(inlay_pack_file, NULL, "x.gguf", NULL);
    BAD(inlay_pack_file, "x", NULL, NULL);
    BAD(inlay_pack_file, "x", "x.gguf", as_options(w.t.model));
    tear_down();
}

TEST(functions_that_tell_of_models) {
    set_up();
    int64_t integer = 0;
    const char *text = NULL;
    size_t size = 0;
    int32_t type = 0;
    uint64_t shape[4];
    char buffer[64];
    inlay_model *const wrong[] = {NULL, as_model(w.options), as_model(w.session)};
    for (size_t i = 0; i < 3; i++) {
        BAD(inlay_model_get_int, wrong[i], INLAY_MODEL_N_VOCAB, &integer);
        BAD(inlay_model_get_string, wrong[i], INLAY_MODEL_NAME, &text, &size);
        BAD(inlay_model_metadata_count, wrong[i], &size);
        BAD(inlay_model_metadata_key, wrong[i], 0, &text, &size);
        BAD(inlay_model_metadata_find, wrong[i], "general.name", 12, &size);
        BAD(inlay_model_metadata_text, wrong[i], 0, 0, buffer, sizeof buffer, &size);
        BAD(inlay_model_tensor_count, wrong[i], &size);
        BAD(inlay_model_tensor, wrong[i], 0, &text, &type, shape);
    }
    inlay_model *m = w.t.model;
    BAD(inlay_model_get_int, m, INLAY_MODEL_N_VOCAB, NULL);
    BAD(inlay_model_get_string, m, INLAY_MODEL_NAME, NULL, &size);
    BAD(inlay_model_get_string, m, INLAY_MODEL_NAME, &text, NULL);
    BAD(inlay_model_metadata_count, m, NULL);
    BAD(inlay_model_metadata_key, m, 0, NULL, &size);
    BAD(inlay_model_metadata_key, m, 0, &text, NULL);
    BAD(inlay_model_metadata_key, m, SIZE_MAX, &text, &size);
    BAD(inlay_model_metadata_find, m, NULL, 12, &size);
    BAD(inlay_model_metadata_find, m, "general.name", 12, NULL);
    BAD(inlay_model_metadata_text, m, 0, 0, NULL, 1, &size);
    BAD(inlay_model_metadata_text, m, 0, 0, buffer, sizeof buffer, NULL);
    BAD(inlay_model_metadata_text, m, SIZE_MAX, 0, buffer, sizeof buffer, &size);
    BAD(inlay_model_metadata_text, m, 0, SIZE_MAX, buffer, sizeof buffer, &size);
    BAD(inlay_model_metadata_text, m, 0, 1, buffer, sizeof buffer, &size);
    REFUSED(INLAY_ERR_BUFFER, inlay_model_metadata_text, m, 0, 0, buffer, 0, &size);
    BAD(inlay_model_tensor_count, m, NULL);
    BAD(inlay_model_tensor, m, SIZE_MAX, &text, &type, shape);
    const int32_t facts[] = {0, -1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < 4; i++) {
        REFUSED(INLAY_ERR_KEY, inlay_model_get_int, m, facts[i], &integer);
        REFUSED(INLAY_ERR_KEY, inlay_model_get_string, m, facts[i], &text, &size);
    }
    tear_down();
}

TEST(functions_of_tokens) {
    set_up();
    int32_t tokens[8], token = TINY_FIRST_BYTE;
    size_t n = 0;
    char buffer[64];
    const char *text = NULL;
    uint64_t state = 0;
    inlay_model *const wrong[] = {NULL, as_model(w.options), as_model(w.session)};
    for (size_t i = 0; i < 3; i++) {
        BAD(inlay_tokenize, wrong[i], "a", 1, 0, tokens, 8, &n);
        BAD(inlay_detokenize, wrong[i], &token, 1, buffer, sizeof buffer, &n);
        BAD(inlay_stream_text, wrong[i], &state, token, buffer, sizeof buffer, &n);
        BAD(inlay_token_text, wrong[i], token, &text, &n);
        BAD(inlay_token_find, wrong[i], "a", 1, &token);
        REFUSED(-1, inlay_token_flags, wrong[i], token);
        CHECK_INT(inlay_token_is_end(wrong[i], token), 0);
    }
    inlay_model *m = w.t.model;
    BAD(inlay_tokenize, m, NULL, 1, 0, tokens, 8, &n);
    BAD(inlay_tokenize, m, NULL, INLAY_ALL, 0, tokens, 8, &n);
    BAD(inlay_tokenize, m, "a", 1, -1, tokens, 8, &n);
    BAD(inlay_tokenize, m, "a", 1, INT32_MAX, tokens, 8, &n);
    BAD(inlay_tokenize, m, "a", 1, 0, NULL, 8, &n);
    BAD(inlay_tokenize, m, "a", 1, 0, tokens, 8, NULL);
    BAD(inlay_detokenize, m, NULL, 1, buffer, sizeof buffer, &n);
    BAD(inlay_detokenize, m, &token, 1, NULL, 1, &n);
    BAD(inlay_detokenize, m, &token, 1, buffer, sizeof buffer, NULL);
    BAD(inlay_stream_text, m, NULL, token, buffer, sizeof buffer, &n);
    BAD(inlay_stream_text, m, &state, token, NULL, 1, &n);
    BAD(inlay_stream_text, m, &state, token, buffer, sizeof buffer, NULL);
    BAD(inlay_token_text, m, token, NULL, &n);
    BAD(inlay_token_text, m, token, &text, NULL);
    BAD(inlay_token_find, m, NULL, 1, &token);
    BAD(inlay_token_find, m, "a", 1, NULL);
    const int32_t ids[] = {-1, 320, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < 4; i++) {
        REFUSED(INLAY_ERR_TOKEN, inlay_token_text, m, ids[i], &text, &n);
        REFUSED(-1, inlay_token_flags, m, ids[i]);
        CHECK_INT(inlay_token_is_end(m, ids[i]), 0);
    }
    tear_down();
}

TEST(functions_of_sessions) {
    set_up();
    int32_t tokens[8], token = 0;
    int64_t integer = 0;
    size_t n = 0;
    float rows[320], *logits = NULL;
    const int32_t first = 0, second = 1;
    const size_t starts[] = {0, 1}, empty[] = {0, 0}, falling[] = {1, 0};
    inlay_session *made = NULL;
    tiny_tokens(tokens, 8);
    BAD(inlay_session_new, NULL, NULL, &made);
    BAD(inlay_session_new, as_model(w.options), NULL, &made);
    BAD(inlay_session_new, as_model(w.session), NULL, &made);
    BAD(inlay_session_new, w.t.model, NULL, NULL);
    BAD(inlay_session_new, w.t.model, as_options(w.t.model), &made);
    BAD(inlay_session_new, w.t.model, as_options(w.session), &made);
    CHECK(made == NULL);
    inlay_session *const wrong[] = {NULL, as_session(w.options), as_session(w.t.model)};
    for (size_t i = 0; i < 3; i++) {
        BAD(inlay_eval, wrong[i], tokens, 1);
        BAD(inlay_eval_all, wrong[i], tokens, 1, rows, 320);
        BAD(inlay_logits, wrong[i], &logits, &n);
        BAD(inlay_sample, wrong[i], &token);
        BAD(inlay_session_set_int, wrong[i], INLAY_OPT_TOP_K, 1);
        BAD(inlay_session_set_float, wrong[i], INLAY_OPT_TOP_P, 0.5);
        BAD(inlay_session_get_int, wrong[i], INLAY_SESSION_LENGTH, &integer);
        BAD(inlay_session_truncate, wrong[i], 0);
        BAD(inlay_session_drop, wrong[i], 0, 0);
        BAD(inlay_eval_batch, wrong[i], &first, tokens, starts, 1);
        BAD(inlay_eval_begin, wrong[i], tokens, 1);
        BAD(inlay_eval_begin_batch, wrong[i], &first, tokens, starts, 1);
        BAD(inlay_eval_step, wrong[i], 1);
        BAD(inlay_eval_abandon, wrong[i]);
        BAD(inlay_eval_prompt, wrong[i], tokens, 1, &n);
        BAD(inlay_session_recall, wrong[i], tokens, 1, &n);
        BAD(inlay_session_keep, wrong[i]);
        BAD(inlay_session_forget, wrong[i]);
        BAD(inlay_sequence_fork, wrong[i], 0, 0);
        BAD(inlay_sequence_save, wrong[i], 0, rows, 4, &n);
        BAD(inlay_sequence_load, wrong[i], 0, rows, 4);
        BAD(inlay_sequence_save_file, wrong[i], 0, "state");
        BAD(inlay_sequence_load_file, wrong[i], 0, "state");
        inlay_session_cancel(wrong[i]);
        inlay_session_free(wrong[i]);
        CHECK_STR(inlay_session_error(wrong[i]), "");
    }
    inlay_session *s = w.session;
    BAD(inlay_eval, s, NULL, 1);
    BAD(inlay_eval, s, NULL, 0);
    BAD(inlay_eval, s, tokens, 0);
    BAD(inlay_eval_all, s, NULL, 1, rows, 320);
    BAD(inlay_eval_all, s, tokens, 0, rows, 320);
    BAD(inlay_eval_all, s, tokens, 1, NULL, 320);
    REFUSED(INLAY_ERR_BUFFER, inlay_eval_all, s, tokens, 1, rows, 319);
    REFUSED(INLAY_ERR_BUFFER, inlay_eval_all, s, tokens, SIZE_MAX, rows, 320);
    BAD(inlay_sample, s, NULL);
    BAD(inlay_session_get_int, s, INLAY_SESSION_LENGTH, NULL);
    BAD(inlay_eval_batch, s, NULL, tokens, starts, 1);
    BAD(inlay_eval_batch, s, &first, NULL, starts, 1);
    BAD(inlay_eval_batch, s, &first, tokens, NULL, 1);
    BAD(inlay_eval_batch, s, &first, tokens, starts, 0);
    BAD(inlay_eval_batch, s, &first, tokens, starts, SIZE_MAX);
    BAD(inlay_eval_batch, s, &second, tokens, starts, 1);
    BAD(inlay_eval_batch, s, &first, tokens, empty, 1);
    BAD(inlay_eval_batch, s, &first, tokens, falling, 1);
    BAD(inlay_eval_begin, s, NULL, 1);
    BAD(inlay_eval_begin, s, tokens, 0);
    BAD(inlay_eval_begin_batch, s, NULL, tokens, starts, 1);
    BAD(inlay_eval_begin_batch, s, &first, NULL, starts, 1);
    BAD(inlay_eval_begin_batch, s, &first, tokens, NULL, 1);
    BAD(inlay_eval_begin_batch, s, &first, tokens, starts, 0);
    BAD(inlay_eval_begin_batch, s, &second, tokens, starts, 1);
    REFUSED(INLAY_ERR_STATE, inlay_eval_step, s, 1);
    BAD(inlay_eval_prompt, s, NULL, 1, &n);
    BAD(inlay_eval_prompt, s, tokens, 0, NULL);
    BAD(inlay_session_recall, s, NULL, 1, &n);
    BAD(inlay_session_recall, s, tokens, 0, &n);
    BAD(inlay_session_recall, s, tokens, 1, NULL);
    BAD(inlay_sequence_fork, s, 0, 1);
    BAD(inlay_sequence_fork, s, -1, 0);
    BAD(inlay_sequence_save, s, 1, rows, 4, &n);
    BAD(inlay_sequence_save, s, 0, rows, 4, NULL);
    REFUSED(INLAY_ERR_BUFFER, inlay_sequence_save, s, 0, NULL, SIZE_MAX, &n);
    BAD(inlay_sequence_load, s, -1, rows, 4);
    BAD(inlay_sequence_load, s, 0, NULL, 4);
    BAD(inlay_sequence_save_file, s, 0, NULL);
    BAD(inlay_sequence_load_file, s, 0, NULL);
    BAD(inlay_sequence_fork, s, INT32_MAX, 0);
    size_t n_found = 0;
    double score = 0.0;
    BAD(inlay_beam_search, s, 1, 4, 1.0, tokens, 4, &n_found, &score);
    BAD(inlay_beam_search, s, 0, 4, 1.0, tokens, 4, &n_found, &score);
    BAD(inlay_beam_search, s, SIZE_MAX, 4, 1.0, tokens, 4, &n_found, &score);
    BAD(inlay_beam_search, NULL, 1, 4, 1.0, tokens, 4, &n_found, &score);
    BAD(inlay_beam_search, s, 1, 4, 1.0, NULL, 4, &n_found, &score);
    BAD(inlay_beam_search, s, 1, 4, 1.0, tokens, 4, NULL, &score);
    BAD(inlay_best_of, s, 1, 4, 1.0, NULL, tokens, 4, &n_found, &score);
    BAD(inlay_best_of, s, 0, 4, 1.0, NULL, tokens, 4, &n_found, &score);
    BAD(inlay_best_of, s, SIZE_MAX, 4, 1.0, NULL, tokens, 4, &n_found, &score);
    BAD(inlay_best_of, NULL, 1, 4, 1.0, NULL, tokens, 4, &n_found, &score);
    BAD(inlay_best_of, s, 1, 4, 1.0, NULL, NULL, 4, &n_found, &score);
    BAD(inlay_best_of, s, 1, 4, 1.0, NULL, tokens, 4, NULL, &score);
    BAD(inlay_best_of, s, 1, 4, 1.0, (inlay_sampler *)(void *)s, tokens, 4, &n_found, &score);
    BAD(inlay_session_truncate, s, 5);
    BAD(inlay_session_truncate, s, SIZE_MAX);
    BAD(inlay_session_drop, s, 0, 5);
    BAD(inlay_session_drop, s, 3, 2);
    BAD(inlay_session_drop, s, SIZE_MAX, SIZE_MAX);
    BAD(inlay_session_set_float, s, INLAY_OPT_TOP_P, __builtin_nan(""));
    BAD(inlay_session_set_int, s, INLAY_OPT_TOP_K, INT64_MIN);
    BAD(inlay_session_set_int, s, INLAY_OPT_TOP_K, INT64_MAX);
    const int32_t keys[] = {0, -1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < 4; i++) {
        REFUSED(INLAY_ERR_KEY, inlay_session_set_int, s, keys[i], 1);
        REFUSED(INLAY_ERR_KEY, inlay_session_set_float, s, keys[i], 1.0);
        REFUSED(INLAY_ERR_KEY, inlay_session_get_int, s, keys[i], &integer);
    }
    CHECK_INT(inlay_logits(s, NULL, NULL), INLAY_OK);
    inlay_session_cancel(s); /* without a running call it does nothing */
    CHECK_INT(inlay_eval(s, tokens, 1), INLAY_OK);
    CHECK_INT(inlay_session_truncate(s, 4), INLAY_OK);
    tear_down();
}

TEST(functions_that_fill_gaps) {
    set_up();
    int32_t token;
    size_t n;
    const char *const files[] = {"a", NULL};
    BAD(inlay_fill_tokens, NULL, "a", 1, "b", 1, NULL, NULL, 0, &token, 1, &n);
    BAD(inlay_fill_tokens, w.t.model, NULL, 1, "b", 1, NULL, NULL, 0, &token, 1, &n);
    BAD(inlay_fill_tokens, w.t.model, "a", 1, NULL, 1, NULL, NULL, 0, &token, 1, &n);
    BAD(inlay_fill_tokens, w.t.model, "a", 1, "b", 1, NULL, NULL, 1, &token, 1, &n);
    BAD(inlay_fill_tokens, w.t.model, "a", 1, "b", 1, NULL, files, 1, &token, 1, &n);
    BAD(inlay_fill_tokens, w.t.model, "a", 1, "b", 1, NULL, files, SIZE_MAX, &token, 1, &n);
    BAD(inlay_fill_tokens, w.t.model, "a", 1, "b", 1, NULL, NULL, 0, NULL, 1, &n);
    BAD(inlay_fill_tokens, w.t.model, "a", 1, "b", 1, NULL, NULL, 0, &token, 1, NULL);
    REFUSED(INLAY_ERR_UNSUPPORTED, inlay_fill_tokens, w.t.model, "a", 1, "b", 1, NULL, NULL, 0, &token, 1, &n);
    tear_down();
}

TEST(functions_that_plan) {
    set_up();
    int64_t values[2];
    BAD(inlay_plan, NULL, NULL, values, 2);
    BAD(inlay_plan, "x.gguf", NULL, NULL, 2);
    BAD(inlay_plan, "x.gguf", as_options(w.session), values, 2);
    CHECK_INT(inlay_plan("no such file.gguf", w.options, values, 2), INLAY_ERR_IO);
    BAD(inlay_plan_fd, -1, 0, 1, NULL, values, 2);
    BAD(inlay_plan_fd, 0, 0, 1, NULL, NULL, 2);
    BAD(inlay_plan_fd, 0, 0, 1, as_options(w.session), values, 2);
    BAD(inlay_plan_read, NULL, NULL, 1, NULL, values, 2);
    BAD(inlay_plan_read, read_nothing, NULL, 1, NULL, NULL, 2);
    BAD(inlay_plan_read, read_nothing, NULL, 1, as_options(w.session), values, 2);
    CHECK_INT(inlay_plan_read(read_nothing, NULL, 1, w.options, values, 2), INLAY_ERR_IO);
    tear_down();
}

TEST(functions_that_record_and_replay) {
    set_up();
    int64_t values[2];
    inlay_session *const wrong[] = {NULL, as_session(w.t.model), as_session(w.options)};
    inlay_model *const wrong_models[] = {NULL, as_model(w.session), as_model(w.options)};
    for (size_t i = 0; i < 3; i++) {
        BAD(inlay_record_begin, wrong[i], "x.rec");
        BAD(inlay_record_end, wrong[i]);
        BAD(inlay_replay, wrong_models[i], "x.rec", NULL, values, 2);
    }
    BAD(inlay_record_begin, w.session, NULL);
    REFUSED(INLAY_ERR_STATE, inlay_record_end, w.session);
    BAD(inlay_replay, w.t.model, NULL, NULL, values, 2);
    BAD(inlay_replay, w.t.model, "x.rec", as_options(w.session), values, 2);
    CHECK_INT(inlay_replay(w.t.model, "no such file.rec", w.options, NULL, 0), INLAY_ERR_IO);
    CHECK_INT(inlay_replay(w.t.model, "no such file.rec", w.options, NULL, 2), INLAY_ERR_IO);
    tear_down();
}

static inlay_speculator *as_speculator(void *p) { return p; }

TEST(functions_of_speculators) {
    set_up();
    inlay_speculator *s = NULL, *made = NULL;
    int32_t token = 0;
    int64_t value;
    size_t n = 0;
    BAD(inlay_speculator_new, 0, 8, 64, NULL, &made);
    BAD(inlay_speculator_new, SIZE_MAX, 8, 64, NULL, &made);
    BAD(inlay_speculator_new, 320, 0, 64, NULL, &made);
    BAD(inlay_speculator_new, 320, 65, 64, NULL, &made);
    BAD(inlay_speculator_new, 320, SIZE_MAX, 64, NULL, &made);
    BAD(inlay_speculator_new, 320, 8, 1, NULL, &made);
    BAD(inlay_speculator_new, 320, 8, SIZE_MAX, NULL, &made);
    BAD(inlay_speculator_new, 320, 8, 64, as_options(w.session), &made);
    BAD(inlay_speculator_new, 320, 8, 64, NULL, NULL);
    CHECK_INT(inlay_speculator_new(320, 8, 64, w.options, &s), INLAY_OK);
    CHECK_INT(inlay_eval(w.session, &token, 1), INLAY_OK);
    inlay_speculator *const wrong[] = {NULL, as_speculator(w.t.model), as_speculator(w.session)};
    for (size_t i = 0; i < 3; i++) {
        BAD(inlay_speculator_accept, wrong[i], &token, 1);
        BAD(inlay_speculator_reset, wrong[i]);
        BAD(inlay_speculator_get_int, wrong[i], INLAY_SPECULATOR_KEPT, &value);
        BAD(inlay_speculate, wrong[i], w.session, NULL, NULL, &token, 1, &n);
        inlay_speculator_free(wrong[i]); /* harmless */
    }
    const int32_t wrong_tokens[] = {-1, 320, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < 4; i++) REFUSED(INLAY_ERR_TOKEN, inlay_speculator_accept, s, &wrong_tokens[i], 1);
    BAD(inlay_speculator_accept, s, NULL, 1);
    CHECK_INT(inlay_speculator_accept(s, NULL, 0), INLAY_OK);
    BAD(inlay_speculator_get_int, s, INLAY_SPECULATOR_KEPT, NULL);
    const int32_t facts[] = {0, -1, 4, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < 5; i++) REFUSED(INLAY_ERR_KEY, inlay_speculator_get_int, s, facts[i], &value);
    BAD(inlay_speculate, s, NULL, NULL, NULL, &token, 1, &n);
    BAD(inlay_speculate, s, as_session(w.t.model), NULL, NULL, &token, 1, &n);
    BAD(inlay_speculate, s, w.session, as_session(w.t.model), NULL, &token, 1, &n);
    BAD(inlay_speculate, s, w.session, NULL, (void *)w.session, &token, 1, &n);
    BAD(inlay_speculate, s, w.session, NULL, NULL, NULL, 1, &n);
    BAD(inlay_speculate, s, w.session, NULL, NULL, &token, 1, NULL);
    REFUSED(INLAY_ERR_BUFFER, inlay_speculate, s, w.session, NULL, NULL, &token, 0, &n);
    CHECK_INT(inlay_speculate(s, w.session, NULL, NULL, &token, 1, &n), INLAY_OK);
    inlay_speculator_free(s);
    CHECK_INT(inlay_session_truncate(w.session, 4), INLAY_OK);
    tear_down();
}

static inlay_sampler *as_sampler(void *p) { return p; }
static int32_t no_stage(void *user, int32_t *tokens, float *logits, size_t *n) {
    (void)user, (void)tokens, (void)logits, (void)n;
    return 0;
}

TEST(functions_of_samplers) {
    set_up();
    inlay_sampler *s = NULL, *made = NULL;
    int32_t token = 0;
    const int32_t wrong_tokens[] = {-1, 3, INT32_MAX, INT32_MIN};
    const float logits[] = {1.0f, 2.0f, 3.0f}, nan = __builtin_nanf(""), infinite = __builtin_inff();
    float p = 0.0f;
    size_t n = 0;
    BAD(inlay_sampler_new, 0, NULL, &made);
    BAD(inlay_sampler_new, SIZE_MAX, NULL, &made);
    BAD(inlay_sampler_new, ((size_t)1 << 24) + 1, NULL, &made);
    BAD(inlay_sampler_new, 3, NULL, NULL);
    BAD(inlay_sampler_new, 3, as_options(w.session), &made);
    CHECK_INT(inlay_sampler_new(3, w.options, &s), INLAY_OK);
    inlay_sampler *const wrong[] = {NULL, as_sampler(w.t.model), as_sampler(w.session), as_sampler(w.options)};
    for (size_t i = 0; i < 4; i++) {
        BAD(inlay_sampler_clone, wrong[i], &made);
        BAD(inlay_sampler_add, wrong[i], INLAY_STAGE_TOP_K);
        BAD(inlay_sampler_set, wrong[i], INLAY_PARAMETER_TOP_K, 1.0);
        BAD(inlay_sampler_add_bias, wrong[i], &token, &p, 1);
        BAD(inlay_sampler_add_allowed, wrong[i], &token, 1);
        BAD(inlay_sampler_add_callback, wrong[i], no_stage, NULL);
        BAD(inlay_sampler_set_breakers, wrong[i], &token, 1);
        BAD(inlay_sampler_accept, wrong[i], &token, 1);
        BAD(inlay_sampler_reset, wrong[i], 1);
        BAD(inlay_sampler_sample, wrong[i], logits, &token);
        BAD(inlay_sampler_candidates, wrong[i], logits, &token, &p, 1, &n);
        BAD(inlay_sampler_save, wrong[i], &p, 4, &n);
        BAD(inlay_sampler_load, wrong[i], &p, 4);
        inlay_sampler_free(wrong[i]); /* harmless */
    }
    BAD(inlay_sampler_clone, s, NULL);
    const int32_t numbers[] = {0, -1, INLAY_STAGE_GRAMMAR, INT32_MAX, INT32_MIN, INLAY_STAGE_BIAS, INLAY_STAGE_ALLOWED,
                               INLAY_STAGE_CALLBACK};
    for (size_t i = 0; i < 8; i++) BAD(inlay_sampler_add, s, numbers[i]);
    for (size_t i = 0; i < 5; i++) {
        if (i != 2) REFUSED(INLAY_ERR_KEY, inlay_sampler_set, s, numbers[i], 1.0);
    }
    CHECK_INT(inlay_sampler_set(s, INLAY_PARAMETER_DRY_BASE, 1.5), INLAY_ERR_STATE);
    REFUSED(INLAY_ERR_STATE, inlay_sampler_set_breakers, s, &token, 1);
    CHECK_INT(inlay_sampler_add(s, INLAY_STAGE_DRY), INLAY_OK);
    for (int32_t stage = INLAY_STAGE_TEMPERATURE; stage < INLAY_STAGE_MIROSTAT; stage++)
        CHECK_INT(inlay_sampler_add(s, stage), INLAY_OK);
    CHECK_INT(inlay_sampler_add(s, INLAY_STAGE_PENALTIES), INLAY_OK);
    for (int32_t key = INLAY_PARAMETER_TEMPERATURE; key <= INLAY_PARAMETER_DRY_LAST; key++) {
        BAD(inlay_sampler_set, s, key, (double)nan);
        BAD(inlay_sampler_set, s, key, (double)infinite);
        BAD(inlay_sampler_set, s, key, -1e300);
    }
    BAD(inlay_sampler_set, s, INLAY_PARAMETER_TOP_K, 1.5);
    for (size_t i = 0; i < 4; i++) {
        const int32_t *bad = &wrong_tokens[i];
        REFUSED(INLAY_ERR_TOKEN, inlay_sampler_add_bias, s, bad, &p, 1);
        REFUSED(INLAY_ERR_TOKEN, inlay_sampler_add_allowed, s, bad, 1);
        REFUSED(INLAY_ERR_TOKEN, inlay_sampler_set_breakers, s, bad, 1);
        REFUSED(INLAY_ERR_TOKEN, inlay_sampler_accept, s, bad, 1);
        REFUSED(INLAY_ERR_TOKEN, inlay_log_probability, logits, 3, *bad, &p);
    }
    BAD(inlay_sampler_add_bias, s, NULL, &p, 1);
    BAD(inlay_sampler_add_bias, s, &token, &nan, 1);
    BAD(inlay_sampler_add_bias, s, &token, &infinite, 1);
    BAD(inlay_sampler_add_allowed, s, NULL, 1);
    BAD(inlay_sampler_add_allowed, s, &token, 0);
    BAD(inlay_sampler_add_callback, s, NULL, NULL);
    BAD(inlay_sampler_set_breakers, s, NULL, 1);
    BAD(inlay_sampler_accept, s, NULL, 1);
    BAD(inlay_sampler_sample, s, NULL, &token);
    BAD(inlay_sampler_sample, s, logits, NULL);
    BAD(inlay_sampler_candidates, s, NULL, &token, &p, 1, &n);
    BAD(inlay_sampler_candidates, s, logits, &token, &p, 1, NULL);
    BAD(inlay_sampler_save, s, &p, 4, NULL);
    REFUSED(INLAY_ERR_BUFFER, inlay_sampler_save, s, NULL, SIZE_MAX, &n);
    BAD(inlay_sampler_load, s, NULL, 4);
    BAD(inlay_log_probability, NULL, 3, 0, &p);
    BAD(inlay_log_probability, logits, 0, 0, &p);
    BAD(inlay_log_probability, logits, SIZE_MAX, 0, &p);
    BAD(inlay_log_probability, logits, 3, 0, NULL);
    BAD(inlay_top_tokens, NULL, 3, 1, &token, &p);
    BAD(inlay_top_tokens, logits, 0, 1, &token, &p);
    BAD(inlay_top_tokens, logits, 3, 4, &token, &p);
    BAD(inlay_top_tokens, logits, 3, 1, NULL, &p);
    BAD(inlay_top_tokens, logits, 3, 1, &token, NULL);
    CHECK_INT(inlay_sampler_add(s, INLAY_STAGE_MIROSTAT), INLAY_OK);
    CHECK_INT(inlay_sampler_add(s, INLAY_STAGE_TOP_K), INLAY_ERR_STATE); /* nothing stands behind it */
    CHECK(made == NULL);
    CHECK_INT(inlay_sampler_sample(s, logits, &token), INLAY_OK); /* it works still */
    inlay_sampler_free(s);
    inlay_sampler_free(NULL);
    tear_down();
}

static inlay_stop *as_stop(void *p) { return p; }

static inlay_grammar *as_grammar(void *p) { return p; }

TEST(functions_of_grammars) {
    set_up();
    inlay_sampler *s = NULL;
    inlay_grammar *g = NULL, *made = NULL;
    const char root[] = "root ::= \"a\"", *const triggers[] = {"x", NULL};
    const size_t sizes[] = {1, 0};
    size_t n;
    int32_t whole, state;
    CHECK_INT(inlay_sampler_new(400, w.options, &s), INLAY_OK);
    CHECK_INT(inlay_grammar_new(w.t.model, INLAY_GRAMMAR_GBNF, root, INLAY_ALL, NULL, NULL, 0, &g), INLAY_OK);
    inlay_model *const no_model[] = {NULL, (inlay_model *)(void *)w.session, (inlay_model *)(void *)w.options};
    for (size_t i = 0; i < 3; i++)
        BAD(inlay_grammar_new, no_model[i], INLAY_GRAMMAR_GBNF, root, 3, NULL, NULL, 0, &made);
    const int32_t kinds[] = {0, -1, 99, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < 5; i++)
        BAD(inlay_grammar_new, w.t.model, kinds[i], root, INLAY_ALL, NULL, NULL, 0, &made);
    BAD(inlay_grammar_new, w.t.model, INLAY_GRAMMAR_GBNF, NULL, 3, NULL, NULL, 0, &made);
    BAD(inlay_grammar_new, w.t.model, INLAY_GRAMMAR_GBNF, root, INLAY_ALL, NULL, NULL, 1, &made);
    BAD(inlay_grammar_new, w.t.model, INLAY_GRAMMAR_GBNF, root, INLAY_ALL, triggers, NULL, 2, &made);
    BAD(inlay_grammar_new, w.t.model, INLAY_GRAMMAR_GBNF, root, INLAY_ALL, triggers, sizes + 1, 1, &made);
    BAD(inlay_grammar_new, w.t.model, INLAY_GRAMMAR_GBNF, root, INLAY_ALL, triggers, NULL, SIZE_MAX, &made);
    BAD(inlay_grammar_new, w.t.model, INLAY_GRAMMAR_GBNF, root, INLAY_ALL, NULL, NULL, 0, NULL);
    CHECK_INT(inlay_grammar_new(w.t.model, INLAY_GRAMMAR_GBNF, root, 0, NULL, NULL, 0, &made), INLAY_ERR_FORMAT);
    inlay_grammar *const wrong[] = {NULL, as_grammar(w.t.model), as_grammar(w.session), as_grammar(s)};
    for (size_t i = 0; i < 4; i++) {
        BAD(inlay_grammar_match, wrong[i], root, 3, &n, &whole);
        BAD(inlay_sampler_add_grammar, s, wrong[i]);
        inlay_grammar_free(wrong[i]); /* harmless */
    }
    BAD(inlay_grammar_match, g, NULL, 3, &n, &whole);
    CHECK_INT(inlay_grammar_match(g, root, 0, NULL, NULL), INLAY_OK);
    inlay_sampler *const no_sampler[] = {NULL, as_sampler(w.t.model), as_sampler(g)};
    for (size_t i = 0; i < 3; i++) {
        BAD(inlay_sampler_add_grammar, no_sampler[i], g);
        BAD(inlay_sampler_grammar_state, no_sampler[i], &state);
    }
    REFUSED(INLAY_ERR_STATE, inlay_sampler_grammar_state, s, &state);
    CHECK_INT(inlay_sampler_add_grammar(s, g), INLAY_OK);
    BAD(inlay_sampler_grammar_state, s, NULL);
    inlay_sampler_free(s);
    inlay_grammar_free(g);
    tear_down();
}

TEST(functions_of_stop_texts) {
    set_up();
    inlay_stop *s = NULL, *made = NULL;
    char out[4];
    size_t n = 0;
    int32_t found = 0;
    BAD(inlay_stop_new, NULL, NULL);
    BAD(inlay_stop_new, as_options(w.session), &made);
    CHECK_INT(inlay_stop_new(w.options, &s), INLAY_OK);
    inlay_stop *const wrong[] = {NULL, as_stop(w.t.model), as_stop(w.session), as_stop(w.options)};
    for (size_t i = 0; i < 4; i++) {
        BAD(inlay_stop_add, wrong[i], "a", 1);
        BAD(inlay_stop_text, wrong[i], "a", 1, out, 4, &n, &found);
        BAD(inlay_stop_reset, wrong[i]);
        inlay_stop_free(wrong[i]); /* harmless */
    }
    BAD(inlay_stop_add, s, NULL, 1);
    BAD(inlay_stop_add, s, NULL, INLAY_ALL);
    BAD(inlay_stop_add, s, "a", 0);
    BAD(inlay_stop_add, s, "a", 5000);
    BAD(inlay_stop_add, s, "\xff", 1);
    CHECK_INT(inlay_stop_add(s, "ab", INLAY_ALL), INLAY_OK);
    BAD(inlay_stop_text, s, NULL, 1, out, 4, &n, &found);
    BAD(inlay_stop_text, s, "a", 1, out, 4, NULL, &found);
    REFUSED(INLAY_ERR_BUFFER, inlay_stop_text, s, "a", 1, NULL, 4, &n, &found);
    REFUSED(INLAY_ERR_BUFFER, inlay_stop_text, s, "a", SIZE_MAX - 1, out, 4, &n, &found);
    CHECK_INT(inlay_stop_text(s, "ab", 2, out, 4, &n, &found), INLAY_OK);
    CHECK(n == 0 && found == 1 && made == NULL);
    inlay_stop_free(s);
    inlay_stop_free(NULL);
    tear_down();
}

/* Ends of the ranges that options allow, all at once. */
TEST(the_least_and_the_greatest_of_every_option_work) {
    set_up();
    static const int extreme[][3] = {{1, 1, 1}, {256, 1 << 12, 4096}};
    int32_t tokens[8], token;
    tiny_tokens(tokens, 8);
    for (size_t i = 0; i < 2; i++) {
        inlay_session *s = tiny_session(w.t.model, INLAY_OPT_THREADS, extreme[i][0] == 256 ? 16 : 1, INLAY_OPT_CONTEXT,
                                        extreme[i][1], INLAY_OPT_BATCH, extreme[i][2], INLAY_OPT_TOP_K,
                                        i == 0 ? 1 : INT32_MAX, 0);
        CHECK_INT(inlay_session_set_float(s, INLAY_OPT_TEMPERATURE, i == 0 ? 0.0 : 100.0), INLAY_OK);
        CHECK_INT(inlay_session_set_float(s, INLAY_OPT_TOP_P, i == 0 ? 0.0 : 1.0), INLAY_OK);
        CHECK_INT(inlay_session_set_float(s, INLAY_OPT_MIN_P, i == 0 ? 1.0 : 0.0), INLAY_OK);
        CHECK_INT(inlay_eval(s, tokens, 1), INLAY_OK);
        CHECK_INT(inlay_sample(s, &token), INLAY_OK);
        inlay_session_free(s);
    }
    tear_down();
}

TEST(every_case_above_was_called) { CHECK(n_calls == 0 || n_calls > 150); }

TEST_MAIN(CASE(functions_of_options), CASE(functions_that_open_models), CASE(functions_that_write_models),
          CASE(functions_that_tell_of_models),
          CASE(functions_of_tokens), CASE(functions_of_sessions), CASE(functions_of_samplers),
          CASE(functions_that_record_and_replay), CASE(functions_of_speculators), CASE(functions_that_plan),
          CASE(functions_that_fill_gaps), CASE(functions_of_grammars), CASE(functions_of_stop_texts),
          CASE(the_least_and_the_greatest_of_every_option_work), CASE(every_case_above_was_called))
