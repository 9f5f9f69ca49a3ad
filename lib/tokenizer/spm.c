/* SentencePiece BPE: scores, merging, bytes of tokens. */
#include "tokenizer/spm.h"

#include "tokenizer/rank_tree.h"

static const char SPACE_MARK[] = "\xe2\x96\x81"; /* U+2581 */
enum { SPACE_MARK_SIZE = 3, CHUNK = 256 /* scores read at a time */ };
#define NO_RANK INLAY__NO_RANK /* of a pair that is no token */

/* --------------------------------------------------------------------- load */

static int32_t load_scores(const char *name, const inlay__gguf *gguf, inlay__spm *spm) {
    static const char key[] = "tokenizer.ggml.scores";
    uint32_t chunk[CHUNK];
    spm->scores = inlay__gguf_find(gguf, key);
    if (spm->scores == NULL) return inlay__fail(INLAY_ERR_FORMAT, "file '%s': has no %s", name, key);
    for (size_t i = 0; i < spm->vocab->n_tokens; i++) {
        if (i % CHUNK == 0) inlay__gguf_bits(spm->scores, i, inlay__min_size(CHUNK, spm->vocab->n_tokens - i), chunk);
        float score;
        memcpy(&score, &chunk[i % CHUNK], sizeof score);
        if (!(score > -3.4e38f && score < 3.4e38f))
            return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s %llu is %g, expected a finite number", name, key,
                               (unsigned long long)i, (double)score);
    }
    return INLAY_OK;
}

static void load_bytes(inlay__spm *spm) {
    for (size_t byte = 0; byte < 256; byte++) spm->byte_ids[byte] = -1;
    for (size_t id = spm->vocab->n_tokens; id-- > 0;) {
        uint8_t byte;
        if ((spm->vocab->flags[id] & INLAY_TOKEN_BYTE) == 0) continue;
        if (inlay__vocab_byte(inlay__vocab_text(spm->vocab, (int32_t)id), &byte)) spm->byte_ids[byte] = (int32_t)id;
    }
}

static void load_joints(inlay__spm *spm) {
    for (size_t id = 0; id < spm->vocab->n_tokens; id++) {
        inlay__text text = inlay__vocab_text(spm->vocab, (int32_t)id);
        for (size_t i = 1; i < text.size; i++)
            inlay__byte_pairs_add(&spm->joints, (uint8_t)text.text[i - 1], (uint8_t)text.text[i]);
    }
}

int32_t inlay__spm_load(const char *name, const inlay__gguf *gguf, const inlay__vocab *vocab, inlay__spm *spm) {
    static const char key[] = "tokenizer.ggml.add_space_prefix";
    const inlay__gguf_kv *kv = inlay__gguf_find(gguf, key);
    int64_t prefix = 1;
    *spm = (inlay__spm){.vocab = vocab};
    if (kv != NULL && (kv->is_array || kv->type != INLAY__GGUF_BOOL || !inlay__gguf_i64(kv, 0, &prefix)))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s is of type %s, expected a boolean", name, key,
                           inlay__gguf_type_name(kv->type));
    spm->add_space_prefix = prefix != 0;
    INLAY__TRY(load_scores(name, gguf, spm));
    load_bytes(spm);
    load_joints(spm);
    return INLAY_OK;
}

/* ------------------------------------------------------------------- encode */

/* The text with marked spaces, on its way to tokens. */
typedef struct work {
    const inlay__spm *spm;
    inlay__encoder *encoder;
    const uint8_t *given; /* the text as it came */
    const char *text;     /* [n] with marked spaces */
    size_t n;
    size_t end, marked;   /* given[0..end) became text[0..marked); so far there are tokens */
} work;

/* A part of the text that is merged apart, and its symbols as a doubly linked list over their first bytes. */
typedef struct line {
    const char *text; /* [n] */
    uint32_t n;
    uint32_t *next; /* [n] where the symbol after begins; n at the end */
    uint32_t *prev; /* [n] where the one before begins; n at the beginning */
    inlay__rank_tree ranks; /* [n] of the pair that begins here; NO_RANK for none */
} line;

/* Ids of plain text and its tokens: controls are never made of text, byte tokens only of bytes. */
static bool find_token(const inlay__spm *spm, const char *text, size_t size, int32_t *id) {
    const inlay__vocab *vocab = spm->vocab;
    return size <= vocab->max_token_size && inlay__vocab_find(vocab, text, size, id) &&
           inlay__vocab_is_plain(vocab, *id) && (vocab->flags[*id] & INLAY_TOKEN_BYTE) == 0;
}

