/* Products of packed Q2_K, ternary and IQ panels of 256 with FEAT_DotProd; see product_q_dotprod.c. */
#include "kernels/arm/neon.h"

#if defined(__aarch64__) && INLAY__ARM_LEVELS

INLAY__DOTPROD_INLINE int32x4_t dot_16(const int8x16_t *w, const int8_t *q, bool wide) {
    (void)wide;
    return inlay__dot_16_dotprod(w, vld1q_s8(q), vdupq_n_s32(0));
}

#define TILE_INLINE INLAY__DOTPROD_INLINE
#define TILE_FUNCTION INLAY__DOTPROD
#include "kernels/arm/product_256_tile.h"

void inlay__init_256_dotprod(inlay__kernels *k) { take_products(k); }

#else
typedef int inlay__not_arm; /* a source file may not be empty */
#endif
