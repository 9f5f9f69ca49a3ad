/* Grapheme breaks, character by character. */
#include "tokenizer/grapheme.h"

#include "base/utf8.h"
#include "tokenizer/characters.h"

/* What the rules remember of the grapheme so far. */
typedef struct state {
    uint8_t before;    /* the break value of the character before */
    bool odd_regional; /* an odd number of regional indicators ends here (rules 12 and 13) */
    bool pictograph;   /* a pictograph and marks (11); with a joiner after them `joined` */
    bool joined;
    bool consonant;    /* a consonant and marks (9c); with a linker among them `linked` */
    bool linked;
} state;

static void take(state *s, uint8_t value) {
    uint8_t kind = value & INLAY__BREAK_MASK;
    bool extends = kind == INLAY__BREAK_EXTEND || kind == INLAY__BREAK_ZWJ;
    s->odd_regional = kind == INLAY__BREAK_REGIONAL && !s->odd_regional;
    s->joined = s->pictograph && kind == INLAY__BREAK_ZWJ;
    s->pictograph = (value & INLAY__BREAK_PICTOGRAPH) != 0 || (s->pictograph && kind == INLAY__BREAK_EXTEND);
    s->linked = s->consonant && ((value & INLAY__BREAK_LINKER) != 0 || (s->linked && extends));
    s->consonant =
        (value & INLAY__BREAK_CONSONANT) != 0 || (s->consonant && (extends || (value & INLAY__BREAK_LINKER) != 0));
    s->before = value;
}

static bool hangul_joins(uint8_t before, uint8_t after) {
    switch (before) {
    case INLAY__BREAK_L:
        return after == INLAY__BREAK_L || after == INLAY__BREAK_V || after == INLAY__BREAK_LV ||
               after == INLAY__BREAK_LVT;
    case INLAY__BREAK_LV:
    case INLAY__BREAK_V: return after == INLAY__BREAK_V || after == INLAY__BREAK_T;
    case INLAY__BREAK_LVT:
    case INLAY__BREAK_T: return after == INLAY__BREAK_T;
    default: return false;
    }
}

static bool is_control(uint8_t kind) {
    return kind == INLAY__BREAK_CR || kind == INLAY__BREAK_LF || kind == INLAY__BREAK_CONTROL;
}

static bool joins(const state *s, uint8_t value) {
    uint8_t before = s->before & INLAY__BREAK_MASK, after = value & INLAY__BREAK_MASK;
    if (before == INLAY__BREAK_CR && after == INLAY__BREAK_LF) return true;
    if (is_control(before) || is_control(after)) return false;
    if (hangul_joins(before, after)) return true;
    if (after == INLAY__BREAK_EXTEND || after == INLAY__BREAK_ZWJ || after == INLAY__BREAK_SPACING) return true;
    if (before == INLAY__BREAK_PREPEND) return true;
    if (s->linked && (value & INLAY__BREAK_CONSONANT) != 0) return true;
    if (s->joined && (value & INLAY__BREAK_PICTOGRAPH) != 0) return true;
    return s->odd_regional && after == INLAY__BREAK_REGIONAL;
}

size_t inlay__grapheme_end(const uint8_t *text, size_t size, size_t pos) {
    state s = {0};
    for (bool first = true; pos < size; first = false) {
        uint32_t code;
        size_t n = inlay__utf8_decode(text + pos, size - pos, &code);
        uint8_t value = inlay__break_of(code);
        if (!first && !joins(&s, value)) break;
        take(&s, value);
        pos += n > 0 ? n : 1;
    }
    return pos;
}
