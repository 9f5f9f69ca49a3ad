/* One tensor of a model file, whatever the container. */
#ifndef INLAY_TENSOR_H
#define INLAY_TENSOR_H

#include "base/base.h"

typedef struct inlay__text {
    const char *text; /* NUL-terminated, and may hold NULs before */
    size_t size;
} inlay__text;

typedef struct inlay__tensor {
    inlay__text name;
    uint32_t type;       /* a type that inlay__dtype_get knows, not always one that runs */
    bool packed;         /* in panels instead of rows: format/packed.h */
    uint32_t n_dims;     /* 1 to 4 */
    uint64_t shape[4];   /* fastest first, unused ones 1; none is 0 */
    uint64_t n_elements;
    uint64_t size;       /* bytes */
    uint64_t place;      /* of a GGUF file: where its data begins in it */
    const uint8_t *data; /* [size] any alignment; NULL: to be read (inlay__weights_read) */
} inlay__tensor;

#endif
