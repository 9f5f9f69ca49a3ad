/* Products of packed panels of blocks of 32 with NEON: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL and MXFP4, on CPUs without dot products of bytes.
 *
 * A 32-bit lane is an output row with 4 consecutive elements. smull and smlal multiply them by those of a column into
 * 16-bit lanes, one for each element modulo 4; what a lane may take until it is widened, with activations within +-127:
 *
 *     bits of u    one product    products added in 16 bits
 *     4                  1,905    8 (15,240), all 8 groups of a block
 *     5                  3,937    8 (31,496)
 *     6 (K types)        8,001    4 (32,004), 16 elements
 *     8, signed         16,256    2 (32,512)
 *
 * A zero point is where the sums start, a quarter of it in each of the 4 lanes that become a row's sum: half of it after
 * neighbours were added.
 */
#include "kernels/arm/neon.h"

#if defined(__aarch64__)

enum { COLS = 8, FEW = 3 };

/* 16 products into 16-bit lanes: rows 0 and 1, rows 2 and 3. */
typedef struct products {
    int16x8_t low, high;
} products;

INLAY__NEON_INLINE products multiply(int8x16_t w, int8x16_t a) {
    return (products){vmull_s8(vget_low_s8(w), vget_low_s8(a)), vmull_high_s8(w, a)};
}

INLAY__NEON_INLINE products multiply_add(products p, int8x16_t w, int8x16_t a) {
    return (products){vmlal_s8(p.low, vget_low_s8(w), vget_low_s8(a)), vmlal_high_s8(p.high, w, a)};
}

/* Four sums of 32 products, one for each row. `start` is half of what each begins with. */
INLAY__NEON_INLINE int32x4_t dot_32(const int8x16_t w[8], const int8_t *q, bool wide, int32_t start) {
    int32x4_t low = vdupq_n_s32(start), high = low;
    const size_t chain = wide ? 2 : 8;
    for (size_t g = 0; g < 8; g += chain) {
        products p = multiply(w[g], inlay__broadcast_4(q + 4 * g));
        for (size_t i = g + 1; i < g + chain; i++)
            p = multiply_add(p, w[i], inlay__broadcast_4(q + 4 * i));
        low = vpadalq_s16(low, p.low);
        high = vpadalq_s16(high, p.high);
    }
    return vpaddq_s32(low, high);
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
                int32_t start = inlay__is_wide(panel) || panel.zero == 0 ? 0 : -(panel.zero / 2) * acts->sum[at];
                float32x4_t sum = vcvtq_f32_s32(dot_32(w, q, inlay__is_wide(panel), start)), *a = &acc[i * n_cols + c];
                *a = vfmaq_f32(*a, sum, vmulq_n_f32(d, acts->d[at]));
                if (panel.has_minimum) *a = vfmaq_n_f32(*a, m, acts->dsum[at]);
            }
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

void inlay__product_q4_0_neon(const inlay__product *p) { product(p, INLAY__PANEL_Q4_0); }
void inlay__product_q4_1_neon(const inlay__product *p) { product(p, INLAY__PANEL_Q4_1); }
void inlay__product_q5_0_neon(const inlay__product *p) { product(p, INLAY__PANEL_Q5_0); }
void inlay__product_q5_1_neon(const inlay__product *p) { product(p, INLAY__PANEL_Q5_1); }
void inlay__product_q8_0_neon(const inlay__product *p) { product(p, INLAY__PANEL_Q8_0); }
void inlay__product_iq4_nl_neon(const inlay__product *p) { product(p, INLAY__PANEL_IQ4_NL); }
void inlay__product_mxfp4_neon(const inlay__product *p) { product(p, INLAY__PANEL_MXFP4); }

#else
typedef int inlay__not_arm; /* a source file may not be empty */
#endif
