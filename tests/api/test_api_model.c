/* Opening models, their facts, and what happens to models that are none. */
#include "test.h"

#include <math.h>

#include "api/handles.h"
#include "support/accounting_sys.h"
#include "support/temp_file.h"
#include "support/tiny_family.h"
#include "support/tiny_open.h"

static int64_t fact_int(const inlay_model *model, int32_t fact) {
    int64_t value = -77;
    CHECK_INT(inlay_model_get_int(model, fact, &value), INLAY_OK);
    return value;
}

static const char *fact_string(const inlay_model *model, int32_t fact) {
    const char *text = "?";
    size_t size = 0;
    CHECK_INT(inlay_model_get_string(model, fact, &text, &size), INLAY_OK);
    CHECK_INT(strlen(text), size);
    return text;
}

/* ------------------------------------------------------------------- opening */

TEST(facts_are_those_of_the_file) {
    tiny t = tiny_open(NULL, NULL);
    tiny_params p = tiny_defaults();
    CHECK_STR(fact_string(t.model, INLAY_MODEL_ARCHITECTURE), "llama");
    CHECK_STR(fact_string(t.model, INLAY_MODEL_NAME), "tiny");
    CHECK_STR(fact_string(t.model, INLAY_MODEL_CPU), inlay_cpu());
    CHECK_STR(fact_string(t.model, INLAY_MODEL_TYPE_NAME), "F32");
    CHECK_STR(fact_string(t.model, INLAY_MODEL_TOKENIZER), "gpt2/smollm");
    CHECK_HAS(fact_string(t.model, INLAY_MODEL_CHAT_TEMPLATE), "{% for m in messages %}");
    CHECK_INT(fact_int(t.model, INLAY_MODEL_N_VOCAB), p.n_vocab);
    CHECK_INT(fact_int(t.model, INLAY_MODEL_N_CONTEXT_TRAIN), p.n_ctx);
    CHECK_INT(fact_int(t.model, INLAY_MODEL_N_EMBD), p.n_embd);
    CHECK_INT(fact_int(t.model, INLAY_MODEL_N_LAYER), p.n_layer);
    CHECK_INT(fact_int(t.model, INLAY_MODEL_N_HEAD), p.n_head);
    CHECK_INT(fact_int(t.model, INLAY_MODEL_N_HEAD_KV), p.n_head_kv);
    CHECK_INT(fact_int(t.model, INLAY_MODEL_N_FF), p.n_ff);
    CHECK_INT(fact_int(t.model, INLAY_MODEL_FILE_BYTES), t.size);
    CHECK_STR(fact_string(t.model, INLAY_MODEL_KIND), "decoder");
    CHECK_INT(fact_int(t.model, INLAY_MODEL_CAPABILITIES),
              INLAY_CAN_GENERATE | INLAY_CAN_PREFIX | INLAY_CAN_TRUNCATE | INLAY_CAN_SHIFT);
    CHECK_INT(fact_int(t.model, INLAY_MODEL_TOKEN_BOS), TINY_IM_START);
    CHECK_INT(fact_int(t.model, INLAY_MODEL_TOKEN_EOS), TINY_IM_END);
    CHECK_INT(fact_int(t.model, INLAY_MODEL_TOKEN_UNKNOWN), TINY_ENDOFTEXT);
    CHECK_INT(fact_int(t.model, INLAY_MODEL_TOKEN_PAD), TINY_ENDOFTEXT);
    /* embedding, final norm, and per layer two norms, q and out, k and v, three of the feed-forward block */
    int64_t layer = 2 * 64 + 2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 96;
    CHECK_INT(fact_int(t.model, INLAY_MODEL_N_PARAMS), 320 * 64 + 64 + 2 * layer);
    /* of these, in float32, all but the norms, and one row of the embedding, which is the head as well, twice */
    CHECK_INT(fact_int(t.model, INLAY_MODEL_TOKEN_BYTES), 4 * (64 + 320 * 64 + 2 * (layer - 2 * 64)));
    tiny_close(&t);
}

