/* What a grammar matches, for tests of what is read into one. */
#ifndef INLAY_TESTS_GRAMMAR_CHECK_H
#define INLAY_TESTS_GRAMMAR_CHECK_H

#include "grammar/reader.h"

typedef struct grammar_check {
    inlay__grammar grammar;
    inlay__reader reader;
} grammar_check;

/* A regular expression, as plain text or between the quotes of a JSON string; a JSON Schema. On failure nothing is
 * held. */
int32_t grammar_check_regex(grammar_check *check, const char *text, size_t size, bool in_json);
int32_t grammar_check_schema(grammar_check *check, const char *schema, size_t size, int32_t flags);
void grammar_check_free(grammar_check *check);

/* -1: no text begins so; 0: some do; 1: and this is one. */
int grammar_check_text(grammar_check *check, const char *text, size_t size);

/* Writes a text that matches, each byte chosen at random among those that can come next, and gives its size; from `aim`
 * bytes on, brackets and strings are closed where they can be. 0 when it did not end within the capacity, and a failure
 * of the test's program when it came to a place from where nothing leads on. */
size_t grammar_check_walk(grammar_check *check, uint64_t *random, size_t aim, char *out, size_t capacity);

#endif
