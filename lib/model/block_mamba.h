/* Mamba's mixer [Gu and Dao 2023, arXiv:2312.00752] as a block. */
#ifndef INLAY_BLOCK_MAMBA_H
#define INLAY_BLOCK_MAMBA_H

#include "model/phase.h"

typedef struct inlay__mamba_weights {
    size_t n_inner, n_state, n_rank, n_taps;
    inlay__linear in;   /* [2 n_inner, n_embd] what is mixed, and its gate */
    const float *taps;  /* [n_taps, n_inner] of the convolution */
    const float *conv_bias; /* [n_inner] or NULL */
    inlay__linear x;    /* [n_rank + 2 n_state, n_inner] the step, B and C of a token */
    inlay__linear dt;   /* [n_inner, n_rank] the step of each channel */
    const float *a;     /* [n_inner, n_state] below 0 */
    const float *d;     /* [n_inner] */
    inlay__linear out;  /* [n_embd, n_inner] */
} inlay__mamba_weights;

extern const inlay__layer_block_kind inlay__mamba_kind;

int32_t inlay__mamba_load(inlay__model *model, size_t layer, inlay__layer_block *block);

#endif
