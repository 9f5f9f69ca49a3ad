/* Objects: properties in the order in which they are written, then others where the schema allows them. */
#include "base/hash_map.h"
#include "grammar/ecma_automaton.h"
#include "grammar/regex.h"
#include "grammar/schema_reader.h"

/* More properties than this that may be missing in a row are rules of their own. */
enum { MOST_INLINE = 48 };

/* A property that has a name. */
typedef struct property {
    const inlay__json_node *name;
    bool is_required;
    uint32_t last_schema; /* the last of the set's schemas that was found to have it, plus 1 */
    uint32_t first, n;    /* its schemas: members[first .. first + n) */
    inlay__expression pair;
} property;

/* A schema that a property must follow. */
typedef struct demand {
    uint32_t property;
    inlay__schema_member member;
} demand;

typedef struct object_parts {
    inlay__schema *s;
    const inlay__schema_facts *facts;
    property *properties; /* [n] in order */
    demand *demands;      /* [n_demands] */
    inlay__schema_member *members;
    size_t n, capacity, n_demands, demand_capacity;
    inlay__hash_map names;           /* to numbers of properties */
    bool is_closed;                  /* other properties are forbidden, */
    bool has_others;                 /* asked for, */
    bool is_free;                    /* or nothing is said of any property */
    const inlay__json_node *pattern; /* in its schema's patternProperties; NULL: none */
    inlay__schema_member *others;    /* [n_others] what other properties must follow */
    inlay__schema_member *keys;      /* [n_keys] and their keys */
    size_t n_others, n_keys;
} object_parts;

/* ------------------------------------------------------------------- properties */

static int32_t add_demand(object_parts *o, uint32_t number, const inlay__json_node *schema) {
    INLAY__TRY(inlay__schema_work(o->s, 1));
    INLAY__TRY(inlay__grow(o->s->sys, (void **)&o->demands, &o->demand_capacity, o->n_demands + 1, sizeof *o->demands));
    o->demands[o->n_demands++] = (demand){number, {inlay__schema_number_of(o->s, schema), INLAY__SCHEMA_WHOLE}};
    return INLAY_OK;
}

/* The number of a property, which is a new one when there is none of this name. */
static int32_t find_property(object_parts *o, const inlay__json_node *name, uint32_t *number) {
    if (inlay__hash_map_get(&o->names, name->text, name->size, number)) return INLAY_OK;
    *number = (uint32_t)o->n;
    INLAY__TRY(inlay__grow(o->s->sys, (void **)&o->properties, &o->capacity, o->n + 1, sizeof *o->properties));
    o->properties[o->n++] = (property){.name = name};
    inlay__hash_map_put(&o->names, name->text, name->size, *number);
    return INLAY_OK;
}

static int32_t expect_object(inlay__schema *s, const inlay__json_node *schema, const char *keyword,
                             const inlay__json_node **value) {
    *value = inlay__json_get(&s->json, schema, keyword);
    if (*value != NULL && (*value)->kind != INLAY__JSON_OBJECT)
        return inlay__schema_fail(s, INLAY_ERR_FORMAT, schema, keyword, "expected an object");
    return INLAY_OK;
}

static int32_t read_properties(object_parts *o, const inlay__json_node *schema) {
    const inlay__json_node *properties, *name;
    INLAY__TRY(expect_object(o->s, schema, "properties", &properties));
    if (properties == NULL) return INLAY_OK;
    o->is_free = false;
    name = inlay__json_first(properties);
    for (uint32_t k = 0; k < properties->n_children; k += 2) {
        const inlay__json_node *value = inlay__json_next(&o->s->json, name);
        uint32_t number;
        INLAY__TRY(find_property(o, name, &number));
        INLAY__TRY(add_demand(o, number, value));
        name = inlay__json_next(&o->s->json, value);
    }
    return INLAY_OK;
}

static int32_t read_required(object_parts *o, const inlay__json_node *schema) {
    const inlay__json_node *required = inlay__json_get(&o->s->json, schema, "required");
    if (required == NULL) return INLAY_OK;
    const inlay__json_node *name = inlay__json_first(required);
    bool is_right = required->kind == INLAY__JSON_ARRAY;
    for (uint32_t i = 0; is_right && i < required->n_children; i++, name = inlay__json_next(&o->s->json, name)) {
        uint32_t number;
        is_right = name->kind == INLAY__JSON_STRING;
        if (!is_right) break;
        INLAY__TRY(inlay__schema_work(o->s, 1));
        INLAY__TRY(find_property(o, name, &number));
        o->properties[number].is_required = true;
    }
    return is_right ? INLAY_OK
                    : inlay__schema_fail(o->s, INLAY_ERR_FORMAT, schema, "required", "expected an array of texts");
}

/* ----------------------------------------------------------- other properties */

