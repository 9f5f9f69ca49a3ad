/* The cache of keys and values: where each head's stand, how large it is, what clearing leaves. */
#include "test.h"

#include "model/kv_cache.h"
#include "support/accounting_sys.h"

static inlay__kv_shape shape(size_t n_layer, size_t n_head_kv, size_t n_embd_head, size_t n_context) {
    return (inlay__kv_shape){n_layer, n_head_kv, n_embd_head, n_context, 0, 1, 0, false};
}

static size_t element_size(uint32_t type) { return type == INLAY_TYPE_F16 ? 2 : 4; }

static bool is_zero(const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != 0) return false;
    return true;
}

/* All pages, in order. */
static void fill(inlay__kv_cache *cache, size_t n) {
    static uint32_t list[8];
    inlay__kv_pages pages = {list, 0};
    inlay__kv_pages_extend(cache, &pages, 0, n);
}

TEST(a_cache_is_as_large_as_its_positions_in_blocks_of_256_or_of_a_shorter_context) {
    static const uint32_t types[] = {INLAY_TYPE_F32, INLAY_TYPE_F16};
    static const size_t contexts[][2] = {{1, 16}, {15, 16}, {16, 16}, {17, 32}, {257, 512}};
    accounting a;
    accounting_init(&a);
    for (size_t i = 0; i < 10; i++) {
        inlay__kv_shape h = shape(3, 2, 24, contexts[i / 2][0]);
        inlay__kv_cache cache;
        uint32_t type = types[i % 2];
        size_t n_positions = contexts[i / 2][1];
        CHECK_INT(inlay__kv_cache_init(&a.sys, &h, type, &cache), INLAY_OK);
        CHECK_INT(cache.n_pages * cache.n_block, n_positions);
        CHECK_INT(cache.size, 3 * 2 * 2 * 24 * n_positions * element_size(type));
        CHECK_INT(a.live, cache.size + 2 * cache.n_pages * sizeof(uint32_t));
        inlay__kv_cache_free(&a.sys, &cache);
        CHECK_INT(a.n_live, 0);
    }
}

TEST(a_cache_in_q8_0_has_34_bytes_for_32_numbers_and_wants_whole_blocks) {
    accounting a;
    accounting_init(&a);
    inlay__kv_shape fits = shape(3, 2, 64, 100), not_whole = shape(3, 2, 80, 100);
    inlay__kv_cache cache;
    CHECK_INT(inlay__kv_cache_init(&a.sys, &fits, INLAY_TYPE_Q8_0, &cache), INLAY_OK);
    CHECK_INT(cache.size, 3 * 2 * 2 * 112 * 68);
    inlay__kv_cache_free(&a.sys, &cache);
    CHECK_INT(inlay__kv_cache_init(&a.sys, &not_whole, INLAY_TYPE_Q8_0, &cache), INLAY_ERR_UNSUPPORTED);
    CHECK_INT(inlay__kv_cache_init(&a.sys, &fits, INLAY_TYPE_Q4_0, &cache), INLAY_ERR_ARGUMENT);
    CHECK_INT(a.n_live, 0);
}

/* The accounting gives memory full of 0xA5: what still is has not been touched. */
TEST(positions_become_zero_when_they_are_first_needed_and_no_other_memory_is_touched) {
    static const uint32_t types[] = {INLAY_TYPE_F32, INLAY_TYPE_F16};
    static const size_t needs[] = {1, 2, 255, 256, 257, 600, 999, 1000};
    accounting a;
    accounting_init(&a);
    for (size_t t = 0; t < 2; t++) {
        inlay__kv_shape h = shape(2, 3, 10, 1000);
        inlay__kv_cache cache;
        CHECK_INT(inlay__kv_cache_init(&a.sys, &h, types[t], &cache), INLAY_OK);
        CHECK(memchr(cache.data, 0, cache.size) == NULL);
        uint32_t list[4];
        inlay__kv_pages pages = {list, 0};
        for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
            inlay__kv_pages_extend(&cache, &pages, i > 0 ? needs[i - 1] : 0, needs[i]);
            size_t n_ready = pages.n * cache.n_block;
            CHECK(n_ready >= needs[i] && n_ready < needs[i] + 256);
            size_t end = n_ready * 2 * 3 * 2 * 10 * element_size(types[t]);
            CHECK(is_zero(cache.data, end));
            CHECK(memchr(cache.data + end, 0, cache.size - end) == NULL);
        }
        memset(cache.data, 0x7f, cache.size); /* what is written stays */
        for (size_t n = 0; n <= 1000; n += 50) {
            inlay__kv_pages_cut(&cache, &pages, n);
            inlay__kv_pages_extend(&cache, &pages, n, 1000);
        }
        CHECK(memchr(cache.data, 0, cache.size) == NULL);
        inlay__kv_cache_free(&a.sys, &cache);
    }
}