TEST(the_type_name_is_that_of_most_elements) {
    tiny_params p = tiny_defaults();
    p.matrix_type = INLAY_TYPE_Q8_0;
    tiny t = tiny_open(&p, NULL); /* 2 * 30720 elements of layers, 20480 of the embedding */
    CHECK_STR(fact_string(t.model, INLAY_MODEL_TYPE_NAME), "Q8_0");
    tiny_close(&t);
    p.n_vocab = 2000;
    t = tiny_open(&p, NULL);
    CHECK_STR(fact_string(t.model, INLAY_MODEL_TYPE_NAME), "F32");
    tiny_close(&t);
}

TEST(unknown_facts_are_errors) {
    tiny t = tiny_open(NULL, NULL);
    static const int32_t facts[] = {0, -1, 8, 99, 113, 128, INT32_MAX, INT32_MIN};
    int64_t value = 5;
    const char *text = "5";
    size_t size = 5;
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        CHECK_INT(inlay_model_get_int(t.model, facts[i], &value), INLAY_ERR_KEY);
        CHECK_INT(inlay_model_get_string(t.model, facts[i], &text, &size), INLAY_ERR_KEY);
    }
    CHECK_INT(inlay_model_get_int(t.model, INLAY_MODEL_NAME, &value), INLAY_ERR_KEY);
    CHECK_INT(inlay_model_get_string(t.model, INLAY_MODEL_N_EMBD, &text, &size), INLAY_ERR_KEY);
    CHECK(value == 5 && size == 5 && strcmp(text, "5") == 0);
    tiny_close(&t);
}

TEST(the_vocabulary_alone_tokenizes_and_tells_facts) {
    inlay_options *o = tiny_options(INLAY_OPT_VOCAB_ONLY, 1, 0);
    tiny t = tiny_open(NULL, o);
    int32_t tokens[8];
    size_t n = 0;
    inlay_session *session = (inlay_session *)(uintptr_t)1;
    CHECK_INT(inlay_tokenize(t.model, "ab", 2, 0, tokens, 8, &n), INLAY_OK);
    CHECK_INT(n, 1); /* the tiny vocabulary merges letters */
    CHECK_INT(fact_int(t.model, INLAY_MODEL_N_VOCAB), 320);
    CHECK_INT(fact_int(t.model, INLAY_MODEL_N_LAYER), 2);
    CHECK_INT(fact_int(t.model, INLAY_MODEL_N_FF), 96);
    CHECK_INT(inlay_session_new(t.model, NULL, &session), INLAY_ERR_STATE);
    CHECK(session == NULL);
    CHECK_HAS(inlay_model_error(t.model), "vocabulary only");
    tiny_close(&t);
    inlay_options_free(o);
}

TEST(a_file_of_a_vocabulary_alone_opens_as_one) {
    tiny_params p = tiny_defaults();
    gguf_writer w;
    size_t size;
    tiny_metadata(&p, &w);
    uint8_t *data = gguf_writer_finish(&w, &size); /* no tensors */
    inlay_options *o = tiny_options(INLAY_OPT_VOCAB_ONLY, 1, 0);
    inlay_model *model;
    CHECK_INT(inlay_model_open_memory(data, size, NULL, &model), INLAY_ERR_FORMAT);
    CHECK_HAS(inlay_error(), "token_embd.weight");
    CHECK_INT(inlay_model_open_memory(data, size, o, &model), INLAY_OK);
    CHECK_INT(fact_int(model, INLAY_MODEL_N_PARAMS), 0);
    CHECK_INT(fact_int(model, INLAY_MODEL_TOKEN_BYTES), 0);
    CHECK_STR(fact_string(model, INLAY_MODEL_TYPE_NAME), "");
    inlay_model_free(model);
    inlay_options_free(o);
    free(data);
}

