/* Blocks of each tensor type and their floats; see tests/reference/make_block_goldens.py. */
#ifndef INLAY_BLOCK_GOLDEN_H
#define INLAY_BLOCK_GOLDEN_H

#include <stddef.h>
#include <stdint.h>

typedef struct golden_block {
    const char *what;
    uint32_t type;
    size_t first_byte, n_bytes;   /* in golden_bytes */
    size_t first_float, n_floats; /* in golden_floats, as bits */
} golden_block;

extern const size_t golden_n_blocks;
extern const golden_block golden_blocks[];
extern const uint8_t golden_bytes[];
extern const uint32_t golden_floats[];

#endif
