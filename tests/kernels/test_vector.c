/* Quantisation, norms, activations, rotations: every level gives the scalar definition's bits and stays in its buffers. */
#include "test.h"

#include <math.h>

#include "kernels/math.h"
#include "support/check_kernels.h"
#include "support/guard_page.h"

enum { MAX_N = 150 };

static void check_acts(const inlay__kernels *kernels, const inlay__acts *found, const inlay__acts *expected, size_t n_cols,
                       bool by_256) {
    CHECK(memcmp(found->q, expected->q, n_cols * found->n_k) == 0);
    CHECK(same_floats("d", kernels, found->d, expected->d, n_cols * found->n_blocks));
    if (by_256) {
        CHECK(memcmp(found->sum16, expected->sum16, n_cols * found->n_k / 16 * 2) == 0);
        CHECK(memcmp(found->sum32, expected->sum32, n_cols * found->n_k / 32 * 2) == 0);
    } else {
        CHECK(memcmp(found->sum, expected->sum, n_cols * found->n_blocks * 4) == 0);
        CHECK(same_floats("dsum", kernels, found->dsum, expected->dsum, n_cols * found->n_blocks));
    }
}

TEST(quantisation_equals_the_definition) {
    uint64_t state = 1;
    inlay__kernels kernels;
    for (int number = 0; number < 200; number++) {
        size_t n_k = 256 * (1 + random_u32(&state) % 3);
        guarded x = guard_alloc(n_k * 4, 0);
        float *values = x.data;
        random_floats(&state, values, n_k);
        if (number % 7 == 0) values[random_u32(&state) % n_k] = number % 2 == 0 ? NAN : -INFINITY;
        if (number % 11 == 0) values[random_u32(&state) % n_k] = 3.4e38f;
        if (number % 13 == 0) values[0] = 0x1p-100f;
        inlay__acts expected_32 = new_acts(1, n_k, 32), expected_256 = new_acts(1, n_k, 256);
        inlay__quantize_32(values, &expected_32, 0);
        inlay__quantize_256(values, &expected_256, 0);
        for (size_t i = 0; i < n_k; i++) CHECK(expected_32.q[i] >= -127 && expected_256.q[i] >= -127);
        for (int level = -1; next_level(&level, &kernels);) {
            inlay__acts found_32 = new_acts(1, n_k, 32), found_256 = new_acts(1, n_k, 256);
            kernels.quantize_32(values, &found_32, 0);
            kernels.quantize_256(values, &found_256, 0);
            check_acts(&kernels, &found_32, &expected_32, 1, false);
            check_acts(&kernels, &found_256, &expected_256, 1, true);
            delete_acts(&found_32);
            delete_acts(&found_256);
        }
        delete_acts(&expected_32);
        delete_acts(&expected_256);
        guard_free(&x);
    }
}

TEST(quantised_values_are_near_what_they_stand_for) {
    uint64_t state = 3;
    float x[256];
    inlay__acts acts = new_acts(1, 256, 32);
    for (size_t i = 0; i < 256; i++) x[i] = random_float(&state, -3.0f, 3.0f);
    inlay__quantize_32(x, &acts, 0);
    for (size_t i = 0; i < 256; i++)
        CHECK(fabsf(x[i] - acts.d[i / 32] * (float)acts.q[i]) <= acts.d[i / 32] * 0.5001f);
    delete_acts(&acts);
}

/* Each of these reads a and b [n] and writes out [n]. */
static void rms_norm(const inlay__kernels *k, const float *a, const float *b, size_t n, float *out) {
    k->rms_norm(a, b, 1e-5f, n, out);
}
static void rms_norm_in_place(const inlay__kernels *k, const float *a, const float *b, size_t n, float *out) {
    memcpy(out, a, n * sizeof(float));
    k->rms_norm(out, b, 1e-5f, n, out);
}
static void add(const inlay__kernels *k, const float *a, const float *b, size_t n, float *out) {
    memcpy(out, b, n * sizeof(float));
    k->add(a, n, out);
}
static void silu_mul(const inlay__kernels *k, const float *a, const float *b, size_t n, float *out) { k->silu_mul(a, b, n, out); }
static void gelu_mul(const inlay__kernels *k, const float *a, const float *b, size_t n, float *out) { k->gelu_mul(a, b, n, out); }
static void weigh(const inlay__kernels *k, const float *a, const float *b, size_t n, float *out) {
    k->weigh(a, 4.0f, fabsf(b[0]) + 0.25f, n, out);
}
static void rope_adjacent(const inlay__kernels *k, const float *a, const float *b, size_t n, float *out) {
    memcpy(out, a, n * sizeof(float));
    k->rope_adjacent(b, b + n / 2, n / 2 * 2, out);
}
static void rope_halves(const inlay__kernels *k, const float *a, const float *b, size_t n, float *out) {
    memcpy(out, a, n * sizeof(float));
    k->rope_halves(b, b + n / 2, n / 2 * 2, out);
}

typedef struct operation {
    const char *name;
    void (*run)(const inlay__kernels *k, const float *a, const float *b, size_t n, float *out);
} operation;

TEST(vector_operations_equal_the_definition) {
    static const operation operations[] = {
        {"rms_norm", rms_norm}, {"rms_norm in place", rms_norm_in_place}, {"add", add}, {"silu_mul", silu_mul},
        {"gelu_mul", gelu_mul}, {"weigh", weigh}, {"rope_adjacent", rope_adjacent}, {"rope_halves", rope_halves}};
    uint64_t state = 11;
    inlay__kernels kernels, scalar;
    inlay__kernels_init(&scalar, INLAY__CPU_SCALAR);
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        for (size_t n = 1; n <= MAX_N; n++) {
            guarded a = guard_alloc(n * 4, 0), b = guard_alloc(n * 4, 0), out = guard_alloc(n * 4, 0);
            float expected[MAX_N];
            random_floats(&state, a.data, n);
            random_floats(&state, b.data, n);
            if (n % 9 == 0) ((float *)a.data)[n / 2] = n % 2 == 0 ? NAN : 200.0f;
            operations[i].run(&scalar, a.data, b.data, n, expected);
            for (int level = -1; next_level(&level, &kernels);) {
                operations[i].run(&kernels, a.data, b.data, n, out.data);
                CHECK(same_floats(operations[i].name, &kernels, out.data, expected, n));
            }
            guard_free(&a);
            guard_free(&b);
            guard_free(&out);
        }
    }
}

TEST(activations_are_near_their_formulas) {
    float gate[401], up[401], silu[401], gelu[401];
    for (int i = 0; i <= 400; i++) gate[i] = (float)(i - 200) * 0.05f, up[i] = 1.5f;
    inlay__silu_mul(gate, up, 401, silu);
    inlay__gelu_mul(gate, up, 401, gelu);
    for (int i = 0; i <= 400; i++) {
        double x = (double)gate[i], v = sqrt(2.0 / acos(-1.0)) * (x + 0.044715 * x * x * x);
        CHECK(fabs((double)silu[i] - 1.5 * x / (1.0 + exp(-x))) < 2e-6 * (1.0 + fabs(x)));
        CHECK(fabs((double)gelu[i] - 1.5 * 0.5 * x * (1.0 + tanh(v))) < 2e-6 * (1.0 + fabs(x)));
    }
}

TEST_MAIN(CASE(quantisation_equals_the_definition), CASE(quantised_values_are_near_what_they_stand_for),
          CASE(vector_operations_equal_the_definition), CASE(activations_are_near_their_formulas))
