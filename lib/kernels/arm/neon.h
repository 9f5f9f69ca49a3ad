/* What the 64-bit ARM kernels share. NEON belongs to every such CPU; the two levels above it carry a target attribute,
 * so that no file needs a compiler flag.
 *
 * A line of a packed panel (pack.c draws them) is four registers: 4 rows each, which is what "quarter" means here.
 */
#ifndef INLAY_NEON_H
#define INLAY_NEON_H

#if defined(__aarch64__)

#include <arm_neon.h>

#include "kernels/kernels.h"
#include "kernels/math.h"

#define INLAY__NEON_INLINE static inline __attribute__((always_inline))
#define INLAY__DOTPROD __attribute__((target("arch=armv8.2-a+dotprod")))
#define INLAY__DOTPROD_INLINE static inline __attribute__((always_inline, target("arch=armv8.2-a+dotprod")))
#define INLAY__I8MM __attribute__((target("arch=armv8.2-a+dotprod+i8mm")))
#define INLAY__I8MM_INLINE static inline __attribute__((always_inline, target("arch=armv8.2-a+dotprod+i8mm")))

/* Bytes of a line, and of a quarter of it. */
enum { INLAY__LINE = 64, INLAY__QUARTER = 16, INLAY__QUARTERS = 4 };

/* 4 activations of one column to all rows. */
INLAY__NEON_INLINE int8x16_t inlay__broadcast_4(const int8_t *q) {
    int32_t four;
    memcpy(&four, q, 4);
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
}

/* 2 sums of one column to all rows. */
INLAY__NEON_INLINE int16x8_t inlay__broadcast_pair(const int16_t *sums) {
    int32_t two;
    memcpy(&two, sums, 4);
    return vreinterpretq_s16_s32(vdupq_n_s32(two));
}

INLAY__NEON_INLINE float32x4_t inlay__load_4_f16(const void *p) {
    uint16x4_t half;
    memcpy(&half, p, sizeof half);
    return vcvt_f32_f16(vreinterpret_f16_u16(half));
}

/* The 16 lanes of four registers, folded 8, 4, 2, 1. */
INLAY__NEON_INLINE float inlay__fold_neon(const float32x4_t lanes[4]) {
    float32x4_t four = vaddq_f32(vaddq_f32(lanes[0], lanes[2]), vaddq_f32(lanes[1], lanes[3]));
    return vpadds_f32(vadd_f32(vget_low_f32(four), vget_high_f32(four)));
}

/* inlay__exp, lane by lane. FMAX and FMIN let NaN through. */
INLAY__NEON_INLINE float32x4_t inlay__exp_neon(float32x4_t x) {
    const float32x4_t magic = vdupq_n_f32(12582912.0f), one = vdupq_n_f32(1.0f);
    uint32x4_t below = vcltq_f32(x, vdupq_n_f32(-87.33f));
    float32x4_t c = vmaxq_f32(vminq_f32(x, vdupq_n_f32(88.3f)), vdupq_n_f32(-87.33f));
    float32x4_t n = vsubq_f32(vaddq_f32(vmulq_n_f32(c, 0x1.715476p+0f), magic), magic);
    float32x4_t r = vfmsq_f32(c, n, vdupq_n_f32(0x1.62e400p-1f));
    r = vfmsq_f32(r, n, vdupq_n_f32(0x1.7f7d1cp-20f));
    float32x4_t p = vdupq_n_f32(0x1.6a4748p-10f);
    p = vfmaq_f32(vdupq_n_f32(0x1.1239a2p-7f), p, r);
    p = vfmaq_f32(vdupq_n_f32(0x1.5558b6p-5f), p, r);
    p = vfmaq_f32(vdupq_n_f32(0x1.555492p-3f), p, r);
    p = vfmaq_f32(vdupq_n_f32(0x1.fffffcp-2f), p, r);
    p = vfmaq_f32(one, p, r);
    p = vfmaq_f32(one, p, r);
    int32x4_t power = vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23);
    float32x4_t e = vmulq_f32(p, vreinterpretq_f32_s32(power));
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(e), below));
}

/* cap tanh(x / cap) */
INLAY__NEON_INLINE float32x4_t inlay__cap_neon(float32x4_t x, float32x4_t cap) {
    const float32x4_t one = vdupq_n_f32(1.0f);
    float32x4_t t = vdivq_f32(x, cap), e = inlay__exp_neon(vaddq_f32(t, t));
    return vmulq_f32(cap, vsubq_f32(one, vdivq_f32(vdupq_n_f32(2.0f), vaddq_f32(e, one))));
}

