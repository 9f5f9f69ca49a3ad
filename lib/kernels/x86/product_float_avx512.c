/* Products of F32, F16 and BF16 rows with AVX-512: the 16 lanes of a sum are one register. Tiles of 4 rows by 6 columns
 * keep 24 of them busy, and their lanes fold together. */
#include "kernels/x86/avx512.h"

#if defined(__x86_64__)

enum { ROWS = 4, COLS = 6 };

#define WALK INLAY__AVX512_INLINE
#include "kernels/x86/product_float_walk.h"

/* 16 weights where the mask says so, zero elsewhere, exactly as floats. */
INLAY__AVX512_INLINE __m512 load_weights(const uint8_t *row, uint32_t type, __mmask16 mask) {
    if (type == INLAY_TYPE_F32) return _mm512_maskz_loadu_ps(mask, row);
    __m256i halves = _mm256_maskz_loadu_epi16(mask, row);
    if (type == INLAY_TYPE_F16) return _mm512_cvtph_ps(halves);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

/* One step of 16 elements; lanes outside the mask keep their sums. */
INLAY__AVX512_INLINE void step(const inlay__product *p, const uint8_t *w, const float *x, size_t n_rows, size_t n_cols,
                               uint32_t type, __mmask16 mask, __m512 *acc) {
    __m512 values[COLS];
    for (size_t c = 0; c < n_cols; c++) values[c] = _mm512_maskz_loadu_ps(mask, x + c * p->x_stride);
    for (size_t r = 0; r < n_rows; r++) {
        __m512 weights = load_weights(w + r * p->row_size, type, mask);
        for (size_t c = 0; c < n_cols; c++)
            acc[r * n_cols + c] = _mm512_mask3_fmadd_ps(weights, values[c], acc[r * n_cols + c], mask);
    }
}

/* Elements [begin, end) of k. */
INLAY__AVX512_INLINE void add_products(const inlay__product *p, size_t row, size_t col, size_t n_rows, size_t n_cols,
                                       size_t begin, size_t end, uint32_t type, __m512 *acc) {
    const size_t size = type == INLAY_TYPE_F32 ? 4 : 2;
    const uint8_t *w = p->weights + row * p->row_size + begin * size;
    const float *x = p->x + col * p->x_stride + begin;
    size_t n = end - begin;
    for (; n >= INLAY__LANES; n -= INLAY__LANES, w += INLAY__LANES * size, x += INLAY__LANES)
        step(p, w, x, n_rows, n_cols, type, 0xffff, acc);
    if (n > 0) step(p, w, x, n_rows, n_cols, type, (__mmask16)((1u << n) - 1), acc);
}

/* ----------------------------------------------------------------- folding */

/* Lanes fold 8, 4, 2, 1 as inlay__fold_avx512 does it, of two registers at a time: each result is half of a register,
 * a quarter, an eighth. Sums may be added either way round. */
INLAY__AVX512_INLINE __m512 fold_8(__m512 a, __m512 b) { /* a 8, b 8 */
    return _mm512_add_ps(_mm512_mask_blend_ps(0xff00, a, b), _mm512_shuffle_f32x4(a, b, 0x4e));
}

INLAY__AVX512_INLINE __m512 fold_4(__m512 ab, __m512 cd) { /* a 4, c 4, b 4, d 4 */
    const __m512i other = _mm512_setr_epi32(4, 5, 6, 7, 16, 17, 18, 19, 12, 13, 14, 15, 24, 25, 26, 27);
    return _mm512_add_ps(_mm512_mask_blend_ps(0xf0f0, ab, cd), _mm512_permutex2var_ps(ab, other, cd));
}

INLAY__AVX512_INLINE __m512 fold_2(__m512 p, __m512 q) { /* in each four lanes p 2, q 2 */
    return _mm512_add_ps(_mm512_mask_blend_ps(0xcccc, p, q), _mm512_shuffle_ps(p, q, 0x4e));
}

INLAY__AVX512_INLINE __m512 fold_1(__m512 p, __m512 q) {
    return _mm512_add_ps(_mm512_shuffle_ps(p, q, 0x88), _mm512_shuffle_ps(p, q, 0xdd));
}

/* 4 rows by columns c to c + 3 of n_cols. */
INLAY__AVX512_INLINE void fold_4x4(const __m512 *acc, size_t n_cols, size_t c, float *out, size_t out_stride) {
    __m512 rows[4];
    for (size_t r = 0; r < 4; r++) {
        const __m512 *a = acc + r * n_cols + c;
        rows[r] = fold_4(fold_8(a[0], a[2]), fold_8(a[1], a[3]));
    }
    __m512 all = fold_1(fold_2(rows[0], rows[1]), fold_2(rows[2], rows[3]));
    _mm_storeu_ps(out, _mm512_castps512_ps128(all));
    _mm_storeu_ps(out + out_stride, _mm512_extractf32x4_ps(all, 1));
    _mm_storeu_ps(out + 2 * out_stride, _mm512_extractf32x4_ps(all, 2));
    _mm_storeu_ps(out + 3 * out_stride, _mm512_extractf32x4_ps(all, 3));
}

/* 4 rows by columns c and c + 1. */
INLAY__AVX512_INLINE void fold_4x2(const __m512 *acc, size_t n_cols, size_t c, float *out, size_t out_stride) {
    const __m512i order = _mm512_setr_epi32(0, 4, 2, 6, 8, 12, 10, 14, 0, 0, 0, 0, 0, 0, 0, 0);
    __m512 rows[4];
    for (size_t r = 0; r < 4; r++) rows[r] = fold_8(acc[r * n_cols + c], acc[r * n_cols + c + 1]);
    /* Rows 0 0 2 2, 1 1 3 3 of the one column, then of the other. */
    __m512 all = fold_2(fold_4(rows[0], rows[1]), fold_4(rows[2], rows[3]));
    all = _mm512_permutexvar_ps(order, _mm512_add_ps(all, _mm512_permute_ps(all, 0xb1)));
    _mm_storeu_ps(out, _mm512_castps512_ps128(all));
    _mm_storeu_ps(out + out_stride, _mm512_extractf32x4_ps(all, 1));
}

/* ------------------------------------------------------------------- tiles */

INLAY__AVX512_INLINE float *output(const inlay__product *p, size_t row, size_t col) {
    return p->out + (col - p->col_begin) * p->out_stride + (row - p->row_begin);
}

INLAY__AVX512_INLINE void tile(const inlay__product *p, size_t row, size_t col, part k, uint32_t type) {
    __m512 acc[ROWS * COLS];
    INLAY__UNROLL_24
    for (size_t i = 0; i < ROWS * COLS; i++)
        acc[i] = k.begin > 0 ? _mm512_loadu_ps(k.sums + i * INLAY__LANES) : _mm512_setzero_ps();
    add_products(p, row, col, ROWS, COLS, k.begin, k.end, type, acc);
    if (k.end < p->n_k) {
        INLAY__UNROLL_24
        for (size_t i = 0; i < ROWS * COLS; i++) _mm512_storeu_ps(k.sums + i * INLAY__LANES, acc[i]);
        return;
    }
    fold_4x4(acc, COLS, 0, output(p, row, col), p->out_stride);
    fold_4x2(acc, COLS, 4, output(p, row, col + 4), p->out_stride);
}

INLAY__AVX512_INLINE void tile_rest(const inlay__product *p, size_t row, size_t col, size_t n_rows, size_t n_cols,
                                    uint32_t type) {
    __m512 acc[ROWS * 2];
    float *out = output(p, row, col);
    for (size_t i = 0; i < n_rows * n_cols; i++) acc[i] = _mm512_setzero_ps();
    add_products(p, row, col, n_rows, n_cols, 0, p->n_k, type, acc);
    if (n_cols == 2)
        fold_4x2(acc, 2, 0, out, p->out_stride);
    else
        for (size_t r = 0; r < n_rows; r++) out[r] = inlay__fold_avx512(acc[r]);
}

INLAY__AVX512 void inlay__product_f32_avx512(const inlay__product *p) { walk(p, INLAY_TYPE_F32); }
INLAY__AVX512 void inlay__product_f16_avx512(const inlay__product *p) { walk(p, INLAY_TYPE_F16); }
INLAY__AVX512 void inlay__product_bf16_avx512(const inlay__product *p) { walk(p, INLAY_TYPE_BF16); }

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
