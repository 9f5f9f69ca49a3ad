/* Characters to symbols, and symbols merged: few of them by looking at all pairs each time, many with a tree of
 * ranks. */
#include "tokenizer/symbol_bpe.h"

#include "base/utf8.h"
#include "tokenizer/bpe_merge.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/rank_tree.h"

enum { FEW_SYMBOLS = 24 };
#define NO_RANK INLAY__NO_RANK

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

/* Notes the bytes at which a merge joins, if its result is the two texts one after the other. */
static void add_joint(inlay__symbol_bpe *bpe, inlay__text left, inlay__text right, inlay__text result) {
    size_t skip = bpe->prefix.size;
    bool joined = left.size > 0 && right.size > skip && result.size == left.size + right.size - skip &&
                  memcmp(result.text, left.text, left.size) == 0 &&
                  memcmp(result.text + left.size, right.text + skip, right.size - skip) == 0;
    if (!joined) {
        bpe->whole_words = true;
        return;
    }
    inlay__byte_pairs_add(&bpe->pairs.joints, (uint8_t)left.text[left.size - 1], (uint8_t)right.text[0]);
    inlay__bpe_add_joint(&bpe->byte_joints, left, right);
}

void inlay__symbol_bpe_add(inlay__symbol_bpe *bpe, int32_t left, int32_t right, uint32_t rank, int32_t result) {
    const inlay__vocab *vocab = bpe->pairs.vocab;
    add_joint(bpe, inlay__vocab_text(vocab, left), inlay__vocab_text(vocab, right), inlay__vocab_text(vocab, result));
    const inlay__merge *slot = inlay__bpe_find(&bpe->pairs, (uint32_t)left, (uint32_t)right);
    bpe->pairs.merges[slot - bpe->pairs.merges] = (inlay__merge){(uint32_t)left, (uint32_t)right, rank, result};
}

bool inlay__symbol_bpe_take_bytes(inlay__symbol_bpe *bpe) {
    if (bpe->max_affix_size > 0 || bpe->whole_words) return false;
    for (size_t byte = 0; byte < 256; byte++) {
        char letter[INLAY__BYTE_TEXT_MAX];
        int32_t id;
        size_t n = inlay__byte_write((uint8_t)byte, letter);
        if (!inlay__lexicon_find(bpe->lexicon, letter, n, false, &id)) return false;
        inlay__text text = inlay__vocab_text(bpe->pairs.vocab, id);
        if (text.size != n || memcmp(text.text, letter, n) != 0) return false;
        bpe->pairs.byte_ids[byte] = id;
    }
    bpe->pairs.joints = bpe->byte_joints;
    bpe->byte_level = true;
    return true;
}

void inlay__symbol_bpe_free(inlay__symbol_bpe *bpe) {
    if (bpe->pairs.sys != NULL) inlay__bpe_free(&bpe->pairs);
    *bpe = (inlay__symbol_bpe){0};
}

/* A token of the word while it is put together; a list over the array. */
typedef struct symbol {
    int32_t id;
    uint32_t begin, end; /* bytes of the word */
    uint32_t next;       /* index of the symbol after; n at the end */
    union {
        uint32_t prev;   /* among many: of the one before; n at the beginning */
        uint32_t rank;   /* among few: of the pair that begins here */
    };
} symbol;

typedef struct word_work {
    const inlay__symbol_bpe *bpe;
    inlay__encoder *encoder;
    const uint8_t *word;
    bool control;
    symbol *symbols; /* [n] of [capacity]; no token reaches back over the first */
    size_t n, capacity;
    char *affixed;   /* room for a character with both affixes */
    symbol unknown;  /* id -1: none is held back */
} word_work;

/* ------------------------------------------------------------------ merging */

static uint32_t rank_of(const word_work *w, int32_t left, int32_t right) {
    const inlay__merge *merge = inlay__bpe_find(&w->bpe->pairs, (uint32_t)left, (uint32_t)right);
    return merge->result >= 0 ? merge->rank : NO_RANK;
}

static int32_t result_of(const word_work *w, int32_t left, int32_t right) {
    return inlay__bpe_find(&w->bpe->pairs, (uint32_t)left, (uint32_t)right)->result;
}

