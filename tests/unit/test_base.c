/* The small parts of base: cursor, checked sizes, memory, errors, UTF-8, hash map, floating-point mode. */
#include "test.h"

#include <float.h>

#include "base/cursor.h"
#include "base/find_bytes.h"
#include "base/fpenv.h"
#include "base/hash_map.h"
#include "base/text_index.h"
#include "base/utf8.h"
#include "support/accounting_sys.h"

TEST(a_cursor_refuses_to_pass_the_end) {
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    inlay__cursor c = {bytes, sizeof bytes, 0};
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    const uint8_t *p;
    CHECK(inlay__cursor_u16(&c, &u16) && u16 == 0x0201);
    CHECK(inlay__cursor_u32(&c, &u32) && u32 == 0x06050403);
    CHECK(!inlay__cursor_u64(&c, &u64) && u64 == 0 && c.pos == 6);
    CHECK(!inlay__cursor_bytes(&c, UINT64_MAX, &p) && p == NULL);
    CHECK(!inlay__cursor_bytes(&c, 4, &p) && inlay__cursor_bytes(&c, 3, &p) && p == bytes + 6);
    CHECK(!inlay__cursor_u8(&c, &u8) && inlay__cursor_left(&c) == 0);
    CHECK(inlay__cursor_bytes(&c, 0, &p));
}

TEST(sizes_that_wrap_are_noticed) {
    size_t size;
    uint64_t u64;
    CHECK(inlay__add_size(1, 2, &size) && size == 3);
    CHECK(!inlay__add_size(SIZE_MAX, 1, &size) && size == 0);
    CHECK(inlay__mul_size(SIZE_MAX, 1, &size) && size == SIZE_MAX);
    CHECK(!inlay__mul_size(SIZE_MAX / 2 + 1, 2, &size));
    CHECK(inlay__mul_size(SIZE_MAX, 0, &size) && size == 0);
    CHECK(!inlay__add_u64(UINT64_MAX, 1, &u64) && !inlay__mul_u64(UINT64_MAX / 3, 4, &u64));
}

TEST(memory_that_is_refused_is_an_error_and_nothing_is_lost) {
    accounting a;
    void *array = NULL;
    size_t capacity = 0;
    accounting_init(&a);
    CHECK_INT(inlay__grow(&a.sys, &array, &capacity, 10, 4), INLAY_OK);
    memcpy(array, "0123456789", 10);
    void *before = array;
    size_t capacity_before = capacity;
    a.fail_at = a.n_allocs + 1;
    CHECK_INT(inlay__grow(&a.sys, &array, &capacity, 1000, 4), INLAY_ERR_MEMORY);
    CHECK(array == before && capacity == capacity_before && memcmp(array, "0123456789", 10) == 0);
    CHECK_HAS(inlay__error_text(), "out of memory");
    CHECK_INT(inlay__grow(&a.sys, &array, &capacity, 1000, 4), INLAY_OK);
    CHECK(capacity >= 1000 && memcmp(array, "0123456789", 10) == 0);
    CHECK_INT(inlay__grow(&a.sys, &array, &capacity, SIZE_MAX / 2, 4), INLAY_ERR_MEMORY);
    CHECK(inlay__alloc_array(&a.sys, SIZE_MAX / 2, 4) == NULL);
    inlay__free(&a.sys, array, capacity * 4);
    inlay__free(&a.sys, NULL, 10);
    uint8_t *zeros = inlay__alloc_array(&a.sys, 3, 5);
    for (size_t i = 0; i < 15; i++) CHECK(zeros[i] == 0);
    CHECK(((uintptr_t)zeros & 63) == 0);
    inlay__free(&a.sys, zeros, 15);
    CHECK_INT(a.n_live, 0);
    CHECK_INT(a.live, 0);
}

