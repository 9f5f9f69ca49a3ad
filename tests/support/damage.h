/* Every way of damaging a file a little: cut at every length, every bit flipped, every field overwritten. Ways are
 * numbered, so that a run over them can be sampled, shared out, and begun anew anywhere. */
#ifndef INLAY_DAMAGE_H
#define INLAY_DAMAGE_H

#include <stddef.h>
#include <stdint.h>

/* A file, and the part of it that is structure: of GGUF the header up to the data, of safetensors the length and the
 * JSON behind it, of JSON all. */
typedef struct damage_file {
    const char *name;
    const uint8_t *data;
    size_t size;
    size_t n_binary; /* data[0..n_binary) is structure of little-endian fields */
    size_t n_text;   /* and the n_text bytes behind them are JSON */
} damage_file;

/* How many ways there are. */
size_t damage_count(const damage_file *file);

/* The bytes of way i into `out`, which has room for file->size + DAMAGE_ROOM; returns their number. */
enum { DAMAGE_ROOM = 32 };
size_t damage_apply(const damage_file *file, size_t i, uint8_t *out);

/* What way i is, in words. */
void damage_describe(const damage_file *file, size_t i, char *text, size_t capacity);

#endif