TEST(keys_and_values_of_all_heads_stand_apart_and_fill_the_cache) {
    enum { N_LAYER = 3, N_HEAD = 5, N_DIM = 6, N_CONTEXT = 300, N_ALL = N_LAYER * N_HEAD };
    static const uint32_t types[] = {INLAY_TYPE_F32, INLAY_TYPE_F16};
    for (size_t t = 0; t < 2; t++) {
        inlay__kv_shape h = shape(N_LAYER, N_HEAD, N_DIM, N_CONTEXT);
        inlay__kv_cache cache;
        CHECK_INT(inlay__kv_cache_init(&inlay__sys_default, &h, types[t], &cache), INLAY_OK);
        fill(&cache, N_CONTEXT);
        size_t head_size = 256 * N_DIM * element_size(types[t]);
        CHECK_INT(cache.head_size, head_size);
        for (size_t i = 0; i < 2 * N_ALL; i++) {
            size_t page = i / N_ALL, layer = i % N_ALL / N_HEAD;
            uint8_t *keys = inlay__kv_cache_keys(&cache, layer, i % N_HEAD, page);
            uint8_t *values = inlay__kv_cache_values(&cache, layer, i % N_HEAD, page);
            CHECK(keys >= cache.data && keys + head_size <= cache.data + cache.size);
            CHECK(values >= cache.data && values + head_size <= cache.data + cache.size);
            CHECK(is_zero(keys, head_size) && is_zero(values, head_size)); /* no head before reached in here */
            memset(keys, 1 + (int)i, head_size);
            memset(values, 101 + (int)i, head_size);
        }
        CHECK(memchr(cache.data, 0, cache.size) == NULL);
        inlay__kv_cache_free(&inlay__sys_default, &cache);
    }
}

TEST(what_is_stored_at_a_position_of_a_head_is_found_there) {
    enum { N_DIM = 8, N_CONTEXT = 37 };
    static const uint32_t types[] = {INLAY_TYPE_F32, INLAY_TYPE_F16};
    for (size_t t = 0; t < 2; t++) {
        inlay__kv_shape h = shape(2, 3, N_DIM, N_CONTEXT);
        inlay__kv_cache cache;
        CHECK_INT(inlay__kv_cache_init(&inlay__sys_default, &h, types[t], &cache), INLAY_OK);
        fill(&cache, N_CONTEXT);
        for (size_t i = 0; i < N_CONTEXT; i++) {
            float value[N_DIM];
            for (size_t k = 0; k < N_DIM; k++)
                value[k] = (float)(i * N_DIM + k);
            inlay__store_value(value, N_DIM, types[t], i, inlay__kv_cache_values(&cache, 1, 2, 0));
            inlay__store_key(value, N_DIM, types[t], i, inlay__kv_cache_keys(&cache, 1, 2, 0));
        }
        for (size_t i = 0; i < N_CONTEXT * N_DIM; i++) {
            const uint8_t *values = inlay__kv_cache_values(&cache, 1, 2, 0),
                          *keys = inlay__kv_cache_keys(&cache, 1, 2, 0);
            size_t position = i / N_DIM, size = element_size(types[t]);
            size_t key_at = ((position / 16 * N_DIM + i % N_DIM) * 16 + position % 16) * size; /* [16][dimension][16] */
            CHECK(memcmp(values + i * size, keys + key_at, size) == 0);
            float found = types[t] == INLAY_TYPE_F32 ? inlay__load_f32(values + 4 * i) : (float)i;
            CHECK(found == (float)i);
        }
        CHECK(is_zero(cache.data, (size_t)(((uint8_t *)inlay__kv_cache_keys(&cache, 1, 2, 0)) - cache.data)));
        inlay__kv_cache_free(&inlay__sys_default, &cache);
    }
}

