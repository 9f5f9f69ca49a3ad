/* Long short-term memory [Hochreiter and Schmidhuber 1997; Gers et al. 2000] as a block:
 *
 *     i, f, g, o = input x + hidden h;  c = sigmoid(f) c + sigmoid(i) tanh(g);  h = sigmoid(o) tanh(c)
 *
 *     prepare  inputs from the stream
 *     project  the gates' part that comes from the input, of all columns
 *     step     column after column, by one thread: the part that comes from the column before, and the branch h
 */
#include "model/block_lstm.h"

#include "kernels/recurrence.h"
#include "model/load.h"

enum { GATES, HIDDEN }; /* work buffers [n_batch, 4 n], of which the second is used for one column */

static const inlay__lstm_weights *weights_of(const inlay__pass *p) { return p->block->weights; }

static void prepare(inlay__pass *p, size_t task) {
    inlay__prepare_stream(p, task, &p->block->norm, inlay__form_of(&weights_of(p)->input.matrix));
}

static size_t gate_tasks(const inlay__pass *p) { return inlay__row_tasks(p, weights_of(p)->input.matrix.n_rows); }

static void project(inlay__pass *p, size_t task) { inlay__project(p, &weights_of(p)->input, task, p->d->work[GATES]); }

static size_t one_task(const inlay__pass *p) {
    (void)p;
    return 1;
}

/* One column: gates [4 n] to h and c [n]. */
static void step_gates(const float *gates, size_t n, float *h, float *c) {
    for (size_t i = 0; i < n; i++) {
        float kept = inlay__sigmoid(gates[n + i]) * c[i],
              taken = inlay__sigmoid(gates[i]) * inlay__tanh(gates[2 * n + i]);
        c[i] = kept + taken;
        h[i] = inlay__sigmoid(gates[3 * n + i]) * inlay__tanh(c[i]);
    }
}

static void step_span(const inlay__pass *p, const inlay__span *span) {
    const inlay__lstm_weights *w = weights_of(p);
    const inlay__kernels *kernels = &p->d->model->kernels;
    size_t n = w->n;
    const float *before = inlay__state_before(p, span);
    float *h = inlay__state_after(p, span), *c = h + n, *hidden = p->d->work[HIDDEN];
    inlay__inputs in = inlay__inputs_of(p, n);
    if (before != h) memcpy(h, before, 2 * n * sizeof(float));
    for (size_t col = span->begin; col < span->end; col++) {
        inlay__prepare_col(p, &in, h, 0, inlay__form_of(&w->hidden.matrix));
        inlay__multiply(p, &w->hidden.matrix, (inlay__slice){0, 4 * n}, (inlay__slice){0, 1}, hidden);
        if (w->hidden.bias != NULL) kernels->add(w->hidden.bias, 4 * n, hidden);
        kernels->add(p->d->work[GATES] + col * 4 * n, 4 * n, hidden);
        step_gates(hidden, n, h, c);
        memcpy(p->branch + col * n, h, n * sizeof(float));
    }
}

static void step(inlay__pass *p, size_t task) {
    (void)task;
    for (size_t i = 0; i < p->d->n_spans; i++) step_span(p, &p->d->spans[i]);
}

static const inlay__phase phases[] = {
    {INLAY__PREPARE, inlay__col_tasks, prepare},
    {INLAY__SHARED, gate_tasks, project},
    {INLAY__SHARED, one_task, step},
};

static inlay__matrix *matrix(void *weights, size_t i) {
    inlay__lstm_weights *w = weights;
    inlay__matrix *all[] = {&w->input.matrix, &w->hidden.matrix};
    return i < INLAY__COUNT(all) ? all[i] : NULL;
}

static void measure(const void *weights, inlay__needs *needs) {
    const inlay__lstm_weights *w = weights;
    needs->work[GATES] = needs->work[HIDDEN] = 4 * w->n;
    needs->input = w->n;
    needs->state = 2 * w->n;
}

const inlay__layer_block_kind inlay__lstm_kind = {"LSTM", phases, INLAY__COUNT(phases), matrix, measure, NULL};

int32_t inlay__lstm_load(inlay__model *m, size_t layer, inlay__layer_block *block) {
    inlay__lstm_weights *w = inlay__model_alloc(m, 1, sizeof *w);
    if (w == NULL) return INLAY_ERR_MEMORY;
    w->n = m->hparams.n_embd;
    block->kind = &inlay__lstm_kind;
    block->weights = w;
    INLAY__TRY(inlay__load_linear(m, "blk.%u.lstm_ih", layer, 4 * w->n, w->n, &w->input));
    return inlay__load_linear(m, "blk.%u.lstm_hh", layer, 4 * w->n, w->n, &w->hidden);
}
