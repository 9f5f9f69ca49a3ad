/* What a decoder holds while it runs: shared buffers, each thread's own, and the order of its phases. */
#ifndef INLAY_DECODER_STATE_H
#define INLAY_DECODER_STATE_H

#include <stdatomic.h>

#include "base/pool.h"
#include "model/decoder.h"
#include "model/kv_cache.h"
#include "model/layers.h"

/* A column's activations in every form that the model's matrices want. */
typedef struct inlay__inputs {
    float *x;             /* [n_cols, n]; NULL when no product reads floats */
    inlay__acts acts_32;  /* n_cols columns */
    inlay__acts acts_256;
} inlay__inputs;

/* What one thread has for itself, so that it need not wait for others when there are few columns. */
typedef struct inlay__thread_scratch {
    inlay__inputs inputs;   /* INLAY__FEW_COLS columns */
    float *hidden;          /* [INLAY__FEW_COLS, n_embd] the residual stream, when it has few columns; else a row on its way
                             * into the inputs */
    float *row;             /* [n_embd] */
    float *scratch;         /* what the blocks ask for */
    uint8_t *panel;         /* [model->panel_size] rows on their way into a kernel; NULL when all are packed */
} inlay__thread_scratch;

/* With so few columns each thread prepares all of them by itself instead of waiting at a barrier. */
enum { INLAY__FEW_COLS = 4, INLAY__N_COUNTERS = 3 };

/* Branches that may wait to join the stream: those of parallel blocks. */
enum { INLAY__N_BRANCHES = 2 };

struct inlay__decoder {
    const inlay__sys *sys;
    const inlay__model *model;
    inlay__decoder_config config;
    inlay__pool *pool;
    inlay__kv_cache cache;
    size_t length;
    size_t n_prefix;                 /* tokens at the beginning that all see one another */
    bool has_logits;
    size_t n_rows_read;              /* of the embedding, since its memory was let go */

    uint8_t *arena;                  /* all buffers below */
    size_t arena_size;
    float *hidden;                   /* [n_batch, n_embd] the residual stream */
    float *work[INLAY__N_WORK];      /* [n_batch, what the blocks ask for] each block's own, until its branch is made; those
                                      * that no block uses together overlap */
    float *parts;                    /* [blocks of 256 positions, what the blocks ask for] one token's attention, block by block */
    float *branch[INLAY__N_BRANCHES]; /* [n_batch, n_embd] what a block adds to the stream; the second of parallel blocks */
    float *cosines[INLAY__N_ROPES];  /* [n_batch, ropes[i].n / 2] */
    float *sines[INLAY__N_ROPES];    /* [n_batch, ropes[i].n / 2] */
    float *logits;                   /* [n_vocab] of the last evaluation that succeeded */
    float *new_logits;               /* [n_vocab] of the one that runs */
    float *state[2];                 /* [n_state] of recurrent blocks: of the evaluation before, and of the one that runs */
    bool state_is_new;               /* the one that runs has done a batch and goes on from its own */
    inlay__inputs inputs;            /* [n_batch] shared */
    inlay__thread_scratch *threads;  /* [n_threads] */

    /* One pass: n_cols columns from position `length`. */
    const int32_t *tokens;           /* [n_cols] */
    size_t n_cols;
    size_t logits_begin;             /* columns [logits_begin, n_cols) want logits */
    float *logits_out;               /* [n_cols - logits_begin, n_vocab] */
    const atomic_int *cancel;        /* may be NULL */
    atomic_int stop;                 /* the cancel flag was seen: all threads leave after this layer, counted from 1 */
    atomic_size_t next[INLAY__N_COUNTERS]; /* tasks taken of a phase */
};

/* Runs the columns set in the decoder through all layers; every thread of the pool calls it. */
void inlay__forward(void *decoder, size_t i_thread, size_t n_threads);

#endif
