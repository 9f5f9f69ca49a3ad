/* SentencePiece BPE: scores, merging, bytes of tokens. */
#include "tokenizer/spm.h"

#include "tokenizer/merge_heap.h"

static const char SPACE_MARK[] = "\xe2\x96\x81"; /* U+2581 */
enum { SPACE_MARK_SIZE = 3 };
#define NO_RANK UINT32_MAX /* of a pair that is no token */

/* --------------------------------------------------------------------- load */

static int32_t load_scores(const char *name, const inlay__gguf *gguf, inlay__spm *spm) {
    static const char key[] = "tokenizer.ggml.scores";
    spm->scores = inlay__gguf_find(gguf, key);
    if (spm->scores == NULL) return inlay__fail(INLAY_ERR_FORMAT, "file '%s': has no %s", name, key);
    for (uint64_t i = 0; i < spm->vocab->n_tokens; i++) {
        float score = inlay__load_f32(spm->scores->values + 4 * i);
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

/* The text with marked spaces, and its symbols as a doubly linked list over their first bytes. */
typedef struct line {
    const char *text; /* [n] */
    uint32_t n;
    uint32_t *next;  /* [n] where the symbol after begins; n at the end */
    uint32_t *prev;  /* [n] where the one before begins; n at the beginning */
    uint32_t *ranks; /* [n] of the pair that begins here; NO_RANK for none */
    inlay__merge_heap heap; /* [2 n] an entry is stale when ranks[position] is not its rank any more */
} line;

/* Ids of plain text and its tokens: controls are never made of text, byte tokens only of bytes. */
static bool find_token(const inlay__spm *spm, const char *text, size_t size, int32_t *id) {
    const inlay__vocab *vocab = spm->vocab;
    return size <= vocab->max_token_size && inlay__vocab_find(vocab, text, size, id) && inlay__vocab_is_plain(vocab, *id) &&
           (vocab->flags[*id] & INLAY_TOKEN_BYTE) == 0;
}

/* A score's bits in an order in which the higher score is the lower number; never NO_RANK. */
static uint32_t rank_of_score(float score) {
    uint32_t bits;
    memcpy(&bits, &score, sizeof bits);
    if (bits == 0x80000000) bits = 0; /* -0 is 0 */
    return (bits & 0x80000000) != 0 ? bits : ~(bits | 0x80000000);
}

/* Looks up the two symbols that begin at `pos`. */
static void renew_pair(const inlay__spm *spm, line *l, uint32_t pos) {
    int32_t id;
    uint32_t second = l->next[pos];
    l->ranks[pos] = NO_RANK;
    if (second == l->n || !find_token(spm, l->text + pos, l->next[second] - pos, &id)) return;
    l->ranks[pos] = rank_of_score(inlay__load_f32(spm->scores->values + 4 * (size_t)id));
    inlay__merge_heap_push(&l->heap, (uint64_t)l->ranks[pos] << 32 | pos);
}

/* Bytes of the symbol at p: a character, or of bytes that are none as many as could begin one. */
static size_t symbol_size(const char *p, size_t left) {
    uint8_t first = (uint8_t)p[0];
    size_t most = inlay__min_size(first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4, left), size = 1;
    while (size < most && ((uint8_t)p[size] & 0xc0) == 0x80) size++;
    return size;
}

static void split_symbols(line *l) {
    uint32_t before = l->n;
    for (uint32_t pos = 0; pos < l->n;) {
        uint32_t after = pos + (uint32_t)symbol_size(l->text + pos, l->n - pos);
        l->prev[pos] = before;
        l->next[pos] = after;
        before = pos;
        pos = after;
    }
}

/* The symbols from `pos` to where the next ones can be merged apart; returns that place. */
static uint32_t find_pairs(const inlay__spm *spm, line *l, uint32_t pos) {
    do {
        renew_pair(spm, l, pos);
        pos = l->next[pos];
    } while (pos < l->n && inlay__byte_pairs_has(&spm->joints, (uint8_t)l->text[pos - 1], (uint8_t)l->text[pos]));
    return pos;
}

/* The heap begins with a pair less than there are symbols; each merge takes one entry out and puts two in. */
static void merge_pairs(const inlay__spm *spm, line *l) {
    while (l->heap.size > 0) {
        uint64_t entry = inlay__merge_heap_pop(&l->heap);
        uint32_t pos = (uint32_t)entry, gone = l->next[pos];
        if (l->ranks[pos] != (uint32_t)(entry >> 32) || gone == l->n) continue;
        l->ranks[gone] = NO_RANK;
        l->next[pos] = l->next[gone];
        if (l->next[pos] != l->n) l->prev[l->next[pos]] = pos;
        renew_pair(spm, l, pos);
        if (l->prev[pos] != l->n) renew_pair(spm, l, l->prev[pos]);
    }
}

static void merge_all(const inlay__spm *spm, line *l) {
    for (uint32_t pos = 0; pos < l->n;) {
        pos = find_pairs(spm, l, pos);
        merge_pairs(spm, l);
    }
}

/* The bytes of a symbol, text[begin..end) before its spaces were marked. */
static int32_t put_bytes(const inlay__spm *spm, inlay__encoder *encoder, const char *text, size_t size, size_t begin,
                         size_t end) {
    int32_t unknown = spm->vocab->special.unknown;
    for (size_t i = 0; i < size; i++) {
        int32_t id = spm->byte_ids[(uint8_t)text[i]];
        if (id < 0 && unknown < 0)
            return inlay__fail(INLAY_ERR_UNSUPPORTED, "the vocabulary has no token for byte %d of the text and none for the unknown",
                               (uint8_t)text[i]);
        bool apart = id >= 0 && end - begin == size; /* else all of them are of one place */
        inlay__encoder_put_at(encoder, id >= 0 ? id : unknown, apart ? begin + i : begin, apart ? begin + i + 1 : end);
        if (id < 0) break; /* one unknown token for the character */
    }
    return INLAY_OK;
}

static int32_t put_tokens(const inlay__spm *spm, inlay__encoder *encoder, const line *l, const uint8_t *text) {
    size_t marked = spm->add_space_prefix ? SPACE_MARK_SIZE : 0; /* of the marked text, what text[0..end) became */
    size_t end = 0;
    for (uint32_t pos = 0; pos < l->n; pos = l->next[pos]) {
        int32_t id;
        size_t size = l->next[pos] - pos, begin = end;
        for (; marked < l->next[pos]; end++) marked += text[end] == ' ' ? SPACE_MARK_SIZE : 1;
        INLAY__TRY(inlay__encoder_reserve(encoder, size));
        if (find_token(spm, l->text + pos, size, &id))
            inlay__encoder_put_at(encoder, id, begin, end);
        else
            INLAY__TRY(put_bytes(spm, encoder, l->text + pos, size, begin, end));
    }
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
    size_t n, bytes;
    if (size > INT32_MAX / 4)
        return inlay__fail(INLAY_ERR_ARGUMENT, "the text has %zu bytes, and one call takes at most %d", size, INT32_MAX / 4);
    const char *marked = mark_spaces(spm, encoder, text, size, &n);
    if (marked == NULL) return INLAY_ERR_MEMORY;
    if (!inlay__mul_size(n, 2 * sizeof(uint64_t) + 3 * sizeof(uint32_t), &bytes))
        return inlay__fail(INLAY_ERR_MEMORY, "out of memory: a text of %zu bytes", n);
    uint64_t *memory = inlay__encoder_scratch(encoder, INLAY__SCRATCH_MERGES, bytes);
    if (memory == NULL) return INLAY_ERR_MEMORY;
    line l = {.text = marked, .n = (uint32_t)n, .heap = {memory, 0}};
    l.next = (uint32_t *)(void *)(memory + 2 * n);
    l.prev = l.next + n;
    l.ranks = l.prev + n;
    split_symbols(&l);
    merge_all(spm, &l);
    return put_tokens(spm, encoder, &l, text);
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
