/* Jinja's two languages: the text, in which tags are looked for, and the expressions within tags. */
#include "lexer.h"

#include "base/text.h"
#include "base/utf8.h"
#include "letters.h"

enum { MAX_BRACKETS = 256 };

typedef struct lexer {
    inlay__heap *heap;
    const char *source; /* [size] */
    size_t size, pos;
    inlay__tokens *tokens;
    bool line_starts; /* the last tag ended with a newline, or nothing came yet */
} lexer;

static int32_t add(lexer *l, inlay__token token) {
    void *items = l->tokens->items;
    INLAY__TRY(inlay__grow(l->heap->sys, &items, &l->tokens->capacity, l->tokens->n + 1, sizeof token));
    l->tokens->items = items;
    l->tokens->items[l->tokens->n++] = token;
    return INLAY_OK;
}

static int32_t add_plain(lexer *l, inlay__token_kind kind, size_t pos) {
    return add(l, (inlay__token){.kind = kind, .pos = (uint32_t)pos});
}

static bool at(const lexer *l, size_t pos, const char *text) {
    size_t n = strlen(text);
    return l->size - pos >= n && memcmp(l->source + pos, text, n) == 0;
}

static size_t skip_space(const lexer *l, size_t pos) {
    for (size_t n; pos < l->size && (n = inlay__space_at(l->source + pos, l->size - pos)) > 0;) pos += n;
    return pos;
}

/* ------------------------------------------------------------------ tags */

/* The text [from, to) without the white space that the tag at `to` takes: all of it for '-', and, where blocks are
 * stripped, what stands alone on the line before the tag. */
static size_t strip_before(const lexer *l, size_t from, size_t to, char sign, bool block) {
    if (sign == '-') return from + inlay__rstrip_size(l->source + from, to - from);
    if (sign == '+' || !block) return to;
    size_t line = to;
    while (line > from && l->source[line - 1] != '\n') line--;
    if (line == from && !l->line_starts) return to;
    return skip_space(l, line) >= to ? line : to;
}

static int32_t add_data(lexer *l, size_t from, size_t to) {
    if (to == from) return INLAY_OK;
    return add(l, (inlay__token){.kind = INLAY__T_DATA, .pos = (uint32_t)from, .size = (uint32_t)(to - from),
                                 .text = l->source + from});
}

/* Behind a tag that ended at `pos`: '-' takes the white space that follows, a block its newline. */
static void end_tag(lexer *l, size_t pos, char sign, bool trim) {
    if (sign == '-')
        pos = skip_space(l, pos);
    else if (sign != '+' && trim && pos < l->size && l->source[pos] == '\n')
        pos++;
    l->pos = pos;
    l->line_starts = pos > 0 && l->source[pos - 1] == '\n';
}

static char sign_at(const lexer *l, size_t pos) {
    return pos < l->size && (l->source[pos] == '-' || l->source[pos] == '+') ? l->source[pos] : '\0';
}

/* The end of a tag "{% word %}" that begins at `pos`, or 0; *sign is that of its end. */
static size_t word_tag(const lexer *l, size_t pos, const char *word, char *sign) {
    if (!at(l, pos, "{%")) return 0;
    pos += 2;
    if (sign_at(l, pos) != '\0') pos++;
    pos = skip_space(l, pos);
    if (!at(l, pos, word)) return 0;
    pos = skip_space(l, pos + strlen(word));
    *sign = sign_at(l, pos);
    if (*sign != '\0') pos++;
    return at(l, pos, "%}") ? pos + 2 : 0;
}

static int32_t lex_raw(lexer *l, size_t begin) {
    char sign;
    for (size_t pos = l->pos; pos < l->size; pos++) {
        if (l->source[pos] != '{') continue;
        size_t end = word_tag(l, pos, "endraw", &sign);
        if (end == 0) continue;
        INLAY__TRY(add_data(l, l->pos, strip_before(l, l->pos, pos, sign_at(l, pos + 2), true)));
        end_tag(l, end, sign, true);
        return INLAY_OK;
    }
    l->pos = begin;
    return inlay__fail(INLAY_ERR_TEMPLATE, "'raw' has no 'endraw'");
}

static int32_t lex_comment(lexer *l, size_t begin) {
    for (size_t pos = begin + 2; pos + 1 < l->size; pos++) {
        if (l->source[pos] != '#' || l->source[pos + 1] != '}') continue;
        char sign = pos > begin + 2 ? sign_at(l, pos - 1) : '\0';
        end_tag(l, pos + 2, sign, true);
        return INLAY_OK;
    }
    l->pos = begin;
    return inlay__fail(INLAY_ERR_TEMPLATE, "the comment has no end '#}'");
}

