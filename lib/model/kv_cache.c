/* Keys and values of all layers of one sequence. */
#include "model/kv_cache.h"

#include "format/dtype.h"

/* Bytes of one position's keys of a head, and of its values. */
static int32_t choose_row_size(uint32_t type, size_t n_embd_head, uint64_t *row_size) {
    if (type != INLAY_TYPE_F32 && type != INLAY_TYPE_F16 && type != INLAY_TYPE_Q8_0)
        return inlay__fail(INLAY_ERR_ARGUMENT,
                           "option 'cache-type' is %s; keys and values are kept in F32, F16 or Q8_0",
                           inlay__dtype_any_name(type));
    if (!inlay__dtype_row_size(type, n_embd_head, row_size))
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "option 'cache-type' is Q8_0, which needs heads of a multiple of 32; this model's have %zu",
                           n_embd_head);
    return INLAY_OK;
}

static int32_t does_not_fit(size_t n_context) {
    return inlay__fail(INLAY_ERR_MEMORY, "out of memory: a key/value cache of %zu tokens does not fit an address space",
                       n_context);
}

int32_t inlay__kv_cache_init(const inlay__sys *sys, const inlay__kv_shape *h, size_t n_context, uint32_t type,
                             inlay__kv_cache *cache) {
    size_t size;
    uint64_t row_size;
    *cache = (inlay__kv_cache){0};
    INLAY__TRY(choose_row_size(type, h->n_embd_head, &row_size));
    if (n_context > SIZE_MAX - INLAY__KEY_BLOCK) return does_not_fit(n_context);
    *cache = (inlay__kv_cache){.type = type,
                               .n_block = inlay__round_up(n_context, INLAY__LANES),
                               .n_layer = h->n_layer,
                               .n_head_kv = h->n_head_kv,
                               .row_size = (size_t)row_size};
    if (!h->is_whole) cache->n_block = inlay__min_size(cache->n_block, INLAY__KEY_BLOCK);
    cache->n_positions = inlay__round_up(n_context, cache->n_block);
    if (!inlay__mul_size(cache->n_block, cache->row_size, &cache->head_size) ||
        !inlay__mul_size(cache->head_size, h->n_head_kv * 2, &size) ||
        !inlay__mul_size(size, h->n_layer, &cache->block_size) ||
        !inlay__mul_size(cache->block_size, cache->n_positions / cache->n_block, &size))
        return does_not_fit(n_context);
    if (size == 0) return INLAY_OK; /* no layer attends */
    cache->data = inlay__alloc(sys, size);
    cache->size = size;
    return cache->data != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
}

void inlay__kv_cache_free(const inlay__sys *sys, inlay__kv_cache *cache) {
    inlay__free(sys, cache->data, cache->size);
    cache->data = NULL;
}

void *inlay__kv_cache_keys(const inlay__kv_cache *cache, size_t layer, size_t head, size_t position) {
    uint8_t *block = cache->data + position / cache->n_block * cache->block_size;
    return block + (layer * cache->n_head_kv + head) * 2 * cache->head_size;
}

void *inlay__kv_cache_values(const inlay__kv_cache *cache, size_t layer, size_t head, size_t position) {
    return (uint8_t *)inlay__kv_cache_keys(cache, layer, head, position) + cache->head_size;
}

void inlay__kv_cache_reserve(inlay__kv_cache *cache, size_t n) {
    size_t end = inlay__min_size(inlay__round_up(n, cache->n_block), cache->n_positions);
    if (end <= cache->n_ready || cache->size == 0) return;
    size_t begin = cache->n_ready / cache->n_block * cache->block_size;
    memset(cache->data + begin, 0, end / cache->n_block * cache->block_size - begin);
    cache->n_ready = end;
}

/* The values of [begin, end), which are in one block, of all heads. */
static void clear_in_block(inlay__kv_cache *cache, size_t begin, size_t end) {
    for (size_t layer = 0; layer < cache->n_layer; layer++)
        for (size_t head = 0; head < cache->n_head_kv; head++) {
            uint8_t *values = inlay__kv_cache_values(cache, layer, head, begin);
            memset(values + begin % cache->n_block * cache->row_size, 0, (end - begin) * cache->row_size);
        }
}

void inlay__kv_cache_clear(inlay__kv_cache *cache, size_t begin, size_t end) {
    end = inlay__min_size(end, cache->n_ready);
    while (begin < end) {
        size_t block_end = (begin / cache->n_block + 1) * cache->n_block;
        clear_in_block(cache, begin, inlay__min_size(end, block_end));
        begin = block_end;
    }
}
