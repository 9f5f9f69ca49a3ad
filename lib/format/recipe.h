/* How a tensor comes from what a file holds, where they differ in more than the name: rows in another order, elements
 * changed, experts stacked, another type. */
#ifndef INLAY_RECIPE_H
#define INLAY_RECIPE_H

#include "format/safetensors.h"

typedef enum inlay__row_order {
    INLAY__ROWS_KEPT,
    /* Of each head, the two halves that rotate together become adjacent rows: 0, n/2, 1, n/2 + 1, ... */
    INLAY__ROWS_ROTARY,
    /* [group][queries + key + value][head] becomes all queries, all keys, all values. */
    INLAY__ROWS_QKV,
    /* Of each matrix, [n_k, rows] becomes [rows, n_k]. */
    INLAY__ROWS_TRANSPOSED
} inlay__row_order;

typedef enum inlay__element_change {
    INLAY__ELEMENTS_KEPT,
    INLAY__ELEMENTS_ADD_ONE,     /* x + 1 */
    INLAY__ELEMENTS_NEGATE_EXP   /* -e^x */
} inlay__element_change;

/* Types of source elements: INLAY_TYPE_ or, above them, those that only safetensors has. */
enum { INLAY__SOURCE_F64 = 0x100, INLAY__SOURCE_F8_E4M3, INLAY__SOURCE_F8_E5M2, INLAY__SOURCE_I8, INLAY__SOURCE_U8 };

typedef struct inlay__recipe {
    bool needed;                  /* false: the tensor stands in a file as it is */
    inlay__row_order order;
    inlay__element_change change;
    uint32_t n_groups, n_queries; /* ROTARY: heads, 0; QKV: groups, queries of each; TRANSPOSED: matrices, 0 */
    uint32_t source_type;
    uint64_t n_rows, n_k;         /* of one source, as it becomes: rows of n_k elements */
    size_t n_sources;             /* stacked, one behind the other */
    const uint8_t **sources;      /* [n_sources] whole tensors of one shape and type */
} inlay__recipe;

#endif
