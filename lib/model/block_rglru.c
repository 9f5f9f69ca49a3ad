/* Griffin's recurrent mixer [De et al. 2024, arXiv:2402.19427, section 2.4] as a block: a convolution, then a number of
 * state for each channel, which decays as the token says.
 *
 *     prepare       inputs from the stream
 *     project_in    x and y
 *     convolve      x with its last tokens
 *     prepare_gates inputs from that, a head's part of all columns after another's
 *     scan          i, r = sigmoid(gates); l = -8 r softplus(parameter); h = e^l h + sqrt(1 - e^2l) i x; h GELU(y)
 *     prepare_out   inputs from that
 *     project_out   the branch
 *
 * At position 0 nothing is behind the token, and sqrt(1 - e^2l) is 1.
 */
#include "model/block_rglru.h"

#include <math.h>

#include "kernels/math.h"
#include "kernels/recurrence.h"
#include "model/load.h"

/* Work buffers [n_batch, n]: as projected, then convolved; the gates, [n_head][n_cols, n / n_head]. */
enum { X, Y, CONV, GATE_I, GATE_R };
enum { TASK_CHANNELS = 64, MAX_TAPS = 64 };

static const inlay__rglru_weights *weights_of(const inlay__pass *p) { return p->block->weights; }

static void prepare(inlay__pass *p, size_t task) {
    const inlay__rglru_weights *w = weights_of(p);
    inlay__prepare_stream(p, task, &p->block->norm, inlay__form_of(&w->x.matrix) | inlay__form_of(&w->y.matrix));
}

static size_t channel_row_tasks(const inlay__pass *p) { return inlay__row_tasks(p, weights_of(p)->n); }

static void project_in(inlay__pass *p, size_t task) {
    inlay__project(p, &weights_of(p)->x, task, p->d->work[X]);
    inlay__project(p, &weights_of(p)->y, task, p->d->work[Y]);
}

static size_t channel_tasks(const inlay__pass *p) { return (weights_of(p)->n + TASK_CHANNELS - 1) / TASK_CHANNELS; }

static void convolve(inlay__pass *p, size_t task) {
    const inlay__rglru_weights *w = weights_of(p);
    size_t n = w->n, begin = task * TASK_CHANNELS;
    const inlay__convolution c = {.n_taps = w->n_taps, .n_channels = n, .taps = w->taps,
                                  .bias = w->conv_bias, .x = p->d->work[X], .x_stride = n, .y = p->d->work[CONV],
                                  .y_stride = n};
    for (size_t i = 0; i < p->d->n_spans; i++) {
        const inlay__convolution part = inlay__convolution_of(p, &c, &p->d->spans[i]);
        inlay__convolve(&part, begin, inlay__min_size(begin + TASK_CHANNELS, n));
    }
}

static void prepare_gates(inlay__pass *p, size_t task) {
    const inlay__rglru_weights *w = weights_of(p);
    size_t n_part = w->n / w->n_head;
    unsigned forms = inlay__form_of(w->gates[0]) | inlay__form_of(w->gates[1]);
    inlay__inputs in = inlay__inputs_of(p, n_part);
    inlay__slice cols = inlay__cols_of(p, task);
    for (size_t col = cols.begin; col < cols.end; col++)
        for (size_t head = 0; head < w->n_head; head++)
            inlay__prepare_col(p, &in, p->d->work[CONV] + col * w->n + head * n_part, head * p->n_cols + col, forms);
}

static size_t head_tasks(const inlay__pass *p) { return weights_of(p)->n_head; }

/* One channel at a column. */
static float step(const inlay__rglru_weights *w, size_t channel, float gate_i, float gate_r, float x, bool first,
                  float h) {
    float input = inlay__sigmoid(gate_i + w->gate_bias[0][channel]);
    float recurrence = inlay__sigmoid(gate_r + w->gate_bias[1][channel]);
    float l = (-8.0f * recurrence) * w->decay[channel], taken = x * input;
    if (first) return taken;
    return inlay__exp(l) * h + taken * sqrtf(1.0f - inlay__exp(l + l));
}

/* One head through the columns of a sequence. */
static void scan_span(const inlay__pass *p, const inlay__span *span, size_t head) {
    const inlay__rglru_weights *w = weights_of(p);
    float *const *work = p->d->work;
    size_t n = w->n, n_part = n / w->n_head, begin = head * n_part, at = (w->n_taps - 1) * n + begin;
    const float *before = inlay__state_before(p, span) + at;
    float *after = inlay__state_after(p, span) + at;
    for (size_t col = span->begin; col < span->end; col++, before = after) {
        size_t gate = (head * p->n_cols + col) * n_part;
        const float *gate_i = work[GATE_I] + gate, *gate_r = work[GATE_R] + gate;
        const float *x = work[CONV] + col * n + begin;
        float *y = work[Y] + col * n + begin;
        for (size_t i = 0; i < n_part; i++)
            after[i] = step(w, begin + i, gate_i[i], gate_r[i], x[i], p->d->positions[col] == 0, before[i]);
        p->d->model->kernels.activate(INLAY__GELU_TANH, y, after, n_part, y);
    }
}

