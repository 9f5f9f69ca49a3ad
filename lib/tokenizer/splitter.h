/* Splitting: steps that cut a normalised text into the pieces that become tokens one by one. A step reads pieces and
 * leaves smaller ones; two of them also change the text: spaces become U+2581, bytes become letters.
 */
#ifndef INLAY_SPLITTER_H
#define INLAY_SPLITTER_H

#include "tokenizer/finder.h"
#include "tokenizer/passage.h"

typedef enum inlay__splitter_kind {
    INLAY__SPLIT_PATTERN,      /* what a string or regular expression finds */
    INLAY__SPLIT_WHITESPACE,   /* words and what is between them, white space taken out */
    INLAY__SPLIT_SPACES,       /* white space taken out */
    INLAY__SPLIT_BERT,         /* white space taken out, punctuation apart */
    INLAY__SPLIT_PUNCTUATION,
    INLAY__SPLIT_DIGITS,
    INLAY__SPLIT_CHARACTER,    /* one character taken out */
    INLAY__SPLIT_SCRIPTS,
    INLAY__SPLIT_LENGTH,       /* so many characters each */
    INLAY__SPLIT_METASPACE,
    INLAY__SPLIT_BYTE_LEVEL
} inlay__splitter_kind;

/* What becomes of a match. Of "the-final--countdown" and "-": */
typedef enum inlay__behavior {
    INLAY__REMOVED,              /* the final countdown */
    INLAY__ISOLATED,             /* the - final - - countdown */
    INLAY__CONTIGUOUS,           /* the - final -- countdown */
    INLAY__MERGED_WITH_PREVIOUS, /* the- final- - countdown */
    INLAY__MERGED_WITH_NEXT      /* the -final - -countdown */
} inlay__behavior;

typedef enum inlay__prepend { INLAY__PREPEND_ALWAYS, INLAY__PREPEND_FIRST, INLAY__PREPEND_NEVER } inlay__prepend;

typedef struct inlay__splitter {
    inlay__splitter_kind kind;
    inlay__behavior behavior; /* PATTERN, PUNCTUATION, DIGITS */
    bool invert;              /* PATTERN: what is not found counts as found */
    inlay__finder finder;     /* PATTERN; BYTE_LEVEL: GPT-2's */
    uint32_t character;       /* CHARACTER; METASPACE: what spaces become */
    size_t length;            /* LENGTH, at least 1 */
    inlay__prepend prepend;   /* METASPACE */
    bool split;               /* METASPACE: before each mark */
    bool prefix_space;        /* BYTE_LEVEL: a space before each piece that has none */
    bool use_regex;           /* BYTE_LEVEL: split as GPT-2 does */
    bool keep_bytes;          /* BYTE_LEVEL: the model takes bytes, they need not become letters */
} inlay__splitter;

/* A text and its pieces, and room for the next ones. */
typedef struct inlay__splitting {
    const inlay__sys *sys;
    inlay__passage text, next_text;
    inlay__spans pieces, next_pieces; /* none is empty */
} inlay__splitting;

int32_t inlay__splitter_apply(const inlay__splitter *step, inlay__splitting *splitting);
void inlay__splitter_free(inlay__splitter *step);
void inlay__splitting_free(inlay__splitting *splitting);

#endif
