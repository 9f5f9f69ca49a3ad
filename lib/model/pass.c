/* Running a pass: every thread follows the route from phase to phase, and all meet after each that is shared out.
 * Whoever must leave says so, and all stop where they meet next: each thread's place in the pass (inlay__pass) is what
 * they go on from. */
#include "kernels/math.h"
#include "model/phase.h"
#include "model/positions.h"

const double *inlay__rope_frequencies(const inlay__decoder *d, size_t which) {
    const inlay__rope *rope = &d->model->ropes[which];
    bool is_long = rope->long_frequencies != NULL && d->config.n_context > rope->n_original;
    if (d->frequencies != NULL && which == INLAY__ROPE_GLOBAL) return d->frequencies;
    return is_long ? rope->long_frequencies : rope->frequencies;
}

/* Sines and cosines of all columns' positions, for one pace. */
static void make_angles(inlay__decoder *d, size_t which) {
    const inlay__rope *rope = &d->model->ropes[which];
    const double *frequencies = inlay__rope_frequencies(d, which);
    size_t n = rope->n / 2;
    for (size_t col = 0; col < d->n_cols; col++) {
        for (size_t i = 0; i < n; i++) {
            double sine, cosine;
            inlay__sincos_f64((double)d->positions[col] * frequencies[i], &sine, &cosine);
            d->cosines[which][col * n + i] = (float)(cosine * rope->magnitude);
            d->sines[which][col * n + i] = (float)(sine * rope->magnitude);
        }
    }
}

void inlay__pass_begin(inlay__decoder *d, inlay__route *route) {
    size_t n_threads = d->config.n_threads;
    d->route = route;
    atomic_store(&d->stop, 0);
    for (size_t i = 0; i < INLAY__N_COUNTERS; i++) atomic_store(&d->next[i], 0);
    for (size_t which = 0; which < INLAY__N_ROPES; which++) make_angles(d, which);
    for (size_t i = 0; i < n_threads; i++)
        d->passes[i] = (inlay__pass){.d = d, .i_thread = i, .n_threads = n_threads, .n_cols = d->n_cols, .task = i};
}

static void next_phase(inlay__pass *p) {
    p->i_phase++;
    p->task = p->i_thread;
}

/* From the thread's place to where all meet next; false at the end of the pass. */
static bool advance(inlay__pass *p) {
    for (;; next_phase(p)) {
        p->is_done = p->i_phase == p->n_phases && !p->d->route(p);
        if (p->is_done) return false;
        if (inlay__phase_run(p)) return true;
    }
}

/* All have met: whether they go on from there. */
static bool may_go_on(inlay__pass *p) {
    if (atomic_load_explicit(&p->d->stop, memory_order_relaxed) == ++p->turn) return false;
    next_phase(p);
    return true;
}

/* To the end of the pass or until all stop. */
static void follow(void *decoder, size_t i_thread, size_t n_threads) {
    inlay__decoder *d = decoder;
    inlay__pass *p = &d->passes[i_thread];
    (void)n_threads;
    p->pace.has_begun = false;
    while (advance(p)) {
        inlay__pool_barrier(d->pool);
        if (!may_go_on(p)) return;
    }
}

static void advance_part(void *decoder, size_t i_thread, size_t n_threads) {
    inlay__decoder *d = decoder;
    (void)n_threads;
    advance(&d->passes[i_thread]);
}

/* The same on lent threads, which come back at every meeting, as nobody may wait for another. */
static int32_t follow_lent(inlay__decoder *d) {
    bool goes_on = true;
    for (size_t i = 0; i < d->config.n_threads; i++) d->passes[i].pace.has_begun = false;
    while (goes_on) {
        INLAY__TRY(inlay__pool_run(d->pool, advance_part, d));
        goes_on = !d->passes[0].is_done;
        for (size_t i = 0; i < d->config.n_threads && !d->passes[0].is_done; i++)
            goes_on = may_go_on(&d->passes[i]) && goes_on;
    }
    return INLAY_OK;
}

int32_t inlay__pass_go_on(inlay__decoder *d) {
    size_t turn = d->passes[0].turn;
    /* Tasks taken before all stopped stay taken. */
    if (turn > 0 && atomic_load(&d->stop) == turn)
        atomic_store(&d->next[turn % INLAY__N_COUNTERS], atomic_load(&d->next[(turn - 1) % INLAY__N_COUNTERS]));
    INLAY__TRY(inlay__pool_is_lent(d->pool) ? follow_lent(d) : inlay__pool_run(d->pool, follow, d));
    if (d->passes[0].is_done) return INLAY_OK;
    if (!inlay__is_cancelled(&d->limit)) return INLAY_AGAIN;
    return inlay__fail(INLAY_ERR_CANCELLED, "the evaluation was cancelled");
}

int32_t inlay__pass_run(inlay__decoder *d, inlay__route *route, const inlay__eval_hooks *hooks) {
    d->limit = (inlay__limit){hooks->cancel, INLAY__NEVER};
    INLAY__TRY(inlay__model_use(d->model, d->pool, d->n_cols, hooks->cancel));
    inlay__pass_begin(d, route);
    return inlay__pass_go_on(d);
}