TEST(clearing_makes_the_values_of_some_positions_zero_in_all_layers_and_heads_and_no_others) {
    enum { N_LAYER = 2, N_HEAD = 3, N_DIM = 10, N_CONTEXT = 600 };
    static const uint32_t types[] = {INLAY_TYPE_F32, INLAY_TYPE_F16};
    static uint32_t list[] = {0, 1, 2};
    static const size_t ranges[][2] = {{0, 600}, {0, 1}, {7, 310}, {599, 600}, {256, 512}, {20, 20}};
    for (size_t t = 0; t < 12; t++) {
        inlay__kv_shape h = shape(N_LAYER, N_HEAD, N_DIM, N_CONTEXT);
        inlay__kv_cache cache;
        size_t begin = ranges[t / 2][0], end = ranges[t / 2][1], row = N_DIM * element_size(types[t % 2]);
        CHECK_INT(inlay__kv_cache_init(&inlay__sys_default, &h, types[t % 2], &cache), INLAY_OK);
        fill(&cache, N_CONTEXT);
        memset(cache.data, 0x7f, cache.size);
        inlay__kv_pages_clear(&cache, &(inlay__kv_pages){list, 3}, begin, end);
        for (size_t i = 0; i < N_LAYER * N_HEAD * N_CONTEXT; i++) {
            size_t position = i % N_CONTEXT, head = i / N_CONTEXT, at = position % 256 * row;
            const uint8_t *values = inlay__kv_cache_values(&cache, head / N_HEAD, head % N_HEAD, position / 256);
            const uint8_t *keys = inlay__kv_cache_keys(&cache, head / N_HEAD, head % N_HEAD, position / 256);
            bool cleared = position >= begin && position < end;
            CHECK(cleared ? is_zero(values + at, row) : memchr(values + at, 0, row) == NULL);
            CHECK(memchr(keys + at, 0, row) == NULL);
        }
        inlay__kv_cache_free(&inlay__sys_default, &cache);
    }
}

/* Whether every byte of a page is `byte`. */
static bool page_is(const inlay__kv_cache *cache, size_t page, int byte) {
    const uint8_t *data = cache->data + page * cache->page_size;
    for (size_t i = 0; i < cache->page_size; i++)
        if (data[i] != byte) return false;
    return true;
}

TEST(what_a_discarded_evaluation_wrote_is_as_if_never_written) {
    uint32_t list[4];
    inlay__kv_pages pages = {list, 0};
    inlay__kv_shape h = shape(2, 2, 8, 1024);
    inlay__kv_cache cache;
    CHECK_INT(inlay__kv_cache_init(&inlay__sys_default, &h, INLAY_TYPE_F16, &cache), INLAY_OK);
    inlay__kv_pages_extend(&cache, &pages, 0, 300);
    inlay__kv_pages_extend(&cache, &pages, 300, 1000);
    for (size_t i = 0; i < 4; i++) memset(cache.data + list[i] * cache.page_size, 0xff, cache.page_size); /* NaN */
    inlay__kv_pages_discard(&cache, &pages, 300);
    CHECK_INT(pages.n, 2);
    CHECK_INT(cache.n_free, 2);
    CHECK(page_is(&cache, list[0], 0xff)); /* what was there before stays */
    for (size_t head = 0; head < 4; head++) {
        const uint8_t *values = inlay__kv_cache_values(&cache, head / 2, head % 2, list[1]);
        CHECK(memchr(values, 0, (300 - 256) * cache.row_size) == NULL);
        CHECK(is_zero(values + (300 - 256) * cache.row_size, (512 - 300) * cache.row_size));
    }
    inlay__kv_pages_extend(&cache, &pages, 300, 1000);
    CHECK(page_is(&cache, list[2], 0) && page_is(&cache, list[3], 0));
    memset(cache.data + list[3] * cache.page_size, 0x7f, cache.page_size);
    inlay__kv_pages_cut(&cache, &pages, 512); /* what is cut off was whole: it need not be cleared */
    inlay__kv_pages_extend(&cache, &pages, 512, 1000);
    CHECK(page_is(&cache, list[2], 0) != page_is(&cache, list[3], 0));
    inlay__kv_cache_free(&inlay__sys_default, &cache);
}

