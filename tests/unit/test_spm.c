/* SentencePiece BPE: the order of merges, bytes and the unknown, spaces, streaming, time. */
#include "test.h"

#include <time.h>

#include "base/utf8.h"
#include "support/tiny_spm.h"
#include "tokenizer/spm.h"
#include "tokenizer/vocab.h"

#define SPACE "\xe2\x96\x81" /* U+2581 */

enum { UNKNOWN = SPM_UNKNOWN, BOS = SPM_BOS, EOS = SPM_EOS, FIRST_BYTE = SPM_FIRST_BYTE };

static const char *encode(const tiny_tokenizer *t, const char *text) { return tiny_encode(t, text, strlen(text), 0); }

/* Ids as tiny_encode writes them; -1 ends them. */
static const char *ids_text(int32_t a, int32_t b, int32_t c) {
    static char out[64];
    int n = snprintf(out, sizeof out, "%d", a);
    if (b >= 0) n += snprintf(out + n, sizeof out - (size_t)n, " %d", b);
    if (b >= 0 && c >= 0) snprintf(out + n, sizeof out - (size_t)n, " %d", c);
    return out;
}

static uint32_t random_bits(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* ------------------------------------------------------------------- merging */

TEST(the_pair_of_the_highest_score_goes_first) {
    static const float pairs[][2] = {{2.0f, 1.0f},      {0.0f, -1.0f},        {-1.0f, -2.0f},  {1.0f, -1.0f},
                                     {3e38f, 1e38f},    {1e-40f, 0.0f},       {0.0f, -1e-40f}, {-1e38f, -3e38f},
                                     {1e-45f, -1e-45f}, {-1.0f, -1.0000001f}, {-0.0f, -1e-45f}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        spm_begin(false);
        int32_t a = spm_piece("a", 0), c = spm_piece("c", 0);
        spm_piece("b", 0);
        int32_t ab = spm_piece("ab", pairs[i][1]), bc = spm_piece("bc", pairs[i][0]);
        tiny_tokenizer t = spm_open();
        CHECK_STR(encode(&t, "abc"), ids_text(a, bc, -1));
        spm_close(&t);
        spm_begin(false);
        a = spm_piece("a", 0), c = spm_piece("c", 0);
        spm_piece("b", 0);
        ab = spm_piece("ab", pairs[i][0]), bc = spm_piece("bc", pairs[i][1]);
        t = spm_open();
        CHECK_STR(encode(&t, "abc"), ids_text(ab, c, -1));
        spm_close(&t);
    }
}

TEST(of_equal_scores_the_leftmost_goes_first) {
    static const float zeros[] = {0.0f, -0.0f};
    for (int i = 0; i < 4; i++) {
        spm_begin(false);
        int32_t a = spm_piece("a", 0), c = spm_piece("c", 0);
        spm_piece("b", 0);
        int32_t ab = spm_piece("ab", zeros[i & 1]), aa = spm_piece("aa", -7.5f);
        spm_piece("bc", zeros[i >> 1]);
        tiny_tokenizer t = spm_open();
        CHECK_STR(encode(&t, "abc"), ids_text(ab, c, -1)); /* 0 and -0 are equal */
        CHECK_STR(encode(&t, "aaa"), ids_text(aa, a, -1));
        CHECK_STR(encode(&t, "aaaaa"), ids_text(aa, aa, a));
        spm_close(&t);
    }
}

/* Letters a to d, and random joins of what there is, with scores of which many are equal. */
static void random_vocab(uint32_t seed, size_t n_joins) {
    uint32_t random = seed;
    char text[64];
    spm_begin(false);
    for (int i = 0; i < 4; i++)
        spm_piece((char[]){(char)('a' + i), '\0'}, 0);
    size_t first = spm_vocab.n_tokens - 4;
    while (spm_vocab.n_tokens < first + 4 + n_joins) {
        const char *left = spm_vocab.tokens[first + random_bits(&random) % (spm_vocab.n_tokens - first)];
        const char *right = spm_vocab.tokens[first + random_bits(&random) % (spm_vocab.n_tokens - first)];
        if (strlen(left) + strlen(right) > 12) continue;
        snprintf(text, sizeof text, "%s%s", left, right);
        spm_piece(text, (float)(int)(random_bits(&random) % 9) - 5.0f + (random_bits(&random) % 4 == 0 ? 0.25f : 0.0f));
    }
}

/* The lowest id of that text. */
static int32_t slow_find(const char *text, size_t size) {
    for (size_t i = 0; i < spm_vocab.n_tokens; i++)
        if (spm_vocab.types[i] == VOCAB_NORMAL && strlen(spm_vocab.tokens[i]) == size &&
            memcmp(spm_vocab.tokens[i], text, size) == 0)
            return (int32_t)i;
    return -1;
}

/* By the definition: look at all neighbours, join the leftmost two of the highest score, again. */
static size_t slow_encode(const char *text, int32_t *ids) {
    size_t ends[128], n = strlen(text), at = 0;
    for (size_t i = 0; i < n; i++)
        ends[i] = i + 1;
    for (;;) {
        size_t best = n;
        float best_score = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            size_t begin = i > 0 ? ends[i - 1] : 0;
            int32_t id = slow_find(text + begin, ends[i + 1] - begin);
            if (id < 0 || (best < n && spm_scores[id] <= best_score)) continue;
            best = i;
            best_score = spm_scores[id];
        }
        if (best == n) break;
        memmove(ends + best, ends + best + 1, (n - best - 1) * sizeof *ends);
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        ids[i] = slow_find(text + at, ends[i] - at);
        at = ends[i];
    }
    return n;
}

