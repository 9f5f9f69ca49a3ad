/* What callers see of a tokenizer: flags, buffers, facts, memory, threads, refused allocations. */
#include "test.h"

#include <pthread.h>

#include "support/accounting_sys.h"
#include "support/tiny_vocab.h"

static tiny_vocab v;

/* A bit of everything: merges, control and added tokens, BOS and EOS. */
enum { BOS = 256, EOS = 257, TOOL = 258, END_NAME = 259, UNUSED = 260, HE = 261, HELLO = 264 };

static void fill_vocab(void) {
    tiny_vocab_init(&v);
    v.bos = tiny_vocab_token(&v, "<s>", VOCAB_CONTROL);
    v.eos = tiny_vocab_token(&v, "</s>", VOCAB_CONTROL);
    tiny_vocab_token(&v, "<tool>", VOCAB_USER_DEFINED);
    tiny_vocab_token(&v, "<|im_end|>", VOCAB_NORMAL);
    tiny_vocab_token(&v, "[PAD0]", VOCAB_UNUSED);
    tiny_vocab_merge(&v, "h e");
    tiny_vocab_merge(&v, "l l");
    tiny_vocab_merge(&v, "ll o");
    tiny_vocab_merge(&v, "he llo");
    v.unknown = 0;
    v.pad = UNUSED;
}

static void close_both(tiny_tokenizer *t) {
    tiny_tokenizer_close(t);
    tiny_vocab_free(&v);
}

/* ------------------------------------------------------------------- special */

TEST(bos_and_eos_are_added_as_the_file_says_and_only_when_asked) {
    static const char *const expected[4] = {"264", "256 264", "264 257", "256 264 257"};
    for (int wish = 0; wish < 4; wish++) {
        fill_vocab();
        v.add_bos = wish & 1;
        v.add_eos = wish >> 1;
        tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
        CHECK_STR(tiny_encode(&t, "hello", 5, INLAY_ADD_SPECIAL), expected[wish]);
        CHECK_STR(tiny_encode(&t, "hello", 5, 0), "264");
        CHECK_STR(tiny_encode(&t, "", 0, 0), "");
        close_both(&t);
    }
}

TEST(where_the_file_does_not_say_llama3_begins_with_bos_and_others_do_not) {
    static const char *const names[] = {"llama-bpe", "gpt-2", "qwen2", "smollm"};
    for (int i = 0; i < 4; i++) {
        fill_vocab();
        v.pre = names[i];
        tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
        CHECK_STR(tiny_encode(&t, "hello", 5, INLAY_ADD_SPECIAL), i == 0 ? "256 264" : "264");
        close_both(&t);
    }
    fill_vocab();
    v.pre = "llama-bpe";
    v.bos = -1; /* wanted by custom only, and absent: not added */
    tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
    CHECK_STR(tiny_encode(&t, "hello", 5, INLAY_ADD_SPECIAL), "264");
    close_both(&t);
    fill_vocab();
    v.pre = "llama-bpe";
    v.add_bos = 0;
    t = tiny_vocab_open(&v, &inlay__sys_default);
    CHECK_STR(tiny_encode(&t, "hello", 5, INLAY_ADD_SPECIAL), "264");
    close_both(&t);
}

TEST(tokens_tell_what_they_are) {
    fill_vocab();
    tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
    CHECK_STR(inlay__tokenizer_name(t.tokenizer), "gpt2/gpt-2");
    CHECK_INT(inlay__tokenizer_n_vocab(t.tokenizer), 265);
    CHECK_INT(inlay__tokenizer_token_flags(t.tokenizer, 'a'), 0);
    CHECK_INT(inlay__tokenizer_token_flags(t.tokenizer, BOS), INLAY_TOKEN_CONTROL);
    CHECK_INT(inlay__tokenizer_token_flags(t.tokenizer, EOS), INLAY_TOKEN_CONTROL | INLAY_TOKEN_END);
    CHECK_INT(inlay__tokenizer_token_flags(t.tokenizer, TOOL), INLAY_TOKEN_ADDED);
    CHECK_INT(inlay__tokenizer_token_flags(t.tokenizer, UNUSED), INLAY_TOKEN_UNUSED);
    CHECK_INT(inlay__tokenizer_special(t.tokenizer)->bos, BOS);
    CHECK_INT(inlay__tokenizer_special(t.tokenizer)->eos, EOS);
    CHECK_INT(inlay__tokenizer_special(t.tokenizer)->unknown, 0);
    CHECK_INT(inlay__tokenizer_special(t.tokenizer)->pad, UNUSED);
    int32_t id = -5;
    CHECK(inlay__tokenizer_find(t.tokenizer, "<tool>", 6, &id));
    CHECK_INT(id, TOOL);
    CHECK(inlay__tokenizer_find(t.tokenizer, "hello", INLAY_ALL, &id));
    CHECK_INT(id, HELLO);
    CHECK(!inlay__tokenizer_find(t.tokenizer, "hellp", 5, &id));
    CHECK(!inlay__tokenizer_find(t.tokenizer, "", 0, &id));
    CHECK_INT(id, HELLO);
    CHECK_INT(inlay__tokenizer_token_text(t.tokenizer, HELLO).size, 5);
    close_both(&t);
}

