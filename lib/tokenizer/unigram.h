/* Unigram [Kudo 2018]: of all ways to put a text together from tokens the one whose scores have the highest sum, found
 * in one walk over the text [Viterbi 1967]. A character that is no token is unknown, which costs more than any token.
 */
#ifndef INLAY_UNIGRAM_H
#define INLAY_UNIGRAM_H

#include "tokenizer/lexicon.h"
#include "tokenizer/pieces.h"

typedef struct inlay__unigram {
    const inlay__lexicon *lexicon;
    inlay__pieces pieces;
    double *scores;       /* [n_tokens] all finite */
    double unknown_score;
    bool byte_fallback;   /* what is unknown becomes byte tokens, where there are all that it needs */
    bool look_up_unknown; /* unknown characters that together are a token become that */
} inlay__unigram;

/* Appends the tokens of a text of whole characters, at most INT32_MAX bytes. */
int32_t inlay__unigram_encode(const inlay__unigram *model, inlay__encoder *encoder, const uint8_t *text, size_t size,
                              bool control);

#endif
