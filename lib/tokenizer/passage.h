/* A text on its way to tokens. Every step of normalising and splitting reads one passage and writes the next, and
 * each byte remembers which bytes of the given text it comes from. Passages hold UTF-8 only.
 */
#ifndef INLAY_PASSAGE_H
#define INLAY_PASSAGE_H

#include "base/base.h"
#include "base/utf8.h"

/* Bytes begin to end - 1. */
typedef struct inlay__span {
    uint32_t begin, end;
} inlay__span;

typedef struct inlay__passage {
    const inlay__sys *sys;
    uint8_t *text;        /* [size] */
    inlay__span *origins; /* [size] where each byte comes from; NULL unless tracked */
    size_t size, text_capacity, origin_capacity;
    size_t n_first;       /* bytes at the beginning that come from where the given text begins */
    size_t limit;         /* bytes that normalising may make */
    bool tracked;
} inlay__passage;

typedef struct inlay__spans {
    inlay__span *items; /* [n] */
    size_t n, capacity;
} inlay__spans;

void inlay__passage_free(inlay__passage *passage);

/* Room for n more bytes. Errors: _MEMORY, _UNSUPPORTED above the limit. */
int32_t inlay__passage_reserve(inlay__passage *passage, size_t n);

static inline void inlay__passage_clear(inlay__passage *passage) { passage->size = passage->n_first = 0; }

/* After inlay__passage_reserve. All n bytes come from `origin`. */
static inline void inlay__passage_put(inlay__passage *passage, const void *bytes, size_t n, inlay__span origin) {
    memcpy(passage->text + passage->size, bytes, n);
    if (passage->n_first == passage->size && origin.begin == 0) passage->n_first += n;
    if (passage->tracked)
        for (size_t i = 0; i < n; i++) passage->origins[passage->size + i] = origin;
    passage->size += n;
}

/* Where text[begin..end), begin < end, comes from; where that is not tracked, 0 or 1 tells the beginning from all other
 * places. */
static inline inlay__span inlay__passage_origin(const inlay__passage *passage, size_t begin, size_t end) {
    if (!passage->tracked) return begin < passage->n_first ? (inlay__span){0, 0} : (inlay__span){1, 1};
    return (inlay__span){passage->origins[begin].begin, passage->origins[end - 1].end};
}

/* Appends bytes, or a character, that come from `origin`. */
int32_t inlay__passage_add(inlay__passage *passage, const void *bytes, size_t n, inlay__span origin);
int32_t inlay__passage_add_code(inlay__passage *passage, uint32_t code, inlay__span origin);
/* Appends from[begin..end) as it is. */
int32_t inlay__passage_copy(inlay__passage *passage, const inlay__passage *from, size_t begin, size_t end);
/* Appends the given text as it is, UTF-8 or not: byte i comes from byte i. */
int32_t inlay__passage_bytes(inlay__passage *passage, const uint8_t *text, size_t size);
/* Appends text whose bytes are the given text's from `offset` on, with U+FFFD for what is not UTF-8: one for each
 * longest part that could have begun a character. */
int32_t inlay__passage_repair(inlay__passage *passage, const uint8_t *text, size_t size, size_t offset);

/* The character at text[pos], pos < size, and its bytes. */
static inline size_t inlay__passage_code(const inlay__passage *passage, size_t pos, uint32_t *code) {
    const uint8_t *p = passage->text + pos;
    if (p[0] < 0x80) {
        *code = p[0];
        return 1;
    }
    size_t size = inlay__utf8_decode(p, passage->size - pos, code);
    return size > 0 ? size : 1;
}

int32_t inlay__spans_add(const inlay__sys *sys, inlay__spans *spans, size_t begin, size_t end);
void inlay__spans_free(const inlay__sys *sys, inlay__spans *spans);

#endif
