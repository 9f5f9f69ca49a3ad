/* A regular expression as a program: what the parser writes and the automaton is built from. */
#ifndef INLAY_PATTERN_PROGRAM_H
#define INLAY_PATTERN_PROGRAM_H

#include "tokenizer/char_set.h"

enum {
    INLAY__STEP_SET,   /* takes a character of set a */
    INLAY__STEP_SPLIT, /* goes on at pc + a, or else at pc + b */
    INLAY__STEP_JUMP,  /* goes on at pc + a */
    INLAY__STEP_GUARD, /* goes on where guard a holds, or with `negated` where it does not */
    INLAY__STEP_AHEAD, /* the same; the guard's body stands between here and pc + b, and ends with a MATCH */
    INLAY__STEP_MATCH
};

/* Jumps are relative, so that a stretch of steps can be moved and copied. */
typedef struct inlay__pattern_step {
    uint8_t op;
    bool negated;
    bool marked; /* scratch of the parser */
    int32_t a, b;
} inlay__pattern_step;

/* A condition on a place in the text. */
enum {
    INLAY__GUARD_NEXT,   /* the character after it is of the set; there is none at the end */
    INLAY__GUARD_BEHIND, /* the character before it is of the set; there is none at the beginning */
    INLAY__GUARD_AHEAD   /* the body matches from here on; bodies use only guards of lower numbers */
};

enum { INLAY__MAX_GUARDS = 32, INLAY__MAX_STEPS = 8192 };

typedef struct inlay__pattern_guard {
    uint8_t kind;
    size_t set;
} inlay__pattern_guard;

typedef struct inlay__program {
    const inlay__sys *sys;
    inlay__pattern_step *steps; /* [n_steps]; the last is a MATCH */
    size_t n_steps, capacity;
    inlay__pattern_guard guards[INLAY__MAX_GUARDS];
    size_t n_guards;
    inlay__sets sets;
} inlay__program;

/* Errors: as inlay__pattern_compile. Free also after an error. */
int32_t inlay__program_parse(const inlay__sys *sys, const char *regex, size_t size, inlay__program *program);
void inlay__program_free(inlay__program *program);

/* --------------------------------------------- shared by the parser's files */

typedef struct inlay__regex {
    const uint8_t *text;
    size_t size, pos;
    bool fold;    /* (?i */
    bool dot_all; /* (?m, which is what others call s */
    inlay__program *program;
} inlay__regex;

/* An error that shows text[from..pos). */
int32_t inlay__regex_uncovered(const inlay__regex *regex, size_t from, const char *what);
int32_t inlay__regex_malformed(const inlay__regex *regex, const char *what);
/* The code point at pos, and past it. */
int32_t inlay__regex_take(inlay__regex *regex, uint32_t *code);
static inline bool inlay__regex_at(const inlay__regex *regex, const char *literal) {
    size_t n = strlen(literal);
    return regex->size - regex->pos >= n && memcmp(regex->text + regex->pos, literal, n) == 0;
}
static inline bool inlay__regex_skip(inlay__regex *regex, const char *literal) {
    bool found = inlay__regex_at(regex, literal);
    if (found) regex->pos += strlen(literal);
    return found;
}

/* regex_class.c: each writes a set into the program's. */
int32_t inlay__regex_class(inlay__regex *regex, size_t *set);                    /* after the [ */
int32_t inlay__regex_literal(inlay__regex *regex, uint32_t code, size_t *set);   /* one character, by case if asked */
/* After a backslash: either a set or one character. */
int32_t inlay__regex_escape(inlay__regex *regex, bool *is_set, size_t *set, uint32_t *code);
/* \w (word characters), and everything. */
int32_t inlay__regex_word(inlay__regex *regex, size_t *set);
int32_t inlay__regex_any(inlay__regex *regex, size_t *set);
/* Everything but a line feed. */
int32_t inlay__regex_line(inlay__regex *regex, size_t *set);

#endif
