/* The growing list of tokens and the scratch of one call. */
#include "tokenizer/encoder.h"

int32_t inlay__encoder_reserve(inlay__encoder *encoder, size_t n) {
    size_t need;
    if (!inlay__add_size(encoder->n_tokens, n, &need))
        return inlay__fail(INLAY_ERR_MEMORY, "out of memory: too many tokens");
    void *tokens = encoder->tokens;
    INLAY__TRY(inlay__grow(encoder->sys, &tokens, &encoder->capacity, need, sizeof *encoder->tokens));
    encoder->tokens = tokens;
    if (!encoder->wants_spans) return INLAY_OK;
    void *spans = encoder->spans;
    INLAY__TRY(inlay__grow(encoder->sys, &spans, &encoder->span_capacity, need, sizeof *encoder->spans));
    encoder->spans = spans;
    return INLAY_OK;
}

void *inlay__encoder_scratch(inlay__encoder *encoder, size_t i, size_t size) {
    if (encoder->scratch[i] != NULL && size <= encoder->scratch_size[i]) return encoder->scratch[i];
    inlay__free(encoder->sys, encoder->scratch[i], encoder->scratch_size[i]);
    encoder->scratch_size[i] = 0;
    encoder->scratch[i] = inlay__alloc(encoder->sys, size);
    if (encoder->scratch[i] != NULL) encoder->scratch_size[i] = size;
    return encoder->scratch[i];
}

void *inlay__encoder_grow_scratch(inlay__encoder *encoder, size_t i, size_t size) {
    if (inlay__grow(encoder->sys, &encoder->scratch[i], &encoder->scratch_size[i], size, 1) != INLAY_OK) return NULL;
    return encoder->scratch[i];
}

void inlay__encoder_free_scratch(inlay__encoder *encoder) {
    for (size_t i = 0; i < INLAY__N_SCRATCH; i++) {
        inlay__free(encoder->sys, encoder->scratch[i], encoder->scratch_size[i]);
        encoder->scratch[i] = NULL;
        encoder->scratch_size[i] = 0;
    }
}

void inlay__encoder_free(inlay__encoder *encoder) {
    inlay__free(encoder->sys, encoder->tokens, encoder->capacity * sizeof *encoder->tokens);
    inlay__free(encoder->sys, encoder->spans, encoder->span_capacity * sizeof *encoder->spans);
    inlay__encoder_free_scratch(encoder);
    *encoder = (inlay__encoder){.sys = encoder->sys};
}