TEST(who_goes_on_from_shared_pages_writes_into_a_copy_and_pages_come_back_when_the_last_lets_go) {
    uint32_t lists[3][4];
    inlay__kv_pages a = {lists[0], 0}, b = {lists[1], 0}, c = {lists[2], 0};
    inlay__kv_shape h = shape(1, 2, 8, 1024);
    inlay__kv_cache cache;
    h.n_sequences = 3;
    CHECK_INT(inlay__kv_cache_init(&inlay__sys_default, &h, INLAY_TYPE_F16, &cache), INLAY_OK);
    CHECK_INT(cache.n_pages, 12);
    inlay__kv_pages_extend(&cache, &a, 0, 600);
    for (size_t i = 0; i < 3; i++) memset(cache.data + a.list[i] * cache.page_size, 1 + (int)i, cache.page_size);
    inlay__kv_pages_share(&cache, &a, 600, &b);
    inlay__kv_pages_share(&cache, &a, 512, &c); /* at a border: nothing is shared that is written to */
    CHECK_INT(cache.n_free, 9);
    inlay__kv_pages_extend(&cache, &b, 600, 601);
    inlay__kv_pages_extend(&cache, &c, 512, 513);
    CHECK_INT(cache.n_free, 7);
    CHECK(b.list[2] != a.list[2] && c.list[2] != a.list[2] && b.list[2] != c.list[2]);
    CHECK(b.list[0] == a.list[0] && c.list[1] == a.list[1]);
    CHECK(page_is(&cache, b.list[2], 3) && page_is(&cache, c.list[2], 0)); /* a copy; and a new one */
    inlay__kv_pages_extend(&cache, &a, 600, 700); /* the owner's alone again */
    CHECK_INT(cache.n_free, 7);
    inlay__kv_pages_cut(&cache, &a, 0);
    CHECK_INT(cache.n_free, 8);
    inlay__kv_pages_cut(&cache, &b, 300);
    CHECK_INT(cache.n_free, 9);
    inlay__kv_pages_cut(&cache, &c, 0);
    inlay__kv_pages_extend(&cache, &b, 300, 301); /* no copy of a page that nobody else has any more */
    CHECK_INT(cache.n_free, 10);
    inlay__kv_pages_cut(&cache, &b, 0);
    CHECK_INT(cache.n_free, 12);
    inlay__kv_cache_free(&inlay__sys_default, &cache);
}

TEST(a_cache_that_no_address_space_holds_is_an_error) {
    static const size_t contexts[] = {SIZE_MAX / 2, SIZE_MAX / 1000, SIZE_MAX / 16384,
                                      (SIZE_MAX >> (sizeof(size_t) > 4 ? 38 : 17)) + 1};
    accounting a;
    accounting_init(&a);
    for (size_t i = 0; i < 4; i++) {
        inlay__kv_shape h = shape(4096, 4096, 4096, contexts[i]);
        inlay__kv_cache cache;
        CHECK_INT(inlay__kv_cache_init(&a.sys, &h, INLAY_TYPE_F32, &cache), INLAY_ERR_MEMORY);
        CHECK_HAS(inlay__error_text(), "out of memory");
        inlay__kv_cache_free(&a.sys, &cache); /* as after success */
    }
    CHECK_INT(a.n_allocs, 0);
    inlay__kv_shape h = shape(2, 2, 8, 16);
    inlay__kv_cache cache;
    a.fail_at = 1;
    CHECK_INT(inlay__kv_cache_init(&a.sys, &h, INLAY_TYPE_F16, &cache), INLAY_ERR_MEMORY);
    inlay__kv_cache_free(&a.sys, &cache);
    CHECK_INT(a.n_live, 0);
}

TEST_MAIN(CASE(who_goes_on_from_shared_pages_writes_into_a_copy_and_pages_come_back_when_the_last_lets_go),
          CASE(a_cache_in_q8_0_has_34_bytes_for_32_numbers_and_wants_whole_blocks),
          CASE(a_cache_is_as_large_as_its_positions_in_blocks_of_256_or_of_a_shorter_context),
          CASE(positions_become_zero_when_they_are_first_needed_and_no_other_memory_is_touched),
          CASE(keys_and_values_of_all_heads_stand_apart_and_fill_the_cache),
          CASE(what_is_stored_at_a_position_of_a_head_is_found_there),
          CASE(what_a_discarded_evaluation_wrote_is_as_if_never_written),
          CASE(clearing_makes_the_values_of_some_positions_zero_in_all_layers_and_heads_and_no_others),
          CASE(a_cache_that_no_address_space_holds_is_an_error))
