/* Writes GGUF files in memory, for tests: well-formed ones, and by raw access every other kind.
 *
 *     gguf_writer w;
 *     gguf_writer_init(&w);
 *     gguf_writer_u32(&w, "llama.block_count", 2);
 *     gguf_writer_tensor(&w, "a", INLAY_TYPE_F32, 2, (uint64_t[]){4, 3}, values, sizeof values);
 *     uint8_t *file = gguf_writer_finish(&w, &size);
 *     ... free(file);
 */
#ifndef INLAY_GGUF_WRITER_H
#define INLAY_GGUF_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct gguf_bytes {
    uint8_t *data; /* [size] */
    size_t size, capacity;
} gguf_bytes;

void gguf_bytes_put(gguf_bytes *b, const void *data, size_t size);
void gguf_bytes_u8(gguf_bytes *b, uint8_t value);
void gguf_bytes_u32(gguf_bytes *b, uint32_t value);
void gguf_bytes_u64(gguf_bytes *b, uint64_t value);
void gguf_bytes_string(gguf_bytes *b, const void *text, size_t size); /* u64 size, bytes */
void gguf_bytes_pad(gguf_bytes *b, size_t alignment);

/* Every field may be changed before gguf_writer_finish, to write a file that lies. */
typedef struct gguf_writer {
    char magic[4];
    uint32_t version;    /* 3 */
    uint64_t n_tensors;  /* as the header will say; counted up by the functions below */
    uint64_t n_kv;
    uint32_t alignment;  /* of tensor data; 32 unless gguf_writer_alignment is called */
    gguf_bytes kv, infos, data;
} gguf_writer;

void gguf_writer_init(gguf_writer *w);
/* The file's bytes, from malloc. The writer is empty afterwards. */
uint8_t *gguf_writer_finish(gguf_writer *w, size_t *size);
/* Drops what was written. */
void gguf_writer_free(gguf_writer *w);

/* Sets the alignment and adds general.alignment. */
void gguf_writer_alignment(gguf_writer *w, uint32_t alignment);

void gguf_writer_u8(gguf_writer *w, const char *key, uint8_t value);
void gguf_writer_i8(gguf_writer *w, const char *key, int8_t value);
void gguf_writer_u16(gguf_writer *w, const char *key, uint16_t value);
void gguf_writer_i16(gguf_writer *w, const char *key, int16_t value);
void gguf_writer_u32(gguf_writer *w, const char *key, uint32_t value);
void gguf_writer_i32(gguf_writer *w, const char *key, int32_t value);
void gguf_writer_f32(gguf_writer *w, const char *key, float value);
void gguf_writer_bool(gguf_writer *w, const char *key, bool value);
void gguf_writer_string(gguf_writer *w, const char *key, const char *value);
void gguf_writer_u64(gguf_writer *w, const char *key, uint64_t value);
void gguf_writer_i64(gguf_writer *w, const char *key, int64_t value);
void gguf_writer_f64(gguf_writer *w, const char *key, double value);

/* n numbers of a type INLAY__GGUF_..., in memory as in the file. */
void gguf_writer_array(gguf_writer *w, const char *key, uint32_t type, const void *values, size_t n);
void gguf_writer_strings(gguf_writer *w, const char *key, const char *const *values, size_t n);

/* Only the key and type of a pair; its value is for the caller to put into w->kv. */
void gguf_writer_pair(gguf_writer *w, const void *key, size_t key_size, uint32_t type);

/* A tensor with its data, aligned. */
void gguf_writer_tensor(gguf_writer *w, const char *name, uint32_t type, uint32_t n_dims, const uint64_t *shape,
                        const void *data, size_t size);
/* Only its entry in the table; data is for the caller to put into w->data. Writes min(n_dims, 8) dimensions. */
void gguf_writer_tensor_info(gguf_writer *w, const void *name, size_t name_size, uint32_t type, uint32_t n_dims,
                             const uint64_t *shape, uint64_t offset);

/* Where in w->infos a tensor's entry goes on after its name (u32 n_dims, u64 shape[n_dims], u32 type, u64 offset), for
 * tests that change it. Ends the program when there is no such tensor. */
size_t gguf_writer_info_of(const gguf_writer *w, const char *name);

#endif
