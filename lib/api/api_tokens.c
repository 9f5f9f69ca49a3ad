/* Text and tokens. */
#include "handles.h"

int32_t inlay__check_tokenizer(const char *function, const inlay_model *model) {
    if (model->tokenizer != NULL) return INLAY_OK;
    return inlay__owned(model, inlay__fail(INLAY_ERR_UNSUPPORTED, "%s: model '%s' has no tokenizer", function,
                                           inlay__weights_name(&model->weights)));
}

static int32_t check_flags(const char *function, int32_t flags) {
    if ((flags & ~(INLAY_ADD_SPECIAL | INLAY_PARSE_SPECIAL)) == 0) return INLAY_OK;
    return inlay__fail(INLAY_ERR_ARGUMENT,
                       "%s: flags is %d, expected a sum of INLAY_ADD_SPECIAL and INLAY_PARSE_SPECIAL", function, flags);
}

static int32_t tokenize(const char *function, const inlay_model *model, const char *text, size_t size, int32_t flags,
                        int32_t *tokens, size_t *spans, size_t capacity, size_t *n_tokens) {
    if (text == NULL && size != 0) return inlay__null_argument(function, "text");
    if (tokens == NULL && capacity != 0) return inlay__null_argument(function, "tokens");
    if (n_tokens == NULL) return inlay__null_argument(function, "n_tokens");
    INLAY__TRY(check_flags(function, flags));
    INLAY__TRY(inlay__check_tokenizer(function, model));
    if (text == NULL) text = "";
    return inlay__tokenizer_encode_spans(model->tokenizer, text, size, flags, tokens, spans, capacity, n_tokens);
}

int32_t inlay_tokenize(const inlay_model *model, const char *text, size_t size, int32_t flags, int32_t *tokens,
                       size_t capacity, size_t *n_tokens) {
    const char *function = "inlay_tokenize";
    INLAY__TRY(inlay__check_model(function, model));
    return inlay__owned(model, tokenize(function, model, text, size, flags, tokens, NULL, capacity, n_tokens));
}

int32_t inlay_tokenize_spans(const inlay_model *model, const char *text, size_t size, int32_t flags, int32_t *tokens,
                             size_t *spans, size_t capacity, size_t *n_tokens) {
    const char *function = "inlay_tokenize_spans";
    size_t none[2];
    INLAY__TRY(inlay__check_model(function, model));
    if (spans == NULL && capacity != 0) return inlay__owned(model, inlay__null_argument(function, "spans"));
    if (spans == NULL) spans = none;
    return inlay__owned(model, tokenize(function, model, text, size, flags, tokens, spans, capacity, n_tokens));
}

static int32_t check_batch(const char *function, const char *const *texts, size_t n_texts, int32_t flags,
                           int32_t n_threads, const int32_t *tokens, size_t capacity, const size_t *starts) {
    if (texts == NULL && n_texts != 0) return inlay__null_argument(function, "texts");
    if (tokens == NULL && capacity != 0) return inlay__null_argument(function, "tokens");
    if (starts == NULL) return inlay__null_argument(function, "starts");
    INLAY__TRY(check_flags(function, flags));
    if (n_threads < 0 || n_threads > 1024)
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: n_threads is %d, expected 0 to 1024", function, n_threads);
    for (size_t i = 0; i < n_texts; i++)
        if (texts[i] == NULL)
            return inlay__fail(INLAY_ERR_ARGUMENT, "%s: texts[%zu] is NULL", function, i);
    return INLAY_OK;
}

int32_t inlay_tokenize_batch(const inlay_model *model, const char *const *texts, const size_t *sizes, size_t n_texts,
                             int32_t flags, int32_t n_threads, int32_t *tokens, size_t capacity, size_t *starts) {
    const char *function = "inlay_tokenize_batch";
    INLAY__TRY(inlay__check_model(function, model));
    INLAY__TRY(inlay__owned(model, check_batch(function, texts, n_texts, flags, n_threads, tokens, capacity, starts)));
    INLAY__TRY(inlay__check_tokenizer(function, model));
    const inlay__sys *sys = &model->sys;
    size_t threads = (size_t)n_threads;
    if (n_threads == 0) threads = sys->cpu_count != NULL ? sys->cpu_count(sys->io_user) : 1;
    return inlay__owned(model, inlay__tokenizer_encode_batch(model->tokenizer, &model->sys, texts, sizes, n_texts,
                                                             flags, threads, tokens, capacity, starts));
}

