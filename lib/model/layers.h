/* The weights of a network, in the form the decoder runs. */
#ifndef INLAY_LAYERS_H
#define INLAY_LAYERS_H

#include "kernels/matrix.h"
#include "model/model.h"

typedef enum inlay__rope { INLAY__ROPE_ADJACENT, INLAY__ROPE_HALVES } inlay__rope;
typedef enum inlay__activation { INLAY__SILU, INLAY__GELU_TANH } inlay__activation;

/* Local layers may turn at another pace than global ones. */
enum { INLAY__ROPE_GLOBAL, INLAY__ROPE_LOCAL, INLAY__N_ROPES };

/* One transformer block. n_q = n_head * n_embd_head, n_kv = n_head_kv * n_embd_head. What may be NULL is left out
 * where it is. */
typedef struct inlay__layer {
    bool local;              /* attends to the last n_window keys only */
    const float *attn_norm;  /* [n_embd] */
    inlay__matrix attn_q;    /* [n_q, n_embd] */
    inlay__matrix attn_k;    /* [n_kv, n_embd] */
    inlay__matrix attn_v;    /* [n_kv, n_embd] */
    inlay__matrix attn_out;  /* [n_embd, n_q] */
    const float *attn_q_bias; /* [n_q] or NULL */
    const float *attn_k_bias; /* [n_kv] or NULL */
    const float *attn_v_bias; /* [n_kv] or NULL */
    const float *attn_q_norm; /* [n_embd_head] of each head's query, before it is rotated; or NULL */
    const float *attn_k_norm; /* [n_embd_head] of each head's key; or NULL */
    const float *attn_post_norm; /* [n_embd] of what attention adds to the stream; or NULL */
    const float *ffn_norm;   /* [n_embd] */
    const float *ffn_post_norm; /* [n_embd] of what the feed-forward block adds; or NULL */
    inlay__matrix ffn_gate;  /* [n_ff, n_embd] */
    inlay__matrix ffn_up;    /* [n_ff, n_embd] */
    inlay__matrix ffn_down;  /* [n_embd, n_ff] */
} inlay__layer;

/* Memory of a model, freed together. */
typedef struct inlay__model_block {
    void *memory;
    size_t size;
} inlay__model_block;

struct inlay__model {
    const inlay__sys *sys;
    const inlay__weights *weights;
    inlay__kernels kernels;
    inlay__hparams hparams;
    inlay__rope rope;
    inlay__activation activation;
    float query_scale;           /* queries are multiplied by it before they meet the keys */
    float embd_scale;            /* embeddings are multiplied by it; 1: they are not */
    double *rope_frequencies[INLAY__N_ROPES]; /* [n_rope / 2] radians per position; the local one may be NULL */
    inlay__matrix token_embd;    /* [n_vocab, n_embd] */
    inlay__layer *layers;        /* [n_layer] */
    const float *output_norm;    /* [n_embd] */
    inlay__matrix output;        /* [n_vocab, n_embd]; token_embd where the two are tied */
    size_t panel_size;           /* bytes of the greatest panel that is packed to be multiplied; 0: all are in memory */
    bool *used;                  /* [weights->n_tensors] found by name, while the model loads */
    inlay__model_block *blocks;  /* [n_blocks] */
    size_t n_blocks, block_capacity;
};

/* Cleared memory that lives as long as the model; NULL when there is none. */
void *inlay__model_alloc(inlay__model *model, size_t count, size_t size);
/* The same, not cleared. */
void *inlay__model_alloc_raw(inlay__model *model, size_t size);

/* Find a tensor that must be there, of the shape given, of a type that runs. `format` names it, with one %u for the
 * layer. Vectors come as floats; matrices [n_rows, n_k] as the file's rows. The optional one leaves NULL when the
 * tensor is absent. Errors: _FORMAT (missing, or of another shape), _UNSUPPORTED (type), _MEMORY. */
int32_t inlay__model_vector(inlay__model *model, const char *format, size_t layer, size_t n, const float **out);
int32_t inlay__model_vector_optional(inlay__model *model, const char *format, size_t layer, size_t n,
                                     const float **out);
int32_t inlay__model_matrix(inlay__model *model, const char *format, size_t layer, size_t n_rows, size_t n_k,
                            inlay__matrix *out);
bool inlay__model_has(const inlay__model *model, const char *format, size_t layer);
/* An optional tensor that this architecture must have in every layer. Errors: _FORMAT. */
int32_t inlay__model_require(const inlay__model *model, const char *format);
/* A tensor that nobody found is part of a network that is not this one. Errors: _UNSUPPORTED. */
int32_t inlay__model_require_all_used(const inlay__model *model);

/* An architecture: how the file's tensors become the layers above. */
typedef struct inlay__arch {
    const char *name; /* general.architecture */
    int32_t (*load)(inlay__model *model);
} inlay__arch;

/* NULL when this library does not run it. */
const inlay__arch *inlay__arch_find(const char *name);
/* All names, separated by commas, for messages. */
const char *inlay__arch_names(void);

int32_t inlay__arch_llama_load(inlay__model *model);
int32_t inlay__arch_qwen2_load(inlay__model *model);
int32_t inlay__arch_gemma3_load(inlay__model *model);

/* Frequencies theta^(-2 i / n_rope) / scale for INLAY__ROPE_GLOBAL or _LOCAL. */
int32_t inlay__model_make_rope(inlay__model *model, size_t which, double theta, double scale);

/* What these share: token embedding, norms, projections with optional biases, SwiGLU, head. */
int32_t inlay__model_load_dense(inlay__model *model);

#endif
