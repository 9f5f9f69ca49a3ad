/* Room for a cache of words. */
#include "tokenizer/word_cache.h"

enum { LEAST_TEXT = 1024, TEXT_PER_SLOT = 16, MOST_SLOTS = 4096 };

int32_t inlay__word_cache_begin(inlay__encoder *encoder, size_t size, inlay__word_cache *cache) {
    size_t n = LEAST_TEXT / TEXT_PER_SLOT;
    *cache = (inlay__word_cache){.slots = NULL};
    if (size < LEAST_TEXT || encoder->wants_spans) return INLAY_OK;
    while (n < MOST_SLOTS && n * TEXT_PER_SLOT < size) n *= 2;
    cache->slots = inlay__encoder_scratch(encoder, INLAY__SCRATCH_WORDS, n * sizeof *cache->slots);
    if (cache->slots == NULL) return INLAY_ERR_MEMORY;
    memset(cache->slots, 0, n * sizeof *cache->slots);
    cache->mask = n - 1;
    return INLAY_OK;
}
