/* Making tensors that are not what the files hold: rows reordered, elements changed, experts stacked, types
 * converted. */
#ifndef INLAY_MAKE_H
#define INLAY_MAKE_H

#include "base/pool.h"
#include "format/weights.h"

typedef struct inlay__make_config {
    size_t n_threads;
    uint32_t type;              /* that matrices get: INLAY_TYPE_, or INLAY__KEEP_TYPES */
    inlay__progress *progress;  /* may be NULL; only to be cancelled by */
} inlay__make_config;

#define INLAY__KEEP_TYPES UINT32_MAX

/* Gives every tensor of the table its data. Files' pages are let go as they have been read, so that a model is not in
 * memory twice. Errors: _MEMORY, _THREAD, _CANCELLED, _IO. */
int32_t inlay__weights_make(inlay__weights *weights, const inlay__make_config *config);

/* The same step by step, so that no more than one of them is in memory: the types, then one tensor whose recipe is
 * needed, and letting go of it. Errors: _MEMORY, _THREAD. */
int32_t inlay__weights_choose_types(inlay__weights *weights, uint32_t type);
int32_t inlay__weights_make_tensor(inlay__weights *weights, inlay__pool *pool, size_t i);
void inlay__weights_unmake_tensor(inlay__weights *weights, size_t i);

#endif
