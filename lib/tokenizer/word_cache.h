/* The tokens of words that came before in the same text: most words of a text are few ones, again and again. A slot is
 * one line of a CPU's cache; a word takes the place of another that has its slot. Short texts have no cache.
 */
#ifndef INLAY_WORD_CACHE_H
#define INLAY_WORD_CACHE_H

#include "tokenizer/encoder.h"

enum { INLAY__KNOWN_WORD = 16, INLAY__KNOWN_TOKENS = 11 }; /* most bytes, and tokens, that are remembered */

/* A word of 1 to INLAY__KNOWN_WORD bytes, zeros behind them. */
typedef struct inlay__word_key {
    uint64_t bytes[2];
    size_t size;
} inlay__word_key;

typedef struct inlay__known_word {
    uint64_t bytes[2];
    uint16_t size; /* 0: empty */
    uint16_t n;
    int32_t tokens[INLAY__KNOWN_TOKENS]; /* [n] */
} inlay__known_word;

typedef struct inlay__word_cache {
    inlay__known_word *slots; /* [mask + 1] scratch of the encoder; NULL: nothing is remembered */
    size_t mask;
} inlay__word_cache;

/* An empty cache for a text of that size. Errors: _MEMORY. */
int32_t inlay__word_cache_begin(inlay__encoder *encoder, size_t size, inlay__word_cache *cache);

/* The first n <= 8 bytes at p, of which `readable` >= n are there. */
static inline uint64_t inlay__word_load(const uint8_t *p, size_t n, size_t readable) {
    uint64_t word = 0;
    if (n == 0) return 0;
    if (readable >= 8) return inlay__load_u64(p) & UINT64_MAX >> 8 * (8 - n);
    for (size_t i = 0; i < n; i++) word |= (uint64_t)p[i] << 8 * i;
    return word;
}

static inline inlay__word_key inlay__word_key_of(const uint8_t *word, size_t n, size_t readable) {
    if (n <= 8) return (inlay__word_key){{inlay__word_load(word, n, readable), 0}, n};
    return (inlay__word_key){{inlay__word_load(word, 8, readable), inlay__word_load(word + 8, n - 8, readable - 8)}, n};
}

/* The slot of a word, whatever is in it; the cache has some. */
static inline inlay__known_word *inlay__word_cache_slot(const inlay__word_cache *cache, const inlay__word_key *key) {
    uint64_t hash = (key->bytes[0] ^ key->bytes[1] * 0xD6E8FEB86659FD93u) * 0x9E3779B97F4A7C15u;
    return &cache->slots[(hash >> 40) & cache->mask];
}

static inline bool inlay__word_is_known(const inlay__known_word *slot, const inlay__word_key *key) {
    return slot->bytes[0] == key->bytes[0] && slot->bytes[1] == key->bytes[1] && slot->size == key->size;
}

/* Appends the tokens of a known word; not with spans. */
static inline int32_t inlay__word_put(inlay__encoder *encoder, const inlay__known_word *slot) {
    if (encoder->capacity - encoder->n_tokens < INLAY__KNOWN_TOKENS)
        INLAY__TRY(inlay__encoder_reserve(encoder, INLAY__KNOWN_TOKENS));
    memcpy(encoder->tokens + encoder->n_tokens, slot->tokens, sizeof slot->tokens); /* more than n, which is faster */
    encoder->n_tokens += slot->n;
    return INLAY_OK;
}

/* Remembers the tokens from number `first` on, if they are not too many. */
static inline void inlay__word_remember(inlay__known_word *slot, const inlay__word_key *key,
                                        const inlay__encoder *encoder, size_t first) {
    size_t n = encoder->n_tokens - first;
    if (n > INLAY__KNOWN_TOKENS) return;
    *slot = (inlay__known_word){.bytes = {key->bytes[0], key->bytes[1]}, .size = (uint16_t)key->size, .n = (uint16_t)n};
    if (n > 0) memcpy(slot->tokens, encoder->tokens + first, n * sizeof *slot->tokens);
}

#endif
