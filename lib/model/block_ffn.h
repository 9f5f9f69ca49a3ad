/* Feed-forward networks as a block: plain [Vaswani et al. 2017], or gated [Shazeer 2020]. */
#ifndef INLAY_BLOCK_FFN_H
#define INLAY_BLOCK_FFN_H

#include "model/phase.h"

/* How the gate of gated ones stands in a file: a tensor of its own, or the first half of "ffn_up". */
typedef enum inlay__ffn_form { INLAY__FFN_PLAIN, INLAY__FFN_GATED, INLAY__FFN_FUSED } inlay__ffn_form;

typedef struct inlay__ffn_weights {
    inlay__activation activation;
    bool gated;
    inlay__linear gate; /* [n_ff, n_embd] of gated ones */
    inlay__linear up;   /* [n_ff, n_embd] */
    inlay__linear down; /* [n_embd, n_ff] */
} inlay__ffn_weights;

extern const inlay__layer_block_kind inlay__ffn_kind;

/* The block by the names of GGUF, with biases or without. */
int32_t inlay__ffn_load(inlay__model *model, size_t layer, inlay__ffn_form form, inlay__activation activation,
                        inlay__layer_block *block);

#endif
