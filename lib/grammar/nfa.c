/* From an expression to an automaton [Thompson 1968]: each part leads from one state to another. */
#include "grammar/nfa.h"

#include "grammar/analysis.h"

/* A part that is still to be put between two states. */
typedef struct part {
    inlay__expression e;
    uint32_t from, to;
} part;

typedef struct builder {
    inlay__nfa *nfa;
    const inlay__rules *rules;
    const uint8_t *facts, *classes;
    part *parts; /* a stack */
    size_t n_parts, capacity;
} builder;

static int32_t add_state(inlay__nfa *nfa, uint32_t *state) {
    INLAY__TRY(inlay__grow(nfa->sys, (void **)&nfa->first, &nfa->state_capacity, nfa->n_states + 1,
                           sizeof *nfa->first));
    nfa->first[nfa->n_states] = 0;
    *state = (uint32_t)nfa->n_states++;
    return INLAY_OK;
}

static int32_t add_edge(inlay__nfa *nfa, const part *p, uint8_t kind, uint32_t what) {
    INLAY__TRY(inlay__grow(nfa->sys, (void **)&nfa->edges, &nfa->edge_capacity, nfa->n_edges + 1,
                           sizeof *nfa->edges));
    nfa->edges[nfa->n_edges] = (inlay__nfa_edge){kind, what, p->to, nfa->first[p->from]};
    nfa->first[p->from] = (uint32_t)++nfa->n_edges;
    return INLAY_OK;
}

/* What has no text at all is left out: then every state that there is can be gone on from. */
static int32_t push(builder *b, inlay__expression e, uint32_t from, uint32_t to) {
    if ((b->facts[e] & INLAY__CAN_END) == 0) return INLAY_OK;
    INLAY__TRY(inlay__grow(b->nfa->sys, (void **)&b->parts, &b->capacity, b->n_parts + 1, sizeof *b->parts));
    b->parts[b->n_parts++] = (part){e, from, to};
    return INLAY_OK;
}

static int32_t put_sequence(builder *b, const inlay__expression_node *node, const part *p) {
    uint32_t between;
    INLAY__TRY(add_state(b->nfa, &between));
    INLAY__TRY(push(b, node->a, p->from, between));
    return push(b, node->b, between, p->to);
}

static int32_t put_star(builder *b, const inlay__expression_node *node, const part *p) {
    part in = *p, out = *p;
    INLAY__TRY(add_state(b->nfa, &in.to));
    out.from = in.to;
    INLAY__TRY(add_edge(b->nfa, &in, INLAY__NFA_EMPTY, 0));
    INLAY__TRY(add_edge(b->nfa, &out, INLAY__NFA_EMPTY, 0));
    return push(b, node->a, in.to, in.to);
}

static int32_t put_rule(builder *b, const inlay__expression_node *node, const part *p) {
    inlay__expression body = b->rules->rules[node->a].body;
    if ((b->facts[body] & INLAY__CAN_BE_EMPTY) != 0) INLAY__TRY(add_edge(b->nfa, p, INLAY__NFA_EMPTY, 0));
    return body == INLAY__EMPTY ? INLAY_OK : add_edge(b->nfa, p, INLAY__NFA_CALL, node->a);
}

static int32_t put(builder *b, const part *p) {
    const inlay__expression_node *node = &b->rules->nodes[p->e];
    switch (node->kind) {
    case INLAY__EXPRESSION_EMPTY:
        return add_edge(b->nfa, p, INLAY__NFA_EMPTY, 0);
    case INLAY__EXPRESSION_BYTES:
        return add_edge(b->nfa, p, INLAY__NFA_BYTES, b->classes[node->a] | (uint32_t)b->classes[node->b] << 8);
    case INLAY__EXPRESSION_TOKEN:
        return add_edge(b->nfa, p, INLAY__NFA_TOKEN, node->a | (node->b != 0 ? INLAY__OTHER_TOKENS : 0));
    case INLAY__EXPRESSION_SEQUENCE:
        return put_sequence(b, node, p);
    case INLAY__EXPRESSION_CHOICE:
        INLAY__TRY(push(b, node->a, p->from, p->to));
        return push(b, node->b, p->from, p->to);
    case INLAY__EXPRESSION_STAR:
        return put_star(b, node, p);
    case INLAY__EXPRESSION_RULE:
        return put_rule(b, node, p);
    default:
        return INLAY_OK;
    }
}

int32_t inlay__nfa_build(inlay__nfa *nfa, const inlay__rules *rules, const uint8_t *facts, const uint8_t classes[256],
                         inlay__expression body) {
    builder b = {.nfa = nfa, .rules = rules, .facts = facts, .classes = classes};
    uint32_t start = 0, end = 0;
    nfa->n_states = nfa->n_edges = 0;
    int32_t status = add_state(nfa, &start);
    if (status == INLAY_OK) status = add_state(nfa, &end);
    if (status == INLAY_OK) status = push(&b, body, start, end);
    while (status == INLAY_OK && b.n_parts > 0) {
        part p = b.parts[--b.n_parts];
        status = put(&b, &p);
    }
    inlay__free(nfa->sys, b.parts, b.capacity * sizeof *b.parts);
    return status;
}

void inlay__nfa_free(inlay__nfa *nfa) {
    inlay__free(nfa->sys, nfa->first, nfa->state_capacity * sizeof *nfa->first);
    inlay__free(nfa->sys, nfa->edges, nfa->edge_capacity * sizeof *nfa->edges);
}
