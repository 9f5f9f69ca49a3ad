#include "support/tiny_ngram.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ORDER = 5, MAX_LINE = 128 };

static uint32_t mix(const int32_t *tokens, int32_t n, uint32_t salt) {
    uint32_t h = salt * 2654435761u + (uint32_t)n;
    for (int32_t i = 0; i < n; i++) {
        h = (h ^ (uint32_t)tokens[i]) * 2246822519u;
        h ^= h >> 13;
    }
    return h;
}

/* An n-gram is there when its context is and a formula says so: of successors about one in four, then one in three. */
bool tiny_ngram_has(const tiny_ngram *m, const int32_t *tokens, int32_t n) {
    if (n > m->order) return false;
    for (int32_t k = 2; k <= n; k++)
        if (mix(tokens, k, 7) % (k == 2 ? 4 : 3) != 0) return false;
    return true;
}

/* As the file's text says it: -0.0001 to -6. */
double tiny_ngram_log_prob(const int32_t *tokens, int32_t n) {
    return -(double)(1 + mix(tokens, n, 1) % 60000) / 10000.0;
}

/* -1.5 to 0.1. */
double tiny_ngram_log_backoff(const int32_t *tokens, int32_t n) {
    return (double)(mix(tokens, n, 2) % 16000) / -10000.0 + 0.1;
}

typedef struct output {
    uint8_t *bytes;
    size_t size, capacity;
} output;

static void put(output *o, const char *text) {
    size_t n = strlen(text);
    while (o->size + n > o->capacity) o->bytes = realloc(o->bytes, o->capacity = 2 * o->capacity + 4096);
    memcpy(o->bytes + o->size, text, n);
    o->size += n;
}

static void put_ngram(output *o, const tiny_ngram *m, const int32_t *tokens, int32_t n) {
    static const char *const special[] = {"<unk>", "<s>", "</s>"};
    char line[MAX_LINE];
    size_t at = (size_t)snprintf(line, sizeof line, "%.4f\t", tiny_ngram_log_prob(tokens, n));
    for (int32_t i = 0; i < n; i++) {
        const char *space = i > 0 ? " " : "";
        if (!m->linked && tokens[i] < 3)
            at += (size_t)snprintf(line + at, sizeof line - at, "%s%s", space, special[tokens[i]]);
        else
            at += (size_t)snprintf(line + at, sizeof line - at, "%s%s%d", space, m->linked ? "" : "w", (int)tokens[i]);
    }
    if (n < m->order) at += (size_t)snprintf(line + at, sizeof line - at, "\t%.4f", tiny_ngram_log_backoff(tokens, n));
    snprintf(line + at, sizeof line - at, "\n");
    put(o, line);
}

/* The n-grams of order n, into `o` or, where that is NULL, only counted. */
static size_t walk(output *o, const tiny_ngram *m, int32_t n) {
    size_t found = 0;
    int32_t tokens[MAX_ORDER], size = 1;
    for (int32_t i = 0; i < n; i++) size *= m->n_words;
    for (int32_t i = 0; i < size; i++) {
        int32_t rest = m->backwards && n > 1 ? size - 1 - i : i; /* ids are the places of 1-grams */
        for (int32_t k = n; k-- > 0; rest /= m->n_words) tokens[k] = rest % m->n_words;
        if (!tiny_ngram_has(m, tokens, n)) continue;
        if (o != NULL) put_ngram(o, m, tokens, n);
        found++;
    }
    return found;
}

uint8_t *tiny_ngram_file(const tiny_ngram *m, size_t *size) {
    output o = {NULL, 0, 0};
    char line[MAX_LINE];
    if (m->linked) {
        snprintf(line, sizeof line, "inlay tokens=%d hash=123456789\n", (int)m->n_words);
        put(&o, line);
    }
    put(&o, "\\data\\\n");
    for (int32_t n = 1; n <= m->order; n++) {
        snprintf(line, sizeof line, "ngram %d=%zu\n", (int)n, walk(NULL, m, n));
        put(&o, line);
    }
    for (int32_t n = 1; n <= m->order; n++) {
        snprintf(line, sizeof line, "\n\\%d-grams:\n", (int)n);
        put(&o, line);
        walk(&o, m, n);
    }
    put(&o, "\n\\end\\\n");
    *size = o.size;
    return o.bytes;
}
