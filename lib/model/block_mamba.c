/* Mamba's mixer [Gu and Dao 2023, arXiv:2312.00752] as a block: a state of n_state numbers for each channel, whose
 * step, input and output depend on the token.
 *
 *     prepare      inputs from the stream
 *     project_in   x and its gate
 *     convolve     x with its last tokens, SiLU
 *     prepare_x    inputs from that
 *     project_x    the low-rank step, B and C
 *     prepare_dt   inputs from the step
 *     scan         dt = softplus(step); h = exp(dt A) h + dt x B; y = (h C + D x) SiLU(gate)
 *     prepare_out  inputs from that
 *     project_out  the branch
 */
#include "model/block_mamba.h"

#include "kernels/recurrence.h"
#include "model/load.h"

/* Work buffers: [n_batch, 2 n_inner], [n_batch, n_inner], [n_batch, n_rank + 2 n_state], [n_batch, n_inner] twice. */
enum { IN, X, SSM, DT, Y };
enum { TASK_CHANNELS = 64, MAX_TAPS = 64, MAX_STATE = 1024 };

static const inlay__mamba_weights *weights_of(const inlay__pass *p) { return p->block->weights; }

static void prepare(inlay__pass *p, size_t task) {
    inlay__prepare_stream(p, task, &p->block->norm, inlay__form_of(&weights_of(p)->in.matrix));
}

static size_t in_tasks(const inlay__pass *p) { return inlay__row_tasks(p, weights_of(p)->in.matrix.n_rows); }

static void project_in(inlay__pass *p, size_t task) { inlay__project(p, &weights_of(p)->in, task, p->d->work[IN]); }

static size_t channel_tasks(const inlay__pass *p) {
    return (weights_of(p)->n_inner + TASK_CHANNELS - 1) / TASK_CHANNELS;
}

static void convolve(inlay__pass *p, size_t task) {
    const inlay__mamba_weights *w = weights_of(p);
    size_t n = w->n_inner, begin = task * TASK_CHANNELS, end = inlay__min_size(begin + TASK_CHANNELS, n);
    const inlay__convolution c = {.n_taps = w->n_taps, .n_channels = n, .taps = w->taps,
                                  .bias = w->conv_bias, .x = p->d->work[IN], .x_stride = 2 * n, .y = p->d->work[X],
                                  .y_stride = n};
    for (size_t i = 0; i < p->d->n_spans; i++) {
        const inlay__convolution part = inlay__convolution_of(p, &c, &p->d->spans[i]);
        inlay__convolve_silu(&p->d->model->kernels, &part, begin, end);
    }
}

static void prepare_x(inlay__pass *p, size_t task) {
    inlay__prepare_rows(p, task, p->d->work[X], weights_of(p)->n_inner, inlay__form_of(&weights_of(p)->x.matrix));
}

static size_t x_tasks(const inlay__pass *p) { return inlay__row_tasks(p, weights_of(p)->x.matrix.n_rows); }

static void project_x(inlay__pass *p, size_t task) { inlay__project(p, &weights_of(p)->x, task, p->d->work[SSM]); }

static void prepare_dt(inlay__pass *p, size_t task) {
    const inlay__mamba_weights *w = weights_of(p);
    inlay__inputs in = inlay__inputs_of(p, w->n_rank);
    inlay__slice cols = inlay__cols_of(p, task);
    for (size_t col = cols.begin; col < cols.end; col++)
        inlay__prepare_col(p, &in, p->d->work[SSM] + col * w->x.matrix.n_rows, col, inlay__form_of(&w->dt.matrix));
}

static size_t scan_tasks(const inlay__pass *p) { return inlay__row_tasks(p, weights_of(p)->n_inner); }

/* One channel through the columns of a sequence. */
static void scan_span(const inlay__pass *p, const inlay__span *span, size_t i) {
    const inlay__mamba_weights *w = weights_of(p);
    float *const *work = p->d->work, *decay = p->d->threads[p->i_thread].scratch;
    size_t n = w->n_inner, n_state = w->n_state, at = (w->n_taps - 1) * n + i * n_state;
    const float *before = inlay__state_before(p, span) + at;
    float *after = inlay__state_after(p, span) + at;
    for (size_t col = span->begin; col < span->end; col++, before = after) {
        const float *b = work[SSM] + col * w->x.matrix.n_rows + w->n_rank, *c = b + n_state;
        float dt = inlay__softplus(work[DT][col * n + i]), x = work[X][col * n + i];
        for (size_t k = 0; k < n_state; k++) decay[k] = w->a[i * n_state + k] * dt;
        p->d->model->kernels.weigh(decay, 0.0f, 1.0f, n_state, decay); /* exp of each */
        float sum = inlay__scan_step(decay, b, c, dt * x, n_state, before, after);
        work[Y][col * n + i] = w->d[i] * x + sum;
    }
}

