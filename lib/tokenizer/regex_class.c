/* The parts of a regular expression that stand for one character: classes, properties, escapes, letters of any case. */
#include "tokenizer/pattern_program.h"

enum { CLASS_DEPTH = 12 };

#define BIT(category) (1u << INLAY__UNICODE_##category)
#define LETTERS (BIT(LL) | BIT(LM) | BIT(LO) | BIT(LT) | BIT(LU))
#define MARKS (BIT(MC) | BIT(ME) | BIT(MN))
#define SEPARATORS (BIT(ZL) | BIT(ZP) | BIT(ZS))
#define CASED (BIT(LL) | BIT(LT) | BIT(LU))

static int32_t put(inlay__regex *regex, uint8_t kind, uint32_t a, uint32_t b) {
    return inlay__sets_put(&regex->program->sets, kind, a, b);
}

static int32_t put_range(inlay__regex *regex, uint32_t first, uint32_t last) {
    return put(regex, INLAY__SET_RANGE, first, last);
}

static int32_t put_or_range(inlay__regex *regex, uint32_t first, uint32_t last) {
    INLAY__TRY(put_range(regex, first, last));
    return put(regex, INLAY__SET_OR, 0, 0);
}

/* White_Space: the separators, tab to carriage return, next line. */
static int32_t put_space(inlay__regex *regex) {
    INLAY__TRY(put(regex, INLAY__SET_CATEGORIES, SEPARATORS, 0));
    INLAY__TRY(put_or_range(regex, 9, 13));
    return put_or_range(regex, 0x85, 0x85);
}

static int32_t put_hexadecimal(inlay__regex *regex) {
    INLAY__TRY(put_range(regex, '0', '9'));
    INLAY__TRY(put_or_range(regex, 'a', 'f'));
    return put_or_range(regex, 'A', 'F');
}

/* ------------------------------------------------------------- small and big */

static bool is_letter(uint32_t code) { return (code | 0x20) >= 'a' && (code | 0x20) <= 'z'; }

/* A range and, where case does not matter, what its letters are in the other case: U+017F is a small s, U+212A a
 * capital K. */
static int32_t put_folded(inlay__regex *regex, uint32_t first, uint32_t last) {
    INLAY__TRY(put_range(regex, first, last));
    if (!regex->fold) return INLAY_OK;
    for (uint32_t code = first > 'A' ? first : 'A'; code <= last && code <= 'z'; code++) {
        if (!is_letter(code)) continue;
        INLAY__TRY(put_or_range(regex, code ^ 0x20, code ^ 0x20));
        if ((code | 0x20) == 's') INLAY__TRY(put_or_range(regex, 0x17F, 0x17F));
        if ((code | 0x20) == 'k') INLAY__TRY(put_or_range(regex, 0x212A, 0x212A));
    }
    return INLAY_OK;
}

/* Which characters beyond ASCII are one but for case is not known here. */
static int32_t check_fold(const inlay__regex *regex, size_t from, uint32_t first, uint32_t last) {
    if (!regex->fold || last < 0x80) return INLAY_OK;
    bool cased = first != last || (1u << inlay__unicode_category(first) & (CASED | MARKS)) != 0;
    return cased ? inlay__regex_uncovered(regex, from, "characters beyond ASCII in any case") : INLAY_OK;
}

int32_t inlay__regex_literal(inlay__regex *regex, uint32_t code, size_t *set) {
    INLAY__TRY(check_fold(regex, regex->pos, code, code));
    INLAY__TRY(put_folded(regex, code, code));
    return inlay__sets_finish(&regex->program->sets, set);
}

/* --------------------------------------------------------------- \p{...}, \s */

static int32_t put_script(inlay__regex *regex, const inlay__unicode_script *script) {
    for (size_t i = 0; i < script->n; i++) {
        const uint32_t *range = inlay__unicode_script_ranges[script->first + i];
        INLAY__TRY(i == 0 ? put_range(regex, range[0], range[1]) : put_or_range(regex, range[0], range[1]));
    }
    return INLAY_OK;
}

