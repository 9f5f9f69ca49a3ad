/* From logits to a token. In this order:
 *
 *   - temperature 0: the greatest logit, the lowest id among equals, without a draw;
 *   - top-k keeps the k greatest logits; equal ones by ascending id;
 *   - min-p keeps those whose probability is at least min_p times the greatest's;
 *   - top-p keeps the fewest, most probable first, whose probabilities reach top_p of the sum of those left;
 *   - one is drawn from the kept logits divided by the temperature.
 *
 * Probabilities of min-p and top-p are those at temperature 1. Candidates stand in ascending order of id until top-k or
 * top-p puts them in descending order of logit (ascending id among equals); every sum runs in the order that stands
 * when it is taken, in float, each addition rounded once. exp is the library's own. So the choice is the same on
 * every machine; it is part of the arithmetic version.
 */
#ifndef INLAY_SAMPLER_H
#define INLAY_SAMPLER_H

#include "kernels/kernels.h"
#include "sample/rng.h"

typedef struct inlay__sampler_config {
    float temperature; /* >= 0 */
    int32_t top_k;     /* 0: all */
    float top_p;       /* (0, 1]; 1: all */
    float min_p;       /* [0, 1]; 0: all */
    uint64_t seed;
} inlay__sampler_config;

/* Memory that the caller lends for the time of a choice; nothing is kept in it. Only as much as the rules need is touched. */
typedef struct inlay__sampler_scratch {
    int32_t *ids;   /* [n_vocab] the candidates */
    float *weights; /* [n_vocab] by id */
} inlay__sampler_scratch;

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
