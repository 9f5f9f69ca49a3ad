/* Which two bytes ever stand side by side inside a token that merging makes. Where two bytes of a text never do, no
 * merge reaches over: what is before and what is after can be merged apart, and stays in the CPU's cache. */
#ifndef INLAY_BYTE_PAIRS_H
#define INLAY_BYTE_PAIRS_H

#include "base/base.h"

typedef struct inlay__byte_pairs {
    uint32_t bits[0x10000 / 32];
} inlay__byte_pairs;

static inline void inlay__byte_pairs_add(inlay__byte_pairs *pairs, uint8_t left, uint8_t right) {
    uint32_t pair = (uint32_t)left << 8 | right;
    uint32_t *bits = &pairs->bits[pair / 32], bit = 1u << pair % 32;
    if ((*bits & bit) == 0) *bits |= bit; /* most were there before, and a store would keep the next load waiting */
}

static inline bool inlay__byte_pairs_has(const inlay__byte_pairs *pairs, uint8_t left, uint8_t right) {
    uint32_t pair = (uint32_t)left << 8 | right;
    return (pairs->bits[pair / 32] >> pair % 32 & 1) != 0;
}

#endif
