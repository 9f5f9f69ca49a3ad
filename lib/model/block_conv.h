/* A gated short convolution, the mixer of LFM2's layers without attention, as a block. */
#ifndef INLAY_BLOCK_CONV_H
#define INLAY_BLOCK_CONV_H

#include "model/phase.h"

typedef struct inlay__conv_weights {
    size_t n, n_taps;
    inlay__linear in;   /* [3 n, n] the gate before, the gate behind, and what is convolved */
    const float *taps;  /* [n_taps, n] */
    const float *bias;  /* [n] or NULL */
    inlay__linear out;  /* [n, n] */
} inlay__conv_weights;

extern const inlay__layer_block_kind inlay__conv_kind;

int32_t inlay__conv_load(inlay__model *model, size_t layer, inlay__layer_block *block);

#endif
