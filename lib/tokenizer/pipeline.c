/* Running the steps of a pipeline. */
#include "tokenizer/pipeline.h"

#include "tokenizer/characters.h"

/* What normalising may make of a text: room for ligatures, spaces and marks, and an end to files that would fill the
 * memory. */
enum { GROWTH = 64, GROWTH_LEAST = 1 << 20 };

/* A stretch of text, or an added token in it. */
typedef struct part {
    uint32_t begin, end;
    int32_t id; /* -1: text */
} part;

typedef struct parts {
    part *items; /* [n] */
    size_t n, capacity;
} parts;

typedef struct run {
    const inlay__pipeline *pipeline;
    inlay__encoder *encoder;
    bool control;         /* text may become control tokens, */
    const uint8_t *marks; /* but for bytes of the given text with mark 1; NULL: none has */
    inlay__passage whole;               /* the given text, repaired */
    inlay__passage normal, next_normal; /* a part of it, normalised */
    inlay__splitting splitting;
    parts given, normalized;
} run;

/* ------------------------------------------------------------- added tokens */

static int32_t add_part(const inlay__sys *sys, parts *p, size_t begin, size_t end, int32_t id) {
    void *items = p->items;
    INLAY__TRY(inlay__grow(sys, &items, &p->capacity, p->n + 1, sizeof *p->items));
    p->items = items;
    p->items[p->n++] = (part){(uint32_t)begin, (uint32_t)end, id};
    return INLAY_OK;
}

/* The character that ends before `pos`, and its bytes; 0 at the beginning. */
static size_t code_before(const inlay__passage *text, size_t pos, uint32_t *code) {
    size_t n = 1;
    if (pos == 0) return 0;
    while (n < 4 && n < pos && (text->text[pos - n] & 0xC0) == 0x80) n++;
    if (inlay__passage_code(text, pos - n, code) == n) return n;
    *code = 0xFFFD; /* a byte that is part of no character */
    return 1;
}

static bool is_single_word(const inlay__passage *text, size_t begin, size_t end) {
    uint32_t code;
    if (code_before(text, begin, &code) > 0 && inlay__is_word(code)) return false;
    return end == text->size || (inlay__passage_code(text, end, &code), !inlay__is_word(code));
}

static size_t space_before(const inlay__passage *text, size_t least, size_t pos) {
    uint32_t code;
    while (pos > least) {
        size_t n = code_before(text, pos, &code);
        if (!inlay__is_space(code)) break;
        pos -= n;
    }
    return inlay__max_size(pos, least);
}

/* `known` is where the white space ended that was looked at last, so that none is looked at twice. */
static size_t space_after(const inlay__passage *text, size_t pos, inlay__span *known) {
    uint32_t code;
    if (pos >= known->begin && pos < known->end) return known->end;
    known->begin = (uint32_t)pos;
    while (pos < text->size) {
        size_t n = inlay__passage_code(text, pos, &code);
        if (!inlay__is_space(code)) break;
        pos += n;
    }
    known->end = (uint32_t)pos;
    return pos;
}

/* Whether this text may become a control token, as far as the marks tell. */
static bool is_unmarked(const run *r, const inlay__passage *text, size_t begin, size_t end) {
    if (r->marks == NULL || begin == end) return true;
    inlay__span origin = inlay__passage_origin(text, begin, end);
    return memchr(r->marks + origin.begin, 1, origin.end - origin.begin) == NULL;
}

/* The leftmost added tokens that do not overlap. One that may not stand here leaves its text to be split. */
static int32_t choose_parts(const run *r, const inlay__passage *text, const inlay__special_matches *matches,
                            parts *out) {
    size_t from = 0, searched = 0;
    inlay__span spaces = {0, 0};
    for (size_t i = matches->n; i-- > 0;) {
        const inlay__added_token *token = &r->pipeline->added[matches->items[i].id];
        size_t begin = matches->items[i].pos, end = begin + matches->items[i].size;
        if (begin < searched) continue;
        if (token->special && !is_unmarked(r, text, begin, end)) continue; /* hides nothing that begins within it */
        searched = end;
        if (token->special && !r->control) continue;
        if (token->single_word && !is_single_word(text, begin, end)) continue;
        /* A token that was white space, taken by the one before it already, is gone. */
        if (token->lstrip) begin = inlay__max_size(space_before(text, inlay__min_size(from, begin), begin), from);
        if (token->rstrip) end = space_after(text, end, &spaces);
        if (from < begin) INLAY__TRY(add_part(r->whole.sys, out, from, begin, -1));
        if (begin < end) INLAY__TRY(add_part(r->whole.sys, out, begin, end, token->id));
        from = end;
    }
    return from < text->size ? add_part(r->whole.sys, out, from, text->size, -1) : INLAY_OK;
}

