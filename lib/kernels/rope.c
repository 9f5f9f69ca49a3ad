/* Rotary position embedding [Su et al. 2021]: pairs of a head's elements turn by an angle that grows with the
 * position. */
#include "kernels/kernels.h"
#include "kernels/math.h"

static void rotate(float cosine, float sine, float *a, float *b) {
    float x = *a, y = *b;
    *a = inlay__fma(x, cosine, -(y * sine));
    *b = inlay__fma(x, sine, y * cosine);
}

void inlay__rope_adjacent(const float *cosines, const float *sines, size_t n_rope, float *x) {
    for (size_t i = 0; i < n_rope / 2; i++) rotate(cosines[i], sines[i], &x[2 * i], &x[2 * i + 1]);
}

void inlay__rope_halves(const float *cosines, const float *sines, size_t n_rope, float *x) {
    for (size_t i = 0; i < n_rope / 2; i++) rotate(cosines[i], sines[i], &x[i], &x[i + n_rope / 2]);
}