/* ---------------------------------------------------------------------------------- packed panels, 4 rows at a time */

/* How a packed type's block of 32, or a superblock's sub-block, is laid out. */
typedef struct inlay__panel {
    uint32_t bits;       /* of an element u; bits lines a block */
    bool has_minimum;
    int32_t zero;        /* q = u - zero */
    size_t size, lines;  /* bytes of 16 rows of a block or superblock; where its lines begin */
    size_t scales, sums; /* of superblocks: where the sub-blocks' scales and what the activations' sums meet begin */
    const int8_t *values; /* [16] an element is the place of q among these, which are moved up by `zero`; or NULL */
} inlay__panel;

#define INLAY__PANEL_Q4_0 ((inlay__panel){4, false, 8, 288, 32, 0, 0, NULL})
#define INLAY__PANEL_Q4_1 ((inlay__panel){4, true, 0, 320, 64, 0, 0, NULL})
#define INLAY__PANEL_Q5_0 ((inlay__panel){5, false, 16, 352, 32, 0, 0, NULL})
#define INLAY__PANEL_Q5_1 ((inlay__panel){5, true, 0, 384, 64, 0, 0, NULL})
#define INLAY__PANEL_Q8_0 ((inlay__panel){8, false, 128, 544, 32, 0, 0, NULL})
#define INLAY__PANEL_IQ4_NL ((inlay__panel){4, false, 128, 288, 32, 0, 0, inlay__nl_values})
#define INLAY__PANEL_MXFP4 ((inlay__panel){4, false, 128, 272, 16, 0, 0, inlay__mx_values})
#define INLAY__PANEL_Q4_K ((inlay__panel){4, true, 0, 2368, 320, 64, 192, NULL})
#define INLAY__PANEL_Q5_K ((inlay__panel){5, true, 0, 2880, 320, 64, 192, NULL})
#define INLAY__PANEL_Q6_K ((inlay__panel){6, false, 32, 3360, 288, 32, 32, NULL})

/* Unpacked elements take all 8 bits. */
INLAY__NEON_INLINE bool inlay__is_wide(inlay__panel panel) { return panel.bits == 8 || panel.values != NULL; }

/* 2^(e - 128) of 4 bytes e, as inlay__e8m0_half. */
INLAY__NEON_INLINE float32x4_t inlay__load_4_e8m0(const uint8_t *p) {
    float d[4];
    for (size_t r = 0; r < 4; r++)
        d[r] = inlay__e8m0_half(p[r]);
    return vld1q_f32(d);
}

/* The scales of a block of 4 rows. */
INLAY__NEON_INLINE float32x4_t inlay__load_d(const uint8_t *block, inlay__panel panel, size_t quarter) {
    return panel.values == inlay__mx_values ? inlay__load_4_e8m0(block + 4 * quarter)
                                            : inlay__load_4_f16(block + 8 * quarter);
}

/* Low nibbles of 4 registers are the first 16 elements, high ones the last; looked up where there is a table. */
INLAY__NEON_INLINE void inlay__split_nibbles(const uint8x16_t pairs[4], const int8_t *values, uint8x16_t u[8]) {
    for (size_t g = 0; g < 4; g++) {
        u[g] = vandq_u8(pairs[g], vdupq_n_u8(15));
        u[g + 4] = vshrq_n_u8(pairs[g], 4);
    }
    if (values == NULL) return;
    uint8x16_t table = veorq_u8(vreinterpretq_u8_s8(vld1q_s8(values)), vdupq_n_u8(0x80));
    for (size_t g = 0; g < 8; g++)
        u[g] = vqtbl1q_u8(table, u[g]);
}

INLAY__NEON_INLINE uint8x16_t inlay__add_bits(uint8x16_t u, uint8x16_t high, uint8_t mask) {
    return vorrq_u8(u, vandq_u8(high, vdupq_n_u8(mask)));
}

