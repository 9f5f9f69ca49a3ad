/* The ranks of the pairs of a word by their places, and where the lowest is: the leftmost among equals. Above the ranks
 * stand rows of minima, each of eight numbers below it, so that a changed rank is told upwards only as far as it
 * matters, and words of any length are walked over in the order of memory where their pairs have equal ranks.
 *
 *     row 2   [                    the least of 64                    ]
 *     row 1   [ least of 8 ] [ least of 8 ] [ least of 8 ] [ ... ]
 *     row 0   [ 8 ranks    ] [ 8 ranks    ] [ 8 ranks    ] [ ... ]
 */
#ifndef INLAY_RANK_TREE_H
#define INLAY_RANK_TREE_H

#include "base/base.h"

#define INLAY__NO_RANK UINT32_MAX /* of a pair without a merge, and of places where no pair begins */

enum { INLAY__RANK_FAN = 8, INLAY__RANK_ROWS = 11 }; /* 8^11 = 2^33 places */

typedef struct inlay__rank_tree {
    uint32_t *rows[INLAY__RANK_ROWS]; /* the caller's memory; each row's length is a multiple of 8 */
    size_t n_rows;                    /* the last has 8 numbers */
} inlay__rank_tree;

static inline size_t inlay__rank_row_size(size_t n) {
    return inlay__max_size((n + INLAY__RANK_FAN - 1) / INLAY__RANK_FAN, 1) * INLAY__RANK_FAN;
}

/* How many numbers a tree of n places takes, n <= UINT32_MAX. */
static inline size_t inlay__rank_tree_size(size_t n) {
    size_t size = 0;
    for (n = inlay__rank_row_size(n); n > INLAY__RANK_FAN; n = inlay__rank_row_size(n / INLAY__RANK_FAN)) size += n;
    return size + n;
}

/* Bytes of such a tree and of `more` arrays of n numbers beside it; false where an address space has not so many. */
static inline bool inlay__rank_tree_bytes(size_t n, size_t more, size_t *bytes) {
    if (n > SIZE_MAX / 16 / (2 + more)) return false;
    *bytes = (inlay__rank_tree_size(n) + more * n) * sizeof(uint32_t);
    return true;
}

static inline uint32_t inlay__rank_least(const uint32_t *eight) {
    uint32_t least = eight[0];
    for (size_t i = 1; i < INLAY__RANK_FAN; i++) least = eight[i] < least ? eight[i] : least;
    return least;
}

/* A tree of n places without ranks in inlay__rank_tree_size(n) numbers. Ranks may then be written into rows[0], before
 * inlay__rank_tree_order. */
static inline void inlay__rank_tree_begin(inlay__rank_tree *tree, uint32_t *memory, size_t n) {
    tree->n_rows = 0;
    do {
        n = inlay__rank_row_size(n);
        for (size_t i = 0; i < n; i++) memory[i] = INLAY__NO_RANK;
        tree->rows[tree->n_rows++] = memory;
        memory += n;
        n /= INLAY__RANK_FAN;
    } while (n > 1);
}

/* The rows above from rows[0], which has n places. */
static inline void inlay__rank_tree_order(inlay__rank_tree *tree, size_t n) {
    for (size_t row = 1; row < tree->n_rows; row++) {
        n = inlay__rank_row_size(n) / INLAY__RANK_FAN;
        for (size_t i = 0; i < n; i++)
            tree->rows[row][i] = inlay__rank_least(tree->rows[row - 1] + i * INLAY__RANK_FAN);
    }
}

static inline void inlay__rank_tree_set(inlay__rank_tree *tree, size_t pos, uint32_t rank) {
    uint32_t before = tree->rows[0][pos];
    tree->rows[0][pos] = rank;
    for (size_t row = 1; row < tree->n_rows && rank != before; row++) {
        const uint32_t *eight = tree->rows[row - 1] + pos / INLAY__RANK_FAN * INLAY__RANK_FAN;
        pos /= INLAY__RANK_FAN;
        uint32_t least = tree->rows[row][pos];
        if (rank > least && before > least) return; /* neither was nor is the least */
        if (rank > least) rank = inlay__rank_least(eight);
        before = least;
        tree->rows[row][pos] = rank;
    }
}

/* The place of the lowest rank; false when there is none. */
static inline bool inlay__rank_tree_lowest(const inlay__rank_tree *tree, size_t *pos) {
    size_t row = tree->n_rows - 1, at = 0;
    uint32_t least = inlay__rank_least(tree->rows[row]);
    if (least == INLAY__NO_RANK) return false;
    for (;;) {
        while (tree->rows[row][at] != least) at++;
        if (row == 0) break;
        at *= INLAY__RANK_FAN;
        row--;
    }
    *pos = at;
    return true;
}

#endif
