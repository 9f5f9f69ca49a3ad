/* The tensor types: names and block sizes. What the bytes mean is drawn in kernels/blocks.h. */
#ifndef INLAY_DTYPE_H
#define INLAY_DTYPE_H

#include "base/base.h"

typedef struct inlay__dtype {
    const char *name;      /* "Q4_K" */
    uint32_t block_length; /* elements of a block */
    uint32_t block_size;   /* bytes of a block */
    bool runs;             /* there are kernels for it: one of INLAY_TYPE_ */
} inlay__dtype;

/* Any type that GGUF defines today, run or not; NULL for a number that is unknown or was removed from
 * the format. A tensor of a type that does not run is fine in a file: who uses it refuses it. */
const inlay__dtype *inlay__dtype_get(uint32_t type);

/* Whether files may hold it: Q16_0 is made while a model opens and has no number that others know. */
bool inlay__dtype_in_files(uint32_t type);

/* The name of any type GGUF has ever numbered, removed ones too, for error messages; "unknown". */
const char *inlay__dtype_any_name(uint32_t type);

/* Bytes of a row of n elements; false when the type is unknown, n is no multiple of the block or the
 * size does not fit. */
bool inlay__dtype_row_size(uint32_t type, uint64_t n, uint64_t *size);

#endif
