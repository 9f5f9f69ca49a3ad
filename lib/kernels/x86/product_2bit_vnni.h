/* Products of packed Q2_K, TQ1_0 and TQ2_0 panels with VNNI: half a sub-block of Q2_K sums to at most 6,096, so both
 * halves are pairs of 16 bits that vpdpwssd multiplies by their scales and adds. The registers are those of the
 * lanes_*.h that was included before. */

enum { COLS = 4, SUB_BLOCKS = 8, Q2_K_SIZE = 1344, TERNARY_SIZE = 1056 };

typedef struct form {
    bool is_q2_k;
    size_t size;
} form;

/* S of one superblock, and M of Q2_K; u - 1 of the ternary types takes the activations' own sum away. */
LANES void sums(const uint8_t *block, size_t part, const inlay__acts *acts, size_t col, size_t n_cols, size_t k,
                bool is_q2_k, ints sum[COLS], ints minimum[COLS]) {
    for (size_t c = 0; c < n_cols; c++) {
        minimum[c] = zeros();
        sum[c] = is_q2_k ? minimum[c] : all_32(-inlay__sum_256(acts, col + c, k));
    }
    for (size_t j = 0; j < SUB_BLOCKS; j++) {
        const uint8_t *lines = block + (is_q2_k ? 320 : 32) + 128 * j + 4 * ROWS * part;
        ints first[COLS], second[COLS];
        for (size_t c = 0; c < n_cols; c++)
            first[c] = second[c] = zeros();
        for (int g = 0; g < 4; g++) {
            ints u0 = bits_of(load(lines), 2 * g, 3), u1 = bits_of(load(lines + INLAY__LINE), 2 * g, 3);
            for (size_t c = 0; c < n_cols; c++) {
                const int8_t *q = acts->q + (col + c) * acts->n_k + k * INLAY__K_LENGTH + 32 * j + 4 * (size_t)g;
                first[c] = dot_4(first[c], u0, all_four(q));
                second[c] = dot_4(second[c], u1, all_four(q + 16));
            }
        }
        if (!is_q2_k) {
            for (size_t c = 0; c < n_cols; c++)
                sum[c] = add(sum[c], add(first[c], second[c]));
            continue;
        }
        ints pairs = load_unsigned_pairs(block + 64 + 32 * j + 2 * ROWS * part); /* scale | minimum << 4 */
        ints scales = bits_of(pairs, 0, 15), minima = bits_of(pairs, 4, 15);
        for (size_t c = 0; c < n_cols; c++) {
            const int16_t *sum16 = acts->sum16 + (col + c) * (acts->n_k / 16) + 16 * k + 2 * j;
            sum[c] = dot_2(sum[c], join_16(first[c], second[c]), scales);
            minimum[c] = dot_2(minimum[c], minima, all_pair(sum16));
        }
    }
}

/* The rows of a register by n_cols columns, over the whole depth. */
LANES void tile(const inlay__product *p, const uint8_t *panel, size_t part, size_t col, size_t n_cols, form f,
                float *out) {
    const inlay__acts *acts = p->acts;
    const bool is_q2_k = f.is_q2_k;
    floats acc[COLS];
    for (size_t c = 0; c < n_cols; c++)
        acc[c] = no_sum();
    for (size_t k = 0; k < acts->n_blocks; k++) {
        const uint8_t *block = panel + k * f.size;
        floats d = load_f16(block + 2 * ROWS * part), dmin = load_f16(block + 32 + 2 * ROWS * part);
        ints sum[COLS], minimum[COLS];
        sums(block, part, acts, col, n_cols, k, is_q2_k, sum, minimum);
        for (size_t c = 0; c < n_cols; c++) {
            floats da = all_floats(acts->d[(col + c) * acts->n_blocks + k]);
            acc[c] = multiply_add(sum[c], multiply(d, da), acc[c]);
            if (is_q2_k) acc[c] = multiply_subtract(minimum[c], multiply(dmin, da), acc[c]);
        }
    }
    for (size_t c = 0; c < n_cols; c++)
        store_floats(out + c * p->out_stride, acc[c]);
}

#include "kernels/x86/product_parts.h"

LANES_FUNCTION static void product_q2_k(const inlay__product *p) { product(p, (form){true, Q2_K_SIZE}); }
LANES_FUNCTION static void product_ternary(const inlay__product *p) { product(p, (form){false, TERNARY_SIZE}); }
