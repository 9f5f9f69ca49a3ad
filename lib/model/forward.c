/* Routes of forward passes: the embedding, then the blocks of each layer one after another, phase by phase (model/phase.h),
 * then the head or, of an encoder, its last norm. A block of phases stands in model/block_NAME.c; in generation attention and feed-forward meet at five barriers. */
#include "model/block_attention.h"

/* A row of the embedding, made as wide as the stream. */
static void fit(inlay__pass *p, size_t col) {
    const inlay__linear *linear = &p->d->model->embd_in;
    const inlay__matrix *m = &linear->matrix;
    inlay__inputs in = inlay__inputs_of(p, m->n_k);
    float *row = p->d->threads[p->i_thread].row, *stream = inlay__stream_of(p, col);
    inlay__matrix_row(&p->d->model->token_embd, (size_t)p->d->tokens[col], row);
    inlay__prepare_col(p, &in, row, col, inlay__form_of(m));
    inlay__multiply(p, m, (inlay__slice){0, m->n_rows}, (inlay__slice){col, col + 1}, stream - col * m->n_rows);
    if (linear->bias != NULL) p->d->model->kernels.add(linear->bias, m->n_rows, stream);
}

static void embed(inlay__pass *p, size_t task) {
    inlay__slice cols = inlay__cols_of(p, task);
    const inlay__model *model = p->d->model;
    size_t n = model->hparams.n_embd;
    for (size_t col = cols.begin; col < cols.end; col++) {
        float *stream = inlay__stream_of(p, col), *row = p->d->threads[p->i_thread].row;
        if (model->embd_in.matrix.n_rows > 0)
            fit(p, col);
        else
            inlay__matrix_row(&model->token_embd, (size_t)p->d->tokens[col], stream);
        for (size_t i = 0; model->embd_scale != 1.0f && i < n; i++) stream[i] *= model->embd_scale;
        if (p->stack->types.n_rows > 0) {
            inlay__matrix_row(&p->stack->types, p->d->types != NULL ? p->d->types[col] : 0, row);
            model->kernels.add(row, n, stream);
        }
        if (p->stack->positions.n_rows > 0) {
            inlay__matrix_row(&p->stack->positions, p->stack->first_position + p->d->positions[col], row);
            model->kernels.add(row, n, stream);
        }
        inlay__norm_row(p, &p->stack->embd_norm, stream, n, stream);
        inlay__norm_row(p, &p->stack->entry_norm, stream, n, stream);
    }
}

/* States behind the last norm, of all columns. */
static void give_states(inlay__pass *p, size_t task) {
    size_t n = p->d->model->hparams.n_embd;
    inlay__inputs in = inlay__inputs_of(p, n);
    inlay__slice cols = inlay__cols_of(p, task);
    inlay__prepare_stream(p, task, &p->stack->output_norm, 0);
    memcpy(p->d->hidden + cols.begin * n, in.x + cols.begin * n, (cols.end - cols.begin) * n * sizeof(float));
}

static void prepare_head(inlay__pass *p, size_t task) {
    static const inlay__norm none = {.kind = INLAY__NORM_NONE};
    const inlay__matrix *back = &p->d->model->embd_out.matrix, *first = back->n_rows > 0 ? back : &p->head->output.matrix;
    inlay__prepare_stream(p, task, p->stack != NULL ? &p->stack->output_norm : &none, inlay__form_of(first));
}

/* Where embeddings are narrower than the stream: back to their width. */
static size_t back_tasks(const inlay__pass *p) {
    size_t n = p->d->model->embd_out.matrix.n_rows;
    return n > 0 ? inlay__row_tasks(p, n) : 0;
}

static void project_back(inlay__pass *p, size_t task) { inlay__project(p, &p->d->model->embd_out, task, p->d->work[0]); }

static size_t prepare_back_tasks(const inlay__pass *p) {
    return p->d->model->embd_out.matrix.n_rows > 0 ? inlay__col_tasks(p) : 0;
}

static void prepare_back(inlay__pass *p, size_t task) {
    inlay__prepare_rows(p, task, p->d->work[0], p->d->model->embd_out.matrix.n_rows, inlay__form_of(&p->head->output.matrix));
}

static size_t head_tasks(const inlay__pass *p) { return inlay__row_tasks(p, p->head->output.matrix.n_rows); }

