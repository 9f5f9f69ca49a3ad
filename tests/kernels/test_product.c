/* Every product of every level gives the scalar definition's bits, for rows in the file's layout and packed, in whole
 * matrices and parts of them, and touches nothing beyond its buffers. */
#include "test.h"

#include <math.h>

#include "kernels/math.h"
#include "kernels/wide.h"
#include "support/check_kernels.h"
#include "support/guard_page.h"

enum { SHAPES = 240 };

typedef struct shape {
    size_t n_rows, n_k, n_cols, row_begin, row_end, col_begin, col_end;
} shape;

static shape random_shape(uint64_t *state, const inlay__block_type *type, size_t number) {
    shape s = {.n_rows = 1 + random_u32(state) % 50, .n_cols = 1 + random_u32(state) % (number % 8 == 0 ? 40 : 13)};
    /* Float rows of every length from 1 on, so that every tail is met. */
    s.n_k = type->kind == INLAY__BLOCK_FLOAT ? 1 + number
                                             : type->length * (1 + random_u32(state) % (type->length == 256 ? 3 : 9));
    if (number % 30 == 7) { /* as deep as a model's, of few rows */
        s.n_rows = 1 + random_u32(state) % 40;
        s.n_cols = 1 + random_u32(state) % 16;
        s.n_k = type->length * (1 + (1000 + random_u32(state) % 4000) / type->length);
    }
    s.row_begin = random_u32(state) % s.n_rows / 16 * 16;
    s.row_end = s.row_begin + 1 + random_u32(state) % (s.n_rows - s.row_begin);
    if (number % 2 == 0) s.row_begin = 0, s.row_end = s.n_rows;
    s.col_begin = random_u32(state) % s.n_cols;
    s.col_end = s.col_begin + 1 + random_u32(state) % (s.n_cols - s.col_begin);
    if (number % 60 == 37) s.row_begin = s.col_begin = 0, s.row_end = s.n_rows, s.col_end = s.n_cols;
    return s;
}

static const uint32_t CANARY = 0x7fedcba9;

static void fill_canaries(float *out, size_t n) {
    for (size_t i = 0; i < n; i++) memcpy(&out[i], &CANARY, 4);
}

static bool untouched(const float *x) { return memcmp(x, &CANARY, 4) == 0; }

/* What is outside the part asked for must be as it was. */
static bool only_the_part(const float *out, const shape *s) {
    for (size_t col = 0; col < s->n_cols; col++)
        for (size_t row = 0; row < s->n_rows; row++) {
            bool inside = row >= s->row_begin && row < s->row_end && col >= s->col_begin && col < s->col_end;
            if (!inside && !untouched(&out[col * s->n_rows + row])) return false;
        }
    return true;
}

/* `panel`: room for one, or NULL. */
static void multiply(const inlay__kernels *kernels, const inlay__matrix *m, const test_acts *acts, const shape *s,
                     uint8_t *panel, float *out) {
    inlay__operand operand = {&acts->acts_32, &acts->acts_256, acts->x, panel, &acts->acts_wide};
    fill_canaries(out, s->n_rows * s->n_cols);
    inlay__matrix_multiply(kernels, m, &operand, s->row_begin, s->row_end, s->col_begin, s->col_end, out, s->n_rows);
}

