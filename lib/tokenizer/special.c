/* The automaton that finds special tokens in text. */
#include "tokenizer/special.h"

#include "tokenizer/trie.h"

static bool is_special(const inlay__vocab *vocab, size_t id) {
    return (vocab->flags[id] & (INLAY_TOKEN_CONTROL | INLAY_TOKEN_UNKNOWN | INLAY_TOKEN_ADDED)) != 0 &&
           inlay__vocab_text(vocab, (int32_t)id).size > 0;
}

/* A trie as it grows, its nodes numbered as they come. */
typedef struct growth {
    inlay__trie trie;
    int32_t *added, *any;     /* [max_nodes] number of the text that ends at a node, or -1 */
    inlay__trie_edge *sorted; /* [n_nodes - 1] by parent */
    uint32_t *starts;         /* [n_nodes + 1] where in `sorted` a parent's begin */
    uint32_t *order;          /* [n_nodes] breadth first */
} growth;

/* Puts text number i into the trie, from its end. Of equal texts the first counts. */
static void insert(growth *g, const inlay__special_text *put, int32_t i) {
    inlay__text text = put->text;
    uint32_t node = 0;
    for (size_t k = text.size; k-- > 0;) node = inlay__trie_grow(&g->trie, node, (uint8_t)text.text[k]);
    if (put->added && g->added[node] < 0) g->added[node] = i;
    if (g->any[node] < 0) g->any[node] = i;
}

static int32_t grow(growth *g, uint64_t seed, const inlay__special_text *texts, size_t n, const inlay__sys *sys) {
    size_t n_bytes = 0;
    for (size_t i = 0; i < n; i++) n_bytes += texts[i].text.size; /* all in memory: no overflow */
    INLAY__TRY(inlay__trie_init(sys, &g->trie, n_bytes, seed));
    g->added = inlay__alloc_array(sys, g->trie.max_nodes, sizeof *g->added);
    g->any = inlay__alloc_array(sys, g->trie.max_nodes, sizeof *g->any);
    if (g->added == NULL || g->any == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < g->trie.max_nodes; i++) g->added[i] = g->any[i] = -1;
    for (size_t i = 0; i < n; i++)
        if (texts[i].text.size > 0) insert(g, &texts[i], (int32_t)i);
    return INLAY_OK;
}

static int32_t sort_edges(growth *g, const inlay__sys *sys) {
    const inlay__trie *trie = &g->trie;
    g->sorted = inlay__alloc_array(sys, trie->n_nodes, sizeof *g->sorted);
    g->starts = inlay__alloc_array(sys, trie->n_nodes + 1, sizeof *g->starts);
    g->order = inlay__alloc_array(sys, trie->n_nodes, sizeof *g->order);
    if (g->sorted == NULL || g->starts == NULL || g->order == NULL) return INLAY_ERR_MEMORY;
    for (size_t slot = 0; slot <= trie->edge_mask; slot++)
        if (trie->edges[slot].child != 0) g->starts[trie->edges[slot].parent]++;
    uint32_t sum = 0;
    for (size_t node = 0; node <= trie->n_nodes; node++) {
        sum += g->starts[node];
        g->starts[node] = sum; /* where those of the node end: each is put before the one that came last */
    }
    for (size_t slot = 0; slot <= trie->edge_mask; slot++) {
        const inlay__trie_edge *edge = &trie->edges[slot];
        if (edge->child != 0) g->sorted[--g->starts[edge->parent]] = *edge;
    }
    return INLAY_OK;
}

/* Numbers the nodes breadth first. */
static int32_t place_nodes(inlay__special *special, growth *g) {
    size_t n = g->trie.n_nodes;
    special->firsts = inlay__alloc_array(special->sys, n + 1, sizeof *special->firsts);
    special->bytes = inlay__alloc_array(special->sys, n, 1);
    special->noted = inlay__alloc_array(special->sys, n / 64 + 1, sizeof *special->noted);
    special->n_nodes = n;
    if (special->firsts == NULL || special->bytes == NULL || special->noted == NULL) return INLAY_ERR_MEMORY;
    uint32_t end = 1;
    for (size_t i = 0; i < n; i++) {
        uint32_t grown = g->order[i];
        special->firsts[i] = end;
        for (uint32_t e = g->starts[grown]; e < g->starts[grown + 1]; e++, end++) {
            g->order[end] = g->sorted[e].child;
            special->bytes[end] = g->sorted[e].byte;
            if (i == 0) special->starts[g->sorted[e].byte] = end;
        }
    }
    special->firsts[n] = end;
    return INLAY_OK;
}

static uint32_t count_bits(uint64_t x) {
    const uint64_t pairs = 0x5555555555555555u, fours = 0x3333333333333333u, bytes = 0x0f0f0f0f0f0f0f0fu;
    x -= x >> 1 & pairs;
    x = (x & fours) + (x >> 2 & fours);
    return (uint32_t)(((x + (x >> 4)) & bytes) * 0x0101010101010101u >> 56);
}

static inlay__special_note note_of(const inlay__special *special, uint32_t node) {
    const inlay__special_noted *noted = &special->noted[node / 64];
    uint64_t bit = (uint64_t)1 << node % 64;
    if ((noted->nodes & bit) == 0) return (inlay__special_note){0, -1, -1};
    return special->notes[noted->n_before + count_bits(noted->nodes & (bit - 1))];
}

