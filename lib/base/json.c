/* A JSON reader (RFC 8259): strict, without recursion, in memory bounded by the text.
 *
 * One look over the text bounds the number of values, so that each array is allocated once. While an array or object
 * is open, its `next` holds the index of the one around it: the nodes are their own stack.
 */
#include "cursor.h"
#include "json.h"
#include "text.h"
#include "utf8.h"

#define NO_NODE UINT32_MAX

typedef struct parser {
    inlay__cursor in;
    const char *what;
    inlay__json json;
    size_t n_chars; /* used of json.strings */
    uint32_t open;  /* the innermost open array or object, or NO_NODE */
    size_t depth;
} parser;

/* ------------------------------------------------------------------ errors */

/* The next byte, or -1 at the end. */
static int peek(const parser *p) { return p->in.pos < p->in.size ? p->in.data[p->in.pos] : -1; }

static void position(const parser *p, size_t *line, size_t *column) {
    *line = *column = 1;
    for (size_t i = 0; i < p->in.pos; i++) {
        uint8_t c = p->in.data[i];
        if (c == '\n') {
            ++*line;
            *column = 1;
        } else if ((c & 0xc0) != 0x80) { /* not inside a UTF-8 character */
            ++*column;
        }
    }
}

/* The byte at the cursor is not what may stand there. */
static int32_t refuse(const parser *p, const char *expected) {
    size_t line, column;
    int c = peek(p);
    position(p, &line, &column);
    if (c < 0)
        return inlay__fail(INLAY_ERR_FORMAT, "%s: line %zu, column %zu: expected %s, found the end of the text",
                           p->what, line, column, expected);
    if (c < 0x20 || c > 0x7e)
        return inlay__fail(INLAY_ERR_FORMAT, "%s: line %zu, column %zu: expected %s, found byte 0x%x", p->what, line,
                           column, expected, (unsigned)c);
    return inlay__fail(INLAY_ERR_FORMAT, "%s: line %zu, column %zu: expected %s, found '%c'", p->what, line, column,
                       expected, c);
}

/* ------------------------------------------------------------------- nodes */

static inlay__json_node *add_node(parser *p, inlay__json_kind kind) {
    uint32_t index = (uint32_t)p->json.n_nodes++;
    inlay__json_node *node = &p->json.nodes[index];
    *node = (inlay__json_node){.kind = kind, .next = index + 1};
    if (p->open != NO_NODE) p->json.nodes[p->open].n_children++;
    return node;
}

static int32_t open_container(parser *p, inlay__json_kind kind) {
    if (p->depth == INLAY__JSON_MAX_DEPTH) return refuse(p, "arrays and objects no deeper than 512");
    inlay__json_node *node = add_node(p, kind);
    node->next = p->open;
    p->open = (uint32_t)(node - p->json.nodes);
    p->depth++;
    p->in.pos++;
    return INLAY_OK;
}

static void close_container(parser *p) {
    inlay__json_node *node = &p->json.nodes[p->open];
    p->open = node->next;
    node->next = (uint32_t)p->json.n_nodes;
    p->depth--;
    p->in.pos++;
}

static bool in_object(const parser *p) { return p->json.nodes[p->open].kind == INLAY__JSON_OBJECT; }

/* ----------------------------------------------------------------- strings */

static void put_code(parser *p, uint32_t code) {
    p->n_chars += inlay__utf8_encode(code, (uint8_t *)p->json.strings + p->n_chars);
}

static int32_t read_hex4(parser *p, uint32_t *code) {
    *code = 0;
    for (int i = 0; i < 4; i++, p->in.pos++) {
        int c = peek(p);
        if (c >= '0' && c <= '9')
            c -= '0';
        else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            c = (c | 0x20) - 'a' + 10;
        else
            return refuse(p, "four hexadecimal digits after \\u");
        *code = *code << 4 | (uint32_t)c;
    }
    return INLAY_OK;
}

/* What follows \u. Two surrogates make a character; one alone, which real tokenizer files hold, becomes U+FFFD. */
static int32_t read_unicode_escape(parser *p) {
    uint32_t code, low;
    INLAY__TRY(read_hex4(p, &code));
    if (code < 0xd800 || code > 0xdfff) return put_code(p, code), INLAY_OK;
    const uint8_t *after = p->in.data + p->in.pos;
    if (code < 0xdc00 && inlay__cursor_left(&p->in) >= 2 && after[0] == '\\' && after[1] == 'u') {
        size_t pos = p->in.pos;
        p->in.pos += 2;
        INLAY__TRY(read_hex4(p, &low));
        if (low >= 0xdc00 && low <= 0xdfff)
            return put_code(p, 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)), INLAY_OK;
        p->in.pos = pos; /* the second stands for itself */
    }
    return put_code(p, 0xfffd), INLAY_OK;
}

