/* From byte strings to indices. The keys stay where they are: the map stores pointers into
 * the caller's memory. Its hash is seeded afresh for each map, so that no file can be made to
 * collide; its order is never visible, so that results do not depend on the seed. */
#ifndef INLAY_HASH_MAP_H
#define INLAY_HASH_MAP_H

#include "base.h"

typedef struct inlay__hash_slot {
    const char *key; /* NULL: empty */
    uint32_t size;
    uint32_t value;
} inlay__hash_slot;

typedef struct inlay__hash_map {
    inlay__hash_slot *slots; /* [mask + 1] */
    size_t mask;
    size_t n_keys;
    uint64_t seed;
} inlay__hash_map;

/* Room for exactly `capacity` keys without growing. */
int32_t inlay__hash_map_init(const inlay__sys *sys, inlay__hash_map *map, size_t capacity);
void inlay__hash_map_free(const inlay__sys *sys, inlay__hash_map *map);

/* Puts a key that is not there yet and returns true; returns false, changing nothing, when it is
 * there. At most the `capacity` of init many. */
bool inlay__hash_map_put(inlay__hash_map *map, const char *key, size_t size, uint32_t value);
bool inlay__hash_map_get(const inlay__hash_map *map, const char *key, size_t size, uint32_t *value);

/* What the map is made of: a seed that nobody can foresee, for a table at an address, and the hash of bytes under
 * it. */
uint64_t inlay__hash_seed(const void *table);
uint64_t inlay__hash_bytes(uint64_t seed, const char *bytes, size_t size);

#endif
