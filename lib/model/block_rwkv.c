/* RWKV-4's two mixers [Peng et al. 2023, arXiv:2305.13048] as blocks.
 *
 * Time mixing: out(sigmoid(r) * wkv), where wkv is a mean of the values of all tokens, weighed by exp(key) and a decay
 * for each token that has passed; sums are kept relative to their greatest exponent. Channel mixing: sigmoid(r) *
 * value(relu(key)^2).
 *
 *     prepare      normed columns
 *     mix          inputs of each matrix from a column and the one before
 *     project      receptance, key, value
 *     wkv          of time mixing: the recurrence
 *     prepare_out  inputs from that, or from the squared keys
 *     project_out  the branch; the last column becomes the state
 *
 * With few columns every thread keeps the normed columns for itself and mixes them in the same phase.
 */
#include "model/block_rwkv.h"

#include "kernels/math.h"
#include "kernels/recurrence.h"
#include "model/load.h"

/* Work buffers: normed columns [n_batch, n]; outputs of the matrices, one after another; what the last one reads. */
enum { X, OUT, Y };
enum { TASK_CHANNELS = 64 };

/* ----------------------------------------------------------------- columns */

static float *columns_of(const inlay__pass *p) {
    return inlay__few_cols(p) ? p->d->threads[p->i_thread].scratch : p->d->work[X];
}

/* Input i of n_mixes of some columns, as column i * n_cols + col of the inputs. */
static void mix_cols(inlay__pass *p, inlay__slice cols, size_t n, const float *const *lerp, size_t n_mixes,
                     unsigned forms) {
    inlay__inputs in = inlay__inputs_of(p, n);
    const float *x = columns_of(p);
    for (size_t col = cols.begin; col < cols.end; col++) {
        const inlay__span *span = inlay__span_of(p->d, col);
        const float *now = x + col * n, *before = col > span->begin ? now - n : inlay__state_before(p, span);
        for (size_t i = 0; i < n_mixes; i++) {
            float *row = in.x + (i * p->n_cols + col) * n;
            for (size_t k = 0; k < n; k++) row[k] = now[k] * lerp[i][k] + before[k] * (1.0f - lerp[i][k]);
            inlay__prepare_col(p, &in, row, i * p->n_cols + col, forms);
        }
    }
}

static void prepare_cols(inlay__pass *p, size_t task, size_t n, const float *const *lerp, size_t n_mixes,
                         unsigned forms) {
    inlay__slice cols = inlay__cols_of(p, task);
    inlay__prepare_stream(p, task, &p->block->norm, 0);
    memcpy(columns_of(p) + cols.begin * n, inlay__inputs_of(p, n).x + cols.begin * n,
           (cols.end - cols.begin) * n * sizeof(float));
    if (inlay__few_cols(p)) mix_cols(p, cols, n, lerp, n_mixes, forms);
}

/* Of each sequence, by one thread, behind a barrier after the last reader of the old one. */
static void keep_last_columns(const inlay__pass *p, size_t task, size_t n) {
    for (size_t i = 0; task == 0 && i < p->d->n_spans; i++) {
        const inlay__span *span = &p->d->spans[i];
        memcpy(inlay__state_after(p, span), columns_of(p) + (span->end - 1) * n, n * sizeof(float));
    }
}

/* Rows of matrix i, which reads input i, into `out`, where the first column of input 0 would go. */
static void project_mix(inlay__pass *p, const inlay__linear *linear, size_t i, size_t task, float *out) {
    inlay__slice rows = inlay__rows_of(p, linear->matrix.n_rows, task);
    if (rows.begin >= rows.end) return;
    inlay__multiply(p, &linear->matrix, rows, (inlay__slice){i * p->n_cols, (i + 1) * p->n_cols}, out);
    out += i * p->n_cols * linear->matrix.n_rows + rows.begin;
    for (size_t col = 0; linear->bias != NULL && col < p->n_cols; col++, out += linear->matrix.n_rows)
        p->d->model->kernels.add(linear->bias + rows.begin, rows.end - rows.begin, out);
}

