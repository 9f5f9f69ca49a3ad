/* PLaMo 2's tokenizer: of all ways to put a text together from tokens and bytes the one of least cost, found in one
 * walk from the text's end. Costs are whole numbers: ten thousand times the score, rounded, taken off; a character that
 * becomes its bytes costs ten million. Of equal ways the one whose first token is longer is taken.
 */
#ifndef INLAY_PLAMO_H
#define INLAY_PLAMO_H

#include "tokenizer/lexicon.h"
#include "tokenizer/pieces.h"

typedef struct inlay__plamo {
    const inlay__lexicon *lexicon; /* its byte tokens, all 256 */
    inlay__pieces pieces;
    int32_t *costs;                /* [n_tokens] */
} inlay__plamo;

/* Whether a score makes a token that is used at all, and its cost. */
bool inlay__plamo_cost(float score, int32_t *cost);

/* Appends the tokens of a text, at most INT32_MAX bytes; a mark of byte order at its beginning is left out. */
int32_t inlay__plamo_encode(const inlay__plamo *model, inlay__encoder *encoder, const uint8_t *text, size_t size,
                            bool control);

#endif
