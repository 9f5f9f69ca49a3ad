/* Regular expressions for cutting text, in the dialect of tokenizer.json files (Oniguruma's Ruby syntax), in linear
 * time for every pattern and every text.
 *
 * A pattern is compiled whole, when it is loaded, to one finite automaton that reads text from its end. Its state at
 * a place says which parts of the pattern can be matched from there on, and which lookaheads hold. The walk forward
 * then takes at each character the first choice of the pattern that the state allows: it is what a backtracking
 * engine would find in the end, and it never goes back. [Frisch and Cardelli 2004]
 *
 * Covered: literals, classes with ranges, nested classes and &&, \s \d \w \h and their capitals, \p{...} of general
 * categories and of the scripts in unicode_tables.c, groups, alternation, greedy and lazy quantifiers, possessive ones
 * of one character, (?i: of ASCII letters, lookahead of any kind, lookbehind of one character, ^ $ \A \z \b \B.
 * Anything else is an error that names it.
 */
#ifndef INLAY_PATTERN_H
#define INLAY_PATTERN_H

#include "base/base.h"

typedef struct inlay__pattern inlay__pattern;

/* `what` begins error messages: "file 'tokenizer.json': pre_tokenizer". The pattern is immutable: any thread may use
 * it. Errors: _UNSUPPORTED (a construct that is not covered, named; too large), _FORMAT (no regular expression),
 * _MEMORY. */
int32_t inlay__pattern_compile(const inlay__sys *sys, const char *what, const char *regex, size_t size,
                               inlay__pattern **pattern);
void inlay__pattern_free(inlay__pattern *pattern); /* NULL is fine */

/* A walk over the matches in a text, from left to right: each match begins as early as it can, and is the one that
 * the order of the pattern's choices prefers. Memory for long texts is kept from text to text. */
enum { INLAY__PATTERN_BLOCK = 512, INLAY__PATTERN_MARGIN = 4 };

typedef struct inlay__matcher {
    const inlay__pattern *pattern;
    const uint8_t *text;
    size_t size;
    size_t pos;                     /* where the search goes on */
    size_t last_end;                /* of the last match, or of the last piece; SIZE_MAX before the first match */
    size_t piece_end, match_begin, match_end; /* of inlay__matcher_piece */
    bool has_match;
    size_t block, begin, end;       /* the block that is loaded: its number and place */
    uint16_t *checkpoints;          /* [n_blocks - 1] states where blocks 1, 2, ... begin; NULL for one block */
    size_t checkpoint_capacity;
    uint8_t inputs[INLAY__PATTERN_BLOCK + INLAY__PATTERN_MARGIN];      /* [end - begin] */
    uint16_t states[INLAY__PATTERN_BLOCK + INLAY__PATTERN_MARGIN + 1]; /* [end - begin + 1] */
} inlay__matcher;

void inlay__matcher_init(inlay__matcher *matcher, const inlay__pattern *pattern);
void inlay__matcher_free(inlay__matcher *matcher);
/* Begins with a text, which must stay until the walk is over. Errors: _MEMORY. */
int32_t inlay__matcher_begin(inlay__matcher *matcher, const uint8_t *text, size_t size);

/* The next match, text[begin..end); false when there are no more. A match may be empty, but not where the one before
 * it ended. */
bool inlay__matcher_next(inlay__matcher *matcher, size_t *begin, size_t *end);

/* The same, with the text between the matches: the next piece, never empty, and whether it is a match. Together the
 * pieces are the text. Not to be mixed with inlay__matcher_next on one text. */
bool inlay__matcher_piece(inlay__matcher *matcher, size_t *begin, size_t *end, bool *is_match);

#endif