static int32_t find_parts(const run *r, const inlay__special *special, const inlay__passage *text, parts *out) {
    inlay__special_matches matches;
    out->n = 0;
    int32_t status = inlay__special_find(special, text->text, text->size, true, &matches);
    if (status == INLAY_OK) status = choose_parts(r, text, &matches, out);
    inlay__special_matches_free(special, &matches);
    return status;
}

/* -------------------------------------------------------------------- pieces */

static int32_t encode_longest(const inlay__pipeline *pipeline, inlay__encoder *encoder, const uint8_t *text,
                              size_t size, bool control) {
    for (size_t pos = 0, n; pos < size; pos += n) {
        int32_t id = inlay__pieces_longest(&pipeline->pieces, 0, text + pos, size - pos, control, &n);
        if (id < 0) {
            n = 1;
            INLAY__TRY(inlay__lexicon_put_unknown(&pipeline->lexicon, encoder, text, pos, pos + 1));
            continue;
        }
        INLAY__TRY(inlay__encoder_reserve(encoder, 1));
        inlay__encoder_put_at(encoder, id, pos, pos + n);
    }
    return INLAY_OK;
}

int32_t inlay__pipeline_encode_piece(const inlay__pipeline *pipeline, inlay__encoder *encoder, const uint8_t *piece,
                                     size_t size, bool control) {
    switch (pipeline->model) {
    case INLAY__MODEL_BPE: return inlay__symbol_bpe_encode(&pipeline->bpe, encoder, piece, size, control);
    case INLAY__MODEL_WORDPIECE: return inlay__wordpiece_encode(&pipeline->wordpiece, encoder, piece, size, control);
    case INLAY__MODEL_UNIGRAM: return inlay__unigram_encode(&pipeline->unigram, encoder, piece, size, control);
    case INLAY__MODEL_WORDLEVEL: return inlay__lexicon_encode(&pipeline->lexicon, encoder, piece, size, control);
    case INLAY__MODEL_LONGEST: return encode_longest(pipeline, encoder, piece, size, control);
    case INLAY__MODEL_PLAMO: return inlay__plamo_encode(&pipeline->plamo, encoder, piece, size, control);
    }
    return INLAY_OK;
}

/* Where in the given text the tokens from number `first` on come from: so far their places are those in a piece that
 * begins at `begin` of the passage. */
static void place_tokens(run *r, const inlay__passage *text, size_t begin, size_t first, size_t base) {
    inlay__encoder *encoder = r->encoder;
    for (size_t i = first; encoder->wants_spans && i < encoder->n_tokens; i++) {
        size_t *span = encoder->spans[i];
        if (span[0] == span[1]) continue;
        inlay__span origin = inlay__passage_origin(text, begin + span[0], begin + span[1]);
        span[0] = base + origin.begin;
        span[1] = base + origin.end;
    }
}

/* A part of the normalised text: split, and its pieces to tokens. */
static int32_t encode_part(run *r, size_t begin, size_t end) {
    const inlay__pipeline *pipeline = r->pipeline;
    inlay__splitting *s = &r->splitting;
    inlay__passage_clear(&s->text);
    s->pieces.n = 0;
    INLAY__TRY(inlay__passage_copy(&s->text, &r->normal, begin, end));
    INLAY__TRY(inlay__spans_add(s->sys, &s->pieces, 0, s->text.size));
    for (size_t i = 0; i < pipeline->n_splitters; i++) INLAY__TRY(inlay__splitter_apply(&pipeline->splitters[i], s));
    for (size_t i = 0; i < s->pieces.n; i++) {
        inlay__span piece = s->pieces.items[i];
        size_t first = r->encoder->n_tokens, base = r->encoder->base;
        r->encoder->base = 0;
        int32_t status =
            inlay__pipeline_encode_piece(pipeline, r->encoder, s->text.text + piece.begin, piece.end - piece.begin,
                                         r->control && is_unmarked(r, &s->text, piece.begin, piece.end));
        r->encoder->base = base;
        INLAY__TRY(status);
        place_tokens(r, &s->text, piece.begin, first, base);
    }
    return INLAY_OK;
}

