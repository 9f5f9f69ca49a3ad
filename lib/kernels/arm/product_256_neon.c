/* Products of packed Q2_K, ternary and IQ panels of 256 with NEON; product_q_neon.c tells how many products fit 16
 * bits: four of weights within 63 (32,004), two of wider ones. */
#include "kernels/arm/neon.h"

#if defined(__aarch64__)

/* 4 rows' products of n groups, in 32 bits two by two. */
INLAY__NEON_INLINE int32x4_t dot_groups(const int8x16_t *w, const int8_t *q, size_t n) {
    int8x16_t a = inlay__broadcast_4(q);
    int16x8_t low = vmull_s8(vget_low_s8(w[0]), vget_low_s8(a)), high = vmull_high_s8(w[0], a);
    for (size_t g = 1; g < n; g++) {
        a = inlay__broadcast_4(q + 4 * g);
        low = vmlal_s8(low, vget_low_s8(w[g]), vget_low_s8(a));
        high = vmlal_high_s8(high, w[g], a);
    }
    return vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high));
}

INLAY__NEON_INLINE int32x4_t dot_16(const int8x16_t *w, const int8_t *q, bool wide) {
    return wide ? vaddq_s32(dot_groups(w, q, 2), dot_groups(w + 2, q + 8, 2)) : dot_groups(w, q, 4);
}

#define TILE_INLINE INLAY__NEON_INLINE
#define TILE_FUNCTION
#include "kernels/arm/product_256_tile.h"

void inlay__init_256_neon(inlay__kernels *k) { take_products(k); }

#else
typedef int inlay__not_arm; /* a source file may not be empty */
#endif
