/* A bounded reader of little-endian bytes. All parsing of files goes through it: a read that
 * would pass the end takes nothing, clears its result and returns false.
 */
#ifndef INLAY_CURSOR_H
#define INLAY_CURSOR_H

#include "base.h"

typedef struct inlay__cursor {
    const uint8_t *data; /* [size] */
    size_t size;
    size_t pos;          /* pos <= size, always */
} inlay__cursor;

static inline size_t inlay__cursor_left(const inlay__cursor *c) { return c->size - c->pos; }

/* n bytes in place. */
static inline bool inlay__cursor_bytes(inlay__cursor *c, uint64_t n, const uint8_t **bytes) {
    if (n > inlay__cursor_left(c)) {
        *bytes = NULL;
        return false;
    }
    *bytes = c->data + c->pos;
    c->pos += (size_t)n;
    return true;
}

static inline bool inlay__cursor_u8(inlay__cursor *c, uint8_t *value) {
    const uint8_t *p;
    bool ok = inlay__cursor_bytes(c, 1, &p);
    *value = ok ? p[0] : 0;
    return ok;
}

static inline bool inlay__cursor_u16(inlay__cursor *c, uint16_t *value) {
    const uint8_t *p;
    bool ok = inlay__cursor_bytes(c, 2, &p);
    *value = ok ? inlay__load_u16(p) : 0;
    return ok;
}

static inline bool inlay__cursor_u32(inlay__cursor *c, uint32_t *value) {
    const uint8_t *p;
    bool ok = inlay__cursor_bytes(c, 4, &p);
    *value = ok ? inlay__load_u32(p) : 0;
    return ok;
}

static inline bool inlay__cursor_u64(inlay__cursor *c, uint64_t *value) {
    const uint8_t *p;
    bool ok = inlay__cursor_bytes(c, 8, &p);
    *value = ok ? inlay__load_u64(p) : 0;
    return ok;
}

#endif
