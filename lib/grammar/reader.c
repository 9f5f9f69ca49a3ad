/* Reading a text by a grammar, byte by byte, all ways at once. */
#include "grammar/reader.h"

enum { LEAST_STATES = 512, MOST_STATES = 8192, WAYS_SIZE = 1 << 20 /* bytes, about */ };

/* No room: what is not in use may be forgotten. */
#define FULL 1

/* -------------------------------------------------------------------- stretches */

static int32_t stretches_init(inlay__stretches *s, const inlay__sys *sys, size_t most, size_t most_pairs) {
    size_t n = 16;
    while (n < 2 * most)
        n *= 2;
    *s = (inlay__stretches){.most = most, .most_pairs = most_pairs, .mask = n - 1};
    s->of = inlay__alloc_array(sys, most, sizeof *s->of);
    s->pairs = inlay__alloc_array(sys, most_pairs, sizeof *s->pairs);
    s->table = inlay__alloc_array(sys, n, sizeof *s->table);
    return s->of != NULL && s->pairs != NULL && s->table != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
}

static void stretches_free(inlay__stretches *s, const inlay__sys *sys) {
    inlay__free(sys, s->table, (s->mask + 1) * sizeof *s->table);
    inlay__free(sys, s->pairs, s->most_pairs * sizeof *s->pairs);
    inlay__free(sys, s->of, s->most * sizeof *s->of);
}

static void stretches_copy(const inlay__stretches *s, inlay__stretches *copy) {
    memcpy(copy->of, s->of, s->n * sizeof *s->of);
    memcpy(copy->pairs, s->pairs, s->n_pairs * sizeof *s->pairs);
    memcpy(copy->table, s->table, (s->mask + 1) * sizeof *s->table);
    copy->n = s->n;
    copy->n_pairs = s->n_pairs;
}

static bool same(const inlay__stretches *s, const inlay__stretch *other, const inlay__pairs *made, bool ends) {
    if (other->hash != made->hash || other->n != made->n || other->ends != ends) return false;
    for (size_t i = 0; i < other->n; i++)
        if (!inlay__pairs_has(made, s->pairs[other->begin + i])) return false;
    return true;
}

static size_t free_slot(const inlay__stretches *s, uint64_t hash) {
    size_t slot = (size_t)(hash >> 20) & s->mask;
    while (s->table[slot] != 0)
        slot = (slot + 1) & s->mask;
    return slot;
}

/* The number of the stretch with these pairs, which is made where there is none. FULL. */
static int32_t find(inlay__stretches *s, const inlay__pairs *made, bool ends, uint32_t *number) {
    size_t slot = (size_t)(made->hash >> 20) & s->mask;
    for (; s->table[slot] != 0; slot = (slot + 1) & s->mask) {
        *number = s->table[slot] - 1;
        if (same(s, &s->of[*number], made, ends)) return INLAY_OK;
    }
    if (s->n == s->most || made->n > s->most_pairs - s->n_pairs) return FULL;
    memcpy(s->pairs + s->n_pairs, made->items, made->n * sizeof *made->items);
    s->of[s->n] = (inlay__stretch){(uint32_t)s->n_pairs, (uint32_t)made->n, made->hash, ends};
    s->n_pairs += made->n;
    *number = (uint32_t)s->n++;
    s->table[slot] = *number + 1;
    return INLAY_OK;
}

/* --------------------------------------------------------------------- lifetime */

/* The first frame and the states with fixed numbers; state 0, which stands for none, is like no other. */
void inlay__reader_clear(inlay__reader *r) {
    r->frames.n = r->frames.n_pairs = r->states.n = r->states.n_pairs = 0;
    memset(r->frames.table, 0, (r->frames.mask + 1) * sizeof *r->frames.table);
    memset(r->states.table, 0, (r->states.mask + 1) * sizeof *r->states.table);
    memset(r->roots, 0, r->n_roots * sizeof *r->roots);
    memset(r->ways, 0, 2 * r->grammar->n_classes * sizeof *r->ways);
    inlay__pairs_clear(&r->returns);
    inlay__pairs_add(&r->returns, (inlay__pair){INLAY__RETURN_END, INLAY__FRAME_FIRST});
    inlay__reader_put_frame(r);
    inlay__reader_put_state(r, false, INLAY__ROOT_NOW);
    inlay__pairs_clear(&r->returns);
    inlay__reader_put_state(r, false, INLAY__ROOT_NOW);
    r->roots[INLAY__ROOT_NOW] = INLAY__STATE_NONE;
}

