/* An open model, whatever the container: its metadata and its tensors by name. A GGUF file is one part or, split,
 * several; of a Hugging Face folder (import/folder.h) part 0 is config.json and the others are the safetensors
 * files. */
#ifndef INLAY_WEIGHTS_H
#define INLAY_WEIGHTS_H

#include "base/map_file.h"
#include "format/gguf.h"
#include "format/gguf_write.h"
#include "format/recipe.h"
#include "format/safetensors.h"
#include "format/tensor.h"

typedef struct inlay__weights_part {
    char *path; /* or what messages call it; NULL for memory */
    size_t path_size;
    inlay__file file;
    inlay__gguf gguf;               /* of config.json only what became metadata */
    inlay__safetensors safetensors;
} inlay__weights_part;

/* The memory of one tensor that was made. */
typedef struct inlay__made {
    uint8_t *memory;  /* [size] or NULL */
    size_t size;
    size_t forgotten; /* bytes that are not needed any more */
} inlay__made;

typedef struct inlay__weights {
    const inlay__sys *sys;
    inlay__weights_part *parts;   /* [n_parts]; the metadata is that of part 0 */
    size_t n_parts, part_capacity;
    const inlay__tensor *tensors; /* [n_tensors] in the files' order */
    size_t n_tensors;
    inlay__tensor *merged;        /* [n_tensors] tensors of all parts; NULL when `tensors` are those of one GGUF file */
    size_t table_capacity;        /* of `merged` and what goes with it */
    inlay__hash_map by_name;      /* of `merged` */
    uint64_t file_size;           /* bytes of all parts */

    /* For tensors that are not what the files hold but made of it (import/make.h), of which `merged` has the name, type
     * and shape from the start and the data from when they were made. NULL where there are none. */
    inlay__recipe *recipes;       /* [n_tensors] */
    inlay__made *made;            /* [n_tensors] */
    const uint8_t **sources;      /* [n_sources] what the recipes point to */
    size_t n_sources;
    char *names;                  /* [names_size] of `merged`, where they are not the files' */
    size_t names_size;
    /* What the files call a tensor, for messages; NULL: as it is called here. */
    void (*origin)(const struct inlay__weights *weights, const char *name, char *text, size_t capacity);
    const struct inlay__family *family;
} inlay__weights;

/* Opens a GGUF file. A split one ("-00001-of-0000N.gguf", with split.count in its metadata) is
 * opened by the path of its first part; the others are looked for beside it, under the names derived from its own.
 * `sys` must outlive the weights. Errors: _IO, _FORMAT, _UNSUPPORTED, _MEMORY, _CHANGED, _ARGUMENT, _CANCELLED. */
int32_t inlay__weights_open(const inlay__sys *sys, const inlay__source *source, inlay__weights *weights);
int32_t inlay__weights_open_memory(const inlay__sys *sys, const void *data, size_t size, inlay__weights *weights);
/* No file: neither tensors nor metadata, under the name that `path` is (NULL: "memory"). */
int32_t inlay__weights_open_empty(const inlay__sys *sys, const char *path, inlay__weights *weights);
/* What was written into memory, as from a file of the name `path` (NULL: "memory") of `file_size` bytes. The writer's
 * memory becomes the weights'. */
int32_t inlay__weights_open_written(inlay__gguf_writer *w, const char *path, uint64_t file_size,
                                    inlay__weights *weights);
void inlay__weights_close(inlay__weights *weights);

/* Steps of opening, for containers other than GGUF: a part more (its file then belongs to the weights), and the table
 * over `n` tensors, empty. */
int32_t inlay__weights_add_part(inlay__weights *weights, const char *path, size_t size, inlay__weights_part **part);
int32_t inlay__weights_make_table(inlay__weights *weights, size_t n);

/* Whether tensors have no data but places, from which they are read through the caller's function while the model
 * opens, and on the thread that opens it. */
bool inlay__weights_is_read(const inlay__weights *weights);
/* Bytes from a place on. Errors: _IO. */
int32_t inlay__weights_read(const inlay__weights *weights, uint64_t place, void *out, size_t size);
/* All of a tensor: its data or, read, `*memory` of its size, to be given back to the allocator. Errors: _IO, _MEMORY.
 * */
int32_t inlay__weights_get(const inlay__weights *weights, const inlay__tensor *tensor, const uint8_t **data,
                           uint8_t **memory);

/* INLAY_ERR_CHANGED when a mapped file is not what it was at open. */
int32_t inlay__weights_check(const inlay__weights *weights);

/* Lets go of the memory of data[0..size), after it was packed. A mapped file's stays readable; what was made is freed
 * when all of a tensor has been let go, other than token_embd.weight, which more than one may read. */
void inlay__weights_forget(const inlay__weights *weights, const uint8_t *data, size_t size);
/* Lets go of the memory of a mapped file's bytes alone; they stay readable, at the price of getting them again. */
void inlay__weights_forget_pages(const inlay__weights *weights, const uint8_t *data, size_t size);
/* The same of what stands before the tensors of GGUF files, all of which was copied. */
void inlay__weights_forget_files(const inlay__weights *weights);
void inlay__weights_forget_metadata(const inlay__weights *weights);

/* data[0] is of a tensor that was made, whose memory is let go with it, and not of a file. */
bool inlay__weights_is_made(const inlay__weights *weights, const uint8_t *data);

/* Gets the pages of mapped files ready, until all are or `stop` is not 0: for a thread beside the one that opens. */
void inlay__weights_populate(const inlay__weights *weights, const atomic_int *stop);

const inlay__tensor *inlay__weights_find(const inlay__weights *weights, const char *name);

/* What a message says behind a tensor's name: "" or, of a folder, " (layers.0.mlp.up_proj.weight)", whether it is there or
 * not. */
enum { INLAY__ORIGIN_SIZE = 128 };
const char *inlay__weights_origin(const inlay__weights *weights, const char *name, char text[INLAY__ORIGIN_SIZE]);

/* The metadata of part 0, and the file's name for messages ("memory" without a path). */
const inlay__gguf *inlay__weights_metadata(const inlay__weights *weights);
const char *inlay__weights_name(const inlay__weights *weights);

#endif
