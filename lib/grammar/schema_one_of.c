/* Whether the branches of a oneOf exclude each other, in the texts that are made of them.
 *
 * Two branches do when their types differ, or their constants, or those of a property that must be there; or when each
 * asks for a property that the other never writes. */
#include "grammar/schema_reader.h"

enum { MOST_BRANCHES = 256 };

/* ------------------------------------------------------------------- two values */

typedef struct value_facts {
    uint32_t kinds;                 /* that are valid */
    uint32_t made;                  /* that are made of them */
    const inlay__json_node *values; /* a list of enum, or a const */
    bool is_const;
} value_facts;

/* What types and constants say; less than they do only makes fewer branches exclude each other. */
static int32_t read_values(inlay__schema *s, const inlay__schema_set *set, value_facts *facts) {
    *facts = (value_facts){.kinds = INLAY__IS_ANY};
    inlay__schema_facts all;
    INLAY__TRY(inlay__schema_read_facts(s, set, &all));
    if (all.has_type) facts->kinds = all.kinds;
    facts->made = all.kinds;
    for (uint32_t i = 0; i < set->n; i++)
        if (set->members[i].part != INLAY__SCHEMA_PLAIN) facts->made = facts->kinds; /* which may bring a type */
    facts->values = all.values;
    facts->is_const = all.is_const;
    if (all.values == NULL) return INLAY_OK;
    uint32_t kinds = 0, n = all.is_const ? 1 : all.values->n_children;
    const inlay__json_node *value = all.is_const ? all.values : inlay__json_first(all.values);
    for (uint32_t i = 0; i < n; i++, value = inlay__json_next(&s->json, value))
        kinds |= inlay__schema_kind(value);
    facts->kinds &= kinds;
    facts->made &= kinds;
    return INLAY_OK;
}

/* Kinds of what is made of one and valid for the other. */
static uint32_t common_kinds(const value_facts *a, const value_facts *b) {
    return (a->made & b->kinds) | (a->kinds & b->made);
}

static int32_t values_differ(inlay__schema *s, const inlay__schema_set *a, const inlay__schema_set *b, bool *differ) {
    value_facts x, y;
    INLAY__TRY(read_values(s, a, &x));
    INLAY__TRY(read_values(s, b, &y));
    *differ = common_kinds(&x, &y) == 0;
    if (*differ || x.values == NULL || y.values == NULL) return INLAY_OK;
    *differ = true;
    uint32_t n = x.is_const ? 1 : x.values->n_children, m = y.is_const ? 1 : y.values->n_children;
    const inlay__json_node *one = x.is_const ? x.values : inlay__json_first(x.values);
    for (uint32_t i = 0; i < n && *differ; i++, one = inlay__json_next(&s->json, one)) {
        const inlay__json_node *other = y.is_const ? y.values : inlay__json_first(y.values);
        INLAY__TRY(inlay__schema_work(s, m));
        for (uint32_t k = 0; k < m && *differ; k++, other = inlay__json_next(&s->json, other))
            *differ = inlay__schema_differ(s, one, other);
    }
    return INLAY_OK;
}

/* ------------------------------------------------------------------ two objects */

static const inlay__json_node *schema_of(const inlay__schema *s, const inlay__schema_set *set, uint32_t i) {
    return set->members[i].part == INLAY__SCHEMA_PLAIN ? &s->json.nodes[set->members[i].node] : NULL;
}

/* `properties` and `required` of a member; NULL where there are none, or something else. */
static const inlay__json_node *properties_of(const inlay__schema *s, const inlay__schema_set *set, uint32_t i) {
    const inlay__json_node *properties = inlay__json_get(&s->json, schema_of(s, set, i), "properties");
    return properties != NULL && properties->kind == INLAY__JSON_OBJECT ? properties : NULL;
}

static const inlay__json_node *required_of(const inlay__schema *s, const inlay__schema_set *set, uint32_t i) {
    const inlay__json_node *required = inlay__json_get(&s->json, schema_of(s, set, i), "required");
    return required != NULL && required->kind == INLAY__JSON_ARRAY ? required : NULL;
}

