/* A short way for WordPiece: words of ASCII need none of the steps of a pipeline, and most have been seen before. Text
 * between white space that is ASCII and has no control characters is cut into words here; all other text goes through
 * the steps.
 */
#ifndef INLAY_ASCII_WORDS_H
#define INLAY_ASCII_WORDS_H

#include "tokenizer/normalizer.h"
#include "tokenizer/splitter.h"
#include "tokenizer/word_cache.h"
#include "tokenizer/wordpiece.h"

typedef struct inlay__ascii_words {
    bool usable;        /* the steps are ones that this is the short way of */
    bool lowercase;
    uint8_t kinds[256]; /* of bytes */
    size_t n_mark;      /* 3: words begin with U+2581 */
} inlay__ascii_words;

/* For a pipeline of these steps around WordPiece. */
void inlay__ascii_words_init(const inlay__normalizer *normalizers, size_t n_normalizers,
                             const inlay__splitter *splitters, size_t n_splitters, inlay__ascii_words *words);

/* Appends the tokens of text[*pos..size) up to what has to go through the steps, which begins at *pos then. */
int32_t inlay__ascii_words_encode(const inlay__ascii_words *words, const inlay__wordpiece *model,
                                  inlay__encoder *encoder, const inlay__word_cache *cache, const uint8_t *text,
                                  size_t size, bool control, size_t *pos);
/* Where what has to go through the steps ends. */
size_t inlay__ascii_words_skip(const inlay__ascii_words *words, const uint8_t *text, size_t size, size_t pos);

#endif
