/* The keywords of the schemas of a set, put together. Every keyword that would constrain is named here. */
#include "grammar/exact_decimal.h"
#include "grammar/schema_reader.h"

typedef enum action {
    DO_NOTHING, /* it says nothing about values, or is read elsewhere */
    DO_REFUSE,  /* unless it says nothing: false, {} */
    DO_REFUSE_ALWAYS,
    DO_REFUSE_TRUE,
    DO_REFUSE_FALSE,
    DO_ID,
    DO_TYPE,
    DO_VALUES,
    DO_LEAST, /* a count that is at least so much */
    DO_MOST,
    DO_MINIMUM,
    DO_MAXIMUM,
    DO_ABOVE,
    DO_BELOW,
    DO_MULTIPLE,
    DO_PATTERN,
    DO_FORMAT
} action;

#define FACT(name) offsetof(inlay__schema_facts, name)
static const struct {
    const char *name;
    uint8_t action;
    uint8_t meant; /* the kinds it is about */
    uint8_t fact;  /* a count: where it is kept */
} keywords[] = {
    {"type", DO_TYPE, 0, 0},
    {"enum", DO_VALUES, 0, 0},
    {"const", DO_VALUES, 0, 0},
    {"properties", DO_NOTHING, INLAY__IS_OBJECT, 0},
    {"required", DO_NOTHING, INLAY__IS_OBJECT, 0},
    {"additionalProperties", DO_NOTHING, INLAY__IS_OBJECT, 0},
    {"patternProperties", DO_NOTHING, INLAY__IS_OBJECT, 0},
    {"propertyNames", DO_NOTHING, INLAY__IS_OBJECT, 0},
    {"minProperties", DO_LEAST, INLAY__IS_OBJECT, FACT(least_properties)},
    {"maxProperties", DO_MOST, INLAY__IS_OBJECT, FACT(most_properties)},
    {"items", DO_NOTHING, INLAY__IS_ARRAY, 0},
    {"prefixItems", DO_NOTHING, INLAY__IS_ARRAY, 0},
    {"minItems", DO_LEAST, INLAY__IS_ARRAY, FACT(least_items)},
    {"maxItems", DO_MOST, INLAY__IS_ARRAY, FACT(most_items)},
    {"minLength", DO_LEAST, INLAY__IS_STRING, FACT(least_length)},
    {"maxLength", DO_MOST, INLAY__IS_STRING, FACT(most_length)},
    {"pattern", DO_PATTERN, INLAY__IS_STRING, 0},
    {"format", DO_FORMAT, 0, 0},
    {"minimum", DO_MINIMUM, INLAY__IS_NUMBER, 0},
    {"maximum", DO_MAXIMUM, INLAY__IS_NUMBER, 0},
    {"exclusiveMinimum", DO_ABOVE, INLAY__IS_NUMBER, 0},
    {"exclusiveMaximum", DO_BELOW, INLAY__IS_NUMBER, 0},
    {"multipleOf", DO_MULTIPLE, INLAY__IS_NUMBER, 0},
    {"not", DO_REFUSE_ALWAYS, 0, 0},
    {"if", DO_REFUSE_ALWAYS, 0, 0},
    {"contains", DO_REFUSE_ALWAYS, 0, 0},
    {"$dynamicRef", DO_REFUSE_ALWAYS, 0, 0},
    {"$recursiveRef", DO_REFUSE_ALWAYS, 0, 0},
    {"dependentRequired", DO_REFUSE, 0, 0},
    {"dependentSchemas", DO_REFUSE, 0, 0},
    {"dependencies", DO_REFUSE, 0, 0},
    {"uniqueItems", DO_REFUSE_TRUE, 0, 0},
    {"unevaluatedItems", DO_REFUSE_FALSE, 0, 0},
    {"unevaluatedProperties", DO_REFUSE_FALSE, 0, 0},
    {"$id", DO_ID, 0, 0},
};

uint32_t inlay__schema_kind(const inlay__json_node *value) {
    inlay__exact number;
    switch (value->kind) {
    case INLAY__JSON_NULL:
        return INLAY__IS_NULL;
    case INLAY__JSON_STRING:
        return INLAY__IS_STRING;
    case INLAY__JSON_ARRAY:
        return INLAY__IS_ARRAY;
    case INLAY__JSON_OBJECT:
        return INLAY__IS_OBJECT;
    case INLAY__JSON_NUMBER:
        return inlay__exact_read(value, &number) && inlay__exact_is_integer(&number) ? INLAY__IS_INTEGER
                                                                                     : INLAY__IS_FRACTION;
    default:
        return INLAY__IS_BOOLEAN;
    }
}

/* ----------------------------------------------------------------------- types */

