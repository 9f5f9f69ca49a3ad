/* Products of F32, F16 and BF16 rows with NEON: the 16 lanes of a sum are four registers. Tiles of 2 rows by 3 columns
 * keep 24 of them busy. */
#include "kernels/arm/neon.h"

#if defined(__aarch64__)

enum { ROWS = 2, COLS = 3, ONE_COL_ROWS = 4 };

INLAY__NEON_INLINE size_t weight_size(uint32_t type) { return type == INLAY_TYPE_F32 ? 4 : 2; }

/* Weights k to k + 3 of a row, exactly as floats. */
INLAY__NEON_INLINE float32x4_t load_weights(const uint8_t *row, size_t k, uint32_t type) {
    if (type == INLAY_TYPE_F32) return vreinterpretq_f32_u8(vld1q_u8(row + 4 * k));
    if (type == INLAY_TYPE_F16) return inlay__load_4_f16(row + 2 * k);
    uint16x4_t half = vreinterpret_u16_u8(vld1_u8(row + 2 * k));
    return vreinterpretq_f32_u32(vshll_n_u16(half, 16));
}

/* The last k % 16 elements: copied beside zeros, and only their lanes changed. */
INLAY__NEON_INLINE void add_tail(const uint8_t *row, const float *x, size_t k, size_t n, uint32_t type,
                                 float32x4_t acc[4]) {
    uint8_t weights[INLAY__LANES * 4] = {0};
    float values[INLAY__LANES] = {0};
    uint32_t lanes[INLAY__LANES] = {0};
    memcpy(weights, row + k * weight_size(type), (n - k) * weight_size(type));
    memcpy(values, x + k, (n - k) * sizeof(float));
    for (size_t l = 0; l < n - k; l++)
        lanes[l] = UINT32_MAX;
    for (size_t i = 0; i < 4; i++) {
        float32x4_t sum = vfmaq_f32(acc[i], load_weights(weights, 4 * i, type), vld1q_f32(values + 4 * i));
        acc[i] = vbslq_f32(vld1q_u32(lanes + 4 * i), sum, acc[i]);
    }
}

INLAY__NEON_INLINE void tile(const inlay__product *p, size_t row, size_t col, size_t n_rows, size_t n_cols,
                             uint32_t type) {
    const uint8_t *w = p->weights + row * p->row_size;
    const float *x = p->x + col * p->x_stride;
    float32x4_t acc[6][4]; /* n_rows * n_cols <= 6 */
    size_t k = 0;
    for (size_t i = 0; i < n_rows * n_cols; i++)
        acc[i][0] = acc[i][1] = acc[i][2] = acc[i][3] = vdupq_n_f32(0.0f);
    for (; k + INLAY__LANES <= p->n_k; k += INLAY__LANES) {
        for (size_t l = 0; l < 4; l++) {
            float32x4_t values[COLS];
            for (size_t c = 0; c < n_cols; c++)
                values[c] = vld1q_f32(x + c * p->x_stride + k + 4 * l);
            for (size_t r = 0; r < n_rows; r++) {
                float32x4_t weights = load_weights(w + r * p->row_size, k + 4 * l, type);
                for (size_t c = 0; c < n_cols; c++)
                    acc[r * n_cols + c][l] = vfmaq_f32(acc[r * n_cols + c][l], weights, values[c]);
            }
        }
    }
    for (size_t r = 0; r < n_rows; r++) {
        for (size_t c = 0; c < n_cols; c++) {
            float32x4_t *sum = acc[r * n_cols + c];
            if (k < p->n_k) add_tail(w + r * p->row_size, x + c * p->x_stride, k, p->n_k, type, sum);
            p->out[(col + c - p->col_begin) * p->out_stride + (row + r - p->row_begin)] = inlay__fold_neon(sum);
        }
    }
}

INLAY__NEON_INLINE void product(const inlay__product *p, uint32_t type) {
    size_t row = p->row_begin;
    if (p->col_end - p->col_begin == 1) {
        for (; row + ONE_COL_ROWS <= p->row_end; row += ONE_COL_ROWS)
            tile(p, row, p->col_begin, ONE_COL_ROWS, 1, type);
        for (; row < p->row_end; row++)
            tile(p, row, p->col_begin, 1, 1, type);
        return;
    }
    for (; row < p->row_end; row += ROWS) {
        size_t col = p->col_begin;
        if (row + ROWS <= p->row_end) {
            for (; col + COLS <= p->col_end; col += COLS)
                tile(p, row, col, ROWS, COLS, type);
            for (; col < p->col_end; col++)
                tile(p, row, col, ROWS, 1, type);
        } else {
            for (; col < p->col_end; col++)
                tile(p, row, col, 1, 1, type);
        }
    }
}

void inlay__product_f32_neon(const inlay__product *p) { product(p, INLAY_TYPE_F32); }
void inlay__product_f16_neon(const inlay__product *p) { product(p, INLAY_TYPE_F16); }
void inlay__product_bf16_neon(const inlay__product *p) { product(p, INLAY_TYPE_BF16); }

#else
typedef int inlay__not_arm; /* a source file may not be empty */
#endif
