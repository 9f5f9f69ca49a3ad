/* A small network of any family that is made of attention and feed-forward blocks, with random weights in F32: what a
 * family is made of is said in a struct, and written under the names of GGUF. */
#ifndef INLAY_TINY_FAMILY_H
#define INLAY_TINY_FAMILY_H

#include "kernels/kernels.h"
#include "support/gguf_writer.h"

/* How the pairs of a head that rotate stand. */
typedef enum tiny_pairs { TINY_NO_ROPE, TINY_ADJACENT, TINY_HALVES } tiny_pairs;

typedef struct tiny_family {
    const char *architecture;
    uint32_t n_layer, n_vocab, n_embd, n_head, n_head_kv, n_head_dim, n_ff;
    bool layer_norm, bias;             /* else RMS norms; biases of norms and of all matrices */
    /* of attention and feed-forward: before (may be the same), of the branch, of the stream; or NULL */
    const char *norms[2][3];
    bool parallel, fused_qkv, fused_ffn, gated;
    inlay__activation activation;
    tiny_pairs pairs;
    uint32_t n_rope;                   /* 0: the whole head */
    uint32_t n_window;                 /* of local layers; 0: none */
    uint64_t local, plain;             /* bits of layers that attend to a window; that know no positions */
    bool slopes, learned, embd_norm, untied;
    bool qk_norm, qk_norm_is_whole;
    uint32_t n_expert, n_used;         /* 0: no experts */
    bool experts_as_chosen;
    float attn_soft_cap, logit_soft_cap;  /* 0: none */
    float attn_scale, embd_scale, residual_scale, logit_divisor; /* 0: not said */
    bool encoder;                         /* with segments, and heads that predict tokens or, with labels, classify */
    uint32_t n_labels;
    uint32_t n_embd_in;                   /* of narrower embeddings; 0: as the stream */
    void (*metadata)(gguf_writer *w);  /* more of it; or NULL */
} tiny_family;

/* A tensor [n_stacked, n_out, n_in] of numbers centre + scale * uniform in -1..1, which depend on its name alone. */
void tiny_put(gguf_writer *w, const char *name, size_t n_in, size_t n_out, size_t n_stacked, float centre, float scale);

/* Encoders. */
void tiny_modernbert_metadata(gguf_writer *w);
#define TINY_BERT                                                                                                      \
    {                                                                                                                  \
        .architecture = "bert", .n_layer = 3, .n_vocab = 320, .n_embd = 48, .n_head = 3, .n_head_kv = 3,               \
        .n_head_dim = 16, .n_ff = 80, .layer_norm = true, .bias = true,                                                \
        .norms = {{NULL, NULL, "attn_output_norm"}, {NULL, NULL, "layer_output_norm"}}, .activation = INLAY__GELU_ERF, \
        .pairs = TINY_NO_ROPE, .learned = true, .embd_norm = true, .encoder = true                                     \
    }
#define TINY_MODERNBERT                                                                                         \
    {                                                                                                           \
        .architecture = "modern-bert", .n_layer = 4, .n_vocab = 320, .n_embd = 48, .n_head = 3, .n_head_kv = 3, \
        .n_head_dim = 16, .n_ff = 80, .layer_norm = true,                                                       \
        .norms = {{"attn_norm", NULL, NULL}, {"ffn_norm", NULL, NULL}}, .fused_qkv = true, .fused_ffn = true,   \
        .gated = true, .activation = INLAY__GELU_ERF, .pairs = TINY_HALVES, .n_window = 20, .embd_norm = true,  \
        .encoder = true, .metadata = tiny_modernbert_metadata                                                   \
    }

/* The file's bytes, from malloc. */
uint8_t *tiny_family_file(const tiny_family *family, size_t *size);

#endif
