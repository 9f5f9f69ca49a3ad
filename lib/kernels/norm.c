/* Norms and elementwise steps of the residual stream and of the logits. The square root is IEEE 754's, rounded once. */
#include <math.h>

#include "kernels/kernels.h"
#include "kernels/math.h"
#include "kernels/reduce.h"

void inlay__rms_norm(const float *x, const float *w, float epsilon, size_t n, float *y) {
    float lanes[INLAY__LANES] = {0};
    for (size_t i = 0; i < n; i++) lanes[i % INLAY__LANES] = inlay__fma(x[i], x[i], lanes[i % INLAY__LANES]);
    float mean = inlay__fold(lanes) / (float)n;
    float scale = 1.0f / sqrtf(mean + epsilon);
    for (size_t i = 0; i < n; i++) y[i] = (x[i] * scale) * w[i];
}

void inlay__add(const float *x, size_t n, float *y) {
    for (size_t i = 0; i < n; i++) y[i] = x[i] + y[i];
}

void inlay__silu_mul(const float *gate, const float *up, size_t n, float *out) {
    for (size_t i = 0; i < n; i++) out[i] = (gate[i] / (1.0f + inlay__exp(-gate[i]))) * up[i];
}

/* gelu(x) = x (1 + tanh v) / 2 with v = sqrt(2 / pi) (x + 0.044715 x^3), which is x / (1 + exp(-2 v)). */
void inlay__gelu_mul(const float *gate, const float *up, size_t n, float *out) {
    for (size_t i = 0; i < n; i++) {
        float x = gate[i], v = (x * 0.797884561f) * inlay__fma(x * x, 0.044715f, 1.0f);
        out[i] = (x / (1.0f + inlay__exp(-2.0f * v))) * up[i];
    }
}

void inlay__weigh(const float *x, float greatest, float temperature, size_t n, float *out) {
    for (size_t i = 0; i < n; i++) out[i] = inlay__exp((x[i] - greatest) / temperature);
}