/* One pattern for the whole set, which matches no name that has a schema of its own. */
static int32_t read_pattern(object_parts *o, const inlay__json_node *schema, const inlay__json_node *patterns) {
    inlay__schema *s = o->s;
    if (o->pattern != NULL || patterns->n_children != 2)
        return inlay__schema_fail(s, INLAY_ERR_UNSUPPORTED, schema, "patternProperties", "more than one pattern");
    o->pattern = inlay__json_first(patterns);
    const inlay__json_node *value = inlay__json_next(&s->json, o->pattern);
    o->others[o->n_others++] = (inlay__schema_member){inlay__schema_number_of(s, value), INLAY__SCHEMA_WHOLE};
    inlay__ecma_automaton *a = inlay__arena_alloc(&s->arena, 1, sizeof *a);
    if (a == NULL) return INLAY_ERR_MEMORY;
    int32_t status = inlay__ecma_parse(&s->tree, o->pattern->text, o->pattern->size);
    if (status == INLAY_OK) status = inlay__ecma_resolve(&s->tree, true);
    if (status != INLAY_OK) return inlay__schema_explain(s, status, value);
    bool fits = o->n == 0 || inlay__ecma_automaton_build(a, &s->tree);
    for (uint32_t k = 0; k < o->n && fits; k++) {
        size_t steps;
        fits = !inlay__ecma_matches(a, o->properties[k].name->text, o->properties[k].name->size, &steps);
        INLAY__TRY(inlay__schema_work(s, steps));
    }
    return fits ? INLAY_OK
                : inlay__schema_fail(s, INLAY_ERR_UNSUPPORTED, schema, "patternProperties",
                                     "a pattern that also matches a name in properties or required");
}

/* additionalProperties, of the properties that others of the set name and of those that none does. `i` is the number of
 * the schema in the set. */
static int32_t read_additional(object_parts *o, uint32_t i, const inlay__json_node *schema) {
    inlay__schema *s = o->s;
    const inlay__json_node *additional = inlay__json_get(&s->json, schema, "additionalProperties");
    const inlay__json_node *names = inlay__json_get(&s->json, schema, "propertyNames");
    const inlay__json_node *properties = inlay__json_get(&s->json, schema, "properties"), *patterns;
    INLAY__TRY(expect_object(s, schema, "patternProperties", &patterns));
    if (names != NULL) {
        if (o->n > 0 || patterns != NULL)
            return inlay__schema_fail(s, INLAY_ERR_UNSUPPORTED, schema, "propertyNames",
                                      "beside properties, required or patternProperties it is not supported");
        o->keys[o->n_keys++] = (inlay__schema_member){inlay__schema_number_of(s, names), INLAY__SCHEMA_WHOLE};
    }
    bool has_pattern = patterns != NULL && patterns->n_children > 0;
    if (has_pattern) INLAY__TRY(read_pattern(o, schema, patterns));
    if (additional == NULL) return INLAY_OK;
    if (additional->kind != INLAY__JSON_FALSE && has_pattern)
        return inlay__schema_fail(s, INLAY_ERR_UNSUPPORTED, schema, "patternProperties",
                                  "beside additionalProperties that is not false it is not supported");
    o->is_closed |= additional->kind == INLAY__JSON_FALSE && !has_pattern;
    o->has_others |= additional->kind != INLAY__JSON_FALSE;
    if (additional->kind == INLAY__JSON_TRUE) return INLAY_OK;
    if (!has_pattern)
        o->others[o->n_others++] = (inlay__schema_member){inlay__schema_number_of(s, additional), INLAY__SCHEMA_WHOLE};
    const inlay__json_node *name = properties != NULL ? inlay__json_first(properties) : NULL;
    for (uint32_t k = 0; properties != NULL && k < properties->n_children; k += 2) {
        uint32_t number = 0;
        inlay__hash_map_get(&o->names, name->text, name->size, &number);
        o->properties[number].last_schema = i + 1;
        name = inlay__json_next(&s->json, inlay__json_next(&s->json, name));
    }
    for (uint32_t k = 0; k < o->n; k++)
        if (o->properties[k].last_schema != i + 1) INLAY__TRY(add_demand(o, k, additional));
    return INLAY_OK;
}

/* ----------------------------------------------------------------------- members */

static const inlay__json_node *schema_of(const object_parts *o, uint32_t i) {
    const inlay__schema_member *member = &o->facts->set->members[i];
    return member->part == INLAY__SCHEMA_PLAIN ? &o->s->json.nodes[member->node] : NULL;
}

