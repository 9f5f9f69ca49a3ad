/* The automaton that finds special tokens in text. */
#include "tokenizer/special.h"

static size_t edge_slot(const inlay__special *special, uint32_t parent, uint8_t byte) {
    uint64_t h = ((uint64_t)parent << 8 | byte) ^ special->seed;
    h *= 0x9E3779B97F4A7C15u;
    h ^= h >> 32;
    h *= 0xD6E8FEB86659FD93u;
    size_t slot = (size_t)(h >> 32) & special->edge_mask;
    while (special->edges[slot].child != 0 &&
           (special->edges[slot].parent != parent || special->edges[slot].byte != byte))
        slot = (slot + 1) & special->edge_mask;
    return slot;
}

/* 0 when there is none. */
static uint32_t child_of(const inlay__special *special, uint32_t parent, uint8_t byte) {
    return special->edges[edge_slot(special, parent, byte)].child;
}

static bool is_special(const inlay__vocab *vocab, size_t id) {
    return (vocab->flags[id] & (INLAY_TOKEN_CONTROL | INLAY_TOKEN_UNKNOWN | INLAY_TOKEN_ADDED)) != 0 &&
           inlay__vocab_text(vocab, (int32_t)id).size > 0;
}

/* Puts the text of a token into the trie, from its end. The lowest id of a text keeps it. */
static void insert(inlay__special *special, inlay__text text, int32_t id, bool added) {
    uint32_t node = 0;
    for (size_t i = text.size; i-- > 0;) {
        uint8_t byte = (uint8_t)text.text[i];
        inlay__special_edge *edge = &special->edges[edge_slot(special, node, byte)];
        if (edge->child == 0) {
            special->nodes[special->n_nodes] = (inlay__special_node){.fail = node, .added = -1, .any = -1};
            *edge = (inlay__special_edge){.parent = node, .child = (uint32_t)special->n_nodes++, .byte = byte};
        }
        node = edge->child;
    }
    special->ends[(uint8_t)text.text[text.size - 1]] = true;
    inlay__special_node *last = &special->nodes[node];
    if (added && last->added < 0) last->added = id;
    if (last->any < 0) last->any = id;
    special->has_added = special->has_added || added;
}

/* Follows failure links until the byte can be taken: amortised constant time along a text. */
static uint32_t step(const inlay__special *special, uint32_t node, uint8_t byte) {
    for (;;) {
        uint32_t child = child_of(special, node, byte);
        if (child != 0 || node == 0) return child;
        node = special->nodes[node].fail;
    }
}

typedef struct link_work {
    inlay__special_edge *sorted; /* [n_nodes - 1], parents before children */
    size_t *starts;              /* [n_nodes + 1] */
    uint32_t *depth;             /* [n_nodes] */
} link_work;

/* Sorts the edges by the depth of their child. While the trie grows, `fail` holds the parent, and a parent has a
 * lower number than its children. */
static void sort_edges(const inlay__special *special, link_work *work) {
    for (size_t node = 1; node < special->n_nodes; node++) {
        work->depth[node] = work->depth[special->nodes[node].fail] + 1;
        work->starts[work->depth[node]]++;
    }
    size_t sum = 0;
    for (size_t depth = 0; depth < special->n_nodes; depth++) {
        size_t count = work->starts[depth];
        work->starts[depth] = sum;
        sum += count;
    }
    for (size_t slot = 0; slot <= special->edge_mask; slot++) {
        const inlay__special_edge *edge = &special->edges[slot];
        if (edge->child != 0) work->sorted[work->starts[work->depth[edge->child]]++] = *edge;
    }
}

/* Sets failure links breadth first, and gives each node the longest token that ends on its chain of them. */
static void link_nodes(inlay__special *special, const link_work *work) {
    for (size_t i = 0; i + 1 < special->n_nodes; i++) {
        const inlay__special_edge *edge = &work->sorted[i];
        inlay__special_node *node = &special->nodes[edge->child];
        node->fail = edge->parent == 0 ? 0 : step(special, special->nodes[edge->parent].fail, edge->byte);
        const inlay__special_node *fail = &special->nodes[node->fail];
        if (node->added < 0) node->added = fail->added;
        if (node->any < 0) node->any = fail->any;
    }
}

