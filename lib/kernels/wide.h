/* Q16_0: weights and activations as integers of 16 bits, for float weights that are to run fast and lose next to
 * nothing. Made while a model opens, never in a file.
 *
 *     row     260 bytes   d:f32 | q:i16[128]                                                     w = d q, |q| <= 32,512
 *     panel  4160 bytes   d:f32[16] | 32 lines of high digits | 32 lines of low digits, of 16 rows
 *                         byte 4 r + i of line g is the digit of q[4 g + i] of row r
 *
 * A digit is what CPUs multiply fastest, a signed byte: q = 256 high + low with -128 <= low <= 127, and |high| <= 127.
 * Sums of 128 products of an activation with a digit stay below 2^30. */
#ifndef INLAY_WIDE_H
#define INLAY_WIDE_H

#include "base/base.h"

enum { INLAY__WIDE_LENGTH = 128, INLAY__WIDE_GREATEST = 32512, INLAY__WIDE_SIZE = 260, INLAY__WIDE_PANEL_SIZE = 4160 };

/* Bytes of a panel's block before the lines of either digit. */
enum { INLAY__WIDE_HIGH = 64, INLAY__WIDE_LOW = 64 + 32 * 64 };

typedef struct inlay__wide_block {
    float d;
    int32_t q[INLAY__WIDE_LENGTH]; /* of bytes that are no panel of ours, 384 beyond the bound at most */
} inlay__wide_block;

static inline int8_t inlay__low_digit(int32_t q) { return (int8_t)(((q + 128) & 255) - 128); }
static inline int8_t inlay__high_digit(int32_t q) { return (int8_t)((q - inlay__low_digit(q)) / 256); }

void inlay__unpack_wide(const uint8_t *bytes, inlay__wide_block *block);
void inlay__dequantize_wide(const inlay__wide_block *block, float *out);

/* A block of a row into row r of a panel's, and back. */
void inlay__pack_wide(const uint8_t *bytes, size_t r, uint8_t *panel);
void inlay__packed_wide(const uint8_t *panel, size_t r, inlay__wide_block *block);

#endif
