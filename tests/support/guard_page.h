/* Memory that ends, to the byte, where reading or writing on traps. */
#ifndef INLAY_GUARD_PAGE_H
#define INLAY_GUARD_PAGE_H

#include <stddef.h>

typedef struct guarded {
    void *data;   /* [size], its last byte is before an unreadable page */
    void *map;
    size_t map_size;
} guarded;

/* `size` bytes, filled with `fill`. Ends the program when the system has no memory. */
guarded guard_alloc(size_t size, int fill);
void guard_free(guarded *block);

#endif
