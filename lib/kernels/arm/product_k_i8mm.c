/* Products of packed Q4_K, Q5_K and Q6_K panels with FEAT_I8MM; i8mm.h draws what usmmla does.
 *
 * The sums of the activations, with which minima (or the scales of Q6_K) are multiplied, go the same way: at most
 * 4,064, they are cut in two bytes, s = 64 high + low, and 8 of them are a column of 8.
 */
#include "kernels/arm/i8mm.h"

#if defined(__aarch64__) && INLAY__ARM_LEVELS

enum { CHUNK = 4, SUB_BLOCKS = 8 }; /* superblocks of columns in the buffer; sub-blocks of each */

/* Pairs of columns side by side; the rest as the squares of sums want it. */
typedef struct columns {
    int8_t q[CHUNK][INLAY__PAIRS][SUB_BLOCKS][4][16];
    int8_t high[CHUNK][INLAY__PAIRS][2][16], low[CHUNK][INLAY__PAIRS][2][16]; /* of sums, 8 by 8 */
    float d[CHUNK][INLAY__PAIRS][4];
} columns;

/* 8 sums of two columns, cut in two. */
INLAY__NEON_INLINE void pair_sums(const int16_t *even, const int16_t *odd, int8_t high[16], int8_t low[16]) {
    int16x8_t a = vld1q_s16(even), b = vld1q_s16(odd), mask = vdupq_n_s16(63);
    vst1q_s8(high, vmovn_high_s16(vmovn_s16(vshrq_n_s16(a, 6)), vshrq_n_s16(b, 6)));
    vst1q_s8(low, vmovn_high_s16(vmovn_s16(vandq_s16(a, mask)), vandq_s16(b, mask)));
}

INLAY__NEON_INLINE void gather_columns(const inlay__acts *acts, inlay__panel panel, size_t col, size_t n_pairs,
                                       size_t first, size_t n, columns *out) {
    const size_t n_sums = panel.bits == 6 ? 16 : 8, stride = acts->n_blocks * n_sums;
    const int16_t *all_sums = panel.bits == 6 ? acts->sum16 : acts->sum32;
    for (size_t pair = 0; pair < n_pairs; pair++, col += 2) {
        for (size_t k = 0; k < n; k++) {
            size_t even = col * acts->n_blocks + first + k;
            const int8_t *q = acts->q + even * INLAY__K_LENGTH;
            inlay__pair_columns(q, q + acts->n_k, INLAY__K_LENGTH, out->q[k][pair][0][0]);
            for (size_t i = 0; i < n_sums / 8; i++) {
                const int16_t *sums = all_sums + even * n_sums + 8 * i;
                pair_sums(sums, sums + stride, out->high[k][pair][i], out->low[k][pair][i]);
            }
            inlay__pair_floats(acts->d[even], acts->d[even + acts->n_blocks], out->d[k][pair]);
        }
    }
}

/* The bytes of 8 sub-blocks, which stand in pairs for each row, as rows: [rows 0 and 1, or 2 and 3]. */
INLAY__NEON_INLINE void load_bytes(const uint8_t *pairs, uint8x16_t rows[2]) {
    uint16x8_t p[4];
    for (size_t i = 0; i < 4; i++)
        p[i] = vreinterpretq_u16_u8(vcombine_u8(vld1_u8(pairs + 32 * i), vdup_n_u8(0)));
    uint8x16_t first = vreinterpretq_u8_u16(vzip1q_u16(p[0], p[1])),
               last = vreinterpretq_u8_u16(vzip1q_u16(p[2], p[3]));
    rows[0] = inlay__zip_low(first, last);
    rows[1] = inlay__zip_high(first, last);
}

/* A sub-block's sums, scaled, of 4 rows and n_pairs pairs. */
INLAY__I8MM_INLINE void add_sub_block(const columns *x, size_t k, size_t pair, size_t n_pairs, const uint8_t *block,
                                      inlay__panel panel, size_t j, size_t quarter, int32x4_t sum[][2]) {
    inlay__scales_4 scales = inlay__load_scales(block, panel, j, quarter);
    int32x4_t first[2], second[2];
    inlay__spread_scales(scales.first, first);
    inlay__spread_scales(scales.second, second);
    const uint8_t *lines = block + panel.lines + j * panel.bits * INLAY__LINE + INLAY__QUARTER * quarter;
    inlay__rows_4 rows = inlay__unpack_i8mm(lines, panel);
    for (size_t i = 0; i < n_pairs; i++) {
        int8x16_t a[4];
        for (size_t g = 0; g < 4; g++)
            a[g] = vld1q_s8(x->q[k][pair + i][j][g]);
        for (size_t half = 0; half < 2; half++) {
            int32x4_t part = vusmmlaq_s32(vdupq_n_s32(0), rows.u[half][0], a[0]);
            part = vusmmlaq_s32(part, rows.u[half][1], a[1]);
            if (panel.bits == 6) {
                sum[i][half] = vmlaq_s32(sum[i][half], part, first[half]);
                part = vdupq_n_s32(0);
            }
            part = vusmmlaq_s32(part, rows.u[half][2], a[2]);
            part = vusmmlaq_s32(part, rows.u[half][3], a[3]);
            sum[i][half] = vmlaq_s32(sum[i][half], part, second[half]);
        }
    }
}

