/* The tokenizers of GGUF files that are pipelines: WordPiece, Unigram, RWKV, none; and hostile files of theirs, each by
 * name. */
#include "test.h"

#include <math.h>
#include <time.h>

#include "support/accounting_sys.h"
#include "support/tiny_vocab.h"

#define MARK "\xE2\x96\x81"

static tiny_vocab v;
static float scores[TINY_VOCAB_MAX];
static uint8_t charsmap[4096];
static size_t charsmap_size;
static bool with_scores, prefix, merge;
static int64_t cls, sep;
static accounting a;
static tiny_tokenizer t;

static int lower, accents; /* -1: the file does not say */

static void put_keys(gguf_writer *w) {
    if (with_scores) gguf_writer_array(w, "tokenizer.ggml.scores", INLAY__GGUF_F32, scores, v.n_tokens);
    if (charsmap_size != SIZE_MAX)
        gguf_writer_array(w, "tokenizer.ggml.precompiled_charsmap", INLAY__GGUF_U8, charsmap, charsmap_size);
    if (prefix) gguf_writer_bool(w, "tokenizer.ggml.add_space_prefix", true);
    if (merge) gguf_writer_bool(w, "tokenizer.ggml.remove_extra_whitespaces", true);
    if (lower >= 0) gguf_writer_bool(w, "tokenizer.ggml.normalizer.lowercase", lower > 0);
    if (accents >= 0) gguf_writer_bool(w, "tokenizer.ggml.normalizer.strip_accents", accents > 0);
    if (cls >= 0) gguf_writer_u32(w, "tokenizer.ggml.cls_token_id", (uint32_t)cls);
    if (sep >= 0) gguf_writer_u32(w, "tokenizer.ggml.seperator_token_id", (uint32_t)sep);
}

static void begin(const char *model) {
    tiny_vocab_init(&v);
    tiny_vocab_free(&v); /* the 256 characters of byte-level vocabularies */
    memset(scores, 0, sizeof scores);
    v.model = model;
    v.pre = NULL;
    v.no_merges = true;
    v.more = put_keys;
    charsmap_size = SIZE_MAX;
    with_scores = strcmp(model, "t5") == 0;
    prefix = merge = false;
    cls = sep = -1;
    lower = accents = -1;
}

static int32_t piece(const char *text, float score) {
    scores[v.n_tokens] = score;
    return tiny_vocab_token(&v, text, VOCAB_NORMAL);
}

static void open_vocab(void) {
    accounting_init(&a);
    t = tiny_vocab_open(&v, &a.sys);
}

static void close_vocab(void) {
    tiny_tokenizer_close(&t);
    CHECK_INT(a.n_live, 0);
    tiny_vocab_free(&v);
}

static void expect_error(int32_t status, const char *words) {
    open_vocab();
    CHECK_INT(t.status, status);
    CHECK_HAS(inlay__error_text(), words);
    close_vocab();
}

static const char *encode(const char *text, int32_t flags) { return tiny_encode(&t, text, strlen(text), flags); }

static const char *decode(const int32_t *ids, size_t n) {
    static char text[256];
    size_t size = 0;
    if (inlay__tokenizer_decode(t.tokenizer, ids, n, text, sizeof text - 1, &size) != INLAY_OK)
        return inlay__error_text();
    text[size] = '\0';
    return text;
}

/* ---------------------------------------------------------------- WordPiece */

enum { UNK, CLS, SEP, HELLO, WORLD, LD, DOT, CAFE };

static void begin_bert(void) {
    begin("bert");
    v.unknown = tiny_vocab_token(&v, "[UNK]", VOCAB_UNKNOWN);
    cls = tiny_vocab_token(&v, "[CLS]", VOCAB_CONTROL);
    sep = tiny_vocab_token(&v, "[SEP]", VOCAB_CONTROL);
    piece(MARK "hello", 0);
    piece(MARK "wor", 0);
    piece("ld", 0);
    piece(MARK ".", 0);
    piece(MARK "cafe", 0);
}

