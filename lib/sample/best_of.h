/* Best of n: several answers are drawn and generated together, and the one that is the most probable is given. */
#ifndef INLAY_BEST_OF_H
#define INLAY_BEST_OF_H

#include "model/decoder.h"
#include "sample/chain.h"
#include "sample/sampler.h"
#include "tokenizer/tokenizer.h"

typedef struct inlay__best_of_config {
    size_t n_answers, max_tokens;      /* >= 1 */
    double length_penalty;             /* >= 0 */
    const inlay__tokenizer *tokenizer; /* what ends an answer; NULL: nothing */
    size_t prompt;                     /* the sequence, with logits, that is gone on with; it stays as it is */
    size_t n_vocab;
    inlay__cpu cpu;
    inlay__sampler *sampler; /* from which all answers draw by turns, */
    inlay__chain *chain;     /* or, if not NULL, copies of this for each, with seeds that it draws */
} inlay__best_of_config;

/* The best answer, without the token that ends it: tokens [max_tokens], and the sum of its tokens' logarithms, its
 * end's too, divided by its length^length_penalty. The n_answers first other sequences are empty afterwards. On
 * failure the random numbers are as before. Errors: _MEMORY, and as of choosing and inlay__decoder_eval. */
int32_t inlay__best_of(const inlay__sys *sys, inlay__decoder *decoder, const inlay__best_of_config *config,
                       const inlay__eval_hooks *hooks, int32_t *tokens, size_t *n_tokens, double *score);

#endif
