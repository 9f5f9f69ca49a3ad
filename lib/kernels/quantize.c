/* Activations to int8, by 32 or by 256 elements: d = amax / 127, q = round(x 127 / amax), ties to even. */
#include "kernels/kernels.h"
#include "kernels/math.h"

/* The greatest |x| as bits, whose order is the order of magnitudes; NaN and infinity are above all. */
static uint32_t greatest_magnitude(const float *x, size_t n) {
    uint32_t greatest = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t magnitude = inlay__f32_bits(x[i]) & 0x7fffffff;
        if (magnitude > greatest) greatest = magnitude;
    }
    return greatest;
}

/* Returns d. Below 2^-100 a block is zero (127 / amax would overflow); a block that is not finite is zeros with
 * d = NaN. */
static float quantize_block(const float *x, size_t n, int8_t *q) {
    uint32_t bits = greatest_magnitude(x, n);
    if (bits < 0x0d800000 || bits >= 0x7f800000) {
        memset(q, 0, n);
        return bits < 0x0d800000 ? 0.0f : inlay__bits_f32(0x7fc00000);
    }
    float amax = inlay__bits_f32(bits), scale = 127.0f / amax;
    for (size_t i = 0; i < n; i++) {
        float rounded = inlay__round_even(x[i] * scale);
        if (rounded > 127.0f) rounded = 127.0f;
        if (rounded < -127.0f) rounded = -127.0f;
        q[i] = (int8_t)rounded;
    }
    return amax / 127.0f;
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
