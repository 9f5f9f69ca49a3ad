/* Reading a JSON Schema: the whole, errors, and the rules that all schemas share. */
#include "base/text.h"
#include "grammar/regex.h"
#include "grammar/schema_reader.h"

enum { MOST_WORK = 1 << 25 };

/* What of numbers is written: at most so many digits before and after the point, exponents that no double overflows
 * with. */
static const char integer_text[] = "0|-?[1-9][0-9]{0,19}";
static const char number_text[] = "-?(?:0|[1-9][0-9]{0,19})(?:\\.[0-9]{1,20})?(?:[eE](?:\\+?(?:[0-9]{1,2}|1[0-9]{2})|-("
                                  "?:[0-9]{1,2}|[1-3][0-9]{2})))?";
/* A character of a string as JSON may write it: by itself, escaped, as the number of one or of two surrogates. */
static const char character_text[] =
    "[^\"\\\\\\x00-\\x1f]|\\\\(?:[\"\\\\/bfnrt]|u(?:[0-9a-cA-CefEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}|"
    "[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}))";
static const char indent_text[] = " |\\n(?: {0,32}|\\t{1,8})";

int32_t inlay__schema_work(inlay__schema *s, size_t n) {
    if (n > s->work)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "the schema is too large, or its alternatives are too many together");
    s->work -= n;
    return INLAY_OK;
}

int32_t inlay__schema_fail(inlay__schema *s, int32_t status, const inlay__json_node *node, const char *keyword,
                           const char *what) {
    char place[256];
    inlay__schema_pointer(s, node, place, sizeof place);
    return inlay__fail(status, "the schema at '#%s': '%s': %s", place, keyword, what);
}

int32_t inlay__schema_explain(inlay__schema *s, int32_t status, const inlay__json_node *value) {
    char place[256], text[256];
    if (value == NULL || status == INLAY_ERR_MEMORY) return status;
    inlay__format(text, sizeof text, "%s", inlay__error_text());
    inlay__schema_pointer(s, value, place, sizeof place);
    return inlay__fail(status, "the schema at '#%s': %s", place, text);
}

/* ---------------------------------------------------------------- shared rules */

inlay__expression inlay__schema_literal_text(inlay__schema *s, const char *text) {
    return inlay__rules_text(s->rules, text, strlen(text));
}

static inlay__expression pattern(inlay__schema *s, const char *text) {
    inlay__expression e;
    int32_t status = inlay__regex_rules(s->rules, text, strlen(text), false, &e);
    if (status != INLAY_OK && s->rules->status == INLAY_OK) s->rules->status = status;
    return e;
}

/* Any value, which arrays and objects hold in turn. */
static inlay__expression any_value(inlay__schema *s) {
    inlay__rules *rules = s->rules;
    inlay__expression value = inlay__schema_common(s, INLAY__SCHEMA_VALUE);
    inlay__expression string = inlay__schema_common(s, INLAY__SCHEMA_STRING), all = string;
    inlay__expression items = inlay__rules_sequence(
        rules, value, inlay__rules_repeat(rules, inlay__schema_next(s, value), 0, INLAY__RULES_NO_END));
    inlay__expression colon = inlay__rules_sequence(rules, inlay__rules_byte(rules, ':', ':'), inlay__schema_space(s));
    inlay__expression pair = inlay__rules_sequence(rules, string, inlay__rules_sequence(rules, colon, value));
    inlay__expression pairs = inlay__rules_sequence(
        rules, pair, inlay__rules_repeat(rules, inlay__schema_next(s, pair), 0, INLAY__RULES_NO_END));
    all = inlay__rules_choice(rules, all, inlay__schema_common(s, INLAY__SCHEMA_NUMBER));
    all = inlay__rules_choice(rules, all, inlay__schema_literal_text(s, "true"));
    all = inlay__rules_choice(rules, all, inlay__schema_literal_text(s, "false"));
    all = inlay__rules_choice(rules, all, inlay__schema_literal_text(s, "null"));
    all = inlay__rules_choice(rules, all, inlay__schema_enclosed(s, "[]", items, true));
    return inlay__rules_choice(rules, all, inlay__schema_enclosed(s, "{}", pairs, true));
}

static inlay__expression any_string(inlay__schema *s) {
    inlay__expression quote = inlay__rules_byte(s->rules, '"', '"');
    inlay__expression inner = inlay__rules_repeat(s->rules, pattern(s, character_text), 0, INLAY__RULES_NO_END);
    return inlay__rules_sequence(s->rules, quote, inlay__rules_sequence(s->rules, inner, quote));
}

