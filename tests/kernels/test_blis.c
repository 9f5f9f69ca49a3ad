/* With the build option INLAY_BLIS products of float weights with many columns are near the exact ones, those with few
 * have the definition's bits, and the build says that it leaves the promise. Without it no product goes to BLIS. */
#include "test.h"

#include <math.h>

#include "inlay.h"
#include "kernels/math.h"
#include "support/check_kernels.h"
#include "support/guard_page.h"

#if defined(INLAY_BLIS)

enum { ROWS = 70, COLS = 33, DEPTH = 700 };

static const uint32_t types[] = {INLAY_TYPE_F32, INLAY_TYPE_F16, INLAY_TYPE_BF16};

typedef struct problem {
    guarded rows, x, out;
    inlay__matrix matrix;
} problem;

static problem make_problem(uint64_t *state, uint32_t type) {
    size_t size = inlay__block_type_get(type)->size;
    problem p = {.rows = guard_alloc(ROWS * DEPTH * size, 0),
                 .x = guard_alloc(COLS * DEPTH * sizeof(float), 0),
                 .out = guard_alloc(COLS * ROWS * sizeof(float), 0)};
    for (size_t i = 0; i < ROWS * DEPTH; i++) {
        float w = random_float(state, -1.0f, 1.0f);
        uint32_t bits = inlay__f32_bits(w), half = type == INLAY_TYPE_F16 ? inlay__f32_to_f16(w) : bits >> 16;
        for (size_t b = 0; b < size; b++)
            ((uint8_t *)p.rows.data)[i * size + b] = (uint8_t)((size == 4 ? bits : half) >> 8 * b);
    }
    for (size_t i = 0; i < COLS * DEPTH; i++) ((float *)p.x.data)[i] = random_float(state, -1.0f, 1.0f);
    p.matrix =
        (inlay__matrix){.type = type, .n_rows = ROWS, .n_k = DEPTH, .row_size = DEPTH * size, .data = p.rows.data};
    return p;
}

static void free_problem(problem *p) {
    guard_free(&p->rows);
    guard_free(&p->x);
    guard_free(&p->out);
}

TEST(products_by_blis_are_near_the_exact_ones) {
    uint64_t state = 42;
    inlay__kernels kernels;
    inlay__kernels_init(&kernels, inlay__cpu_best());
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        problem p = make_problem(&state, types[t]);
        inlay__operand operand = {.x = p.x.data};
        float *out = p.out.data, row[DEPTH];
        for (size_t i = 0; i < COLS * ROWS; i++) out[i] = 1e30f;
        inlay__matrix_multiply(&kernels, &p.matrix, &operand, 16, ROWS - 3, 1, COLS, out, ROWS);
        for (size_t r = 0; r < ROWS; r++) {
            inlay__matrix_row(&p.matrix, r, row);
            for (size_t c = 0; c < COLS; c++) {
                double exact = 0.0;
                for (size_t k = 0; k < DEPTH; k++) exact += (double)row[k] * (double)((float *)p.x.data)[c * DEPTH + k];
                if (r < 16 || r >= ROWS - 3 || c == 0)
                    CHECK(out[c * ROWS + r] == 1e30f);
                else
                    CHECK(fabs((double)out[c * ROWS + r] - exact) < 2e-4);
            }
        }
        free_problem(&p);
    }
}

TEST(few_columns_keep_the_bits_of_the_definition) {
    uint64_t state = 43;
    inlay__kernels kernels, scalar;
    inlay__kernels_init(&kernels, inlay__cpu_best());
    inlay__kernels_init(&scalar, INLAY__CPU_SCALAR);
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        problem p = make_problem(&state, types[t]);
        inlay__operand operand = {.x = p.x.data};
        float expected[7 * ROWS];
        inlay__matrix_multiply(&scalar, &p.matrix, &operand, 0, ROWS, 0, 7, expected, ROWS);
        inlay__matrix_multiply(&kernels, &p.matrix, &operand, 0, ROWS, 0, 7, p.out.data, ROWS);
        CHECK(same_floats("few columns", &kernels, p.out.data, expected, 7 * ROWS));
        free_problem(&p);
    }
}

TEST(the_build_says_that_it_leaves_the_promise) {
    CHECK_HAS(inlay_build_info(), "with BLIS, without the promise of bits");
}

TEST_MAIN(CASE(products_by_blis_are_near_the_exact_ones), CASE(few_columns_keep_the_bits_of_the_definition),
          CASE(the_build_says_that_it_leaves_the_promise))

#else

TEST(the_build_keeps_the_promise) { CHECK(strstr(inlay_build_info(), "BLIS") == NULL); }

TEST_MAIN(CASE(the_build_keeps_the_promise))

#endif
