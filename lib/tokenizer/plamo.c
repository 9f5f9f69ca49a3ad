/* The cheapest way through a text. */
#include "tokenizer/plamo.h"

#include "base/utf8.h"

enum { BYTES_COST = 10000000, MOST_COST = 20000000, NONE = -1, BYTES = -2 };

bool inlay__plamo_cost(float score, int32_t *cost) {
    double scaled = (double)score * 1e4;
    if (!(scaled > -(double)MOST_COST && scaled < 2e9)) return false;
    double whole = scaled < 0 ? scaled - 0.5 : scaled + 0.5; /* halves away from zero */
    *cost = -(int32_t)whole;
    return true;
}

/* Costs are kept only as far as a token reaches; of each place, how the best way goes on. */
typedef struct walk {
    const inlay__plamo *model;
    const uint8_t *text;
    size_t size;
    bool control;
    int64_t *costs; /* [mask + 1] from place i to the end, at i & mask */
    size_t mask;
    int32_t *first; /* [size] the token that the best way from here begins with, BYTES, or NONE inside a character */
} walk;

/* Bytes of the character that ends before `pos`, or of a byte that is part of none. */
static size_t size_before(const walk *w, size_t pos) {
    uint32_t code;
    for (size_t n = 1; n <= 4 && n <= pos; n++)
        if (inlay__utf8_decode(w->text + pos - n, n, &code) == n) return n;
    return 1;
}

static void find_first(walk *w, size_t pos, size_t character) {
    const inlay__pieces *pieces = &w->model->pieces;
    int64_t best = INT64_MAX;
    uint32_t node = 0;
    for (size_t i = pos; i < w->size; i++) {
        node = inlay__trie_child(&pieces->trie, node, w->text[i]);
        if (node == 0) break;
        int32_t id = pieces->ids[node];
        if (id < 0 || !inlay__pieces_allowed(pieces, id, w->control)) continue;
        if (i + 1 < w->size && w->first[i + 1] == NONE) continue;
        int64_t cost = w->costs[(i + 1) & w->mask] + w->model->costs[id];
        if (cost > best) continue;
        best = cost;
        w->first[pos] = id;
    }
    int64_t bytes = w->costs[(pos + character) & w->mask] + BYTES_COST;
    if (bytes < best) {
        best = bytes;
        w->first[pos] = BYTES;
    }
    w->costs[pos & w->mask] = best;
}

static int32_t put_tokens(const walk *w, inlay__encoder *encoder, size_t begin) {
    const inlay__plamo *model = w->model;
    for (size_t pos = 0, n; pos < w->size; pos += n) {
        int32_t id = w->first[pos];
        uint32_t code;
        n = id >= 0 ? inlay__vocab_text(model->pieces.vocab, id).size
                    : inlay__max_size(inlay__utf8_decode(w->text + pos, w->size - pos, &code), 1);
        INLAY__TRY(inlay__encoder_reserve(encoder, n));
        if (id >= 0) inlay__encoder_put_at(encoder, id, begin + pos, begin + pos + n);
        for (size_t i = pos; id < 0 && i < pos + n; i++)
            inlay__encoder_put_at(encoder, model->lexicon->byte_ids[w->text[i]], begin + i, begin + i + 1);
    }
    return INLAY_OK;
}

int32_t inlay__plamo_encode(const inlay__plamo *model, inlay__encoder *encoder, const uint8_t *text, size_t size,
                            bool control) {
    size_t begin = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0, n_costs = 8;
    size_t reach = inlay__max_size(inlay__min_size(model->pieces.vocab->max_token_size, size), 4);
    while (n_costs <= reach) n_costs *= 2;
    walk w = {.model = model, .text = text + begin, .size = size - begin, .control = control, .mask = n_costs - 1};
    w.costs = inlay__encoder_scratch(encoder, INLAY__SCRATCH_RANKS, n_costs * sizeof *w.costs);
    w.first = inlay__encoder_scratch(encoder, INLAY__SCRATCH_MERGES, w.size * sizeof *w.first);
    if (w.costs == NULL || w.first == NULL) return INLAY_ERR_MEMORY;
    w.costs[w.size & w.mask] = 0;
    for (size_t pos = w.size, n; pos > 0; pos -= n) {
        n = size_before(&w, pos);
        for (size_t i = 1; i < n; i++) w.first[pos - i] = NONE;
        find_first(&w, pos - n, n);
    }
    return put_tokens(&w, encoder, begin);
}
