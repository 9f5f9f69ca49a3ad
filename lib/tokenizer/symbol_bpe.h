/* Byte-pair encoding of a tokenizer.json whose words begin as characters: with tokens for bytes or for the unknown
 * where a character has none, and marks on the tokens inside or at the end of a word. Where all words are bytes written
 * as letters, they need not be written: such words are merged as those of bpe.h.
 */
#ifndef INLAY_SYMBOL_BPE_H
#define INLAY_SYMBOL_BPE_H

#include "tokenizer/bpe.h"
#include "tokenizer/lexicon.h"

typedef struct inlay__symbol_bpe {
    const inlay__lexicon *lexicon; /* unknown -1: characters without a token are dropped */
    inlay__bpe pairs;              /* its table of merges and its joints alone */
    bool whole_words;              /* tokens' texts do not tell where merges join: words cannot be merged in parts */
    inlay__text prefix;            /* of every character but the first of a word; the arena's */
    inlay__text suffix;            /* of the last */
    size_t max_affix_size;         /* bytes of both */
    bool byte_fallback, fuse_unknown, ignore_merges;
    bool whole_lines;              /* words of line breaks are as with ignore_merges */
    bool byte_level;               /* words are bytes, `pairs` has their tokens and joints */
    inlay__byte_pairs byte_joints; /* of merges whose texts are letters of bytes */
} inlay__symbol_bpe;

/* Makes the table of merges, with room for n. */
int32_t inlay__symbol_bpe_reserve(const inlay__vocab *vocab, size_t n, inlay__symbol_bpe *bpe);
/* Merge number `rank`: left and right give result. One that is there already is replaced. */
void inlay__symbol_bpe_add(inlay__symbol_bpe *bpe, int32_t left, int32_t right, uint32_t rank, int32_t result);
/* After all merges: makes it take bytes instead of their letters; false when its tokens would not be the same. */
bool inlay__symbol_bpe_take_bytes(inlay__symbol_bpe *bpe);
void inlay__symbol_bpe_free(inlay__symbol_bpe *bpe);

/* Appends the tokens of a word of 1 to INT32_MAX bytes, of whole characters if it does not take bytes. */
int32_t inlay__symbol_bpe_encode(const inlay__symbol_bpe *bpe, inlay__encoder *encoder, const uint8_t *word,
                                 size_t size, bool control);

#endif
