/* One rendering: a stack machine that runs a program over data, within limits. */
#ifndef INLAY_MACHINE_H
#define INLAY_MACHINE_H

#include "program.h"

enum {
    INLAY__RENDER_FUEL = 2000000,        /* steps; one more for each 16 bytes of data that came in */
    INLAY__RENDER_MAX_OUTPUT = 8 << 20, /* bytes of text being made */
    INLAY__RENDER_MEMORY = 48 << 20,     /* bytes of values, and 16 more for each byte of data */
    INLAY__RENDER_MAX_CALLS = 64,        /* macros within one another */
    INLAY__RENDER_MAX_STACK = 1 << 20,   /* values on the stack */
    INLAY__RENDER_MAX_NESTING = 512,     /* lists and dictionaries within one another, where they are walked */
    INLAY__RENDER_MAX_RANGE = 100000     /* numbers of a range, as Jinja's sandbox has it */
};

typedef struct inlay__variable {
    uint32_t name;
    inlay__value value;
} inlay__variable;

typedef struct inlay__scope {
    struct inlay__scope *parent; /* NULL: outside are the data and the built-in functions */
    inlay__variable *variables;  /* [n] */
    size_t n, capacity;
    bool kept;                   /* a macro was made in it: it outlives its end */
} inlay__scope;

struct inlay__loop {
    inlay__loop *around;
    const inlay__list *list;
    inlay__value *kept;          /* what the filter keeps, while it runs over all items first */
    size_t n_kept;
    size_t next;                 /* the item that comes */
    size_t n_entered;            /* iterations so far: index */
    size_t depth;
    inlay__value previous, current, changed; /* changed: the last arguments of loop.changed(), a tuple */
    uint8_t flags;
};

typedef struct inlay__frame {
    size_t return_to;
    inlay__scope *scope;
    inlay__loop *loop;
    size_t output; /* where the macro's text begins */
} inlay__frame;

struct inlay__macro_value {
    uint32_t macro;
    uint32_t begin;      /* its first instruction */
    inlay__scope *scope; /* where it was made */
};

/* A step of a walk over nested values. */
typedef struct inlay__walk {
    inlay__value value;
    size_t next;
    const uint32_t *order; /* of a dictionary's pairs, or NULL */
} inlay__walk;

/* Local time, as strftime_now has it. */
typedef struct inlay__time {
    int32_t year, month, day, hour, minute, second, microsecond;
} inlay__time;

typedef struct inlay__machine {
    const inlay__sys *sys;
    const inlay__jinja *program;
    inlay__heap heap;
    int64_t fuel;
    char *out;            /* [n_out] the text so far, and behind it text that is being made */
    uint8_t *marks;       /* [n_out] 1 where the byte comes from the data */
    size_t n_out, out_capacity, marks_capacity;
    inlay__value *stack;  /* [n_stack] */
    size_t n_stack, stack_capacity;
    inlay__frame *frames; /* [INLAY__RENDER_MAX_CALLS] */
    size_t n_frames;
    size_t n_generators;  /* that are at work, each reading the next */
    inlay__walk *walk;    /* [INLAY__RENDER_MAX_NESTING], taken when it is first needed */
    inlay__scope *scope, *free_scopes;
    inlay__loop *loop;
    inlay__value *globals; /* [program->n_names] */
    inlay__time now;
    bool has_now;         /* else the clock is asked */
} inlay__machine;

/* INLAY_ERR_TEMPLATE when the rendering has done too much; n: about how many steps a piece of work is worth. */
int32_t inlay__charge(inlay__machine *m, size_t n);
/* The status of a failed inlay__heap_take of this machine. */
static inline int32_t inlay__no_memory(const inlay__machine *m) { return inlay__heap_status(&m->heap); }

/* Runs the program. The text is then m->out. */
int32_t inlay__machine_run(inlay__machine *m);
void inlay__machine_free(inlay__machine *m);

/* output.c: text that is being made stands at the end of m->out; inlay__out_take cuts off what came since `start`. */
int32_t inlay__out_text(inlay__machine *m, const char *text, size_t size);
int32_t inlay__out_string(inlay__machine *m, const inlay__string *s);
int32_t inlay__out_part(inlay__machine *m, const inlay__string *s, size_t from, size_t to);
int32_t inlay__out_code(inlay__machine *m, uint32_t code, bool from_data);
int32_t inlay__out_take(inlay__machine *m, size_t start, inlay__value *result);
/* A new string value with a copy of that text, which is the template's. */
int32_t inlay__new_text(inlay__machine *m, const char *text, size_t size, inlay__value *result);
/* The part [from, to) of a string as a value. */
int32_t inlay__new_part(inlay__machine *m, const inlay__string *s, size_t from, size_t to, inlay__value *result);

