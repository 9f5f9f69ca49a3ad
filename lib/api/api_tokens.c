/* Text and tokens. */
#include "handles.h"

/* A folder may have no tokenizer: its models take and give ids. */
static int32_t check_tokenizer(const char *function, const inlay_model *model) {
    if (model->tokenizer != NULL) return INLAY_OK;
    return inlay__owned(model, inlay__fail(INLAY_ERR_UNSUPPORTED, "%s: model '%s' has no tokenizer", function,
                                           inlay__weights_name(&model->weights)));
}

int32_t inlay_tokenize(const inlay_model *model, const char *text, size_t size, int32_t flags, int32_t *tokens,
                       size_t capacity, size_t *n_tokens) {
    const char *function = "inlay_tokenize";
    INLAY__TRY(inlay__check_model(function, model));
    if (text == NULL && size != 0) return inlay__owned(model, inlay__null_argument(function, "text"));
    if (tokens == NULL && capacity != 0) return inlay__owned(model, inlay__null_argument(function, "tokens"));
    if (n_tokens == NULL) return inlay__owned(model, inlay__null_argument(function, "n_tokens"));
    if ((flags & ~(INLAY_ADD_SPECIAL | INLAY_PARSE_SPECIAL)) != 0)
        return inlay__owned(model, inlay__fail(INLAY_ERR_ARGUMENT,
                                               "%s: flags is %d, expected a sum of INLAY_ADD_SPECIAL and "
                                               "INLAY_PARSE_SPECIAL",
                                               function, flags));
    INLAY__TRY(check_tokenizer(function, model));
    if (text == NULL) text = "";
    if (size == INLAY_ALL) size = strlen(text);
    return inlay__owned(model,
                        inlay__tokenizer_encode(model->tokenizer, text, size, flags, tokens, capacity, n_tokens));
}

int32_t inlay_detokenize(const inlay_model *model, const int32_t *tokens, size_t n_tokens, char *text, size_t capacity,
                         size_t *size) {
    const char *function = "inlay_detokenize";
    INLAY__TRY(inlay__check_model(function, model));
    if (tokens == NULL && n_tokens != 0) return inlay__owned(model, inlay__null_argument(function, "tokens"));
    if (text == NULL && capacity != 0) return inlay__owned(model, inlay__null_argument(function, "text"));
    if (size == NULL) return inlay__owned(model, inlay__null_argument(function, "size"));
    INLAY__TRY(check_tokenizer(function, model));
    return inlay__owned(model, inlay__tokenizer_decode(model->tokenizer, tokens, n_tokens, text, capacity, size));
}

int32_t inlay_stream_text(const inlay_model *model, uint64_t *state, int32_t token, char *text, size_t capacity,
                          size_t *size) {
    const char *function = "inlay_stream_text";
    INLAY__TRY(inlay__check_model(function, model));
    if (state == NULL) return inlay__owned(model, inlay__null_argument(function, "state"));
    if (text == NULL && capacity != 0) return inlay__owned(model, inlay__null_argument(function, "text"));
    if (size == NULL) return inlay__owned(model, inlay__null_argument(function, "size"));
    INLAY__TRY(check_tokenizer(function, model));
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
