/* The products of packed Q2_K, TQ1_0 and TQ2_0, and of the types of 256 whose elements are places in a table of 16
 * values (IQ4_XS and the IQ1, IQ2 and IQ3 types), for product_256_neon.c and product_256_dotprod.c, which define,
 * before they include it,
 *
 *     TILE_INLINE, TILE_FUNCTION   how functions of their level are declared
 *     dot_16(w, q, wide)           the sums of 16 products of 4 rows w [4] with q; `wide`: w goes up to 127, else to 63
 *
 * Elements are signed here: those of the ternary types are u - 1. In an inlay__panel `bits` is 2, or 4 for places,
 * `sums` the pairs of scales, 8 where 16 elements have one and 4 where 32 have one, and `zero` 1 where elements are
 * wide.
 */
#include "kernels/arm/neon.h"

#define PANEL_Q2_K ((inlay__panel){2, true, 0, 1344, 320, 64, 8, NULL})
#define PANEL_TERNARY ((inlay__panel){2, false, 0, 1056, 32, 0, 0, NULL})
#define PANEL_BY_32(type, wide) ((inlay__panel){4, false, wide, 2240, 192, 64, 4, inlay__block_type_get(type)->values})
#define PANEL_BY_16(type) ((inlay__panel){4, false, 0, 2368, 320, 64, 8, inlay__block_type_get(type)->values})

/* The 8 groups of a sub-block of 4 rows; pack.c draws the lines. */
TILE_INLINE void load_groups(const uint8_t *lines, inlay__panel panel, int8x16_t w[8]) {
    if (panel.bits == 4) {
        const int8x16_t table = vld1q_s8(panel.values);
        for (size_t g = 0; g < 4; g++) {
            uint8x16_t pair = vld1q_u8(lines + INLAY__LINE * g);
            w[g] = vqtbl1q_s8(table, vandq_u8(pair, vdupq_n_u8(15)));
            w[g + 4] = vqtbl1q_s8(table, vshrq_n_u8(pair, 4));
        }
        return;
    }
    const uint8x16_t three = vdupq_n_u8(3);
    for (size_t i = 0; i < 2; i++) {
        uint8x16_t line = vld1q_u8(lines + INLAY__LINE * i);
        uint8x16_t u[4] = {vandq_u8(line, three), vandq_u8(vshrq_n_u8(line, 2), three),
                           vandq_u8(vshrq_n_u8(line, 4), three), vshrq_n_u8(line, 6)};
        for (size_t g = 0; g < 4; g++)
            w[4 * i + g] = vsubq_s8(vreinterpretq_s8_u8(u[g]), vdupq_n_s8(panel.has_minimum ? 0 : 1));
    }
}

/* The bytes of pair i of 4 rows, in 16 bits: scales, of Q2_K in the low nibbles, minima in the high ones. */
TILE_INLINE int16x8_t load_pairs(const uint8_t *block, inlay__panel panel, size_t i, size_t quarter) {
    return inlay__load_pairs(block + panel.scales + 32 * i + 8 * quarter, !panel.has_minimum);
}

/* The scales of sub-block j, for its first 16 elements and for the rest. */
TILE_INLINE inlay__scales_4 load_scales(const uint8_t *block, inlay__panel panel, size_t j, size_t quarter) {
    int16x8_t each = load_pairs(block, panel, panel.sums == 8 ? j : j / 2, quarter);
    if (panel.has_minimum) each = vandq_s16(each, vdupq_n_s16(15));
    int32x4_t pairs = vreinterpretq_s32_s16(each);
    inlay__scales_4 s = {vshrq_n_s32(vshlq_n_s32(pairs, 16), 16), vshrq_n_s32(pairs, 16)};
    if (panel.sums == 8) return s;
    return j % 2 == 0 ? (inlay__scales_4){s.first, s.first} : (inlay__scales_4){s.second, s.second};
}

