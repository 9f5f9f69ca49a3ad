/* Sets of characters, as the classes of regular expressions write them, and the alphabet of a pattern: characters
 * that no set of the pattern tells apart are one letter. */
#ifndef INLAY_CHAR_SET_H
#define INLAY_CHAR_SET_H

#include "base/unicode.h"

/* A set is a small program for a stack machine whose values are sets. */
enum { INLAY__SET_CATEGORIES, INLAY__SET_RANGE, INLAY__SET_NOT, INLAY__SET_OR, INLAY__SET_AND };

typedef struct inlay__set_op {
    uint8_t kind;
    uint32_t a, b; /* CATEGORIES: a bit a category; RANGE: first and last code point */
} inlay__set_op;

/* Bit INLAY__UNICODE_N_CATEGORIES stands for a byte that is no character: only complements hold it. */
#define INLAY__SET_ALL_CATEGORIES INLAY__UNICODE_ALL_CATEGORIES

enum {
    INLAY__MAX_SETS = 256,      /* different sets of one pattern */
    INLAY__MAX_LETTERS = 250,   /* of one alphabet */
    INLAY__MAX_SET_OPS = 16384, /* of all sets of a pattern */
    INLAY__SET_DEPTH = 32       /* of the stack */
};

typedef struct inlay__sets {
    const inlay__sys *sys;
    inlay__set_op *ops; /* [n_ops] */
    size_t n_ops, ops_capacity;
    uint32_t starts[INLAY__MAX_SETS + 1]; /* set i is ops starts[i] to starts[i + 1] */
    size_t n;
} inlay__sets;

typedef struct inlay__alphabet {
    const inlay__sys *sys;
    size_t n_letters;
    uint8_t ascii[128];           /* letter of each ASCII character */
    uint8_t no_character;         /* letter of a byte that is no character */
    uint32_t *spans;              /* [n_spans] first code points of stretches in which categories decide */
    uint8_t (*letters)[INLAY__UNICODE_N_CATEGORIES]; /* [n_spans] */
    size_t n_spans, capacity;
    uint32_t members[INLAY__MAX_LETTERS][INLAY__MAX_SETS / 32]; /* bit a set: it holds the letter */
} inlay__alphabet;

void inlay__sets_init(inlay__sets *sets, const inlay__sys *sys);
void inlay__sets_free(inlay__sets *sets);
/* Adds an operation to the set that is being written. Errors: _MEMORY, _UNSUPPORTED (too many). */
int32_t inlay__sets_put(inlay__sets *sets, uint8_t kind, uint32_t a, uint32_t b);
/* Ends the set that is being written: its number, or that of an equal one. Errors: _UNSUPPORTED (too many). */
int32_t inlay__sets_finish(inlay__sets *sets, size_t *set);

/* Errors: _MEMORY, _UNSUPPORTED (too many letters). On failure nothing is held. */
int32_t inlay__alphabet_build(const inlay__sets *sets, inlay__alphabet *alphabet);
void inlay__alphabet_free(inlay__alphabet *alphabet);

static inline bool inlay__alphabet_has(const inlay__alphabet *alphabet, size_t letter, size_t set) {
    return (alphabet->members[letter][set / 32] >> set % 32 & 1) != 0;
}

/* The letter of a code point. */
static inline uint8_t inlay__alphabet_letter(const inlay__alphabet *alphabet, uint32_t code) {
    size_t low = 0, n = alphabet->n_spans;
    while (n > 1) {
        size_t half = n / 2;
        low = alphabet->spans[low + half] <= code ? low + half : low;
        n -= half;
    }
    return alphabet->letters[low][inlay__unicode_category(code)];
}

#endif