/* write_value.c: str(v) and repr(v). */
int32_t inlay__write_str(inlay__machine *m, const inlay__value *v);
int32_t inlay__write_repr(inlay__machine *m, const inlay__value *v);
/* v as a string: itself if it is one. */
int32_t inlay__to_string(inlay__machine *m, const inlay__value *v, const inlay__string **s);
typedef struct inlay__json_style {
    const inlay__string *item_separator, *key_separator; /* NULL: the usual ones */
    const inlay__string *indent;                         /* NULL: all on one line */
    bool sort_keys, ensure_ascii;
} inlay__json_style;
int32_t inlay__write_json(inlay__machine *m, const inlay__value *v, const inlay__json_style *style);

/* dict.c: dictionaries. `pairs` are taken over; later values of a key replace earlier ones. */
int32_t inlay__dict_new(inlay__machine *m, inlay__value *pairs, size_t n, inlay__value *result);
/* INLAY_ERR_TEMPLATE for values that can be no key. */
int32_t inlay__check_hashable(const inlay__value *key);
int32_t inlay__dict_get(inlay__machine *m, const inlay__dict *dict, const inlay__value *key,
                        const inlay__value **found);
const inlay__value *inlay__dict_find(const inlay__dict *dict, const char *key);
/* The indices of the pairs by the order of their keys, which must be strings; NULL when a key is none. */
int32_t inlay__dict_order(inlay__machine *m, const inlay__dict *dict, uint32_t **order);
const inlay__value *inlay__namespace_get(const inlay__namespace *space, const inlay__string *name);
int32_t inlay__namespace_set(inlay__machine *m, inlay__namespace *space, const inlay__string *name, inlay__value value);

/* read_value.c: JSON as values; `what` names it in errors. All strings are marked as data. */
int32_t inlay__read_json(inlay__machine *m, const char *what, const char *text, size_t size, inlay__value *result);

/* operators.c */
int32_t inlay__binary(inlay__machine *m, uint8_t token, const inlay__value *a, const inlay__value *b,
                      inlay__value *result);
int32_t inlay__negate(const inlay__value *v, bool minus, inlay__value *result);
int32_t inlay__equal(inlay__machine *m, const inlay__value *a, const inlay__value *b, bool *equal);
/* -1, 0, 1; numbers, strings, lists and tuples only. `sign` is the operator in the error. */
int32_t inlay__order(inlay__machine *m, const inlay__value *a, const inlay__value *b, const char *sign, int *order);
int32_t inlay__compare(inlay__machine *m, inlay__comparison how, const inlay__value *a, const inlay__value *b,
                       bool *result);
int32_t inlay__contains(inlay__machine *m, const inlay__value *container, const inlay__value *item, bool *result);
/* The offset of `needle` in s at or behind `from`, or SIZE_MAX. */
size_t inlay__find_text(const inlay__string *s, const inlay__string *needle, size_t from);

/* subscript.c: v.name, v[key], v[start:stop:step]; what everything that walks over items begins with. */
int32_t inlay__get_attribute(inlay__machine *m, const inlay__value *v, const inlay__string *name, int32_t method,
                             inlay__value *result);
int32_t inlay__get_item(inlay__machine *m, const inlay__value *v, const inlay__value *key, inlay__value *result);
int32_t inlay__items_of(inlay__machine *m, const inlay__value *v, const inlay__list **items);
int32_t inlay__length_of(const inlay__value *v, int64_t *n);
int32_t inlay__range_new(inlay__machine *m, int64_t start, int64_t stop, int64_t step, inlay__value *result);

/* generator.c: of the items of a list, or made of another value's when they are read, one after the other. */
int32_t inlay__generator_new(inlay__machine *m, const inlay__list *list, inlay__value *result);
struct inlay__arguments;
int32_t inlay__generator_lazy(inlay__machine *m, const inlay__value *source, const struct inlay__arguments *args,
                              inlay__make_item make, int32_t kind, inlay__value *result);
int32_t inlay__generator_next(inlay__machine *m, inlay__generator *generator, inlay__value *item, bool *there);
/* All that is left. */
int32_t inlay__generator_rest(inlay__machine *m, inlay__generator *generator, const inlay__list **items);

/* loop.c */
int32_t inlay__loop_attribute(inlay__machine *m, inlay__loop *loop, const inlay__string *name, inlay__value *result);

#endif
