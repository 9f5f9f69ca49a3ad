/* DRY, "don't repeat yourself" (p-e-w 2024, text-generation-webui): a token that would go on with a repetition of at
 * least `allowed` tokens loses multiplier * base^(length - allowed). A repetition ends at a breaker, such as a newline.
 */
#include "sample/stage.h"

/* From the last token backwards, text[0] being the last: how many tokens from k on are those from 0 on. Gusfield's
 * Z algorithm, in linear time; lengths[0] is not set. */
static void match_backwards(const int32_t *last, size_t n, size_t end, uint32_t *lengths) {
    size_t left = 0, right = 0; /* the match that reaches farthest: [left, right) */
    for (size_t k = 1; k < n; k++) {
        size_t length = k < right ? inlay__min_size(lengths[k - left], right - k) : 0;
        while (length < end && k + length < n && last[n - 1 - length] == last[n - 1 - k - length])
            length++;
        lengths[k] = (uint32_t)length;
        if (k + length > right) {
            left = k;
            right = k + length;
        }
    }
}

static float penalty_of(const inlay__stage *stage, uint32_t length) {
    double penalty = stage->values[0] * inlay__pow_f64(stage->values[1], (double)length - stage->values[2]);
    return penalty < 1e30 ? (float)penalty : 1e30f;
}

void inlay__stage_dry(const inlay__stage *stage, inlay__choice *choice) {
    const uint8_t *breakers = stage->memory;
    size_t n, end = 0;
    uint32_t allowed = (uint32_t)stage->values[2];
    const int32_t *last = inlay__history_last(choice->history, (size_t)stage->values[3], &n);
    while (end < n && !inlay__set_has(breakers, last[n - 1 - end]))
        end++; /* a match ends before a breaker */
    if (end < allowed || stage->values[0] == 0.0) return;
    match_backwards(last, n, end, choice->lengths);
    for (size_t k = 1; k < n; k++) { /* the token after the match is the one before it, backwards */
        int32_t next = last[n - k];
        if (choice->lengths[k] > choice->marks[next]) choice->marks[next] = choice->lengths[k];
    }
    for (size_t k = 1; k < n; k++) {
        int32_t next = last[n - k];
        uint32_t length = choice->marks[next];
        choice->marks[next] = 0;
        if (length < allowed || inlay__set_has(breakers, next)) continue;
        choice->logits[next] -= penalty_of(stage, length);
        choice->is_changed = true;
    }
}
