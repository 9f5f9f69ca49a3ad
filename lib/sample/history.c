/* The last tokens of a text. */
#include "sample/history.h"

int32_t inlay__history_grow(inlay__history *history, const inlay__sys *sys, size_t window) {
    if (window <= history->window) return INLAY_OK;
    int32_t *tokens = inlay__alloc_array(sys, 2 * window, sizeof *tokens); /* windows are small: the product fits */
    if (tokens == NULL) return INLAY_ERR_MEMORY;
    if (history->n > 0) memcpy(tokens, history->tokens, history->n * sizeof *tokens);
    inlay__history_free(history, sys);
    history->tokens = tokens;
    history->window = window;
    return INLAY_OK;
}

void inlay__history_free(inlay__history *history, const inlay__sys *sys) {
    inlay__free(sys, history->tokens, 2 * history->window * sizeof *history->tokens);
    history->tokens = NULL;
}

void inlay__history_add(inlay__history *history, const int32_t *tokens, size_t n) {
    if (history->window == 0) return;
    if (n > history->window) {
        tokens += n - history->window;
        n = history->window;
    }
    if (history->n + n > 2 * history->window) {
        size_t kept = history->window;
        memmove(history->tokens, history->tokens + (history->n - kept), kept * sizeof *tokens);
        history->n = kept;
    }
    if (n > 0) memcpy(history->tokens + history->n, tokens, n * sizeof *tokens);
    history->n += n;
}

const int32_t *inlay__history_last(const inlay__history *history, size_t most, size_t *n) {
    *n = inlay__min_size(inlay__min_size(most, history->window), history->n);
    return *n > 0 ? history->tokens + (history->n - *n) : NULL;
}
