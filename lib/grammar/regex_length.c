/* Regular expressions whose texts have a least and a most number of characters.
 *
 * Mostly one repetition of single characters makes up the length, and its own bounds change. Otherwise the automaton of
 * the expression runs beside a counter: a rule for each of its states and each count. */
#include "grammar/ecma_automaton.h"
#include "grammar/regex.h"

enum { MOST_PRODUCT = 1 << 18, MOST_WORK = 1 << 24, MOST_INLINE = 4 };
#define NONE UINT32_MAX

/* --------------------------------------------------------------------- lengths */

typedef struct lengths {
    uint32_t least, most; /* UINT32_MAX: more than can be told, or any number */
} lengths;

static uint32_t add(uint32_t a, uint32_t b) { return a > UINT32_MAX - b ? UINT32_MAX : a + b; }

static uint32_t times(uint32_t a, uint32_t b) {
    uint64_t product = (uint64_t)a * b;
    return product > UINT32_MAX ? UINT32_MAX : (uint32_t)product;
}

static lengths length_of(const inlay__ecma_node *node, const lengths *all) {
    switch ((inlay__ecma_kind)node->kind) {
    case INLAY__ECMA_SET:
        return (lengths){1, 1};
    case INLAY__ECMA_SEQUENCE:
        return (lengths){add(all[node->a].least, all[node->b].least), add(all[node->a].most, all[node->b].most)};
    case INLAY__ECMA_CHOICE: {
        lengths a = all[node->a], b = all[node->b];
        return (lengths){a.least < b.least ? a.least : b.least, a.most > b.most ? a.most : b.most};
    }
    case INLAY__ECMA_REPEAT:
        return (lengths){times(all[node->a].least, node->b), times(all[node->a].most, node->c)};
    default:
        return (lengths){0, 0};
    }
}

/* ---------------------------------------------------------- a single repetition */

/* Where the root is a row of nodes of fixed length but for one repetition of single characters: makes it with other
 * bounds. `done` tells whether it was so. */
static bool clip(inlay__rules *rules, const inlay__ecma *tree, const inlay__expression *made, const lengths *all,
                 uint32_t least, uint32_t most, inlay__expression *e) {
    uint32_t variable = NONE, fixed = 0;
    for (uint32_t at = tree->root, part; at != NONE; at = part == at ? NONE : tree->nodes[at].a) {
        const inlay__ecma_node *node = &tree->nodes[at];
        part = node->kind == INLAY__ECMA_SEQUENCE ? node->b : at;
        if (all[part].least == all[part].most) {
            fixed = add(fixed, all[part].least);
            continue;
        }
        const inlay__ecma_node *repeat = &tree->nodes[part];
        bool fits = variable == NONE && repeat->kind == INLAY__ECMA_REPEAT && all[repeat->a].least == 1 &&
                    all[repeat->a].most == 1;
        if (!fits) return false;
        variable = part;
    }
    if (variable == NONE || fixed > most) return false;
    const inlay__ecma_node *repeat = &tree->nodes[variable];
    uint32_t from = least > fixed ? least - fixed : 0, to = most == INLAY__RULES_NO_END ? most : most - fixed;
    if (from < repeat->b) from = repeat->b;
    if (to > repeat->c) to = repeat->c;
    inlay__expression all_parts = INLAY__EMPTY;
    for (uint32_t at = tree->root, part; at != NONE; at = part == at ? NONE : tree->nodes[at].a) {
        const inlay__ecma_node *node = &tree->nodes[at];
        part = node->kind == INLAY__ECMA_SEQUENCE ? node->b : at;
        inlay__expression one = part == variable ? inlay__rules_repeat(rules, made[repeat->a], from, to) : made[part];
        all_parts = inlay__rules_sequence(rules, one, all_parts);
    }
    *e = all_parts;
    return true;
}

/* --------------------------------------------------------------------- product */

typedef struct product {
    inlay__ecma_automaton automaton;
    inlay__rules *rules;
    inlay__expression *made; /* [tree->n_nodes] */
    uint32_t least, most, n_counts;
    uint32_t *rule_of; /* [n_states * n_counts] rule; NONE: none yet */
    uint32_t *waiting; /* [n_waiting] state * n_counts + count, whose rule is not written */
    size_t n_waiting, work;
} product;

static int32_t too_large(void) {
    return inlay__fail(INLAY_ERR_UNSUPPORTED,
                       "the regular expression is too large to be held to a length (minLength, maxLength)");
}

static inlay__expression call(product *p, uint32_t state, uint32_t count) {
    uint32_t at = state * p->n_counts + count;
    if (p->rule_of[at] == NONE) {
        p->rule_of[at] = inlay__rules_add(p->rules, NULL, 0);
        p->waiting[p->n_waiting++] = at;
    }
    return inlay__rules_call(p->rules, p->rule_of[at]);
}

