/* Products of F32, F16 and BF16 rows with AVX2: the 16 lanes of a sum are two registers. Tiles of 4 rows by 3 columns
 * hold 12 sums' first eight lanes, then their last eight: each number that is read meets twice as many others as if
 * tiles held all lanes of 6. */
#include "kernels/x86/avx2.h"

#if defined(__x86_64__)

enum { ROWS = 4, COLS = 3, HALF = 8, HALF_SUMS = ROWS * COLS * HALF };

#define WALK INLAY__AVX2_INLINE
#include "kernels/x86/product_float_walk.h"

INLAY__AVX2_INLINE size_t weight_size(uint32_t type) { return type == INLAY_TYPE_F32 ? 4 : 2; }

/* 8 weights, exactly as floats. */
INLAY__AVX2_INLINE __m256 load_weights(const uint8_t *row, uint32_t type) {
    if (type == INLAY_TYPE_F32) return _mm256_loadu_ps((const float *)(const void *)row);
    if (type == INLAY_TYPE_F16) return inlay__load_8_f16(row);
    __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)row));
    return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16));
}

/* The last k % 16 elements: copied beside zeros, and only their lanes changed. */
INLAY__AVX2_INLINE void add_tail(const uint8_t *row, const float *x, size_t k, size_t n, uint32_t type, __m256 acc[2]) {
    uint8_t weights[INLAY__LANES * 4] = {0};
    float values[INLAY__LANES] = {0};
    int32_t lanes[INLAY__LANES] = {0};
    memcpy(weights, row + k * weight_size(type), (n - k) * weight_size(type));
    memcpy(values, x + k, (n - k) * sizeof(float));
    for (size_t l = 0; l < n - k; l++)
        lanes[l] = -1;
    for (size_t i = 0; i < 2; i++) {
        __m256 each = load_weights(weights + HALF * i * weight_size(type), type);
        __m256 sum = _mm256_fmadd_ps(each, _mm256_loadu_ps(values + HALF * i), acc[i]);
        acc[i] = _mm256_blendv_ps(acc[i], sum, _mm256_castsi256_ps(inlay__load_256(lanes + HALF * i)));
    }
}

/* What is left of a tile after its whole sixteens: sums of the first and of the last eight lanes [n_rows, n_cols, 8].
 * Once for all types, as little time goes here. */
INLAY__AVX2 static __attribute__((noinline)) void finish(const inlay__product *p, size_t row, size_t col, size_t n_rows,
                                                         size_t n_cols, const float *low, const float *high) {
    size_t k = p->n_k / INLAY__LANES * INLAY__LANES;
    for (size_t r = row; r < row + n_rows; r++) {
        for (size_t c = col; c < col + n_cols; c++, low += HALF, high += HALF) {
            __m256 acc[2] = {_mm256_loadu_ps(low), _mm256_loadu_ps(high)};
            if (k < p->n_k) add_tail(p->weights + r * p->row_size, p->x + c * p->x_stride, k, p->n_k, p->type, acc);
            p->out[(c - p->col_begin) * p->out_stride + (r - p->row_begin)] = inlay__fold_avx2(acc[0], acc[1]);
        }
    }
}

/* ------------------------------------------------------------------- tiles */

/* Adds to eight lanes of a tile's sums, of the whole sixteens among n elements: sums [12, 8], where there are any, and
 * acc at the end. */
INLAY__AVX2_INLINE void add_half(const inlay__product *p, const uint8_t *w, const float *x, size_t n, const float *sums,
                                 uint32_t type, __m256 acc[ROWS * COLS]) {
    const size_t size = weight_size(type);
    INLAY__UNROLL_24
    for (size_t i = 0; i < ROWS * COLS; i++)
        acc[i] = sums != NULL ? _mm256_loadu_ps(sums + i * HALF) : _mm256_setzero_ps();
    for (; n >= INLAY__LANES; n -= INLAY__LANES, w += INLAY__LANES * size, x += INLAY__LANES) {
        __m256 values[COLS];
        for (size_t c = 0; c < COLS; c++) values[c] = _mm256_loadu_ps(x + c * p->x_stride);
        for (size_t r = 0; r < ROWS; r++) {
            __m256 weights = load_weights(w + r * p->row_size, type);
            for (size_t c = 0; c < COLS; c++)
                acc[r * COLS + c] = _mm256_fmadd_ps(weights, values[c], acc[r * COLS + c]);
        }
    }
}

/* Lanes fold 8, 4, 2, 1 as inlay__fold_avx2 does it, of two registers at a time. Sums may be added either way round. */
INLAY__AVX2_INLINE __m256 fold_4(__m256 a, __m256 b) { /* a 4, b 4 */
    return _mm256_add_ps(_mm256_blend_ps(a, b, 0xf0), _mm256_permute2f128_ps(a, b, 0x21));
}