TEST(words_become_their_longest_pieces) {
    begin_bert();
    open_vocab();
    CHECK_STR(encode("Hello, WORLD.", 0), "3 0 4 5 6");
    CHECK_STR(encode("  hello\tcaf\xC3\xA9\n", 0), "3 7");
    CHECK_STR(encode("hello wor ld", 0), "3 4 0");
    CHECK_STR(encode("", 0), "");
    CHECK_STR(encode("hello", INLAY_ADD_SPECIAL), "1 3 2");
    CHECK_STR(encode("[SEP]", INLAY_PARSE_SPECIAL), "2");
    CHECK_STR(encode("[SEP]", 0), "0 0 0");
    const int32_t ids[] = {CLS, HELLO, WORLD, LD, DOT, SEP};
    CHECK_STR(decode(ids, 6), "hello world.");
    close_vocab();
}

TEST(words_keep_case_and_accents_where_the_file_says_so) {
    static const struct {
        int lower, accents;
        const char *ids;
    } cases[] = {
        {-1, -1, "7 7 7 7 9"}, {1, 1, "7 7 7 7 9"}, {1, 0, "8 0 0 8 9"}, {0, -1, "0 0 0 8 9"}, {0, 1, "0 0 7 7 9"}};
    for (size_t i = 0; i < INLAY__COUNT(cases); i++) {
        begin_bert();
        piece(MARK "caf\xC3\xA9", 0);             /* 8 */
        piece(MARK "\xE1\x84\x80\xE1\x85\xA1", 0); /* 9: the letters of a Korean syllable */
        lower = cases[i].lower;
        accents = cases[i].accents;
        open_vocab();
        const char *text = "Caf\xC3\xA9 Cafe\xCC\x81 cafe\xCC\x81 caf\xC3\xA9 \xEA\xB0\x80";
        if (accents == 0 || (accents < 0 && lower == 0))
            text = "Caf\xC3\xA9 Cafe\xCC\x81 cafe\xCC\x81 caf\xC3\xA9 \xE1\x84\x80\xE1\x85\xA1";
        CHECK_STR(encode(text, 0), cases[i].ids);
        close_vocab();
    }
}

TEST(ids_that_the_file_does_not_give_are_not_taken_from_a_larger_vocabulary) {
    begin_bert();
    v.unknown = cls = sep = -1;
    open_vocab();
    CHECK_STR(encode("hello", INLAY_ADD_SPECIAL), "3");
    CHECK_HAS(encode("qqq", 0), "none for the unknown");
    close_vocab();
    begin_bert();
    sep = 8;
    expect_error(INLAY_ERR_FORMAT, "seperator_token_id is not a token");
    begin_bert();
    cls = UINT32_MAX;
    expect_error(INLAY_ERR_FORMAT, "cls_token_id is not a token");
}

/* ------------------------------------------------------------------ Unigram */

static void begin_t5(void) {
    begin("t5");
    tiny_vocab_token(&v, "<pad>", VOCAB_CONTROL);
    v.eos = tiny_vocab_token(&v, "</s>", VOCAB_CONTROL);
    v.unknown = tiny_vocab_token(&v, "<unk>", VOCAB_UNKNOWN);
    piece(MARK, -3);
    piece(MARK "a", -2);
    piece("b", -3);
    piece("ab", -4);
    piece(MARK "ab", -4.5f);
}

TEST(the_best_way_through_a_text_is_taken) {
    begin_t5();
    prefix = merge = true;
    open_vocab();
    CHECK_STR(encode("ab", 0), "7");
    CHECK_STR(encode("  abb   a ", 0), "7 5 4");
    CHECK_STR(encode("axyzb", 0), "4 2 5"); /* neighbours that are unknown are one */
    CHECK_STR(encode("a", INLAY_ADD_SPECIAL), "4 1");
    CHECK_STR(encode("", INLAY_ADD_SPECIAL), "1");
    const int32_t ids[] = {7, 5, 4, 1};
    CHECK_STR(decode(ids, 4), "abb a");
    close_vocab();
}

