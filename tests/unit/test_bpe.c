/* Byte-pair merging: its order, vocabularies that contradict themselves, long words against short ones. */
#include "test.h"

#include <time.h>

#include "format/packed.h"
#include "base/pool.h"
#include "support/accounting_sys.h"
#include "support/tiny_model.h"
#include "support/tiny_vocab.h"
#include "tokenizer/byte_text.h"

static tiny_vocab v;

static tiny_tokenizer open_vocab(void) { return tiny_vocab_open(&v, &inlay__sys_default); }

static void close_both(tiny_tokenizer *t) {
    tiny_tokenizer_close(t);
    tiny_vocab_free(&v);
}

static const char *encode(const tiny_tokenizer *t, const char *text) { return tiny_encode(t, text, strlen(text), 0); }

static const char *id_text(int32_t a, int32_t b) {
    static char out[32];
    if (b < 0)
        snprintf(out, sizeof out, "%d", a);
    else
        snprintf(out, sizeof out, "%d %d", a, b);
    return out;
}

/* ------------------------------------------------------------------- order */

TEST(the_merge_of_lowest_rank_goes_first) {
    tiny_vocab_init(&v);
    int32_t bc = tiny_vocab_merge(&v, "b c");
    tiny_vocab_merge(&v, "a b");
    tiny_tokenizer t = open_vocab();
    CHECK_STR(encode(&t, "abc"), id_text('a', bc));
    close_both(&t);
}

TEST(of_equal_ranks_the_leftmost_goes_first) {
    tiny_vocab_init(&v);
    int32_t aa = tiny_vocab_merge(&v, "a a");
    tiny_tokenizer t = open_vocab();
    CHECK_STR(encode(&t, "aaa"), id_text(aa, 'a'));
    close_both(&t);
}

TEST(merges_build_on_merges) {
    tiny_vocab_init(&v);
    tiny_vocab_merge(&v, "a b");
    tiny_vocab_merge(&v, "c d");
    int32_t abcd = tiny_vocab_merge(&v, "ab cd");
    int32_t space = tiny_vocab_merge(&v, "\xc4\xa0 abcd");
    tiny_tokenizer t = open_vocab();
    CHECK_STR(encode(&t, "abcd abcd"), id_text(abcd, space));
    CHECK_STR(encode(&t, "a"), "97");
    CHECK_STR(encode(&t, ""), "");
    close_both(&t);
}

TEST(merges_never_cross_words) {
    tiny_vocab_init(&v);
    tiny_vocab_merge(&v, "a \xc4\xa0");
    tiny_vocab_merge(&v, "a 1");
    tiny_tokenizer t = open_vocab();
    CHECK_STR(encode(&t, "a a1"), "97 32 97 49");
    close_both(&t);
}

TEST(a_word_that_is_a_token_needs_no_merges_where_they_are_ignored) {
    for (int i = 0; i < 2; i++) {
        tiny_vocab_init(&v);
        v.pre = i == 0 ? "llama-bpe" : "qwen2";
        int32_t word = tiny_vocab_token(&v, "\xc4\xa0xyz", VOCAB_NORMAL);
        tiny_tokenizer t = open_vocab();
        CHECK_STR(encode(&t, " xyz"), i == 0 ? id_text(word, -1) : "32 120 121 122");
        CHECK_STR(encode(&t, " xyzz"), "32 120 121 122 122");
        CHECK_STR(encode(&t, " xy"), "32 120 121");
        close_both(&t);
    }
}

/* -------------------------------------------------- merges that make no sense */

TEST(of_a_doubled_merge_the_first_counts) {
    tiny_vocab_init(&v);
    int32_t ab = tiny_vocab_merge(&v, "a b");
    tiny_vocab_merge(&v, "b c");
    tiny_vocab_merge(&v, "a b");
    tiny_tokenizer t = open_vocab();
    CHECK_STR(encode(&t, "abc"), id_text(ab, 'c'));
    close_both(&t);
}