/* Overwrites the first place where `find` stands. */
static void change(uint8_t *bytes, size_t size, const char *find, const char *replace) {
    size_t n = strlen(find);
    for (size_t i = 0; i + n <= size; i++) {
        if (memcmp(bytes + i, find, n) != 0) continue;
        memcpy(bytes + i, replace, n);
        return;
    }
    fprintf(stderr, "the model has no '%s'\n", find);
    exit(2);
}

/* Names that are absent, or no strings, are ""; numbers that the metadata do not tell are errors. */
TEST(what_a_file_does_not_say_is_not_made_up) {
    static const char *const names[] = {"a", "b"};
    for (int kind = 0; kind < 3; kind++) {
        tiny_params p = tiny_defaults();
        gguf_writer w;
        size_t size;
        int64_t value = 7;
        inlay_model *model;
        tiny_metadata(&p, &w);
        change(w.kv.data, w.kv.size, "general.name", "general.nome");
        change(w.kv.data, w.kv.size, "tokenizer.chat_template", "tokenizer.chat_templote");
        change(w.kv.data, w.kv.size, "llama.block_count", "llama.block_covnt");
        if (kind == 1) gguf_writer_u32(&w, "general.name", 5);
        if (kind == 2) gguf_writer_strings(&w, "general.name", names, 2);
        uint8_t *data = gguf_writer_finish(&w, &size);
        inlay_options *o = tiny_options(INLAY_OPT_VOCAB_ONLY, 1, 0);
        CHECK_INT(inlay_model_open_memory(data, size, o, &model), INLAY_OK);
        CHECK_STR(fact_string(model, INLAY_MODEL_NAME), "");
        CHECK_STR(fact_string(model, INLAY_MODEL_CHAT_TEMPLATE), "");
        CHECK_INT(inlay_model_get_int(model, INLAY_MODEL_N_LAYER, &value), INLAY_ERR_KEY);
        CHECK_HAS(inlay_model_error(model), "vocabulary");
        CHECK_INT(value, 7);
        CHECK_INT(fact_int(model, INLAY_MODEL_N_VOCAB), 320);
        inlay_model_free(model);
        inlay_options_free(o);
        free(data);
    }
}

static void check_same_logits(inlay_model *one, inlay_model *other) {
    int32_t tokens[20];
    size_t n = (size_t)fact_int(one, INLAY_MODEL_N_VOCAB);
    inlay_session *a = tiny_session(one, 0), *b = tiny_session(other, 0);
    tiny_tokens(tokens, 20);
    float *x = tiny_eval(a, tokens, 20, 20), *y = tiny_eval(b, tokens, 20, 20);
    CHECK(memcmp(x, y, n * sizeof *x) == 0);
    free(x);
    free(y);
    inlay_session_free(a);
    inlay_session_free(b);
}

TEST(files_open_the_same_copied_and_mapped_and_from_memory) {
    tiny t = tiny_open(NULL, NULL);
    const char *path = temp_file("tiny.gguf", t.data, t.size);
    static const int load[] = {INLAY_LOAD_AUTO, INLAY_LOAD_MAP, INLAY_LOAD_COPY};
    for (size_t i = 0; i < 3; i++) {
        inlay_options *o = tiny_options(INLAY_OPT_LOAD, load[i], 0);
        inlay_model *model;
        CHECK_INT(inlay_model_open(path, o, &model), INLAY_OK);
        inlay_options_free(o);
        CHECK_INT(fact_int(model, INLAY_MODEL_FILE_BYTES), t.size);
        check_same_logits(t.model, model);
        inlay_model_free(model);
    }
    tiny_close(&t);
}

TEST(memory_of_any_alignment_will_do) {
    tiny t = tiny_open(NULL, NULL);
    uint8_t *moved = malloc(t.size + 16);
    for (size_t shift = 1; shift < 16; shift += 2) {
        inlay_model *model;
        memcpy(moved + shift, t.data, t.size);
        CHECK_INT(inlay_model_open_memory(moved + shift, t.size, NULL, &model), INLAY_OK);
        check_same_logits(t.model, model);
        inlay_model_free(model);
    }
    free(moved);
    tiny_close(&t);
}

