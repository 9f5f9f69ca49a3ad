/* Keys and values of all layers, in pages that sequences share. */
#include "model/kv_cache.h"

#include "format/dtype.h"

/* Of a free page: its values may be anything, and are cleared when it is taken. */
static const uint32_t DIRTY = 1u << 31;

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

static int32_t does_not_fit(const inlay__kv_shape *shape) {
    return inlay__fail(INLAY_ERR_MEMORY,
                       "out of memory: a key/value cache of %zu sequences of %zu tokens does not fit an address "
                       "space",
                       shape->n_sequences, shape->n_context);
}

static int32_t measure(const inlay__kv_shape *shape, inlay__kv_cache *cache) {
    size_t n_context = shape->n_context, size, n_pages;
    if (n_context > SIZE_MAX - INLAY__KEY_BLOCK || shape->n_more > SIZE_MAX - INLAY__KEY_BLOCK)
        return does_not_fit(shape);
    cache->n_block = inlay__round_up(n_context, INLAY__LANES);
    if (!shape->is_whole) cache->n_block = inlay__min_size(cache->n_block, INLAY__KEY_BLOCK);
    n_pages = shape->n_held > 0 ? shape->n_held : inlay__kv_cache_pages(cache, n_context);
    if (!inlay__mul_size(cache->n_block, cache->row_size, &cache->head_size) ||
        !inlay__mul_size(cache->head_size, cache->n_head_kv * 2, &size) ||
        !inlay__mul_size(size, cache->n_layer, &cache->page_size) ||
        !inlay__mul_size(n_pages, shape->n_sequences, &cache->n_pages) ||
        !inlay__add_size(cache->n_pages, inlay__kv_cache_pages(cache, shape->n_more), &cache->n_pages) ||
        cache->n_pages >= DIRTY ||
        !inlay__mul_size(cache->page_size, cache->n_pages, &cache->size))
        return does_not_fit(shape);
    return INLAY_OK;
}

static int32_t allocate(const inlay__sys *sys, inlay__kv_cache *cache) {
    size_t n = cache->n_pages;
    if (cache->size == 0) { /* no layer attends */
        cache->n_pages = 0;
        return INLAY_OK;
    }
    cache->data = inlay__alloc(sys, cache->size);
    cache->n_users = inlay__alloc_array(sys, n, sizeof *cache->n_users);
    cache->free_pages = inlay__alloc_array(sys, n, sizeof *cache->free_pages);
    if (cache->data == NULL || cache->n_users == NULL || cache->free_pages == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) cache->free_pages[i] = (uint32_t)(n - 1 - i);
    cache->n_free = n;
    return INLAY_OK;
}

int32_t inlay__kv_cache_init(const inlay__sys *sys, const inlay__kv_shape *shape, uint32_t type,
                             inlay__kv_cache *cache) {
    uint64_t row_size;
    *cache = (inlay__kv_cache){0};
    INLAY__TRY(choose_row_size(type, shape->n_embd_head, &row_size));
    cache->type = type;
    cache->n_layer = shape->n_layer;
    cache->n_head_kv = shape->n_head_kv;
    cache->row_size = (size_t)row_size;
    INLAY__TRY(measure(shape, cache));
    return allocate(sys, cache);
}

void inlay__kv_cache_free(const inlay__sys *sys, inlay__kv_cache *cache) {
    inlay__free(sys, cache->data, cache->size);
    inlay__free(sys, cache->n_users, cache->n_pages * sizeof *cache->n_users);
    inlay__free(sys, cache->free_pages, cache->n_pages * sizeof *cache->free_pages);
    cache->data = NULL;
    cache->n_users = cache->free_pages = NULL;
}

void *inlay__kv_cache_keys(const inlay__kv_cache *cache, size_t layer, size_t head, size_t page) {
    return cache->data + page * cache->page_size + (layer * cache->n_head_kv + head) * 2 * cache->head_size;
}

void *inlay__kv_cache_values(const inlay__kv_cache *cache, size_t layer, size_t head, size_t page) {
    return (uint8_t *)inlay__kv_cache_keys(cache, layer, head, page) + cache->head_size;
}

size_t inlay__kv_cache_pages(const inlay__kv_cache *cache, size_t n_positions) {
    return n_positions / cache->n_block + (n_positions % cache->n_block > 0);
}

/* ------------------------------------------------------------- of a sequence */

static uint32_t take_page(inlay__kv_cache *cache) {
    uint32_t entry = cache->free_pages[--cache->n_free], page = entry & ~DIRTY;
    cache->n_users[page] = 1;
    if (page >= cache->n_touched || entry != page) memset(cache->data + page * cache->page_size, 0, cache->page_size);
    cache->n_touched = inlay__max_size(cache->n_touched, (size_t)page + 1);
    return page;
}

/* `mark`: DIRTY or 0. */
static void give_back(inlay__kv_cache *cache, uint32_t page, uint32_t mark) {
    if (--cache->n_users[page] == 0) cache->free_pages[cache->n_free++] = page | mark;
}

