/* Writing GGUF: each pair behind the last, each tensor's entry, the tensors, and the header when all are there. */
#include "format/gguf_write.h"

enum { HEADER_SIZE = 24, VERSION = 3, ALIGNMENT = 32, ELEMENT_SIZE = 4 };

static void put(inlay__gguf_writer *w, const void *data, size_t size) {
    size_t need;
    if (w->status != INLAY_OK) return;
    if (!inlay__add_size(w->size, size, &need)) {
        w->status = inlay__fail(INLAY_ERR_MEMORY, "out of memory: metadata do not fit an address space");
        return;
    }
    void *bytes = w->bytes;
    w->status = inlay__grow(w->sys, &bytes, &w->capacity, need, 1);
    if (w->status != INLAY_OK) return;
    w->bytes = bytes;
    if (size > 0) memcpy(w->bytes + w->size, data, size);
    w->size = need;
}

static void store(uint8_t *bytes, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(value >> (8 * i));
}

static void put_number(inlay__gguf_writer *w, uint64_t value, size_t size) {
    uint8_t bytes[8];
    store(bytes, value, size);
    put(w, bytes, size);
}

static void put_text(inlay__gguf_writer *w, const char *text, size_t size) {
    put_number(w, size, 8);
    put(w, text, size);
}

static void put_key(inlay__gguf_writer *w, const char *key, uint32_t type) {
    put_text(w, key, strlen(key));
    put_number(w, type, 4);
    w->n_kv++;
}

void inlay__gguf_writer_init(const inlay__sys *sys, inlay__gguf_writer *w) {
    const uint8_t header[HEADER_SIZE] = {0};
    *w = (inlay__gguf_writer){.sys = sys};
    put(w, header, sizeof header);
}

void inlay__gguf_writer_free(inlay__gguf_writer *w) {
    inlay__free(w->sys, w->bytes, w->capacity);
    w->bytes = NULL;
    w->size = w->capacity = 0;
}

void inlay__gguf_put_u32(inlay__gguf_writer *w, const char *key, uint32_t value) {
    put_key(w, key, INLAY__GGUF_U32);
    put_number(w, value, 4);
}

void inlay__gguf_put_f32(inlay__gguf_writer *w, const char *key, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(w, key, INLAY__GGUF_F32);
    put_number(w, bits, 4);
}

void inlay__gguf_put_bool(inlay__gguf_writer *w, const char *key, bool value) {
    put_key(w, key, INLAY__GGUF_BOOL);
    put_number(w, value, 1);
}

void inlay__gguf_put_string(inlay__gguf_writer *w, const char *key, const char *text, size_t size) {
    put_key(w, key, INLAY__GGUF_STRING);
    put_text(w, text, size);
}

void inlay__gguf_put_array(inlay__gguf_writer *w, const char *key, uint32_t type, const void *values, size_t n) {
    size_t size = type == INLAY__GGUF_U8 || type == INLAY__GGUF_I8 || type == INLAY__GGUF_BOOL ? 1 : 4;
    put_key(w, key, INLAY__GGUF_ARRAY);
    put_number(w, type, 4);
    put_number(w, n, 8);
    put(w, values, n * size);
}

void inlay__gguf_put_strings(inlay__gguf_writer *w, const char *key, const inlay__text *texts, size_t n) {
    put_key(w, key, INLAY__GGUF_ARRAY);
    put_number(w, INLAY__GGUF_STRING, 4);
    put_number(w, n, 8);
    for (size_t i = 0; i < n; i++) put_text(w, texts[i].text, texts[i].size);
}

uint64_t inlay__gguf_put_tensor(inlay__gguf_writer *w, const char *name, uint32_t type, size_t n) {
    uint64_t at = w->data_size, size;
    put_text(w, name, strlen(name));
    put_number(w, 1, 4);
    put_number(w, n, 8);
    put_number(w, type, 4);
    put_number(w, at, 8);
    w->n_tensors++;
    bool fits = inlay__mul_u64(n, ELEMENT_SIZE, &size) && inlay__add_u64(size, ALIGNMENT - 1, &size) &&
                inlay__add_u64(at, size / ALIGNMENT * ALIGNMENT, &w->data_size);
    if (!fits && w->status == INLAY_OK)
        w->status = inlay__fail(INLAY_ERR_MEMORY, "out of memory: tensors do not fit an address space");
    return at;
}

uint8_t *inlay__gguf_writer_place(inlay__gguf_writer *w) {
    size_t begin = 0, size = 0;
    if (w->status != INLAY_OK) return NULL;
    bool fits = inlay__add_size(w->size, ALIGNMENT - 1, &begin) && w->data_size <= SIZE_MAX &&
                inlay__add_size(begin / ALIGNMENT * ALIGNMENT, (size_t)w->data_size, &size);
    uint8_t *bytes = fits ? inlay__alloc_array(w->sys, size, 1) : NULL;
    if (bytes == NULL) {
        w->status = fits ? INLAY_ERR_MEMORY
                         : inlay__fail(INLAY_ERR_MEMORY, "out of memory: tensors do not fit an address space");
        return NULL;
    }
    memcpy(bytes, w->bytes, w->size);
    inlay__free(w->sys, w->bytes, w->capacity);
    w->bytes = bytes;
    w->size = w->capacity = size;
    return bytes + begin / ALIGNMENT * ALIGNMENT;
}

int32_t inlay__gguf_writer_finish(inlay__gguf_writer *w, const char *name, inlay__gguf *gguf) {
    INLAY__TRY(w->status);
    memcpy(w->bytes, "GGUF", 4);
    store(w->bytes + 4, VERSION, 4);
    store(w->bytes + 8, w->n_tensors, 8);
    store(w->bytes + 16, w->n_kv, 8);
    return inlay__gguf_parse(w->sys, name, w->bytes, w->size, gguf);
}
