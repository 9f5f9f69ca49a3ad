/* The words of a model that looks up whole texts: which token a text is. For tokenizer.json files, whose added tokens
 * are not the model's. */
#ifndef INLAY_LEXICON_H
#define INLAY_LEXICON_H

#include "tokenizer/encoder.h"
#include "tokenizer/vocab.h"

typedef struct inlay__lexicon {
    const inlay__vocab *vocab;
    inlay__hash_map ids;    /* from texts; the vocabulary's */
    int32_t unknown;        /* the token for what is not in it; -1: there is none */
    int32_t byte_ids[256];  /* the tokens "<0x00>" to "<0xFF>", or -1 */
} inlay__lexicon;

/* Looks for the byte tokens. After the ids are in. */
void inlay__lexicon_find_bytes(inlay__lexicon *lexicon);
void inlay__lexicon_free(inlay__lexicon *lexicon);

/* The token of a text; without `control`, control tokens are not found. */
static inline bool inlay__lexicon_find(const inlay__lexicon *lexicon, const void *text, size_t size, bool control,
                                       int32_t *id) {
    uint32_t found;
    if (!inlay__hash_map_get(&lexicon->ids, text, size, &found)) return false;
    *id = (int32_t)found;
    return control || (lexicon->vocab->flags[found] & INLAY_TOKEN_CONTROL) == 0;
}

/* Appends the token for an unknown text of text[begin..end), or fails and says what is missing. */
int32_t inlay__lexicon_put_unknown(const inlay__lexicon *lexicon, inlay__encoder *encoder, const uint8_t *text,
                                   size_t begin, size_t end);

/* Appends the token of a whole text, or the unknown one. */
int32_t inlay__lexicon_encode(const inlay__lexicon *lexicon, inlay__encoder *encoder, const uint8_t *text, size_t size,
                              bool control);

#endif
