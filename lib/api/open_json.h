/* Tokenizers that are described as a tokenizer.json and the files beside it: alone, as a model that has only its
 * vocabulary, in folders, and kept in GGUF files. */
#ifndef INLAY_OPEN_JSON_H
#define INLAY_OPEN_JSON_H

#include "format/gguf_file.h"
#include "handles.h"

/* A path that ends with ".json", or, where it is NULL, bytes that begin as a JSON object does. */
bool inlay__is_json(const char *path, const void *data, size_t size);

/* Makes the tokenizer, with what tokenizer_config.json and special_tokens_map.json beside the file say where they are
 * there. The model's weights are an open file without tensors. */
int32_t inlay__open_tokenizer_json(inlay_model *model, const char *path, const void *data, size_t size);

/* The tokenizer of a Hugging Face folder that is open; without a tokenizer.json there is none. */
int32_t inlay__open_folder_tokenizer(inlay_model *model);

/* A GGUF file may hold the folder's files whole, as texts among its metadata: whether it does and has no tokenizer of
 * GGUF's own, and the tokenizer that they describe. */
bool inlay__keeps_tokenizer_files(const inlay__gguf *metadata);
int32_t inlay__open_kept_tokenizer(inlay_model *model);

/* The files of an open folder, as such texts, which live until the files are closed, after an error too. */
enum { INLAY__TOKENIZER_FILES = 3 };
int32_t inlay__tokenizer_files_open(const inlay__weights *weights, inlay__file files[INLAY__TOKENIZER_FILES],
                                    inlay__gguf_texts *texts);
void inlay__tokenizer_files_close(const inlay__sys *sys, inlay__file files[INLAY__TOKENIZER_FILES]);

#endif
