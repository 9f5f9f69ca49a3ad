/* The functions that make networks more than products: the nonlinear steps of feed-forward blocks, and caps. */
#include "kernels/kernels.h"
#include "kernels/math.h"
#include "kernels/recurrence.h"

/* gelu(x) = x (1 + tanh v) / 2 with v = sqrt(2 / pi) (x + 0.044715 x^3), which is x / (1 + exp(-2 v)). */
static float gelu_tanh(float x) {
    float v = (x * 0.797884561f) * inlay__fma(x * x, 0.044715f, 1.0f);
    return x / (1.0f + inlay__exp(-2.0f * v));
}

static float apply(inlay__activation activation, float x) {
    switch (activation) {
    case INLAY__SILU: return x / (1.0f + inlay__exp(-x));
    case INLAY__GELU_TANH: return gelu_tanh(x);
    case INLAY__GELU_ERF: return (0.5f * x) * (1.0f + inlay__erf(x * 0.707106769f));
    case INLAY__GELU_QUICK: return x / (1.0f + inlay__exp(-1.702f * x));
    case INLAY__RELU: return x > 0.0f || x != x ? x : 0.0f;
    case INLAY__RELU2: return x > 0.0f || x != x ? x * x : 0.0f;
    default: return inlay__tanh(x);
    }
}

void inlay__activate(inlay__activation activation, const float *gate, const float *up, size_t n, float *out) {
    for (size_t i = 0; i < n; i++) {
        float y = apply(activation, gate[i]);
        out[i] = up != NULL ? y * up[i] : y;
    }
}

/* cap tanh(x / cap), as attention does it with scores. */
void inlay__soft_cap(float cap, size_t n, float *x) {
    for (size_t i = 0; i < n; i++) {
        float t = x[i] / cap;
        x[i] = cap * (1.0f - 2.0f / (inlay__exp(t + t) + 1.0f));
    }
}
