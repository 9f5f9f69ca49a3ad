/* Steps along the sequence, for some channels: causal convolutions over the last few tokens, and the scan of a
 * state-space model. Channels are independent of one another. Products and sums are rounded one by one. */
#include "kernels/recurrence.h"

#include "kernels/kernels.h"
#include "kernels/math.h"
#include "kernels/reduce.h"

/* log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), and log(1 + e) = 2 artanh(e / (2 + e)), whose argument is at most 1/3. */
float inlay__softplus(float x) {
    if (x != x) return x;
    float e = inlay__exp(x < 0.0f ? x : -x), s = e / (2.0f + e), z = s * s;
    float p = 1.0f / 15.0f;
    for (int i = 13; i >= 1; i -= 2) p = p * z + 1.0f / (float)i;
    return (x > 0.0f ? x : 0.0f) + (2.0f * s) * p;
}

float inlay__sigmoid(float x) { return 1.0f / (1.0f + inlay__exp(-x)); }

float inlay__tanh(float x) { return 1.0f - 2.0f / (inlay__exp(x + x) + 1.0f); }

/* Row `i` of what came before and what comes now: rows below 0 are of the state [n_taps - 1, n_channels]. */
static const float *row_of(const inlay__convolution *c, ptrdiff_t i) {
    size_t n_state = c->n_taps - 1;
    return i < 0 ? c->before + ((ptrdiff_t)n_state + i) * (ptrdiff_t)c->n_channels : c->x + i * (ptrdiff_t)c->x_stride;
}

void inlay__convolve(const inlay__convolution *c, size_t begin, size_t end) {
    ptrdiff_t n_state = (ptrdiff_t)c->n_taps - 1;
    for (size_t col = 0; col < c->n_cols; col++) {
        float *y = c->y + col * c->y_stride;
        for (size_t i = begin; i < end; i++) y[i] = c->bias != NULL ? c->bias[i] : 0.0f;
        for (size_t k = 0; k < c->n_taps; k++) {
            const float *x = row_of(c, (ptrdiff_t)(col + k) - n_state), *w = c->taps + k * c->n_channels;
            for (size_t i = begin; i < end; i++) y[i] = w[i] * x[i] + y[i];
        }
    }
    /* The last rows become the state: ascending, so that it may stand where the old one stood. */
    for (ptrdiff_t k = 0; k < n_state; k++) {
        const float *x = row_of(c, (ptrdiff_t)c->n_cols - n_state + k);
        float *after = c->after + k * (ptrdiff_t)c->n_channels;
        for (size_t i = begin; i < end; i++) after[i] = x[i];
    }
}

void inlay__convolve_silu(const inlay__kernels *kernels, const inlay__convolution *c, size_t begin, size_t end) {
    inlay__convolve(c, begin, end);
    for (size_t col = 0; col < c->n_cols; col++) {
        float *y = c->y + col * c->y_stride + begin;
        kernels->activate(INLAY__SILU, y, NULL, end - begin, y);
    }
}

float inlay__scan_step(const float *decay, const float *b, const float *c, float u, size_t n, const float *before,
                       float *after) {
    float lanes[INLAY__LANES] = {0};
    size_t i = 0;
    for (; i + INLAY__LANES <= n; i += INLAY__LANES)
        for (size_t l = 0; l < INLAY__LANES; l++) {
            float h = before[i + l] * decay[i + l] + u * b[i + l];
            after[i + l] = h;
            lanes[l] = h * c[i + l] + lanes[l];
        }
    for (size_t l = 0; i < n; i++, l++) {
        after[i] = before[i] * decay[i] + u * b[i];
        lanes[l] = after[i] * c[i] + lanes[l];
    }
    return inlay__fold(lanes);
}