/* What may follow in a state after so many characters. Counts past what matters are one. */
static int32_t write_rule(product *p, uint32_t at) {
    inlay__ecma_automaton *a = &p->automaton;
    uint32_t count = at % p->n_counts, after = count + 1 == p->n_counts ? count : count + 1;
    bool is_last = p->most != INLAY__RULES_NO_END && count == p->most;
    inlay__expression all = INLAY__NEVER;
    inlay__ecma_reach_begin(a);
    inlay__ecma_reach(a, at / p->n_counts);
    for (size_t i = 0; i < a->n_reached; i++) {
        uint32_t state = a->reached[i];
        if (state == INLAY__ECMA_LAST_STATE && count >= p->least)
            all = inlay__rules_choice(p->rules, all, INLAY__EMPTY);
        for (uint32_t e = a->first[state]; e != NONE; e = a->edges[e].next) {
            const inlay__ecma_edge *way = &a->edges[e];
            if (p->work-- == 0) return too_large();
            if (way->set == NONE || is_last || p->made[way->set] == INLAY__NEVER) continue;
            inlay__expression next = call(p, way->to, after);
            all = inlay__rules_choice(p->rules, all, inlay__rules_sequence(p->rules, p->made[way->set], next));
        }
    }
    inlay__rules_set(p->rules, p->rule_of[at], all);
    return p->rules->status;
}

/* Sets of many bytes are wanted once for each count: they become calls. */
static void shorten_sets(product *p, const inlay__ecma *tree) {
    for (size_t i = 0; i < tree->n_nodes && p->rules->status == INLAY_OK; i++) {
        if (tree->nodes[i].kind != INLAY__ECMA_SET || p->rules->nodes[p->made[i]].size <= MOST_INLINE) continue;
        uint32_t rule = inlay__rules_add(p->rules, NULL, 0);
        inlay__rules_set(p->rules, rule, p->made[i]);
        p->made[i] = inlay__rules_call(p->rules, rule);
    }
}

static int32_t multiply(product *p, const inlay__ecma *tree, inlay__expression *e) {
    const inlay__sys *sys = p->rules->sys;
    if (!inlay__ecma_automaton_build(&p->automaton, tree)) return too_large();
    uint32_t counted = p->most != INLAY__RULES_NO_END ? p->most : p->least;
    if (counted >= MOST_PRODUCT || (uint64_t)(counted + 1) * p->automaton.n_states > MOST_PRODUCT) return too_large();
    p->n_counts = counted + 1;
    shorten_sets(p, tree);
    size_t n = p->n_counts * p->automaton.n_states;
    p->rule_of = inlay__alloc_array(sys, n, sizeof *p->rule_of);
    p->waiting = inlay__alloc_array(sys, n, sizeof *p->waiting);
    int32_t status = p->rule_of != NULL && p->waiting != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
    if (status == INLAY_OK) {
        memset(p->rule_of, 0xff, n * sizeof *p->rule_of);
        *e = call(p, INLAY__ECMA_FIRST_STATE, 0);
        while (p->n_waiting > 0 && status == INLAY_OK)
            status = write_rule(p, p->waiting[--p->n_waiting]);
    }
    inlay__free(sys, p->waiting, n * sizeof *p->waiting);
    inlay__free(sys, p->rule_of, n * sizeof *p->rule_of);
    return status;
}

/* ------------------------------------------------------------------- the whole */

int32_t inlay__regex_bounded(inlay__rules *rules, const inlay__ecma *tree, inlay__expression *made, uint32_t least,
                             uint32_t most, inlay__expression *e) {
    const inlay__sys *sys = rules->sys;
    size_t n = tree->n_nodes;
    lengths *all = inlay__alloc_array(sys, n, sizeof *all);
    if (all == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < n; i++)
        all[i] = length_of(&tree->nodes[i], all);
    lengths whole = all[tree->root];
    bool done = whole.least >= least && whole.most <= most; /* `made` is right as it is */
    if (!done && (whole.least > most || whole.most < least)) {
        *e = INLAY__NEVER;
        done = true;
    }
    if (!done) done = clip(rules, tree, made, all, least, most, e);
    inlay__free(sys, all, n * sizeof *all);
    if (done) return rules->status;

    product *p = inlay__alloc_array(sys, 1, sizeof *p);
    if (p == NULL) return INLAY_ERR_MEMORY;
    p->rules = rules;
    p->made = made;
    p->least = least;
    p->most = most;
    p->work = MOST_WORK;
    int32_t status = multiply(p, tree, e);
    inlay__free(sys, p, sizeof *p);
    return status;
}
