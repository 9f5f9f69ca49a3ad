/* A complete model of a few layers with random weights, as GGUF in memory: what tests run, so that none needs a
 * download. The same parameters give the same bytes everywhere. */
#ifndef INLAY_TINY_MODEL_H
#define INLAY_TINY_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/gguf_writer.h"

/* Tokens: 0 to 2 are control tokens, then the 256 bytes, then merged pairs. */
enum {
    TINY_ENDOFTEXT = 0, /* "<|endoftext|>": unknown and padding */
    TINY_IM_START = 1,  /* "<|im_start|>": BOS */
    TINY_IM_END = 2,    /* "<|im_end|>": EOS */
    TINY_FIRST_BYTE = 3,
    TINY_FIRST_MERGE = 259
};

typedef struct tiny_params {
    uint32_t n_vocab;         /* 259 (no merges) to 18000 */
    uint32_t n_embd;          /* a multiple of the blocks of both types; for K types of 256 */
    uint32_t n_head;          /* divides n_embd into even heads */
    uint32_t n_head_kv;       /* divides n_head */
    uint32_t n_layer;
    uint32_t n_ff;            /* as n_embd */
    uint32_t n_ctx;           /* positions, as the metadata says */
    uint32_t matrix_type;     /* INLAY_TYPE_ of the layers' matrices and of a separate head */
    uint32_t embedding_type;  /* INLAY_TYPE_ of token_embd.weight */
    bool tied;                /* no output.weight */
    uint32_t alignment;       /* of tensor data */
    uint64_t seed;
    const char *architecture; /* NULL: "llama". "qwen2" has biases, "gemma3" its norms */
    uint32_t n_embd_head;     /* width of a head, an even number; 0: n_embd / n_head */
    uint32_t n_rope;          /* dimensions of a head that rotate; 0: all */
    uint32_t n_window;        /* keys that local layers see; 0: not said */
    float rope_theta;         /* 0: 10,000 */
    float rope_scale;         /* linear scaling; 0: not said */
} tiny_params;

/* 320 tokens, 64 wide, 4 heads over 2, 2 layers, n_ff 96, 128 positions, F32, tied, alignment 32. */
tiny_params tiny_defaults(void);

/* The file's bytes, from malloc. */
uint8_t *tiny_model(const tiny_params *params, size_t *size);

/* The two halves of it, for tests that change something between. */
void tiny_metadata(const tiny_params *params, gguf_writer *w);
void tiny_tensors(const tiny_params *params, gguf_writer *w);

/* The metadata of its tokenizer, with n tokens, 259 or more. */
void tiny_put_vocabulary(gguf_writer *w, uint32_t n);

#endif
