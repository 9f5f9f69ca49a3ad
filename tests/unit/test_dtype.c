/* The table of tensor types. */
#include "test.h"

#include "format/dtype.h"

/* Bytes of a block as the struct members of each format add up: scales, then quants. */
TEST(block_sizes_are_the_sum_of_their_fields) {
    static const struct {
        uint32_t type, length, size;
        const char *name;
        bool runs;
    } expected[] = {
        {INLAY_TYPE_F32, 1, 4, "F32", true},
        {INLAY_TYPE_F16, 1, 2, "F16", true},
        {INLAY_TYPE_BF16, 1, 2, "BF16", true},
        {INLAY_TYPE_Q4_0, 32, 2 + 16, "Q4_0", true},
        {INLAY_TYPE_Q4_1, 32, 2 + 2 + 16, "Q4_1", true},
        {INLAY_TYPE_Q5_0, 32, 2 + 4 + 16, "Q5_0", true},
        {INLAY_TYPE_Q5_1, 32, 2 + 2 + 4 + 16, "Q5_1", true},
        {INLAY_TYPE_Q8_0, 32, 2 + 32, "Q8_0", true},
        {INLAY_TYPE_Q4_K, 256, 2 + 2 + 12 + 128, "Q4_K", true},
        {INLAY_TYPE_Q5_K, 256, 2 + 2 + 12 + 32 + 128, "Q5_K", true},
        {INLAY_TYPE_Q6_K, 256, 128 + 64 + 16 + 2, "Q6_K", true},
        {INLAY_TYPE_Q2_K, 256, 16 + 64 + 2 + 2, "Q2_K", true},
        {INLAY_TYPE_Q3_K, 256, 32 + 64 + 12 + 2, "Q3_K", true},
        {INLAY_TYPE_IQ4_NL, 32, 2 + 16, "IQ4_NL", true},
        {INLAY_TYPE_IQ4_XS, 256, 2 + 2 + 4 + 128, "IQ4_XS", true},
        {INLAY_TYPE_MXFP4, 32, 1 + 16, "MXFP4", true},
        {INLAY_TYPE_TQ1_0, 256, 48 + 4 + 2, "TQ1_0", true},
        {INLAY_TYPE_TQ2_0, 256, 64 + 2, "TQ2_0", true},
        {INLAY_TYPE_IQ1_S, 256, 2 + 32 + 16, "IQ1_S", true},
        {INLAY_TYPE_IQ1_M, 256, 32 + 16 + 8, "IQ1_M", true},
        {INLAY_TYPE_IQ2_XXS, 256, 2 + 64, "IQ2_XXS", true},
        {INLAY_TYPE_IQ2_XS, 256, 2 + 64 + 8, "IQ2_XS", true},
        {INLAY_TYPE_IQ2_S, 256, 2 + 32 + 32 + 8 + 8, "IQ2_S", true},
        {INLAY_TYPE_IQ3_XXS, 256, 2 + 64 + 32, "IQ3_XXS", true},
        {INLAY_TYPE_IQ3_S, 256, 2 + 64 + 8 + 32 + 4, "IQ3_S", true},
        {15, 256, 4 + 256 + 32, "Q8_K", false},
        {24, 1, 1, "I8", false},
        {28, 1, 8, "F64", false},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const inlay__dtype *dtype = inlay__dtype_get(expected[i].type);
        if (!CHECK(dtype != NULL)) continue;
        CHECK_INT(dtype->block_length, expected[i].length);
        CHECK_INT(dtype->block_size, expected[i].size);
        CHECK_STR(dtype->name, expected[i].name);
        CHECK_INT(dtype->runs, expected[i].runs);
    }
}

TEST(twenty_five_types_run) {
    int n = 0;
    for (uint32_t type = 0; type < 1000; type++)
        n += inlay__dtype_in_files(type) && inlay__dtype_get(type)->runs;
    CHECK_INT(n, 25);
}

TEST(one_more_runs_that_no_file_holds) {
    CHECK(inlay__dtype_get(INLAY_TYPE_Q16_0) != NULL && inlay__dtype_get(INLAY_TYPE_Q16_0)->runs);
    CHECK(!inlay__dtype_in_files(INLAY_TYPE_Q16_0));
    CHECK_STR(inlay__dtype_any_name(INLAY_TYPE_Q16_0), "Q16_0");
    CHECK(inlay__dtype_in_files(INLAY_TYPE_Q8_0) && !inlay__dtype_in_files(4) && !inlay__dtype_in_files(1000));
    for (uint32_t type = 42; type < INLAY_TYPE_Q16_0; type++) CHECK_STR(inlay__dtype_any_name(type), "unknown");
}

TEST(removed_and_unknown_types_have_names_but_no_size) {
    static const uint32_t removed[] = {4, 5, 31, 32, 33, 36, 37, 38};
    uint64_t size;
    for (size_t i = 0; i < sizeof removed / sizeof removed[0]; i++) {
        CHECK(inlay__dtype_get(removed[i]) == NULL);
        CHECK(strcmp(inlay__dtype_any_name(removed[i]), "unknown") != 0);
        CHECK(!inlay__dtype_row_size(removed[i], 0, &size));
    }
    CHECK_STR(inlay__dtype_any_name(31), "Q4_0_4_4");
    static const uint32_t unknown[] = {42, 43, 1000, 0x7fffffff, 0x80000000u, UINT32_MAX};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        CHECK(inlay__dtype_get(unknown[i]) == NULL);
        CHECK_STR(inlay__dtype_any_name(unknown[i]), "unknown");
    }
}

TEST(row_size_refuses_part_blocks_and_overflow) {
    uint64_t size;
    CHECK(inlay__dtype_row_size(INLAY_TYPE_Q4_K, 512, &size));
    CHECK_INT(size, 288);
    CHECK(inlay__dtype_row_size(INLAY_TYPE_Q4_0, 0, &size));
    CHECK_INT(size, 0);
    CHECK(!inlay__dtype_row_size(INLAY_TYPE_Q4_K, 255, &size));
    CHECK(!inlay__dtype_row_size(INLAY_TYPE_Q8_0, 33, &size));
    CHECK(inlay__dtype_row_size(INLAY_TYPE_F32, UINT64_MAX / 4, &size));
    CHECK(!inlay__dtype_row_size(INLAY_TYPE_F32, UINT64_MAX / 4 + 1, &size));
    CHECK(!inlay__dtype_row_size(INLAY_TYPE_Q8_0, UINT64_C(0xffffffffffffffe0), &size));
}

TEST_MAIN(CASE(block_sizes_are_the_sum_of_their_fields), CASE(twenty_five_types_run),
          CASE(one_more_runs_that_no_file_holds),
          CASE(removed_and_unknown_types_have_names_but_no_size), CASE(row_size_refuses_part_blocks_and_overflow))
