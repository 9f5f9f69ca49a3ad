/* Packs the matrices of a model while it opens, on all threads. */
#ifndef INLAY_PACK_MODEL_H
#define INLAY_PACK_MODEL_H

#include "model/layers.h"

/* The matrices that products are made with, the head last. A separate embedding is only looked up and is none of them. */
size_t inlay__model_n_matrices(const inlay__model *model);
inlay__matrix *inlay__model_matrix_at(inlay__model *model, size_t i);

/* Replaces each matrix that the CPU level has a packed kernel for. Reports progress in bytes.
 * Errors: _MEMORY, _THREAD, _CANCELLED. */
int32_t inlay__model_pack(inlay__model *model, const inlay__model_config *config);

#endif