TEST(a_merge_of_tokens_that_do_not_exist_never_applies) {
    tiny_vocab_init(&v);
    int32_t ab = tiny_vocab_merge(&v, "a b");
    v.merges[v.n_merges++] = strcpy(malloc(8), "ab c"); /* gives no token */
    v.merges[v.n_merges++] = strcpy(malloc(8), "qq a"); /* has no left */
    v.merges[v.n_merges++] = strcpy(malloc(8), "a zz"); /* has no right */
    v.merges[v.n_merges++] = strcpy(malloc(8), "a  b"); /* has a right that begins with a space */
    tiny_tokenizer t = open_vocab();
    CHECK_INT(t.status, INLAY_OK);
    CHECK_STR(encode(&t, "abc"), id_text(ab, 'c'));
    CHECK_STR(encode(&t, "qqa"), "113 113 97");
    close_both(&t);
}

TEST(a_merge_that_is_not_two_tokens_is_an_error) {
    static const char *const bad[] = {"", "a", "ab", " ", "a ", " a", "  "};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tiny_vocab_init(&v);
        tiny_vocab_merge(&v, "a b");
        v.merges[v.n_merges++] = strcpy(malloc(8), bad[i]);
        tiny_tokenizer t = open_vocab();
        CHECK_INT(t.status, INLAY_ERR_FORMAT);
        CHECK_HAS(inlay__error_text(), "tokenizer.ggml.merges 1 is");
        close_both(&t);
    }
}

/* "a b" and "ab c" against "b c" and "a bc": two ways to one token; and tokens that need each other. */
TEST(cyclic_merges_end) {
    tiny_vocab_init(&v);
    tiny_vocab_merge(&v, "ab c");
    tiny_vocab_merge(&v, "a bc");
    tiny_vocab_merge(&v, "abc abc");
    tiny_vocab_merge(&v, "b c");
    int32_t ab = tiny_vocab_merge(&v, "a b");
    int32_t abc = tiny_vocab_merge(&v, "a bc");
    tiny_tokenizer t = open_vocab();
    CHECK_STR(encode(&t, "abc"), id_text(abc, -1));
    CHECK_STR(encode(&t, "ab"), id_text(ab, -1));
    CHECK(tiny_round_trip(&t, "abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcab", 50));
    close_both(&t);
}

TEST(plain_text_never_becomes_a_control_token) {
    static const int32_t kinds[] = {VOCAB_CONTROL, VOCAB_UNKNOWN, VOCAB_UNUSED};
    for (int i = 0; i < 3; i++) {
        tiny_vocab_init(&v);
        v.pre = "llama-bpe"; /* looks words up whole, too */
        tiny_vocab_token(&v, "ab", kinds[i]);
        tiny_vocab_merge(&v, "a b");
        tiny_tokenizer t = open_vocab();
        CHECK_STR(encode(&t, "ab"), "97 98");
        close_both(&t);
    }
}

/* An added token's text stands for itself: as a result of merges it would decode to other bytes. */
TEST(merges_never_give_a_token_of_other_bytes) {
    tiny_vocab_init(&v);
    tiny_vocab_token(&v, "\xc4\xa0q", VOCAB_USER_DEFINED);
    tiny_vocab_merge(&v, "\xc4\xa0 q");
    tiny_tokenizer t = open_vocab();
    CHECK_STR(encode(&t, " q"), "32 113");
    CHECK(tiny_round_trip(&t, " q", 2));
    CHECK(tiny_round_trip(&t, "\xc4\xa0q", 3));
    close_both(&t);
}

