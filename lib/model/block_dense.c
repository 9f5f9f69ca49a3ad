/* One product and an activation as a block: act(w x).
 *
 *     prepare  inputs from the stream
 *     project  the branch
 */
#include "model/block_dense.h"

#include "model/load.h"

static const inlay__dense_weights *weights_of(const inlay__pass *p) { return p->block->weights; }

static void prepare(inlay__pass *p, size_t task) {
    inlay__prepare_stream(p, task, &p->block->norm, inlay__form_of(&weights_of(p)->linear.matrix));
}

static size_t row_tasks(const inlay__pass *p) { return inlay__row_tasks(p, weights_of(p)->linear.matrix.n_rows); }

static void project(inlay__pass *p, size_t task) {
    const inlay__dense_weights *w = weights_of(p);
    size_t n = w->linear.matrix.n_rows;
    inlay__slice rows = inlay__rows_of(p, n, task);
    if (rows.begin >= rows.end) return;
    inlay__project(p, &w->linear, task, p->branch);
    for (size_t col = 0; col < p->n_cols; col++) {
        float *out = p->branch + col * n + rows.begin;
        p->d->model->kernels.activate(w->activation, out, NULL, rows.end - rows.begin, out);
    }
}

static const inlay__phase phases[] = {
    {INLAY__PREPARE, inlay__col_tasks, prepare},
    {INLAY__SHARED, row_tasks, project},
};

static inlay__matrix *matrix(void *weights, size_t i) {
    inlay__dense_weights *w = weights;
    return i == 0 ? &w->linear.matrix : NULL;
}

static void measure(const void *weights, inlay__needs *needs) {
    const inlay__dense_weights *w = weights;
    needs->input = w->linear.matrix.n_k;
    needs->quantizes = true;
}

const inlay__layer_block_kind inlay__dense_kind = {"dense", phases, INLAY__COUNT(phases), matrix, measure, NULL};

int32_t inlay__dense_load(inlay__model *m, const char *name, inlay__activation activation, inlay__layer_block *block) {
    inlay__dense_weights *w = inlay__model_alloc(m, 1, sizeof *w);
    if (w == NULL) return INLAY_ERR_MEMORY;
    w->activation = activation;
    block->kind = &inlay__dense_kind;
    block->weights = w;
    block->scale = 1.0f;
    block->replaces = true;
    return inlay__load_linear(m, name, 0, m->hparams.n_embd, m->hparams.n_embd, &w->linear);
}
