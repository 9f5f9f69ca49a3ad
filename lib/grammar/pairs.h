/* A small set of pairs of numbers, in the order they come, that forgets all at once. */
#ifndef INLAY_PAIRS_H
#define INLAY_PAIRS_H

#include "base/base.h"

typedef struct inlay__pair {
    uint32_t position, frame;
} inlay__pair;

typedef struct inlay__pairs {
    inlay__pair *items; /* [n] of at most `most` */
    uint32_t *where;    /* [n] each item's slot */
    uint32_t *slots;    /* [mask + 1] an item, if that has this slot: so nothing need be cleared */
    size_t n, most, mask;
    uint64_t hash; /* the same for the same items in any order */
} inlay__pairs;

/* Errors: INLAY_ERR_MEMORY; free it also then. */
int32_t inlay__pairs_init(inlay__pairs *pairs, const inlay__sys *sys, size_t most);
void inlay__pairs_free(inlay__pairs *pairs, const inlay__sys *sys);

static inline void inlay__pairs_clear(inlay__pairs *pairs) {
    pairs->n = 0;
    pairs->hash = 0;
}

static inline uint64_t inlay__pair_hash(inlay__pair item) {
    uint64_t h = ((uint64_t)item.position << 32 | item.frame) * 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9u;
    return h ^ h >> 32;
}

static inline bool inlay__pairs_is_live(const inlay__pairs *pairs, size_t slot) {
    uint32_t i = pairs->slots[slot];
    return i < pairs->n && pairs->where[i] == slot;
}

/* The slot of an item, or the one where it would be put. */
static inline size_t inlay__pairs_slot(const inlay__pairs *pairs, inlay__pair item, uint64_t hash) {
    size_t slot = (size_t)hash & pairs->mask;
    for (; inlay__pairs_is_live(pairs, slot); slot = (slot + 1) & pairs->mask) {
        inlay__pair other = pairs->items[pairs->slots[slot]];
        if (other.position == item.position && other.frame == item.frame) break;
    }
    return slot;
}

static inline bool inlay__pairs_has(const inlay__pairs *pairs, inlay__pair item) {
    return inlay__pairs_is_live(pairs, inlay__pairs_slot(pairs, item, inlay__pair_hash(item)));
}

/* Adds an item, unless it is there; false when there is no room. */
static inline bool inlay__pairs_add(inlay__pairs *pairs, inlay__pair item) {
    uint64_t hash = inlay__pair_hash(item);
    size_t slot = inlay__pairs_slot(pairs, item, hash);
    if (inlay__pairs_is_live(pairs, slot)) return true;
    if (pairs->n == pairs->most) return false;
    pairs->items[pairs->n] = item;
    pairs->where[pairs->n] = (uint32_t)slot;
    pairs->slots[slot] = (uint32_t)pairs->n++;
    pairs->hash += hash;
    return true;
}

#endif
