/* The walk of product_q_neon.c and product_q_dotprod.c over panels of blocks of 32, which define, before they include
 * it,
 *
 *     TILE_INLINE   how a function of their level is declared
 *     dot_32(w, q, wide, zero)   the sums of 32 products of 4 rows w [8] with q, plus `zero`; `wide`: w takes 8 bits
 */
#include "kernels/arm/neon.h"

enum { COLS = 8, FEW = 3 }; /* columns of a tile */

/* n_quarters times 4 rows by n_cols columns, over the whole depth. One column takes all quarters in one walk, so that
 * the panel is read straight on. */
TILE_INLINE void tile(const inlay__product *p, inlay__panel panel, const uint8_t *block, size_t quarter,
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
                int32_t zero = inlay__is_wide(panel) || panel.zero == 0 ? 0 : -panel.zero * acts->sum[at];
                float32x4_t sum = vcvtq_f32_s32(dot_32(w, q, inlay__is_wide(panel), zero)), *a = &acc[i * n_cols + c];
                *a = vfmaq_f32(*a, sum, vmulq_n_f32(d, acts->d[at]));
                if (panel.has_minimum) *a = vfmaq_n_f32(*a, m, acts->dsum[at]);
            }
        }
    }
    for (size_t i = 0; i < n_quarters; i++)
        for (size_t c = 0; c < n_cols; c++)
            vst1q_f32(out + c * p->out_stride + 4 * (quarter + i), acc[i * n_cols + c]);
}

#include "kernels/arm/product_walk.h"
