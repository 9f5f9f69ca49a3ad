/* A small set of pairs of numbers. */
#include "grammar/pairs.h"

int32_t inlay__pairs_init(inlay__pairs *pairs, const inlay__sys *sys, size_t most) {
    size_t n = 16;
    while (n < 2 * most)
        n *= 2;
    *pairs = (inlay__pairs){.most = most, .mask = n - 1};
    pairs->items = inlay__alloc_array(sys, most, sizeof *pairs->items);
    pairs->where = inlay__alloc_array(sys, most, sizeof *pairs->where);
    pairs->slots = inlay__alloc_array(sys, n, sizeof *pairs->slots);
    return pairs->items != NULL && pairs->where != NULL && pairs->slots != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
}

void inlay__pairs_free(inlay__pairs *pairs, const inlay__sys *sys) {
    inlay__free(sys, pairs->slots, (pairs->mask + 1) * sizeof *pairs->slots);
    inlay__free(sys, pairs->where, pairs->most * sizeof *pairs->where);
    inlay__free(sys, pairs->items, pairs->most * sizeof *pairs->items);
}
