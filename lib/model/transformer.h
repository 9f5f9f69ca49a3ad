/* Layers of attention and feed-forward, the shape that most families share: what differs is said in a struct. */
#ifndef INLAY_TRANSFORMER_H
#define INLAY_TRANSFORMER_H

#include "model/block_attention.h"
#include "model/block_ffn.h"
#include "model/block_moe.h"

/* Where the norms of a block stand, and under which names in GGUF (of attention, of feed-forward). */
typedef enum inlay__norm_place {
    INLAY__NORM_BEFORE,        /* x + f(norm x): attn_norm, ffn_norm */
    INLAY__NORM_BRANCH,        /* x + norm f(x): post_attention_norm, post_ffw_norm */
    INLAY__NORM_BEFORE_BRANCH, /* x + norm f(norm x): all four */
    INLAY__NORM_STREAM,        /* norm(x + f(x)): attn_output_norm, layer_output_norm */
    INLAY__NORM_ELSEWHERE      /* the family loads them itself */
} inlay__norm_place;

typedef struct inlay__transformer {
    inlay__norm_kind norm;
    inlay__norm_place place;
    inlay__norm_kind qk_norm;  /* of queries and keys; NONE: such tensors are unknown */
    bool qk_norm_is_whole;     /* over all heads as one */
    inlay__ffn_form ffn;
    inlay__activation activation; /* unless the metadata name another */
    size_t rope;               /* INLAY__ROPE_GLOBAL or INLAY__NO_ROPE */
    inlay__rope_pairs pairs;
    bool no_last_norm;         /* after the last layer; STREAM implies it */
    bool parallel;             /* x + attention + feed-forward */
    bool experts_as_chosen;    /* weights of experts do not sum to 1, unless the metadata say otherwise */
} inlay__transformer;

/* Loads the embedding, all layers, the last norm and the head. Blocks are attention, then feed-forward or, where the file has
 * a router, a mixture of experts. What a family does otherwise it changes afterwards. */
int32_t inlay__transformer_load(inlay__model *model, const inlay__transformer *shape);

/* Layers that attend to hparams.n_window keys only: those that the metadata's pattern names, or else all but each
 * `per_global`-th (0: all). Local ones rotate by `rope`. */
int32_t inlay__transformer_set_windows(inlay__model *model, size_t per_global, size_t rope);

/* The first block of a layer of this kind. */
inlay__attention_weights *inlay__layer_attention(inlay__model *model, size_t layer);

#endif
