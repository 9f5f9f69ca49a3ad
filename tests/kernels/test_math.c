/* The elementary functions: fma and half floats exactly, exp and the double functions within what their header says. */
#include "test.h"

#include <math.h>

#include "kernels/math.h"
#include "kernels/cpu.h"
#include "support/check_kernels.h"

#if defined(__FP_FAST_FMAF) || defined(__aarch64__)
#define inlay__fma_soft inlay__fma /* the instruction is the definition here */
#endif

static bool same(float a, float b) { return inlay__f32_bits(a) == inlay__f32_bits(b) || (a != a && b != b); }

static void check_fma(float x, float y, float z) {
    if (!CHECK(same(inlay__fma_soft(x, y, z), fmaf(x, y, z))))
        fprintf(stderr, "fma(%a, %a, %a) is %a, expected %a\n", (double)x, (double)y, (double)z,
                (double)inlay__fma_soft(x, y, z), (double)fmaf(x, y, z));
}

#ifdef __MINGW32__
#define LIBM_IS_EXACT 0 /* fmaf rounds twice and gives -inf for what is no number; sin and cos are not within 2^-50 */
#else
#define LIBM_IS_EXACT 1
#endif

TEST(fma_is_rounded_once) {
    if (!LIBM_IS_EXACT) SKIP("there is nothing to compare with");
    uint64_t state = 2;
    for (int i = 0; i < 3000000 && test_failures == 0; i++) {
        float x = inlay__bits_f32(random_u32(&state)), y = inlay__bits_f32(random_u32(&state));
        float z = inlay__bits_f32(random_u32(&state));
        check_fma(x, y, z);
        /* Near cancellation, and half way between two floats. */
        x = random_float(&state, 1.0f, 2.0f);
        y = random_float(&state, 1.0f, 2.0f);
        check_fma(x, y, -(x * y));
        check_fma(x, y, inlay__bits_f32((random_u32(&state) & 0x80ffffff) + 0x33000000));
        /* Results among the subnormals. */
        check_fma(x * 0x1p-70f, y * 0x1p-70f, inlay__bits_f32(random_u32(&state) & 0x80ffffff));
    }
    check_fma(0x1.000002p0f, 0x1.000002p0f, 0x1p-60f);
    check_fma(0x1.000002p0f, 0x1.fffffep-1f, -0x1p-60f);
    check_fma(3.4e38f, 2.0f, -INFINITY);
    check_fma(0.0f, -1.0f, 0.0f);
    check_fma(-0.0f, 1.0f, -0.0f);
}

/* The value of a half float from its definition. */
static double half_value(uint16_t half) {
    int exponent = half >> 10 & 31, fraction = half & 1023;
    double magnitude = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    return half >> 15 != 0 ? -magnitude : magnitude;
}

TEST(every_half_float_converts_exactly_and_back) {
    for (uint32_t half = 0; half < 65536; half++) {
        float value = inlay__f16_to_f32((uint16_t)half);
        if ((half & 0x7c00) == 0x7c00) {
            CHECK((half & 1023) == 0 ? isinf(value) : isnan(value));
            continue;
        }
        CHECK((double)value == half_value((uint16_t)half));
        CHECK(inlay__f32_to_f16(value) == half);
    }
}

TEST(floats_round_to_the_nearest_half_float) {
    for (uint32_t half = 0; half < 0x7bff; half++) {
        float low = inlay__f16_to_f32((uint16_t)half), high = inlay__f16_to_f32((uint16_t)(half + 1));
        float middle = 0.5f * (low + high); /* exact */
        CHECK(inlay__f32_to_f16(middle) == (half % 2 == 0 ? half : half + 1));
        CHECK(inlay__f32_to_f16(nextafterf(middle, 0.0f)) == half);
        CHECK(inlay__f32_to_f16(nextafterf(middle, INFINITY)) == half + 1);
        CHECK(inlay__f32_to_f16(-middle) == (0x8000 | (half % 2 == 0 ? half : half + 1)));
    }
    CHECK(inlay__f32_to_f16(65519.0f) == 0x7bff);
    CHECK(inlay__f32_to_f16(65520.0f) == 0x7c00);
    CHECK(inlay__f32_to_f16(INFINITY) == 0x7c00);
    CHECK((inlay__f32_to_f16(NAN) & 0x7fff) > 0x7c00);
    CHECK(inlay__f32_to_f16(0x1p-26f) == 0);
}