static inlay__expression make_common(inlay__schema *s, uint32_t which) {
    switch (which) {
    case INLAY__SCHEMA_VALUE:
        return any_value(s);
    case INLAY__SCHEMA_STRING:
        return any_string(s);
    case INLAY__SCHEMA_NUMBER:
        return pattern(s, number_text);
    case INLAY__SCHEMA_INTEGER:
        return pattern(s, integer_text);
    case INLAY__SCHEMA_CHARACTER:
        return pattern(s, character_text);
    default:
        return pattern(s, indent_text);
    }
}

inlay__expression inlay__schema_common(inlay__schema *s, uint32_t which) {
    if (s->common[which] == 0) {
        uint32_t rule = inlay__rules_add(s->rules, NULL, 0);
        s->common[which] = rule + 1; /* before it is made, as values hold values */
        inlay__rules_set(s->rules, rule, make_common(s, which));
    }
    return inlay__rules_call(s->rules, s->common[which] - 1);
}

inlay__expression inlay__schema_indent(inlay__schema *s) {
    if ((s->flags & INLAY__SCHEMA_COMPACT) != 0) return INLAY__EMPTY;
    return inlay__rules_choice(s->rules, inlay__schema_common(s, INLAY__SCHEMA_INDENT), INLAY__EMPTY);
}

inlay__expression inlay__schema_space(inlay__schema *s) {
    if ((s->flags & INLAY__SCHEMA_COMPACT) != 0) return INLAY__EMPTY;
    return inlay__rules_choice(s->rules, inlay__rules_byte(s->rules, ' ', ' '), INLAY__EMPTY);
}

inlay__expression inlay__schema_next(inlay__schema *s, inlay__expression e) {
    inlay__expression comma = inlay__rules_byte(s->rules, ',', ',');
    return inlay__rules_sequence(s->rules, comma, inlay__rules_sequence(s->rules, inlay__schema_indent(s), e));
}

inlay__expression inlay__schema_enclosed(inlay__schema *s, const char *brackets, inlay__expression inner,
                                         bool may_be_empty) {
    inlay__rules *rules = s->rules;
    inlay__expression open = inlay__rules_byte(rules, (uint8_t)brackets[0], (uint8_t)brackets[0]);
    inlay__expression close = inlay__rules_byte(rules, (uint8_t)brackets[1], (uint8_t)brackets[1]);
    inner = inlay__rules_sequence(rules, inner, inlay__schema_indent(s));
    if (may_be_empty) inner = inlay__rules_choice(rules, inner, INLAY__EMPTY);
    inner = inlay__rules_sequence(rules, inlay__schema_indent(s), inlay__rules_sequence(rules, inner, close));
    return inlay__rules_sequence(rules, open, inner);
}

/* ------------------------------------------------------------------- each set */

/* One of the branches of an alternative, with the rest of the set. */
static int32_t write_branches(inlay__schema *s, const inlay__schema_set *set, uint32_t at, inlay__expression *e) {
    bool is_one_of = set->members[at].part == INLAY__SCHEMA_ONE_OF;
    const inlay__json_node *schema = &s->json.nodes[set->members[at].node];
    const char *keyword = is_one_of ? "oneOf" : "anyOf";
    const inlay__json_node *branches = inlay__json_get(&s->json, schema, keyword);
    if (branches == NULL || branches->kind != INLAY__JSON_ARRAY || branches->n_children == 0)
        return inlay__schema_fail(s, INLAY_ERR_FORMAT, schema, keyword, "expected an array of schemas");
    if (is_one_of) INLAY__TRY(inlay__schema_check_one_of(s, set, at, branches));
    inlay__schema_member *members = inlay__arena_alloc(&s->arena, set->n, sizeof *members);
    if (members == NULL) return INLAY_ERR_MEMORY;
    memcpy(members, set->members, set->n * sizeof *members);
    const inlay__json_node *branch = inlay__json_first(branches);
    for (uint32_t i = 0; i < branches->n_children; i++, branch = inlay__json_next(&s->json, branch)) {
        inlay__expression one;
        members[at] = (inlay__schema_member){inlay__schema_number_of(s, branch), INLAY__SCHEMA_WHOLE};
        INLAY__TRY(inlay__schema_call(s, members, set->n, &one));
        bool is_itself = s->rules->nodes[one].kind == INLAY__EXPRESSION_RULE && s->rules->nodes[one].a == set->rule;
        if (!is_itself) *e = inlay__rules_choice(s->rules, *e, one); /* which adds nothing */
    }
    return INLAY_OK;
}

