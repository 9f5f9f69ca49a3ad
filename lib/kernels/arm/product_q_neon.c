/* Products of packed panels of blocks of 32 with NEON: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL and MXFP4, on CPUs without
 * dot products of bytes.
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
 * A zero point is where the sums start, a quarter of it in each of the 4 lanes that become a row's sum: half of it
 * after neighbours were added.
 */
#include "kernels/arm/neon.h"

#if defined(__aarch64__)

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

/* Four sums of 32 products, one for each row. Neighbours are added once more after `zero` entered. */
INLAY__NEON_INLINE int32x4_t dot_32(const int8x16_t w[8], const int8_t *q, bool wide, int32_t zero) {
    int32x4_t low = vdupq_n_s32(zero / 2), high = low;
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

#define TILE_INLINE INLAY__NEON_INLINE
#include "kernels/arm/product_q_tile.h"

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
