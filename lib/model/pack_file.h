/* Writes a model in its packed form: format/packed.h. */
#ifndef INLAY_PACK_FILE_H
#define INLAY_PACK_FILE_H

#include "format/gguf_file.h"
#include "model/model.h"

/* What the file gets that its metadata did not hold. */
typedef struct inlay__pack_more {
    uint32_t *merges; /* [n_merges, 2] what the tokenizer of the file found out, for the next time: format/packed.h */
    size_t n_merges;
    inlay__gguf_texts texts; /* the tokenizer of a folder */
} inlay__pack_more;

/* `model` was opened with INLAY_PACK_NEVER, from weights of its own. Threads and progress (in bytes of the new file)
 * are those of `config`. After an error nothing is left of the file. Errors: _ARGUMENT (packed already), _IO, _MEMORY,
 * _THREAD, _CANCELLED. */
int32_t inlay__model_write_packed(inlay__model *model, const inlay__model_config *config, const inlay__pack_more *more,
                                  const char *path);

#endif
