/* Writes a model in its packed form, matrix by matrix, so that no more than a buffer of it is in memory. */
#include "model/pack_file.h"

#include "base/out_file.h"
#include "base/pool.h"
#include "format/dtype.h"
#include "format/packed.h"
#include "model/layers.h"
#include "model/pack_model.h"

/* Panels are packed into the buffer by all threads, a few at a time; at least one fits. */
enum { BUFFER_SIZE = 16 << 20 };

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
    const inlay__merge_sides *merges;
    const inlay__kernels *kernels;
    inlay__pool *pool;
    entry *entries;  /* [weights->n_tensors] */
    uint8_t *buffer; /* [capacity] of which `used` wait to be written */
    size_t used, capacity;
    uint64_t total;  /* bytes of the whole file, once they are known */
    inlay__out_file file;
} writer;

/* -------------------------------------------------------------------- bytes */

static int32_t flush(writer *w) {
    INLAY__TRY(inlay__out_file_write(&w->file, w->buffer, w->used));
    w->used = 0;
    inlay__progress *progress = w->config->progress;
    if (w->total == 0 || progress == NULL) return INLAY_OK;
    progress->done = w->file.size;
    progress->total = w->total;
    return inlay__progress_tell(progress);
}

static int32_t put(writer *w, const void *data, size_t size) {
    const uint8_t *bytes = data;
    while (size > 0) {
        if (w->used == w->capacity) INLAY__TRY(flush(w));
        size_t n = inlay__min_size(size, w->capacity - w->used);
        memcpy(w->buffer + w->used, bytes, n);
        w->used += n;
        bytes += n;
        size -= n;
    }
    return INLAY_OK;
}

static int32_t put_u32(writer *w, uint32_t value) {
    uint8_t bytes[4];
    for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> 8 * i);
    return put(w, bytes, sizeof bytes);
}

static int32_t put_u64(writer *w, uint64_t value) {
    INLAY__TRY(put_u32(w, (uint32_t)value));
    return put_u32(w, (uint32_t)(value >> 32));
}

static int32_t put_text(writer *w, const char *text, size_t size) {
    INLAY__TRY(put_u64(w, size));
    return put(w, text, size);
}

static uint64_t position(const writer *w) { return w->file.size + w->used; }

static uint64_t align(uint64_t n) {
    return (n + INLAY__PACKED_ALIGNMENT - 1) / INLAY__PACKED_ALIGNMENT * INLAY__PACKED_ALIGNMENT;
}

static int32_t pad(writer *w) {
    static const uint8_t zeros[INLAY__PACKED_ALIGNMENT];
    return put(w, zeros, (size_t)(align(position(w)) - position(w)));
}

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
            return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': tensor '%s' became %s while opening, which no file "
                               "holds", name, t->name.text, inlay__dtype_any_name(t->type));
        *e = (entry){.size = t->size, .offset = offset};
        uint64_t size;
        if (is_multiplied(model, t) && inlay__packed_size(t->type, t->shape, &size))
            *e = (entry){.packed = true, .size = size, .offset = offset};
        if (e->packed)
            w->capacity =
                inlay__max_size(w->capacity, inlay__packed_matrix_size(t->type, INLAY__LANES, (size_t)t->shape[0]));
        if (!inlay__add_u64(offset, e->size, &offset) || offset > INT64_MAX)
            return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': its packed form has more bytes than a file can",
                               name);
        offset = align(offset);
    }
    return INLAY_OK;
}

/* ------------------------------------------------------------------- header */

/* Keys that describe the old file, and those that are written anew. */
static bool is_replaced(inlay__text key) {
    static const char *const keys[] = {"general.alignment", "split.no", "split.count", "split.tensors.count",
                                       INLAY__PACKED_MERGES};
    for (size_t i = 0; i < INLAY__COUNT(keys); i++)
        if (strcmp(key.text, keys[i]) == 0) return true;
    return false;
}

/* Numbers that were read as runs, as they stood in the file. */
static int32_t put_runs(writer *w, const inlay__gguf_kv *kv) {
    for (size_t i = 0; i < kv->n_values; i++) {
        uint32_t bits;
        inlay__gguf_bits(kv, i, 1, &bits);
        INLAY__TRY(put_u32(w, bits));
    }
    return INLAY_OK;
}

static int32_t put_pair(writer *w, const inlay__gguf_kv *kv) {
    INLAY__TRY(put_text(w, kv->key.text, kv->key.size));
    if (kv->is_array) INLAY__TRY(put_u32(w, INLAY__GGUF_ARRAY));
    INLAY__TRY(put_u32(w, kv->type));
    if (kv->is_array) INLAY__TRY(put_u64(w, kv->n_values));
    if (kv->runs != NULL) return put_runs(w, kv);
    if (kv->type != INLAY__GGUF_STRING)
        return put(w, kv->values, inlay__gguf_value_size(kv->type) * (size_t)kv->n_values);
    for (uint64_t i = 0; i < kv->n_values; i++) {
        inlay__text text = inlay__gguf_string(kv, i);
        INLAY__TRY(put_text(w, text.text, text.size));
    }
    return INLAY_OK;
}

static int32_t put_own_pair(writer *w, const char *key, uint32_t value) {
    INLAY__TRY(put_text(w, key, strlen(key)));
    INLAY__TRY(put_u32(w, INLAY__GGUF_U32));
    return put_u32(w, value);
}