TEST(texts_merge_as_the_definition_says) {
    uint32_t random = 77;
    char text[128];
    int32_t ids[128], expected[128];
    for (uint32_t seed = 1; seed <= 20; seed++) {
        random_vocab(seed, 5 + seed * 6);
        tiny_tokenizer t = spm_open();
        for (size_t size = 1; size < 100; size += 3) {
            size_t n = 0;
            for (size_t i = 0; i < size; i++)
                text[i] = (char)('a' + random_bits(&random) % (seed % 3 + 2));
            text[size] = '\0';
            CHECK_INT(inlay__tokenizer_encode(t.tokenizer, text, size, 0, ids, 128, &n), INLAY_OK);
            size_t n_expected = slow_encode(text, expected);
            if (!CHECK(n == n_expected && memcmp(ids, expected, n * sizeof *ids) == 0))
                fprintf(stderr, "vocabulary %u, text '%s'\n", seed, text);
        }
        spm_close(&t);
    }
}

TEST(merges_do_not_stop_at_spaces_and_lines) {
    spm_begin(false);
    static const char *const parts[] = {"a", "b", SPACE, "\n", SPACE "b", "a" SPACE "b", "\n\n", "a" SPACE "b\n\n"};
    for (size_t i = 0; i < 8; i++)
        spm_piece(parts[i], -(float)i);
    tiny_tokenizer t = spm_open();
    CHECK_STR(encode(&t, "a b\n\n"), ids_text((int32_t)spm_vocab.n_tokens - 1, -1, -1));
    CHECK_STR(encode(&t, ""), "");
    spm_close(&t);
}

/* ------------------------------------------------------- bytes and the unknown */

TEST(a_character_without_a_token_becomes_the_tokens_of_its_bytes) {
    spm_begin(true);
    int32_t e = spm_piece("\xc3\xa9", -1); /* U+00E9 */
    tiny_tokenizer t = spm_open();
    CHECK_STR(encode(&t, "\xc3\xa9"), ids_text(e, -1, -1));
    CHECK_STR(encode(&t, "\xc3\xa8"), ids_text(FIRST_BYTE + 0xc3, FIRST_BYTE + 0xa8, -1));
    CHECK_STR(encode(&t, "\xe2\x82\xac"), ids_text(FIRST_BYTE + 0xe2, FIRST_BYTE + 0x82, FIRST_BYTE + 0xac));
    CHECK_STR(encode(&t, "\n"), ids_text(FIRST_BYTE + '\n', -1, -1));
    spm_close(&t);
}

TEST(any_bytes_come_back) {
    char text[512];
    uint32_t random = 3;
    spm_begin(true);
    spm_piece("\xc3\xa9", -1);
    spm_piece("\x80\x80", -2); /* not characters: text all the same */
    spm_piece("\xff", -3);
    spm_piece(SPACE, 0);
    tiny_tokenizer t = spm_open();
    for (int i = 0; i < 512; i++)
        text[i] = (char)i;
    for (int i = 0; i < 256; i++)
        CHECK(tiny_round_trip(&t, text + i, 1));
    CHECK(tiny_round_trip(&t, text, 512));
    for (int round = 0; round < 300; round++) {
        size_t size = random_bits(&random) % 40;
        for (size_t i = 0; i < size; i++) {
            uint32_t bits = random_bits(&random);
            text[i] = round % 2 == 0 ? (char)bits : "\xc3\xa9\x80\xff \xf0"[bits % 6];
        }
        CHECK(tiny_round_trip(&t, text, size));
    }
    spm_close(&t);
}