TEST(exp_is_within_its_error) {
    double worst = 0.0;
    for (float x = -87.33f; x < 88.3f; x += 0.0007f) {
        double exact = exp((double)x), error = fabs((double)inlay__exp(x) - exact) / exact;
        if (error > worst) worst = error;
    }
    CHECK(worst < 0x1p-22);
    CHECK(inlay__exp(0.0f) == 1.0f);
    CHECK(inlay__f32_bits(inlay__exp(-88.0f)) == 0);
    CHECK(inlay__f32_bits(inlay__exp(-INFINITY)) == 0);
    CHECK(inlay__exp(INFINITY) == inlay__exp(88.3f) && inlay__exp(88.3f) > 2e38f);
    CHECK(inlay__exp(NAN) != inlay__exp(NAN));
}

TEST(double_functions_are_within_their_error) {
    if (!LIBM_IS_EXACT) SKIP("there is nothing to compare with");
    uint64_t state = 6;
    double worst_sine = 0.0, worst_exp = 0.0, worst_log = 0.0;
    for (int i = 0; i < 300000; i++) {
        double u = (double)random_u32(&state) * 0x1p-32, x = i % 2 == 0 ? u * 8.0 : u * 0x1p20, sine, cosine;
        inlay__sincos_f64(x, &sine, &cosine);
        worst_sine = fmax(worst_sine, fmax(fabs(sine - sin(x)), fabs(cosine - cos(x))));
        double e = (u - 0.5) * 100.0, exact = exp(e);
        worst_exp = fmax(worst_exp, fabs(inlay__exp_f64(e) - exact) / exact);
        double value = exp((u - 0.5) * 60.0);
        worst_log = fmax(worst_log, fabs(inlay__log_f64(value) - log(value)) / fmax(fabs(log(value)), 0x1p-3));
    }
    CHECK(worst_sine < 0x1p-50);
    CHECK(worst_exp < 0x1p-50);
    CHECK(worst_log < 0x1p-50);
    CHECK(fabs(inlay__pow_f64(10000.0, -0.75) - 0.001) < 1e-17);
    CHECK(inlay__exp_f64(0.0) == 1.0 && inlay__log_f64(1.0) == 0.0);
}

TEST(double_functions_take_what_is_no_number) {
    double sine, cosine, wild[] = {NAN, INFINITY, -INFINITY, 0x1p60, -0x1p200};
    for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
        inlay__sincos_f64(wild[i], &sine, &cosine);
        CHECK(isnan(sine) && isnan(cosine));
    }
    CHECK(isnan(inlay__exp_f64(NAN)));
    CHECK(inlay__exp_f64(-INFINITY) == 0.0 && inlay__exp_f64(INFINITY) > 1e300);
}

TEST(levels_have_names_and_the_best_is_there) {
    inlay__cpu level;
    CHECK(inlay__cpu_has(INLAY__CPU_SCALAR));
    CHECK(inlay__cpu_has(inlay__cpu_best()));
    for (int i = 0; i < INLAY__CPU_N_LEVELS; i++) {
        const char *name = inlay__cpu_name((inlay__cpu)i);
        CHECK(inlay__cpu_find(name, strlen(name), &level) && (int)level == i);
        CHECK_HAS(INLAY__CPU_NAMES, name);
    }
    CHECK(!inlay__cpu_find("avx", 3, &level) && !inlay__cpu_find("avx2x", 5, &level));
}

TEST_MAIN(CASE(fma_is_rounded_once), CASE(every_half_float_converts_exactly_and_back),
          CASE(floats_round_to_the_nearest_half_float), CASE(exp_is_within_its_error),
          CASE(double_functions_are_within_their_error),
          CASE(double_functions_take_what_is_no_number), CASE(levels_have_names_and_the_best_is_there))
