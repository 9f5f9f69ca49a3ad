/* Products of packed panels of blocks of 32 with FEAT_DotProd (Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL, MXFP4): sdot
 * multiplies the 4 elements of each of 4 rows by 4 activations, taken from a lane, and adds them to 32 bits. A zero point is where the sums start. */
#include "kernels/arm/neon.h"

#if defined(__aarch64__) && INLAY__ARM_LEVELS

enum { COLS = 8, FEW = 3 };

/* 4 sums of 32 products, one for each row. */
INLAY__DOTPROD_INLINE int32x4_t dot_32(const int8x16_t w[8], const int8_t *q, int32_t start) {
    int8x16_t first = vld1q_s8(q), second = vld1q_s8(q + 16);
    int32x4_t sum = vdupq_n_s32(start);
    sum = vdotq_laneq_s32(sum, w[0], first, 0);
    sum = vdotq_laneq_s32(sum, w[1], first, 1);
    sum = vdotq_laneq_s32(sum, w[2], first, 2);
    sum = vdotq_laneq_s32(sum, w[3], first, 3);
    sum = vdotq_laneq_s32(sum, w[4], second, 0);
    sum = vdotq_laneq_s32(sum, w[5], second, 1);
    sum = vdotq_laneq_s32(sum, w[6], second, 2);
    return vdotq_laneq_s32(sum, w[7], second, 3);
}

/* n_quarters times 4 rows by n_cols columns, over the whole depth. One column takes all quarters in one walk, so that the
 * panel is read straight on. */
INLAY__DOTPROD_INLINE void tile(const inlay__product *p, inlay__panel panel, const uint8_t *block, size_t quarter,
                                size_t n_quarters, size_t col, size_t n_cols, float *out) {
    const inlay__acts *acts = p->acts;
    float32x4_t acc[COLS]; /* [n_quarters, n_cols] */
    for (size_t i = 0; i < n_quarters * n_cols; i++)
        acc[i] = vdupq_n_f32(0.0f);
    for (size_t k = 0; k < acts->n_blocks; k++, block += panel.size) {
        for (size_t i = 0; i < n_quarters; i++) {
            int8x16_t w[8];
            uint8x16_t u[8];
            inlay__unpack_neon(block + panel.lines + INLAY__QUARTER * (quarter + i), panel, u);
            for (size_t g = 0; g < 8; g++)
                w[g] = vreinterpretq_s8_u8(inlay__is_wide(panel) ? veorq_u8(u[g], vdupq_n_u8(0x80)) : u[g]);
            float32x4_t d = inlay__load_d(block, panel, quarter + i), m = d;
            if (panel.has_minimum) m = inlay__load_4_f16(block + 32 + 8 * (quarter + i));
            for (size_t c = 0; c < n_cols; c++) {
                size_t at = (col + c) * acts->n_blocks + k;
                const int8_t *q = acts->q + (col + c) * acts->n_k + k * INLAY__Q_LENGTH;
                int32_t start = inlay__is_wide(panel) || panel.zero == 0 ? 0 : -panel.zero * acts->sum[at];
                float32x4_t sum = vcvtq_f32_s32(dot_32(w, q, start)), *a = &acc[i * n_cols + c];
                *a = vfmaq_f32(*a, sum, vmulq_n_f32(d, acts->d[at]));
                if (panel.has_minimum) *a = vfmaq_n_f32(*a, m, acts->dsum[at]);
            }
        }
    }
    for (size_t i = 0; i < n_quarters; i++)
        for (size_t c = 0; c < n_cols; c++)
            vst1q_f32(out + c * p->out_stride + 4 * (quarter + i), acc[i * n_cols + c]);
}

INLAY__DOTPROD_INLINE void product(const inlay__product *p, inlay__panel panel) {
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

INLAY__DOTPROD void inlay__product_q4_0_dotprod(const inlay__product *p) { product(p, INLAY__PANEL_Q4_0); }
INLAY__DOTPROD void inlay__product_q4_1_dotprod(const inlay__product *p) { product(p, INLAY__PANEL_Q4_1); }
INLAY__DOTPROD void inlay__product_q5_0_dotprod(const inlay__product *p) { product(p, INLAY__PANEL_Q5_0); }
INLAY__DOTPROD void inlay__product_q5_1_dotprod(const inlay__product *p) { product(p, INLAY__PANEL_Q5_1); }
INLAY__DOTPROD void inlay__product_q8_0_dotprod(const inlay__product *p) { product(p, INLAY__PANEL_Q8_0); }
INLAY__DOTPROD void inlay__product_iq4_nl_dotprod(const inlay__product *p) { product(p, INLAY__PANEL_IQ4_NL); }
INLAY__DOTPROD void inlay__product_mxfp4_dotprod(const inlay__product *p) { product(p, INLAY__PANEL_MXFP4); }

#else
typedef int inlay__not_arm; /* a source file may not be empty */
#endif