int32_t inlay_detokenize(const inlay_model *model, const int32_t *tokens, size_t n_tokens, char *text, size_t capacity,
                         size_t *size) {
    const char *function = "inlay_detokenize";
    INLAY__TRY(inlay__check_model(function, model));
    if (tokens == NULL && n_tokens != 0) return inlay__owned(model, inlay__null_argument(function, "tokens"));
    if (text == NULL && capacity != 0) return inlay__owned(model, inlay__null_argument(function, "text"));
    if (size == NULL) return inlay__owned(model, inlay__null_argument(function, "size"));
    INLAY__TRY(inlay__check_tokenizer(function, model));
    return inlay__owned(model, inlay__tokenizer_decode(model->tokenizer, tokens, n_tokens, text, capacity, size));
}

int32_t inlay_token_bytes(const inlay_model *model, int32_t token, char *text, size_t capacity, size_t *size) {
    const char *function = "inlay_token_bytes";
    INLAY__TRY(inlay__check_model(function, model));
    if (text == NULL && capacity != 0) return inlay__owned(model, inlay__null_argument(function, "text"));
    if (size == NULL) return inlay__owned(model, inlay__null_argument(function, "size"));
    INLAY__TRY(inlay__check_tokenizer(function, model));
    return inlay__owned(model, inlay__tokenizer_token_bytes(model->tokenizer, token, text, capacity, size));
}

int32_t inlay_stream_text(const inlay_model *model, uint64_t *state, int32_t token, char *text, size_t capacity,
                          size_t *size) {
    const char *function = "inlay_stream_text";
    INLAY__TRY(inlay__check_model(function, model));
    if (state == NULL) return inlay__owned(model, inlay__null_argument(function, "state"));
    if (text == NULL && capacity != 0) return inlay__owned(model, inlay__null_argument(function, "text"));
    if (size == NULL) return inlay__owned(model, inlay__null_argument(function, "size"));
    INLAY__TRY(inlay__check_tokenizer(function, model));
    return inlay__owned(model, inlay__tokenizer_stream(model->tokenizer, state, token, text, capacity, size));
}

static int32_t check_token(const char *function, const inlay_model *model, int32_t token) {
    size_t n_vocab = model->tokenizer != NULL ? inlay__tokenizer_n_vocab(model->tokenizer) : 0;
    if (token >= 0 && (size_t)token < n_vocab) return INLAY_OK;
    return inlay__fail(INLAY_ERR_TOKEN, "%s: token is %d, outside the vocabulary of %zu tokens", function, token,
                       n_vocab);
}

int32_t inlay_token_text(const inlay_model *model, int32_t token, const char **text, size_t *size) {
    const char *function = "inlay_token_text";
    INLAY__TRY(inlay__check_model(function, model));
    if (text == NULL) return inlay__owned(model, inlay__null_argument(function, "text"));
    if (size == NULL) return inlay__owned(model, inlay__null_argument(function, "size"));
    INLAY__TRY(inlay__owned(model, check_token(function, model, token)));
    inlay__text found = inlay__tokenizer_token_text(model->tokenizer, token);
    *text = found.text;
    *size = found.size;
    return INLAY_OK;
}

int32_t inlay_token_flags(const inlay_model *model, int32_t token) {
    if (inlay__check_model("inlay_token_flags", model) != INLAY_OK) return -1;
    if (inlay__owned(model, check_token("inlay_token_flags", model, token)) != INLAY_OK) return -1;
    return inlay__tokenizer_token_flags(model->tokenizer, token);
}

int32_t inlay_token_is_end(const inlay_model *model, int32_t token) {
    int32_t flags = inlay_token_flags(model, token);
    return flags >= 0 && (flags & INLAY_TOKEN_END) != 0;
}

int32_t inlay_token_find(const inlay_model *model, const char *text, size_t size, int32_t *token) {
    const char *function = "inlay_token_find";
    INLAY__TRY(inlay__check_model(function, model));
    if (text == NULL) return inlay__owned(model, inlay__null_argument(function, "text"));
    if (token == NULL) return inlay__owned(model, inlay__null_argument(function, "token"));
    if (size == INLAY_ALL) size = strlen(text);
    if (model->tokenizer != NULL && inlay__tokenizer_find(model->tokenizer, text, size, token)) return INLAY_OK;
    return inlay__owned(
        model, inlay__fail(INLAY_ERR_KEY, "%s: no token is '%.*s'", function, (int)inlay__min_size(size, 128), text));
}
