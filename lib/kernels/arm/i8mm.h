/* What the kernels with FEAT_I8MM share. smmla and usmmla multiply 2 rows of 8 elements by 2 columns of 8, and add the
 * four sums to 32 bits:
 *
 *     rows      [row 0: k .. k + 7 | row 1: k .. k + 7]                          a register
 *     columns   [column 0: k .. k + 7 | column 1: k .. k + 7]                    a register
 *     sums      [row 0 column 0 | row 0 column 1 | row 1 column 0 | row 1 column 1]
 *
 * A quarter of a panel's lines g and g + 1 holds 4 consecutive elements of 4 rows each: zipped by 32 bits they are rows
 * 0 and 1, and rows 2 and 3. Columns are brought side by side in a buffer, once for all the rows of a product. All sums
 * stay in that square form until a tile is done.
 */
#ifndef INLAY_I8MM_H
#define INLAY_I8MM_H

#include "kernels/arm/neon.h"

#if defined(__aarch64__) && INLAY__ARM_LEVELS

enum { INLAY__PAIRS = 4 }; /* of columns in a buffer */

INLAY__NEON_INLINE uint8x16_t inlay__zip_low(uint8x16_t a, uint8x16_t b) {
    return vreinterpretq_u8_u32(vzip1q_u32(vreinterpretq_u32_u8(a), vreinterpretq_u32_u8(b)));
}

INLAY__NEON_INLINE uint8x16_t inlay__zip_high(uint8x16_t a, uint8x16_t b) {
    return vreinterpretq_u8_u32(vzip2q_u32(vreinterpretq_u32_u8(a), vreinterpretq_u32_u8(b)));
}

/* A block's weights of 4 rows: [rows 0 and 1, or 2 and 3][8 elements]. */
typedef struct inlay__rows_4 {
    uint8x16_t u[2][4];
} inlay__rows_4;

INLAY__NEON_INLINE inlay__rows_4 inlay__unpack_i8mm(const uint8_t *lines, inlay__panel panel) {
    inlay__rows_4 rows;
    uint8x16_t u[8];
    if (panel.bits == 4) { /* nibbles are zipped before they are split */
        uint8x16_t line[4], zipped[4];
        for (size_t g = 0; g < 4; g++)
            line[g] = vld1q_u8(lines + INLAY__LINE * g);
        for (size_t i = 0; i < 2; i++) {
            zipped[i] = inlay__zip_low(line[2 * i], line[2 * i + 1]);
            zipped[i + 2] = inlay__zip_high(line[2 * i], line[2 * i + 1]);
        }
        inlay__split_nibbles(zipped, panel.values, u);
        for (size_t i = 0; i < 4; i++) {
            rows.u[0][i] = u[i / 2 * 4 + i % 2];
            rows.u[1][i] = u[i / 2 * 4 + i % 2 + 2];
        }
        return rows;
    }
    inlay__unpack_neon(lines, panel, u);
    for (size_t i = 0; i < 4; i++) {
        rows.u[0][i] = inlay__zip_low(u[2 * i], u[2 * i + 1]);
        rows.u[1][i] = inlay__zip_high(u[2 * i], u[2 * i + 1]);
    }
    return rows;
}

/* n activations of two columns, 8 by 8. */
INLAY__NEON_INLINE void inlay__pair_columns(const int8_t *even, const int8_t *odd, size_t n, int8_t *out) {
    for (size_t k = 0; k < n; k += 16) {
        int64x2_t a = vreinterpretq_s64_s8(vld1q_s8(even + k)), b = vreinterpretq_s64_s8(vld1q_s8(odd + k));
        vst1q_s8(out + 2 * k, vreinterpretq_s8_s64(vzip1q_s64(a, b)));
        vst1q_s8(out + 2 * k + 16, vreinterpretq_s8_s64(vzip2q_s64(a, b)));
    }
}

/* What goes with the columns of a square of sums. */
INLAY__NEON_INLINE void inlay__pair_floats(float even, float odd, float out[4]) {
    out[0] = out[2] = even;
    out[1] = out[3] = odd;
}

/* Floats of 4 rows, for the two squares. */
INLAY__NEON_INLINE void inlay__spread_rows(float32x4_t rows, float32x4_t out[2]) {
    out[0] = vzip1q_f32(rows, rows);
    out[1] = vzip2q_f32(rows, rows);
}

INLAY__NEON_INLINE void inlay__spread_scales(int32x4_t rows, int32x4_t out[2]) {
    out[0] = vzip1q_s32(rows, rows);
    out[1] = vzip2q_s32(rows, rows);
}

/* The squares of 4 rows and 2 columns, from where a product is kept and back. */
INLAY__NEON_INLINE void inlay__load_squares(const float *out, size_t stride, float32x4_t square[2]) {
    float32x4_t even = vld1q_f32(out), odd = vld1q_f32(out + stride);
    square[0] = vzip1q_f32(even, odd);
    square[1] = vzip2q_f32(even, odd);
}

INLAY__NEON_INLINE void inlay__store_squares(const float32x4_t square[2], float *out, size_t stride) {
    vst1q_f32(out, vuzp1q_f32(square[0], square[1]));
    vst1q_f32(out + stride, vuzp2q_f32(square[0], square[1]));
}

/* The last of an odd number of columns, for the kernel of the level below. */
static inline inlay__product inlay__last_column(const inlay__product *p) {
    inlay__product last = *p;
    last.col_begin = p->col_end - 1;
    last.out += (last.col_begin - p->col_begin) * p->out_stride;
    return last;
}

#endif
#endif
