/* Writes safetensors files in memory, for tests. */
#ifndef INLAY_SAFETENSORS_WRITER_H
#define INLAY_SAFETENSORS_WRITER_H

#include <stddef.h>
#include <stdint.h>

typedef struct safetensors_writer {
    char header[8192];
    size_t header_size;
    uint8_t data[16384];
    size_t size;
} safetensors_writer;

void safetensors_writer_init(safetensors_writer *w);
/* A tensor whose shape is as in the header: "[2,3]". */
void safetensors_writer_put(safetensors_writer *w, const char *name, const char *dtype, const char *shape,
                            const void *data, size_t size);
/* n floats from `first` on, each one more: for tests that follow where elements go. */
void safetensors_writer_count(safetensors_writer *w, const char *name, const char *shape, size_t n, float first);
/* The file's bytes, from malloc. */
uint8_t *safetensors_writer_finish(safetensors_writer *w, size_t *size);

#endif