/* Bytes that begin a character that never comes do not swallow what stands behind them. */
TEST(a_broken_character_ends_where_the_next_begins) {
    spm_begin(true);
    int32_t a = spm_piece("a", 0), space = spm_piece(SPACE, 0);
    tiny_tokenizer t = spm_open();
    CHECK_STR(encode(&t, "\xf0 "), ids_text(FIRST_BYTE + 0xf0, space, -1));
    CHECK_STR(encode(&t, "\xe2\x82"
                         "a"),
              ids_text(FIRST_BYTE + 0xe2, FIRST_BYTE + 0x82, a));
    CHECK_STR(encode(&t, "\x82\x82"
                         "a"),
              ids_text(FIRST_BYTE + 0x82, FIRST_BYTE + 0x82, a));
    CHECK_STR(encode(&t, "a\xf0"), ids_text(a, FIRST_BYTE + 0xf0, -1));
    spm_close(&t);
}

TEST(the_lowest_of_doubled_byte_tokens_counts_and_both_digits_cases_are_read) {
    spm_begin(false);
    int32_t low = tiny_vocab_token(&spm_vocab, "<0xab>", VOCAB_BYTE);
    tiny_vocab_token(&spm_vocab, "<0xAB>", VOCAB_BYTE);
    tiny_tokenizer t = spm_open();
    CHECK_STR(tiny_encode(&t, "\xab", 1, 0), ids_text(low, -1, -1));
    spm_close(&t);
}

TEST(without_byte_tokens_each_strange_character_is_one_unknown) {
    spm_begin(false);
    int32_t a = spm_piece("a", 0);
    tiny_tokenizer t = spm_open();
    CHECK_STR(encode(&t, "a\xe2\x82\xac"), ids_text(a, UNKNOWN, -1));
    CHECK_STR(encode(&t, "\xf0\x9f\x98\x80z"), ids_text(UNKNOWN, UNKNOWN, -1));
    spm_close(&t);
}

TEST(without_the_unknown_too_a_strange_character_is_an_error) {
    int32_t ids[8];
    size_t n = 7;
    spm_begin(false);
    spm_vocab.unknown = -1;
    spm_piece("a", 0);
    tiny_tokenizer t = spm_open();
    CHECK_INT(inlay__tokenizer_encode(t.tokenizer, "aaz", 3, 0, ids, 8, &n), INLAY_ERR_UNSUPPORTED);
    CHECK_HAS(inlay__error_text(), "no token for byte 122");
    CHECK_INT(n, 7);
    spm_close(&t);
}

/* ------------------------------------------------- what text never becomes */

TEST(text_never_becomes_a_control_token_an_unknown_or_a_byte) {
    static const int32_t kinds[] = {VOCAB_CONTROL, VOCAB_UNKNOWN, VOCAB_UNUSED, VOCAB_BYTE};
    for (int i = 0; i < 4; i++) {
        const char *name = kinds[i] == VOCAB_BYTE ? "<0x41>" : "<s>";
        spm_begin(false);
        spm_vocab.types[BOS] = VOCAB_NORMAL;
        spm_scores[tiny_vocab_token(&spm_vocab, name, kinds[i])] = 9; /* "<s>" is a second one */
        if (kinds[i] != VOCAB_BYTE) spm_vocab.types[BOS] = kinds[i];
        for (size_t k = 0; k < strlen(name); k++)
            spm_piece((char[]){name[k], '\0'}, 0);
        for (size_t k = 2; k < strlen(name); k++) { /* each beginning of the name */
            char part[8] = {0};
            memcpy(part, name, k);
            spm_piece(part, (float)k);
        }
        tiny_tokenizer t = spm_open();
        int32_t last = 0;
        CHECK(inlay__tokenizer_find(t.tokenizer, ">", 1, &last));
        CHECK_STR(encode(&t, name),
                  ids_text((int32_t)spm_vocab.n_tokens - 1, last, -1)); /* all but the last letter, and it */
        spm_close(&t);
    }
}

