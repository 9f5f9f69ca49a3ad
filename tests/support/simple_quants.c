/* Simple quantisers for tests. */
#include "support/simple_quants.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/dtype.h"
#include "kernels/blocks.h"

uint16_t quantize_f16(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00);  /* NaN */
    if (magnitude >= 0x47800000) return (uint16_t)(sign | 0x7c00); /* 65536 and more */
    if (magnitude < 0x38800000) {                                  /* below 2^-14: a multiple of 2^-24 */
        float steps = nearbyintf(fabsf(value) * 16777216.0f);
        return (uint16_t)(sign | (uint32_t)steps);
    }
    uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
    return (uint16_t)(sign | (rounded - 0x38000000) >> 13);
}

static float half_value(uint16_t half) {
    int exponent = half >> 10 & 31, fraction = half & 1023;
    float value = exponent == 0 ? ldexpf((float)fraction, -24) : ldexpf((float)(fraction + 1024), exponent - 25);
    return half & 0x8000 ? -value : value;
}

static uint16_t bf16(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* Stores the half and gives back what it is worth after rounding. */
static float put_half(uint8_t *out, float value) {
    uint16_t half = quantize_f16(value);
    out[0] = (uint8_t)half;
    out[1] = (uint8_t)(half >> 8);
    return half_value(half);
}

/* round(x / step) within 0..top; step 0 gives 0. */
static uint32_t level(float x, float step, uint32_t top) {
    if (step == 0.0f) return 0;
    float q = nearbyintf(x / step);
    if (!(q > 0.0f)) return 0;
    return q >= (float)top ? top : (uint32_t)q;
}

static void range(const float *x, size_t n, float *least, float *greatest) {
    *least = *greatest = x[0];
    for (size_t i = 1; i < n; i++) {
        *least = fminf(*least, x[i]);
        *greatest = fmaxf(*greatest, x[i]);
    }
}

/* The element of greatest magnitude, with its sign. */
static float extreme(const float *x, size_t n) {
    float least, greatest;
    range(x, n, &least, &greatest);
    return -least > greatest ? least : greatest;
}

/* ------------------------------------------------------------- blocks of 32 */

/* Low four bits: element i in byte i % 16, the upper half of the elements in the upper half of the byte. */
static void put_nibbles(uint8_t *out, const uint32_t *q) {
    for (size_t i = 0; i < 16; i++)
        out[i] = (uint8_t)((q[i] & 15) | (q[i + 16] & 15) << 4);
}

/* The fifth bits: bit i of a u32 for element i. */
static void put_fifth_bits(uint8_t *out, const uint32_t *q) {
    memset(out, 0, 4);
    for (size_t i = 0; i < 32; i++)
        out[i / 8] = (uint8_t)(out[i / 8] | (q[i] >> 4 & 1) << (i % 8));
}

/* Q4_0, Q5_0: x = d (q - middle). The extreme element becomes level 0. */
static void block_symmetric(const float *x, uint32_t bits, uint8_t *out) {
    uint32_t q[32], middle = 1u << (bits - 1);
    float d = put_half(out, extreme(x, 32) / -(float)middle);
    for (size_t i = 0; i < 32; i++)
        q[i] = d == 0.0f ? middle : level(x[i] / d + (float)middle, 1.0f, 2 * middle - 1);
    if (bits == 5) put_fifth_bits(out + 2, q);
    put_nibbles(out + (bits == 5 ? 6 : 2), q);
}

/* Q4_1, Q5_1: x = d q + m. */
static void block_affine(const float *x, uint32_t bits, uint8_t *out) {
    uint32_t q[32], top = (1u << bits) - 1;
    float least, greatest;
    range(x, 32, &least, &greatest);
    float d = put_half(out, (greatest - least) / (float)top);
    float m = put_half(out + 2, least);
    for (size_t i = 0; i < 32; i++)
        q[i] = level(x[i] - m, d, top);
    if (bits == 5) put_fifth_bits(out + 4, q);
    put_nibbles(out + (bits == 5 ? 8 : 4), q);
}

/* The codebook of IQ4_NL and IQ4_XS: the entry nearest to x, of which the greatest is worth 113. */
static uint32_t nearest_nl(float x) {
    static const float values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    uint32_t best = 0;
    for (uint32_t i = 1; i < 16; i++)
        if (fabsf(values[i] - x) < fabsf(values[best] - x)) best = i;
    return best;
}

static void block_iq4_nl(const float *x, uint8_t *out) {
    uint32_t q[32];
    float d = put_half(out, fabsf(extreme(x, 32)) / 113.0f);
    for (size_t i = 0; i < 32; i++)
        q[i] = d == 0.0f ? 8 : nearest_nl(x[i] / d);
    put_nibbles(out + 2, q);
}

/* MXFP4: x = 2^(e - 128) value, the least e that reaches the extreme element. */
static void block_mxfp4(const float *x, uint8_t *out) {
    static const float values[8] = {0, 1, 2, 3, 4, 6, 8, 12};
    uint32_t q[32];
    int e = 0;
    while (e < 254 && ldexpf(12.0f, e - 128) < fabsf(extreme(x, 32)))
        e++;
    for (size_t i = 0; i < 32; i++) {
        float u = fabsf(ldexpf(x[i], 128 - e));
        uint32_t best = 0;
        for (uint32_t j = 1; j < 8; j++)
            if (fabsf(values[j] - u) < fabsf(values[best] - u)) best = j;
        q[i] = best | (x[i] < 0.0f ? 8 : 0);
    }
    out[0] = (uint8_t)e;
    put_nibbles(out + 1, q);
}

static void block_q8_0(const float *x, uint8_t *out) {
    float d = put_half(out, fabsf(extreme(x, 32)) / 127.0f);
    for (size_t i = 0; i < 32; i++) {
        int32_t magnitude = (int32_t)level(fabsf(x[i]), d, 127);
        out[2 + i] = (uint8_t)(x[i] < 0.0f ? -magnitude : magnitude);
    }
}

/* ------------------------------------------------------------ blocks of 256 */

/* Q4_K, Q5_K: x = d s q - dmin m, with s and m of six bits for each 32 elements. */
typedef struct k_block {
    float d, dmin;
    uint32_t s[8], m[8], q[256];
} k_block;

static void fit_k_block(const float *x, uint32_t bits, uint8_t *halves, k_block *b) {
    float step[8], drop[8], top = (float)((1u << bits) - 1), greatest_step = 0.0f, greatest_drop = 0.0f;
    for (size_t j = 0; j < 8; j++) {
        float least, greatest;
        range(x + 32 * j, 32, &least, &greatest);
        drop[j] = fmaxf(0.0f, -least);
        step[j] = fmaxf(0.0f, greatest + drop[j]) / top;
        greatest_step = fmaxf(greatest_step, step[j]);
        greatest_drop = fmaxf(greatest_drop, drop[j]);
    }
    b->d = put_half(halves, greatest_step / 63.0f);
    b->dmin = put_half(halves + 2, greatest_drop / 63.0f);
    for (size_t j = 0; j < 8; j++) {
        b->s[j] = level(step[j], b->d, 63);
        b->m[j] = level(drop[j], b->dmin, 63);
        for (size_t i = 32 * j; i < 32 * j + 32; i++)
            b->q[i] = level(x[i] + b->dmin * (float)b->m[j], b->d * (float)b->s[j], (1u << bits) - 1);
    }
}

/* Twelve bytes: the six bits of s[0..3] and m[0..3] below two upper bits each of s[4..7] and m[4..7], then
 * the lower four of these. */
static void put_k_scales(uint8_t *out, const k_block *b) {
    for (size_t j = 0; j < 4; j++) {
        out[j] = (uint8_t)(b->s[j] | b->s[j + 4] >> 4 << 6);
        out[j + 4] = (uint8_t)(b->m[j] | b->m[j + 4] >> 4 << 6);
        out[j + 8] = (uint8_t)((b->s[j + 4] & 15) | (b->m[j + 4] & 15) << 4);
    }
}

/* Each 32 bytes hold the low nibbles of 32 elements below those of the next 32. */
static void put_k_nibbles(uint8_t *out, const uint32_t *q) {
    for (size_t i = 0; i < 128; i++) {
        const uint32_t *pair = q + i / 32 * 64 + i % 32;
        out[i] = (uint8_t)((pair[0] & 15) | (pair[32] & 15) << 4);
    }
}

static void block_q4_k(const float *x, uint8_t *out) {
    k_block b;
    fit_k_block(x, 4, out, &b);
    put_k_scales(out + 4, &b);
    put_k_nibbles(out + 16, b.q);
}

static void block_q5_k(const float *x, uint8_t *out) {
    k_block b;
    fit_k_block(x, 5, out, &b);
    put_k_scales(out + 4, &b);
    memset(out + 16, 0, 32); /* fifth bits: bit j of byte i is element 32 j + i */
    for (size_t i = 0; i < 256; i++)
        out[16 + i % 32] = (uint8_t)(out[16 + i % 32] | (b.q[i] >> 4) << (i / 32));
    put_k_nibbles(out + 48, b.q);
}

/* Q6_K: x = d s (q - 32), s an int8 for each 16 elements. */
static void block_q6_k(const float *x, uint8_t *out) {
    uint8_t *low = out, *high = out + 128, *scales = out + 192;
    float step[16], greatest = 0.0f;
    uint32_t q[256];
    for (size_t j = 0; j < 16; j++) {
        step[j] = fabsf(extreme(x + 16 * j, 16)) / 31.0f;
        greatest = fmaxf(greatest, step[j]);
    }
    float d = put_half(out + 208, greatest / 127.0f);
    for (size_t j = 0; j < 16; j++) {
        uint32_t s = level(step[j], d, 127);
        scales[j] = (uint8_t)s;
        float unit = d * (float)s;
        for (size_t i = 16 * j; i < 16 * j + 16; i++)
            q[i] = unit == 0.0f ? 32 : level(x[i] + 32.0f * unit, unit, 63);
    }
    for (size_t half = 0; half < 2; half++)
        for (size_t i = 0; i < 32; i++) {
            const uint32_t *p = q + 128 * half + i;
            low[64 * half + i] = (uint8_t)((p[0] & 15) | (p[64] & 15) << 4);
            low[64 * half + 32 + i] = (uint8_t)((p[32] & 15) | (p[96] & 15) << 4);
            high[32 * half + i] = (uint8_t)(p[0] >> 4 | p[32] >> 4 << 2 | p[64] >> 4 << 4 | p[96] >> 4 << 6);
        }
}

/* Two bits of 256 elements, as Q2_K and Q3_K hold them. */
static void put_two_bits(uint8_t out[64], const uint32_t *q) {
    memset(out, 0, 64);
    for (size_t k = 0; k < 256; k++) {
        uint8_t *byte = out + k / 128 * 32 + k % 32;
        *byte = (uint8_t)(*byte | (q[k] & 3) << k % 128 / 32 * 2);
    }
}

/* Q2_K: x = d s q - dmin m, s and m of four bits for each 16 elements. */
static void block_q2_k(const float *x, uint8_t *out) {
    float step[16], drop[16], greatest_step = 0.0f, greatest_drop = 0.0f;
    uint32_t q[256];
    for (size_t j = 0; j < 16; j++) {
        float least, greatest;
        range(x + 16 * j, 16, &least, &greatest);
        drop[j] = fmaxf(0.0f, -least);
        step[j] = fmaxf(0.0f, greatest + drop[j]) / 3.0f;
        greatest_step = fmaxf(greatest_step, step[j]);
        greatest_drop = fmaxf(greatest_drop, drop[j]);
    }
    float d = put_half(out + 80, greatest_step / 15.0f), dmin = put_half(out + 82, greatest_drop / 15.0f);
    for (size_t j = 0; j < 16; j++) {
        uint32_t s = level(step[j], d, 15), m = level(drop[j], dmin, 15);
        out[j] = (uint8_t)(s | m << 4);
        for (size_t i = 16 * j; i < 16 * j + 16; i++)
            q[i] = level(x[i] + dmin * (float)m, d * (float)s, 3);
    }
    put_two_bits(out + 16, q);
}

/* Q3_K: x = d (s - 32) (q - 4), s of six bits for each 16 elements. */
static void block_q3_k(const float *x, uint8_t *out) {
    uint8_t *scales = out + 96;
    float step[16], greatest = 0.0f;
    uint32_t q[256];
    for (size_t j = 0; j < 16; j++) {
        step[j] = fabsf(extreme(x + 16 * j, 16)) / 4.0f;
        greatest = fmaxf(greatest, step[j]);
    }
    float d = put_half(out + 108, greatest / 31.0f);
    memset(out, 0, 32);
    memset(scales, 0, 12);
    for (size_t j = 0; j < 16; j++) {
        uint32_t s = level(step[j], d, 31);
        float unit = d * (float)s;
        scales[j % 8] = (uint8_t)(scales[j % 8] | ((s + 32) & 15) << j / 8 * 4);
        scales[8 + j % 4] = (uint8_t)(scales[8 + j % 4] | (s + 32) >> 4 << j / 4 * 2);
        for (size_t i = 16 * j; i < 16 * j + 16; i++)
            q[i] = unit == 0.0f ? 4 : level(x[i] + 4.0f * unit, unit, 7);
    }
    put_two_bits(out + 32, q);
    for (size_t k = 0; k < 256; k++)
        out[k % 32] = (uint8_t)(out[k % 32] | q[k] >> 2 << k / 32);
}

/* IQ4_XS: x = d (s - 32) codebook[q], s of six bits for each 32 elements. */
static void block_iq4_xs(const float *x, uint8_t *out) {
    float step[8], greatest = 0.0f;
    for (size_t j = 0; j < 8; j++) {
        step[j] = fabsf(extreme(x + 32 * j, 32)) / 113.0f;
        greatest = fmaxf(greatest, step[j]);
    }
    float d = put_half(out, greatest / 31.0f);
    memset(out + 2, 0, 6);
    for (size_t j = 0; j < 8; j++) {
        uint32_t s = level(step[j], d, 31), q[32];
        float unit = d * (float)s;
        out[2 + j / 4] = (uint8_t)(out[2 + j / 4] | (s + 32) >> 4 << j % 4 * 2);
        out[4 + j / 2] = (uint8_t)(out[4 + j / 2] | ((s + 32) & 15) << j % 2 * 4);
        for (size_t i = 0; i < 32; i++)
            q[i] = unit == 0.0f ? 8 : nearest_nl(x[32 * j + i] / unit);
        put_nibbles(out + 8 + 16 * j, q);
    }
}

/* ------------------------------------------------- ternary types and grids */

/* Places 0, 1, 2 for -d, 0, d. */
static void block_ternary(uint32_t type, const float *x, uint8_t *out) {
    static const unsigned powers[] = {81, 27, 9, 3, 1};
    float d = put_half(out + (type == INLAY_TYPE_TQ1_0 ? 52 : 64), fabsf(extreme(x, 256)));
    uint32_t u[256];
    for (size_t k = 0; k < 256; k++)
        u[k] = level(x[k] + d, d, 2);
    memset(out, 0, type == INLAY_TYPE_TQ1_0 ? 52 : 64);
    for (size_t k = 0; k < 256; k++) {
        if (type == INLAY_TYPE_TQ2_0)
            out[k / 128 * 32 + k % 32] = (uint8_t)(out[k / 128 * 32 + k % 32] | u[k] << k % 128 / 32 * 2);
        else if (k < 160)
            out[k % 32] = (uint8_t)(out[k % 32] + u[k] * powers[k / 32]);
        else if (k < 240)
            out[32 + k % 16] = (uint8_t)(out[32 + k % 16] + u[k] * powers[(k - 160) / 16]);
        else
            out[48 + k % 4] = (uint8_t)(out[48 + k % 4] + u[k] * powers[(k - 240) / 4]);
    }
    for (size_t i = 0; type == INLAY_TYPE_TQ1_0 && i < 52; i++) /* as a fraction of 256, rounded up */
        out[i] = (uint8_t)((out[i] * 256u + 242) / 243);
}

static void put_grid_scale(uint32_t type, uint8_t *out, float value) {
    if (type != INLAY_TYPE_IQ1_M) {
        put_half(out, value);
        return;
    }
    unsigned half = quantize_f16(value);
    for (unsigned i = 0; i < 4; i++)
        out[49 + 2 * i] = (uint8_t)((out[49 + 2 * i] & 15) | (half >> 4 * i & 15) << 4);
}

/* Of a few fillings made at random, the one that points most nearly where x does, and the scale that fits it best. */
static void block_of_points(uint32_t type, size_t size, const float *x, uint8_t *out) {
    uint8_t tried[128];
    uint32_t random = 1;
    double best = -1.0;
    for (int trial = 0; trial < 12; trial++) {
        float w[256];
        double along = 0.0, square = 0.0;
        for (size_t i = 0; i < size; i++)
            random = random * 1664525u + 1013904223u, tried[i] = (uint8_t)(random >> 24);
        put_grid_scale(type, tried, 1.0f);
        inlay__dequantize_row(type, tried, 256, w);
        for (size_t k = 0; k < 256; k++)
            along += (double)x[k] * (double)w[k], square += (double)w[k] * (double)w[k];
        if (along * along / square <= best) continue;
        best = along * along / square;
        memcpy(out, tried, size);
        put_grid_scale(type, out, (float)(along / square));
    }
}

/* ---------------------------------------------------------------------- rows */

size_t quantize_size(uint32_t type, size_t n) {
    uint64_t size;
    if (!inlay__dtype_row_size(type, n, &size)) {
        fprintf(stderr, "%zu elements are no whole blocks of %s\n", n, inlay__dtype_any_name(type));
        exit(2);
    }
    return (size_t)size;
}

static void quantize_block(uint32_t type, const float *x, uint8_t *out) {
    uint16_t half;
    switch (type) {
    case INLAY_TYPE_F32:
        memcpy(out, x, 4);
        break;
    case INLAY_TYPE_F16:
        half = quantize_f16(*x), memcpy(out, &half, 2);
        break;
    case INLAY_TYPE_BF16:
        half = bf16(*x), memcpy(out, &half, 2);
        break;
    case INLAY_TYPE_Q4_0:
        block_symmetric(x, 4, out);
        break;
    case INLAY_TYPE_Q5_0:
        block_symmetric(x, 5, out);
        break;
    case INLAY_TYPE_Q4_1:
        block_affine(x, 4, out);
        break;
    case INLAY_TYPE_Q5_1:
        block_affine(x, 5, out);
        break;
    case INLAY_TYPE_Q8_0:
        block_q8_0(x, out);
        break;
    case INLAY_TYPE_IQ4_NL:
        block_iq4_nl(x, out);
        break;
    case INLAY_TYPE_MXFP4:
        block_mxfp4(x, out);
        break;
    case INLAY_TYPE_Q2_K:
        block_q2_k(x, out);
        break;
    case INLAY_TYPE_Q3_K:
        block_q3_k(x, out);
        break;
    case INLAY_TYPE_IQ4_XS:
        block_iq4_xs(x, out);
        break;
    case INLAY_TYPE_Q4_K:
        block_q4_k(x, out);
        break;
    case INLAY_TYPE_Q5_K:
        block_q5_k(x, out);
        break;
    case INLAY_TYPE_Q6_K:
        block_q6_k(x, out);
        break;
    case INLAY_TYPE_TQ1_0:
    case INLAY_TYPE_TQ2_0:
        block_ternary(type, x, out);
        break;
    case INLAY_TYPE_IQ1_S:
    case INLAY_TYPE_IQ1_M:
    case INLAY_TYPE_IQ2_XXS:
    case INLAY_TYPE_IQ2_XS:
    case INLAY_TYPE_IQ2_S:
    case INLAY_TYPE_IQ3_XXS:
    case INLAY_TYPE_IQ3_S:
        block_of_points(type, inlay__dtype_get(type)->block_size, x, out);
        break;
    default:
        fprintf(stderr, "no quantiser for %s\n", inlay__dtype_any_name(type));
        exit(2);
    }
}

void quantize_row(uint32_t type, const float *x, size_t n, void *out) {
    size_t n_blocks = quantize_size(type, n) / inlay__dtype_get(type)->block_size;
    const inlay__dtype *dtype = inlay__dtype_get(type);
    for (size_t i = 0; i < n_blocks; i++)
        quantize_block(type, x + i * dtype->block_length, (uint8_t *)out + i * dtype->block_size);
}
