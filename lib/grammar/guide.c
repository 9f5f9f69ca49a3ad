/* A text that grows token by token, held to a grammar. */
#include "grammar/guide.h"

/* The reader's roots: the state in hand, the state of the last mask, that before the last call which accepts, those
 * before the last tokens, a token's path. */
enum { ROOT_MASKED = 1, ROOT_BEFORE = 2, ROOT_KEPT = 3, ROOT_PATH = ROOT_KEPT + INLAY__GUIDE_STEPS_BACK };

/* States of more items are walked from as they are: their masks would hardly be met again. */
enum { MOST_KEPT_ITEMS = 8 };

/* Masks that are kept: as many as fit into this, at least the least. */
enum { MASKS_SIZE = 2 << 20, LEAST_MASKS = 16, MOST_MASKS = 256 };

/* ------------------------------------------------------------------ constraints */

/* Once, as every mask of a state at which the text may end has them. */
static int32_t find_ends(inlay__constraint *c) {
    c->ends = inlay__alloc_array(c->sys, inlay__mask_words(c->texts), sizeof *c->ends);
    if (c->ends == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < c->texts->n_vocab; i++)
        if (inlay__tokenizer_ends(c->tokenizer, (int32_t)i)) inlay__mask_put(c->ends, i);
    return INLAY_OK;
}

int32_t inlay__constraint_new(const inlay__sys *sys, const inlay__tokenizer *tokenizer, const inlay__token_texts *texts,
                              inlay__grammar *grammar, inlay__constraint **constraint) {
    size_t n_slots = MASKS_SIZE / (16 * inlay__mask_words(texts) + 1);
    n_slots = inlay__min_size(inlay__max_size(n_slots, LEAST_MASKS), MOST_MASKS);
    inlay__constraint *c = inlay__alloc_array(sys, 1, sizeof *c);
    *constraint = NULL;
    if (c == NULL) {
        inlay__grammar_free(grammar);
        return INLAY_ERR_MEMORY;
    }
    c->sys = sys;
    c->tokenizer = tokenizer;
    c->texts = texts;
    c->grammar = *grammar;
    atomic_init(&c->n_references, 1);
    *grammar = (inlay__grammar){.sys = NULL};
    int32_t status = inlay__masks_init(&c->masks, sys, texts, n_slots);
    if (status == INLAY_OK) status = find_ends(c);
    if (status != INLAY_OK)
        inlay__constraint_drop(c);
    else
        *constraint = c;
    return status;
}

void inlay__constraint_take(inlay__constraint *constraint) { atomic_fetch_add(&constraint->n_references, 1); }

void inlay__constraint_drop(inlay__constraint *c) {
    if (c == NULL || atomic_fetch_sub(&c->n_references, 1) != 1) return;
    const inlay__sys *sys = c->sys;
    void (*release)(void *) = c->release;
    void *owner = c->owner;
    inlay__free(sys, c->ends, inlay__mask_words(c->texts) * sizeof *c->ends);
    inlay__masks_free(&c->masks);
    inlay__grammar_free(&c->grammar);
    inlay__free(sys, c, sizeof *c);
    if (release != NULL) release(owner); /* the table of system calls may be its */
}

/* --------------------------------------------------------------------- lifetime */

int32_t inlay__guide_init(inlay__guide *g, const inlay__sys *sys, inlay__constraint *constraint) {
    const inlay__token_texts *texts = constraint->texts;
    *g = (inlay__guide){.sys = sys, .constraint = constraint};
    inlay__constraint_take(constraint);
    g->words = inlay__alloc_array(sys, 4 * inlay__mask_words(texts), sizeof *g->words);
    if (g->words == NULL) return INLAY_ERR_MEMORY;
    return inlay__reader_init(&g->reader, sys, &constraint->grammar, ROOT_PATH + texts->longest + 1);
}

void inlay__guide_free(inlay__guide *g) {
    if (g->sys == NULL) return;
    inlay__reader_free(&g->reader);
    inlay__free(g->sys, g->words, 4 * inlay__mask_words(g->constraint->texts) * sizeof *g->words);
    inlay__constraint_drop(g->constraint);
    g->sys = NULL;
}

void inlay__guide_copy(const inlay__guide *g, inlay__guide *copy) {
    inlay__reader_copy(&g->reader, &copy->reader);
    copy->has_mask = false;
    copy->is_begun = g->is_begun;
    copy->n_steps = g->n_steps;
}