TEST(the_ends_of_turns_of_known_chat_formats_end_generation_and_are_marks) {
    fill_vocab();
    tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
    CHECK_INT(inlay__tokenizer_token_flags(t.tokenizer, END_NAME), INLAY_TOKEN_CONTROL | INLAY_TOKEN_END);
    CHECK_STR(tiny_encode(&t, "<|im_end|>", 10, INLAY_PARSE_SPECIAL), "259");
    CHECK_STR(tiny_encode(&t, "<|im_end|>", 10, 0), "60 124 105 109 95 101 110 100 124 62");
    close_both(&t);
}

TEST(the_end_of_a_message_ends_no_turn_where_turns_end_with_calls) {
    static const char *const files[][3] = {
        {"<|end|>", "<|return|>", "<|call|>"}, {"<|end|>", "<|flush|>", "<|calls|>"}, {"<|end|>", "<|return|>", "x"}};
    for (size_t i = 0; i < INLAY__COUNT(files); i++) {
        tiny_vocab_init(&v);
        for (size_t k = 0; k < 3; k++) tiny_vocab_token(&v, files[i][k], VOCAB_CONTROL);
        tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
        CHECK_INT(inlay__tokenizer_token_flags(t.tokenizer, 256),
                  i < 2 ? INLAY_TOKEN_CONTROL : INLAY_TOKEN_CONTROL | INLAY_TOKEN_END);
        CHECK_INT(inlay__tokenizer_token_flags(t.tokenizer, 257), INLAY_TOKEN_CONTROL | INLAY_TOKEN_END);
        close_both(&t);
    }
}

/* ------------------------------------------------------------------- buffers */

TEST(too_little_room_writes_nothing_and_tells_the_number) {
    fill_vocab();
    tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
    int32_t ids[4] = {-7, -7, -7, -7};
    size_t n = 0;
    for (size_t room = 0; room < 3; room++) {
        CHECK_INT(inlay__tokenizer_encode(t.tokenizer, "hello he", 8, 0, room == 0 ? NULL : ids, room, &n),
                  INLAY_ERR_BUFFER);
        CHECK_INT(n, 3);
        CHECK_INT(ids[0], -7);
    }
    CHECK_INT(inlay__tokenizer_encode(t.tokenizer, "hello he", 8, 0, ids, 3, &n), INLAY_OK);
    CHECK_INT(n, 3);
    CHECK_INT(ids[2], HE);
    CHECK_INT(ids[3], -7);
    CHECK_INT(inlay__tokenizer_encode(t.tokenizer, "", 0, 0, NULL, 0, &n), INLAY_OK);
    CHECK_INT(n, 0);

    char text[8] = "same";
    const int32_t hello[] = {HELLO, BOS, HE};
    for (size_t room = 0; room < 7; room++) {
        CHECK_INT(inlay__tokenizer_decode(t.tokenizer, hello, 3, room == 0 ? NULL : text, room, &n), INLAY_ERR_BUFFER);
        CHECK_INT(n, 7);
        CHECK_STR(text, "same");
    }
    CHECK_INT(inlay__tokenizer_decode(t.tokenizer, hello, 3, text, 7, &n), INLAY_OK);
    CHECK(memcmp(text, "hellohe", 8) == 0); /* with the NUL that was behind it */
    CHECK_INT(inlay__tokenizer_decode(t.tokenizer, NULL, 0, NULL, 0, &n), INLAY_OK);
    CHECK_INT(n, 0);
    close_both(&t);
}

/* CVE-2025-52566: a count of tokens wrapped negative. Texts that could have so many are refused before a byte of
 * them is read. */
TEST(texts_beyond_two_gib_are_refused_unread) {
    fill_vocab();
    tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
    int32_t ids[4];
    static const size_t sizes[] = {(size_t)INT32_MAX + 1, SIZE_MAX - 1, SIZE_MAX / 2 + 1};
    for (int i = 0; i < 3; i++) {
        size_t n = 9;
        CHECK_INT(inlay__tokenizer_encode(t.tokenizer, "hello", sizes[i], 0, ids, 4, &n), INLAY_ERR_ARGUMENT);
        CHECK_HAS(inlay__error_text(), "at most 2147483647");
        CHECK_INT(n, 9);
    }
    CHECK_STR(tiny_encode(&t, "hello", INLAY_ALL, 0), "264");
    close_both(&t);
}

