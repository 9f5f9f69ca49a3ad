/* The texts of a model's tokens as a tree: how long a token begins here. For models that look for tokens in text:
 * WordPiece, Unigram and the tries of RWKV.
 */
#ifndef INLAY_PIECES_H
#define INLAY_PIECES_H

#include "tokenizer/trie.h"
#include "tokenizer/vocab.h"

typedef struct inlay__pieces {
    const inlay__vocab *vocab;
    inlay__trie trie;
    int32_t *ids; /* [max_nodes] the token that ends at a node, or -1 */
} inlay__pieces;

typedef struct inlay__piece_text {
    const uint8_t *bytes; /* [size] */
    size_t size;          /* 0: not in the tree */
} inlay__piece_text;

/* The tree of what `text_of` gives for each token; it is called twice for each, in the order of ids. Of equal texts the
 * last token stays. */
int32_t inlay__pieces_build(const inlay__vocab *vocab, inlay__piece_text (*text_of)(const void *user, int32_t id),
                            const void *user, inlay__pieces *pieces);
void inlay__pieces_free(inlay__pieces *pieces);

/* The longest token at text[0..size), reading on from a node; its id, or -1, and its bytes. Without `control`, control
 * tokens are not found. */
int32_t inlay__pieces_longest(const inlay__pieces *pieces, uint32_t node, const uint8_t *text, size_t size,
                              bool control, size_t *n);

/* The node of a whole text; 0 when there is none. */
uint32_t inlay__pieces_node(const inlay__pieces *pieces, const char *text, size_t size);

/* Plain text may become this token. */
static inline bool inlay__pieces_allowed(const inlay__pieces *pieces, int32_t id, bool control) {
    return control || (pieces->vocab->flags[id] & INLAY_TOKEN_CONTROL) == 0;
}

#endif
