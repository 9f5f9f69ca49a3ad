/* Open addressing with linear probing, at most four fifths full: nearly all steps stay within a line of memory. */
#include "base/text_index.h"

#include "base/hash_map.h"

int32_t inlay__text_index_init(const inlay__sys *sys, inlay__text_index *index, const char *texts,
                               const uint32_t *offsets, size_t n) {
    size_t n_slots = n + n / 4 + 16, number_mask = 1;
    while (number_mask < n) number_mask = number_mask << 1 | 1;
    *index = (inlay__text_index){.slots = inlay__alloc_array(sys, n_slots, sizeof *index->slots), .n_slots = n_slots,
                                 .number_mask = (uint32_t)number_mask, .texts = texts, .offsets = offsets};
    if (index->slots == NULL) return INLAY_ERR_MEMORY;
    index->seed = inlay__hash_seed(index->slots);
    return INLAY_OK;
}

void inlay__text_index_free(const inlay__sys *sys, inlay__text_index *index) {
    if (index->slots != NULL) inlay__free(sys, index->slots, index->n_slots * sizeof *index->slots);
    index->slots = NULL;
}

uint64_t inlay__text_index_hash(const inlay__text_index *index, const char *text, size_t size) {
    return inlay__hash_bytes(index->seed, text, size);
}

/* The text's slot, or the empty one where it would go. */
static size_t find(const inlay__text_index *index, uint64_t hash, const char *text, size_t size) {
    uint32_t tag = (uint32_t)(hash >> 32) & ~index->number_mask;
    for (size_t i = inlay__text_index_place(index, hash);; i = i + 1 < index->n_slots ? i + 1 : 0) {
        uint32_t slot = index->slots[i], number = slot & index->number_mask;
        if (slot == 0) return i;
        if ((slot & ~index->number_mask) != tag) continue;
        uint32_t begin = index->offsets[number - 1];
        if (index->offsets[number] - 1 - begin == size && inlay__same_bytes(index->texts + begin, text, size)) return i;
    }
}

bool inlay__text_index_put(inlay__text_index *index, uint64_t hash, uint32_t number) {
    uint32_t begin = index->offsets[number];
    size_t i = find(index, hash, index->texts + begin, index->offsets[number + 1] - 1 - begin);
    if (index->slots[i] != 0) return false;
    index->slots[i] = ((uint32_t)(hash >> 32) & ~index->number_mask) | (number + 1);
    return true;
}

bool inlay__text_index_get(const inlay__text_index *index, uint64_t hash, const char *text, size_t size,
                           uint32_t *number) {
    if (index->slots == NULL) return false;
    uint32_t slot = index->slots[find(index, hash, text, size)];
    if (slot == 0) return false;
    *number = (slot & index->number_mask) - 1;
    return true;
}