static int32_t read_escape(parser *p) {
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    int c = peek(p);
    if (c == 'u') {
        p->in.pos++;
        return read_unicode_escape(p);
    }
    const char *name = c > 0 ? strchr(names, c) : NULL;
    if (name == NULL) return refuse(p, "one of \"\\/bfnrtu after a backslash");
    p->in.pos++;
    p->json.strings[p->n_chars++] = values[name - names];
    return INLAY_OK;
}

static int32_t read_string(parser *p, const char *expected) {
    if (peek(p) != '"') return refuse(p, expected);
    p->in.pos++;
    inlay__json_node *node = add_node(p, INLAY__JSON_STRING);
    size_t start = p->n_chars;
    for (int c; (c = peek(p)) != '"';) {
        uint32_t code;
        if (c < 0x20) return refuse(p, "no control character in a string, and a quote at its end");
        size_t n = inlay__utf8_decode(p->in.data + p->in.pos, inlay__cursor_left(&p->in), &code);
        if (n == 0) return refuse(p, "UTF-8");
        if (c == '\\') {
            p->in.pos++;
            INLAY__TRY(read_escape(p));
            continue;
        }
        memcpy(p->json.strings + p->n_chars, p->in.data + p->in.pos, n);
        p->n_chars += n;
        p->in.pos += n;
    }
    p->in.pos++;
    node->text = p->json.strings + start;
    node->size = (uint32_t)(p->n_chars - start);
    p->json.strings[p->n_chars++] = '\0';
    return INLAY_OK;
}

/* ----------------------------------------------------------------- numbers */

static int32_t skip_digits(parser *p) {
    if (peek(p) < '0' || peek(p) > '9') return refuse(p, "a digit");
    while (peek(p) >= '0' && peek(p) <= '9') p->in.pos++;
    return INLAY_OK;
}

static int32_t read_number(parser *p) {
    size_t start = p->in.pos;
    if (peek(p) == '-') p->in.pos++;
    if (peek(p) == '0')
        p->in.pos++; /* and no digit may follow */
    else
        INLAY__TRY(skip_digits(p));
    if (peek(p) == '.') {
        p->in.pos++;
        INLAY__TRY(skip_digits(p));
    }
    if (peek(p) == 'e' || peek(p) == 'E') {
        p->in.pos++;
        if (peek(p) == '+' || peek(p) == '-') p->in.pos++;
        INLAY__TRY(skip_digits(p));
    }
    inlay__json_node *node = add_node(p, INLAY__JSON_NUMBER);
    node->size = (uint32_t)(p->in.pos - start);
    node->text = p->json.strings + p->n_chars;
    memcpy(p->json.strings + p->n_chars, p->in.data + start, node->size);
    p->n_chars += node->size;
    p->json.strings[p->n_chars++] = '\0';
    return INLAY_OK;
}

/* ------------------------------------------------------------------ values */

static int32_t read_word(parser *p, const char *word, inlay__json_kind kind) {
    for (; *word != '\0'; word++, p->in.pos++)
        if (peek(p) != *word) return refuse(p, "null, true or false");
    add_node(p, kind);
    return INLAY_OK;
}

/* A whole value, or the opening bracket of one. */
static int32_t read_value(parser *p) {
    switch (peek(p)) {
    case 'n': return read_word(p, "null", INLAY__JSON_NULL);
    case 'f': return read_word(p, "false", INLAY__JSON_FALSE);
    case 't': return read_word(p, "true", INLAY__JSON_TRUE);
    case '[': return open_container(p, INLAY__JSON_ARRAY);
    case '{': return open_container(p, INLAY__JSON_OBJECT);
    case '"': return read_string(p, "a string");
    case '-': case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9': return read_number(p);
    default: return refuse(p, "a value");
    }
}

static void skip_space(parser *p) {
    for (int c = peek(p); c == ' ' || c == '\n' || c == '\r' || c == '\t'; c = peek(p)) p->in.pos++;
}

static int32_t read_key(parser *p) {
    skip_space(p);
    INLAY__TRY(read_string(p, "a key in quotes"));
    skip_space(p);
    if (peek(p) != ':') return refuse(p, "':' after a key");
    p->in.pos++;
    return INLAY_OK;
}

/* Behind a value: closes what ends there, up to the comma before the next value or the end of everything. */
static int32_t read_ends(parser *p, bool *done) {
    for (;;) {
        *done = p->open == NO_NODE;
        if (*done) return INLAY_OK;
        skip_space(p);
        if (peek(p) == ',') {
            p->in.pos++;
            return in_object(p) ? read_key(p) : INLAY_OK;
        }
        if (peek(p) != (in_object(p) ? '}' : ']')) return refuse(p, in_object(p) ? "',' or '}'" : "',' or ']'");
        close_container(p);
    }
}