/* A score's bits in an order in which the higher score is the lower number; never NO_RANK. */
static uint32_t rank_of_score(float score) {
    uint32_t bits;
    memcpy(&bits, &score, sizeof bits);
    if (bits == 0x80000000) bits = 0; /* -0 is 0 */
    return (bits & 0x80000000) != 0 ? bits : ~(bits | 0x80000000);
}

/* Looks up the two symbols that begin at `pos`. */
static uint32_t rank_at(const inlay__spm *spm, const line *l, size_t pos) {
    int32_t id;
    uint32_t second = l->next[pos];
    if (second == l->n || !find_token(spm, l->text + pos, l->next[second] - pos, &id)) return NO_RANK;
    return rank_of_score(inlay__gguf_f32(spm->scores, (size_t)id));
}

/* Bytes of the symbol at p: a character, or of bytes that are none as many as could begin one. */
static size_t symbol_size(const char *p, size_t left) {
    uint8_t first = (uint8_t)p[0];
    size_t most = inlay__min_size(first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4, left), size = 1;
    while (size < most && ((uint8_t)p[size] & 0xc0) == 0x80) size++;
    return size;
}

/* Where the line that begins at `pos` ends: no token reaches over. */
static size_t line_end(const work *w, size_t pos) {
    for (;;) {
        pos += symbol_size(w->text + pos, w->n - pos);
        if (pos == w->n || !inlay__byte_pairs_has(&w->spm->joints, (uint8_t)w->text[pos - 1], (uint8_t)w->text[pos]))
            return pos;
    }
}

static int32_t line_begin(const work *w, size_t begin, size_t end, line *l) {
    size_t bytes, n = end - begin;
    if (!inlay__rank_tree_bytes(n, 2, &bytes))
        return inlay__fail(INLAY_ERR_MEMORY, "out of memory: a text of %zu bytes", w->n);
    uint32_t *memory = inlay__encoder_scratch(w->encoder, INLAY__SCRATCH_MERGES, bytes);
    if (memory == NULL) return INLAY_ERR_MEMORY;
    l->text = w->text + begin;
    l->n = (uint32_t)n;
    inlay__rank_tree_begin(&l->ranks, memory, n);
    l->next = memory + inlay__rank_tree_size(n);
    l->prev = l->next + n;
    uint32_t before = l->n;
    for (uint32_t pos = 0; pos < l->n;) {
        uint32_t after = pos + (uint32_t)symbol_size(l->text + pos, l->n - pos);
        l->prev[pos] = before;
        l->next[pos] = after;
        before = pos;
        pos = after;
    }
    return INLAY_OK;
}

static void merge_line(const inlay__spm *spm, line *l) {
    size_t pos;
    for (pos = 0; pos < l->n; pos = l->next[pos]) l->ranks.rows[0][pos] = rank_at(spm, l, pos);
    inlay__rank_tree_order(&l->ranks, l->n);
    while (inlay__rank_tree_lowest(&l->ranks, &pos)) {
        uint32_t gone = l->next[pos], after = l->next[gone], before = l->prev[pos];
        l->next[pos] = after;
        if (after != l->n) l->prev[after] = (uint32_t)pos;
        inlay__rank_tree_set(&l->ranks, gone, NO_RANK);
        inlay__rank_tree_set(&l->ranks, pos, rank_at(spm, l, pos));
        if (before != l->n) inlay__rank_tree_set(&l->ranks, before, rank_at(spm, l, before));
    }
}

/* The bytes of a symbol, text[begin..end) before its spaces were marked. */
static int32_t put_bytes(const inlay__spm *spm, inlay__encoder *encoder, const char *text, size_t size, size_t begin,
                         size_t end) {
    int32_t unknown = spm->vocab->special.unknown;
    for (size_t i = 0; i < size; i++) {
        int32_t id = spm->byte_ids[(uint8_t)text[i]];
        if (id < 0 && unknown < 0)
            return inlay__fail(INLAY_ERR_UNSUPPORTED,
                               "the vocabulary has no token for byte %d of the text and none for the unknown",
                               (uint8_t)text[i]);
        bool apart = id >= 0 && end - begin == size; /* else all of them are of one place */
        inlay__encoder_put_at(encoder, id >= 0 ? id : unknown, apart ? begin + i : begin, apart ? begin + i + 1 : end);
        if (id < 0) break; /* one unknown token for the character */
    }
    return INLAY_OK;
}

