/* Writes a model as a GGUF file, tensor by tensor. */
#include "import/convert.h"

#include "format/dtype.h"

enum { QUANTIZATION_VERSION = 2 }; /* of the block formats, as ggml counts them */

typedef struct converter {
    inlay__weights *weights;
    const inlay__gguf_texts *more;
    inlay__pool *pool;
    uint64_t *offsets; /* [n_tensors] from the beginning of the data */
    inlay__gguf_file file;
} converter;

/* ------------------------------------------------------------------------ plan */

static int32_t plan(converter *c, uint64_t *size) {
    const inlay__weights *w = c->weights;
    const char *name = inlay__weights_name(w);
    *size = 0;
    for (size_t i = 0; i < w->n_tensors; i++) {
        const inlay__tensor *t = &w->tensors[i];
        c->offsets[i] = *size;
        if (!inlay__dtype_in_files(t->type))
            return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': tensor '%s' would become %s, which no file holds",
                               name, t->name.text, inlay__dtype_any_name(t->type));
        if (!inlay__add_u64(*size, t->size, size) || !inlay__gguf_file_align(INLAY__GGUF_ALIGNMENT, size))
            return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': has more bytes than a GGUF file can", name);
    }
    return INLAY_OK;
}

/* ---------------------------------------------------------------------- header */

static bool is_quantized(const inlay__weights *w) {
    for (size_t i = 0; i < w->n_tensors; i++) {
        uint32_t type = w->tensors[i].type;
        const inlay__dtype *dtype = inlay__dtype_get(type);
        if (dtype != NULL && dtype->block_length > 1) return true;
    }
    return false;
}

static int32_t put_header(converter *c) {
    static const char version[] = "general.quantization_version";
    const inlay__weights *w = c->weights;
    const inlay__gguf *from = inlay__weights_metadata(w);
    inlay__gguf_file *f = &c->file;
    bool tells = is_quantized(w) && inlay__gguf_find(from, version) == NULL;
    INLAY__TRY(inlay__gguf_file_metadata(f, w->n_tensors, from, c->more, tells));
    if (tells) INLAY__TRY(inlay__gguf_file_u32(f, version, QUANTIZATION_VERSION));
    for (size_t i = 0; i < w->n_tensors; i++)
        INLAY__TRY(inlay__gguf_file_entry(f, &w->tensors[i], w->tensors[i].type, c->offsets[i]));
    return inlay__gguf_file_pad(f);
}

/* ------------------------------------------------------------------------ data */

static int32_t put_made(converter *c, size_t i) {
    inlay__weights *w = c->weights;
    int32_t status = inlay__weights_make_tensor(w, c->pool, i);
    if (status == INLAY_OK) status = inlay__gguf_file_bytes(&c->file, w->tensors[i].data, (size_t)w->tensors[i].size);
    inlay__weights_unmake_tensor(w, i);
    return status;
}

static int32_t put_tensor(converter *c, size_t i) {
    inlay__weights *w = c->weights;
    const inlay__tensor *t = &w->tensors[i];
    if (w->recipes != NULL && w->recipes[i].needed) return put_made(c, i);
    INLAY__TRY(inlay__gguf_file_bytes(&c->file, t->data, (size_t)t->size));
    inlay__weights_forget_pages(w, t->data, (size_t)t->size);
    return INLAY_OK;
}

static int32_t put_data(converter *c) {
    for (size_t i = 0; i < c->weights->n_tensors; i++) {
        INLAY__TRY(put_tensor(c, i));
        INLAY__TRY(inlay__gguf_file_pad(&c->file));
    }
    return INLAY_OK;
}

/* ------------------------------------------------------------------------- all */

static int32_t write_all(converter *c, const inlay__make_config *config, const char *path) {
    uint64_t size;
    INLAY__TRY(plan(c, &size));
    INLAY__TRY(inlay__pool_new(c->weights->sys, config->n_threads, &c->pool));
    INLAY__TRY(inlay__gguf_file_open(&c->file, c->weights->sys, path, INLAY__GGUF_ALIGNMENT, 0));
    c->file.progress = config->progress;
    INLAY__TRY(put_header(c));
    c->file.total = inlay__gguf_file_size(&c->file) + size;
    INLAY__TRY(put_data(c));
    INLAY__TRY(inlay__weights_check(c->weights));
    return inlay__gguf_file_finish(&c->file);
}

int32_t inlay__weights_write(inlay__weights *w, const inlay__make_config *config, const inlay__gguf_texts *more,
                             const char *path) {
    if (inlay__weights_metadata(w)->packed != 0)
        return inlay__fail(INLAY_ERR_ARGUMENT, "file '%s': is packed, expected a file as published, or a folder",
                           inlay__weights_name(w));
    INLAY__TRY(inlay__weights_choose_types(w, config->type));
    converter c = {.weights = w, .more = more, .file = {.file = {.fd = -1}}};
    c.offsets = inlay__alloc_array(w->sys, w->n_tensors, sizeof *c.offsets);
    if (c.offsets == NULL) return INLAY_ERR_MEMORY;
    int32_t status = write_all(&c, config, path);
    inlay__gguf_file_close(&c.file);
    inlay__pool_free(c.pool);
    inlay__free(w->sys, c.offsets, w->n_tensors * sizeof *c.offsets);
    return status;
}
