/* The table of tensors of a folder: its files' tensors under GGUF's names, in GGUF's layout. */
#ifndef INLAY_TENSOR_MAP_H
#define INLAY_TENSOR_MAP_H

#include "format/weights.h"
#include "import/family.h"

/* Fills the table of weights whose parts are open and whose metadata are there. Tensors that differ from the files'
 * get a recipe and no data yet. Errors: _FORMAT, _UNSUPPORTED, _MEMORY. */
int32_t inlay__tensor_map_make(const inlay__config *config, inlay__weights *weights);

/* What the folder calls the tensor that GGUF calls `name`, or would if it had it; "" where its family has none. */
void inlay__tensor_map_origin(const inlay__weights *weights, const char *name, char *text, size_t capacity);

#endif
