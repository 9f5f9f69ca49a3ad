/* From an automaton with choices to one without: its states are sets of states [Rabin and Scott 1959].
 *
 * Only states from which something leads on, and the end, are in a set; the rest follows. Sets are told apart without
 * an order among their members. How much work may be done is bounded, since there can be exponentially many sets; past
 * the bound the automaton is taken as it is. */
#include "grammar/nfa.h"

enum { WORK_BY_STATE = 64, WORK_LEAST = 100000 };

typedef struct set {
    size_t begin, n; /* members */
    uint64_t hash;
} set;

typedef struct subsets {
    const inlay__nfa *nfa;
    const inlay__sys *sys;
    inlay__grammar *grammar;
    size_t base; /* the grammar's position of set 0 */
    set *sets;   /* [n_sets] */
    uint32_t *members;
    uint32_t *table;  /* [table_mask + 1] sets plus 1, by hash */
    uint32_t *marks;  /* [n_states] the last round that met the state */
    uint32_t *stack;  /* [n_states] */
    uint32_t *points; /* [n_classes + 1] classes at which ranges begin or have ended */
    size_t n_sets, set_capacity, n_members, member_capacity, table_mask, work;
    uint32_t round;
} subsets;

/* No result, but no error either: there is too much to do. */
#define TOO_MUCH 1

/* ------------------------------------------------------------------------ sets */

static void begin_set(subsets *s) {
    s->round++;
    s->sets[s->n_sets] = (set){.begin = s->n_members};
}

static bool matters(const inlay__nfa *nfa, uint32_t state) {
    if (state == INLAY__NFA_END) return true;
    for (uint32_t e = nfa->first[state]; e != 0; e = nfa->edges[e - 1].next)
        if (nfa->edges[e - 1].kind != INLAY__NFA_EMPTY) return true;
    return false;
}

/* Adds a state, and what it leads to without taking anything, to the set that was begun. */
static int32_t add_state(subsets *s, uint32_t state) {
    const inlay__nfa *nfa = s->nfa;
    set *made = &s->sets[s->n_sets];
    size_t n = 0;
    if (s->marks[state] == s->round) return INLAY_OK;
    s->marks[state] = s->round;
    s->stack[n++] = state;
    while (n > 0) {
        state = s->stack[--n];
        if (s->work-- == 0) return TOO_MUCH;
        if (matters(nfa, state)) {
            INLAY__TRY(inlay__grow(s->sys, (void **)&s->members, &s->member_capacity, s->n_members + 1,
                                   sizeof *s->members));
            s->members[s->n_members++] = state;
            made->n++;
            uint64_t h = (state + 1) * 0x9e3779b97f4a7c15u;
            made->hash += (h ^ h >> 29) * 0xbf58476d1ce4e5b9u;
        }
        for (uint32_t e = nfa->first[state]; e != 0; e = nfa->edges[e - 1].next) {
            uint32_t to = nfa->edges[e - 1].to;
            if (nfa->edges[e - 1].kind != INLAY__NFA_EMPTY || s->marks[to] == s->round) continue;
            s->marks[to] = s->round;
            s->stack[n++] = to;
        }
    }
    return INLAY_OK;
}

/* Whether a set has the members of the one that was begun, which are marked. */
static bool same(const subsets *s, const set *other) {
    const set *made = &s->sets[s->n_sets];
    if (other->hash != made->hash || other->n != made->n) return false;
    for (size_t i = 0; i < other->n; i++)
        if (s->marks[s->members[other->begin + i]] != s->round) return false;
    return true;
}

static int32_t grow_table(subsets *s) {
    size_t n = s->table_mask == 0 ? 64 : 2 * (s->table_mask + 1);
    uint32_t *table = inlay__alloc_array(s->sys, n, sizeof *table);
    if (table == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < s->n_sets; i++) {
        size_t slot = (size_t)(s->sets[i].hash >> 32) & (n - 1);
        while (table[slot] != 0)
            slot = (slot + 1) & (n - 1);
        table[slot] = (uint32_t)i + 1;
    }
    inlay__free(s->sys, s->table, s->table != NULL ? (s->table_mask + 1) * sizeof *table : 0);
    s->table = table;
    s->table_mask = n - 1;
    return INLAY_OK;
}