static void project_head(inlay__pass *p, size_t task) {
    const inlay__model *model = p->d->model;
    size_t n_rows = p->head->output.matrix.n_rows;
    inlay__slice rows = inlay__rows_of(p, n_rows, task);
    inlay__project(p, &p->head->output, task, p->d->logits_out);
    for (size_t col = 0; rows.begin < rows.end && col < p->n_cols; col++) {
        float *logits = p->d->logits_out + col * n_rows + rows.begin;
        size_t n = rows.end - rows.begin;
        for (size_t i = 0; model->logit_scale != 1.0f && i < n; i++) logits[i] *= model->logit_scale;
        if (model->logit_soft_cap > 0.0f) model->kernels.soft_cap(model->logit_soft_cap, n, logits);
    }
}

static const inlay__phase embed_phase = {INLAY__PREPARE, inlay__col_tasks, embed};
static const inlay__phase states_phase = {INLAY__SHARED, inlay__col_tasks, give_states};

static const inlay__phase head_phases[] = {
    {INLAY__PREPARE, inlay__col_tasks, prepare_head},
    {INLAY__SHARED, back_tasks, project_back},
    {INLAY__PREPARE, prepare_back_tasks, prepare_back},
    {INLAY__SHARED, head_tasks, project_head},
};

/* ------------------------------------------------------------------ routes */

const inlay__layer_block *inlay__next_block(inlay__pass *p) {
    while (p->i_layer < p->stack->n_layer) {
        const inlay__layer *layer = &p->stack->layers[p->i_layer];
        if (p->i_block < layer->n_blocks) return &layer->blocks[p->i_block++];
        p->i_layer++;
        p->i_block = 0;
    }
    return NULL;
}

/* The block that is done: its branch waits to join the stream. */
static void leave_block(inlay__pass *p) {
    if (p->block == NULL) return;
    size_t i_branch = p->block->parallel ? p->n_pending : 0;
    p->pending[i_branch] = p->block;
    p->n_pending = i_branch + 1;
    p->block = NULL;
}

static bool give_block(inlay__pass *p, const inlay__layer_block *block) {
    p->branch = p->d->branch[block->parallel ? p->n_pending : 0];
    return inlay__pass_give(p, block, block->kind->phases, block->kind->n_phases);
}

static bool give_entry(inlay__pass *p, const inlay__stack *stack) {
    p->stack = stack;
    p->private_stream = inlay__few_cols(p);
    return inlay__pass_give(p, NULL, &embed_phase, 1);
}

enum { ENTRY, LAYERS, TRANSFORM, EXIT };

static bool give_head(inlay__pass *p) {
    switch (p->stage++) {
    case TRANSFORM:
        if (p->head->transform.kind != NULL) return give_block(p, &p->head->transform);
        p->stage++; /* fall through */
    case EXIT: return inlay__pass_give(p, NULL, head_phases, INLAY__COUNT(head_phases));
    default: return false;
    }
}

bool inlay__forward(inlay__pass *p) {
    const inlay__decoder *d = p->d;
    const inlay__layer_block *block;
    leave_block(p);
    if (p->stage == ENTRY) {
        p->stage = LAYERS;
        return give_entry(p, &d->model->decoder);
    }
    if (p->stage == LAYERS) {
        if ((block = inlay__next_block(p)) != NULL) return give_block(p, block);
        p->stage = TRANSFORM;
        p->head = &d->model->head;
        p->wanted = d->wanted;
        p->n_cols = d->n_wanted;
    }
    return p->n_cols > 0 && give_head(p);
}

bool inlay__forward_encoder(inlay__pass *p) {
    const inlay__layer_block *block;
    leave_block(p);
    switch (p->stage) {
    case ENTRY:
        p->stage = LAYERS;
        return give_entry(p, &p->d->model->encoder);
    case LAYERS:
        if ((block = inlay__next_block(p)) != NULL) return give_block(p, block);
        p->stage = EXIT;
        return inlay__pass_give(p, NULL, &states_phase, 1);
    default: return false;
    }
}

bool inlay__forward_head(inlay__pass *p) {
    leave_block(p);
    p->head = p->d->head;
    if (p->stage == ENTRY) p->stage = TRANSFORM;
    return give_head(p);
}
