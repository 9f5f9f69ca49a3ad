/* Regular expressions as grammars: the dialect of ECMA-262 with the flag u, as JSON Schema's `pattern` uses it, without
 * lookaround, back references and word boundaries.
 *
 * In a JSON string, each character stands as JSON writes it: by itself, or as the short escape, or \u00XX. */
#ifndef INLAY_REGEX_H
#define INLAY_REGEX_H

#include "grammar/ecma_tree.h"

/* What an expression matches: as plain text the whole text; in JSON, what stands between the quotes, where, as
 * `pattern` says, it is enough that a part of it matches unless there are ^ and $. Errors, with the byte of the text:
 * INLAY_ERR_FORMAT, INLAY_ERR_UNSUPPORTED, INLAY_ERR_MEMORY. */
int32_t inlay__regex_rules(inlay__rules *rules, const char *text, size_t size, bool in_json, inlay__expression *e);

/* The same of a tree that is resolved, for texts of `least` to `most` characters (INLAY__RULES_NO_END: any). Errors:
 * INLAY_ERR_UNSUPPORTED (too large with these bounds), INLAY_ERR_MEMORY. */
int32_t inlay__regex_expression(inlay__rules *rules, const inlay__ecma *tree, bool in_json, uint32_t least,
                                uint32_t most, inlay__expression *e);

/* One character of these ranges, which ascend and do not touch. */
inlay__expression inlay__regex_characters(inlay__rules *rules, const inlay__code_range *ranges, size_t n, bool in_json);

/* regex_length.c: what a tree matches of `least` to `most` characters. `made` has the expression of each node, and may
 * be changed. Errors as inlay__regex_expression. */
int32_t inlay__regex_bounded(inlay__rules *rules, const inlay__ecma *tree, inlay__expression *made, uint32_t least,
                             uint32_t most, inlay__expression *e);

#endif
