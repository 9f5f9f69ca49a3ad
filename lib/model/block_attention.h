/* Attention [Vaswani et al. 2017] as a block: several heads of queries over the keys and values of the sequence. */
#ifndef INLAY_BLOCK_ATTENTION_H
#define INLAY_BLOCK_ATTENTION_H

#include "model/phase.h"

/* n_q = n_head n_head_dim, n_kv = n_head_kv n_head_dim. */
typedef struct inlay__attention_weights {
    size_t n_head, n_head_kv, n_head_dim;
    size_t i_cache;          /* its place in the key/value cache */
    bool both_ways;          /* tokens see those after them too: of encoders, which keep no keys for later */
    bool causal;             /* of those, tokens see none after them all the same */
    bool cross;              /* keys and values are those of what the encoder gave */
    bool relative;           /* scores get the biases of the stack */
    inlay__linear q;         /* [n_q, n_embd] */
    inlay__linear k, v;      /* [n_kv, n_embd] */
    inlay__linear out;       /* [n_embd, n_q] */
    inlay__norm q_norm, k_norm; /* before the rotation: of each head, or of all heads as one */
    bool norm_is_whole;
    size_t rope;             /* INLAY__ROPE_GLOBAL, _LOCAL or INLAY__NO_ROPE */
    inlay__rope_pairs pairs; /* that rotate together */
    size_t n_window;         /* keys seen, its own among them; both ways half of it on each side, and its own; 0: all */
    float scale;             /* queries are multiplied by it before they meet the keys */
    float soft_cap;          /* 0: none */
    const float *slopes;     /* [n_head] of ALiBi [Press et al. 2022]; or NULL */
} inlay__attention_weights;

extern const inlay__layer_block_kind inlay__attention_kind;
/* Attention of a decoder to what an encoder gave. Its keys and values are computed once, by inlay__forward_cross. */
extern const inlay__layer_block_kind inlay__cross_attention_kind;

/* An attention block of a decoder, or of an encoder, with the heads, scale and soft cap that the hyperparameters say,
 * for the caller to load the rest. NULL without memory. */
inlay__attention_weights *inlay__attention_new(inlay__model *model, inlay__layer_block *block, bool both_ways);

/* q, k, v and the output by the names of GGUF, whichever the file has: apart or fused ("attn_qkv"), with biases or
 * without; norms of queries and keys where the file has them. */
int32_t inlay__attention_load(inlay__model *model, size_t layer, inlay__norm_kind norm,
                              inlay__attention_weights *weights);

/* A block of attention to what the encoder gave, "cross_attn_q" and so on. */
int32_t inlay__cross_attention_load(inlay__model *model, size_t layer, inlay__layer_block *block);

#endif
