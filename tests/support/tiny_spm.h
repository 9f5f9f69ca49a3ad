/* A small SentencePiece vocabulary, one at a time, for the tests of spm.c. */
#ifndef INLAY_TINY_SPM_H
#define INLAY_TINY_SPM_H

#include "support/tiny_vocab.h"

/* The first tokens, and where those of bytes begin. */
enum { SPM_UNKNOWN, SPM_BOS, SPM_EOS, SPM_FIRST_BYTE };

/* What the file will say, to be changed between spm_begin and spm_open. */
extern tiny_vocab spm_vocab;
extern float spm_scores[TINY_VOCAB_MAX];
extern int spm_space_prefix; /* -1: not said */

/* The unknown, BOS and EOS, and with `bytes` a token for each byte; no space before the text. */
void spm_begin(bool bytes);
/* Adds a token and returns its id. */
int32_t spm_piece(const char *text, float score);
/* The scores and the space prefix: spm_vocab.more, unless that is changed. */
void spm_put_keys(gguf_writer *w);

tiny_tokenizer spm_open(void);
/* The vocabulary too. */
void spm_close(tiny_tokenizer *t);

#endif
