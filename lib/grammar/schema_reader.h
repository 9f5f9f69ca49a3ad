/* A JSON Schema while it is read: shared by the files that do it.
 *
 * What a value must follow is a set of schemas, all of which hold: a schema with those it refers to by $ref and allOf.
 * Alternatives (anyOf, oneOf) are members of the set until one is chosen. Sets that are equal share a rule, so
 * that schemas may refer to themselves; rules wait in a list until they are written, and nothing recurses. */
#ifndef INLAY_SCHEMA_READER_H
#define INLAY_SCHEMA_READER_H

#include "base/arena.h"
#include "base/json.h"
#include "grammar/ecma_tree.h"
#include "grammar/json_schema.h"

/* A member: what of a schema holds, and the number of its node. */
enum {
    INLAY__SCHEMA_WHOLE,  /* everything */
    INLAY__SCHEMA_PLAIN,  /* all but $ref, allOf, anyOf, oneOf */
    INLAY__SCHEMA_ANY_OF, /* anyOf */
    INLAY__SCHEMA_ONE_OF, /* oneOf */
    INLAY__SCHEMA_KEY     /* of no node: the value is a string */
};
typedef struct inlay__schema_member {
    uint32_t node, part;
} inlay__schema_member;

typedef struct inlay__schema_set {
    inlay__schema_member *members; /* [n], in the order in which they were met; in the arena */
    uint32_t n, rule;
    uint64_t hash;
} inlay__schema_set;

/* Kinds of values. A number is an integer or a fraction. */
enum {
    INLAY__IS_NULL = 1,
    INLAY__IS_BOOLEAN = 2,
    INLAY__IS_INTEGER = 4,
    INLAY__IS_FRACTION = 8,
    INLAY__IS_NUMBER = 12,
    INLAY__IS_STRING = 16,
    INLAY__IS_ARRAY = 32,
    INLAY__IS_OBJECT = 64,
    INLAY__IS_ANY = 127
};

/* Rules that schemas share, made when they are asked for. */
enum {
    INLAY__SCHEMA_VALUE,     /* any value, */
    INLAY__SCHEMA_STRING,    /* string, */
    INLAY__SCHEMA_NUMBER,    /* number, */
    INLAY__SCHEMA_INTEGER,   /* integer */
    INLAY__SCHEMA_CHARACTER, /* of a string, however it is written */
    INLAY__SCHEMA_INDENT,    /* white space that may follow a comma */
    INLAY__SCHEMA_N_COMMON
};

typedef struct inlay__schema {
    const inlay__sys *sys;
    inlay__rules *rules;
    inlay__json json;
    inlay__arena arena;
    inlay__ecma tree; /* of the pattern that is read */
    int32_t flags;
    size_t work; /* steps that are left */

    inlay__schema_set *sets; /* [n_sets] */
    uint32_t *table;         /* [table_size] sets plus 1, by hash */
    size_t n_sets, set_capacity, table_size, n_written;
    uint32_t *marks[4]; /* [n_nodes] the last round that met the member, by its part */
    uint32_t round;
    uint32_t common[INLAY__SCHEMA_N_COMMON]; /* rule plus 1 */
} inlay__schema;

/* Keywords of the schemas of a set, put together. */
typedef struct inlay__schema_facts {
    const inlay__schema_set *set;
    uint32_t kinds; /* INLAY__IS_ bits that types leave */
    uint32_t meant; /* kinds that the other keywords are about */
    bool has_type;
    uint32_t least_length, most_length, least_items, most_items, least_properties, most_properties;
    const inlay__json_node *values; /* of enum, or the one of const; NULL: any */
    bool is_const;
    uint32_t n_value_keywords; /* const and enum in the set */
    const inlay__json_node *pattern, *format, *least, *most, *multiple;
    bool above_least, below_most; /* the bounds themselves are out */
} inlay__schema_facts;

/* ---------------------------------------------------------------- json_schema.c */

/* Takes n from the work that is left. Errors: INLAY_ERR_UNSUPPORTED. */
int32_t inlay__schema_work(inlay__schema *s, size_t n);
static inline uint32_t inlay__schema_number_of(const inlay__schema *s, const inlay__json_node *node) {
    return (uint32_t)(node - s->json.nodes);
}
/* The failure `what`, and where: at a keyword, of a schema. */
int32_t inlay__schema_fail(inlay__schema *s, int32_t status, const inlay__json_node *node, const char *keyword,
                           const char *what);
