/* Writing what was opened as a GGUF file. */
#ifndef INLAY_CONVERT_H
#define INLAY_CONVERT_H

#include "format/gguf_file.h"
#include "import/make.h"

/* `weights` were opened and nothing was made of them yet. Tensors are made, quantised where `config` has a type, and
 * written one after another, so that the largest of them is what is in memory. Progress is in bytes of the new file;
 * after an error nothing is left of it. Errors: _ARGUMENT (a packed file), _UNSUPPORTED (a type that no file holds),
 * _IO, _MEMORY, _THREAD, _CANCELLED, _CHANGED. */
int32_t inlay__weights_write(inlay__weights *weights, const inlay__make_config *config, const inlay__gguf_texts *more,
                             const char *path);

#endif
