/* Stop texts against a search in the whole text, however it is cut into pieces. */
#include "test.h"

#include "inlay.h"

static uint32_t noise = 1;

static size_t below(size_t n) {
    noise = noise * 1664525u + 1013904223u;
    return (noise >> 8) % n;
}

/* Where the first text to end begins, and which it is; `size` and 0 when none comes. */
static size_t search(const char *text, size_t size, char stops[][8], size_t n, int32_t *found) {
    *found = 0;
    for (size_t end = 1; end <= size; end++) {
        size_t longest = 0;
        for (size_t i = 0; i < n; i++) {
            size_t length = strlen(stops[i]);
            if (length > end || length <= longest || memcmp(text + end - length, stops[i], length) != 0) continue;
            longest = length;
            *found = (int32_t)i + 1;
        }
        if (longest > 0) return end - longest;
    }
    return size;
}

static void fill(char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        text[i] = "aab"[below(3)];
    text[n] = '\0';
}

TEST(what_is_written_is_what_stands_before_the_first_stop_text) {
    size_t n_found = 0;
    for (int round = 0; round < 20000; round++) {
        char stops[4][8], text[41], out[128];
        size_t n = 1 + below(4), size = below(40), written = 0, part;
        int32_t expected, found = 0, now;
        inlay_stop *stop = NULL;
        CHECK_INT(inlay_stop_new(NULL, &stop), INLAY_OK);
        for (size_t i = 0; i < n; i++) {
            fill(stops[i], 1 + below(7));
            CHECK_INT(inlay_stop_add(stop, stops[i], INLAY_ALL), INLAY_OK);
        }
        fill(text, size);
        size_t length = search(text, size, stops, n, &expected);
        for (size_t at = 0; at < size; at += part) {
            size_t took;
            part = 1 + below(5);
            if (part > size - at) part = size - at;
            CHECK_INT(inlay_stop_text(stop, text + at, part, out + written, sizeof out - written, &took, &now),
                      INLAY_OK);
            written += took;
            if (found == 0) found = now;
            CHECK_INT(now, found);
        }
        size_t rest;
        CHECK_INT(inlay_stop_text(stop, NULL, 0, out + written, sizeof out - written, &rest, &now), INLAY_OK);
        written += rest;
        CHECK_INT(now, expected);
        CHECK_INT(found, expected);
        CHECK_INT(written, length);
        CHECK(memcmp(out, text, length) == 0);
        n_found += expected != 0;
        /* and another answer begins */
        CHECK_INT(inlay_stop_text(stop, "x", 1, out, 128, &rest, &now), INLAY_OK);
        CHECK(rest == 1 && out[0] == 'x' && now == 0);
        inlay_stop_free(stop);
    }
    CHECK(n_found > 5000 && n_found < 19000);
}

TEST(whole_characters_are_held_back) {
    inlay_stop *stop = NULL;
    char out[16];
    size_t n;
    int32_t found;
    CHECK_INT(inlay_stop_new(NULL, &stop), INLAY_OK);
    CHECK_INT(inlay_stop_add(stop, "\xc3\xa9\xc3\xa8", 4), INLAY_OK);
    CHECK_INT(inlay_stop_text(stop, "a\xc3\xa9", 3, out, 16, &n, &found), INLAY_OK);
    CHECK(n == 1 && out[0] == 'a' && found == 0);
    CHECK_INT(inlay_stop_text(stop, "\xc3\xaa", 2, out, 16, &n, &found),
              INLAY_OK); /* shares its first byte with the text's end */
    CHECK(n == 4 && memcmp(out, "\xc3\xa9\xc3\xaa", 4) == 0);
    inlay_stop_free(stop);
}

TEST(too_little_room_reads_nothing) {
    inlay_stop *stop = NULL;
    char out[8];
    size_t n = 0;
    CHECK_INT(inlay_stop_new(NULL, &stop), INLAY_OK);
    CHECK_INT(inlay_stop_add(stop, "abcd", 4), INLAY_OK);
    CHECK_INT(inlay_stop_text(stop, "abc", 3, out, 8, &n, NULL), INLAY_OK);
    CHECK_INT(n, 0);
    CHECK_INT(inlay_stop_text(stop, "xy", 2, out, 4, &n, NULL), INLAY_ERR_BUFFER);
    CHECK_INT(n, 5);
    CHECK_INT(inlay_stop_text(stop, "xy", 2, out, 5, &n, NULL), INLAY_OK);
    CHECK(n == 5 && memcmp(out, "abcxy", 5) == 0);
    CHECK_INT(inlay_stop_text(stop, "ab", 2, out, 8, &n, NULL), INLAY_OK);
    CHECK_INT(inlay_stop_reset(stop), INLAY_OK);
    CHECK_INT(inlay_stop_text(stop, NULL, 0, NULL, 0, &n, NULL), INLAY_OK);
    CHECK_INT(n, 0);
    inlay_stop_free(stop);
}

TEST(a_set_takes_256_texts_of_up_to_4096_bytes_of_utf_8) {
    static char large[4097];
    inlay_stop *stop = NULL;
    CHECK_INT(inlay_stop_new(NULL, &stop), INLAY_OK);
    memset(large, 'a', sizeof large);
    CHECK_INT(inlay_stop_add(stop, large, 4097), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_stop_add(stop, "", 0), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_stop_add(stop, "a\xff", 2), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_stop_add(stop, "\xc3", 1), INLAY_ERR_ARGUMENT);
    for (int i = 0; i < 256; i++)
        CHECK_INT(inlay_stop_add(stop, large, i == 0 ? 4096 : 1 + below(9)), INLAY_OK);
    CHECK_INT(inlay_stop_add(stop, "b", 1), INLAY_ERR_STATE);
    inlay_stop_free(stop);
}

TEST_MAIN(CASE(what_is_written_is_what_stands_before_the_first_stop_text), CASE(whole_characters_are_held_back),
          CASE(too_little_room_reads_nothing), CASE(a_set_takes_256_texts_of_up_to_4096_bytes_of_utf_8))
