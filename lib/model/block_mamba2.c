/* Mamba-2's mixer [Dao and Gu 2024, arXiv:2405.21060] as a block: heads of channels that decay together, a state of
 * n_state numbers for each channel, B and C for each group of heads. Every token is one step of the recurrence, in
 * order: what a sequence is cut into changes no bit.
 *
 *     prepare      inputs from the stream
 *     project_in   the gate; x, B and C; steps
 *     convolve     x, B and C with their last tokens, SiLU
 *     scan         dt = softplus(step + bias); h = exp(dt a) h + dt x B; y = h C + d x, head by head
 *     prepare_out  inputs from norm(y SiLU(gate))
 *     project_out  the branch
 */
#include "model/block_mamba2.h"

#include "kernels/math.h"
#include "kernels/recurrence.h"
#include "model/load.h"

enum { IN, CONV, Y }; /* work buffers: [n_batch, n_inner + n_conv + n_head], [n_batch, n_conv], [n_batch, n_inner] */
enum { TASK_CHANNELS = 64, MAX_TAPS = 64, MAX_STATE = 1024 };

static const inlay__mamba2_weights *weights_of(const inlay__pass *p) { return p->block->weights; }

static void prepare(inlay__pass *p, size_t task) {
    inlay__prepare_stream(p, task, &p->block->norm, inlay__form_of(&weights_of(p)->in.matrix));
}

static size_t in_tasks(const inlay__pass *p) { return inlay__row_tasks(p, weights_of(p)->in.matrix.n_rows); }

static void project_in(inlay__pass *p, size_t task) { inlay__project(p, &weights_of(p)->in, task, p->d->work[IN]); }

static size_t channel_tasks(const inlay__pass *p) {
    return (weights_of(p)->n_conv + TASK_CHANNELS - 1) / TASK_CHANNELS;
}

static void convolve(inlay__pass *p, size_t task) {
    const inlay__mamba2_weights *w = weights_of(p);
    size_t n = w->n_conv, begin = task * TASK_CHANNELS;
    const inlay__convolution c = {.n_taps = w->n_taps,
                                  .n_channels = n,
                                  .taps = w->taps,
                                  .bias = w->conv_bias,
                                  .x = p->d->work[IN] + w->n_inner,
                                  .x_stride = w->in.matrix.n_rows,
                                  .y = p->d->work[CONV],
                                  .y_stride = n};
    for (size_t i = 0; i < p->d->n_spans; i++) {
        const inlay__convolution part = inlay__convolution_of(p, &c, &p->d->spans[i]);
        inlay__convolve_silu(&p->d->model->kernels, &part, begin, inlay__min_size(begin + TASK_CHANNELS, n));
    }
}

static size_t head_tasks(const inlay__pass *p) { return weights_of(p)->n_head; }

/* The step of a head at a column. */
static float step_of(const inlay__pass *p, const inlay__mamba2_weights *w, size_t col, size_t head) {
    const float *in = p->d->work[IN] + col * w->in.matrix.n_rows + w->n_inner + w->n_conv;
    float dt = inlay__softplus(in[head] + w->dt_bias[head]);
    dt = dt < w->step_least ? w->step_least : dt;
    return dt > w->step_greatest ? w->step_greatest : dt;
}

/* One head through the columns of a sequence; decay is the same for all its channels and numbers. */
static void scan_span(const inlay__pass *p, const inlay__span *span, size_t head) {
    const inlay__mamba2_weights *w = weights_of(p);
    size_t n_state = w->n_state, n = w->n_inner / w->n_head, group = head / (w->n_head / w->n_group);
    size_t at = (w->n_taps - 1) * w->n_conv + head * n * n_state;
    const float *before = inlay__state_before(p, span) + at;
    float *after = inlay__state_after(p, span) + at, *decay = p->d->threads[p->i_thread].scratch;
    for (size_t col = span->begin; col < span->end; col++, before = after) {
        const float *conv = p->d->work[CONV] + col * w->n_conv, *x = conv + head * n;
        const float *b = conv + w->n_inner + group * n_state, *c = b + w->n_group * n_state;
        float *y = p->d->work[Y] + col * w->n_inner + head * n;
        float dt = step_of(p, w, col, head), kept = inlay__exp(w->a[head] * dt);
        for (size_t k = 0; k < n_state; k++) decay[k] = kept;
        for (size_t i = 0; i < n; i++) {
            float sum = inlay__scan_step(decay, b, c, dt * x[i], n_state, before + i * n_state, after + i * n_state);
            y[i] = w->d[head] * x[i] + sum;
        }
    }
}

static void scan(inlay__pass *p, size_t head) {
    for (size_t i = 0; i < p->d->n_spans; i++) scan_span(p, &p->d->spans[i], head);
}

static void prepare_out(inlay__pass *p, size_t task) {
    const inlay__mamba2_weights *w = weights_of(p);
    const inlay__kernels *kernels = &p->d->model->kernels;
    size_t n = w->n_inner, n_part = n / w->n_group;
    inlay__inputs in = inlay__inputs_of(p, n);
    inlay__slice cols = inlay__cols_of(p, task);
    for (size_t col = cols.begin; col < cols.end; col++) {
        float *x = in.x + col * n;
        kernels->activate(INLAY__SILU, p->d->work[IN] + col * w->in.matrix.n_rows, p->d->work[Y] + col * n, n, x);
        for (size_t i = 0; i < n; i += n_part)
            kernels->rms_norm(x + i, w->norm + i, p->d->model->hparams.norm_epsilon, n_part, x + i);
        inlay__prepare_col(p, &in, x, col, inlay__form_of(&w->out.matrix));
    }
}

