/* Products of packed Q2_K, TQ1_0 and TQ2_0 panels with AVX2. Elements below 4 sum in 16 bits as far as 40 sums of
 * vpmaddubsw (762 each): a whole sub-block, or four of them. */
#include "kernels/x86/avx2.h"

#if defined(__x86_64__)

enum { COLS = 4, PARTS = 2, ROWS = 8, SUB_BLOCKS = 8, Q2_K_SIZE = 1344, TERNARY_SIZE = 1056 };

typedef struct form {
    bool is_q2_k;
    size_t size;
} form;

/* The 16 bits' sums of the first and the last 16 elements of sub-block j with one column's activations. */
typedef struct halves {
    __m256i first, second;
} halves;

/* The 8 groups of a sub-block of 8 rows; pack.c draws the two lines. */
INLAY__AVX2_INLINE void load_groups(const uint8_t *lines, __m256i u[8]) {
    for (int g = 0; g < 8; g++)
        u[g] = _mm256_and_si256(_mm256_srli_epi16(inlay__load_256(lines + INLAY__LINE * (g / 4)), 2 * (g % 4)),
                                _mm256_set1_epi8(3));
}

INLAY__AVX2_INLINE halves dot(const __m256i u[8], const int8_t *q) {
    halves sum;
    sum.first = _mm256_maddubs_epi16(u[0], inlay__broadcast_4(q));
    sum.second = _mm256_maddubs_epi16(u[4], inlay__broadcast_4(q + 16));
    for (int g = 1; g < 4; g++) {
        sum.first = _mm256_add_epi16(sum.first, _mm256_maddubs_epi16(u[g], inlay__broadcast_4(q + 4 * g)));
        sum.second = _mm256_add_epi16(sum.second, _mm256_maddubs_epi16(u[g + 4], inlay__broadcast_4(q + 16 + 4 * g)));
    }
    return sum;
}

/* Scales and minima of sub-block pair j of 8 rows, in 16 bits side by side. */
INLAY__AVX2_INLINE __m256i load_pairs(const uint8_t *block, size_t j, size_t half, bool minima) {
    __m256i both = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(block + 64 + 32 * j + 16 * half)));
    return minima ? _mm256_srli_epi16(both, 4) : _mm256_and_si256(both, _mm256_set1_epi16(15));
}

/* S and M of one superblock of Q2_K. */
INLAY__AVX2_INLINE void sums_q2_k(const uint8_t *block, size_t half, const inlay__acts *acts, size_t col, size_t n_cols,
                                  size_t k, __m256i sum[COLS], __m256i minimum[COLS]) {
    for (size_t j = 0; j < SUB_BLOCKS; j++) {
        __m256i u[8], scales = load_pairs(block, j, half, false), minima = load_pairs(block, j, half, true);
        __m256i first = _mm256_and_si256(scales, _mm256_set1_epi32(0xffff)), second = _mm256_srli_epi32(scales, 16);
        first = _mm256_or_si256(first, _mm256_slli_epi32(first, 16));
        second = _mm256_or_si256(second, _mm256_slli_epi32(second, 16));
        load_groups(block + 320 + 128 * j + INLAY__HALF_LINE * half, u);
        for (size_t c = 0; c < n_cols; c++) {
            const int16_t *sums = acts->sum16 + (col + c) * (acts->n_k / 16) + 16 * k + 2 * j;
            halves part = dot(u, acts->q + (col + c) * acts->n_k + k * INLAY__K_LENGTH + 32 * j);
            sum[c] = _mm256_add_epi32(sum[c], _mm256_madd_epi16(part.first, first));
            sum[c] = _mm256_add_epi32(sum[c], _mm256_madd_epi16(part.second, second));
            minimum[c] = _mm256_add_epi32(minimum[c], _mm256_madd_epi16(minima, inlay__broadcast_pair(sums)));
        }
    }
}

/* S of one superblock of a ternary type; u - 1 takes the activations' own sum away. */
INLAY__AVX2_INLINE void sums_ternary(const uint8_t *block, size_t half, const inlay__acts *acts, size_t col,
                                     size_t n_cols, size_t k, __m256i sum[COLS]) {
    const __m256i ones = _mm256_set1_epi16(1);
    for (size_t first = 0; first < SUB_BLOCKS; first += 4) {
        __m256i in_16[COLS];
        for (size_t c = 0; c < n_cols; c++)
            in_16[c] = _mm256_setzero_si256();
        for (size_t j = first; j < first + 4; j++) {
            __m256i u[8];
            load_groups(block + 32 + 128 * j + INLAY__HALF_LINE * half, u);
            for (size_t c = 0; c < n_cols; c++) {
                halves part = dot(u, acts->q + (col + c) * acts->n_k + k * INLAY__K_LENGTH + 32 * j);
                in_16[c] = _mm256_add_epi16(in_16[c], _mm256_add_epi16(part.first, part.second));
            }
        }
        for (size_t c = 0; c < n_cols; c++)
            sum[c] = _mm256_add_epi32(sum[c], _mm256_madd_epi16(in_16[c], ones));
    }
    for (size_t c = 0; c < n_cols; c++)
        sum[c] = _mm256_sub_epi32(sum[c], _mm256_set1_epi32(inlay__sum_256(acts, col + c, k)));
}

/* 8 rows by n_cols columns, over the whole depth. */
INLAY__AVX2_INLINE void tile(const inlay__product *p, const uint8_t *panel, size_t half, size_t col, size_t n_cols,
                             form f, float *out) {
    const inlay__acts *acts = p->acts;
    const bool is_q2_k = f.is_q2_k;
    __m256 acc[COLS];
    for (size_t c = 0; c < n_cols; c++)
        acc[c] = _mm256_setzero_ps();
    for (size_t k = 0; k < acts->n_blocks; k++) {
        const uint8_t *block = panel + k * f.size;
        __m256 d = inlay__load_8_f16(block + 16 * half), dmin = inlay__load_8_f16(block + 32 + 16 * half);
        __m256i sum[COLS], minimum[COLS];
        for (size_t c = 0; c < n_cols; c++)
            sum[c] = minimum[c] = _mm256_setzero_si256();
        if (is_q2_k)
            sums_q2_k(block, half, acts, col, n_cols, k, sum, minimum);
        else
            sums_ternary(block, half, acts, col, n_cols, k, sum);
        for (size_t c = 0; c < n_cols; c++) {
            __m256 da = _mm256_set1_ps(acts->d[(col + c) * acts->n_blocks + k]);
            acc[c] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[c]), _mm256_mul_ps(d, da), acc[c]);
            if (is_q2_k) acc[c] = _mm256_fnmadd_ps(_mm256_cvtepi32_ps(minimum[c]), _mm256_mul_ps(dmin, da), acc[c]);
        }
    }
    for (size_t c = 0; c < n_cols; c++)
        _mm256_storeu_ps(out + c * p->out_stride, acc[c]);
}

#define LANES INLAY__AVX2_INLINE
#include "kernels/x86/product_parts.h"

INLAY__AVX2 static void product_q2_k(const inlay__product *p) { product(p, (form){true, Q2_K_SIZE}); }
INLAY__AVX2 static void product_ternary(const inlay__product *p) { product(p, (form){false, TERNARY_SIZE}); }

void inlay__init_2bit_avx2(inlay__kernels *k) {
    k->product_packed[INLAY_TYPE_Q2_K] = product_q2_k;
    k->product_packed[INLAY_TYPE_TQ1_0] = product_ternary;
    k->product_packed[INLAY_TYPE_TQ2_0] = product_ternary;
}

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
