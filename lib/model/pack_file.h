/* Writes a model in its packed form: format/packed.h. */
#ifndef INLAY_PACK_FILE_H
#define INLAY_PACK_FILE_H

#include "model/model.h"

/* What the tokenizer of the file found out, for the next time: format/packed.h. */
typedef struct inlay__merge_sides {
    uint32_t *tokens; /* [n, 2] */
    size_t n;         /* 0: nothing */
} inlay__merge_sides;

/* `model` was opened with INLAY_PACK_NEVER, from weights of its own. Threads and progress (in bytes of the new file)
 * are those of `config`. After an error nothing is left of the file. Errors: _ARGUMENT (packed already), _IO, _MEMORY,
 * _THREAD, _CANCELLED. */
int32_t inlay__model_write_packed(inlay__model *model, const inlay__model_config *config,
                                  const inlay__merge_sides *merges, const char *path);

#endif