/* Tokens of many merges in their order, as files mostly have them, but for one thing at merge number ODD. */
TEST(tokens_that_are_numbered_as_merges_are_no_others_than_their_texts_say) {
    enum { IN_ORDER, A_GAP, A_SECOND_ONE, NOT_PLAIN, N_WAYS, N_MERGES = 81, ODD = 60 };
    for (int way = IN_ORDER; way < N_WAYS; way++) {
        int32_t expected[N_MERGES];
        tiny_vocab_init(&v);
        int32_t first = way == A_SECOND_ONE ? tiny_vocab_token(&v, "gg", VOCAB_NORMAL) : -1;
        for (int i = 0; i < N_MERGES; i++) {
            char merge[4] = {(char)('a' + i / 9), ' ', (char)('a' + i % 9)}, text[3] = {merge[0], merge[2]};
            if (i == ODD && way == A_GAP) tiny_vocab_token(&v, "of no merge", VOCAB_NORMAL);
            if (i == ODD && way == A_SECOND_ONE) tiny_vocab_token(&v, text, VOCAB_NORMAL);
            if (i == ODD && way == NOT_PLAIN) tiny_vocab_token(&v, text, VOCAB_CONTROL);
            expected[i] = tiny_vocab_merge(&v, merge);
        }
        tiny_tokenizer t = open_vocab();
        for (int i = 0; i < N_MERGES; i++) {
            char text[3] = {(char)('a' + i / 9), (char)('a' + i % 9)};
            if (i == ODD && way == NOT_PLAIN)
                CHECK_STR(encode(&t, text), id_text(text[0], text[1]));
            else
                CHECK_STR(encode(&t, text), id_text(i == ODD && way == A_SECOND_ONE ? first : expected[i], -1));
        }
        close_both(&t);
    }
}

/* ------------------------------------------------------------------- bytes */

/* ------------------------------------------------- what packed files bring */

enum { N_HINTED = 200 };
static uint32_t hints[2 * N_HINTED];
static size_t n_hints;
static uint32_t hint_type;

static void write_hints(gguf_writer *w) { gguf_writer_array(w, INLAY__PACKED_MERGES, hint_type, hints, n_hints); }

/* Merges of letters and of merged tokens, one of which is doubled and one that can never apply. */
static void make_hinted(void) {
    tiny_vocab_init(&v);
    for (size_t i = 0; i + 2 < N_HINTED; i++) {
        char merge[64], left[8] = {(char)('a' + i * 7 % 11)}, right[8] = {(char)('a' + i * 5 % 13)};
        bool longer = i > 60 && strlen(v.tokens[256 + i / 3]) < 8;
        snprintf(merge, sizeof merge, "%s %s", longer ? v.tokens[256 + i / 3] : left,
                 i % 9 == 8 ? v.tokens[256 + i % 50] : right);
        tiny_vocab_merge(&v, merge);
    }
    tiny_vocab_merge(&v, "a b");
    tiny_vocab_merge(&v, "z nowhere");
}

/* Opens the vocabulary with the hints as they are, and expects the merges and ids of one without any. */
static void expect_no_change(const uint32_t *sides, const char *ids) {
    static const char text[] = "abcabdeafgchbackabacadeijkabjihgfedcbaab";
    uint32_t *found;
    size_t n;
    v.more = write_hints;
    tiny_tokenizer t = open_vocab();
    CHECK_INT(t.status, INLAY_OK);
    if (t.status != INLAY_OK) return;
    CHECK_STR(encode(&t, text), ids);
    CHECK_INT(inlay__tokenizer_merge_sides(t.tokenizer, &t.gguf, &found, &n), INLAY_OK);
    CHECK(n == N_HINTED && memcmp(found, sides, 2 * n * sizeof *sides) == 0);
    inlay__free(&inlay__sys_default, found, 2 * n * sizeof *found);
    tiny_tokenizer_close(&t);
}

