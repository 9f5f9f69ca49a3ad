/* Filling in the middle: the text before and after a gap, in the order and with the tokens that a model was trained on
 * [Bavarian et al. 2022]. */
#include "handles.h"

/* What inlay_fill_tokens is called with. */
typedef struct gap {
    const char *prefix, *suffix, *name;
    size_t prefix_size, suffix_size;
    const char *const *files; /* [n_files, 2] names and texts */
    size_t n_files;
} gap;

/* A token with a part in this: by the keys of GGUF, else by the texts that models have for it. */
typedef struct mark {
    const char *what;
    const char *keys[2];
    const char *texts[8];
} mark;

enum { PREFIX, SUFFIX, MIDDLE, SEPARATOR, N_MARKS };
static const mark marks[N_MARKS] = {
    [PREFIX] = {"prefix", {"tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id"},
                {"<|fim_prefix|>", "<fim_prefix>", "<fim-prefix>", u8"<\uFF5Cfim\u2581begin\uFF5C>", u8"\u2581<PRE>",
                 "<PRE>", "<|code_prefix|>", "[PREFIX]"}},
    [SUFFIX] = {"suffix", {"tokenizer.ggml.fim_suf_token_id", "tokenizer.ggml.suffix_token_id"},
                {"<|fim_suffix|>", "<fim_suffix>", "<fim-suffix>", u8"<\uFF5Cfim\u2581hole\uFF5C>", u8"\u2581<SUF>",
                 "<SUF>", "<|code_suffix|>", "[SUFFIX]"}},
    [MIDDLE] = {"middle", {"tokenizer.ggml.fim_mid_token_id", "tokenizer.ggml.middle_token_id"},
                {"<|fim_middle|>", "<fim_middle>", "<fim-middle>", u8"<\uFF5Cfim\u2581end\uFF5C>", u8"\u2581<MID>",
                 "<MID>", "<|code_middle|>"}},
    [SEPARATOR] = {"separator", {"tokenizer.ggml.fim_sep_token_id"},
                   {"<|file_sep|>", "<|file_separator|>", "<file_sep>"}},
};

/* -1 when the model has none. */
static int32_t find_mark(const inlay_model *model, const mark *m) {
    const inlay__gguf *metadata = inlay__weights_metadata(&model->weights);
    size_t n_vocab = inlay__tokenizer_n_vocab(model->tokenizer);
    int32_t token;
    for (size_t i = 0; i < INLAY__COUNT(m->keys) && m->keys[i] != NULL; i++) {
        const inlay__gguf_kv *kv = inlay__gguf_find(metadata, m->keys[i]);
        int64_t said;
        if (kv != NULL && !kv->is_array && inlay__gguf_i64(kv, 0, &said) && said >= 0 && (uint64_t)said < n_vocab)
            return (int32_t)said;
    }
    for (size_t i = 0; i < INLAY__COUNT(m->texts) && m->texts[i] != NULL; i++)
        if (inlay__tokenizer_find(model->tokenizer, m->texts[i], strlen(m->texts[i]), &token)) return token;
    return -1;
}

/* Tokens on their way out; those that do not fit are counted. */
typedef struct writer {
    const inlay_model *model;
    int32_t *tokens; /* [capacity] */
    size_t capacity, n;
} writer;

static void put(writer *w, int32_t token) {
    if (token < 0) return;
    if (w->n < w->capacity) w->tokens[w->n] = token;
    w->n++;
}

/* Text is text: nothing in it becomes a control token. */
static int32_t put_text(writer *w, const char *text, size_t size) {
    size_t n = 0, used = inlay__min_size(w->n, w->capacity);
    int32_t status = inlay__tokenizer_encode(w->model->tokenizer, text, size, 0, w->tokens + used,
                                             w->capacity - used, &n);
    w->n += n;
    return status == INLAY_ERR_BUFFER ? INLAY_OK : status;
}

static int32_t put_file(writer *w, int32_t separator, const char *name, const char *text) {
    put(w, separator);
    INLAY__TRY(put_text(w, name, strlen(name)));
    INLAY__TRY(put_text(w, "\n", 1));
    if (text == NULL) return INLAY_OK;
    INLAY__TRY(put_text(w, text, strlen(text)));
    return put_text(w, "\n", 1);
}

