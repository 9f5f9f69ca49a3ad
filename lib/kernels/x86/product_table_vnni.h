/* Products with VNNI of packed superblocks whose elements are places in a table of 16 values (IQ4_XS and the IQ1, IQ2
 * and IQ3 types): vpshufb looks them up, all moved up by 128 to be unsigned; what that adds is taken away through the
 * sums of the activations. The registers are those of the lanes_*.h that was included before. */
enum { COLS = 4, SUB_BLOCKS = 8, SIZE_32 = 2240, SIZE_16 = 2368 };

typedef struct form {
    bool by_16;
    size_t size;
    ints table;
} form;

/* The sums of both halves of 32 elements for n_cols columns, whose activations are q, n_k apart. */
LANES void dot(const uint8_t *lines, ints table, const int8_t *q, size_t n_k, size_t n_cols, ints first[COLS],
               ints second[COLS]) {
    for (size_t g = 0; g < 4; g++) {
        const ints pair = load(lines + INLAY__LINE * g);
        const ints u0 = look_up(table, bits_of(pair, 0, 15)), u1 = look_up(table, bits_of(pair, 4, 15));
        for (size_t c = 0; c < n_cols; c++) {
            first[c] = dot_4(first[c], u0, all_four(q + c * n_k + 4 * g));
            second[c] = dot_4(second[c], u1, all_four(q + c * n_k + 16 + 4 * g));
        }
    }
}

/* 128 times the sum over the sub-blocks of their scales, in pairs, times the activations' sums. */
LANES ints dot_sums(const uint8_t *scales, const inlay__acts *acts, size_t col, size_t k, bool by_16) {
    const int16_t *sums =
        by_16 ? acts->sum16 + col * (acts->n_k / 16) + 16 * k : acts->sum32 + col * (acts->n_k / 32) + 8 * k;
    ints sum = zeros();
    for (size_t i = 0; i < (by_16 ? 8 : 4); i++)
        sum = dot_2(sum, load_signed_pairs(scales + 32 * i), all_pair(sums + 2 * i));
    return times_128(sum);
}

/* The rows of a register by n_cols columns, over the whole depth. */
LANES void tile(const inlay__product *p, const uint8_t *panel, size_t part, size_t col, size_t n_cols, form f,
                float *out) {
    const inlay__acts *acts = p->acts;
    const bool by_16 = f.by_16;
    floats acc[COLS];
    for (size_t c = 0; c < n_cols; c++)
        acc[c] = no_sum();
    for (size_t k = 0; k < acts->n_blocks; k++) {
        const uint8_t *block = panel + k * f.size, *scales = block + 64 + 2 * ROWS * part;
        const uint8_t *lines = block + (by_16 ? 320 : 192) + 4 * ROWS * part;
        const int8_t *q = acts->q + col * acts->n_k + k * INLAY__K_LENGTH;
        ints sum[COLS];
        for (size_t c = 0; c < n_cols; c++)
            sum[c] = zeros();
        for (size_t j = 0; j < SUB_BLOCKS; j++) {
            ints pairs = load_signed_pairs(scales + 32 * (by_16 ? j : j / 2)), first[COLS], second[COLS];
            ints scale0 = lower_16(pairs), scale1 = upper_16(pairs);
            for (size_t c = 0; c < n_cols; c++)
                first[c] = second[c] = zeros();
            dot(lines + 4 * INLAY__LINE * j, f.table, q + 32 * j, acts->n_k, n_cols, first, second);
            for (size_t c = 0; c < n_cols; c++) {
                ints scaled = by_16 ? add(times(first[c], scale0), times(second[c], scale1))
                                    : times(add(first[c], second[c]), j % 2 == 0 ? scale0 : scale1);
                sum[c] = add(sum[c], scaled);
            }
        }
        floats d = load_floats(block + 4 * ROWS * part);
        for (size_t c = 0; c < n_cols; c++) {
            floats da = all_floats(acts->d[(col + c) * acts->n_blocks + k]);
            sum[c] = subtract(sum[c], dot_sums(scales, acts, col + c, k, by_16));
            acc[c] = multiply_add(sum[c], multiply(d, da), acc[c]);
        }
    }
    for (size_t c = 0; c < n_cols; c++)
        store_floats(out + c * p->out_stride, acc[c]);
}

#include "kernels/x86/product_parts.h"

LANES_FUNCTION static void product_by_32(const inlay__product *p) {
    product(p, (form){false, SIZE_32, load_table(inlay__block_type_get(p->type)->values)});
}
LANES_FUNCTION static void product_by_16(const inlay__product *p) {
    product(p, (form){true, SIZE_16, load_table(inlay__block_type_get(p->type)->values)});
}