TEST(tokens_that_a_packed_file_names_for_merges_change_nothing_when_they_lie) {
    char ids[1024];
    uint32_t *sides;
    size_t n;
    make_hinted();
    tiny_tokenizer t = open_vocab();
    snprintf(ids, sizeof ids, "%s", encode(&t, "abcabdeafgchbackabacadeijkabjihgfedcbaab"));
    CHECK_INT(inlay__tokenizer_merge_sides(t.tokenizer, &t.gguf, &sides, &n), INLAY_OK);
    CHECK_INT(n, N_HINTED);
    CHECK(sides[0] < 256 && sides[2 * N_HINTED - 1] == UINT32_MAX);
    tiny_tokenizer_close(&t);
    hint_type = INLAY__GGUF_U32;
    n_hints = 2 * N_HINTED;
    memcpy(hints, sides, sizeof hints);
    expect_no_change(sides, ids);
    for (uint32_t round = 0; round < 60; round++) {
        for (size_t i = 0; i < n_hints; i++) {
            uint32_t noise = ((uint32_t)i + 1) * (round + 1) * 2654435761u;
            if (noise >> 28 < 5) hints[i] = round % 3 == 0 ? noise : noise >> 8 & (uint32_t)(v.n_tokens - 1);
        }
        expect_no_change(sides, ids);
    }
    for (size_t i = 0; i < n_hints; i++) hints[i] = 'a'; /* as one run of numbers */
    expect_no_change(sides, ids);
    inlay__free(&inlay__sys_default, sides, 2 * n * sizeof *sides);
    tiny_vocab_free(&v);
}

TEST(tokens_of_merges_in_another_number_or_type_are_an_error) {
    for (int i = 0; i < 4; i++) {
        make_hinted();
        v.more = write_hints;
        n_hints = i == 0 ? 2 * N_HINTED - 1 : i == 1 ? N_HINTED : i == 2 ? 0 : 2 * N_HINTED;
        hint_type = i == 3 ? INLAY__GGUF_I32 : INLAY__GGUF_U32;
        tiny_tokenizer t = open_vocab();
        CHECK_INT(t.status, INLAY_ERR_FORMAT);
        CHECK_HAS(inlay__error_text(), INLAY__PACKED_MERGES);
        close_both(&t);
    }
}

TEST(every_byte_alone_and_all_together_come_back) {
    char text[512];
    tiny_vocab_init(&v);
    tiny_vocab_merge(&v, "\xc3\x83 \xc2\xa9"); /* the bytes of U+00E9 */
    tiny_tokenizer t = open_vocab();
    for (int i = 0; i < 512; i++)
        text[i] = (char)i;
    for (int i = 0; i < 256; i++)
        CHECK(tiny_round_trip(&t, text + i, 1));
    CHECK(tiny_round_trip(&t, text, 512));
    CHECK_STR(encode(&t, "\xc3\xa9"), "256");
    close_both(&t);
}

TEST(bytes_without_a_character_token_use_byte_tokens) {
    tiny_vocab_init(&v);
    strcpy(v.tokens[0xff], "x");
    strcpy(v.tokens['a'], "y");
    int32_t ff = tiny_vocab_token(&v, "<0xFF>", VOCAB_BYTE);
    tiny_vocab_token(&v, "<0xff>", VOCAB_BYTE); /* doubled: the lowest id counts */
    tiny_vocab_token(&v, "<0x62>", VOCAB_BYTE); /* b has its character */
    tiny_tokenizer t = open_vocab();
    CHECK_STR(tiny_encode(&t, "b\xff", 2, 0), id_text('b', ff));
    CHECK(tiny_round_trip(&t, "b\xff", 2));
    CHECK_STR(encode(&t, "<0xFF>"), "60 48 120 70 70 62"); /* text that looks like a byte is text */
    CHECK_HAS(encode(&t, "a"), "no token for byte 97");
    close_both(&t);
}

TEST(a_byte_that_the_vocabulary_lacks_is_an_error_in_short_and_long_words) {
    char text[200];
    int32_t ids[200];
    size_t n = 7;
    tiny_vocab_init(&v);
    strcpy(v.tokens['q'], "z");
    tiny_tokenizer t = open_vocab();
    memset(text, 'a', sizeof text);
    text[5] = 'q';
    CHECK_INT(inlay__tokenizer_encode(t.tokenizer, text, 10, 0, ids, 200, &n), INLAY_ERR_UNSUPPORTED);
    CHECK_HAS(inlay__error_text(), "no token for byte 113");
    CHECK_INT(inlay__tokenizer_encode(t.tokenizer, text, 200, 0, ids, 200, &n), INLAY_ERR_UNSUPPORTED);
    CHECK_INT(n, 7);
    close_both(&t);
}

