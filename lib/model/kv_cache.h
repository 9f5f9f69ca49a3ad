/* Keys and values of all layers of one sequence.
 *
 * They stand in blocks of 256 positions, the unit of attention (kernels/attention.c), so that memory is first touched
 * when a block is first needed, and lies together:
 *
 *     [n_positions / n_block][n_layer][n_head_kv] | keys of a head [head_size] | its values [head_size] |
 *
 * Keys stand in groups of 16 positions, [dimension][16], so that a vector of keys is one load; values stand position by
 * position. Q8_0 has layouts of its own: kernels/attention_q8_0.c. In a block that is ready values are finite everywhere:
 * rows no one has written are zero.
 */
#ifndef INLAY_KV_CACHE_H
#define INLAY_KV_CACHE_H

#include "kernels/kernels.h"

/* What is kept of a position. */
typedef struct inlay__kv_shape {
    size_t n_layer, n_head_kv, n_embd_head;
    bool is_whole; /* all positions in one block, for sequences one behind another */
} inlay__kv_shape;

typedef struct inlay__kv_cache {
    uint32_t type;           /* INLAY_TYPE_F32, _F16 or _Q8_0 */
    size_t n_positions;      /* a multiple of n_block */
    size_t n_block;          /* positions of a block: 256, or a multiple of 16 that holds a shorter context, or all */
    size_t n_ready;          /* positions that may be read: written, or zero */
    size_t n_layer, n_head_kv;
    size_t row_size;         /* bytes of one position of a head's keys, and of its values */
    size_t head_size;        /* bytes of one head's keys in a block, and of its values */
    size_t block_size;       /* bytes of a block */
    uint8_t *data;           /* [n_positions / n_block, block_size] */
    size_t size;
} inlay__kv_cache;

/* Errors: _ARGUMENT for another type, _UNSUPPORTED for heads that blocks of Q8_0 do not fit, _MEMORY. */
int32_t inlay__kv_cache_init(const inlay__sys *sys, const inlay__kv_shape *shape, size_t n_context, uint32_t type,
                             inlay__kv_cache *cache);
void inlay__kv_cache_free(const inlay__sys *sys, inlay__kv_cache *cache);

/* One head's keys and values of the block that holds `position`. */
void *inlay__kv_cache_keys(const inlay__kv_cache *cache, size_t layer, size_t head, size_t position);
void *inlay__kv_cache_values(const inlay__kv_cache *cache, size_t layer, size_t head, size_t position);

/* Bytes from the keys of 256 positions to those of the next, and from values to values. */
static inline size_t inlay__kv_cache_stride(const inlay__kv_cache *cache) {
    return cache->n_block > INLAY__KEY_BLOCK ? INLAY__KEY_BLOCK * cache->row_size : cache->block_size;
}

/* Makes ready the positions below n, and the rest of their last block. */
void inlay__kv_cache_reserve(inlay__kv_cache *cache, size_t n);

/* Makes the values of [begin, end) as if never written, after an evaluation that failed. */
void inlay__kv_cache_clear(inlay__kv_cache *cache, size_t begin, size_t end);

#endif
