/* The automaton of a regular expression. */
#include "grammar/ecma_automaton.h"

#include "base/utf8.h"

#define NONE UINT32_MAX

/* ----------------------------------------------------------------------- build */

static uint32_t add_state(inlay__ecma_automaton *a) {
    if (a->n_states == INLAY__ECMA_MOST_STATES) return NONE;
    a->first[a->n_states] = NONE;
    return (uint32_t)a->n_states++;
}

static bool add_edge(inlay__ecma_automaton *a, uint32_t from, uint32_t to, uint32_t set) {
    if (a->n_edges == INLAY__ECMA_MOST_EDGES) return false;
    a->edges[a->n_edges] = (inlay__ecma_edge){to, set, a->first[from]};
    a->first[from] = (uint32_t)a->n_edges++;
    return true;
}

static bool add_task(inlay__ecma_automaton *a, uint32_t node, uint32_t from, uint32_t to) {
    if (a->n_tasks == INLAY__ECMA_MOST_EDGES || from == NONE || to == NONE) return false;
    a->tasks[a->n_tasks++] = (inlay__ecma_task){node, from, to};
    return true;
}

/* So many in a row, then a loop, or as many more as may be, before each of which it may be over. */
static bool add_repeat(inlay__ecma_automaton *a, const inlay__ecma_node *node, uint32_t from, uint32_t to) {
    uint32_t copies = node->c == INLAY__RULES_NO_END ? node->b : node->c;
    for (uint32_t i = 0; i < copies; i++) {
        if (i >= node->b && !add_edge(a, from, to, NONE)) return false;
        uint32_t next = add_state(a);
        if (!add_task(a, node->a, from, next)) return false;
        from = next;
    }
    if (node->c != INLAY__RULES_NO_END) return add_edge(a, from, to, NONE);
    uint32_t loop = add_state(a);
    return loop != NONE && add_edge(a, from, loop, NONE) && add_task(a, node->a, loop, loop) &&
           add_edge(a, loop, to, NONE);
}

static bool add_node(inlay__ecma_automaton *a, inlay__ecma_task t) {
    const inlay__ecma_node *node = &a->tree->nodes[t.node];
    switch ((inlay__ecma_kind)node->kind) {
    case INLAY__ECMA_SET:
        return add_edge(a, t.from, t.to, t.node);
    case INLAY__ECMA_SEQUENCE: {
        uint32_t between = add_state(a);
        return add_task(a, node->a, t.from, between) && add_task(a, node->b, between, t.to);
    }
    case INLAY__ECMA_CHOICE:
        return add_task(a, node->a, t.from, t.to) && add_task(a, node->b, t.from, t.to);
    case INLAY__ECMA_REPEAT:
        return add_repeat(a, node, t.from, t.to);
    default:
        return add_edge(a, t.from, t.to, NONE);
    }
}

bool inlay__ecma_automaton_build(inlay__ecma_automaton *a, const inlay__ecma *tree) {
    a->tree = tree;
    a->n_states = a->n_edges = a->n_tasks = 0;
    a->round = 0;
    memset(a->marks, 0, sizeof a->marks);
    uint32_t first = add_state(a), last = add_state(a);
    bool fits = add_task(a, tree->root, first, last);
    while (fits && a->n_tasks > 0)
        fits = add_node(a, a->tasks[--a->n_tasks]);
    return fits;
}

/* ------------------------------------------------------------------------- run */

void inlay__ecma_reach_begin(inlay__ecma_automaton *a) {
    a->round++;
    a->n_reached = 0;
}

static void add_reached(inlay__ecma_automaton *a, uint32_t state) {
    if (a->marks[state] != a->round) a->reached[a->n_reached++] = state;
    a->marks[state] = a->round;
}

void inlay__ecma_reach(inlay__ecma_automaton *a, uint32_t state) {
    size_t i = a->n_reached;
    for (add_reached(a, state); i < a->n_reached; i++)
        for (uint32_t e = a->first[a->reached[i]]; e != NONE; e = a->edges[e].next)
            if (a->edges[e].set == NONE) add_reached(a, a->edges[e].to);
}

static bool takes(const inlay__ecma *tree, uint32_t set, uint32_t code) {
    const inlay__ecma_node *node = &tree->nodes[set];
    size_t low = node->a, n = node->b;
    for (; n > 1; n -= n / 2)
        if (tree->sets.items[low + n / 2].first <= code) low += n / 2;
    return n > 0 && tree->sets.items[low].first <= code && code <= tree->sets.items[low].last;
}

bool inlay__ecma_matches(inlay__ecma_automaton *a, const char *text, size_t size, size_t *steps) {
    uint32_t *next = (uint32_t *)(void *)a->tasks; /* [n_states], which have no other use now */
    uint32_t code;
    *steps = 1;
    inlay__ecma_reach_begin(a);
    inlay__ecma_reach(a, INLAY__ECMA_FIRST_STATE);
    for (size_t i = 0; i < size;) {
        size_t n = inlay__utf8_decode((const uint8_t *)text + i, size - i, &code), n_next = 0;
        for (size_t k = 0; k < a->n_reached; k++)
            for (uint32_t e = a->first[a->reached[k]]; e != NONE; e = a->edges[e].next, ++*steps)
                if (a->edges[e].set != NONE && n_next < INLAY__ECMA_MOST_EDGES && takes(a->tree, a->edges[e].set, code))
                    next[n_next++] = a->edges[e].to;
        inlay__ecma_reach_begin(a);
        for (size_t k = 0; k < n_next; k++)
            inlay__ecma_reach(a, next[k]);
        i += n > 0 ? n : 1;
    }
    return a->marks[INLAY__ECMA_LAST_STATE] == a->round;
}
