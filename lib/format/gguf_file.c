/* Writes GGUF files piece by piece, through one buffer. */
#include "format/gguf_file.h"

#include "format/packed.h"

enum { BUFFER_SIZE = 16 << 20, VERSION = 3 };

/* ------------------------------------------------------------------------ life */

int32_t inlay__gguf_file_open(inlay__gguf_file *f, const inlay__sys *sys, const char *path, size_t alignment,
                              size_t least) {
    *f = (inlay__gguf_file){.sys = sys, .alignment = alignment, .file = {.fd = -1}};
    f->capacity = inlay__max_size(least, BUFFER_SIZE);
    f->buffer = inlay__alloc(sys, f->capacity);
    if (f->buffer == NULL) return INLAY_ERR_MEMORY;
    return inlay__out_file_open(sys, path, &f->file);
}

void inlay__gguf_file_close(inlay__gguf_file *f) {
    inlay__out_file_drop(&f->file);
    if (f->buffer != NULL) inlay__free(f->sys, f->buffer, f->capacity);
    f->buffer = NULL;
}

static int32_t flush(inlay__gguf_file *f) {
    INLAY__TRY(inlay__out_file_write(&f->file, f->buffer, f->used));
    f->used = 0;
    if (f->total == 0 || f->progress == NULL) return INLAY_OK;
    f->progress->done = f->file.size;
    f->progress->total = f->total;
    return inlay__progress_tell(f->progress);
}

int32_t inlay__gguf_file_finish(inlay__gguf_file *f) {
    INLAY__TRY(flush(f));
    return inlay__out_file_finish(&f->file);
}

/* ----------------------------------------------------------------------- bytes */

int32_t inlay__gguf_file_bytes(inlay__gguf_file *f, const void *data, size_t size) {
    const uint8_t *bytes = data;
    while (size > 0) {
        if (f->used == f->capacity) INLAY__TRY(flush(f));
        size_t n = inlay__min_size(size, f->capacity - f->used);
        memcpy(f->buffer + f->used, bytes, n);
        f->used += n;
        bytes += n;
        size -= n;
    }
    return INLAY_OK;
}

int32_t inlay__gguf_file_room(inlay__gguf_file *f, size_t size) {
    return f->capacity - f->used < size ? flush(f) : INLAY_OK;
}

static int32_t put_number(inlay__gguf_file *f, uint64_t value, size_t size) {
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
    return inlay__gguf_file_bytes(f, bytes, size);
}

static int32_t put_u32(inlay__gguf_file *f, uint32_t value) { return put_number(f, value, 4); }
static int32_t put_u64(inlay__gguf_file *f, uint64_t value) { return put_number(f, value, 8); }

static int32_t put_text(inlay__gguf_file *f, const char *text, size_t size) {
    INLAY__TRY(put_u64(f, size));
    return inlay__gguf_file_bytes(f, text, size);
}

bool inlay__gguf_file_align(size_t alignment, uint64_t *n) {
    uint64_t up;
    if (!inlay__add_u64(*n, alignment - 1, &up) || up > INT64_MAX) return false;
    *n = up / alignment * alignment;
    return true;
}

int32_t inlay__gguf_file_pad(inlay__gguf_file *f) {
    size_t past = (size_t)(inlay__gguf_file_size(f) % f->alignment);
    for (size_t i = past; past > 0 && i < f->alignment; i++)
        INLAY__TRY(put_number(f, 0, 1));
    return INLAY_OK;
}

/* ----------------------------------------------------------------------- pieces */

int32_t inlay__gguf_file_head(inlay__gguf_file *f, uint64_t n_tensors, uint64_t n_kv) {
    INLAY__TRY(inlay__gguf_file_bytes(f, "GGUF", 4));
    INLAY__TRY(put_u32(f, VERSION));
    INLAY__TRY(put_u64(f, n_tensors));
    return put_u64(f, n_kv);
}

static int32_t put_key(inlay__gguf_file *f, const char *key, uint32_t type) {
    INLAY__TRY(put_text(f, key, strlen(key)));
    return put_u32(f, type);
}

