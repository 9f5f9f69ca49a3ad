/* The texts of a vocabulary's tokens in the order of their bytes, so that what many share is read once. Immutable once
 * made. */
#ifndef INLAY_TOKEN_TEXTS_H
#define INLAY_TOKEN_TEXTS_H

#include "tokenizer/tokenizer.h"

enum { INLAY__LONGEST_TEXT = 65535 };

typedef struct inlay__token_texts {
    const inlay__sys *sys;
    size_t n_vocab;   /* of the tokenizer */
    size_t n;         /* tokens that stand for text, each with at least one byte */
    int32_t *tokens;  /* [n] in ascending order of their texts */
    uint32_t *starts; /* [n_vocab + 1] of each token's bytes, by id; none of those that stand for no text */
    uint8_t *bytes;   /* [n_bytes] */
    uint16_t *shared; /* [n] bytes that the one before begins with too */
    size_t n_bytes, longest;
} inlay__token_texts;

/* Control tokens, unused ones, the unknown one, and those that end a text, whatever their kind, stand for no text.
 * On failure nothing is held. Errors: INLAY_ERR_UNSUPPORTED (a token of more than 65535 bytes), INLAY_ERR_MEMORY. */
int32_t inlay__token_texts_make(const inlay__sys *sys, const inlay__tokenizer *tokenizer, inlay__token_texts *texts);
void inlay__token_texts_free(inlay__token_texts *texts);

static inline const uint8_t *inlay__token_texts_of(const inlay__token_texts *texts, int32_t token, size_t *size) {
    uint32_t begin = texts->starts[token];
    *size = texts->starts[token + 1] - begin;
    return texts->bytes + begin;
}

#endif
