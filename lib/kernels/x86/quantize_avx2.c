/* quantize.c with AVX2. */
#include "kernels/x86/avx2.h"

#if defined(__x86_64__)

#include "kernels/wide.h"

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

/* The sum of 8 numbers. */
INLAY__AVX2_INLINE int32_t fold(__m256i eight) {
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}

/* d of n values whose greatest becomes `most`, or 0 or NaN for a block that is not quantised. */
INLAY__AVX2_INLINE float scale_of(const float *x, size_t n, float most, __m256 *scale) {
    uint32_t bits = greatest_magnitude(x, n);
    *scale = _mm256_setzero_ps();
    if (bits < 0x0d800000) return 0.0f;
    if (bits >= 0x7f800000) return inlay__bits_f32(0x7fc00000);
    float amax = inlay__bits_f32(bits);
    *scale = _mm256_set1_ps(most / amax);
    return amax / most;
}

INLAY__AVX2 void inlay__quantize_32_avx2(const float *x, inlay__acts *acts, size_t col) {
    int8_t *q = acts->q + col * acts->n_k;
    for (size_t b = 0; b < acts->n_blocks; b++, x += INLAY__Q_LENGTH, q += INLAY__Q_LENGTH) {
        size_t at = col * acts->n_blocks + b;
        __m256 scale;
        float d = scale_of(x, INLAY__Q_LENGTH, 127.0f, &scale);
        __m256i values = d > 0.0f ? quantize_32_values(x, scale) : _mm256_setzero_si256();
        _mm256_storeu_si256((__m256i *)q, values);
        int32_t sum = fold(sums_of_4(values));
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
        float d = scale_of(x + b * INLAY__K_LENGTH, INLAY__K_LENGTH, 127.0f, &scale);
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

/* 32 floats as two digits each. */
INLAY__AVX2_INLINE void store_digits(const float *x, __m256 scale, int8_t *high, int8_t *low) {
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7), half = _mm256_set1_epi16(128);
    __m256i digits[2][2]; /* high and low, of 16 values each */
    __m256i i[4];
    for (int k = 0; k < 4; k++) i[k] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8 * k), scale));
    for (int k = 0; k < 2; k++) {
        __m256i q = _mm256_packs_epi32(i[2 * k], i[2 * k + 1]);
        digits[0][k] = _mm256_srai_epi16(_mm256_add_epi16(q, half), 8);
        digits[1][k] = _mm256_sub_epi16(q, _mm256_slli_epi16(digits[0][k], 8));
    }
    for (int k = 0; k < 2; k++) {
        __m256i packed = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(digits[k][0], digits[k][1]), order);
        _mm256_storeu_si256((__m256i *)(void *)(k == 0 ? high : low), packed);
    }
}

/* The sum of the block's digits. */
INLAY__AVX2_INLINE int32_t sum_of(const int8_t *digits) {
    __m256i sum = _mm256_setzero_si256();
    for (size_t k = 0; k < INLAY__WIDE_LENGTH; k += INLAY__Q_LENGTH)
        sum = _mm256_add_epi32(sum, sums_of_4(inlay__load_256(digits + k)));
    return fold(sum);
}

INLAY__AVX2 void inlay__quantize_wide_avx2(const float *x, inlay__acts *acts, size_t col) {
    int8_t *high = acts->q + 2 * col * acts->n_k, *low = high + acts->n_k;
    for (size_t b = 0; b < acts->n_blocks; b++) {
        size_t begin = b * INLAY__WIDE_LENGTH, at = col * acts->n_blocks + b;
        __m256 scale;
        float d = scale_of(x + begin, INLAY__WIDE_LENGTH, INLAY__WIDE_GREATEST, &scale);
        if (!(d > 0.0f)) memset(high + begin, 0, INLAY__WIDE_LENGTH);
        if (!(d > 0.0f)) memset(low + begin, 0, INLAY__WIDE_LENGTH);
        for (size_t k = begin; d > 0.0f && k < begin + INLAY__WIDE_LENGTH; k += INLAY__Q_LENGTH)
            store_digits(x + k, scale, high + k, low + k);
        acts->d[at] = d;
        acts->sum[2 * at] = sum_of(high + begin);
        acts->sum[2 * at + 1] = sum_of(low + begin);
    }
}

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
