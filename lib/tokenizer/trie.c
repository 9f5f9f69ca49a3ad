/* The hash table of a trie's edges. */
#include "tokenizer/trie.h"

int32_t inlay__trie_init(const inlay__sys *sys, inlay__trie *trie, size_t n_bytes, uint64_t seed) {
    if (n_bytes >= UINT32_MAX / 4)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "the texts of the tokens have %zu bytes together", n_bytes);
    *trie = (inlay__trie){.sys = sys, .n_nodes = 1, .max_nodes = n_bytes + 1, .seed = seed};
    size_t n_edges = 16;
    while (n_edges / 2 < n_bytes) n_edges *= 2;
    trie->edge_mask = n_edges - 1;
    trie->edges = inlay__alloc_array(sys, n_edges, sizeof *trie->edges);
    return trie->edges != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
}

void inlay__trie_free(inlay__trie *trie) {
    if (trie->edges != NULL) inlay__free(trie->sys, trie->edges, (trie->edge_mask + 1) * sizeof *trie->edges);
    *trie = (inlay__trie){.sys = trie->sys};
}

uint32_t inlay__trie_grow(inlay__trie *trie, uint32_t parent, uint8_t byte) {
    inlay__trie_edge *edge = &trie->edges[inlay__trie_slot(trie, parent, byte)];
    if (edge->child == 0)
        *edge = (inlay__trie_edge){.parent = parent, .child = (uint32_t)trie->n_nodes++, .byte = byte};
    return edge->child;
}