/* Merges the n symbols at s; how many are left. */
static size_t merge_few(const word_work *w, symbol *s, size_t n) {
    for (size_t i = 0; i + 1 < n; i++) s[i].rank = rank_of(w, s[i].id, s[i + 1].id);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (s[i].rank < s[best].rank) best = i;
        if (s[best].rank == NO_RANK) break;
        s[best].id = result_of(w, s[best].id, s[best + 1].id);
        s[best].end = s[best + 1].end;
        n--;
        memmove(s + best + 1, s + best + 2, (n - best - 1) * sizeof *s);
        if (best + 1 < n) s[best].rank = rank_of(w, s[best].id, s[best + 1].id);
        if (best > 0) s[best - 1].rank = rank_of(w, s[best - 1].id, s[best].id);
    }
    return n;
}

/* The rank of the pair that begins at symbol `at` of n. */
static uint32_t rank_at(const word_work *w, const symbol *s, size_t n, size_t at) {
    return s[at].next == n ? NO_RANK : rank_of(w, s[at].id, s[s[at].next].id);
}

/* `memory` has room for a tree of n. */
static size_t merge_many(const word_work *w, symbol *s, size_t n, uint32_t *memory) {
    inlay__rank_tree ranks;
    size_t at, left = 0;
    inlay__rank_tree_begin(&ranks, memory, n);
    for (size_t i = 0; i < n; i++) {
        s[i].next = (uint32_t)(i + 1);
        s[i].prev = (uint32_t)(i > 0 ? i - 1 : n);
        ranks.rows[0][i] = rank_at(w, s, n, i);
    }
    inlay__rank_tree_order(&ranks, n);
    while (inlay__rank_tree_lowest(&ranks, &at)) {
        uint32_t gone = s[at].next, after = s[gone].next, before = s[at].prev;
        s[at].id = result_of(w, s[at].id, s[gone].id);
        s[at].end = s[gone].end;
        s[at].next = after;
        if (after != n) s[after].prev = (uint32_t)at;
        inlay__rank_tree_set(&ranks, gone, NO_RANK);
        inlay__rank_tree_set(&ranks, at, rank_at(w, s, n, at));
        if (before != n) inlay__rank_tree_set(&ranks, before, rank_at(w, s, n, before));
    }
    for (size_t i = 0, next; i != n; i = next) {
        next = s[i].next;
        s[left++] = s[i];
    }
    return left;
}

/* Merges the symbols there are, appends what is left, and forgets them. */
static int32_t put_tokens(word_work *w) {
    size_t n = w->n, bytes;
    w->n = 0;
    if (n > FEW_SYMBOLS) {
        if (n >= UINT32_MAX || !inlay__rank_tree_bytes(n, 0, &bytes))
            return inlay__fail(INLAY_ERR_MEMORY, "out of memory: a word of %zu characters", n);
        uint32_t *memory = inlay__encoder_scratch(w->encoder, INLAY__SCRATCH_RANKS, bytes);
        if (memory == NULL) return INLAY_ERR_MEMORY;
        n = merge_many(w, w->symbols, n, memory);
    } else {
        n = merge_few(w, w->symbols, n);
    }
    INLAY__TRY(inlay__encoder_reserve(w->encoder, n));
    for (size_t i = 0; i < n; i++)
        inlay__encoder_put_at(w->encoder, w->symbols[i].id, w->symbols[i].begin, w->symbols[i].end);
    return INLAY_OK;
}

/* ------------------------------------------------------------------ symbols */

/* Whether a token may reach from one symbol to the next. */
static bool may_join(const word_work *w, int32_t left, int32_t right) {
    const inlay__vocab *vocab = w->bpe->pairs.vocab;
    inlay__text a = inlay__vocab_text(vocab, left), b = inlay__vocab_text(vocab, right);
    if (w->bpe->whole_words || a.size == 0 || b.size == 0) return true;
    return inlay__byte_pairs_has(&w->bpe->pairs.joints, (uint8_t)a.text[a.size - 1], (uint8_t)b.text[0]);
}

static int32_t put_symbol(word_work *w, int32_t id, size_t begin, size_t end) {
    if (w->n > 0 && !may_join(w, w->symbols[w->n - 1].id, id)) INLAY__TRY(put_tokens(w));
    if (w->n == w->capacity) {
        w->symbols =
            inlay__encoder_grow_scratch(w->encoder, INLAY__SCRATCH_MERGES, (w->n + FEW_SYMBOLS) * sizeof *w->symbols);
        if (w->symbols == NULL) return INLAY_ERR_MEMORY;
        w->capacity = w->encoder->scratch_size[INLAY__SCRATCH_MERGES] / sizeof *w->symbols;
    }
    w->symbols[w->n++] = (symbol){.id = id, .begin = (uint32_t)begin, .end = (uint32_t)end};
    return INLAY_OK;
}

