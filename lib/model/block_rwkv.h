/* RWKV-4's two mixers [Peng et al. 2023, arXiv:2305.13048] as blocks. */
#ifndef INLAY_BLOCK_RWKV_H
#define INLAY_BLOCK_RWKV_H

#include "model/phase.h"

/* n is the width of the stream. What a matrix reads is lerp x + (1 - lerp) x of the token before. */
typedef struct inlay__time_mix_weights {
    size_t n, n_inner;
    const float *lerp[3];     /* [n] of receptance, key, value */
    inlay__linear linear[3];  /* [n_inner, n] receptance, key, value */
    const float *decay;       /* [n_inner] below 0 */
    const float *first;       /* [n_inner] what is added to a token's own key */
    inlay__linear out;        /* [n, n_inner] */
} inlay__time_mix_weights;

typedef struct inlay__channel_mix_weights {
    size_t n;
    const float *lerp[2];     /* [n] of receptance, key */
    inlay__linear receptance; /* [n, n] */
    inlay__linear key;        /* [n_ff, n] */
    inlay__linear value;      /* [n, n_ff] */
} inlay__channel_mix_weights;

extern const inlay__layer_block_kind inlay__time_mix_kind, inlay__channel_mix_kind;

int32_t inlay__time_mix_load(inlay__model *model, size_t layer, size_t n_inner, inlay__layer_block *block);
int32_t inlay__channel_mix_load(inlay__model *model, size_t layer, inlay__layer_block *block);

#endif
