/* Values that a schema gives: enum and const, and how JSON writes them. */
#include "base/utf8.h"
#include "grammar/exact_decimal.h"
#include "grammar/schema_reader.h"

/* --------------------------------------------------------------------- written */

/* A byte that cannot stand in a string by itself: as json.dumps and JSON.stringify write it. */
static size_t escape(char c, char out[6]) {
    static const char codes[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt", digits[] = "0123456789abcdef";
    const char *known = c != '\0' ? strchr(codes, c) : NULL;
    out[0] = c;
    if (known == NULL && (uint8_t)c >= 0x20) return 1;
    out[0] = '\\';
    if (known != NULL) return out[1] = letters[known - codes], 2;
    memcpy(out + 1, "u00", 3);
    out[4] = (char)('0' + (c >> 4));
    out[5] = digits[c & 15];
    return 6;
}

inlay__expression inlay__schema_quoted(inlay__schema *s, const char *text, size_t size) {
    inlay__rules *rules = s->rules;
    inlay__expression all = inlay__rules_byte(rules, '"', '"');
    char bytes[6];
    for (size_t i = size; i-- > 0;) {
        size_t n = escape(text[i], bytes);
        all = inlay__rules_sequence(rules, inlay__rules_text(rules, bytes, n), all);
    }
    return inlay__rules_sequence(rules, inlay__rules_byte(rules, '"', '"'), all);
}

static inlay__expression scalar(inlay__schema *s, const inlay__json_node *value) {
    switch (value->kind) {
    case INLAY__JSON_NULL:
        return inlay__schema_literal_text(s, "null");
    case INLAY__JSON_FALSE:
        return inlay__schema_literal_text(s, "false");
    case INLAY__JSON_TRUE:
        return inlay__schema_literal_text(s, "true");
    case INLAY__JSON_NUMBER:
        return inlay__rules_text(s->rules, value->text, value->size);
    default:
        return inlay__schema_quoted(s, value->text, value->size);
    }
}

/* An array or object that is being written. */
typedef struct open {
    uint32_t end; /* node behind it */
    uint32_t n_read;
    bool is_object;
    inlay__expression inner;
} open;

/* Puts a part into what is open, with what stands before it. */
static void put(inlay__schema *s, open *o, inlay__expression part) {
    inlay__rules *rules = s->rules;
    if (o->is_object && o->n_read % 2 == 1) {
        inlay__expression colon = inlay__rules_byte(rules, ':', ':');
        part = inlay__rules_sequence(rules, inlay__rules_sequence(rules, colon, inlay__schema_space(s)), part);
    } else if (o->n_read > 0) {
        part = inlay__schema_next(s, part);
    }
    o->inner = inlay__rules_sequence(rules, o->inner, part);
    o->n_read++;
}

static int32_t write_value(inlay__schema *s, const inlay__json_node *value, inlay__expression *e) {
    open *stack = inlay__alloc_array(s->sys, INLAY__JSON_MAX_DEPTH + 1, sizeof *stack);
    if (stack == NULL) return INLAY_ERR_MEMORY;
    size_t depth = 0;
    stack[0] = (open){.end = value->next, .inner = INLAY__EMPTY};
    for (const inlay__json_node *node = value; s->rules->status == INLAY_OK;) {
        uint32_t at = inlay__schema_number_of(s, node);
        while (depth > 0 && at == stack[depth].end) {
            const char *brackets = stack[depth].is_object ? "{}" : "[]";
            bool is_empty = stack[depth].n_read == 0;
            inlay__expression inner = is_empty ? INLAY__NEVER : stack[depth].inner;
            inlay__expression whole = inlay__schema_enclosed(s, brackets, inner, is_empty);
            put(s, &stack[--depth], whole);
        }
        if (at == value->next) break;
        bool is_object = node->kind == INLAY__JSON_OBJECT;
        if (is_object || node->kind == INLAY__JSON_ARRAY)
            stack[++depth] = (open){.end = node->next, .is_object = is_object, .inner = INLAY__EMPTY};
        else
            put(s, &stack[depth], scalar(s, node));
        node++;
    }
    *e = stack[0].inner;
    inlay__free(s->sys, stack, (INLAY__JSON_MAX_DEPTH + 1) * sizeof *stack);
    return s->rules->status;
}

/* -------------------------------------------------------------------- compared */

static bool same_scalar(const inlay__json_node *a, const inlay__json_node *b) {
    inlay__exact x, y;
    if (a->kind != b->kind || a->kind == INLAY__JSON_ARRAY || a->kind == INLAY__JSON_OBJECT) return false;
    if (a->kind == INLAY__JSON_NUMBER && inlay__exact_read(a, &x) && inlay__exact_read(b, &y))
        return inlay__exact_compare(&x, &y) == 0;
    return a->size == b->size && memcmp(a->text != NULL ? a->text : "", b->text != NULL ? b->text : "", a->size) == 0;
}

/* Arrays and objects are the same if they are written in the same order. */
bool inlay__schema_same(const inlay__schema *s, const inlay__json_node *a, const inlay__json_node *b) {
    uint32_t n = a->next - inlay__schema_number_of(s, a);
    if (n != b->next - inlay__schema_number_of(s, b)) return false;
    for (uint32_t i = 0; i < n; i++) {
        bool is_container = a[i].kind == INLAY__JSON_ARRAY || a[i].kind == INLAY__JSON_OBJECT;
        if (is_container ? a[i].kind != b[i].kind || a[i].n_children != b[i].n_children : !same_scalar(&a[i], &b[i]))
            return false;
    }
    return true;
}

bool inlay__schema_differ(const inlay__schema *s, const inlay__json_node *a, const inlay__json_node *b) {
    (void)s;
    bool are_containers = (a->kind == INLAY__JSON_ARRAY || a->kind == INLAY__JSON_OBJECT) && a->kind == b->kind;
    if (are_containers) return a->n_children != b->n_children;
    inlay__exact x;
    bool is_known = a->kind != INLAY__JSON_NUMBER || b->kind != INLAY__JSON_NUMBER ||
                    (inlay__exact_read(a, &x) && inlay__exact_read(b, &x));
    return is_known && !same_scalar(a, b);
}

/* --------------------------------------------------------------------- allowed */

static bool is_listed(const inlay__schema *s, const inlay__json_node *list, const inlay__json_node *value) {
    const inlay__json_node *one = inlay__json_first(list);
    for (uint32_t i = 0; i < list->n_children; i++, one = inlay__json_next(&s->json, one))
        if (inlay__schema_same(s, one, value)) return true;
    return false;
}

/* Whether every enum and const of the set has the value. */
static int32_t check_lists(inlay__schema *s, const inlay__schema_set *set, const inlay__json_node *value, bool *fits) {
    for (uint32_t i = 0; i < set->n && *fits; i++) {
        if (set->members[i].part != INLAY__SCHEMA_PLAIN) continue;
        const inlay__json_node *schema = &s->json.nodes[set->members[i].node];
        const inlay__json_node *list = inlay__json_get(&s->json, schema, "enum");
        const inlay__json_node *constant = inlay__json_get(&s->json, schema, "const");
        INLAY__TRY(inlay__schema_work(s, schema->n_children + (list != NULL ? list->next : 0)));
        if (list != NULL) *fits = is_listed(s, list, value);
        if (constant != NULL) *fits = *fits && inlay__schema_same(s, constant, value);
    }
    return INLAY_OK;
}

static size_t count_characters(const inlay__json_node *text) {
    size_t n = 0;
    for (uint32_t i = 0; i < text->size; i++)
        n += ((uint8_t)text->text[i] & 0xc0) != 0x80;
    return n;
}

static bool in_bounds(const inlay__schema_facts *facts, const inlay__json_node *value) {
    inlay__exact number, bound;
    int order;
    if (!inlay__exact_read(value, &number)) return false;
    if (facts->least != NULL) {
        inlay__exact_read(facts->least, &bound);
        order = inlay__exact_compare(&number, &bound);
        if (order < 0 || (order == 0 && facts->above_least)) return false;
    }
    if (facts->most != NULL) {
        inlay__exact_read(facts->most, &bound);
        order = inlay__exact_compare(&number, &bound);
        if (order > 0 || (order == 0 && facts->below_most)) return false;
    }
    return true;
}

/* What stands beside a list of values and would have to be tried on each is refused, but for lengths and bounds. */
static int32_t check_value(inlay__schema *s, const inlay__schema_facts *facts, const inlay__json_node *value,
                           bool *fits) {
    const inlay__json_node *schema = &s->json.nodes[facts->set->members[0].node];
    uint32_t kind = inlay__schema_kind(value);
    const char *beside = NULL;
    *fits = (facts->kinds & kind) != 0;
    if (!*fits) return INLAY_OK;
    if (facts->n_value_keywords > 1) INLAY__TRY(check_lists(s, facts->set, value, fits));
    if (kind == INLAY__IS_STRING) {
        size_t n = count_characters(value);
        *fits = *fits && n >= facts->least_length && n <= facts->most_length;
        beside = facts->pattern != NULL ? "pattern" : facts->format != NULL ? "format" : NULL;
    } else if ((kind & INLAY__IS_NUMBER) != 0) {
        *fits = *fits && in_bounds(facts, value);
        beside = facts->multiple != NULL ? "multipleOf" : NULL;
    } else if (kind == INLAY__IS_ARRAY || kind == INLAY__IS_OBJECT) {
        beside = (facts->meant & kind) != 0 ? "items or properties" : NULL;
    }
    if (!*fits || beside == NULL) return INLAY_OK;
    return inlay__schema_fail(s, INLAY_ERR_UNSUPPORTED, schema, beside, "beside enum or const it is not supported");
}

int32_t inlay__schema_values(inlay__schema *s, const inlay__schema_facts *facts, inlay__expression *e) {
    const inlay__json_node *value = facts->is_const ? facts->values : inlay__json_first(facts->values);
    uint32_t n = facts->is_const ? 1 : facts->values->n_children;
    for (uint32_t i = 0; i < n; i++, value = inlay__json_next(&s->json, value)) {
        bool fits;
        inlay__expression one;
        INLAY__TRY(check_value(s, facts, value, &fits));
        if (!fits) continue;
        INLAY__TRY(write_value(s, value, &one));
        *e = inlay__rules_choice(s->rules, *e, one);
    }
    return INLAY_OK;
}
