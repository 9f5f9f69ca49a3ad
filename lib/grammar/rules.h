/* A grammar while it is written: rules, each of which is an expression over bytes.
 *
 * GBNF, JSON Schema and regular expressions are read into this; grammar.h compiles it. Expressions are numbered as
 * they are made, parts before wholes, so that nothing that goes through them needs to recurse. An expression may be a
 * part of several others: it is compiled once for each, so what is large or often used should be a rule.
 *
 * The first failure (out of memory, too large) is kept in `status`; from then on nothing is added and every function
 * gives INLAY__EMPTY. So a reader checks once, in the end, but for its own errors. */
#ifndef INLAY_RULES_H
#define INLAY_RULES_H

#include "base/base.h"

/* Bounds of what is written. INLAY__RULES_NO_END as the most of a repetition: none. */
enum { INLAY__RULES_MOST_EXPRESSIONS = 1 << 22, INLAY__RULES_MOST = 1 << 18 };
#define INLAY__RULES_NO_END UINT32_MAX

typedef uint32_t inlay__expression;
enum { INLAY__EMPTY = 0 /* the empty text */, INLAY__NEVER = 1 /* no text at all */ };

/* A range of code points, or of bytes. */
typedef struct inlay__code_range {
    uint32_t first, last;
} inlay__code_range;

typedef enum inlay__expression_kind {
    INLAY__EXPRESSION_EMPTY,
    INLAY__EXPRESSION_NEVER,
    INLAY__EXPRESSION_BYTES,    /* one byte, a to b */
    INLAY__EXPRESSION_SEQUENCE, /* a, then b */
    INLAY__EXPRESSION_CHOICE,   /* a or b */
    INLAY__EXPRESSION_STAR,     /* a, any number of times */
    INLAY__EXPRESSION_RULE,     /* rule a */
    INLAY__EXPRESSION_TOKEN     /* the token a, whatever its text; b 1: any token but a */
} inlay__expression_kind;

/* As a token: any that stands for no text and that nothing else that can come next names; an end of text is none. */
#define INLAY__TOKEN_NO_TEXT 0x7fffffff

typedef struct inlay__expression_node {
    uint8_t kind; /* inlay__expression_kind */
    uint32_t a, b;
    uint32_t size; /* positions that it takes when it is compiled, at most UINT32_MAX */
} inlay__expression_node;

typedef struct inlay__rule_text {
    inlay__expression body; /* INLAY__NEVER until it is set */
    bool is_set;
    const char *name; /* for error messages; NULL: one that was made on the way */
    size_t name_size;
} inlay__rule_text;

typedef struct inlay__rules {
    const inlay__sys *sys;
    int32_t status;
    inlay__expression_node *nodes; /* [n_nodes] */
    size_t n_nodes, node_capacity;
    inlay__rule_text *rules; /* [n_rules] */
    size_t n_rules, rule_capacity;
    uint32_t start; /* the rule with which a text begins, number 0 but where there are triggers */
} inlay__rules;

/* Without rules. Free it also after failures. */
void inlay__rules_init(inlay__rules *rules, const inlay__sys *sys);
void inlay__rules_free(inlay__rules *rules);

/* A new rule; its number. `name` is kept, not copied. */
uint32_t inlay__rules_add(inlay__rules *rules, const char *name, size_t name_size);
void inlay__rules_set(inlay__rules *rules, uint32_t rule, inlay__expression body);

inlay__expression inlay__rules_text(inlay__rules *rules, const char *text, size_t size);
inlay__expression inlay__rules_byte(inlay__rules *rules, uint32_t first, uint32_t last);
/* One character in UTF-8 of these ranges, which ascend and do not touch; surrogates among them are left out. */
inlay__expression inlay__rules_characters(inlay__rules *rules, const inlay__code_range *ranges, size_t n);
inlay__expression inlay__rules_sequence(inlay__rules *rules, inlay__expression a, inlay__expression b);
inlay__expression inlay__rules_choice(inlay__rules *rules, inlay__expression a, inlay__expression b);
/* At least `least` and at most `most` times; large counts take rules of logarithmic number. */
inlay__expression inlay__rules_repeat(inlay__rules *rules, inlay__expression a, uint32_t least, uint32_t most);
inlay__expression inlay__rules_call(inlay__rules *rules, uint32_t rule);
inlay__expression inlay__rules_token(inlay__rules *rules, int32_t token, bool is_any_other);

#endif
