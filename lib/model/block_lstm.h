/* Long short-term memory [Hochreiter and Schmidhuber 1997; Gers et al. 2000] as a block. */
#ifndef INLAY_BLOCK_LSTM_H
#define INLAY_BLOCK_LSTM_H

#include "model/phase.h"

/* Rows are input, forget, cell and output gate, n each. */
typedef struct inlay__lstm_weights {
    size_t n;
    inlay__linear input;  /* [4 n, n] of what comes in */
    inlay__linear hidden; /* [4 n, n] of what went out for the token before */
} inlay__lstm_weights;

extern const inlay__layer_block_kind inlay__lstm_kind;

int32_t inlay__lstm_load(inlay__model *model, size_t layer, inlay__layer_block *block);

#endif
