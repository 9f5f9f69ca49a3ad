/* Quantisation, norms, activations, rotations: every level gives the scalar definition's bits and stays in its
 * buffers. */
#include "test.h"

#include <math.h>

#include "kernels/recurrence.h"
#include "kernels/math.h"
#include "kernels/wide.h"
#include "support/check_kernels.h"
#include "support/guard_page.h"

enum { MAX_N = 230 };

static void check_acts(const inlay__kernels *kernels, const inlay__acts *found, const inlay__acts *expected,
                       size_t n_cols, bool by_256) {
    CHECK(memcmp(found->q, expected->q, n_cols * found->n_k) == 0);
    CHECK(same_floats("d", kernels, found->d, expected->d, n_cols * found->n_blocks));
    if (by_256) {
        CHECK(memcmp(found->sum16, expected->sum16, n_cols * found->n_k / 16 * 2) == 0);
        CHECK(memcmp(found->sum32, expected->sum32, n_cols * found->n_k / 32 * 2) == 0);
        CHECK(memcmp(found->zero6, expected->zero6, n_cols * found->n_k / 8 * 2) == 0);
    } else {
        CHECK(memcmp(found->sum, expected->sum, n_cols * found->n_blocks * 4) == 0);
        CHECK(same_floats("dsum", kernels, found->dsum, expected->dsum, n_cols * found->n_blocks));
    }
}

