/* Products of packed panels of blocks of 32 with FEAT_DotProd (Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL, MXFP4): sdot
 * multiplies the 4 elements of each of 4 rows by 4 activations, taken from a lane, and adds them to 32 bits. A zero
 * point is where the sums start. */
#include "kernels/arm/neon.h"

#if defined(__aarch64__) && INLAY__ARM_LEVELS

/* 4 sums of 32 products, one for each row. */
INLAY__DOTPROD_INLINE int32x4_t dot_32(const int8x16_t w[8], const int8_t *q, bool wide, int32_t zero) {
    (void)wide; /* sums are of 32 bits from the first on */
    int8x16_t first = vld1q_s8(q), second = vld1q_s8(q + 16);
    return inlay__dot_16_dotprod(w + 4, second, inlay__dot_16_dotprod(w, first, vdupq_n_s32(zero)));
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
