/* Finds what a tokenizer.json's "pattern" says: a string, or a regular expression. */
#ifndef INLAY_FINDER_H
#define INLAY_FINDER_H

#include "base/base.h"
#include "tokenizer/pattern.h"
#include "tokenizer/tokenizer.h"

typedef struct inlay__finder {
    const inlay__sys *sys;
    inlay__pattern *pattern; /* a regular expression, or NULL */
    char *string;      /* [size] what is looked for */
    /* [size] of each beginning of it the longest part that is also its end [Knuth, Morris, Pratt 1977] */
    uint32_t *border;
    size_t size;
} inlay__finder;

/* Copies the string. */
int32_t inlay__finder_string(const inlay__sys *sys, inlay__text string, inlay__finder *finder);
/* `name` is the file in error messages. Errors: as inlay__pattern_compile. */
int32_t inlay__finder_regex(const inlay__sys *sys, const char *name, inlay__text regex, inlay__finder *finder);
void inlay__finder_free(inlay__finder *finder);

/* A walk over the matches in a text, from left to right, linear in the text. */
typedef struct inlay__search {
    const inlay__finder *finder;
    const uint8_t *text;
    size_t size, from;
    inlay__matcher matcher; /* of a regular expression */
} inlay__search;

void inlay__search_init(inlay__search *search, const inlay__finder *finder);
void inlay__search_free(inlay__search *search);
/* Begins with a text, which must stay until the walk is over. Errors: _MEMORY. */
int32_t inlay__search_begin(inlay__search *search, const uint8_t *text, size_t size);
/* The next match; false when there are no more. An empty string is found nowhere. */
bool inlay__search_next(inlay__search *search, size_t *begin, size_t *end);

#endif
