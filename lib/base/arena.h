/* Memory that is given back all at once. */
#ifndef INLAY_ARENA_H
#define INLAY_ARENA_H

#include "base.h"

typedef struct inlay__arena_block inlay__arena_block;

typedef struct inlay__arena {
    const inlay__sys *sys;
    inlay__arena_block *last; /* NULL: holds nothing */
} inlay__arena;

/* `count` elements of `size` bytes, cleared to zero; NULL (and the error text) on failure. */
void *inlay__arena_alloc(inlay__arena *arena, size_t count, size_t size);
/* A copy with a NUL after it; NULL on failure. */
char *inlay__arena_text(inlay__arena *arena, const char *text, size_t size);
void inlay__arena_free(inlay__arena *arena);

#endif
