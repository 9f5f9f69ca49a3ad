/* Products of packed panels of blocks of 32 with FEAT_DotProd (Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL, MXFP4): sdot
 * multiplies the 4 elements of each of 4 rows by 4 activations, taken from a lane, and adds them to 32 bits. A zero
 * point is where the sums start. */
#include "kernels/arm/neon.h"

#if defined(__aarch64__) && INLAY__ARM_LEVELS

/* 4 sums of 32 products, one for each row. */
INLAY__DOTPROD_INLINE int32x4_t dot_32(const int8x16_t w[8], const int8_t *q, bool wide, int32_t zero) {
    (void)wide; /* sums are of 32 bits from the first on */
    int8x16_t first = vld1q_s8(q), second = vld1q_s8(q + 16);
    int32x4_t sum = vdupq_n_s32(zero);
    sum = vdotq_laneq_s32(sum, w[0], first, 0);
    sum = vdotq_laneq_s32(sum, w[1], first, 1);
    sum = vdotq_laneq_s32(sum, w[2], first, 2);
    sum = vdotq_laneq_s32(sum, w[3], first, 3);
    sum = vdotq_laneq_s32(sum, w[4], second, 0);
    sum = vdotq_laneq_s32(sum, w[5], second, 1);
    sum = vdotq_laneq_s32(sum, w[6], second, 2);
    return vdotq_laneq_s32(sum, w[7], second, 3);
}

#define TILE_INLINE INLAY__DOTPROD_INLINE
#include "kernels/arm/product_q_tile.h"

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
