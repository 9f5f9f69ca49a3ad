/* UTF-8, by the table of well-formed sequences of the Unicode Standard (3-7). */
#include "utf8.h"

/* How long a character with this first byte is, and the range of its second byte; 0 for no first byte. */
typedef struct lead {
    uint8_t size, least, greatest;
} lead;

static lead lead_of(uint8_t byte) {
    if (byte < 0x80) return (lead){1, 0, 0};
    if (byte < 0xc2) return (lead){0, 0, 0};
    if (byte < 0xe0) return (lead){2, 0x80, 0xbf};
    if (byte < 0xf0) return (lead){3, byte == 0xe0 ? 0xa0 : 0x80, byte == 0xed ? 0x9f : 0xbf};
    if (byte < 0xf5) return (lead){4, byte == 0xf0 ? 0x90 : 0x80, byte == 0xf4 ? 0x8f : 0xbf};
    return (lead){0, 0, 0};
}

/* Bytes at p that agree with the lead, 1 to its size. */
static size_t agreeing(const uint8_t *p, size_t n, lead l) {
    size_t i = 1;
    for (; i < l.size && i < n; i++) {
        uint8_t least = i == 1 ? l.least : 0x80, greatest = i == 1 ? l.greatest : 0xbf;
        if (p[i] < least || p[i] > greatest) break;
    }
    return i;
}

size_t inlay__utf8_decode(const uint8_t *p, size_t n, uint32_t *code) {
    static const uint8_t first_bits[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    lead l = lead_of(p[0]);
    if (l.size == 0 || l.size > n || agreeing(p, n, l) != l.size) {
        *code = 0xfffd;
        return 0;
    }
    *code = p[0] & first_bits[l.size];
    for (size_t i = 1; i < l.size; i++) *code = *code << 6 | (p[i] & 0x3f);
    return l.size;
}

size_t inlay__utf8_missing(const uint8_t *p, size_t n) {
    lead l = lead_of(p[0]);
    return l.size > n && agreeing(p, n, l) == n ? l.size - n : 0;
}

size_t inlay__utf8_encode(uint32_t code, uint8_t out[4]) {
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t marks[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size - 1; i > 0; i--, code >>= 6) out[i] = (uint8_t)(0x80 | (code & 0x3f));
    out[0] = (uint8_t)(marks[size] | code);
    return size;
}
