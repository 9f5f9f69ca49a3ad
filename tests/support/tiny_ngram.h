/* A small n-gram model in ARPA format: all 1-grams, and of the longer ones those that a formula picks. */
#ifndef INLAY_TINY_NGRAM_H
#define INLAY_TINY_NGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tiny_ngram {
    int32_t n_words; /* w0, w1, ...; the first three are <unk>, <s>, </s> */
    int32_t order;   /* 1 to 5 */
    bool backwards;  /* within each section the last n-gram comes first */
    bool linked;     /* words are ids of another model's tokens */
} tiny_ngram;

/* Whether n tokens are one of its n-grams, n from 1 to 5, and its numbers, log10. */
bool tiny_ngram_has(const tiny_ngram *m, const int32_t *tokens, int32_t n);
double tiny_ngram_log_prob(const int32_t *tokens, int32_t n);
double tiny_ngram_log_backoff(const int32_t *tokens, int32_t n);

/* The file's text, from malloc. */
uint8_t *tiny_ngram_file(const tiny_ngram *m, size_t *size);

#endif
