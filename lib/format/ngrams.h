/* The n-grams of a back-off model [Katz 1987] as a trie from the first word to the last, order by order. As tensors of
 * a file:
 *
 *     ngram.1.log_prob                 F32 [n_vocab]   of each token by its id
 *     ngram.K.token                    I32 [n_K]       the last token of each, K > 1
 *     ngram.K.log_prob                 F32 [n_K]       of it after the others
 *     ngram.K.log_backoff              F32 [n_K]       of the whole as a context, K below the highest order
 *     ngram.K.first                    I32 [n_K + 1]   its successors are places first[i] to
 *                                                      first[i + 1] - 1 of order K + 1
 *
 *     order 1    a        b        c                   first 0 2 2 3
 *     order 2    a a  a c          c b                 token 0 2   1
 *
 * Successors stand side by side, by rising token: they are found by halving, and all of them are read in one go.
 * Logarithms are natural. */
#ifndef INLAY_NGRAMS_H
#define INLAY_NGRAMS_H

#include "base/base.h"

enum { INLAY__MAX_NGRAM = 16 };

/* What a logarithm may be in size: e^-2303 is 10^-1000. */
#define INLAY__MAX_NGRAM_LOG 2303.0f

typedef struct inlay__ngram_order {
    size_t n;
    const int32_t *tokens;     /* [n]; NULL of order 1 */
    const float *log_probs;    /* [n] */
    const float *log_backoffs; /* [n]; NULL of the highest order, as `first` */
    const int32_t *first;      /* [n + 1] */
} inlay__ngram_order;

typedef struct inlay__ngrams {
    size_t order;                                /* the highest, at least 1 */
    inlay__ngram_order orders[INLAY__MAX_NGRAM]; /* number k - 1 is order k */
} inlay__ngrams;

/* The successors of a place of order k are places begin to end - 1 of order k + 1: within it, whatever a mapped file
 * may say by now. */
static inline void inlay__ngrams_successors(const inlay__ngrams *ngrams, size_t k, size_t place, size_t *begin,
                                            size_t *end) {
    const int32_t *first = ngrams->orders[k - 1].first + place;
    *end = inlay__min_size((size_t)first[1], ngrams->orders[k].n);
    *begin = inlay__min_size((size_t)first[0], *end);
}

/* The place of n tokens, each in the vocabulary, among order n, 1 to the highest; false when they are not there. */
bool inlay__ngrams_find(const inlay__ngrams *ngrams, const int32_t *tokens, size_t n, size_t *place);

#endif