/* The last failure's text, and the place of the keyword's value (NULL: none). */
int32_t inlay__schema_explain(inlay__schema *s, int32_t status, const inlay__json_node *value);
inlay__expression inlay__schema_common(inlay__schema *s, uint32_t which);
/* White space where it may be: after an opening bracket or a comma and before a closing bracket; after a colon. */
inlay__expression inlay__schema_indent(inlay__schema *s);
inlay__expression inlay__schema_space(inlay__schema *s);
inlay__expression inlay__schema_literal_text(inlay__schema *s, const char *text);
/* A comma, white space, and an expression. */
inlay__expression inlay__schema_next(inlay__schema *s, inlay__expression e);
/* In brackets, with white space inside; or nothing there. */
inlay__expression inlay__schema_enclosed(inlay__schema *s, const char *brackets, inlay__expression inner,
                                         bool may_be_empty);

/* ----------------------------------------------------------------- schema_set.c */

/* Members, and what they bring with them by $ref and allOf; *is_never when one is the schema false. The set's memory is
 * the arena's. */
int32_t inlay__schema_gather(inlay__schema *s, const inlay__schema_member *members, size_t n, inlay__schema_set *set,
                             bool *is_never);
/* An expression for values that follow all of these. */
int32_t inlay__schema_call(inlay__schema *s, const inlay__schema_member *members, size_t n, inlay__expression *e);

/* ----------------------------------------------------------------- schema_ref.c */

/* The schema that a $ref of a schema leads to. Errors: INLAY_ERR_FORMAT, INLAY_ERR_UNSUPPORTED. */
int32_t inlay__schema_resolve(inlay__schema *s, const inlay__json_node *schema, const inlay__json_node *ref,
                              const inlay__json_node **target);
/* The JSON pointer to a node, cut to the room there is. */
void inlay__schema_pointer(const inlay__schema *s, const inlay__json_node *node, char *out, size_t size);

/* --------------------------------------------------------------- schema_facts.c */

int32_t inlay__schema_read_facts(inlay__schema *s, const inlay__schema_set *set, inlay__schema_facts *facts);
/* The kind of a value, with INLAY__IS_INTEGER for 1.0. */
uint32_t inlay__schema_kind(const inlay__json_node *value);

/* ---------------------------------------------------- the kinds, each in its file */

int32_t inlay__schema_object(inlay__schema *s, const inlay__schema_facts *facts, inlay__expression *e);
int32_t inlay__schema_array(inlay__schema *s, const inlay__schema_facts *facts, inlay__expression *e);
int32_t inlay__schema_string(inlay__schema *s, const inlay__schema_facts *facts, inlay__expression *e);
int32_t inlay__schema_number(inlay__schema *s, const inlay__schema_facts *facts, inlay__expression *e);
/* schema_string.c: whether the standard knows a format of this name; others are annotations. */
bool inlay__schema_is_format(const inlay__json_node *name);
/* The values of enum or const that the rest allows. */
int32_t inlay__schema_values(inlay__schema *s, const inlay__schema_facts *facts, inlay__expression *e);
/* schema_values.c: a text as JSON writes it, in quotes. */
inlay__expression inlay__schema_quoted(inlay__schema *s, const char *text, size_t size);
/* Values that are surely the same, or surely not. */
bool inlay__schema_same(const inlay__schema *s, const inlay__json_node *a, const inlay__json_node *b);
bool inlay__schema_differ(const inlay__schema *s, const inlay__json_node *a, const inlay__json_node *b);

/* schema_one_of.c: of the branches of the oneOf that is the set's member `at` only one holds, in texts that this
 * library makes. Errors: INLAY_ERR_UNSUPPORTED (it cannot be shown). */
int32_t inlay__schema_check_one_of(inlay__schema *s, const inlay__schema_set *set, uint32_t at,
                                   const inlay__json_node *branches);

/* schema_keys.c: a key in quotes that is none of these texts (which it sorts). */
typedef struct inlay__schema_name {
    const char *text;
    uint32_t size;
} inlay__schema_name;
int32_t inlay__schema_other_key(inlay__schema *s, inlay__schema_name *names, size_t n, inlay__expression *e);

#endif
