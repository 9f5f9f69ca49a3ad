/* The steps of splitting. */
#include "tokenizer/splitter.h"

#include "base/unicode.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/characters.h"

void inlay__splitter_free(inlay__splitter *step) { inlay__finder_free(&step->finder); }

void inlay__splitting_free(inlay__splitting *splitting) {
    inlay__passage_free(&splitting->text);
    inlay__passage_free(&splitting->next_text);
    inlay__spans_free(splitting->sys, &splitting->pieces);
    inlay__spans_free(splitting->sys, &splitting->next_pieces);
}

/* ------------------------------------------------------------------ cutting */

/* Takes stretches of a piece, one after the other, and makes pieces of them as the behaviour says. */
typedef struct cutter {
    const inlay__sys *sys;
    inlay__spans *out;
    inlay__behavior behavior;
    bool has_held, held_match, matched; /* matched: the stretch before was a match */
    inlay__span held;
} cutter;

static int32_t emit(cutter *c, inlay__span span) {
    return span.begin < span.end ? inlay__spans_add(c->sys, c->out, span.begin, span.end) : INLAY_OK;
}

static int32_t flush(cutter *c) {
    bool held = c->has_held;
    c->has_held = false;
    return held ? emit(c, c->held) : INLAY_OK;
}

/* Joins a stretch to the one held, or lets that go and holds it. */
static int32_t hold(cutter *c, size_t begin, size_t end, bool join) {
    if (c->has_held && join) {
        c->held.end = (uint32_t)end;
        return INLAY_OK;
    }
    INLAY__TRY(flush(c));
    c->held = (inlay__span){(uint32_t)begin, (uint32_t)end};
    c->has_held = true;
    return INLAY_OK;
}

static int32_t cut(cutter *c, size_t begin, size_t end, bool match) {
    bool before = c->matched, join = false;
    c->matched = match;
    switch (c->behavior) {
    case INLAY__REMOVED:
        if (match) return INLAY_OK;
        break;
    case INLAY__ISOLATED: break;
    case INLAY__CONTIGUOUS: return hold(c, begin, end, match == before);
    case INLAY__MERGED_WITH_PREVIOUS: return hold(c, begin, end, match && !before);
    case INLAY__MERGED_WITH_NEXT:
        join = c->held_match && !match;
        c->held_match = match;
        return hold(c, begin, end, join);
    }
    return emit(c, (inlay__span){(uint32_t)begin, (uint32_t)end});
}

typedef bool (*character_test)(const inlay__splitter *step, uint32_t code);

/* Each character that passes is a match, what is between them is none. */
static int32_t cut_at(const inlay__splitter *step, character_test test, cutter *c, const inlay__passage *text,
                      inlay__span piece) {
    size_t from = piece.begin;
    for (size_t pos = piece.begin, size; pos < piece.end; pos += size) {
        uint32_t code;
        size = inlay__passage_code(text, pos, &code);
        if (!test(step, code)) continue;
        if (from < pos) INLAY__TRY(cut(c, from, pos, false));
        INLAY__TRY(cut(c, pos, pos + size, true));
        from = pos + size;
    }
    if (from < piece.end) INLAY__TRY(cut(c, from, piece.end, false));
    return flush(c);
}

static bool is_space(const inlay__splitter *step, uint32_t code) { return (void)step, inlay__is_space(code); }

static bool is_punctuation(const inlay__splitter *step, uint32_t code) {
    return (void)step, (inlay__class_of(code) & INLAY__CLASS_PUNCTUATION) != 0;
}

static bool is_number(const inlay__splitter *step, uint32_t code) {
    return (void)step, (inlay__class_of(code) & INLAY__CLASS_NUMBER) != 0;
}

static bool is_character(const inlay__splitter *step, uint32_t code) { return code == step->character; }

static int32_t cut_pattern(const inlay__splitter *step, inlay__search *search, cutter *c, const inlay__passage *text,
                           inlay__span piece) {
    size_t size = piece.end - piece.begin, from = 0, begin, end;
    INLAY__TRY(inlay__search_begin(search, text->text + piece.begin, size));
    while (inlay__search_next(search, &begin, &end)) {
        if (from < begin) INLAY__TRY(cut(c, piece.begin + from, piece.begin + begin, step->invert));
        INLAY__TRY(cut(c, piece.begin + begin, piece.begin + end, !step->invert));
        from = end;
    }
    if (from < size) INLAY__TRY(cut(c, piece.begin + from, piece.end, step->invert));
    return flush(c);
}

