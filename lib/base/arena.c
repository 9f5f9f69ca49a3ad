/* Blocks in a list; small things share one. */
#include "arena.h"

enum { BLOCK_SIZE = 4096, HEAD_SIZE = 64 };

struct inlay__arena_block {
    inlay__arena_block *before;
    size_t size, used; /* bytes, with this head */
};

static inlay__arena_block *add_block(inlay__arena *arena, size_t need) {
    size_t size;
    if (!inlay__add_size(need, HEAD_SIZE, &size)) {
        inlay__fail(INLAY_ERR_MEMORY, "out of memory: %zu bytes do not fit an address space", need);
        return NULL;
    }
    size = inlay__max_size(size, BLOCK_SIZE);
    inlay__arena_block *block = inlay__alloc_array(arena->sys, size, 1);
    if (block == NULL) return NULL;
    *block = (inlay__arena_block){.before = arena->last, .size = size, .used = HEAD_SIZE};
    arena->last = block;
    return block;
}

void *inlay__arena_alloc(inlay__arena *arena, size_t count, size_t size) {
    size_t bytes;
    if (!inlay__mul_size(count, size, &bytes) || bytes > SIZE_MAX - BLOCK_SIZE) {
        inlay__fail(INLAY_ERR_MEMORY, "out of memory: %zu elements of %zu bytes do not fit an address space", count,
                    size);
        return NULL;
    }
    bytes = inlay__round_up(bytes, 16);
    inlay__arena_block *block = arena->last;
    if (block == NULL || block->size - block->used < bytes) block = add_block(arena, bytes);
    if (block == NULL) return NULL;
    void *memory = (uint8_t *)block + block->used;
    block->used += bytes;
    return memory;
}

char *inlay__arena_text(inlay__arena *arena, const char *text, size_t size) {
    char *copy = inlay__arena_alloc(arena, size + 1, 1);
    if (copy != NULL && size > 0) memcpy(copy, text, size);
    return copy;
}

void inlay__arena_free(inlay__arena *arena) {
    while (arena->last != NULL) {
        inlay__arena_block *block = arena->last;
        arena->last = block->before;
        inlay__free(arena->sys, block, block->size);
    }
}
