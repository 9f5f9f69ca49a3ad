/* Keys that are none of some texts: a trie of them, from each place of which other characters lead out. */
#include "base/utf8.h"
#include "grammar/regex.h"
#include "grammar/schema_reader.h"

typedef struct trie_node {
    uint32_t code;                          /* that leads here */
    uint32_t first_child, last_child, next; /* 0: none; children ascend */
    bool ends;
} trie_node;

/* ------------------------------------------------------------------------ sort */

/* By bytes, which is the order of code points. */
static bool precedes(const inlay__schema_name *a, const inlay__schema_name *b) {
    uint32_t n = a->size < b->size ? a->size : b->size;
    int order = n > 0 ? memcmp(a->text, b->text, n) : 0;
    return order != 0 ? order < 0 : a->size < b->size;
}

static void sift(inlay__schema_name *names, size_t at, size_t n) {
    inlay__schema_name moved = names[at];
    for (size_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
        if (child + 1 < n && precedes(&names[child], &names[child + 1])) child++;
        if (!precedes(&moved, &names[child])) break;
        names[at] = names[child];
        at = child;
    }
    names[at] = moved;
}

static void sort(inlay__schema_name *names, size_t n) {
    for (size_t i = n / 2; i-- > 0;)
        sift(names, i, n);
    for (size_t end = n; end-- > 1;) {
        inlay__schema_name greatest = names[0];
        names[0] = names[end];
        names[end] = greatest;
        sift(names, 0, end);
    }
}

/* ------------------------------------------------------------------------ trie */

/* Names come in order: only the last child can be the next one's. */
static void put(trie_node *nodes, uint32_t *n, const inlay__schema_name *name) {
    uint32_t at = 0, code;
    for (size_t i = 0; i < name->size;) {
        i += inlay__utf8_decode((const uint8_t *)name->text + i, name->size - i, &code);
        uint32_t last = nodes[at].last_child;
        if (last == 0 || nodes[last].code != code) {
            uint32_t made = (*n)++;
            nodes[made] = (trie_node){.code = code};
            if (last == 0)
                nodes[at].first_child = made;
            else
                nodes[last].next = made;
            nodes[at].last_child = last = made;
        }
        at = last;
    }
    nodes[at].ends = true;
}

typedef struct trie {
    inlay__schema *s;
    trie_node *nodes;          /* [n]; number 0 is before the first character; children stand behind their parents */
    inlay__expression *made;   /* [n] what may follow */
    inlay__code_range *ranges; /* room for those between the children of a node */
    uint32_t n;
    inlay__expression controls, beyond_ascii, rest; /* any of these, by rules */
} trie;

static inlay__expression by_rule(inlay__rules *rules, inlay__expression e) {
    uint32_t rule = inlay__rules_add(rules, NULL, 0);
    inlay__rules_set(rules, rule, e);
    return inlay__rules_call(rules, rule);
}

static void make_common(trie *t) {
    inlay__rules *rules = t->s->rules;
    static const inlay__code_range controls = {0, 0x1F}, ascii = {0x20, 0x7F}, beyond = {0x80, 0x10FFFF};
    t->controls = by_rule(rules, inlay__regex_characters(rules, &controls, 1, true));
    t->beyond_ascii = by_rule(rules, inlay__regex_characters(rules, &beyond, 1, true));
    inlay__expression any = inlay__regex_characters(rules, &ascii, 1, true);
    any = inlay__rules_choice(rules, inlay__rules_choice(rules, any, t->controls), t->beyond_ascii);
    any = inlay__rules_repeat(rules, any, 0, INLAY__RULES_NO_END);
    t->rest = by_rule(rules, inlay__rules_sequence(rules, any, inlay__rules_byte(rules, '"', '"')));
}

/* One character of a part of Unicode that no child of the node has; the whole part, by its rule, where none is in it.
 */
static inlay__expression others(trie *t, uint32_t at, uint32_t first, uint32_t last, inlay__expression whole) {
    const trie_node *nodes = t->nodes;
    uint32_t next = first;
    size_t n = 0;
    for (uint32_t child = nodes[at].first_child; child != 0; child = nodes[child].next) {
        uint32_t code = nodes[child].code;
        if (code < first || code > last) continue;
        if (next < code) t->ranges[n++] = (inlay__code_range){next, code - 1};
        next = code + 1;
    }
    if (next == first && whole != INLAY__NEVER) return whole;
    if (next <= last) t->ranges[n++] = (inlay__code_range){next, last};
    return inlay__regex_characters(t->s->rules, t->ranges, n, true);
}

/* What may follow at a node: a character that no child has and then anything, or what may follow at a child; or the
 * end, where no name ends. */
static int32_t write_node(trie *t, uint32_t at) {
    inlay__rules *rules = t->s->rules;
    inlay__expression all = t->nodes[at].ends ? INLAY__NEVER : inlay__rules_byte(rules, '"', '"');
    for (uint32_t child = t->nodes[at].first_child; child != 0; child = t->nodes[child].next) {
        inlay__code_range own = {t->nodes[child].code, t->nodes[child].code};
        inlay__expression one = inlay__regex_characters(rules, &own, 1, true);
        all = inlay__rules_choice(rules, all, inlay__rules_sequence(rules, one, t->made[child]));
    }
    inlay__expression other = others(t, at, 0, 0x1F, t->controls);
    other = inlay__rules_choice(rules, other, others(t, at, 0x20, 0x7F, INLAY__NEVER));
    other = inlay__rules_choice(rules, other, others(t, at, 0x80, 0x10FFFF, t->beyond_ascii));
    t->made[at] = inlay__rules_choice(rules, all, inlay__rules_sequence(rules, other, t->rest));
    return rules->status;
}

int32_t inlay__schema_other_key(inlay__schema *s, inlay__schema_name *names, size_t n, inlay__expression *e) {
    size_t n_most = 1;
    for (size_t i = 0; i < n; i++)
        n_most += names[i].size;
    INLAY__TRY(inlay__schema_work(s, n_most));
    sort(names, n);
    trie t = {.s = s,
              .nodes = inlay__alloc_array(s->sys, n_most, sizeof *t.nodes),
              .made = inlay__alloc_array(s->sys, n_most, sizeof *t.made),
              .ranges = inlay__alloc_array(s->sys, n_most + 1, sizeof *t.ranges),
              .n = 1};
    int32_t status = t.nodes != NULL && t.made != NULL && t.ranges != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
    if (status == INLAY_OK) {
        for (size_t i = 0; i < n; i++)
            put(t.nodes, &t.n, &names[i]);
        make_common(&t);
        for (uint32_t i = t.n; i-- > 0 && status == INLAY_OK;)
            status = write_node(&t, i);
        *e = inlay__rules_sequence(s->rules, inlay__rules_byte(s->rules, '"', '"'), t.made[0]);
    }
    inlay__free(s->sys, t.ranges, (n_most + 1) * sizeof *t.ranges);
    inlay__free(s->sys, t.made, n_most * sizeof *t.made);
    inlay__free(s->sys, t.nodes, n_most * sizeof *t.nodes);
    return status == INLAY_OK ? s->rules->status : status;
}
