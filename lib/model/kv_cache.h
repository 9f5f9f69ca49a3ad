/* Keys and values of all layers of one sequence.
 *
 * Keys of a head stand in blocks of 16 positions, [dimension][16], so that a vector of keys is one load; values
 * stand position by position. Q8_0 has layouts of its own: kernels/attention_q8_0.c. Memory is first touched when positions are first needed; from there on values are finite
 * everywhere: rows no one has written are zero.
 */
#ifndef INLAY_KV_CACHE_H
#define INLAY_KV_CACHE_H

#include "kernels/kernels.h"
#include "model/hparams.h"

typedef struct inlay__kv_cache {
    uint32_t type;           /* INLAY_TYPE_F32, _F16 or _Q8_0 */
    size_t n_positions;      /* a multiple of 16 */
    size_t n_ready;          /* positions that may be read: written, or zero */
    size_t n_layer, n_head_kv;
    size_t row_size;         /* bytes of one position of a head's keys, and of its values */
    size_t head_size;        /* bytes of one head's keys, and of its values */
    uint8_t *data;           /* [n_layer, n_head_kv, 2, head_size] */
    size_t size;
} inlay__kv_cache;

/* Errors: _ARGUMENT for another type, _UNSUPPORTED for heads that blocks of Q8_0 do not fit, _MEMORY. */
int32_t inlay__kv_cache_init(const inlay__sys *sys, const inlay__hparams *hparams, size_t n_context, uint32_t type,
                             inlay__kv_cache *cache);
void inlay__kv_cache_free(const inlay__sys *sys, inlay__kv_cache *cache);

/* One head's keys and values. */
void *inlay__kv_cache_keys(const inlay__kv_cache *cache, size_t layer, size_t head);
void *inlay__kv_cache_values(const inlay__kv_cache *cache, size_t layer, size_t head);

/* Makes ready the positions below n, and some after them. */
void inlay__kv_cache_reserve(inlay__kv_cache *cache, size_t n);

/* Makes the values of [begin, end) as if never written, after an evaluation that failed. */
void inlay__kv_cache_clear(inlay__kv_cache *cache, size_t begin, size_t end);

#endif