void inlay__guide_reset(inlay__guide *g) {
    g->is_begun = false;
    g->n_steps = 0;
}

/* ------------------------------------------------------------------------ masks */

typedef struct token_edges {
    const inlay__constraint *c;
    uint64_t *mask;
} token_edges;

static void add_token_edge(void *user, uint32_t what) {
    const token_edges *t = user;
    for (size_t i = 0; i < t->c->texts->n_vocab; i++) {
        int32_t flags = inlay__tokenizer_token_flags(t->c->tokenizer, (int32_t)i);
        if ((flags & INLAY_TOKEN_END) != 0) continue;
        if (what == INLAY__TOKEN_NO_TEXT ? (flags & INLAY_TOKEN_CONTROL) != 0
                                         : inlay__takes_token(what, (uint32_t)i, (uint32_t)i))
            inlay__mask_put(t->mask, i);
    }
}

/* Of the state in root ROOT_MASKED. */
static int32_t make_mask(inlay__guide *g) {
    inlay__constraint *c = g->constraint;
    inlay__reader *reader = &g->reader;
    size_t n = inlay__mask_words(c->texts);
    uint64_t *mask = g->words, *open = mask + n, *scratch = open + n;
    uint32_t *now = &reader->roots[ROOT_MASKED];
    memset(mask, 0, 2 * n * sizeof *mask);
    size_t n_items = reader->states.of[*now].n;
    for (size_t i = 0; i < n_items && n_items <= MOST_KEPT_ITEMS; i++) {
        /* the state may be numbered anew meanwhile; its items stay in order */
        inlay__pair item = reader->states.pairs[reader->states.of[*now].begin + i];
        INLAY__TRY(inlay__masks_add(&c->masks, reader, ROOT_PATH, item.position, scratch, mask, open));
    }
    reader->roots[ROOT_PATH] = *now;
    if (n_items > MOST_KEPT_ITEMS)
        INLAY__TRY(inlay__mask_walk(c->texts, reader, ROOT_PATH, mask, open));
    else
        INLAY__TRY(inlay__mask_check(c->texts, reader, ROOT_PATH, open, mask));
    if (c->grammar.has_tokens)
        INLAY__TRY(inlay__reader_tokens(reader, ROOT_MASKED, add_token_edge, &(token_edges){c, mask}));
    for (size_t i = 0; i < n && inlay__reader_ends(reader, ROOT_MASKED); i++)
        mask[i] |= c->ends[i];
    return INLAY_OK;
}

static int32_t begin(inlay__guide *g) {
    INLAY__TRY(inlay__reader_begin(&g->reader, INLAY__ROOT_NOW));
    g->is_begun = true;
    return INLAY_OK;
}

int32_t inlay__guide_mask(inlay__guide *g, const uint64_t **mask) {
    uint32_t *roots = g->reader.roots;
    bool was_begun = g->is_begun;
    *mask = g->words;
    if (!was_begun) INLAY__TRY(begin(g));
    if (g->has_mask && roots[ROOT_MASKED] == roots[INLAY__ROOT_NOW]) return INLAY_OK;
    roots[ROOT_MASKED] = roots[INLAY__ROOT_NOW];
    int32_t status = make_mask(g);
    g->has_mask = status == INLAY_OK;
    if (status != INLAY_OK) g->is_begun = was_begun;
    return status;
}

/* ----------------------------------------------------------------------- tokens */

/* The state behind a token into root ROOT_PATH + 1. */
static int32_t step(inlay__guide *g, int32_t token) {
    inlay__reader *reader = &g->reader;
    const size_t to = ROOT_PATH + 1;
    size_t size;
    const uint8_t *text = inlay__token_texts_of(g->constraint->texts, token, &size);
    reader->roots[to] = size > 0 ? reader->roots[INLAY__ROOT_NOW] : INLAY__STATE_DEAD;
    for (size_t i = 0; i < size; i++)
        INLAY__TRY(inlay__reader_step(reader, to, text[i], to));
    if (!g->constraint->grammar.has_tokens) return INLAY_OK;
    return inlay__reader_step_token(reader, INLAY__ROOT_NOW, token, size > 0, to);
}

static int32_t not_allowed(const inlay__guide *g, int32_t token) {
    inlay__text text = inlay__tokenizer_token_text(g->constraint->tokenizer, token);
    return inlay__fail(INLAY_ERR_STATE, "token %d, '%.*s', is not one that the grammar allows here", token,
                       (int)inlay__min_size(text.size, 64), text.text);
}