/* 8 sub-blocks: minima are unsigned (a damaged packed file's go up to 255), the scales of Q6_K signed. */
INLAY__I8MM_INLINE int32x4_t multiply_sums(int32x4_t sum, uint8x16_t bytes, const int8_t sums[16], bool is_signed) {
    int8x16_t x = vld1q_s8(sums);
    return is_signed ? vmmlaq_s32(sum, vreinterpretq_s8_u8(bytes), x) : vusmmlaq_s32(sum, bytes, x);
}

/* The products of minima or scales with the sums of activations. */
INLAY__I8MM_INLINE int32x4_t dot_sums(const columns *x, size_t k, size_t pair, uint8x16_t bytes[2][2], bool is_6,
                                      size_t half) {
    const size_t n = is_6 ? 2 : 1;
    int32x4_t sum = vdupq_n_s32(0);
    for (size_t i = 0; i < n; i++)
        sum = multiply_sums(sum, bytes[i][half], x->high[k][pair][i], is_6);
    sum = vshlq_n_s32(sum, 6);
    for (size_t i = 0; i < n; i++)
        sum = multiply_sums(sum, bytes[i][half], x->low[k][pair][i], is_6);
    return sum;
}

/* Superblock k of 4 rows and n_pairs pairs. */
INLAY__I8MM_INLINE void add_superblock(const columns *x, size_t k, size_t pair, size_t n_pairs, const uint8_t *block,
                                       inlay__panel panel, size_t quarter, float32x4_t acc[][2]) {
    const bool is_6 = panel.bits == 6;
    int32x4_t sum[INLAY__PAIRS][2];
    for (size_t i = 0; i < n_pairs; i++)
        sum[i][0] = sum[i][1] = vdupq_n_s32(0);
    for (size_t j = 0; j < SUB_BLOCKS; j++)
        add_sub_block(x, k, pair, n_pairs, block, panel, j, quarter, sum);
    float32x4_t d[2], dmin[2];
    uint8x16_t bytes[2][2];
    inlay__spread_rows(inlay__load_4_f16(block + 8 * quarter), d);
    if (!is_6) inlay__spread_rows(inlay__load_4_f16(block + 32 + 8 * quarter), dmin);
    load_bytes(block + panel.sums + 8 * quarter, bytes[0]);
    if (is_6) load_bytes(block + panel.sums + 128 + 8 * quarter, bytes[1]);
    for (size_t i = 0; i < n_pairs; i++) {
        float32x4_t da = vld1q_f32(x->d[k][pair + i]);
        for (size_t half = 0; half < 2; half++) {
            int32x4_t sums = dot_sums(x, k, pair + i, bytes, is_6, half), s = sum[i][half];
            if (is_6) s = vsubq_s32(s, vshlq_n_s32(sums, 5));
            acc[i][half] = vfmaq_f32(acc[i][half], vcvtq_f32_s32(s), vmulq_f32(d[half], da));
            if (!is_6) acc[i][half] = vfmsq_f32(acc[i][half], vcvtq_f32_s32(sums), vmulq_f32(dmin[half], da));
        }
    }
}

/* 4 rows by n_pairs pairs of columns, over a chunk of n superblocks; the first one begins the sums. */
INLAY__I8MM_INLINE void tile(const columns *x, size_t pair, size_t n_pairs, const uint8_t *block, inlay__panel panel,
                             size_t quarter, size_t n, bool begins, float *out, size_t stride) {
    float32x4_t acc[INLAY__PAIRS][2];
    for (size_t i = 0; i < n_pairs; i++) {
        acc[i][0] = acc[i][1] = vdupq_n_f32(0.0f);
        if (!begins) inlay__load_squares(out + 2 * i * stride, stride, acc[i]);
    }
    for (size_t k = 0; k < n; k++, block += panel.size)
        add_superblock(x, k, pair, n_pairs, block, panel, quarter, acc);
    for (size_t i = 0; i < n_pairs; i++)
        inlay__store_squares(acc[i], out + 2 * i * stride, stride);
}

#include "kernels/arm/product_walk_i8mm.h"

INLAY__I8MM void inlay__product_q4_k_i8mm(const inlay__product *p) {
    product(p, INLAY__PANEL_Q4_K, inlay__product_q4_k_dotprod);
}
INLAY__I8MM void inlay__product_q5_k_i8mm(const inlay__product *p) {
    product(p, INLAY__PANEL_Q5_K, inlay__product_q5_k_dotprod);
}
INLAY__I8MM void inlay__product_q6_k_i8mm(const inlay__product *p) {
    product(p, INLAY__PANEL_Q6_K, inlay__product_q6_k_dotprod);
}

#else
typedef int inlay__not_arm; /* a source file may not be empty */
#endif