static void check_shape(uint32_t type, uint64_t *state, size_t number) {
    const inlay__block_type *t = inlay__block_type_get(type);
    shape s = random_shape(state, t, number);
    size_t row_size = s.n_k / t->length * t->size, unaligned = number % 64;
    test_acts acts = make_acts(state, s.n_cols, s.n_k);
    guarded (*alloc)(size_t size, int fill) = number % 3 == 0 ? guard_alloc_low : guard_alloc;
    guarded rows = alloc(s.n_rows * row_size + unaligned, 0), out = alloc(s.n_rows * s.n_cols * 4, 0);
    float *expected = malloc(s.n_rows * s.n_cols * sizeof(float));
    inlay__matrix m = {.type = type, .n_rows = s.n_rows, .n_k = s.n_k, .row_size = row_size, .data = rows.data};
    inlay__kernels kernels;
    char what[120];
    /* With `unaligned` bytes left over, the rows begin at every address modulo 64 over the shapes; they end at the
     * page. */
    m.data = (uint8_t *)rows.data + unaligned;
    random_blocks(state, type, (uint8_t *)rows.data + unaligned, s.n_rows * (s.n_k / t->length));
    snprintf(what, sizeof what, "type %u, %zu rows %zu-%zu, %zu elements, columns %zu-%zu of %zu", (unsigned)type,
             s.n_rows, s.row_begin, s.row_end, s.n_k, s.col_begin, s.col_end, s.n_cols);
    inlay__kernels_init(&kernels, INLAY__CPU_SCALAR);
    multiply(&kernels, &m, &acts, &s, NULL, expected);
    CHECK(only_the_part(expected, &s));
    for (int level = -1; next_level(&level, &kernels);) {
        multiply(&kernels, &m, &acts, &s, NULL, out.data);
        CHECK(same_floats(what, &kernels, out.data, expected, s.n_rows * s.n_cols));
        size_t size = inlay__packed_matrix_size(type, s.n_rows, s.n_k);
        if (size == 0) continue;
        guarded packed = alloc(size, 0xa5);
        size_t n_panels = (s.n_rows + 15) / 16;
        inlay__matrix pm = m;
        inlay__matrix_pack(&kernels, &m, 0, n_panels, packed.data);
        pm.data = packed.data;
        pm.packed = true;
        pm.row_size = size / (n_panels * 16);
        multiply(&kernels, &pm, &acts, &s, NULL, out.data);
        CHECK(same_floats(what, &kernels, out.data, expected, s.n_rows * s.n_cols));
        guard_free(&packed);
        guarded panel = alloc(size / n_panels, 0x77); /* rows by the kernel of panels */
        multiply(&kernels, &m, &acts, &s, panel.data, out.data);
        CHECK(same_floats(what, &kernels, out.data, expected, s.n_rows * s.n_cols));
        guard_free(&panel);
    }
    free(expected);
    guard_free(&rows);
    guard_free(&out);
    free_acts(&acts);
}

TEST(products_of_every_level_equal_the_definition) {
    uint64_t state = 20260101;
    for (size_t i = 0; i < n_product_types; i++)
        for (size_t number = 0; number < sample_of(SHAPES) && test_failures < 10; number++)
            check_shape(product_types[i], &state, number);
}

TEST(a_column_that_is_not_finite_gives_not_a_number_at_every_level) {
    uint64_t state = 7;
    enum { N_K = 256, N_ROWS = 16 };
    for (size_t i = 0; i < n_product_types; i++) {
        const inlay__block_type *t = inlay__block_type_get(product_types[i]);
        uint8_t rows[N_ROWS * N_K * 4];
        float out[N_ROWS];
        test_acts acts = make_acts(&state, 1, N_K);
        for (size_t k = 0; k < N_K; k++) acts.x[k] = 1.0f;
        acts.x[77] = INFINITY;
        inlay__quantize_32(acts.x, &acts.acts_32, 0);
        inlay__quantize_256(acts.x, &acts.acts_256, 0);
        inlay__quantize_wide(acts.x, &acts.acts_wide, 0);
        if (t->kind == INLAY__BLOCK_FLOAT) acts.x[77] = NAN;
        random_blocks(&state, product_types[i], rows, N_ROWS * (N_K / t->length));
        inlay__matrix m = {.type = product_types[i],
                           .n_rows = N_ROWS,
                           .n_k = N_K,
                           .row_size = N_K / t->length * t->size,
                           .data = rows};
        inlay__operand operand = {&acts.acts_32, &acts.acts_256, acts.x, NULL, &acts.acts_wide};
        inlay__kernels kernels;
        for (int level = -1; next_level(&level, &kernels);) {
            inlay__matrix_multiply(&kernels, &m, &operand, 0, N_ROWS, 0, 1, out, N_ROWS);
            for (size_t r = 0; r < N_ROWS; r++) CHECK(out[r] != out[r]);
        }
        free_acts(&acts);
    }
}

