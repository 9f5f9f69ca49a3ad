/* Products of packed Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0 panels with AVX2.
 *
 * A lane is an output row. Weights below 32 are unsigned bytes: vpmaddubsw multiplies them by signed activations and
 * adds neighbours in 16 bits, where 8 such sums of 4-bit weights (at most 2 * 15 * 127 each, 30,480 in all) and 4 of
 * 5-bit ones (31,496) fit. Weights of 8 bits lend their sign to the activation, one sum at a time (32,512).
 */
#include "kernels/x86/avx2.h"

#if defined(__x86_64__)

enum { COLS = 8, FEW = 4 };

/* One block of 8 rows, taken apart. */
typedef struct block_8 {
    __m256i line[8]; /* [group] u or, for Q8_0, signed q */
    __m256 d, m;
} block_8;

/* Where things are in a packed block; pack.c draws it. */
INLAY__AVX2_INLINE block_8 load_block(const uint8_t *block, size_t half, uint32_t type) {
    const bool has_m = type == INLAY_TYPE_Q4_1 || type == INLAY_TYPE_Q5_1;
    const bool is_5 = type == INLAY_TYPE_Q5_0 || type == INLAY_TYPE_Q5_1;
    const uint8_t *lines = block + (has_m ? 64 : 32) + INLAY__HALF_LINE * half;
    block_8 b;
    b.d = inlay__load_8_f16(block + 16 * half);
    b.m = has_m ? inlay__load_8_f16(block + 32 + 16 * half) : _mm256_setzero_ps();
    if (type == INLAY_TYPE_Q8_0) {
        for (size_t g = 0; g < 8; g++)
            b.line[g] = _mm256_xor_si256(inlay__load_256(lines + INLAY__LINE * g), _mm256_set1_epi8((char)0x80));
        return b;
    }
    const __m256i low = _mm256_set1_epi8(15);
    for (size_t g = 0; g < 4; g++) {
        __m256i pair = inlay__load_256(lines + INLAY__LINE * g);
        b.line[g] = _mm256_and_si256(pair, low);
        b.line[g + 4] = _mm256_and_si256(_mm256_srli_epi16(pair, 4), low);
    }
    if (is_5) {
        const __m256i bit4 = _mm256_set1_epi8(16);
        __m256i high = inlay__load_256(lines + INLAY__LINE * 4);
        for (int g = 0; g < 8; g++) {
            __m256i moved = g < 4 ? _mm256_slli_epi16(high, 4 - g) : _mm256_srli_epi16(high, g - 4);
            b.line[g] = _mm256_or_si256(b.line[g], _mm256_and_si256(moved, bit4));
        }
    }
    return b;
}

INLAY__AVX2_INLINE __m256i dot_unsigned(const block_8 *b, const int8_t *q, bool is_5) {
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i first = _mm256_maddubs_epi16(b->line[0], inlay__broadcast_4(q));
    for (int g = 1; g < 4; g++)
        first = _mm256_add_epi16(first, _mm256_maddubs_epi16(b->line[g], inlay__broadcast_4(q + 4 * g)));
    __m256i second = _mm256_maddubs_epi16(b->line[4], inlay__broadcast_4(q + 16));
    for (int g = 5; g < 8; g++)
        second = _mm256_add_epi16(second, _mm256_maddubs_epi16(b->line[g], inlay__broadcast_4(q + 4 * g)));
    if (is_5) return _mm256_add_epi32(_mm256_madd_epi16(first, ones), _mm256_madd_epi16(second, ones));
    return _mm256_madd_epi16(_mm256_add_epi16(first, second), ones);
}

INLAY__AVX2_INLINE __m256i dot_signed(const block_8 *b, const int8_t *q) {
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i sum = _mm256_setzero_si256();
    for (int g = 0; g < 8; g++) {
        __m256i a = _mm256_sign_epi8(inlay__broadcast_4(q + 4 * g), b->line[g]);
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_abs_epi8(b->line[g]), a), ones));
    }
    return sum;
}

