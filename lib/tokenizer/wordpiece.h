/* WordPiece [Schuster and Nakajima 2012]: a word is the longest token that begins it, then the longest one that
 * continues it, and so on; a word for which this does not come out is unknown as a whole.
 */
#ifndef INLAY_WORDPIECE_H
#define INLAY_WORDPIECE_H

#include "tokenizer/lexicon.h"
#include "tokenizer/pieces.h"

typedef struct inlay__wordpiece {
    const inlay__lexicon *lexicon; /* for the unknown */
    inlay__pieces pieces;
    uint32_t continuing;    /* the node of what tokens inside a word begin with, "##" */
    bool continues;         /* there are such tokens */
    size_t max_characters;  /* longer words are unknown */
} inlay__wordpiece;

/* Appends the tokens of a word. */
int32_t inlay__wordpiece_encode(const inlay__wordpiece *model, inlay__encoder *encoder, const uint8_t *word,
                                size_t size, bool control);

#endif
