/* The alphabet of byte-level vocabularies: each byte stands as one printable character, so that every token
 * is readable text. Bytes that are printable in Latin-1 stand for themselves, the other 68 for U+0100 and up:
 *
 *     byte   0..32       33..126   127..160      161..172   173      174..255
 *     code   256..288    same      289..322      same       323      same
 */
#ifndef INLAY_BYTE_TEXT_H
#define INLAY_BYTE_TEXT_H

#include "base/base.h"

enum { INLAY__BYTE_TEXT_MAX = 2 }; /* bytes of UTF-8 that a byte takes at most */

static inline uint32_t inlay__byte_to_code(uint8_t byte) {
    if (byte <= 32) return 256u + byte;
    if (byte <= 126) return byte;
    if (byte <= 160) return 289u - 127u + byte;
    return byte == 173 ? 323 : byte;
}

/* -1 when the code stands for no byte. */
static inline int inlay__code_to_byte(uint32_t code) {
    if (code < 33) return -1;
    if (code <= 126) return (int)code;
    if (code < 161 || code == 173) return -1;
    if (code <= 255) return (int)code;
    if (code <= 288) return (int)code - 256;
    if (code <= 322) return (int)code - 289 + 127;
    return code == 323 ? 173 : -1;
}

/* Writes the character of a byte; returns 1 or 2. */
static inline size_t inlay__byte_write(uint8_t byte, char out[INLAY__BYTE_TEXT_MAX]) {
    uint32_t code = inlay__byte_to_code(byte);
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    out[0] = (char)(0xC0 | code >> 6);
    out[1] = (char)(0x80 | (code & 0x3F));
    return 2;
}

/* Reads the character at p[0..n), n > 0: its length, and the byte it stands for; 0 when it stands for none. */
static inline size_t inlay__byte_read(const char *p, size_t n, uint8_t *byte) {
    uint8_t first = (uint8_t)p[0];
    if (first >= 33 && first <= 126) {
        *byte = first;
        return 1;
    }
    if (first < 0xC2 || first > 0xC5 || n < 2 || ((uint8_t)p[1] & 0xC0) != 0x80) return 0;
    int found = inlay__code_to_byte((uint32_t)(first & 0x1F) << 6 | ((uint8_t)p[1] & 0x3F));
    if (found < 0) return 0;
    *byte = (uint8_t)found;
    return 2;
}

#endif
