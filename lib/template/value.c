/* Strings, lists, and what is true. */
#include "value.h"


/* ----------------------------------------------------------------- strings */

/* Code points of well-formed UTF-8. */
static uint32_t count_chars(const char *text, size_t size) {
    size_t n = size, i = 0;
    for (; i + 8 <= size; i += 8) { /* less the bytes 10xxxxxx, eight at a time */
        uint64_t word;
        memcpy(&word, text + i, 8);
        n -= (size_t)(((word >> 7 & ~(word >> 6) & 0x0101010101010101u) * 0x0101010101010101u) >> 56);
    }
    for (; i < size; i++) n -= ((uint8_t)text[i] & 0xc0) == 0x80;
    return (uint32_t)n;
}

const inlay__string *inlay__string_new(inlay__heap *heap, const char *text, size_t size) {
    inlay__string *s = inlay__heap_take(heap, sizeof *s);
    if (s == NULL) return NULL;
    *s = (inlay__string){.text = text, .size = (uint32_t)size, .n_chars = count_chars(text, size)};
    return s;
}

const inlay__string *inlay__string_copy(inlay__heap *heap, const char *text, size_t size) {
    char *copy = inlay__heap_take(heap, size);
    if (copy == NULL) return NULL;
    if (size > 0) memcpy(copy, text, size);
    return inlay__string_new(heap, copy, size);
}

const inlay__string *inlay__string_part(inlay__heap *heap, const inlay__string *s, size_t from, size_t to) {
    if (from == 0 && to == s->size) return s;
    inlay__string *part = inlay__heap_take(heap, sizeof *part);
    if (part == NULL) return NULL;
    *part = *s;
    part->text += from;
    if (part->marks != NULL) part->marks += from;
    part->size = (uint32_t)(to - from);
    part->n_chars = s->n_chars == s->size ? part->size : count_chars(part->text, part->size);
    return part;
}

bool inlay__string_is(const inlay__string *s, const char *text) {
    return strlen(text) == s->size && memcmp(s->text, text, s->size) == 0;
}

bool inlay__strings_equal(const inlay__string *a, const inlay__string *b) {
    return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

int inlay__strings_compare(const inlay__string *a, const inlay__string *b) {
    size_t n = inlay__min_size(a->size, b->size);
    int order = n > 0 ? memcmp(a->text, b->text, n) : 0; /* UTF-8 is ordered as its code points are */
    if (order == 0) order = a->size < b->size ? -1 : a->size > b->size;
    return order < 0 ? -1 : order > 0;
}

size_t inlay__string_offset(const inlay__string *s, size_t index) {
    if (s->n_chars == s->size) return index;
    if (index >= s->n_chars) return s->size;
    size_t offset = 0;
    for (; index > 0; index--) offset += inlay__char_size(s, offset);
    return offset;
}

size_t inlay__char_size(const inlay__string *s, size_t offset) {
    uint8_t c = (uint8_t)s->text[offset];
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* ------------------------------------------------------------------- values */

inlay__list *inlay__list_new(inlay__heap *heap, size_t n) {
    inlay__list *list = inlay__heap_take(heap, sizeof *list);
    if (list == NULL) return NULL;
    *list = (inlay__list){.items = inlay__heap_take_array(heap, n, sizeof *list->items), .n = n};
    return list->items != NULL ? list : NULL;
}

bool inlay__value_is_true(const inlay__value *v) {
    switch (v->kind) {
    case INLAY__V_ABSENT:
    case INLAY__V_UNDEFINED:
    case INLAY__V_NONE: return false;
    case INLAY__V_BOOL: return v->of.boolean;
    case INLAY__V_INT: return v->of.integer != 0;
    case INLAY__V_FLOAT: return v->of.number != 0.0;
    case INLAY__V_STRING: return v->of.string->size > 0;
    case INLAY__V_LIST:
    case INLAY__V_TUPLE:
    case INLAY__V_RANGE:
    case INLAY__V_KEYS:
    case INLAY__V_VALUES:
    case INLAY__V_ITEMS: return v->of.list->n > 0;
    case INLAY__V_DICT: return v->of.dict->n > 0;
    default: return true;
    }
}

bool inlay__value_is_number(const inlay__value *v) {
    return v->kind == INLAY__V_BOOL || v->kind == INLAY__V_INT || v->kind == INLAY__V_FLOAT;
}

const char *inlay__value_type(const inlay__value *v) {
    static const char *const names[] = {
        [INLAY__V_ABSENT] = "absent",       [INLAY__V_UNDEFINED] = "Undefined", [INLAY__V_NONE] = "NoneType",
        [INLAY__V_BOOL] = "bool",           [INLAY__V_INT] = "int",             [INLAY__V_FLOAT] = "float",
        [INLAY__V_DIGITS] = "int",          [INLAY__V_STRING] = "str",          [INLAY__V_LIST] = "list",
        [INLAY__V_TUPLE] = "tuple",         [INLAY__V_RANGE] = "range",         [INLAY__V_KEYS] = "dict_keys",
        [INLAY__V_VALUES] = "dict_values",  [INLAY__V_ITEMS] = "dict_items",    [INLAY__V_GENERATOR] = "generator",
        [INLAY__V_DICT] = "dict",           [INLAY__V_SLICE] = "slice",         [INLAY__V_NAMESPACE] = "Namespace",
        [INLAY__V_LOOP] = "LoopContext",    [INLAY__V_MACRO] = "Macro",         [INLAY__V_METHOD] = "method",
        [INLAY__V_FUNCTION] = "function",   [INLAY__V_CYCLER] = "Cycler",       [INLAY__V_JOINER] = "Joiner",
    };
    return names[v->kind];
}