TEST(the_definition_is_near_the_exact_product_of_decoded_weights) {
    uint64_t state = 99;
    enum { N_K = 512 };
    for (size_t i = 0; i < n_product_types; i++) {
        const inlay__block_type *t = inlay__block_type_get(product_types[i]);
        uint8_t row[N_K * 4];
        float decoded[N_K], out;
        test_acts acts = make_acts(&state, 1, N_K);
        for (size_t k = 0; k < N_K; k++) acts.x[k] = random_float(&state, -1.0f, 1.0f);
        inlay__quantize_32(acts.x, &acts.acts_32, 0);
        inlay__quantize_256(acts.x, &acts.acts_256, 0);
        inlay__quantize_wide(acts.x, &acts.acts_wide, 0);
        random_blocks(&state, product_types[i], row, N_K / t->length);
        inlay__dequantize_row(product_types[i], row, N_K, decoded);
        double exact = 0.0, bound = 0.0;
        for (size_t k = 0; k < N_K; k++) {
            exact += (double)decoded[k] * (double)acts.x[k];
            /* Half a step of the activation, which is at most 1/127 or 1/32512, and rounding. */
            double step = t->kind == INLAY__BLOCK_WIDE ? 1.0 / INLAY__WIDE_GREATEST : 1.0 / 127;
            bound += fabs((double)decoded[k]) * (t->kind == INLAY__BLOCK_FLOAT ? 1e-6 : 0.5 * step + 1e-5);
        }
        inlay__matrix m = {
            .type = product_types[i], .n_rows = 1, .n_k = N_K, .row_size = N_K / t->length * t->size, .data = row};
        inlay__operand operand = {&acts.acts_32, &acts.acts_256, acts.x, NULL, &acts.acts_wide};
        inlay__kernels kernels;
        inlay__kernels_init(&kernels, INLAY__CPU_SCALAR);
        inlay__matrix_multiply(&kernels, &m, &operand, 0, 1, 0, 1, &out, 1);
        CHECK(fabs((double)out - exact) <= bound * 1.1 + 1e-6);
        free_acts(&acts);
    }
}

/* A packed file's panels may hold anything. Scales are kept small, so that most sums are finite. */
TEST(panels_of_any_bytes_give_the_bits_of_the_definition_at_every_level) {
    uint64_t state = 31337;
    enum { N_ROWS = 32, N_K = 512, N_COLS = 9 };
    for (size_t i = 0; i < n_product_types; i++) {
        uint32_t type = product_types[i];
        size_t size = inlay__packed_matrix_size(type, N_ROWS, N_K);
        if (size == 0) continue;
        for (int round = 0; round < 20; round++) {
            float expected[N_ROWS * N_COLS], found[N_ROWS * N_COLS];
            test_acts acts = make_acts(&state, N_COLS, N_K);
            guarded panels = guard_alloc(size, 0);
            uint8_t *bytes = panels.data;
            for (size_t k = 0; k < size; k++)
                bytes[k] = (uint8_t)(round == 0 ? 0xff : round == 1 ? 0x80 : random_u32(&state));
            size_t n_blocks = N_K / inlay__block_type_get(type)->length, block_size = size / (N_ROWS / 16) / n_blocks;
            for (size_t b = 0; b < n_blocks * (N_ROWS / 16); b++)
                for (size_t k = 1; k < 64; k += 2) bytes[b * block_size + k] &= 0xaf; /* no infinite d, dmin or m */
            inlay__matrix m = {
                .type = type, .packed = true, .n_rows = N_ROWS, .n_k = N_K, .row_size = size / N_ROWS, .data = bytes};
            inlay__operand operand = {&acts.acts_32, &acts.acts_256, acts.x, NULL, &acts.acts_wide};
            inlay__kernels kernels;
            for (int level = -1; next_level(&level, &kernels);) {
                float *out = kernels.level == INLAY__CPU_SCALAR ? expected : found;
                inlay__matrix_multiply(&kernels, &m, &operand, 0, N_ROWS, 0, N_COLS, out, N_ROWS);
                if (out == found) CHECK(same_floats("any panels", &kernels, found, expected, N_ROWS * N_COLS));
            }
            guard_free(&panels);
            free_acts(&acts);
        }
    }
}

