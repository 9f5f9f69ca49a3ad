/* Probabilities of tokens by their logits. */
#ifndef INLAY_PROBABILITIES_H
#define INLAY_PROBABILITIES_H

#include "base/base.h"

/* The logarithm of the sum of e^logit over logits [n]: the weights relative to the greatest are summed in order, in
 * double. Errors: INLAY_ERR_NUMERIC (NaN, +inf, all -inf). */
int32_t inlay__log_total(const float *logits, size_t n, double *log_total);

/* Of a logit: its natural logarithm; -inf where it is banned. */
float inlay__log_probability(float logit, double log_total);

#endif
