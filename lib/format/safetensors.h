/* safetensors, the container of Hugging Face folders.
 *
 *     u64 n, little-endian  |  n bytes of JSON, spaces behind it  |  tensor data, to the end of the file
 *
 *     {"name": {"dtype": "F32", "shape": [512, 64], "data_offsets": [0, 131072]}, ..., "__metadata__": {"key": "text"}}
 *
 * Offsets count from the end of the JSON. The tensors fill the data from its first byte to its last, without holes and
 * without overlap; one that has no elements takes no bytes. As with GGUF, what a parsed file holds was checked against
 * the file's size and can be followed without another check; names are copied out.
 */
#ifndef INLAY_SAFETENSORS_H
#define INLAY_SAFETENSORS_H

#include "base/base.h"
#include "base/hash_map.h"
#include "format/tensor.h"

enum { INLAY__SAFETENSORS_MAX_DIMS = 8 };

/* What an element of a safetensors file may be. */
typedef enum inlay__safetensors_type {
    INLAY__ST_F64, INLAY__ST_F32, INLAY__ST_F16, INLAY__ST_BF16, INLAY__ST_F8_E4M3, INLAY__ST_F8_E5M2, INLAY__ST_I8,
    INLAY__ST_U8, INLAY__ST_I16, INLAY__ST_U16, INLAY__ST_I32, INLAY__ST_U32, INLAY__ST_I64, INLAY__ST_U64,
    INLAY__ST_BOOL, INLAY__ST_F8_E8M0, INLAY__ST_F8_E4M3FNUZ, INLAY__ST_F8_E5M2FNUZ, INLAY__ST_F6_E2M3,
    INLAY__ST_F6_E3M2, INLAY__ST_F4, INLAY__ST_C64, INLAY__ST_N_TYPES
} inlay__safetensors_type;

typedef struct inlay__safetensor {
    inlay__text name;
    inlay__safetensors_type type;
    uint32_t n_dims;                              /* 0: a single number */
    uint64_t shape[INLAY__SAFETENSORS_MAX_DIMS];  /* slowest first, as written; beyond n_dims 1 */
    uint64_t n_elements;                          /* 0 where a dimension is */
    uint64_t size;                                /* bytes */
    const uint8_t *data;                          /* [size] in the file's bytes, any alignment */
} inlay__safetensor;

typedef struct inlay__safetensors {
    const inlay__sys *sys;
    size_t n_tensors;
    inlay__safetensor *tensors; /* [n_tensors] in the order of the header */
    size_t tensor_capacity;     /* n_tensors, or one more */
    inlay__hash_map by_name;
    char *names;                /* [names_size] */
    size_t names_size;
} inlay__safetensors;

/* Parses `size` bytes, which must outlive the result. `name` is the file in error messages. On failure nothing is
 * held. Errors: _FORMAT, _UNSUPPORTED (more header than makes sense), _MEMORY. `sys` must outlive it. */
int32_t inlay__safetensors_parse(const inlay__sys *sys, const char *name, const uint8_t *data, size_t size,
                                 inlay__safetensors *file);
void inlay__safetensors_free(inlay__safetensors *file);

const inlay__safetensor *inlay__safetensors_find(const inlay__safetensors *file, const char *name);

/* The name of a type: "F8_E4M3". */
const char *inlay__safetensors_type_name(inlay__safetensors_type type);

#endif