static int32_t put_held(word_work *w) {
    int32_t id = w->unknown.id;
    w->unknown.id = -1;
    return id >= 0 ? put_symbol(w, id, w->unknown.begin, w->unknown.end) : INLAY_OK;
}

static bool has_bytes(const word_work *w, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (w->bpe->lexicon->byte_ids[(uint8_t)text[i]] < 0) return false;
    return true;
}

/* An unknown character is held back until the next known one, so that neighbours can be one. */
static int32_t hold_unknown(word_work *w, size_t begin, size_t end) {
    if (w->bpe->lexicon->unknown < 0) return INLAY_OK;
    if (w->unknown.id >= 0 && w->bpe->fuse_unknown) {
        w->unknown.end = (uint32_t)end;
        return INLAY_OK;
    }
    INLAY__TRY(put_held(w));
    w->unknown = (symbol){.id = w->bpe->lexicon->unknown, .begin = (uint32_t)begin, .end = (uint32_t)end};
    return INLAY_OK;
}

static int32_t put_character(word_work *w, size_t begin, size_t end, size_t size) {
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
        INLAY__TRY(put_held(w));
        return put_symbol(w, id, begin, end);
    }
    if (!bpe->byte_fallback || !has_bytes(w, text, n)) return hold_unknown(w, begin, end);
    for (size_t i = 0; i < n; i++) INLAY__TRY(put_symbol(w, bpe->lexicon->byte_ids[(uint8_t)text[i]], begin, end));
    return INLAY_OK;
}

static int32_t put_characters(word_work *w, size_t size) {
    for (size_t pos = 0, n; pos < size; pos += n) {
        uint32_t code;
        n = inlay__utf8_decode(w->word + pos, size - pos, &code);
        n = inlay__max_size(n, 1);
        INLAY__TRY(put_character(w, pos, pos + n, size));
    }
    return put_held(w);
}

/* ------------------------------------------------------------------- encode */

/* The token that a word is as a whole; of bytes, their letters. */
static int32_t find_whole(const inlay__symbol_bpe *bpe, inlay__encoder *encoder, const uint8_t *word, size_t size,
                          bool control, int32_t *id) {
    size_t n = 0, most = bpe->pairs.vocab->max_token_size;
    const void *text = word;
    *id = -1;
    if (size > most) return INLAY_OK;
    if (bpe->byte_level) {
        char *letters = inlay__encoder_scratch(encoder, INLAY__SCRATCH_TEXT, most * INLAY__BYTE_TEXT_MAX);
        if (letters == NULL) return INLAY_ERR_MEMORY;
        for (size_t i = 0; i < size; i++) n += inlay__byte_write(word[i], letters + n);
        text = letters;
    }
    if (!inlay__lexicon_find(bpe->lexicon, text, bpe->byte_level ? n : size, control, id)) *id = -1;
    return INLAY_OK;
}

int32_t inlay__symbol_bpe_encode(const inlay__symbol_bpe *bpe, inlay__encoder *encoder, const uint8_t *word,
                                 size_t size, bool control) {
    int32_t id = -1;
    if (bpe->ignore_merges || (bpe->whole_lines && word[0] == '\n'))
        INLAY__TRY(find_whole(bpe, encoder, word, size, control, &id));
    if (id >= 0) {
        INLAY__TRY(inlay__encoder_reserve(encoder, 1));
        inlay__encoder_put_at(encoder, id, 0, size);
        return INLAY_OK;
    }
    if (bpe->byte_level) return inlay__bpe_encode_word(&bpe->pairs, encoder, word, size, 0);
    word_work w = {.bpe = bpe, .encoder = encoder, .word = word, .control = control, .unknown = {.id = -1}};
    w.symbols = encoder->scratch[INLAY__SCRATCH_MERGES];
    w.capacity = encoder->scratch_size[INLAY__SCRATCH_MERGES] / sizeof *w.symbols;
    w.affixed = inlay__encoder_scratch(encoder, INLAY__SCRATCH_TEXT, bpe->max_affix_size + 4);
    if (w.affixed == NULL) return INLAY_ERR_MEMORY;
    INLAY__TRY(put_characters(&w, size));
    return w.n > 0 ? put_tokens(&w) : INLAY_OK;
}