static int32_t read_text(parser *p) {
    const uint8_t *mark = p->in.data;
    if (p->in.size >= 3 && memcmp(mark, "\xef\xbb\xbf", 3) == 0) p->in.pos = 3; /* a byte order mark may be ignored */
    for (bool done = false; !done;) {
        skip_space(p);
        uint32_t around = p->open;
        INLAY__TRY(read_value(p));
        if (p->open != around) { /* an array or object began */
            skip_space(p);
            if (peek(p) != (in_object(p) ? '}' : ']')) {
                if (in_object(p)) INLAY__TRY(read_key(p));
                continue;
            }
            close_container(p);
        }
        INLAY__TRY(read_ends(p, &done));
    }
    skip_space(p);
    return peek(p) < 0 ? INLAY_OK : refuse(p, "nothing after the value");
}

/* -------------------------------------------------------------------- API */

/* At most so many values: every one but the first stands behind a bracket, comma or colon of its own. */
static size_t bound_nodes(const char *text, size_t size) {
    size_t n = 1;
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == '"') quoted = !quoted;
        if (quoted)
            i += c == '\\';
        else
            n += c == ',' || c == ':' || c == '[' || c == '{';
    }
    return n;
}

size_t inlay__json_memory(const char *text, size_t size) {
    size_t bytes;
    if (!inlay__mul_size(bound_nodes(text, size), sizeof(inlay__json_node), &bytes)) return SIZE_MAX;
    return inlay__add_size(bytes, size + 1, &bytes) ? bytes : SIZE_MAX;
}

int32_t inlay__json_parse(const inlay__sys *sys, const char *what, const char *text, size_t size, inlay__json *json) {
    parser p = {.in = {(const uint8_t *)text, size, 0}, .what = what, .open = NO_NODE};
    if (size >= UINT32_MAX)
        return inlay__fail(INLAY_ERR_FORMAT, "%s: %zu bytes of JSON, expected less than 4 GiB", what, size);
    /* A string loses its quotes and a number the delimiter behind it, which makes room for their NULs. */
    p.json.string_capacity = size + 1;
    p.json.node_capacity = bound_nodes(text, size);
    size_t node_bytes;
    if (!inlay__mul_size(p.json.node_capacity, sizeof *p.json.nodes, &node_bytes))
        return inlay__fail(INLAY_ERR_MEMORY, "%s: %zu bytes of JSON do not fit an address space", what, size);
    p.json.strings = inlay__alloc(sys, p.json.string_capacity);
    p.json.nodes = p.json.strings != NULL ? inlay__alloc(sys, node_bytes) : NULL;
    int32_t status = p.json.nodes != NULL ? read_text(&p) : INLAY_ERR_MEMORY;
    if (status != INLAY_OK)
        inlay__json_free(sys, &p.json);
    else
        *json = p.json;
    return status;
}

void inlay__json_free(const inlay__sys *sys, inlay__json *json) {
    inlay__free(sys, json->nodes, json->node_capacity * sizeof *json->nodes);
    inlay__free(sys, json->strings, json->string_capacity);
    *json = (inlay__json){.nodes = NULL};
}

const inlay__json_node *inlay__json_get(const inlay__json *json, const inlay__json_node *object, const char *key) {
    const inlay__json_node *found = NULL;
    if (object == NULL || object->kind != INLAY__JSON_OBJECT) return NULL;
    const inlay__json_node *name = inlay__json_first(object);
    for (uint32_t i = 0; i < object->n_children; i += 2) {
        const inlay__json_node *value = inlay__json_next(json, name);
        if (inlay__json_equals(name, key)) found = value;
        name = inlay__json_next(json, value);
    }
    return found;
}

const inlay__json_node *inlay__json_at(const inlay__json *json, const inlay__json_node *array, size_t i) {
    if (array == NULL || array->kind != INLAY__JSON_ARRAY || i >= array->n_children) return NULL;
    const inlay__json_node *node = inlay__json_first(array);
    for (; i > 0; i--) node = inlay__json_next(json, node);
    return node;
}

bool inlay__json_i64(const inlay__json_node *node, int64_t *value) {
    return node != NULL && node->kind == INLAY__JSON_NUMBER && inlay__parse_i64(node->text, node->size, value);
}

bool inlay__json_f64(const inlay__json_node *node, double *value) {
    return node != NULL && node->kind == INLAY__JSON_NUMBER && inlay__parse_f64(node->text, node->size, value);
}

bool inlay__json_equals(const inlay__json_node *node, const char *text) {
    size_t size = strlen(text);
    return node != NULL && node->kind == INLAY__JSON_STRING && node->size == size &&
           memcmp(node->text, text, size) == 0;
}
