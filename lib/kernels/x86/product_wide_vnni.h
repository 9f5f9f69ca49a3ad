/* Products of packed Q16_0 panels with VNNI, whose one factor is unsigned: digits of weights enter moved up by 128, and
 * sums begin with what that adds taken away. The registers are those of the lanes_*.h that was included before. */
#include "kernels/wide.h"

enum { GROUPS = INLAY__WIDE_LENGTH / 4 };

typedef struct form {
    size_t size;
} form;

/* The two sums of one block for each of n_cols columns. */
LANES void sums(const uint8_t *block, size_t part, const inlay__acts *acts, size_t col, size_t n_cols, size_t b,
                ints high[COLS], ints low[COLS]) {
    const uint8_t *lines = block + INLAY__WIDE_HIGH + 4 * ROWS * part;
    const ints up = all_32((int32_t)0x80808080);
    ints high_high[COLS], high_low[COLS], low_high[COLS], low_low[COLS]; /* of the activation, of the weight */
    for (size_t c = 0; c < n_cols; c++) {
        const int32_t *sum = acts->sum + 2 * ((col + c) * acts->n_blocks + b);
        high_high[c] = high_low[c] = all_32(-128 * sum[0]);
        low_high[c] = low_low[c] = all_32(-128 * sum[1]);
    }
    for (size_t g = 0; g < GROUPS; g++) {
        ints w_high = flip(load(lines + INLAY__LINE * g), up);
        ints w_low = flip(load(lines + INLAY__WIDE_LOW - INLAY__WIDE_HIGH + INLAY__LINE * g), up);
        for (size_t c = 0; c < n_cols; c++) {
            const int8_t *digits = acts->q + 2 * (col + c) * acts->n_k + b * INLAY__WIDE_LENGTH + 4 * g;
            ints x_high = all_four(digits), x_low = all_four(digits + acts->n_k);
            high_high[c] = dot_4(high_high[c], w_high, x_high);
            high_low[c] = dot_4(high_low[c], w_low, x_high);
            low_high[c] = dot_4(low_high[c], w_high, x_low);
            low_low[c] = dot_4(low_low[c], w_low, x_low);
        }
    }
    for (size_t c = 0; c < n_cols; c++) {
        high[c] = add(times_256(high_high[c]), low_high[c]);
        low[c] = add(times_256(high_low[c]), low_low[c]);
    }
}

/* The rows of a register by n_cols columns, over the whole depth. */
LANES void tile(const inlay__product *p, const uint8_t *panel, size_t part, size_t col, size_t n_cols, form f,
                float *out) {
    const inlay__acts *acts = p->acts;
    floats acc[COLS];
    for (size_t c = 0; c < n_cols; c++) acc[c] = no_sum();
    for (size_t b = 0; b < acts->n_blocks; b++, panel += f.size) {
        floats d = load_floats(panel + 4 * ROWS * part);
        ints high[COLS], low[COLS];
        sums(panel, part, acts, col, n_cols, b, high, low);
        for (size_t c = 0; c < n_cols; c++) {
            floats scale = multiply(d, all_floats(acts->d[(col + c) * acts->n_blocks + b]));
            acc[c] = multiply_add(high[c], multiply(scale, all_floats(256.0f)), acc[c]);
            acc[c] = multiply_add(low[c], scale, acc[c]);
        }
    }
    for (size_t c = 0; c < n_cols; c++) store_floats(out + c * p->out_stride, acc[c]);
}

#include "kernels/x86/product_parts.h"
