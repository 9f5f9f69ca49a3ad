/* Simple quantisers for tests: floats into the blocks of each tensor type. Their blocks are valid but not
 * the best possible ones; the layouts are drawn in kernels/blocks.h. */
#ifndef INLAY_SIMPLE_QUANTS_H
#define INLAY_SIMPLE_QUANTS_H

#include <stddef.h>
#include <stdint.h>

/* IEEE half of a float, rounded to nearest even. */
uint16_t quantize_f16(float value);

/* Bytes of n elements of a type (INLAY_TYPE_), n a multiple of its block. */
size_t quantize_size(uint32_t type, size_t n);

/* Writes n elements, a multiple of the block, in any type the library runs. */
void quantize_row(uint32_t type, const float *x, size_t n, void *out);

#endif
