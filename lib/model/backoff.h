/* Evaluating an n-gram model: how likely each token is after the tokens before it. */
#ifndef INLAY_BACKOFF_H
#define INLAY_BACKOFF_H

#include "format/ngrams.h"
#include "model/decoder_state.h"

/* Logits [n_vocab], the natural logarithms of probabilities, after n tokens:
 *
 *     ln p(token | context) = log_prob of context and token where that n-gram is there,
 *                             log_backoff of the context + ln p(token | context without its first token) else
 *
 * Back-off weights are summed from the longest context on, and the sum is added to the log_prob of what is there. */
void inlay__backoff_logits(const inlay__ngrams *ngrams, const int32_t *tokens, size_t n, float *logits);

/* A pass over the columns of a decoder whose model has n-grams. Errors: _CANCELLED, _THREAD. */
int32_t inlay__backoff_pass(inlay__decoder *d);

#endif
