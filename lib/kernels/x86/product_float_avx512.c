/* Products of F32, F16 and BF16 rows with AVX-512: the 16 lanes of a sum are one register; tiles of 4 rows by 5
 * columns. Columns that fit the first cache together stay there while all rows pass by. */
#include "kernels/x86/avx512.h"

#if defined(__x86_64__)

enum { ROWS = 4, COLS = 5, CACHED_FLOATS = 5120 };

/* Weights k to k + 15 of a row where the mask says so, zero elsewhere, exactly as floats. */
INLAY__AVX512_INLINE __m512 load_weights(const uint8_t *row, size_t k, uint32_t type, __mmask16 mask) {
    if (type == INLAY_TYPE_F32) return _mm512_maskz_loadu_ps(mask, row + 4 * k);
    __m256i halves = _mm256_maskz_loadu_epi16(mask, row + 2 * k);
    if (type == INLAY_TYPE_F16) return _mm512_cvtph_ps(halves);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

/* One step of 16 elements; lanes outside the mask keep their sums. */
INLAY__AVX512_INLINE void step(const inlay__product *p, const uint8_t *w, const float *x, size_t k, size_t n_rows,
                               size_t n_cols, uint32_t type, __mmask16 mask, __m512 *acc) {
    __m512 values[COLS];
    for (size_t c = 0; c < n_cols; c++) values[c] = _mm512_maskz_loadu_ps(mask, x + c * p->x_stride + k);
    for (size_t r = 0; r < n_rows; r++) {
        __m512 weights = load_weights(w + r * p->row_size, k, type, mask);
        for (size_t c = 0; c < n_cols; c++)
            acc[r * n_cols + c] = _mm512_mask3_fmadd_ps(weights, values[c], acc[r * n_cols + c], mask);
    }
}

/* The sums of the lanes of four registers, each as inlay__fold_avx512 makes it: lanes 8 apart, then 4, 2 and 1. */
INLAY__AVX512_INLINE __m128 fold_4(__m512 a, __m512 b, __m512 c, __m512 d) {
    __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
    __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xee));
    __m512 all = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
    all = _mm512_add_ps(all, _mm512_permute_ps(all, 0x4e));
    all = _mm512_add_ps(all, _mm512_permute_ps(all, 0xb1));
    return _mm512_castps512_ps128(_mm512_maskz_compress_ps(0x1111, all));
}

INLAY__AVX512_INLINE void tile(const inlay__product *p, size_t row, size_t col, size_t n_rows, size_t n_cols,
                               uint32_t type) {
    const uint8_t *w = p->weights + row * p->row_size;
    const float *x = p->x + col * p->x_stride;
    __m512 acc[ROWS * COLS];
    size_t k = 0;
    for (size_t i = 0; i < n_rows * n_cols; i++) acc[i] = _mm512_setzero_ps();
    for (; k + INLAY__LANES <= p->n_k; k += INLAY__LANES) step(p, w, x, k, n_rows, n_cols, type, 0xffff, acc);
    if (k < p->n_k) step(p, w, x, k, n_rows, n_cols, type, (__mmask16)((1u << (p->n_k - k)) - 1), acc);
    for (size_t c = 0; c < n_cols; c++) {
        float *out = p->out + (col + c - p->col_begin) * p->out_stride + (row - p->row_begin);
        if (n_rows == ROWS)
            _mm_storeu_ps(out, fold_4(acc[c], acc[n_cols + c], acc[2 * n_cols + c], acc[3 * n_cols + c]));
        else
            *out = inlay__fold_avx512(acc[c]);
    }
}

/* All rows by columns [begin, end), which are a tile's or a few of it. */
INLAY__AVX512_INLINE void product_cols(const inlay__product *p, size_t begin, size_t end, uint32_t type) {
    size_t row = p->row_begin;
    for (; row + ROWS <= p->row_end; row += ROWS) {
        size_t col = begin;
        for (; col + COLS <= end; col += COLS) tile(p, row, col, ROWS, COLS, type);
        for (; col + 2 <= end; col += 2) tile(p, row, col, ROWS, 2, type);
        if (col < end) tile(p, row, col, ROWS, 1, type);
    }
    for (; row < p->row_end; row++)
        for (size_t col = begin; col < end; col++) tile(p, row, col, 1, 1, type);
}

INLAY__AVX512_INLINE void product(const inlay__product *p, uint32_t type) {
    size_t n = inlay__max_size(COLS, CACHED_FLOATS / inlay__max_size(p->n_k, 1) / COLS * COLS);
    for (size_t col = p->col_begin; col < p->col_end; col += n)
        product_cols(p, col, inlay__min_size(col + n, p->col_end), type);
}

INLAY__AVX512 void inlay__product_f32_avx512(const inlay__product *p) { product(p, INLAY_TYPE_F32); }
INLAY__AVX512 void inlay__product_f16_avx512(const inlay__product *p) { product(p, INLAY_TYPE_F16); }
INLAY__AVX512 void inlay__product_bf16_avx512(const inlay__product *p) { product(p, INLAY_TYPE_BF16); }

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
