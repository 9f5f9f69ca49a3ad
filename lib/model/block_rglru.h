/* Griffin's recurrent mixer around a real-gated linear recurrent unit [De et al. 2024, arXiv:2402.19427] as a block. */
#ifndef INLAY_BLOCK_RGLRU_H
#define INLAY_BLOCK_RGLRU_H

#include "model/phase.h"

typedef struct inlay__rglru_weights {
    size_t n, n_head, n_taps;  /* channels, in heads of n / n_head */
    inlay__linear x, y;        /* [n, n_embd] what is mixed, and what it is multiplied by at the end */
    const float *taps;         /* [n_taps, n] of the convolution */
    const float *conv_bias;    /* [n] or NULL */
    /* [n_head] matrices [n / n_head, n / n_head] of each head: of the input, of the recurrence */
    inlay__matrix *gates[2];
    const float *gate_bias[2]; /* [n] */
    const float *decay;        /* [n] softplus of the parameter of the recurrence */
    inlay__linear out;         /* [n_embd, n] */
} inlay__rglru_weights;

extern const inlay__layer_block_kind inlay__rglru_kind;

int32_t inlay__rglru_load(inlay__model *model, size_t layer, inlay__layer_block *block);

#endif