/* A sub-block of 4 rows and n_cols columns, scaled. */
TILE_INLINE void add_sub_block(const uint8_t *block, inlay__panel panel, size_t j, size_t quarter, const int8_t *q,
                               size_t stride, size_t n_cols, int32x4_t *sum) {
    const size_t size = (panel.bits == 2 ? 2 : 4) * INLAY__LINE;
    const bool wide = panel.zero != 0;
    int8x16_t w[8];
    inlay__scales_4 scales = {vdupq_n_s32(1), vdupq_n_s32(1)};
    load_groups(block + panel.lines + j * size + INLAY__QUARTER * quarter, panel, w);
    if (panel.sums != 0) scales = load_scales(block, panel, j, quarter);
    for (size_t c = 0; c < n_cols; c++, q += stride) {
        int32x4_t first = dot_16(w, q, wide), second = dot_16(w + 4, q + 16, wide);
        if (panel.sums == 0) {
            sum[c] = vaddq_s32(sum[c], vaddq_s32(first, second));
        } else if (panel.sums == 4) {
            sum[c] = vmlaq_s32(sum[c], vaddq_s32(first, second), scales.first);
        } else {
            sum[c] = vmlaq_s32(sum[c], first, scales.first);
            sum[c] = vmlaq_s32(sum[c], second, scales.second);
        }
    }
}

/* Sum over the sub-blocks of the minima of Q2_K times the activations' sums. */
TILE_INLINE int32x4_t dot_minima(const uint8_t *block, inlay__panel panel, size_t quarter, const inlay__acts *acts,
                                 size_t col, size_t k) {
    const int16_t *sums = acts->sum16 + col * (acts->n_k / 16) + 16 * k;
    int32x4_t low = vdupq_n_s32(0), high = low;
    for (size_t i = 0; i < panel.sums; i++) {
        int16x8_t minima = vshrq_n_s16(load_pairs(block, panel, i, quarter), 4);
        int16x8_t each = inlay__broadcast_pair(sums + 2 * i);
        low = vmlal_s16(low, vget_low_s16(minima), vget_low_s16(each));
        high = vmlal_high_s16(high, minima, each);
    }
    return vpaddq_s32(low, high);
}

TILE_INLINE float32x4_t add_superblock(const uint8_t *block, inlay__panel panel, size_t quarter,
                                       const inlay__acts *acts, size_t col, size_t k, int32x4_t sum, float32x4_t acc) {
    const float da = acts->d[col * acts->n_blocks + k];
    const float32x4_t d = panel.bits == 4 ? vld1q_f32((const float *)(const void *)(block + 16 * quarter))
                                          : inlay__load_4_f16(block + 8 * quarter);
    acc = vfmaq_f32(acc, vcvtq_f32_s32(sum), vmulq_n_f32(d, da));
    if (!panel.has_minimum) return acc;
    int32x4_t minima = dot_minima(block, panel, quarter, acts, col, k);
    float32x4_t dmin = inlay__load_4_f16(block + 32 + 8 * quarter);
    return vfmsq_f32(acc, vcvtq_f32_s32(minima), vmulq_n_f32(dmin, da));
}

#include "kernels/arm/product_k_tile.h"

TILE_FUNCTION static void product_q2_k(const inlay__product *p) { product(p, PANEL_Q2_K); }
TILE_FUNCTION static void product_ternary(const inlay__product *p) { product(p, PANEL_TERNARY); }
TILE_FUNCTION static void product_by_16(const inlay__product *p) { product(p, PANEL_BY_16(p->type)); }
TILE_FUNCTION static void product_by_32(const inlay__product *p) {
    if (p->type == INLAY_TYPE_IQ4_XS)
        product(p, PANEL_BY_32(p->type, 1));
    else
        product(p, PANEL_BY_32(p->type, 0));
}

static void take_products(inlay__kernels *k) {
    k->product_packed[INLAY_TYPE_Q2_K] = product_q2_k;
    k->product_packed[INLAY_TYPE_TQ1_0] = product_ternary;
    k->product_packed[INLAY_TYPE_TQ2_0] = product_ternary;
    inlay__kernels_set_table(k, product_by_32, product_by_16);
}
