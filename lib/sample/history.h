/* The last tokens of a text, as many as rules look back at. */
#ifndef INLAY_HISTORY_H
#define INLAY_HISTORY_H

#include "base/base.h"

typedef struct inlay__history {
    int32_t *tokens; /* [2 * window]; the n last written are in, and move to the front when there is no more room */
    size_t n, window;
} inlay__history;

/* Makes it at least so long; what is in stays. Errors: INLAY_ERR_MEMORY, and all is as it was. */
int32_t inlay__history_grow(inlay__history *history, const inlay__sys *sys, size_t window);
void inlay__history_free(inlay__history *history, const inlay__sys *sys);
void inlay__history_add(inlay__history *history, const int32_t *tokens, size_t n);
/* Up to `most` last tokens: the first of them, and their number. */
const int32_t *inlay__history_last(const inlay__history *history, size_t most, size_t *n);

#endif
