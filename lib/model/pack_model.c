/* Packs the matrices of a model on all threads, while it opens or when it is used. */
#include <stdatomic.h>

#include "base/pool.h"
#include "model/pack_model.h"

/* A thread takes TASK_PANELS at a time. The file's rows are let go after every STEP_BYTES of them, so that a model is
 * never in memory twice. */
enum { TASK_PANELS = 16, STEP_BYTES = 16 << 20, ALIGNMENT = 64 };

/* Some panels of one matrix, shared out among the threads. */
typedef struct pack_job {
    const inlay__kernels *kernels;
    const inlay__matrix *rows;
    uint8_t *packed;
    size_t end;
    atomic_size_t next;
} pack_job;

static void pack_panels(void *arg, size_t i_thread, size_t n_threads) {
    pack_job *job = arg;
    (void)i_thread;
    (void)n_threads;
    for (;;) {
        size_t begin = atomic_fetch_add_explicit(&job->next, TASK_PANELS, memory_order_relaxed);
        if (begin >= job->end) return;
        inlay__matrix_pack(job->kernels, job->rows, begin, inlay__min_size(begin + TASK_PANELS, job->end), job->packed);
    }
}

/* All packed matrices stand in one piece of memory: thousands of pages at a time are cheaper to get than one by one. */
typedef struct packer {
    inlay__model *model;
    const inlay__model_config *config;
    inlay__pool *pool;
    uint8_t *memory;   /* where the next matrix goes */
    uint8_t *rows;     /* [rows_size] for rows that are read from the file; NULL: they are in memory */
    size_t rows_size;
} packer;

/* Bytes that a matrix will take; 0 when it stays as it is: packed in the file, or without a kernel for panels. */
static size_t size_to_pack(const inlay__model *model, const inlay__matrix *m) {
    return m->packed ? 0 : inlay__matrix_packed_size(&model->kernels, m->type, m->n_rows, m->n_k);
}

static size_t panels_of(const inlay__matrix *m) { return (m->n_rows + INLAY__LANES - 1) / INLAY__LANES; }

/* How many panels are packed at a time. */
static size_t step_of(const inlay__matrix *m) {
    return inlay__min_size(inlay__max_size(STEP_BYTES / (m->row_size * INLAY__LANES), 1), panels_of(m));
}

/* Packs panels [begin, end) of rows in memory into `packed`, which is the matrix's, and lets the rows go. */
static int32_t fill_step(const inlay__model *model, inlay__pool *pool, const inlay__matrix *matrix, size_t begin,
                         size_t end, uint8_t *packed) {
    pack_job job = {.kernels = &model->kernels, .rows = matrix, .packed = packed, .end = end};
    atomic_init(&job.next, begin);
    if (!model->sys->only_plans) INLAY__TRY(inlay__pool_run(pool, pack_panels, &job));
    /* no row beyond the last: a tensor that was made is freed when as many bytes as it has were let go */
    size_t first = begin * INLAY__LANES, last = inlay__min_size(end * INLAY__LANES, matrix->n_rows);
    inlay__weights_forget(model->weights, matrix->data + first * matrix->row_size, (last - first) * matrix->row_size);
    return INLAY_OK;
}

/* The same of rows that are read first. */
static int32_t read_step(const packer *p, const inlay__matrix *matrix, size_t begin, size_t end) {
    const inlay__model *model = p->model;
    size_t row = begin * INLAY__LANES, n_rows = inlay__min_size(end * INLAY__LANES, matrix->n_rows) - row;
    if (model->sys->only_plans) return INLAY_OK;
    INLAY__TRY(inlay__weights_read(model->weights, matrix->place + row * matrix->row_size, p->rows,
                                   n_rows * matrix->row_size));
    inlay__matrix part = *matrix;
    part.data = p->rows;
    part.n_rows = n_rows;
    return fill_step(model, p->pool, &part, 0, end - begin,
                     p->memory + inlay__packed_matrix_size(matrix->type, row, matrix->n_k));
}

/* Packs what is in memory into `packed`, step by step. Looks at `cancel`, which may be NULL. */
static int32_t fill_panels(const inlay__model *model, inlay__pool *pool, const inlay__matrix *matrix, uint8_t *packed,
                           const atomic_int *cancel) {
    size_t n_panels = panels_of(matrix), step = step_of(matrix);
    for (size_t begin = 0; begin < n_panels; begin += step) {
        if (cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed) != 0)
            return inlay__fail(INLAY_ERR_CANCELLED, "the evaluation was cancelled");
        INLAY__TRY(fill_step(model, pool, matrix, begin, inlay__min_size(begin + step, n_panels), packed));
    }
    return INLAY_OK;
}

