/* Small complete models of every family with random weights, as a Hugging Face folder and as a GGUF file: of the shapes
 * that tests/python/family_goldens.json lists. The same name gives the same bytes everywhere. */
#ifndef INLAY_FAMILY_FOLDER_H
#define INLAY_FAMILY_FOLDER_H

#include <stddef.h>
#include <stdint.h>

#include "format/gguf.h"
#include "support/gguf_writer.h"

/* The files of a folder, from malloc. */
typedef struct family_folder {
    char *config;      /* config.json */
    size_t config_size;
    char *tokenizer;   /* tokenizer.json: byte-level pairs over a part of ASCII */
    size_t tokenizer_size;
    uint8_t *weights;  /* model.safetensors, F32 */
    size_t weights_size;
} family_folder;

size_t family_count(void);
/* "llama tied"; they live until the process ends. */
const char *family_name(size_t i);

/* What goes wrong here ends the test program. */
family_folder family_folder_make(size_t i);
void family_folder_free(family_folder *folder);

/* Kinds of tokenizers that a small vocabulary will do for. */
enum { FAMILY_TOKENIZERS = 5 };
extern const char *const family_tokenizers[FAMILY_TOKENIZERS];

/* The same model as GGUF, from malloc: metadata and tensors as the library reads them from the folder, and a vocabulary
 * of one of the tokenizers. */
uint8_t *family_gguf(const family_folder *folder, const char *tokenizer, size_t *size);

/* Puts all pairs and tensors of a file into `w`, but for the pair of this key. */
void family_gguf_without(const inlay__gguf *gguf, const char *key, gguf_writer *w);

#endif
