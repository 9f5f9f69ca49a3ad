/* Characters to symbols, and symbols merged: few of them by looking at all pairs each time, many with a heap. */
#include "tokenizer/symbol_bpe.h"

#include "base/utf8.h"
#include "tokenizer/bpe_merge.h"
#include "tokenizer/merge_heap.h"

enum { FEW_SYMBOLS = 24 };
#define NO_RANK UINT32_MAX /* of a pair without a merge */

/* --------------------------------------------------------------------- load */

int32_t inlay__symbol_bpe_reserve(const inlay__vocab *vocab, size_t n, inlay__symbol_bpe *bpe) {
    inlay__bpe *pairs = &bpe->pairs;
    size_t n_slots = 16;
    if (n >= UINT32_MAX / 4) return inlay__fail(INLAY_ERR_FORMAT, "there are %zu merges", n);
    while (n_slots / 2 < n) n_slots *= 2;
    *pairs = (inlay__bpe){.sys = vocab->sys, .vocab = vocab, .seed = vocab->by_text.seed, .merge_mask = n_slots - 1};
    pairs->merges = inlay__alloc_array(vocab->sys, n_slots, sizeof *pairs->merges);
    if (pairs->merges == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < n_slots; i++) pairs->merges[i].result = -1;
    return INLAY_OK;
}

void inlay__symbol_bpe_add(inlay__symbol_bpe *bpe, int32_t left, int32_t right, uint32_t rank, int32_t result) {
    const inlay__merge *slot = inlay__bpe_find(&bpe->pairs, (uint32_t)left, (uint32_t)right);
    bpe->pairs.merges[slot - bpe->pairs.merges] = (inlay__merge){(uint32_t)left, (uint32_t)right, rank, result};
}

void inlay__symbol_bpe_free(inlay__symbol_bpe *bpe) {
    if (bpe->pairs.sys != NULL) inlay__bpe_free(&bpe->pairs);
    *bpe = (inlay__symbol_bpe){0};
}

/* ------------------------------------------------------------------ symbols */

/* A token of the word while it is put together; a list over the array. */
typedef struct symbol {
    int32_t id;
    uint32_t begin, end;  /* bytes of the word */
    uint32_t next, prev;  /* indices; next is n at the end, prev n at the beginning */
    uint32_t rank;        /* of the pair that begins here */
} symbol;

typedef struct word_work {
    const inlay__symbol_bpe *bpe;
    const uint8_t *word;
    bool control;
    symbol *symbols; /* [n] at most one a byte */
    size_t n;
    char *affixed;   /* room for a character with both affixes */
    symbol unknown;  /* id -1: none is held back */
} word_work;

static void put_symbol(word_work *w, int32_t id, size_t begin, size_t end) {
    w->symbols[w->n++] = (symbol){.id = id, .begin = (uint32_t)begin, .end = (uint32_t)end};
}

static void put_held(word_work *w) {
    if (w->unknown.id >= 0) put_symbol(w, w->unknown.id, w->unknown.begin, w->unknown.end);
    w->unknown.id = -1;
}

/* The token of each byte of a text, if there are all. */
static bool put_bytes(word_work *w, const char *text, size_t n, size_t begin, size_t end) {
    for (size_t i = 0; i < n; i++)
        if (w->bpe->lexicon->byte_ids[(uint8_t)text[i]] < 0) return false;
    for (size_t i = 0; i < n; i++) put_symbol(w, w->bpe->lexicon->byte_ids[(uint8_t)text[i]], begin, end);
    return true;
}

/* An unknown character is held back until the next known one, so that neighbours can be one. */
static void hold_unknown(word_work *w, size_t begin, size_t end) {
    if (w->bpe->lexicon->unknown < 0) return;
    if (w->unknown.id >= 0 && w->bpe->fuse_unknown) {
        w->unknown.end = (uint32_t)end;
        return;
    }
    put_held(w);
    w->unknown = (symbol){.id = w->bpe->lexicon->unknown, .begin = (uint32_t)begin, .end = (uint32_t)end};
}

static void put_character(word_work *w, size_t begin, size_t end, size_t size) {
    const inlay__symbol_bpe *bpe = w->bpe;
    const char *text = (const char *)w->word + begin;
    size_t n = end - begin, n_prefix = begin > 0 ? bpe->prefix.size : 0, n_suffix = end == size ? bpe->suffix.size : 0;
    if (n_prefix + n_suffix > 0) {
        memcpy(w->affixed, bpe->prefix.text, n_prefix);
        memcpy(w->affixed + n_prefix, text, n);
        memcpy(w->affixed + n_prefix + n, bpe->suffix.text, n_suffix);
        text = w->affixed;
        n += n_prefix + n_suffix;
    }
    int32_t id;
    if (inlay__lexicon_find(bpe->lexicon, text, n, w->control, &id)) {
        put_held(w);
        put_symbol(w, id, begin, end);
    } else if (!bpe->byte_fallback || !put_bytes(w, text, n, begin, end)) {
        hold_unknown(w, begin, end);
    }
}

static void split(word_work *w, size_t size) {
    w->unknown.id = -1;
    for (size_t pos = 0, n; pos < size; pos += n) {
        uint32_t code;
        n = inlay__utf8_decode(w->word + pos, size - pos, &code);
        n = inlay__max_size(n, 1);
        put_character(w, pos, pos + n, size);
    }
    put_held(w);
}