/* Whether the sequence goes on within a page that others have too. */
static bool goes_on_in_shared(const inlay__kv_cache *cache, const inlay__kv_pages *pages, size_t begin) {
    return begin % cache->n_block > 0 && cache->n_users[pages->list[begin / cache->n_block]] > 1;
}

size_t inlay__kv_pages_needed(const inlay__kv_cache *cache, const inlay__kv_pages *pages, size_t begin, size_t end) {
    if (cache->size == 0) return 0;
    return inlay__kv_cache_pages(cache, end) - pages->n + goes_on_in_shared(cache, pages, begin);
}

size_t inlay__kv_pages_shared(const inlay__kv_cache *cache, const inlay__kv_pages *pages, size_t begin, size_t end) {
    size_t n = 0;
    if (cache->size == 0) return 0;
    for (size_t i = begin / cache->n_block; i < inlay__kv_cache_pages(cache, end); i++)
        n += cache->n_users[pages->list[i]] > 1;
    return n;
}

/* A copy of a page takes its place. */
static void copy_page(inlay__kv_cache *cache, uint32_t *page) {
    uint32_t shared = *page;
    *page = take_page(cache);
    memcpy(cache->data + *page * cache->page_size, cache->data + shared * cache->page_size, cache->page_size);
    give_back(cache, shared, 0);
}

void inlay__kv_pages_own(inlay__kv_cache *cache, inlay__kv_pages *pages, size_t begin, size_t end) {
    if (cache->size == 0) return;
    for (size_t i = begin / cache->n_block; i < inlay__kv_cache_pages(cache, end); i++)
        if (cache->n_users[pages->list[i]] > 1) copy_page(cache, &pages->list[i]);
}

void inlay__kv_pages_extend(inlay__kv_cache *cache, inlay__kv_pages *pages, size_t begin, size_t end) {
    if (cache->size == 0) return;
    if (goes_on_in_shared(cache, pages, begin)) copy_page(cache, &pages->list[begin / cache->n_block]);
    for (size_t n = inlay__kv_cache_pages(cache, end); pages->n < n;) pages->list[pages->n++] = take_page(cache);
}

static void cut(inlay__kv_cache *cache, inlay__kv_pages *pages, size_t n, uint32_t mark) {
    if (cache->size == 0) return;
    for (size_t kept = inlay__kv_cache_pages(cache, n); pages->n > kept; pages->n--)
        if (pages->list[pages->n - 1] != INLAY__NO_PAGE) give_back(cache, pages->list[pages->n - 1], mark);
}

void inlay__kv_pages_leave(inlay__kv_cache *cache, inlay__kv_pages *pages, size_t begin, size_t end) {
    end = inlay__min_size(end, pages->n);
    for (size_t i = begin; i < end; i++) {
        if (pages->list[i] != INLAY__NO_PAGE) give_back(cache, pages->list[i], 0);
        pages->list[i] = INLAY__NO_PAGE;
    }
}

void inlay__kv_pages_cut(inlay__kv_cache *cache, inlay__kv_pages *pages, size_t n) { cut(cache, pages, n, 0); }

void inlay__kv_pages_share(inlay__kv_cache *cache, const inlay__kv_pages *from, size_t n, inlay__kv_pages *to) {
    if (cache->size == 0) return;
    for (size_t end = inlay__kv_cache_pages(cache, n); to->n < end; to->n++) {
        to->list[to->n] = from->list[to->n];
        if (to->list[to->n] != INLAY__NO_PAGE) cache->n_users[to->list[to->n]]++;
    }
}

/* The values of positions [begin, end) of a page, of all heads. */
static void clear_in_page(const inlay__kv_cache *cache, size_t page, size_t begin, size_t end) {
    for (size_t layer = 0; layer < cache->n_layer; layer++)
        for (size_t head = 0; head < cache->n_head_kv; head++) {
            uint8_t *values = inlay__kv_cache_values(cache, layer, head, page);
            memset(values + begin * cache->row_size, 0, (end - begin) * cache->row_size);
        }
}

void inlay__kv_pages_clear(inlay__kv_cache *cache, const inlay__kv_pages *pages, size_t begin, size_t end) {
    end = inlay__min_size(end, pages->n * cache->n_block);
    while (begin < end) {
        size_t first = begin / cache->n_block * cache->n_block, stop = inlay__min_size(end, first + cache->n_block);
        uint32_t page = pages->list[first / cache->n_block];
        if (cache->n_users[page] == 1) clear_in_page(cache, page, begin - first, stop - first);
        begin = stop;
    }
}

void inlay__kv_pages_discard(inlay__kv_cache *cache, inlay__kv_pages *pages, size_t n) {
    if (cache->size > 0) inlay__kv_pages_clear(cache, pages, n, inlay__kv_cache_pages(cache, n) * cache->n_block);
    cut(cache, pages, n, DIRTY);
}
