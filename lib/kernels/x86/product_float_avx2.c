/* Products of F32, F16 and BF16 rows with AVX2: the 16 lanes of a sum are two registers. Tiles of 2 rows by 3 columns
 * keep 12 of them busy. Columns that fit the first cache together stay there while all rows pass by. */
#include "kernels/x86/avx2.h"

#if defined(__x86_64__)

enum { ROWS = 2, COLS = 3, ONE_COL_ROWS = 4, CACHED_FLOATS = 4096 };

INLAY__AVX2_INLINE size_t weight_size(uint32_t type) { return type == INLAY_TYPE_F32 ? 4 : 2; }

/* Weights k to k + 7 of a row, exactly as floats. */
INLAY__AVX2_INLINE __m256 load_weights(const uint8_t *row, size_t k, uint32_t type) {
    if (type == INLAY_TYPE_F32) return _mm256_loadu_ps((const float *)(const void *)(row + 4 * k));
    if (type == INLAY_TYPE_F16) return inlay__load_8_f16(row + 2 * k);
    __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(row + 2 * k)));
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
        __m256 sum = _mm256_fmadd_ps(load_weights(weights, 8 * i, type), _mm256_loadu_ps(values + 8 * i), acc[i]);
        acc[i] = _mm256_blendv_ps(acc[i], sum, _mm256_castsi256_ps(inlay__load_256(lanes + 8 * i)));
    }
}

/* What is left of a tile after its whole sixteens; once for all tiles, as little time goes here. */
INLAY__AVX2 static __attribute__((noinline)) void finish(const inlay__product *p, size_t row, size_t col, size_t n_rows,
                                                         size_t n_cols, __m256 (*acc)[2]) {
    size_t k = p->n_k / INLAY__LANES * INLAY__LANES;
    for (size_t r = row; r < row + n_rows; r++) {
        for (size_t c = col; c < col + n_cols; c++, acc++) {
            if (k < p->n_k) add_tail(p->weights + r * p->row_size, p->x + c * p->x_stride, k, p->n_k, p->type, *acc);
            p->out[(c - p->col_begin) * p->out_stride + (r - p->row_begin)] = inlay__fold_avx2((*acc)[0], (*acc)[1]);
        }
    }
}

INLAY__AVX2_INLINE void tile(const inlay__product *p, size_t row, size_t col, size_t n_rows, size_t n_cols,
                             uint32_t type) {
    const uint8_t *w = p->weights + row * p->row_size;
    const float *x = p->x + col * p->x_stride;
    __m256 acc[6][2], done[6][2]; /* n_rows * n_cols <= 6; `done` has an address, so that `acc` stays in registers */
    for (size_t i = 0; i < n_rows * n_cols; i++)
        acc[i][0] = acc[i][1] = _mm256_setzero_ps();
    for (size_t k = 0; k + INLAY__LANES <= p->n_k; k += INLAY__LANES) {
        for (size_t half = 0; half < 2; half++) {
            __m256 values[COLS];
            for (size_t c = 0; c < n_cols; c++)
                values[c] = _mm256_loadu_ps(x + c * p->x_stride + k + 8 * half);
            for (size_t r = 0; r < n_rows; r++) {
                __m256 weights = load_weights(w + r * p->row_size, k + 8 * half, type);
                for (size_t c = 0; c < n_cols; c++)
                    acc[r * n_cols + c][half] = _mm256_fmadd_ps(weights, values[c], acc[r * n_cols + c][half]);
            }
        }
    }
    for (size_t i = 0; i < n_rows * n_cols; i++) {
        done[i][0] = acc[i][0];
        done[i][1] = acc[i][1];
    }
    finish(p, row, col, n_rows, n_cols, done);
}

/* All rows by columns [begin, end), which are a tile's or a few of it. */
INLAY__AVX2_INLINE void product_cols(const inlay__product *p, size_t begin, size_t end, uint32_t type) {
    size_t row = p->row_begin;
    for (; row + ROWS <= p->row_end; row += ROWS) {
        size_t col = begin;
        for (; col + COLS <= end; col += COLS)
            tile(p, row, col, ROWS, COLS, type);
        for (; col < end; col++)
            tile(p, row, col, ROWS, 1, type);
    }
    for (size_t col = begin; row < p->row_end && col < end; col++)
        tile(p, row, col, 1, 1, type);
}

INLAY__AVX2_INLINE void product(const inlay__product *p, uint32_t type) {
    size_t row = p->row_begin;
    if (p->col_end - p->col_begin == 1) {
        for (; row + ONE_COL_ROWS <= p->row_end; row += ONE_COL_ROWS)
            tile(p, row, p->col_begin, ONE_COL_ROWS, 1, type);
        for (; row < p->row_end; row++)
            tile(p, row, p->col_begin, 1, 1, type);
        return;
    }
    size_t n = inlay__max_size(COLS, CACHED_FLOATS / inlay__max_size(p->n_k, 1) / COLS * COLS);
    for (size_t col = p->col_begin; col < p->col_end; col += n)
        product_cols(p, col, inlay__min_size(col + n, p->col_end), type);
}

INLAY__AVX2 void inlay__product_f32_avx2(const inlay__product *p) { product(p, INLAY_TYPE_F32); }
INLAY__AVX2 void inlay__product_f16_avx2(const inlay__product *p) { product(p, INLAY_TYPE_F16); }
INLAY__AVX2 void inlay__product_bf16_avx2(const inlay__product *p) { product(p, INLAY_TYPE_BF16); }

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
