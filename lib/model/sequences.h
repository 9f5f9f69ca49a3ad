/* Whole sequences through an encoder: one pass reads several side by side, of which each sees itself alone. Nothing of
 * a sequence is kept but the states behind the last norm. */
#ifndef INLAY_SEQUENCES_H
#define INLAY_SEQUENCES_H

#include "model/decoder_state.h"

/* Sequences one behind another: number i is tokens[starts[i]] to tokens[starts[i + 1] - 1]. */
typedef struct inlay__sequences {
    const int32_t *tokens;
    const uint8_t *types;  /* the segment of each token; NULL: all 0 */
    const size_t *starts;  /* [n + 1] rising */
    size_t n;
} inlay__sequences;

/* The place for the keys and values of the layer in hand. */
int32_t inlay__sequences_init_cache(inlay__decoder *d);

/* Each sequence must have a token, fit the context, and have ids and types that the model knows. Errors: _ARGUMENT,
 * _CONTEXT, _TOKEN, with the number of the sequence where there are several. */
int32_t inlay__sequences_check(const inlay__decoder *d, const inlay__sequences *s);

/* Runs as many sequences, from number `first` on, as one pass holds, at least one. Their states [n_tokens, n_embd] are
 * then in d->hidden, and the sequences are d->spans [d->n_spans]. Errors: _CANCELLED, _NUMERIC, _THREAD. */
int32_t inlay__sequences_run(inlay__decoder *d, const inlay__sequences *s, size_t first,
                             const inlay__eval_hooks *hooks);

/* Reads one sequence, whose states then stay in d->states. On failure those before stay. Errors: as of both. */
int32_t inlay__sequences_read(inlay__decoder *d, const inlay__sequences *one, const inlay__eval_hooks *hooks);
/* [n, n_embd] of the sequence last read; NULL when there is none. */
const float *inlay__sequences_states(const inlay__decoder *d, size_t *n);

/* Which token is expected at a position of the sequence last read: logits [n_vocab], until the next call. */
int32_t inlay__sequences_predict(inlay__decoder *d, size_t position, const inlay__eval_hooks *hooks, float **logits);

/* One vector of a sequence's states: their mean, the first or the last (INLAY_POOLING_); the first n_dims numbers of
 * it, and `normalize` divides them by their length. */
typedef struct inlay__pooling {
    int32_t kind;
    size_t n_dims;
    bool normalize;
} inlay__pooling;

void inlay__sequences_pool(const inlay__pooling *pooling, const float *states, size_t n, size_t n_embd, float *out);

/* Vectors [s->n, n_dims] of all sequences, checked before, pass by pass. */
int32_t inlay__sequences_embed(inlay__decoder *d, const inlay__sequences *s, const inlay__pooling *pooling,
                             const inlay__eval_hooks *hooks, float *out);

/* What the labels' head makes of each sequence, checked before, pass by pass: out [s->n, n_labels]. */
int32_t inlay__sequences_classify(inlay__decoder *d, const inlay__sequences *s, const inlay__eval_hooks *hooks,
                                  float *out);

/* What a head makes of n states [n, n_embd]: out [n, rows of the head]. Errors: as above. */
int32_t inlay__sequences_apply(inlay__decoder *d, const inlay__head *head, const float *states, size_t n, float *out,
                             const inlay__eval_hooks *hooks);

#endif
