/* Reads one metadata value after another, "ARCHITECTURE.key", each checked against what the library can hold. */
#ifndef INLAY_KEYS_H
#define INLAY_KEYS_H

#include "format/weights.h"

typedef struct inlay__keys {
    const char *name; /* the file, in messages */
    const inlay__gguf *gguf;
    const char *architecture;
} inlay__keys;

/* Bounds that keep every product of sizes far from wrapping, well above any published model. */
enum {
    INLAY__MAX_VOCAB = 1 << 24,
    INLAY__MAX_CONTEXT = 1 << 30,
    INLAY__MAX_EMBD = 1 << 18,
    INLAY__MAX_LAYER = 1 << 12,
    INLAY__MAX_HEAD = 1 << 12,
    INLAY__MAX_FF = 1 << 21,
    INLAY__MAX_EXPERT = 1 << 12
};

/* Finds the architecture's name. Errors: _FORMAT. */
int32_t inlay__keys_init(const char *name, const inlay__gguf *gguf, inlay__keys *keys);

bool inlay__keys_has(const inlay__keys *keys, const char *key);

/* Where the key is absent *value stays (a default), unless it is required. Errors: _FORMAT (missing, of another type, out of
 * range), _UNSUPPORTED (an array whose values differ where one value is wanted). */
int32_t inlay__keys_u32(const inlay__keys *keys, const char *key, bool required, int64_t least, int64_t greatest,
                        uint32_t *value);
int32_t inlay__keys_f64(const inlay__keys *keys, const char *key, bool required, double least, double greatest,
                        double *value);
int32_t inlay__keys_bool(const inlay__keys *keys, const char *key, bool required, bool *value);
/* Value `i` of n, one a layer: an array of n values, or one for all. */
int32_t inlay__keys_bool_of(const inlay__keys *keys, const char *key, size_t i, size_t n, bool *value);
/* The text lives as long as the gguf. */
int32_t inlay__keys_text(const inlay__keys *keys, const char *key, bool required, const char **value);

/* Value `i` of n, one a layer: an array of n values, or one value for all. */
int32_t inlay__keys_u32_of(const inlay__keys *keys, const char *key, size_t i, size_t n, int64_t least, int64_t greatest,
                           uint32_t *value);

/* "key is V, expected W". Returns _UNSUPPORTED. */
int32_t inlay__keys_refuse(const inlay__keys *keys, const char *key, const char *found, const char *expected);

#endif
