/* A grammar while it is written. */
#include "grammar/rules.h"

#include "base/utf8.h"

/* Repetitions that would take more positions than this are made of rules. */
enum { MOST_INLINE = 8192 };

/* ---------------------------------------------------------------- expressions */

void inlay__rules_init(inlay__rules *rules, const inlay__sys *sys) {
    *rules = (inlay__rules){.sys = sys};
    rules->status =
        inlay__grow(sys, (void **)&rules->nodes, &rules->node_capacity, 256, sizeof *rules->nodes);
    if (rules->status != INLAY_OK) return;
    rules->nodes[INLAY__EMPTY] = (inlay__expression_node){.kind = INLAY__EXPRESSION_EMPTY};
    rules->nodes[INLAY__NEVER] = (inlay__expression_node){.kind = INLAY__EXPRESSION_NEVER};
    rules->n_nodes = 2;
}

void inlay__rules_free(inlay__rules *rules) {
    inlay__free(rules->sys, rules->nodes, rules->node_capacity * sizeof *rules->nodes);
    inlay__free(rules->sys, rules->rules, rules->rule_capacity * sizeof *rules->rules);
    rules->nodes = NULL;
    rules->rules = NULL;
}

static bool failed(inlay__rules *rules, int32_t status) {
    if (rules->status == INLAY_OK) rules->status = status;
    return rules->status != INLAY_OK;
}

static uint32_t saturated(uint64_t n) { return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n; }

static inlay__expression add(inlay__rules *rules, inlay__expression_kind kind, uint32_t a, uint32_t b, uint64_t size) {
    if (rules->status != INLAY_OK) return INLAY__EMPTY;
    if (rules->n_nodes == INLAY__RULES_MOST_EXPRESSIONS) {
        failed(rules, inlay__fail(INLAY_ERR_UNSUPPORTED, "the grammar has more than %d parts",
                                  INLAY__RULES_MOST_EXPRESSIONS));
        return INLAY__EMPTY;
    }
    if (failed(rules, inlay__grow(rules->sys, (void **)&rules->nodes, &rules->node_capacity, rules->n_nodes + 1,
                                  sizeof *rules->nodes)))
        return INLAY__EMPTY;
    rules->nodes[rules->n_nodes] = (inlay__expression_node){(uint8_t)kind, a, b, saturated(size)};
    return (inlay__expression)rules->n_nodes++;
}

static uint64_t size_of(const inlay__rules *rules, inlay__expression e) {
    return rules->status == INLAY_OK ? rules->nodes[e].size : 0;
}

inlay__expression inlay__rules_byte(inlay__rules *rules, uint32_t first, uint32_t last) {
    return add(rules, INLAY__EXPRESSION_BYTES, first, last, 1);
}

inlay__expression inlay__rules_text(inlay__rules *rules, const char *text, size_t size) {
    inlay__expression all = INLAY__EMPTY;
    for (size_t i = size; i-- > 0;) {
        uint32_t byte = (uint8_t)text[i];
        all = inlay__rules_sequence(rules, inlay__rules_byte(rules, byte, byte), all);
    }
    return all;
}

inlay__expression inlay__rules_sequence(inlay__rules *rules, inlay__expression a, inlay__expression b) {
    if (a == INLAY__NEVER || b == INLAY__NEVER) return INLAY__NEVER;
    if (a == INLAY__EMPTY) return b;
    if (b == INLAY__EMPTY) return a;
    return add(rules, INLAY__EXPRESSION_SEQUENCE, a, b, size_of(rules, a) + size_of(rules, b));
}

inlay__expression inlay__rules_choice(inlay__rules *rules, inlay__expression a, inlay__expression b) {
    if (a == INLAY__NEVER || a == b) return b;
    if (b == INLAY__NEVER) return a;
    return add(rules, INLAY__EXPRESSION_CHOICE, a, b, size_of(rules, a) + size_of(rules, b));
}

inlay__expression inlay__rules_call(inlay__rules *rules, uint32_t rule) {
    return add(rules, INLAY__EXPRESSION_RULE, rule, 0, 1);
}

inlay__expression inlay__rules_token(inlay__rules *rules, int32_t token, bool is_any_other) {
    return add(rules, INLAY__EXPRESSION_TOKEN, (uint32_t)token, is_any_other, 1);
}

/* ---------------------------------------------------------------------- rules */

uint32_t inlay__rules_add(inlay__rules *rules, const char *name, size_t name_size) {
    if (rules->status != INLAY_OK) return 0;
    if (rules->n_rules == INLAY__RULES_MOST) {
        failed(rules, inlay__fail(INLAY_ERR_UNSUPPORTED, "the grammar has more than %d rules", INLAY__RULES_MOST));
        return 0;
    }
    if (failed(rules, inlay__grow(rules->sys, (void **)&rules->rules, &rules->rule_capacity, rules->n_rules + 1,
                                  sizeof *rules->rules)))
        return 0;
    rules->rules[rules->n_rules] = (inlay__rule_text){INLAY__NEVER, false, name, name_size};
    return (uint32_t)rules->n_rules++;
}

void inlay__rules_set(inlay__rules *rules, uint32_t rule, inlay__expression body) {
    if (rules->status != INLAY_OK) return;
    rules->rules[rule].body = body;
    rules->rules[rule].is_set = true;
}