static int32_t read_all(object_parts *o) {
    inlay__schema *s = o->s;
    size_t n_names = 0, n_set = o->facts->set->n;
    for (uint32_t i = 0; i < n_set; i++) {
        const inlay__json_node *schema = schema_of(o, i);
        const inlay__json_node *properties = inlay__json_get(&s->json, schema, "properties");
        const inlay__json_node *required = inlay__json_get(&s->json, schema, "required");
        n_names += (properties != NULL ? properties->n_children : 0) + (required != NULL ? required->n_children : 0);
    }
    INLAY__TRY(inlay__schema_work(s, n_names));
    INLAY__TRY(inlay__hash_map_init(s->sys, &o->names, n_names));
    o->others = inlay__arena_alloc(&s->arena, 2 * n_set + 1, sizeof *o->others);
    o->keys = inlay__arena_alloc(&s->arena, n_set + 1, sizeof *o->keys);
    if (o->others == NULL || o->keys == NULL) return INLAY_ERR_MEMORY;
    for (uint32_t i = 0; i < n_set; i++)
        if (schema_of(o, i) != NULL) INLAY__TRY(read_properties(o, schema_of(o, i)));
    for (uint32_t i = 0; i < n_set; i++)
        if (schema_of(o, i) != NULL) INLAY__TRY(read_required(o, schema_of(o, i)));
    for (uint32_t i = 0; i < n_set; i++)
        if (schema_of(o, i) != NULL) INLAY__TRY(read_additional(o, i, schema_of(o, i)));
    return INLAY_OK;
}

static inlay__expression pair_of(inlay__schema *s, inlay__expression key, inlay__expression value) {
    inlay__expression colon = inlay__rules_byte(s->rules, ':', ':');
    value = inlay__rules_sequence(s->rules, inlay__schema_space(s), value);
    return inlay__rules_sequence(s->rules, key, inlay__rules_sequence(s->rules, colon, value));
}

/* Sorts the demands by property, and makes each its pair of name and value. */
static int32_t make_pairs(object_parts *o) {
    inlay__schema *s = o->s;
    uint32_t sum = 0;
    o->members = inlay__arena_alloc(&s->arena, o->n_demands + 1, sizeof *o->members);
    if (o->members == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < o->n_demands; i++)
        o->properties[o->demands[i].property].n++;
    for (size_t i = 0; i < o->n; i++) {
        o->properties[i].first = sum;
        sum += o->properties[i].n;
        o->properties[i].n = 0;
    }
    for (size_t i = 0; i < o->n_demands; i++) {
        property *p = &o->properties[o->demands[i].property];
        o->members[p->first + p->n++] = o->demands[i].member;
    }
    for (size_t i = 0; i < o->n; i++) {
        property *p = &o->properties[i];
        inlay__expression value;
        INLAY__TRY(inlay__schema_call(s, o->members + p->first, p->n, &value));
        p->pair = pair_of(s, inlay__schema_quoted(s, p->name->text, p->name->size), value);
    }
    return INLAY_OK;
}

static int32_t make_other_key(object_parts *o, inlay__expression *key) {
    inlay__schema *s = o->s;
    if (o->pattern != NULL) {
        inlay__expression quote = inlay__rules_byte(s->rules, '"', '"'), inner;
        INLAY__TRY(inlay__ecma_parse(&s->tree, o->pattern->text, o->pattern->size));
        INLAY__TRY(inlay__ecma_resolve(&s->tree, true));
        INLAY__TRY(inlay__regex_expression(s->rules, &s->tree, true, 0, INLAY__RULES_NO_END, &inner));
        *key = inlay__rules_sequence(s->rules, quote, inlay__rules_sequence(s->rules, inner, quote));
        return INLAY_OK;
    }
    if (o->n_keys > 0) {
        o->keys[o->n_keys] = (inlay__schema_member){0, INLAY__SCHEMA_KEY};
        return inlay__schema_call(s, o->keys, o->n_keys + 1, key);
    }
    if (o->n == 0) return *key = inlay__schema_common(s, INLAY__SCHEMA_STRING), INLAY_OK;
    inlay__schema_name *names = inlay__arena_alloc(&s->arena, o->n, sizeof *names);
    if (names == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < o->n; i++)
        names[i] = (inlay__schema_name){o->properties[i].name->text, o->properties[i].name->size};
    return inlay__schema_other_key(s, names, o->n, key);
}

/* Properties without a name, each as a pair; NEVER where there may be none. */
static int32_t make_other(object_parts *o, inlay__expression *pair) {
    inlay__expression key, value;
    *pair = INLAY__NEVER;
    if (o->is_closed || !(o->has_others || o->is_free || o->pattern != NULL)) return INLAY_OK;
    INLAY__TRY(make_other_key(o, &key));
    INLAY__TRY(inlay__schema_call(o->s, o->others, o->n_others, &value));
    *pair = pair_of(o->s, key, value);
    return INLAY_OK;
}

/* ------------------------------------------------------------------------ counts */

typedef struct counts {
    uint32_t most_others; /* INLAY__RULES_NO_END: any number */
    bool is_never, needs_one;
} counts;

