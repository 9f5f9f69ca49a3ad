/* Which expressions can be empty, and which have any text at all. Both are least fixed points, as rules may call each
 * other in circles: a fact, once found, is told to the expressions that it is a part of. */
#include "grammar/analysis.h"

typedef struct analysis {
    const inlay__rules *rules;
    uint8_t *facts;
    uint32_t *starts;  /* [n_nodes + n_rules + 1] of each expression's, then of each rule's wholes */
    uint32_t *wholes;  /* [n_parts] expressions it is a part of */
    uint32_t *bodies;  /* [n_nodes + 1] first rule of which it is the body, plus 1 */
    uint32_t *next;    /* [n_rules] the next one, plus 1 */
    uint32_t *waiting; /* [n_nodes] */
    size_t n_parts, n_waiting;
} analysis;

/* The numbers of an expression's parts, where rules are numbered behind expressions. */
static size_t parts_of(const inlay__rules *rules, size_t e, size_t parts[2]) {
    const inlay__expression_node *node = &rules->nodes[e];
    parts[0] = node->kind == INLAY__EXPRESSION_RULE ? rules->n_nodes + node->a : node->a;
    parts[1] = node->b;
    switch (node->kind) {
    case INLAY__EXPRESSION_SEQUENCE:
    case INLAY__EXPRESSION_CHOICE:
        return 2;
    case INLAY__EXPRESSION_STAR:
    case INLAY__EXPRESSION_RULE:
        return 1;
    default:
        return 0;
    }
}

static void link_parts(analysis *a) {
    const inlay__rules *rules = a->rules;
    size_t parts[2], n = rules->n_nodes + rules->n_rules;
    for (size_t e = 0; e < rules->n_nodes; e++)
        for (size_t i = parts_of(rules, e, parts); i-- > 0;)
            a->starts[parts[i]]++;
    uint32_t sum = 0;
    for (size_t i = 0; i <= n; i++) {
        uint32_t count = a->starts[i];
        a->starts[i] = sum;
        sum += count;
    }
    for (size_t e = 0; e < rules->n_nodes; e++)
        for (size_t i = parts_of(rules, e, parts); i-- > 0;)
            a->wholes[a->starts[parts[i]]++] = (uint32_t)e;
    for (size_t i = n; i > 0; i--) /* each now stands at the next one's start */
        a->starts[i] = a->starts[i - 1];
    a->starts[0] = 0;
    for (size_t r = 0; r < rules->n_rules; r++) {
        inlay__expression body = rules->rules[r].body;
        a->next[r] = a->bodies[body];
        a->bodies[body] = (uint32_t)r + 1;
    }
}

/* Whether an expression has the fact by what is known of its parts. */
static bool holds(const analysis *a, size_t e, uint8_t fact) {
    const inlay__expression_node *node = &a->rules->nodes[e];
    switch (node->kind) {
    case INLAY__EXPRESSION_EMPTY:
    case INLAY__EXPRESSION_STAR:
        return true;
    case INLAY__EXPRESSION_BYTES:
    case INLAY__EXPRESSION_TOKEN:
        return fact == INLAY__CAN_END;
    case INLAY__EXPRESSION_SEQUENCE:
        return (a->facts[node->a] & a->facts[node->b] & fact) != 0;
    case INLAY__EXPRESSION_CHOICE:
        return ((a->facts[node->a] | a->facts[node->b]) & fact) != 0;
    case INLAY__EXPRESSION_RULE:
        return (a->facts[a->rules->rules[node->a].body] & fact) != 0;
    default:
        return false;
    }
}

static void find(analysis *a, size_t e, uint8_t fact) {
    if ((a->facts[e] & fact) != 0 || !holds(a, e, fact)) return;
    a->facts[e] |= fact;
    a->waiting[a->n_waiting++] = (uint32_t)e;
}

static void tell(analysis *a, size_t part, uint8_t fact) {
    for (uint32_t i = a->starts[part]; i < a->starts[part + 1]; i++)
        find(a, a->wholes[i], fact);
}

static void spread(analysis *a, uint8_t fact) {
    for (size_t e = 0; e < a->rules->n_nodes; e++)
        find(a, e, fact);
    while (a->n_waiting > 0) {
        size_t e = a->waiting[--a->n_waiting];
        tell(a, e, fact);
        for (uint32_t r = a->bodies[e]; r != 0; r = a->next[r - 1])
            tell(a, a->rules->n_nodes + r - 1, fact);
    }
}

int32_t inlay__rules_analyse(const inlay__rules *rules, uint8_t **facts) {
    const inlay__sys *sys = rules->sys;
    size_t n = rules->n_nodes, n_rules = rules->n_rules, parts[2];
    analysis a = {.rules = rules};
    for (size_t e = 0; e < n; e++)
        a.n_parts += parts_of(rules, e, parts);
    a.facts = inlay__alloc_array(sys, n, 1);
    a.starts = inlay__alloc_array(sys, n + n_rules + 1, sizeof *a.starts);
    a.wholes = inlay__alloc_array(sys, a.n_parts, sizeof *a.wholes);
    a.bodies = inlay__alloc_array(sys, n, sizeof *a.bodies);
    a.next = inlay__alloc_array(sys, n_rules, sizeof *a.next);
    a.waiting = inlay__alloc_array(sys, n, sizeof *a.waiting);
    bool ok = a.facts && a.starts && a.wholes && a.bodies && a.next && a.waiting;
    if (ok) {
        link_parts(&a);
        spread(&a, INLAY__CAN_BE_EMPTY);
        spread(&a, INLAY__CAN_END);
    }
    inlay__free(sys, a.waiting, n * sizeof *a.waiting);
    inlay__free(sys, a.next, n_rules * sizeof *a.next);
    inlay__free(sys, a.bodies, n * sizeof *a.bodies);
    inlay__free(sys, a.wholes, a.n_parts * sizeof *a.wholes);
    inlay__free(sys, a.starts, (n + n_rules + 1) * sizeof *a.starts);
    if (!ok) inlay__free(sys, a.facts, n);
    *facts = ok ? a.facts : NULL;
    return ok ? INLAY_OK : INLAY_ERR_MEMORY;
}
