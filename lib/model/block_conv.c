/* A gated short convolution as a block: out(c * conv(b * x)) with b, c and x linear in the input.
 *
 *     prepare      inputs from the stream
 *     project_in   b, c, x
 *     convolve     b * x with its last tokens, times c
 *     prepare_out  inputs from that
 *     project_out  the branch
 */
#include "model/block_conv.h"

#include "kernels/recurrence.h"
#include "model/load.h"

enum { IN, Y }; /* work buffers: [n_batch, 3 n], [n_batch, n] */
enum { TASK_CHANNELS = 64, MAX_TAPS = 64 };

static const inlay__conv_weights *weights_of(const inlay__pass *p) { return p->block->weights; }

static void prepare(inlay__pass *p, size_t task) {
    inlay__prepare_stream(p, task, &p->block->norm, inlay__form_of(&weights_of(p)->in.matrix));
}

static size_t in_tasks(const inlay__pass *p) { return inlay__row_tasks(p, weights_of(p)->in.matrix.n_rows); }

static void project_in(inlay__pass *p, size_t task) { inlay__project(p, &weights_of(p)->in, task, p->d->work[IN]); }

static size_t channel_tasks(const inlay__pass *p) { return (weights_of(p)->n + TASK_CHANNELS - 1) / TASK_CHANNELS; }

static void convolve(inlay__pass *p, size_t task) {
    const inlay__conv_weights *w = weights_of(p);
    size_t n = w->n, begin = task * TASK_CHANNELS, end = inlay__min_size(begin + TASK_CHANNELS, n);
    float *in = p->d->work[IN];
    const inlay__convolution c = {.n_taps = w->n_taps, .n_channels = n, .taps = w->taps, .bias = w->bias,
                                  .x = in + 2 * n, .x_stride = 3 * n, .y = p->d->work[Y], .y_stride = n};
    for (size_t col = 0; col < p->n_cols; col++)
        for (size_t i = begin; i < end; i++) in[col * 3 * n + 2 * n + i] *= in[col * 3 * n + i];
    for (size_t i = 0; i < p->d->n_spans; i++) {
        const inlay__convolution part = inlay__convolution_of(p, &c, &p->d->spans[i]);
        inlay__convolve(&part, begin, end);
    }
    for (size_t col = 0; col < p->n_cols; col++)
        for (size_t i = begin; i < end; i++) c.y[col * n + i] *= in[col * 3 * n + n + i];
}

static void prepare_out(inlay__pass *p, size_t task) {
    inlay__prepare_rows(p, task, p->d->work[Y], weights_of(p)->n, inlay__form_of(&weights_of(p)->out.matrix));
}

static size_t out_tasks(const inlay__pass *p) { return inlay__row_tasks(p, weights_of(p)->out.matrix.n_rows); }

static void project_out(inlay__pass *p, size_t task) { inlay__project(p, &weights_of(p)->out, task, p->branch); }

static const inlay__phase phases[] = {
    {INLAY__PREPARE, inlay__col_tasks, prepare},     {INLAY__SHARED, in_tasks, project_in},
    {INLAY__SHARED, channel_tasks, convolve},        {INLAY__PREPARE, inlay__col_tasks, prepare_out},
    {INLAY__SHARED, out_tasks, project_out},
};

static inlay__matrix *matrix(void *weights, size_t i) {
    inlay__conv_weights *w = weights;
    inlay__matrix *all[] = {&w->in.matrix, &w->out.matrix};
    return i < INLAY__COUNT(all) ? all[i] : NULL;
}

static void measure(const void *weights, inlay__needs *needs) {
    const inlay__conv_weights *w = weights;
    needs->work[IN] = 3 * w->n;
    needs->work[Y] = needs->input = w->n;
    needs->state = (w->n_taps - 1) * w->n;
}

const inlay__layer_block_kind inlay__conv_kind = {
    "short convolution", phases, INLAY__COUNT(phases), matrix, measure, NULL};

int32_t inlay__conv_load(inlay__model *m, size_t layer, inlay__layer_block *block) {
    uint32_t n_taps = 0;
    inlay__conv_weights *w = inlay__model_alloc(m, 1, sizeof *w);
    if (w == NULL) return INLAY_ERR_MEMORY;
    INLAY__TRY(inlay__keys_u32(&m->keys, "shortconv.l_cache", true, 1, MAX_TAPS, &n_taps));
    w->n = m->hparams.n_embd;
    w->n_taps = n_taps;
    block->kind = &inlay__conv_kind;
    block->weights = w;
    INLAY__TRY(inlay__load_linear(m, "blk.%u.shortconv.in_proj", layer, 3 * w->n, w->n, &w->in));
    INLAY__TRY(inlay__load_taps(m, "blk.%u.shortconv.conv.weight", layer, w->n_taps, w->n, &w->taps));
    INLAY__TRY(inlay__load_vector_optional(m, "blk.%u.shortconv.conv.bias", layer, w->n, &w->bias));
    return inlay__load_linear(m, "blk.%u.shortconv.out_proj", layer, w->n, w->n, &w->out);
}