static int32_t put_named(inlay__regex *regex, size_t from, const char *name) {
    uint32_t categories = inlay__unicode_named_categories(name), cased = categories & CASED;
    if (categories != 0) {
        if (regex->fold && cased != 0 && cased != CASED)
            return inlay__regex_uncovered(regex, from, "a property of some cases in any case");
        return put(regex, INLAY__SET_CATEGORIES, categories, 0);
    }
    if (strcmp(name, "space") == 0 || strcmp(name, "whitespace") == 0) return put_space(regex);
    for (size_t i = 0; i < INLAY__UNICODE_N_SCRIPTS; i++)
        if (strcmp(inlay__unicode_scripts[i].name, name) == 0) return put_script(regex, &inlay__unicode_scripts[i]);
    return inlay__regex_uncovered(regex, from, "a property that is not known");
}

/* After \p or \P, which stand at `from`. */
static int32_t put_property(inlay__regex *regex, size_t from, bool negated) {
    char name[32];
    size_t n = 0;
    if (!inlay__regex_skip(regex, "{")) return inlay__regex_uncovered(regex, from, "a property without braces");
    if (inlay__regex_skip(regex, "^")) negated = !negated;
    while (regex->pos < regex->size && regex->text[regex->pos] != '}') {
        uint8_t c = regex->text[regex->pos++];
        if (c == ' ' || c == '-' || c == '_') continue;
        if (n + 1 == sizeof name) return inlay__regex_uncovered(regex, from, "a property that is not known");
        name[n++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    if (!inlay__regex_skip(regex, "}")) return inlay__regex_malformed(regex, "\\p{ without }");
    name[n] = '\0';
    INLAY__TRY(put_named(regex, from, name));
    return negated ? put(regex, INLAY__SET_NOT, 0, 0) : INLAY_OK;
}

/* Letters, marks, digits, connectors; letters in circles and squares; and, outside of brackets alone, the raised digits
 * and the fractions of Latin-1: so Oniguruma has it. */
static int32_t put_word(inlay__regex *regex, bool in_class) {
    static const uint32_t more[][2] = {{0x24B6, 0x24E9},   {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189},
                                       {0xB2, 0xB3},       {0xB9, 0xB9},       {0xBC, 0xBE}};
    INLAY__TRY(put(regex, INLAY__SET_CATEGORIES, LETTERS | MARKS | BIT(ND) | BIT(NL) | BIT(PC), 0));
    for (size_t i = 0; i < (in_class ? 4 : INLAY__COUNT(more)); i++)
        INLAY__TRY(put_or_range(regex, more[i][0], more[i][1]));
    return INLAY_OK;
}

static int hexadecimal(uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* At least `least` and at most `most` hexadecimal digits. */
static int32_t take_hexadecimal(inlay__regex *regex, size_t least, size_t most, uint32_t *code) {
    size_t n = 0;
    *code = 0;
    for (; n < most && regex->pos < regex->size && hexadecimal(regex->text[regex->pos]) >= 0; n++)
        *code = *code << 4 | (uint32_t)hexadecimal(regex->text[regex->pos++]);
    if (n < least || *code > 0x10FFFF || (*code >= 0xD800 && *code < 0xE000))
        return inlay__regex_malformed(regex, "an escape of no character");
    return INLAY_OK;
}

/* \x41, \x{41}, \u1305, \n: one character, or an error. */
static int32_t take_escaped(inlay__regex *regex, size_t from, uint32_t letter, uint32_t *code) {
    static const char from_letters[] = "ntrfvae0", to_codes[] = "\n\t\r\f\v\a\x1b";
    if (letter == 'x' && inlay__regex_skip(regex, "{")) {
        INLAY__TRY(take_hexadecimal(regex, 1, 6, code));
        return inlay__regex_skip(regex, "}") ? INLAY_OK : inlay__regex_malformed(regex, "\\x{ without }");
    }
    if (letter == 'x') {
        INLAY__TRY(take_hexadecimal(regex, 1, 2, code));
        return *code < 0x80 ? INLAY_OK : inlay__regex_uncovered(regex, from, "a byte beyond ASCII");
    }
    if (letter == 'u') return take_hexadecimal(regex, 4, 4, code);
    bool next_digit = regex->pos < regex->size && regex->text[regex->pos] >= '0' && regex->text[regex->pos] <= '9';
    const char *known = letter < 0x80 && letter != 0 ? strchr(from_letters, (int)letter) : NULL;
    if (known != NULL && !(letter == '0' && next_digit)) {
        *code = (uint8_t)to_codes[known - from_letters];
        return INLAY_OK;
    }
    *code = letter;
    if (is_letter(letter) || (letter >= '0' && letter <= '9'))
        return inlay__regex_uncovered(regex, from, "this escape");
    return INLAY_OK;
}

/* After a backslash: puts a set, or takes one character. */
static int32_t put_escape(inlay__regex *regex, bool in_class, bool *is_set, uint32_t *code) {
    size_t from = regex->pos - 1;
    uint32_t letter;
    if (regex->pos == regex->size) return inlay__regex_malformed(regex, "a backslash at the end");
    INLAY__TRY(inlay__regex_take(regex, &letter));
    uint32_t small = is_letter(letter) ? letter | 0x20 : 0;
    bool negated = is_letter(letter) && letter != small;
    *is_set = true;
    if (small == 'p') return put_property(regex, from, negated);
    if (small == 's')
        INLAY__TRY(put_space(regex));
    else if (small == 'd')
        INLAY__TRY(put(regex, INLAY__SET_CATEGORIES, BIT(ND), 0));
    else if (small == 'w')
        INLAY__TRY(put_word(regex, in_class));
    else if (small == 'h')
        INLAY__TRY(put_hexadecimal(regex));
    else {
        *is_set = false;
        return take_escaped(regex, from, letter, code);
    }
    return negated ? put(regex, INLAY__SET_NOT, 0, 0) : INLAY_OK;
}

int32_t inlay__regex_escape(inlay__regex *regex, bool *is_set, size_t *set, uint32_t *code) {
    INLAY__TRY(put_escape(regex, false, is_set, code));
    return *is_set ? inlay__sets_finish(&regex->program->sets, set) : INLAY_OK;
}

int32_t inlay__regex_word(inlay__regex *regex, size_t *set) {
    INLAY__TRY(put_word(regex, false));
    return inlay__sets_finish(&regex->program->sets, set);
}

int32_t inlay__regex_any(inlay__regex *regex, size_t *set) {
    INLAY__TRY(put(regex, INLAY__SET_CATEGORIES, 0, 0));
    INLAY__TRY(put(regex, INLAY__SET_NOT, 0, 0));
    return inlay__sets_finish(&regex->program->sets, set);
}

int32_t inlay__regex_line(inlay__regex *regex, size_t *set) {
    INLAY__TRY(put_range(regex, '\n', '\n'));
    INLAY__TRY(put(regex, INLAY__SET_NOT, 0, 0));
    return inlay__sets_finish(&regex->program->sets, set);
}

/* -------------------------------------------------------------------- [...] */

typedef struct class_level {
    size_t from;
    bool negated, has_left; /* has_left: what stands before && is on the stack below */
    bool has_items;         /* of the part that is being read */
} class_level;

/* What was put last joins the items before it. */
static int32_t join(inlay__regex *regex, class_level *level) {
    if (level->has_items) INLAY__TRY(put(regex, INLAY__SET_OR, 0, 0));
    level->has_items = true;
    return INLAY_OK;
}

/* Ends the part before && or ]. */
static int32_t end_part(inlay__regex *regex, class_level *level) {
    if (!level->has_items) INLAY__TRY(put(regex, INLAY__SET_CATEGORIES, 0, 0));
    if (level->has_left) INLAY__TRY(put(regex, INLAY__SET_AND, 0, 0));
    level->has_items = false;
    return INLAY_OK;
}

/* One character or range; its first character was taken. */
static int32_t put_class_range(inlay__regex *regex, size_t from, uint32_t first) {
    uint32_t last = first;
    size_t after = regex->pos;
    if (inlay__regex_skip(regex, "-")) {
        bool is_set = false;
        if (inlay__regex_at(regex, "]") || regex->pos == regex->size) {
            regex->pos = after; /* the hyphen stands for itself */
        } else if (inlay__regex_at(regex, "[") || inlay__regex_at(regex, "&&")) {
            return inlay__regex_uncovered(regex, from, "a hyphen before a class");
        } else {
            INLAY__TRY(inlay__regex_take(regex, &last));
            if (last == '\\') INLAY__TRY(put_escape(regex, true, &is_set, &last));
            if (is_set) return inlay__regex_uncovered(regex, from, "a range that ends with a class");
        }
    }
    if (last < first) return inlay__regex_malformed(regex, "a range that ends before it begins");
    INLAY__TRY(check_fold(regex, from, first, last));
    return put_folded(regex, first, last);
}

/* [:name:] */
static int32_t put_posix(inlay__regex *regex, size_t from) {
    bool negated = inlay__regex_skip(regex, "^");
    if (inlay__regex_skip(regex, "space:]"))
        INLAY__TRY(put_space(regex));
    else if (inlay__regex_skip(regex, "digit:]"))
        INLAY__TRY(put(regex, INLAY__SET_CATEGORIES, BIT(ND), 0));
    else if (inlay__regex_skip(regex, "word:]"))
        INLAY__TRY(put_word(regex, true));
    else if (inlay__regex_skip(regex, "xdigit:]"))
        INLAY__TRY(put_hexadecimal(regex));
    else if (inlay__regex_skip(regex, "cntrl:]"))
        INLAY__TRY(put(regex, INLAY__SET_CATEGORIES, BIT(CC), 0));
    else
        return inlay__regex_uncovered(regex, from, "this POSIX bracket");
    return negated ? put(regex, INLAY__SET_NOT, 0, 0) : INLAY_OK;
}

static int32_t put_class_item(inlay__regex *regex) {
    size_t from = regex->pos;
    uint32_t code;
    bool is_set = false;
    if (inlay__regex_skip(regex, "[:")) return put_posix(regex, from);
    INLAY__TRY(inlay__regex_take(regex, &code));
    if (code == '\\') INLAY__TRY(put_escape(regex, true, &is_set, &code));
    return is_set ? INLAY_OK : put_class_range(regex, from, code);
}

int32_t inlay__regex_class(inlay__regex *regex, size_t *set) {
    class_level levels[CLASS_DEPTH];
    size_t depth = 0;
    levels[0] = (class_level){.from = regex->pos - 1, .negated = inlay__regex_skip(regex, "^")};
    bool first = true; /* a ] at the beginning stands for itself */
    for (;;) {
        class_level *level = &levels[depth];
        if (regex->pos == regex->size) return inlay__regex_malformed(regex, "[ without ]");
        if (inlay__regex_at(regex, "[") && !inlay__regex_at(regex, "[:")) {
            regex->pos++;
            if (++depth == CLASS_DEPTH) return inlay__regex_uncovered(regex, levels[0].from, "classes so deep");
            levels[depth] = (class_level){.from = regex->pos - 1, .negated = inlay__regex_skip(regex, "^")};
            first = true;
            continue;
        }
        if (!first && inlay__regex_skip(regex, "]")) {
            INLAY__TRY(end_part(regex, level));
            if (level->negated) INLAY__TRY(put(regex, INLAY__SET_NOT, 0, 0));
            if (depth == 0) return inlay__sets_finish(&regex->program->sets, set);
            INLAY__TRY(join(regex, &levels[--depth]));
            continue;
        }
        first = false;
        if (inlay__regex_skip(regex, "&&")) {
            INLAY__TRY(end_part(regex, level));
            level->has_left = true;
            continue;
        }
        INLAY__TRY(put_class_item(regex));
        INLAY__TRY(join(regex, level));
    }
}
