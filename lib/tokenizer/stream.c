/* The streaming decoder's state machine. */
#include "tokenizer/stream.h"

#include "base/utf8.h"

#define BEGUN ((uint64_t)1 << 63)

bool inlay__stream_unpack(uint64_t state, inlay__stream *stream) {
    *stream = (inlay__stream){.n_pending = (size_t)(state & 0xFF), .begun = (state & BEGUN) != 0};
    state &= ~BEGUN;
    if (stream->n_pending > 3 || state >> (8 * (stream->n_pending + 1)) != 0) return false;
    for (size_t i = 0; i < stream->n_pending; i++)
        stream->pending[i] = (uint8_t)(state >> (8 * (i + 1)));
    return stream->n_pending == 0 || inlay__utf8_missing(stream->pending, stream->n_pending) > 0;
}

uint64_t inlay__stream_pack(const inlay__stream *stream) {
    uint64_t state = stream->n_pending | (stream->begun ? BEGUN : 0);
    for (size_t i = 0; i < stream->n_pending; i++)
        state |= (uint64_t)stream->pending[i] << (8 * (i + 1));
    return state;
}

static void write_bytes(inlay__stream *stream, const uint8_t *bytes, size_t n) {
    if (stream->out != NULL) memcpy(stream->out + stream->size, bytes, n);
    stream->size += n;
}

/* Drops the first n pending bytes. */
static void drop(inlay__stream *stream, size_t n) {
    stream->n_pending -= n;
    memmove(stream->pending, stream->pending + n, stream->n_pending);
}

static void write_replacement(inlay__stream *stream) { write_bytes(stream, (const uint8_t *)"\xEF\xBF\xBD", 3); }

/* Takes whole characters and hopeless bytes off the pending ones. */
static void settle(inlay__stream *stream) {
    while (stream->n_pending > 0) {
        uint32_t code;
        size_t whole = inlay__utf8_decode(stream->pending, stream->n_pending, &code);
        if (whole > 0) {
            write_bytes(stream, stream->pending, whole);
            drop(stream, whole);
            continue;
        }
        if (inlay__utf8_missing(stream->pending, stream->n_pending) > 0) return;
        size_t part = 1;
        while (part < stream->n_pending && inlay__utf8_missing(stream->pending, part + 1) > 0)
            part++;
        write_replacement(stream);
        drop(stream, part);
    }
}

void inlay__stream_put(inlay__stream *stream, const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        stream->pending[stream->n_pending++] = bytes[i];
        settle(stream);
    }
}

void inlay__stream_end(inlay__stream *stream) {
    if (stream->n_pending > 0) write_replacement(stream);
    stream->n_pending = 0;
    stream->begun = false;
}
