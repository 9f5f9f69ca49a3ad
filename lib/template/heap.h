/* The memory of one template and its rendering: taken piece by piece, given back as a whole. */
#ifndef INLAY_HEAP_H
#define INLAY_HEAP_H

#include "base/base.h"

typedef struct inlay__heap_chunk inlay__heap_chunk;

typedef struct inlay__heap {
    const inlay__sys *sys;
    inlay__heap_chunk *chunks; /* the newest first */
    char *at;                  /* the free end of the newest */
    size_t left;
    size_t used, limit;        /* bytes of all chunks, and how many there may be */
    bool limited;              /* the limit was reached */
} inlay__heap;

void inlay__heap_init(inlay__heap *heap, const inlay__sys *sys, size_t limit);
void inlay__heap_free(inlay__heap *heap);

/* `size` bytes aligned to 16, not cleared. NULL and the error text when memory or the limit ends. */
void *inlay__heap_take(inlay__heap *heap, size_t size);
/* `count` elements, the product checked. */
void *inlay__heap_take_array(inlay__heap *heap, size_t count, size_t size);
/* After a NULL: INLAY_ERR_MEMORY when the allocator failed, INLAY_ERR_TEMPLATE when the limit was reached. */
int32_t inlay__heap_status(const inlay__heap *heap);

#endif