INLAY__AVX2_INLINE __m256 fold_2(__m256 p, __m256 q) { /* in each four lanes p 2, q 2 */
    return _mm256_add_ps(_mm256_blend_ps(p, q, 0xcc), _mm256_shuffle_ps(p, q, 0x4e));
}

/* From eight lanes of each sum to the outputs of 4 rows and 3 columns. */
INLAY__AVX2_INLINE void fold(const __m256 acc[ROWS * COLS], float *out, size_t out_stride) {
    for (size_t c = 0; c < COLS; c++, out += out_stride) {
        __m256 rows = fold_2(fold_4(acc[c], acc[2 * COLS + c]), fold_4(acc[COLS + c], acc[3 * COLS + c]));
        rows = _mm256_add_ps(rows, _mm256_permute_ps(rows, 0xb1)); /* rows 0 0 1 1, 2 2 3 3 */
        __m128 low = _mm256_castps256_ps128(rows), high = _mm256_extractf128_ps(rows, 1);
        _mm_storeu_ps(out, _mm_shuffle_ps(low, high, 0x88));
    }
}

INLAY__AVX2_INLINE void tile(const inlay__product *p, size_t row, size_t col, part k, uint32_t type) {
    const uint8_t *w = p->weights + row * p->row_size + k.begin * weight_size(type);
    const float *x = p->x + col * p->x_stride + k.begin;
    float *low = k.sums, *high = k.sums + HALF_SUMS;
    bool is_last = k.end == p->n_k && p->n_k % INLAY__LANES == 0;
    size_t n = k.end - k.begin;
    __m256 acc[ROWS * COLS];
    add_half(p, w, x, n, k.begin > 0 ? low : NULL, type, acc);
    INLAY__UNROLL_24
    for (size_t i = 0; i < ROWS * COLS; i++) _mm256_storeu_ps(low + i * HALF, acc[i]);
    add_half(p, w + HALF * weight_size(type), x + HALF, n, k.begin > 0 ? high : NULL, type, acc);
    if (is_last) {
        INLAY__UNROLL_24
        for (size_t i = 0; i < ROWS * COLS; i++) acc[i] = _mm256_add_ps(_mm256_loadu_ps(low + i * HALF), acc[i]);
        fold(acc, p->out + (col - p->col_begin) * p->out_stride + (row - p->row_begin), p->out_stride);
        return;
    }
    INLAY__UNROLL_24
    for (size_t i = 0; i < ROWS * COLS; i++) _mm256_storeu_ps(high + i * HALF, acc[i]);
    if (k.end == p->n_k) finish(p, row, col, ROWS, COLS, low, high);
}

/* All lanes at once, so that a single column reads the rows once, one behind another. */
INLAY__AVX2_INLINE void tile_rest(const inlay__product *p, size_t row, size_t col, size_t n_rows, size_t n_cols,
                                  uint32_t type) {
    const uint8_t *w = p->weights + row * p->row_size;
    const float *x = p->x + col * p->x_stride;
    __m256 acc[2][ROWS * 2]; /* n_rows * n_cols */
    float sums[2][ROWS * 2][HALF];
    size_t n = p->n_k, size = weight_size(type), n_sums = n_rows * n_cols;
    for (size_t i = 0; i < n_sums; i++) acc[0][i] = acc[1][i] = _mm256_setzero_ps();
    for (; n >= INLAY__LANES; n -= INLAY__LANES, w += INLAY__LANES * size, x += INLAY__LANES) {
        for (size_t half = 0; half < 2; half++) {
            for (size_t r = 0; r < n_rows; r++) {
                __m256 weights = load_weights(w + r * p->row_size + half * HALF * size, type);
                for (size_t c = 0; c < n_cols; c++)
                    acc[half][r * n_cols + c] = _mm256_fmadd_ps(
                        weights, _mm256_loadu_ps(x + c * p->x_stride + half * HALF), acc[half][r * n_cols + c]);
            }
        }
    }
    for (size_t i = 0; i < n_sums; i++)
        for (size_t half = 0; half < 2; half++) _mm256_storeu_ps(sums[half][i], acc[half][i]);
    finish(p, row, col, n_rows, n_cols, sums[0][0], sums[1][0]);
}

INLAY__AVX2 void inlay__product_f32_avx2(const inlay__product *p) { walk(p, INLAY_TYPE_F32); }
INLAY__AVX2 void inlay__product_f16_avx2(const inlay__product *p) { walk(p, INLAY_TYPE_F16); }
INLAY__AVX2 void inlay__product_bf16_avx2(const inlay__product *p) { walk(p, INLAY_TYPE_BF16); }

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
