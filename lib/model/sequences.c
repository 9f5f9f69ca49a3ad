/* Whole sequences through an encoder. */
#include "model/sequences.h"

#include <math.h>

#include "base/fpenv.h"
#include "kernels/kernels.h"
#include "kernels/math.h"
#include "kernels/reduce.h"

/* Each sequence begins at a multiple of 16 in the cache: twice the columns leave room for what that wastes, but for
 * sequences below 16 tokens, of which fewer run together. */
enum { CACHE_FACTOR = 2 };

int32_t inlay__sequences_init_cache(inlay__decoder *d) {
    const inlay__stack *stack = &d->model->encoder;
    inlay__kv_shape shape = {1, stack->n_head_kv, stack->n_head_dim, 0, 0, 1, 0, true};
    size_t n;
    if (!inlay__mul_size(d->config.n_batch, CACHE_FACTOR, &n) || n > SIZE_MAX - INLAY__LANES)
        return inlay__fail(INLAY_ERR_MEMORY, "out of memory: keys and values of %zu tokens do not fit an address space",
                           d->config.n_batch);
    shape.n_context = n + INLAY__LANES;
    return inlay__kv_cache_init(d->sys, &shape, INLAY_TYPE_F32, &d->passing);
}

/* ------------------------------------------------------------------ checks */

static int32_t check_sequence(const inlay__decoder *d, const inlay__sequences *s, size_t i) {
    const inlay__stack *stack = &d->model->encoder;
    size_t n_vocab = d->model->hparams.n_vocab, begin = s->starts[i], n = s->starts[i + 1] - begin;
    size_t n_known = stack->positions.n_rows - stack->first_position, n_types = inlay__max_size(stack->types.n_rows, 1);
    if (s->starts[i + 1] <= begin)
        return inlay__fail(INLAY_ERR_ARGUMENT, "sequence %zu of %zu has no tokens, expected at least one", i, s->n);
    if (n > d->config.n_context)
        return inlay__fail(INLAY_ERR_CONTEXT, "%zu tokens do not fit the context of %zu (sequence %zu of %zu)", n,
                           d->config.n_context, i, s->n);
    if (stack->positions.n_rows > 0 && n > n_known)
        return inlay__fail(INLAY_ERR_CONTEXT,
                           "%zu tokens do not fit: the model knows %zu positions (sequence %zu of %zu)", n, n_known, i,
                           s->n);
    for (size_t k = 0; k < n; k++) {
        int32_t token = s->tokens[begin + k];
        if (token < 0 || (size_t)token >= n_vocab)
            return inlay__fail(INLAY_ERR_TOKEN,
                               "token %zu of %zu is %d, outside the vocabulary of 0 to %zu (sequence %zu of %zu)", k, n,
                               token, n_vocab - 1, i, s->n);
        if (s->types != NULL && s->types[begin + k] >= n_types)
            return inlay__fail(INLAY_ERR_ARGUMENT,
                               "token %zu of %zu is of segment %d, but the model knows 0 to %zu (sequence %zu "
                               "of %zu)",
                               k, n, s->types[begin + k], n_types - 1, i, s->n);
    }
    return INLAY_OK;
}

int32_t inlay__sequences_check(const inlay__decoder *d, const inlay__sequences *s) {
    for (size_t i = 0; i < s->n; i++) INLAY__TRY(check_sequence(d, s, i));
    return INLAY_OK;
}

/* ------------------------------------------------------------------ running */

/* Sequences from number `first` on while they fit: spans, tiles and positions of their columns. */
static void lay_out(inlay__decoder *d, const inlay__sequences *s, size_t first) {
    size_t place = 0;
    inlay__decoder_clear_pass(d);
    for (size_t i = first; i < s->n; i++) {
        size_t n = s->starts[i + 1] - s->starts[i], room = inlay__round_up(n, INLAY__LANES);
        if (n > d->config.n_batch - d->n_cols || room > d->passing.n_block - place) break;
        const inlay__span span = {.begin = d->n_cols, .end = d->n_cols + n, .place = place};
        inlay__decoder_add_span(d, &span, 0, INLAY__ATTENTION_ROWS);
        place += room;
    }
    memcpy(d->tokens, s->tokens + s->starts[first], d->n_cols * sizeof *d->tokens);
}

int32_t inlay__sequences_run(inlay__decoder *d, const inlay__sequences *s, size_t first,
                             const inlay__eval_hooks *hooks) {
    lay_out(d, s, first);
    d->types = s->types != NULL ? s->types + s->starts[first] : NULL;
    inlay__fpenv saved = inlay__fpenv_enter();
    int32_t status = inlay__pass_run(d, inlay__forward_encoder, hooks);
    inlay__fpenv_leave(saved);
    if (status != INLAY_OK || inlay__all_finite(d->hidden, d->n_cols * d->model->hparams.n_embd)) return status;
    return inlay__fail(INLAY_ERR_NUMERIC,
                       "the states of the encoder are not all finite: the model's weights are damaged or "
                       "overflow");
}

int32_t inlay__sequences_apply(inlay__decoder *d, const inlay__head *head, const float *states, size_t n, float *out,
                             const inlay__eval_hooks *hooks) {
    size_t n_rows = head->output.matrix.n_rows;
    d->head = head;
    d->n_cols = n;
    d->logits_out = out;
    if (states != d->hidden) memcpy(d->hidden, states, n * d->model->hparams.n_embd * sizeof(float));
    for (size_t col = 0; col < n; col++) d->positions[col] = 0;
    inlay__fpenv saved = inlay__fpenv_enter();
    int32_t status = inlay__pass_run(d, inlay__forward_head, hooks);
    inlay__fpenv_leave(saved);
    if (status != INLAY_OK || inlay__all_finite(out, n * n_rows)) return status;
    return inlay__fail(INLAY_ERR_NUMERIC, "the logits are not all finite: the model's weights are damaged or overflow");
}

