/* The walk of products of packed panels over rows and columns, a register of rows at a time. Who includes it defines
 * before
 *
 *     LANES                     how a function of the level is declared
 *     PARTS, ROWS, COLS         registers of a panel, rows of one, columns of a tile
 *     form                      a struct with what a type differs in; `size` are the bytes of 16 rows of a superblock
 *     tile(p, panel, part, col, n_cols, f, out)   the rows of register `part` by n_cols columns, over the whole depth
 */
LANES void product(const inlay__product *p, form f) {
    const size_t panel_size = p->acts->n_blocks * f.size;
    for (size_t row = p->row_begin; row < p->row_end; row += INLAY__LANES) {
        const uint8_t *panel = p->weights + row / INLAY__LANES * panel_size;
        float *out = p->out + (row - p->row_begin);
        size_t col = p->col_begin;
        for (; col + COLS <= p->col_end; col += COLS, out += COLS * p->out_stride)
            for (size_t part = 0; part < PARTS; part++) tile(p, panel, part, col, COLS, f, out + ROWS * part);
        for (; col < p->col_end; col++, out += p->out_stride)
            for (size_t part = 0; part < PARTS; part++) tile(p, panel, part, col, 1, f, out + ROWS * part);
    }
}
