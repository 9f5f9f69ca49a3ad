/* Finds the tokens that are matched whole in a text before it is split: those that the author added, and
 * control tokens where the caller asks for them. Leftmost match first, the longest one at a place.
 *
 * The texts of the tokens, read backwards, make a trie with failure links [Aho, Corasick 1975]. Running it over the
 * text from its end tells at each place the longest token that begins there; the walk forward then only picks. Both
 * directions are linear in the text, whatever the number of tokens and their lengths. Nodes are numbered breadth first,
 * so that the children of each stand side by side.
 */
#ifndef INLAY_SPECIAL_H
#define INLAY_SPECIAL_H

#include "tokenizer/vocab.h"

/* What few nodes have: most lead on to one other, and nothing ends there. */
typedef struct inlay__special_note {
    uint32_t fail; /* the longest proper suffix that is a node; else 0 */
    int32_t added; /* number of the longest added text that ends here, or -1 */
    int32_t any;   /* the same among control tokens too */
} inlay__special_note;

/* Which of 64 nodes have notes, and how many notes are those of nodes before them. */
typedef struct inlay__special_noted {
    uint64_t nodes;
    uint32_t n_before;
} inlay__special_noted;

/* What is told of a text that was found. */
typedef struct inlay__special_found {
    int32_t id;
    uint32_t size;
} inlay__special_found;

typedef struct inlay__special {
    const inlay__sys *sys;
    uint32_t *firsts; /* [n_nodes + 1] of the texts read backwards: the children of node i begin at firsts[i] */
    uint8_t *bytes;              /* [n_nodes] that lead to each */
    inlay__special_noted *noted; /* [n_nodes / 64 + 1] */
    inlay__special_note *notes;  /* [n_notes] in the order of their nodes */
    size_t n_notes, note_capacity;
    size_t n_nodes;             /* 0: nothing is looked for */
    uint32_t starts[256];       /* children of the root; 0: no token ends with this byte */
    inlay__special_found *texts; /* [n_texts] */
    size_t n_texts;
    bool has_added; /* some token is matched even when nobody asks for control tokens */
} inlay__special;

typedef struct inlay__special_match {
    size_t pos, size;
    int32_t id;
} inlay__special_match;

typedef struct inlay__special_matches {
    inlay__special_match *items; /* every place where a token begins, the last place first */
    size_t n, capacity;
} inlay__special_matches;

/* A text to find, and what to tell of it. */
typedef struct inlay__special_text {
    inlay__text text;
    int32_t id;
    bool added;
} inlay__special_text;

/* The special tokens of a vocabulary, by their ids. */
int32_t inlay__special_build(const inlay__vocab *vocab, inlay__special *special);
/* Any texts; of equal ones the first counts, empty ones do not. */
int32_t inlay__special_build_texts(const inlay__sys *sys, uint64_t seed, const inlay__special_text *texts, size_t n,
                                   inlay__special *special);
void inlay__special_free(inlay__special *special);

/* All places where a token begins; `control` includes control tokens. Free with inlay__special_matches_free, also
 * after an error. */
int32_t inlay__special_find(const inlay__special *special, const uint8_t *text, size_t size, bool control,
                            inlay__special_matches *matches);
void inlay__special_matches_free(const inlay__special *special, inlay__special_matches *matches);

#endif
