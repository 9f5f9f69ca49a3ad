/* Arrays: prefixItems, items, minItems, maxItems. */
#include "grammar/schema_reader.h"

typedef struct array_parts {
    inlay__schema *s;
    const inlay__schema_facts *facts;
    inlay__schema_member *members; /* [set->n] room for those of one item */
    uint32_t n_first;              /* items that some prefixItems has */
    uint32_t most;
} array_parts;

static int32_t read_lists(array_parts *a) {
    inlay__schema *s = a->s;
    const inlay__schema_set *set = a->facts->set;
    for (uint32_t i = 0; i < set->n; i++) {
        if (set->members[i].part != INLAY__SCHEMA_PLAIN) continue;
        const inlay__json_node *schema = &s->json.nodes[set->members[i].node];
        const inlay__json_node *first = inlay__json_get(&s->json, schema, "prefixItems");
        const inlay__json_node *items = inlay__json_get(&s->json, schema, "items");
        if (items != NULL && items->kind == INLAY__JSON_ARRAY)
            return inlay__schema_fail(s, INLAY_ERR_UNSUPPORTED, schema, "items",
                                      "expected one schema; a schema for each item is written prefixItems");
        if (first == NULL) continue;
        if (first->kind != INLAY__JSON_ARRAY)
            return inlay__schema_fail(s, INLAY_ERR_FORMAT, schema, "prefixItems", "expected an array of schemas");
        if (first->n_children > a->n_first) a->n_first = first->n_children;
        /* What is listed is meant to be all, unless more items are asked for. */
        bool is_all = items == NULL && a->facts->least_items <= first->n_children;
        if (is_all && first->n_children < a->most) a->most = first->n_children;
    }
    return INLAY_OK;
}

/* Item number `index`; n_first: any of those behind. */
static int32_t make_item(array_parts *a, uint32_t index, inlay__expression *e) {
    inlay__schema *s = a->s;
    const inlay__schema_set *set = a->facts->set;
    uint32_t n = 0;
    for (uint32_t i = 0; i < set->n; i++) {
        if (set->members[i].part != INLAY__SCHEMA_PLAIN) continue;
        const inlay__json_node *schema = &s->json.nodes[set->members[i].node];
        const inlay__json_node *first = inlay__json_get(&s->json, schema, "prefixItems");
        const inlay__json_node *items = inlay__json_get(&s->json, schema, "items");
        bool is_listed = first != NULL && index < first->n_children;
        INLAY__TRY(inlay__schema_work(s, schema->n_children + (is_listed ? index : 0)));
        const inlay__json_node *item = is_listed ? inlay__json_at(&s->json, first, index) : items;
        if (item == NULL) continue;
        a->members[n++] = (inlay__schema_member){inlay__schema_number_of(s, item), INLAY__SCHEMA_WHOLE};
    }
    return inlay__schema_call(s, a->members, n, e);
}

/* Items behind those of prefixItems, the first of them first in the array or not. */
static int32_t make_rest(array_parts *a, uint32_t n_first, inlay__expression *all) {
    inlay__rules *rules = a->s->rules;
    inlay__expression item;
    INLAY__TRY(make_item(a, a->n_first, &item));
    uint32_t least = a->facts->least_items, from = least > n_first ? least - n_first : 0;
    uint32_t to = a->most == UINT32_MAX ? INLAY__RULES_NO_END : a->most - n_first;
    inlay__expression next = inlay__schema_next(a->s, item);
    if (n_first > 0) return *all = inlay__rules_repeat(rules, next, from, to), rules->status;
    to -= to != INLAY__RULES_NO_END;
    *all = inlay__rules_sequence(rules, item, inlay__rules_repeat(rules, next, from > 0 ? from - 1 : 0, to));
    return rules->status;
}

/* From the last to the first: each with what comes after it, which may be missing where so few are enough. */
static int32_t make_items(array_parts *a, inlay__expression *all) {
    inlay__rules *rules = a->s->rules;
    uint32_t least = a->facts->least_items, n_first = a->n_first < a->most ? a->n_first : a->most;
    *all = least > n_first || n_first == 0 ? INLAY__NEVER : INLAY__EMPTY;
    if (a->most > n_first) INLAY__TRY(make_rest(a, n_first, all));
    for (uint32_t i = n_first; i-- > 0;) {
        inlay__expression item;
        INLAY__TRY(make_item(a, i, &item));
        *all = inlay__rules_sequence(rules, i > 0 ? inlay__schema_next(a->s, item) : item, *all);
        if (i > 0 && i >= least) *all = inlay__rules_choice(rules, *all, INLAY__EMPTY);
    }
    return rules->status;
}

int32_t inlay__schema_array(inlay__schema *s, const inlay__schema_facts *facts, inlay__expression *e) {
    array_parts a = {.s = s, .facts = facts, .most = facts->most_items};
    INLAY__TRY(read_lists(&a));
    a.members = inlay__arena_alloc(&s->arena, facts->set->n + 1, sizeof *a.members);
    if (a.members == NULL) return INLAY_ERR_MEMORY;
    inlay__expression items;
    if (facts->least_items > a.most) return INLAY_OK;
    INLAY__TRY(make_items(&a, &items));
    *e = inlay__schema_enclosed(s, "[]", items, facts->least_items == 0);
    return s->rules->status;
}
