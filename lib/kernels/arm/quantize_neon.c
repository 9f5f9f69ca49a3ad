/* quantize.c with NEON. */
#include "kernels/arm/neon.h"

#if defined(__aarch64__)

INLAY__NEON_INLINE uint32_t greatest_magnitude(const float *x, size_t n) {
    uint32x4_t greatest = vdupq_n_u32(0);
    for (size_t i = 0; i < n; i += 4)
        greatest = vmaxq_u32(greatest, vreinterpretq_u32_f32(vabsq_f32(vld1q_f32(x + i))));
    return vmaxvq_u32(greatest);
}

/* 8 floats to 16 bits. |x * scale| is below 127.5, so nothing needs a clamp. */
INLAY__NEON_INLINE int16x8_t round_8(const float *x, float scale) {
    int32x4_t low = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x), scale));
    int32x4_t high = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + 4), scale));
    return vmovn_high_s32(vmovn_s32(low), high);
}

/* 16 floats to int8. */
INLAY__NEON_INLINE int8x16_t round_16(const float *x, float scale) {
    return vmovn_high_s16(vmovn_s16(round_8(x, scale)), round_8(x + 8, scale));
}

/* d of n values and what they are multiplied by; 0 and 0 or NaN and 0 for a block that is not quantised. */
INLAY__NEON_INLINE float scale_of(const float *x, size_t n, float *scale) {
    uint32_t bits = greatest_magnitude(x, n);
    *scale = 0.0f;
    if (bits < 0x0d800000) return 0.0f;
    if (bits >= 0x7f800000) return inlay__bits_f32(0x7fc00000);
    float amax = inlay__bits_f32(bits);
    *scale = 127.0f / amax;
    return amax / 127.0f;
}

/* 16 numbers, or zeros without a scale; returns their sum. */
INLAY__NEON_INLINE int16_t quantize_16(const float *x, float scale, int8_t *q) {
    int8x16_t values = scale > 0.0f ? round_16(x, scale) : vdupq_n_s8(0);
    vst1q_s8(q, values);
    return vaddlvq_s8(values);
}

void inlay__quantize_32_neon(const float *x, inlay__acts *acts, size_t col) {
    int8_t *q = acts->q + col * acts->n_k;
    for (size_t b = 0; b < acts->n_blocks; b++, x += INLAY__Q_LENGTH, q += INLAY__Q_LENGTH) {
        size_t at = col * acts->n_blocks + b;
        float scale, d = scale_of(x, INLAY__Q_LENGTH, &scale);
        int32_t sum = quantize_16(x, scale, q) + quantize_16(x + 16, scale, q + 16);
        acts->d[at] = d;
        acts->sum[at] = sum;
        acts->dsum[at] = d * (float)sum;
    }
}

/* Of 32 q, as kernels.h says. */
INLAY__NEON_INLINE int16x4_t zero6_of(const int8_t *q) {
    int16x8_t first = vpaddlq_s8(vld1q_s8(q)), second = vpaddlq_s8(vld1q_s8(q + 16)); /* of two */
    int32x4_t a = vreinterpretq_s32_s16(first), b = vreinterpretq_s32_s16(second);
    /* Pairs of groups in 64 bits, which 16-bit sums add twice over without carries between them. */
    int16x8_t low = vreinterpretq_s16_s64(vzip1q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
    int16x8_t high = vreinterpretq_s16_s64(vzip2q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
    int32x4_t sum = vreinterpretq_s32_s16(vaddq_s16(low, high));
    int16x4_t even = vreinterpret_s16_s32(vget_low_s32(vuzp1q_s32(sum, sum)));
    int16x4_t odd = vreinterpret_s16_s32(vget_low_s32(vuzp2q_s32(sum, sum)));
    return vmul_n_s16(vadd_s16(even, odd), -32);
}

void inlay__quantize_256_neon(const float *x, inlay__acts *acts, size_t col) {
    int8_t *q = acts->q + col * acts->n_k;
    int16_t *sum16 = acts->sum16 + col * (acts->n_k / 16), *sum32 = acts->sum32 + col * (acts->n_k / 32);
    for (size_t b = 0; b < acts->n_blocks; b++) {
        float scale, d = scale_of(x + b * INLAY__K_LENGTH, INLAY__K_LENGTH, &scale);
        acts->d[col * acts->n_blocks + b] = d;
        for (size_t i = b * INLAY__K_LENGTH; i < (b + 1) * INLAY__K_LENGTH; i += INLAY__Q_LENGTH) {
            int16_t first = quantize_16(x + i, scale, q + i), second = quantize_16(x + i + 16, scale, q + i + 16);
            sum16[i / 16] = first;
            sum16[i / 16 + 1] = second;
            sum32[i / 32] = (int16_t)(first + second);
            vst1_s16(acts->zero6 + col * (acts->n_k / 8) + i / 8, zero6_of(q + i));
        }
    }
}

#else
typedef int inlay__not_arm; /* a source file may not be empty */
#endif