TEST(the_last_error_is_kept_whole) {
    char longer[2000];
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    CHECK_INT(inlay__fail(INLAY_ERR_IO, "file '%s': %d", "a.gguf", 5), INLAY_ERR_IO);
    CHECK_STR(inlay__error_text(), "file 'a.gguf': 5");
    inlay__fail(INLAY_ERR_IO, "%s", longer);
    CHECK(strlen(inlay__error_text()) > 300 && strlen(inlay__error_text()) < sizeof longer);
    inlay__error_set_owner(longer);
    CHECK(inlay__error_owner() == longer);
    inlay__fail(INLAY_ERR_IO, "another");
    CHECK(inlay__error_owner() == NULL);
}

TEST(utf8_of_every_code_point_decodes_to_it) {
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        uint8_t bytes[4];
        uint32_t back;
        if (code == 0xd800) code = 0xe000;
        size_t n = inlay__utf8_encode(code, bytes);
        if (!CHECK(inlay__utf8_decode(bytes, n, &back) == n && back == code)) return;
        for (size_t cut = 1; cut < n; cut++) {
            CHECK(inlay__utf8_decode(bytes, cut, &back) == 0 && back == 0xfffd);
            CHECK_INT(inlay__utf8_missing(bytes, cut), n - cut);
        }
        CHECK_INT(inlay__utf8_missing(bytes, n), 0);
    }
}

TEST(bytes_that_are_not_utf8_are_refused) {
    static const char *const texts[] = {"\x80",
                                        "\xbf",
                                        "\xc0\x80",
                                        "\xc1\xbf",
                                        "\xe0\x80\x80",
                                        "\xed\xa0\x80",
                                        "\xf0\x80\x80\x80",
                                        "\xf4\x90\x80\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xff",
                                        "\xe2\x28\xa1",
                                        "\xc3("};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint32_t code;
        size_t n = strlen(texts[i]);
        CHECK(inlay__utf8_decode((const uint8_t *)texts[i], n, &code) == 0 && code == 0xfffd);
        CHECK_INT(inlay__utf8_missing((const uint8_t *)texts[i], n), 0);
    }
}

TEST(a_hash_map_finds_what_was_put) {
    enum { N = 20000 };
    accounting a;
    inlay__hash_map map;
    static char keys[N][12];
    uint32_t value;
    accounting_init(&a);
    CHECK_INT(inlay__hash_map_init(&a.sys, &map, N), INLAY_OK);
    for (uint32_t i = 0; i < N; i++) {
        snprintf(keys[i], sizeof keys[i], "k%u", (unsigned)i);
        CHECK(inlay__hash_map_put(&map, keys[i], strlen(keys[i]), i));
    }
    for (uint32_t i = 0; i < N; i++) {
        CHECK(inlay__hash_map_get(&map, keys[i], strlen(keys[i]), &value) && value == i);
        CHECK(!inlay__hash_map_put(&map, keys[i], strlen(keys[i]), 7));
    }
    CHECK(!inlay__hash_map_get(&map, "absent", 6, &value));
    CHECK(!inlay__hash_map_get(&map, "k1\0", 3, &value));
    CHECK(inlay__hash_map_put(&map, "", 0, 5) || map.n_keys == N);
    inlay__hash_map_free(&a.sys, &map);
    CHECK_INT(a.n_live, 0);
    CHECK_INT(inlay__hash_map_init(&a.sys, &map, SIZE_MAX / 4), INLAY_ERR_MEMORY);
}

TEST(an_index_of_texts_finds_what_was_put) {
    enum { N = 20000 };
    accounting a;
    inlay__text_index index;
    static char texts[N * 8];
    static uint32_t offsets[N + 1];
    uint32_t number;
    accounting_init(&a);
    for (uint32_t i = 0; i < N; i++) /* texts 1 and 2 are equal, 0 is empty */
        offsets[i + 1] =
            offsets[i] + 1 + (i == 0 ? 0 : (uint32_t)sprintf(texts + offsets[i], "k%u", (unsigned)(i == 2 ? 1 : i)));
    CHECK_INT(inlay__text_index_init(&a.sys, &index, texts, offsets, N), INLAY_OK);
    for (uint32_t i = 0; i < N; i++) {
        uint64_t hash = inlay__text_index_hash(&index, texts + offsets[i], offsets[i + 1] - offsets[i] - 1);
        CHECK_INT(inlay__text_index_put(&index, hash, i), i != 2);
    }
    for (uint32_t i = 0; i < N; i++) {
        size_t size = offsets[i + 1] - offsets[i] - 1;
        uint64_t hash = inlay__text_index_hash(&index, texts + offsets[i], size);
        CHECK(inlay__text_index_get(&index, hash, texts + offsets[i], size, &number) && number == (i == 2 ? 1 : i));
    }
    CHECK(!inlay__text_index_get(&index, inlay__text_index_hash(&index, "absent", 6), "absent", 6, &number));
    CHECK(!inlay__text_index_get(&index, inlay__text_index_hash(&index, "k3", 3), "k3", 3, &number));
    inlay__text_index_free(&a.sys, &index);
    CHECK_INT(a.n_live, 0);
}

