/* From the tree of a regular expression to expressions over bytes. */
#include "grammar/regex.h"

/* ------------------------------------------------------------------ characters */

typedef struct ranges {
    inlay__code_range *items; /* [capacity] */
    size_t n;
} ranges;

static void put_part(ranges *out, inlay__code_range range, uint32_t first, uint32_t last) {
    if (range.first < first) range.first = first;
    if (range.last > last) range.last = last;
    if (range.first <= range.last) out->items[out->n++] = range;
}

static bool holds(const inlay__code_range *items, size_t n, uint32_t code) {
    for (size_t i = 0; i < n && items[i].first <= code; i++)
        if (code <= items[i].last) return true;
    return false;
}

static inlay__expression one_byte(inlay__rules *rules, char c) {
    return inlay__rules_byte(rules, (uint8_t)c, (uint8_t)c);
}

/* \u0000 to \u001f, but for those that have a short escape. */
static inlay__expression long_escapes(inlay__rules *rules, const inlay__code_range *items, size_t n) {
    inlay__expression all = INLAY__NEVER;
    for (uint32_t high = 0; high < 2; high++) {
        inlay__expression digits = INLAY__NEVER;
        for (uint32_t low = 0; low < 16; low++) {
            uint32_t code = high * 16 + low;
            bool is_short = code == '\b' || code == '\f' || code == '\n' || code == '\r' || code == '\t';
            if (is_short || !holds(items, n, code)) continue;
            digits = inlay__rules_choice(rules, digits, one_byte(rules, "0123456789abcdef"[low]));
        }
        digits = inlay__rules_sequence(rules, one_byte(rules, (char)('0' + high)), digits);
        all = inlay__rules_choice(rules, all, digits);
    }
    return all == INLAY__NEVER ? all : inlay__rules_sequence(rules, inlay__rules_text(rules, "u00", 3), all);
}

static inlay__expression escapes(inlay__rules *rules, const inlay__code_range *items, size_t n) {
    static const char codes[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    inlay__expression all = INLAY__NEVER;
    for (size_t i = 0; codes[i] != '\0'; i++)
        if (holds(items, n, (uint8_t)codes[i])) all = inlay__rules_choice(rules, all, one_byte(rules, letters[i]));
    all = inlay__rules_choice(rules, all, long_escapes(rules, items, n));
    return all == INLAY__NEVER ? all : inlay__rules_sequence(rules, one_byte(rules, '\\'), all);
}

inlay__expression inlay__regex_characters(inlay__rules *rules, const inlay__code_range *items, size_t n, bool in_json) {
    if (!in_json) return inlay__rules_characters(rules, items, n);
    ranges raw = {.n = 0};
    size_t capacity = n + 2; /* the quote and the backslash cut at most two ranges */
    raw.items = inlay__alloc_array(rules->sys, capacity, sizeof *raw.items);
    if (raw.items == NULL) {
        if (rules->status == INLAY_OK) rules->status = INLAY_ERR_MEMORY;
        return INLAY__NEVER;
    }
    for (size_t i = 0; i < n; i++) {
        put_part(&raw, items[i], 0x20, '"' - 1);
        put_part(&raw, items[i], '"' + 1, '\\' - 1);
        put_part(&raw, items[i], '\\' + 1, 0x10FFFF);
    }
    inlay__expression all = inlay__rules_characters(rules, raw.items, raw.n);
    inlay__free(rules->sys, raw.items, capacity * sizeof *raw.items);
    return inlay__rules_choice(rules, all, escapes(rules, items, n));
}

/* ------------------------------------------------------------------------ tree */

/* The nodes that the root is made of; the others are what was there with anchors. */
static void mark_parts(const inlay__ecma *tree, uint8_t *is_part) {
    is_part[tree->root] = 1;
    for (size_t i = tree->n_nodes; i-- > 0;) {
        const inlay__ecma_node *node = &tree->nodes[i];
        if (!is_part[i] || node->kind == INLAY__ECMA_EMPTY_TEXT || node->kind == INLAY__ECMA_SET) continue;
        is_part[node->a] = 1;
        if (node->kind != INLAY__ECMA_REPEAT) is_part[node->b] = 1;
    }
}

static inlay__expression make(inlay__rules *rules, const inlay__ecma *tree, const inlay__expression *made, size_t i,
                              bool in_json) {
    const inlay__ecma_node *node = &tree->nodes[i];
    switch ((inlay__ecma_kind)node->kind) {
    case INLAY__ECMA_SET:
        return inlay__regex_characters(rules, tree->sets.items + node->a, node->b, in_json);
    case INLAY__ECMA_SEQUENCE:
        return inlay__rules_sequence(rules, made[node->a], made[node->b]);
    case INLAY__ECMA_CHOICE:
        return inlay__rules_choice(rules, made[node->a], made[node->b]);
    case INLAY__ECMA_REPEAT:
        return inlay__rules_repeat(rules, made[node->a], node->b, node->c);
    default:
        return INLAY__EMPTY;
    }
}

int32_t inlay__regex_expression(inlay__rules *rules, const inlay__ecma *tree, bool in_json, uint32_t least,
                                uint32_t most, inlay__expression *e) {
    const inlay__sys *sys = rules->sys;
    size_t n = tree->n_nodes;
    uint8_t *is_part = inlay__alloc_array(sys, n, 1);
    inlay__expression *made = inlay__alloc_array(sys, n, sizeof *made);
    int32_t status = is_part != NULL && made != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
    if (status == INLAY_OK) {
        mark_parts(tree, is_part);
        for (size_t i = 0; i < n && rules->status == INLAY_OK; i++)
            if (is_part[i]) made[i] = make(rules, tree, made, i, in_json);
        *e = made[tree->root];
        status = rules->status;
        if (status == INLAY_OK && (least > 0 || most != INLAY__RULES_NO_END))
            status = inlay__regex_bounded(rules, tree, made, least, most, e);
    }
    inlay__free(sys, made, n * sizeof *made);
    inlay__free(sys, is_part, n);
    return status;
}

int32_t inlay__regex_rules(inlay__rules *rules, const char *text, size_t size, bool in_json, inlay__expression *e) {
    inlay__ecma tree;
    *e = INLAY__NEVER;
    inlay__ecma_init(&tree, rules->sys);
    int32_t status = inlay__ecma_parse(&tree, text, size);
    if (status == INLAY_OK) status = inlay__ecma_resolve(&tree, in_json);
    if (status == INLAY_OK) status = inlay__regex_expression(rules, &tree, in_json, 0, INLAY__RULES_NO_END, e);
    inlay__ecma_free(&tree);
    return status;
}
