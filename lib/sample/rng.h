/* Random numbers: PCG32 (O'Neill 2014, pcg-random.org: XSH-RR 64/32), seeded through SplitMix64
 * (Steele et al. 2014). Part of the arithmetic version: its numbers never change. */
#ifndef INLAY_RNG_H
#define INLAY_RNG_H

#include <stdint.h>

typedef struct inlay__rng {
    uint64_t state, increment;
} inlay__rng;

void inlay__rng_seed(inlay__rng *rng, uint64_t seed);
uint32_t inlay__rng_u32(inlay__rng *rng);
/* A multiple of 2^-24 in [0, 1). */
float inlay__rng_f32(inlay__rng *rng);

#endif
