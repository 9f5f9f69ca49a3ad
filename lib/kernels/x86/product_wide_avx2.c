/* Products of packed Q16_0 panels with AVX2: activations become 16 bits again, digits of weights are widened, and
 * vpmaddwd adds their products in pairs. 8 rows by 2 columns at a time. */
#include "kernels/x86/avx2.h"

#if defined(__x86_64__)

#include "kernels/wide.h"

#define LANES INLAY__AVX2_INLINE
enum { COLS = 2, PARTS = 2, ROWS = 8, GROUPS = INLAY__WIDE_LENGTH / 4 };

typedef struct form {
    size_t size;
} form;

/* 16 digits as 16-bit numbers: 4 elements of 4 rows. */
INLAY__AVX2_INLINE __m256i widen(const void *digits) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)digits));
}

/* One block of a column's activations as 16-bit numbers. */
INLAY__AVX2_INLINE void join_digits(const int8_t *high, const int8_t *low, int16_t *x) {
    for (size_t k = 0; k < INLAY__WIDE_LENGTH; k += 16) {
        __m256i both = _mm256_add_epi16(_mm256_slli_epi16(widen(high + k), 8), widen(low + k));
        _mm256_storeu_si256((__m256i *)(void *)(x + k), both);
    }
}

/* Four elements, for every row. */
INLAY__AVX2_INLINE __m256i all_four(const int16_t *x) {
    int64_t four;
    memcpy(&four, x, 8);
    return _mm256_set1_epi64x(four);
}

/* The sums of 8 rows, of which each register has two halves of four. */
INLAY__AVX2_INLINE __m256 fold(__m256i first, __m256i second) {
    return _mm256_cvtepi32_ps(_mm256_permute4x64_epi64(_mm256_hadd_epi32(first, second), 0xd8));
}

/* 8 rows from `half` of a panel by n_cols columns. */
INLAY__AVX2_INLINE void tile(const inlay__product *p, const uint8_t *panel, size_t half, size_t col, size_t n_cols,
                             form f, float *out) {
    const inlay__acts *acts = p->acts;
    __m256 acc[COLS];
    for (size_t c = 0; c < n_cols; c++) acc[c] = _mm256_setzero_ps();
    for (size_t b = 0; b < acts->n_blocks; b++, panel += f.size) {
        const uint8_t *lines = panel + INLAY__WIDE_HIGH + 4 * ROWS * half;
        int16_t x[COLS][INLAY__WIDE_LENGTH];
        __m256i high[COLS][2], low[COLS][2];
        for (size_t c = 0; c < n_cols; c++) {
            const int8_t *digits = acts->q + 2 * (col + c) * acts->n_k + b * INLAY__WIDE_LENGTH;
            join_digits(digits, digits + acts->n_k, x[c]);
            high[c][0] = high[c][1] = low[c][0] = low[c][1] = _mm256_setzero_si256();
        }
        for (size_t g = 0; g < GROUPS; g++, lines += INLAY__LINE) {
            for (size_t i = 0; i < 2; i++) {
                __m256i w_high = widen(lines + 16 * i);
                __m256i w_low = widen(lines + INLAY__WIDE_LOW - INLAY__WIDE_HIGH + 16 * i);
                for (size_t c = 0; c < n_cols; c++) {
                    __m256i four = all_four(x[c] + 4 * g);
                    high[c][i] = _mm256_add_epi32(high[c][i], _mm256_madd_epi16(w_high, four));
                    low[c][i] = _mm256_add_epi32(low[c][i], _mm256_madd_epi16(w_low, four));
                }
            }
        }
        __m256 d = _mm256_loadu_ps((const float *)(const void *)(panel + 4 * ROWS * half));
        for (size_t c = 0; c < n_cols; c++) {
            __m256 scale = _mm256_mul_ps(d, _mm256_set1_ps(acts->d[(col + c) * acts->n_blocks + b]));
            __m256 scale_high = _mm256_mul_ps(scale, _mm256_set1_ps(256.0f));
            acc[c] = _mm256_fmadd_ps(fold(high[c][0], high[c][1]), scale_high, acc[c]);
            acc[c] = _mm256_fmadd_ps(fold(low[c][0], low[c][1]), scale, acc[c]);
        }
    }
    for (size_t c = 0; c < n_cols; c++) _mm256_storeu_ps(out + c * p->out_stride, acc[c]);
}

#include "kernels/x86/product_parts.h"

INLAY__AVX2 void inlay__product_q16_0_avx2(const inlay__product *p) { product(p, (form){INLAY__WIDE_PANEL_SIZE}); }

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
