/* Rules that take candidates away. */
#include "sample/truncate.h"

void inlay__keep_top_k(inlay__candidates *c, int32_t k) {
  if (k > 0)
    inlay__candidates_keep_first(c, (size_t)k);
}

/* Takes candidates in descending order of their keys until their weights reach
 * `enough`, without sorting the rest: a heap with the first at its root gives
 * them one by one, from the end of the array backwards. */
static void keep_until(inlay__candidates *c, const float *keys, float enough,
                       float (*weight)(const inlay__candidates *, int32_t)) {
  int32_t *ids = c->ids;
  size_t left = c->n;
  float sum = 0.0f;
  inlay__candidates_heap(keys, ids, left);
  do {
    sum += weight(c, ids[0]);
    inlay__candidates_pop(keys, ids, left--);
  } while (left > 0 && sum < enough);
  size_t kept = c->n - left;
  for (size_t i = 0; i < kept / 2; i++) {
    int32_t id = ids[left + i];
    ids[left + i] = ids[c->n - 1 - i];
    ids[c->n - 1 - i] = id;
  }
  memmove(ids, ids + left, kept * sizeof *ids);
  c->n = kept;
}

static float weight_of(const inlay__candidates *c, int32_t id) {
  return c->weights[id];
}

void inlay__keep_top_p(inlay__candidates *c, float p) {
  if (p >= 1.0f)
    return;
  inlay__candidates_weigh(c);
  inlay__candidates_list(c);
  keep_until(c, c->logits, p * inlay__candidates_total(c), weight_of);
  c->is_sorted = true;
}

void inlay__keep_min_p(inlay__candidates *c, float p) {
  size_t kept = 0;
  if (p <= 0.0f)
    return;
  inlay__candidates_weigh(c);
  if (c->is_listed) {
    for (size_t i = 0; i < c->n; i++)
      if (c->weights[c->ids[i]] >= p)
        c->ids[kept++] = c->ids[i]; /* the greatest's is 1 */
  } else {
    for (size_t id = 0; id < c->n_vocab; id++)
      if (!inlay__is_banned(c->logits[id]) && c->weights[id] >= p)
        c->ids[kept++] = (int32_t)id;
  }
  c->n = kept;
  c->is_listed = true;
}

/* Keys stand where weights do, so these are computed again. */
static float weight_again(const inlay__candidates *c, int32_t id) {
  return inlay__exp(c->logits[id] - c->greatest);
}

/* With the sum of weights Z, information is log Z - l, where l is a logit less
 * the greatest; of both sides of the difference to its mean log Z is taken
 * away. */
void inlay__keep_typical(inlay__candidates *c, float p) {
  if (p >= 1.0f)
    return;
  inlay__candidates_weigh(c);
  inlay__candidates_list(c);
  float total = inlay__candidates_total(c);
  double sum = 0.0;
  for (size_t i = 0; i < c->n; i++) {
    int32_t id = c->ids[i];
    sum += (double)c->weights[id] * inlay__candidates_below(c, id);
  }
  double mean = sum / (double)total;
  for (size_t i = 0; i < c->n; i++) {
    int32_t id = c->ids[i];
    double away = inlay__candidates_below(c, id) - mean;
    if (away > 0.0)
      away = -away;
    c->weights[id] = away > -3e38 ? (float)away : -3e38f;
  }
  keep_until(c, c->weights, p * total, weight_again);
  c->is_sorted = c->is_weighed = false;
  inlay__candidates_refresh(c); /* cannot fail: at least one is left */
}

void inlay__keep_top_n_sigma(inlay__candidates *c, float n) {
  inlay__candidates_list(c);
  double sum = 0.0, squares = 0.0;
  size_t kept = 0;
  for (size_t i = 0; i < c->n; i++)
    sum += inlay__candidates_below(c, c->ids[i]);
  double mean = sum / (double)c->n;
  for (size_t i = 0; i < c->n; i++) {
    double away = inlay__candidates_below(c, c->ids[i]) - mean;
    squares += away * away;
  }
  double most = (double)n * (double)n * (squares / (double)c->n);
  for (size_t i = 0; i < c->n; i++) {
    double below = inlay__candidates_below(c, c->ids[i]);
    if (below * below <= most)
      c->ids[kept++] = c->ids[i];
  }
  c->n = kept;
}

void inlay__exclude_top(inlay__candidates *c, float threshold) {
  inlay__candidates_weigh(c);
  inlay__candidates_list(c);
  float least = threshold * inlay__candidates_total(c);
  size_t above = 0, kept = 0;
  int32_t last = -1;
  for (size_t i = 0; i < c->n; i++) {
    int32_t id = c->ids[i];
    if (c->weights[id] < least)
      continue;
    above++;
    if (last < 0 || c->logits[id] < c->logits[last] ||
        (c->logits[id] == c->logits[last] && id > last))
      last = id;
  }
  if (above < 2)
    return;
  for (size_t i = 0; i < c->n; i++)
    if (c->weights[c->ids[i]] < least || c->ids[i] == last)
      c->ids[kept++] = c->ids[i];
  c->n = kept;
  inlay__candidates_refresh(c); /* cannot fail: at least one is left */
}
