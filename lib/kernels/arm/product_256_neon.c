/* Products of packed Q2_K, ternary and IQ panels of 256 with NEON; product_q_neon.c tells how many products fit 16
 * bits: four of weights within 63 (32,004), two of wider ones. */
#include "kernels/arm/neon.h"

#if defined(__aarch64__)

INLAY__NEON_INLINE int32x4_t dot_16(const int8x16_t *w, const int8_t *q, bool wide) {
    if (!wide) return inlay__dot_groups(w, q, 4);
    return vaddq_s32(inlay__dot_groups(w, q, 2), inlay__dot_groups(w + 2, q + 8, 2));
}

#define TILE_INLINE INLAY__NEON_INLINE
#define TILE_FUNCTION
#include "kernels/arm/product_256_tile.h"

void inlay__init_256_neon(inlay__kernels *k) { take_products(k); }

#else
typedef int inlay__not_arm; /* a source file may not be empty */
#endif