/* ------------------------------------------------------------ expressions */

static bool is_digit(int c) { return c >= '0' && c <= '9'; }

static int digit_value(char c) {
    if (is_digit(c)) return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 99;
}

static int peek(const lexer *l, size_t pos) { return pos < l->size ? (uint8_t)l->source[pos] : -1; }

/* Digits of a base, with single underscores between them; where they end. */
static size_t skip_digits(const lexer *l, size_t pos, int base) {
    while (pos < l->size) {
        size_t digit = l->source[pos] == '_' ? pos + 1 : pos;
        if (digit >= l->size || digit_value(l->source[digit]) >= base) break;
        pos = digit + 1;
    }
    return pos;
}

/* The end of the number at `pos` if it is a float, else 0. */
static size_t float_end(const lexer *l, size_t pos) {
    if (pos > 0 && l->source[pos - 1] == '.') return 0;
    size_t end = skip_digits(l, pos, 10), whole = end;
    if (peek(l, end) == '.' && is_digit(peek(l, end + 1))) end = skip_digits(l, end + 1, 10);
    if (peek(l, end) == 'e' || peek(l, end) == 'E') {
        size_t exponent = end + 1;
        if (peek(l, exponent) == '+' || peek(l, exponent) == '-') exponent++;
        if (is_digit(peek(l, exponent))) end = skip_digits(l, exponent, 10);
    }
    return end > whole ? end : 0;
}

static int32_t lex_float(lexer *l, size_t end) {
    char digits[512];
    size_t n = 0;
    inlay__token token = {.kind = INLAY__T_FLOAT, .pos = (uint32_t)l->pos};
    for (size_t i = l->pos; i < end; i++) {
        if (l->source[i] == '_') continue;
        if (n == sizeof digits) return inlay__fail(INLAY_ERR_TEMPLATE, "a number of more than 512 digits");
        digits[n++] = l->source[i];
    }
    if (!inlay__parse_f64(digits, n, &token.of.number))
        return inlay__fail(INLAY_ERR_TEMPLATE, "the number '%.*s' is too large", (int)inlay__min_size(n, 40), digits);
    l->pos = end;
    return add(l, token);
}

static int32_t lex_number(lexer *l) {
    size_t end = float_end(l, l->pos), start = l->pos;
    if (end > 0) return lex_float(l, end);
    int base = 10, mark = peek(l, start + 1) | 0x20;
    if (l->source[start] == '0' && peek(l, start + 1) >= 0)
        base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 10;
    if (base != 10 && skip_digits(l, start + 2, base) == start + 2) base = 10;
    if (base != 10) start += 2;
    /* 007 is three numbers, as 00 is one */
    end = skip_digits(l, start, base == 10 && l->source[start] == '0' ? 1 : base);
    int64_t value = 0;
    for (size_t i = start; i < end; i++) {
        if (l->source[i] == '_') continue;
        int digit = digit_value(l->source[i]);
        if (value > (INT64_MAX - digit) / base)
            return inlay__fail(INLAY_ERR_TEMPLATE, "the integer '%.*s' does not fit 64 bits",
                               (int)inlay__min_size(end - l->pos, 40), l->source + l->pos);
        value = value * base + digit;
    }
    inlay__token token = {.kind = INLAY__T_INT, .pos = (uint32_t)l->pos, .of.integer = value};
    l->pos = end;
    return add(l, token);
}

/* Reads `n` hexadecimal digits of an escape. */
static int32_t read_hex(const lexer *l, size_t *pos, size_t end, int n, uint32_t *code) {
    *code = 0;
    for (int i = 0; i < n; i++, ++*pos) {
        int digit = *pos < end ? digit_value(l->source[*pos]) : 99;
        if (digit >= 16) return inlay__fail(INLAY_ERR_TEMPLATE, "an escape in a string has too few hexadecimal digits");
        *code = *code << 4 | (uint32_t)digit;
    }
    return INLAY_OK;
}

static size_t put_code(char *out, uint32_t code) {
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) code = 0xfffd;
    return inlay__utf8_encode(code, (uint8_t *)out);
}

