/* Penalties for tokens among the last ones: divided when positive and multiplied when negative by `repeat` [Keskar et
 * al. 2019], less `frequency` each time it occurs and `presence` once. */
#include "sample/stage.h"

static float penalised(const inlay__stage *stage, float logit, float origin, uint32_t count) {
    float repeat = (float)stage->values[1], frequency = (float)stage->values[2], presence = (float)stage->values[3];
    logit += origin;
    if (repeat != 1.0f) logit = logit > 0.0f ? logit / repeat : logit * repeat;
    return (logit - ((float)count * frequency + presence)) - origin;
}

void inlay__stage_penalties(const inlay__stage *stage, inlay__choice *choice) {
    size_t n;
    const int32_t *last = inlay__history_last(choice->history, (size_t)stage->values[0], &n);
    for (size_t i = 0; i < n; i++)
        choice->marks[last[i]]++;
    for (size_t i = 0; i < n; i++) {
        int32_t token = last[i];
        uint32_t count = choice->marks[token];
        if (count == 0) continue; /* done already */
        choice->marks[token] = 0;
        choice->logits[token] = penalised(stage, choice->logits[token], choice->c.origin, count);
    }
    choice->is_changed = choice->is_changed || n > 0;
}
