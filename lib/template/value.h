/* The values of templates: what JSON can say, and what templates make of it. Values are small and copied; what they
 * point at lives in the rendering's heap and, but for namespaces and what counts (loops, generators, cyclers), never
 * changes.
 */
#ifndef INLAY_VALUE_H
#define INLAY_VALUE_H

#include "heap.h"

typedef enum inlay__value_kind {
    INLAY__V_ABSENT,    /* an argument that was not given; no template ever sees it */
    INLAY__V_UNDEFINED, /* of.string: the name that was looked up, or NULL */
    INLAY__V_NONE,
    INLAY__V_BOOL,
    INLAY__V_INT,
    INLAY__V_FLOAT,
    INLAY__V_DIGITS,    /* an integer beyond 64 bits, as it was written: it can be printed and compared */
    INLAY__V_STRING,
    INLAY__V_LIST,
    INLAY__V_TUPLE,
    INLAY__V_RANGE,
    INLAY__V_KEYS,      /* what a dictionary's keys(), values() and items() give */
    INLAY__V_VALUES,
    INLAY__V_ITEMS,
    INLAY__V_GENERATOR, /* read once: what map, select and their kin give */
    INLAY__V_DICT,
    INLAY__V_SLICE,     /* of.list: start, stop, step */
    INLAY__V_NAMESPACE,
    INLAY__V_LOOP,
    INLAY__V_MACRO,
    INLAY__V_METHOD,    /* a method with the value it was taken from */
    INLAY__V_FUNCTION,  /* of.integer: its number among the built-in functions */
    INLAY__V_CYCLER,
    INLAY__V_JOINER
} inlay__value_kind;

/* Where a string's bytes come from: the template, or the data that it was given. */
typedef enum inlay__origin { INLAY__FROM_TEMPLATE, INLAY__FROM_DATA, INLAY__FROM_BOTH } inlay__origin;

typedef struct inlay__string {
    const char *text;     /* [size] UTF-8 */
    const uint8_t *marks; /* [size] for INLAY__FROM_BOTH: 1 for bytes of the data */
    uint32_t size;
    uint32_t n_chars;     /* code points */
    uint8_t origin;       /* inlay__origin */
    bool safe;            /* text that escaping leaves alone */
} inlay__string;

typedef struct inlay__value inlay__value;
typedef struct inlay__list inlay__list;
typedef struct inlay__dict inlay__dict;
typedef struct inlay__namespace inlay__namespace;
typedef struct inlay__generator inlay__generator;
typedef struct inlay__method_value inlay__method_value;
typedef struct inlay__macro_value inlay__macro_value;
typedef struct inlay__loop inlay__loop;
typedef struct inlay__cycler inlay__cycler;

struct inlay__value {
    inlay__value_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double number;
        const inlay__string *string; /* also of INLAY__V_DIGITS and INLAY__V_UNDEFINED */
        const inlay__list *list;     /* lists, tuples, ranges, views */
        const inlay__dict *dict;
        inlay__namespace *space;
        inlay__generator *generator;
        const inlay__method_value *method;
        const inlay__macro_value *macro;
        inlay__loop *loop;
        inlay__cycler *cycler;
    } of;
};

struct inlay__list {
    inlay__value *items; /* [n] */
    size_t n;
    int64_t start, stop, step; /* of a range */
};

struct inlay__dict {
    inlay__value *pairs; /* [2 n] key, value, key, value, ..., in the order in which the keys came; no key twice */
    size_t n;
    /* [n] pairs by the bytes of their keys; NULL for small ones and those with other keys than strings */
    uint32_t *sorted;
};

struct inlay__namespace {
    inlay__value *pairs; /* [2 n], keys are strings */
    size_t n, capacity;
};

/* Makes what a generator gives of an item, or leaves it out. `item` NULL: looks at the arguments, before the first
 * one. */
struct inlay__machine;
typedef int32_t (*inlay__make_item)(struct inlay__machine *m, inlay__generator *generator, const inlay__value *item,
                                    inlay__value *made, bool *keep);

struct inlay__generator {
    const inlay__list *list;  /* the items, or those that they are made of; NULL until somebody reads */
    size_t next;
    inlay__make_item make;    /* NULL: the items are as they are */
    inlay__value source;      /* what they are made of */
    inlay__generator *from;   /* the same, where it is a generator */
    const inlay__value *positional, *named; /* arguments, as inlay__arguments has them */
    size_t n, n_named;
    int32_t kind;             /* of the filter, for `make` */
    int32_t function;         /* the filter or test that it calls, -1: none */
};

struct inlay__method_value {
    inlay__value self;
    uint32_t method; /* its number in the table of methods */
};

struct inlay__cycler {
    const inlay__list *list; /* a cycler's items; a joiner's separator */
    size_t next;
};

static inline inlay__value inlay__none(void) { return (inlay__value){.kind = INLAY__V_NONE}; }
static inline inlay__value inlay__undefined(const inlay__string *name) {
    return (inlay__value){.kind = INLAY__V_UNDEFINED, .of.string = name};
}
static inline inlay__value inlay__bool(bool b) { return (inlay__value){.kind = INLAY__V_BOOL, .of.boolean = b}; }
static inline inlay__value inlay__int(int64_t i) { return (inlay__value){.kind = INLAY__V_INT, .of.integer = i}; }
static inline inlay__value inlay__float(double d) { return (inlay__value){.kind = INLAY__V_FLOAT, .of.number = d}; }
static inline inlay__value inlay__string_value(const inlay__string *s) {
    return (inlay__value){.kind = INLAY__V_STRING, .of.string = s};
}
static inline inlay__value inlay__list_value(inlay__value_kind kind, const inlay__list *list) {
    return (inlay__value){.kind = kind, .of.list = list};
}

/* A string of the template's that points at `text`, or at a copy of it. NULL on failure. */
const inlay__string *inlay__string_new(inlay__heap *heap, const char *text, size_t size);
const inlay__string *inlay__string_copy(inlay__heap *heap, const char *text, size_t size);
/* Bytes [from, to) of a string, which are whole characters. */
const inlay__string *inlay__string_part(inlay__heap *heap, const inlay__string *s, size_t from, size_t to);
bool inlay__string_is(const inlay__string *s, const char *text);
bool inlay__strings_equal(const inlay__string *a, const inlay__string *b);
/* -1, 0, 1 as the code points are ordered. */
int inlay__strings_compare(const inlay__string *a, const inlay__string *b);
/* Where code point `index` <= n_chars begins. */
size_t inlay__string_offset(const inlay__string *s, size_t index);
/* Bytes of the character at `offset` < size. */
size_t inlay__char_size(const inlay__string *s, size_t offset);

/* Room for n items, not set. NULL on failure. */
inlay__list *inlay__list_new(inlay__heap *heap, size_t n);

/* As Python's `bool()`. */
bool inlay__value_is_true(const inlay__value *v);
/* Lists, tuples, ranges, views: what of.list tells. */
static inline bool inlay__value_is_list(const inlay__value *v) {
    return v->kind >= INLAY__V_LIST && v->kind <= INLAY__V_ITEMS;
}
/* As Python's type(v).__name__. */
const char *inlay__value_type(const inlay__value *v);
bool inlay__value_is_number(const inlay__value *v); /* bool, int, float */

#endif
