/* Makes the trie of format/ngrams.h, order by order, from n-grams that come in any order. */
#ifndef INLAY_NGRAM_TRIE_H
#define INLAY_NGRAM_TRIE_H

#include "format/gguf_write.h"
#include "format/ngrams.h"

/* The n-grams of the order in hand, as they came. */
typedef struct inlay__ngram_rows {
    size_t n, capacity;
    uint32_t *contexts;   /* [capacity] places in the order below */
    int32_t *tokens;      /* [capacity] that follow them */
    float *log_probs, *log_backoffs; /* [capacity] */
} inlay__ngram_rows;

typedef struct inlay__ngram_trie {
    const inlay__sys *sys;
    const char *name;     /* of the file, in messages */
    inlay__ngrams ngrams; /* orders below the one in hand are done; all point into the writer's memory */
    size_t n_done;        /* orders */
    inlay__ngram_rows rows;
    uint64_t places[INLAY__MAX_NGRAM][4]; /* of the tensors among the writer's: token, log_prob, log_backoff, first */
} inlay__ngram_trie;

/* Declares the tensors of orders 1 to `order`, n[k - 1] of order k, each from 1 to INT32_MAX - 1. */
void inlay__ngram_trie_declare(inlay__ngram_trie *trie, inlay__gguf_writer *w, size_t order, const size_t *n);
/* `data` is the memory of all tensors. The first order is copied, with as many as were declared. */
void inlay__ngram_trie_begin(inlay__ngram_trie *trie, uint8_t *data, const float *log_probs, const float *log_backoffs);

/* The next order: room for its rows, which are then added, as many as were declared; and puts them in their places.
 * Errors: _FORMAT (one is there twice: tells which row), _MEMORY. */
int32_t inlay__ngram_trie_reserve(inlay__ngram_trie *trie);
void inlay__ngram_trie_add(inlay__ngram_trie *trie, uint32_t context, int32_t token, float log_prob, float log_backoff);
int32_t inlay__ngram_trie_place(inlay__ngram_trie *trie);

void inlay__ngram_trie_free(inlay__ngram_trie *trie);

#endif
