/* activation.c with AVX2. What does not fill a register goes through the scalar definition. */
#include "kernels/x86/avx2.h"

#if defined(__x86_64__)

/* inlay__erf, lane by lane: both of its cases, then the one that counts. */
INLAY__AVX2_INLINE __m256 erf_8(__m256 x) {
    const __m256 sign = _mm256_set1_ps(-0.0f), one = _mm256_set1_ps(1.0f);
    __m256 t = _mm256_andnot_ps(sign, x), z = _mm256_mul_ps(x, x), p = _mm256_set1_ps(0x1.5ebd84p-14f);
    __m256 near = _mm256_cmp_ps(t, _mm256_set1_ps(0.925f), _CMP_NGE_UQ); /* and NaN */
    p = _mm256_fmadd_ps(p, z, _mm256_set1_ps(-0x1.aad914p-11f));
    p = _mm256_fmadd_ps(p, z, _mm256_set1_ps(0x1.54da22p-8f));
    p = _mm256_fmadd_ps(p, z, _mm256_set1_ps(-0x1.b8108cp-6f));
    p = _mm256_fmadd_ps(p, z, _mm256_set1_ps(0x1.ce2e22p-4f));
    p = _mm256_fmadd_ps(p, z, _mm256_set1_ps(-0x1.812744p-2f));
    p = _mm256_fmadd_ps(p, z, _mm256_set1_ps(0x1.20dd76p+0f));
    __m256 small = _mm256_mul_ps(p, x);
    t = _mm256_min_ps(t, _mm256_set1_ps(4.0f));
    p = _mm256_set1_ps(0x1.ea053cp-22f);
    p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(0x1.fe7f92p-17f));
    p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(-0x1.a58ccep-12f));
    p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(0x1.0acb72p-8f));
    p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(-0x1.987584p-6f));
    p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(0x1.ba9908p-4f));
    p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(0x1.445b5ep-1f));
    p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(0x1.21238cp+0f));
    p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(-0x1.56035ep-13f));
    __m256 large = _mm256_sub_ps(one, inlay__exp_avx2(_mm256_xor_ps(p, sign)));
    large = _mm256_or_ps(large, _mm256_and_ps(x, sign));
    return _mm256_blendv_ps(large, small, near);
}

INLAY__AVX2_INLINE __m256 apply(inlay__activation activation, __m256 x) {
    const __m256 one = _mm256_set1_ps(1.0f), sign = _mm256_set1_ps(-0.0f);
    __m256 below = _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_LE_OQ), cubic, v;
    switch (activation) {
    case INLAY__SILU: return _mm256_div_ps(x, _mm256_add_ps(one, inlay__exp_avx2(_mm256_xor_ps(x, sign))));
    case INLAY__GELU_TANH:
        cubic = _mm256_fmadd_ps(_mm256_mul_ps(x, x), _mm256_set1_ps(0.044715f), one);
        v = _mm256_mul_ps(_mm256_mul_ps(x, _mm256_set1_ps(0.797884561f)), cubic);
        return _mm256_div_ps(x, _mm256_add_ps(one, inlay__exp_avx2(_mm256_mul_ps(_mm256_set1_ps(-2.0f), v))));
    case INLAY__GELU_ERF:
        v = erf_8(_mm256_mul_ps(x, _mm256_set1_ps(0.707106769f)));
        return _mm256_mul_ps(_mm256_mul_ps(_mm256_set1_ps(0.5f), x), _mm256_add_ps(one, v));
    case INLAY__GELU_QUICK:
        return _mm256_div_ps(x, _mm256_add_ps(one, inlay__exp_avx2(_mm256_mul_ps(_mm256_set1_ps(-1.702f), x))));
    case INLAY__RELU: return _mm256_andnot_ps(below, x);
    case INLAY__RELU2: return _mm256_andnot_ps(below, _mm256_mul_ps(x, x));
    default:
        v = _mm256_add_ps(inlay__exp_avx2(_mm256_add_ps(x, x)), one);
        return _mm256_sub_ps(one, _mm256_div_ps(_mm256_set1_ps(2.0f), v));
    }
}

INLAY__AVX2_INLINE void activate(inlay__activation activation, const float *gate, const float *up, size_t n,
                                 float *out) {
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256 y = apply(activation, _mm256_loadu_ps(gate + i));
        _mm256_storeu_ps(out + i, up != NULL ? _mm256_mul_ps(y, _mm256_loadu_ps(up + i)) : y);
    }
    inlay__activate(activation, gate + i, up != NULL ? up + i : NULL, n - i, out + i);
}

INLAY__AVX2 void inlay__activate_avx2(inlay__activation activation, const float *gate, const float *up, size_t n,
                                      float *out) {
    switch (activation) {
    case INLAY__SILU: activate(INLAY__SILU, gate, up, n, out); break;
    case INLAY__GELU_TANH: activate(INLAY__GELU_TANH, gate, up, n, out); break;
    case INLAY__GELU_ERF: activate(INLAY__GELU_ERF, gate, up, n, out); break;
    case INLAY__GELU_QUICK: activate(INLAY__GELU_QUICK, gate, up, n, out); break;
    case INLAY__RELU: activate(INLAY__RELU, gate, up, n, out); break;
    case INLAY__RELU2: activate(INLAY__RELU2, gate, up, n, out); break;
    default: activate(INLAY__TANH, gate, up, n, out); break;
    }
}

INLAY__AVX2 void inlay__soft_cap_avx2(float cap, size_t n, float *x) {
    const __m256 one = _mm256_set1_ps(1.0f), two = _mm256_set1_ps(2.0f), c = _mm256_set1_ps(cap);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256 t = _mm256_div_ps(_mm256_loadu_ps(x + i), c), e = inlay__exp_avx2(_mm256_add_ps(t, t));
        _mm256_storeu_ps(x + i, _mm256_mul_ps(c, _mm256_sub_ps(one, _mm256_div_ps(two, _mm256_add_ps(e, one)))));
    }
    inlay__soft_cap(cap, n - i, x + i);
}

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
