/* The bytes of a model file: mapped, copied, or lent by the caller. */
#ifndef INLAY_MAP_FILE_H
#define INLAY_MAP_FILE_H

#include <stdatomic.h>

#include "base.h"

typedef struct inlay__file {
    const uint8_t *data;     /* [size], readable until inlay__file_close */
    size_t size;
    int fd;                  /* kept open while mapped, to notice changes; else -1 */
    bool mapped;
    bool owned;              /* data came from the allocator */
    inlay__file_info info;   /* as it was when opened */
} inlay__file;

/* Opens the regular file at `path`. `load` is an INLAY_LOAD_ value. A mapping that the system
 * refuses falls back to a copy. Errors: _IO (not found, not a regular file, short read), _MEMORY. */
int32_t inlay__file_open(const inlay__sys *sys, const char *path, int32_t load, inlay__file *file);

/* Bytes that the caller keeps. */
void inlay__file_lend(const void *data, size_t size, inlay__file *file);

/* INLAY_ERR_CHANGED when a mapped file is not the one that was opened any more. */
int32_t inlay__file_check(const inlay__sys *sys, const char *path, const inlay__file *file);

/* Lets the system take back the memory of the pages within data[0..size), if they belong to this file and it is mapped;
 * they come again when they are read. */
void inlay__file_forget(const inlay__sys *sys, const inlay__file *file, const uint8_t *data, size_t size);

/* Gets the pages of a mapped file ready to be read, from its end backwards, until it has all or `stop` is not 0. */
void inlay__file_populate(const inlay__sys *sys, const inlay__file *file, const atomic_int *stop);

void inlay__file_close(const inlay__sys *sys, inlay__file *file);

#endif
