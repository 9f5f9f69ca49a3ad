/* Text to token ids and back. A tokenizer is immutable once made; any thread may use it. */
#ifndef INLAY_TOKENIZER_H
#define INLAY_TOKENIZER_H

#include "base/base.h"
#include "base/pool.h"
#include "format/gguf.h"

typedef struct inlay__tokenizer inlay__tokenizer;

/* Makes the tokenizer that a GGUF file's tokenizer.ggml.* metadata describe, but for what several threads can share:
 * that is done by inlay__tokenizer_finish, before which it is no good, on the pool's threads or, NULL, the caller's. The
 * gguf must outlive it. `name` is the file in error messages. Errors: _FORMAT (arrays of a wrong type or length, ids out
 * of the vocabulary), _UNSUPPORTED (family or pre-tokenizer, named), _MEMORY, _THREAD. When finishing fails, free it. */
int32_t inlay__tokenizer_begin(const inlay__sys *sys, const char *name, const inlay__gguf *gguf,
                               inlay__tokenizer **tokenizer);
int32_t inlay__tokenizer_finish(inlay__tokenizer *tokenizer, const char *name, const inlay__gguf *gguf,
                                inlay__pool *pool);

/* The files of a Hugging Face folder that tell of a tokenizer. Texts that are NULL are not there. */
typedef struct inlay__tokenizer_files {
    inlay__text tokenizer;          /* tokenizer.json */
    inlay__text config;             /* tokenizer_config.json */
    inlay__text special_tokens_map; /* special_tokens_map.json */
    const inlay__gguf *metadata;    /* of the model they belong to, or NULL: more tokens that end a text */
} inlay__tokenizer_files;

/* Whether a tokenizer_config.json says all of its tokenizer, as that of ByT5 does: it can be given as tokenizer.json.
 * One that is no JSON does not. Errors: _MEMORY. */
int32_t inlay__tokenizer_config_is_bytes(const inlay__sys *sys, inlay__text config, bool *is);
/* The tokenizer of a tokenizer.json, whose text is not needed afterwards. It does what the package tokenizers 0.23
 * does; truncation and padding are not read. Errors: as above. */
int32_t inlay__tokenizer_from_json(const inlay__sys *sys, const char *name, const inlay__tokenizer_files *files,
                                   inlay__tokenizer **tokenizer);
void inlay__tokenizer_free(inlay__tokenizer *tokenizer);

/* The functions below are the bodies of inlay_tokenize, inlay_detokenize, inlay_stream_text, ... in
 * inlay.h, whose words on results and errors hold. Arguments were checked for NULL. */
int32_t inlay__tokenizer_encode(const inlay__tokenizer *tokenizer, const char *text, size_t size, int32_t flags,
                                int32_t *tokens, size_t capacity, size_t *n_tokens);
/* The same with spans [capacity, 2]; NULL for none. */
int32_t inlay__tokenizer_encode_spans(const inlay__tokenizer *tokenizer, const char *text, size_t size, int32_t flags,
                                      int32_t *tokens, size_t *spans, size_t capacity, size_t *n_tokens);
/* The same into an encoder, which is empty; free it also after an error. */
struct inlay__encoder;
int32_t inlay__tokenizer_run(const inlay__tokenizer *tokenizer, struct inlay__encoder *encoder, const char *text,
                             size_t size, int32_t flags);
/* batch.c; `sys` is the tokenizer's. */
int32_t inlay__tokenizer_encode_batch(const inlay__tokenizer *tokenizer, const inlay__sys *sys,
                                      const char *const *texts, const size_t *sizes, size_t n_texts, int32_t flags,
                                      size_t n_threads, int32_t *tokens, size_t capacity, size_t *starts);
/* The bytes that a token adds inside a text. */
int32_t inlay__tokenizer_token_bytes(const inlay__tokenizer *tokenizer, int32_t token, char *text, size_t capacity,
                                     size_t *size);
/* Encodes text of which only the bytes with mark 0 may become control tokens; `marks` has one for each byte. No token
 * is added at the beginning or end. */
int32_t inlay__tokenizer_encode_marked(const inlay__tokenizer *tokenizer, const char *text, const uint8_t *marks,
                                       size_t size, int32_t *tokens, size_t capacity, size_t *n_tokens);
int32_t inlay__tokenizer_decode(const inlay__tokenizer *tokenizer, const int32_t *tokens, size_t n_tokens, char *text,
                                size_t capacity, size_t *size);
int32_t inlay__tokenizer_stream(const inlay__tokenizer *tokenizer, uint64_t *state, int32_t token, char *text,
                                size_t capacity, size_t *size);
bool inlay__tokenizer_find(const inlay__tokenizer *tokenizer, const char *text, size_t size, int32_t *token);

/* The tokens of both sides of the merges of a GGUF file, [*n, 2] in new memory; *sides is NULL and *n 0 for tokenizers
 * without byte-pair encoding of bytes. Errors: _MEMORY. */
int32_t inlay__tokenizer_merge_sides(const inlay__tokenizer *tokenizer, const inlay__gguf *gguf, uint32_t **sides,
                                     size_t *n);

size_t inlay__tokenizer_n_vocab(const inlay__tokenizer *tokenizer);
/* id < n_vocab */
inlay__text inlay__tokenizer_token_text(const inlay__tokenizer *tokenizer, int32_t id);
/* INLAY_TOKEN_ bits. End tokens are EOS, EOT, EOM and the control tokens by which the known chat formats end a
 * turn ("<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", ...). */
int32_t inlay__tokenizer_token_flags(const inlay__tokenizer *tokenizer, int32_t id);
/* Whether a token of the model, >= 0, ends an answer. None does without a tokenizer, NULL, nor those that only the
 * model has, whose matrix may have more rows. */
static inline bool inlay__tokenizer_ends(const inlay__tokenizer *tokenizer, int32_t id) {
    if (tokenizer == NULL || (size_t)id >= inlay__tokenizer_n_vocab(tokenizer)) return false;
    return (inlay__tokenizer_token_flags(tokenizer, id) & INLAY_TOKEN_END) != 0;
}
/* "gpt2/smollm" */
const char *inlay__tokenizer_name(const inlay__tokenizer *tokenizer);

typedef struct inlay__special_tokens {
    int32_t bos, eos, unknown, pad; /* -1: none */
} inlay__special_tokens;
/* The tokens that are added before a text; how many. */
size_t inlay__tokenizer_before(const inlay__tokenizer *tokenizer, const int32_t **ids);
const inlay__special_tokens *inlay__tokenizer_special(const inlay__tokenizer *tokenizer);

#endif
