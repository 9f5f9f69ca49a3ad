/* How products of float rows walk over a matrix, for product_float_avx2.c and product_float_avx512.c, which name
 *
 *     ROWS, COLS     the rows and columns of a tile, whose sums the registers hold
 *     WALK           how the functions here are declared
 *     tile           adds a part of k to the sums of a tile, or ends them
 *     tile_rest      n_rows (ROWS or 1) by n_cols (below COLS), from the first k to the last
 *
 * What a tile reads stays in the first cache: several tiles of columns while all rows pass by, and where rows are long
 * one tile of columns and a part of k, while GROUP rows pass by and leave their sums. No sum's order changes by it. */
#ifndef INLAY_PRODUCT_FLOAT_WALK_H
#define INLAY_PRODUCT_FLOAT_WALK_H

enum { GROUP = 32, PART = 768, CACHED_FLOATS = 6144 };

/* Elements [begin, end) of k. What came before is in `sums` [ROWS * COLS, 16 lanes] where begin > 0, and what follows
 * finds them there where end < n_k. */
typedef struct part {
    size_t begin, end;
    float *sums;
} part;

WALK void tile(const inlay__product *p, size_t row, size_t col, part k, uint32_t type);
WALK void tile_rest(const inlay__product *p, size_t row, size_t col, size_t n_rows, size_t n_cols, uint32_t type);

/* The rows behind those of this task, which the next one probably takes, on their way to the second cache: so many
 * lines at each tile. */
typedef struct ahead {
    uintptr_t next, end; /* addresses, of which nothing is read */
    size_t n_lines;
} ahead;

WALK ahead look_ahead(const inlay__product *p, size_t n_parts) {
    size_t n_rows = p->row_end - p->row_begin, size = n_rows * p->row_size;
    size_t n_tiles = n_rows / ROWS * ((p->col_end - p->col_begin) / COLS) * n_parts;
    uintptr_t next = (uintptr_t)p->weights + p->row_end * p->row_size;
    return (ahead){next, next + size, size / INLAY__LINE / inlay__max_size(n_tiles, 1) + 1};
}

WALK void fetch_ahead(ahead *a) {
    for (size_t i = 0; i < a->n_lines && a->next < a->end; i++, a->next += INLAY__LINE)
        _mm_prefetch((const char *)a->next, _MM_HINT_T1);
}

/* Whole tiles of rows [row, row_end) and columns [col, col_end), of k parts of n elements. */
WALK void walk_tiles(const inlay__product *p, size_t row, size_t row_end, size_t col, size_t col_end, size_t n,
                     uint32_t type, ahead *a) {
    float sums[GROUP * COLS * INLAY__LANES];
    size_t begin = 0;
    do {
        part k = {begin, inlay__min_size(begin + n, p->n_k), sums};
        for (size_t r = row; r + ROWS <= row_end; r += ROWS) {
            for (size_t c = col; c + COLS <= col_end; c += COLS) {
                fetch_ahead(a);
                tile(p, r, c, k, type);
            }
            if (n < p->n_k) k.sums += ROWS * COLS * INLAY__LANES;
        }
        begin += n;
    } while (begin < p->n_k);
}

WALK void walk(const inlay__product *p, uint32_t type) {
    bool in_parts = p->n_k > PART + PART / 2;
    size_t n = in_parts ? PART : inlay__max_size(p->n_k, 1), n_rows = in_parts ? GROUP : p->row_end - p->row_begin;
    size_t n_cols = in_parts ? COLS : inlay__max_size(COLS, CACHED_FLOATS / n / COLS * COLS);
    size_t whole_cols = p->col_begin + (p->col_end - p->col_begin) / COLS * COLS;
    size_t whole_rows = p->row_begin + (p->row_end - p->row_begin) / ROWS * ROWS;
    ahead a = look_ahead(p, (p->n_k + n - 1) / n);
    for (size_t row = p->row_begin; row < whole_rows; row += n_rows)
        for (size_t col = p->col_begin; col < whole_cols; col += n_cols)
            walk_tiles(p, row, inlay__min_size(row + n_rows, whole_rows), col,
                       inlay__min_size(col + n_cols, whole_cols), n, type, &a);
    for (size_t row = p->row_begin; row < whole_rows && whole_cols < p->col_end; row += ROWS) {
        size_t col = whole_cols;
        for (; col + 2 <= p->col_end; col += 2) tile_rest(p, row, col, ROWS, 2, type);
        if (col < p->col_end) tile_rest(p, row, col, ROWS, 1, type);
    }
    for (size_t row = whole_rows; row < p->row_end; row++)
        for (size_t col = p->col_begin; col < p->col_end; col++) tile_rest(p, row, col, 1, 1, type);
}

#endif
