/* Opening a model, whatever it is: a GGUF file, a Hugging Face folder, or an n-gram model in ARPA format. */
#ifndef INLAY_IMPORT_H
#define INLAY_IMPORT_H

#include "format/weights.h"

/* Opens a GGUF file (format/weights.h), a folder with config.json and safetensors files, one safetensors file beside
 * its config.json, or an ARPA file (import/arpa.h). `sys` must outlive the weights. Errors: _IO, _FORMAT, _UNSUPPORTED,
 * _MEMORY, _CHANGED, _CANCELLED. What is no path is a GGUF file or, in memory, an ARPA file; the bytes of the former
 * must outlive the weights. */
int32_t inlay__import_open(const inlay__sys *sys, const inlay__source *source, inlay__weights *weights);

/* The bytes of a small file of a folder that was opened, such as "tokenizer.json"; *there tells whether it is there.
 * Close it with inlay__file_close. Errors: _IO, _FORMAT (empty, or of more than `max_size` bytes), _MEMORY. */
int32_t inlay__import_read(const inlay__weights *weights, const char *name, size_t max_size, inlay__file *file,
                           bool *there);

/* Gives weights that were opened empty, under the path of a tokenizer.json, the chat template of the files beside it as metadata.
 * Errors: _IO, _FORMAT, _UNSUPPORTED, _MEMORY. */
int32_t inlay__import_read_template(inlay__weights *weights);

/* Whether the weights are those of a folder. */
bool inlay__import_is_folder(const inlay__weights *weights);

#endif
