/* The random numbers are those of PCG32 and SplitMix64 as published, for ever. */
#include "test.h"

#include "sample/rng.h"

/* The reference program of PCG32 starts with state 42 and stream 54 and prints these first. */
TEST(numbers_are_those_of_the_reference_program) {
    static const uint32_t expected[] = {0xa15c02b7, 0x7b47f409, 0xba1d3330, 0x83d2f293, 0xbfa4784b, 0xcbed606e};
    inlay__rng rng = {.state = 0, .increment = (54u << 1) | 1};
    inlay__rng_u32(&rng);
    rng.state += 42;
    inlay__rng_u32(&rng);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        CHECK_INT(inlay__rng_u32(&rng), expected[i]);
}

/* State and stream are the first two numbers of SplitMix64, which for seed 0 are published: 0xe220a8397b1dcdaf and
 * 0x6e789e6aa1b965f4. */
TEST(a_seed_goes_through_splitmix64) {
    inlay__rng rng, expected = {.state = 0, .increment = 0x6e789e6aa1b965f4 | 1};
    inlay__rng_u32(&expected);
    expected.state += 0xe220a8397b1dcdaf;
    inlay__rng_u32(&expected);
    inlay__rng_seed(&rng, 0);
    CHECK(rng.state == expected.state);
    CHECK(rng.increment == expected.increment);
}

/* Computed with integers of any size, apart from the code here. */
TEST(a_seed_gives_the_same_numbers_in_every_release) {
    static const struct {
        uint64_t seed;
        uint32_t first[4];
    } expected[] = {
        {0, {0x8a5dea50, 0x8b65b731, 0xa3f96e62, 0xc3546b80}},
        {1, {0xe9041f98, 0x1103e45b, 0x15f266c8, 0x65e6d43c}},
        {42, {0xffb96e1c, 0xa3fa3404, 0xd93478f7, 0xbdfc1488}},
        {UINT64_C(1) << 53, {0xd55e1c06, 0xb5559298, 0x06845f21, 0x648e7f12}},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        inlay__rng rng;
        inlay__rng_seed(&rng, expected[i].seed);
        for (size_t j = 0; j < 4; j++)
            CHECK_INT(inlay__rng_u32(&rng), expected[i].first[j]);
    }
}

TEST(floats_are_the_upper_24_bits) {
    inlay__rng rng, copy;
    inlay__rng_seed(&rng, 7);
    copy = rng;
    for (int i = 0; i < 10000; i++) {
        float f = inlay__rng_f32(&rng);
        CHECK(f >= 0.0f && f < 1.0f);
        CHECK(f * 16777216.0f == (float)(inlay__rng_u32(&copy) >> 8));
    }
}

TEST(floats_spread_evenly) {
    enum { N_BINS = 64, N = 64000 };
    int count[N_BINS] = {0};
    double chi = 0.0, mean = 0.0;
    inlay__rng rng;
    inlay__rng_seed(&rng, 3);
    for (int i = 0; i < N; i++) {
        float f = inlay__rng_f32(&rng);
        count[(int)(f * N_BINS)]++;
        mean += (double)f / N;
    }
    for (int i = 0; i < N_BINS; i++)
        chi += (count[i] - N / N_BINS) * (double)(count[i] - N / N_BINS) / (N / N_BINS);
    CHECK(chi > 25.0 && chi < 120.0); /* 63 degrees of freedom: outside with a chance below 1e-5 */
    CHECK(mean > 0.495 && mean < 0.505);
}

TEST_MAIN(CASE(numbers_are_those_of_the_reference_program), CASE(a_seed_goes_through_splitmix64),
          CASE(a_seed_gives_the_same_numbers_in_every_release), CASE(floats_are_the_upper_24_bits),
          CASE(floats_spread_evenly))
