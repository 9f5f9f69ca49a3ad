/* Finding n-grams, token by token. */
#include "format/ngrams.h"

/* Among the successors of a place of order k. */
static bool find_successor(const inlay__ngrams *ngrams, size_t k, int32_t token, size_t *place) {
    const inlay__ngram_order *next = &ngrams->orders[k];
    size_t begin, end;
    inlay__ngrams_successors(ngrams, k, *place, &begin, &end);
    size_t last = end;
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;
        if (next->tokens[middle] < token)
            begin = middle + 1;
        else
            end = middle;
    }
    *place = begin;
    return begin < last && next->tokens[begin] == token;
}

bool inlay__ngrams_find(const inlay__ngrams *ngrams, const int32_t *tokens, size_t n, size_t *place) {
    *place = (size_t)tokens[0];
    for (size_t k = 1; k < n; k++)
        if (!find_successor(ngrams, k, tokens[k], place)) return false;
    return true;
}
