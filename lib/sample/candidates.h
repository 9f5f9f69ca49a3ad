/* The tokens among which one is chosen. Rules take some away or change their
 * logits, until one is drawn.
 *
 *   logits  [n_vocab]  by id: -inf bans a token; NaN and +inf are errors
 *   ids     [n_vocab]  the first n are the candidates, once they are listed;
 * before that all tokens are that are not banned, in ascending order of id
 *   weights [n_vocab]  by id: e^(logit - greatest), of candidates, once they
 * are weighed
 *
 * Candidates stand in ascending order of id until a rule puts them in
 * descending order of logit (ascending id among equals) or in one of its own.
 * Every sum over them runs in the order that stands, in float, each addition
 * rounded once; exp is the library's own. So choices are the same on every
 * machine; they are part of the arithmetic version.
 */
#ifndef INLAY_CANDIDATES_H
#define INLAY_CANDIDATES_H

#include "kernels/kernels.h"
#include "kernels/math.h"
#include "sample/rng.h"

/* Memory that the caller lends for the time of a choice; nothing is kept in it.
 * Only as much as the rules need is touched. */
typedef struct inlay__sampler_scratch {
  int32_t *ids;   /* [n_vocab] */
  float *weights; /* [n_vocab] */
} inlay__sampler_scratch;

typedef struct inlay__candidates {
  const inlay__kernels *kernels;
  const float *logits;
  int32_t *ids;
  float *weights;
  size_t n_vocab;
  size_t n; /* listed */
  bool is_listed;
  bool is_sorted; /* in descending order of logit */
  bool is_weighed;
  int32_t best;   /* the greatest logit's id, the lowest among equals */
  float greatest; /* its logit */
  float origin;   /* logits are those of the model less this: temperature moves
                     the greatest to 0 */
} inlay__candidates;

/* All tokens. Errors: INLAY_ERR_NUMERIC (a logit that is no number, or nothing
 * to choose). */
int32_t inlay__candidates_init(inlay__candidates *c,
                               const inlay__kernels *kernels,
                               const inlay__sampler_scratch *scratch,
                               const float *logits, size_t n_vocab);

/* After logits were changed: takes banned candidates off the list and finds the
 * greatest anew. Errors: as above. */
int32_t inlay__candidates_refresh(inlay__candidates *c);

/* Lists them, if they are not. */
void inlay__candidates_list(inlay__candidates *c);
/* Weighs them, if they are not. */
void inlay__candidates_weigh(inlay__candidates *c);
/* The sum of their weights, which are there. */
float inlay__candidates_total(const inlay__candidates *c);
/* Lists them with the k first in order at the front: O(n log k). Those behind
 * are in no order. */
void inlay__candidates_sort_first(inlay__candidates *c, size_t k);

/* Keeps the k first, k >= 1, in order. */
void inlay__candidates_keep_first(inlay__candidates *c, size_t k);

/* The k greatest of logits [n], k <= n, in order; equal ones by ascending id.
 * O(n log k) */
void inlay__top_tokens(const float *logits, size_t n, size_t k,
                       int32_t *tokens);

/* A heap of ids whose greatest key, the lowest id among equals, is at the root.
 */
void inlay__candidates_heap(const float *keys, int32_t *heap, size_t n);
/* Takes the root off to the end of the array of n. */
void inlay__candidates_pop(const float *keys, int32_t *heap, size_t n);

/* One of them, by the weights of their logits divided by the temperature, above
 * 0. The last one that weighs anything takes what rounding left. Draws one
 * number. */
int32_t inlay__candidates_draw(inlay__candidates *c, float temperature,
                               inlay__rng *rng);

/* A logit less the greatest, 0 or below, which a float need not hold. */
static inline double inlay__candidates_below(const inlay__candidates *c,
                                             int32_t id) {
  return (double)c->logits[id] - (double)c->greatest;
}

static inline bool inlay__is_banned(float logit) {
  return inlay__f32_bits(logit) == 0xff800000;
}

#endif
