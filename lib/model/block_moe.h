/* A mixture of experts as a block [Shazeer et al. 2017]: a router sends each token to a few of many feed-forward
 * networks. */
#ifndef INLAY_BLOCK_MOE_H
#define INLAY_BLOCK_MOE_H

#include "model/phase.h"

typedef struct inlay__moe_weights {
    size_t n_expert, n_used, n_ff;
    inlay__activation activation;
    bool normalizes;        /* the weights of the chosen experts sum to 1 */
    float scale;            /* of their sum */
    inlay__linear router;   /* [n_expert, n_embd] */
    inlay__matrix *gate;    /* [n_expert] of [n_ff, n_embd] */
    inlay__matrix *up;      /* [n_expert] of [n_ff, n_embd] */
    inlay__matrix *down;    /* [n_expert] of [n_embd, n_ff] */
} inlay__moe_weights;

extern const inlay__layer_block_kind inlay__moe_kind;

/* The block by the names of GGUF. `normalizes` unless the metadata say otherwise. */
int32_t inlay__moe_load(inlay__model *model, size_t layer, inlay__activation activation, bool normalizes,
                        inlay__layer_block *block);

#endif