TEST(the_cpu_level_can_be_lowered_and_not_raised) {
    tiny_params p = tiny_defaults();
    p.matrix_type = INLAY_TYPE_Q4_0;
    tiny t = tiny_open(&p, NULL);
    for (int level = 0; level < INLAY__CPU_N_LEVELS; level++) {
        const char *name = inlay__cpu_name((inlay__cpu)level);
        inlay_options *o = tiny_options(0);
        inlay_model *model = NULL;
        CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, name, INLAY_ALL), INLAY_OK);
        int32_t status = inlay_model_open_memory(t.data, t.size, o, &model);
        CHECK_INT(status, inlay__cpu_has((inlay__cpu)level) ? INLAY_OK : INLAY_ERR_UNSUPPORTED);
        if (status == INLAY_OK) {
            CHECK_STR(fact_string(model, INLAY_MODEL_CPU), name);
            check_same_logits(t.model, model);
        } else {
            CHECK_HAS(inlay_error(), name);
            CHECK(model == NULL);
        }
        inlay_model_free(model);
        inlay_options_free(o);
    }
    tiny_close(&t);
}

/* ----------------------------------------------------------------- callbacks */

typedef struct told {
    int n_calls;
    uint64_t done, total;
    bool rises;
    int cancel_at; /* this call returns 1 */
    char text[512];
    int32_t level;
} told;

static int32_t on_progress(void *user, uint64_t done, uint64_t total) {
    told *t = user;
    t->rises = t->rises && done >= t->done && done <= total && (t->total == 0 || t->total == total);
    t->done = done;
    t->total = total;
    return ++t->n_calls == t->cancel_at;
}

static void on_log(void *user, int32_t level, const char *text) {
    told *t = user;
    t->n_calls++;
    t->level = level;
    snprintf(t->text, sizeof t->text, "%s", text);
}

TEST(progress_rises_to_the_whole) {
    told progress = {.rises = true};
    inlay_options *o = tiny_options(0);
    CHECK_INT(inlay_options_set_progress(o, on_progress, &progress), INLAY_OK);
    tiny t = tiny_open(NULL, o);
    CHECK(progress.n_calls > 0);
    CHECK(progress.rises);
    CHECK(progress.total > 0 && progress.done == progress.total);
    tiny_close(&t);
    inlay_options_free(o);
}

TEST(progress_can_cancel_opening_at_every_call) {
    accounting a;
    accounting_init(&a);
    inlay_options *o;
    CHECK_INT(inlay__options_new_with_sys(&a.sys, &o), INLAY_OK);
    size_t size;
    tiny_params p = tiny_defaults();
    uint8_t *data = tiny_model(&p, &size);
    int n_cancelled = 0;
    for (int at = 1;; at++) {
        told progress = {.rises = true, .cancel_at = at};
        inlay_model *model;
        inlay_options_set_progress(o, on_progress, &progress);
        int32_t status = inlay_model_open_memory(data, size, o, &model);
        inlay_model_free(model);
        CHECK_INT(a.n_live, 1); /* the options */
        if (status == INLAY_OK) break;
        CHECK_INT(status, INLAY_ERR_CANCELLED);
        CHECK(model == NULL && strlen(inlay_error()) > 0);
        CHECK_INT(progress.n_calls, at);
        n_cancelled++;
    }
    CHECK(n_cancelled > 0);
    inlay_options_free(o);
    CHECK_INT(a.live, 0);
    free(data);
}

TEST(opening_writes_one_line_to_the_log) {
    told log = {0};
    inlay_options *o = tiny_options(0);
    CHECK_INT(inlay_options_set_log(o, on_log, &log), INLAY_OK);
    tiny t = tiny_open(NULL, o);
    char bytes[32];
    CHECK_INT(log.n_calls, 1);
    CHECK_INT(log.level, INLAY_LOG_INFO);
    snprintf(bytes, sizeof bytes, "%zu bytes", t.size);
    CHECK_HAS(log.text, bytes);
    CHECK_HAS(log.text, "llama 'tiny'");
    CHECK_HAS(log.text, "F32");
    CHECK_HAS(log.text, "gpt2/smollm");
    CHECK(strchr(log.text, '\n') == NULL);
    tiny_close(&t);
    inlay_options_free(o);
}

