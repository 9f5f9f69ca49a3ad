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
    INLAY__NORM_STREAM_SAME,   /* the same: attn_norm, ffn_norm */
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
    bool no_last_norm;         /* after the last layer; STREAM and STREAM_SAME imply it */
    bool parallel;             /* x + attention + feed-forward */
    bool experts_as_chosen;    /* weights of experts do not sum to 1, unless the metadata say otherwise */
    /* a decoder whose layers attend to what an encoder gave, between their other two blocks */
    bool cross;
    bool both_ways;            /* an encoder: every token sees those before and after it */
    /* A decoder of which there are models that make embeddings: those whose metadata say how to pool and that have
     * no head of their own run as an encoder, where tokens see those before them alone. */
    bool may_embed;
    bool causal;               /* it is one */
} inlay__transformer;

/* The stack that the last call below loaded is model->stack. */

/* Loads the embedding, all layers, the last norm and, of decoders, the head. Blocks are attention, then feed-forward
 * or, where the file has a router, a mixture of experts. What a family does otherwise it changes afterwards. */
int32_t inlay__transformer_load(inlay__model *model, const inlay__transformer *shape);

/* An activation that the metadata may name; else it stays. */
int32_t inlay__transformer_read_activation(const inlay__model *model, const char *key, inlay__activation *activation);

/* Loads stack->n_layer layers and the last norm of one of two stacks, by names with its prefix. */
int32_t inlay__transformer_load_stack(inlay__model *model, const inlay__transformer *shape, inlay__stack *stack);

/* Layers of a stack that attend to hparams.n_window keys only: those that the metadata's pattern names, or else all but
 * number i_global of each per_global (0: all). Local ones rotate by `rope`. */
int32_t inlay__transformer_set_windows(inlay__model *model, inlay__stack *stack, size_t per_global, size_t i_global,
                                       size_t rope);

/* The first block of a layer of this kind. */
static inline inlay__attention_weights *inlay__layer_attention(const inlay__stack *stack, size_t layer) {
    return stack->layers[layer].blocks[0].weights;
}

#endif
