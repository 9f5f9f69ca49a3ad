/* From the text of a regular expression to a tree: groups, alternatives, quantifiers. Groups that are open are a list.
 */
#include "base/utf8.h"
#include "grammar/ecma_tree.h"

#define NONE UINT32_MAX

/* A group, or the whole. */
typedef struct group {
    uint32_t choice;   /* the alternatives before, or NONE */
    uint32_t sequence; /* what was read of this one */
    uint32_t from;     /* its ( in the text */
} group;

typedef struct parser {
    inlay__ecma_text in;
    group *groups; /* [n_groups] those around it */
    size_t n_groups, capacity;
    group now;
    uint32_t atom; /* what a quantifier would repeat, not in the sequence yet; NONE: nothing */
} parser;

/* ---------------------------------------------------------------------- errors */

int32_t inlay__ecma_malformed(const inlay__ecma_text *in, size_t at, const char *what) {
    (void)in;
    return inlay__fail(INLAY_ERR_FORMAT, "the regular expression is malformed at byte %zu: %s", at, what);
}

int32_t inlay__ecma_unsupported(const inlay__ecma_text *in, size_t from, const char *what) {
    size_t end = inlay__min_size(inlay__max_size(in->pos, from + 1), in->size);
    return inlay__fail(INLAY_ERR_UNSUPPORTED, "the regular expression has '%.*s' at byte %zu: %s is not supported",
                       (int)inlay__min_size(end - inlay__min_size(from, end), 64), (const char *)in->text + from, from,
                       what);
}

int32_t inlay__ecma_take(inlay__ecma_text *in, uint32_t *code) {
    if (in->pos == in->size) return inlay__ecma_malformed(in, in->pos, "it ends too early");
    size_t size = inlay__utf8_decode(in->text + in->pos, in->size - in->pos, code);
    if (size == 0) return inlay__ecma_malformed(in, in->pos, "a byte that is not UTF-8");
    in->pos += size;
    return INLAY_OK;
}

/* ----------------------------------------------------------------------- nodes */

void inlay__ecma_init(inlay__ecma *tree, const inlay__sys *sys) {
    *tree = (inlay__ecma){.sys = sys, .sets = {.sys = sys}, .set = {.sys = sys}};
}

void inlay__ecma_free(inlay__ecma *tree) {
    inlay__ranges_free(&tree->sets);
    inlay__ranges_free(&tree->set);
    inlay__free(tree->sys, tree->nodes, tree->node_capacity * sizeof *tree->nodes);
    inlay__free(tree->sys, tree->stretches, tree->stretch_capacity * sizeof *tree->stretches);
    inlay__ecma_init(tree, tree->sys);
}

int32_t inlay__ecma_add(inlay__ecma *tree, inlay__ecma_node node, uint32_t *number) {
    *number = (uint32_t)tree->n_nodes;
    INLAY__TRY(
        inlay__grow(tree->sys, (void **)&tree->nodes, &tree->node_capacity, tree->n_nodes + 1, sizeof *tree->nodes));
    tree->nodes[tree->n_nodes++] = node;
    return INLAY_OK;
}

int32_t inlay__ecma_join(inlay__ecma *tree, inlay__ecma_kind kind, uint32_t a, uint32_t b, uint32_t *number) {
    bool in_row = kind == INLAY__ECMA_SEQUENCE;
    *number = INLAY__ECMA_NEVER;
    if (in_row && (a == INLAY__ECMA_NEVER || b == INLAY__ECMA_NEVER)) return INLAY_OK;
    *number = a;
    if (b == (in_row ? INLAY__ECMA_EMPTY : INLAY__ECMA_NEVER) || (!in_row && a == b)) return INLAY_OK;
    *number = b;
    if (a == (in_row ? INLAY__ECMA_EMPTY : INLAY__ECMA_NEVER)) return INLAY_OK;
    return inlay__ecma_add(tree, (inlay__ecma_node){(uint8_t)kind, a, b, 0, tree->nodes[b].from}, number);
}

