/* The best way through a text. */
#include "tokenizer/unigram.h"

#include "base/utf8.h"

/* The best way to the end of so many bytes: its score, its last token, and where that begins. */
typedef struct best {
    double score;
    int32_t id;      /* -1: no way has come here */
    uint32_t begin;
} best;

static void offer(best *at, double score, int32_t id, size_t begin) {
    if (at->id < 0 || score > at->score) *at = (best){score, id, (uint32_t)begin};
}

/* Offers every token that begins at `pos`; true when one of them is the character there. */
static bool offer_tokens(const inlay__unigram *model, best *ways, const uint8_t *text, size_t size, size_t pos,
                         size_t character, bool control) {
    bool single = false;
    uint32_t node = 0;
    for (size_t i = pos; i < size; i++) {
        node = inlay__trie_child(&model->pieces.trie, node, text[i]);
        if (node == 0) break;
        int32_t id = model->pieces.ids[node];
        if (id < 0 || !inlay__pieces_allowed(&model->pieces, id, control)) continue;
        offer(&ways[i + 1], ways[pos].score + model->scores[id], id, pos);
        single = single || i + 1 - pos == character;
    }
    return single;
}

static int32_t find_ways(const inlay__unigram *model, best *ways, const uint8_t *text, size_t size, bool control) {
    for (size_t i = 0; i <= size; i++) ways[i] = (best){0.0, -1, 0};
    for (size_t pos = 0, n; pos < size; pos += n) {
        uint32_t code;
        n = inlay__utf8_decode(text + pos, size - pos, &code);
        n = inlay__max_size(n, 1);
        if (offer_tokens(model, ways, text, size, pos, n, control)) continue;
        int32_t unknown = model->lexicon->unknown;
        if (unknown < 0)
            return inlay__fail(INLAY_ERR_UNSUPPORTED, "the vocabulary has no token for '%.*s' and none for the unknown", (int)n,
                               (const char *)text + pos);
        offer(&ways[pos + n], ways[pos].score + model->unknown_score, unknown, pos);
    }
    return INLAY_OK;
}

/* Turns the ways around: begin becomes the end of the token that begins there. */
static void turn(best *ways, size_t size) {
    best last = ways[size];
    for (size_t end = size; end > 0;) {
        size_t begin = last.begin;
        best before = ways[begin];
        ways[begin] = (best){0.0, last.id, (uint32_t)end};
        last = before;
        end = begin;
    }
}

static int32_t put_unknown(const inlay__unigram *model, inlay__encoder *encoder, const uint8_t *text, size_t begin, size_t end,
                           bool control) {
    int32_t id;
    bool bytes = model->byte_fallback;
    INLAY__TRY(inlay__encoder_reserve(encoder, end - begin));
    if (model->look_up_unknown && inlay__lexicon_find(model->lexicon, text + begin, end - begin, control, &id)) {
        inlay__encoder_put_at(encoder, id, begin, end);
        return INLAY_OK;
    }
    for (size_t i = begin; i < end && bytes; i++) bytes = model->lexicon->byte_ids[text[i]] >= 0;
    if (!bytes) {
        inlay__encoder_put_at(encoder, model->lexicon->unknown, begin, end);
        return INLAY_OK;
    }
    for (size_t i = begin; i < end; i++) inlay__encoder_put_at(encoder, model->lexicon->byte_ids[text[i]], begin, end);
    return INLAY_OK;
}

/* The tokens from the beginning on; neighbours that are unknown are one. */
static int32_t put_tokens(const inlay__unigram *model, inlay__encoder *encoder, const best *ways, const uint8_t *text,
                          size_t size, bool control) {
    for (size_t pos = 0, end; pos < size; pos = end) {
        int32_t id = ways[pos].id;
        end = ways[pos].begin;
        if (id != model->lexicon->unknown) {
            INLAY__TRY(inlay__encoder_reserve(encoder, 1));
            inlay__encoder_put_at(encoder, id, pos, end);
            continue;
        }
        while (end < size && ways[end].id == id) end = ways[end].begin;
        INLAY__TRY(put_unknown(model, encoder, text, pos, end, control));
    }
    return INLAY_OK;
}

int32_t inlay__unigram_encode(const inlay__unigram *model, inlay__encoder *encoder, const uint8_t *text, size_t size,
                              bool control) {
    size_t bytes;
    if (!inlay__mul_size(size + 1, sizeof(best), &bytes))
        return inlay__fail(INLAY_ERR_MEMORY, "out of memory: a text of %zu bytes", size);
    best *ways = inlay__encoder_scratch(encoder, INLAY__SCRATCH_MERGES, bytes);
    if (ways == NULL) return INLAY_ERR_MEMORY;
    INLAY__TRY(find_ways(model, ways, text, size, control));
    turn(ways, size);
    return put_tokens(model, encoder, ways, text, size, control);
}
