/* Cuts text into the words that byte-pair merging works on. Models name the way they do it (tokenizer.ggml.pre); each
 * name stands in a table with one to six regular expressions, every one cutting what the one before it left.
 */
#ifndef INLAY_PRETOKENIZE_H
#define INLAY_PRETOKENIZE_H

#include "tokenizer/pattern.h"

enum { INLAY__MAX_PASSES = 6 };

enum {
    INLAY__PRE_IGNORE_MERGES = 1, /* a word that is a token as a whole is not put together by merges */
    INLAY__PRE_ADD_BOS = 2,       /* where the file does not say */
    INLAY__PRE_NO_BOS = 4         /* the model has none, whatever the file says */
};

typedef struct inlay__pretokenizer {
    const char *names; /* as in files, with spaces between them */
    int32_t flags;     /* INLAY__PRE_ bits */
    const char *patterns[INLAY__MAX_PASSES];
} inlay__pretokenizer;

/* The pre-tokenizer of a name; NULL if there is none. */
const inlay__pretokenizer *inlay__pretokenizer_find(const char *name, size_t size);
/* Row i of the table; NULL past its end. */
const inlay__pretokenizer *inlay__pretokenizer_at(size_t i);

/* The patterns of a pre-tokenizer, compiled. */
typedef struct inlay__cutter {
    inlay__pattern *patterns[INLAY__MAX_PASSES];
    size_t n;
} inlay__cutter;

/* Free also after an error. Errors: as inlay__pattern_compile. */
int32_t inlay__cutter_init(const inlay__sys *sys, const inlay__pretokenizer *pretokenizer, inlay__cutter *cutter);
void inlay__cutter_free(inlay__cutter *cutter);

/* A walk over the words of a text. */
typedef struct inlay__words {
    const inlay__cutter *cutter;
    const uint8_t *text;
    size_t pos, size;
    int32_t status;                          /* not INLAY_OK: the walk ended for want of memory */
    size_t starts[INLAY__MAX_PASSES];        /* of what each pass cuts */
    size_t ends[INLAY__MAX_PASSES];          /* of the piece that each pass is in */
    inlay__matcher matchers[INLAY__MAX_PASSES];
} inlay__words;

void inlay__words_init(inlay__words *words, const inlay__cutter *cutter);
void inlay__words_free(inlay__words *words);
int32_t inlay__words_begin(inlay__words *words, const uint8_t *text, size_t size);
/* The next word, in place; false at the end. Words are never empty and together are the whole text. */
bool inlay__words_next(inlay__words *words, const uint8_t **word, size_t *size);

#endif
