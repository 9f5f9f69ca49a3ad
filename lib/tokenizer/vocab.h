/* The tokens of a vocabulary: their texts, kinds and the ids with a role, from tokenizer.ggml.*. */
#ifndef INLAY_VOCAB_H
#define INLAY_VOCAB_H

#include "base/text_index.h"
#include "format/gguf.h"
#include "tokenizer/tokenizer.h"

typedef struct inlay__vocab {
    const inlay__sys *sys;
    size_t n_tokens;         /* at most INT32_MAX; 0 only of files that say they have none */
    const char *texts;       /* end to end, a NUL after each; the gguf's or own_texts */
    const uint32_t *offsets; /* [n_tokens + 1] where in `texts` each begins; the gguf's or own_offsets */
    uint8_t *flags;          /* [n_tokens] INLAY_TOKEN_ bits */
    char *own_texts;         /* [own_size] */
    uint32_t *own_offsets;   /* [n_tokens + 1] */
    size_t own_size;
    /* By text. Of tokens with one text the lowest id that plain text may become is found, and where plain text
     * may become none of them the lowest. */
    inlay__text_index by_text;
    bool unique;           /* no two tokens in it have one text */
    size_t max_token_size; /* bytes of the longest text */
    inlay__special_tokens special;
    bool add_bos, add_eos;
    bool add_bos_given; /* the file said it; else the pre-tokenizer does */
} inlay__vocab;

/* `name` is the file in error messages. On failure nothing is held. Errors: as inlay__tokenizer_begin. */
int32_t inlay__vocab_load(const inlay__sys *sys, const char *name, const inlay__gguf *gguf, inlay__vocab *vocab);
/* Marks the tokens of tokenizer.ggml.eos_token_ids, where a file has that list, as ends. */
int32_t inlay__vocab_load_ends(const char *name, const inlay__gguf *gguf, inlay__vocab *vocab);
/* The special tokens that nothing else has told, by the ids of tokenizer.ggml.bos_token_id and its kin. Ids that are no
 * tokens of the vocabulary say nothing. */
void inlay__vocab_fill_roles(const inlay__gguf *gguf, inlay__vocab *vocab);
/* The tokens of other files: copies the texts and clears the flags. Set these, then index the vocabulary. */
int32_t inlay__vocab_make(const inlay__sys *sys, const char *name, const inlay__text *texts, size_t n_tokens,
                          inlay__vocab *vocab);
/* Corrects the kinds of tokens that end turns and fills by_text. */
int32_t inlay__vocab_index(inlay__vocab *vocab);
void inlay__vocab_free(inlay__vocab *vocab);

bool inlay__vocab_find(const inlay__vocab *vocab, const char *text, size_t size, int32_t *id);

/* id < n_tokens */
static inline inlay__text inlay__vocab_text(const inlay__vocab *vocab, int32_t id) {
    uint32_t begin = vocab->offsets[id];
    return (inlay__text){vocab->texts + begin, vocab->offsets[id + 1] - 1 - begin};
}

/* Plain text may become this token. Control tokens come only from their names, and only when asked. */
static inline bool inlay__vocab_is_plain(const inlay__vocab *vocab, int32_t id) {
    return (vocab->flags[id] & (INLAY_TOKEN_CONTROL | INLAY_TOKEN_UNKNOWN | INLAY_TOKEN_UNUSED)) == 0;
}

/* The byte of a token text "<0x41>"; false for any other text. */
bool inlay__vocab_byte(inlay__text text, uint8_t *byte);

#endif
