/* Hyperparameters that families share: what the metadata say of a network's shape, checked. What only one family has, its
 * arch_NAME.c reads by model/keys.h. */
#ifndef INLAY_HPARAMS_H
#define INLAY_HPARAMS_H

#include "model/keys.h"

/* How rotary frequencies are stretched beyond the context of training. */
typedef enum inlay__rope_scaling {
    INLAY__ROPE_PLAIN,
    INLAY__ROPE_LINEAR,  /* positions are divided [Chen et al. 2023] */
    INLAY__ROPE_LLAMA3,  /* slow frequencies are divided, fast ones stay [Dubey et al. 2024] */
    INLAY__ROPE_YARN,    /* the same by turns in the context, and scores grow [Peng et al. 2023] */
    INLAY__ROPE_LONGROPE, /* each frequency has its own factor, from tensors [Ding et al. 2024] */
    INLAY__ROPE_DYNAMIC  /* a greater base for sequences with room for more than the context of training */
} inlay__rope_scaling;

typedef struct inlay__hparams {
    const char *architecture; /* as in the file; lives with the gguf */
    uint32_t n_vocab;
    uint32_t n_context_train;
    uint32_t n_embd;          /* 0, as n_layer: n-grams */
    uint32_t n_layer;
    uint32_t n_head;          /* 0: no attention, as the three below */
    uint32_t n_head_kv;
    uint32_t n_embd_head;     /* width of one head's query, key and value */
    uint32_t n_ff;            /* 0: no feed-forward blocks */
    uint32_t n_rope;          /* dimensions of a head that rotate */
    uint32_t n_window;        /* keys that a local layer sees, its own position among them; 0: no layer is local */
    float norm_epsilon;       /* of norms, where a family does not say another */
    double rope_theta;
    inlay__rope_scaling rope_scaling;
    double rope_scale;        /* the factor of linear scaling, LLaMA 3's or YaRN; 1: none */
    uint32_t n_context_original; /* positions before the stretching; 0: not said */
    double rope_attn_factor;  /* sines and cosines are multiplied by it; 0: not said */
    double yarn_beta_fast, yarn_beta_slow; /* turns in the original context between which YaRN fades */
    bool yarn_truncates;      /* to whole pairs */
    double llama3_low, llama3_high;        /* the same for LLaMA 3 */
    uint32_t n_expert;        /* 0: no mixture of experts */
    uint32_t n_expert_used;
    uint32_t n_ff_expert;
    float attn_soft_cap, logit_soft_cap; /* 0: none */
    float attn_scale;         /* of queries; 0: 1 / sqrt(n_embd_head) */
    float embd_scale, residual_scale, logit_scale; /* 0: not said */
} inlay__hparams;

/* Reads and checks them. `name` is the file in error messages. Errors: _FORMAT, _UNSUPPORTED. */
int32_t inlay__hparams_read(const char *name, const inlay__gguf *gguf, inlay__hparams *hparams);

#endif
