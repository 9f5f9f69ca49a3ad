/* A model ready to run: hyperparameters and weights in the form the kernels want. Immutable. */
#ifndef INLAY_MODEL_INTERNAL_H
#define INLAY_MODEL_INTERNAL_H

#include <stdatomic.h>

#include "base/base.h"
#include "base/pool.h"
#include "format/weights.h"
#include "kernels/kernels.h"
#include "model/hparams.h"

typedef struct inlay__model inlay__model;

typedef struct inlay__model_config {
    inlay__log log;
    inlay__progress *progress;  /* may be NULL; in bytes */
    inlay__cpu cpu;
    int32_t pack;               /* INLAY_PACK_ */
    size_t n_threads;           /* for packing the weights while opening */
    size_t n_vocab_tokenizer;   /* the tokenizer's; must agree with the embedding */
} inlay__model_config;

/* Reads hyperparameters, finds the architecture, checks every tensor it needs (present, shape, type). The weights
 * and `sys` must outlive the model. Errors: _FORMAT, _UNSUPPORTED, _MEMORY, _CANCELLED, _THREAD, _IO. */
int32_t inlay__model_new(const inlay__sys *sys, const inlay__weights *weights, const inlay__model_config *config,
                         inlay__model **model);
void inlay__model_free(inlay__model *model);

const inlay__hparams *inlay__model_hparams(const inlay__model *model);
/* The context of training or, of models that turn otherwise in sessions with room for more, what they were trained with
 * first; 0 where the model does not say. */
size_t inlay__model_first_context(const inlay__model *model);
/* Bytes for packed weights, whether they are packed already or not. */
size_t inlay__model_packed_size(const inlay__model *model);
/* "decoder", "encoder", ...; and INLAY_CAN_ bits. */
const char *inlay__model_kind(const inlay__model *model);
int32_t inlay__model_capabilities(const inlay__model *model);
/* INLAY_POOLING_MEAN, _FIRST or _LAST: how sequences become one vector. */
int32_t inlay__model_pooling(const inlay__model *model);
/* Counts n tokens that are about to be evaluated, and packs the matrices when that has begun to pay and nobody has yet, on
 * the threads of the pool. `cancel` may be NULL. Errors: _THREAD, _CANCELLED, _CHANGED, _IO; then the rows serve on. */
int32_t inlay__model_use(const inlay__model *model, inlay__pool *pool, size_t n_tokens, const atomic_int *cancel);

/* Labels it tells, and segments it tells apart; 0 where it does neither. */
size_t inlay__model_labels(const inlay__model *model);
size_t inlay__model_segments(const inlay__model *model);
/* What a decoder behind an encoder begins with, and what always follows; -1: nothing. */
int32_t inlay__model_start_token(const inlay__model *model);
int32_t inlay__model_forced_token(const inlay__model *model);
/* Bytes of weights that the evaluation of one token reads, in the form they have in memory. */
size_t inlay__model_token_bytes(const inlay__model *model);
/* The table of kernels that the model's CPU level has. */
const inlay__kernels *inlay__model_kernels(const inlay__model *model);

#endif
