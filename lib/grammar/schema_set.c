/* Sets of schemas that hold together, and their rules. */
#include "grammar/schema_reader.h"

enum { MOST_SETS = 1 << 16 };

/* --------------------------------------------------------------------- members */

/* A member on its way into a set, and what brought it. */
typedef struct link {
    inlay__schema_member member;
    uint32_t parent; /* number of a link; UINT32_MAX: none */
    bool is_kept;
} link;

typedef struct gathering {
    link *links;
    size_t n, capacity, n_kept;
} gathering;

static int32_t add(inlay__schema *s, gathering *g, const inlay__json_node *node, uint32_t part, uint32_t parent) {
    INLAY__TRY(inlay__schema_work(s, 1));
    INLAY__TRY(inlay__grow(s->sys, (void **)&g->links, &g->capacity, g->n + 1, sizeof *g->links));
    g->links[g->n++] = (link){{inlay__schema_number_of(s, node), part}, parent, false};
    return INLAY_OK;
}

/* Whether a schema was met on the way that led to the link. */
static int32_t check_circle(inlay__schema *s, const gathering *g, uint32_t at) {
    uint32_t node = g->links[at].member.node;
    for (uint32_t i = g->links[at].parent; i != UINT32_MAX; i = g->links[i].parent) {
        INLAY__TRY(inlay__schema_work(s, 1));
        if (g->links[i].member.node == node)
            return inlay__schema_fail(s, INLAY_ERR_FORMAT, &s->json.nodes[node], "$ref",
                                      "it leads back to itself and says nothing else");
    }
    return INLAY_OK;
}

/* What a schema brings with it. */
static int32_t expand(inlay__schema *s, gathering *g, uint32_t at, bool *is_never) {
    const inlay__json_node *schema = &s->json.nodes[g->links[at].member.node];
    if (schema->kind == INLAY__JSON_TRUE) return INLAY_OK;
    if (schema->kind == INLAY__JSON_FALSE) return *is_never = true, INLAY_OK;
    if (schema->kind != INLAY__JSON_OBJECT)
        return inlay__schema_fail(s, INLAY_ERR_FORMAT, schema, "schema", "expected an object, true or false");
    INLAY__TRY(inlay__schema_work(s, schema->n_children));
    INLAY__TRY(add(s, g, schema, INLAY__SCHEMA_PLAIN, at));
    const inlay__json_node *ref = inlay__json_get(&s->json, schema, "$ref"), *target;
    if (ref != NULL) {
        INLAY__TRY(inlay__schema_resolve(s, schema, ref, &target));
        INLAY__TRY(add(s, g, target, INLAY__SCHEMA_WHOLE, at));
    }
    const inlay__json_node *all_of = inlay__json_get(&s->json, schema, "allOf");
    if (all_of != NULL) {
        if (all_of->kind != INLAY__JSON_ARRAY)
            return inlay__schema_fail(s, INLAY_ERR_FORMAT, schema, "allOf", "expected an array of schemas");
        const inlay__json_node *part = inlay__json_first(all_of);
        for (uint32_t i = 0; i < all_of->n_children; i++, part = inlay__json_next(&s->json, part))
            INLAY__TRY(add(s, g, part, INLAY__SCHEMA_WHOLE, at));
    }
    if (inlay__json_get(&s->json, schema, "anyOf") != NULL) INLAY__TRY(add(s, g, schema, INLAY__SCHEMA_ANY_OF, at));
    if (inlay__json_get(&s->json, schema, "oneOf") != NULL) INLAY__TRY(add(s, g, schema, INLAY__SCHEMA_ONE_OF, at));
    return INLAY_OK;
}

static int32_t gather(inlay__schema *s, gathering *g, inlay__schema_set *set, bool *is_never) {
    bool is_key = false;
    s->round++;
    for (uint32_t i = 0; i < g->n; i++) {
        inlay__schema_member member = g->links[i].member;
        bool is_met = false;
        if (member.part == INLAY__SCHEMA_KEY) {
            is_met = is_key;
            is_key = true;
        } else {
            uint32_t *mark = &s->marks[member.part][member.node];
            is_met = *mark == s->round;
            *mark = s->round;
        }
        if (member.part == INLAY__SCHEMA_WHOLE) {
            if (is_met) INLAY__TRY(check_circle(s, g, i));
            if (!is_met) INLAY__TRY(expand(s, g, i, is_never));
            continue;
        }
        g->links[i].is_kept = !is_met;
        g->n_kept += !is_met;
    }
    set->members = inlay__arena_alloc(&s->arena, g->n_kept + 1, sizeof *set->members);
    if (set->members == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < g->n; i++)
        if (g->links[i].is_kept) set->members[set->n++] = g->links[i].member;
    return INLAY_OK;
}