TEST(every_level_packs_the_same_bytes) {
    uint64_t state = 77;
    enum { N_ROWS = 37, N_BLOCKS = 3 };
    for (size_t i = 0; i < n_product_types; i++) {
        const inlay__block_type *t = inlay__block_type_get(product_types[i]);
        size_t n_k = N_BLOCKS * t->length, row_size = N_BLOCKS * t->size;
        size_t size = inlay__packed_matrix_size(product_types[i], N_ROWS, n_k);
        inlay__kernels kernels;
        for (int level = -1; size > 0 && next_level(&level, &kernels);) {
            guarded rows = guard_alloc(N_ROWS * row_size, 0), expected = guard_alloc(size, 1),
                    found = guard_alloc(size, 2);
            inlay__matrix m = {
                .type = product_types[i], .n_rows = N_ROWS, .n_k = n_k, .row_size = row_size, .data = rows.data};
            for (size_t k = 0; k < N_ROWS * row_size; k++) ((uint8_t *)rows.data)[k] = (uint8_t)random_u32(&state);
            inlay__matrix_pack(NULL, &m, 0, 3, expected.data);
            inlay__matrix_pack(&kernels, &m, 0, 3, found.data);
            if (!CHECK(memcmp(expected.data, found.data, size) == 0))
                fprintf(stderr, "type %u at level %s\n", (unsigned)product_types[i], inlay__cpu_name(kernels.level));
            guard_free(&rows);
            guard_free(&expected);
            guard_free(&found);
        }
    }
}

TEST(packed_rows_decode_as_the_files_rows) {
    uint64_t state = 5;
    inlay__kernels kernels;
    for (int level = -1; next_level(&level, &kernels);) {
        for (size_t i = 0; i < n_product_types; i++) {
            const inlay__block_type *t = inlay__block_type_get(product_types[i]);
            size_t n_rows = 21, n_k = t->length * 3, row_size = 3 * t->size;
            size_t size = inlay__packed_matrix_size(product_types[i], n_rows, n_k);
            if (size == 0) continue;
            uint8_t *rows = malloc(n_rows * row_size);
            float expected[768], found[768];
            guarded packed = guard_alloc(size, 0xff);
            random_blocks(&state, product_types[i], rows, n_rows * 3);
            inlay__matrix m = {
                .type = product_types[i], .n_rows = n_rows, .n_k = n_k, .row_size = row_size, .data = rows};
            inlay__matrix_pack(&kernels, &m, 0, 2, packed.data);
            inlay__matrix pm = m;
            pm.data = packed.data;
            pm.packed = true;
            for (size_t r = 0; r < n_rows; r++) {
                inlay__matrix_row(&m, r, expected);
                inlay__matrix_row(&pm, r, found);
                CHECK(same_floats("a packed row", &kernels, found, expected, n_k));
            }
            guard_free(&packed);
            free(rows);
        }
    }
}

TEST_MAIN(CASE(products_of_every_level_equal_the_definition),
          CASE(a_column_that_is_not_finite_gives_not_a_number_at_every_level),
          CASE(the_definition_is_near_the_exact_product_of_decoded_weights),
          CASE(panels_of_any_bytes_give_the_bits_of_the_definition_at_every_level),
          CASE(every_level_packs_the_same_bytes), CASE(packed_rows_decode_as_the_files_rows))
