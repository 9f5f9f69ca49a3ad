/* norm.c and rope.c with AVX2. What does not fill a register goes through the scalar definition. */
#include "kernels/x86/avx2.h"

#if defined(__x86_64__)

INLAY__AVX2 void inlay__rms_norm_avx2(const float *x, const float *w, float epsilon, size_t n, float *y) {
    if (n % INLAY__LANES != 0) {
        inlay__rms_norm(x, w, epsilon, n, y);
        return;
    }
    __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
    for (size_t i = 0; i < n; i += INLAY__LANES) {
        __m256 a = _mm256_loadu_ps(x + i), b = _mm256_loadu_ps(x + i + 8);
        low = _mm256_fmadd_ps(a, a, low);
        high = _mm256_fmadd_ps(b, b, high);
    }
    __m128 mean = _mm_set_ss(inlay__fold_avx2(low, high) / (float)n + epsilon);
    __m256 scale = _mm256_set1_ps(1.0f / _mm_cvtss_f32(_mm_sqrt_ss(mean)));
    for (size_t i = 0; i < n; i += 8)
        _mm256_storeu_ps(y + i, _mm256_mul_ps(_mm256_mul_ps(_mm256_loadu_ps(x + i), scale), _mm256_loadu_ps(w + i)));
}

INLAY__AVX2 void inlay__layer_norm_avx2(const float *x, const float *w, const float *bias, float epsilon, size_t n,
                                        float *y) {
    if (n % INLAY__LANES != 0) {
        inlay__layer_norm(x, w, bias, epsilon, n, y);
        return;
    }
    __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
    for (size_t i = 0; i < n; i += INLAY__LANES) {
        low = _mm256_add_ps(low, _mm256_loadu_ps(x + i));
        high = _mm256_add_ps(high, _mm256_loadu_ps(x + i + 8));
    }
    const __m256 mean = _mm256_set1_ps(inlay__fold_avx2(low, high) / (float)n);
    low = high = _mm256_setzero_ps();
    for (size_t i = 0; i < n; i += INLAY__LANES) {
        __m256 a = _mm256_sub_ps(_mm256_loadu_ps(x + i), mean), b = _mm256_sub_ps(_mm256_loadu_ps(x + i + 8), mean);
        low = _mm256_fmadd_ps(a, a, low);
        high = _mm256_fmadd_ps(b, b, high);
    }
    __m128 variance = _mm_set_ss(inlay__fold_avx2(low, high) / (float)n + epsilon);
    const __m256 scale = _mm256_set1_ps(1.0f / _mm_cvtss_f32(_mm_sqrt_ss(variance)));
    for (size_t i = 0; i < n; i += 8) {
        __m256 t = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(x + i), mean), scale), each = _mm256_loadu_ps(w + i);
        _mm256_storeu_ps(y + i,
                         bias != NULL ? _mm256_fmadd_ps(t, each, _mm256_loadu_ps(bias + i)) : _mm256_mul_ps(t, each));
    }
}

INLAY__AVX2 void inlay__add_avx2(const float *x, size_t n, float *y) {
    size_t i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(y + i, _mm256_add_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(y + i)));
    if (i < n) inlay__add(x + i, n - i, y + i);
}

INLAY__AVX2 void inlay__weigh_avx2(const float *x, float greatest, float temperature, size_t n, float *out) {
    const __m256 g = _mm256_set1_ps(greatest), t = _mm256_set1_ps(temperature);
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(out + i, inlay__exp_avx2(_mm256_div_ps(_mm256_sub_ps(_mm256_loadu_ps(x + i), g), t)));
    inlay__weigh(x + i, greatest, temperature, n - i, out + i);
}

/* Four pairs at a time: (x0, x1) becomes (fma(x0, c, -(x1 s)), fma(x0, s, x1 c)). */
INLAY__AVX2 void inlay__rope_adjacent_avx2(const float *cosines, const float *sines, size_t n_rope, float *x) {
    size_t i = 0;
    for (; i + 4 <= n_rope / 2; i += 4) {
        __m128 c = _mm_loadu_ps(cosines + i), s = _mm_loadu_ps(sines + i), minus_s = _mm_xor_ps(s, _mm_set1_ps(-0.0f));
        __m256 first = _mm256_set_m128(_mm_unpackhi_ps(c, s), _mm_unpacklo_ps(c, s));
        __m256 second = _mm256_set_m128(_mm_unpackhi_ps(minus_s, c), _mm_unpacklo_ps(minus_s, c));
        __m256 pairs = _mm256_loadu_ps(x + 2 * i);
        __m256 product = _mm256_mul_ps(_mm256_movehdup_ps(pairs), second);
        _mm256_storeu_ps(x + 2 * i, _mm256_fmadd_ps(_mm256_moveldup_ps(pairs), first, product));
    }
    inlay__rope_adjacent(cosines + i, sines + i, n_rope - 2 * i, x + 2 * i);
}

INLAY__AVX2 void inlay__rope_halves_avx2(const float *cosines, const float *sines, size_t n_rope, float *x) {
    size_t half = n_rope / 2;
    if (half % 8 != 0) {
        inlay__rope_halves(cosines, sines, n_rope, x);
        return;
    }
    for (size_t i = 0; i < half; i += 8) {
        __m256 c = _mm256_loadu_ps(cosines + i), s = _mm256_loadu_ps(sines + i);
        __m256 a = _mm256_loadu_ps(x + i), b = _mm256_loadu_ps(x + half + i);
        _mm256_storeu_ps(x + i, _mm256_fmsub_ps(a, c, _mm256_mul_ps(b, s)));
        _mm256_storeu_ps(x + half + i, _mm256_fmadd_ps(a, s, _mm256_mul_ps(b, c)));
    }
}

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
