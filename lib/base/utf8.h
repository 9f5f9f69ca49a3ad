/* UTF-8 (RFC 3629), one character at a time, for any bytes. */
#ifndef INLAY_UTF8_H
#define INLAY_UTF8_H

#include "base.h"

/* Bytes of the well-formed character at p[0..n), n > 0, and its code point; 0 and U+FFFD when the
 * bytes there are not well-formed (cut, overlong, surrogate or above U+10FFFF). */
size_t inlay__utf8_decode(const uint8_t *p, size_t n, uint32_t *code);

/* The bytes that p[0..n), n > 0, may still want to become a well-formed character: 0 when it is
 * whole or can never be one. */
size_t inlay__utf8_missing(const uint8_t *p, size_t n);

/* Writes 1 to 4 bytes and returns how many. `code` is at most 0x10FFFF. */
size_t inlay__utf8_encode(uint32_t code, uint8_t out[4]);

#endif