/* A symbol that merging left: the next bytes of the text. */
static int32_t put_symbol(work *w, size_t size) {
    int32_t id;
    const char *text = w->text + w->marked;
    size_t begin = w->end, after = w->marked + size;
    if (w->marked == 0 && w->spm->add_space_prefix) w->marked = SPACE_MARK_SIZE; /* of no byte */
    for (; w->marked < after; w->end++) w->marked += w->given[w->end] == ' ' ? SPACE_MARK_SIZE : 1;
    INLAY__TRY(inlay__encoder_reserve(w->encoder, size));
    if (!find_token(w->spm, text, size, &id)) return put_bytes(w->spm, w->encoder, text, size, begin, w->end);
    inlay__encoder_put_at(w->encoder, id, begin, w->end);
    return INLAY_OK;
}

static int32_t put_line(work *w, size_t begin, size_t end) {
    line l;
    if (symbol_size(w->text + begin, end - begin) == end - begin) return put_symbol(w, end - begin);
    INLAY__TRY(line_begin(w, begin, end, &l));
    merge_line(w->spm, &l);
    for (uint32_t pos = 0; pos < l.n; pos = l.next[pos]) INLAY__TRY(put_symbol(w, l.next[pos] - pos));
    return INLAY_OK;
}

/* The text with every space marked, and one before it if the model wants that; NULL without memory. */
static const char *mark_spaces(const inlay__spm *spm, inlay__encoder *encoder, const uint8_t *text, size_t size,
                               size_t *marked_size) {
    size_t n = spm->add_space_prefix ? SPACE_MARK_SIZE : 0, at = 0;
    for (size_t i = 0; i < size; i++) n += text[i] == ' ' ? SPACE_MARK_SIZE : 1;
    char *marked = inlay__encoder_scratch(encoder, INLAY__SCRATCH_TEXT, n);
    if (marked == NULL) return NULL;
    if (spm->add_space_prefix) {
        memcpy(marked, SPACE_MARK, SPACE_MARK_SIZE);
        at = SPACE_MARK_SIZE;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] != ' ') {
            marked[at++] = (char)text[i];
            continue;
        }
        memcpy(marked + at, SPACE_MARK, SPACE_MARK_SIZE);
        at += SPACE_MARK_SIZE;
    }
    *marked_size = n;
    return marked;
}

int32_t inlay__spm_encode(const inlay__spm *spm, inlay__encoder *encoder, const uint8_t *text, size_t size) {
    work w = {.spm = spm, .encoder = encoder, .given = text};
    if (size > INT32_MAX / 4)
        return inlay__fail(INLAY_ERR_ARGUMENT, "the text has %zu bytes, and one call takes at most %d", size,
                           INT32_MAX / 4);
    w.text = mark_spaces(spm, encoder, text, size, &w.n);
    if (w.text == NULL) return INLAY_ERR_MEMORY;
    for (size_t begin = 0, end; begin < w.n; begin = end) {
        end = line_end(&w, begin);
        INLAY__TRY(put_line(&w, begin, end));
    }
    return INLAY_OK;
}

/* ------------------------------------------------------------------- decode */

size_t inlay__spm_read(const inlay__spm *spm, int32_t id, size_t *at, uint8_t *out, size_t capacity) {
    uint8_t flags = spm->vocab->flags[id];
    if ((flags & (INLAY_TOKEN_CONTROL | INLAY_TOKEN_UNKNOWN | INLAY_TOKEN_UNUSED)) != 0) return 0;
    inlay__text text = inlay__vocab_text(spm->vocab, id);
    if (*at >= text.size) return 0;
    if ((flags & INLAY_TOKEN_BYTE) != 0) {
        *at = text.size;
        return inlay__vocab_byte(text, out) ? 1 : 0;
    }
    size_t n = 0;
    while (n < capacity && *at < text.size) {
        bool mark = text.size - *at >= SPACE_MARK_SIZE && memcmp(text.text + *at, SPACE_MARK, SPACE_MARK_SIZE) == 0;
        out[n++] = mark ? ' ' : (uint8_t)text.text[*at];
        *at += mark ? SPACE_MARK_SIZE : 1;
    }
    return n;
}
