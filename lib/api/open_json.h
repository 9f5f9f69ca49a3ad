/* Opening a tokenizer.json alone, as a model that has only its vocabulary. */
#ifndef INLAY_OPEN_JSON_H
#define INLAY_OPEN_JSON_H

#include "handles.h"

/* A path that ends with ".json", or, where it is NULL, bytes that begin as a JSON object does. */
bool inlay__is_json(const char *path, const void *data, size_t size);

/* Makes the tokenizer, with what tokenizer_config.json and special_tokens_map.json beside the file say where they are
 * there. The model's weights are an open file without tensors. */
int32_t inlay__open_tokenizer_json(inlay_model *model, const char *path, const void *data, size_t size);

/* The tokenizer of a Hugging Face folder that is open; without a tokenizer.json there is none. */
int32_t inlay__open_folder_tokenizer(inlay_model *model);

#endif