static size_t out_tasks(const inlay__pass *p) { return inlay__row_tasks(p, weights_of(p)->out.matrix.n_rows); }

static void project_out(inlay__pass *p, size_t task) { inlay__project(p, &weights_of(p)->out, task, p->branch); }

static const inlay__phase phases[] = {
    {INLAY__PREPARE, inlay__col_tasks, prepare}, {INLAY__SHARED, in_tasks, project_in},
    {INLAY__SHARED, channel_tasks, convolve},    {INLAY__SHARED, head_tasks, scan},
    {INLAY__PREPARE, inlay__col_tasks, prepare_out}, {INLAY__SHARED, out_tasks, project_out},
};

/* ----------------------------------------------------------------- weights */

static inlay__matrix *matrix(void *weights, size_t i) {
    inlay__mamba2_weights *w = weights;
    inlay__matrix *all[] = {&w->in.matrix, &w->out.matrix};
    return i < INLAY__COUNT(all) ? all[i] : NULL;
}

static void measure(const void *weights, inlay__needs *needs) {
    const inlay__mamba2_weights *w = weights;
    needs->work[IN] = w->in.matrix.n_rows;
    needs->work[CONV] = w->n_conv;
    needs->work[Y] = w->n_inner;
    needs->input = inlay__max_size(w->in.matrix.n_k, w->n_inner);
    needs->thread = w->n_state;
    needs->state = (w->n_taps - 1) * w->n_conv + w->n_inner * w->n_state;
}

const inlay__layer_block_kind inlay__mamba2_kind = {"Mamba-2", phases, INLAY__COUNT(phases), matrix, measure, NULL};

/* A number that must divide another. */
static int32_t read_share(const inlay__model *m, const char *key, uint32_t n, const char *of, uint32_t *value) {
    INLAY__TRY(inlay__keys_u32(&m->keys, key, true, 1, n, value));
    if (n % *value == 0) return INLAY_OK;
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': '%s.%s' is %u, expected a divisor of '%s.%s', %u", m->keys.name,
                       m->keys.architecture, key, *value, m->keys.architecture, of, n);
}

static int32_t read_sizes(const inlay__model *m, inlay__mamba2_weights *w) {
    uint32_t n_inner, n_state, n_head, n_group, n_taps;
    double least = 0.0, greatest = 3e38;
    INLAY__TRY(inlay__keys_u32(&m->keys, "ssm.inner_size", true, 1, INLAY__MAX_FF, &n_inner));
    INLAY__TRY(inlay__keys_u32(&m->keys, "ssm.state_size", true, 1, MAX_STATE, &n_state));
    INLAY__TRY(inlay__keys_u32(&m->keys, "ssm.conv_kernel", true, 1, MAX_TAPS, &n_taps));
    INLAY__TRY(read_share(m, "ssm.time_step_rank", n_inner, "ssm.inner_size", &n_head));
    INLAY__TRY(read_share(m, "ssm.group_count", n_head, "ssm.time_step_rank", &n_group));
    INLAY__TRY(inlay__keys_f64(&m->keys, "ssm.time_step_min", false, 0.0, 1e6, &least));
    INLAY__TRY(inlay__keys_f64(&m->keys, "ssm.time_step_max", false, least, 3e38, &greatest));
    *w = (inlay__mamba2_weights){.n_inner = n_inner, .n_state = n_state, .n_head = n_head, .n_group = n_group,
                                 .n_taps = n_taps, .n_conv = n_inner + 2 * (size_t)n_group * n_state,
                                 .step_least = (float)least, .step_greatest = (float)greatest};
    return INLAY_OK;
}

int32_t inlay__mamba2_load(inlay__model *m, size_t layer, inlay__layer_block *block) {
    size_t n_embd = m->hparams.n_embd;
    inlay__mamba2_weights *w = inlay__model_alloc(m, 1, sizeof *w);
    if (w == NULL) return INLAY_ERR_MEMORY;
    INLAY__TRY(read_sizes(m, w));
    block->kind = &inlay__mamba2_kind;
    block->weights = w;
    INLAY__TRY(inlay__load_linear(m, "blk.%u.ssm_in", layer, w->n_inner + w->n_conv + w->n_head, n_embd, &w->in));
    INLAY__TRY(inlay__load_taps(m, "blk.%u.ssm_conv1d.weight", layer, w->n_taps, w->n_conv, &w->taps));
    INLAY__TRY(inlay__load_vector_optional(m, "blk.%u.ssm_conv1d.bias", layer, w->n_conv, &w->conv_bias));
    INLAY__TRY(inlay__load_vector(m, "blk.%u.ssm_dt.bias", layer, w->n_head, &w->dt_bias));
    INLAY__TRY(inlay__load_table(m, "blk.%u.ssm_a", layer, w->n_head, 1, &w->a));
    INLAY__TRY(inlay__load_table(m, "blk.%u.ssm_d", layer, w->n_head, 1, &w->d));
    INLAY__TRY(inlay__load_table(m, "blk.%u.ssm_norm.weight", layer, w->n_group, w->n_inner / w->n_group, &w->norm));
    return inlay__load_linear(m, "blk.%u.ssm_out", layer, n_embd, w->n_inner, &w->out);
}
