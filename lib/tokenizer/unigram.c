/* The best way through a text. */
#include "tokenizer/unigram.h"

#include "base/utf8.h"

enum { WINDOW = 1 << 14 }; /* bytes after which a place is looked for that the best way surely passes */

/* What is known of the ways through text[begin..). Scores are kept only as far as a token reaches; of each place, how
 * the best way comes there: its last token, NONE, or the unknown token of a character. */
typedef struct walk {
    const inlay__unigram *model;
    inlay__encoder *encoder;
    const uint8_t *text;
    size_t size;
    bool control;
    size_t begin;   /* before here all is put */
    size_t known;   /* the last place of which there is anything */
    double *scores; /* [mask + 1] of place i at i & mask */
    size_t mask;
    int32_t *last;  /* [capacity] of place begin + i */
    size_t capacity;
} walk;

enum { NONE = -1, UNKNOWN = -2 }; /* an unknown character of n bytes: UNKNOWN - n */

static size_t last_size(const walk *w, int32_t last) {
    return last < UNKNOWN ? (size_t)(UNKNOWN - last) : inlay__vocab_text(w->model->pieces.vocab, last).size;
}

/* ----------------------------------------------------------------- the ways */

/* Room for all places that a token from `pos` on reaches. */
static int32_t make_room(walk *w, size_t pos) {
    size_t need = pos - w->begin + w->mask + 2;
    if (need <= w->capacity) return INLAY_OK;
    w->last = inlay__encoder_grow_scratch(w->encoder, INLAY__SCRATCH_MERGES, need * sizeof *w->last);
    if (w->last == NULL) return INLAY_ERR_MEMORY;
    w->capacity = w->encoder->scratch_size[INLAY__SCRATCH_MERGES] / sizeof *w->last;
    return INLAY_OK;
}

static void offer(walk *w, size_t place, double score, int32_t last) {
    while (w->known < place) w->last[++w->known - w->begin] = NONE;
    int32_t *at = &w->last[place - w->begin];
    if (*at != NONE && score <= w->scores[place & w->mask]) return;
    *at = last;
    w->scores[place & w->mask] = score;
}

/* Offers every token that begins at `pos`; true when one of them is the character there. */
static bool offer_tokens(walk *w, size_t pos, size_t character) {
    const inlay__pieces *pieces = &w->model->pieces;
    bool single = false;
    uint32_t node = 0;
    double score = w->scores[pos & w->mask];
    for (size_t i = pos; i < w->size; i++) {
        node = inlay__trie_child(&pieces->trie, node, w->text[i]);
        if (node == 0) break;
        int32_t id = pieces->ids[node];
        if (id < 0 || !inlay__pieces_allowed(pieces, id, w->control)) continue;
        offer(w, i + 1, score + w->model->scores[id], id);
        single = single || i + 1 - pos == character;
    }
    return single;
}

/* --------------------------------------------------------------- the best way */

static int32_t put_unknown(const walk *w, size_t begin, size_t end) {
    const inlay__lexicon *lexicon = w->model->lexicon;
    const uint8_t *text = w->text;
    int32_t id;
    bool bytes = w->model->byte_fallback;
    INLAY__TRY(inlay__encoder_reserve(w->encoder, end - begin));
    if (w->model->look_up_unknown && inlay__lexicon_find(lexicon, text + begin, end - begin, w->control, &id)) {
        inlay__encoder_put_at(w->encoder, id, begin, end);
        return INLAY_OK;
    }
    for (size_t i = begin; i < end && bytes; i++) bytes = lexicon->byte_ids[text[i]] >= 0;
    if (!bytes) {
        inlay__encoder_put_at(w->encoder, lexicon->unknown, begin, end);
        return INLAY_OK;
    }
    for (size_t i = begin; i < end; i++) inlay__encoder_put_at(w->encoder, lexicon->byte_ids[text[i]], begin, end);
    return INLAY_OK;
}

/* Turns the best way to `end` around: each place on it then has the token that begins there. */
static void turn(walk *w, size_t end) {
    int32_t *last = w->last, way = last[end - w->begin];
    for (size_t i = end - w->begin; i > 0;) {
        i -= last_size(w, way);
        int32_t before = last[i];
        last[i] = way;
        way = before;
    }
}

static bool is_unknown(const walk *w, int32_t last) { return last < UNKNOWN || last == w->model->lexicon->unknown; }

/* The tokens of text[begin..end); neighbours that are unknown are one. */
static int32_t put_tokens(walk *w, size_t end) {
    int32_t at_end = w->last[end - w->begin];
    size_t pos = w->begin, after;
    turn(w, end);
    for (; pos < end; pos = after) {
        int32_t way = w->last[pos - w->begin];
        after = pos + last_size(w, way);
        if (!is_unknown(w, way)) {
            INLAY__TRY(inlay__encoder_reserve(w->encoder, 1));
            inlay__encoder_put_at(w->encoder, way, pos, after);
            continue;
        }
        while (after < end && is_unknown(w, w->last[after - w->begin]))
            after += last_size(w, w->last[after - w->begin]);
        INLAY__TRY(put_unknown(w, pos, after));
    }
    w->begin = end;
    w->last[0] = at_end;
    return INLAY_OK;
}

/* ------------------------------------------------------------------- encode */

static int32_t find_ways(walk *w) {
    for (size_t pos = 0, n; pos < w->size; pos += n) {
        uint32_t code;
        n = inlay__max_size(inlay__utf8_decode(w->text + pos, w->size - pos, &code), 1);
        /* Where no token reaches over, every way comes by. */
        bool sure = w->known == pos && pos - w->begin >= WINDOW && !is_unknown(w, w->last[pos - w->begin]);
        if (sure) INLAY__TRY(put_tokens(w, pos));
        INLAY__TRY(make_room(w, pos));
        if (offer_tokens(w, pos, n)) continue;
        if (w->model->lexicon->unknown < 0)
            return inlay__fail(INLAY_ERR_UNSUPPORTED, "the vocabulary has no token for '%.*s' and none for the unknown",
                               (int)n, (const char *)w->text + pos);
        offer(w, pos + n, w->scores[pos & w->mask] + w->model->unknown_score, UNKNOWN - (int32_t)n);
    }
    return put_tokens(w, w->size);
}

int32_t inlay__unigram_encode(const inlay__unigram *model, inlay__encoder *encoder, const uint8_t *text, size_t size,
                              bool control) {
    size_t reach = inlay__max_size(inlay__min_size(model->pieces.vocab->max_token_size, size), 4), n_scores = 8;
    while (n_scores <= reach) n_scores *= 2;
    walk w = {.model = model, .encoder = encoder, .text = text, .size = size, .control = control, .mask = n_scores - 1};
    w.scores = inlay__encoder_scratch(encoder, INLAY__SCRATCH_RANKS, n_scores * sizeof *w.scores);
    if (w.scores == NULL) return INLAY_ERR_MEMORY;
    w.last = encoder->scratch[INLAY__SCRATCH_MERGES];
    w.capacity = encoder->scratch_size[INLAY__SCRATCH_MERGES] / sizeof *w.last;
    INLAY__TRY(make_room(&w, 0));
    w.last[0] = NONE;
    w.scores[0] = 0.0;
    return find_ways(&w);
}
