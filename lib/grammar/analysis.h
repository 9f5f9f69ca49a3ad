/* What is known of expressions before they are compiled. */
#ifndef INLAY_GRAMMAR_ANALYSIS_H
#define INLAY_GRAMMAR_ANALYSIS_H

#include "grammar/rules.h"

enum {
    INLAY__CAN_BE_EMPTY = 1,
    INLAY__CAN_END = 2 /* some text of finite length is one */
};

/* The two for every expression, [rules->n_nodes] in new memory, in time linear in their number. Errors:
 * INLAY_ERR_MEMORY. */
int32_t inlay__rules_analyse(const inlay__rules *rules, uint8_t **facts);

#endif
