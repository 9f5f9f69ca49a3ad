/* Mirostat [Basu et al. 2021]: as many tokens are kept as lets the surprise of
 * a text, in bits a token, stay near the target tau. What was allowed (mu, at
 * first 2 tau) goes down by eta times as much as the chosen token surprised
 * more than that. Version 1 estimates how many from the exponent of Zipf's law
 * among the first m tokens, version 2 takes away what surprises more than mu.
 * Surprise is that of all candidates the stage finds. */
#include "sample/stage.h"

#define LN2 0x1.62e42fefa39efp-1

static void begin(inlay__stage *stage, inlay__choice *choice) {
  inlay__candidates_weigh(&choice->c);
  inlay__candidates_list(&choice->c);
  choice->mirostat = stage;
  choice->mirostat_log =
      inlay__log_f64((double)inlay__candidates_total(&choice->c));
  choice->mirostat_greatest = choice->c.greatest;
}

static double surprise(const inlay__choice *choice, int32_t token) {
  double below =
      (double)choice->c.logits[token] - (double)choice->mirostat_greatest;
  return (choice->mirostat_log - below) / LN2;
}

void inlay__stage_mirostat_v2(inlay__stage *stage, inlay__choice *choice) {
  begin(stage, choice);
  inlay__candidates *c = &choice->c;
  size_t kept = 0;
  for (size_t i = 0; i < c->n; i++)
    if (c->ids[i] == c->best || surprise(choice, c->ids[i]) <= stage->mu)
      c->ids[kept++] = c->ids[i];
  c->n = kept;
}

/* The exponent s of Zipf's law that fits the m first best, by least squares of
 * the logarithms. */
static double zipf_exponent(const inlay__candidates *c, size_t m) {
  double products = 0.0, squares = 0.0;
  for (size_t i = 0; i + 1 < m; i++) {
    double t = inlay__log_f64((double)(i + 2) / (double)(i + 1));
    double b = (double)c->logits[c->ids[i]] - (double)c->logits[c->ids[i + 1]];
    products += t * b;
    squares += t * t;
  }
  return squares > 0.0 ? products / squares : 0.0;
}

/* How many tokens of n have the mean surprise mu: ((eps 2^mu) / (1 -
 * n^-eps))^(1/s), eps = s - 1; where eps vanishes its limit (2^mu / log
 * n)^(1/s). */
static size_t count_for(double s, double mu, size_t n) {
  double eps = s - 1.0, power = inlay__exp_f64(mu * LN2),
         logarithm = inlay__log_f64((double)n);
  bool vanishes = eps < 1e-6 && eps > -1e-6;
  if (s < 1e-9 || n < 2)
    return n;
  double bottom = 1.0 - inlay__exp_f64(-eps * logarithm);
  double base = vanishes ? power / logarithm : eps * power / bottom;
  double most = s * logarithm, k = inlay__log_f64(base > 1.0 ? base : 1.0);
  if (k >= most)
    return n;
  return (size_t)(inlay__exp_f64(k / s) + 0.5);
}

void inlay__stage_mirostat(inlay__stage *stage, inlay__choice *choice) {
  begin(stage, choice);
  inlay__candidates *c = &choice->c;
  size_t m = inlay__min_size((size_t)stage->values[2], c->n);
  inlay__candidates_sort_first(c, m);
  size_t k = count_for(zipf_exponent(c, m), stage->mu, c->n);
  inlay__candidates_keep_first(c, inlay__max_size(k, 1));
}

double inlay__mirostat_learn(const inlay__choice *choice, int32_t token) {
  const inlay__stage *stage = choice->mirostat;
  return stage->mu -
         stage->values[1] * (surprise(choice, token) - stage->values[0]);
}
