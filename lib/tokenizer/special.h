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

typedef struct inlay__special_node {
    uint32_t first; /* its children are this node to the one before nodes[its number + 1].first */
    uint32_t fail;  /* the longest proper suffix that is a node */
    int32_t added;  /* number of the longest added text that ends here, or -1 */
    int32_t any;    /* the same among control tokens too */
} inlay__special_node;

/* What is told of a text that was found. */
typedef struct inlay__special_found {
    int32_t id;
    uint32_t size;
} inlay__special_found;

typedef struct inlay__special {
    const inlay__sys *sys;
    /* [n_nodes + 1] of the texts read backwards; the last ends the children of that before */
    inlay__special_node *nodes;
    uint8_t *bytes;             /* [n_nodes] that lead to each */
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
