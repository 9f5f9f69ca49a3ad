/* Products of packed panels of blocks of 32 with FEAT_I8MM (Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL, MXFP4); i8mm.h draws
 * what usmmla does. Weights are unsigned, and a zero point is where the sums start. */
#include "kernels/arm/i8mm.h"

#if defined(__aarch64__) && INLAY__ARM_LEVELS

enum { CHUNK = 32 }; /* blocks of columns in the buffer */

/* Pairs of columns side by side; the rest as the squares of sums want it. */
typedef struct columns {
    int8_t q[CHUNK][INLAY__PAIRS][4][16];
    float d[CHUNK][INLAY__PAIRS][4], dsum[CHUNK][INLAY__PAIRS][4];
    int32_t start[CHUNK][INLAY__PAIRS][4]; /* minus the zero point's share */
} columns;

INLAY__NEON_INLINE void gather_columns(const inlay__acts *acts, inlay__panel panel, size_t col, size_t n_pairs,
                                       size_t first, size_t n, columns *out) {
    for (size_t pair = 0; pair < n_pairs; pair++, col += 2) {
        const int8_t *q = acts->q + col * acts->n_k + first * INLAY__Q_LENGTH;
        for (size_t k = 0; k < n; k++, q += INLAY__Q_LENGTH) {
            size_t even = col * acts->n_blocks + first + k, odd = even + acts->n_blocks;
            int32_t *start = out->start[k][pair];
            inlay__pair_columns(q, q + acts->n_k, INLAY__Q_LENGTH, out->q[k][pair][0]);
            inlay__pair_floats(acts->d[even], acts->d[odd], out->d[k][pair]);
            if (panel.has_minimum) inlay__pair_floats(acts->dsum[even], acts->dsum[odd], out->dsum[k][pair]);
            start[0] = start[2] = -panel.zero * acts->sum[even];
            start[1] = start[3] = -panel.zero * acts->sum[odd];
        }
    }
}

/* 4 rows by n_pairs pairs of columns, over a chunk of n blocks; the first one begins the sums. */
INLAY__I8MM_INLINE void tile(const columns *x, size_t pair, size_t n_pairs, const uint8_t *block, inlay__panel panel,
                             size_t quarter, size_t n, bool begins, float *out, size_t stride) {
    float32x4_t acc[INLAY__PAIRS][2];
    for (size_t i = 0; i < n_pairs; i++) {
        acc[i][0] = acc[i][1] = vdupq_n_f32(0.0f);
        if (!begins) inlay__load_squares(out + 2 * i * stride, stride, acc[i]);
    }
    for (size_t k = 0; k < n; k++, block += panel.size) {
        inlay__rows_4 rows = inlay__unpack_i8mm(block + panel.lines + INLAY__QUARTER * quarter, panel);
        float32x4_t d[2], m[2];
        inlay__spread_rows(inlay__load_d(block, panel, quarter), d);
        if (panel.has_minimum) inlay__spread_rows(inlay__load_4_f16(block + 32 + 8 * quarter), m);
        for (size_t i = 0; i < n_pairs; i++) {
            float32x4_t da = vld1q_f32(x->d[k][pair + i]);
            for (size_t half = 0; half < 2; half++) {
                int32x4_t sum = vld1q_s32(x->start[k][pair + i]);
                for (size_t g = 0; g < 4; g++)
                    sum = vusmmlaq_s32(sum, rows.u[half][g], vld1q_s8(x->q[k][pair + i][g]));
                acc[i][half] = vfmaq_f32(acc[i][half], vcvtq_f32_s32(sum), vmulq_f32(d[half], da));
                if (panel.has_minimum)
                    acc[i][half] = vfmaq_f32(acc[i][half], m[half], vld1q_f32(x->dsum[k][pair + i]));
            }
        }
    }
    for (size_t i = 0; i < n_pairs; i++)
        inlay__store_squares(acc[i], out + 2 * i * stride, stride);
}

#include "kernels/arm/product_walk_i8mm.h"

INLAY__I8MM void inlay__product_q4_0_i8mm(const inlay__product *p) {
    product(p, INLAY__PANEL_Q4_0, inlay__product_q4_0_dotprod);
}
INLAY__I8MM void inlay__product_q4_1_i8mm(const inlay__product *p) {
    product(p, INLAY__PANEL_Q4_1, inlay__product_q4_1_dotprod);
}
INLAY__I8MM void inlay__product_q5_0_i8mm(const inlay__product *p) {
    product(p, INLAY__PANEL_Q5_0, inlay__product_q5_0_dotprod);
}
INLAY__I8MM void inlay__product_q5_1_i8mm(const inlay__product *p) {
    product(p, INLAY__PANEL_Q5_1, inlay__product_q5_1_dotprod);
}
INLAY__I8MM void inlay__product_q8_0_i8mm(const inlay__product *p) {
    product(p, INLAY__PANEL_Q8_0, inlay__product_q8_0_dotprod);
}
INLAY__I8MM void inlay__product_iq4_nl_i8mm(const inlay__product *p) {
    product(p, INLAY__PANEL_IQ4_NL, inlay__product_iq4_nl_dotprod);
}
INLAY__I8MM void inlay__product_mxfp4_i8mm(const inlay__product *p) {
    product(p, INLAY__PANEL_MXFP4, inlay__product_mxfp4_dotprod);
}

#else
typedef int inlay__not_arm; /* a source file may not be empty */
#endif