TEST(control_tokens_are_found_when_asked_and_have_no_bytes) {
    char text[8];
    size_t size;
    spm_begin(true);
    int32_t a = spm_piece("a", 0);
    tiny_tokenizer t = spm_open();
    CHECK_STR(tiny_encode(&t, "a</s>a", 6, INLAY_PARSE_SPECIAL), ids_text(a, EOS, a));
    const int32_t ids[] = {UNKNOWN, a, EOS, a, BOS, FIRST_BYTE + 'b'};
    CHECK_INT(inlay__tokenizer_decode(t.tokenizer, ids, 6, text, sizeof text, &size), INLAY_OK);
    CHECK(size == 3 && memcmp(text, "aab", 3) == 0);
    spm_close(&t);
}

TEST(bos_is_added_unless_the_file_says_no) {
    for (int add = -1; add <= 1; add++) {
        spm_begin(false);
        spm_vocab.add_bos = add;
        int32_t a = spm_piece("a", 0);
        tiny_tokenizer t = spm_open();
        CHECK_STR(tiny_encode(&t, "a", 1, INLAY_ADD_SPECIAL), add == 0 ? ids_text(a, -1, -1) : ids_text(BOS, a, -1));
        CHECK_STR(tiny_encode(&t, "a", 1, 0), ids_text(a, -1, -1));
        CHECK_STR(inlay__tokenizer_name(t.tokenizer), "llama");
        spm_close(&t);
    }
    spm_begin(false);
    spm_vocab.bos = -1;
    int32_t a = spm_piece("a", 0);
    tiny_tokenizer t = spm_open();
    CHECK_STR(tiny_encode(&t, "a", 1, INLAY_ADD_SPECIAL), ids_text(a, -1, -1));
    spm_close(&t);
}

/* --------------------------------------------------------------------- spaces */

TEST(each_stretch_of_text_gets_a_space_before_it_unless_the_file_says_no) {
    for (int prefix = -1; prefix <= 1; prefix++) {
        spm_begin(true);
        spm_space_prefix = prefix;
        int32_t a = spm_piece("a", 0), space = spm_piece(SPACE, 0), word = spm_piece(SPACE "a", 0);
        tiny_tokenizer t = spm_open();
        CHECK_STR(encode(&t, "a"), ids_text(prefix == 0 ? a : word, -1, -1));
        CHECK_STR(encode(&t, " a"), prefix == 0 ? ids_text(word, -1, -1) : ids_text(space, word, -1));
        CHECK_STR(encode(&t, "a a"), ids_text(prefix == 0 ? a : word, word, -1));
        CHECK_STR(encode(&t, ""), ""); /* no text, no space */
        CHECK_STR(tiny_encode(&t, "a</s>a", 6, INLAY_PARSE_SPECIAL),
                  prefix == 0 ? ids_text(a, EOS, a) : ids_text(word, EOS, word));
        CHECK_STR(tiny_encode(&t, "</s>", 4, INLAY_PARSE_SPECIAL), ids_text(EOS, -1, -1));
        spm_close(&t);
    }
}

TEST(marks_inside_tokens_read_as_spaces_whatever_the_room) {
    inlay__vocab vocab;
    inlay__spm spm;
    spm_begin(true);
    int32_t id = spm_piece("x" SPACE SPACE "y\xe2\x96" SPACE "\xe2", 0); /* marks, and parts of one */
    tiny_tokenizer t = spm_open();
    CHECK_INT(inlay__vocab_load(&inlay__sys_default, "tiny.gguf", &t.gguf, &vocab), INLAY_OK);
    CHECK_INT(inlay__spm_load("tiny.gguf", &t.gguf, &vocab, &spm), INLAY_OK);
    for (size_t capacity = 1; capacity < 12; capacity++) {
        uint8_t text[32];
        size_t at = 0, n, size = 0;
        while ((n = inlay__spm_read(&spm, id, &at, text + size, capacity)) > 0) {
            CHECK(n <= capacity);
            size += n;
        }
        CHECK(size == 8 && memcmp(text, "x  y\xe2\x96 \xe2", 8) == 0);
        at = 0;
        CHECK_INT(inlay__spm_read(&spm, FIRST_BYTE + 0xe2, &at, text, capacity), 1);
        CHECK_INT(text[0], 0xe2);
        CHECK_INT(inlay__spm_read(&spm, FIRST_BYTE + 0xe2, &at, text, capacity), 0);
    }
    inlay__vocab_free(&vocab);
    spm_close(&t);
}

