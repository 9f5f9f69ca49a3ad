/* From logits to a token by a session's options. In this order:
 *
 *   - temperature 0: the greatest logit, the lowest id among equals, without a draw;
 *   - top-k, min-p and top-p (truncate.h), with the probabilities at temperature 1;
 *   - one is drawn from the kept logits divided by the temperature.
 *
 * Chains of any rules in any order stand in chain.h.
 */
#ifndef INLAY_SAMPLER_H
#define INLAY_SAMPLER_H

#include "sample/candidates.h"

typedef struct inlay__sampler_config {
    float temperature; /* >= 0 */
    int32_t top_k;     /* 0: all */
    float top_p;       /* (0, 1]; 1: all */
    float min_p;       /* [0, 1]; 0: all */
    uint64_t seed;
} inlay__sampler_config;

typedef struct inlay__sampler {
    const inlay__kernels *kernels;
    inlay__sampler_config config;
    inlay__rng rng;
    inlay__sampler_scratch scratch;
    size_t n_vocab;
} inlay__sampler;

void inlay__sampler_init(inlay__sampler *sampler, const inlay__kernels *kernels, const inlay__sampler_config *config,
                         const inlay__sampler_scratch *scratch, size_t n_vocab);

/* Chooses from logits [n_vocab]. -inf bans a token; NaN and +inf are errors. Errors: INLAY_ERR_NUMERIC. On
 * failure the random numbers stand where they stood. */
int32_t inlay__sampler_choose(inlay__sampler *sampler, const float *logits, int32_t *token);

#endif
