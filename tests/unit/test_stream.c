/* The streaming decoder: whole characters only, whatever the bytes and however they are cut. */
#include "test.h"

#include "support/tiny_vocab.h"
#include "tokenizer/stream.h"

#define FFFD "\xef\xbf\xbd"

/* Sends the bytes in pieces of `step`, packing the state between them. */
static const char *stream_text(const char *bytes, size_t size, size_t step) {
    static char out[1024];
    uint64_t state = 0;
    size_t used = 0;
    for (size_t i = 0; i <= size; i += step) {
        inlay__stream stream;
        if (!inlay__stream_unpack(state, &stream)) return "not a state";
        stream.out = out + used;
        size_t n = size - i < step ? size - i : step;
        inlay__stream_put(&stream, (const uint8_t *)bytes + i, n);
        if (n < step) inlay__stream_end(&stream);
        used += stream.size;
        state = inlay__stream_pack(&stream);
    }
    out[used] = '\0';
    return state == 0 ? out : "bytes left";
}

TEST(however_text_is_cut_it_comes_out_whole) {
    static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80";
    for (size_t step = 1; step < sizeof text; step++)
        CHECK_STR(stream_text(text, sizeof text - 1, step), text);
}

/* The examples of the Unicode standard, section 3.9, tables 3-8 to 3-11. */
TEST(hopeless_bytes_become_replacement_characters_as_the_standard_says) {
    static const struct {
        const char *bytes, *text;
    } rows[] = {
        {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A"},
        {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A"},
        {"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", FFFD FFFD FFFD FFFD FFFD "A" FFFD FFFD "B"},
        {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", FFFD FFFD FFFD FFFD "A"},
        {"a\xF1\x80\x80\xE1\x80\xC2"
         "b\x80"
         "c\x80\xBF"
         "d",
         "a" FFFD FFFD FFFD "b" FFFD "c" FFFD FFFD "d"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t step = 1; step <= 10; step++)
            CHECK_STR(stream_text(rows[i].bytes, strlen(rows[i].bytes), step), rows[i].text);
}

TEST(the_end_of_the_stream_replaces_what_is_unfinished) {
    CHECK_STR(stream_text("x\xf0\x9f\x98", 4, 1), "x" FFFD);
    CHECK_STR(stream_text("x\xc3", 2, 2), "x" FFFD);
    CHECK_STR(stream_text("", 0, 1), "");
}

TEST(a_state_that_no_stream_left_is_refused) {
    inlay__stream stream;
    static const uint64_t bad[] = {4,       255,        1,        0x4101,   0x8001,    0x41c302,
                                   0x10000, UINT64_MAX, 0xa0ed02, 0x9fe002, 1ull << 62};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (inlay__stream_unpack(bad[i], &stream)) CHECK_INT(bad[i], -1);
    CHECK(inlay__stream_unpack(0, &stream));
    CHECK(inlay__stream_unpack(1ull << 63, &stream)); /* a token was written */
    CHECK(inlay__stream_unpack(0xc301, &stream));
    CHECK(inlay__stream_unpack(0x989ff003, &stream));
    CHECK_INT(stream.n_pending, 3);
    CHECK_INT(inlay__stream_pack(&stream), 0x989ff003);
}

/* One token for each byte, and one for "\xc3\xa9" with an end in between. */
TEST(tokens_that_are_parts_of_a_character_wait_for_the_rest) {
    tiny_vocab v;
    tiny_vocab_init(&v);
    tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
    uint64_t state = 0;
    char text[8];
    size_t size;
    static const int32_t euro[] = {0xe2, 0x82, 0xac};
    for (int i = 0; i < 3; i++) {
        CHECK_INT(inlay__tokenizer_stream(t.tokenizer, &state, euro[i], text, sizeof text, &size), INLAY_OK);
        CHECK_INT(size, i < 2 ? 0 : 3);
    }
    CHECK(memcmp(text, "\xe2\x82\xac", 3) == 0);
    CHECK_INT(state, 0);
    tiny_tokenizer_close(&t);
    tiny_vocab_free(&v);
}

TEST(too_small_a_buffer_changes_nothing_and_tells_the_size) {
    tiny_vocab v;
    tiny_vocab_init(&v);
    int32_t word = tiny_vocab_token(&v, "added \xe2\x82\xac", VOCAB_USER_DEFINED);
    tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
    uint64_t state = 0;
    char text[16] = "untouched";
    size_t size = 0;
    CHECK_INT(inlay__tokenizer_stream(t.tokenizer, &state, 0xc3, text, 0, &size), INLAY_OK);
    const uint64_t pending = state;
    for (size_t capacity = 0; capacity < 12; capacity++) {
        CHECK_INT(inlay__tokenizer_stream(t.tokenizer, &state, word, text, capacity, &size), INLAY_ERR_BUFFER);
        CHECK_INT(size, 12);
        CHECK(state == pending);
        CHECK_STR(text, "untouched");
    }
    CHECK_INT(inlay__tokenizer_stream(t.tokenizer, &state, word, text, 12, &size), INLAY_OK);
    CHECK(memcmp(text, FFFD "added \xe2\x82\xac", 12) == 0);
    CHECK_INT(state, 0);
    tiny_tokenizer_close(&t);
    tiny_vocab_free(&v);
}

TEST(a_stream_takes_only_ids_of_the_vocabulary_and_its_end) {
    tiny_vocab v;
    tiny_vocab_init(&v);
    tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
    uint64_t state = 0xc301;
    char text[8];
    size_t size = 77;
    static const int32_t bad[] = {-2, 256, INT32_MAX, INT32_MIN};
    for (int i = 0; i < 4; i++) {
        CHECK_INT(inlay__tokenizer_stream(t.tokenizer, &state, bad[i], text, sizeof text, &size), INLAY_ERR_TOKEN);
        CHECK_INT(state, 0xc301);
        CHECK_INT(size, 77);
    }
    CHECK_INT(inlay__tokenizer_stream(t.tokenizer, &state, -1, text, sizeof text, &size), INLAY_OK);
    CHECK_INT(size, 3);
    CHECK_INT(state, 0);
    state = 99;
    CHECK_INT(inlay__tokenizer_stream(t.tokenizer, &state, 'a', text, sizeof text, &size), INLAY_ERR_ARGUMENT);
    CHECK_HAS(inlay__error_text(), "state");
    tiny_tokenizer_close(&t);
    tiny_vocab_free(&v);
}

TEST_MAIN(CASE(however_text_is_cut_it_comes_out_whole),
          CASE(hopeless_bytes_become_replacement_characters_as_the_standard_says),
          CASE(the_end_of_the_stream_replaces_what_is_unfinished), CASE(a_state_that_no_stream_left_is_refused),
          CASE(tokens_that_are_parts_of_a_character_wait_for_the_rest),
          CASE(too_small_a_buffer_changes_nothing_and_tells_the_size),
          CASE(a_stream_takes_only_ids_of_the_vocabulary_and_its_end))