static int32_t refuse(object_parts *o, const char *keyword, const char *what) {
    return inlay__schema_fail(o->s, INLAY_ERR_UNSUPPORTED, &o->s->json.nodes[o->facts->set->members[0].node], keyword,
                              what);
}

/* minProperties and maxProperties, where what is required and what is named decides them: other properties may come
 * twice, and then count once. */
static int32_t find_counts(object_parts *o, bool has_other, counts *c) {
    uint32_t least = o->facts->least_properties, most = o->facts->most_properties, n = (uint32_t)o->n, n_required = 0;
    for (size_t i = 0; i < o->n; i++)
        n_required += o->properties[i].is_required;
    *c = (counts){.most_others = most == UINT32_MAX ? INLAY__RULES_NO_END : most - n_required};
    c->is_never = least > most || n_required > most || (!has_other && least > n);
    if (c->is_never) return INLAY_OK;
    if (most == n_required) { /* no room for what is not required */
        for (size_t i = 0; i < o->n; i++)
            if (!o->properties[i].is_required) o->properties[i].pair = INLAY__NEVER;
    } else if (has_other ? most != UINT32_MAX && n_required < n : most < n) {
        return refuse(o, "maxProperties",
                      "expected one that leaves room for all properties, or for none but the required");
    }
    if (least <= n_required) return INLAY_OK;
    c->needs_one = least == 1;
    if (!has_other && least == n)
        for (size_t i = 0; i < o->n; i++)
            o->properties[i].is_required = true;
    else if (least > 1)
        return refuse(o, "minProperties", "expected at most the number of required properties, or 1, or all");
    return INLAY_OK;
}

/* --------------------------------------------------------------------- the whole */

static inlay__expression by_rule(inlay__schema *s, inlay__expression e) {
    if (s->rules->status != INLAY_OK || s->rules->nodes[e].size <= 1) return e;
    uint32_t rule = inlay__rules_add(s->rules, NULL, 0);
    inlay__rules_set(s->rules, rule, e);
    return inlay__rules_call(s->rules, rule);
}

/* From the last to the first. `behind`: what may follow when something was written already. `all`: when nothing was:
 * the first that is there is one of those up to the first that is required. */
static inlay__expression join(object_parts *o, const counts *c, inlay__expression other) {
    inlay__schema *s = o->s;
    inlay__rules *rules = s->rules;
    inlay__expression next = inlay__schema_next(s, other);
    inlay__expression behind = inlay__rules_repeat(rules, next, 0, c->most_others);
    size_t n_optional = 0;
    while (n_optional < o->n && !o->properties[n_optional].is_required)
        n_optional++;
    bool has_end = n_optional == o->n; /* none need be there */
    uint32_t more = c->most_others == INLAY__RULES_NO_END || c->most_others == 0 ? c->most_others : c->most_others - 1;
    inlay__expression all = INLAY__NEVER;
    if (has_end && c->most_others > 0)
        all = inlay__rules_sequence(rules, other, inlay__rules_repeat(rules, next, 0, more));
    for (size_t i = o->n; i-- > 0;) {
        const property *p = &o->properties[i];
        bool is_first = i <= n_optional; /* it may be the first that is written */
        if (is_first && n_optional > 0) behind = by_rule(s, behind);
        inlay__expression first = inlay__rules_sequence(rules, p->pair, behind);
        if (is_first) all = p->is_required ? first : inlay__rules_choice(rules, first, all);
        inlay__expression one = inlay__schema_next(s, p->pair);
        if (!p->is_required) one = inlay__rules_choice(rules, one, INLAY__EMPTY);
        behind = inlay__rules_sequence(rules, one, behind);
        if (!p->is_required && o->n > MOST_INLINE) behind = by_rule(s, behind);
    }
    return inlay__schema_enclosed(s, "{}", all, has_end && !c->needs_one);
}

static int32_t write_object(object_parts *o, inlay__expression *e) {
    inlay__expression other;
    counts c;
    INLAY__TRY(read_all(o));
    INLAY__TRY(make_pairs(o));
    INLAY__TRY(make_other(o, &other));
    INLAY__TRY(find_counts(o, other != INLAY__NEVER, &c));
    if (c.is_never) return INLAY_OK;
    *e = join(o, &c, other);
    return o->s->rules->status;
}

int32_t inlay__schema_object(inlay__schema *s, const inlay__schema_facts *facts, inlay__expression *e) {
    object_parts o = {.s = s, .facts = facts, .is_free = true};
    int32_t status = write_object(&o, e);
    inlay__hash_map_free(s->sys, &o.names);
    inlay__free(s->sys, o.demands, o.demand_capacity * sizeof *o.demands);
    inlay__free(s->sys, o.properties, o.capacity * sizeof *o.properties);
    return status;
}
