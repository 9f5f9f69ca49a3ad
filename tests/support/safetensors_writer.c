#include "support/safetensors_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(int condition) {
    if (condition) return;
    fprintf(stderr, "safetensors_writer: a test's file is too large\n");
    abort();
}

void safetensors_writer_init(safetensors_writer *w) {
    memset(w, 0, sizeof *w);
    w->header[w->header_size++] = '{';
}

void safetensors_writer_put(safetensors_writer *w, const char *name, const char *dtype, const char *shape,
                            const void *data, size_t size) {
    size_t room = sizeof w->header - w->header_size;
    int n = snprintf(w->header + w->header_size, room,
                     "%s\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%zu,%zu]}",
                     w->header_size > 1 ? "," : "", name, dtype, shape, w->size, w->size + size);
    need(n > 0 && (size_t)n < room - 1 && size <= sizeof w->data - w->size);
    w->header_size += (size_t)n;
    memcpy(w->data + w->size, data, size);
    w->size += size;
}

void safetensors_writer_count(safetensors_writer *w, const char *name, const char *shape, size_t n, float first) {
    float values[1024];
    need(n <= 1024);
    for (size_t i = 0; i < n; i++) values[i] = first + (float)i;
    safetensors_writer_put(w, name, "F32", shape, values, n * sizeof *values);
}

uint8_t *safetensors_writer_finish(safetensors_writer *w, size_t *size) {
    w->header[w->header_size++] = '}';
    *size = 8 + w->header_size + w->size;
    uint8_t *file = malloc(*size);
    for (size_t i = 0; i < 8; i++) file[i] = (uint8_t)((uint64_t)w->header_size >> (8 * i));
    memcpy(file + 8, w->header, w->header_size);
    memcpy(file + 8 + w->header_size, w->data, w->size);
    return file;
}
