/* Sharing out phases among threads, and what the phases of all blocks have in common: columns of inputs, products. */
#include "model/phase.h"

#include "kernels/wide.h"

/* SLICE_ROWS: of a task of few columns, of a call that is carried on in slices. */
enum { TASK_ROWS = INLAY__TASK_ROWS, TASK_COLS = 4, SLICE_ROWS = 128 };

/* ------------------------------------------------------------------- tasks */

bool inlay__few_cols(const inlay__pass *p) { return p->n_cols <= INLAY__FEW_COLS; }

size_t inlay__row_tasks(const inlay__pass *p, size_t n_rows) {
    if (!inlay__few_cols(p)) return (n_rows + TASK_ROWS - 1) / TASK_ROWS;
    if (!p->d->call.is_pending) return p->n_threads;
    return p->n_threads * inlay__max_size(1, n_rows / (p->n_threads * SLICE_ROWS));
}

inlay__slice inlay__rows_of(const inlay__pass *p, size_t n_rows, size_t task) {
    if (!inlay__few_cols(p))
        return (inlay__slice){task * TASK_ROWS, inlay__min_size((task + 1) * TASK_ROWS, n_rows)};
    size_t n_panels = (n_rows + INLAY__LANES - 1) / INLAY__LANES, n_tasks = inlay__row_tasks(p, n_rows);
    return (inlay__slice){task * n_panels / n_tasks * INLAY__LANES,
                          inlay__min_size((task + 1) * n_panels / n_tasks * INLAY__LANES, n_rows)};
}

size_t inlay__col_tasks(const inlay__pass *p) { return (p->n_cols + TASK_COLS - 1) / TASK_COLS; }

inlay__slice inlay__cols_of(const inlay__pass *p, size_t task) {
    return (inlay__slice){task * TASK_COLS, inlay__min_size((task + 1) * TASK_COLS, p->n_cols)};
}

bool inlay__pass_give(inlay__pass *p, const inlay__layer_block *block, const inlay__phase *phases, size_t n_phases) {
    p->block = block;
    p->phases = phases;
    p->n_phases = n_phases;
    p->i_phase = 0;
    return true;
}

/* All threads see it when they meet, and stop there. A faster one cannot have gone on to write the next number. */
static void leave(const inlay__pass *p) { atomic_store_explicit(&p->d->stop, p->turn + 1, memory_order_relaxed); }

/* Every n-th task is this thread's. */
static void run_own_tasks(inlay__pass *p, const inlay__phase *phase, size_t n_tasks) {
    for (; p->task < n_tasks; p->task += p->n_threads) {
        if (inlay__must_leave(&p->d->limit, &p->pace)) {
            leave(p);
            return;
        }
        phase->run(p, p->task);
    }
}

/* Who is free takes the next. */
static void run_next_tasks(inlay__pass *p, const inlay__phase *phase, size_t n_tasks) {
    inlay__decoder *d = p->d;
    atomic_size_t *next = &d->next[p->turn % INLAY__N_COUNTERS];
    while (atomic_load_explicit(next, memory_order_relaxed) < n_tasks) {
        if (inlay__must_leave(&d->limit, &p->pace)) {
            leave(p);
            break;
        }
        size_t task = atomic_fetch_add_explicit(next, 1, memory_order_relaxed);
        if (task < n_tasks) phase->run(p, task);
    }
    /* The counter after this one was last used two barriers ago. */
    if (p->i_thread == 0) atomic_store_explicit(&d->next[(p->turn + 1) % INLAY__N_COUNTERS], 0, memory_order_relaxed);
}

bool inlay__phase_run(inlay__pass *p) {
    const inlay__phase *phase = &p->phases[p->i_phase];
    size_t n_tasks = phase->n_tasks(p);
    bool few = inlay__few_cols(p);
    if (n_tasks == 0 || (few && phase->kind == INLAY__MANY_ONLY)) return false;
    if (few && phase->kind == INLAY__PREPARE) {
        for (size_t task = 0; task < n_tasks; task++) phase->run(p, task);
        return false;
    }
    p->pace.last = 0;
    few ? run_own_tasks(p, phase, n_tasks) : run_next_tasks(p, phase, n_tasks);
    return true;
}

