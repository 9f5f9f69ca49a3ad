/* From rules to a grammar: one automaton for each rule that is called, the order of their ranks. */
#include "grammar/analysis.h"
#include "grammar/nfa.h"

/* ------------------------------------------------------------ what is appended */

int32_t inlay__grammar_add_position(inlay__grammar *g, bool ends) {
    if (g->n_positions == INLAY__GRAMMAR_MOST_POSITIONS)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "the grammar has more than %d positions",
                           INLAY__GRAMMAR_MOST_POSITIONS);
    /* one more, which says where the last one's edges end */
    INLAY__TRY(inlay__grow(g->sys, (void **)&g->positions, &g->position_capacity, g->n_positions + 2,
                           sizeof *g->positions));
    INLAY__TRY(inlay__grow(g->sys, (void **)&g->ends, &g->end_capacity, g->n_positions + 1, 1));
    uint32_t n = (uint32_t)g->n_edges;
    g->ends[g->n_positions] = ends;
    g->positions[g->n_positions++] = (inlay__position){n, n, n, n};
    return INLAY_OK;
}

int32_t inlay__grammar_add_edge(inlay__grammar *g, uint32_t what, size_t to) {
    if (g->n_edges == 4 * (size_t)INLAY__GRAMMAR_MOST_POSITIONS)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "the grammar has more than %d ways between positions",
                           4 * INLAY__GRAMMAR_MOST_POSITIONS);
    INLAY__TRY(inlay__grow(g->sys, (void **)&g->edges, &g->edge_capacity, g->n_edges + 1, sizeof *g->edges));
    g->edges[g->n_edges++] = (inlay__edge){what, (uint32_t)to};
    return INLAY_OK;
}

void inlay__grammar_free(inlay__grammar *g) {
    if (g->sys == NULL) return;
    inlay__free(g->sys, g->by_rank, g->n_rules * sizeof *g->by_rank);
    inlay__free(g->sys, g->rules, g->n_rules * sizeof *g->rules);
    inlay__free(g->sys, g->edges, g->edge_capacity * sizeof *g->edges);
    inlay__free(g->sys, g->ends, g->end_capacity);
    inlay__free(g->sys, g->positions, g->position_capacity * sizeof *g->positions);
    *g = (inlay__grammar){.sys = NULL};
}

/* ------------------------------------------------------------- what is checked */

static int32_t check(const inlay__rules *rules, const uint8_t *facts) {
    uint64_t size = 0;
    for (size_t i = 0; i < rules->n_rules; i++) {
        const inlay__rule_text *rule = &rules->rules[i];
        if (!rule->is_set)
            return inlay__fail(INLAY_ERR_FORMAT, "rule '%.*s' is used and not defined", (int)rule->name_size,
                               rule->name != NULL ? rule->name : "");
        size += rules->nodes[rule->body].size;
        if (size > INLAY__GRAMMAR_MOST_POSITIONS)
            return inlay__fail(INLAY_ERR_UNSUPPORTED,
                               "the grammar has more than %d positions by the end of rule '%.*s'",
                               INLAY__GRAMMAR_MOST_POSITIONS, (int)rule->name_size,
                               rule->name != NULL ? rule->name : "");
    }
    if (rules->n_rules == 0 || (facts[rules->rules[rules->start].body] & INLAY__CAN_END) == 0)
        return inlay__fail(INLAY_ERR_FORMAT, "no text matches the grammar");
    return INLAY_OK;
}

static void find_classes(const inlay__rules *rules, inlay__grammar *g) {
    bool begins[257] = {false};
    for (size_t e = 0; e < rules->n_nodes; e++) {
        const inlay__expression_node *node = &rules->nodes[e];
        if (node->kind == INLAY__EXPRESSION_BYTES) begins[node->a] = begins[node->b + 1] = true;
        if (node->kind == INLAY__EXPRESSION_TOKEN) g->has_tokens = true;
    }
    uint8_t class = 0;
    for (size_t byte = 0; byte < 256; byte++) {
        if (byte > 0 && begins[byte]) class++;
        g->classes[byte] = class;
    }
    g->n_classes = (size_t)class + 1;
}

/* ------------------------------------------------------------------- the rules */

#define NOT_CALLED UINT32_MAX

/* Rules wait in by_rank until they are compiled. */
static void call_rule(inlay__grammar *g, uint32_t rule, size_t *n_called) {
    if (g->rules[rule].rank != NOT_CALLED) return;
    g->rules[rule].rank = 0;
    g->by_rank[(*n_called)++] = rule;
}

static int32_t compile_rules(const inlay__rules *rules, const uint8_t *facts, inlay__grammar *g, size_t *n_called) {
    inlay__nfa nfa = {.sys = g->sys};
    int32_t status = INLAY_OK;
    call_rule(g, g->start, n_called);
    for (size_t i = 0; i < *n_called && status == INLAY_OK; i++) {
        uint32_t rule = g->by_rank[i];
        size_t position = g->n_positions;
        g->rules[rule].start = (uint32_t)position;
        status = inlay__nfa_build(&nfa, rules, facts, g->classes, rules->rules[rule].body);
        if (status == INLAY_OK) status = inlay__nfa_append(&nfa, g);
        for (; position < g->n_positions && status == INLAY_OK; position++)
            for (size_t e = g->positions[position].calls; e < g->positions[position].empty; e++)
                call_rule(g, g->edges[e].what, n_called);
    }
    inlay__nfa_free(&nfa);
    return status;
}

/* ------------------------------------------------------------------- the ranks */

typedef struct ranking {
    inlay__grammar *g;
    uint32_t *callers; /* [n_rules] how many calls at beginnings are still unranked */
    uint8_t *seen;     /* [n_positions] */
    uint32_t *stack;   /* [n_positions] */
    size_t n_ranked;
} ranking;

