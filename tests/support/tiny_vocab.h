/* Small byte-level vocabularies in memory, for tests of the tokenizer. */
#ifndef INLAY_TINY_VOCAB_H
#define INLAY_TINY_VOCAB_H

#include "support/gguf_writer.h"
#include "tokenizer/tokenizer.h"

/* Values of tokenizer.ggml.token_type. */
enum { VOCAB_UNDEFINED, VOCAB_NORMAL, VOCAB_UNKNOWN, VOCAB_CONTROL, VOCAB_USER_DEFINED, VOCAB_UNUSED, VOCAB_BYTE };

enum { TINY_VOCAB_MAX = 2048 };

/* Every field may be changed before tiny_vocab_open. Absent keys: NULL, -1. */
typedef struct tiny_vocab {
    const char *model, *pre;      /* "gpt2", "gpt-2" */
    char *tokens[TINY_VOCAB_MAX]; /* after tiny_vocab_init: token b is byte b, 0 to 255 */
    int32_t types[TINY_VOCAB_MAX];
    size_t n_tokens;
    char *merges[TINY_VOCAB_MAX];
    size_t n_merges;
    bool no_types, no_merges, no_tokens;
    int64_t bos, eos, unknown, pad; /* ids, written as u32 */
    int add_bos, add_eos;
    void (*more)(gguf_writer *w); /* adds further keys; before all others, so that its keys come first */
} tiny_vocab;

void tiny_vocab_init(tiny_vocab *v);
void tiny_vocab_free(tiny_vocab *v);
/* Adds a token and returns its id. */
int32_t tiny_vocab_token(tiny_vocab *v, const char *text, int32_t type);
/* Adds a merge "left right" and, where it is not there yet, the token that it gives; returns that one's id. */
int32_t tiny_vocab_merge(tiny_vocab *v, const char *merge);
/* The GGUF file, from malloc. */
uint8_t *tiny_vocab_file(const tiny_vocab *v, size_t *size);

/* Begun and finished on this thread. On failure *tokenizer is NULL. */
int32_t tiny_tokenizer_make(const inlay__sys *sys, const inlay__gguf *gguf, inlay__tokenizer **tokenizer);

/* A tokenizer with all that it stands on. */
typedef struct tiny_tokenizer {
    int32_t status;
    inlay__tokenizer *tokenizer; /* NULL after an error */
    inlay__gguf gguf;
    bool has_gguf;
    uint8_t *file;
} tiny_tokenizer;

tiny_tokenizer tiny_vocab_open(const tiny_vocab *v, const inlay__sys *sys);
tiny_tokenizer tiny_tokenizer_open_file(const uint8_t *data, size_t size,
                                        const inlay__sys *sys); /* data stays the caller's */
void tiny_tokenizer_close(tiny_tokenizer *t);

/* The ids of a text as "1 2 3", or the error's text: static storage, until the next call. */
const char *tiny_encode(const tiny_tokenizer *t, const char *text, size_t size, int32_t flags);
/* Text to ids and back gives the same bytes. */
bool tiny_round_trip(const tiny_tokenizer *t, const char *text, size_t size);

#endif
