/* Open addressing with linear probing, at most half full. */
#include <time.h>

#include "hash_map.h"

/* A 64-bit finaliser: every bit of the input reaches every bit of the result. */
static uint64_t mix(uint64_t x) {
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    return x ^ x >> 32;
}

uint64_t inlay__hash_seed(const void *table) {
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return mix((uint64_t)(uintptr_t)table ^ (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec);
}

uint64_t inlay__hash_bytes(uint64_t seed, const char *key, size_t size) {
    uint64_t h = seed ^ mix(size), tail = 0;
    for (; size > 8; key += 8, size -= 8) h = mix(h ^ inlay__load_u64(key)) + seed;
    /* The last bytes by loads that may overlap: the size is mixed in already. */
    if (size >= 4)
        tail = inlay__load_u32(key) | (uint64_t)inlay__load_u32(key + size - 4) << 32;
    else if (size > 0)
        tail = (uint64_t)((uint8_t)key[0] | (uint32_t)(uint8_t)key[size / 2] << 8 |
                          (uint32_t)(uint8_t)key[size - 1] << 16);
    return mix(h ^ tail);
}

int32_t inlay__hash_map_init(const inlay__sys *sys, inlay__hash_map *map, size_t capacity) {
    size_t n = 16;
    while (n / 2 < capacity) {
        if (n > SIZE_MAX / 2 / sizeof *map->slots)
            return inlay__fail(INLAY_ERR_MEMORY, "out of memory: a map of %zu keys does not fit an address space",
                               capacity);
        n *= 2;
    }
    *map = (inlay__hash_map){.slots = inlay__alloc_array(sys, n, sizeof *map->slots), .mask = n - 1};
    if (map->slots == NULL) return INLAY_ERR_MEMORY;
    map->seed = inlay__hash_seed(map->slots);
    return INLAY_OK;
}

void inlay__hash_map_free(const inlay__sys *sys, inlay__hash_map *map) {
    if (map->slots != NULL) inlay__free(sys, map->slots, (map->mask + 1) * sizeof *map->slots);
    map->slots = NULL;
}

/* The key's slot, or the empty one where it would go. */
static inlay__hash_slot *find(const inlay__hash_map *map, const char *key, size_t size) {
    size_t i = (size_t)inlay__hash_bytes(map->seed, key, size) & map->mask;
    for (;; i = (i + 1) & map->mask) {
        inlay__hash_slot *slot = &map->slots[i];
        if (slot->key == NULL || (slot->size == size && memcmp(slot->key, key, size) == 0)) return slot;
    }
}

bool inlay__hash_map_put(inlay__hash_map *map, const char *key, size_t size, uint32_t value) {
    inlay__hash_slot *slot = find(map, key, size);
    if (slot->key != NULL) return false;
    *slot = (inlay__hash_slot){key, (uint32_t)size, value};
    map->n_keys++;
    return true;
}

bool inlay__hash_map_get(const inlay__hash_map *map, const char *key, size_t size, uint32_t *value) {
    if (map->slots == NULL) return false;
    const inlay__hash_slot *slot = find(map, key, size);
    if (slot->key == NULL) return false;
    *value = slot->value;
    return true;
}
