/* Elementary functions of the canonical arithmetic: the same bits on every CPU. No libm function is called.
 *
 * The float functions are the definition that each ISA's vector code repeats step by step. */
#ifndef INLAY_MATH_H
#define INLAY_MATH_H

#include <stdint.h>
#include <string.h>

static inline float inlay__bits_f32(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t inlay__f32_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* x * y + z rounded once, exact on CPUs without the instruction too. */
#if defined(__FP_FAST_FMAF) || (defined(__aarch64__) && defined(__GNUC__))
static inline float inlay__fma(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
#else
float inlay__fma_soft(float x, float y, float z);
static inline float inlay__fma(float x, float y, float z) { return inlay__fma_soft(x, y, z); }
#endif

/* Nearest integer, ties to even, of |x| <= 2^22. */
static inline float inlay__round_even(float x) { return (x + 12582912.0f) - 12582912.0f; }

float inlay__f16_to_f32(uint16_t half);
/* Nearest even; overflow gives infinity. */
uint16_t inlay__f32_to_f16(float value);
static inline float inlay__bf16_to_f32(uint16_t half) { return inlay__bits_f32((uint32_t)half << 16); }
/* To nearest, ties to even; of finite numbers. */
static inline uint16_t inlay__f32_to_bf16(float x) {
    uint32_t bits = inlay__f32_bits(x);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* e^x: 0 below -87.33, about 2e38 above 88.3. Relative error below 2^-22. NaN gives NaN. */
float inlay__exp(float x);

/* The error function, within 2^-22 of it: odd, 1 above 4. NaN gives NaN. */
float inlay__erf(float x);

/* Double precision, for tables only (RoPE): sin and cos for |x| <= 2^20, natural log for x > 0, e^x. Error below 2^-50
 * relative to 1 (sin, cos) or to the value (exp, log). Angles beyond 2^40 and NaN give NaN. */
void inlay__sincos_f64(double x, double *sine, double *cosine);
double inlay__exp_f64(double x);
double inlay__log_f64(double x);
/* base^y for base > 0, as exp(y log base). */
double inlay__pow_f64(double base, double y);

#endif
