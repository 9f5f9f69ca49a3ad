/* Grammars as llama.cpp writes them:
 *
 *     grammar   = { name "::=" choices newline }
 *     choices   = sequence { "|" sequence }
 *     sequence  = { item [ "*" | "+" | "?" | "{" [m] [","] [n] "}" ] }
 *     item      = '"' characters '"' | "[" ["^"] characters "]" | "." | name | "(" choices ")" | ["!"] token
 *     token     = "<[" number "]>" | "<" text ">"
 *
 * A newline ends a rule, but not in parentheses nor next to "|". "#" begins a comment. Characters can be \n, \r, \t,
 * \\, \", \[, \], \-, \^, \x with 2 hexadecimal digits, \u with 4, \U with 8.
 */
#include "grammar/gbnf.h"

#include "base/hash_map.h"
#include "base/utf8.h"
#include "grammar/ranges.h"

/* A group that is being read; the lowest is the rule itself. */
typedef struct group {
    inlay__expression choices;  /* those that have ended */
    inlay__expression sequence; /* without the last item */
    inlay__expression item;     /* the last, which a quantifier would repeat */
    bool has_item;
    size_t from; /* its ( */
} group;

typedef struct reader {
    inlay__rules *rules;
    const uint8_t *text;
    size_t size, pos;
    inlay__hash_map names; /* to numbers of rules */
    group *groups;
    size_t n_groups, group_capacity;
    inlay__ranges ranges;
    inlay__find_token_fn find_token;
    const void *user;
} reader;

/* ------------------------------------------------------------------------ text */

static int32_t malformed(const reader *r, size_t at, const char *what) {
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at && i < r->size; i++) {
        column = r->text[i] == '\n' ? 1 : column + 1;
        line += r->text[i] == '\n';
    }
    return inlay__fail(INLAY_ERR_FORMAT, "the grammar at line %zu, column %zu: %s", line, column, what);
}

static uint8_t peek(const reader *r) { return r->pos < r->size ? r->text[r->pos] : 0; }

static bool skip(reader *r, const char *literal) {
    size_t n = strlen(literal);
    if (r->size - r->pos < n || memcmp(r->text + r->pos, literal, n) != 0) return false;
    r->pos += n;
    return true;
}

static void skip_space(reader *r, bool lines) {
    for (; r->pos < r->size; r->pos++) {
        uint8_t c = r->text[r->pos];
        if (c == '#')
            while (r->pos + 1 < r->size && r->text[r->pos + 1] != '\n' && r->text[r->pos + 1] != '\r')
                r->pos++;
        else if (c != ' ' && c != '\t' && !(lines && (c == '\n' || c == '\r')))
            return;
    }
}