/* Puts the atom into the sequence; what is read next is `atom`. */
static int32_t next_atom(parser *p, uint32_t atom) {
    if (p->atom != NONE)
        INLAY__TRY(inlay__ecma_join(p->in.tree, INLAY__ECMA_SEQUENCE, p->now.sequence, p->atom, &p->now.sequence));
    p->atom = atom;
    return INLAY_OK;
}

static int32_t add_anchor(parser *p, inlay__ecma_kind kind) {
    uint32_t anchor;
    INLAY__TRY(
        inlay__ecma_add(p->in.tree, (inlay__ecma_node){(uint8_t)kind, 0, 0, 0, (uint32_t)p->in.pos - 1}, &anchor));
    INLAY__TRY(next_atom(p, anchor));
    return next_atom(p, NONE);
}

/* ---------------------------------------------------------------------- groups */

static int32_t end_alternative(parser *p) {
    INLAY__TRY(next_atom(p, NONE));
    if (p->now.choice == NONE)
        p->now.choice = p->now.sequence;
    else
        INLAY__TRY(inlay__ecma_join(p->in.tree, INLAY__ECMA_CHOICE, p->now.choice, p->now.sequence, &p->now.choice));
    p->now.sequence = INLAY__ECMA_EMPTY;
    return INLAY_OK;
}

/* After a (. */
static int32_t open_group(parser *p) {
    inlay__ecma_text *in = &p->in;
    size_t from = in->pos - 1;
    if (inlay__ecma_skip(in, "?") && !inlay__ecma_skip(in, ":")) {
        bool is_lookaround = inlay__ecma_skip(in, "=") || inlay__ecma_skip(in, "!") || inlay__ecma_skip(in, "<=") ||
                             inlay__ecma_skip(in, "<!");
        if (is_lookaround) return inlay__ecma_unsupported(in, from, "lookaround");
        if (!inlay__ecma_skip(in, "<")) return inlay__ecma_unsupported(in, from, "a group of this kind");
        const uint8_t *end = memchr(in->text + in->pos, '>', in->size - in->pos);
        if (end == NULL || end == in->text + in->pos)
            return inlay__ecma_malformed(in, from, "a group with a name that has no end");
        in->pos = (size_t)(end - in->text) + 1;
    }
    INLAY__TRY(next_atom(p, NONE));
    INLAY__TRY(inlay__grow(in->tree->sys, (void **)&p->groups, &p->capacity, p->n_groups + 1, sizeof *p->groups));
    p->groups[p->n_groups++] = p->now;
    p->now = (group){NONE, INLAY__ECMA_EMPTY, (uint32_t)from};
    return INLAY_OK;
}

static int32_t close_group(parser *p) {
    if (p->n_groups == 0) return inlay__ecma_malformed(&p->in, p->in.pos - 1, "a ) without (");
    INLAY__TRY(end_alternative(p));
    p->atom = p->now.choice;
    p->now = p->groups[--p->n_groups];
    return INLAY_OK;
}

/* ----------------------------------------------------------------- quantifiers */

static bool take_number(inlay__ecma_text *in, uint32_t *number) {
    size_t start = in->pos;
    uint64_t n = 0;
    for (; in->pos < in->size && in->text[in->pos] >= '0' && in->text[in->pos] <= '9'; in->pos++)
        if (n < UINT32_MAX) n = n * 10 + in->text[in->pos] - '0';
    *number = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    return in->pos > start;
}

/* {2} {2,} {2,3}; anything else in braces is text. */
static bool take_interval(inlay__ecma_text *in, uint32_t *least, uint32_t *most) {
    size_t start = in->pos;
    if (!inlay__ecma_skip(in, "{") || !take_number(in, least)) return in->pos = start, false;
    *most = *least;
    if (inlay__ecma_skip(in, ",") && !take_number(in, most)) *most = INLAY__RULES_NO_END;
    if (!inlay__ecma_skip(in, "}")) return in->pos = start, false;
    return true;
}

