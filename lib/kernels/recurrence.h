/* Steps along the sequence, for some channels: causal convolutions over the last few tokens, and the scan of a
 * state-space model. What they keep of a sequence may be written where it was read. */
#ifndef INLAY_RECURRENCE_H
#define INLAY_RECURRENCE_H

#include "kernels/kernels.h"

/* log(1 + e^x), 1 / (1 + e^-x) and the hyperbolic tangent. */
float inlay__softplus(float x);
float inlay__sigmoid(float x);
float inlay__tanh(float x);

/* y[col] = bias + sum over k of taps[k] x[col - n_taps + 1 + k], channel by channel; what is before x is the state. */
typedef struct inlay__convolution {
    size_t n_taps, n_channels, n_cols;
    const float *taps;   /* [n_taps, n_channels] */
    const float *bias;   /* [n_channels] or NULL */
    const float *x;      /* [n_cols, x_stride] */
    size_t x_stride;
    float *y;            /* [n_cols, y_stride] */
    size_t y_stride;
    const float *before; /* [n_taps - 1, n_channels] */
    float *after;        /* the same, or elsewhere */
} inlay__convolution;

/* Channels [begin, end). */
void inlay__convolve(const inlay__convolution *convolution, size_t begin, size_t end);

/* The same, and SiLU of what comes out. */
void inlay__convolve_silu(const inlay__kernels *kernels, const inlay__convolution *convolution, size_t begin,
                          size_t end);

/* after [n] = before * decay + u b; returns the sum of c and it, in 16 lanes. */
float inlay__scan_step(const float *decay, const float *b, const float *c, float u, size_t n, const float *before,
                       float *after);

#endif