static bool is_word(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static size_t word_size(const reader *r) {
    size_t n = 0;
    while (r->pos + n < r->size && is_word(r->text[r->pos + n]))
        n++;
    return n;
}

/* ------------------------------------------------------------------ characters */

static int32_t read_hex(reader *r, size_t n, uint32_t *code) {
    size_t from = r->pos;
    *code = 0;
    for (size_t i = 0; i < n; i++, r->pos++) {
        uint8_t c = peek(r), low = c | 0x20;
        if (c >= '0' && c <= '9')
            *code = *code << 4 | (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            *code = *code << 4 | (uint32_t)(low - 'a' + 10);
        else
            return malformed(r, from, "an escape without its hexadecimal digits");
    }
    bool is_character = *code <= 0x10ffff && (*code < 0xd800 || *code > 0xdfff);
    return is_character ? INLAY_OK : malformed(r, from, "an escape of what is no character");
}

static int32_t read_escape(reader *r, uint32_t *code) {
    static const char names[] = "nrt\\\"[]-^", values[] = "\n\r\t\\\"[]-^";
    uint8_t c = peek(r);
    const char *found = c != 0 ? memchr(names, c, sizeof names - 1) : NULL;
    r->pos += c != 0;
    if (c == 'x') return read_hex(r, 2, code);
    if (c == 'u') return read_hex(r, 4, code);
    if (c == 'U') return read_hex(r, 8, code);
    if (found == NULL) return malformed(r, r->pos - (c != 0), "an escape that is not known");
    *code = (uint8_t)values[found - names];
    return INLAY_OK;
}

/* One character of a text or a class. */
static int32_t read_character(reader *r, uint32_t *code) {
    if (skip(r, "\\")) return read_escape(r, code);
    size_t n = inlay__utf8_decode(r->text + r->pos, r->size - r->pos, code);
    if (n == 0) return malformed(r, r->pos, "a byte that is not UTF-8");
    r->pos += n;
    return INLAY_OK;
}

/* ----------------------------------------------------------------------- items */

static int32_t read_text(reader *r, inlay__expression *e) {
    size_t from = r->pos - 1;
    *e = INLAY__EMPTY;
    while (!skip(r, "\"")) {
        uint32_t code;
        uint8_t bytes[4];
        if (r->pos == r->size) return malformed(r, from, "\" without its end");
        INLAY__TRY(read_character(r, &code));
        size_t n = inlay__utf8_encode(code, bytes);
        *e = inlay__rules_sequence(r->rules, *e, inlay__rules_text(r->rules, (char *)bytes, n));
    }
    return INLAY_OK;
}

static int32_t read_class(reader *r, inlay__expression *e) {
    size_t from = r->pos - 1;
    bool inverted = skip(r, "^");
    r->ranges.n = 0;
    while (!skip(r, "]")) {
        uint32_t first, last;
        if (r->pos == r->size) return malformed(r, from, "[ without its ]");
        INLAY__TRY(read_character(r, &first));
        last = first;
        if (peek(r) == '-' && r->pos + 1 < r->size && r->text[r->pos + 1] != ']') {
            r->pos++;
            INLAY__TRY(read_character(r, &last));
            if (last < first) return malformed(r, r->pos, "a range that ends before it begins");
        }
        INLAY__TRY(inlay__ranges_add(&r->ranges, first, last));
    }
    inlay__ranges_sort(&r->ranges);
    if (inverted) INLAY__TRY(inlay__ranges_invert(&r->ranges));
    *e = inlay__rules_characters(r->rules, r->ranges.items, r->ranges.n);
    return INLAY_OK;
}

static int32_t read_number(reader *r, uint32_t *number) {
    size_t from = r->pos;
    uint64_t value = 0;
    for (; peek(r) >= '0' && peek(r) <= '9'; r->pos++) {
        value = value * 10 + (peek(r) - (uint64_t)'0');
        if (value > 0x7fffffff) return malformed(r, from, "a number above 2147483647");
    }
    *number = (uint32_t)value;
    return r->pos > from ? INLAY_OK : malformed(r, from, "expected a number");
}

static int32_t read_token(reader *r, bool is_any_other, inlay__expression *e) {
    size_t from = r->pos - 1;
    int32_t token = 0;
    if (skip(r, "[")) {
        uint32_t number;
        INLAY__TRY(read_number(r, &number));
        if (!skip(r, "]>")) return malformed(r, r->pos, "expected ]>");
        if (number >= INLAY__TOKEN_NO_TEXT) return malformed(r, from, "there is no such token");
        token = (int32_t)number;
    } else {
        while (peek(r) != '>' && peek(r) != '\n' && r->pos < r->size)
            r->pos++;
        if (!skip(r, ">")) return malformed(r, from, "< without its >");
        if (r->find_token == NULL || !r->find_token(r->user, (const char *)r->text + from, r->pos - from, &token))
            return malformed(r, from, "the model has no token of this name");
    }
    *e = inlay__rules_token(r->rules, token, is_any_other);
    return INLAY_OK;
}

/* The rule of a name, which may be defined further down. */
static uint32_t find_rule(reader *r, const char *name, size_t size) {
    uint32_t rule;
    if (inlay__hash_map_get(&r->names, name, size, &rule)) return rule;
    rule = inlay__rules_add(r->rules, name, size);
    inlay__hash_map_put(&r->names, name, size, rule);
    return rule;
}

static int32_t read_name(reader *r, inlay__expression *e) {
    size_t n = word_size(r);
    if (n == 0) return malformed(r, r->pos, "this cannot begin an item");
    *e = inlay__rules_call(r->rules, find_rule(r, (const char *)r->text + r->pos, n));
    r->pos += n;
    return INLAY_OK;
}

static int32_t read_item(reader *r, inlay__expression *e) {
    static const inlay__code_range any = {0, 0x10ffff};
    if (skip(r, "\"")) return read_text(r, e);
    if (skip(r, "[")) return read_class(r, e);
    if (skip(r, "!<")) return read_token(r, true, e);
    if (skip(r, "<")) return read_token(r, false, e);
    if (!skip(r, ".")) return read_name(r, e);
    *e = inlay__rules_characters(r->rules, &any, 1);
    return INLAY_OK;
}

/* ----------------------------------------------------------------- repetitions */

/* Behind the {. */
static int32_t read_counts(reader *r, uint32_t *least, uint32_t *most) {
    *least = 0;
    skip_space(r, false);
    if (peek(r) != ',') INLAY__TRY(read_number(r, least));
    *most = *least;
    skip_space(r, false);
    if (skip(r, ",")) {
        skip_space(r, false);
        *most = INLAY__RULES_NO_END;
        if (peek(r) != '}') INLAY__TRY(read_number(r, most));
        skip_space(r, false);
    }
    if (!skip(r, "}")) return malformed(r, r->pos, "expected }");
    return *most < *least ? malformed(r, r->pos, "a repetition with its most below its least") : INLAY_OK;
}

/* A quantifier, if there is one, into the last item. */
static int32_t read_quantifier(reader *r, bool *found) {
    group *g = &r->groups[r->n_groups - 1];
    uint32_t least = 0, most = INLAY__RULES_NO_END;
    size_t from = r->pos;
    *found = true;
    if (skip(r, "{"))
        INLAY__TRY(read_counts(r, &least, &most));
    else if (skip(r, "+"))
        least = 1;
    else if (skip(r, "?"))
        most = 1;
    else if (!skip(r, "*"))
        *found = false;
    if (!*found) return INLAY_OK;
    if (!g->has_item) return malformed(r, from, "a repetition of nothing");
    g->item = inlay__rules_repeat(r->rules, g->item, least, most);
    return INLAY_OK;
}

/* ---------------------------------------------------------------------- groups */

static int32_t open_group(reader *r, size_t from) {
    INLAY__TRY(inlay__grow(r->rules->sys, (void **)&r->groups, &r->group_capacity, r->n_groups + 1,
                           sizeof *r->groups));
    r->groups[r->n_groups++] = (group){.choices = INLAY__NEVER, .sequence = INLAY__EMPTY, .from = from};
    return INLAY_OK;
}

static void put_item(reader *r, inlay__expression e) {
    group *g = &r->groups[r->n_groups - 1];
    if (g->has_item) g->sequence = inlay__rules_sequence(r->rules, g->sequence, g->item);
    g->item = e;
    g->has_item = true;
}

static void end_choice(reader *r) {
    group *g = &r->groups[r->n_groups - 1];
    put_item(r, INLAY__EMPTY);
    g->choices = inlay__rules_choice(r->rules, g->choices, g->sequence);
    g->sequence = INLAY__EMPTY;
    g->has_item = false;
}

static inlay__expression close_group(reader *r) {
    end_choice(r);
    return r->groups[--r->n_groups].choices;
}

/* Whether a rule that has come to the end of a line goes on with a choice on a later one. */
static bool goes_on(reader *r) {
    size_t at = r->pos;
    skip_space(r, true);
    if (peek(r) == '|') return true;
    r->pos = at;
    return false;
}

static int32_t read_part(reader *r) {
    inlay__expression e;
    bool found;
    if (skip(r, "(")) return open_group(r, r->pos - 1);
    if (skip(r, "|")) {
        end_choice(r);
        skip_space(r, true);
        return INLAY_OK;
    }
    if (peek(r) == ')') {
        if (r->n_groups == 1) return malformed(r, r->pos, ") without its (");
        r->pos++;
        put_item(r, close_group(r));
        return INLAY_OK;
    }
    INLAY__TRY(read_quantifier(r, &found));
    if (found) return INLAY_OK;
    INLAY__TRY(read_item(r, &e));
    put_item(r, e);
    return INLAY_OK;
}

/* ----------------------------------------------------------------------- rules */

static int32_t read_body(reader *r, inlay__expression *body) {
    INLAY__TRY(open_group(r, r->pos));
    skip_space(r, true);
    for (;;) {
        skip_space(r, r->n_groups > 1);
        uint8_t c = peek(r);
        if (r->pos == r->size || ((c == '\n' || c == '\r') && !goes_on(r))) break;
        INLAY__TRY(read_part(r));
        INLAY__TRY(r->rules->status);
    }
    if (r->n_groups > 1) return malformed(r, r->groups[r->n_groups - 1].from, "( without its )");
    *body = close_group(r);
    return r->rules->status;
}

static int32_t read_rule(reader *r) {
    size_t from = r->pos, n = word_size(r);
    inlay__expression body = INLAY__NEVER;
    if (n == 0) return malformed(r, from, "expected the name of a rule");
    uint32_t rule = find_rule(r, (const char *)r->text + from, n);
    INLAY__TRY(r->rules->status);
    r->pos += n;
    skip_space(r, false);
    if (!skip(r, "::=")) return malformed(r, r->pos, "expected ::=");
    if (r->rules->rules[rule].is_set) return malformed(r, from, "this rule is defined twice");
    INLAY__TRY(read_body(r, &body));
    inlay__rules_set(r->rules, rule, body);
    return INLAY_OK;
}

static int32_t read_rules(reader *r) {
    static const char root[] = "root";
    find_rule(r, root, sizeof root - 1);
    INLAY__TRY(r->rules->status);
    for (skip_space(r, true); r->pos < r->size; skip_space(r, true))
        INLAY__TRY(read_rule(r));
    return r->rules->rules[0].is_set ? r->rules->status : malformed(r, r->size, "there is no rule 'root'");
}

int32_t inlay__gbnf_read(inlay__rules *rules, const char *text, size_t size, inlay__find_token_fn find_token,
                         const void *user) {
    const inlay__sys *sys = rules->sys;
    reader r = {.rules = rules,
                .text = (const uint8_t *)text,
                .size = size,
                .ranges = {.sys = sys},
                .find_token = find_token,
                .user = user};
    INLAY__TRY(rules->status);
    INLAY__TRY(inlay__hash_map_init(sys, &r.names, size / 2 + 2)); /* every name and what stands behind it */
    int32_t status = read_rules(&r);
    inlay__ranges_free(&r.ranges);
    inlay__free(sys, r.groups, r.group_capacity * sizeof *r.groups);
    inlay__hash_map_free(sys, &r.names);
    return status;
}
