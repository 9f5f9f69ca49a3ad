/* norm.c and rope.c with NEON. What does not fill a register goes through the scalar definition. */
#include <math.h>

#include "kernels/arm/neon.h"

#if defined(__aarch64__)

void inlay__rms_norm_neon(const float *x, const float *w, float epsilon, size_t n, float *y) {
    if (n % INLAY__LANES != 0) {
        inlay__rms_norm(x, w, epsilon, n, y);
        return;
    }
    float32x4_t lanes[4];
    for (size_t l = 0; l < 4; l++)
        lanes[l] = vdupq_n_f32(0.0f);
    for (size_t i = 0; i < n; i += INLAY__LANES) {
        for (size_t l = 0; l < 4; l++) {
            float32x4_t each = vld1q_f32(x + i + 4 * l);
            lanes[l] = vfmaq_f32(lanes[l], each, each);
        }
    }
    float mean = inlay__fold_neon(lanes) / (float)n;
    float scale = 1.0f / sqrtf(mean + epsilon);
    for (size_t i = 0; i < n; i += 4)
        vst1q_f32(y + i, vmulq_f32(vmulq_n_f32(vld1q_f32(x + i), scale), vld1q_f32(w + i)));
}

void inlay__layer_norm_neon(const float *x, const float *w, const float *bias, float epsilon, size_t n, float *y) {
    if (n % INLAY__LANES != 0) {
        inlay__layer_norm(x, w, bias, epsilon, n, y);
        return;
    }
    float32x4_t sums[4], squares[4];
    for (size_t l = 0; l < 4; l++)
        sums[l] = squares[l] = vdupq_n_f32(0.0f);
    for (size_t i = 0; i < n; i += INLAY__LANES)
        for (size_t l = 0; l < 4; l++)
            sums[l] = vaddq_f32(sums[l], vld1q_f32(x + i + 4 * l));
    const float32x4_t mean = vdupq_n_f32(inlay__fold_neon(sums) / (float)n);
    for (size_t i = 0; i < n; i += INLAY__LANES) {
        for (size_t l = 0; l < 4; l++) {
            float32x4_t each = vsubq_f32(vld1q_f32(x + i + 4 * l), mean);
            squares[l] = vfmaq_f32(squares[l], each, each);
        }
    }
    float scale = 1.0f / sqrtf(inlay__fold_neon(squares) / (float)n + epsilon);
    for (size_t i = 0; i < n; i += 4) {
        float32x4_t t = vmulq_n_f32(vsubq_f32(vld1q_f32(x + i), mean), scale), each = vld1q_f32(w + i);
        vst1q_f32(y + i, bias != NULL ? vfmaq_f32(vld1q_f32(bias + i), t, each) : vmulq_f32(t, each));
    }
}

void inlay__add_neon(const float *x, size_t n, float *y) {
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        vst1q_f32(y + i, vaddq_f32(vld1q_f32(x + i), vld1q_f32(y + i)));
    inlay__add(x + i, n - i, y + i);
}

void inlay__weigh_neon(const float *x, float greatest, float temperature, size_t n, float *out) {
    const float32x4_t g = vdupq_n_f32(greatest), t = vdupq_n_f32(temperature);
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        vst1q_f32(out + i, inlay__exp_neon(vdivq_f32(vsubq_f32(vld1q_f32(x + i), g), t)));
    inlay__weigh(x + i, greatest, temperature, n - i, out + i);
}

/* (a, b) becomes (fma(a, c, -(b s)), fma(a, s, b c)). */
INLAY__NEON_INLINE float32x4x2_t rotate(float32x4_t c, float32x4_t s, float32x4_t a, float32x4_t b) {
    float32x4x2_t turned;
    turned.val[0] = vfmaq_f32(vnegq_f32(vmulq_f32(b, s)), a, c);
    turned.val[1] = vfmaq_f32(vmulq_f32(b, c), a, s);
    return turned;
}

void inlay__rope_adjacent_neon(const float *cosines, const float *sines, size_t n_rope, float *x) {
    size_t i = 0;
    for (; i + 4 <= n_rope / 2; i += 4) {
        float32x4x2_t pairs = vld2q_f32(x + 2 * i);
        vst2q_f32(x + 2 * i, rotate(vld1q_f32(cosines + i), vld1q_f32(sines + i), pairs.val[0], pairs.val[1]));
    }
    inlay__rope_adjacent(cosines + i, sines + i, n_rope - 2 * i, x + 2 * i);
}

void inlay__rope_halves_neon(const float *cosines, const float *sines, size_t n_rope, float *x) {
    size_t half = n_rope / 2;
    if (half % 4 != 0) {
        inlay__rope_halves(cosines, sines, n_rope, x);
        return;
    }
    for (size_t i = 0; i < half; i += 4) {
        float32x4x2_t turned =
            rotate(vld1q_f32(cosines + i), vld1q_f32(sines + i), vld1q_f32(x + i), vld1q_f32(x + half + i));
        vst1q_f32(x + i, turned.val[0]);
        vst1q_f32(x + half + i, turned.val[1]);
    }
}

#else
typedef int inlay__not_arm; /* a source file may not be empty */
#endif
