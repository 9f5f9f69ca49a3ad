/* Bytes in, whole UTF-8 characters out. */
#ifndef INLAY_STREAM_H
#define INLAY_STREAM_H

#include "base/base.h"

/* An unfinished character between calls, as it is packed into the caller's 64 bits:
 *
 *     bits 0..7   8..15   16..23   24..31   63
 *     count 0..3  byte 0  byte 1   byte 2   a token was written: the next one is not the first
 */
typedef struct inlay__stream {
    uint8_t pending[4];
    size_t n_pending; /* 0 to 3 between calls */
    bool begun;       /* only of tokenizers whose first token is another text than those inside */
    char *out;        /* NULL: only count */
    size_t size;      /* bytes written so far */
} inlay__stream;

/* False when the 64 bits are not a state. */
bool inlay__stream_unpack(uint64_t state, inlay__stream *stream);
uint64_t inlay__stream_pack(const inlay__stream *stream);

/* Writes the characters that the bytes complete. A sequence that can no longer become a character gives one U+FFFD
 * for its longest part that could have begun one, as the Unicode standard recommends (section 3.9). */
void inlay__stream_put(inlay__stream *stream, const uint8_t *bytes, size_t n);
/* The text ends: U+FFFD for what is pending, and the next token is a first one. */
void inlay__stream_end(inlay__stream *stream);

#endif