TEST(scores_of_unigram_must_be_finite) {
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < INLAY__COUNT(bad); i++) {
        begin_t5();
        scores[5] = bad[i];
        expect_error(INLAY_ERR_FORMAT, "tokenizer.ggml.scores 5");
    }
    begin_t5();
    with_scores = false;
    expect_error(INLAY_ERR_FORMAT, "has no tokenizer.ggml.scores");
}

static void put_u32(size_t at, uint32_t value) {
    for (size_t i = 0; i < 4; i++) charsmap[at + i] = (uint8_t)(value >> 8 * i);
}

TEST(charsmaps_of_zero_to_sixteen_bytes_open_or_are_errors) {
    static const uint8_t fills[] = {0, 1, 4, 8, 0xFF};
    for (size_t f = 0; f < sizeof fills; f++) {
        for (charsmap_size = 0; charsmap_size <= 16;) {
            size_t size = charsmap_size;
            begin_t5();
            charsmap_size = size;
            memset(charsmap, fills[f], sizeof charsmap);
            open_vocab();
            if (t.status != INLAY_OK)
                CHECK_INT(t.status, INLAY_ERR_FORMAT);
            else
                CHECK_STR(encode("b", 0), "5");
            close_vocab();
            charsmap_size = size + 1;
        }
    }
}

TEST(charsmaps_whose_trie_loops_or_leads_out_are_walked_within_bounds) {
    enum { UNITS = 300 };
    for (int kind = 0; kind < 4; kind++) {
        begin_t5();
        memset(charsmap, 0, sizeof charsmap);
        put_u32(0, 4 * UNITS);
        /* root: offset 0, so that byte b leads to unit b */
        for (uint32_t i = 0; i < UNITS; i++) {
            uint32_t unit = i < 256 ? i : 0;
            if (kind == 0) unit |= i << 10;                   /* back to unit 0: 'b' leads to itself for ever */
            if (kind == 1) unit |= 0x1FFFFFu << 10;           /* beyond the end */
            if (kind == 2) unit |= 0x1FFFFFu << 10 | 1u << 9; /* far beyond it */
            if (kind == 3) unit |= 1u << 8;                   /* a value that is no place of a text */
            put_u32(4 + 4 * i, unit);
        }
        charsmap_size = 4 + 4 * UNITS;
        open_vocab();
        CHECK_INT(t.status, INLAY_OK);
        static char text[400001];
        size_t n;
        memset(text, 'b', sizeof text - 1);
        CHECK_INT(inlay__tokenizer_encode(t.tokenizer, text, sizeof text - 1, 0, NULL, 0, &n), INLAY_ERR_BUFFER);
        CHECK_INT(n, sizeof text - 1);
        close_vocab();
    }
}

TEST(the_texts_of_a_charsmap_must_end) {
    begin_t5();
    memset(charsmap, 0, sizeof charsmap);
    charsmap[4] = 'x';
    charsmap_size = 5;
    expect_error(INLAY_ERR_FORMAT, "does not end with a NUL");
    begin_t5();
    charsmap[4] = 0xC3;
    charsmap[5] = 0;
    charsmap_size = 6;
    expect_error(INLAY_ERR_FORMAT, "not UTF-8");
}

/* --------------------------------------------------------------------- RWKV */

TEST(the_longest_token_at_each_place_is_taken) {
    begin("rwkv");
    tiny_vocab_token(&v, "<s>", VOCAB_CONTROL);
    piece("a", 0);
    piece("ab", 0);
    piece("abcd", 0);
    piece("\\n", 0);
    piece("\\xff", 0);
    piece("\\\\", 0);
    piece("\\'", 0);
    open_vocab();
    CHECK_STR(encode("abcabcd", 0), "the vocabulary has no token for 'c' and none for the unknown");
    CHECK_STR(encode("aababcd\n\\'\xFF", 0), "1 2 3 4 6 7 5");
    CHECK(tiny_round_trip(&t, "aab\n\\'\xFF", 7));
    close_vocab();
}