/* The one of a list, or of an object's keys (step 2), that is this text; NULL: there is none. */
static const inlay__json_node *find_text(const inlay__schema *s, const inlay__json_node *list,
                                         const inlay__json_node *text, uint32_t step) {
    const inlay__json_node *one = list != NULL ? inlay__json_first(list) : NULL;
    for (uint32_t i = 0; list != NULL && i < list->n_children; i++, one = inlay__json_next(&s->json, one))
        if (i % step == 0 && one->kind == INLAY__JSON_STRING && one->size == text->size &&
            memcmp(one->text, text->text, text->size) == 0)
            return one;
    return NULL;
}

static int32_t requires(inlay__schema *s, const inlay__schema_set *set, const inlay__json_node *name, bool *found) {
    for (uint32_t i = 0; i < set->n && !*found; i++) {
        const inlay__json_node *required = required_of(s, set, i);
        if (required == NULL) continue;
        INLAY__TRY(inlay__schema_work(s, required->n_children));
        *found = find_text(s, required, name, 1) != NULL;
    }
    return INLAY_OK;
}

/* What the schemas of a set say of a property by its name. */
static int32_t property_of(inlay__schema *s, const inlay__schema_set *set, const inlay__json_node *name,
                           inlay__schema_set *property, bool *is_never) {
    inlay__schema_member *members = inlay__arena_alloc(&s->arena, set->n + 1, sizeof *members);
    uint32_t n = 0;
    if (members == NULL) return INLAY_ERR_MEMORY;
    for (uint32_t i = 0; i < set->n; i++) {
        const inlay__json_node *properties = properties_of(s, set, i);
        const inlay__json_node *key = find_text(s, properties, name, 2);
        INLAY__TRY(inlay__schema_work(s, properties != NULL ? properties->n_children : 1));
        if (key == NULL) continue;
        const inlay__json_node *value = inlay__json_next(&s->json, key);
        members[n++] = (inlay__schema_member){inlay__schema_number_of(s, value), INLAY__SCHEMA_WHOLE};
    }
    return inlay__schema_gather(s, members, n, property, is_never);
}

/* A property that must be there, and whose constants or types exclude each other. */
static int32_t properties_differ(inlay__schema *s, const inlay__schema_set *a, const inlay__schema_set *b,
                                 bool *differ) {
    for (uint32_t i = 0; i < a->n && !*differ; i++) {
        const inlay__json_node *properties = properties_of(s, a, i);
        const inlay__json_node *name = properties != NULL ? inlay__json_first(properties) : NULL;
        for (uint32_t k = 0; properties != NULL && k < properties->n_children && !*differ; k += 2) {
            inlay__schema_set x = {.n = 0}, y = {.n = 0};
            bool is_required = false, x_never, y_never;
            INLAY__TRY(requires(s, a, name, &is_required));
            if (!is_required) INLAY__TRY(requires(s, b, name, &is_required));
            if (is_required) {
                INLAY__TRY(property_of(s, a, name, &x, &x_never));
                INLAY__TRY(property_of(s, b, name, &y, &y_never));
                INLAY__TRY(values_differ(s, &x, &y, differ));
                *differ |= x_never || y_never;
            }
            name = inlay__json_next(&s->json, inlay__json_next(&s->json, name));
        }
    }
    return INLAY_OK;
}

/* Whether texts of a set have only the properties that it names. */
static bool is_closed(const inlay__schema *s, const inlay__schema_set *set) {
    bool names_some = false, forbids = false, allows = false;
    for (uint32_t i = 0; i < set->n; i++) {
        const inlay__json_node *schema = schema_of(s, set, i);
        if (schema == NULL) return false; /* an alternative, which may name more */
        const inlay__json_node *additional = inlay__json_get(&s->json, schema, "additionalProperties");
        names_some |= inlay__json_get(&s->json, schema, "properties") != NULL;
        forbids |= additional != NULL && additional->kind == INLAY__JSON_FALSE;
        allows |= additional != NULL && additional->kind != INLAY__JSON_FALSE;
        if (inlay__json_get(&s->json, schema, "patternProperties") != NULL) return false;
    }
    return forbids || (names_some && !allows);
}

