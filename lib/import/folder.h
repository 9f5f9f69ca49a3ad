/* A folder while it is opened: its files by name, and its safetensors files. */
#ifndef INLAY_FOLDER_H
#define INLAY_FOLDER_H

#include "base/json.h"
#include "format/weights.h"

typedef struct inlay__folder {
    const inlay__sys *sys;
    const char *path;        /* [path_size] with the '/' at its end, or empty for the current one */
    size_t path_size;
    int32_t load;            /* INLAY_LOAD_ */
    inlay__progress *progress; /* or NULL */
    inlay__weights *weights; /* what is being opened; part 0 is config.json */
} inlay__folder;

/* The path of a file in it; give it back with the name it was made of. Errors: _MEMORY. */
int32_t inlay__folder_path(const inlay__folder *folder, const char *name, char **path);
void inlay__folder_free_path(const inlay__folder *folder, const char *name, char *path);

/* A copy of a file's bytes, *there false and nothing where there is no such file; and one that is JSON, then without
 * nodes. Errors: _IO, _FORMAT, _UNSUPPORTED (more than max_size bytes), _MEMORY. */
int32_t inlay__folder_read(const inlay__folder *folder, const char *name, size_t max_size, inlay__file *file,
                           bool *there);
int32_t inlay__folder_read_json(const inlay__folder *folder, const char *name, size_t max_size, inlay__json *json);

/* Opens one safetensors file as a part; or model.safetensors, or all that model.safetensors.index.json names. */
int32_t inlay__folder_open_file(inlay__folder *folder, const char *name);
int32_t inlay__folder_open_files(inlay__folder *folder);

#endif
