/* The way back: steps that turn the texts of tokens into text. Each reads a list of texts and writes the next one; at
 * the end they stand one behind the other.
 */
#ifndef INLAY_JOINER_H
#define INLAY_JOINER_H

#include "tokenizer/finder.h"
#include "tokenizer/passage.h"

typedef enum inlay__joiner_kind {
    INLAY__JOIN_BYTE_LEVEL,    /* letters to bytes, all in one text */
    INLAY__JOIN_METASPACE,
    INLAY__JOIN_WORDPIECE,
    INLAY__JOIN_BPE,           /* the mark of a word's end becomes a space */
    INLAY__JOIN_BYTE_FALLBACK, /* "<0x41>" becomes the byte, neighbours of these one text */
    INLAY__JOIN_FUSE,          /* all in one text */
    INLAY__JOIN_STRIP,
    INLAY__JOIN_REPLACE,
    INLAY__JOIN_GGUF_BERT,     /* U+2581 begins a word */
    INLAY__JOIN_ESCAPED,       /* Python's escapes */
    INLAY__JOIN_SPACED         /* a space before every text but the first: files without decoder */
} inlay__joiner_kind;

typedef struct inlay__joiner {
    inlay__joiner_kind kind;
    inlay__finder finder;     /* BPE: the mark; REPLACE */
    inlay__text content;      /* REPLACE; WORDPIECE: what inner tokens begin with; the arena's */
    uint32_t character;       /* METASPACE: what stands for a space; STRIP */
    bool drop_first;          /* METASPACE: the first text loses its marks */
    bool cleanup;             /* WORDPIECE, GGUF_BERT: no spaces before punctuation */
    size_t start, stop;       /* STRIP: characters at most */
} inlay__joiner;

/* Texts of tokens: spans of one passage, empty ones too. */
typedef struct inlay__texts {
    inlay__passage text, next_text;
    inlay__spans spans, next_spans;
} inlay__texts;

/* Which texts these are: all, or a stretch of a longer list, where what belongs to its beginning or end is not done. */
typedef struct inlay__stretch {
    bool first, last;
} inlay__stretch;

/* Runs all steps; what comes out is text.text[0..text.size). Unlike the package, which writes U+FFFD for them, bytes
 * that are not UTF-8 stay. */
int32_t inlay__joiner_run(const inlay__joiner *steps, size_t n_steps, inlay__stretch stretch, inlay__texts *texts);

int32_t inlay__texts_add(inlay__texts *texts, inlay__text text);
void inlay__texts_free(inlay__texts *texts);
void inlay__joiner_free(inlay__joiner *step);

#endif
