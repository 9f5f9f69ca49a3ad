/* The tokenizers of GGUF files that are pipelines: WordPiece ("bert"), Unigram ("t5"), the trie of RWKV ("rwkv"),
 * byte-pair encoding that begins with characters ("gemma4", "whitespace", and "gpt2" with some pre-tokenizers), PLaMo 2
 * ("plamo2"), and "none" or "no_vocab". */
#ifndef INLAY_PIPELINE_GGUF_H
#define INLAY_PIPELINE_GGUF_H

#include "tokenizer/pipeline.h"

/* `vocab` is loaded, has no tokens for "none", and must outlive the pipeline. Free the pipeline after an error too. */
int32_t inlay__pipeline_from_gguf(const inlay__sys *sys, const char *name, const inlay__gguf *gguf, inlay__vocab *vocab,
                                  inlay__pipeline *pipeline);

/* Whether a file of model "gpt2" begins words with characters: its pre-tokenizer says so. */
bool inlay__pipeline_takes_pre(const inlay__gguf *gguf);

#endif
