/* Activations to int8, by 32 or by 256 elements: d = amax / 127, q = round(x 127 / amax), ties to even. */
#include "kernels/kernels.h"
#include "kernels/math.h"
#include "kernels/wide.h"

/* The greatest |x| as bits, whose order is the order of magnitudes; NaN and infinity are above all. */
static uint32_t greatest_magnitude(const float *x, size_t n) {
    uint32_t greatest = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t magnitude = inlay__f32_bits(x[i]) & 0x7fffffff;
        if (magnitude > greatest) greatest = magnitude;
    }
    return greatest;
}

/* Returns d = amax / greatest, and the factor that takes x to integers. Below 2^-100 a block is zero (the factor would
 * overflow); one that is not finite is zeros with d = NaN. */
static float scale_of(const float *x, size_t n, float greatest, float *scale) {
    uint32_t bits = greatest_magnitude(x, n);
    *scale = 0.0f;
    if (bits < 0x0d800000) return 0.0f;
    if (bits >= 0x7f800000) return inlay__bits_f32(0x7fc00000);
    *scale = greatest / inlay__bits_f32(bits);
    return inlay__bits_f32(bits) / greatest;
}

/* |x scale| is below 127.5: nothing needs a clamp. */
static float quantize_block(const float *x, size_t n, int8_t *q) {
    float scale, d = scale_of(x, n, 127.0f, &scale);
    if (!(d > 0.0f)) memset(q, 0, n);
    if (!(d > 0.0f)) return d;
    for (size_t i = 0; i < n; i++) q[i] = (int8_t)inlay__round_even(x[i] * scale);
    return d;
}

static int32_t sum_of(const int8_t *q, size_t n) {
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += q[i];
    return sum;
}

void inlay__quantize_32(const float *x, inlay__acts *acts, size_t col) {
    int8_t *q = acts->q + col * acts->n_k;
    for (size_t b = 0; b < acts->n_blocks; b++) {
        size_t at = col * acts->n_blocks + b;
        acts->d[at] = quantize_block(x + b * INLAY__Q_LENGTH, INLAY__Q_LENGTH, q + b * INLAY__Q_LENGTH);
        acts->sum[at] = sum_of(q + b * INLAY__Q_LENGTH, INLAY__Q_LENGTH);
        acts->dsum[at] = acts->d[at] * (float)acts->sum[at];
    }
}

/* |x scale| is below 32,512.5: nothing needs a clamp. */
void inlay__quantize_wide(const float *x, inlay__acts *acts, size_t col) {
    int8_t *high = acts->q + 2 * col * acts->n_k, *low = high + acts->n_k;
    for (size_t b = 0; b < acts->n_blocks; b++) {
        float scale, d = scale_of(x + b * INLAY__WIDE_LENGTH, INLAY__WIDE_LENGTH, INLAY__WIDE_GREATEST, &scale);
        size_t at = col * acts->n_blocks + b, begin = b * INLAY__WIDE_LENGTH;
        for (size_t k = begin; k < begin + INLAY__WIDE_LENGTH; k++) {
            int16_t q = d > 0.0f ? (int16_t)inlay__round_even(x[k] * scale) : 0;
            high[k] = inlay__high_digit(q);
            low[k] = inlay__low_digit(q);
        }
        acts->d[at] = d;
        acts->sum[2 * at] = sum_of(high + begin, INLAY__WIDE_LENGTH);
        acts->sum[2 * at + 1] = sum_of(low + begin, INLAY__WIDE_LENGTH);
    }
}

void inlay__quantize_256(const float *x, inlay__acts *acts, size_t col) {
    int8_t *q = acts->q + col * acts->n_k;
    int16_t *sum16 = acts->sum16 + col * (acts->n_k / 16), *sum32 = acts->sum32 + col * (acts->n_k / 32);
    for (size_t b = 0; b < acts->n_blocks; b++)
        acts->d[col * acts->n_blocks + b] =
            quantize_block(x + b * INLAY__K_LENGTH, INLAY__K_LENGTH, q + b * INLAY__K_LENGTH);
    for (size_t i = 0; i < acts->n_k / 16; i++) {
        int32_t part[2] = {0, 0};
        for (size_t j = 0; j < 16; j++) part[j / 2 % 2] += q[16 * i + j];
        sum16[i] = (int16_t)(part[0] + part[1]);
        for (size_t j = 0; j < 2; j++) acts->zero6[col * (acts->n_k / 8) + 2 * i + j] = (int16_t)(-32 * part[j]);
    }
    for (size_t i = 0; i < acts->n_k / 32; i++) sum32[i] = (int16_t)(sum16[2 * i] + sum16[2 * i + 1]);
}
