/* What one call of inlay__tokenizer_encode writes into: the tokens so far, and scratch for words. */
#ifndef INLAY_ENCODER_H
#define INLAY_ENCODER_H

#include "base/base.h"

enum { INLAY__SCRATCH_MERGES, INLAY__SCRATCH_RANKS, INLAY__SCRATCH_TEXT, INLAY__SCRATCH_WORDS, INLAY__N_SCRATCH };

typedef struct inlay__encoder {
    const inlay__sys *sys;
    int32_t *tokens; /* [n_tokens] */
    size_t n_tokens, capacity;
    bool wants_spans;
    size_t (*spans)[2]; /* [n_tokens] where in the text each token begins and ends, when they are wanted */
    size_t span_capacity;
    size_t base; /* where the piece of text that is being encoded begins */
    void *scratch[INLAY__N_SCRATCH];
    size_t scratch_size[INLAY__N_SCRATCH];
} inlay__encoder;

/* Room for n more tokens. */
int32_t inlay__encoder_reserve(inlay__encoder *encoder, size_t n);
/* Scratch number i of at least `size` bytes; when it grows, what was in it is gone. NULL on failure. */
void *inlay__encoder_scratch(inlay__encoder *encoder, size_t i, size_t size);
/* The same, but what is in it stays, and it grows to twice its size at least. */
void *inlay__encoder_grow_scratch(inlay__encoder *encoder, size_t i, size_t size);
void inlay__encoder_free(inlay__encoder *encoder);
/* The scratch alone; the tokens stay. */
void inlay__encoder_free_scratch(inlay__encoder *encoder);

/* After inlay__encoder_reserve: a token that no byte of the text became, so far as is known. */
static inline void inlay__encoder_put(inlay__encoder *encoder, int32_t id) {
    if (encoder->wants_spans)
        encoder->spans[encoder->n_tokens][0] = encoder->spans[encoder->n_tokens][1] = encoder->base;
    encoder->tokens[encoder->n_tokens++] = id;
}

/* The same, of a token that bytes begin to end - 1 of the piece became. */
static inline void inlay__encoder_put_at(inlay__encoder *encoder, int32_t id, size_t begin, size_t end) {
    if (encoder->wants_spans) {
        encoder->spans[encoder->n_tokens][0] = encoder->base + begin;
        encoder->spans[encoder->n_tokens][1] = encoder->base + end;
    }
    encoder->tokens[encoder->n_tokens++] = id;
}

#endif
