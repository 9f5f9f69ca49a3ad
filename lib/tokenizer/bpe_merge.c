/* Merging a word: short words by looking at all pairs each time, long ones with a tree of ranks. */
#include "tokenizer/bpe_merge.h"
#include "tokenizer/rank_tree.h"

enum { SMALL_WORD = 32 };  /* bytes */
#define NO_RANK INLAY__NO_RANK

static int32_t fail_byte(uint8_t byte) {
    return inlay__fail(INLAY_ERR_UNSUPPORTED, "the vocabulary has no token for byte %d of the text", byte);
}

static uint32_t rank_of(const inlay__merge *merge) { return merge->result >= 0 ? merge->rank : NO_RANK; }

/* ------------------------------------------------------------- short words */

/* n^2 / 2 comparisons at worst, in two cache lines; most words have four to eight bytes. */
static int32_t merge_small(const inlay__bpe *bpe, inlay__encoder *encoder, const uint8_t *word, size_t size) {
    int32_t ids[SMALL_WORD];
    const inlay__merge *merges[SMALL_WORD]; /* of ids[i] and ids[i + 1] */
    uint32_t ranks[SMALL_WORD];
    size_t n = size;
    for (size_t i = 0; i < n; i++) {
        ids[i] = bpe->byte_ids[word[i]];
        if (ids[i] < 0) return fail_byte(word[i]);
    }
    for (size_t i = 0; i + 1 < n; i++) {
        merges[i] = inlay__bpe_find(bpe, (uint32_t)ids[i], (uint32_t)ids[i + 1]);
        ranks[i] = rank_of(merges[i]);
    }
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (ranks[i] < ranks[best]) best = i;
        if (ranks[best] == NO_RANK) break;
        ids[best] = merges[best]->result;
        n--;
        for (size_t i = best + 1; i < n; i++)
            ids[i] = ids[i + 1];
        for (size_t i = best + 1; i + 1 < n; i++) {
            merges[i] = merges[i + 1];
            ranks[i] = ranks[i + 1];
        }
        for (size_t i = best > 0 ? best - 1 : 0; i <= best && i + 1 < n; i++) {
            merges[i] = inlay__bpe_find(bpe, (uint32_t)ids[i], (uint32_t)ids[i + 1]);
            ranks[i] = rank_of(merges[i]);
        }
    }
    INLAY__TRY(inlay__encoder_reserve(encoder, n));
    for (size_t i = 0; i < n; i++)
        inlay__encoder_put(encoder, ids[i]);
    return INLAY_OK;
}

/* -------------------------------------------------------------- long words */

/* The tokens of a word as a doubly linked list over its byte positions, and the ranks of the pairs. A token is known by
 * the position of its first byte. */
typedef struct long_word {
    size_t n;       /* bytes */
    int32_t *ids;   /* [n] */
    uint32_t *next; /* [n] position of the token after; n at the end */
    uint32_t *prev; /* [n] of the one before; n at the beginning */
    inlay__rank_tree ranks; /* [n] of the pair that begins here, NO_RANK if it has no merge or here no token begins */
} long_word;

/* Looks up the pair that begins at `pos`. */
static uint32_t rank_at(const inlay__bpe *bpe, const long_word *w, size_t pos) {
    uint32_t next = w->next[pos];
    if (next == w->n) return NO_RANK;
    return rank_of(inlay__bpe_find(bpe, (uint32_t)w->ids[pos], (uint32_t)w->ids[next]));
}

static int32_t long_word_begin(const inlay__bpe *bpe, inlay__encoder *encoder, const uint8_t *word, size_t n,
                               long_word *w) {
    size_t size;
    if (!inlay__rank_tree_bytes(n, 3, &size))
        return inlay__fail(INLAY_ERR_MEMORY, "out of memory: a word of %zu bytes", n);
    uint32_t *memory = inlay__encoder_scratch(encoder, INLAY__SCRATCH_MERGES, size);
    if (memory == NULL) return INLAY_ERR_MEMORY;
    w->n = n;
    inlay__rank_tree_begin(&w->ranks, memory, n);
    w->next = memory + inlay__rank_tree_size(n);
    w->prev = w->next + n;
    w->ids = (int32_t *)(void *)(w->prev + n);
    for (size_t i = 0; i < n; i++) {
        w->ids[i] = bpe->byte_ids[word[i]];
        if (w->ids[i] < 0) return fail_byte(word[i]);
        w->next[i] = (uint32_t)(i + 1);
        w->prev[i] = (uint32_t)(i > 0 ? i - 1 : n);
    }
    for (size_t i = 0; i < n; i++) w->ranks.rows[0][i] = rank_at(bpe, w, i);
    inlay__rank_tree_order(&w->ranks, n);
    return INLAY_OK;
}

static void merge_all(const inlay__bpe *bpe, long_word *w) {
    size_t pos;
    while (inlay__rank_tree_lowest(&w->ranks, &pos)) {
        uint32_t gone = w->next[pos], after = w->next[gone], before = w->prev[pos];
        w->ids[pos] = inlay__bpe_find(bpe, (uint32_t)w->ids[pos], (uint32_t)w->ids[gone])->result;
        w->next[pos] = after;
        if (after != w->n) w->prev[after] = (uint32_t)pos;
        inlay__rank_tree_set(&w->ranks, gone, NO_RANK);
        inlay__rank_tree_set(&w->ranks, pos, rank_at(bpe, w, pos));
        if (before != w->n) inlay__rank_tree_set(&w->ranks, before, rank_at(bpe, w, before));
    }
}

static int32_t merge_long(const inlay__bpe *bpe, inlay__encoder *encoder, const uint8_t *word, size_t size) {
    long_word w;
    INLAY__TRY(long_word_begin(bpe, encoder, word, size, &w));
    merge_all(bpe, &w);
    size_t n = 0;
    for (uint32_t pos = 0; pos != w.n; pos = w.next[pos])
        n++;
    INLAY__TRY(inlay__encoder_reserve(encoder, n));
    for (uint32_t pos = 0; pos != w.n; pos = w.next[pos])
        inlay__encoder_put(encoder, w.ids[pos]);
    return INLAY_OK;
}

int32_t inlay__bpe_merge_word(const inlay__bpe *bpe, inlay__encoder *encoder, const uint8_t *word, size_t size) {
    if (size <= SMALL_WORD) return merge_small(bpe, encoder, word, size);
    for (size_t begin = 0, end; begin < size; begin = end) {
        end = begin + 1;
        while (end < size && inlay__byte_pairs_has(&bpe->joints, word[end - 1], word[end])) end++;
        size_t n = end - begin;
        INLAY__TRY(n <= SMALL_WORD ? merge_small(bpe, encoder, word + begin, n)
                                   : merge_long(bpe, encoder, word + begin, n));
    }
    return INLAY_OK;
}