/* Nodes come in their order. */
static int32_t add_note(inlay__special *special, uint32_t node, inlay__special_note note) {
    void *notes = special->notes;
    if (note.fail == 0 && note.any < 0) return INLAY_OK;
    INLAY__TRY(inlay__grow(special->sys, &notes, &special->note_capacity, special->n_notes + 1, sizeof note));
    special->notes = notes;
    special->notes[special->n_notes++] = note;
    special->noted[node / 64].nodes |= (uint64_t)1 << node % 64;
    return INLAY_OK;
}

/* The node that a byte leads to; 0 when there is none. */
static uint32_t child_of(const inlay__special *special, uint32_t node, uint8_t byte) {
    if (node == 0) return special->starts[byte];
    uint32_t first = special->firsts[node], n = special->firsts[node + 1] - first;
    const uint8_t *found = n > 0 ? memchr(special->bytes + first, byte, n) : NULL;
    return found != NULL ? (uint32_t)(found - special->bytes) : 0;
}

/* Follows failure links until the byte can be taken: amortised constant time along a text. */
static uint32_t step(const inlay__special *special, uint32_t node, uint8_t byte) {
    for (;;) {
        uint32_t child = child_of(special, node, byte);
        if (child != 0 || node == 0) return child;
        node = note_of(special, node).fail;
    }
}

/* Sets failure links breadth first, and gives each node the longest token that ends on its chain of them. */
static int32_t link_nodes(inlay__special *special, const growth *g) {
    for (uint32_t parent = 0; parent < special->n_nodes; parent++)
        for (uint32_t i = special->firsts[parent]; i < special->firsts[parent + 1]; i++) {
            inlay__special_note note = {0, g->added[g->order[i]], g->any[g->order[i]]};
            if (i % 64 == 0) special->noted[i / 64].n_before = (uint32_t)special->n_notes;
            if (parent != 0) note.fail = step(special, note_of(special, parent).fail, special->bytes[i]);
            const inlay__special_note fail = note_of(special, note.fail);
            if (note.added < 0) note.added = fail.added;
            if (note.any < 0) note.any = fail.any;
            INLAY__TRY(add_note(special, i, note));
        }
    return INLAY_OK;
}

static int32_t keep_texts(inlay__special *special, const inlay__special_text *texts, size_t n) {
    special->texts = inlay__alloc_array(special->sys, n, sizeof *special->texts);
    special->n_texts = n;
    if (special->texts == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        special->texts[i] = (inlay__special_found){texts[i].id, (uint32_t)texts[i].text.size};
        special->has_added = special->has_added || (texts[i].added && texts[i].text.size > 0);
    }
    return INLAY_OK;
}

static int32_t build(inlay__special *special, uint64_t seed, const inlay__special_text *texts, size_t n) {
    const inlay__sys *sys = special->sys;
    growth g = {.trie = {.sys = sys}};
    int32_t status = grow(&g, seed, texts, n, sys);
    if (status == INLAY_OK) status = sort_edges(&g, sys);
    if (status == INLAY_OK) status = place_nodes(special, &g);
    if (status == INLAY_OK) status = keep_texts(special, texts, n);
    if (status == INLAY_OK) status = link_nodes(special, &g);
    inlay__free(sys, g.added, g.trie.max_nodes * sizeof *g.added);
    inlay__free(sys, g.any, g.trie.max_nodes * sizeof *g.any);
    inlay__free(sys, g.sorted, g.trie.n_nodes * sizeof *g.sorted);
    inlay__free(sys, g.starts, (g.trie.n_nodes + 1) * sizeof *g.starts);
    inlay__free(sys, g.order, g.trie.n_nodes * sizeof *g.order);
    inlay__trie_free(&g.trie);
    return status;
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
    inlay__free(special->sys, special->firsts, (special->n_nodes + 1) * sizeof *special->firsts);
    inlay__free(special->sys, special->noted, (special->n_nodes / 64 + 1) * sizeof *special->noted);
    inlay__free(special->sys, special->notes, special->note_capacity * sizeof *special->notes);
    inlay__free(special->sys, special->bytes, special->n_nodes);
    inlay__free(special->sys, special->texts, special->n_texts * sizeof *special->texts);
    *special = (inlay__special){.sys = special->sys};
}

int32_t inlay__special_find(const inlay__special *special, const uint8_t *text, size_t size, bool control,
                            inlay__special_matches *matches) {
    *matches = (inlay__special_matches){0};
    if (special->n_nodes <= 1 || !(control || special->has_added)) return INLAY_OK;
    uint32_t node = 0;
    for (size_t pos = size; pos-- > 0;) {
        node = node == 0 ? special->starts[text[pos]] : step(special, node, text[pos]);
        const inlay__special_note note = note_of(special, node);
        int32_t i = control ? note.any : note.added;
        if (i < 0) continue;
        void *items = matches->items;
        INLAY__TRY(inlay__grow(special->sys, &items, &matches->capacity, matches->n + 1, sizeof *matches->items));
        matches->items = items;
        matches->items[matches->n++] = (inlay__special_match){pos, special->texts[i].size, special->texts[i].id};
    }
    return INLAY_OK;
}

void inlay__special_matches_free(const inlay__special *special, inlay__special_matches *matches) {
    inlay__free(special->sys, matches->items, matches->capacity * sizeof *matches->items);
    *matches = (inlay__special_matches){0};
}
