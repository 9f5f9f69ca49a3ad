/* Building the tree of token texts, and the longest token at a place. */
#include "tokenizer/pieces.h"

static int32_t build(inlay__pieces *pieces, inlay__piece_text (*text_of)(const void *user, int32_t id),
                     const void *user) {
    const inlay__vocab *vocab = pieces->vocab;
    size_t n_bytes = 0;
    /* all in memory: no overflow */
    for (size_t id = 0; id < vocab->n_tokens; id++) n_bytes += text_of(user, (int32_t)id).size;
    INLAY__TRY(inlay__trie_init(vocab->sys, &pieces->trie, n_bytes, vocab->by_text.seed));
    pieces->ids = inlay__alloc_array(vocab->sys, pieces->trie.max_nodes, sizeof *pieces->ids);
    if (pieces->ids == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < pieces->trie.max_nodes; i++) pieces->ids[i] = -1;
    for (size_t id = 0; id < vocab->n_tokens; id++) {
        inlay__piece_text text = text_of(user, (int32_t)id);
        uint32_t node = 0;
        for (size_t i = 0; i < text.size; i++) node = inlay__trie_grow(&pieces->trie, node, text.bytes[i]);
        if (text.size > 0) pieces->ids[node] = (int32_t)id;
    }
    return INLAY_OK;
}

int32_t inlay__pieces_build(const inlay__vocab *vocab, inlay__piece_text (*text_of)(const void *user, int32_t id),
                            const void *user, inlay__pieces *pieces) {
    *pieces = (inlay__pieces){.vocab = vocab};
    int32_t status = build(pieces, text_of, user);
    if (status != INLAY_OK) inlay__pieces_free(pieces);
    return status;
}

void inlay__pieces_free(inlay__pieces *pieces) {
    if (pieces->vocab == NULL) return;
    inlay__free(pieces->vocab->sys, pieces->ids, pieces->trie.max_nodes * sizeof *pieces->ids);
    inlay__trie_free(&pieces->trie);
    *pieces = (inlay__pieces){0};
}

int32_t inlay__pieces_longest(const inlay__pieces *pieces, uint32_t node, const uint8_t *text, size_t size,
                              bool control, size_t *n) {
    int32_t found = -1;
    *n = 0;
    for (size_t i = 0; i < size; i++) {
        node = inlay__trie_child(&pieces->trie, node, text[i]);
        if (node == 0) break;
        int32_t id = pieces->ids[node];
        if (id < 0 || !inlay__pieces_allowed(pieces, id, control)) continue;
        found = id;
        *n = i + 1;
    }
    return found;
}

uint32_t inlay__pieces_node(const inlay__pieces *pieces, const char *text, size_t size) {
    uint32_t node = 0;
    for (size_t i = 0; i < size; i++) {
        node = inlay__trie_child(&pieces->trie, node, (uint8_t)text[i]);
        if (node == 0) break;
    }
    return node;
}
