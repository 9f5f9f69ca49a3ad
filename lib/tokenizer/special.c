/* The automaton that finds special tokens in text. */
#include "tokenizer/special.h"

enum { NEW_NODE = -2 }; /* as the token of a node that the trie has yet to make */

static bool is_special(const inlay__vocab *vocab, size_t id) {
    return (vocab->flags[id] & (INLAY_TOKEN_CONTROL | INLAY_TOKEN_UNKNOWN | INLAY_TOKEN_ADDED)) != 0 &&
           inlay__vocab_text(vocab, (int32_t)id).size > 0;
}

/* Puts a text into the trie, from its end. */
static void insert(inlay__special *special, const inlay__special_text *put) {
    inlay__text text = put->text;
    uint32_t node = 0;
    for (size_t i = text.size; i-- > 0;) {
        uint32_t parent = node;
        node = inlay__trie_grow(&special->trie, parent, (uint8_t)text.text[i]);
        if (special->nodes[node].any == NEW_NODE)
            special->nodes[node] = (inlay__special_node){.fail = parent, .added = -1, .any = -1};
    }
    special->ends[(uint8_t)text.text[text.size - 1]] = true;
    inlay__special_node *last = &special->nodes[node];
    if (put->added && last->added < 0) {
        last->added = put->id;
        last->added_size = (uint32_t)text.size;
    }
    if (last->any < 0) {
        last->any = put->id;
        last->any_size = (uint32_t)text.size;
    }
    special->has_added = special->has_added || put->added;
}

/* Follows failure links until the byte can be taken: amortised constant time along a text. */
static uint32_t step(const inlay__special *special, uint32_t node, uint8_t byte) {
    for (;;) {
        uint32_t child = inlay__trie_child(&special->trie, node, byte);
        if (child != 0 || node == 0) return child;
        node = special->nodes[node].fail;
    }
}

typedef struct link_work {
    inlay__trie_edge *sorted; /* [n_nodes - 1], parents before children */
    size_t *starts;           /* [n_nodes + 1] */
    uint32_t *depth;          /* [n_nodes] */
} link_work;

/* Sorts the edges by the depth of their child. While the trie grows, `fail` holds the parent, and a parent has a
 * lower number than its children. */
static void sort_edges(const inlay__special *special, link_work *work) {
    for (size_t node = 1; node < special->trie.n_nodes; node++) {
        work->depth[node] = work->depth[special->nodes[node].fail] + 1;
        work->starts[work->depth[node]]++;
    }
    size_t sum = 0;
    for (size_t depth = 0; depth < special->trie.n_nodes; depth++) {
        size_t count = work->starts[depth];
        work->starts[depth] = sum;
        sum += count;
    }
    for (size_t slot = 0; slot <= special->trie.edge_mask; slot++) {
        const inlay__trie_edge *edge = &special->trie.edges[slot];
        if (edge->child != 0) work->sorted[work->starts[work->depth[edge->child]]++] = *edge;
    }
}

/* Sets failure links breadth first, and gives each node the longest token that ends on its chain of them. */
static void link_nodes(inlay__special *special, const link_work *work) {
    for (size_t i = 0; i + 1 < special->trie.n_nodes; i++) {
        const inlay__trie_edge *edge = &work->sorted[i];
        inlay__special_node *node = &special->nodes[edge->child];
        node->fail = edge->parent == 0 ? 0 : step(special, special->nodes[edge->parent].fail, edge->byte);
        const inlay__special_node *fail = &special->nodes[node->fail];
        if (node->added < 0) {
            node->added = fail->added;
            node->added_size = fail->added_size;
        }
        if (node->any < 0) {
            node->any = fail->any;
            node->any_size = fail->any_size;
        }
    }
}

static int32_t link_all(inlay__special *special) {
    const inlay__sys *sys = special->sys;
    size_t n = special->trie.n_nodes;
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

static int32_t build(inlay__special *special, uint64_t seed, const inlay__special_text *texts, size_t n) {
    size_t n_bytes = 0;
    for (size_t i = 0; i < n; i++) n_bytes += texts[i].text.size; /* all in memory: no overflow */
    INLAY__TRY(inlay__trie_init(special->sys, &special->trie, n_bytes, seed));
    special->nodes = inlay__alloc_array(special->sys, special->trie.max_nodes, sizeof *special->nodes);
    if (special->nodes == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < special->trie.max_nodes; i++) special->nodes[i].any = NEW_NODE;
    special->nodes[0] = (inlay__special_node){.fail = 0, .added = -1, .any = -1};
    for (size_t i = 0; i < n; i++)
        if (texts[i].text.size > 0) insert(special, &texts[i]);
    return link_all(special);
}

int32_t inlay__special_build_texts(const inlay__sys *sys, uint64_t seed, const inlay__special_text *texts, size_t n,
                                   inlay__special *special) {
    *special = (inlay__special){.sys = sys};
    int32_t status = build(special, seed, texts, n);
    if (status != INLAY_OK) inlay__special_free(special);
    return status;
}

int32_t inlay__special_build(const inlay__vocab *vocab, inlay__special *special) {
    size_t n = 0, at = 0;
    *special = (inlay__special){0};
    for (size_t id = 0; id < vocab->n_tokens; id++) n += is_special(vocab, id);
    inlay__special_text *texts = inlay__alloc_array(vocab->sys, n, sizeof *texts);
    if (texts == NULL) return INLAY_ERR_MEMORY;
    for (size_t id = 0; id < vocab->n_tokens; id++) {
        if (!is_special(vocab, id)) continue;
        texts[at++] = (inlay__special_text){inlay__vocab_text(vocab, (int32_t)id), (int32_t)id,
                                            (vocab->flags[id] & INLAY_TOKEN_ADDED) != 0};
    }
    int32_t status = inlay__special_build_texts(vocab->sys, vocab->by_text.seed, texts, n, special);
    inlay__free(vocab->sys, texts, n * sizeof *texts);
    return status;
}

void inlay__special_free(inlay__special *special) {
    if (special->sys == NULL) return;
    inlay__free(special->sys, special->nodes, special->trie.max_nodes * sizeof *special->nodes);
    inlay__trie_free(&special->trie);
    *special = (inlay__special){.sys = special->sys};
}

int32_t inlay__special_find(const inlay__special *special, const uint8_t *text, size_t size, bool control,
                            inlay__special_matches *matches) {
    *matches = (inlay__special_matches){0};
    if (special->trie.n_nodes <= 1 || !(control || special->has_added)) return INLAY_OK;
    uint32_t node = 0;
    for (size_t pos = size; pos-- > 0;) {
        if (node == 0 && !special->ends[text[pos]]) continue;
        node = step(special, node, text[pos]);
        const inlay__special_node *at = &special->nodes[node];
        int32_t id = control ? at->any : at->added;
        if (id < 0) continue;
        void *items = matches->items;
        INLAY__TRY(inlay__grow(special->sys, &items, &matches->capacity, matches->n + 1, sizeof *matches->items));
        matches->items = items;
        matches->items[matches->n++] = (inlay__special_match){pos, control ? at->any_size : at->added_size, id};
    }
    return INLAY_OK;
}

void inlay__special_matches_free(const inlay__special *special, inlay__special_matches *matches) {
    inlay__free(special->sys, matches->items, matches->capacity * sizeof *matches->items);
    *matches = (inlay__special_matches){0};
}
