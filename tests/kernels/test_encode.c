/* Quantising weights: how near each type comes, what it keeps exactly, and values that are not finite. */
#include "test.h"

#include <math.h>

#include "kernels/encode.h"
#include "kernels/math.h"

enum { N = 256 * 64 };

/* About normal, by sums of twelve, the same each time. */
static void fill(float *x, size_t n, float scale) {
    uint32_t state = 1;
    for (size_t i = 0; i < n; i++) {
        float sum = -6.0f;
        for (int k = 0; k < 12; k++) {
            state = state * 1664525 + 1013904223;
            sum += (float)(state >> 8) * 0x1p-24f;
        }
        x[i] = sum * scale;
    }
}

static double relative_error(uint32_t type, const float *x, size_t n) {
    static float y[N];
    static uint8_t row[4 * N];
    double error = 0, power = 0;
    inlay__encode_row(type, x, n, row);
    inlay__dequantize_row(type, row, n, y);
    for (size_t i = 0; i < n; i++) {
        error += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
        power += (double)x[i] * x[i];
    }
    return sqrt(error / power);
}

/* gguf 0.19.0 has 0.00536 and 0.0861 for Q8_0 and Q4_0 of normal values. */
TEST(normal_values_come_back_within_the_error_of_their_type) {
    static float x[N];
    static const struct {
        uint32_t type;
        double least, greatest;
    } expected[] = {
        {INLAY_TYPE_F32, 0, 0},          {INLAY_TYPE_F16, 1e-5, 4e-4},     {INLAY_TYPE_Q8_0, 0.0050, 0.0056},
        {INLAY_TYPE_Q4_0, 0.080, 0.089}, {INLAY_TYPE_Q4_K, 0.065, 0.0735}, {INLAY_TYPE_Q6_K, 0.016, 0.0182},
        {INLAY_TYPE_Q16_0, 2e-5, 3e-5}};
    for (size_t i = 0; i < INLAY__COUNT(expected); i++)
        for (int scale = 0; scale < 3; scale++) {
            CHECK(inlay__encode_knows(expected[i].type));
            fill(x, N, scale == 0 ? 0.05f : scale == 1 ? 1.0f : 30.0f);
            double error = relative_error(expected[i].type, x, N);
            if (!CHECK(error >= expected[i].least && error <= expected[i].greatest))
                fprintf(stderr, "  type %u: %g\n", expected[i].type, error);
        }
    CHECK(!inlay__encode_knows(INLAY_TYPE_Q5_K));
}

TEST(values_on_the_grid_of_a_block_are_kept_exactly) {
    float x[256];
    for (size_t i = 0; i < 256; i++) x[i] = 0.25f * (float)((int)(i * 37 % 255) - 127);
    for (size_t b = 0; b < 256; b += 32) x[b] = -0.25f * 127.0f;
    CHECK(relative_error(INLAY_TYPE_Q8_0, x, 256) == 0.0);
    for (size_t i = 0; i < 256; i++) x[i] = 0.5f * (float)((int)(i % 16) - 8);
    CHECK(relative_error(INLAY_TYPE_Q4_0, x, 256) == 0.0);
}

TEST(values_above_zero_with_a_common_offset_do_not_need_a_minimum) {
    static float x[N];
    fill(x, N, 0.01f);
    for (size_t i = 0; i < N; i++) x[i] = fabsf(x[i]) + 0.001f;
    CHECK(relative_error(INLAY_TYPE_Q4_K, x, N) < 0.05);
}

TEST(zeros_stay_zeros_and_what_is_not_finite_does_no_harm) {
    static const uint32_t types[] = {INLAY_TYPE_Q8_0, INLAY_TYPE_Q4_0, INLAY_TYPE_Q4_K, INLAY_TYPE_Q6_K,
                                     INLAY_TYPE_Q16_0};
    static const float odd[] = {0.0f, INFINITY, -INFINITY, NAN, 3e38f, 1e-45f, -1e-40f};
    for (size_t t = 0; t < INLAY__COUNT(types); t++)
        for (size_t k = 0; k < INLAY__COUNT(odd); k++) {
            float x[256] = {0}, y[256];
            uint8_t row[600];
            memset(row, 0x5a, sizeof row);
            x[5] = odd[k];
            x[200] = -odd[k];
            inlay__encode_row(types[t], x, 256, row);
            inlay__dequantize_row(types[t], row, 256, y);
            for (size_t i = 0; i < 256 && k == 0; i++) CHECK(y[i] == 0.0f);
            CHECK_INT(row[inlay__block_type_get(types[t])->size * 256 / inlay__block_type_get(types[t])->length], 0x5a);
        }
}

TEST(a_block_of_16_bits_that_is_not_finite_is_noticed_and_a_tiny_one_is_zeros) {
    static const float odd[] = {INFINITY, -INFINITY, NAN, 1e-38f, -1e-45f};
    for (size_t k = 0; k < INLAY__COUNT(odd); k++) {
        float x[256] = {0}, y[256];
        uint8_t row[520];
        x[5] = odd[k];
        x[200] = 1.0f;
        inlay__encode_row(INLAY_TYPE_Q16_0, x, 256, row);
        inlay__dequantize_row(INLAY_TYPE_Q16_0, row, 256, y);
        for (size_t i = 0; i < 128; i++) CHECK(k < 3 ? y[i] != y[i] : y[i] == 0.0f);
        for (size_t i = 128; i < 256; i++) CHECK(fabsf(y[i] - x[i]) <= 1e-7f);
    }
}

TEST_MAIN(CASE(a_block_of_16_bits_that_is_not_finite_is_noticed_and_a_tiny_one_is_zeros),
          CASE(normal_values_come_back_within_the_error_of_their_type),
          CASE(values_on_the_grid_of_a_block_are_kept_exactly),
          CASE(values_above_zero_with_a_common_offset_do_not_need_a_minimum),
          CASE(zeros_stay_zeros_and_what_is_not_finite_does_no_harm))