static int32_t names(inlay__schema *s, const inlay__schema_set *set, const inlay__json_node *name, bool *found) {
    INLAY__TRY(requires(s, set, name, found));
    for (uint32_t i = 0; i < set->n && !*found; i++) {
        const inlay__json_node *properties = properties_of(s, set, i);
        if (properties == NULL) continue;
        INLAY__TRY(inlay__schema_work(s, properties->n_children));
        *found = find_text(s, properties, name, 2) != NULL;
    }
    return INLAY_OK;
}

/* Whether what is made of `a` lacks a property that `b` requires. */
static int32_t lacks(inlay__schema *s, const inlay__schema_set *a, const inlay__schema_set *b, bool *found) {
    *found = false;
    if (!is_closed(s, a)) return INLAY_OK;
    for (uint32_t i = 0; i < b->n && !*found; i++) {
        const inlay__json_node *required = required_of(s, b, i);
        const inlay__json_node *name = required != NULL ? inlay__json_first(required) : NULL;
        for (uint32_t k = 0; required != NULL && k < required->n_children && !*found; k++) {
            bool is_named = false;
            if (name->kind == INLAY__JSON_STRING) INLAY__TRY(names(s, a, name, &is_named));
            *found = !is_named;
            name = inlay__json_next(&s->json, name);
        }
    }
    return INLAY_OK;
}

/* ------------------------------------------------------------------- the whole */

static int32_t exclude(inlay__schema *s, const inlay__schema_set *a, const inlay__schema_set *b, bool *result) {
    value_facts x, y;
    bool a_lacks, b_lacks;
    INLAY__TRY(values_differ(s, a, b, result));
    if (*result) return INLAY_OK;
    INLAY__TRY(read_values(s, a, &x));
    INLAY__TRY(read_values(s, b, &y));
    if (common_kinds(&x, &y) != INLAY__IS_OBJECT) return INLAY_OK; /* what follows is about objects only */
    INLAY__TRY(properties_differ(s, a, b, result));
    if (!*result) INLAY__TRY(properties_differ(s, b, a, result));
    if (*result) return INLAY_OK;
    INLAY__TRY(lacks(s, a, b, &a_lacks));
    INLAY__TRY(lacks(s, b, a, &b_lacks));
    *result = a_lacks && b_lacks;
    return INLAY_OK;
}

/* A branch with what else holds. */
static int32_t gather_branch(inlay__schema *s, const inlay__schema_set *set, uint32_t at,
                             const inlay__json_node *branch, inlay__schema_set *with_rest, bool *is_never) {
    inlay__schema_member *members = inlay__arena_alloc(&s->arena, set->n, sizeof *members);
    if (members == NULL) return INLAY_ERR_MEMORY;
    INLAY__TRY(inlay__schema_work(s, set->n));
    memcpy(members, set->members, set->n * sizeof *members);
    members[at] = (inlay__schema_member){inlay__schema_number_of(s, branch), INLAY__SCHEMA_WHOLE};
    return inlay__schema_gather(s, members, set->n, with_rest, is_never);
}

int32_t inlay__schema_check_one_of(inlay__schema *s, const inlay__schema_set *set, uint32_t at,
                                   const inlay__json_node *branches) {
    const inlay__json_node *schema = &s->json.nodes[set->members[at].node];
    inlay__schema_set *sets;
    uint32_t n = 0;
    if (branches->n_children > MOST_BRANCHES)
        return inlay__schema_fail(s, INLAY_ERR_UNSUPPORTED, schema, "oneOf", "more than 256 branches");
    sets = inlay__arena_alloc(&s->arena, branches->n_children, sizeof *sets);
    if (sets == NULL) return INLAY_ERR_MEMORY;
    const inlay__json_node *branch = inlay__json_first(branches);
    for (uint32_t i = 0; i < branches->n_children; i++, branch = inlay__json_next(&s->json, branch)) {
        bool is_never;
        INLAY__TRY(gather_branch(s, set, at, branch, &sets[n], &is_never));
        n += !is_never;
    }
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = i + 1; k < n; k++) {
            bool result;
            INLAY__TRY(exclude(s, &sets[i], &sets[k], &result));
            if (!result)
                return inlay__schema_fail(s, INLAY_ERR_UNSUPPORTED, schema, "oneOf",
                                          "two branches may hold at once, as far as types, constants and required "
                                          "properties tell; where that is right, write anyOf");
        }
    return INLAY_OK;
}
