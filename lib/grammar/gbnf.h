/* Grammars as llama.cpp writes them. */
#ifndef INLAY_GBNF_H
#define INLAY_GBNF_H

#include "grammar/rules.h"

/* The token that a name in angle brackets, `text`, stands for; false when there is none. */
typedef bool (*inlay__find_token_fn)(const void *user, const char *text, size_t size, int32_t *token);

/* Reads a grammar into rules that are empty; its rule "root" is rule 0. The text is needed as long as the rules are.
 * Errors, with line and column: INLAY_ERR_FORMAT; INLAY_ERR_UNSUPPORTED (too large), INLAY_ERR_MEMORY. */
int32_t inlay__gbnf_read(inlay__rules *rules, const char *text, size_t size, inlay__find_token_fn find_token,
                         const void *user);

#endif
