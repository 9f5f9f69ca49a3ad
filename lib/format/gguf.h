/* GGUF, versions 2 and 3, little-endian.
 *
 *     "GGUF"  u32 version  u64 n_tensors  u64 n_kv
 *     n_kv x       string key, u32 type, value
 *     n_tensors x  string name, u32 n_dims, u64 dim[n_dims], u32 type, u64 offset
 *     padding to general.alignment (default 32)
 *     tensor data: each at its offset from here, padded to the alignment
 *
 *     string = u64 size, bytes          array = u32 type, u64 n, values
 *
 * A parsed gguf points into the file's bytes, which must outlive it. Every count, offset and
 * size was checked against the file: what is in here can be followed without another check.
 * Metadata text (keys, string values) is copied out, so that a file which changes later cannot
 * change what was checked.
 */
#ifndef INLAY_GGUF_H
#define INLAY_GGUF_H

#include "base/base.h"
#include "base/hash_map.h"
#include "format/number_runs.h"
#include "format/tensor.h"

enum {
    INLAY__GGUF_U8, INLAY__GGUF_I8, INLAY__GGUF_U16, INLAY__GGUF_I16, INLAY__GGUF_U32, INLAY__GGUF_I32,
    INLAY__GGUF_F32, INLAY__GGUF_BOOL, INLAY__GGUF_STRING, INLAY__GGUF_ARRAY, INLAY__GGUF_U64,
    INLAY__GGUF_I64, INLAY__GGUF_F64, INLAY__GGUF_N_TYPES
};

typedef struct inlay__gguf_kv {
    inlay__text key;
    uint32_t type;           /* of the value, or of the elements of an array; never ARRAY */
    bool is_array;
    uint64_t n_values;       /* 1 for a scalar */
    const uint8_t *values;   /* numbers: little-endian, copied; NULL where there are runs. Strings: end to end, a NUL after each */
    const inlay__number_run *runs; /* [n_runs] in place of the values of an array of u32, i32 or f32; else NULL */
    uint32_t n_runs;
    const uint32_t *offsets; /* strings: [n_values + 1], where in `values` each begins; else NULL */
} inlay__gguf_kv;

typedef struct inlay__gguf {
    const inlay__sys *sys;
    uint32_t version;
    uint32_t packed;                /* the version of its packed form, 0 where it has none: format/packed.h */
    size_t n_kv, n_tensors;
    inlay__gguf_kv *kv;             /* [n_kv] in the file's order */
    inlay__tensor *tensors;         /* [n_tensors] in the file's order */
    inlay__hash_map kv_by_key;
    inlay__hash_map tensor_by_name;
    uint8_t *text;                  /* [text_size] what keys, names and values point into */
    size_t text_size;
} inlay__gguf;

/* Parses `size` bytes. `name` is the file in error messages. On failure nothing is held.
 * Errors: _FORMAT, _UNSUPPORTED (version, big-endian, tensor type, more metadata than makes sense),
 * _MEMORY, _CHANGED (the bytes changed during the call). Never takes more memory than the file's own size
 * plus 1 MiB. `sys` must outlive the gguf. */
int32_t inlay__gguf_parse(const inlay__sys *sys, const char *name, const uint8_t *data, size_t size, inlay__gguf *gguf);

/* The same of a file of which only the head is in memory, at least 24 bytes of it unless it has fewer: tensors have no
 * data then, only places. On failure `*wanted` is how many bytes of head may be enough, 0 when more cannot help. */
int32_t inlay__gguf_parse_head(const inlay__sys *sys, const char *name, const uint8_t *head, size_t head_size,
                               size_t file_size, inlay__gguf *gguf, size_t *wanted);
void inlay__gguf_free(inlay__gguf *gguf);

const inlay__gguf_kv *inlay__gguf_find(const inlay__gguf *gguf, const char *key);
const inlay__tensor *inlay__gguf_tensor_find(const inlay__gguf *gguf, const char *name);

/* Element i of a string kv (0 for a scalar); { NULL, 0 } when the kv is NULL, of another type or i is out of
 * range. It lives as long as the gguf. */
inlay__text inlay__gguf_string(const inlay__gguf_kv *kv, uint64_t i);
/* Element i of a numeric kv of any integer type (and bool) as int64, or of any numeric type as double;
 * false when the kv is NULL or of another type, i is out of range, or the value does not fit. */
bool inlay__gguf_i64(const inlay__gguf_kv *kv, uint64_t i, int64_t *value);
bool inlay__gguf_f64(const inlay__gguf_kv *kv, uint64_t i, double *value);
/* The bits of elements [begin, begin + n), which there are, of a kv of u32, i32 or f32. */
void inlay__gguf_bits(const inlay__gguf_kv *kv, size_t begin, size_t n, uint32_t *bits);
/* One such number as a float. */
float inlay__gguf_f32(const inlay__gguf_kv *kv, size_t i);
/* Bytes of a value of a type of numbers; 0 for strings and arrays. */
size_t inlay__gguf_value_size(uint32_t type);
/* The name of a value type: "u32", "string", ... */
const char *inlay__gguf_type_name(uint32_t type);

#endif
