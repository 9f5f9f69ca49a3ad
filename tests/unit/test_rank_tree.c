/* The tree of ranks from which merging takes the lowest. */
#include "test.h"

#include "support/check_kernels.h"
#include "tokenizer/rank_tree.h"

/* The place that the tree should give; n for none. */
static size_t lowest_of(const uint32_t *ranks, size_t n) {
    size_t lowest = n;
    for (size_t i = n; i-- > 0;)
        if (ranks[i] != INLAY__NO_RANK && (lowest == n || ranks[i] <= ranks[lowest])) lowest = i;
    return lowest;
}

TEST(the_tree_of_ranks_gives_the_leftmost_of_the_lowest_whatever_changes) {
    enum { N = 600 };
    uint32_t ranks[N], memory[2 * N];
    uint64_t random = 1;
    for (size_t n = 0; n <= N; n += n < 20 ? 1 : n < 100 ? 7 : 125) {
        inlay__rank_tree tree;
        CHECK(inlay__rank_tree_size(n) <= 2 * N);
        inlay__rank_tree_begin(&tree, memory, n);
        for (size_t i = 0; i < n; i++) ranks[i] = tree.rows[0][i] = random_u32(&random) % 9;
        inlay__rank_tree_order(&tree, n);
        for (size_t step = 0; step < 4 * n + 1; step++) {
            size_t expected = lowest_of(ranks, n), found = n, at = n == 0 ? 0 : random_u32(&random) % n;
            CHECK(inlay__rank_tree_lowest(&tree, &found) == (expected < n));
            CHECK_INT(found, expected);
            if (n == 0) break;
            if (random_u32(&random) % 2 == 0 && expected < n) at = expected;
            ranks[at] = random_u32(&random) % 3 == 0 ? random_u32(&random) % 9 : INLAY__NO_RANK;
            inlay__rank_tree_set(&tree, at, ranks[at]);
        }
    }
}

TEST_MAIN(CASE(the_tree_of_ranks_gives_the_leftmost_of_the_lowest_whatever_changes))