/* All texts of a and b of up to 11 letters, all needles of up to 5: every way in which a needle can repeat itself. */
TEST(bytes_are_found_where_they_first_stand) {
    char text[16], needle[8];
    for (unsigned m = 0; m <= 5; m++) {
        for (unsigned which = 0; which < 1u << m; which++) {
            for (unsigned i = 0; i < m; i++) needle[i] = (char)('a' + (which >> i & 1));
            for (unsigned bits = 0; bits < 1u << 11; bits++) {
                const char *expected = NULL;
                unsigned n = bits % 12;
                for (unsigned i = 0; i < n; i++) text[i] = (char)('a' + (bits >> i & 1));
                for (unsigned i = 0; i + m <= n && expected == NULL; i++)
                    if (memcmp(text + i, needle, m) == 0) expected = text + i;
                CHECK(inlay__find_bytes(text, n, needle, m) == expected);
            }
        }
    }
}

TEST(long_needles_that_repeat_themselves_are_found) {
    enum { N = 100000, PERIOD = 7 };
    char *text = malloc(N), *needle = malloc(N);
    for (size_t i = 0; i < N; i++) text[i] = i % PERIOD == 3 ? 'b' : 'a';
    for (size_t start = 0; start < 20; start++) {
        memcpy(needle, text + start, N / 2);
        CHECK(inlay__find_bytes(text, N, needle, N / 2) == text + start % PERIOD);
        needle[N / 2 - 1] ^= 1; /* almost everywhere, and nowhere */
        CHECK(inlay__find_bytes(text, N, needle, N / 2) == NULL);
        text[N - 1] ^= 1; /* at the end alone */
        CHECK(inlay__find_bytes(text, N, text + N / 2 - start, N / 2 + start) == text + N / 2 - start);
        text[N - 1] ^= 1;
    }
    free(needle);
    free(text);
}

#if defined(__x86_64__)
TEST(the_hosts_rounding_and_denormals_come_back) {
    unsigned hostile = 0x9fc0 | 0x4000; /* FTZ, DAZ, rounding up */
    unsigned before = _mm_getcsr();
    _mm_setcsr(hostile);
    inlay__fpenv saved = inlay__fpenv_enter();
    volatile float tiny = FLT_MIN, one = 1.0f, ulp = 0x1p-25f;
    volatile float half = tiny * 0.5f, sum = one + ulp;
    inlay__fpenv_leave(saved);
    unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    CHECK(half != 0.0f && sum == 1.0f);
    CHECK_INT(after & 0xffc0, hostile & 0xffc0);
}
#else
TEST(the_hosts_rounding_and_denormals_come_back) { inlay__fpenv_leave(inlay__fpenv_enter()); }
#endif

TEST_MAIN(CASE(a_cursor_refuses_to_pass_the_end), CASE(sizes_that_wrap_are_noticed),
          CASE(memory_that_is_refused_is_an_error_and_nothing_is_lost), CASE(the_last_error_is_kept_whole),
          CASE(utf8_of_every_code_point_decodes_to_it), CASE(bytes_that_are_not_utf8_are_refused),
          CASE(bytes_are_found_where_they_first_stand), CASE(long_needles_that_repeat_themselves_are_found),
          CASE(a_hash_map_finds_what_was_put), CASE(an_index_of_texts_finds_what_was_put),
          CASE(the_hosts_rounding_and_denormals_come_back))
