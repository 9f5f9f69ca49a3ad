/* The bytes of a model file: mapped, copied, lent by the caller, or read through the caller's function as they are
 * needed. */
#ifndef INLAY_MAP_FILE_H
#define INLAY_MAP_FILE_H

#include <stdatomic.h>

#include "base.h"
#include "progress.h"

/* Where a file is found. */
typedef enum inlay__source_kind {
    INLAY__FROM_PATH,
    INLAY__FROM_MEMORY,     /* that the caller keeps */
    INLAY__FROM_DESCRIPTOR, /* some bytes of an open file */
    INLAY__FROM_CALLBACK    /* wherever the caller's function gets them */
} inlay__source_kind;

typedef struct inlay__source {
    inlay__source_kind kind;
    const char *name;          /* the path, or what messages call it */
    int32_t load;              /* INLAY_LOAD_, of paths and descriptors */
    const void *data;          /* memory: [size] */
    int fd;                    /* descriptor: the caller's */
    uint64_t offset;           /* descriptor: where the file begins */
    inlay_read_fn read;        /* callback */
    void *user;
    uint64_t size;             /* of all but paths; descriptor, INLAY__TO_THE_END: what there is behind `offset` */
    inlay__progress *progress; /* of bytes copied; or NULL */
} inlay__source;

#define INLAY__TO_THE_END UINT64_MAX
#define INLAY__PATH(path, how) (&(inlay__source){.kind = INLAY__FROM_PATH, .name = (path), .load = (how)})

typedef struct inlay__file {
    const uint8_t *data;     /* [size], at any alignment, readable until inlay__file_close; NULL: inlay__file_read */
    size_t size;
    int fd;                  /* kept open while mapped, to notice changes; else -1 */
    bool mapped;
    bool owned;              /* data came from the allocator */
    inlay__file_info info;   /* as it was when opened; of a descriptor that of the whole */
    inlay_read_fn read;      /* where there are no data */
    void *user;
} inlay__file;

/* Opens a regular file. A mapping that the system refuses falls back to a copy. Of progress it expects the file's
 * bytes once, which the caller will prepare, and once more, which are done when it returns, if it copies them. `sys`
 * may copy descriptors: the source's own may be closed. Errors: _IO (not found, not a regular file, short read),
 * _ARGUMENT (bytes that a descriptor's file has not), _MEMORY, _CANCELLED. */
int32_t inlay__file_open_source(const inlay__sys *sys, const inlay__source *source, inlay__file *file);

/* The file at `path`. `load` is an INLAY_LOAD_ value. */
int32_t inlay__file_open(const inlay__sys *sys, const char *path, int32_t load, inlay__file *file);

/* Bytes that the caller keeps. */
void inlay__file_lend(const void *data, size_t size, inlay__file *file);

/* Bytes [offset, offset + size) of a file without data, which has them, through the caller's function; on its thread
 * alone. Errors: _IO. */
int32_t inlay__file_read(const inlay__file *file, const char *name, uint64_t offset, void *out, size_t size);

/* INLAY_ERR_CHANGED when a mapped file is not the one that was opened any more. */
int32_t inlay__file_check(const inlay__sys *sys, const char *path, const inlay__file *file);

/* Lets the system take back the memory of the pages within data[0..size), if they belong to this file and it is mapped;
 * they come again when they are read. */
void inlay__file_forget(const inlay__sys *sys, const inlay__file *file, const uint8_t *data, size_t size);

/* Gets the pages of a mapped file ready to be read, from its end backwards, until it has all or `stop` is not 0. */
void inlay__file_populate(const inlay__sys *sys, const inlay__file *file, const atomic_int *stop);

void inlay__file_close(const inlay__sys *sys, inlay__file *file);

#endif