/* The 8 groups of 4 rows, as unsigned bytes. */
INLAY__NEON_INLINE void inlay__unpack_neon(const uint8_t *lines, inlay__panel panel, uint8x16_t u[8]) {
    const uint32_t bits = panel.bits;
    if (bits == 8) {
        for (size_t g = 0; g < 8; g++)
            u[g] = vld1q_u8(lines + INLAY__LINE * g);
        return;
    }
    uint8x16_t pairs[4];
    for (size_t g = 0; g < 4; g++)
        pairs[g] = vld1q_u8(lines + INLAY__LINE * g);
    inlay__split_nibbles(pairs, panel.values, u);
    if (bits == 5) {
        uint8x16_t high = vld1q_u8(lines + 4 * INLAY__LINE);
        u[0] = inlay__add_bits(u[0], vshlq_n_u8(high, 4), 16);
        u[1] = inlay__add_bits(u[1], vshlq_n_u8(high, 3), 16);
        u[2] = inlay__add_bits(u[2], vshlq_n_u8(high, 2), 16);
        u[3] = inlay__add_bits(u[3], vshlq_n_u8(high, 1), 16);
        u[4] = inlay__add_bits(u[4], high, 16);
        u[5] = inlay__add_bits(u[5], vshrq_n_u8(high, 1), 16);
        u[6] = inlay__add_bits(u[6], vshrq_n_u8(high, 2), 16);
        u[7] = inlay__add_bits(u[7], vshrq_n_u8(high, 3), 16);
    }
    for (size_t g = 0; bits == 6 && g < 8; g += 4) {
        uint8x16_t high = vld1q_u8(lines + (4 + g / 4) * INLAY__LINE);
        u[g] = inlay__add_bits(u[g], vshlq_n_u8(high, 4), 48);
        u[g + 1] = inlay__add_bits(u[g + 1], vshlq_n_u8(high, 2), 48);
        u[g + 2] = inlay__add_bits(u[g + 2], high, 48);
        u[g + 3] = inlay__add_bits(u[g + 3], vshrq_n_u8(high, 2), 48);
    }
}

/* 4 rows' bytes of a superblock, two by two: minima, or the scales of Q6_K. */
INLAY__NEON_INLINE int16x8_t inlay__load_pairs(const uint8_t *pairs, bool is_signed) {
    return is_signed ? vmovl_s8(vreinterpret_s8_u8(vld1_u8(pairs))) : vreinterpretq_s16_u16(vmovl_u8(vld1_u8(pairs)));
}

/* The scales of sub-block j of 4 rows, for its first 16 elements and for the rest (the same but for Q6_K). */
typedef struct inlay__scales_4 {
    int32x4_t first, second;
} inlay__scales_4;

INLAY__NEON_INLINE inlay__scales_4 inlay__load_scales(const uint8_t *block, inlay__panel panel, size_t j,
                                                      size_t quarter) {
    inlay__scales_4 s;
    if (panel.bits == 6) {
        int32x4_t pairs =
            vreinterpretq_s32_s16(inlay__load_pairs(block + panel.scales + 32 * j + 8 * quarter, true));
        s.first = vshrq_n_s32(vshlq_n_s32(pairs, 16), 16);
        s.second = vshrq_n_s32(pairs, 16);
        return s;
    }
    uint32_t four;
    memcpy(&four, block + panel.scales + 16 * j + 4 * quarter, 4);
    uint16x8_t wide = vmovl_u8(vcreate_u8(four));
    s.first = s.second = vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(wide)));
    return s;
}

/* Sum over the sub-blocks of the minima (or of 32 times the scales of Q6_K) times the activations' sums. */
INLAY__NEON_INLINE int32x4_t inlay__dot_sums(const uint8_t *block, inlay__panel panel, size_t quarter,
                                             const inlay__acts *acts, size_t col, size_t k) {
    const bool is_6 = panel.bits == 6;
    const int16_t *sums =
        is_6 ? acts->sum16 + col * (acts->n_k / 16) + 16 * k : acts->sum32 + col * (acts->n_k / 32) + 8 * k;
    int32x4_t low = vdupq_n_s32(0), high = low;
    for (size_t j = 0; j < (is_6 ? 8 : 4); j++) {
        int16x8_t pairs = inlay__load_pairs(block + panel.sums + 32 * j + 8 * quarter, is_6);
        int16x8_t each = inlay__broadcast_pair(sums + 2 * j);
        low = vmlal_s16(low, vget_low_s16(pairs), vget_low_s16(each));
        high = vmlal_high_s16(high, pairs, each);
    }
    int32x4_t sum = vpaddq_s32(low, high);
    return is_6 ? vshlq_n_s32(sum, 5) : sum;
}

/* What a superblock's exact sums add to 4 rows of a column. */
INLAY__NEON_INLINE float32x4_t inlay__add_superblock(const uint8_t *block, inlay__panel panel, size_t quarter,
                                                     const inlay__acts *acts, size_t col, size_t k, int32x4_t sum,
                                                     float32x4_t acc) {
    float da = acts->d[col * acts->n_blocks + k];
    float32x4_t d = inlay__load_4_f16(block + 8 * quarter);
    int32x4_t sums = inlay__dot_sums(block, panel, quarter, acts, col, k);
    if (!panel.has_minimum) sum = vsubq_s32(sum, sums);
    acc = vfmaq_f32(acc, vcvtq_f32_s32(sum), vmulq_n_f32(d, da));
    if (!panel.has_minimum) return acc;
    float32x4_t dmin = inlay__load_4_f16(block + 32 + 8 * quarter);
    return vfmsq_f32(acc, vcvtq_f32_s32(sums), vmulq_n_f32(dmin, da));
}

