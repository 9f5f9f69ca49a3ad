/* Memory between two unreadable pages that ends, or begins, to the byte, where reading or writing on traps. */
#ifndef INLAY_GUARD_PAGE_H
#define INLAY_GUARD_PAGE_H

#include <stddef.h>

typedef struct guarded {
    void *data; /* [size], its last byte is before an unreadable page, or its first after one */
    void *map;
    size_t map_size, size;
} guarded;

/* `size` bytes, filled with `fill`. Ends the program when the system has no memory. */
guarded guard_alloc(size_t size, int fill);
/* The same with the data right after the first page. */
guarded guard_alloc_low(size_t size, int fill);
/* Ends the program when what is between the data and the unreadable pages was written to. */
void guard_free(guarded *block);

#endif
