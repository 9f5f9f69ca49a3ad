/* The state of one compilation, shared by the files that read expressions and statements. The parser writes
 * instructions as it goes; there is no tree. */
#ifndef INLAY_PARSER_H
#define INLAY_PARSER_H

#include "base/hash_map.h"
#include "lexer.h"
#include "program.h"

enum {
    INLAY__TEMPLATE_MAX_DEPTH = 64,       /* blocks and brackets within one another, together */
    INLAY__TEMPLATE_MAX_SIZE = 1 << 20,   /* bytes of a template */
    INLAY__TEMPLATE_MEMORY = 32 << 20     /* bytes of memory that a compiled template takes */
};

/* A loop that is open where the parser is. */
typedef struct inlay__parser_loop {
    struct inlay__parser_loop *around;
    size_t next;       /* the INLAY__OP_FOR_NEXT, for continue */
    size_t last_break; /* a chain of jumps through their operands; SIZE_MAX: none */
    size_t n_scopes;   /* open scopes in the body */
    size_t n_captures;
} inlay__parser_loop;

typedef struct inlay__parser {
    inlay__jinja *program;
    const inlay__token *at; /* the token that is looked at */
    inlay__hash_map name_ids;
    size_t depth;
    size_t n_scopes, n_captures; /* open ones */
    inlay__parser_loop *loop;    /* NULL outside of loops */
    /* within an if, and for the next body: an unknown filter or test may fail when it runs */
    bool soft, soft_body;
    const inlay__token *unknown; /* the first one elsewhere, unless an `if` behind it forgives */
    inlay__macro *macro;         /* being read, NULL outside; what it speaks of is noted there */
} inlay__parser;

/* A failure at the token that is looked at. */
int32_t inlay__parser_unexpected(const inlay__parser *p, const char *expected);

static inline bool inlay__parser_is(const inlay__parser *p, inlay__token_kind kind) { return p->at->kind == kind; }
bool inlay__token_is_name(const inlay__token *token, const char *name);
static inline bool inlay__parser_is_name(const inlay__parser *p, const char *name) {
    return inlay__token_is_name(p->at, name);
}
/* Passes over the token if it is of that kind, or that name. */
bool inlay__parser_skip(inlay__parser *p, inlay__token_kind kind);
bool inlay__parser_skip_name(inlay__parser *p, const char *name);
int32_t inlay__parser_expect(inlay__parser *p, inlay__token_kind kind, const char *expected);

/* Appends an instruction. */
int32_t inlay__emit(inlay__parser *p, inlay__op op, uint8_t n, uint16_t m, int64_t a, const inlay__token *token);
/* Appends one whose operand a is an index into constants or names. */
int32_t inlay__emit_constant(inlay__parser *p, inlay__op op, inlay__value value, const inlay__token *token);
int32_t inlay__emit_string(inlay__parser *p, inlay__op op, const inlay__token *token);
int32_t inlay__emit_name(inlay__parser *p, inlay__op op, const inlay__token *token);
int32_t inlay__emit_jump_to(inlay__parser *p, inlay__op op, size_t target, const inlay__token *token);
/* Lets the jump at `index` go to what is written next. */
void inlay__patch_jump(inlay__parser *p, size_t index);
/* Exchanges the instructions [begin, middle) and [middle, end of the code). */
void inlay__swap_code(inlay__parser *p, size_t begin, size_t middle);
int32_t inlay__parser_name_id(inlay__parser *p, const inlay__token *token, uint32_t *id);
/* Makes room for one more element of an array of the program. */
#define INLAY__PROGRAM_GROW(program, array, count, capacity)                                            \
    inlay__grow((program)->sys, (void **)&(program)->array, &(program)->capacity, (program)->count + 1, \
                sizeof *(program)->array)

int32_t inlay__parser_enter(inlay__parser *p);
static inline void inlay__parser_leave(inlay__parser *p) { p->depth--; }

/* An expression whose value is left on the stack; without `conditional` a top-level "a if b" ends before the if. */
int32_t inlay__parse_expression(inlay__parser *p, bool conditional);
/* Expressions with commas between them make a tuple; `end` is a name that ends it, or NULL. */
int32_t inlay__parse_tuple(inlay__parser *p, bool conditional, bool parentheses, const char *end);
/* "|filter(...)|..." on the value that will be on the stack. */
int32_t inlay__parse_filters(inlay__parser *p, bool first_without_pipe);
/* Everything up to the end of the template. */
int32_t inlay__parse_template(inlay__parser *p);

#endif
