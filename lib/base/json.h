/* A JSON reader (RFC 8259) without recursion. The text becomes a flat array of nodes, each
 * value followed by what it contains; walking it needs no stack.
 *
 *     {"a": [1, true]}   ->   object(2 children) string "a" array(2) number 1 true
 */
#ifndef INLAY_JSON_H
#define INLAY_JSON_H

#include "base.h"

enum { INLAY__JSON_MAX_DEPTH = 512 };

typedef enum inlay__json_kind {
    INLAY__JSON_NULL,
    INLAY__JSON_FALSE,
    INLAY__JSON_TRUE,
    INLAY__JSON_NUMBER,
    INLAY__JSON_STRING,
    INLAY__JSON_ARRAY,
    INLAY__JSON_OBJECT /* children are key, value, key, value, ... */
} inlay__json_kind;

typedef struct inlay__json_node {
    inlay__json_kind kind;
    uint32_t n_children; /* arrays: elements; objects: pairs * 2 */
    uint32_t next;       /* index of the node after this value and all it contains */
    uint32_t size;       /* bytes of text */
    const char *text;    /* strings: decoded UTF-8; numbers: as written; a NUL after either */
} inlay__json_node;

typedef struct inlay__json {
    inlay__json_node *nodes; /* [n_nodes]; node 0 is the whole */
    size_t n_nodes, node_capacity;
    char *strings;           /* decoded strings and numbers */
    size_t string_capacity;
} inlay__json;

/* Parses `size` bytes, which are not needed afterwards. `what` names the text in error messages,
 * which give line and column. Duplicate keys are kept (inlay__json_get finds the last). A byte
 * order mark is skipped; a surrogate escaped alone becomes U+FFFD. Errors: _FORMAT, _MEMORY. */
int32_t inlay__json_parse(const inlay__sys *sys, const char *what, const char *text, size_t size, inlay__json *json);
/* The bytes of memory that parsing such a text takes at most. */
size_t inlay__json_memory(const char *text, size_t size);
void inlay__json_free(const inlay__sys *sys, inlay__json *json);

/* The value of a key, or NULL when `object` is NULL, not an object, or has no such key. */
const inlay__json_node *inlay__json_get(const inlay__json *json, const inlay__json_node *object, const char *key);
/* Child number i of an array, or NULL; walk with inlay__json_next for linear time. */
const inlay__json_node *inlay__json_at(const inlay__json *json, const inlay__json_node *array, size_t i);
static inline const inlay__json_node *inlay__json_first(const inlay__json_node *node) { return node + 1; }
static inline const inlay__json_node *inlay__json_next(const inlay__json *json, const inlay__json_node *node) {
    return json->nodes + node->next;
}

/* Numbers as integers (only if written as one and in range) and as doubles. */
bool inlay__json_i64(const inlay__json_node *node, int64_t *value);
bool inlay__json_f64(const inlay__json_node *node, double *value);
bool inlay__json_equals(const inlay__json_node *node, const char *text);

#endif
