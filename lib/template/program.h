/* A template as instructions for a stack machine. */
#ifndef INLAY_PROGRAM_H
#define INLAY_PROGRAM_H

#include "value.h"

/* What each instruction takes from the stack and leaves there: [before -> after]; a, m, n are its operands. Jumps are
 * relative to the instruction itself, so that a piece of code can be moved as a whole. */
typedef enum inlay__op {
    INLAY__OP_CONST,           /* [-> v] constant a */
    INLAY__OP_LOAD,            /* [-> v] the variable of name a */
    INLAY__OP_STORE,           /* [v ->] into the innermost scope */
    INLAY__OP_STORE_ATTR,      /* [v namespace ->] under constant a */
    INLAY__OP_UNPACK,          /* [v -> last ... first] a items */
    INLAY__OP_PRINT,           /* [v ->] */
    INLAY__OP_TEXT,            /* [->] prints constant a */
    INLAY__OP_JUMP,            /* [->] */
    INLAY__OP_JUMP_FALSE,      /* [v ->] */
    INLAY__OP_JUMP_FALSE_KEEP, /* [v -> v] where it jumps, [v ->] where not */
    INLAY__OP_JUMP_TRUE_KEEP,
    INLAY__OP_NOT,             /* [v -> v], and the next two */
    INLAY__OP_NEG,
    INLAY__OP_POS,
    INLAY__OP_BINARY,          /* [l r -> v] n is the token of an arithmetic operator */
    INLAY__OP_CONCAT,          /* [l r -> v] */
    INLAY__OP_COMPARE,         /* [l r -> v] n is an inlay__comparison */
    INLAY__OP_COMPARE_CHAIN,   /* [l r -> r] when true; else [l r -> False] and jumps */
    INLAY__OP_ATTR,            /* [v -> v] constant a; m - 1 is the method of that name, if m > 0 */
    INLAY__OP_ITEM,            /* [v key -> v] */
    INLAY__OP_SLICE,           /* [start stop step -> v] */
    INLAY__OP_LIST,            /* [a items -> v] */
    INLAY__OP_TUPLE,
    INLAY__OP_DICT,            /* [a keys and values -> v] */
    INLAY__OP_CALL,            /* [v arguments -> v]: n by position, m by name, as described at inlay__arguments */
    INLAY__OP_FILTER,          /* the same with filter a */
    INLAY__OP_TEST,            /* the same with test a */
    INLAY__OP_FOR,             /* [v ->] begins a loop over v; n: inlay__for_flags */
    INLAY__OP_FOR_TRY,         /* [-> item] the next candidate of the loop's filter; jumps when there is none */
    INLAY__OP_FOR_KEEP,        /* [v ->] keeps the candidate if v is true */
    INLAY__OP_FOR_NEXT,        /* [-> item] jumps when there is none */
    INLAY__OP_FOR_ENTER,       /* [->] counts an iteration and sets `loop` */
    INLAY__OP_FOR_END,         /* [->] ends the loop; jumps if there was an iteration */
    INLAY__OP_SCOPE,           /* [->] begins a scope */
    INLAY__OP_SCOPE_END,
    INLAY__OP_MACRO,           /* [-> v] macro a, in the present scope */
    INLAY__OP_DEFAULT,         /* [->] jumps when parameter m of the macro was given */
    INLAY__OP_RETURN,
    INLAY__OP_CAPTURE,         /* [->] what is printed from now on is kept */
    INLAY__OP_CAPTURE_END      /* [-> v] as a string */
} inlay__op;

typedef enum inlay__comparison {
    INLAY__EQ, INLAY__NE, INLAY__LT, INLAY__LE, INLAY__GT, INLAY__GE, INLAY__IN, INLAY__NOT_IN
} inlay__comparison;

/* INLAY__OP_FOR */
enum inlay__for_flags {
    INLAY__FOR_USES_LOOP = 1, /* the body speaks of `loop` */
    INLAY__FOR_FILTERS = 2    /* the filter runs over all items before the first iteration */
};

/* Arguments on the stack: those by position; then, with INLAY__ARGS_STAR, a sequence of more; then those by name, each
 * a string and a value; then, with INLAY__ARGS_STAR_STAR, a dictionary of more. */
enum { INLAY__ARGS_STAR = 0x8000, INLAY__ARGS_STAR_STAR = 0x4000, INLAY__ARGS_NAMED = 0x3fff };

typedef struct inlay__instruction {
    uint8_t op; /* inlay__op */
    uint8_t n;
    uint16_t m;
    int32_t a;
    uint32_t pos; /* in the source, for errors */
} inlay__instruction;

typedef struct inlay__macro {
    const inlay__string *name; /* NULL: the body of a call block */
    uint32_t begin;            /* its first instruction: so many before its INLAY__OP_MACRO */
    uint32_t first_param;      /* in program->params */
    uint32_t n_params, n_required;
    bool takes_more;           /* it speaks of varargs, kwargs, caller */
    bool takes_named;
    bool takes_caller;
} inlay__macro;

typedef struct inlay__jinja {
    const inlay__sys *sys;
    inlay__heap heap;
    const char *name;           /* in error messages */
    const char *source;         /* [size], in the heap */
    size_t size;
    inlay__instruction *code;   /* [n_code] */
    size_t n_code, code_capacity;
    inlay__value *constants;    /* [n_constants] */
    size_t n_constants, constant_capacity;
    const inlay__string **names; /* [n_names] of variables; their indices stand in the code */
    size_t n_names, name_capacity;
    inlay__macro *macros;       /* [n_macros] */
    size_t n_macros, macro_capacity;
    uint32_t *params;           /* names of all macros' parameters */
    size_t n_params, param_capacity;
} inlay__jinja;

/* Names with a meaning of their own; every program has them first. */
enum { INLAY__NAME_LOOP, INLAY__NAME_CALLER, INLAY__NAME_VARARGS, INLAY__NAME_KWARGS, INLAY__N_FIXED_NAMES };

/* Reads a template; `name` is what errors call it and must outlive the program, `source` need not. On failure nothing
 * is held. Errors: INLAY_ERR_TEMPLATE with line and column; _MEMORY. */
int32_t inlay__jinja_compile(const inlay__sys *sys, const char *name, const char *source, size_t size,
                               inlay__jinja *program);
void inlay__jinja_free(inlay__jinja *program);

/* Puts "NAME: line L, column C: " before the text of this thread's last error. */
int32_t inlay__jinja_fail_at(const char *name, const char *source, size_t size, size_t pos, int32_t status);

#endif
