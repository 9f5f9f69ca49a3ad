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
    inlay__pool *pool;
    uint8_t *memory; /* where the next matrix goes */
} packer;

/* Bytes that a matrix will take; 0 when it stays as it is: packed in the file, or without a kernel for panels. */
static size_t size_to_pack(const inlay__model *model, const inlay__matrix *m) {
    return m->packed ? 0 : inlay__matrix_packed_size(&model->kernels, m->type, m->n_rows, m->n_k);
}

/* Packs into `packed` and lets the rows go. Looks at `cancel`, which may be NULL. */
static int32_t fill_panels(const inlay__model *model, inlay__pool *pool, const inlay__matrix *matrix, uint8_t *packed,
                           const atomic_int *cancel) {
    size_t n_panels = (matrix->n_rows + INLAY__LANES - 1) / INLAY__LANES;
    size_t step = inlay__max_size(STEP_BYTES / (matrix->row_size * INLAY__LANES), 1);
    for (size_t begin = 0; begin < n_panels; begin += step) {
        pack_job job = {.kernels = &model->kernels,
                        .rows = matrix,
                        .packed = packed,
                        .end = inlay__min_size(begin + step, n_panels)};
        atomic_init(&job.next, begin);
        if (cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed) != 0)
            return inlay__fail(INLAY_ERR_CANCELLED, "the evaluation was cancelled");
        if (!model->sys->only_plans) INLAY__TRY(inlay__pool_run(pool, pack_panels, &job));
        /* no row beyond the last: a tensor that was made is freed when as many bytes as it has were let go */
        size_t first = begin * INLAY__LANES, last = inlay__min_size(job.end * INLAY__LANES, matrix->n_rows);
        inlay__weights_forget(model->weights, matrix->data + first * matrix->row_size,
                              (last - first) * matrix->row_size);
    }
    return INLAY_OK;
}

static int32_t pack_matrix(packer *p, inlay__matrix *matrix, size_t size) {
    INLAY__TRY(fill_panels(p->model, p->pool, matrix, p->memory, NULL));
    matrix->data = p->memory;
    matrix->packed = true;
    matrix->row_size = inlay__packed_matrix_size(matrix->type, INLAY__LANES, matrix->n_k) / INLAY__LANES;
    p->memory += inlay__round_up(size, ALIGNMENT);
    return INLAY_OK;
}

static int32_t report(const inlay__model_config *config, uint64_t done, uint64_t total) {
    if (config->progress != NULL && config->progress(config->progress_user, done, total) != 0)
        return inlay__fail(INLAY_ERR_CANCELLED, "opening was cancelled by the progress callback");
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
    size_t total = 0;
    for (size_t i = 0; i < p->model->n_matrices; i++)
        INLAY__TRY(add_packed_size(p->model, p->model->matrices[i], &total));
    p->model->packed_size = total;
    if (total == 0) return INLAY_OK;
    p->memory = inlay__model_alloc_raw(p->model, total);
    return p->memory != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
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

/* Tensors that were made are packed in any case: their rows are let go with it, so that nobody may be reading them. */
static int32_t prepare_matrix(packer *p, inlay__matrix *m, const inlay__model_config *config) {
    size_t size = size_to_pack(p->model, m);
    if (size == 0) return INLAY_OK;
    if (config->pack != INLAY_PACK_OPEN && !inlay__weights_is_made(p->model->weights, m->data))
        return reserve(p, m, size);
    if (p->pool == NULL) INLAY__TRY(inlay__pool_new(p->model->sys, config->n_threads, &p->pool));
    return pack_matrix(p, m, size);
}

static int32_t pack_all(packer *p, const inlay__model_config *config) {
    inlay__model *model = p->model;
    bool tied = model->head.output.matrix.data == model->token_embd.data;
    uint64_t done = 0, total = model->weights->file_size;
    INLAY__TRY(report(config, 0, total));
    INLAY__TRY(get_memory(p));
    for (size_t i = 0; i < model->n_matrices; i++) {
        inlay__matrix *matrix = model->matrices[i];
        done += inlay__matrix_size(matrix);
        INLAY__TRY(prepare_matrix(p, matrix, config));
        INLAY__TRY(report(config, done < total ? done : total, total));
    }
    if (tied) model->token_embd = model->head.output.matrix;
    return report(config, total, total);
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
    packer p = {.model = model};
    INLAY__TRY(make_list(model));
    int32_t status = config->pack == INLAY_PACK_NEVER
                         ? report(config, model->weights->file_size, model->weights->file_size)
                         : pack_all(&p, config);
    inlay__pool_free(p.pool);
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