static int32_t write_kinds(inlay__schema *s, const inlay__schema_set *set, inlay__expression *e) {
    typedef int32_t writer(inlay__schema *, const inlay__schema_facts *, inlay__expression *);
    static const struct {
        uint32_t kinds;
        writer *write;
    } writers[] = {{INLAY__IS_STRING, inlay__schema_string},
                   {INLAY__IS_NUMBER, inlay__schema_number},
                   {INLAY__IS_ARRAY, inlay__schema_array},
                   {INLAY__IS_OBJECT, inlay__schema_object}};
    inlay__schema_facts facts;
    INLAY__TRY(inlay__schema_read_facts(s, set, &facts));
    if (facts.values != NULL) return inlay__schema_values(s, &facts, e);
    if (facts.kinds == INLAY__IS_ANY && facts.meant == 0) {
        *e = inlay__schema_common(s, INLAY__SCHEMA_VALUE);
        return INLAY_OK;
    }
    if ((facts.kinds & INLAY__IS_NULL) != 0) *e = inlay__schema_literal_text(s, "null");
    if ((facts.kinds & INLAY__IS_BOOLEAN) != 0) {
        *e = inlay__rules_choice(s->rules, *e, inlay__schema_literal_text(s, "true"));
        *e = inlay__rules_choice(s->rules, *e, inlay__schema_literal_text(s, "false"));
    }
    for (size_t i = 0; i < INLAY__COUNT(writers); i++) {
        inlay__expression one = INLAY__NEVER;
        if ((facts.kinds & writers[i].kinds) == 0) continue;
        INLAY__TRY(writers[i].write(s, &facts, &one));
        *e = inlay__rules_choice(s->rules, *e, one);
    }
    return INLAY_OK;
}

static int32_t write_set(inlay__schema *s, const inlay__schema_set *set) {
    inlay__expression e = INLAY__NEVER;
    uint32_t at = 0;
    INLAY__TRY(inlay__schema_work(s, set->n));
    while (at < set->n && set->members[at].part != INLAY__SCHEMA_ANY_OF &&
           set->members[at].part != INLAY__SCHEMA_ONE_OF)
        at++;
    if (at < set->n)
        INLAY__TRY(write_branches(s, set, at, &e));
    else
        INLAY__TRY(write_kinds(s, set, &e));
    inlay__rules_set(s->rules, set->rule, e);
    return s->rules->status;
}

/* ------------------------------------------------------------------- the whole */

static int32_t read_schema(inlay__schema *s) {
    for (size_t i = 0; i < INLAY__COUNT(s->marks); i++) {
        s->marks[i] = inlay__arena_alloc(&s->arena, s->json.n_nodes, sizeof *s->marks[i]);
        if (s->marks[i] == NULL) return INLAY_ERR_MEMORY;
    }
    inlay__schema_member root = {0, INLAY__SCHEMA_WHOLE};
    uint32_t rule = inlay__rules_add(s->rules, NULL, 0);
    inlay__expression e;
    INLAY__TRY(inlay__schema_call(s, &root, 1, &e));
    inlay__rules_set(s->rules, rule, e);
    while (s->n_written < s->n_sets) {
        inlay__schema_set set = s->sets[s->n_written++]; /* the array may move */
        INLAY__TRY(write_set(s, &set));
    }
    return s->rules->status;
}

int32_t inlay__schema_rules(inlay__rules *rules, const char *schema, size_t size, int32_t flags) {
    inlay__schema s = {
        .sys = rules->sys, .rules = rules, .arena = {.sys = rules->sys}, .flags = flags, .work = MOST_WORK};
    if (size > INLAY__SCHEMA_MOST_SIZE)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "the schema has %zu bytes, expected at most %d", size,
                           INLAY__SCHEMA_MOST_SIZE);
    INLAY__TRY(rules->status);
    INLAY__TRY(inlay__json_parse(s.sys, "the schema", schema, size, &s.json));
    inlay__ecma_init(&s.tree, s.sys);
    int32_t status = read_schema(&s);
    inlay__ecma_free(&s.tree);
    inlay__free(s.sys, s.table, s.table_size * sizeof *s.table);
    inlay__free(s.sys, s.sets, s.set_capacity * sizeof *s.sets);
    inlay__arena_free(&s.arena);
    inlay__json_free(s.sys, &s.json);
    return status;
}