int32_t inlay__schema_gather(inlay__schema *s, const inlay__schema_member *members, size_t n, inlay__schema_set *set,
                             bool *is_never) {
    gathering g = {.n = 0};
    int32_t status = INLAY_OK;
    *is_never = false;
    for (size_t i = 0; i < n && status == INLAY_OK; i++)
        status = add(s, &g, &s->json.nodes[members[i].node], members[i].part, UINT32_MAX);
    if (status == INLAY_OK) status = gather(s, &g, set, is_never);
    inlay__free(s->sys, g.links, g.capacity * sizeof *g.links);
    return status;
}

/* ----------------------------------------------------------------------- rules */

/* Sets are equal whatever the order of their members. */
static uint64_t hash_of(const inlay__schema_set *set) {
    uint64_t sum = set->n;
    for (uint32_t i = 0; i < set->n; i++) {
        uint64_t h = ((uint64_t)set->members[i].node << 3 | set->members[i].part) * 0x9e3779b97f4a7c15u;
        sum += (h ^ h >> 29) * 0xbf58476d1ce4e5b9u;
    }
    return sum ^ sum >> 32;
}

/* Both have no member twice. */
static bool same_set(inlay__schema *s, const inlay__schema_set *a, const inlay__schema_set *b) {
    if (a->hash != b->hash || a->n != b->n) return false;
    uint32_t n_keys = 0;
    s->round++;
    for (uint32_t i = 0; i < a->n; i++) {
        inlay__schema_member member = a->members[i];
        if (member.part == INLAY__SCHEMA_KEY)
            n_keys++;
        else
            s->marks[member.part][member.node] = s->round;
    }
    for (uint32_t i = 0; i < b->n; i++) {
        inlay__schema_member member = b->members[i];
        if (member.part == INLAY__SCHEMA_KEY)
            n_keys++;
        else if (s->marks[member.part][member.node] != s->round)
            return false;
    }
    return n_keys != 1;
}

static int32_t grow_table(inlay__schema *s) {
    size_t n = s->table_size == 0 ? 64 : 2 * s->table_size;
    uint32_t *table = inlay__alloc_array(s->sys, n, sizeof *table);
    if (table == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < s->n_sets; i++) {
        size_t slot = (size_t)s->sets[i].hash & (n - 1);
        while (table[slot] != 0)
            slot = (slot + 1) & (n - 1);
        table[slot] = (uint32_t)i + 1;
    }
    inlay__free(s->sys, s->table, s->table_size * sizeof *table);
    s->table = table;
    s->table_size = n;
    return INLAY_OK;
}

static int32_t find_rule(inlay__schema *s, inlay__schema_set *set, uint32_t *rule) {
    if (2 * (s->n_sets + 1) > s->table_size) INLAY__TRY(grow_table(s));
    set->hash = hash_of(set);
    size_t slot = (size_t)set->hash & (s->table_size - 1);
    for (; s->table[slot] != 0; slot = (slot + 1) & (s->table_size - 1)) {
        const inlay__schema_set *other = &s->sets[s->table[slot] - 1];
        INLAY__TRY(inlay__schema_work(s, 1 + set->n));
        if (same_set(s, other, set)) return *rule = other->rule, INLAY_OK;
    }
    if (s->n_sets == MOST_SETS)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "the schema makes more than %d different rules", MOST_SETS);
    INLAY__TRY(inlay__grow(s->sys, (void **)&s->sets, &s->set_capacity, s->n_sets + 1, sizeof *s->sets));
    *rule = set->rule = inlay__rules_add(s->rules, NULL, 0);
    s->sets[s->n_sets++] = *set;
    s->table[slot] = (uint32_t)s->n_sets;
    return s->rules->status;
}

int32_t inlay__schema_call(inlay__schema *s, const inlay__schema_member *members, size_t n, inlay__expression *e) {
    inlay__schema_set set = {.n = 0};
    bool is_never;
    uint32_t rule = 0;
    *e = INLAY__NEVER;
    INLAY__TRY(inlay__schema_gather(s, members, n, &set, &is_never));
    if (is_never) return INLAY_OK;
    *e = inlay__schema_common(s, INLAY__SCHEMA_VALUE);
    if (set.n == 0) return INLAY_OK;
    INLAY__TRY(find_rule(s, &set, &rule));
    *e = inlay__rules_call(s->rules, rule);
    return s->rules->status;
}
