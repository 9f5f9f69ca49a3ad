/* Writing GGUF files in memory, for tests. */
#include "support/gguf_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/gguf.h"

/* --------------------------------------------------------------------- bytes */

void gguf_bytes_put(gguf_bytes *b, const void *data, size_t size) {
    if (b->capacity - b->size < size) {
        b->capacity = (b->size + size) * 2;
        b->data = realloc(b->data, b->capacity);
        if (b->data == NULL) {
            fprintf(stderr, "out of memory while writing a test file\n");
            exit(2);
        }
    }
    if (size > 0) memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void put_little(gguf_bytes *b, uint64_t value, size_t size) {
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    gguf_bytes_put(b, bytes, size);
}

/* A number of 1, 2, 4 or 8 bytes, in the machine's order. */
static uint64_t load_number(const void *p, size_t size) {
    uint8_t one;
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (size) {
    case 1: return memcpy(&one, p, 1), one;
    case 2: return memcpy(&two, p, 2), two;
    case 4: return memcpy(&four, p, 4), four;
    default: return memcpy(&eight, p, 8), eight;
    }
}

void gguf_bytes_u8(gguf_bytes *b, uint8_t value) { put_little(b, value, 1); }
void gguf_bytes_u32(gguf_bytes *b, uint32_t value) { put_little(b, value, 4); }
void gguf_bytes_u64(gguf_bytes *b, uint64_t value) { put_little(b, value, 8); }

void gguf_bytes_string(gguf_bytes *b, const void *text, size_t size) {
    gguf_bytes_u64(b, size);
    gguf_bytes_put(b, text, size);
}

void gguf_bytes_pad(gguf_bytes *b, size_t alignment) {
    while (b->size % alignment != 0)
        gguf_bytes_u8(b, 0);
}

/* -------------------------------------------------------------------- writer */

void gguf_writer_init(gguf_writer *w) {
    memset(w, 0, sizeof *w);
    memcpy(w->magic, "GGUF", 4);
    w->version = 3;
    w->alignment = 32;
}

void gguf_writer_free(gguf_writer *w) {
    free(w->kv.data);
    free(w->infos.data);
    free(w->data.data);
    gguf_writer_init(w);
}

uint8_t *gguf_writer_finish(gguf_writer *w, size_t *size) {
    gguf_bytes file = {NULL, 0, 0};
    gguf_bytes_put(&file, w->magic, 4);
    gguf_bytes_u32(&file, w->version);
    gguf_bytes_u64(&file, w->n_tensors);
    gguf_bytes_u64(&file, w->n_kv);
    gguf_bytes_put(&file, w->kv.data, w->kv.size);
    gguf_bytes_put(&file, w->infos.data, w->infos.size);
    if (w->data.size > 0) {
        gguf_bytes_pad(&file, w->alignment);
        gguf_bytes_put(&file, w->data.data, w->data.size);
    }
    gguf_writer_free(w);
    *size = file.size;
    return file.data;
}

void gguf_writer_pair(gguf_writer *w, const void *key, size_t key_size, uint32_t type) {
    gguf_bytes_string(&w->kv, key, key_size);
    gguf_bytes_u32(&w->kv, type);
    w->n_kv++;
}

static void put_scalar(gguf_writer *w, const char *key, uint32_t type, uint64_t bits, size_t size) {
    gguf_writer_pair(w, key, strlen(key), type);
    put_little(&w->kv, bits, size);
}

void gguf_writer_u8(gguf_writer *w, const char *key, uint8_t value) { put_scalar(w, key, INLAY__GGUF_U8, value, 1); }
void gguf_writer_u16(gguf_writer *w, const char *key, uint16_t value) { put_scalar(w, key, INLAY__GGUF_U16, value, 2); }
void gguf_writer_u32(gguf_writer *w, const char *key, uint32_t value) { put_scalar(w, key, INLAY__GGUF_U32, value, 4); }
void gguf_writer_u64(gguf_writer *w, const char *key, uint64_t value) { put_scalar(w, key, INLAY__GGUF_U64, value, 8); }
void gguf_writer_bool(gguf_writer *w, const char *key, bool value) { put_scalar(w, key, INLAY__GGUF_BOOL, value, 1); }

void gguf_writer_i8(gguf_writer *w, const char *key, int8_t value) {
    put_scalar(w, key, INLAY__GGUF_I8, (uint64_t)(int64_t)value, 1);
}

void gguf_writer_i16(gguf_writer *w, const char *key, int16_t value) {
    put_scalar(w, key, INLAY__GGUF_I16, (uint64_t)(int64_t)value, 2);
}

void gguf_writer_i32(gguf_writer *w, const char *key, int32_t value) {
    put_scalar(w, key, INLAY__GGUF_I32, (uint64_t)(int64_t)value, 4);
}

void gguf_writer_i64(gguf_writer *w, const char *key, int64_t value) {
    put_scalar(w, key, INLAY__GGUF_I64, (uint64_t)value, 8);
}

void gguf_writer_f32(gguf_writer *w, const char *key, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_scalar(w, key, INLAY__GGUF_F32, bits, 4);
}

void gguf_writer_f64(gguf_writer *w, const char *key, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_scalar(w, key, INLAY__GGUF_F64, bits, 8);
}

void gguf_writer_string(gguf_writer *w, const char *key, const char *value) {
    gguf_writer_pair(w, key, strlen(key), INLAY__GGUF_STRING);
    gguf_bytes_string(&w->kv, value, strlen(value));
}

static void put_array_head(gguf_writer *w, const char *key, uint32_t type, size_t n) {
    gguf_writer_pair(w, key, strlen(key), INLAY__GGUF_ARRAY);
    gguf_bytes_u32(&w->kv, type);
    gguf_bytes_u64(&w->kv, n);
}

void gguf_writer_array(gguf_writer *w, const char *key, uint32_t type, const void *values, size_t n) {
    static const size_t sizes[INLAY__GGUF_N_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    put_array_head(w, key, type, n);
    const uint8_t *p = values;
    for (size_t i = 0; i < n; i++, p += sizes[type]) put_little(&w->kv, load_number(p, sizes[type]), sizes[type]);
}

void gguf_writer_strings(gguf_writer *w, const char *key, const char *const *values, size_t n) {
    put_array_head(w, key, INLAY__GGUF_STRING, n);
    for (size_t i = 0; i < n; i++)
        gguf_bytes_string(&w->kv, values[i], strlen(values[i]));
}

void gguf_writer_alignment(gguf_writer *w, uint32_t alignment) {
    w->alignment = alignment;
    gguf_writer_u32(w, "general.alignment", alignment);
}

void gguf_writer_tensor_info(gguf_writer *w, const void *name, size_t name_size, uint32_t type, uint32_t n_dims,
                             const uint64_t *shape, uint64_t offset) {
    gguf_bytes_string(&w->infos, name, name_size);
    gguf_bytes_u32(&w->infos, n_dims);
    for (uint32_t d = 0; d < n_dims && d < 8; d++)
        gguf_bytes_u64(&w->infos, shape[d]);
    gguf_bytes_u32(&w->infos, type);
    gguf_bytes_u64(&w->infos, offset);
    w->n_tensors++;
}

void gguf_writer_tensor(gguf_writer *w, const char *name, uint32_t type, uint32_t n_dims, const uint64_t *shape,
                        const void *data, size_t size) {
    gguf_bytes_pad(&w->data, w->alignment);
    gguf_writer_tensor_info(w, name, strlen(name), type, n_dims, shape, w->data.size);
    gguf_bytes_put(&w->data, data, size);
}

size_t gguf_writer_info_of(const gguf_writer *w, const char *name) {
    size_t n = strlen(name);
    for (size_t at = 0; at + 8 + n <= w->infos.size; at++)
        if (inlay__load_u64(w->infos.data + at) == n && memcmp(w->infos.data + at + 8, name, n) == 0) return at + 8 + n;
    fprintf(stderr, "the test file has no tensor '%s'\n", name);
    exit(2);
}