/* \w+|[^\w\s]+ */
static int32_t cut_words(cutter *c, const inlay__passage *text, inlay__span piece) {
    enum { SPACE, WORD, OTHER } kind = SPACE, now;
    size_t from = piece.begin;
    for (size_t pos = piece.begin, size; pos < piece.end; pos += size) {
        uint32_t code;
        size = inlay__passage_code(text, pos, &code);
        now = inlay__is_word(code) ? WORD : inlay__is_space(code) ? SPACE : OTHER;
        if (now == kind) continue;
        if (kind != SPACE) INLAY__TRY(emit(c, (inlay__span){(uint32_t)from, (uint32_t)pos}));
        from = pos;
        kind = now;
    }
    return kind != SPACE ? emit(c, (inlay__span){(uint32_t)from, piece.end}) : INLAY_OK;
}

static int32_t cut_bert(cutter *c, const inlay__passage *text, inlay__span piece) {
    size_t from = piece.begin;
    for (size_t pos = piece.begin, size; pos < piece.end; pos += size) {
        uint32_t code;
        size = inlay__passage_code(text, pos, &code);
        bool space = inlay__is_space(code);
        if (!space && !is_punctuation(NULL, code)) continue;
        INLAY__TRY(emit(c, (inlay__span){(uint32_t)from, (uint32_t)pos}));
        from = pos + size;
        if (!space) INLAY__TRY(emit(c, (inlay__span){(uint32_t)pos, (uint32_t)from}));
    }
    return emit(c, (inlay__span){(uint32_t)from, piece.end});
}

/* Cuts where the script changes. What stands before the first character of a script is lost, as in the package. */
static int32_t cut_scripts(cutter *c, const inlay__passage *text, inlay__span piece) {
    size_t from = piece.end;
    uint8_t last = 0;
    for (size_t pos = piece.begin, size; pos < piece.end; pos += size) {
        uint32_t code;
        size = inlay__passage_code(text, pos, &code);
        uint8_t script = inlay__script_of(code);
        if (script == 0 || script == last) continue;
        if (from < pos) INLAY__TRY(emit(c, (inlay__span){(uint32_t)from, (uint32_t)pos}));
        from = pos;
        last = script;
    }
    return emit(c, (inlay__span){(uint32_t)from, piece.end});
}

static int32_t cut_length(const inlay__splitter *step, cutter *c, const inlay__passage *text, inlay__span piece) {
    size_t from = piece.begin, n = 0;
    for (size_t pos = piece.begin, size; pos < piece.end; pos += size) {
        uint32_t code;
        size = inlay__passage_code(text, pos, &code);
        if (n++ < step->length) continue;
        INLAY__TRY(emit(c, (inlay__span){(uint32_t)from, (uint32_t)pos}));
        from = pos;
        n = 1;
    }
    return emit(c, (inlay__span){(uint32_t)from, piece.end});
}

static int32_t cut_piece(const inlay__splitter *step, inlay__search *search, cutter *c, const inlay__passage *text,
                         inlay__span piece) {
    switch (step->kind) {
    case INLAY__SPLIT_PATTERN: return cut_pattern(step, search, c, text, piece);
    case INLAY__SPLIT_WHITESPACE: return cut_words(c, text, piece);
    case INLAY__SPLIT_SPACES: return cut_at(step, is_space, c, text, piece);
    case INLAY__SPLIT_BERT: return cut_bert(c, text, piece);
    case INLAY__SPLIT_PUNCTUATION: return cut_at(step, is_punctuation, c, text, piece);
    case INLAY__SPLIT_DIGITS: return cut_at(step, is_number, c, text, piece);
    case INLAY__SPLIT_CHARACTER:
    case INLAY__SPLIT_METASPACE: return cut_at(step, is_character, c, text, piece);
    case INLAY__SPLIT_SCRIPTS: return cut_scripts(c, text, piece);
    case INLAY__SPLIT_LENGTH: return cut_length(step, c, text, piece);
    case INLAY__SPLIT_BYTE_LEVEL: break; /* splits by words */
    }
    return emit(c, piece);
}

/* ------------------------------------------------------- changing the text */

/* Adds the piece text[begin..) of the passage that is being written. */
static int32_t end_piece(inlay__splitting *s, size_t begin) {
    return begin < s->next_text.size ? inlay__spans_add(s->sys, &s->next_pieces, begin, s->next_text.size) : INLAY_OK;
}

/* Spaces become the mark, and one may come before the piece. */
static int32_t mark_piece(const inlay__splitter *step, inlay__splitting *s, inlay__span piece) {
    const inlay__passage *in = &s->text;
    inlay__passage *out = &s->next_text;
    size_t begin = out->size;
    uint32_t code, first = inlay__passage_origin(in, piece.begin, piece.begin + 1).begin;
    inlay__passage_code(in, piece.begin, &code);
    bool marked = code == ' ' || code == step->character;
    bool wanted =
        step->prepend == INLAY__PREPEND_ALWAYS || (step->prepend == INLAY__PREPEND_FIRST && piece.begin < in->n_first);
    if (wanted && !marked) INLAY__TRY(inlay__passage_add_code(out, step->character, (inlay__span){first, first}));
    for (size_t pos = piece.begin, from = pos; pos <= piece.end; pos++) {
        if (pos < piece.end && in->text[pos] != ' ') continue;
        INLAY__TRY(inlay__passage_copy(out, in, from, pos));
        from = pos + 1;
        if (pos < piece.end)
            INLAY__TRY(inlay__passage_add_code(out, step->character, inlay__passage_origin(in, pos, pos + 1)));
    }
    return end_piece(s, begin);
}