TEST(a_model_without_tokenizer_opens_and_says_so) {
    static const char *const names[] = {"none", "no_vocab"};
    for (size_t i = 0; i < INLAY__COUNT(names); i++) {
        begin(names[i]);
        v.no_tokens = true;
        v.no_types = true;
        v.pre = "jina-v2-es";
        open_vocab();
        CHECK_INT(t.status, INLAY_OK);
        CHECK_INT(inlay__tokenizer_n_vocab(t.tokenizer), 0);
        CHECK_HAS(encode("a", 0), "has no tokenizer");
        int32_t id = 0;
        CHECK_HAS(decode(&id, 1), "not in the vocabulary of 0 tokens");
        close_vocab();
    }
}

/* ------------------------------------------- byte-pair encoding of characters */

static void put_bytes(void) {
    for (int byte = 0; byte < 256; byte++) {
        char text[8];
        snprintf(text, sizeof text, "<0x%02X>", (unsigned)byte);
        tiny_vocab_token(&v, text, VOCAB_BYTE);
    }
}

/* Tokens 0 to 255 are the bytes, 256 BOS. */
static void begin_lines(const char *model, const char *pre) {
    static const char *const letters[] = {"a", "b", MARK, "\n", "\xC3\xA9"};
    begin(model);
    v.pre = pre;
    v.no_merges = false;
    put_bytes();
    v.bos = tiny_vocab_token(&v, "<bos>", VOCAB_CONTROL);
    for (size_t i = 0; i < INLAY__COUNT(letters); i++) piece(letters[i], 0); /* 257 to 261 */
    tiny_vocab_merge(&v, "a b");            /* 262 */
    tiny_vocab_merge(&v, MARK " ab");       /* 263 */
    tiny_vocab_merge(&v, MARK " " MARK);    /* 264 */
    piece("\n\n\n", 0);                     /* 265, of no merge */
    tiny_vocab_merge(&v, "a b");            /* a doubled merge: the first counts */
}

static void begin_gemma(void) { begin_lines("gemma4", NULL); }

TEST(words_that_begin_with_characters_have_marked_spaces_and_bytes_for_what_is_unknown) {
    static const char *const files[][2] = {
        {"gemma4", NULL}, {"gemma4", "default"}, {"gpt2", "gemma4"}, {"gpt2", "granite-embed-multi-311m"},
        {"gpt2", "sarvam-moe"}};
    for (size_t i = 0; i < INLAY__COUNT(files); i++) {
        bool sarvam = i == 4;
        begin_lines(files[i][0], files[i][1]);
        open_vocab();
        CHECK_INT(t.status, INLAY_OK);
        CHECK_STR(encode("ab ab", 0), "262 263");
        CHECK_STR(encode("a  b\n", 0), "257 264 258 260");
        CHECK_STR(encode("\xC3\xA9\xC3\xA8", 0), "261 195 168");
        CHECK_STR(encode("\n\n\na", 0), sarvam ? "260 260 260 257" : "265 257"); /* lines that are a token are it */
        CHECK_STR(encode("\n\n\n\n", 0), "260 260 260 260");
        CHECK_STR(encode("<bos>", 0), "60 258 111 115 62");
        CHECK_STR(encode("a", INLAY_ADD_SPECIAL), sarvam ? "257" : "256 257");
        CHECK(tiny_round_trip(&t, " ab  \n\n\n \xC3\xA8z", 13));
        close_vocab();
    }
}

