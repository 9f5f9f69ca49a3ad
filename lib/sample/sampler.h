/* From logits to a token: top-k, then min-p, then top-p, then temperature, then a draw. At temperature
 * 0 the most probable token, without a draw. Ties go to the lower id, sums run in that order, exp is the
 * library's own: the choice is the same on every machine.
 *
 * min-p and top-p see the probabilities at temperature 1; the last draw is from the kept logits over the
 * temperature. */
#ifndef INLAY_SAMPLER_H
#define INLAY_SAMPLER_H

#include "base/base.h"
#include "sample/rng.h"

typedef struct inlay__sampler_config {
    float temperature; /* >= 0 */
    int32_t top_k;     /* 0: all */
    float top_p;       /* (0, 1]; 1: all */
    float min_p;       /* [0, 1]; 0: all */
    uint64_t seed;
} inlay__sampler_config;

typedef struct inlay__candidate {
    int32_t id;
    float logit;
    float p;
} inlay__candidate;

typedef struct inlay__sampler {
    inlay__sampler_config config;
    inlay__rng rng;
    inlay__candidate *candidates; /* [n_vocab] scratch */
    size_t n_vocab;
} inlay__sampler;

/* `candidates` [n_vocab] is the caller's memory. */
void inlay__sampler_init(inlay__sampler *sampler, const inlay__sampler_config *config, inlay__candidate *candidates,
                         size_t n_vocab);
/* Chooses from logits [n_vocab]. -inf bans a token; NaN and +inf are errors. Errors: INLAY_ERR_NUMERIC. On
 * failure the random numbers stand where they stood. */
int32_t inlay__sampler_choose(inlay__sampler *sampler, const float *logits, int32_t *token);

#endif
