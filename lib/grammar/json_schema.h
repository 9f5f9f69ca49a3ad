/* JSON Schema as a grammar: every text that follows it is valid JSON that the schema accepts. What each keyword does
 * is told in docs/grammars.md; a keyword that would constrain and is not understood is an error. */
#ifndef INLAY_JSON_SCHEMA_H
#define INLAY_JSON_SCHEMA_H

#include "grammar/rules.h"

/* Without it, a comma, a bracket and a brace may be followed by a space, or by a new line and a bounded indent, and a
 * colon by a space. */
#define INLAY__SCHEMA_COMPACT 1

enum { INLAY__SCHEMA_MOST_SIZE = 1 << 24 };

/* Rule 0 of `rules`, which are empty, becomes the whole. Errors, with the place as a JSON pointer: INLAY_ERR_FORMAT (no
 * JSON, no schema, no value is valid), INLAY_ERR_UNSUPPORTED (a keyword, too large), INLAY_ERR_MEMORY. */
int32_t inlay__schema_rules(inlay__rules *rules, const char *schema, size_t size, int32_t flags);

#endif
