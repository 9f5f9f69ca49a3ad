/* With the build option INLAY_BLIS: products of F32, F16 and BF16 rows with many columns by BLIS, which orders its sums
 * as it likes. Bits then differ from the definition, and with the CPU, the number of columns and the release of BLIS.
 */
#include "kernels/product_blis.h"

#if defined(INLAY_BLIS)

#include <blis.h>

#include "kernels/math.h"

enum { ROWS = 32, DEPTH = 256 }; /* of the weights that are made floats at a time */

bool inlay__product_blis_takes(const inlay__product *p) {
    return inlay__block_type_get(p->type)->kind == INLAY__BLOCK_FLOAT &&
           p->col_end - p->col_begin >= INLAY__BLIS_COLUMNS;
}

/* out [n_cols, n_rows] = or += weights [n_rows, n_k] by x [n_cols, n_k]. */
static void multiply(const inlay__product *p, size_t row, size_t n_rows, size_t k, size_t n_k, float *weights,
                     size_t stride) {
    float one = 1.0f, beta = k == 0 ? 0.0f : 1.0f;
    float *x = (float *)p->x + p->col_begin * p->x_stride + k, *out = p->out + (row - p->row_begin);
    rntm_t serial; /* the caller's threads share the work out already */
    bli_rntm_init(&serial);
    bli_rntm_set_num_threads(1, &serial);
    bli_sgemm_ex(BLIS_NO_TRANSPOSE, BLIS_NO_TRANSPOSE, (dim_t)n_rows, (dim_t)(p->col_end - p->col_begin), (dim_t)n_k,
                 &one, weights, (inc_t)stride, 1, x, 1, (inc_t)p->x_stride, &beta, out, 1, (inc_t)p->out_stride, NULL,
                 &serial);
}

void inlay__product_blis(const inlay__product *p) {
    const size_t size = inlay__block_type_get(p->type)->size;
    float weights[ROWS * DEPTH];
    for (size_t row = p->row_begin; row < p->row_end; row += ROWS) {
        size_t n_rows = inlay__min_size(ROWS, p->row_end - row);
        for (size_t k = 0; k < p->n_k; k += DEPTH) {
            size_t n_k = inlay__min_size(DEPTH, p->n_k - k);
            for (size_t r = 0; r < n_rows; r++)
                inlay__dequantize_row(p->type, p->weights + (row + r) * p->row_size + k * size, n_k,
                                      weights + r * DEPTH);
            multiply(p, row, n_rows, k, n_k, weights, DEPTH);
        }
    }
}

#else
typedef int inlay__no_blis; /* a source file may not be empty */
#endif