TEST(tokens_that_are_not_byte_text_decode_to_themselves) {
    char text[32];
    size_t size;
    tiny_vocab_init(&v);
    int32_t raw = tiny_vocab_token(&v, "\xe2\x82\xac x", VOCAB_NORMAL);
    int32_t broken = tiny_vocab_token(&v, "\xc4", VOCAB_NORMAL);
    tiny_tokenizer t = open_vocab();
    const int32_t ids[] = {raw, broken, 'a'};
    CHECK_INT(inlay__tokenizer_decode(t.tokenizer, ids, 3, text, sizeof text, &size), INLAY_OK);
    CHECK_INT(size, 7);
    CHECK(memcmp(text,
                 "\xe2\x82\xac x\xc4"
                 "a",
                 7) == 0);
    close_both(&t);
}

/* --------------------------------------------- all words against a slow merge */

/* A vocabulary over four letters with random merges of what there is. */
static void random_vocab(uint32_t seed, size_t n_merges) {
    uint32_t random = seed;
    char merge[64];
    const char *parts[256];
    size_t n_parts = 4;
    tiny_vocab_init(&v);
    for (size_t i = 0; i < 4; i++)
        parts[i] = v.tokens['a' + i];
    while (v.n_merges < n_merges) {
        random = random * 1664525u + 1013904223u;
        const char *left = parts[(random >> 8) % n_parts], *right = parts[(random >> 20) % n_parts];
        if (strlen(left) + strlen(right) > 24) continue;
        snprintf(merge, sizeof merge, "%s %s", left, right);
        parts[n_parts] = v.tokens[tiny_vocab_merge(&v, merge)];
        if (n_parts < 255) n_parts++;
    }
}

static size_t rank_of(const char *left, const char *right) {
    char merge[128];
    int size = snprintf(merge, sizeof merge, "%s %s", left, right);
    CHECK(size > 0 && (size_t)size < sizeof merge);
    for (size_t i = 0; i < v.n_merges; i++)
        if (strcmp(v.merges[i], merge) == 0) return i;
    return SIZE_MAX;
}

/* By the definition: look at all pairs, merge the leftmost of the lowest rank, again. */
static size_t slow_merge(const char *word, char pieces[][64]) {
    size_t n = strlen(word);
    for (size_t i = 0; i < n; i++)
        snprintf(pieces[i], 64, "%c", word[i]);
    for (;;) {
        size_t best = SIZE_MAX, at = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            size_t rank = rank_of(pieces[i], pieces[i + 1]);
            if (rank < best) {
                best = rank;
                at = i;
            }
        }
        if (best == SIZE_MAX) return n;
        size_t size = strlen(pieces[at]), more = strlen(pieces[at + 1]);
        memmove(pieces[at] + size, pieces[at + 1], more + 1);
        n--;
        for (size_t i = at + 1; i < n; i++)
            memcpy(pieces[i], pieces[i + 1], 64);
    }
}

static bool same_as_slow(const tiny_tokenizer *t, const char *word) {
    static char pieces[256][64];
    int32_t ids[256];
    size_t n, n_slow = slow_merge(word, pieces);
    if (inlay__tokenizer_encode(t->tokenizer, word, strlen(word), 0, ids, 256, &n) != INLAY_OK || n != n_slow)
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(v.tokens[ids[i]], pieces[i]) != 0) return false;
    return true;
}

TEST(short_and_long_words_merge_as_the_definition_says) {
    uint32_t random = 5;
    char word[128];
    for (uint32_t seed = 1; seed <= 12; seed++) {
        random_vocab(seed, 10 + seed * 4);
        tiny_tokenizer t = open_vocab();
        for (size_t round = 0; round < 60; round++) {
            size_t size = 1 + round * 2;
            for (size_t i = 0; i < size; i++) {
                random = random * 1664525u + 1013904223u;
                word[i] = (char)('a' + (random >> 24) % (seed % 3 + 2));
            }
            word[size] = '\0';
            CHECK(same_as_slow(&t, word));
        }
        close_both(&t);
    }
}

