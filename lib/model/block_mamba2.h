/* Mamba-2's mixer [Dao and Gu 2024, arXiv:2405.21060] as a block. */
#ifndef INLAY_BLOCK_MAMBA2_H
#define INLAY_BLOCK_MAMBA2_H

#include "model/phase.h"

/* n_conv = n_inner + 2 n_group n_state: x, B and C, side by side. */
typedef struct inlay__mamba2_weights {
    size_t n_inner, n_state, n_head, n_group, n_taps;
    size_t n_conv;
    float step_least, step_greatest; /* dt stays within */
    inlay__linear in;       /* [n_inner + n_conv + n_head, n_embd] the gate; x, B, C; the step of each head */
    const float *taps;      /* [n_taps, n_conv] of the convolution */
    const float *conv_bias; /* [n_conv] or NULL */
    const float *dt_bias;   /* [n_head] */
    const float *a;         /* [n_head] below 0 */
    const float *d;         /* [n_head] */
    const float *norm;      /* [n_inner], of which the channels of each group are normed by themselves */
    inlay__linear out;      /* [n_embd, n_inner] */
} inlay__mamba2_weights;

extern const inlay__layer_block_kind inlay__mamba2_kind;

int32_t inlay__mamba2_load(inlay__model *model, size_t layer, inlay__layer_block *block);

#endif