/* The escape whose letter is at *pos, as Python reads them; an unknown one stands for itself. */
static int32_t read_escape(const lexer *l, size_t *pos, size_t end, char *out, size_t *n) {
    static const char names[] = "\\'\"abfnrtv", values[] = "\\'\"\a\b\f\n\r\t\v";
    char c = l->source[(*pos)++];
    const char *name = c != '\0' ? strchr(names, c) : NULL;
    uint32_t code = 0;
    if (c == '\n') return INLAY_OK;
    if (name != NULL) {
        out[(*n)++] = values[name - names];
    } else if (c == 'x' || c == 'u' || c == 'U') {
        INLAY__TRY(read_hex(l, pos, end, c == 'x' ? 2 : c == 'u' ? 4 : 8, &code));
        *n += put_code(out + *n, code);
    } else if (c >= '0' && c <= '7') {
        code = (uint32_t)(c - '0');
        for (int i = 0; i < 2 && *pos < end && l->source[*pos] >= '0' && l->source[*pos] <= '7'; i++)
            code = code * 8 + (uint32_t)(l->source[(*pos)++] - '0');
        *n += put_code(out + *n, code);
    } else if (c == 'N') {
        return inlay__fail(INLAY_ERR_TEMPLATE, "escapes of characters by name, \\N, are not supported");
    } else {
        out[(*n)++] = '\\';
        out[(*n)++] = c;
    }
    return INLAY_OK;
}

static int32_t lex_string(lexer *l) {
    char quote = l->source[l->pos];
    size_t begin = l->pos + 1, end = begin;
    bool escapes = false;
    for (; end < l->size && l->source[end] != quote; end++) {
        if (l->source[end] != '\\') continue;
        escapes = true;
        end++;
    }
    if (end >= l->size) return inlay__fail(INLAY_ERR_TEMPLATE, "the string has no closing quote");
    inlay__token token = {.kind = INLAY__T_STRING, .pos = (uint32_t)l->pos, .size = (uint32_t)(end - begin),
                          .text = l->source + begin};
    l->pos = end + 1;
    if (!escapes) return add(l, token);
    char *text = inlay__heap_take(l->heap, end - begin); /* no escape is longer than what it is written as */
    size_t n = 0;
    if (text == NULL) return inlay__heap_status(l->heap);
    for (size_t pos = begin; pos < end;) {
        if (l->source[pos++] == '\\')
            INLAY__TRY(read_escape(l, &pos, end, text, &n));
        else
            text[n++] = l->source[pos - 1];
    }
    token.text = text;
    token.size = (uint32_t)n;
    return add(l, token);
}

static bool is_name_start(int c) { return c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c >= 0x80; }

static int32_t lex_name(lexer *l) {
    size_t end = l->pos;
    while (is_name_start(peek(l, end)) || is_digit(peek(l, end))) end++;
    inlay__token token = {.kind = INLAY__T_NAME, .pos = (uint32_t)l->pos, .size = (uint32_t)(end - l->pos),
                          .text = l->source + l->pos};
    l->pos = end;
    return add(l, token);
}

static int32_t lex_operator(lexer *l, char *brackets, size_t *depth) {
    static const struct {
        char text[3];
        inlay__token_kind kind;
    } operators[] = {
        {"//", INLAY__T_FLOORDIV}, {"**", INLAY__T_POW}, {"==", INLAY__T_EQ}, {"!=", INLAY__T_NE}, {"<=", INLAY__T_LE},
        {">=", INLAY__T_GE}, {"+", INLAY__T_ADD}, {"-", INLAY__T_SUB}, {"*", INLAY__T_MUL}, {"/", INLAY__T_DIV},
        {"%", INLAY__T_MOD}, {"~", INLAY__T_TILDE}, {"<", INLAY__T_LT}, {">", INLAY__T_GT}, {"=", INLAY__T_ASSIGN},
        {".", INLAY__T_DOT}, {":", INLAY__T_COLON}, {"|", INLAY__T_PIPE}, {",", INLAY__T_COMMA},
        {";", INLAY__T_SEMICOLON}, {"(", INLAY__T_LPAREN}, {")", INLAY__T_RPAREN}, {"[", INLAY__T_LBRACKET},
        {"]", INLAY__T_RBRACKET}, {"{", INLAY__T_LBRACE}, {"}", INLAY__T_RBRACE},
    };
    size_t i = 0;
    while (i < INLAY__COUNT(operators) && !at(l, l->pos, operators[i].text)) i++;
    if (i == INLAY__COUNT(operators))
        return inlay__fail(INLAY_ERR_TEMPLATE, "unexpected character '%c'", l->source[l->pos]);
    char c = operators[i].text[0];
    if (c == '(' || c == '[' || c == '{') {
        if (*depth == MAX_BRACKETS)
            return inlay__fail(INLAY_ERR_TEMPLATE, "brackets nested deeper than %d", MAX_BRACKETS);
        brackets[(*depth)++] = c == '(' ? ')' : (char)(c + 2); /* [ ] and { } are two apart in ASCII */
    } else if (c == ')' || c == ']' || c == '}') {
        if (*depth == 0) return inlay__fail(INLAY_ERR_TEMPLATE, "unexpected '%c'", c);
        if (brackets[--*depth] != c)
            return inlay__fail(INLAY_ERR_TEMPLATE, "unexpected '%c', expected '%c'", c, brackets[*depth]);
    }
    INLAY__TRY(add_plain(l, operators[i].kind, l->pos));
    l->pos += strlen(operators[i].text);
    return INLAY_OK;
}