/* -------------------------------------------------------------- time mixing */

static const inlay__time_mix_weights *time_of(const inlay__pass *p) { return p->block->weights; }

static unsigned time_forms(const inlay__time_mix_weights *w) {
    return inlay__form_of(&w->linear[0].matrix) | inlay__form_of(&w->linear[1].matrix) |
           inlay__form_of(&w->linear[2].matrix);
}

static void prepare_time(inlay__pass *p, size_t task) {
    const inlay__time_mix_weights *w = time_of(p);
    prepare_cols(p, task, w->n, w->lerp, 3, time_forms(w));
}

static void mix_time(inlay__pass *p, size_t task) {
    const inlay__time_mix_weights *w = time_of(p);
    mix_cols(p, inlay__cols_of(p, task), w->n, w->lerp, 3, time_forms(w));
}

static size_t time_tasks(const inlay__pass *p) { return inlay__row_tasks(p, time_of(p)->n_inner); }

static void project_time(inlay__pass *p, size_t task) {
    for (size_t i = 0; i < 3; i++) project_mix(p, &time_of(p)->linear[i], i, task, p->d->work[OUT]);
}

static size_t channel_tasks(const inlay__pass *p) { return (time_of(p)->n_inner + TASK_CHANNELS - 1) / TASK_CHANNELS; }

/* The sums of a channel, relative to e^greatest. Before the first token both are 0. */
typedef struct mean {
    float sum, weight, greatest;
} mean;

/* The mean with one more value of weight e^key. */
static mean with_value(mean m, float key, float value) {
    float greatest = m.weight > 0.0f && m.greatest > key ? m.greatest : key;
    float keep = m.weight > 0.0f ? inlay__exp(m.greatest - greatest) : 0.0f, take = inlay__exp(key - greatest);
    return (mean){keep * m.sum + take * value, keep * m.weight + take, greatest};
}

/* Some channels through the columns of a sequence. State: the last column [n], then sums, weights and greatest
 * exponents [n_inner] each. */
static void wkv_span(const inlay__pass *p, const inlay__span *span, size_t task) {
    const inlay__time_mix_weights *w = time_of(p);
    size_t n = w->n_inner, begin = task * TASK_CHANNELS, end = inlay__min_size(begin + TASK_CHANNELS, n);
    const float *r = p->d->work[OUT], *k = r + p->n_cols * n, *v = k + p->n_cols * n;
    const float *before = inlay__state_before(p, span) + w->n;
    float *y = p->d->work[Y], *after = inlay__state_after(p, span) + w->n;
    for (size_t i = begin; i < end; i++) {
        mean m = {before[i], before[n + i], before[2 * n + i]};
        for (size_t col = span->begin; col < span->end; col++) {
            size_t at = col * n + i;
            mean seen = with_value(m, k[at] + w->first[i], v[at]);
            y[at] = inlay__sigmoid(r[at]) * (seen.sum / seen.weight);
            m.greatest += w->decay[i];
            m = with_value(m, k[at], v[at]);
        }
        after[i] = m.sum;
        after[n + i] = m.weight;
        after[2 * n + i] = m.greatest;
    }
}

static void wkv(inlay__pass *p, size_t task) {
    for (size_t i = 0; i < p->d->n_spans; i++) wkv_span(p, &p->d->spans[i], task);
}

static void prepare_time_out(inlay__pass *p, size_t task) {
    inlay__prepare_rows(p, task, p->d->work[Y], time_of(p)->n_inner, inlay__form_of(&time_of(p)->out.matrix));
}

static size_t time_out_tasks(const inlay__pass *p) { return inlay__row_tasks(p, time_of(p)->out.matrix.n_rows); }

static void project_time_out(inlay__pass *p, size_t task) {
    inlay__project(p, &time_of(p)->out, task, p->branch);
    keep_last_columns(p, task, time_of(p)->n);
}

