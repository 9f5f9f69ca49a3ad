/* Finds the tokens that are matched whole in a text before it is split: those that the author added, and
 * control tokens where the caller asks for them. Leftmost match first, the longest one at a place.
 *
 * The texts of the tokens, read backwards, make a trie with failure links [Aho, Corasick 1975]. Running it over
 * the text from its end tells at each place the longest token that begins there; the walk forward then only
 * picks. Both directions are linear in the text, whatever the number of tokens and their lengths.
 */
#ifndef INLAY_SPECIAL_H
#define INLAY_SPECIAL_H

#include "tokenizer/vocab.h"

typedef struct inlay__special_edge {
    uint32_t parent;
    uint32_t child; /* 0: empty slot (no edge leads to the root) */
    uint8_t byte;
} inlay__special_edge;

typedef struct inlay__special_node {
    uint32_t fail; /* the longest proper suffix that is a node */
    int32_t added; /* the longest added token that ends here, or -1 */
    int32_t any;   /* the same among control tokens too */
} inlay__special_node;

typedef struct inlay__special {
    const inlay__sys *sys;
    inlay__special_node *nodes; /* [n_nodes]; 0 is the root */
    inlay__special_edge *edges; /* [edge_mask + 1], a hash table by parent and byte */
    size_t n_nodes, max_nodes, edge_mask;
    uint64_t seed;
    bool has_added; /* some token is matched even when nobody asks for control tokens */
    bool ends[256]; /* bytes with which a token ends */
} inlay__special;

typedef struct inlay__special_match {
    size_t pos;
    int32_t id;
} inlay__special_match;

typedef struct inlay__special_matches {
    inlay__special_match *items; /* every place where a token begins, the last place first */
    size_t n, capacity;
} inlay__special_matches;

int32_t inlay__special_build(const inlay__vocab *vocab, inlay__special *special);
void inlay__special_free(inlay__special *special);

/* All places where a token begins; `control` includes control tokens. Free with inlay__special_matches_free, also
 * after an error. */
int32_t inlay__special_find(const inlay__special *special, const uint8_t *text, size_t size, bool control,
                            inlay__special_matches *matches);
void inlay__special_matches_free(const inlay__special *special, inlay__special_matches *matches);

#endif
