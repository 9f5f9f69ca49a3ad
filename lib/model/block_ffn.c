/* Feed-forward networks as a block: down(act(up x)), or gated: down(act(gate x) * up x).
 *
 *     prepare       inputs from the stream
 *     expand        up, gate, activation
 *     prepare_down  inputs from that; matrices of floats read it where it is
 *     project_down  the branch
 */
#include "model/block_ffn.h"

#include "model/load.h"

/* work buffer [n_batch, n_ff]: the gate, then what is activated. Each thread has its own rows of up in its scratch. */
enum { GATE };

static const inlay__ffn_weights *weights_of(const inlay__pass *p) { return p->block->weights; }

static void prepare(inlay__pass *p, size_t task) {
    const inlay__ffn_weights *w = weights_of(p);
    unsigned forms = inlay__form_of(&w->up.matrix) | (w->gated ? inlay__form_of(&w->gate.matrix) : 0);
    inlay__prepare_stream(p, task, &p->block->norm, forms);
}

static size_t expand_tasks(const inlay__pass *p) { return inlay__row_tasks(p, weights_of(p)->up.matrix.n_rows); }

static void expand(inlay__pass *p, size_t task) {
    const inlay__ffn_weights *w = weights_of(p);
    float *out = p->d->work[GATE], *up = p->d->threads[p->i_thread].scratch;
    size_t n_ff = w->up.matrix.n_rows;
    inlay__slice rows = inlay__rows_of(p, n_ff, task);
    if (rows.begin >= rows.end) return;
    inlay__project(p, w->gated ? &w->gate : &w->up, task, out);
    if (w->gated) inlay__project_apart(p, &w->up, task, up);
    for (size_t col = 0, n = rows.end - rows.begin; col < p->n_cols; col++) {
        float *x = out + col * n_ff + rows.begin;
        p->d->model->kernels.activate(w->activation, x, w->gated ? up + col * n : NULL, n, x);
    }
}

static void prepare_down(inlay__pass *p, size_t task) {
    const inlay__matrix *m = &weights_of(p)->down.matrix;
    inlay__prepare_rows(p, task, p->d->work[GATE], m->n_k, inlay__form_of(m) & ~(1u << INLAY__BLOCK_FLOAT));
}

static size_t down_tasks(const inlay__pass *p) { return inlay__row_tasks(p, weights_of(p)->down.matrix.n_rows); }

static void project_down(inlay__pass *p, size_t task) {
    inlay__project_rows(p, &weights_of(p)->down, task, p->d->work[GATE], p->branch);
}

static const inlay__phase phases[] = {
    {INLAY__PREPARE, inlay__col_tasks, prepare},
    {INLAY__SHARED, expand_tasks, expand},
    {INLAY__PREPARE, inlay__col_tasks, prepare_down},
    {INLAY__SHARED, down_tasks, project_down},
};

static inlay__matrix *matrix(void *weights, size_t i) {
    inlay__ffn_weights *w = weights;
    inlay__matrix *all[] = {&w->gate.matrix, &w->up.matrix, &w->down.matrix};
    i += w->gated ? 0 : 1;
    return i < INLAY__COUNT(all) ? all[i] : NULL;
}

static void measure(const void *weights, inlay__needs *needs) {
    const inlay__ffn_weights *w = weights;
    needs->work[GATE] = w->up.matrix.n_rows;
    needs->thread = w->gated ? INLAY__FEW_COLS * w->up.matrix.n_rows : 0;
    needs->tile = w->gated ? INLAY__TASK_ROWS : 0;
    needs->quantizes = true;
    needs->input = inlay__max_size(w->up.matrix.n_k, w->down.matrix.n_k);
}

const inlay__layer_block_kind inlay__ffn_kind = {"feed-forward", phases, INLAY__COUNT(phases), matrix, measure, NULL};

int32_t inlay__ffn_load(inlay__model *m, size_t layer, inlay__ffn_form form, inlay__activation activation,
                        inlay__layer_block *block) {
    size_t n_embd = m->hparams.n_embd, n_ff = m->stack->n_ff;
    inlay__ffn_weights *w = inlay__model_alloc(m, 1, sizeof *w);
    if (w == NULL) return INLAY_ERR_MEMORY;
    w->activation = activation;
    w->gated = form != INLAY__FFN_PLAIN;
    block->kind = &inlay__ffn_kind;
    block->weights = w;
    if (form == INLAY__FFN_FUSED) {
        inlay__linear *both[] = {&w->gate, &w->up};
        INLAY__TRY(inlay__load_fused(m, "blk.%u.ffn_up", layer, 2, (size_t[]){n_ff, n_ff}, n_embd, both));
    } else {
        if (w->gated) INLAY__TRY(inlay__load_linear(m, "blk.%u.ffn_gate", layer, n_ff, n_embd, &w->gate));
        INLAY__TRY(inlay__load_linear(m, "blk.%u.ffn_up", layer, n_ff, n_embd, &w->up));
    }
    return inlay__load_linear(m, "blk.%u.ffn_down", layer, n_embd, n_ff, &w->down);
}