TEST(words_between_white_space_stand_alone_where_the_file_says_whitespace) {
    static const char *const models[] = {"gpt2", "whitespace"};
    for (size_t i = 0; i < INLAY__COUNT(models); i++) {
        begin_lines(models[i], "whitespace");
        v.unknown = tiny_vocab_token(&v, "<unk>", VOCAB_UNKNOWN);
        open_vocab();
        CHECK_INT(t.status, INLAY_OK);
        CHECK_STR(encode(" ab \t\n\xC3\xA9" "a\xE3\x80\x80" "b", 0), "262 261 257 258");
        CHECK_STR(encode("A", 0), "65");
        close_vocab();
    }
    begin_lines("whitespace", "llama-bpe");
    expect_error(INLAY_ERR_UNSUPPORTED, "is not 'whitespace'");
}

TEST(merges_of_characters_must_be_two_texts_each) {
    begin_lines("gemma4", NULL);
    free(v.merges[0]);
    v.merges[0] = strdup("ab");
    expect_error(INLAY_ERR_FORMAT, "expected two tokens");
    begin_lines("gemma4", NULL);
    v.no_merges = true;
    expect_error(INLAY_ERR_FORMAT, "has no tokenizer.ggml.merges");
}

/* ------------------------------------------------------------------- PLaMo 2 */

static void begin_plamo(void) {
    begin("plamo2");
    with_scores = true;
    put_bytes();
    tiny_vocab_token(&v, "<|plamo:bos|>", VOCAB_CONTROL);
    piece("a", -3);              /* 257 */
    piece("aa", -5);             /* 258 */
    piece("ab", -9);             /* 259 */
    piece("aaa", -9);            /* 260 */
    piece("abc", -2000.1f);      /* 261: of too low a score to be used */
    piece("\xE3\x81\x82", -4);   /* 262 */
    piece("x", -1000.5f);        /* 263: bytes are cheaper */
}

TEST(the_cheapest_way_from_the_end_is_taken) {
    begin_plamo();
    open_vocab();
    CHECK_INT(t.status, INLAY_OK);
    CHECK_STR(encode("a", 0), "257");
    CHECK_STR(encode("aa", 0), "258");
    CHECK_STR(encode("aaa", 0), "258 257"); /* 8 rather than 9 */
    CHECK_STR(encode("aaaa", 0), "258 258");
    CHECK_STR(encode("ab", 0), "259");      /* b alone costs 1000 */
    CHECK_STR(encode("abc", 0), "259 99");
    CHECK_STR(encode("\xE3\x81\x82\xE3\x81\x84", 0), "262 227 129 132");
    CHECK_STR(encode("\x81\xE3\x81\x82\xFF", 0), "129 262 255");
    CHECK_STR(encode("x", 0), "120");
    CHECK_STR(encode("\xEF\xBB\xBF" "a", 0), "257"); /* a mark of byte order is dropped */
    CHECK_HAS(encode("<|plamo:bos|>", 0), "60 124 ");
    CHECK(tiny_round_trip(&t, "abcaa\xE3\x81\xFF\xE3\x81\x82", 12));
    close_vocab();
}

TEST(plamo_needs_a_token_for_every_byte_and_scores) {
    begin_plamo();
    v.types[200] = VOCAB_UNUSED;
    expect_error(INLAY_ERR_FORMAT, "has no token for byte 200");
    begin_plamo();
    with_scores = false;
    expect_error(INLAY_ERR_FORMAT, "has no tokenizer.ggml.scores");
    static const float odd[] = {INFINITY, -INFINITY, NAN, 3e38f, -3e38f};
    for (size_t i = 0; i < INLAY__COUNT(odd); i++) { /* a token of such a score is not used */
        begin_plamo();
        scores[257] = odd[i];
        open_vocab();
        CHECK_STR(encode("a", 0), "97");
        close_vocab();
    }
}

/* --------------------------------------------------------------------- time */

