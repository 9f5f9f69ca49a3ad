/* The heap that merging takes pairs from: the least entry first. An entry is a rank, the lower the earlier, above a
 * position, so that among equal ranks the leftmost pair comes first. */
#ifndef INLAY_MERGE_HEAP_H
#define INLAY_MERGE_HEAP_H

#include "base/base.h"

typedef struct inlay__merge_heap {
    uint64_t *entries; /* rank << 32 | position; the caller's memory */
    size_t size;
} inlay__merge_heap;

/* Four children a node: half the levels, and the children share a cache line. */
static inline void inlay__merge_heap_sift(inlay__merge_heap *heap, size_t at) {
    uint64_t *entries = heap->entries, moved = entries[at];
    for (;;) {
        size_t first = at * 4 + 1;
        if (first >= heap->size) break;
        size_t least = first, end = inlay__min_size(first + 4, heap->size);
        for (size_t child = first + 1; child < end; child++)
            if (entries[child] < entries[least]) least = child;
        if (entries[least] >= moved) break;
        entries[at] = entries[least];
        at = least;
    }
    entries[at] = moved;
}

/* Makes a heap of entries in any order. */
static inline void inlay__merge_heap_order(inlay__merge_heap *heap) {
    for (size_t i = heap->size / 4 + 1; i-- > 0;)
        if (i < heap->size) inlay__merge_heap_sift(heap, i);
}

static inline void inlay__merge_heap_push(inlay__merge_heap *heap, uint64_t entry) {
    size_t at = heap->size++;
    while (at > 0 && heap->entries[(at - 1) / 4] > entry) {
        heap->entries[at] = heap->entries[(at - 1) / 4];
        at = (at - 1) / 4;
    }
    heap->entries[at] = entry;
}

/* Not of an empty heap. */
static inline uint64_t inlay__merge_heap_pop(inlay__merge_heap *heap) {
    uint64_t least = heap->entries[0];
    heap->entries[0] = heap->entries[--heap->size];
    if (heap->size > 0) inlay__merge_heap_sift(heap, 0);
    return least;
}

#endif
