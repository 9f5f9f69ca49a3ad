/* Writes a model in its packed form, matrix by matrix, so that no more than a buffer of it is in memory. */
#include "model/pack_file.h"

#include "base/pool.h"
#include "format/dtype.h"
#include "format/packed.h"
#include "model/layers.h"
#include "model/pack_model.h"

/* What becomes of a tensor. */
typedef struct entry {
    bool packed;     /* into panels; else it is copied */
    uint64_t size;   /* bytes in the new file */
    uint64_t offset; /* from the beginning of the data */
} entry;

typedef struct writer {
    const inlay__sys *sys;
    const inlay__weights *weights;
    const inlay__model_config *config;
    const inlay__pack_more *more;
    const inlay__kernels *kernels;
    inlay__pool *pool;
    entry *entries; /* [weights->n_tensors] */
    size_t panel;   /* bytes of the largest */
    inlay__gguf_file file;
} writer;

/* --------------------------------------------------------------------- plan */

/* A tensor is packed where products are made with it: of matrices one above the other each must begin with a panel. */
static bool is_multiplied(const inlay__model *model, const inlay__tensor *t) {
    bool found = false;
    for (size_t i = 0; i < model->n_matrices; i++) {
        const inlay__matrix *m = model->matrices[i];
        if (m->data < t->data || (uint64_t)(m->data - t->data) >= t->size) continue;
        if ((size_t)(m->data - t->data) / m->row_size % t->shape[1] % INLAY__LANES != 0) return false;
        found = true;
    }
    return found;
}

/* Also finds how large the buffer is to be: at least a panel. */
static int32_t plan(writer *w, inlay__model *model) {
    uint64_t offset = 0;
    const char *name = inlay__weights_name(w->weights);
    for (size_t i = 0; i < w->weights->n_tensors; i++) {
        const inlay__tensor *t = &w->weights->tensors[i];
        entry *e = &w->entries[i];
        if (!inlay__dtype_in_files(t->type))
            return inlay__fail(INLAY_ERR_UNSUPPORTED,
                               "file '%s': tensor '%s' became %s while opening, which no file "
                               "holds",
                               name, t->name.text, inlay__dtype_any_name(t->type));
        *e = (entry){.size = t->size, .offset = offset};
        uint64_t size;
        if (is_multiplied(model, t) && inlay__packed_size(t->type, t->shape, &size))
            *e = (entry){.packed = true, .size = size, .offset = offset};
        if (e->packed)
            w->panel = inlay__max_size(w->panel, inlay__packed_matrix_size(t->type, INLAY__LANES, (size_t)t->shape[0]));
        if (!inlay__add_u64(offset, e->size, &offset) || !inlay__gguf_file_align(INLAY__PACKED_ALIGNMENT, &offset))
            return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': its packed form has more bytes than a file can",
                               name);
    }
    return INLAY_OK;
}

/* ------------------------------------------------------------------- header */

static int32_t put_header(writer *w) {
    const inlay__pack_more *more = w->more;
    inlay__gguf_file *f = &w->file;
    INLAY__TRY(inlay__gguf_file_metadata(f, w->weights->n_tensors, inlay__weights_metadata(w->weights), &more->texts,
                                         more->n_merges > 0 ? 3 : 2));
    INLAY__TRY(inlay__gguf_file_u32(f, "general.alignment", INLAY__PACKED_ALIGNMENT));
    if (more->n_merges > 0)
        INLAY__TRY(inlay__gguf_file_u32s(f, INLAY__PACKED_MERGES, more->merges, 2 * more->n_merges));
    INLAY__TRY(inlay__gguf_file_u32(f, INLAY__PACKED_KEY, INLAY__PACKED_VERSION));
    for (size_t i = 0; i < w->weights->n_tensors; i++) {
        const inlay__tensor *t = &w->weights->tensors[i];
        const entry *e = &w->entries[i];
        INLAY__TRY(inlay__gguf_file_entry(f, t, e->packed ? INLAY__PACKED_TYPE + t->type : t->type, e->offset));
    }
    return inlay__gguf_file_pad(f);
}

/* --------------------------------------------------------------------- data */

typedef struct pack_job {
    const inlay__kernels *kernels;
    inlay__matrix rows;
    uint8_t *panels;
    size_t n_panels;
} pack_job;