/* ------------------------------------------------------------------ streaming */

/* Whole characters only. */
static bool is_text(const char *text, size_t size) {
    for (size_t at = 0, n; at < size; at += n) {
        uint32_t code;
        n = inlay__utf8_decode((const uint8_t *)text + at, size - at, &code);
        if (n == 0) return false;
    }
    return true;
}

/* The whole text that a stream of the text's tokens gives, each piece of it checked. */
static size_t stream_text(const tiny_tokenizer *t, const char *text, size_t size, char *out, size_t room) {
    int32_t ids[256];
    uint64_t state = 0;
    size_t n_ids = 0, n, used = 0;
    CHECK_INT(inlay__tokenizer_encode(t->tokenizer, text, size, 0, ids, 256, &n_ids), INLAY_OK);
    for (size_t i = 0; i <= n_ids; i++) {
        CHECK_INT(inlay__tokenizer_stream(t->tokenizer, &state, i < n_ids ? ids[i] : -1, out + used, room - used, &n),
                  INLAY_OK);
        CHECK(is_text(out + used, n));
        used += n;
    }
    CHECK(state == 0);
    return used;
}

TEST(a_stream_writes_what_decoding_all_its_tokens_gives) {
    static const char *const texts[] = {"ab a",
                                        " ab",
                                        "  ab",
                                        "a<s>b",
                                        "<s> b<s><s>  a",
                                        "<tool> a",
                                        "a <tool><s>",
                                        "",
                                        "\xE2\x82\xAC <s>\xE2\x82\xAC"};
    for (int prefix = 0; prefix < 2; prefix++) {
        spm_begin(true);
        spm_space_prefix = prefix;
        spm_piece("ab", 1);
        spm_piece(SPACE "ab", 2);
        spm_piece(SPACE, 0);
        tiny_vocab_token(&spm_vocab, "<tool>", VOCAB_USER_DEFINED);
        tiny_tokenizer t = spm_open();
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            char out[64], decoded[64];
            int32_t ids[64];
            size_t n_ids, n, used = 0, size;
            uint64_t state = 0;
            CHECK_INT(
                inlay__tokenizer_encode(t.tokenizer, texts[i], strlen(texts[i]), INLAY_PARSE_SPECIAL, ids, 64, &n_ids),
                INLAY_OK);
            CHECK_INT(inlay__tokenizer_decode(t.tokenizer, ids, n_ids, decoded, sizeof decoded, &size), INLAY_OK);
            for (size_t k = 0; k < n_ids; k++, used += n)
                CHECK_INT(inlay__tokenizer_stream(t.tokenizer, &state, ids[k], out + used, sizeof out - used, &n),
                          INLAY_OK);
            CHECK(used == size && memcmp(out, decoded, size) == 0);
            CHECK_INT(inlay__tokenizer_stream(t.tokenizer, &state, -1, NULL, 0, &n), INLAY_OK);
            CHECK(n == 0 && state == 0);
        }
        /* After the last token of another text it goes on with that. */
        int32_t pair[2];
        char text[8];
        size_t n;
        uint64_t state = 0;
        CHECK(inlay__tokenizer_find(t.tokenizer, "ab", 2, &pair[0]) &&
              inlay__tokenizer_find(t.tokenizer, SPACE "ab", 5, &pair[1]));
        CHECK_INT(inlay__tokenizer_stream(t.tokenizer, &state, pair[0], text, sizeof text, &n), INLAY_OK);
        CHECK_INT(inlay__tokenizer_stream(t.tokenizer, &state, pair[1], text, sizeof text, &n), INLAY_OK);
        CHECK(n == 3 && memcmp(text, " ab", 3) == 0);
        spm_close(&t);
    }
}

