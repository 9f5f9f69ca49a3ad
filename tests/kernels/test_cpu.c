/* The levels of this machine are those it has: a build for an emulated CPU names its best in INLAY_TEST_CPU. */
#include "test.h"

#include <stdlib.h>

#include "kernels/cpu.h"

TEST(the_best_level_is_the_one_expected) {
    const char *expected = getenv("INLAY_TEST_CPU");
    if (expected == NULL) SKIP("INLAY_TEST_CPU names no level");
    CHECK_STR(inlay__cpu_name(inlay__cpu_best()), expected);
}

TEST(below_a_level_of_arm_all_others_are_there) {
    bool has[INLAY__CPU_N_LEVELS];
    for (int level = 0; level < INLAY__CPU_N_LEVELS; level++)
        has[level] = inlay__cpu_has((inlay__cpu)level);
    CHECK(!has[INLAY__CPU_I8MM] || has[INLAY__CPU_DOTPROD]);
    CHECK(!has[INLAY__CPU_DOTPROD] || has[INLAY__CPU_NEON]);
    CHECK(!has[INLAY__CPU_NEON] || !has[INLAY__CPU_AVX2]);
#if defined(__aarch64__)
    CHECK(has[INLAY__CPU_NEON]);
#endif
}

TEST_MAIN(CASE(the_best_level_is_the_one_expected), CASE(below_a_level_of_arm_all_others_are_there))