static const inlay__phase time_phases[] = {
    {INLAY__PREPARE, inlay__col_tasks, prepare_time},      {INLAY__MANY_ONLY, inlay__col_tasks, mix_time},
    {INLAY__SHARED, time_tasks, project_time},             {INLAY__SHARED, channel_tasks, wkv},
    {INLAY__PREPARE, inlay__col_tasks, prepare_time_out},  {INLAY__SHARED, time_out_tasks, project_time_out},
};

static inlay__matrix *time_matrix(void *weights, size_t i) {
    inlay__time_mix_weights *w = weights;
    if (i < 3) return &w->linear[i].matrix;
    return i == 3 ? &w->out.matrix : NULL;
}

static void measure_time(const void *weights, inlay__needs *needs) {
    const inlay__time_mix_weights *w = weights;
    needs->work[X] = w->n;
    needs->work[OUT] = 3 * w->n_inner;
    needs->work[Y] = w->n_inner;
    needs->input = inlay__max_size(3 * w->n, w->n_inner);
    needs->thread = INLAY__FEW_COLS * w->n;
    needs->state = w->n + 3 * w->n_inner;
}

const inlay__layer_block_kind inlay__time_mix_kind = {"time mixing", time_phases,  INLAY__COUNT(time_phases),
                                                      time_matrix,   measure_time, NULL};

int32_t inlay__time_mix_load(inlay__model *m, size_t layer, size_t n_inner, inlay__layer_block *block) {
    static const char *const lerps[] = {"blk.%u.time_mix_lerp_r.weight", "blk.%u.time_mix_lerp_k.weight",
                                        "blk.%u.time_mix_lerp_v.weight"};
    static const char *const names[] = {"blk.%u.time_mix_receptance", "blk.%u.time_mix_key", "blk.%u.time_mix_value"};
    inlay__time_mix_weights *w = inlay__model_alloc(m, 1, sizeof *w);
    if (w == NULL) return INLAY_ERR_MEMORY;
    w->n = m->hparams.n_embd;
    w->n_inner = n_inner;
    block->kind = &inlay__time_mix_kind;
    block->weights = w;
    for (size_t i = 0; i < 3; i++) {
        INLAY__TRY(inlay__load_vector(m, lerps[i], layer, w->n, &w->lerp[i]));
        INLAY__TRY(inlay__load_linear(m, names[i], layer, n_inner, w->n, &w->linear[i]));
    }
    INLAY__TRY(inlay__load_vector(m, "blk.%u.time_mix_decay.weight", layer, n_inner, &w->decay));
    INLAY__TRY(inlay__load_vector(m, "blk.%u.time_mix_first.weight", layer, n_inner, &w->first));
    return inlay__load_linear(m, "blk.%u.time_mix_output", layer, w->n, n_inner, &w->out);
}

/* ----------------------------------------------------------- channel mixing */

static const inlay__channel_mix_weights *channel_of(const inlay__pass *p) { return p->block->weights; }

static unsigned channel_forms(const inlay__channel_mix_weights *w) {
    return inlay__form_of(&w->receptance.matrix) | inlay__form_of(&w->key.matrix);
}

static void prepare_channels(inlay__pass *p, size_t task) {
    const inlay__channel_mix_weights *w = channel_of(p);
    prepare_cols(p, task, w->n, w->lerp, 2, channel_forms(w));
}

static void mix_channels(inlay__pass *p, size_t task) {
    const inlay__channel_mix_weights *w = channel_of(p);
    mix_cols(p, inlay__cols_of(p, task), w->n, w->lerp, 2, channel_forms(w));
}

/* The keys' rows begin where n_cols rows of their own width would end: inputs of the second kind. */
static size_t key_tasks(const inlay__pass *p) { return inlay__row_tasks(p, channel_of(p)->key.matrix.n_rows); }