TEST(a_stream_of_byte_tokens_never_gives_half_a_character) {
    static const char text[] = "a\xc3\xa9 \xe2\x82\xac\xf0\x9f\x98\x80z " SPACE "\xf4\x8f\xbf\xbf";
    static const char read[] = "a\xc3\xa9 \xe2\x82\xac\xf0\x9f\x98\x80z  \xf4\x8f\xbf\xbf"; /* a mark is a space */
    char out[1024], random_text[64];
    uint32_t random = 5;
    spm_begin(true);
    spm_piece("a\xc3", 1); /* ends in the middle of a character */
    spm_piece("\xa9" SPACE, 2);
    spm_piece(SPACE, 0);
    tiny_tokenizer t = spm_open();
    size_t size = stream_text(&t, text, sizeof text - 1, out, sizeof out);
    CHECK(size == sizeof read - 1 && memcmp(out, read, size) == 0);
    for (int round = 0; round < 200; round++) { /* bytes that are no text */
        for (size_t i = 0; i < sizeof random_text; i++) {
            uint32_t bits = random_bits(&random);
            random_text[i] = round % 2 == 0 ? (char)bits : "\xf0\x9f\x98\x80\xe2\xc3\xa9 a"[bits % 9];
        }
        stream_text(&t, random_text, sizeof random_text, out, sizeof out);
    }
    spm_close(&t);
}

/* ----------------------------------------------------------------------- time */

static double seconds_for(const tiny_tokenizer *t, const char *text, size_t size, int32_t *ids) {
    double best = 1e9;
    for (int i = 0; i < 3; i++) {
        struct timespec begin, end;
        size_t n;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
        CHECK_INT(inlay__tokenizer_encode(t->tokenizer, text, size, 0, ids, size, &n), INLAY_OK);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        double took = (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
        if (took < best) best = took;
    }
    return best;
}

/* A text is not cut into words, so that a quadratic merge would take hours for a book. Eight times the text takes
 * about nine times the time; a cache that overflows and noise are allowed for, the quadratic's factor of 64 is not. */
TEST(a_long_text_takes_almost_linear_time) {
    enum { SIZE = 1 << 19 };
    static const char *const kinds[] = {"a", "ab", "abcd", " ", "\xe2\x82\xac", "\xff"};
    char *text = malloc(SIZE);
    int32_t *ids = malloc((SIZE + 1) * sizeof *ids);
    char run[40] = "";
    uint32_t random = 1;
    random_vocab(3, 100);
    for (size_t n = 2; n <= 32; n *= 2) { /* runs of one letter and of spaces */
        memset(run, 'a', n);
        spm_piece(run, -(float)n);
    }
    spm_piece(SPACE, 0);
    spm_piece(SPACE SPACE, -1);
    spm_piece(SPACE SPACE SPACE SPACE, -2);
    tiny_tokenizer t = spm_open();
    for (size_t kind = 0; kind <= sizeof kinds / sizeof kinds[0]; kind++) {
        bool letters = kind == sizeof kinds / sizeof kinds[0];
        for (size_t i = 0; i < SIZE; i++)
            text[i] = letters ? (char)('a' + random_bits(&random) % 4) : kinds[kind][i % strlen(kinds[kind])];
        double part = seconds_for(&t, text, SIZE / 8, ids), whole = seconds_for(&t, text, SIZE, ids);
        if (!CHECK(whole <= 30 * part)) fprintf(stderr, "text %zu: %g s, then %g s\n", kind, part, whole);
    }
    spm_close(&t);
    free(text);
    free(ids);
}

TEST_MAIN(CASE(the_pair_of_the_highest_score_goes_first), CASE(of_equal_scores_the_leftmost_goes_first),
          CASE(texts_merge_as_the_definition_says), CASE(merges_do_not_stop_at_spaces_and_lines),
          CASE(a_character_without_a_token_becomes_the_tokens_of_its_bytes), CASE(any_bytes_come_back),
          CASE(a_broken_character_ends_where_the_next_begins),
          CASE(the_lowest_of_doubled_byte_tokens_counts_and_both_digits_cases_are_read),
          CASE(without_byte_tokens_each_strange_character_is_one_unknown),
          CASE(without_the_unknown_too_a_strange_character_is_an_error),
          CASE(text_never_becomes_a_control_token_an_unknown_or_a_byte),
          CASE(control_tokens_are_found_when_asked_and_have_no_bytes), CASE(bos_is_added_unless_the_file_says_no),
          CASE(each_stretch_of_text_gets_a_space_before_it_unless_the_file_says_no),
          CASE(marks_inside_tokens_read_as_spaces_whatever_the_room),
          CASE(a_stream_writes_what_decoding_all_its_tokens_gives),
          CASE(a_stream_of_byte_tokens_never_gives_half_a_character), CASE(a_long_text_takes_almost_linear_time))
