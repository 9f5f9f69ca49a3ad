/* Byte-level BPE with stretches of DNA: between "<dna>" and "</dna>", or the text's end, six bases are a token each.
 *
 *     ab<dna>acgtACgtNA</dna>c   →   ab, <dna>, ACGTAC, <oov>, </dna>, c
 *
 * The tokens of six bases have U+E000 behind their letters in the vocabulary, which sets them apart from words.
 */
#ifndef INLAY_DNA_H
#define INLAY_DNA_H

#include "tokenizer/bpe.h"

typedef struct inlay__dna {
    inlay__bpe bpe;
    int32_t open, close; /* the tokens "<dna>" and "</dna>"; -1: the vocabulary lacks one of the three */
    int32_t unknown;     /* "<oov>": six letters that are no token */
} inlay__dna;

/* Completes what inlay__bpe_load has loaded. */
void inlay__dna_load(inlay__dna *dna);
/* As inlay__bpe_encode. */
int32_t inlay__dna_encode(const inlay__dna *dna, inlay__encoder *encoder, const uint8_t *text, size_t size);
/* As inlay__bpe_read. */
size_t inlay__dna_read(const inlay__dna *dna, int32_t id, size_t *at, uint8_t *out, size_t capacity);

#endif