int32_t inlay__gguf_file_u32(inlay__gguf_file *f, const char *key, uint32_t value) {
    INLAY__TRY(put_key(f, key, INLAY__GGUF_U32));
    return put_u32(f, value);
}

int32_t inlay__gguf_file_u32s(inlay__gguf_file *f, const char *key, const uint32_t *values, size_t n) {
    INLAY__TRY(put_key(f, key, INLAY__GGUF_ARRAY));
    INLAY__TRY(put_u32(f, INLAY__GGUF_U32));
    INLAY__TRY(put_u64(f, n));
    for (size_t i = 0; i < n; i++)
        INLAY__TRY(put_u32(f, values[i]));
    return INLAY_OK;
}

int32_t inlay__gguf_file_string(inlay__gguf_file *f, const char *key, inlay__text text) {
    INLAY__TRY(put_key(f, key, INLAY__GGUF_STRING));
    return put_text(f, text.text, text.size);
}

/* Numbers that were read as runs, as they stood in the file. */
static int32_t put_runs(inlay__gguf_file *f, const inlay__gguf_kv *kv) {
    for (size_t i = 0; i < kv->n_values; i++) {
        uint32_t bits;
        inlay__gguf_bits(kv, i, 1, &bits);
        INLAY__TRY(put_u32(f, bits));
    }
    return INLAY_OK;
}

int32_t inlay__gguf_file_pair(inlay__gguf_file *f, const inlay__gguf_kv *kv) {
    INLAY__TRY(put_text(f, kv->key.text, kv->key.size));
    if (kv->is_array) INLAY__TRY(put_u32(f, INLAY__GGUF_ARRAY));
    INLAY__TRY(put_u32(f, kv->type));
    if (kv->is_array) INLAY__TRY(put_u64(f, kv->n_values));
    if (kv->runs != NULL) return put_runs(f, kv);
    if (kv->type != INLAY__GGUF_STRING)
        return inlay__gguf_file_bytes(f, kv->values, inlay__gguf_value_size(kv->type) * (size_t)kv->n_values);
    for (uint64_t i = 0; i < kv->n_values; i++) {
        inlay__text text = inlay__gguf_string(kv, i);
        INLAY__TRY(put_text(f, text.text, text.size));
    }
    return INLAY_OK;
}

int32_t inlay__gguf_file_entry(inlay__gguf_file *f, const inlay__tensor *t, uint32_t type, uint64_t offset) {
    INLAY__TRY(put_text(f, t->name.text, t->name.size));
    INLAY__TRY(put_u32(f, t->n_dims));
    for (uint32_t d = 0; d < t->n_dims; d++)
        INLAY__TRY(put_u64(f, t->shape[d]));
    INLAY__TRY(put_u32(f, type));
    return put_u64(f, offset);
}

/* Keys that describe the old file, and those that are written anew. */
static bool is_of_the_file(inlay__text key) {
    static const char *const keys[] = {"general.alignment", "split.no", "split.count", "split.tensors.count",
                                       INLAY__PACKED_MERGES};
    for (size_t i = 0; i < INLAY__COUNT(keys); i++)
        if (strcmp(key.text, keys[i]) == 0) return true;
    return false;
}

int32_t inlay__gguf_file_metadata(inlay__gguf_file *f, uint64_t n_tensors, const inlay__gguf *from,
                                  const inlay__gguf_texts *more, uint64_t n_more) {
    uint64_t n = n_more + more->n;
    for (size_t i = 0; i < from->n_kv; i++)
        n += !is_of_the_file(from->kv[i].key);
    INLAY__TRY(inlay__gguf_file_head(f, n_tensors, n));
    for (size_t i = 0; i < from->n_kv; i++)
        if (!is_of_the_file(from->kv[i].key)) INLAY__TRY(inlay__gguf_file_pair(f, &from->kv[i]));
    for (size_t i = 0; i < more->n; i++)
        INLAY__TRY(inlay__gguf_file_string(f, more->keys[i], more->texts[i]));
    return INLAY_OK;
}