/* While the model opens. */
static int32_t pack_matrix(packer *p, inlay__matrix *matrix, size_t size) {
    size_t n_panels = panels_of(matrix), step = step_of(matrix), panel_rows = matrix->row_size * INLAY__LANES;
    if (p->pool == NULL) INLAY__TRY(inlay__pool_new(p->model->sys, p->config->n_threads, &p->pool));
    for (size_t begin = 0, end; begin < n_panels; begin = end) {
        end = inlay__min_size(begin + step, n_panels);
        INLAY__TRY(matrix->data == NULL ? read_step(p, matrix, begin, end)
                                        : fill_step(p->model, p->pool, matrix, begin, end, p->memory));
        INLAY__TRY(inlay__progress_add(p->config->progress, (end - begin) * panel_rows));
    }
    matrix->data = p->memory;
    matrix->packed = true;
    matrix->row_size = inlay__packed_matrix_size(matrix->type, INLAY__LANES, matrix->n_k) / INLAY__LANES;
    p->memory += inlay__round_up(size, ALIGNMENT);
    return INLAY_OK;
}

/* Writes the pointers, or counts them where there is no array yet. */
static size_t list_matrices(inlay__model *model, inlay__matrix **list) {
    inlay__matrix *heads[] = {&model->labels.output.matrix, &model->head.output.matrix};
    size_t n = 0;
    for (size_t i = 0; i < model->n_all_blocks; i++) {
        const inlay__layer_block *block = model->all_blocks[i];
        inlay__matrix *m;
        for (size_t k = 0; (m = block->kind->matrix(block->weights, k)) != NULL; k++, n++)
            if (list != NULL) list[n] = m;
    }
    for (size_t i = 0; i < INLAY__COUNT(heads); i++) {
        if (heads[i]->n_rows == 0) continue;
        if (list != NULL) list[n] = heads[i];
        n++;
    }
    return n;
}

static int32_t make_list(inlay__model *model) {
    size_t n = list_matrices(model, NULL);
    model->matrices = inlay__model_alloc(model, n, sizeof *model->matrices);
    if (model->matrices == NULL) return INLAY_ERR_MEMORY;
    model->n_matrices = list_matrices(model, model->matrices);
    return INLAY_OK;
}

static int32_t add_packed_size(const inlay__model *model, const inlay__matrix *m, size_t *total) {
    size_t size = size_to_pack(model, m);
    if (inlay__add_size(*total, inlay__round_up(size, ALIGNMENT), total)) return INLAY_OK;
    return inlay__fail(INLAY_ERR_MEMORY, "out of memory: the packed weights do not fit an address space");
}

static int32_t get_memory(packer *p) {
    size_t total = 0, rows = 0;
    for (size_t i = 0; i < p->model->n_matrices; i++) {
        const inlay__matrix *m = p->model->matrices[i];
        INLAY__TRY(add_packed_size(p->model, m, &total));
        if (m->data == NULL && size_to_pack(p->model, m) > 0)
            rows = inlay__max_size(rows, step_of(m) * INLAY__LANES * m->row_size);
    }
    p->model->packed_size = total;
    if (total == 0) return INLAY_OK;
    p->memory = inlay__model_alloc_raw(p->model, total);
    if (p->memory == NULL) return INLAY_ERR_MEMORY;
    if (rows == 0) return INLAY_OK;
    p->rows = inlay__alloc(p->model->sys, rows);
    p->rows_size = rows;
    return p->rows != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
}

/* A place for a matrix that is in a file, which inlay__model_use fills. */
static int32_t reserve(packer *p, inlay__matrix *m, size_t size) {
    inlay__model *model = p->model;
    if (model->packing == NULL) model->packing = inlay__model_alloc(model, 1, sizeof *model->packing);
    if (model->packing == NULL) return INLAY_ERR_MEMORY;
    m->panels = p->memory;
    m->ready = &model->packing->ready;
    p->memory += inlay__round_up(size, ALIGNMENT);
    return INLAY_OK;
}

/* Reads a matrix that stays as it is in the file. */
static int32_t settle(inlay__model *model, inlay__matrix *m) {
    size_t size = inlay__matrix_stored_size(m);
    if (m->data != NULL || m->n_rows == 0) return INLAY_OK;
    uint8_t *memory = inlay__model_alloc_raw(model, size);
    if (memory == NULL) return INLAY_ERR_MEMORY;
    m->data = memory;
    return model->sys->only_plans ? INLAY_OK : inlay__weights_read(model->weights, m->place, memory, size);
}

/* The matrices that are not for products alone: after the others, as the embedding may be one of them. */
static int32_t settle_others(inlay__model *m) {
    inlay__matrix *others[] = {&m->token_embd, &m->embd_in.matrix, &m->embd_out.matrix, &m->encoder.positions,
                               &m->encoder.types, &m->decoder.positions, &m->decoder.types};
    for (size_t i = 0; i < INLAY__COUNT(others); i++) INLAY__TRY(settle(m, others[i]));
    return INLAY_OK;
}

/* Tensors that were made are packed in any case: their rows are let go with it, so that nobody may be reading them. So
 * are those that are read now or never. */