/* ------------------------------------------------------------------ inputs */

inlay__inputs inlay__inputs_of(const inlay__pass *p, size_t n) {
    inlay__inputs in = inlay__few_cols(p) ? p->d->threads[p->i_thread].inputs : p->d->inputs;
    in.acts_32.n_k = in.acts_256.n_k = in.acts_wide.n_k = n;
    in.acts_32.n_blocks = n / INLAY__Q_LENGTH;
    in.acts_256.n_blocks = n / INLAY__K_LENGTH;
    in.acts_wide.n_blocks = n / INLAY__WIDE_LENGTH;
    return in;
}

void inlay__prepare_col(const inlay__pass *p, inlay__inputs *in, const float *x, size_t col, unsigned forms) {
    if ((forms & 1u << INLAY__BLOCK_FLOAT) && x != in->x + col * in->acts_32.n_k)
        memcpy(in->x + col * in->acts_32.n_k, x, in->acts_32.n_k * sizeof(float));
    if (forms & 1u << INLAY__BLOCK_32) p->d->model->kernels.quantize_32(x, &in->acts_32, col);
    if (forms & 1u << INLAY__BLOCK_256) p->d->model->kernels.quantize_256(x, &in->acts_256, col);
    if (forms & 1u << INLAY__BLOCK_WIDE) p->d->model->kernels.quantize_wide(x, &in->acts_wide, col);
}

void inlay__prepare_rows(inlay__pass *p, size_t task, const float *rows, size_t n, unsigned forms) {
    inlay__inputs in = inlay__inputs_of(p, n);
    inlay__slice cols = inlay__cols_of(p, task);
    for (size_t col = cols.begin; col < cols.end; col++) inlay__prepare_col(p, &in, rows + col * n, col, forms);
}

void inlay__norm_row(const inlay__pass *p, const inlay__norm *norm, const float *x, size_t n, float *y) {
    const inlay__model *model = p->d->model;
    if (norm->kind == INLAY__NORM_RMS)
        model->kernels.rms_norm(x, norm->weight, norm->epsilon, n, y);
    else if (norm->kind == INLAY__NORM_LAYER)
        model->kernels.layer_norm(x, norm->weight, norm->bias, norm->epsilon, n, y);
    else if (x != y)
        memcpy(y, x, n * sizeof(float));
}

/* y [n_embd] = what a pending block adds to the stream. */
static void read_branch(const inlay__pass *p, const inlay__layer_block *block, const float *branch, float *y) {
    size_t n = p->d->model->hparams.n_embd;
    inlay__norm_row(p, &block->branch_norm, branch, n, y);
    for (size_t i = 0; block->scale != 1.0f && i < n; i++) y[i] *= block->scale;
}

/* Which column of the stream a column in hand is. */
static size_t place_of(const inlay__pass *p, size_t col) { return p->wanted != NULL ? p->wanted[col] : col; }

/* x [n_embd] = the stream of a column and the branches that join it. */
static void join(const inlay__pass *p, size_t col, const float *stream, float *x) {
    const inlay__kernels *kernels = &p->d->model->kernels;
    size_t n = p->d->model->hparams.n_embd, at = place_of(p, col) * n;
    const inlay__layer_block *last = p->pending[p->n_pending - 1];
    read_branch(p, p->pending[0], p->d->branch[0] + at, x);
    if (!p->pending[0]->replaces) kernels->add(stream, n, x);
    for (size_t i = 1; i < p->n_pending; i++) {
        float *row = p->d->threads[p->i_thread].row;
        read_branch(p, p->pending[i], p->d->branch[i] + at, row);
        kernels->add(row, n, x);
    }
    if (last->stream_norm.kind != INLAY__NORM_NONE) inlay__norm_row(p, &last->stream_norm, x, n, x);
}

float *inlay__stream_of(const inlay__pass *p, size_t col) {
    float *stream = p->private_stream ? p->d->threads[p->i_thread].hidden : p->d->hidden;
    return stream + place_of(p, col) * p->d->model->hparams.n_embd;
}