/* ------------------------------------------------------------- one sequence */

/* Keys and values of what was encoded, for the decoder to attend to. Its own sequence was another text's. */
static int32_t keep(inlay__decoder *d, const inlay__eval_hooks *hooks) {
    size_t n_held = d->crossed_pages.n * d->crossed.n_block;
    if (d->n_cols > n_held) inlay__kv_pages_extend(&d->crossed, &d->crossed_pages, n_held, d->n_cols);
    inlay__fpenv saved = inlay__fpenv_enter();
    int32_t status = inlay__pass_run(d, inlay__forward_cross, hooks);
    inlay__fpenv_leave(saved);
    INLAY__TRY(status);
    inlay__kv_pages_clear(&d->crossed, &d->crossed_pages, d->n_cols, SIZE_MAX);
    d->n_crossed = d->n_cols;
    return inlay__decoder_empty(d);
}

int32_t inlay__sequences_read(inlay__decoder *d, const inlay__sequences *one, const inlay__eval_hooks *hooks) {
    INLAY__TRY(inlay__sequences_check(d, one));
    INLAY__TRY(inlay__sequences_run(d, one, 0, hooks));
    if (d->model->n_crossed > 0) INLAY__TRY(keep(d, hooks));
    memcpy(d->states, d->hidden, d->n_cols * d->model->hparams.n_embd * sizeof(float));
    d->n_states = d->n_cols;
    return INLAY_OK;
}

const float *inlay__sequences_states(const inlay__decoder *d, size_t *n) {
    *n = d->n_states;
    return d->n_states > 0 ? d->states : NULL;
}

int32_t inlay__sequences_predict(inlay__decoder *d, size_t position, const inlay__eval_hooks *hooks, float **logits) {
    const float *state = d->states + position * d->model->hparams.n_embd;
    INLAY__TRY(inlay__sequences_apply(d, &d->model->head, state, 1, d->scratch, hooks));
    memcpy(d->logits, d->scratch, d->model->hparams.n_vocab * sizeof(float));
    *logits = d->logits;
    return INLAY_OK;
}

/* ---------------------------------------------------------------- embeddings */

static void normalize(size_t n, float *x) {
    float lanes[INLAY__LANES] = {0};
    for (size_t i = 0; i < n; i++) lanes[i % INLAY__LANES] = inlay__fma(x[i], x[i], lanes[i % INLAY__LANES]);
    float length = sqrtf(inlay__fold(lanes));
    for (size_t i = 0; length > 0.0f && i < n; i++) x[i] = x[i] / length;
}

void inlay__sequences_pool(const inlay__pooling *pooling, const float *states, size_t n, size_t n_embd, float *out) {
    size_t n_dims = pooling->n_dims;
    const float *last = states + (n - 1) * n_embd;
    memmove(out, pooling->kind == INLAY_POOLING_LAST ? last : states, n_dims * sizeof(float)); /* may be in place */
    if (pooling->kind == INLAY_POOLING_MEAN) {
        for (size_t row = 1; row < n; row++)
            for (size_t i = 0; i < n_dims; i++) out[i] += states[row * n_embd + i];
        for (size_t i = 0; i < n_dims; i++) out[i] = out[i] / (float)n;
    }
    if (pooling->normalize) normalize(n_dims, out);
}

/* One vector of each sequence of the pass. */
static void pool_all(const inlay__decoder *d, const inlay__pooling *pooling, float *out) {
    size_t n_embd = d->model->hparams.n_embd;
    inlay__fpenv saved = inlay__fpenv_enter();
    for (size_t i = 0; i < d->n_spans; i++) {
        const inlay__span *span = &d->spans[i];
        inlay__sequences_pool(pooling, d->hidden + span->begin * n_embd, span->end - span->begin, n_embd,
                              out + i * pooling->n_dims);
    }
    inlay__fpenv_leave(saved);
}

int32_t inlay__sequences_embed(inlay__decoder *d, const inlay__sequences *s, const inlay__pooling *pooling,
                               const inlay__eval_hooks *hooks, float *out) {
    for (size_t first = 0; first < s->n; first += d->n_spans) {
        INLAY__TRY(inlay__sequences_run(d, s, first, hooks));
        pool_all(d, pooling, out + first * pooling->n_dims);
        INLAY__TRY(inlay__decoder_report(hooks, first + d->n_spans, s->n));
    }
    return INLAY_OK;
}

int32_t inlay__sequences_classify(inlay__decoder *d, const inlay__sequences *s, const inlay__eval_hooks *hooks,
                                  float *out) {
    const inlay__head *head = &d->model->labels;
    const inlay__pooling pooling = {d->model->label_pooling, d->model->hparams.n_embd, false};
    for (size_t first = 0; first < s->n; first += d->n_spans) {
        INLAY__TRY(inlay__sequences_run(d, s, first, hooks));
        pool_all(d, &pooling, d->hidden); /* in place: a sequence has a state at least */
        INLAY__TRY(
            inlay__sequences_apply(d, head, d->hidden, d->n_spans, out + first * head->output.matrix.n_rows, hooks));
        INLAY__TRY(inlay__decoder_report(hooks, first + d->n_spans, s->n));
    }
    return INLAY_OK;
}
