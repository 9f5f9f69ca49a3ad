/* Products of packed Q4_K, Q5_K and Q6_K panels with NEON; product_q_neon.c tells how many products fit 16 bits. */
#include "kernels/arm/neon.h"

#if defined(__aarch64__)

enum { COLS = 8, FEW = 3, SUB_BLOCKS = 8 };

/* Four sums of the products of n groups, one for each row: 32 elements of 4 or 5 bits, 16 of 6. */
INLAY__NEON_INLINE int32x4_t dot(const int8x16_t *w, const int8_t *q, size_t n) {
    int8x16_t a = inlay__broadcast_4(q);
    int16x8_t low = vmull_s8(vget_low_s8(w[0]), vget_low_s8(a)), high = vmull_high_s8(w[0], a);
    for (size_t g = 1; g < n; g++) {
        a = inlay__broadcast_4(q + 4 * g);
        low = vmlal_s8(low, vget_low_s8(w[g]), vget_low_s8(a));
        high = vmlal_high_s8(high, w[g], a);
    }
    return vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high));
}

/* A sub-block of 4 rows and n_cols columns, scaled. */
INLAY__NEON_INLINE void add_sub_block(const uint8_t *block, inlay__panel panel, size_t j, size_t quarter,
                                      const int8_t *q, size_t stride, size_t n_cols, int32x4_t *sum) {
    uint8x16_t u[8];
    int8x16_t w[8];
    inlay__scales_4 scales = inlay__load_scales(block, panel, j, quarter);
    inlay__unpack_neon(block + panel.lines + j * panel.bits * INLAY__LINE + INLAY__QUARTER * quarter, panel, u);
    for (size_t g = 0; g < 8; g++)
        w[g] = vreinterpretq_s8_u8(u[g]);
    for (size_t c = 0; c < n_cols; c++, q += stride) {
        if (panel.bits != 6) {
            sum[c] = vmlaq_s32(sum[c], dot(w, q, 8), scales.first);
            continue;
        }
        sum[c] = vmlaq_s32(sum[c], dot(w, q, 4), scales.first);
        sum[c] = vmlaq_s32(sum[c], dot(w + 4, q + 16, 4), scales.second);
    }
}

/* n_quarters times 4 rows by n_cols columns, over the whole depth. One column takes all quarters in one walk, so that the
 * panel is read straight on. */
INLAY__NEON_INLINE void tile(const inlay__product *p, inlay__panel panel, const uint8_t *block, size_t quarter,
                             size_t n_quarters, size_t col, size_t n_cols, float *out) {
    const inlay__acts *acts = p->acts;
    float32x4_t acc[COLS]; /* [n_quarters, n_cols] */
    for (size_t i = 0; i < n_quarters * n_cols; i++)
        acc[i] = vdupq_n_f32(0.0f);
    for (size_t k = 0; k < acts->n_blocks; k++, block += panel.size) {
        const int8_t *q = acts->q + col * acts->n_k + k * INLAY__K_LENGTH;
        for (size_t i = 0; i < n_quarters; i++) {
            int32x4_t sum[COLS];
            for (size_t c = 0; c < n_cols; c++)
                sum[c] = vdupq_n_s32(0);
            for (size_t j = 0; j < SUB_BLOCKS; j++)
                add_sub_block(block, panel, j, quarter + i, q + INLAY__Q_LENGTH * j, acts->n_k, n_cols, sum);
            float32x4_t *a = acc + i * n_cols;
            for (size_t c = 0; c < n_cols; c++)
                a[c] = inlay__add_superblock(block, panel, quarter + i, acts, col + c, k, sum[c], a[c]);
        }
    }
    for (size_t i = 0; i < n_quarters; i++)
        for (size_t c = 0; c < n_cols; c++)
            vst1q_f32(out + c * p->out_stride + 4 * (quarter + i), acc[i * n_cols + c]);
}

INLAY__NEON_INLINE void product(const inlay__product *p, inlay__panel panel) {
    size_t panel_size = p->acts->n_blocks * panel.size;
    for (size_t row = p->row_begin; row < p->row_end; row += INLAY__LANES) {
        const uint8_t *block = p->weights + row / INLAY__LANES * panel_size;
        float *out = p->out + (row - p->row_begin);
        size_t col = p->col_begin;
        for (; col + COLS <= p->col_end; col += COLS, out += COLS * p->out_stride)
            for (size_t quarter = 0; quarter < INLAY__QUARTERS; quarter++)
                tile(p, panel, block, quarter, 1, col, COLS, out);
        for (; col + FEW <= p->col_end; col += FEW, out += FEW * p->out_stride)
            for (size_t quarter = 0; quarter < INLAY__QUARTERS; quarter++)
                tile(p, panel, block, quarter, 1, col, FEW, out);
        for (; col < p->col_end; col++, out += p->out_stride)
            tile(p, panel, block, 0, INLAY__QUARTERS, col, 1, out);
    }
}

void inlay__product_q4_k_neon(const inlay__product *p) { product(p, INLAY__PANEL_Q4_K); }
void inlay__product_q5_k_neon(const inlay__product *p) { product(p, INLAY__PANEL_Q5_K); }
void inlay__product_q6_k_neon(const inlay__product *p) { product(p, INLAY__PANEL_Q6_K); }

#else
typedef int inlay__not_arm; /* a source file may not be empty */
#endif
