/* One product and an activation as a block: what heads make of a state before their own product. */
#ifndef INLAY_BLOCK_DENSE_H
#define INLAY_BLOCK_DENSE_H

#include "model/phase.h"

typedef struct inlay__dense_weights {
    inlay__linear linear; /* [n_embd, n_embd] */
    inlay__activation activation;
} inlay__dense_weights;

extern const inlay__layer_block_kind inlay__dense_kind;

/* `name` without the ending. The branch replaces the stream. */
int32_t inlay__dense_load(inlay__model *model, const char *name, inlay__activation activation,
                          inlay__layer_block *block);

#endif
