/* A tree of byte strings: node 0 is the root, an edge for each byte. What a node means is its owner's to keep. */
#ifndef INLAY_TRIE_H
#define INLAY_TRIE_H

#include "base/base.h"

typedef struct inlay__trie_edge {
    uint32_t parent;
    uint32_t child; /* 0: empty slot (no edge leads to the root) */
    uint8_t byte;
} inlay__trie_edge;

typedef struct inlay__trie {
    const inlay__sys *sys;
    inlay__trie_edge *edges; /* [edge_mask + 1], a hash table by parent and byte */
    size_t edge_mask;
    size_t n_nodes, max_nodes;
    uint64_t seed;
} inlay__trie;

/* Room for strings of `n_bytes` bytes together; `seed` keeps files from making edges collide. */
int32_t inlay__trie_init(const inlay__sys *sys, inlay__trie *trie, size_t n_bytes, uint64_t seed);
void inlay__trie_free(inlay__trie *trie);

static inline size_t inlay__trie_slot(const inlay__trie *trie, uint32_t parent, uint8_t byte) {
    uint64_t h = ((uint64_t)parent << 8 | byte) ^ trie->seed;
    h *= 0x9E3779B97F4A7C15u;
    h ^= h >> 32;
    h *= 0xD6E8FEB86659FD93u;
    size_t slot = (size_t)(h >> 32) & trie->edge_mask;
    while (trie->edges[slot].child != 0 && (trie->edges[slot].parent != parent || trie->edges[slot].byte != byte))
        slot = (slot + 1) & trie->edge_mask;
    return slot;
}

/* The node that a byte leads to; 0 when there is none. */
static inline uint32_t inlay__trie_child(const inlay__trie *trie, uint32_t parent, uint8_t byte) {
    return trie->edges[inlay__trie_slot(trie, parent, byte)].child;
}

/* The node that a byte leads to, made when there is none: nodes are numbered as they are made. */
uint32_t inlay__trie_grow(inlay__trie *trie, uint32_t parent, uint8_t byte);

#endif
