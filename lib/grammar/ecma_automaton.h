/* The automaton of a regular expression over characters [Thompson 1968], small and built when it is needed: for what a
 * grammar cannot say by itself. */
#ifndef INLAY_ECMA_AUTOMATON_H
#define INLAY_ECMA_AUTOMATON_H

#include "grammar/ecma_tree.h"

enum {
    INLAY__ECMA_MOST_STATES = 8192,
    INLAY__ECMA_MOST_EDGES = 1 << 15,
    INLAY__ECMA_FIRST_STATE = 0,
    INLAY__ECMA_LAST_STATE = 1
};

typedef struct inlay__ecma_edge {
    uint32_t to;
    uint32_t set;  /* node of the tree; UINT32_MAX: takes nothing */
    uint32_t next; /* of the same state; UINT32_MAX: none */
} inlay__ecma_edge;

typedef struct inlay__ecma_task {
    uint32_t node, from, to;
} inlay__ecma_task;

typedef struct inlay__ecma_automaton {
    const inlay__ecma *tree;
    uint32_t first[INLAY__ECMA_MOST_STATES]; /* edge; UINT32_MAX: none */
    inlay__ecma_edge edges[INLAY__ECMA_MOST_EDGES];
    inlay__ecma_task tasks[INLAY__ECMA_MOST_EDGES];
    size_t n_states, n_edges, n_tasks;
    uint32_t marks[INLAY__ECMA_MOST_STATES], reached[INLAY__ECMA_MOST_STATES], round; /* reached[n_reached] */
    size_t n_reached;
} inlay__ecma_automaton;

/* Of a resolved tree, which must outlive it. False when it is too large. */
bool inlay__ecma_automaton_build(inlay__ecma_automaton *a, const inlay__ecma *tree);

/* The states that are reached at once: none; then a state, and where its edges lead that take nothing. */
void inlay__ecma_reach_begin(inlay__ecma_automaton *a);
void inlay__ecma_reach(inlay__ecma_automaton *a, uint32_t state);

/* Whether a text in UTF-8 matches as a whole, and the steps that it took. */
bool inlay__ecma_matches(inlay__ecma_automaton *a, const char *text, size_t size, size_t *steps);

#endif