/* One block of one column into its 8 sums. */
INLAY__AVX2_INLINE __m256 accumulate(const block_8 *b, const inlay__acts *acts, size_t at, const int8_t *q,
                                     uint32_t type, __m256 acc) {
    __m256i sum = type == INLAY_TYPE_Q8_0 ? dot_signed(b, q)
                                          : dot_unsigned(b, q, type == INLAY_TYPE_Q5_0 || type == INLAY_TYPE_Q5_1);
    if (type == INLAY_TYPE_Q4_0) sum = _mm256_sub_epi32(sum, _mm256_set1_epi32(8 * acts->sum[at]));
    if (type == INLAY_TYPE_Q5_0) sum = _mm256_sub_epi32(sum, _mm256_set1_epi32(16 * acts->sum[at]));
    acc = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), _mm256_mul_ps(b->d, _mm256_set1_ps(acts->d[at])), acc);
    if (type == INLAY_TYPE_Q4_1 || type == INLAY_TYPE_Q5_1)
        acc = _mm256_fmadd_ps(b->m, _mm256_set1_ps(acts->dsum[at]), acc);
    return acc;
}

/* 8 rows by n_cols columns, over the whole depth. */
INLAY__AVX2_INLINE void tile(const inlay__product *p, const uint8_t *panel, size_t half, size_t col, size_t n_cols,
                             uint32_t type, size_t block_size, float *out) {
    const inlay__acts *acts = p->acts;
    __m256 acc[COLS];
    for (size_t c = 0; c < n_cols; c++) acc[c] = _mm256_setzero_ps();
    for (size_t k = 0; k < acts->n_blocks; k++) {
        block_8 b = load_block(panel + k * block_size, half, type);
        for (size_t c = 0; c < n_cols; c++)
            acc[c] = accumulate(&b, acts, (col + c) * acts->n_blocks + k,
                                acts->q + (col + c) * acts->n_k + k * INLAY__Q_LENGTH, type, acc[c]);
    }
    for (size_t c = 0; c < n_cols; c++) _mm256_storeu_ps(out + c * p->out_stride, acc[c]);
}

/* One column takes both halves of a panel in one walk, so that each line is read once. */
INLAY__AVX2_INLINE void tile_1(const inlay__product *p, const uint8_t *panel, size_t col, uint32_t type,
                               size_t block_size, float *out) {
    const inlay__acts *acts = p->acts;
    __m256 acc0 = _mm256_setzero_ps(), acc1 = _mm256_setzero_ps();
    for (size_t k = 0; k < acts->n_blocks; k++) {
        const int8_t *q = acts->q + col * acts->n_k + k * INLAY__Q_LENGTH;
        block_8 b = load_block(panel + k * block_size, 0, type);
        acc0 = accumulate(&b, acts, col * acts->n_blocks + k, q, type, acc0);
        b = load_block(panel + k * block_size, 1, type);
        acc1 = accumulate(&b, acts, col * acts->n_blocks + k, q, type, acc1);
    }
    _mm256_storeu_ps(out, acc0);
    _mm256_storeu_ps(out + 8, acc1);
}

INLAY__AVX2_INLINE void product(const inlay__product *p, uint32_t type, size_t block_size) {
    size_t panel_size = p->acts->n_blocks * block_size;
    for (size_t row = p->row_begin; row < p->row_end; row += INLAY__LANES) {
        const uint8_t *panel = p->weights + row / INLAY__LANES * panel_size;
        float *out = p->out + (row - p->row_begin);
        size_t col = p->col_begin;
        for (; col + COLS <= p->col_end; col += COLS, out += COLS * p->out_stride)
            for (size_t half = 0; half < 2; half++) tile(p, panel, half, col, COLS, type, block_size, out + 8 * half);
        for (; col + FEW <= p->col_end; col += FEW, out += FEW * p->out_stride)
            for (size_t half = 0; half < 2; half++) tile(p, panel, half, col, FEW, type, block_size, out + 8 * half);
        for (; col < p->col_end; col++, out += p->out_stride) tile_1(p, panel, col, type, block_size, out);
    }
}

INLAY__AVX2 void inlay__product_q4_0_avx2(const inlay__product *p) { product(p, INLAY_TYPE_Q4_0, 288); }
INLAY__AVX2 void inlay__product_q4_1_avx2(const inlay__product *p) { product(p, INLAY_TYPE_Q4_1, 320); }
INLAY__AVX2 void inlay__product_q5_0_avx2(const inlay__product *p) { product(p, INLAY_TYPE_Q5_0, 352); }
INLAY__AVX2 void inlay__product_q5_1_avx2(const inlay__product *p) { product(p, INLAY_TYPE_Q5_1, 384); }
INLAY__AVX2 void inlay__product_q8_0_avx2(const inlay__product *p) { product(p, INLAY_TYPE_Q8_0, 544); }

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