static uint32_t named_kind(const inlay__json_node *name) {
    static const struct {
        const char *name;
        uint32_t kinds;
    } kinds[] = {{"null", INLAY__IS_NULL},     {"boolean", INLAY__IS_BOOLEAN}, {"integer", INLAY__IS_INTEGER},
                 {"number", INLAY__IS_NUMBER}, {"string", INLAY__IS_STRING},   {"array", INLAY__IS_ARRAY},
                 {"object", INLAY__IS_OBJECT}};
    for (size_t i = 0; i < INLAY__COUNT(kinds); i++)
        if (inlay__json_equals(name, kinds[i].name)) return kinds[i].kinds;
    return 0;
}

static int32_t read_type(inlay__schema *s, const inlay__json_node *schema, const inlay__json_node *value,
                         inlay__schema_facts *facts) {
    bool is_list = value->kind == INLAY__JSON_ARRAY;
    const inlay__json_node *name = is_list ? inlay__json_first(value) : value;
    uint32_t kinds = 0;
    for (uint32_t i = 0; i < (is_list ? value->n_children : 1); i++, name = inlay__json_next(&s->json, name)) {
        uint32_t one = named_kind(name);
        if (one == 0)
            return inlay__schema_fail(
                s, INLAY_ERR_FORMAT, schema, "type",
                "expected null, boolean, integer, number, string, array, object, or a list of them");
        kinds |= one;
    }
    facts->kinds &= kinds;
    facts->has_type = true;
    return INLAY_OK;
}

/* ---------------------------------------------------------------------- counts */

/* Counts at or above 2^32 - 1 are no end. */
static int32_t read_count(inlay__schema *s, const inlay__json_node *schema, const char *keyword,
                          const inlay__json_node *value, uint32_t *count) {
    inlay__exact number;
    if (value->kind != INLAY__JSON_NUMBER || !inlay__exact_read(value, &number) || number.negative ||
        !inlay__exact_is_integer(&number))
        return inlay__schema_fail(s, INLAY_ERR_FORMAT, schema, keyword, "expected a whole number that is not negative");
    uint64_t n = 0;
    for (int32_t place = number.point; place-- > 0 && n < UINT32_MAX;)
        n = n * 10 + (uint64_t)(inlay__exact_digit(&number, place) - '0');
    *count = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    return INLAY_OK;
}

static int32_t put_count(inlay__schema *s, const inlay__json_node *schema, size_t keyword,
                         const inlay__json_node *value, inlay__schema_facts *facts) {
    uint32_t count = 0, *fact = (uint32_t *)(void *)((char *)facts + keywords[keyword].fact);
    INLAY__TRY(read_count(s, schema, keywords[keyword].name, value, &count));
    if (keywords[keyword].action == DO_MOST) {
        if (count < *fact) *fact = count;
        return INLAY_OK;
    }
    if (count == UINT32_MAX)
        return inlay__schema_fail(s, INLAY_ERR_UNSUPPORTED, schema, keywords[keyword].name, "it is too large");
    if (count > *fact) *fact = count;
    return INLAY_OK;
}

/* --------------------------------------------------------------------- numbers */

/* Keeps the bound that is the tighter. */
static int32_t put_bound(inlay__schema *s, const inlay__json_node *schema, const char *keyword,
                         const inlay__json_node *value, bool is_open, bool is_most, inlay__schema_facts *facts) {
    const inlay__json_node **kept = is_most ? &facts->most : &facts->least;
    bool *kept_open = is_most ? &facts->below_most : &facts->above_least;
    inlay__exact number, other;
    if (value->kind != INLAY__JSON_NUMBER)
        return inlay__schema_fail(s, INLAY_ERR_FORMAT, schema, keyword, "expected a number");
    if (!inlay__exact_read(value, &number))
        return inlay__schema_fail(s, INLAY_ERR_UNSUPPORTED, schema, keyword, "it has too many digits");
    int order = 1;
    if (*kept != NULL) {
        inlay__exact_read(*kept, &other);
        order = inlay__exact_compare(&number, &other) * (is_most ? -1 : 1);
    }
    if (order > 0) *kept_open = is_open;
    if (order == 0) *kept_open |= is_open;
    if (order > 0) *kept = value;
    return INLAY_OK;
}

/* A value of which a set can have one only. */
static int32_t put_only(inlay__schema *s, const inlay__json_node *schema, const char *keyword,
                        const inlay__json_node *value, inlay__json_kind kind, const inlay__json_node **kept) {
    if (value->kind != kind)
        return inlay__schema_fail(s, INLAY_ERR_FORMAT, schema, keyword,
                                  kind == INLAY__JSON_STRING ? "expected a text" : "expected a number");
    if (*kept != NULL && !inlay__schema_same(s, *kept, value))
        return inlay__schema_fail(s, INLAY_ERR_UNSUPPORTED, schema, keyword, "two of them for one value");
    *kept = value;
    return INLAY_OK;
}