void inlay__prepare_stream(inlay__pass *p, size_t task, const inlay__norm *norm, unsigned forms) {
    size_t n = p->d->model->hparams.n_embd;
    bool joins = p->n_pending > 0 && (p->block == NULL || !p->block->parallel);
    inlay__inputs in = inlay__inputs_of(p, n);
    inlay__slice cols = inlay__cols_of(p, task);
    for (size_t col = cols.begin; col < cols.end; col++) {
        float *x = in.x != NULL ? in.x + col * n : p->d->threads[p->i_thread].hidden,
              *stream = inlay__stream_of(p, col);
        if (joins)
            join(p, col, stream, x);
        else
            memcpy(x, stream, n * sizeof(float));
        if (joins && p->block != NULL) memcpy(stream, x, n * sizeof(float));
        inlay__norm_row(p, norm, x, n, x);
        inlay__prepare_col(p, &in, x, col, forms);
    }
}

/* ---------------------------------------------------------------- products */

/* x [n_cols, n_k]: floats, if the matrix wants those; NULL: the prepared ones. */
static void multiply(const inlay__pass *p, const inlay__matrix *m, const float *x, inlay__slice rows, inlay__slice cols,
                     float *out) {
    inlay__inputs in = inlay__inputs_of(p, m->n_k);
    inlay__operand operand = {&in.acts_32, &in.acts_256, x != NULL ? x : in.x, p->d->threads[p->i_thread].panel,
                              &in.acts_wide};
    inlay__matrix_multiply(&p->d->model->kernels, m, &operand, rows.begin, rows.end, cols.begin, cols.end, out,
                           m->n_rows);
}

void inlay__multiply(const inlay__pass *p, const inlay__matrix *m, inlay__slice rows, inlay__slice cols, float *out) {
    multiply(p, m, NULL, rows, cols, out);
}

void inlay__project_apart(const inlay__pass *p, const inlay__linear *linear, size_t task, float *out) {
    inlay__slice rows = inlay__rows_of(p, linear->matrix.n_rows, task);
    if (rows.begin >= rows.end) return;
    const inlay__matrix part = inlay__matrix_part(&linear->matrix, rows.begin, rows.end);
    inlay__multiply(p, &part, (inlay__slice){0, part.n_rows}, (inlay__slice){0, p->n_cols}, out);
    for (size_t col = 0; linear->bias != NULL && col < p->n_cols; col++)
        p->d->model->kernels.add(linear->bias + rows.begin, part.n_rows, out + col * part.n_rows);
}

void inlay__project_rows(const inlay__pass *p, const inlay__linear *linear, size_t task, const float *x, float *out) {
    const inlay__matrix *m = &linear->matrix;
    inlay__slice rows = inlay__rows_of(p, m->n_rows, task);
    if (rows.begin >= rows.end) return;
    multiply(p, m, x, rows, (inlay__slice){0, p->n_cols}, out);
    for (size_t col = 0; linear->bias != NULL && col < p->n_cols; col++)
        p->d->model->kernels.add(linear->bias + rows.begin, rows.end - rows.begin, out + col * m->n_rows + rows.begin);
}

void inlay__project(const inlay__pass *p, const inlay__linear *linear, size_t task, float *out) {
    inlay__project_rows(p, linear, task, NULL, out);
}

/* ------------------------------------------------------------------- state */

const float *inlay__state_before(const inlay__pass *p, const inlay__span *span) {
    return span->sequence->state[span->sequence->state_is_new] + p->block->state;
}

float *inlay__state_after(const inlay__pass *p, const inlay__span *span) {
    return span->sequence->state[1] + p->block->state;
}

inlay__convolution inlay__convolution_of(const inlay__pass *p, const inlay__convolution *all, const inlay__span *span) {
    inlay__convolution part = *all;
    part.n_cols = span->end - span->begin;
    part.x += span->begin * all->x_stride;
    part.y += span->begin * all->y_stride;
    part.before = inlay__state_before(p, span);
    part.after = inlay__state_after(p, span);
    return part;
}