TEST(a_context_beyond_training_is_warned_of) {
    told log = {0};
    tiny t = tiny_open(NULL, NULL);
    inlay_options *o = tiny_options(INLAY_OPT_CONTEXT, 129, 0);
    inlay_session *session;
    int64_t context = 0;
    CHECK_INT(inlay_options_set_log(o, on_log, &log), INLAY_OK);
    CHECK_INT(inlay_session_new(t.model, o, &session), INLAY_OK);
    CHECK_INT(log.n_calls, 1);
    CHECK_INT(log.level, INLAY_LOG_WARNING);
    CHECK_HAS(log.text, "129");
    CHECK_HAS(log.text, "128");
    CHECK_INT(inlay_session_get_int(session, INLAY_SESSION_CONTEXT, &context), INLAY_OK);
    CHECK_INT(context, 129);
    inlay_session_free(session);
    inlay_options_set_int(o, INLAY_OPT_CONTEXT, 128);
    CHECK_INT(inlay_session_new(t.model, o, &session), INLAY_OK);
    CHECK_INT(log.n_calls, 1);
    inlay_session_free(session);
    inlay_options_free(o);
    tiny_close(&t);
}

/* ---------------------------------------------------------- files that are none */

static void check_refused(const void *data, size_t size, int32_t expected, const char *words) {
    inlay_model *model = (inlay_model *)(uintptr_t)1;
    uint8_t *copy = malloc(size + 1); /* exactly so large that a sanitizer sees reads beyond it */
    memcpy(copy, data, size);
    CHECK_INT(inlay_model_open_memory(copy, size, NULL, &model), expected);
    CHECK(model == NULL);
    CHECK_HAS(inlay_error(), words);
    free(copy);
}

TEST(bytes_that_are_no_model_are_refused_with_a_reason) {
    tiny t = tiny_open(NULL, NULL);
    check_refused("", 0, INLAY_ERR_FORMAT, "memory");
    check_refused("GGUF", 4, INLAY_ERR_FORMAT, "memory");
    check_refused("This is a text file, not a model.", 33, INLAY_ERR_FORMAT, "memory");
    for (size_t cut = 1; cut < t.size; cut = cut * 3 + 1) {
        check_refused(t.data, t.size - cut, INLAY_ERR_FORMAT, "memory");
        check_refused(t.data, cut, INLAY_ERR_FORMAT, "memory");
    }
    tiny_close(&t);
}

TEST(files_that_are_none_are_named) {
    inlay_model *model = (inlay_model *)(uintptr_t)1;
    const char *missing = temp_path("no such file.gguf"), *empty = temp_file("empty.gguf", "", 0);
    CHECK_INT(inlay_model_open(missing, NULL, &model), INLAY_ERR_IO);
    CHECK(model == NULL);
    CHECK_HAS(inlay_error(), missing);
    CHECK_INT(inlay_model_open(empty, NULL, &model), INLAY_ERR_FORMAT);
    CHECK_HAS(inlay_error(), empty);
    CHECK_INT(inlay_model_open("/", NULL, &model), INLAY_ERR_IO);
    CHECK_INT(inlay_model_open("", NULL, &model), INLAY_ERR_IO);
    CHECK(model == NULL);
}

static uint8_t *changed_model(const char *find, const char *replace, size_t *size) {
    tiny_params p = tiny_defaults();
    uint8_t *data = tiny_model(&p, size);
    change(data, *size, find, replace);
    return data;
}

