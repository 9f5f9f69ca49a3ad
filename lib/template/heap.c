/* Chunks of memory that grow with what was taken before. */
#include "heap.h"

struct inlay__heap_chunk {
    inlay__heap_chunk *next;
    size_t size; /* with this header */
};

enum { ALIGNMENT = 16, HEADER = 16, FIRST_CHUNK = 16 << 10, LARGEST_CHUNK = 1 << 20 };

_Static_assert(sizeof(inlay__heap_chunk) <= HEADER, "the header has its place");

void inlay__heap_init(inlay__heap *heap, const inlay__sys *sys, size_t limit) {
    *heap = (inlay__heap){.sys = sys, .limit = limit};
}

void inlay__heap_free(inlay__heap *heap) {
    for (inlay__heap_chunk *chunk = heap->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        inlay__free(heap->sys, chunk, chunk->size);
    }
    *heap = (inlay__heap){.sys = heap->sys};
}

static void *refuse(inlay__heap *heap) {
    heap->limited = true;
    inlay__fail(INLAY_ERR_TEMPLATE, "the template needs more than %zu bytes of memory", heap->limit);
    return NULL;
}

static bool add_chunk(inlay__heap *heap, size_t need) {
    size_t room = inlay__max_size(FIRST_CHUNK, inlay__min_size(heap->used, LARGEST_CHUNK));
    size_t size = inlay__max_size(room, need + HEADER);
    if (size > heap->limit - heap->used) size = need + HEADER;
    if (size > heap->limit - heap->used) return refuse(heap) != NULL;
    inlay__heap_chunk *chunk = inlay__alloc(heap->sys, size);
    if (chunk == NULL) return false;
    *chunk = (inlay__heap_chunk){heap->chunks, size};
    heap->chunks = chunk;
    heap->used += size;
    heap->at = (char *)chunk + HEADER;
    heap->left = size - HEADER;
    return true;
}

void *inlay__heap_take(inlay__heap *heap, size_t size) {
    if (size > heap->limit) return refuse(heap);
    size = inlay__round_up(size, ALIGNMENT);
    if (size > heap->left && !add_chunk(heap, size)) return NULL;
    void *taken = heap->at;
    heap->at += size;
    heap->left -= size;
    return taken;
}

void *inlay__heap_take_array(inlay__heap *heap, size_t count, size_t size) {
    size_t bytes;
    if (!inlay__mul_size(count, size, &bytes)) bytes = SIZE_MAX;
    return inlay__heap_take(heap, bytes);
}

int32_t inlay__heap_status(const inlay__heap *heap) { return heap->limited ? INLAY_ERR_TEMPLATE : INLAY_ERR_MEMORY; }
