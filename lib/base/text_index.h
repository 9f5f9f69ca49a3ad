/* From texts to their numbers, where the texts stand end to end with a NUL after each: a hash map in 4 bytes a slot.
 *
 *     slot = high bits of the hash | number + 1          0: empty
 *
 * The number takes as many bits as the greatest needs; the bits of the hash above it tell most other texts apart
 * without a look at them. The hash is seeded afresh, as that of inlay__hash_map. */
#ifndef INLAY_TEXT_INDEX_H
#define INLAY_TEXT_INDEX_H

#include "base/base.h"

typedef struct inlay__text_index {
    uint32_t *slots; /* [n_slots] */
    size_t n_slots;  /* of any number, below 2^32 */
    uint32_t number_mask;    /* the bits of a slot that hold the number */
    uint64_t seed;
    const char *texts;
    const uint32_t *offsets; /* [n + 1] where in `texts` each begins */
} inlay__text_index;

/* Room for texts 0 to n - 1 (n at most INT32_MAX), none of which is in it yet. They stay the caller's. */
int32_t inlay__text_index_init(const inlay__sys *sys, inlay__text_index *index, const char *texts,
                               const uint32_t *offsets, size_t n);
void inlay__text_index_free(const inlay__sys *sys, inlay__text_index *index);

uint64_t inlay__text_index_hash(const inlay__text_index *index, const char *text, size_t size);
/* Puts text `number`, whose hash is given; false, changing nothing, when an equal one is there. Each number at most
 * once. */
bool inlay__text_index_put(inlay__text_index *index, uint64_t hash, uint32_t number);
bool inlay__text_index_get(const inlay__text_index *index, uint64_t hash, const char *text, size_t size,
                           uint32_t *number);

/* Where looking for a hash begins: as far along the slots as its low 32 bits are along their range. */
static inline size_t inlay__text_index_place(const inlay__text_index *index, uint64_t hash) {
    return (size_t)((uint64_t)(uint32_t)hash * index->n_slots >> 32);
}

/* For many texts in a row: a word to the processor that a slot will be wanted soon, and then, with the slot at hand,
 * the text it leads to. */
static inline void inlay__text_index_expect(const inlay__text_index *index, uint64_t hash) {
    INLAY__PREFETCH(&index->slots[inlay__text_index_place(index, hash)]);
}

static inline void inlay__text_index_expect_text(const inlay__text_index *index, uint64_t hash) {
    uint32_t number = index->slots[inlay__text_index_place(index, hash)] & index->number_mask;
    if (number > 0) INLAY__PREFETCH(index->texts + index->offsets[number - 1]);
}

#endif
