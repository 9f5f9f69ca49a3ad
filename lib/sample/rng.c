/* PCG32 seeded through SplitMix64. */
#include "sample/rng.h"

static uint64_t splitmix64(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void inlay__rng_seed(inlay__rng *rng, uint64_t seed) {
    uint64_t start = splitmix64(&seed);
    rng->state = 0;
    rng->increment = splitmix64(&seed) | 1;
    inlay__rng_u32(rng);
    rng->state += start;
    inlay__rng_u32(rng);
}

uint32_t inlay__rng_u32(inlay__rng *rng) {
    uint64_t old = rng->state;
    rng->state = old * 6364136223846793005u + rng->increment;
    uint32_t shifted = (uint32_t)((old >> 18 ^ old) >> 27), turn = (uint32_t)(old >> 59);
    return shifted >> turn | shifted << (-turn & 31);
}

float inlay__rng_f32(inlay__rng *rng) { return (float)(inlay__rng_u32(rng) >> 8) * 0x1p-24f; }
