/* activation.c with NEON. What does not fill a register goes through the scalar definition. */
#include "kernels/arm/neon.h"

#if defined(__aarch64__)

/* A polynomial's next step: p t + c. */
INLAY__NEON_INLINE float32x4_t step(float32x4_t p, float32x4_t t, float c) { return vfmaq_f32(vdupq_n_f32(c), p, t); }

/* inlay__erf, lane by lane: both of its cases, then the one that counts. */
INLAY__NEON_INLINE float32x4_t erf_4(float32x4_t x) {
    const uint32x4_t sign = vdupq_n_u32(0x80000000);
    float32x4_t t = vabsq_f32(x), z = vmulq_f32(x, x), p = vdupq_n_f32(0x1.5ebd84p-14f);
    uint32x4_t far = vcgeq_f32(t, vdupq_n_f32(0.925f)); /* not NaN */
    p = step(p, z, -0x1.aad914p-11f);
    p = step(p, z, 0x1.54da22p-8f);
    p = step(p, z, -0x1.b8108cp-6f);
    p = step(p, z, 0x1.ce2e22p-4f);
    p = step(p, z, -0x1.812744p-2f);
    p = step(p, z, 0x1.20dd76p+0f);
    float32x4_t small = vmulq_f32(p, x);
    t = vminq_f32(t, vdupq_n_f32(4.0f));
    p = vdupq_n_f32(0x1.ea053cp-22f);
    p = step(p, t, 0x1.fe7f92p-17f);
    p = step(p, t, -0x1.a58ccep-12f);
    p = step(p, t, 0x1.0acb72p-8f);
    p = step(p, t, -0x1.987584p-6f);
    p = step(p, t, 0x1.ba9908p-4f);
    p = step(p, t, 0x1.445b5ep-1f);
    p = step(p, t, 0x1.21238cp+0f);
    p = step(p, t, -0x1.56035ep-13f);
    float32x4_t large = vsubq_f32(vdupq_n_f32(1.0f), inlay__exp_neon(vnegq_f32(p)));
    large = vbslq_f32(sign, x, large); /* which is positive */
    return vbslq_f32(far, large, small);
}

/* x / (1 + exp(y)) */
INLAY__NEON_INLINE float32x4_t gated(float32x4_t x, float32x4_t y) {
    return vdivq_f32(x, vaddq_f32(vdupq_n_f32(1.0f), inlay__exp_neon(y)));
}

/* x, +0 where `by` is not above 0; NaN stays. */
INLAY__NEON_INLINE float32x4_t above_zero(float32x4_t x, float32x4_t by) {
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(x), vclezq_f32(by)));
}

INLAY__NEON_INLINE float32x4_t apply(inlay__activation activation, float32x4_t x) {
    const float32x4_t one = vdupq_n_f32(1.0f);
    float32x4_t v;
    switch (activation) {
    case INLAY__SILU:
        return gated(x, vnegq_f32(x));
    case INLAY__GELU_TANH:
        v = vfmaq_f32(one, vmulq_f32(x, x), vdupq_n_f32(0.044715f));
        v = vmulq_f32(vmulq_n_f32(x, 0.797884561f), v);
        return gated(x, vmulq_n_f32(v, -2.0f));
    case INLAY__GELU_ERF:
        v = erf_4(vmulq_n_f32(x, 0.707106769f));
        return vmulq_f32(vmulq_n_f32(x, 0.5f), vaddq_f32(one, v));
    case INLAY__GELU_QUICK:
        return gated(x, vmulq_n_f32(x, -1.702f));
    case INLAY__RELU:
        return above_zero(x, x);
    case INLAY__RELU2:
        return above_zero(vmulq_f32(x, x), x);
    default:
        v = vaddq_f32(inlay__exp_neon(vaddq_f32(x, x)), one);
        return vsubq_f32(one, vdivq_f32(vdupq_n_f32(2.0f), v));
    }
}

INLAY__NEON_INLINE void activate(inlay__activation activation, const float *gate, const float *up, size_t n,
                                 float *out) {
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        float32x4_t y = apply(activation, vld1q_f32(gate + i));
        vst1q_f32(out + i, up != NULL ? vmulq_f32(y, vld1q_f32(up + i)) : y);
    }
    inlay__activate(activation, gate + i, up != NULL ? up + i : NULL, n - i, out + i);
}

void inlay__activate_neon(inlay__activation activation, const float *gate, const float *up, size_t n, float *out) {
    switch (activation) {
    case INLAY__SILU:
        activate(INLAY__SILU, gate, up, n, out);
        break;
    case INLAY__GELU_TANH:
        activate(INLAY__GELU_TANH, gate, up, n, out);
        break;
    case INLAY__GELU_ERF:
        activate(INLAY__GELU_ERF, gate, up, n, out);
        break;
    case INLAY__GELU_QUICK:
        activate(INLAY__GELU_QUICK, gate, up, n, out);
        break;
    case INLAY__RELU:
        activate(INLAY__RELU, gate, up, n, out);
        break;
    case INLAY__RELU2:
        activate(INLAY__RELU2, gate, up, n, out);
        break;
    default:
        activate(INLAY__TANH, gate, up, n, out);
        break;
    }
}

void inlay__soft_cap_neon(float cap, size_t n, float *x) {
    const float32x4_t c = vdupq_n_f32(cap);
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        vst1q_f32(x + i, inlay__cap_neon(vld1q_f32(x + i), c));
    inlay__soft_cap(cap, n - i, x + i);
}

#else
typedef int inlay__not_arm; /* a source file may not be empty */
#endif
