/* The product kernels alone: products a second of each type and level, one thread, weights of one layer's size, beside
 * what the CPU does at most with the same instructions. Prompts take many columns, generation one.
 *
 *     bench_product [LEVEL [ROWS ELEMENTS]]     LEVEL: all, scalar, avx2, ...; the default matrix is 1536 x 576
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "format/dtype.h"
#include "kernels/math.h"
#include "kernels/wide.h"
#include "support/check_kernels.h"

enum { MANY_COLS = 256, N_ROUNDS = 9 };

typedef struct bench {
    inlay__matrix rows, packed;
    test_acts acts; /* MANY_COLS columns */
    float *out;     /* [MANY_COLS, n_rows] */
} bench;

/* What machine.c asks of the program. */
double cli_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The matrix by n_cols columns in tasks of 32 rows, as the forward pass does it; the best time of the rounds. */
static double measure(const inlay__kernels *kernels, const bench *b, const inlay__matrix *m, size_t n_cols) {
    inlay__operand operand = {&b->acts.acts_32, &b->acts.acts_256, b->acts.x, NULL, &b->acts.acts_wide};
    double best = 1e30;
    for (int round = 0; round < N_ROUNDS; round++) {
        size_t n_loops = 0;
        double began = seconds(), took;
        do {
            for (size_t row = 0; row < m->n_rows; row += 32)
                inlay__matrix_multiply(kernels, m, &operand, row, inlay__min_size(row + 32, m->n_rows), 0, n_cols,
                                       b->out, m->n_rows);
            n_loops++;
            took = seconds() - began;
        } while (took < 0.004);
        if (took / (double)n_loops < best) best = took / (double)n_loops;
    }
    return best;
}

/* Subnormal numbers would take the CPU's slow path, which is not what is measured. */
static void make_ordinary(uint64_t *state, bench *b, size_t n_k) {
    for (size_t i = 0; i < MANY_COLS * n_k; i++) b->acts.x[i] = random_float(state, -4.0f, 4.0f);
    for (size_t col = 0; col < MANY_COLS; col++) {
        inlay__quantize_32(b->acts.x + col * n_k, &b->acts.acts_32, col);
        if (n_k % INLAY__K_LENGTH == 0) inlay__quantize_256(b->acts.x + col * n_k, &b->acts.acts_256, col);
        if (n_k % INLAY__WIDE_LENGTH == 0) inlay__quantize_wide(b->acts.x + col * n_k, &b->acts.acts_wide, col);
    }
}

/* The same of float weights. */
static void fill_weights(uint64_t *state, uint32_t type, uint8_t *data, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float value = random_float(state, -1.0f, 1.0f);
        uint32_t bits = inlay__f32_bits(value);
        uint16_t half = type == INLAY_TYPE_F16 ? inlay__f32_to_f16(value) : (uint16_t)(bits >> 16);
        if (type == INLAY_TYPE_F32)
            memcpy(data + 4 * i, &bits, 4);
        else
            memcpy(data + 2 * i, &half, 2);
    }
}

static void *allocate(size_t size) {
    void *memory = NULL;
    if (posix_memalign(&memory, 4096, size + 1) != 0) exit(1);
    memset(memory, 0, size);
    return memory;
}

static void run_type(const inlay__kernels *kernels, const cli_machine *machine, uint32_t type, size_t n_rows,
                     size_t n_k) {
    const inlay__block_type *t = inlay__block_type_get(type);
    uint64_t state = 7;
    if (n_k % t->length != 0) n_k = inlay__round_up(n_k, t->length);
    size_t row_size = n_k / t->length * t->size, size = inlay__matrix_packed_size(kernels, type, n_rows, n_k);
    uint8_t *data = allocate(n_rows * row_size), *panels = allocate(size);
    bench b = {.rows = {.type = type, .n_rows = n_rows, .n_k = n_k, .row_size = row_size, .data = data},
               .acts = make_acts(&state, MANY_COLS, n_k),
               .out = allocate(n_rows * MANY_COLS * sizeof(float))};
    if (t->kind == INLAY__BLOCK_FLOAT)
        fill_weights(&state, type, data, n_rows * n_k);
    else
        random_blocks(&state, type, data, n_rows * (n_k / t->length));
    for (size_t i = 0; type == INLAY_TYPE_MXFP4 && i < n_rows * row_size; i += t->size)
        data[i] = 120; /* no subnormal scales, which CPUs are slow with and models do not have */
    make_ordinary(&state, &b, n_k);
    b.packed = b.rows;
    if (size > 0) {
        inlay__matrix_pack(NULL, &b.rows, 0, (n_rows + 15) / 16, panels);
        b.packed.packed = true;
        b.packed.row_size = size / inlay__round_up(n_rows, 16);
        b.packed.data = panels;
    }
    static const size_t n_cols[] = {MANY_COLS, 8, 4, 1};
    printf("%-8s %-8s %-6s", inlay__cpu_name(kernels->level), inlay__dtype_any_name(type),
           size > 0 ? "packed" : "rows");
    for (size_t i = 0; i < INLAY__COUNT(n_cols); i++) {
        double took = measure(kernels, &b, &b.packed, n_cols[i]);
        double products = (double)n_rows * (double)n_k * (double)n_cols[i] / took;
        printf("  %8.1f %3.0f%%", products * 1e-9, machine->products > 0 ? 100 * products / machine->products : 0);
        if (n_cols[i] == 1) printf("  %8.1f", (double)(b.packed.row_size * n_rows) / took * 1e-9);
    }
    printf("\n");
    free(data), free(panels), free(b.out);
    free_acts(&b.acts);
}

int main(int argc, char **argv) {
    const char *only = argc > 1 ? argv[1] : "all";
    size_t n_rows = argc > 3 ? strtoul(argv[2], NULL, 10) : 1536, n_k = argc > 3 ? strtoul(argv[3], NULL, 10) : 576;
    inlay__kernels kernels;
    printf("%-8s %-8s %-6s", "level", "type", "");
    printf("  %13s  %13s  %13s  %13s  %8s\n", "256 columns", "8", "4", "1 (G/s, peak)", "GB/s");
    for (int level = -1; next_level(&level, &kernels);) {
        const char *name = inlay__cpu_name(kernels.level);
        if (strcmp(only, "all") != 0 && strcmp(only, name) != 0) continue;
        cli_machine machine = cli_measure_machine(name, 1);
        for (size_t i = 0; i < n_product_types; i++)
            run_type(&kernels, &machine, product_types[i], n_rows, n_k);
        printf("%-8s at most %.1f G products a second\n\n", name, machine.products * 1e-9);
    }
    return 0;
}
