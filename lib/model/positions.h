/* What tells a network where a token stands: rotary frequencies with their scalings, learned positions, slopes. */
#ifndef INLAY_POSITIONS_H
#define INLAY_POSITIONS_H

#include "model/layers.h"

/* Frequencies theta^(-2 i / n_rope) of INLAY__ROPE_GLOBAL or _LOCAL; with `scaled` stretched as the hyperparameters and
 * the file's factors say. */
int32_t inlay__positions_make_rope(inlay__model *model, size_t which, double theta, bool scaled);

/* The frequencies [n_rope / 2] of a sequence with room for n_context positions, scaled dynamically: beyond the context
 * of training the base grows so that the slowest pair turns as far as it did there. */
void inlay__positions_dynamic(const inlay__hparams *hparams, size_t n_context, double *frequencies);

/* A stack's learned embedding of n positions, whose first is row `first` of the tensor. */
int32_t inlay__positions_load(inlay__model *model, inlay__stack *stack, size_t n, size_t first);

/* ALiBi's slopes of all heads, a geometric sequence from 2^(-greatest / n) [Press et al. 2022]; greatest is 8 in the
 * paper. NULL without memory. */
const float *inlay__positions_slopes(inlay__model *model, size_t n_head, double greatest);

/* Biases of relative positions of stack->n_head heads by buckets, "blk.0.attn_rel_b" of the stack that loads. */
int32_t inlay__positions_load_relative(inlay__model *model, size_t n_buckets, size_t max_distance, bool both_ways);

/* The bucket of a key that stands `offset` behind the query: below 0 before it. */
size_t inlay__positions_bucket(const inlay__relative *relative, int64_t offset);

#endif