static int32_t normalize(run *r, size_t begin, size_t end) {
    inlay__passage_clear(&r->normal);
    INLAY__TRY(inlay__passage_copy(&r->normal, &r->whole, begin, end));
    for (size_t i = 0; i < r->pipeline->n_normalizers; i++) {
        inlay__passage_clear(&r->next_normal);
        INLAY__TRY(inlay__passage_reserve(&r->next_normal, r->normal.size));
        INLAY__TRY(inlay__normalizer_apply(&r->pipeline->normalizers[i], &r->normal, &r->next_normal));
        inlay__passage swapped = r->normal;
        r->normal = r->next_normal;
        r->next_normal = swapped;
    }
    return INLAY_OK;
}

static int32_t put_added(run *r, const inlay__passage *text, const part *p) {
    INLAY__TRY(inlay__encoder_reserve(r->encoder, 1));
    inlay__span origin = inlay__passage_origin(text, p->begin, p->end);
    inlay__encoder_put_at(r->encoder, p->id, origin.begin, origin.end);
    return INLAY_OK;
}

static int32_t encode_steps(run *r, size_t begin, size_t end) {
    INLAY__TRY(normalize(r, begin, end));
    INLAY__TRY(find_parts(r, &r->pipeline->normalized, &r->normal, &r->normalized));
    for (size_t i = 0; i < r->normalized.n; i++) {
        part p = r->normalized.items[i];
        INLAY__TRY(p.id >= 0 ? put_added(r, &r->normal, &p) : encode_part(r, p.begin, p.end));
    }
    return INLAY_OK;
}

static int32_t encode_text(run *r, size_t begin, size_t end) {
    const inlay__pipeline *p = r->pipeline;
    const uint8_t *text = r->whole.text;
    if (!p->ascii.usable || r->whole.tracked) return encode_steps(r, begin, end);
    inlay__word_cache cache;
    INLAY__TRY(inlay__word_cache_begin(r->encoder, end - begin, &cache));
    while (begin < end) {
        INLAY__TRY(
            inlay__ascii_words_encode(&p->ascii, &p->wordpiece, r->encoder, &cache, text, end, r->control, &begin));
        size_t from = begin;
        begin = inlay__ascii_words_skip(&p->ascii, text, end, from);
        if (from < begin) INLAY__TRY(encode_steps(r, from, begin));
    }
    return INLAY_OK;
}

static int32_t encode_all(run *r, const uint8_t *text, size_t size) {
    if (r->pipeline->takes_bytes)
        INLAY__TRY(inlay__passage_bytes(&r->whole, text, size));
    else
        INLAY__TRY(inlay__passage_repair(&r->whole, text, size, 0));
    INLAY__TRY(find_parts(r, &r->pipeline->given, &r->whole, &r->given));
    for (size_t i = 0; i < r->given.n; i++) {
        part p = r->given.items[i];
        INLAY__TRY(p.id >= 0 ? put_added(r, &r->whole, &p) : encode_text(r, p.begin, p.end));
    }
    return INLAY_OK;
}

int32_t inlay__pipeline_encode(const inlay__pipeline *pipeline, inlay__encoder *encoder, const uint8_t *text,
                               size_t size, bool control, const uint8_t *marks) {
    const inlay__sys *sys = pipeline->sys;
    size_t limit =
        inlay__min_size(UINT32_MAX / 2, size <= UINT32_MAX / GROWTH ? size * GROWTH + GROWTH_LEAST : UINT32_MAX / 2);
    const inlay__passage empty = {.sys = sys, .limit = limit, .tracked = marks != NULL || encoder->wants_spans};
    run r = {.pipeline = pipeline,
             .encoder = encoder,
             .control = control,
             .marks = marks,
             .whole = empty,
             .normal = empty,
             .next_normal = empty,
             .splitting = {.sys = sys, .text = empty, .next_text = empty}};
    int32_t status = encode_all(&r, text, size);
    inlay__passage_free(&r.whole);
    inlay__passage_free(&r.normal);
    inlay__passage_free(&r.next_normal);
    inlay__splitting_free(&r.splitting);
    inlay__free(sys, r.given.items, r.given.capacity * sizeof *r.given.items);
    inlay__free(sys, r.normalized.items, r.normalized.capacity * sizeof *r.normalized.items);
    return status;
}