/* The same by a call, where that is smaller. */
static inlay__expression by_rule(inlay__rules *rules, inlay__expression body) {
    if (rules->status != INLAY_OK || size_of(rules, body) <= 1) return body;
    uint32_t rule = inlay__rules_add(rules, NULL, 0);
    inlay__rules_set(rules, rule, body);
    return inlay__rules_call(rules, rule);
}

/* ----------------------------------------------------------------- characters */

static inlay__expression same_length(inlay__rules *rules, uint32_t first, uint32_t last) {
    uint8_t from[4], to[4];
    inlay__expression all = INLAY__EMPTY;
    size_t n = inlay__utf8_encode(first, from);
    inlay__utf8_encode(last, to);
    for (size_t i = n; i-- > 0;)
        all = inlay__rules_sequence(rules, inlay__rules_byte(rules, from[i], to[i]), all);
    return all;
}

/* The last code point up to which the bytes after those in which they differ can be anything, from `first` on: so that
 * first to it is one sequence of ranges of bytes. */
static uint32_t end_of_block(uint32_t first, uint32_t last) {
    static const uint32_t lengths[] = {0x7f, 0x7ff, 0xffff};
    for (size_t i = 0; i < INLAY__COUNT(lengths); i++)
        if (first <= lengths[i] && last > lengths[i]) last = lengths[i];
    if (last <= 0x7f) return last;
    for (uint32_t bits = 6; bits <= 18; bits += 6) {
        uint32_t mask = (1u << bits) - 1;
        if ((first & ~mask) == (last & ~mask)) break;
        if ((first & mask) != 0) return first | mask;
        if ((last & mask) != mask) last = (last & ~mask) - 1;
    }
    return last;
}

inlay__expression inlay__rules_characters(inlay__rules *rules, const inlay__code_range *ranges, size_t n) {
    inlay__expression all = INLAY__NEVER;
    for (size_t i = 0; i < n; i++) {
        uint32_t first = ranges[i].first, last = ranges[i].last;
        while (first <= last && rules->status == INLAY_OK) {
            if (first >= 0xd800 && first <= 0xdfff) {
                first = 0xe000;
                continue;
            }
            uint32_t end = end_of_block(first, first < 0xd800 && last >= 0xd800 ? 0xd7ff : last);
            all = inlay__rules_choice(rules, all, same_length(rules, first, end));
            first = end + 1;
        }
    }
    return all;
}

/* ---------------------------------------------------------------- repetitions */

static inlay__expression star(inlay__rules *rules, inlay__expression a) {
    return add(rules, INLAY__EXPRESSION_STAR, a, 0, size_of(rules, a) + 1);
}

/* n of them in a row. Many are made by doubling: the bits of n from the top. */
static inlay__expression exactly(inlay__rules *rules, inlay__expression a, uint32_t n) {
    inlay__expression all = INLAY__EMPTY;
    if (n * size_of(rules, a) <= MOST_INLINE) {
        for (uint32_t i = 0; i < n && rules->status == INLAY_OK; i++)
            all = inlay__rules_sequence(rules, a, all);
        return all;
    }
    a = by_rule(rules, a);
    for (uint32_t bit = 1u << 31; bit != 0; bit >>= 1) {
        all = by_rule(rules, all);
        all = inlay__rules_sequence(rules, all, all);
        if ((n & bit) != 0) all = inlay__rules_sequence(rules, a, all);
    }
    return all;
}

/* None to n of them. Many: where k is the greatest power of 2 in n, either k and up to n - k more, or up to k - 1,
 * which are powers of 2 in descending order, each there or not. So there is one way to read each number. */
static inlay__expression at_most(inlay__rules *rules, inlay__expression a, uint32_t n) {
    inlay__expression all = INLAY__EMPTY;
    if (n * size_of(rules, a) <= MOST_INLINE) {
        for (uint32_t i = 0; i < n && rules->status == INLAY_OK; i++)
            all = inlay__rules_choice(rules, inlay__rules_sequence(rules, a, all), INLAY__EMPTY);
        return all;
    }
    inlay__expression power = by_rule(rules, a), below = INLAY__EMPTY; /* 2^i of them; none to 2^i - 1 */
    for (uint32_t k = 1; k != 0 && k <= n && rules->status == INLAY_OK; k <<= 1) {
        if ((n & k) != 0)
            all = by_rule(rules, inlay__rules_choice(rules, inlay__rules_sequence(rules, power, all), below));
        inlay__expression maybe = inlay__rules_choice(rules, power, INLAY__EMPTY);
        below = by_rule(rules, inlay__rules_sequence(rules, maybe, below));
        power = by_rule(rules, inlay__rules_sequence(rules, power, power));
    }
    return all;
}

inlay__expression inlay__rules_repeat(inlay__rules *rules, inlay__expression a, uint32_t least, uint32_t most) {
    if (a == INLAY__EMPTY || most == 0) return INLAY__EMPTY;
    if (a == INLAY__NEVER) return least == 0 ? INLAY__EMPTY : INLAY__NEVER;
    if (most != INLAY__RULES_NO_END && most < least) return INLAY__NEVER;
    inlay__expression rest =
        most == INLAY__RULES_NO_END ? star(rules, a) : at_most(rules, a, most - least);
    return inlay__rules_sequence(rules, exactly(rules, a, least), rest);
}
