/* Packs the matrices of a model while it opens, on all threads. */
#ifndef INLAY_PACK_MODEL_H
#define INLAY_PACK_MODEL_H

#include "model/layers.h"

/* Lists the model's matrices (a separate embedding is only looked up and is none of them). With INLAY_PACK_OPEN
 * replaces each that the CPU level has a packed kernel for; with INLAY_PACK_AUTO takes the memory for that, and
 * inlay__model_use fills it. Reports progress in bytes. Errors: _MEMORY, _THREAD, _CANCELLED. */
int32_t inlay__model_pack(inlay__model *model, const inlay__model_config *config);

#endif