static bool take_quantifier(inlay__ecma_text *in, uint32_t *least, uint32_t *most) {
    *least = *most = 0;
    if (inlay__ecma_skip(in, "?"))
        *most = 1;
    else if (inlay__ecma_skip(in, "*"))
        *most = INLAY__RULES_NO_END;
    else if (inlay__ecma_skip(in, "+"))
        *least = 1, *most = INLAY__RULES_NO_END;
    else
        return take_interval(in, least, most);
    return true;
}

static int32_t read_quantifier(parser *p, size_t from, uint32_t least, uint32_t most) {
    inlay__ecma_text *in = &p->in;
    inlay__ecma_skip(in, "?"); /* what it prefers changes nothing about which texts match */
    if (p->atom == NONE) return inlay__ecma_malformed(in, from, "a quantifier after nothing that it could repeat");
    if (least == UINT32_MAX) return inlay__ecma_unsupported(in, from, "a repetition of so many times");
    if (most < least) return inlay__ecma_malformed(in, from, "a repetition whose end is below its beginning");
    inlay__ecma_node repeat = {INLAY__ECMA_REPEAT, p->atom, least, most, (uint32_t)from};
    INLAY__TRY(inlay__ecma_add(in->tree, repeat, &p->atom));
    INLAY__TRY(next_atom(p, NONE));
    size_t again = in->pos;
    if (take_quantifier(in, &least, &most)) return inlay__ecma_malformed(in, again, "a quantifier after a quantifier");
    return INLAY_OK;
}

/* ------------------------------------------------------------------- the whole */

static int32_t read_one(parser *p) {
    inlay__ecma_text *in = &p->in;
    size_t from = in->pos;
    uint32_t least, most, code, atom;
    if (take_quantifier(in, &least, &most)) return read_quantifier(p, from, least, most);
    INLAY__TRY(inlay__ecma_take(in, &code));
    switch (code) {
    case '|':
        return end_alternative(p);
    case '(':
        return open_group(p);
    case ')':
        return close_group(p);
    case '^':
        return add_anchor(p, INLAY__ECMA_BEGIN);
    case '$':
        return add_anchor(p, INLAY__ECMA_END);
    case '[':
        INLAY__TRY(inlay__ecma_class(in, &atom));
        break;
    case '\\':
        INLAY__TRY(inlay__ecma_escape(in, &atom));
        break;
    case '.':
        INLAY__TRY(inlay__ecma_dot(in, &atom));
        break;
    default:
        INLAY__TRY(inlay__ecma_literal(in, code, &atom));
        break;
    }
    return next_atom(p, atom);
}

static int32_t read_all(parser *p) {
    inlay__ecma *tree = p->in.tree;
    uint32_t number;
    INLAY__TRY(inlay__ecma_add(tree, (inlay__ecma_node){.kind = INLAY__ECMA_EMPTY_TEXT}, &number));
    INLAY__TRY(inlay__ecma_add(tree, (inlay__ecma_node){.kind = INLAY__ECMA_SET}, &number));
    while (p->in.pos < p->in.size)
        INLAY__TRY(read_one(p));
    if (p->n_groups > 0) return inlay__ecma_malformed(&p->in, p->now.from, "a ( that is not closed");
    INLAY__TRY(end_alternative(p));
    tree->root = p->now.choice;
    return INLAY_OK;
}

int32_t inlay__ecma_parse(inlay__ecma *tree, const char *text, size_t size) {
    if (size > INLAY__ECMA_MOST_SIZE)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "the regular expression has %zu bytes, expected at most %d", size,
                           INLAY__ECMA_MOST_SIZE);
    parser p = {.in = {(const uint8_t *)text, size, 0, tree}, .now = {NONE, INLAY__ECMA_EMPTY, 0}, .atom = NONE};
    tree->n_nodes = tree->sets.n = tree->set.n = 0;
    int32_t status = read_all(&p);
    inlay__free(tree->sys, p.groups, p.capacity * sizeof *p.groups);
    return status;
}