/* The number of the set that was begun, which is that of an equal one where there is one. */
static int32_t finish_set(subsets *s, size_t *number) {
    set *made = &s->sets[s->n_sets];
    if (2 * (s->n_sets + 1) > s->table_mask) INLAY__TRY(grow_table(s));
    size_t slot = (size_t)(made->hash >> 32) & s->table_mask;
    for (; s->table[slot] != 0; slot = (slot + 1) & s->table_mask)
        if (same(s, &s->sets[s->table[slot] - 1])) {
            *number = s->table[slot] - 1;
            s->n_members = made->begin;
            return INLAY_OK;
        }
    INLAY__TRY(inlay__grow(s->sys, (void **)&s->sets, &s->set_capacity, s->n_sets + 2, sizeof *s->sets));
    *number = s->n_sets++;
    s->table[slot] = (uint32_t)s->n_sets;
    return INLAY_OK;
}

/* ----------------------------------------------------------------------- edges */

typedef struct walk {
    const subsets *s;
    size_t i, n; /* of the members */
    uint32_t e;  /* the next edge plus 1 */
} walk;

static walk edges_of(const subsets *s, size_t number) {
    const set *of = &s->sets[number];
    return (walk){.s = s, .i = of->begin, .n = of->begin + of->n};
}

static const inlay__nfa_edge *next_edge(walk *w, uint8_t kind) {
    for (;;) {
        while (w->e == 0) {
            if (w->i == w->n) return NULL;
            w->e = w->s->nfa->first[w->s->members[w->i++]];
        }
        const inlay__nfa_edge *edge = &w->s->nfa->edges[w->e - 1];
        w->e = edge->next;
        if (edge->kind == kind) return edge;
    }
}

static uint32_t first_class(uint32_t what) { return what & 0xff; }
static uint32_t last_class(uint32_t what) { return what >> 8 & 0xff; }

/* Where the set's edges begin and end, in ascending order. */
static size_t find_points(subsets *s, size_t number) {
    bool is_point[257] = {false};
    size_t n = 0;
    walk w = edges_of(s, number);
    for (const inlay__nfa_edge *e; (e = next_edge(&w, INLAY__NFA_BYTES)) != NULL;)
        is_point[first_class(e->what)] = is_point[last_class(e->what) + 1] = true;
    for (uint32_t c = 0; c < 257; c++)
        if (is_point[c]) s->points[n++] = c;
    return n;
}

/* The set to which all edges of a kind lead that `takes` an input; *n is 0 when there is none. */
static int32_t targets(subsets *s, size_t number, uint8_t kind, uint32_t input, size_t *n, size_t *to) {
    begin_set(s);
    walk w = edges_of(s, number);
    for (const inlay__nfa_edge *e; (e = next_edge(&w, kind)) != NULL;) {
        bool takes = kind == INLAY__NFA_BYTES ? first_class(e->what) <= input && input <= last_class(e->what)
                                              : e->what == input;
        if (s->work-- == 0) return TOO_MUCH;
        if (takes) INLAY__TRY(add_state(s, e->to));
    }
    *n = s->sets[s->n_sets].n;
    return *n > 0 ? finish_set(s, to) : INLAY_OK;
}

static int32_t put_bytes(subsets *s, size_t number) {
    inlay__grammar *grammar = s->grammar;
    size_t first_edge = grammar->n_edges, n_points = find_points(s, number);
    for (size_t i = 0; i + 1 < n_points; i++) {
        size_t n, to = 0;
        uint32_t first = s->points[i], last = s->points[i + 1] - 1;
        INLAY__TRY(targets(s, number, INLAY__NFA_BYTES, first, &n, &to));
        if (n == 0) continue;
        inlay__edge *before = grammar->n_edges > first_edge ? &grammar->edges[grammar->n_edges - 1] : NULL;
        if (before != NULL && before->to == s->base + to && last_class(before->what) + 1 == first)
            before->what = first_class(before->what) | last << 8;
        else
            INLAY__TRY(inlay__grammar_add_edge(grammar, first | last << 8, s->base + to));
    }
    return INLAY_OK;
}

/* One edge for each token or rule among the set's edges. */
static int32_t put_each(subsets *s, size_t number, uint8_t kind) {
    inlay__grammar *grammar = s->grammar;
    size_t first_edge = grammar->n_edges;
    walk w = edges_of(s, number);
    for (const inlay__nfa_edge *e; (e = next_edge(&w, kind)) != NULL;) {
        size_t n, to = 0, k = first_edge;
        while (k < grammar->n_edges && grammar->edges[k].what != e->what)
            k++;
        if (s->work <= k - first_edge) return TOO_MUCH;
        s->work -= k - first_edge;
        if (k < grammar->n_edges) continue;
        INLAY__TRY(targets(s, number, kind, e->what, &n, &to));
        INLAY__TRY(inlay__grammar_add_edge(grammar, e->what, s->base + to));
    }
    return INLAY_OK;
}