/* A word as it is, or its bytes as letters. */
static int32_t put_word(const inlay__splitter *step, inlay__splitting *s, size_t pos, size_t end) {
    size_t begin = s->next_text.size;
    if (step->keep_bytes) {
        INLAY__TRY(inlay__passage_copy(&s->next_text, &s->text, pos, end));
        return end_piece(s, begin);
    }
    for (; pos < end; pos++) {
        char letter[INLAY__BYTE_TEXT_MAX];
        size_t n = inlay__byte_write(s->text.text[pos], letter);
        INLAY__TRY(inlay__passage_add(&s->next_text, letter, n, inlay__passage_origin(&s->text, pos, pos + 1)));
    }
    return end_piece(s, begin);
}

/* GPT-2's expression takes every byte of a piece. */
static int32_t put_words(const inlay__splitter *step, inlay__search *search, inlay__splitting *s, inlay__span piece) {
    size_t begin, end;
    if (!step->use_regex) return put_word(step, s, piece.begin, piece.end);
    INLAY__TRY(inlay__search_begin(search, s->text.text + piece.begin, piece.end - piece.begin));
    while (inlay__search_next(search, &begin, &end))
        INLAY__TRY(put_word(step, s, piece.begin + begin, piece.begin + end));
    return INLAY_OK;
}

static void swap_texts(inlay__splitting *s) {
    inlay__passage text = s->text;
    s->text = s->next_text;
    s->next_text = text;
    inlay__passage_clear(&s->next_text);
}

static void swap_pieces(inlay__splitting *s) {
    inlay__spans pieces = s->pieces;
    s->pieces = s->next_pieces;
    s->next_pieces = pieces;
    s->next_pieces.n = 0;
}

/* A space before each piece that does not begin with one. */
static int32_t prefix_pieces(inlay__splitting *s) {
    for (size_t i = 0; i < s->pieces.n; i++) {
        inlay__span piece = s->pieces.items[i];
        size_t begin = s->next_text.size;
        uint32_t first = inlay__passage_origin(&s->text, piece.begin, piece.begin + 1).begin;
        if (s->text.text[piece.begin] != ' ')
            INLAY__TRY(inlay__passage_add(&s->next_text, " ", 1, (inlay__span){first, first}));
        INLAY__TRY(inlay__passage_copy(&s->next_text, &s->text, piece.begin, piece.end));
        INLAY__TRY(end_piece(s, begin));
    }
    swap_texts(s);
    swap_pieces(s);
    return INLAY_OK;
}

static int32_t rewrite(const inlay__splitter *step, inlay__splitting *s) {
    INLAY__TRY(inlay__passage_reserve(&s->next_text, s->text.size));
    if (step->kind == INLAY__SPLIT_BYTE_LEVEL && step->prefix_space) INLAY__TRY(prefix_pieces(s));
    inlay__search search;
    inlay__search_init(&search, &step->finder);
    int32_t status = INLAY_OK;
    for (size_t i = 0; i < s->pieces.n && status == INLAY_OK; i++) {
        inlay__span piece = s->pieces.items[i];
        status = step->kind == INLAY__SPLIT_METASPACE ? mark_piece(step, s, piece) : put_words(step, &search, s, piece);
    }
    inlay__search_free(&search);
    swap_texts(s);
    swap_pieces(s);
    return status;
}

int32_t inlay__splitter_apply(const inlay__splitter *step, inlay__splitting *s) {
    if (step->kind == INLAY__SPLIT_METASPACE || step->kind == INLAY__SPLIT_BYTE_LEVEL) INLAY__TRY(rewrite(step, s));
    if (step->kind == INLAY__SPLIT_BYTE_LEVEL || (step->kind == INLAY__SPLIT_METASPACE && !step->split))
        return INLAY_OK;
    inlay__behavior behavior = step->behavior;
    if (step->kind == INLAY__SPLIT_SPACES || step->kind == INLAY__SPLIT_CHARACTER) behavior = INLAY__REMOVED;
    if (step->kind == INLAY__SPLIT_METASPACE) behavior = INLAY__MERGED_WITH_NEXT;
    inlay__search search;
    inlay__search_init(&search, &step->finder);
    int32_t status = INLAY_OK;
    for (size_t i = 0; i < s->pieces.n && status == INLAY_OK; i++) {
        cutter c = {.sys = s->sys, .out = &s->next_pieces, .behavior = behavior};
        status = cut_piece(step, &search, &c, &s->text, s->pieces.items[i]);
    }
    inlay__search_free(&search);
    swap_pieces(s);
    return status;
}
