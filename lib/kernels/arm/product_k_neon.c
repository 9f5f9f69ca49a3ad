/* Products of packed Q4_K, Q5_K and Q6_K panels with NEON; product_q_neon.c tells how many products fit 16 bits. */
#include "kernels/arm/neon.h"

#if defined(__aarch64__)

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
            sum[c] = vmlaq_s32(sum[c], inlay__dot_groups(w, q, 8), scales.first);
            continue;
        }
        sum[c] = vmlaq_s32(sum[c], inlay__dot_groups(w, q, 4), scales.first);
        sum[c] = vmlaq_s32(sum[c], inlay__dot_groups(w + 4, q + 16, 4), scales.second);
    }
}

#define TILE_INLINE INLAY__NEON_INLINE
#define add_superblock inlay__add_superblock
#include "kernels/arm/product_k_tile.h"

void inlay__product_q4_k_neon(const inlay__product *p) { product(p, INLAY__PANEL_Q4_K); }
void inlay__product_q5_k_neon(const inlay__product *p) { product(p, INLAY__PANEL_Q5_K); }
void inlay__product_q6_k_neon(const inlay__product *p) { product(p, INLAY__PANEL_Q6_K); }

#else
typedef int inlay__not_arm; /* a source file may not be empty */
#endif