TEST(what_this_library_does_not_run_is_named) {
    size_t size;
    uint8_t *data = changed_model("llama", "zebra", &size); /* general.architecture comes first */
    check_refused(data, size, INLAY_ERR_UNSUPPORTED, "zebra");
    free(data);
    data = changed_model("smollm", "smoque", &size);
    check_refused(data, size, INLAY_ERR_UNSUPPORTED, "smoque");
    free(data);
    data = changed_model("blk.1.ffn_up.weight", "blk.1.ffn_ab.weight", &size);
    check_refused(data, size, INLAY_ERR_FORMAT, "blk.1.ffn_up.weight");
    free(data);
    data = changed_model("llama.block_count", "llama.block_covnt", &size);
    check_refused(data, size, INLAY_ERR_FORMAT, "llama.block_count");
    free(data);
}

TEST(a_tensor_of_a_type_that_does_not_run_is_named) {
    tiny_params p = tiny_defaults();
    gguf_writer w;
    size_t size;
    uint64_t shape[] = {64, 320};
    uint8_t *zeros = calloc(64 * 320, 1);
    tiny_metadata(&p, &w);
    gguf_writer_tensor(&w, "token_embd.weight", 24, 2, shape, zeros, 64 * 320); /* I8 */
    uint8_t *data = gguf_writer_finish(&w, &size);
    check_refused(data, size, INLAY_ERR_UNSUPPORTED, "token_embd.weight");
    CHECK_HAS(inlay_error(), "I8");
    free(data);
    free(zeros);
}

/* --------------------------------------------------------- ownership and errors */

TEST(sessions_outlive_the_handle_of_their_model) {
    accounting a;
    inlay_options *o;
    accounting_init(&a);
    CHECK_INT(inlay__options_new_with_sys(&a.sys, &o), INLAY_OK);
    tiny t = tiny_open(NULL, o);
    inlay_options_free(o);
    int32_t tokens[10], token = -1;
    inlay_session *one, *other;
    tiny_tokens(tokens, 10);
    CHECK_INT(inlay_session_new(t.model, NULL, &one), INLAY_OK);
    CHECK_INT(inlay_session_new(t.model, NULL, &other), INLAY_OK);
    CHECK_INT(inlay_eval(one, tokens, 5), INLAY_OK);
    inlay_model_free(t.model);
    inlay_model_free(t.model); /* while sessions live, the handle is seen to be freed */
    CHECK_INT(inlay_tokenize(t.model, "a", 1, 0, tokens, 10, &(size_t){0}), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_eval(one, tokens + 5, 5), INLAY_OK);
    CHECK_INT(inlay_eval(other, tokens, 10), INLAY_OK);
    float *x = tiny_logits(one), *y = tiny_logits(other);
    CHECK(memcmp(x, y, 320 * sizeof *x) == 0);
    inlay_session_free(one);
    CHECK(a.live > 0);
    CHECK_INT(inlay_sample(other, &token), INLAY_OK);
    inlay_session_free(other);
    CHECK_INT(a.live, 0);
    CHECK_INT(a.n_live, 0);
    free(x);
    free(y);
    free(t.data);
}

TEST(all_memory_comes_from_the_options_allocator) {
    accounting a, b;
    inlay_options *o, *p;
    accounting_init(&a);
    accounting_init(&b);
    CHECK_INT(inlay_options_new_with_allocator(a.sys.alloc, a.sys.release, &a, &o), INLAY_OK);
    CHECK_INT(inlay_options_new_with_allocator(b.sys.alloc, b.sys.release, &b, &p), INLAY_OK);
    tiny t = tiny_open(NULL, o);
    size_t of_model = a.live, of_options = b.live;
    inlay_session *session;
    int64_t memory = 0;
    CHECK_INT(inlay_session_new(t.model, NULL, &session), INLAY_OK); /* the model's allocator */
    CHECK_INT(inlay_session_get_int(session, INLAY_SESSION_MEMORY, &memory), INLAY_OK);
    CHECK_INT(a.live - of_model, memory);
    inlay_session_free(session);
    CHECK_INT(a.live, of_model);
    CHECK_INT(inlay_session_new(t.model, p, &session), INLAY_OK); /* its own */
    CHECK_INT(inlay_session_get_int(session, INLAY_SESSION_MEMORY, &memory), INLAY_OK);
    CHECK_INT(a.live, of_model);
    CHECK_INT(b.live - of_options, memory);
    inlay_options_free(o);
    inlay_options_free(p);
    inlay_session_free(session);
    CHECK_INT(b.live, 0);
    tiny_close(&t);
    CHECK_INT(a.live, 0);
}

