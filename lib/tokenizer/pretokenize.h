/* Cuts text into the words that byte-pair merging works on. Models name the way they do it
 * (tokenizer.ggml.pre); each name is a line of a table: one to three passes, every pass cutting what the one
 * before it left. A pass is a scanner written by hand after the regular expression that the model was trained
 * with; it looks at each character a bounded number of times.
 */
#ifndef INLAY_PRETOKENIZE_H
#define INLAY_PRETOKENIZE_H

#include "base/base.h"

enum { INLAY__MAX_PASSES = 3 };

typedef struct inlay__pass inlay__pass;
struct inlay__pass {
    /* The end of the piece that begins at text[pos], pos < end. The text ends at `end`. */
    size_t (*scan)(const inlay__pass *pass, const uint8_t *text, size_t pos, size_t end);
    uint32_t max_digits; /* of a piece of digits, where the pattern limits them */
};

typedef struct inlay__pretokenizer {
    const char *name; /* as in the file */
    inlay__pass passes[INLAY__MAX_PASSES];
    bool ignore_merges; /* a word that is a token as a whole is not put together by merges */
    bool add_bos;       /* where the file does not say */
} inlay__pretokenizer;

/* The pre-tokenizer of a name; NULL if there is none. */
const inlay__pretokenizer *inlay__pretokenizer_find(const char *name, size_t size);

/* A walk over the words of a text. */
typedef struct inlay__words {
    const inlay__pretokenizer *pretokenizer;
    const uint8_t *text;
    size_t pos, size;
    size_t ends[INLAY__MAX_PASSES]; /* of the piece that each pass is in */
} inlay__words;

void inlay__words_begin(inlay__words *words, const inlay__pretokenizer *pretokenizer, const uint8_t *text, size_t size);
/* The next word, in place; false at the end. Words are never empty and together are the whole text. */
bool inlay__words_next(inlay__words *words, const uint8_t **word, size_t *size);

#endif
