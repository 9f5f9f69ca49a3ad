/* Runs of numbers give back every bit of what they were made of, or refuse. */
#include "test.h"

#include "format/number_runs.h"
#include "sample/rng.h"

enum { MOST = 5000 };

static inlay__rng noise;
static uint32_t below(uint32_t n) { return inlay__rng_u32(&noise) % n; }

static uint32_t bits_of_float(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* The numbers as the file has them, through runs, from every beginning that is asked for; how many runs there were. */
static size_t there_and_back(bool is_float, const uint32_t *numbers, size_t n) {
    static uint8_t bytes[4 * MOST];
    static uint32_t back[MOST];
    inlay__number_run runs[INLAY__MAX_RUNS];
    for (size_t i = 0; i < 4 * n; i++) bytes[i] = (uint8_t)(numbers[i / 4] >> 8 * (i % 4));
    size_t n_runs = inlay__number_runs_find(is_float, bytes, n, runs, INLAY__MAX_RUNS);
    CHECK(n_runs == inlay__number_runs_find(is_float, bytes, n, NULL, INLAY__MAX_RUNS));
    if (n_runs == 0) return 0;
    CHECK(n_runs == 1 || inlay__number_runs_find(is_float, bytes, n, NULL, n_runs - 1) == 0);
    for (int trial = 0; trial < 20; trial++) {
        size_t begin = trial == 0 ? 0 : below((uint32_t)n), count = trial == 0 ? n : below((uint32_t)(n - begin) + 1);
        inlay__number_runs_read(is_float, runs, n_runs, begin, count, back);
        CHECK(memcmp(back, numbers + begin, count * sizeof *back) == 0);
    }
    return n_runs;
}

TEST(numbers_of_few_runs_come_back_bit_by_bit) {
    static uint32_t numbers[MOST];
    size_t n_refused = 0;
    inlay__rng_seed(&noise, 3);
    for (int i = 0; i < 2000; i++) {
        size_t n = 256 + below(MOST - 256), n_parts = 1 + below(40);
        bool is_float = below(2) == 0;
        uint32_t value = 0, step = 0;
        for (size_t k = 0; k < n; k++) {
            if (k == 0 || below((uint32_t)(n / n_parts)) == 0) {
                value = is_float ? below(1 << 24) - (1 << 23) : inlay__rng_u32(&noise);
                step = below(3) == 0 ? 0 : is_float ? below(2001) - 1000 : inlay__rng_u32(&noise);
            }
            numbers[k] = is_float ? bits_of_float((float)(int32_t)value) : value;
            value += step;
        }
        n_refused += there_and_back(is_float, numbers, n) == 0;
    }
    CHECK(n_refused < 1000);
}

TEST(scores_of_a_large_vocabulary_are_five_runs) {
    static uint32_t scores[MOST];
    for (size_t i = 0; i < MOST; i++) {
        float score = i == 300 ? -0.0f : i < 200 || i > 4900 ? -1000.0f : i < 300 ? 0.0f : (float)(300 - (int)i);
        scores[i] = bits_of_float(score);
    }
    CHECK_INT(there_and_back(true, scores, MOST), 5);
}

/* Floats that an integer does not stand for, or whose sum would be rounded, are in no run that goes up. */
TEST(numbers_that_rounding_or_signs_would_change_stand_alone) {
    static const uint32_t odd[] = {0x80000000, 0x3f000000, 0x4b000002, 0xcb800000,
                                   0x7f61b1e6, 0x000116c2, 0x7fc00001, 0xff800000};
    static uint32_t numbers[MOST];
    for (size_t i = 0; i < MOST; i++) numbers[i] = bits_of_float((float)i);
    for (size_t k = 0; k < INLAY__COUNT(odd); k++) {
        for (size_t at = 0; at < MOST; at += 1237) {
            numbers[at] = odd[k];
            CHECK_INT(there_and_back(true, numbers, MOST), at == 0 ? 2 : 3);
            numbers[at] = bits_of_float((float)at);
        }
    }
    for (size_t i = 0; i < MOST; i++) numbers[i] = odd[i * INLAY__COUNT(odd) / MOST];
    CHECK_INT(there_and_back(true, numbers, MOST), INLAY__COUNT(odd));
    /* up past 2^23 */
    for (size_t i = 0; i < MOST; i++) numbers[i] = bits_of_float((float)(8388608 - MOST / 2 + (int)i));
    CHECK_INT(there_and_back(true, numbers, MOST), 0);
}

TEST(too_many_runs_and_too_few_numbers_are_refused) {
    static uint32_t numbers[MOST];
    for (size_t i = 0; i < MOST; i++) numbers[i] = (uint32_t)(i * i);
    CHECK_INT(there_and_back(false, numbers, MOST), 0);
    for (size_t i = 0; i < MOST; i++) numbers[i] = 1;
    CHECK_INT(there_and_back(false, numbers, 255), 0);
    CHECK_INT(there_and_back(false, numbers, 256), 1);
    CHECK_INT(there_and_back(false, numbers, 0), 0);
}

TEST_MAIN(CASE(numbers_of_few_runs_come_back_bit_by_bit), CASE(scores_of_a_large_vocabulary_are_five_runs),
          CASE(numbers_that_rounding_or_signs_would_change_stand_alone),
          CASE(too_many_runs_and_too_few_numbers_are_refused))