int32_t inlay__reader_init(inlay__reader *r, const inlay__sys *sys, const inlay__grammar *grammar, size_t n_roots) {
    size_t n_states = inlay__max_size(LEAST_STATES, inlay__min_size(MOST_STATES, WAYS_SIZE / 4 / grammar->n_classes));
    *r = (inlay__reader){.sys = sys, .grammar = grammar, .n_roots = n_roots};
    INLAY__TRY(stretches_init(&r->frames, sys, INLAY__MOST_FRAMES, INLAY__MOST_RETURNS));
    INLAY__TRY(stretches_init(&r->states, sys, n_states, INLAY__MOST_STATE_ITEMS));
    INLAY__TRY(inlay__pairs_init(&r->next, sys, INLAY__MOST_ITEMS));
    INLAY__TRY(inlay__pairs_init(&r->here, sys, INLAY__MOST_ITEMS));
    INLAY__TRY(inlay__pairs_init(&r->returns, sys, INLAY__MOST_ITEMS));
    r->ways = inlay__alloc_array(sys, n_states * grammar->n_classes, sizeof *r->ways);
    r->marks = inlay__alloc_array(sys, n_states + INLAY__MOST_FRAMES, sizeof *r->marks);
    r->roots = inlay__alloc_array(sys, n_roots, sizeof *r->roots);
    r->calls = inlay__alloc_array(sys, grammar->n_rules, sizeof *r->calls);
    r->ranks = inlay__alloc_array(sys, grammar->n_rules, sizeof *r->ranks);
    r->waiting = inlay__alloc_array(sys, INLAY__MOST_ITEMS, sizeof *r->waiting);
    if (r->ways == NULL || r->marks == NULL || r->roots == NULL || r->calls == NULL || r->ranks == NULL ||
        r->waiting == NULL)
        return INLAY_ERR_MEMORY;
    inlay__reader_clear(r);
    return inlay__reader_begin(r, INLAY__ROOT_NOW);
}

void inlay__reader_free(inlay__reader *r) {
    const inlay__sys *sys = r->sys;
    if (sys == NULL) return;
    inlay__free(sys, r->waiting, INLAY__MOST_ITEMS * sizeof *r->waiting);
    inlay__free(sys, r->ranks, r->grammar->n_rules * sizeof *r->ranks);
    inlay__free(sys, r->calls, r->grammar->n_rules * sizeof *r->calls);
    inlay__free(sys, r->roots, r->n_roots * sizeof *r->roots);
    inlay__free(sys, r->marks, (r->states.most + INLAY__MOST_FRAMES) * sizeof *r->marks);
    inlay__free(sys, r->ways, r->states.most * r->grammar->n_classes * sizeof *r->ways);
    inlay__pairs_free(&r->returns, sys);
    inlay__pairs_free(&r->here, sys);
    inlay__pairs_free(&r->next, sys);
    stretches_free(&r->states, sys);
    stretches_free(&r->frames, sys);
    *r = (inlay__reader){.sys = NULL};
}

void inlay__reader_copy(const inlay__reader *r, inlay__reader *copy) {
    stretches_copy(&r->frames, &copy->frames);
    stretches_copy(&r->states, &copy->states);
    memcpy(copy->ways, r->ways, r->states.n * r->grammar->n_classes * sizeof *r->ways);
    memcpy(copy->roots, r->roots, r->n_roots * sizeof *r->roots);
}

/* ------------------------------------------------------------------- forgetting */

/* Marks in `keep` what stays, then numbers it anew; keep[i] becomes the new number plus 1. */
static void compact(inlay__stretches *s, uint32_t *keep) {
    size_t n = 0, n_pairs = 0;
    memset(s->table, 0, (s->mask + 1) * sizeof *s->table);
    for (size_t i = 0; i < s->n; i++) {
        if (keep[i] == 0) continue;
        inlay__stretch stretch = s->of[i];
        memmove(s->pairs + n_pairs, s->pairs + stretch.begin, stretch.n * sizeof *s->pairs);
        stretch.begin = (uint32_t)n_pairs;
        n_pairs += stretch.n;
        s->of[n] = stretch;
        keep[i] = (uint32_t)++n;
    }
    s->n = n;
    s->n_pairs = n_pairs;
}

static void rename_frames(inlay__stretches *s, const uint32_t *numbers) {
    for (size_t i = 0; i < s->n; i++) {
        inlay__stretch *stretch = &s->of[i];
        stretch->hash = 0;
        for (size_t k = stretch->begin; k < stretch->begin + stretch->n; k++) {
            s->pairs[k].frame = numbers[s->pairs[k].frame] - 1;
            stretch->hash += inlay__pair_hash(s->pairs[k]);
        }
        s->table[free_slot(s, stretch->hash)] = (uint32_t)i + 1;
    }
}