/* -------------------------------------------------------------------- time */

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

/* tiktoken #195, ds4 #853: encoders that look at all pairs again take minutes for 40,000 letters. Twice the text
 * takes at most 2.3 times the time; noise is allowed for, the quadratic's factor of 4 is not. */
TEST(one_word_of_a_million_letters_takes_linear_time) {
    enum { SIZE = 1 << 20 };
    char *text = malloc(SIZE);
    int32_t *ids = malloc(SIZE * sizeof *ids);
    memset(ids, 0, SIZE * sizeof *ids);
    uint32_t random = 9;
    random_vocab(3, 120);
    tiny_vocab_merge(&v, "a a");
    tiny_vocab_merge(&v, "aa aa");
    tiny_vocab_merge(&v, "aaaa aaaa");
    tiny_tokenizer t = open_vocab();
    for (int kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < SIZE; i++) {
            random = random * 1664525u + 1013904223u;
            text[i] = kind == 0 ? 'a' : kind == 1 ? (char)('a' + (random >> 24) % 26) : "\xe4\xb8\x80"[i % 3];
        }
        double half = seconds_for(&t, text, SIZE / 2, ids), whole = seconds_for(&t, text, SIZE, ids);
        if (whole > 3.2 * half) fprintf(stderr, "text %d: %g s, then %g s\n", kind, half, whole);
        CHECK(whole <= 3.2 * half);
    }
    close_both(&t);
    free(text);
    free(ids);
}

/* ------------------------------------------------------------------- threads */

enum { N_SHARED = 18000 };

/* The file of a model with many merges, and one in `every` of them a copy of an earlier one. */
static uint8_t *many_merges(size_t every, inlay__gguf *gguf) {
    tiny_params params = tiny_defaults();
    size_t size;
    params.n_vocab = N_SHARED;
    uint8_t *data = tiny_model(&params, &size);
    CHECK_INT(inlay__gguf_parse(&inlay__sys_default, "tiny.gguf", data, size, gguf), INLAY_OK);
    const inlay__gguf_kv *kv = inlay__gguf_find(gguf, "tokenizer.ggml.merges");
    for (size_t i = every; every > 0 && i < kv->n_values; i += every) {
        inlay__text from = inlay__gguf_string(kv, i * 7919 % i), to = inlay__gguf_string(kv, i);
        if (from.size == to.size) memcpy((char *)(uintptr_t)to.text, from.text, to.size);
    }
    return data;
}

static int32_t make_with(const inlay__sys *sys, const inlay__gguf *gguf, size_t n_threads, inlay__tokenizer **made) {
    inlay__pool *pool = NULL;
    CHECK_INT(inlay__pool_new(&inlay__sys_default, n_threads, &pool), INLAY_OK);
    int32_t status = inlay__tokenizer_begin(sys, "tiny.gguf", gguf, made);
    if (status == INLAY_OK) status = inlay__tokenizer_finish(*made, "tiny.gguf", gguf, pool);
    inlay__pool_free(pool);
    return status;
}

TEST(merges_read_on_any_number_of_threads_are_the_same) {
    uint32_t *alone = NULL, *shared = NULL;
    size_t n_alone = 0, n_shared = 0;
    for (size_t every = 0; every < 8; every += 7) {
        inlay__gguf gguf;
        inlay__tokenizer *one = NULL, *other = NULL;
        uint8_t *data = many_merges(every, &gguf);
        CHECK_INT(make_with(&inlay__sys_default, &gguf, 1, &one), INLAY_OK);
        CHECK_INT(inlay__tokenizer_merge_sides(one, &gguf, &alone, &n_alone), INLAY_OK);
        CHECK(n_alone > 4 * 4096);
        for (size_t n_threads = 2; n_threads <= 6; n_threads++) {
            CHECK_INT(make_with(&inlay__sys_default, &gguf, n_threads, &other), INLAY_OK);
            CHECK_INT(inlay__tokenizer_merge_sides(other, &gguf, &shared, &n_shared), INLAY_OK);
            CHECK(n_shared == n_alone && memcmp(shared, alone, n_alone * 2 * sizeof *alone) == 0);
            inlay__free(&inlay__sys_default, shared, 2 * n_shared * sizeof *shared);
            inlay__tokenizer_free(other);
        }
        inlay__free(&inlay__sys_default, alone, 2 * n_alone * sizeof *alone);
        inlay__tokenizer_free(one);
        inlay__gguf_free(&gguf);
        free(data);
    }
}