static int32_t accept(inlay__guide *g, int32_t token) {
    inlay__reader *reader = &g->reader;
    const inlay__constraint *c = g->constraint;
    if (!g->is_begun) return INLAY_OK; /* of the prompt */
    if (token < 0 || (size_t)token >= c->texts->n_vocab)
        return inlay__fail(INLAY_ERR_STATE, "token %d is not one that the grammar allows here", token);
    bool ends = (inlay__tokenizer_token_flags(c->tokenizer, token) & INLAY_TOKEN_END) != 0;
    reader->roots[ROOT_PATH + 1] = reader->roots[INLAY__ROOT_NOW];
    if (!ends) INLAY__TRY(step(g, token));
    if (ends ? !inlay__reader_ends(reader, INLAY__ROOT_NOW) : inlay__reader_is_dead(reader, ROOT_PATH + 1))
        return not_allowed(g, token);
    size_t kept = (size_t)(g->n_steps % INLAY__GUIDE_STEPS_BACK);
    reader->roots[ROOT_KEPT + kept] = reader->roots[INLAY__ROOT_NOW];
    reader->roots[INLAY__ROOT_NOW] = reader->roots[ROOT_PATH + 1];
    g->is_begun = !ends;
    g->n_steps++;
    return INLAY_OK;
}

int32_t inlay__guide_accept(inlay__guide *g, const int32_t *tokens, size_t n) {
    int32_t status = INLAY_OK;
    g->before = inlay__guide_mark_now(g);
    g->reader.roots[ROOT_BEFORE] = g->reader.roots[INLAY__ROOT_NOW];
    for (size_t i = 0; i < n && status == INLAY_OK; i++)
        status = accept(g, tokens[i]);
    if (status != INLAY_OK) inlay__guide_undo_accept(g);
    return status;
}

void inlay__guide_undo_accept(inlay__guide *g) {
    g->reader.roots[INLAY__ROOT_NOW] = g->reader.roots[ROOT_BEFORE];
    g->n_steps = g->before.n_steps;
    g->is_begun = g->before.is_begun;
}

inlay__guide_mark inlay__guide_mark_now(const inlay__guide *g) {
    return (inlay__guide_mark){g->n_steps, g->is_begun};
}

void inlay__guide_return(inlay__guide *g, inlay__guide_mark mark) {
    while (g->n_steps > mark.n_steps) {
        size_t kept = (size_t)(--g->n_steps % INLAY__GUIDE_STEPS_BACK);
        g->reader.roots[INLAY__ROOT_NOW] = g->reader.roots[ROOT_KEPT + kept];
    }
    g->is_begun = mark.is_begun;
}

bool inlay__guide_may_end(const inlay__guide *g) {
    return g->is_begun && inlay__reader_ends(&g->reader, INLAY__ROOT_NOW);
}

bool inlay__guide_must_end(const inlay__guide *g) {
    return g->is_begun && inlay__reader_only_ends(&g->reader, INLAY__ROOT_NOW);
}

/* ------------------------------------------------------------------------ state */

/*  0  8  the grammar's hash
 *  8  4  1 when the text has begun
 * 12     the reader's state in hand */
size_t inlay__guide_saved_size(const inlay__guide *g) { return 12 + inlay__reader_saved_size(&g->reader); }

uint8_t *inlay__guide_save(const inlay__guide *g, uint8_t *bytes) {
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(g->constraint->grammar.hash >> 8 * i);
    memset(bytes + 8, 0, 4);
    bytes[8] = g->is_begun;
    return inlay__reader_save(&g->reader, bytes + 12);
}

static bool read_head(inlay__cursor *cursor, uint64_t *hash, uint32_t *is_begun) {
    return inlay__cursor_u64(cursor, hash) && inlay__cursor_u32(cursor, is_begun);
}

bool inlay__guide_check(const inlay__guide *g, inlay__cursor *cursor) {
    uint64_t hash;
    uint32_t is_begun;
    return read_head(cursor, &hash, &is_begun) && hash == g->constraint->grammar.hash && is_begun <= 1 &&
           inlay__reader_check(&g->reader, cursor);
}

void inlay__guide_load(inlay__guide *g, inlay__cursor *cursor) {
    uint64_t hash;
    uint32_t is_begun;
    read_head(cursor, &hash, &is_begun);
    inlay__reader_load(&g->reader, cursor);
    g->has_mask = false;
    g->is_begun = is_begun != 0;
    g->n_steps = 0;
}