static double seconds_of(const char *text, size_t size) {
    struct timespec begin_time, end_time;
    size_t n = 0;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin_time);
    int32_t status = inlay__tokenizer_encode(t.tokenizer, text, size, 0, NULL, 0, &n);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end_time);
    CHECK(status == INLAY_ERR_BUFFER);
    return (double)(end_time.tv_sec - begin_time.tv_sec) + 1e-9 * (double)(end_time.tv_nsec - begin_time.tv_nsec);
}

/* Three doublings take at most 2.3 times each: over one, the caches that a text outgrows are seen. */
TEST(every_family_takes_linear_time) {
    static void (*const families[])(void) = {begin_bert, begin_t5, begin_gemma, begin_plamo};
    const size_t size = 1 << 18;
    const double limit = 2.3 * 2.3 * 2.3;
    char *text = malloc(8 * size);
    for (size_t f = 0; f < INLAY__COUNT(families); f++) {
        for (size_t letter = 0; letter < 3; letter++) {
            families[f]();
            open_vocab();
            memset(text, "ab."[letter], 8 * size);
            double ratio = 1e9;
            for (int tries = 0; tries < 20 && ratio > limit; tries++) {
                double once = seconds_of(text, size), all = seconds_of(text, 8 * size);
                if (all / once < ratio) ratio = all / once;
            }
            if (ratio > limit) fprintf(stderr, "family %zu, letter %zu: ratio %g\n", f, letter, ratio);
            CHECK(ratio <= limit);
            close_vocab();
        }
    }
    free(text);
}

TEST(every_refused_allocation_is_an_error) {
    static char long_text[2000]; /* of words that are remembered */
    for (size_t i = 0; i < sizeof long_text; i++) long_text[i] = "hello b "[i % 8];
    static void (*const families[])(void) = {begin_bert, begin_t5, begin_gemma, begin_plamo};
    for (size_t f = 0; f < INLAY__COUNT(families); f++) {
        bool done = false;
        for (size_t n = 1; !done && n < 1000; n++) {
            families[f]();
            accounting_init(&a);
            a.fail_at = n;
            t = tiny_vocab_open(&v, &a.sys);
            int32_t status = t.status;
            int32_t ids[32];
            size_t n_ids;
            if (status == INLAY_OK) status = inlay__tokenizer_encode(t.tokenizer, "hello b", 7, 3, ids, 32, &n_ids);
            if (status == INLAY_OK)
                status = inlay__tokenizer_encode(t.tokenizer, long_text, sizeof long_text, 3, NULL, 0, &n_ids);
            if (status == INLAY_ERR_BUFFER) status = INLAY_OK;
            done = status == INLAY_OK;
            if (!done) CHECK_INT(status, INLAY_ERR_MEMORY);
            close_vocab();
        }
        CHECK(done);
    }
}

TEST_MAIN(CASE(words_become_their_longest_pieces), CASE(words_keep_case_and_accents_where_the_file_says_so),
          CASE(ids_that_the_file_does_not_give_are_not_taken_from_a_larger_vocabulary),
          CASE(the_best_way_through_a_text_is_taken), CASE(scores_of_unigram_must_be_finite),
          CASE(charsmaps_of_zero_to_sixteen_bytes_open_or_are_errors),
          CASE(charsmaps_whose_trie_loops_or_leads_out_are_walked_within_bounds),
          CASE(the_texts_of_a_charsmap_must_end), CASE(the_longest_token_at_each_place_is_taken),
          CASE(a_model_without_tokenizer_opens_and_says_so),
          CASE(words_that_begin_with_characters_have_marked_spaces_and_bytes_for_what_is_unknown),
          CASE(words_between_white_space_stand_alone_where_the_file_says_whitespace),
          CASE(merges_of_characters_must_be_two_texts_each), CASE(the_cheapest_way_from_the_end_is_taken),
          CASE(plamo_needs_a_token_for_every_byte_and_scores), CASE(every_family_takes_linear_time),
          CASE(every_refused_allocation_is_an_error))