static int32_t fill(const inlay_model *model, const gap *f, writer *w) {
    int32_t found[N_MARKS];
    for (size_t i = 0; i < N_MARKS; i++) {
        found[i] = find_mark(model, &marks[i]);
        if (found[i] < 0 && i < MIDDLE)
            return inlay__fail(
                INLAY_ERR_UNSUPPORTED,
                "inlay_fill_tokens: model '%s' has no token for the %s of a gap: it was not trained to fill in",
                inlay__weights_name(&model->weights), marks[i].what);
    }
    const int32_t *before;
    size_t n_before = inlay__tokenizer_before(model->tokenizer, &before);
    for (size_t i = 0; i < n_before; i++) put(w, before[i]);
    for (size_t i = 0; i < f->n_files; i++)
        INLAY__TRY(put_file(w, found[SEPARATOR], f->files[2 * i], f->files[2 * i + 1]));
    if (f->name != NULL) INLAY__TRY(put_file(w, found[SEPARATOR], f->name, NULL));
    /* Without a token for the middle it is what the prefix goes on with, and the suffix comes first. */
    bool suffix_first = found[MIDDLE] < 0;
    for (int i = 0; i < 2; i++) {
        bool suffix = (i == 0) == suffix_first;
        put(w, found[suffix ? SUFFIX : PREFIX]);
        INLAY__TRY(put_text(w, suffix ? f->suffix : f->prefix, suffix ? f->suffix_size : f->prefix_size));
    }
    put(w, found[MIDDLE]);
    return INLAY_OK;
}

static int32_t check(const gap *f, const int32_t *tokens, size_t capacity, const size_t *n_tokens) {
    const char *function = "inlay_fill_tokens";
    if (f->prefix == NULL && f->prefix_size > 0) return inlay__null_argument(function, "prefix");
    if (f->suffix == NULL && f->suffix_size > 0) return inlay__null_argument(function, "suffix");
    if (f->files == NULL && f->n_files > 0) return inlay__null_argument(function, "files");
    if (tokens == NULL && capacity > 0) return inlay__null_argument(function, "tokens");
    if (n_tokens == NULL) return inlay__null_argument(function, "n_tokens");
    if (f->n_files > INT32_MAX)
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: n_files is %zu, expected at most %d", function, f->n_files,
                           INT32_MAX);
    for (size_t i = 0; i < 2 * f->n_files; i++)
        if (f->files[i] == NULL) return inlay__fail(INLAY_ERR_ARGUMENT, "%s: files[%zu] is NULL", function, i);
    return INLAY_OK;
}

static int32_t fill_tokens(const inlay_model *model, const gap *f, int32_t *tokens, size_t capacity,
                           size_t *n_tokens) {
    int32_t none[1];
    writer w = {model, tokens != NULL ? tokens : none, capacity, 0};
    INLAY__TRY(check(f, tokens, capacity, n_tokens));
    INLAY__TRY(inlay__check_tokenizer("inlay_fill_tokens", model));
    INLAY__TRY(fill(model, f, &w));
    *n_tokens = w.n;
    if (w.n <= capacity) return INLAY_OK;
    return inlay__fail(INLAY_ERR_BUFFER, "inlay_fill_tokens: there are %zu tokens, capacity is %zu", w.n, capacity);
}

int32_t inlay_fill_tokens(const inlay_model *model, const char *prefix, size_t prefix_size, const char *suffix,
                          size_t suffix_size, const char *name, const char *const *files, size_t n_files,
                          int32_t *tokens, size_t capacity, size_t *n_tokens) {
    INLAY__TRY(inlay__check_model("inlay_fill_tokens", model));
    const gap f = {.prefix = prefix, .prefix_size = prefix_size, .suffix = suffix, .suffix_size = suffix_size,
                           .name = name, .files = files, .n_files = n_files};
    return inlay__owned(model, fill_tokens(model, &f, tokens, capacity, n_tokens));
}