static int32_t put_merges(writer *w) {
    const inlay__merge_sides *merges = w->merges;
    if (merges->n == 0) return INLAY_OK;
    INLAY__TRY(put_text(w, INLAY__PACKED_MERGES, strlen(INLAY__PACKED_MERGES)));
    INLAY__TRY(put_u32(w, INLAY__GGUF_ARRAY));
    INLAY__TRY(put_u32(w, INLAY__GGUF_U32));
    INLAY__TRY(put_u64(w, 2 * (uint64_t)merges->n));
    for (size_t i = 0; i < 2 * merges->n; i++) INLAY__TRY(put_u32(w, merges->tokens[i]));
    return INLAY_OK;
}

static int32_t put_metadata(writer *w) {
    const inlay__gguf *gguf = inlay__weights_metadata(w->weights);
    uint64_t n = w->merges->n > 0 ? 3 : 2;
    for (size_t i = 0; i < gguf->n_kv; i++) n += !is_replaced(gguf->kv[i].key);
    INLAY__TRY(put(w, "GGUF", 4));
    INLAY__TRY(put_u32(w, 3));
    INLAY__TRY(put_u64(w, w->weights->n_tensors));
    INLAY__TRY(put_u64(w, n));
    for (size_t i = 0; i < gguf->n_kv; i++)
        if (!is_replaced(gguf->kv[i].key)) INLAY__TRY(put_pair(w, &gguf->kv[i]));
    INLAY__TRY(put_own_pair(w, "general.alignment", INLAY__PACKED_ALIGNMENT));
    INLAY__TRY(put_merges(w));
    return put_own_pair(w, INLAY__PACKED_KEY, INLAY__PACKED_VERSION);
}

static int32_t put_header(writer *w) {
    INLAY__TRY(put_metadata(w));
    for (size_t i = 0; i < w->weights->n_tensors; i++) {
        const inlay__tensor *t = &w->weights->tensors[i];
        INLAY__TRY(put_text(w, t->name.text, t->name.size));
        INLAY__TRY(put_u32(w, t->n_dims));
        for (uint32_t d = 0; d < t->n_dims; d++) INLAY__TRY(put_u64(w, t->shape[d]));
        INLAY__TRY(put_u32(w, w->entries[i].packed ? INLAY__PACKED_TYPE + t->type : t->type));
        INLAY__TRY(put_u64(w, w->entries[i].offset));
    }
    return pad(w);
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
    size_t panel = inlay__packed_matrix_size(m.type, INLAY__LANES, m.n_k);
    size_t n_panels = (m.n_rows + INLAY__LANES - 1) / INLAY__LANES;
    for (size_t begin = 0; begin < n_panels;) {
        if (w->capacity - w->used < panel) INLAY__TRY(flush(w));
        size_t n = inlay__min_size((w->capacity - w->used) / panel, n_panels - begin), row = begin * INLAY__LANES;
        pack_job job = {w->kernels, m, w->buffer + w->used, n};
        job.rows.data = m.data + row * m.row_size;
        job.rows.n_rows = inlay__min_size(m.n_rows - row, n * INLAY__LANES);
        INLAY__TRY(inlay__pool_run(w->pool, pack_share, &job));
        inlay__weights_forget(w->weights, job.rows.data, job.rows.n_rows * m.row_size);
        w->used += n * panel;
        begin += n;
    }
    return INLAY_OK;
}

static int32_t put_tensor(writer *w, const inlay__tensor *t, bool packed) {
    if (!packed) return put(w, t->data, (size_t)t->size);
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
    w->total = position(w) + (n > 0 ? align(w->entries[n - 1].offset + w->entries[n - 1].size) : 0);
    for (size_t i = 0; i < n; i++) {
        INLAY__TRY(put_tensor(w, &w->weights->tensors[i], w->entries[i].packed));
        INLAY__TRY(pad(w));
    }
    return flush(w);
}

/* ---------------------------------------------------------------------- all */

static int32_t take_memory(writer *w, inlay__model *model) {
    w->entries = inlay__alloc_array(w->sys, w->weights->n_tensors, sizeof *w->entries);
    if (w->entries == NULL) return INLAY_ERR_MEMORY;
    w->capacity = BUFFER_SIZE;
    INLAY__TRY(plan(w, model));
    w->buffer = inlay__alloc(w->sys, w->capacity);
    if (w->buffer == NULL) return INLAY_ERR_MEMORY;
    return inlay__pool_new(w->sys, w->config->n_threads, &w->pool);
}

static int32_t write_all(writer *w, inlay__model *model, const char *path) {
    INLAY__TRY(take_memory(w, model));
    INLAY__TRY(inlay__out_file_open(w->sys, path, &w->file));
    INLAY__TRY(put_header(w));
    INLAY__TRY(put_data(w));
    INLAY__TRY(inlay__weights_check(w->weights));
    return inlay__out_file_finish(&w->file);
}

int32_t inlay__model_write_packed(inlay__model *model, const inlay__model_config *config,
                                  const inlay__merge_sides *merges, const char *path) {
    const char *name = inlay__weights_name(model->weights);
    if (inlay__weights_metadata(model->weights)->packed != 0)
        return inlay__fail(INLAY_ERR_ARGUMENT, "file '%s': is packed already", name);
    writer w = {.sys = model->sys,
                .weights = model->weights,
                .config = config,
                .merges = merges,
                .kernels = &model->kernels,
                .file = {.fd = -1}};
    int32_t status = write_all(&w, model, path);
    inlay__out_file_drop(&w.file);
    inlay__pool_free(w.pool);
    inlay__free(w.sys, w.buffer, w.capacity);
    inlay__free(w.sys, w.entries, w.weights->n_tensors * sizeof *w.entries);
    return status;
}
