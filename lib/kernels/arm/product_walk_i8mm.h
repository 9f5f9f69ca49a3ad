/* The walk of product_q_i8mm.c and product_k_i8mm.c over all rows and columns, by their gather_columns and tile. A
 * chunk of CHUNK blocks of some columns is brought into the buffer, meets all rows there, and makes room for the
 * next. */
/* All rows by the columns in the buffer. */
INLAY__I8MM_INLINE void multiply_chunk(const inlay__product *p, inlay__panel panel, const columns *x, size_t n_pairs,
                                       size_t first, size_t n, float *out) {
    for (size_t row = p->row_begin; row < p->row_end; row += INLAY__LANES) {
        const uint8_t *block = p->weights + (row / INLAY__LANES * p->acts->n_blocks + first) * panel.size;
        for (size_t quarter = 0; quarter < INLAY__QUARTERS; quarter++) {
            float *part = out + (row - p->row_begin) + 4 * quarter;
            size_t pair = 0;
            for (; pair + INLAY__PAIRS <= n_pairs; pair += INLAY__PAIRS)
                tile(x, pair, INLAY__PAIRS, block, panel, quarter, n, first == 0, part, p->out_stride);
            for (; pair < n_pairs; pair++)
                tile(x, pair, 1, block, panel, quarter, n, first == 0, part + 2 * pair * p->out_stride, p->out_stride);
        }
    }
}

INLAY__I8MM_INLINE void product(const inlay__product *p, inlay__panel panel, inlay__product_fn last_column) {
    columns x;
    float *out = p->out;
    for (size_t col = p->col_begin; col + 2 <= p->col_end;) {
        size_t n_pairs = inlay__min_size(INLAY__PAIRS, (p->col_end - col) / 2);
        for (size_t first = 0; first < p->acts->n_blocks; first += CHUNK) {
            size_t n = inlay__min_size(CHUNK, p->acts->n_blocks - first);
            gather_columns(p->acts, panel, col, n_pairs, first, n, &x);
            multiply_chunk(p, panel, &x, n_pairs, first, n, out);
        }
        col += 2 * n_pairs;
        out += 2 * n_pairs * p->out_stride;
    }
    if ((p->col_end - p->col_begin) % 2 == 0) return;
    inlay__product last = inlay__last_column(p);
    last_column(&last);
}
