/* An open model file, or the parts of a split one: its metadata and its tensors by name,
 * whatever the container. */
#ifndef INLAY_WEIGHTS_H
#define INLAY_WEIGHTS_H

#include "base/map_file.h"
#include "format/gguf.h"
#include "format/tensor.h"

typedef struct inlay__weights_part {
    char *path; /* NULL for memory */
    size_t path_size;
    inlay__file file;
    inlay__gguf gguf;
} inlay__weights_part;

typedef struct inlay__weights {
    const inlay__sys *sys;
    inlay__weights_part *parts;   /* [n_parts]; the metadata is that of part 0 */
    size_t n_parts, part_capacity;
    const inlay__tensor *tensors; /* [n_tensors] in the files' order */
    size_t n_tensors;
    inlay__tensor *merged;        /* [n_tensors] tensors of all parts; NULL when there is one part */
    inlay__hash_map by_name;      /* of `merged` */
    uint64_t file_size;           /* bytes of all parts */
} inlay__weights;

/* Opens a GGUF file. A split one ("-00001-of-0000N.gguf", with split.count in its metadata) is
 * opened by its first part; the others are looked for beside it, under the names derived from its own.
 * `sys` must outlive the weights. Errors: _IO, _FORMAT, _UNSUPPORTED, _MEMORY, _CHANGED. */
int32_t inlay__weights_open(const inlay__sys *sys, const char *path, int32_t load, inlay__weights *weights);
int32_t inlay__weights_open_memory(const inlay__sys *sys, const void *data, size_t size, inlay__weights *weights);
void inlay__weights_close(inlay__weights *weights);

/* INLAY_ERR_CHANGED when a mapped file is not what it was at open. */
int32_t inlay__weights_check(const inlay__weights *weights);

/* Lets go of the memory of data[0..size) if it is a mapped file's, after it was packed; it stays readable. */
void inlay__weights_forget(const inlay__weights *weights, const uint8_t *data, size_t size);

/* Gets the pages of mapped files ready, until all are or `stop` is not 0: for a thread beside the one that opens. */
void inlay__weights_populate(const inlay__weights *weights, const atomic_int *stop);

const inlay__tensor *inlay__weights_find(const inlay__weights *weights, const char *name);

/* The metadata of part 0, and the file's name for messages ("memory" without a path). */
const inlay__gguf *inlay__weights_metadata(const inlay__weights *weights);
const char *inlay__weights_name(const inlay__weights *weights);

#endif