/* ------------------------------------------------------------------ merging */

static uint32_t rank_of(const word_work *w, int32_t left, int32_t right) {
    const inlay__merge *merge = inlay__bpe_find(&w->bpe->pairs, (uint32_t)left, (uint32_t)right);
    return merge->result >= 0 ? merge->rank : NO_RANK;
}

static int32_t result_of(const word_work *w, int32_t left, int32_t right) {
    return inlay__bpe_find(&w->bpe->pairs, (uint32_t)left, (uint32_t)right)->result;
}

static void merge_few(word_work *w) {
    symbol *s = w->symbols;
    for (size_t i = 0; i + 1 < w->n; i++) s[i].rank = rank_of(w, s[i].id, s[i + 1].id);
    while (w->n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < w->n; i++)
            if (s[i].rank < s[best].rank) best = i;
        if (s[best].rank == NO_RANK) break;
        s[best].id = result_of(w, s[best].id, s[best + 1].id);
        s[best].end = s[best + 1].end;
        w->n--;
        memmove(s + best + 1, s + best + 2, (w->n - best - 1) * sizeof *s);
        if (best + 1 < w->n) s[best].rank = rank_of(w, s[best].id, s[best + 1].id);
        if (best > 0) s[best - 1].rank = rank_of(w, s[best - 1].id, s[best].id);
    }
}

static void renew_pair(const word_work *w, inlay__merge_heap *heap, uint32_t at) {
    symbol *s = &w->symbols[at];
    s->rank = s->next == w->n ? NO_RANK : rank_of(w, s->id, w->symbols[s->next].id);
    if (s->rank != NO_RANK) inlay__merge_heap_push(heap, (uint64_t)s->rank << 32 | at);
}

/* The heap has room for two entries a symbol: it begins with one at most, and a merge takes one out and puts two in. */
static void merge_many(word_work *w, uint64_t *entries) {
    inlay__merge_heap heap = {entries, 0};
    symbol *s = w->symbols;
    for (size_t i = 0; i < w->n; i++) {
        s[i].next = (uint32_t)(i + 1);
        s[i].prev = (uint32_t)(i > 0 ? i - 1 : w->n);
    }
    for (size_t i = 0; i < w->n; i++) renew_pair(w, &heap, (uint32_t)i);
    while (heap.size > 0) {
        uint64_t entry = inlay__merge_heap_pop(&heap);
        uint32_t at = (uint32_t)entry;
        if (s[at].rank != (uint32_t)(entry >> 32)) continue;
        uint32_t gone = s[at].next;
        s[at].id = result_of(w, s[at].id, s[gone].id);
        s[at].end = s[gone].end;
        s[at].next = s[gone].next;
        s[gone].rank = NO_RANK;
        if (s[at].next != w->n) s[s[at].next].prev = at;
        renew_pair(w, &heap, at);
        if (s[at].prev != w->n) renew_pair(w, &heap, s[at].prev);
    }
    size_t n = 0;
    for (uint32_t at = 0, next; at != w->n; at = next) {
        next = s[at].next;
        s[n++] = s[at];
    }
    w->n = n;
}

/* ------------------------------------------------------------------- encode */

static int32_t put_tokens(const word_work *w, inlay__encoder *encoder) {
    INLAY__TRY(inlay__encoder_reserve(encoder, w->n));
    for (size_t i = 0; i < w->n; i++)
        inlay__encoder_put_at(encoder, w->symbols[i].id, w->symbols[i].begin, w->symbols[i].end);
    return INLAY_OK;
}

int32_t inlay__symbol_bpe_encode(const inlay__symbol_bpe *bpe, inlay__encoder *encoder, const uint8_t *word, size_t size,
                                 bool control) {
    int32_t id;
    if (bpe->ignore_merges && inlay__lexicon_find(bpe->lexicon, word, size, control, &id)) {
        INLAY__TRY(inlay__encoder_reserve(encoder, 1));
        inlay__encoder_put_at(encoder, id, 0, size);
        return INLAY_OK;
    }
    /* A byte is a symbol at most, but affixes may fall back to bytes too. */
    size_t most, bytes, affixes = bpe->byte_fallback ? bpe->max_affix_size + 1 : 1;
    if (!inlay__mul_size(size, affixes, &most) || most >= UINT32_MAX ||
        !inlay__mul_size(most, sizeof(symbol) + 2 * sizeof(uint64_t), &bytes))
        return inlay__fail(INLAY_ERR_MEMORY, "out of memory: a word of %zu bytes", size);
    word_work w = {.bpe = bpe, .word = word, .control = control};
    uint64_t *entries = inlay__encoder_scratch(encoder, INLAY__SCRATCH_MERGES, bytes);
    w.affixed = inlay__encoder_scratch(encoder, INLAY__SCRATCH_TEXT, bpe->max_affix_size + 4);
    if (entries == NULL || w.affixed == NULL) return INLAY_ERR_MEMORY;
    w.symbols = (symbol *)(void *)(entries + 2 * most);
    split(&w, size);
    if (w.n <= FEW_SYMBOLS)
        merge_few(&w);
    else
        merge_many(&w, entries);
    return put_tokens(&w, encoder);
}
