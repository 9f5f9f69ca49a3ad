/* Filters, tests, methods and functions: tables of names, parameters and C functions. */
#ifndef INLAY_FUNCTIONS_H
#define INLAY_FUNCTIONS_H

#include "machine.h"

typedef struct inlay__arguments {
    const inlay__value *positional; /* [n] */
    size_t n;
    const inlay__value *named;      /* [2 n_named] string, value, string, value, ... */
    size_t n_named;
} inlay__arguments;

enum { INLAY__MAX_PARAMS = 8 };

/* a[0] is the value that is filtered, tested, or whose method it is; a[1], ... are the parameters in their order,
 * INLAY__V_ABSENT where they were not given. */
typedef int32_t (*inlay__function)(inlay__machine *m, const inlay__value *a, inlay__value *result);
/* The same with the arguments as they came. */
typedef int32_t (*inlay__free_function)(inlay__machine *m, const inlay__value *self, const inlay__arguments *args,
                                        inlay__value *result);

typedef struct inlay__callable {
    const char *name;
    const char *params;     /* their names, separated by spaces */
    uint8_t n_required;
    uint8_t on;             /* methods: a sum of INLAY__ON_ */
    inlay__function run;    /* or: */
    inlay__free_function run_free;
} inlay__callable;

enum {
    INLAY__ON_STRING = 1, INLAY__ON_LIST = 2, INLAY__ON_TUPLE = 4, INLAY__ON_DICT = 8, INLAY__ON_CYCLER = 16,
    INLAY__ON_LOOP = 32,
    INLAY__ON_UNSAFE = 64 /* a method that changes its value: not for templates */
};

/* Indices in the tables, or -1. */
int32_t inlay__filter_find(const char *name, size_t size);
int32_t inlay__test_find(const char *name, size_t size);
int32_t inlay__method_find(const char *name, size_t size);
int32_t inlay__global_find(const char *name, size_t size);
bool inlay__function_is_dict(const inlay__value *function);

int32_t inlay__filter_run(inlay__machine *m, int32_t filter, const inlay__value *self, const inlay__arguments *args,
                          inlay__value *result);
int32_t inlay__test_run(inlay__machine *m, int32_t test, const inlay__value *self, const inlay__arguments *args,
                        bool *result);
/* What can be called but a macro: methods, functions, cyclers and joiners. */
int32_t inlay__value_call(inlay__machine *m, const inlay__value *callee, const inlay__arguments *args,
                          inlay__value *result);
/* The methods of a value's kind, or 0. */
uint8_t inlay__methods_on(const inlay__value *v);
const inlay__callable *inlay__method_at(int32_t method);

int32_t inlay__callable_run(inlay__machine *m, const inlay__callable *callable, const char *kind,
                            const inlay__value *self, const inlay__arguments *args, inlay__value *result);

/* The tables' parts: filters_text.c, filters_list.c, filters_value.c. Each ends with a NULL name. */
extern const inlay__callable inlay__text_filters[], inlay__list_filters[], inlay__value_filters[];
extern const inlay__callable inlay__string_methods[], inlay__container_methods[];

/* dict.fromkeys(), list.index() and list.count(). (container_methods.c) */
int32_t inlay__dict_fromkeys(inlay__machine *m, const inlay__value *a, inlay__value *result);
int32_t inlay__list_index(inlay__machine *m, const inlay__value *a, inlay__value *result);
int32_t inlay__list_count(inlay__machine *m, const inlay__value *a, inlay__value *result);

/* Reading arguments: absent ones leave `value` as it is. `name` is the parameter in errors. */
int32_t inlay__arg_int(const inlay__value *a, const char *name, int64_t *value);
int32_t inlay__arg_string(const inlay__value *a, const char *name, const inlay__string **value);
static inline bool inlay__arg_is_true(const inlay__value *a, bool absent) {
    return a->kind == INLAY__V_ABSENT ? absent : inlay__value_is_true(a);
}
static inline bool inlay__arg_given(const inlay__value *a) {
    return a->kind != INLAY__V_ABSENT && a->kind != INLAY__V_NONE;
}

/* format_text.c: text % arguments (a tuple, a dictionary or one value); text.format(arguments). */
int32_t inlay__format_percent(inlay__machine *m, const inlay__string *text, const inlay__value *values,
                              inlay__value *result);
int32_t inlay__format_braces(inlay__machine *m, const inlay__string *text, const inlay__arguments *args,
                             inlay__value *result);

/* strftime.c: the machine's time by a format. */
int32_t inlay__strftime(inlay__machine *m, const inlay__string *format, inlay__value *result);
/* "2026-11-24T12:00:00", "2026-11-24 12:00", "2026-11-24". */
bool inlay__time_read(const char *text, size_t size, inlay__time *time);

#endif