static int32_t prepare_matrix(packer *p, inlay__matrix *m) {
    size_t size = p->config->pack != INLAY_PACK_NEVER ? size_to_pack(p->model, m) : 0,
           stored = inlay__matrix_stored_size(m);
    bool now =
        p->config->pack == INLAY_PACK_OPEN || m->data == NULL || inlay__weights_is_made(p->model->weights, m->data);
    if (size > 0 && now) return pack_matrix(p, m, size);
    INLAY__TRY(size > 0 ? reserve(p, m, size) : settle(p->model, m));
    return inlay__progress_add(p->config->progress, stored);
}

static int32_t prepare_all(packer *p) {
    inlay__model *model = p->model;
    bool tied = inlay__matrix_is(&model->head.output.matrix, &model->token_embd);
    INLAY__TRY(inlay__progress_tell(p->config->progress));
    if (p->config->pack != INLAY_PACK_NEVER) INLAY__TRY(get_memory(p));
    for (size_t i = 0; i < model->n_matrices; i++) INLAY__TRY(prepare_matrix(p, model->matrices[i]));
    if (tied) model->token_embd = model->head.output.matrix;
    INLAY__TRY(settle_others(model));
    return inlay__progress_end(p->config->progress);
}

/* Then nobody reads the file any more, but for some rows of an embedding. */
static bool all_in_panels(const inlay__model *model) {
    size_t i = 0;
    while (i < model->n_matrices && (model->matrices[i]->packed || model->matrices[i]->ready != NULL)) i++;
    return i == model->n_matrices;
}

static int32_t pack_used(const inlay__model *model, inlay__pool *pool, const atomic_int *cancel) {
    for (size_t i = 0; i < model->n_matrices; i++) {
        const inlay__matrix *m = model->matrices[i];
        if (m->ready != NULL) INLAY__TRY(fill_panels(model, pool, m, (uint8_t *)(uintptr_t)m->panels, cancel));
    }
    INLAY__TRY(inlay__weights_check(model->weights));
    if (all_in_panels(model)) inlay__weights_forget_files(model->weights);
    return INLAY_OK;
}

/* From so many tokens on packing has paid: products of rows then have lost about the time that it takes. */
enum { TOKENS_FROM_ROWS = 8 };

int32_t inlay__model_use(const inlay__model *model, inlay__pool *pool, size_t n_tokens, const atomic_int *cancel) {
    inlay__packing *packing = model->packing;
    int idle = 0;
    if (packing == NULL || atomic_load_explicit(&packing->ready, memory_order_acquire) != 0) return INLAY_OK;
    n_tokens = inlay__min_size(n_tokens, TOKENS_FROM_ROWS + 1);
    if (atomic_fetch_add(&packing->n_tokens, n_tokens) + n_tokens <= TOKENS_FROM_ROWS) return INLAY_OK;
    /* While one session packs the others go on from the rows, which stay readable: the file's are mapped, copied or
     * lent. A child of fork() in which nobody goes on packing does so for good. */
    if (!atomic_compare_exchange_strong(&packing->busy, &idle, 1)) return INLAY_OK;
    int32_t status = INLAY_OK;
    if (atomic_load(&packing->ready) == 0) {
        status = pack_used(model, pool, cancel);
        if (status == INLAY_OK) atomic_store_explicit(&packing->ready, 1, memory_order_release);
    }
    atomic_store(&packing->busy, 0);
    return status;
}

/* For products with rows each thread will want room for a panel. */
static size_t panel_size(const inlay__model *model) {
    size_t most = 0;
    for (size_t i = 0; i < model->n_matrices; i++) {
        const inlay__matrix *m = model->matrices[i];
        size_t size = m->packed ? 0 : inlay__matrix_packed_size(&model->kernels, m->type, INLAY__LANES, m->n_k);
        most = inlay__max_size(most, size);
    }
    return most;
}

int32_t inlay__model_pack(inlay__model *model, const inlay__model_config *config) {
    packer p = {.model = model, .config = config};
    INLAY__TRY(make_list(model));
    int32_t status = prepare_all(&p);
    inlay__pool_free(p.pool);
    inlay__free(model->sys, p.rows, p.rows_size);
    model->panel_size = panel_size(model);
    return status;
}

size_t inlay__model_token_bytes(const inlay__model *model) {
    size_t bytes = model->token_embd.row_size + inlay__matrix_size(&model->head.output.matrix);
    if (model->ngrams != NULL)
        bytes += model->hparams.n_vocab * sizeof(float); /* and the successors of a few contexts */
    size_t first = 0; /* an encoder in front of a decoder runs once a text */
    for (size_t i = 0; model->decoder.n_layer > 0 && i < model->encoder.n_layer; i++)
        first += model->encoder.layers[i].n_blocks;
    for (size_t i = first; i < model->n_all_blocks; i++) {
        const inlay__layer_block *block = model->all_blocks[i];
        const inlay__matrix *m;
        if (block->kind->token_bytes != NULL) bytes += block->kind->token_bytes(block->weights);
        for (size_t k = 0; block->kind->token_bytes == NULL && (m = block->kind->matrix(block->weights, k)) != NULL;
             k++)
            bytes += inlay__matrix_size(m);
    }
    return bytes;
}
