/* What the tests of kernels share: random numbers, the levels this machine has, and equality of bits. */
#ifndef INLAY_CHECK_KERNELS_H
#define INLAY_CHECK_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/matrix.h"

/* xorshift64*; the state is the seed and never 0. */
uint32_t random_u32(uint64_t *state);
/* Uniform in [low, high). */
float random_float(uint64_t *state, float low, float high);

/* Floats of the kinds that break kernels: ordinary ones, zeros of both signs, tiny, huge, subnormal. */
void random_floats(uint64_t *state, float *out, size_t n);

/* Random blocks of a type, with finite scales: ordinary, negative, zero, subnormal and huge ones. */
void random_blocks(uint64_t *state, uint32_t type, uint8_t *rows, size_t n_blocks);

/* `all`, or a sixth of it where the environment has INLAY_SAMPLE: emulated CPUs are slow. */
size_t sample_of(size_t all);

/* The scalar table, and the next level above `level` that this machine has; false when there is none. */
bool next_level(int *level, inlay__kernels *kernels);

/* Equal bits, or both NaN. Prints the first difference, with what and the level. */
bool same_floats(const char *what, const inlay__kernels *kernels, const float *found, const float *expected, size_t n);

/* Activations of n_cols columns of n_k, quantised by the scalar functions, in one block of memory. */
typedef struct test_acts {
    inlay__acts acts_32, acts_256, acts_wide;
    float *x; /* [n_cols, n_k] */
} test_acts;
test_acts make_acts(uint64_t *state, size_t n_cols, size_t n_k);
void free_acts(test_acts *acts);
/* Room for n_cols columns, not filled. */
inlay__acts new_acts(size_t n_cols, size_t n_k, size_t block);
void delete_acts(inlay__acts *acts);

/* All types that have products, and how many. */
extern const uint32_t product_types[];
extern const size_t n_product_types;
/* So many of them, from the first on, are in files. */
extern const size_t n_file_types;

#endif
