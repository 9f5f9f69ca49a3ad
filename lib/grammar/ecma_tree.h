/* A regular expression of ECMA-262 as a tree. Parts stand before wholes, so that what goes through them need not
 * recurse. */
#ifndef INLAY_ECMA_TREE_H
#define INLAY_ECMA_TREE_H

#include "grammar/ranges.h"

typedef enum inlay__ecma_kind {
    INLAY__ECMA_EMPTY_TEXT,
    INLAY__ECMA_SET,      /* a character of sets.items[a .. a + b) */
    INLAY__ECMA_SEQUENCE, /* a, then b */
    INLAY__ECMA_CHOICE,   /* a or b */
    INLAY__ECMA_REPEAT,   /* a, b to c times */
    INLAY__ECMA_BEGIN,    /* ^ */
    INLAY__ECMA_END       /* $ */
} inlay__ecma_kind;

enum {
    INLAY__ECMA_EMPTY = 0,           /* node 0: the empty text */
    INLAY__ECMA_NEVER = 1,           /* node 1: a set without characters */
    INLAY__ECMA_MOST_SIZE = 1 << 20, /* bytes of text */
    INLAY__ECMA_MOST_RANGES = 1 << 22
};

typedef struct inlay__ecma_node {
    uint8_t kind; /* inlay__ecma_kind */
    uint32_t a, b, c;
    uint32_t from; /* where it begins in the text */
} inlay__ecma_node;

/* Characters in a row that are of one category. */
typedef struct inlay__ecma_stretch {
    uint32_t last;
    uint8_t category;
} inlay__ecma_stretch;

typedef struct inlay__ecma {
    const inlay__sys *sys;
    inlay__ecma_node *nodes;
    size_t n_nodes, node_capacity;
    inlay__ranges sets; /* of all nodes that are sets; those of one ascend and do not touch */
    inlay__ranges set;  /* of the one that is read */
    uint32_t root;
    inlay__ecma_stretch *stretches; /* all of Unicode; made when a property is asked for */
    size_t n_stretches, stretch_capacity;
} inlay__ecma;

void inlay__ecma_init(inlay__ecma *tree, const inlay__sys *sys);
void inlay__ecma_free(inlay__ecma *tree);

/* ecma_parse.c: reads a text, in place of what the tree held. Errors, with the byte of the text: INLAY_ERR_FORMAT (no
 * regular expression), INLAY_ERR_UNSUPPORTED (lookaround, back references, word boundaries, too large),
 * INLAY_ERR_MEMORY. */
int32_t inlay__ecma_parse(inlay__ecma *tree, const char *text, size_t size);

/* ecma_anchors.c: makes the root a tree without ^ and $ that says what whole texts match; with `search`, those that
 * hold a match somewhere. Errors: INLAY_ERR_UNSUPPORTED (an anchor elsewhere than at the begin or end). */
int32_t inlay__ecma_resolve(inlay__ecma *tree, bool search);

/* New nodes, simplified. Errors: INLAY_ERR_MEMORY, INLAY_ERR_UNSUPPORTED. */
int32_t inlay__ecma_add(inlay__ecma *tree, inlay__ecma_node node, uint32_t *number);
int32_t inlay__ecma_join(inlay__ecma *tree, inlay__ecma_kind kind, uint32_t a, uint32_t b, uint32_t *number);

/* ------------------------------------------- shared by the parser's files */

typedef struct inlay__ecma_text {
    const uint8_t *text;
    size_t size, pos;
    inlay__ecma *tree;
} inlay__ecma_text;

int32_t inlay__ecma_malformed(const inlay__ecma_text *in, size_t at, const char *what);
/* An error that shows text[from..pos). */
int32_t inlay__ecma_unsupported(const inlay__ecma_text *in, size_t from, const char *what);
/* The code point at pos, and past it. */
int32_t inlay__ecma_take(inlay__ecma_text *in, uint32_t *code);
static inline bool inlay__ecma_skip(inlay__ecma_text *in, const char *literal) {
    size_t n = strlen(literal);
    bool found = in->size - in->pos >= n && memcmp(in->text + in->pos, literal, n) == 0;
    if (found) in->pos += n;
    return found;
}

/* ecma_class.c: each makes a node that is a set. After the [; after a backslash; the dot; one character. */
int32_t inlay__ecma_class(inlay__ecma_text *in, uint32_t *number);
int32_t inlay__ecma_escape(inlay__ecma_text *in, uint32_t *number);
int32_t inlay__ecma_dot(inlay__ecma_text *in, uint32_t *number);
int32_t inlay__ecma_literal(inlay__ecma_text *in, uint32_t code, uint32_t *number);
/* Any character at all. */
int32_t inlay__ecma_any(inlay__ecma *tree, uint32_t *number);

#endif
