/* Products with whole matrices, whatever their layout. */
#include "kernels/matrix.h"
#include "kernels/product_blis.h"

static const inlay__acts *acts_for(const inlay__operand *operand, uint32_t type) {
    switch (inlay__block_type_get(type)->kind) {
    case INLAY__BLOCK_256: return operand->acts_256;
    case INLAY__BLOCK_WIDE: return operand->acts_wide;
    default: return operand->acts_32;
    }
}

typedef struct range {
    size_t row_begin, row_end, col_begin, col_end;
} range;

/* `out` is the element of (row_begin, col_begin). */
static void multiply(const inlay__kernels *kernels, const inlay__matrix *m, const inlay__operand *operand, range r,
                     float *out, size_t out_stride) {
    inlay__product p = {
        .type = m->type, .weights = m->data, .row_size = m->row_size, .n_k = m->n_k,
        .acts = acts_for(operand, m->type), .x = operand->x, .x_stride = m->n_k,
        .row_begin = r.row_begin, .row_end = r.row_end, .col_begin = r.col_begin, .col_end = r.col_end,
        .out = out, .out_stride = out_stride,
    };
    inlay__product_fn product = (m->packed ? kernels->product_packed : kernels->product_rows)[m->type];
#if defined(INLAY_BLIS)
    if (inlay__product_blis_takes(&p)) product = inlay__product_blis;
#endif
    (product != NULL ? product : inlay__product_packed)(&p);
}

/* A packed panel that is not full, through a buffer: kernels write whole panels. */
static void multiply_last_panel(const inlay__kernels *kernels, const inlay__matrix *m, const inlay__operand *operand,
                                range r, float *out, size_t out_stride) {
    enum { COLS = 32 };
    float panel[COLS * INLAY__LANES];
    size_t n_rows = r.row_end - r.row_begin;
    for (size_t col = r.col_begin; col < r.col_end; col += COLS) {
        range part = {r.row_begin, r.row_begin + INLAY__LANES, col, inlay__min_size(col + COLS, r.col_end)};
        multiply(kernels, m, operand, part, panel, INLAY__LANES);
        for (size_t c = 0; c < part.col_end - col; c++)
            memcpy(out + (col - r.col_begin + c) * out_stride, panel + c * INLAY__LANES, n_rows * sizeof(float));
    }
}

/* The file's rows by the kernel of panels: each panel is packed into the caller's memory, which stays in the cache, and
 * multiplied from there. */
static void multiply_by_panels(const inlay__kernels *kernels, const inlay__matrix *m, const inlay__operand *operand,
                               range r, float *out, size_t out_stride) {
    for (size_t row = r.row_begin; row < r.row_end; row += INLAY__LANES, out += INLAY__LANES) {
        size_t n = inlay__min_size(r.row_end - row, INLAY__LANES);
        inlay__matrix rows = *m, panel = *m;
        rows.n_rows = n;
        rows.data = m->data + row * m->row_size;
        inlay__matrix_pack(kernels, &rows, 0, 1, operand->panel);
        panel.packed = true;
        panel.row_size = inlay__packed_matrix_size(m->type, INLAY__LANES, m->n_k) / INLAY__LANES;
        panel.data = operand->panel;
        range all = {0, n, r.col_begin, r.col_end};
        (n == INLAY__LANES ? multiply : multiply_last_panel)(kernels, &panel, operand, all, out, out_stride);
    }
}

/* The matrix in the form that it has by now. */
static inlay__matrix current_form(const inlay__matrix *m) {
    inlay__matrix now = *m;
    if (m->packed || m->ready == NULL || atomic_load_explicit(m->ready, memory_order_acquire) == 0) return now;
    now.packed = true;
    now.row_size = inlay__packed_matrix_size(m->type, INLAY__LANES, m->n_k) / INLAY__LANES;
    now.data = m->panels;
    return now;
}

inlay__matrix inlay__matrix_part(const inlay__matrix *matrix, size_t begin, size_t end) {
    inlay__matrix part = current_form(matrix);
    part.ready = NULL;
    part.data += begin * part.row_size;
    part.n_rows = end - begin;
    return part;
}

size_t inlay__matrix_size(const inlay__matrix *matrix) { return matrix->n_rows * current_form(matrix).row_size; }

void inlay__matrix_multiply(const inlay__kernels *kernels, const inlay__matrix *given, const inlay__operand *operand,
                            size_t row_begin, size_t row_end, size_t col_begin, size_t col_end, float *out,
                            size_t out_stride) {
    if (row_begin >= row_end || col_begin >= col_end) return;
    const inlay__matrix form = current_form(given), *matrix = &form;
    size_t whole = matrix->packed ? row_begin + (row_end - row_begin) / INLAY__LANES * INLAY__LANES : row_end;
    out += col_begin * out_stride;
    if (!matrix->packed && operand->panel != NULL && kernels->product_packed[matrix->type] != NULL) {
        multiply_by_panels(kernels, matrix, operand, (range){row_begin, row_end, col_begin, col_end}, out + row_begin,
                           out_stride);
        return;
    }
    if (whole > row_begin)
        multiply(kernels, matrix, operand, (range){row_begin, whole, col_begin, col_end}, out + row_begin, out_stride);
    if (whole < row_end)
        multiply_last_panel(kernels, matrix, operand, (range){whole, row_end, col_begin, col_end}, out + whole,
                            out_stride);
}

void inlay__matrix_row(const inlay__matrix *matrix, size_t row, float *out) {
    const inlay__matrix form = current_form(matrix);
    if (form.packed)
        inlay__matrix_packed_row(&form, row, out);
    else
        inlay__dequantize_row(form.type, form.data + row * form.row_size, form.n_k, out);
}
