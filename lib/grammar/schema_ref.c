/* Places in a schema: where a $ref leads, and the JSON pointer to a node [RFC 6901]. */
#include "grammar/schema_reader.h"

/* ------------------------------------------------------------------- to a node */

void inlay__schema_pointer(const inlay__schema *s, const inlay__json_node *node, char *out, size_t size) {
    uint32_t target = inlay__schema_number_of(s, node);
    const inlay__json_node *at = s->json.nodes;
    size_t n = 0;
    while (at < node && n + 1 < size) {
        bool is_object = at->kind == INLAY__JSON_OBJECT;
        uint32_t index = 0;
        const inlay__json_node *child = inlay__json_first(at), *key = child;
        for (; child->next <= target; child = inlay__json_next(&s->json, child), index++)
            key = child;
        if (child > node) break;
        if (is_object && index % 2 == 0) break; /* the node is a key */
        out[n++] = '/';
        if (!is_object) {
            char digits[10];
            size_t n_digits = 0;
            do
                digits[n_digits++] = (char)('0' + index % 10);
            while ((index /= 10) > 0);
            while (n_digits > 0 && n + 1 < size)
                out[n++] = digits[--n_digits];
        }
        for (uint32_t i = 0; is_object && i < key->size && n + 2 < size; i++) {
            char c = key->text[i];
            if (c == '~' || c == '/') out[n++] = '~';
            out[n++] = c == '~' ? '0' : c == '/' ? '1' : c;
        }
        at = child;
    }
    out[n] = '\0';
}

/* ----------------------------------------------------------------- from a $ref */

static int hexadecimal(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A step of a pointer without %XX, ~0 and ~1; its length. */
static size_t decode(const char *text, size_t size, char *out) {
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == '%' && size - i > 2 && hexadecimal(text[i + 1]) >= 0 && hexadecimal(text[i + 2]) >= 0) {
            c = (char)(hexadecimal(text[i + 1]) << 4 | hexadecimal(text[i + 2]));
            i += 2;
        }
        bool is_escape = n > 0 && out[n - 1] == '~' && (c == '0' || c == '1');
        if (is_escape)
            out[n - 1] = c == '0' ? '\0' : '/'; /* \0 stands for a ~ that ends no escape */
        else
            out[n++] = c;
    }
    for (size_t i = 0; i < n; i++)
        if (out[i] == '\0') out[i] = '~';
    return n;
}

static const inlay__json_node *step(const inlay__schema *s, const inlay__json_node *at, const char *name, size_t size) {
    const inlay__json_node *found = NULL, *child = inlay__json_first(at);
    if (at->kind == INLAY__JSON_ARRAY) {
        size_t index = 0;
        for (size_t i = 0; i < size; i++) {
            if (name[i] < '0' || name[i] > '9' || size > 9) return NULL;
            index = index * 10 + (size_t)(name[i] - '0');
        }
        return size > 0 ? inlay__json_at(&s->json, at, index) : NULL;
    }
    for (uint32_t i = 0; at->kind == INLAY__JSON_OBJECT && i < at->n_children; i += 2) {
        const inlay__json_node *value = inlay__json_next(&s->json, child);
        if (child->size == size && memcmp(child->text, name, size) == 0) found = value;
        child = inlay__json_next(&s->json, value);
    }
    return found;
}

static int32_t follow(inlay__schema *s, const char *path, size_t size, const inlay__json_node **target) {
    char *name = inlay__arena_alloc(&s->arena, size + 1, 1);
    if (name == NULL) return INLAY_ERR_MEMORY;
    const inlay__json_node *at = s->json.nodes;
    for (size_t i = 0; i < size && at != NULL;) {
        const char *end = memchr(path + i + 1, '/', size - i - 1);
        size_t next = end != NULL ? (size_t)(end - path) : size;
        INLAY__TRY(inlay__schema_work(s, at->n_children));
        at = step(s, at, name, decode(path + i + 1, next - i - 1, name));
        i = next;
    }
    *target = at;
    return INLAY_OK;
}

/* The object that has this text under $anchor (or $dynamicAnchor). */
static int32_t find_anchor(inlay__schema *s, const char *name, size_t size, const inlay__json_node **target) {
    INLAY__TRY(inlay__schema_work(s, s->json.n_nodes));
    for (size_t i = 0; i < s->json.n_nodes; i++) {
        const inlay__json_node *node = &s->json.nodes[i];
        if (node->kind != INLAY__JSON_OBJECT) continue;
        const inlay__json_node *key = inlay__json_first(node);
        for (uint32_t k = 0; k < node->n_children; k += 2) {
            const inlay__json_node *value = inlay__json_next(&s->json, key);
            bool is_anchor = inlay__json_equals(key, "$anchor") || inlay__json_equals(key, "$dynamicAnchor");
            if (is_anchor && value->kind == INLAY__JSON_STRING && value->size == size &&
                memcmp(value->text, name, size) == 0)
                *target = node;
            key = inlay__json_next(&s->json, value);
        }
    }
    return INLAY_OK;
}

int32_t inlay__schema_resolve(inlay__schema *s, const inlay__json_node *schema, const inlay__json_node *ref,
                              const inlay__json_node **target) {
    *target = NULL;
    if (ref->kind != INLAY__JSON_STRING)
        return inlay__schema_fail(s, INLAY_ERR_FORMAT, schema, "$ref", "expected a text");
    const char *text = ref->text;
    size_t size = ref->size;
    const inlay__json_node *id = inlay__json_get(&s->json, s->json.nodes, "$id");
    if (id != NULL && id->kind == INLAY__JSON_STRING && id->size > 0) { /* the document by its own name */
        size_t n = id->size - (id->text[id->size - 1] == '#');
        if (size >= n && memcmp(text, id->text, n) == 0 && (size == n || text[n] == '#')) text += n, size -= n;
    }
    if (size > 0 && text[0] != '#')
        return inlay__schema_fail(s, INLAY_ERR_UNSUPPORTED, schema, "$ref", "it leads out of this document");
    if (size > 0) text++, size--;
    if (size == 0)
        *target = s->json.nodes;
    else if (text[0] == '/')
        INLAY__TRY(follow(s, text, size, target));
    else
        INLAY__TRY(find_anchor(s, text, size, target));
    if (*target == NULL) return inlay__schema_fail(s, INLAY_ERR_FORMAT, schema, "$ref", "it leads to nothing");
    return INLAY_OK;
}