static void scan(inlay__pass *p, size_t head) {
    const inlay__rglru_weights *w = weights_of(p);
    const inlay__slice rows = {0, w->n / w->n_head}, cols = {head * p->n_cols, (head + 1) * p->n_cols};
    for (size_t k = 0; k < 2; k++) inlay__multiply(p, &w->gates[k][head], rows, cols, p->d->work[GATE_I + k]);
    for (size_t i = 0; i < p->d->n_spans; i++) scan_span(p, &p->d->spans[i], head);
}

static void prepare_out(inlay__pass *p, size_t task) {
    inlay__prepare_rows(p, task, p->d->work[Y], weights_of(p)->n, inlay__form_of(&weights_of(p)->out.matrix));
}

static size_t out_tasks(const inlay__pass *p) { return inlay__row_tasks(p, weights_of(p)->out.matrix.n_rows); }

static void project_out(inlay__pass *p, size_t task) { inlay__project(p, &weights_of(p)->out, task, p->branch); }

static const inlay__phase phases[] = {
    {INLAY__PREPARE, inlay__col_tasks, prepare},       {INLAY__SHARED, channel_row_tasks, project_in},
    {INLAY__SHARED, channel_tasks, convolve},          {INLAY__PREPARE, inlay__col_tasks, prepare_gates},
    {INLAY__SHARED, head_tasks, scan},                 {INLAY__PREPARE, inlay__col_tasks, prepare_out},
    {INLAY__SHARED, out_tasks, project_out},
};

/* ----------------------------------------------------------------- weights */

static inlay__matrix *matrix(void *weights, size_t i) {
    inlay__rglru_weights *w = weights;
    if (i < 2) return i == 0 ? &w->x.matrix : &w->y.matrix;
    i -= 2;
    if (i < 2 * w->n_head) return &w->gates[i % 2][i / 2];
    return i == 2 * w->n_head ? &w->out.matrix : NULL;
}

static void measure(const void *weights, inlay__needs *needs) {
    const inlay__rglru_weights *w = weights;
    for (size_t i = X; i <= GATE_R; i++) needs->work[i] = w->n;
    needs->input = inlay__max_size(w->x.matrix.n_k, w->n);
    needs->state = w->n_taps * w->n;
}

const inlay__layer_block_kind inlay__rglru_kind = {"RG-LRU", phases, INLAY__COUNT(phases), matrix, measure, NULL};

static int32_t load_recurrence(inlay__model *m, size_t layer, inlay__rglru_weights *w) {
    static const char *const gates[] = {"blk.%u.rglru_input_gate.weight", "blk.%u.rglru_recurrent_gate.weight"};
    static const char *const biases[] = {"blk.%u.rglru_input_gate.bias", "blk.%u.rglru_recurrent_gate.bias"};
    size_t n_part = w->n / w->n_head;
    const float *parameter;
    for (size_t k = 0; k < 2; k++) {
        w->gates[k] = inlay__model_alloc(m, w->n_head, sizeof *w->gates[k]);
        if (w->gates[k] == NULL) return INLAY_ERR_MEMORY;
        INLAY__TRY(inlay__load_matrices(m, gates[k], layer, w->n_head, n_part, n_part, w->gates[k]));
        INLAY__TRY(inlay__load_vector(m, biases[k], layer, w->n, &w->gate_bias[k]));
    }
    INLAY__TRY(inlay__load_vector(m, "blk.%u.rglru_recurrent_param", layer, w->n, &parameter));
    float *decay = inlay__model_alloc(m, w->n, sizeof *decay);
    if (decay == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < w->n; i++) decay[i] = inlay__softplus(parameter[i]);
    w->decay = decay;
    return INLAY_OK;
}

int32_t inlay__rglru_load(inlay__model *m, size_t layer, inlay__layer_block *block) {
    size_t n_embd = m->hparams.n_embd;
    uint32_t n = m->hparams.n_embd, n_taps = 0;
    inlay__rglru_weights *w = inlay__model_alloc(m, 1, sizeof *w);
    if (w == NULL) return INLAY_ERR_MEMORY;
    INLAY__TRY(inlay__keys_u32(&m->keys, "rglru.width", false, 1, INLAY__MAX_FF, &n));
    INLAY__TRY(inlay__keys_u32(&m->keys, "rglru.conv_kernel", true, 1, MAX_TAPS, &n_taps));
    if (n % m->hparams.n_head != 0)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': '%s.rglru.width' is %u, expected a multiple of the %u heads",
                           m->keys.name, m->keys.architecture, n, m->hparams.n_head);
    w->n = n;
    w->n_head = m->hparams.n_head;
    w->n_taps = n_taps;
    block->kind = &inlay__rglru_kind;
    block->weights = w;
    INLAY__TRY(inlay__load_linear(m, "blk.%u.rglru_x", layer, n, n_embd, &w->x));
    INLAY__TRY(inlay__load_linear(m, "blk.%u.rglru_y", layer, n, n_embd, &w->y));
    INLAY__TRY(inlay__load_taps(m, "blk.%u.rglru_conv1d.weight", layer, n_taps, n, &w->taps));
    INLAY__TRY(inlay__load_vector_optional(m, "blk.%u.rglru_conv1d.bias", layer, n, &w->conv_bias));
    INLAY__TRY(load_recurrence(m, layer, w));
    return inlay__load_linear(m, "blk.%u.rglru_out", layer, n_embd, n, &w->out);
}