TEST(a_model_tells_its_own_errors_and_no_other) {
    tiny t = tiny_open(NULL, NULL), u = tiny_open(NULL, NULL);
    int64_t value;
    CHECK_STR(inlay_model_error(t.model), "");
    CHECK_INT(inlay_model_get_int(t.model, 9999, &value), INLAY_ERR_KEY);
    CHECK_HAS(inlay_model_error(t.model), "9999");
    CHECK_STR(inlay_model_error(u.model), "");
    CHECK_INT(inlay_option_describe(1, NULL, NULL, NULL, NULL, NULL), INLAY_ERR_KEY);
    CHECK_STR(inlay_model_error(t.model), "");
    CHECK_INT(inlay_model_get_int(u.model, 9998, NULL), INLAY_ERR_ARGUMENT);
    CHECK_STR(inlay_model_error(t.model), "");
    CHECK_HAS(inlay_model_error(u.model), "value is NULL");
    CHECK_STR(inlay_model_error(NULL), "");
    tiny_close(&t);
    tiny_close(&u);
}

TEST(options_may_go_before_what_was_made_with_them) {
    inlay_options *o = tiny_options(INLAY_OPT_THREADS, 2, INLAY_OPT_SEED, 5, 0);
    CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, "scalar", 6), INLAY_OK);
    tiny t = tiny_open(NULL, o);
    inlay_session *session;
    int32_t tokens[4], token;
    CHECK_INT(inlay_session_new(t.model, o, &session), INLAY_OK);
    inlay_options_free(o);
    tiny_tokens(tokens, 4);
    CHECK_INT(inlay_eval(session, tokens, 4), INLAY_OK);
    CHECK_INT(inlay_sample(session, &token), INLAY_OK);
    CHECK_STR(fact_string(t.model, INLAY_MODEL_CPU), "scalar");
    inlay_session_free(session);
    tiny_close(&t);
}

/* The logits of a model with matrices of `type` made from F32; "" is the best level. */
static float *logits_made(const tiny_params *p, int32_t type, const char *cpu, int pack, size_t step) {
    int32_t tokens[20];
    inlay_options *o = tiny_options(INLAY_OPT_QUANTIZE, type, INLAY_OPT_PACK, pack, 0);
    CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, cpu, INLAY_ALL), INLAY_OK);
    tiny t = tiny_open(p, o);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, 64, INLAY_OPT_CACHE_TYPE, INLAY_TYPE_F32, 0);
    tiny_tokens(tokens, INLAY__COUNT(tokens));
    float *logits = tiny_eval(s, tokens, INLAY__COUNT(tokens), step);
    inlay_session_free(s);
    tiny_close(&t);
    inlay_options_free(o);
    return logits;
}

TEST(weights_of_16_bits_give_the_same_bits_in_every_way_and_nearly_the_logits_of_floats) {
    tiny_params p = tiny_defaults();
    p.n_embd = 256;
    p.n_ff = 384;
    p.n_vocab = 301; /* fills no panel */
    float *floats = logits_made(&p, -1, "", INLAY_PACK_AUTO, 20);
    float *expected = logits_made(&p, INLAY_TYPE_Q16_0, "scalar", INLAY_PACK_AUTO, 20);
    float greatest = 1.0f, error = 0.0f;
    for (size_t i = 0; i < p.n_vocab; i++) {
        greatest = fmaxf(greatest, fabsf(floats[i]));
        error = fmaxf(error, fabsf(expected[i] - floats[i]));
    }
    CHECK(error > 0.0f && error <= 2e-4f * greatest);
    for (int level = 0; level < INLAY__CPU_N_LEVELS; level++) {
        if (!inlay__cpu_has((inlay__cpu)level)) continue;
        for (int way = 0; way < 4; way++) {
            int pack = way % 2 == 0 ? INLAY_PACK_AUTO : INLAY_PACK_NEVER;
            const char *name = inlay__cpu_name((inlay__cpu)level);
            float *found = logits_made(&p, INLAY_TYPE_Q16_0, name, pack, way < 2 ? 20 : 7);
            CHECK(memcmp(found, expected, p.n_vocab * sizeof(float)) == 0);
            free(found);
        }
    }
    free(floats);
    free(expected);
}

