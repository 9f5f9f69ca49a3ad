/* quantize.c with AVX2. */
#include "kernels/x86/avx2.h"

#if defined(__x86_64__)

/* The greatest of 8 magnitudes, as bits. */
INLAY__AVX2_INLINE uint32_t greatest_of(__m256i m) {
    __m128i four = _mm_max_epu32(_mm256_castsi256_si128(m), _mm256_extracti128_si256(m, 1));
    __m128i two = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0x4e));
    return (uint32_t)_mm_cvtsi128_si32(_mm_max_epu32(two, _mm_shuffle_epi32(two, 0xb1)));
}

INLAY__AVX2_INLINE __m256i magnitudes(const float *x) {
    return _mm256_and_si256(_mm256_castps_si256(_mm256_loadu_ps(x)), _mm256_set1_epi32(0x7fffffff));
}

INLAY__AVX2_INLINE uint32_t greatest_magnitude(const float *x, size_t n) {
    __m256i greatest = _mm256_setzero_si256();
    for (size_t i = 0; i < n; i += 8) greatest = _mm256_max_epu32(greatest, magnitudes(x + i));
    return greatest_of(greatest);
}

/* 32 floats to int8. |x * scale| is below 127.5, so nothing needs a clamp. */
INLAY__AVX2_INLINE __m256i quantize_32_values(const float *x, __m256 scale) {
    __m256i i[4];
    for (int k = 0; k < 4; k++) i[k] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8 * k), scale));
    __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(i[0], i[1]), _mm256_packs_epi32(i[2], i[3]));
    /* Packing works within 128-bit halves: put the groups of 4 back in order. */
    return _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/* 16-bit sums of two neighbours. */
INLAY__AVX2_INLINE __m256i sums_of_2(__m256i q) { return _mm256_maddubs_epi16(_mm256_set1_epi8(1), q); }

/* 32-bit sums of four: 8 of them. */
INLAY__AVX2_INLINE __m256i sums_of_4(__m256i q) { return _mm256_madd_epi16(sums_of_2(q), _mm256_set1_epi16(1)); }

/* d of n values, or 0 or NaN for a block that is not quantised. */
INLAY__AVX2_INLINE float scale_of(const float *x, size_t n, __m256 *scale) {
    uint32_t bits = greatest_magnitude(x, n);
    *scale = _mm256_setzero_ps();
    if (bits < 0x0d800000) return 0.0f;
    if (bits >= 0x7f800000) return inlay__bits_f32(0x7fc00000);
    float amax = inlay__bits_f32(bits);
    *scale = _mm256_set1_ps(127.0f / amax);
    return amax / 127.0f;
}

INLAY__AVX2 void inlay__quantize_32_avx2(const float *x, inlay__acts *acts, size_t col) {
    int8_t *q = acts->q + col * acts->n_k;
    for (size_t b = 0; b < acts->n_blocks; b++, x += INLAY__Q_LENGTH, q += INLAY__Q_LENGTH) {
        size_t at = col * acts->n_blocks + b;
        __m256 scale;
        float d = scale_of(x, INLAY__Q_LENGTH, &scale);
        __m256i values = d > 0.0f ? quantize_32_values(x, scale) : _mm256_setzero_si256();
        _mm256_storeu_si256((__m256i *)q, values);
        __m256i eight = sums_of_4(values);
        __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
        __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
        int32_t sum = _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
        acts->d[at] = d;
        acts->sum[at] = sum;
        acts->dsum[at] = d * (float)sum;
    }
}

INLAY__AVX2 void inlay__quantize_256_avx2(const float *x, inlay__acts *acts, size_t col) {
    int8_t *q = acts->q + col * acts->n_k;
    int16_t *sum16 = acts->sum16 + col * (acts->n_k / 16), *sum32 = acts->sum32 + col * (acts->n_k / 32);
    for (size_t b = 0; b < acts->n_blocks; b++) {
        __m256 scale;
        float d = scale_of(x + b * INLAY__K_LENGTH, INLAY__K_LENGTH, &scale);
        acts->d[col * acts->n_blocks + b] = d;
        for (size_t i = b * INLAY__K_LENGTH; i < (b + 1) * INLAY__K_LENGTH; i += INLAY__Q_LENGTH) {
            __m256i values = d > 0.0f ? quantize_32_values(x + i, scale) : _mm256_setzero_si256();
            _mm256_storeu_si256((__m256i *)(q + i), values);
            /* In each 32 bits: the sums at 0 and 1 modulo 4, and at 2 and 3. */
            __m256i eight = sums_of_2(values);
            __m256i four = _mm256_add_epi16(eight, _mm256_shuffle_epi32(eight, 0x4e));
            __m256i two = _mm256_add_epi16(four, _mm256_shuffle_epi32(four, 0xb1));
            __m256i zero6 = _mm256_sub_epi16(_mm256_setzero_si256(), _mm256_slli_epi16(two, 5));
            __m256i one = _mm256_madd_epi16(two, _mm256_set1_epi16(1));
            int32_t first = _mm256_extract_epi32(one, 0), second = _mm256_extract_epi32(one, 4);
            int32_t zeros[2] = {_mm256_extract_epi32(zero6, 0), _mm256_extract_epi32(zero6, 4)};
            memcpy(acts->zero6 + col * (acts->n_k / 8) + i / 8, zeros, sizeof zeros);
            sum16[i / 16] = (int16_t)first;
            sum16[i / 16 + 1] = (int16_t)second;
            sum32[i / 32] = (int16_t)(first + second);
        }
    }
}

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
