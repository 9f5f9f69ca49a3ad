/* A grammar that waits: an automaton that finds the triggers [Aho and Corasick 1975], as rules. Each of its states is
 * one: a byte, then the rule of the state that it leads to; or, where that ends a trigger, rule 0. */
#include "grammar/trigger.h"

typedef struct state {
    uint16_t next[256]; /* in the trie; then by all bytes */
    uint16_t fail;      /* the state of the longest other end of what was read */
    bool found;         /* a trigger ends here */
    uint32_t rule;
} state;

static uint16_t insert(state *states, size_t *n_states, inlay__text text) {
    uint16_t s = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint16_t *next = &states[s].next[(uint8_t)text.text[i]];
        if (*next == 0) *next = (uint16_t)(*n_states)++;
        s = *next;
    }
    return s;
}

/* Fills in where the trie has no edge, in order of depth. */
static void link_states(state *states, uint16_t *queue) {
    size_t n = 0, done = 0;
    for (size_t c = 0; c < 256; c++)
        if (states[0].next[c] != 0) queue[n++] = states[0].next[c];
    for (; done < n; done++) {
        state *s = &states[queue[done]];
        const state *fail = &states[s->fail];
        s->found |= fail->found;
        for (size_t c = 0; c < 256; c++) {
            if (s->next[c] == 0) {
                s->next[c] = fail->next[c];
            } else {
                states[s->next[c]].fail = fail->next[c];
                queue[n++] = s->next[c];
            }
        }
    }
}

/* The bytes that lead from a state to the same place, run by run. */
static inlay__expression ways_of(inlay__rules *rules, const state *states, const state *s) {
    inlay__expression all = INLAY__EMPTY; /* the text may end */
    for (uint32_t first = 0, last; first < 256; first = last + 1) {
        const state *to = &states[s->next[first]];
        for (last = first; last < 255 && s->next[last + 1] == s->next[first];)
            last++;
        inlay__expression behind = inlay__rules_call(rules, to->found ? 0 : to->rule);
        inlay__expression byte = inlay__rules_byte(rules, first, last);
        all = inlay__rules_choice(rules, all, inlay__rules_sequence(rules, byte, behind));
    }
    return all;
}

static inlay__expression tokens_of(inlay__rules *rules, const inlay__triggers *t, const state *states) {
    inlay__expression any = inlay__rules_token(rules, INLAY__TOKEN_NO_TEXT, false);
    inlay__expression all = inlay__rules_sequence(rules, any, inlay__rules_call(rules, states[0].rule));
    for (size_t i = 0; i < t->n_tokens; i++) {
        inlay__expression token = inlay__rules_token(rules, t->tokens[i], false);
        all = inlay__rules_choice(rules, all, inlay__rules_sequence(rules, token, inlay__rules_call(rules, 0)));
    }
    return all;
}

static void make(inlay__rules *rules, const inlay__triggers *t, state *states, uint16_t *queue) {
    size_t n_states = 1;
    for (size_t i = 0; i < t->n_texts; i++)
        states[insert(states, &n_states, t->texts[i])].found = true;
    link_states(states, queue);
    for (size_t i = 0; i < n_states; i++)
        states[i].rule = inlay__rules_add(rules, NULL, 0);
    inlay__expression tokens = tokens_of(rules, t, states);
    for (size_t i = 0; i < n_states; i++)
        if (!states[i].found)
            inlay__rules_set(rules, states[i].rule,
                             inlay__rules_choice(rules, ways_of(rules, states, &states[i]), tokens));
        else
            inlay__rules_set(rules, states[i].rule, INLAY__NEVER);
    rules->start = states[0].rule;
}

int32_t inlay__trigger_rules(inlay__rules *rules, const inlay__triggers *t) {
    size_t size = 1;
    INLAY__TRY(rules->status);
    for (size_t i = 0; i < t->n_texts; i++) {
        if (t->texts[i].size > INLAY__MOST_TRIGGER_BYTES - (size - 1))
            return inlay__fail(INLAY_ERR_UNSUPPORTED, "the triggers have more than %d bytes together",
                               INLAY__MOST_TRIGGER_BYTES);
        size += t->texts[i].size;
    }
    state *states = inlay__alloc_array(rules->sys, size, sizeof *states);
    uint16_t *queue = inlay__alloc_array(rules->sys, size, sizeof *queue);
    if (states != NULL && queue != NULL) make(rules, t, states, queue);
    int32_t status = states != NULL && queue != NULL ? rules->status : INLAY_ERR_MEMORY;
    inlay__free(rules->sys, queue, size * sizeof *queue);
    inlay__free(rules->sys, states, size * sizeof *states);
    return status;
}
