/* What a pattern is compiled to. */
#ifndef INLAY_PATTERN_AUTOMATON_H
#define INLAY_PATTERN_AUTOMATON_H

#include "tokenizer/pattern.h"
#include "tokenizer/pattern_program.h"

#define INLAY__TARGET_ACCEPT UINT32_MAX /* the pattern has matched */
enum { INLAY__FIRST_NONE = 0xFFFF, INLAY__FIRST_ACCEPT = 0xFFFE };

/* A way on from a place of the pattern: guards that must hold or must not, and what comes then. */
typedef struct inlay__pattern_entry {
    uint32_t need, deny; /* bits of guards */
    uint32_t target;     /* a position: take a character of its set; or INLAY__TARGET_ACCEPT */
} inlay__pattern_entry;

/* A position is a step that takes a character. A place is where one stands between two characters: place 0 is the
 * beginning, then come the beginnings of the guards' bodies, then the places after each position.
 *
 * The automaton reads backwards. A state at a place of the text is a set of positions and a set of guards: those
 * positions that can take the character there and be followed by a match, and the guards that hold there.
 *
 * Its input for a character is 1 + letter * n_behinds + what guards that look back see before the character;
 * input 0 is a byte in the middle of a character, and changes nothing. */
struct inlay__pattern {
    const inlay__sys *sys;
    inlay__alphabet alphabet;
    size_t n_behinds;
    uint8_t behind_of[INLAY__MAX_LETTERS + 1]; /* of each letter; [n_letters] where the text begins */
    inlay__pattern_guard guards[INLAY__MAX_GUARDS];
    uint32_t bodies[INLAY__MAX_GUARDS]; /* place of an AHEAD guard's body */
    size_t n_guards;

    size_t n_positions, n_places, n_words; /* n_words: of a set of positions */
    inlay__pattern_entry *entries;         /* in the order in which they are tried */
    uint32_t *entry_starts;                /* [n_places + 1] */
    size_t n_entries, entry_capacity;

    size_t n_states, n_inputs;
    uint16_t *next;   /* [n_states, n_inputs] */
    uint16_t *first;  /* [n_states] the position that a match at this place begins with, or INLAY__FIRST_ */
    uint64_t *alive;  /* [n_states, n_words] */
    uint32_t *truths; /* [n_states] bits of guards */
    size_t next_capacity, first_capacity, alive_capacity, truth_capacity;
    uint16_t ends[INLAY__MAX_LETTERS + 1]; /* [n_behinds] states where the text ends */
};

/* The place after a position. */
static inline size_t inlay__pattern_place(const inlay__pattern *pattern, uint32_t position) {
    return pattern->n_places - pattern->n_positions + position;
}

/* Whether a way is open where these positions are alive and these guards hold. */
static inline bool inlay__pattern_open(const inlay__pattern_entry *entry, const uint64_t *alive, uint32_t truths) {
    if ((truths & entry->need) != entry->need || (truths & entry->deny) != 0) return false;
    return entry->target == INLAY__TARGET_ACCEPT || (alive[entry->target / 64] >> entry->target % 64 & 1) != 0;
}

/* Builds the automaton of a program. Errors: _MEMORY, _UNSUPPORTED (too large). Free also after an error. */
int32_t inlay__pattern_build(inlay__program *program, inlay__pattern *pattern);

#endif
