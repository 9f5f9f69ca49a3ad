/* Counting n-grams and estimating a model of them: interpolated modified Kneser-Ney smoothing [Chen & Goodman 1999,
 * section 3], with the discounts of equation 26 for each order. */
#ifndef INLAY_NGRAM_COUNT_H
#define INLAY_NGRAM_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { NGRAM_MAX_ORDER = 8, NGRAM_NO_TOKEN = -1 };

/* Sequences of tokens one behind another, NGRAM_NO_TOKEN before the first, between them and after the last. */
typedef struct ngram_text {
    int32_t *tokens; /* [n] */
    size_t n, capacity;
} ngram_text;

/* The n-grams of one order, sorted by their tokens. */
typedef struct ngram_list {
    size_t n;
    uint32_t *at;     /* [n] where in the text each stands, once */
    uint32_t *suffix; /* [n] the place of all but the first token in the order below */
    double *count; /* [n] how often; of those that others continue to the left, how many different tokens stand there */
    double *p;        /* [n] of the last token after the others */
    double *backoff;  /* [n] of the whole as a context; 1 where nothing follows it */
    double discount[4]; /* of counts 1, 2, and 3 or more */
    bool guessed;     /* too few n-grams to tell the discounts: the usual ones */
} ngram_list;

typedef struct ngram_model {
    const ngram_text *text;
    int32_t n_vocab;
    int32_t begin;    /* the token that begins sequences and is never expected; NGRAM_NO_TOKEN: none */
    size_t order;
    ngram_list lists[NGRAM_MAX_ORDER]; /* [order]; order 1 has all tokens of the vocabulary, by id */
} ngram_model;

bool ngram_text_add(ngram_text *text, int32_t token); /* false: out of memory */

/* text, n_vocab, begin and order are set. False: out of memory. */
bool ngram_model_estimate(ngram_model *m);
void ngram_model_free(ngram_model *m);

/* In ARPA format; `word` writes a token. */
void ngram_model_write(const ngram_model *m, FILE *out, void (*word)(void *user, int32_t token, FILE *out), void *user);

#endif