static void project_key(inlay__pass *p, size_t task) {
    const inlay__channel_mix_weights *w = channel_of(p);
    size_t n_ff = w->key.matrix.n_rows;
    inlay__slice rows = inlay__rows_of(p, n_ff, task);
    project_mix(p, &w->key, 1, task, p->d->work[OUT]);
    for (size_t col = 0; rows.begin < rows.end && col < p->n_cols; col++) {
        float *key = p->d->work[OUT] + (p->n_cols + col) * n_ff + rows.begin;
        p->d->model->kernels.activate(INLAY__RELU2, key, NULL, rows.end - rows.begin, key);
    }
}

static size_t row_tasks(const inlay__pass *p) { return inlay__row_tasks(p, channel_of(p)->n); }

static void project_receptance(inlay__pass *p, size_t task) {
    project_mix(p, &channel_of(p)->receptance, 0, task, p->d->work[Y]);
}

static void prepare_value(inlay__pass *p, size_t task) {
    const inlay__matrix *m = &channel_of(p)->value.matrix;
    inlay__prepare_rows(p, task, p->d->work[OUT] + p->n_cols * m->n_k, m->n_k, inlay__form_of(m));
}

static void project_value(inlay__pass *p, size_t task) {
    const inlay__channel_mix_weights *w = channel_of(p);
    inlay__slice rows = inlay__rows_of(p, w->n, task);
    inlay__project(p, &w->value, task, p->branch);
    for (size_t col = 0; col < p->n_cols; col++)
        for (size_t i = rows.begin; i < rows.end; i++)
            p->branch[col * w->n + i] *= inlay__sigmoid(p->d->work[Y][col * w->n + i]);
    keep_last_columns(p, task, w->n);
}

static const inlay__phase channel_phases[] = {
    {INLAY__PREPARE, inlay__col_tasks, prepare_channels}, {INLAY__MANY_ONLY, inlay__col_tasks, mix_channels},
    {INLAY__SHARED, key_tasks, project_key},              {INLAY__SHARED, row_tasks, project_receptance},
    {INLAY__PREPARE, inlay__col_tasks, prepare_value},    {INLAY__SHARED, row_tasks, project_value},
};

static inlay__matrix *channel_matrix(void *weights, size_t i) {
    inlay__channel_mix_weights *w = weights;
    inlay__matrix *all[] = {&w->key.matrix, &w->receptance.matrix, &w->value.matrix};
    return i < INLAY__COUNT(all) ? all[i] : NULL;
}

static void measure_channels(const void *weights, inlay__needs *needs) {
    const inlay__channel_mix_weights *w = weights;
    needs->work[X] = needs->work[Y] = w->n;
    needs->work[OUT] = 2 * w->key.matrix.n_rows;
    needs->input = inlay__max_size(2 * w->n, w->key.matrix.n_rows);
    needs->thread = INLAY__FEW_COLS * w->n;
    needs->state = w->n;
}

const inlay__layer_block_kind inlay__channel_mix_kind = {"channel mixing", channel_phases, INLAY__COUNT(channel_phases),
                                                         channel_matrix, measure_channels, NULL};

int32_t inlay__channel_mix_load(inlay__model *m, size_t layer, inlay__layer_block *block) {
    inlay__channel_mix_weights *w = inlay__model_alloc(m, 1, sizeof *w);
    if (w == NULL) return INLAY_ERR_MEMORY;
    size_t n = w->n = m->hparams.n_embd, n_ff = m->hparams.n_ff;
    block->kind = &inlay__channel_mix_kind;
    block->weights = w;
    INLAY__TRY(inlay__load_vector(m, "blk.%u.channel_mix_lerp_r.weight", layer, n, &w->lerp[0]));
    INLAY__TRY(inlay__load_vector(m, "blk.%u.channel_mix_lerp_k.weight", layer, n, &w->lerp[1]));
    INLAY__TRY(inlay__load_linear(m, "blk.%u.channel_mix_receptance", layer, n, n, &w->receptance));
    INLAY__TRY(inlay__load_linear(m, "blk.%u.channel_mix_key", layer, n_ff, n, &w->key));
    return inlay__load_linear(m, "blk.%u.channel_mix_value", layer, n, n_ff, &w->value);
}
