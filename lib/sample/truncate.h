/* Rules that take candidates away, by their logits and probabilities. At least one is left of them. */
#ifndef INLAY_TRUNCATE_H
#define INLAY_TRUNCATE_H

#include "sample/candidates.h"

/* The k greatest logits, equal ones by ascending id; 0: all [Fan et al. 2018]. */
void inlay__keep_top_k(inlay__candidates *c, int32_t k);
/* The fewest, most probable first, whose probabilities reach p of the sum of all [Holtzman et al. 2020]; 1: all. */
void inlay__keep_top_p(inlay__candidates *c, float p);
/* Those at least p times as probable as the most probable [Nguyen et al. 2024]; 0: all. */
void inlay__keep_min_p(inlay__candidates *c, float p);
/* The fewest, those first whose information is nearest to its mean, whose probabilities reach p of the sum of all
 * [Meister et al. 2023]; equally near ones by ascending id; 1: all. */
void inlay__keep_typical(inlay__candidates *c, float p);
/* Logits at most n standard deviations of all candidates' logits below the greatest [Tang et al. 2024]. */
void inlay__keep_top_n_sigma(inlay__candidates *c, float n);
/* Of the tokens whose probability is at least the threshold only the least probable, the highest id among equals
 * (XTC, p-e-w 2024). */
void inlay__exclude_top(inlay__candidates *c, float threshold);

#endif