/* Of the columns before and behind nothing changes, which are filled alike. */
TEST(quantisation_of_a_column_equals_the_definition) {
    enum { N_COLS = 3 };
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
        for (size_t i = 0; number % 17 == 0 && i < 256; i++) values[i] = i % 50 == 7 ? 0x1p-100f : -0x1p-101f;
        if (number % 34 == 0) values[57] = values[7] = -0x1.fffffep-101f; /* the block is zero, the next is not */
        inlay__acts expected_32 = new_acts(N_COLS, n_k, 32), expected_256 = new_acts(N_COLS, n_k, 256);
        inlay__acts expected_wide = new_acts(N_COLS, n_k, INLAY__WIDE_LENGTH);
        inlay__quantize_32(values, &expected_32, 1);
        inlay__quantize_256(values, &expected_256, 1);
        inlay__quantize_wide(values, &expected_wide, 1);
        for (size_t i = n_k; i < 2 * n_k; i++) CHECK(expected_32.q[i] >= -127 && expected_256.q[i] >= -127);
        for (int level = -1; next_level(&level, &kernels);) {
            inlay__acts found_32 = new_acts(N_COLS, n_k, 32), found_256 = new_acts(N_COLS, n_k, 256);
            inlay__acts found_wide = new_acts(N_COLS, n_k, INLAY__WIDE_LENGTH);
            const size_t n_wide = N_COLS * found_wide.n_blocks;
            kernels.quantize_32(values, &found_32, 1);
            kernels.quantize_256(values, &found_256, 1);
            kernels.quantize_wide(values, &found_wide, 1);
            CHECK(memcmp(found_wide.q, expected_wide.q, 2 * N_COLS * n_k) == 0);
            CHECK(memcmp(found_wide.sum, expected_wide.sum, 2 * n_wide * sizeof *found_wide.sum) == 0);
            CHECK(same_floats("scales of 16 bits", &kernels, found_wide.d, expected_wide.d, n_wide));
            delete_acts(&found_wide);
            check_acts(&kernels, &found_32, &expected_32, N_COLS, false);
            check_acts(&kernels, &found_256, &expected_256, N_COLS, true);
            delete_acts(&found_32);
            delete_acts(&found_256);
        }
        delete_acts(&expected_32);
        delete_acts(&expected_256);
        delete_acts(&expected_wide);
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
static void layer_norm(const inlay__kernels *k, const float *a, const float *b, size_t n, float *out) {
    k->layer_norm(a, b, a, 1e-5f, n, out);
}
static void layer_norm_without_bias(const inlay__kernels *k, const float *a, const float *b, size_t n, float *out) {
    memcpy(out, a, n * sizeof(float));
    k->layer_norm(out, b, NULL, 1e-5f, n, out);
}
static void soft_cap(const inlay__kernels *k, const float *a, const float *b, size_t n, float *out) {
    memcpy(out, a, n * sizeof(float));
    k->soft_cap(fabsf(b[0]) + 0.5f, n, out);
}
static void silu(const inlay__kernels *k, const float *a, const float *b, size_t n, float *out) {
    k->activate(INLAY__SILU, a, b, n, out);
}
static void gelu_tanh(const inlay__kernels *k, const float *a, const float *b, size_t n, float *out) {
    k->activate(INLAY__GELU_TANH, a, b, n, out);
}
static void gelu_erf(const inlay__kernels *k, const float *a, const float *b, size_t n, float *out) {
    k->activate(INLAY__GELU_ERF, a, b, n, out);
}
static void gelu_quick(const inlay__kernels *k, const float *a, const float *b, size_t n, float *out) {
    k->activate(INLAY__GELU_QUICK, a, b, n, out);
}
static void relu(const inlay__kernels *k, const float *a, const float *b, size_t n, float *out) {
    k->activate(INLAY__RELU, a, b, n, out);
}
static void relu2(const inlay__kernels *k, const float *a, const float *b, size_t n, float *out) {
    k->activate(INLAY__RELU2, a, b, n, out);
}
static void activations_alone(const inlay__kernels *k, const float *a, const float *b, size_t n, float *out) {
    memcpy(out, a, n * sizeof(float));
    k->activate((inlay__activation)(n % INLAY__N_ACTIVATIONS), out, NULL, n, out);
    (void)b;
}
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
    static const operation operations[] = {{"rms_norm", rms_norm},
                                           {"rms_norm in place", rms_norm_in_place},
                                           {"add", add},
                                           {"layer_norm", layer_norm},
                                           {"layer_norm without bias", layer_norm_without_bias},
                                           {"soft_cap", soft_cap},
                                           {"silu", silu},
                                           {"gelu_tanh", gelu_tanh},
                                           {"gelu_erf", gelu_erf},
                                           {"gelu_quick", gelu_quick},
                                           {"relu", relu},
                                           {"relu2", relu2},
                                           {"activations alone", activations_alone},
                                           {"weigh", weigh},
                                           {"rope_adjacent", rope_adjacent},
                                           {"rope_halves", rope_halves}};
    uint64_t state = 11;
    inlay__kernels kernels, scalar;
    inlay__kernels_init(&scalar, INLAY__CPU_SCALAR);
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        static const size_t long_ones[] = {257, 1000, 4099};
        for (size_t number = 1; number <= MAX_N + 3; number++) {
            size_t n = number <= MAX_N ? number : long_ones[number - MAX_N - 1];
            guarded a = guard_alloc(n * 4, 0), b = guard_alloc(n * 4, 0), out = guard_alloc(n * 4, 0);
            float expected[4099];
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

static double by_formula(int activation, double x) {
    switch (activation) {
    case INLAY__SILU: return x / (1.0 + exp(-x));
    case INLAY__GELU_TANH: return 0.5 * x * (1.0 + tanh(sqrt(2.0 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
    case INLAY__GELU_ERF: return 0.5 * x * (1.0 + erf(x / sqrt(2.0)));
    case INLAY__GELU_QUICK: return x / (1.0 + exp(-1.702 * x));
    case INLAY__RELU: return x > 0.0 ? x : 0.0;
    case INLAY__RELU2: return x > 0.0 ? x * x : 0.0;
    default: return tanh(x);
    }
}

TEST(activations_are_near_their_formulas) {
    float x[401], up[401], alone[401], gated[401];
    for (int i = 0; i <= 400; i++) x[i] = (float)(i - 200) * 0.05f, up[i] = 1.5f;
    for (int kind = 0; kind < INLAY__N_ACTIVATIONS; kind++) {
        inlay__activate((inlay__activation)kind, x, NULL, 401, alone);
        inlay__activate((inlay__activation)kind, x, up, 401, gated);
        for (int i = 0; i <= 400; i++) {
            double y = by_formula(kind, (double)x[i]), most = 2e-6 * (1.0 + fabs((double)x[i]));
            CHECK(fabs((double)alone[i] - y) < most);
            CHECK(fabs((double)gated[i] - 1.5 * y) < 1.5 * most);
        }
    }
}

TEST(layer_norm_and_soft_cap_are_near_their_formulas) {
    float x[77], w[77], bias[77], y[77];
    double mean = 0, variance = 0;
    for (int i = 0; i < 77; i++) {
        x[i] = 100.0f + (float)(i * 37 % 77) * 0.25f, w[i] = (float)i * 0.1f - 3.0f, bias[i] = (float)(i % 5);
        mean += (double)x[i] / 77;
    }
    for (int i = 0; i < 77; i++) variance += ((double)x[i] - mean) * ((double)x[i] - mean) / 77;
    inlay__layer_norm(x, w, bias, 1e-3f, 77, y);
    for (int i = 0; i < 77; i++)
        CHECK(fabs((double)y[i] - (((double)x[i] - mean) / sqrt(variance + 1e-3) * (double)w[i] + (double)bias[i])) <
              2e-5);
    inlay__soft_cap(30.0f, 77, x);
    for (int i = 0; i < 77; i++) {
        double was = 100.0 + (double)(i * 37 % 77) * 0.25;
        CHECK(fabs((double)x[i] - 30.0 * tanh(was / 30.0)) < 1e-4);
    }
}

TEST(functions_of_recurrent_steps_are_near_their_formulas) {
    for (int i = -400; i <= 400; i++) {
        float x = (float)i * 0.05f;
        double exact = (double)x;
        CHECK(fabs((double)inlay__softplus(x) - log1p(exp(exact))) < 3e-7 * (1.0 + fabs(exact)));
        CHECK(fabs((double)inlay__sigmoid(x) - 1.0 / (1.0 + exp(-exact))) < 3e-7);
        CHECK(fabs((double)inlay__tanh(x) - tanh(exact)) < 3e-7);
    }
}

/* However the columns are cut, and whether the state is written where it was read. */
TEST(a_convolution_is_near_its_formula_and_goes_on_from_its_state) {
    enum { N_TAPS = 4, N = 5, N_COLS = 9 };
    float x[N_COLS * N], taps[N_TAPS * N], bias[N], y[N_COLS * N];
    uint64_t seed = 3;
    random_floats(&seed, x, N_COLS * N);
    random_floats(&seed, taps, N_TAPS * N);
    random_floats(&seed, bias, N);
    for (size_t step = 1; step <= N_COLS; step++) {
        float state[(N_TAPS - 1) * N] = {0};
        for (size_t at = 0; at < N_COLS; at += step) {
            inlay__convolution c = {.n_taps = N_TAPS,
                                    .n_channels = N,
                                    .n_cols = at + step < N_COLS ? step : N_COLS - at,
                                    .taps = taps,
                                    .bias = bias,
                                    .x = x + at * N,
                                    .x_stride = N,
                                    .y = y + at * N,
                                    .y_stride = N,
                                    .before = state,
                                    .after = state};
            inlay__convolve(&c, 0, 3);
            inlay__convolve(&c, 3, N);
        }
        for (size_t col = 0; col < N_COLS; col++)
            for (size_t i = 0; i < N; i++) {
                double sum = (double)bias[i], size = 1.0;
                for (size_t k = 0; k < N_TAPS; k++) {
                    if (col + k + 1 < N_TAPS) continue;
                    sum += (double)taps[k * N + i] * (double)x[(col + k + 1 - N_TAPS) * N + i];
                    size += fabs((double)taps[k * N + i] * (double)x[(col + k + 1 - N_TAPS) * N + i]);
                }
                CHECK(fabs((double)y[col * N + i] - sum) < 1e-6 * size);
            }
    }
}

TEST_MAIN(CASE(functions_of_recurrent_steps_are_near_their_formulas),
          CASE(a_convolution_is_near_its_formula_and_goes_on_from_its_state),
          CASE(quantisation_of_a_column_equals_the_definition), CASE(quantised_values_are_near_what_they_stand_for),
          CASE(vector_operations_equal_the_definition), CASE(activations_are_near_their_formulas),
          CASE(layer_norm_and_soft_cap_are_near_their_formulas))