/* ------------------------------------------------------------------- the whole */

static int32_t refuse(inlay__schema *s, const inlay__json_node *schema, const char *keyword) {
    return inlay__schema_fail(s, INLAY_ERR_UNSUPPORTED, schema, keyword, "the keyword is not supported");
}

static int32_t read_values(inlay__schema *s, const inlay__json_node *schema, const char *keyword,
                           const inlay__json_node *value, inlay__schema_facts *facts) {
    if (keyword[0] == 'e' && value->kind != INLAY__JSON_ARRAY)
        return inlay__schema_fail(s, INLAY_ERR_FORMAT, schema, keyword, "expected an array");
    if (facts->values == NULL || keyword[0] == 'c') {
        facts->values = value;
        facts->is_const = keyword[0] == 'c';
    }
    facts->n_value_keywords++;
    return INLAY_OK;
}

static int32_t read_keyword(inlay__schema *s, const inlay__json_node *schema, size_t keyword,
                            const inlay__json_node *value, inlay__schema_facts *facts) {
    const char *name = keywords[keyword].name;
    facts->meant |= keywords[keyword].meant;
    switch ((action)keywords[keyword].action) {
    case DO_REFUSE_ALWAYS:
        return refuse(s, schema, name);
    case DO_REFUSE:
        return value->kind == INLAY__JSON_OBJECT && value->n_children == 0 ? INLAY_OK : refuse(s, schema, name);
    case DO_REFUSE_TRUE:
        return value->kind == INLAY__JSON_FALSE ? INLAY_OK : refuse(s, schema, name);
    case DO_REFUSE_FALSE:
        return value->kind == INLAY__JSON_TRUE ? INLAY_OK : refuse(s, schema, name);
    case DO_ID:
        return schema == s->json.nodes ? INLAY_OK : refuse(s, schema, name);
    case DO_TYPE:
        return read_type(s, schema, value, facts);
    case DO_VALUES:
        return read_values(s, schema, name, value, facts);
    case DO_LEAST:
    case DO_MOST:
        return put_count(s, schema, keyword, value, facts);
    case DO_MINIMUM:
        return put_bound(s, schema, name, value, false, false, facts);
    case DO_MAXIMUM:
        return put_bound(s, schema, name, value, false, true, facts);
    case DO_ABOVE:
        return put_bound(s, schema, name, value, true, false, facts);
    case DO_BELOW:
        return put_bound(s, schema, name, value, true, true, facts);
    case DO_MULTIPLE:
        return put_only(s, schema, name, value, INLAY__JSON_NUMBER, &facts->multiple);
    case DO_PATTERN:
        return put_only(s, schema, name, value, INLAY__JSON_STRING, &facts->pattern);
    case DO_FORMAT:
        if (inlay__schema_is_format(value)) facts->meant |= INLAY__IS_STRING;
        return put_only(s, schema, name, value, INLAY__JSON_STRING, &facts->format);
    default:
        return INLAY_OK;
    }
}

int32_t inlay__schema_read_facts(inlay__schema *s, const inlay__schema_set *set, inlay__schema_facts *facts) {
    *facts = (inlay__schema_facts){.set = set,
                                   .kinds = INLAY__IS_ANY,
                                   .most_length = UINT32_MAX,
                                   .most_items = UINT32_MAX,
                                   .most_properties = UINT32_MAX};
    for (uint32_t i = 0; i < set->n; i++) {
        if (set->members[i].part == INLAY__SCHEMA_KEY) {
            facts->kinds &= INLAY__IS_STRING;
            facts->has_type = true;
        }
        if (set->members[i].part != INLAY__SCHEMA_PLAIN) continue;
        const inlay__json_node *schema = &s->json.nodes[set->members[i].node], *key = inlay__json_first(schema);
        INLAY__TRY(inlay__schema_work(s, schema->n_children));
        for (uint32_t k = 0; k < schema->n_children; k += 2) {
            const inlay__json_node *value = inlay__json_next(&s->json, key);
            for (size_t n = 0; n < INLAY__COUNT(keywords); n++)
                if (inlay__json_equals(key, keywords[n].name)) INLAY__TRY(read_keyword(s, schema, n, value, facts));
            key = inlay__json_next(&s->json, value);
        }
    }
    /* Without a type, what the keywords are about is meant. */
    if (!facts->has_type && facts->meant != 0 && facts->values == NULL) facts->kinds = facts->meant;
    return INLAY_OK;
}
