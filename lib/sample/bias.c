/* What the caller decides: tokens made likelier or banned, tokens alone allowed, a rule of its own. */
#include "sample/stage.h"

void inlay__stage_bias(const inlay__stage *stage, inlay__choice *choice) {
    const inlay__bias *biases = stage->memory; /* [stage->n] */
    for (size_t i = 0; i < stage->n; i++)
        choice->logits[biases[i].token] += biases[i].bias;
    choice->is_changed = true;
}

void inlay__stage_allowed(const inlay__stage *stage, inlay__choice *choice) {
    const uint8_t *set = stage->memory;
    for (size_t id = 0; id < choice->c.n_vocab; id++)
        if (!inlay__set_has(set, (int32_t)id)) choice->logits[id] = inlay__bits_f32(0xff800000);
    choice->is_changed = true;
}

/* The caller sees the list itself, and logits beside it where the weights stand. */
int32_t inlay__stage_callback(const inlay__stage *stage, inlay__choice *choice) {
    inlay__candidates *c = &choice->c;
    inlay__candidates_list(c);
    size_t before = c->n, n = c->n;
    for (size_t i = 0; i < n; i++)
        c->weights[i] = c->logits[c->ids[i]] + c->origin;
    inlay__fpenv_leave(choice->host);
    int32_t answer = stage->call(stage->user, c->ids, c->weights, &n);
    inlay__fpenv_enter();
    if (answer != 0) return inlay__fail(INLAY_ERR_CANCELLED, "the callback of a stage returned %d", answer);
    if (n > before)
        return inlay__fail(INLAY_ERR_ARGUMENT,
                           "the callback of a stage gave %zu candidates, expected at most the %zu it was given", n,
                           before);
    for (size_t i = 0; i < n; i++) {
        if (c->ids[i] < 0 || (size_t)c->ids[i] >= c->n_vocab)
            return inlay__fail(INLAY_ERR_ARGUMENT, "the callback of a stage gave token %d, but the vocabulary has %zu",
                               c->ids[i], c->n_vocab);
        choice->logits[c->ids[i]] = c->weights[i] - c->origin;
    }
    c->n = n;
    choice->is_changed = true;
    return INLAY_OK;
}
