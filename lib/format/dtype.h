/* The tensor types: names and block sizes. What the bytes mean is drawn in kernels/blocks.h. */
#ifndef INLAY_DTYPE_H
#define INLAY_DTYPE_H

#include "base/base.h"

typedef struct inlay__dtype {
    const char *name;      /* "Q4_K" */
    uint32_t block_length; /* elements of a block */
    uint32_t block_size;   /* bytes of a block */
} inlay__dtype;

/* NULL for a number that is no type that this library runs. */
const inlay__dtype *inlay__dtype_get(uint32_t type);

/* The name of any type GGUF has ever numbered, run or not, for error messages; "unknown". */
const char *inlay__dtype_any_name(uint32_t type);

/* Bytes of a row of n elements; false when n is no multiple of the block or the size does not fit. */
bool inlay__dtype_row_size(uint32_t type, uint64_t n, uint64_t *size);

#endif
