/* Beam search: the most probable answers that can be found by going on with the n best beginnings at a time. */
#ifndef INLAY_BEAM_H
#define INLAY_BEAM_H

#include "model/decoder.h"
#include "tokenizer/tokenizer.h"

typedef struct inlay__beam_config {
    size_t n_beams, max_tokens;        /* >= 1 */
    double length_penalty;             /* >= 0 */
    const inlay__tokenizer *tokenizer; /* what ends an answer; NULL: nothing */
    size_t prompt;                     /* the sequence, with logits, that is gone on with; it stays as it is */
    size_t n_vocab;
} inlay__beam_config;

/* The best answer, without the token that ends it: tokens [max_tokens], and the logarithm of its probability divided by
 * its length^length_penalty. The n_beams first other sequences are empty afterwards. Errors: _MEMORY, _NUMERIC and as
 * inlay__decoder_eval. */
int32_t inlay__beam_search(const inlay__sys *sys, inlay__decoder *decoder, const inlay__beam_config *config,
                           const inlay__eval_hooks *hooks, int32_t *tokens, size_t *n_tokens, double *score);

#endif
