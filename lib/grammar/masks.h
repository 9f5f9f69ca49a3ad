/* Which tokens can come next at one position of a grammar, whatever called its rule: kept, and shared by all texts that
 * the grammar is for.
 *
 * Bit 1 << i % 64 of word i / 64:
 *
 *     allowed  i a token: it can come next
 *     open     i a place in the order of the texts: within the token the position's rule ends, so what can follow
 *              depends on its caller
 *
 * Any thread may use it. */
#ifndef INLAY_MASKS_H
#define INLAY_MASKS_H

#include <pthread.h>

#include "grammar/reader.h"
#include "grammar/token_texts.h"

typedef struct inlay__mask_slot {
    uint32_t position; /* UINT32_MAX: none */
    uint64_t last_use;
} inlay__mask_slot;

typedef struct inlay__masks {
    const inlay__sys *sys;
    const inlay__token_texts *texts;
    pthread_mutex_t mutex;
    bool has_mutex;
    inlay__mask_slot *slots; /* [n_slots] */
    uint64_t *words;         /* [n_slots, 2, n_words] allowed, open */
    size_t n_slots, n_words;
    uint64_t n_uses;
} inlay__masks;

/* Errors: INLAY_ERR_MEMORY; free it also then. */
int32_t inlay__masks_init(inlay__masks *masks, const inlay__sys *sys, const inlay__token_texts *texts, size_t n_slots);
void inlay__masks_free(inlay__masks *masks);

static inline size_t inlay__mask_words(const inlay__token_texts *texts) { return (texts->n_vocab + 63) / 64; }

/* Adds those of a position to `allowed` and `open` [n_words each]. The reader's roots from `path` on, [longest + 1],
 * serve for a walk where they are not there; `scratch` [2, n_words] likewise. Errors: INLAY_ERR_UNSUPPORTED. */
int32_t inlay__masks_add(inlay__masks *masks, inlay__reader *reader, size_t path, uint32_t position,
                         uint64_t *scratch, uint64_t *allowed, uint64_t *open);
/* All tokens that can come next at the state of root `path`, to `allowed`. Errors: as above. */
int32_t inlay__mask_walk(const inlay__token_texts *texts, inlay__reader *reader, size_t path, uint64_t *allowed,
                         uint64_t *open);
/* Of the tokens in `open` those that can, to `allowed`. */
int32_t inlay__mask_check(const inlay__token_texts *texts, inlay__reader *reader, size_t path, const uint64_t *open,
                          uint64_t *allowed);

static inline void inlay__mask_put(uint64_t *words, size_t i) { words[i / 64] |= (uint64_t)1 << i % 64; }
static inline bool inlay__mask_has(const uint64_t *words, size_t i) { return (words[i / 64] >> i % 64 & 1) != 0; }

#endif
