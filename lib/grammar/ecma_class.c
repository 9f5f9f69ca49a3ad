/* The parts of a regular expression that stand for one character: classes, escapes, properties. */
#include "base/unicode.h"
#include "grammar/ecma_tree.h"

#define LAST_CODE 0x10FFFFu

static const inlay__code_range digits[] = {{'0', '9'}};
static const inlay__code_range word[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
/* WhiteSpace and LineTerminator of the standard. */
static const inlay__code_range spaces[] = {{9, 13},          {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680},
                                           {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
                                           {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
static const inlay__code_range lines[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

/* ---------------------------------------------------------------------- ranges */

static int32_t put(inlay__ecma *tree, uint32_t first, uint32_t last) {
    if (tree->set.n + tree->sets.n >= INLAY__ECMA_MOST_RANGES)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "the classes of the regular expression have more than %d parts",
                           INLAY__ECMA_MOST_RANGES);
    return inlay__ranges_add(&tree->set, first, last);
}

/* Ranges in ascending order, or what lies between them. */
static int32_t put_all(inlay__ecma *tree, const inlay__code_range *ranges, size_t n, bool negated) {
    uint32_t next = 0;
    for (size_t i = 0; i < n; i++) {
        if (!negated)
            INLAY__TRY(put(tree, ranges[i].first, ranges[i].last));
        else if (next < ranges[i].first)
            INLAY__TRY(put(tree, next, ranges[i].first - 1));
        next = ranges[i].last + 1;
    }
    return negated && next <= LAST_CODE ? put(tree, next, LAST_CODE) : INLAY_OK;
}

/* Makes a node of the set that was read. */
static int32_t finish(inlay__ecma_text *in, size_t from, bool negated, uint32_t *number) {
    inlay__ecma *tree = in->tree;
    size_t start = tree->sets.n;
    inlay__ranges_sort(&tree->set);
    if (negated) INLAY__TRY(inlay__ranges_invert(&tree->set));
    for (size_t i = 0; i < tree->set.n; i++)
        INLAY__TRY(inlay__ranges_add(&tree->sets, tree->set.items[i].first, tree->set.items[i].last));
    uint32_t n = (uint32_t)tree->set.n;
    tree->set.n = 0;
    *number = INLAY__ECMA_NEVER;
    if (n == 0) return INLAY_OK;
    inlay__ecma_node node = {INLAY__ECMA_SET, (uint32_t)start, n, 0, (uint32_t)from};
    return inlay__ecma_add(tree, node, number);
}

int32_t inlay__ecma_literal(inlay__ecma_text *in, uint32_t code, uint32_t *number) {
    INLAY__TRY(put(in->tree, code, code));
    return finish(in, in->pos, false, number);
}

int32_t inlay__ecma_dot(inlay__ecma_text *in, uint32_t *number) {
    INLAY__TRY(put_all(in->tree, lines, INLAY__COUNT(lines), true));
    return finish(in, in->pos - 1, false, number);
}

int32_t inlay__ecma_any(inlay__ecma *tree, uint32_t *number) {
    inlay__ecma_text none = {.tree = tree};
    return finish(&none, 0, true, number);
}

/* --------------------------------------------------------------------- \p{...} */

static int32_t find_stretches(inlay__ecma *tree) {
    if (tree->n_stretches > 0) return INLAY_OK;
    size_t n = 0;
    for (uint32_t code = 0; code <= LAST_CODE;) {
        INLAY__TRY(
            inlay__grow(tree->sys, (void **)&tree->stretches, &tree->stretch_capacity, n + 1, sizeof *tree->stretches));
        uint8_t category = inlay__unicode_category(code);
        uint32_t last = inlay__unicode_stretch(code);
        tree->stretches[n++] = (inlay__ecma_stretch){last, category};
        code = last + 1;
    }
    tree->n_stretches = n;
    return INLAY_OK;
}

static int32_t put_categories(inlay__ecma *tree, uint32_t categories) {
    INLAY__TRY(find_stretches(tree));
    uint32_t first = 0;
    for (size_t i = 0; i < tree->n_stretches; i++) {
        inlay__ecma_stretch stretch = tree->stretches[i];
        if ((categories >> stretch.category & 1) != 0) INLAY__TRY(put(tree, first, stretch.last));
        first = stretch.last + 1;
    }
    return INLAY_OK;
}

static int32_t put_script(inlay__ecma *tree, const char *name, bool negated, bool *found) {
    for (size_t i = 0; i < INLAY__UNICODE_N_SCRIPTS; i++) {
        const inlay__unicode_script *script = &inlay__unicode_scripts[i];
        *found = strcmp(script->name, name) == 0;
        if (!*found) continue;
        uint32_t next = 0;
        for (size_t k = 0; k < script->n; k++) {
            const uint32_t *range = inlay__unicode_script_ranges[script->first + k];
            if (!negated)
                INLAY__TRY(put(tree, range[0], range[1]));
            else if (next < range[0])
                INLAY__TRY(put(tree, next, range[0] - 1));
            next = range[1] + 1;
        }
        return negated ? put(tree, next, LAST_CODE) : INLAY_OK;
    }
    return INLAY_OK;
}

static bool drop_beginning(char *name, const char *beginning) {
    size_t n = strlen(beginning);
    bool found = strncmp(name, beginning, n) == 0;
    if (found) memmove(name, name + n, strlen(name + n) + 1);
    return found;
}

/* After \p or \P, which stand at `from`: {L}, {gc=Lu}, {General_Category=Lu}, {Script=Greek}. */
static int32_t put_property(inlay__ecma_text *in, size_t from, bool negated) {
    char name[48];
    size_t n = 0;
    if (!inlay__ecma_skip(in, "{")) return inlay__ecma_malformed(in, from, "\\p without {");
    while (in->pos < in->size && in->text[in->pos] != '}') {
        uint8_t c = in->text[in->pos++];
        if (c == '_') continue;
        if (n + 1 == sizeof name) return inlay__ecma_unsupported(in, from, "a property that is not known");
        name[n++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    if (!inlay__ecma_skip(in, "}")) return inlay__ecma_malformed(in, from, "\\p{ without }");
    name[n] = '\0';
    bool found = false;
    if (drop_beginning(name, "script=") || drop_beginning(name, "sc=")) {
        INLAY__TRY(put_script(in->tree, name, negated, &found));
        return found ? INLAY_OK : inlay__ecma_unsupported(in, from, "a script that is not known");
    }
    if (!drop_beginning(name, "generalcategory=")) drop_beginning(name, "gc=");
    uint32_t categories = inlay__unicode_named_categories(name);
    if (categories == 0) return inlay__ecma_unsupported(in, from, "a property that is no general category");
    return put_categories(in->tree, negated ? ~categories & INLAY__UNICODE_ALL_CATEGORIES : categories);
}

/* --------------------------------------------------------------------- escapes */

static int hexadecimal(uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_hexadecimal(inlay__ecma_text *in, size_t least, size_t most, uint32_t *code) {
    size_t n = 0;
    *code = 0;
    for (; n < most && in->pos < in->size && hexadecimal(in->text[in->pos]) >= 0; n++)
        *code = *code << 4 | (uint32_t)hexadecimal(in->text[in->pos++]);
    return n >= least && *code <= LAST_CODE;
}

/* After \u, which stands at `from`: four digits, where two surrogates are one character; or digits in braces. */
static int32_t take_unicode(inlay__ecma_text *in, size_t from, uint32_t *code) {
    if (inlay__ecma_skip(in, "{")) {
        while (inlay__ecma_skip(in, "0"))
            continue;
        bool whole = take_hexadecimal(in, in->text[in->pos - 1] == '0' ? 0 : 1, 6, code) && inlay__ecma_skip(in, "}");
        return whole ? INLAY_OK : inlay__ecma_malformed(in, from, "\\u{ that is no code point");
    }
    if (!take_hexadecimal(in, 4, 4, code)) return inlay__ecma_malformed(in, from, "\\u without four digits");
    size_t behind = in->pos;
    uint32_t low;
    if (*code < 0xD800 || *code > 0xDBFF || !inlay__ecma_skip(in, "\\u")) return INLAY_OK;
    if (take_hexadecimal(in, 4, 4, &low) && low >= 0xDC00 && low <= 0xDFFF)
        *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
    else
        in->pos = behind;
    return INLAY_OK;
}

static bool is_alphanumeric(uint32_t c) { return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); }

static int32_t take_character(inlay__ecma_text *in, size_t from, bool in_class, uint32_t letter, uint32_t *code) {
    static const char letters[] = "tnvfr", codes[] = "\t\n\v\f\r";
    const char *known = letter != 0 && letter < 0x80 ? strchr(letters, (int)letter) : NULL;
    *code = letter;
    if (known != NULL) {
        *code = (uint8_t)codes[known - letters];
    } else if (letter == 'b' && in_class) {
        *code = '\b';
    } else if (letter == '0' && !(in->pos < in->size && in->text[in->pos] >= '0' && in->text[in->pos] <= '9')) {
        *code = 0;
    } else if (letter == 'c' && in->pos < in->size && (in->text[in->pos] | 0x20) >= 'a' &&
               (in->text[in->pos] | 0x20) <= 'z') {
        *code = in->text[in->pos++] & 31u;
    } else if (letter == 'x') {
        if (!take_hexadecimal(in, 2, 2, code)) return inlay__ecma_malformed(in, from, "\\x without two digits");
    } else if (letter == 'u') {
        return take_unicode(in, from, code);
    } else if (letter == 'b' || letter == 'B') {
        return inlay__ecma_unsupported(in, from, "a word boundary");
    } else if (letter == 'k' || (letter >= '1' && letter <= '9')) {
        return inlay__ecma_unsupported(in, from, "a back reference");
    } else if (is_alphanumeric(letter)) {
        return inlay__ecma_malformed(in, from, "an escape that is not known");
    }
    return INLAY_OK;
}

/* After a backslash: puts ranges, or takes one character. */
static int32_t put_escape(inlay__ecma_text *in, bool in_class, bool *is_set, uint32_t *code) {
    size_t from = in->pos - 1;
    uint32_t letter;
    if (in->pos == in->size) return inlay__ecma_malformed(in, from, "a backslash at the end");
    INLAY__TRY(inlay__ecma_take(in, &letter));
    *is_set = true;
    switch (letter) {
    case 'd':
    case 'D':
        return put_all(in->tree, digits, INLAY__COUNT(digits), letter == 'D');
    case 'w':
    case 'W':
        return put_all(in->tree, word, INLAY__COUNT(word), letter == 'W');
    case 's':
    case 'S':
        return put_all(in->tree, spaces, INLAY__COUNT(spaces), letter == 'S');
    case 'p':
    case 'P':
        return put_property(in, from, letter == 'P');
    default:
        *is_set = false;
        return take_character(in, from, in_class, letter, code);
    }
}

int32_t inlay__ecma_escape(inlay__ecma_text *in, uint32_t *number) {
    size_t from = in->pos - 1;
    bool is_set;
    uint32_t code;
    INLAY__TRY(put_escape(in, false, &is_set, &code));
    if (!is_set) INLAY__TRY(put(in->tree, code, code));
    return finish(in, from, false, number);
}

/* --------------------------------------------------------------------- classes */

static int32_t put_item(inlay__ecma_text *in, bool *is_set, uint32_t *code) {
    *is_set = false;
    INLAY__TRY(inlay__ecma_take(in, code));
    return *code == '\\' ? put_escape(in, true, is_set, code) : INLAY_OK;
}

int32_t inlay__ecma_class(inlay__ecma_text *in, uint32_t *number) {
    size_t from = in->pos - 1;
    bool negated = inlay__ecma_skip(in, "^"), is_set;
    uint32_t first, last;
    for (;;) {
        if (in->pos == in->size) return inlay__ecma_malformed(in, from, "a class that has no ]");
        if (inlay__ecma_skip(in, "]")) return finish(in, from, negated, number);
        size_t item = in->pos;
        INLAY__TRY(put_item(in, &is_set, &first));
        if (is_set) continue;
        last = first;
        bool is_range = in->size - in->pos >= 2 && in->text[in->pos] == '-' && in->text[in->pos + 1] != ']';
        if (is_range) {
            in->pos++;
            INLAY__TRY(put_item(in, &is_set, &last));
            if (is_set) return inlay__ecma_malformed(in, item, "a range that ends with a class");
            if (last < first) return inlay__ecma_malformed(in, item, "a range whose end is before its beginning");
        }
        INLAY__TRY(put(in->tree, first, last));
    }
}