void inlay__reader_mark_frames(const inlay__reader *r, const uint32_t *keep_state, uint32_t *keep_frame) {
    const inlay__stretches *frames = &r->frames, *states = &r->states;
    memset(keep_frame, 0, frames->n * sizeof *keep_frame);
    keep_frame[INLAY__FRAME_FIRST] = 1;
    for (size_t i = 0; i < states->n; i++)
        for (size_t k = 0; k < states->of[i].n && keep_state[i] != 0; k++)
            keep_frame[states->pairs[states->of[i].begin + k].frame] = 1;
    for (size_t i = frames->n; i-- > 0;)
        for (size_t k = 0; k < frames->of[i].n && keep_frame[i] != 0; k++)
            keep_frame[frames->pairs[frames->of[i].begin + k].frame] = 1;
}

/* Forgets what the roots do not need, and where states lead. */
static void forget(inlay__reader *r) {
    uint32_t *keep_state = r->marks, *keep_frame = r->marks + r->states.most;
    memset(keep_state, 0, r->states.n * sizeof *keep_state);
    keep_state[0] = keep_state[INLAY__STATE_DEAD] = 1;
    for (size_t i = 0; i < r->n_roots; i++)
        keep_state[r->roots[i]] = 1;
    inlay__reader_mark_frames(r, keep_state, keep_frame);
    compact(&r->frames, keep_frame);
    rename_frames(&r->frames, keep_frame);
    compact(&r->states, keep_state);
    rename_frames(&r->states, keep_frame);
    for (size_t i = 0; i < r->n_roots; i++)
        r->roots[i] = keep_state[r->roots[i]] - 1;
    memset(r->ways, 0, r->states.n * r->grammar->n_classes * sizeof *r->ways);
}

/* ------------------------------------------------------------------------ items */

/* Adds an item behind the step, and where it goes on at once: the rule's other ways, its returns where it may end. */
static bool add_next(inlay__reader *r, inlay__pair item) {
    const inlay__grammar *g = r->grammar;
    size_t done = r->next.n;
    bool fits = inlay__pairs_add(&r->next, item);
    for (; done < r->next.n && fits; done++) {
        item = r->next.items[done];
        const inlay__position *p = &g->positions[item.position];
        for (uint32_t e = p->empty; e < p[1].bytes && fits; e++)
            fits = inlay__pairs_add(&r->next, (inlay__pair){g->edges[e].to, item.frame});
        r->n_work += 1 + p[1].bytes - p->empty;
        if (!g->ends[item.position]) continue;
        const inlay__stretch *frame = &r->frames.of[item.frame];
        for (uint32_t i = 0; i < frame->n && fits; i++) {
            inlay__pair to = r->frames.pairs[frame->begin + i];
            if (to.position == INLAY__RETURN_END)
                r->ends = true;
            else
                fits = inlay__pairs_add(&r->next, to);
        }
        r->n_work += frame->n;
    }
    return fits;
}

/* The state of the items behind the step, without those that lead nowhere. FULL. */
static int32_t finish(inlay__reader *r, uint32_t *state) {
    const inlay__grammar *g = r->grammar;
    inlay__pairs_clear(&r->here);
    for (size_t i = 0; i < r->next.n; i++) {
        const inlay__position *p = &g->positions[r->next.items[i].position];
        if (p->bytes != p->empty) inlay__pairs_add(&r->here, r->next.items[i]);
    }
    size_t n = r->states.n;
    INLAY__TRY(find(&r->states, &r->here, r->ends, state));
    if (r->states.n > n) memset(r->ways + n * g->n_classes, 0, g->n_classes * sizeof *r->ways);
    return INLAY_OK;
}

static void begin_next(inlay__reader *r) {
    inlay__pairs_clear(&r->next);
    r->ends = false;
}

/* ------------------------------------------------------------------------ calls */

static void push_rank(inlay__reader *r, uint32_t rank) {
    size_t i = r->n_ranks++;
    for (; i > 0 && r->ranks[(i - 1) / 2] > rank; i = (i - 1) / 2)
        r->ranks[i] = r->ranks[(i - 1) / 2];
    r->ranks[i] = rank;
}