/* Calls visit(...) for every rule that a rule calls at its beginning. */
static void at_beginning(ranking *r, uint32_t rule, void (*visit)(ranking *, uint32_t called)) {
    const inlay__grammar *g = r->g;
    size_t n = 0, n_seen = 0;
    r->stack[n++] = g->rules[rule].start;
    r->seen[g->rules[rule].start] = 1;
    while (n_seen < n) { /* the stack keeps what was seen, to be cleared */
        uint32_t p = r->stack[n_seen++];
        for (uint32_t e = g->positions[p].calls; e < g->positions[p].empty; e++)
            visit(r, g->edges[e].what);
        for (uint32_t e = g->positions[p].empty; e < g->positions[p + 1].bytes; e++) {
            uint32_t to = g->edges[e].to;
            if (!r->seen[to]) r->stack[n++] = to;
            r->seen[to] = 1;
        }
    }
    for (size_t i = 0; i < n; i++)
        r->seen[r->stack[i]] = 0;
}

static void count_caller(ranking *r, uint32_t called) { r->callers[called]++; }

static void give_rank(ranking *r, uint32_t rule) {
    r->g->rules[rule].rank = (uint32_t)r->n_ranked;
    r->g->by_rank[r->n_ranked++] = rule;
}

static void rank_caller(ranking *r, uint32_t called) {
    if (--r->callers[called] == 0) give_rank(r, called);
}

static int32_t left_recursion(const ranking *r, const inlay__rules *rules) {
    for (size_t i = 0; i < rules->n_rules; i++)
        if (r->callers[i] > 0 && rules->rules[i].name != NULL)
            return inlay__fail(INLAY_ERR_UNSUPPORTED,
                               "rule '%.*s' calls itself at its beginning (left recursion), at once or by other rules",
                               (int)rules->rules[i].name_size, rules->rules[i].name);
    return inlay__fail(INLAY_ERR_UNSUPPORTED, "a rule calls itself at its beginning (left recursion)");
}

/* Callers first [Kahn 1962]. */
static int32_t rank_rules(ranking *r, const inlay__rules *rules, size_t n_called) {
    inlay__grammar *g = r->g;
    for (size_t i = 0; i < n_called; i++)
        at_beginning(r, g->by_rank[i], count_caller);
    for (uint32_t i = 0; i < g->n_rules; i++)
        if (r->callers[i] == 0 && g->rules[i].rank != NOT_CALLED) give_rank(r, i);
    for (size_t i = 0; i < r->n_ranked; i++)
        at_beginning(r, g->by_rank[i], rank_caller);
    return r->n_ranked == n_called ? INLAY_OK : left_recursion(r, rules);
}

static int32_t find_ranks(const inlay__rules *rules, inlay__grammar *g, size_t n_called) {
    ranking r = {.g = g,
                 .callers = inlay__alloc_array(g->sys, g->n_rules, sizeof *r.callers),
                 .seen = inlay__alloc_array(g->sys, g->n_positions, 1),
                 .stack = inlay__alloc_array(g->sys, g->n_positions, sizeof *r.stack)};
    int32_t status = r.callers != NULL && r.seen != NULL && r.stack != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
    if (status == INLAY_OK) status = rank_rules(&r, rules, n_called);
    inlay__free(g->sys, r.stack, g->n_positions * sizeof *r.stack);
    inlay__free(g->sys, r.seen, g->n_positions);
    inlay__free(g->sys, r.callers, g->n_rules * sizeof *r.callers);
    return status;
}

/* ------------------------------------------------------------------- the whole */

static uint64_t mix(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

static void find_hash(inlay__grammar *g) {
    uint64_t hash = g->n_positions;
    for (size_t i = 0; i < 256; i++)
        hash = mix(hash, g->classes[i]);
    for (size_t i = 0; i < g->n_positions; i++) {
        const inlay__position *p = &g->positions[i];
        hash = mix(mix(hash, (uint64_t)p->bytes << 32 | p->tokens), (uint64_t)p->calls << 32 | p->empty);
        hash = mix(hash, g->ends[i]);
    }
    for (size_t i = 0; i < g->n_edges; i++)
        hash = mix(hash, (uint64_t)g->edges[i].what << 32 | g->edges[i].to);
    g->hash = hash;
}

static int32_t compile(const inlay__rules *rules, const uint8_t *facts, inlay__grammar *g) {
    size_t n_called = 0;
    INLAY__TRY(check(rules, facts));
    find_classes(rules, g);
    g->n_rules = rules->n_rules;
    g->start = rules->start;
    g->rules = inlay__alloc_array(g->sys, g->n_rules, sizeof *g->rules);
    g->by_rank = inlay__alloc_array(g->sys, g->n_rules, sizeof *g->by_rank);
    if (g->rules == NULL || g->by_rank == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < g->n_rules; i++)
        g->rules[i].rank = NOT_CALLED;
    INLAY__TRY(compile_rules(rules, facts, g, &n_called));
    uint32_t n = (uint32_t)g->n_edges;
    g->positions[g->n_positions] = (inlay__position){n, n, n, n};
    INLAY__TRY(find_ranks(rules, g, n_called));
    find_hash(g);
    return INLAY_OK;
}

int32_t inlay__grammar_compile(const inlay__rules *rules, inlay__grammar *grammar) {
    uint8_t *facts = NULL;
    *grammar = (inlay__grammar){.sys = rules->sys};
    INLAY__TRY(rules->status);
    INLAY__TRY(inlay__rules_analyse(rules, &facts));
    int32_t status = compile(rules, facts, grammar);
    inlay__free(rules->sys, facts, rules->n_nodes);
    if (status != INLAY_OK) inlay__grammar_free(grammar);
    return status;
}
