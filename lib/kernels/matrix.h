/* A weight matrix as the kernels read it: the file's own rows in place, or packed panels of 16 rows. */
#ifndef INLAY_MATRIX_H
#define INLAY_MATRIX_H

#include <stdatomic.h>

#include "kernels/kernels.h"

typedef struct inlay__matrix {
    uint32_t type;
    bool packed;
    size_t n_rows;        /* outputs */
    size_t n_k;           /* inputs */
    size_t row_size;      /* bytes of a row; of a packed panel a 16th */
    const uint8_t *data;       /* NULL while it is still to be read from its place */
    uint64_t place;            /* in the file that has it */
    /* of rows: where their panels will be, once they are used enough to be packed; or NULL */
    const uint8_t *panels;
    const atomic_int *ready;   /* not 0: the panels are read in place of the rows, with the same result */
} inlay__matrix;

/* What multiplies it: quantised activations or floats. */
typedef struct inlay__operand {
    const inlay__acts *acts_32;  /* for BLOCK_32 types */
    const inlay__acts *acts_256; /* for BLOCK_256 types */
    const float *x;              /* [n_cols, n_k] for float types */
    uint8_t *panel;              /* room for a packed panel, for rows that a level has a packed kernel for; or NULL */
    const inlay__acts *acts_wide; /* for BLOCK_WIDE types */
} inlay__operand;

/* Rows [begin, end) as a matrix, begin a multiple of 16, in the form that they have by now. */
inlay__matrix inlay__matrix_part(const inlay__matrix *matrix, size_t begin, size_t end);

/* Whether two matrices are the same bytes, in memory or still to be read. */
static inline bool inlay__matrix_is(const inlay__matrix *a, const inlay__matrix *b) {
    return a->data == b->data && a->place == b->place;
}

/* Bytes of the matrix in the form that it has by now. */
size_t inlay__matrix_size(const inlay__matrix *matrix);

/* Bytes that it has where it stands: rows, or panels of which the last may have rows of zeros. */
static inline size_t inlay__matrix_stored_size(const inlay__matrix *m) {
    return (m->packed ? inlay__round_up(m->n_rows, INLAY__LANES) : m->n_rows) * m->row_size;
}

/* Bytes that the packed form of a matrix takes; 0 when the level has no packed kernel for its type. */
size_t inlay__matrix_packed_size(const inlay__kernels *kernels, uint32_t type, size_t n_rows, size_t n_k);
/* The same at any level; 0 when the type has no packed form. */
size_t inlay__packed_matrix_size(uint32_t type, size_t n_rows, size_t n_k);

/* Packs panels [panel_begin, panel_end) of 16 rows from `rows`, the file's, into `packed`. Rows beyond the last
 * are zero. `kernels` may be NULL. */
void inlay__matrix_pack(const inlay__kernels *kernels, const inlay__matrix *rows, size_t panel_begin, size_t panel_end,
                        uint8_t *packed);

/* out[col * out_stride + row] for rows [row_begin, row_end) (row_begin a multiple of 16) and columns
 * [col_begin, col_end). Writes nothing else. */
void inlay__matrix_multiply(const inlay__kernels *kernels, const inlay__matrix *matrix, const inlay__operand *operand,
                            size_t row_begin, size_t row_end, size_t col_begin, size_t col_end, float *out,
                            size_t out_stride);

/* Block b of row r (0 to 15) of a panel. */
void inlay__packed_block(uint32_t type, const uint8_t *panel, size_t b, size_t r, inlay__block *block);
void inlay__packed_superblock(uint32_t type, const uint8_t *panel, size_t b, size_t r, inlay__superblock *block);

/* One row of a packed matrix as floats [n_k], by the operations of inlay__dequantize_row. */
void inlay__matrix_packed_row(const inlay__matrix *matrix, size_t row, float *out);

/* One row as floats [n_k]. */
void inlay__matrix_row(const inlay__matrix *matrix, size_t row, float *out);

#endif
