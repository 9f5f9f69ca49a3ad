/* A hash of 64 bits over bytes, the same on every machine: it tells damage, not malice. Words of 8 bytes,
 * little-endian, the last one filled up with zeros; each step can be undone, so that a change within one word always
 * shows. */
#ifndef INLAY_CHECKSUM_H
#define INLAY_CHECKSUM_H

#include "base.h"

/* Goes on from `hash`, 0 at first; n is a multiple of 8 in all calls but the last. */
static inline uint64_t inlay__checksum(uint64_t hash, const void *data, size_t n) {
    const uint8_t *bytes = data;
    for (size_t i = 0; i < n; i += 8) {
        uint8_t rest[8] = {0};
        if (n - i < 8) memcpy(rest, bytes + i, n - i);
        hash = (hash ^ inlay__load_u64(n - i < 8 ? rest : bytes + i)) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
    }
    return hash;
}

#endif