static void put_vocabulary(gguf_writer *w) { tiny_put_vocabulary(w, 320); }

/* Its tensors are made while it opens: of experts with 40 rows, two and a half panels. */
static float *logits_of_experts(const char *cpu, accounting *a) {
    const tiny_family f = {.architecture = "llama", .n_layer = 1, .n_vocab = 320, .n_embd = 64, .n_head = 4,
                           .n_head_kv = 4, .n_head_dim = 16, .n_ff = 40, .gated = true, .pairs = TINY_ADJACENT,
                           .norms = {{"attn_norm", NULL, NULL}, {"ffn_norm", NULL, NULL}}, .n_expert = 7, .n_used = 7,
                           .metadata = put_vocabulary};
    int32_t tokens[12];
    inlay_options *o;
    tiny t = {.data = tiny_family_file(&f, &t.size)};
    CHECK_INT(inlay_options_new_with_allocator(a->sys.alloc, a->sys.release, a, &o), INLAY_OK);
    CHECK_INT(inlay_options_set_int(o, INLAY_OPT_QUANTIZE, INLAY_TYPE_Q8_0), INLAY_OK);
    CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, cpu, INLAY_ALL), INLAY_OK);
    CHECK_INT(inlay_model_open_memory(t.data, t.size, o, &t.model), INLAY_OK);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, 64, 0);
    tiny_tokens(tokens, INLAY__COUNT(tokens));
    float *logits = tiny_eval(s, tokens, INLAY__COUNT(tokens), INLAY__COUNT(tokens));
    inlay_session_free(s);
    tiny_close(&t);
    inlay_options_free(o);
    return logits;
}

TEST(a_made_tensor_stays_until_the_last_of_its_matrices_is_packed) {
    accounting a;
    accounting_init(&a);
    float *expected = logits_of_experts("scalar", &a), *found = logits_of_experts("", &a);
    CHECK(memcmp(found, expected, 320 * sizeof *found) == 0);
    CHECK_INT(a.n_live, 0);
    free(expected);
    free(found);
}

TEST_MAIN(CASE(a_made_tensor_stays_until_the_last_of_its_matrices_is_packed),
          CASE(weights_of_16_bits_give_the_same_bits_in_every_way_and_nearly_the_logits_of_floats),
          CASE(facts_are_those_of_the_file), CASE(the_type_name_is_that_of_most_elements),
          CASE(unknown_facts_are_errors), CASE(the_vocabulary_alone_tokenizes_and_tells_facts),
          CASE(a_file_of_a_vocabulary_alone_opens_as_one), CASE(what_a_file_does_not_say_is_not_made_up),
          CASE(files_open_the_same_copied_and_mapped_and_from_memory), CASE(memory_of_any_alignment_will_do),
          CASE(the_cpu_level_can_be_lowered_and_not_raised), CASE(progress_rises_to_the_whole),
          CASE(progress_can_cancel_opening_at_every_call), CASE(opening_writes_one_line_to_the_log),
          CASE(a_context_beyond_training_is_warned_of), CASE(bytes_that_are_no_model_are_refused_with_a_reason),
          CASE(files_that_are_none_are_named), CASE(what_this_library_does_not_run_is_named),
          CASE(a_tensor_of_a_type_that_does_not_run_is_named), CASE(sessions_outlive_the_handle_of_their_model),
          CASE(all_memory_comes_from_the_options_allocator), CASE(a_model_tells_its_own_errors_and_no_other),
          CASE(options_may_go_before_what_was_made_with_them))
