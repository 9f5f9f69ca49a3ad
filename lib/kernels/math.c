/* The elementary functions, from their definitions: polynomials and exact reductions, each operation
 * rounded once. */
#include <stdbool.h>

#include "kernels/math.h"

static uint64_t f64_bits(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double bits_f64(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#if !(defined(__FP_FAST_FMAF) || (defined(__aarch64__) && defined(__GNUC__)))
/* The product of two floats is exact in double. Adding z rounds once; rounding that to float would be the
 * second time. Where the double sum is inexact its last bit is made odd instead, so that the final
 * rounding sees which side the true value lies on [Boldo and Melquiond 2008]. */
float inlay__fma_soft(float x, float y, float z) {
    double product = (double)x * (double)y, addend = (double)z;
    double sum = product + addend;
    double part = sum - product;
    double error = (product - (sum - part)) + (addend - part);
    uint64_t bits = f64_bits(sum);
    if (error != 0.0 && (bits & 1) == 0 && (bits & 0x7ff0000000000000u) != 0x7ff0000000000000u) {
        bool away = (error > 0.0) == (sum > 0.0); /* the true value is beyond the sum, seen from 0 */
        sum = bits_f64(away ? bits + 1 : bits - 1);
    }
    return (float)sum;
}
#endif

float inlay__f16_to_f32(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
    if (exponent == 31) return inlay__bits_f32(sign | 0x7f800000 | fraction << 13 | (fraction != 0 ? 0x400000u : 0));
    if (exponent != 0) return inlay__bits_f32(sign | (exponent + 112) << 23 | fraction << 13);
    float magnitude = (float)fraction * 0x1p-24f; /* exact */
    return inlay__bits_f32(sign | inlay__f32_bits(magnitude));
}

uint16_t inlay__f32_to_f16(float value) {
    uint32_t bits = inlay__f32_bits(value);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00);
    if (magnitude >= 0x47800000) return (uint16_t)(sign | 0x7c00); /* 65536 and above */
    if (magnitude < 0x38800000) {                                  /* below 2^-14: subnormal */
        /* Adding 1/2 makes the float's last bit worth 2^-24, the half's, and rounds to even. */
        uint32_t sum = inlay__f32_bits(inlay__bits_f32(magnitude) + 0.5f);
        return (uint16_t)(sign | (sum - 0x3f000000));
    }
    magnitude += 0xfff + (magnitude >> 13 & 1);
    return (uint16_t)(sign | ((magnitude - 0x38000000) >> 13));
}

/* e^x = 2^n e^r with n = round(x / ln 2) and |r| <= ln 2 / 2; e^r by a polynomial of degree 6 whose
 * relative error is below 2^-28. */
float inlay__exp(float x) {
    if (x != x) return x;
    if (x < -87.33f) return 0.0f;
    if (x > 88.3f) x = 88.3f;
    float n = inlay__round_even(x * 0x1.715476p+0f);
    float r = inlay__fma(-n, 0x1.62e400p-1f, x); /* ln 2, its upper bits */
    r = inlay__fma(-n, 0x1.7f7d1cp-20f, r);      /* and the rest */
    float p = 0x1.6a4748p-10f;
    p = inlay__fma(p, r, 0x1.1239a2p-7f);
    p = inlay__fma(p, r, 0x1.5558b6p-5f);
    p = inlay__fma(p, r, 0x1.555492p-3f);
    p = inlay__fma(p, r, 0x1.fffffcp-2f);
    p = inlay__fma(p, r, 1.0f);
    p = inlay__fma(p, r, 1.0f);
    return p * inlay__bits_f32((uint32_t)((int32_t)n + 127) << 23);
}

/* Below 0.925 x times a polynomial in x^2; above 1 - e^-p with a polynomial p for -log(1 - erf). */
float inlay__erf(float x) {
    float t = inlay__bits_f32(inlay__f32_bits(x) & 0x7fffffff);
    if (x != x) return x;
    if (t < 0.925f) {
        float z = x * x, p = 0x1.5ebd84p-14f;
        p = inlay__fma(p, z, -0x1.aad914p-11f);
        p = inlay__fma(p, z, 0x1.54da22p-8f);
        p = inlay__fma(p, z, -0x1.b8108cp-6f);
        p = inlay__fma(p, z, 0x1.ce2e22p-4f);
        p = inlay__fma(p, z, -0x1.812744p-2f);
        p = inlay__fma(p, z, 0x1.20dd76p+0f);
        return p * x;
    }
    if (t > 4.0f) t = 4.0f;
    float p = 0x1.ea053cp-22f;
    p = inlay__fma(p, t, 0x1.fe7f92p-17f);
    p = inlay__fma(p, t, -0x1.a58ccep-12f);
    p = inlay__fma(p, t, 0x1.0acb72p-8f);
    p = inlay__fma(p, t, -0x1.987584p-6f);
    p = inlay__fma(p, t, 0x1.ba9908p-4f);
    p = inlay__fma(p, t, 0x1.445b5ep-1f);
    p = inlay__fma(p, t, 0x1.21238cp+0f);
    p = inlay__fma(p, t, -0x1.56035ep-13f);
    float y = 1.0f - inlay__exp(-p);
    return inlay__bits_f32(inlay__f32_bits(y) | (inlay__f32_bits(x) & 0x80000000u));
}

/* Double precision without fma: pairs of doubles carry what one cannot. */

/* x - n c for n below 2^20 or so, c given in three parts of 33 bits or fewer: the first two products are exact. */
static double reduce(double x, double n, double c1, double c2, double c3) { return ((x - n * c1) - n * c2) - n * c3; }

void inlay__sincos_f64(double x, double *sine, double *cosine) {
    /* n = round(x 2/pi); the remainder lies within pi/4. pi/2 = 33 bits + 33 bits + rest. */
    double shifter = 0x1.8p52;
    if (!(x > -0x1p40 && x < 0x1p40)) { /* beyond any position: only a damaged file asks */
        *sine = *cosine = bits_f64(0x7ff8000000000000u);
        return;
    }
    double n = (x * 0x1.45f306dc9c883p-1 + shifter) - shifter;
    double r = reduce(x, n, 0x1.921fb54400000p+0, 0x1.0b4611a600000p-34, 0x1.3198a2e037073p-69);
    double z = r * r;
    double s = -0x1.ae7f3e733b81fp-41; /* 1/15! */
    s = s * z + 0x1.6124613a86d09p-33;
    s = s * z - 0x1.ae64567f544e4p-26;
    s = s * z + 0x1.71de3a556c734p-19;
    s = s * z - 0x1.a01a01a01a01ap-13;
    s = s * z + 0x1.1111111111111p-7;
    s = s * z - 0x1.5555555555555p-3;
    s = r + r * z * s;
    double c = 0x1.ae7f3e733b81fp-45; /* 1/16! */
    c = c * z - 0x1.93974a8c07c9dp-37;
    c = c * z + 0x1.1eed8eff8d898p-29;
    c = c * z - 0x1.27e4fb7789f5cp-22;
    c = c * z + 0x1.a01a01a01a01ap-16;
    c = c * z - 0x1.6c16c16c16c17p-10;
    c = c * z + 0x1.5555555555555p-5;
    c = c * z - 0.5;
    c = 1.0 + z * c;
    int quadrant = (int)((int64_t)n & 3);
    double first = (quadrant & 1) != 0 ? c : s, second = (quadrant & 1) != 0 ? s : c;
    *sine = (quadrant & 2) != 0 ? -first : first;
    *cosine = ((quadrant + 1) & 2) != 0 ? -second : second;
}

double inlay__exp_f64(double x) {
    if (x != x) return x;
    if (x < -700.0) return 0.0;
    if (x > 700.0) x = 700.0;
    double shifter = 0x1.8p52;
    double n = (x * 0x1.71547652b82fep+0 + shifter) - shifter;
    double r = reduce(x, n, 0x1.62e42fef00000p-1, 0x1.473de6af00000p-34, 0x1.3c7673007e5edp-69);
    double term = 1.0, sum = 0.0;
    /* Taylor's series from its last term: |r| <= 0.35, 0.35^17 / 17! < 2^-70. */
    for (int i = 17; i >= 1; i--) {
        sum = (sum + 1.0) * r / (double)i;
    }
    term += sum;
    return term * bits_f64((uint64_t)((int64_t)n + 1023) << 52);
}

double inlay__log_f64(double x) {
    /* x = m 2^e with m in [sqrt(1/2), sqrt(2)); log m = 2 artanh((m - 1) / (m + 1)). */
    uint64_t bits = f64_bits(x);
    int exponent = (int)(bits >> 52) - 1023;
    double m = bits_f64((bits & 0xfffffffffffffu) | 0x3ff0000000000000u);
    if (m > 0x1.6a09e667f3bcdp+0) {
        m *= 0.5;
        exponent++;
    }
    double s = (m - 1.0) / (m + 1.0), z = s * s, series = 0.0;
    for (int i = 23; i >= 1; i -= 2) series = series * z + 1.0 / (double)i; /* |s| < 0.172, s^25 / 25 < 2^-68 */
    double e = (double)exponent;
    return e * 0x1.62e42fef00000p-1 + (2.0 * s * series + e * 0x1.473de6af278edp-34);
}

double inlay__pow_f64(double base, double y) { return inlay__exp_f64(y * inlay__log_f64(base)); }