/* The tokens of one tag, up to and with its end. */
static int32_t lex_tag(lexer *l, size_t begin, bool block) {
    char brackets[MAX_BRACKETS];
    size_t depth = 0;
    const char *end = block ? "%}" : "}}";
    while ((l->pos = skip_space(l, l->pos)) < l->size) {
        int c = peek(l, l->pos);
        if (depth == 0) {
            char sign = c == '-' || (block && c == '+') ? (char)c : '\0';
            size_t pos = l->pos + (sign != '\0');
            if (at(l, pos, end)) {
                INLAY__TRY(add_plain(l, block ? INLAY__T_BLOCK_END : INLAY__T_PRINT_END, l->pos));
                end_tag(l, pos + 2, sign, block);
                return INLAY_OK;
            }
        }
        if (is_digit(c))
            INLAY__TRY(lex_number(l));
        else if (is_name_start(c))
            INLAY__TRY(lex_name(l));
        else if (c == '"' || c == '\'')
            INLAY__TRY(lex_string(l));
        else
            INLAY__TRY(lex_operator(l, brackets, &depth));
    }
    l->pos = begin;
    return inlay__fail(INLAY_ERR_TEMPLATE, "the tag has no end '%s'", end);
}

/* ------------------------------------------------------------------- text */

static int32_t lex_all(lexer *l) {
    while (l->pos < l->size) {
        size_t text = l->pos, tag = text;
        while (tag < l->size && !(l->source[tag] == '{' && tag + 1 < l->size &&
                                  strchr("{%#", l->source[tag + 1]) != NULL && l->source[tag + 1] != '\0'))
            tag++;
        if (tag == l->size) {
            INLAY__TRY(add_data(l, text, tag));
            break;
        }
        char mark = l->source[tag + 1], sign = sign_at(l, tag + 2), end_sign;
        INLAY__TRY(add_data(l, text, strip_before(l, text, tag, sign, mark != '{')));
        size_t raw = mark == '%' ? word_tag(l, tag, "raw", &end_sign) : 0;
        l->pos = tag + 2 + (sign != '\0');
        if (raw > 0) {
            end_tag(l, raw, end_sign, false);
            INLAY__TRY(lex_raw(l, tag));
        } else if (mark == '#') {
            INLAY__TRY(lex_comment(l, tag));
        } else {
            INLAY__TRY(add_plain(l, mark == '%' ? INLAY__T_BLOCK : INLAY__T_PRINT, tag));
            INLAY__TRY(lex_tag(l, tag, mark == '%'));
        }
    }
    return add_plain(l, INLAY__T_END, l->size);
}

int32_t inlay__lex(inlay__heap *heap, const char *source, size_t size, inlay__tokens *tokens, size_t *error_pos) {
    lexer l = {.heap = heap, .source = source, .size = size, .tokens = tokens, .line_starts = true};
    *tokens = (inlay__tokens){.items = NULL};
    int32_t status = lex_all(&l);
    *error_pos = l.pos;
    return status;
}

void inlay__tokens_free(const inlay__sys *sys, inlay__tokens *tokens) {
    inlay__free(sys, tokens->items, tokens->capacity * sizeof *tokens->items);
    *tokens = (inlay__tokens){.items = NULL};
}

void inlay__source_place(const char *source, size_t size, size_t pos, size_t *line, size_t *column) {
    *line = *column = 1;
    for (size_t i = 0; i < pos && i < size; i++) {
        if (source[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((uint8_t)source[i] & 0xc0) != 0x80) {
            ++*column;
        }
    }
}
