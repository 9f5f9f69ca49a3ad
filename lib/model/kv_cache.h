/* Keys and values of all layers, for the sequences of a session.
 *
 * They stand in pages of 256 positions, the unit of attention (kernels/attention.c), so that memory is first touched
 * when a page is first needed, and lies together:
 *
 *     [n_pages][n_layer][n_head_kv] | keys of a head [head_size] | its values [head_size] |
 *
 * Keys stand in groups of 16 positions, [dimension][16], so that a vector of keys is one load; values stand position by
 * position. Q8_0 has layouts of its own: kernels/attention_q8_0.c. In a page that was ever taken values are finite
 * everywhere: rows no one has written are zero.
 *
 * A sequence has a list of pages. Sequences that begin alike share those they have in common, the last of which may be
 * full in part; who goes on from there writes into a copy. Pages that a sequence looks at no more it gives back, from
 * the midst of its list too, where INLAY__NO_PAGE is then.
 */
#ifndef INLAY_KV_CACHE_H
#define INLAY_KV_CACHE_H

#include "kernels/kernels.h"

/* What is kept of a position, and of how many. */
typedef struct inlay__kv_shape {
    size_t n_layer, n_head_kv, n_embd_head;
    size_t n_context;   /* positions of a sequence */
    size_t n_held;      /* pages of it that it has at a time; 0: all */
    size_t n_sequences; /* that have as many */
    size_t n_more;      /* positions there is room for beside them */
    bool is_whole;      /* all positions in one page, for texts one behind another */
} inlay__kv_shape;

typedef struct inlay__kv_cache {
    uint32_t type;           /* INLAY_TYPE_F32, _F16 or _Q8_0 */
    size_t n_block;          /* positions of a page: 256, or a multiple of 16 that holds a shorter context, or all */
    size_t n_pages;
    size_t n_layer, n_head_kv;
    size_t row_size;         /* bytes of one position of a head's keys, and of its values */
    size_t head_size;        /* bytes of one head's keys in a page, and of its values */
    size_t page_size;
    uint8_t *data;           /* [n_pages, page_size] */
    size_t size;
    uint32_t *n_users;       /* [n_pages] sequences that have each */
    uint32_t *free_pages;    /* [n_pages], of which n_free are: the one to take next is the last. The top bit: it
                              * must be cleared then */
    size_t n_free;
    size_t n_touched;        /* pages 0 to n_touched - 1 were taken before */
} inlay__kv_cache;

#define INLAY__NO_PAGE UINT32_MAX

/* The pages of a sequence, in the order of its positions. */
typedef struct inlay__kv_pages {
    uint32_t *list; /* [n], with room for a whole context */
    size_t n;
} inlay__kv_pages;

/* Errors: _ARGUMENT for another type, _UNSUPPORTED for heads that blocks of Q8_0 do not fit, _MEMORY. */
int32_t inlay__kv_cache_init(const inlay__sys *sys, const inlay__kv_shape *shape, uint32_t type,
                             inlay__kv_cache *cache);
void inlay__kv_cache_free(const inlay__sys *sys, inlay__kv_cache *cache);

/* One head's keys and values in a page. */
void *inlay__kv_cache_keys(const inlay__kv_cache *cache, size_t layer, size_t head, size_t page);
void *inlay__kv_cache_values(const inlay__kv_cache *cache, size_t layer, size_t head, size_t page);

/* Bytes from the keys of 256 positions to those of the next page, or of the next 256 in one that has more. */
static inline size_t inlay__kv_cache_stride(const inlay__kv_cache *cache) {
    return cache->n_block > INLAY__KEY_BLOCK ? INLAY__KEY_BLOCK * cache->row_size : cache->page_size;
}

/* Pages that a context takes. */
size_t inlay__kv_cache_pages(const inlay__kv_cache *cache, size_t n_positions);

/* Pages of positions [begin, end), which the sequence has, that others have too. */
size_t inlay__kv_pages_shared(const inlay__kv_cache *cache, const inlay__kv_pages *pages, size_t begin, size_t end);
/* Pages that are still to be taken until a sequence may write its positions [begin, end), where it has `begin`
 * already. */
size_t inlay__kv_pages_needed(const inlay__kv_cache *cache, const inlay__kv_pages *pages, size_t begin, size_t end);
/* Takes them; so many must be free. Of a page that others have too the sequence gets its own copy. */
void inlay__kv_pages_extend(inlay__kv_cache *cache, inlay__kv_pages *pages, size_t begin, size_t end);
/* The pages of positions [begin, end), which it has, become its own: of those that others have too it gets copies. */
void inlay__kv_pages_own(inlay__kv_cache *cache, inlay__kv_pages *pages, size_t begin, size_t end);
/* Gives back those of the list from number `begin` to `end` - 1 that are there. */
void inlay__kv_pages_leave(inlay__kv_cache *cache, inlay__kv_pages *pages, size_t begin, size_t end);
/* Gives back what lies behind the first n positions. */
void inlay__kv_pages_cut(inlay__kv_cache *cache, inlay__kv_pages *pages, size_t n);
/* `to`, which is empty, has the first n positions of `from` too. */
void inlay__kv_pages_share(inlay__kv_cache *cache, const inlay__kv_pages *from, size_t n, inlay__kv_pages *to);
/* Makes the values of [begin, end) as if never written. In a page that others have too
 * it wrote nothing, and what stands there is theirs. */
void inlay__kv_pages_clear(inlay__kv_cache *cache, const inlay__kv_pages *pages, size_t begin, size_t end);

/* Back to n positions after an evaluation that failed or was given up, in little time: what it wrote, which may be no numbers,
 * is as if never written. */
void inlay__kv_pages_discard(inlay__kv_cache *cache, inlay__kv_pages *pages, size_t n);

#endif