static uint32_t pop_rank(inlay__reader *r) {
    uint32_t lowest = r->ranks[0], last = r->ranks[--r->n_ranks];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= r->n_ranks) break;
        if (child + 1 < r->n_ranks && r->ranks[child + 1] < r->ranks[child]) child++;
        if (r->ranks[child] >= last) break;
        r->ranks[i] = r->ranks[child];
        i = child;
    }
    r->ranks[i] = last;
    return lowest;
}

static bool wait_for(inlay__reader *r, uint32_t rule, inlay__pair to) {
    if (r->n_waiting == INLAY__MOST_ITEMS) return false;
    if (r->calls[rule] == 0) push_rank(r, r->grammar->rules[rule].rank);
    r->waiting[r->n_waiting] = (inlay__waiting){to, r->calls[rule]};
    r->calls[rule] = (uint32_t)++r->n_waiting;
    return true;
}

/* A call that is the last of its rule returns to where the rule does: lists of any length stand on one frame. */
static bool call(inlay__reader *r, inlay__edge edge, uint32_t frame) {
    const inlay__grammar *g = r->grammar;
    if (!g->ends[edge.to] || !inlay__position_only_ends(g, edge.to))
        return wait_for(r, edge.what, (inlay__pair){edge.to, frame});
    const inlay__stretch *of = &r->frames.of[frame];
    r->n_work += of->n;
    for (uint32_t i = 0; i < of->n; i++)
        if (!wait_for(r, edge.what, r->frames.pairs[of->begin + i])) return false;
    return true;
}

/* The beginning of the rule of the lowest rank, with all its returns. FULL. */
static int32_t enter_rule(inlay__reader *r) {
    uint32_t frame, rule = r->grammar->by_rank[pop_rank(r)];
    inlay__pairs_clear(&r->returns);
    for (uint32_t i = r->calls[rule]; i != 0; i = r->waiting[i - 1].next) {
        inlay__pairs_add(&r->returns, r->waiting[i - 1].to); /* as many as wait have room */
        r->n_work++;
    }
    r->calls[rule] = 0;
    INLAY__TRY(find(&r->frames, &r->returns, false, &frame));
    return inlay__pairs_add(&r->here, (inlay__pair){r->grammar->rules[rule].start, frame}) ? INLAY_OK : FULL;
}

/* Calls of an item; of one at a rule's beginning also the ways that take nothing, which others have behind them. */
static bool open_item(inlay__reader *r, inlay__pair item, bool is_new) {
    const inlay__grammar *g = r->grammar;
    const inlay__position *p = &g->positions[item.position];
    r->n_work += 1 + p[1].bytes - p->bytes;
    for (uint32_t e = p->calls; e < p->empty; e++)
        if (!call(r, g->edges[e], item.frame)) return false;
    for (uint32_t e = p->empty; e < p[1].bytes && is_new; e++)
        if (!inlay__pairs_add(&r->here, (inlay__pair){g->edges[e].to, item.frame})) return false;
    return true;
}

/* A state's items, and those at the beginnings of all rules that can come next, into r->here. FULL. */
static int32_t open_state(inlay__reader *r, uint32_t number) {
    const inlay__stretch *state = &r->states.of[number];
    size_t done = 0;
    int32_t status = INLAY_OK;
    inlay__pairs_clear(&r->here);
    r->n_waiting = r->n_ranks = 0;
    for (size_t i = 0; i < state->n; i++)
        inlay__pairs_add(&r->here, r->states.pairs[state->begin + i]);
    while (status == INLAY_OK) {
        for (; done < r->here.n && status == INLAY_OK; done++)
            if (!open_item(r, r->here.items[done], done >= state->n)) status = FULL;
        if (r->n_ranks == 0 || status != INLAY_OK) break;
        status = enter_rule(r);
    }
    while (r->n_ranks > 0) /* after a failure */
        r->calls[r->grammar->by_rank[pop_rank(r)]] = 0;
    return status;
}

/* ------------------------------------------------------------------------ steps */

static int32_t step(inlay__reader *r, uint32_t from, uint8_t class, uint32_t *to) {
    const inlay__grammar *g = r->grammar;
    INLAY__TRY(open_state(r, from));
    begin_next(r);
    for (size_t i = 0; i < r->here.n; i++) {
        inlay__pair item = r->here.items[i];
        const inlay__position *p = &g->positions[item.position];
        for (uint32_t e = p->bytes; e < p->tokens; e++) {
            uint32_t what = g->edges[e].what;
            if ((what & 0xff) > class || class > (what >> 8 & 0xff)) continue;
            if (!add_next(r, (inlay__pair){g->edges[e].to, item.frame})) return FULL;
        }
    }
    return finish(r, to);
}

