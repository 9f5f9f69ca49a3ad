/* What the files of sentence-transformers in a folder say. */
#ifndef INLAY_SENTENCES_H
#define INLAY_SENTENCES_H

#include "import/family.h"
#include "import/folder.h"

/* Puts pooling_type and normalize_embeddings, by modules.json or, where there is none, 1_Pooling, and the prompts of
 * config_sentence_transformers.json: sentence_transformers.prompt_names, .prompts and .default_prompt_name. Nothing
 * where the files are not there. Errors: _IO, _FORMAT, _UNSUPPORTED (a module or pooling that this version does not
 * know), _MEMORY. */
int32_t inlay__sentences_read(const inlay__folder *folder, inlay__config *config);

#endif
