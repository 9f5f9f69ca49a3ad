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

/* With the mean taken away before the squares are summed: two passes, no cancellation. */
void inlay__layer_norm(const float *x, const float *w, const float *bias, float epsilon, size_t n, float *y) {
    float sums[INLAY__LANES] = {0}, squares[INLAY__LANES] = {0};
    for (size_t i = 0; i < n; i++) sums[i % INLAY__LANES] += x[i];
    float mean = inlay__fold(sums) / (float)n;
    for (size_t i = 0; i < n; i++) {
        float d = x[i] - mean;
        squares[i % INLAY__LANES] = inlay__fma(d, d, squares[i % INLAY__LANES]);
    }
    float scale = 1.0f / sqrtf(inlay__fold(squares) / (float)n + epsilon);
    for (size_t i = 0; i < n; i++) {
        float t = (x[i] - mean) * scale;
        y[i] = bias != NULL ? inlay__fma(t, w[i], bias[i]) : t * w[i];
    }
}

void inlay__add(const float *x, size_t n, float *y) {
    for (size_t i = 0; i < n; i++) y[i] = x[i] + y[i];
}

void inlay__weigh(const float *x, float greatest, float temperature, size_t n, float *out) {
    for (size_t i = 0; i < n; i++) out[i] = inlay__exp((x[i] - greatest) / temperature);
}
