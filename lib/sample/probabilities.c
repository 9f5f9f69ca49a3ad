/* Probabilities of tokens by their logits. */
#include "sample/candidates.h"
#include "sample/probabilities.h"

int32_t inlay__log_total(const float *logits, size_t n, double *log_total) {
    /* Nothing is listed, sorted or weighed: no memory is needed. */
    inlay__candidates c = {.logits = logits, .n_vocab = n};
    double total = 0.0;
    INLAY__TRY(inlay__candidates_refresh(&c));
    for (size_t i = 0; i < n; i++)
        total += (double)inlay__exp(logits[i] - c.greatest);
    *log_total = (double)c.greatest + inlay__log_f64(total);
    return INLAY_OK;
}

float inlay__log_probability(float logit, double log_total) {
    return inlay__is_banned(logit) ? logit : (float)((double)logit - log_total);
}