TEST(flags_that_do_not_exist_are_refused) {
    fill_vocab();
    tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
    int32_t ids[4];
    size_t n;
    static const int32_t bad[] = {4, -1, 7, INT32_MIN};
    for (int i = 0; i < 4; i++)
        CHECK_INT(inlay__tokenizer_encode(t.tokenizer, "a", 1, bad[i], ids, 4, &n), INLAY_ERR_ARGUMENT);
    close_both(&t);
}

TEST(ids_outside_the_vocabulary_are_refused_wherever_they_stand) {
    fill_vocab();
    tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
    static const int32_t bad[] = {-1, 265, INT32_MAX, INT32_MIN};
    for (int i = 0; i < 4; i++) {
        int32_t ids[3] = {'a', 'b', bad[i]};
        char text[8] = "same";
        size_t n = 77;
        CHECK_INT(inlay__tokenizer_decode(t.tokenizer, ids, 3, text, sizeof text, &n), INLAY_ERR_TOKEN);
        CHECK_HAS(inlay__error_text(), "at index 2");
        CHECK_STR(text, "same");
        CHECK_INT(n, 77);
    }
    close_both(&t);
}

TEST(control_unknown_and_unused_tokens_have_no_bytes) {
    fill_vocab();
    v.types[0x80] = VOCAB_UNKNOWN;
    tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
    const int32_t ids[] = {BOS, 0x80, UNUSED, END_NAME, TOOL};
    char text[8];
    size_t n;
    CHECK_INT(inlay__tokenizer_decode(t.tokenizer, ids, 5, text, sizeof text, &n), INLAY_OK);
    CHECK_INT(n, 6);
    CHECK(memcmp(text, "<tool>", 6) == 0);
    close_both(&t);
}

TEST(a_text_of_nuls_and_controls_comes_back) {
    fill_vocab();
    tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
    CHECK(tiny_round_trip(&t, "\0a\0\0\x01\x7f\xff hello\0<tool>\0", 22));
    close_both(&t);
}

/* ------------------------------------------------------- memory and failures */

TEST(scratch_grows_in_proportion_to_the_text_and_all_of_it_comes_back) {
    enum { SIZE = 400000 };
    accounting a;
    accounting_init(&a);
    fill_vocab();
    tiny_tokenizer t = tiny_vocab_open(&v, &a.sys);
    char *text = malloc(SIZE);
    int32_t *ids = malloc(SIZE * sizeof *ids);
    static const char *const kinds[] = {"l", "hello ", "<tool>", "\xff", " "};
    for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
        for (size_t i = 0; i < SIZE; i++)
            text[i] = kinds[kind][i % strlen(kinds[kind])];
        size_t live = a.live, n, peaks[2];
        for (size_t half = 0; half < 2; half++) {
            a.peak = a.live;
            CHECK_INT(inlay__tokenizer_encode(t.tokenizer, text, SIZE >> half, INLAY_PARSE_SPECIAL, ids, SIZE, &n),
                      INLAY_OK);
            CHECK_INT(a.live, live);
            peaks[half] = a.peak - live;
        }
        CHECK(peaks[0] <= 48 * SIZE);
        CHECK(peaks[1] <= 48 * SIZE / 2);
    }
    size_t n_allocs = a.n_allocs, n;
    CHECK_INT(inlay__tokenizer_decode(t.tokenizer, ids, 1000, text, SIZE, &n), INLAY_OK);
    CHECK_INT(a.n_allocs, n_allocs); /* decoding takes none */
    free(text);
    free(ids);
    close_both(&t);
    CHECK_INT(a.n_live, 0);
}

