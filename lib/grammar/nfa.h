/* The automaton of one rule while it is compiled: as it follows from the expression, with edges that take nothing. */
#ifndef INLAY_GRAMMAR_NFA_H
#define INLAY_GRAMMAR_NFA_H

#include "grammar/grammar.h"

enum { INLAY__NFA_EMPTY, INLAY__NFA_BYTES, INLAY__NFA_TOKEN, INLAY__NFA_CALL };
enum { INLAY__NFA_START, INLAY__NFA_END };

typedef struct inlay__nfa_edge {
    uint8_t kind;
    uint32_t what; /* as in inlay__edge */
    uint32_t to;
    uint32_t next; /* of the same state, plus 1; 0: none */
} inlay__nfa_edge;

typedef struct inlay__nfa {
    const inlay__sys *sys;
    uint32_t *first; /* [n_states] edge plus 1; 0: none */
    inlay__nfa_edge *edges;
    size_t n_states, state_capacity, n_edges, edge_capacity;
} inlay__nfa;

/* `facts` are those of inlay__rules_analyse. The memory is used again for the next one. Errors: INLAY_ERR_MEMORY. */
int32_t inlay__nfa_build(inlay__nfa *nfa, const inlay__rules *rules, const uint8_t *facts, const uint8_t classes[256],
                         inlay__expression body);
void inlay__nfa_free(inlay__nfa *nfa);

/* Appends its states to the grammar's positions, the first its start: those of a deterministic automaton or, where that
 * would be too large, its own. Errors: INLAY_ERR_UNSUPPORTED (too large), INLAY_ERR_MEMORY. */
int32_t inlay__nfa_append(const inlay__nfa *nfa, inlay__grammar *grammar);

/* compile.c: the next position, whose edges are appended behind. */
int32_t inlay__grammar_add_position(inlay__grammar *grammar, bool ends);
int32_t inlay__grammar_add_edge(inlay__grammar *grammar, uint32_t what, size_t to);

#endif
