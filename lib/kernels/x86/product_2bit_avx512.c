/* Products of packed Q2_K, TQ1_0 and TQ2_0 panels with AVX-512 VNNI: half a sub-block of Q2_K sums to at most 6,096,
 * so both halves are pairs of 16 bits that vpdpwssd multiplies by their scales and adds. */
#include "kernels/x86/avx512.h"

#if defined(__x86_64__)

enum { COLS = 4, SUB_BLOCKS = 8, Q2_K_SIZE = 1344, TERNARY_SIZE = 1056 };

/* Group g of a sub-block of 16 rows, after its line was shifted; pack.c draws the two lines. */
INLAY__AVX512_INLINE __m512i two_bits(const uint8_t *lines, size_t g) {
    return _mm512_and_si512(inlay__shift_512(_mm512_loadu_si512(lines), -2 * (int)g), _mm512_set1_epi8(3));
}

/* Scales or minima of sub-block pair j, in 16 bits side by side. */
INLAY__AVX512_INLINE __m512i load_pairs(const uint8_t *block, size_t j, bool minima) {
    __m512i both = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(block + 64 + 32 * j)));
    return minima ? _mm512_srli_epi16(both, 4) : _mm512_and_si512(both, _mm512_set1_epi16(15));
}

/* S of one superblock, and M of Q2_K; u - 1 of the ternary types takes the activations' own sum away. */
INLAY__AVX512_INLINE void sums(const uint8_t *block, const inlay__acts *acts, size_t col, size_t n_cols, size_t k,
                               bool is_q2_k, __m512i sum[COLS], __m512i minimum[COLS]) {
    for (size_t c = 0; c < n_cols; c++) {
        minimum[c] = _mm512_setzero_si512();
        sum[c] = is_q2_k ? minimum[c] : _mm512_set1_epi32(-inlay__sum_256(acts, col + c, k));
    }
    for (size_t j = 0; j < SUB_BLOCKS; j++) {
        const uint8_t *lines = block + (is_q2_k ? 320 : 32) + 128 * j;
        __m512i first[COLS], second[COLS];
        for (size_t c = 0; c < n_cols; c++)
            first[c] = second[c] = _mm512_setzero_si512();
        for (size_t g = 0; g < 4; g++) {
            __m512i u0 = two_bits(lines, g), u1 = two_bits(lines + INLAY__LINE, g);
            for (size_t c = 0; c < n_cols; c++) {
                const int8_t *q = acts->q + (col + c) * acts->n_k + k * INLAY__K_LENGTH + 32 * j + 4 * g;
                first[c] = _mm512_dpbusd_epi32(first[c], u0, inlay__broadcast_4_512(q));
                second[c] = _mm512_dpbusd_epi32(second[c], u1, inlay__broadcast_4_512(q + 16));
            }
        }
        for (size_t c = 0; c < n_cols; c++) {
            if (!is_q2_k) {
                sum[c] = _mm512_add_epi32(sum[c], _mm512_add_epi32(first[c], second[c]));
                continue;
            }
            const int16_t *sum16 = acts->sum16 + (col + c) * (acts->n_k / 16) + 16 * k + 2 * j;
            __m512i both = _mm512_mask_blend_epi16(0xaaaaaaaa, first[c], _mm512_slli_epi32(second[c], 16));
            sum[c] = _mm512_dpwssd_epi32(sum[c], both, load_pairs(block, j, false));
            minimum[c] = _mm512_dpwssd_epi32(minimum[c], load_pairs(block, j, true), inlay__broadcast_pair_512(sum16));
        }
    }
}

/* 16 rows by n_cols columns, over the whole depth. */
INLAY__AVX512_INLINE void tile(const inlay__product *p, const uint8_t *panel, size_t col, size_t n_cols, bool is_q2_k,
                               float *out) {
    const inlay__acts *acts = p->acts;
    __m512 acc[COLS];
    for (size_t c = 0; c < n_cols; c++)
        acc[c] = _mm512_setzero_ps();
    for (size_t k = 0; k < acts->n_blocks; k++) {
        const uint8_t *block = panel + k * (is_q2_k ? Q2_K_SIZE : TERNARY_SIZE);
        __m512 d = inlay__load_16_f16(block), dmin = inlay__load_16_f16(block + 32);
        __m512i sum[COLS], minimum[COLS];
        sums(block, acts, col, n_cols, k, is_q2_k, sum, minimum);
        for (size_t c = 0; c < n_cols; c++) {
            __m512 da = _mm512_set1_ps(acts->d[(col + c) * acts->n_blocks + k]);
            acc[c] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[c]), _mm512_mul_ps(d, da), acc[c]);
            if (is_q2_k) acc[c] = _mm512_fnmadd_ps(_mm512_cvtepi32_ps(minimum[c]), _mm512_mul_ps(dmin, da), acc[c]);
        }
    }
    for (size_t c = 0; c < n_cols; c++)
        _mm512_storeu_ps(out + c * p->out_stride, acc[c]);
}

INLAY__AVX512_INLINE void product(const inlay__product *p, bool is_q2_k) {
    size_t panel_size = p->acts->n_blocks * (is_q2_k ? Q2_K_SIZE : TERNARY_SIZE);
    for (size_t row = p->row_begin; row < p->row_end; row += INLAY__LANES) {
        const uint8_t *panel = p->weights + row / INLAY__LANES * panel_size;
        float *out = p->out + (row - p->row_begin);
        size_t col = p->col_begin;
        for (; col + COLS <= p->col_end; col += COLS, out += COLS * p->out_stride)
            tile(p, panel, col, COLS, is_q2_k, out);
        for (; col < p->col_end; col++, out += p->out_stride)
            tile(p, panel, col, 1, is_q2_k, out);
    }
}

INLAY__AVX512 static void product_q2_k(const inlay__product *p) { product(p, true); }
INLAY__AVX512 static void product_ternary(const inlay__product *p) { product(p, false); }

void inlay__init_2bit_avx512(inlay__kernels *k) {
    k->product_packed[INLAY_TYPE_Q2_K] = product_q2_k;
    k->product_packed[INLAY_TYPE_TQ1_0] = product_ternary;
    k->product_packed[INLAY_TYPE_TQ2_0] = product_ternary;
}

#else
typedef int inlay__no_avx512; /* a source file may not be empty */
#endif