/* The steps of some channels, then the channels one after another through all columns. */
static void scan(inlay__pass *p, size_t task) {
    const inlay__mamba_weights *w = weights_of(p);
    const inlay__kernels *kernels = &p->d->model->kernels;
    float *const *work = p->d->work;
    size_t n = w->n_inner;
    inlay__slice rows = inlay__rows_of(p, n, task);
    if (rows.begin >= rows.end) return;
    inlay__project(p, &w->dt, task, work[DT]);
    for (size_t i = rows.begin; i < rows.end; i++)
        for (size_t k = 0; k < p->d->n_spans; k++) scan_span(p, &p->d->spans[k], i);
    for (size_t col = 0; col < p->n_cols; col++) {
        float *y = work[Y] + col * n + rows.begin;
        kernels->activate(INLAY__SILU, work[IN] + col * 2 * n + n + rows.begin, y, rows.end - rows.begin, y);
    }
}

static void prepare_out(inlay__pass *p, size_t task) {
    inlay__prepare_rows(p, task, p->d->work[Y], weights_of(p)->n_inner, inlay__form_of(&weights_of(p)->out.matrix));
}

static size_t out_tasks(const inlay__pass *p) { return inlay__row_tasks(p, weights_of(p)->out.matrix.n_rows); }

static void project_out(inlay__pass *p, size_t task) { inlay__project(p, &weights_of(p)->out, task, p->branch); }

static const inlay__phase phases[] = {
    {INLAY__PREPARE, inlay__col_tasks, prepare},    {INLAY__SHARED, in_tasks, project_in},
    {INLAY__SHARED, channel_tasks, convolve},       {INLAY__PREPARE, inlay__col_tasks, prepare_x},
    {INLAY__SHARED, x_tasks, project_x},            {INLAY__PREPARE, inlay__col_tasks, prepare_dt},
    {INLAY__SHARED, scan_tasks, scan},              {INLAY__PREPARE, inlay__col_tasks, prepare_out},
    {INLAY__SHARED, out_tasks, project_out},
};

/* ----------------------------------------------------------------- weights */

static inlay__matrix *matrix(void *weights, size_t i) {
    inlay__mamba_weights *w = weights;
    inlay__matrix *all[] = {&w->in.matrix, &w->x.matrix, &w->dt.matrix, &w->out.matrix};
    return i < INLAY__COUNT(all) ? all[i] : NULL;
}

static void measure(const void *weights, inlay__needs *needs) {
    const inlay__mamba_weights *w = weights;
    needs->work[IN] = 2 * w->n_inner;
    needs->work[X] = needs->work[DT] = needs->work[Y] = w->n_inner;
    needs->work[SSM] = w->x.matrix.n_rows;
    needs->input = inlay__max_size(w->in.matrix.n_k, inlay__max_size(w->n_inner, w->n_rank));
    needs->thread = w->n_state;
    needs->state = (w->n_taps - 1 + w->n_state) * w->n_inner;
}

const inlay__layer_block_kind inlay__mamba_kind = {"Mamba", phases, INLAY__COUNT(phases), matrix, measure, NULL};

static int32_t read_sizes(const inlay__model *m, inlay__mamba_weights *w) {
    uint32_t n_inner, n_state, n_rank, n_taps;
    INLAY__TRY(inlay__keys_u32(&m->keys, "ssm.inner_size", true, 1, INLAY__MAX_FF, &n_inner));
    INLAY__TRY(inlay__keys_u32(&m->keys, "ssm.state_size", true, 1, MAX_STATE, &n_state));
    INLAY__TRY(inlay__keys_u32(&m->keys, "ssm.time_step_rank", true, 1, INLAY__MAX_EMBD, &n_rank));
    INLAY__TRY(inlay__keys_u32(&m->keys, "ssm.conv_kernel", true, 1, MAX_TAPS, &n_taps));
    *w = (inlay__mamba_weights){.n_inner = n_inner, .n_state = n_state, .n_rank = n_rank, .n_taps = n_taps};
    return INLAY_OK;
}

int32_t inlay__mamba_load(inlay__model *m, size_t layer, inlay__layer_block *block) {
    size_t n_embd = m->hparams.n_embd;
    inlay__mamba_weights *w = inlay__model_alloc(m, 1, sizeof *w);
    if (w == NULL) return INLAY_ERR_MEMORY;
    INLAY__TRY(read_sizes(m, w));
    block->kind = &inlay__mamba_kind;
    block->weights = w;
    INLAY__TRY(inlay__load_linear(m, "blk.%u.ssm_in", layer, 2 * w->n_inner, n_embd, &w->in));
    INLAY__TRY(inlay__load_taps(m, "blk.%u.ssm_conv1d.weight", layer, w->n_taps, w->n_inner, &w->taps));
    INLAY__TRY(inlay__load_vector_optional(m, "blk.%u.ssm_conv1d.bias", layer, w->n_inner, &w->conv_bias));
    INLAY__TRY(inlay__load_linear(m, "blk.%u.ssm_x", layer, w->n_rank + 2 * w->n_state, w->n_inner, &w->x));
    INLAY__TRY(inlay__load_linear(m, "blk.%u.ssm_dt", layer, w->n_inner, w->n_rank, &w->dt));
    INLAY__TRY(inlay__load_table(m, "blk.%u.ssm_a", layer, w->n_inner, w->n_state, &w->a));
    INLAY__TRY(inlay__load_vector(m, "blk.%u.ssm_d", layer, w->n_inner, &w->d));
    return inlay__load_linear(m, "blk.%u.ssm_out", layer, n_embd, w->n_inner, &w->out);
}
