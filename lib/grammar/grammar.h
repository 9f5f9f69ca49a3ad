/* A compiled grammar: what inlay__rules say, as one automaton for each rule. Immutable; any thread may use it.
 *
 * A text is read byte by byte, by positions. From a position lead, side by side,
 *
 *     bytes    a range of classes of bytes -> position
 *     tokens   one token, or any but one   -> position
 *     calls    a rule, and the position behind it: what comes next is of that rule, and when that has ended the
 *              text goes on behind it
 *     empty    position, at once (only of rules whose automaton would have been too large without)
 *
 * A rule that can be empty can also be passed by: its calls stand beside a way around them. So no call needs to end
 * where it began. A rule whose beginning would call itself again (left recursion) is refused; the ranks of rules ascend
 * from those that call to those that are called at their beginning. */
#ifndef INLAY_GRAMMAR_H
#define INLAY_GRAMMAR_H

#include "grammar/rules.h"

enum { INLAY__GRAMMAR_MOST_POSITIONS = 1 << 20 };

/* One edge: `what` is first | last << 8 of classes, a token (with INLAY__OTHER_TOKENS: any but it) or a rule. */
typedef struct inlay__edge {
    uint32_t what, to;
} inlay__edge;
#define INLAY__OTHER_TOKENS 0x80000000u

/* Where the edges of a position stand: bytes from `bytes` to `tokens`, and so on; the next position's follow. */
typedef struct inlay__position {
    uint32_t bytes, tokens, calls, empty;
} inlay__position;

typedef struct inlay__rule {
    uint32_t start; /* position */
    uint32_t rank;
} inlay__rule;

typedef struct inlay__grammar {
    const inlay__sys *sys;
    inlay__position *positions; /* [n_positions + 1] */
    uint8_t *ends;              /* [n_positions] the rule may end here */
    inlay__edge *edges;         /* [n_edges] */
    inlay__rule *rules;         /* [n_rules] */
    uint32_t *by_rank;          /* [n_rules] */
    size_t n_positions, position_capacity, end_capacity, n_edges, edge_capacity, n_rules;
    uint8_t classes[256]; /* bytes that no edge tells apart are one class */
    size_t n_classes;
    uint32_t start;  /* the rule with which a text begins */
    bool has_tokens; /* some edge is a token */
    uint64_t hash;   /* tells grammars apart */
} inlay__grammar;

/* compile.c. On failure nothing is held. Errors: INLAY_ERR_UNSUPPORTED (left recursion, too large), INLAY_ERR_FORMAT (a
 * rule is missing, or no text at all would do), INLAY_ERR_MEMORY. */
int32_t inlay__grammar_compile(const inlay__rules *rules, inlay__grammar *grammar);
void inlay__grammar_free(inlay__grammar *grammar);

/* Nothing leads on from here: the rule can only end. */
static inline bool inlay__position_only_ends(const inlay__grammar *grammar, uint32_t p) {
    return grammar->positions[p].bytes == grammar->positions[p + 1].bytes;
}

#endif