TEST(a_wrong_merge_is_named_whichever_thread_reads_it_and_nothing_is_held) {
    inlay__gguf gguf;
    accounting a;
    uint8_t *data = many_merges(0, &gguf);
    const inlay__gguf_kv *kv = inlay__gguf_find(&gguf, "tokenizer.ggml.merges");
    const size_t wrong[] = {(size_t)kv->n_values - 1, (size_t)kv->n_values / 2, 5};
    accounting_init(&a);
    for (size_t i = 0; i < 3; i++) { /* the first of those that are wrong is named */
        char *space = strchr((char *)(uintptr_t)inlay__gguf_string(kv, wrong[i]).text + 1, ' ');
        char expected[100];
        inlay__tokenizer *made = NULL;
        *space = 'x';
        snprintf(expected, sizeof expected, "merges %zu is", wrong[i]);
        CHECK_INT(make_with(&a.sys, &gguf, 4, &made), INLAY_ERR_FORMAT);
        CHECK_HAS(inlay__error_text(), expected);
        inlay__tokenizer_free(made);
        CHECK_INT(a.live, 0);
    }
    inlay__gguf_free(&gguf);
    free(data);
}

TEST(memory_that_runs_out_while_merges_are_read_leaves_nothing) {
    inlay__gguf gguf;
    accounting a;
    uint8_t *data = many_merges(0, &gguf);
    accounting_init(&a);
    for (size_t n = 1;; n++) {
        inlay__tokenizer *made = NULL;
        a.n_allocs = 0;
        a.fail_at = n;
        int32_t status = make_with(&a.sys, &gguf, 3, &made);
        inlay__tokenizer_free(made);
        CHECK_INT(a.live, 0);
        if (status == INLAY_OK || test_failures > 0) break;
        CHECK_INT(status, INLAY_ERR_MEMORY);
    }
    inlay__gguf_free(&gguf);
    free(data);
}

TEST_MAIN(CASE(merges_read_on_any_number_of_threads_are_the_same),
          CASE(a_wrong_merge_is_named_whichever_thread_reads_it_and_nothing_is_held),
          CASE(memory_that_runs_out_while_merges_are_read_leaves_nothing),
          CASE(the_merge_of_lowest_rank_goes_first), CASE(of_equal_ranks_the_leftmost_goes_first),
          CASE(merges_build_on_merges), CASE(merges_never_cross_words),
          CASE(a_word_that_is_a_token_needs_no_merges_where_they_are_ignored),
          CASE(of_a_doubled_merge_the_first_counts), CASE(a_merge_of_tokens_that_do_not_exist_never_applies),
          CASE(a_merge_that_is_not_two_tokens_is_an_error), CASE(cyclic_merges_end),
          CASE(plain_text_never_becomes_a_control_token), CASE(merges_never_give_a_token_of_other_bytes),
          CASE(tokens_that_are_numbered_as_merges_are_no_others_than_their_texts_say),
          CASE(tokens_that_a_packed_file_names_for_merges_change_nothing_when_they_lie),
          CASE(tokens_of_merges_in_another_number_or_type_are_an_error),
          CASE(every_byte_alone_and_all_together_come_back), CASE(bytes_without_a_character_token_use_byte_tokens),
          CASE(a_byte_that_the_vocabulary_lacks_is_an_error_in_short_and_long_words),
          CASE(tokens_that_are_not_byte_text_decode_to_themselves),
          CASE(short_and_long_words_merge_as_the_definition_says),
          CASE(one_word_of_a_million_letters_takes_linear_time))