static int32_t link_all(inlay__special *special) {
    const inlay__sys *sys = special->sys;
    size_t n = special->n_nodes;
    link_work work = {
        .sorted = inlay__alloc_array(sys, n, sizeof *work.sorted),
        .starts = inlay__alloc_array(sys, n + 1, sizeof *work.starts),
        .depth = inlay__alloc_array(sys, n, sizeof *work.depth),
    };
    bool ok = work.sorted != NULL && work.starts != NULL && work.depth != NULL;
    if (ok) {
        sort_edges(special, &work);
        link_nodes(special, &work);
    }
    inlay__free(sys, work.sorted, n * sizeof *work.sorted);
    inlay__free(sys, work.starts, (n + 1) * sizeof *work.starts);
    inlay__free(sys, work.depth, n * sizeof *work.depth);
    return ok ? INLAY_OK : INLAY_ERR_MEMORY;
}

static int32_t build(const inlay__vocab *vocab, inlay__special *special) {
    size_t n_bytes = 0;
    for (size_t id = 0; id < vocab->n_tokens; id++)
        if (is_special(vocab, id))
            n_bytes += inlay__vocab_text(vocab, (int32_t)id).size; /* all in memory: no overflow */
    if (n_bytes >= UINT32_MAX / 4)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "the texts of special tokens have %zu bytes together", n_bytes);
    size_t n_edges = 16;
    while (n_edges / 2 < n_bytes)
        n_edges *= 2;
    special->edge_mask = n_edges - 1;
    special->max_nodes = n_bytes + 1;
    special->nodes = inlay__alloc_array(special->sys, special->max_nodes, sizeof *special->nodes);
    special->edges = inlay__alloc_array(special->sys, n_edges, sizeof *special->edges);
    if (special->nodes == NULL || special->edges == NULL) return INLAY_ERR_MEMORY;
    special->nodes[0] = (inlay__special_node){.fail = 0, .added = -1, .any = -1};
    special->n_nodes = 1;
    for (size_t id = 0; id < vocab->n_tokens; id++) {
        if (!is_special(vocab, id)) continue;
        bool added = (vocab->flags[id] & INLAY_TOKEN_ADDED) != 0;
        insert(special, inlay__vocab_text(vocab, (int32_t)id), (int32_t)id, added);
    }
    return link_all(special);
}

int32_t inlay__special_build(const inlay__vocab *vocab, inlay__special *special) {
    *special = (inlay__special){.sys = vocab->sys, .seed = vocab->by_text.seed};
    int32_t status = build(vocab, special);
    if (status != INLAY_OK) inlay__special_free(special);
    return status;
}

void inlay__special_free(inlay__special *special) {
    if (special->sys == NULL) return;
    inlay__free(special->sys, special->nodes, special->max_nodes * sizeof *special->nodes);
    inlay__free(special->sys, special->edges, (special->edge_mask + 1) * sizeof *special->edges);
    *special = (inlay__special){.sys = special->sys};
}

int32_t inlay__special_find(const inlay__special *special, const uint8_t *text, size_t size, bool control,
                            inlay__special_matches *matches) {
    *matches = (inlay__special_matches){0};
    if (special->n_nodes <= 1 || !(control || special->has_added)) return INLAY_OK;
    uint32_t node = 0;
    for (size_t pos = size; pos-- > 0;) {
        if (node == 0 && !special->ends[text[pos]]) continue;
        node = step(special, node, text[pos]);
        int32_t id = control ? special->nodes[node].any : special->nodes[node].added;
        if (id < 0) continue;
        void *items = matches->items;
        INLAY__TRY(inlay__grow(special->sys, &items, &matches->capacity, matches->n + 1, sizeof *matches->items));
        matches->items = items;
        matches->items[matches->n++] = (inlay__special_match){.pos = pos, .id = id};
    }
    return INLAY_OK;
}

void inlay__special_matches_free(const inlay__special *special, inlay__special_matches *matches) {
    inlay__free(special->sys, matches->items, matches->capacity * sizeof *matches->items);
    *matches = (inlay__special_matches){0};
}
