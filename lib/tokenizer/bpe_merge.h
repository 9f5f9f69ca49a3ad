/* Lookup of merges, and merging one word. */
#ifndef INLAY_BPE_MERGE_H
#define INLAY_BPE_MERGE_H

#include "tokenizer/bpe.h"

/* Where looking for a pair begins. */
static inline size_t inlay__bpe_slot(const inlay__bpe *bpe, uint32_t left, uint32_t right) {
    uint64_t h = ((uint64_t)left << 32 | right) ^ bpe->seed;
    h *= 0x9E3779B97F4A7C15u;
    h ^= h >> 32;
    h *= 0xD6E8FEB86659FD93u;
    return (size_t)(h >> 32) & bpe->merge_mask;
}

/* The slot of a pair: its merge, or the empty slot where it would be. */
static inline const inlay__merge *inlay__bpe_find(const inlay__bpe *bpe, uint32_t left, uint32_t right) {
    size_t slot = inlay__bpe_slot(bpe, left, right);
    for (;;) {
        const inlay__merge *merge = &bpe->merges[slot];
        if (merge->result < 0 || (merge->left == left && merge->right == right)) return merge;
        slot = (slot + 1) & bpe->merge_mask;
    }
}

/* Appends the tokens of a word of 1 to INT32_MAX bytes. */
int32_t inlay__bpe_merge_word(const inlay__bpe *bpe, inlay__encoder *encoder, const uint8_t *word, size_t size);

#endif