static int32_t put_set(subsets *s, size_t number) {
    inlay__grammar *grammar = s->grammar;
    const set *of = &s->sets[number];
    bool ends = false;
    for (size_t i = 0; i < of->n; i++)
        ends |= s->members[of->begin + i] == INLAY__NFA_END;
    INLAY__TRY(inlay__grammar_add_position(grammar, ends));
    inlay__position *p = &grammar->positions[grammar->n_positions - 1];
    INLAY__TRY(put_bytes(s, number));
    p->tokens = (uint32_t)grammar->n_edges;
    INLAY__TRY(put_each(s, number, INLAY__NFA_TOKEN));
    p->calls = (uint32_t)grammar->n_edges;
    INLAY__TRY(put_each(s, number, INLAY__NFA_CALL));
    p->empty = (uint32_t)grammar->n_edges;
    return INLAY_OK;
}

static int32_t put_sets(subsets *s) {
    size_t number;
    begin_set(s);
    INLAY__TRY(add_state(s, INLAY__NFA_START));
    INLAY__TRY(finish_set(s, &number));
    for (size_t i = 0; i < s->n_sets; i++)
        INLAY__TRY(put_set(s, i));
    return INLAY_OK;
}

/* ------------------------------------------------------------------- the whole */

static int32_t put_edges(const inlay__nfa *nfa, inlay__grammar *grammar, size_t base, size_t state, uint8_t kind) {
    for (uint32_t e = nfa->first[state]; e != 0; e = nfa->edges[e - 1].next)
        if (nfa->edges[e - 1].kind == kind)
            INLAY__TRY(inlay__grammar_add_edge(grammar, nfa->edges[e - 1].what, base + nfa->edges[e - 1].to));
    return INLAY_OK;
}

static int32_t put_as_it_is(const inlay__nfa *nfa, inlay__grammar *grammar) {
    size_t base = grammar->n_positions;
    for (size_t state = 0; state < nfa->n_states; state++) {
        INLAY__TRY(inlay__grammar_add_position(grammar, state == INLAY__NFA_END));
        inlay__position *p = &grammar->positions[base + state];
        INLAY__TRY(put_edges(nfa, grammar, base, state, INLAY__NFA_BYTES));
        p->tokens = (uint32_t)grammar->n_edges;
        INLAY__TRY(put_edges(nfa, grammar, base, state, INLAY__NFA_TOKEN));
        p->calls = (uint32_t)grammar->n_edges;
        INLAY__TRY(put_edges(nfa, grammar, base, state, INLAY__NFA_CALL));
        p->empty = (uint32_t)grammar->n_edges;
        INLAY__TRY(put_edges(nfa, grammar, base, state, INLAY__NFA_EMPTY));
    }
    return INLAY_OK;
}

static int32_t make_room(subsets *s) {
    size_t n = s->nfa->n_states;
    INLAY__TRY(inlay__grow(s->sys, (void **)&s->sets, &s->set_capacity, 64, sizeof *s->sets));
    s->marks = inlay__alloc_array(s->sys, n, sizeof *s->marks);
    s->stack = inlay__alloc_array(s->sys, n, sizeof *s->stack);
    s->points = inlay__alloc_array(s->sys, 257, sizeof *s->points);
    return s->marks != NULL && s->stack != NULL && s->points != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
}

static void give_back(subsets *s) {
    size_t n = s->nfa->n_states;
    inlay__free(s->sys, s->points, 257 * sizeof *s->points);
    inlay__free(s->sys, s->stack, n * sizeof *s->stack);
    inlay__free(s->sys, s->marks, n * sizeof *s->marks);
    inlay__free(s->sys, s->table, s->table != NULL ? (s->table_mask + 1) * sizeof *s->table : 0);
    inlay__free(s->sys, s->members, s->member_capacity * sizeof *s->members);
    inlay__free(s->sys, s->sets, s->set_capacity * sizeof *s->sets);
}

int32_t inlay__nfa_append(const inlay__nfa *nfa, inlay__grammar *grammar) {
    size_t n_positions = grammar->n_positions, n_edges = grammar->n_edges;
    subsets s = {.nfa = nfa,
                 .sys = nfa->sys,
                 .grammar = grammar,
                 .base = n_positions,
                 .work = WORK_BY_STATE * nfa->n_states + WORK_LEAST};
    int32_t status = make_room(&s);
    if (status == INLAY_OK) status = put_sets(&s);
    give_back(&s);
    if (status != TOO_MUCH) return status;
    grammar->n_positions = n_positions;
    grammar->n_edges = n_edges;
    return put_as_it_is(nfa, grammar);
}
