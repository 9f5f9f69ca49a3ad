/* Writes GGUF into memory: metadata, then tensors. A failure is remembered: only the end needs a check. */
#ifndef INLAY_GGUF_WRITE_H
#define INLAY_GGUF_WRITE_H

#include "format/gguf.h"

typedef struct inlay__gguf_writer {
    const inlay__sys *sys;
    int32_t status;   /* the first failure */
    uint64_t n_kv, n_tensors;
    uint64_t data_size; /* of the tensors, each padded */
    uint8_t *bytes;   /* [size] a GGUF file, its header to be filled in at the end */
    size_t size, capacity;
} inlay__gguf_writer;

void inlay__gguf_writer_init(const inlay__sys *sys, inlay__gguf_writer *w);
void inlay__gguf_writer_free(inlay__gguf_writer *w);

void inlay__gguf_put_u32(inlay__gguf_writer *w, const char *key, uint32_t value);
void inlay__gguf_put_f32(inlay__gguf_writer *w, const char *key, float value);
void inlay__gguf_put_bool(inlay__gguf_writer *w, const char *key, bool value);
void inlay__gguf_put_string(inlay__gguf_writer *w, const char *key, const char *text, size_t size);
/* An array of n values of a type of one or four bytes, little-endian. */
void inlay__gguf_put_array(inlay__gguf_writer *w, const char *key, uint32_t type, const void *values, size_t n);

void inlay__gguf_put_strings(inlay__gguf_writer *w, const char *key, const inlay__text *texts, size_t n);

/* A tensor of one dimension and 4 bytes an element; after the last pair. Tells where its bytes will be, from the first
 * tensor's. */
uint64_t inlay__gguf_put_tensor(inlay__gguf_writer *w, const char *name, uint32_t type, size_t n);
/* After the last tensor: room for the bytes of all, which is cleared. NULL after a failure. The memory is then exactly
 * `size` long. */
uint8_t *inlay__gguf_writer_place(inlay__gguf_writer *w);

/* Fills in the header and reads the metadata back, as from a file called `name`. */
int32_t inlay__gguf_writer_finish(inlay__gguf_writer *w, const char *name, inlay__gguf *gguf);

#endif
