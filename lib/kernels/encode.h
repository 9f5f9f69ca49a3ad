/* Floats into blocks: quantising weights. The same bytes on every machine. */
#ifndef INLAY_ENCODE_H
#define INLAY_ENCODE_H

#include "kernels/blocks.h"

/* Whether inlay__encode_row knows the type: F32, F16, Q16_0, Q8_0, Q4_0, Q4_K and Q6_K. */
bool inlay__encode_knows(uint32_t type);

/* Encodes a row of n floats, whole blocks; blocks with a value that is not finite become NaN or zeros. */
void inlay__encode_row(uint32_t type, const float *x, size_t n, uint8_t *row);

#endif
