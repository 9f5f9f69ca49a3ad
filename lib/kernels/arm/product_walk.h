/* The walk of product_q_tile.h and product_k_tile.h over all rows and columns, by their `tile` of COLS columns, FEW or
 * one.
 */
TILE_INLINE void product(const inlay__product *p, inlay__panel panel) {
    size_t panel_size = p->acts->n_blocks * panel.size;
    for (size_t row = p->row_begin; row < p->row_end; row += INLAY__LANES) {
        const uint8_t *block = p->weights + row / INLAY__LANES * panel_size;
        float *out = p->out + (row - p->row_begin);
        size_t col = p->col_begin;
        for (; col + COLS <= p->col_end; col += COLS, out += COLS * p->out_stride)
            for (size_t quarter = 0; quarter < INLAY__QUARTERS; quarter++)
                tile(p, panel, block, quarter, 1, col, COLS, out);
        for (; col + FEW <= p->col_end; col += FEW, out += FEW * p->out_stride)
            for (size_t quarter = 0; quarter < INLAY__QUARTERS; quarter++)
                tile(p, panel, block, quarter, 1, col, FEW, out);
        for (; col < p->col_end; col++, out += p->out_stride)
            tile(p, panel, block, 0, INLAY__QUARTERS, col, 1, out);
    }
}