static void pack_share(void *arg, size_t i_thread, size_t n_threads) {
    const pack_job *job = arg;
    inlay__matrix_pack(job->kernels, &job->rows, job->n_panels * i_thread / n_threads,
                       job->n_panels * (i_thread + 1) / n_threads, job->panels);
}

/* One matrix of a tensor, as many panels at a time as the buffer holds. */
static int32_t put_panels(writer *w, inlay__matrix m) {
    inlay__gguf_file *f = &w->file;
    size_t panel = inlay__packed_matrix_size(m.type, INLAY__LANES, m.n_k);
    size_t n_panels = (m.n_rows + INLAY__LANES - 1) / INLAY__LANES;
    for (size_t begin = 0; begin < n_panels;) {
        INLAY__TRY(inlay__gguf_file_room(f, panel));
        size_t n = inlay__min_size((f->capacity - f->used) / panel, n_panels - begin), row = begin * INLAY__LANES;
        pack_job job = {w->kernels, m, f->buffer + f->used, n};
        job.rows.data = m.data + row * m.row_size;
        job.rows.n_rows = inlay__min_size(m.n_rows - row, n * INLAY__LANES);
        INLAY__TRY(inlay__pool_run(w->pool, pack_share, &job));
        inlay__weights_forget(w->weights, job.rows.data, job.rows.n_rows * m.row_size);
        f->used += n * panel;
        begin += n;
    }
    return INLAY_OK;
}

static int32_t put_tensor(writer *w, const inlay__tensor *t, bool packed) {
    if (!packed) return inlay__gguf_file_bytes(&w->file, t->data, (size_t)t->size);
    uint64_t row_size;
    inlay__dtype_row_size(t->type, t->shape[0], &row_size);
    inlay__matrix m = {.type = t->type, .n_rows = (size_t)t->shape[1], .n_k = (size_t)t->shape[0],
                       .row_size = (size_t)row_size, .data = t->data};
    for (uint64_t i = 0; i < t->shape[2] * t->shape[3]; i++, m.data += m.n_rows * m.row_size)
        INLAY__TRY(put_panels(w, m));
    return INLAY_OK;
}

static int32_t put_data(writer *w) {
    size_t n = w->weights->n_tensors;
    uint64_t size = n > 0 ? w->entries[n - 1].offset + w->entries[n - 1].size : 0;
    inlay__gguf_file_align(INLAY__PACKED_ALIGNMENT, &size);
    w->file.total = inlay__gguf_file_size(&w->file) + size;
    for (size_t i = 0; i < n; i++) {
        INLAY__TRY(put_tensor(w, &w->weights->tensors[i], w->entries[i].packed));
        INLAY__TRY(inlay__gguf_file_pad(&w->file));
    }
    return INLAY_OK;
}

/* ---------------------------------------------------------------------- all */

static int32_t write_all(writer *w, inlay__model *model, const char *path) {
    w->entries = inlay__alloc_array(w->sys, w->weights->n_tensors, sizeof *w->entries);
    if (w->entries == NULL) return INLAY_ERR_MEMORY;
    INLAY__TRY(plan(w, model));
    INLAY__TRY(inlay__pool_new(w->sys, w->config->n_threads, &w->pool));
    INLAY__TRY(inlay__gguf_file_open(&w->file, w->sys, path, INLAY__PACKED_ALIGNMENT, w->panel));
    w->file.progress = w->config->progress;
    INLAY__TRY(put_header(w));
    INLAY__TRY(put_data(w));
    INLAY__TRY(inlay__weights_check(w->weights));
    return inlay__gguf_file_finish(&w->file);
}

int32_t inlay__model_write_packed(inlay__model *model, const inlay__model_config *config, const inlay__pack_more *more,
                                  const char *path) {
    const char *name = inlay__weights_name(model->weights);
    if (inlay__weights_metadata(model->weights)->packed != 0)
        return inlay__fail(INLAY_ERR_ARGUMENT, "file '%s': is packed already", name);
    writer w = {.sys = model->sys,
                .weights = model->weights,
                .config = config,
                .more = more,
                .kernels = &model->kernels,
                .file = {.file = {.fd = -1}}};
    int32_t status = write_all(&w, model, path);
    inlay__gguf_file_close(&w.file);
    inlay__pool_free(w.pool);
    inlay__free(w.sys, w.entries, w.weights->n_tensors * sizeof *w.entries);
    return status;
}