TEST(every_refused_allocation_is_an_error_that_leaves_nothing) {
    char text[400];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 7 == 0 ? ' ' : i < 300 ? 'l' : "<tool>hello"[i % 11];
    fill_vocab();
    v.pre = "llama-bpe";
    size_t size;
    uint8_t *file = tiny_vocab_file(&v, &size);
    bool made = false;
    for (size_t fail_at = 1; !made && fail_at < 1000; fail_at++) {
        accounting a;
        accounting_init(&a);
        a.fail_at = fail_at;
        tiny_tokenizer t = tiny_tokenizer_open_file(file, size, &a.sys);
        made = t.status == INLAY_OK;
        if (!made) CHECK_INT(t.status, INLAY_ERR_MEMORY);
        tiny_tokenizer_close(&t);
        CHECK_INT(a.n_live, 0);
    }
    CHECK(made);

    accounting a;
    accounting_init(&a);
    tiny_tokenizer t = tiny_tokenizer_open_file(file, size, &a.sys);
    int32_t ids[400], expected[400];
    size_t n_expected, n = 0, live = a.n_live;
    CHECK_INT(inlay__tokenizer_encode(t.tokenizer, text, sizeof text, 3, expected, 400, &n_expected), INLAY_OK);
    int32_t status = INLAY_ERR_MEMORY;
    size_t fail_at = 1;
    for (; status != INLAY_OK && fail_at < 100; fail_at++) {
        a.n_allocs = 0;
        a.fail_at = fail_at;
        n = 12345;
        status = inlay__tokenizer_encode(t.tokenizer, text, sizeof text, 3, ids, 400, &n);
        if (status != INLAY_OK) {
            CHECK_INT(status, INLAY_ERR_MEMORY);
            CHECK_INT(n, 12345);
        }
        CHECK_INT(a.n_live, live);
    }
    CHECK_INT(status, INLAY_OK);
    CHECK(fail_at > 4);
    CHECK(n == n_expected && memcmp(ids, expected, n * sizeof *ids) == 0);
    tiny_tokenizer_close(&t);
    free(file);
    tiny_vocab_free(&v);
}

/* ------------------------------------------------------------------- threads */

static void *encode_many(void *arg) {
    const tiny_tokenizer *t = arg;
    char text[300], back[400];
    int32_t ids[300];
    size_t wrong = 0;
    for (int round = 0; round < 2000; round++) {
        size_t size = 1 + (size_t)round % 299, n, n_back;
        for (size_t i = 0; i < size; i++)
            text[i] = "hello <tool> \xe2\x82\xac 12"[(i + (size_t)round) % 18];
        if (inlay__tokenizer_encode(t->tokenizer, text, size, INLAY_PARSE_SPECIAL, ids, 300, &n) != INLAY_OK ||
            inlay__tokenizer_decode(t->tokenizer, ids, n, back, sizeof back, &n_back) != INLAY_OK || n_back != size ||
            memcmp(back, text, size) != 0)
            wrong++;
    }
    return wrong == 0 ? NULL : arg;
}

TEST(many_threads_share_one_tokenizer) {
    fill_vocab();
    tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, encode_many, &t), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong = &t;
        CHECK_INT(pthread_join(threads[i], &wrong), 0);
        CHECK(wrong == NULL);
    }
    close_both(&t);
}

/* Recursion would need more; the sizes here take a second, tests of words and special tokens go further. */
static void *encode_long_runs(void *arg) {
    const tiny_tokenizer *t = arg;
    const size_t size = 1000000;
    char *text = malloc(size);
    int32_t *ids = malloc(size * sizeof *ids);
    static const char *const runs[] = {"l", "7", " ", "\n", "'", "\xc3\xa9", "\xff", "<tool>", "hel"};
    for (size_t run = 0; run < sizeof runs / sizeof runs[0]; run++) {
        size_t n;
        for (size_t i = 0; i < size; i++)
            text[i] = runs[run][i % strlen(runs[run])];
        CHECK_INT(inlay__tokenizer_encode(t->tokenizer, text, size, INLAY_PARSE_SPECIAL, ids, size, &n), INLAY_OK);
    }
    free(text);
    free(ids);
    return NULL;
}

TEST(a_million_equal_characters_fit_a_stack_of_64_kib) {
    fill_vocab();
    tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK_INT(pthread_attr_init(&attributes), 0);
    CHECK_INT(pthread_attr_setstacksize(&attributes, 64 * 1024), 0);
    CHECK_INT(pthread_create(&thread, &attributes, encode_long_runs, &t), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
    close_both(&t);
}

TEST_MAIN(CASE(bos_and_eos_are_added_as_the_file_says_and_only_when_asked),
          CASE(where_the_file_does_not_say_llama3_begins_with_bos_and_others_do_not), CASE(tokens_tell_what_they_are),
          CASE(the_ends_of_turns_of_known_chat_formats_end_generation_and_are_marks),
          CASE(the_end_of_a_message_ends_no_turn_where_turns_end_with_calls),
          CASE(too_little_room_writes_nothing_and_tells_the_number), CASE(texts_beyond_two_gib_are_refused_unread),
          CASE(flags_that_do_not_exist_are_refused), CASE(ids_outside_the_vocabulary_are_refused_wherever_they_stand),
          CASE(control_unknown_and_unused_tokens_have_no_bytes), CASE(a_text_of_nuls_and_controls_comes_back),
          CASE(scratch_grows_in_proportion_to_the_text_and_all_of_it_comes_back),
          CASE(every_refused_allocation_is_an_error_that_leaves_nothing), CASE(many_threads_share_one_tokenizer),
          CASE(a_million_equal_characters_fit_a_stack_of_64_kib))
