/* Hyperparameters: what the metadata say of a network's shape, checked. */
#ifndef INLAY_HPARAMS_H
#define INLAY_HPARAMS_H

#include "base/base.h"
#include "format/weights.h"

typedef struct inlay__hparams {
    const char *architecture; /* as in the file; lives with the gguf */
    uint32_t n_vocab;
    uint32_t n_context_train;
    uint32_t n_embd;
    uint32_t n_layer;
    uint32_t n_head;
    uint32_t n_head_kv;
    uint32_t n_embd_head;     /* width of one head's query, key and value */
    uint32_t n_ff;
    uint32_t n_rope;          /* dimensions of a head that rotate */
    uint32_t n_window;        /* keys that a local layer sees, its own position among them; 0: no layer is local */
    float norm_epsilon;
    double rope_theta;
    double rope_scale;        /* positions are divided by it (linear scaling); 1: none */
} inlay__hparams;

/* Reads and checks them. `name` is the file in error messages. Errors: _FORMAT, _UNSUPPORTED. */
int32_t inlay__hparams_read(const char *name, const inlay__gguf *gguf, inlay__hparams *hparams);

#endif