/* 4 sums of the products of n groups, one for each row. A lane of 16 bits takes one product of each group:
 * product_q_neon.c tells how many fit. */
INLAY__NEON_INLINE int32x4_t inlay__dot_groups(const int8x16_t *w, const int8_t *q, size_t n) {
    int8x16_t a = inlay__broadcast_4(q);
    int16x8_t low = vmull_s8(vget_low_s8(w[0]), vget_low_s8(a)), high = vmull_high_s8(w[0], a);
    for (size_t g = 1; g < n; g++) {
        a = inlay__broadcast_4(q + 4 * g);
        low = vmlal_s8(low, vget_low_s8(w[g]), vget_low_s8(a));
        high = vmlal_high_s8(high, w[g], a);
    }
    return vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high));
}

#if INLAY__ARM_LEVELS
/* 4 sums of 16 products, one for each row. */
INLAY__DOTPROD_INLINE int32x4_t inlay__dot_16_dotprod(const int8x16_t *w, int8x16_t q, int32x4_t sum) {
    sum = vdotq_laneq_s32(sum, w[0], q, 0);
    sum = vdotq_laneq_s32(sum, w[1], q, 1);
    sum = vdotq_laneq_s32(sum, w[2], q, 2);
    return vdotq_laneq_s32(sum, w[3], q, 3);
}
#endif

/* ------------------------------------------------------------------------------------------------------ the kernels */

void inlay__quantize_32_neon(const float *x, inlay__acts *acts, size_t col);
void inlay__quantize_256_neon(const float *x, inlay__acts *acts, size_t col);
void inlay__rms_norm_neon(const float *x, const float *w, float epsilon, size_t n, float *y);
void inlay__add_neon(const float *x, size_t n, float *y);
void inlay__layer_norm_neon(const float *x, const float *w, const float *bias, float epsilon, size_t n, float *y);
void inlay__activate_neon(inlay__activation activation, const float *gate, const float *up, size_t n, float *out);
void inlay__soft_cap_neon(float cap, size_t n, float *x);
void inlay__rope_adjacent_neon(const float *cosines, const float *sines, size_t n_rope, float *x);
void inlay__rope_halves_neon(const float *cosines, const float *sines, size_t n_rope, float *x);
void inlay__store_key_neon(const float *key, size_t n_head_dim, uint32_t cache_type, size_t position, void *keys);
void inlay__store_value_neon(const float *value, size_t n_head_dim, uint32_t cache_type, size_t position, void *values);
void inlay__weigh_neon(const float *x, float greatest, float temperature, size_t n, float *out);
/* They differ in the product of keys in Q8_0. */
void inlay__attention_neon(const inlay__attention *attention);
void inlay__attention_merge_neon(inlay__softmax *row, const inlay__softmax *block, const float *o, size_t n,
                                 float *out);
void inlay__attention_dotprod(const inlay__attention *attention);
void inlay__attention_i8mm(const inlay__attention *attention);
void inlay__product_f32_neon(const inlay__product *product);
void inlay__product_f16_neon(const inlay__product *product);
void inlay__product_bf16_neon(const inlay__product *product);

#define INLAY__ARM_PRODUCTS(isa)                                   \
    void inlay__product_q4_0_##isa(const inlay__product *product); \
    void inlay__product_q4_1_##isa(const inlay__product *product); \
    void inlay__product_q5_0_##isa(const inlay__product *product); \
    void inlay__product_q5_1_##isa(const inlay__product *product); \
    void inlay__product_q8_0_##isa(const inlay__product *product); \
    void inlay__product_iq4_nl_##isa(const inlay__product *product); \
    void inlay__product_mxfp4_##isa(const inlay__product *product); \
    void inlay__product_q4_k_##isa(const inlay__product *product); \
    void inlay__product_q5_k_##isa(const inlay__product *product); \
    void inlay__product_q6_k_##isa(const inlay__product *product);
INLAY__ARM_PRODUCTS(neon)
INLAY__ARM_PRODUCTS(dotprod)
INLAY__ARM_PRODUCTS(i8mm)
/* Fill in the products of the types of their file. */
void inlay__init_256_neon(inlay__kernels *kernels);
void inlay__init_256_dotprod(inlay__kernels *kernels);

#endif
#endif