uint32_t inlay__reader_put_frame(inlay__reader *r) {
    uint32_t frame = 0;
    find(&r->frames, &r->returns, false, &frame);
    return frame;
}

void inlay__reader_put_state(inlay__reader *r, bool ends, size_t root) {
    find(&r->states, &r->returns, ends, &r->roots[root]);
    memset(r->ways + r->roots[root] * r->grammar->n_classes, 0, r->grammar->n_classes * sizeof *r->ways);
}

static int32_t no_room(void) {
    return inlay__fail(INLAY_ERR_UNSUPPORTED,
                       "the text can be read by the grammar in too many ways at once, more than %d", INLAY__MOST_ITEMS);
}

int32_t inlay__reader_step(inlay__reader *r, size_t from, uint8_t byte, size_t to) {
    uint8_t class = r->grammar->classes[byte];
    uint32_t *way = &r->ways[r->roots[from] * r->grammar->n_classes + class];
    if (*way == 0) {
        uint32_t state;
        if (step(r, r->roots[from], class, &state) == FULL) {
            forget(r);
            if (step(r, r->roots[from], class, &state) == FULL) return no_room();
        }
        way = &r->ways[r->roots[from] * r->grammar->n_classes + class];
        *way = state;
    }
    r->roots[to] = *way;
    return INLAY_OK;
}

/* Tokens that are named go before those that are any without text. */
static bool is_named(const inlay__reader *r, uint32_t token) {
    const inlay__grammar *g = r->grammar;
    for (size_t i = 0; i < r->here.n; i++) {
        const inlay__position *p = &g->positions[r->here.items[i].position];
        for (uint32_t e = p->tokens; e < p->calls; e++)
            if (g->edges[e].what == token) return true;
    }
    return false;
}

static int32_t step_token(inlay__reader *r, uint32_t from, uint32_t token, bool is_text, uint32_t beside,
                          uint32_t *to) {
    const inlay__grammar *g = r->grammar;
    INLAY__TRY(open_state(r, from));
    uint32_t kind = is_text || is_named(r, token) ? token : INLAY__TOKEN_NO_TEXT;
    begin_next(r);
    const inlay__stretch *other = &r->states.of[beside];
    r->ends = other->ends;
    for (size_t i = 0; i < other->n; i++)
        inlay__pairs_add(&r->next, r->states.pairs[other->begin + i]);
    for (size_t i = 0; i < r->here.n; i++) {
        inlay__pair item = r->here.items[i];
        const inlay__position *p = &g->positions[item.position];
        for (uint32_t e = p->tokens; e < p->calls; e++)
            if (inlay__takes_token(g->edges[e].what, token, kind) &&
                !add_next(r, (inlay__pair){g->edges[e].to, item.frame}))
                return FULL;
    }
    return finish(r, to);
}

int32_t inlay__reader_step_token(inlay__reader *r, size_t from, int32_t token, bool is_text, size_t to) {
    uint32_t state;
    if (step_token(r, r->roots[from], (uint32_t)token, is_text, r->roots[to], &state) == FULL) {
        forget(r);
        if (step_token(r, r->roots[from], (uint32_t)token, is_text, r->roots[to], &state) == FULL) return no_room();
    }
    r->roots[to] = state;
    return INLAY_OK;
}

int32_t inlay__reader_tokens(inlay__reader *r, size_t from, void (*visit)(void *user, uint32_t what), void *user) {
    const inlay__grammar *g = r->grammar;
    if (open_state(r, r->roots[from]) == FULL) {
        forget(r);
        if (open_state(r, r->roots[from]) == FULL) return no_room();
    }
    for (size_t i = 0; i < r->here.n; i++) {
        const inlay__position *p = &g->positions[r->here.items[i].position];
        for (uint32_t e = p->tokens; e < p->calls; e++)
            visit(user, g->edges[e].what);
    }
    return INLAY_OK;
}

int32_t inlay__reader_begin_at(inlay__reader *r, uint32_t position, size_t root) {
    for (int tries = 0; tries < 2; tries++) {
        uint32_t state;
        begin_next(r);
        if (add_next(r, (inlay__pair){position, INLAY__FRAME_FIRST}) && finish(r, &state) == INLAY_OK) {
            r->roots[root] = state;
            return INLAY_OK;
        }
        forget(r);
    }
    return no_room();
}

int32_t inlay__reader_begin(inlay__reader *r, size_t root) {
    return inlay__reader_begin_at(r, r->grammar->rules[r->grammar->start].start, root);
}
