/* Tokens matched whole: which, when, the longest at the leftmost place, in linear time for any number of them. */
#include "test.h"

#include <time.h>

#include "support/tiny_vocab.h"

static tiny_vocab v;

static tiny_tokenizer open_vocab(void) { return tiny_vocab_open(&v, &inlay__sys_default); }

static void close_both(tiny_tokenizer *t) {
    tiny_tokenizer_close(t);
    tiny_vocab_free(&v);
}

static const char *plain(const tiny_tokenizer *t, const char *text) { return tiny_encode(t, text, strlen(text), 0); }

static const char *parsed(const tiny_tokenizer *t, const char *text) {
    return tiny_encode(t, text, strlen(text), INLAY_PARSE_SPECIAL);
}

TEST(control_tokens_are_matched_only_when_asked) {
    tiny_vocab_init(&v);
    tiny_vocab_token(&v, "<|x|>", VOCAB_CONTROL); /* 256 */
    tiny_vocab_token(&v, "<u>", VOCAB_UNKNOWN);   /* 257 */
    tiny_tokenizer t = open_vocab();
    CHECK_STR(plain(&t, "a<|x|>b"), "97 60 124 120 124 62 98");
    CHECK_STR(parsed(&t, "a<|x|>b"), "97 256 98");
    CHECK_STR(parsed(&t, "<|x|><|x|>"), "256 256");
    CHECK_STR(parsed(&t, "<u>"), "257");
    CHECK_STR(plain(&t, "<u>"), "60 117 62");
    CHECK_STR(parsed(&t, "<|x|"), "60 124 120 124");
    close_both(&t);
}

TEST(added_tokens_are_matched_always) {
    tiny_vocab_init(&v);
    tiny_vocab_token(&v, "<tool>", VOCAB_USER_DEFINED); /* 256 */
    tiny_vocab_token(&v, "  ", VOCAB_USER_DEFINED);     /* 257, raw text */
    tiny_tokenizer t = open_vocab();
    CHECK_STR(plain(&t, "a<tool>"), "97 256");
    CHECK_STR(parsed(&t, "a<tool>"), "97 256");
    CHECK_STR(plain(&t, "a   b"), "97 257 32 98");
    CHECK(tiny_round_trip(&t, "<tool>  \n   ", 12));
    close_both(&t);
}

static void name_phi3(gguf_writer *w) { gguf_writer_string(w, "general.name", "My Phi-3 mini"); }
static void name_modern(gguf_writer *w) { gguf_writer_string(w, "general.name", "Modern-BERT base"); }
static void name_nomic(gguf_writer *w) { gguf_writer_string(w, "general.architecture", "nomic-bert-moe"); }

TEST(models_of_some_names_have_special_tokens_that_take_the_white_space_beside_them) {
    static const struct {
        void (*more)(gguf_writer *w);
        const char *pre, *ids;
    } cases[] = {{NULL, "gpt-2", "256 32 97 32 257 32 32 258 32"},
                 {name_phi3, "gpt-2", "256 32 97 32 257 258"},
                 {name_modern, "gpt-2", "256 32 97 257 32 32 258 32"},
                 {name_nomic, "gpt-2", "256 32 97 32 257 258 32"},
                 {NULL, "jina-v2-de", "256 32 97 32 257 258 32"}};
    const char *text = "<s> a [MASK]  <mask> ";
    for (size_t i = 0; i < INLAY__COUNT(cases); i++) {
        size_t spans[9][2], n;
        int32_t ids[9];
        tiny_vocab_init(&v);
        tiny_vocab_token(&v, "<s>", VOCAB_CONTROL);    /* 256 */
        tiny_vocab_token(&v, "[MASK]", VOCAB_CONTROL); /* 257 */
        tiny_vocab_token(&v, "<mask>", VOCAB_CONTROL); /* 258 */
        v.pre = cases[i].pre;
        v.more = cases[i].more;
        tiny_tokenizer t = open_vocab();
        CHECK_STR(parsed(&t, text), cases[i].ids);
        CHECK_INT(inlay__tokenizer_encode_spans(t.tokenizer, text, strlen(text), INLAY_PARSE_SPECIAL, ids, &spans[0][0],
                                                9, &n),
                  INLAY_OK);
        size_t end = 0;
        for (size_t k = 0; k < n; k++) { /* nothing of the text is without a token */
            CHECK_INT(spans[k][0], end);
            end = spans[k][1];
        }
        CHECK_INT(end, strlen(text));
        close_both(&t);
    }
}

TEST(the_leftmost_match_wins_and_the_longest_there) {
    tiny_vocab_init(&v);
    tiny_vocab_token(&v, "ab", VOCAB_USER_DEFINED);    /* 256 */
    tiny_vocab_token(&v, "abcd", VOCAB_USER_DEFINED);  /* 257 */
    tiny_vocab_token(&v, "bcdef", VOCAB_USER_DEFINED); /* 258: longer, but begins later */
    tiny_vocab_token(&v, "cd", VOCAB_USER_DEFINED);    /* 259 */
    tiny_vocab_token(&v, "d", VOCAB_USER_DEFINED);     /* 260: inside others */
    tiny_tokenizer t = open_vocab();
    CHECK_STR(plain(&t, "abcdef"), "257 101 102");
    CHECK_STR(plain(&t, "abcx"), "256 99 120");
    CHECK_STR(plain(&t, "xbcdef"), "120 258");
    CHECK_STR(plain(&t, "abcabcd"), "256 99 257");
    CHECK_STR(plain(&t, "cdd"), "259 260");
    close_both(&t);
}

TEST(a_control_token_does_not_hide_an_added_one_inside_it) {
    tiny_vocab_init(&v);
    tiny_vocab_token(&v, "<|ab|>", VOCAB_CONTROL); /* 256 */
    tiny_vocab_token(&v, "ab", VOCAB_USER_DEFINED);
    tiny_vocab_token(&v, "ab|>", VOCAB_CONTROL); /* 258 */
    tiny_tokenizer t = open_vocab();
    CHECK_STR(plain(&t, "<|ab|>"), "60 124 257 124 62");
    CHECK_STR(parsed(&t, "<|ab|>"), "256");
    CHECK_STR(parsed(&t, "|ab|>"), "124 258");
    close_both(&t);
}

TEST(of_equal_texts_the_lowest_id_is_given) {
    tiny_vocab_init(&v);
    tiny_vocab_token(&v, "<|x|>", VOCAB_CONTROL);
    tiny_vocab_token(&v, "<|x|>", VOCAB_CONTROL);
    tiny_vocab_token(&v, "<|x|>", VOCAB_USER_DEFINED); /* 258 */
    tiny_vocab_token(&v, "<|x|>", VOCAB_USER_DEFINED);
    tiny_tokenizer t = open_vocab();
    CHECK_STR(parsed(&t, "<|x|>"), "256");
    CHECK_STR(plain(&t, "<|x|>"), "258");
    close_both(&t);
}

/* Endless loop of encoders that match a token of no bytes. */
TEST(empty_special_tokens_match_nowhere) {
    tiny_vocab_init(&v);
    tiny_vocab_token(&v, "", VOCAB_USER_DEFINED);
    tiny_vocab_token(&v, "", VOCAB_CONTROL);
    tiny_tokenizer t = open_vocab();
    CHECK_STR(parsed(&t, "ab"), "97 98");
    CHECK_STR(parsed(&t, ""), "");
    close_both(&t);
    tiny_vocab_init(&v);
    tiny_vocab_token(&v, "", VOCAB_USER_DEFINED);
    tiny_vocab_token(&v, "b", VOCAB_USER_DEFINED);
    t = open_vocab();
    CHECK_STR(parsed(&t, "aba"), "97 257 97");
    close_both(&t);
}

TEST(text_around_a_match_is_split_on_its_own) {
    tiny_vocab_init(&v);
    int32_t two = tiny_vocab_merge(&v, "\xc4\xa0 \xc4\xa0"); /* 256 */
    tiny_vocab_token(&v, "<|x|>", VOCAB_CONTROL);            /* 257 */
    tiny_tokenizer t = open_vocab();
    CHECK_INT(two, 256);
    CHECK_STR(parsed(&t, "a  <|x|>  b"), "97 256 257 32 32 98");
    CHECK_STR(plain(&t, "a  b"), "97 32 32 98");
    close_both(&t);
}

/* At each place look at all tokens. */
static size_t slow_match(const char *text, size_t size, size_t first, int32_t *ids) {
    size_t n = 0;
    for (size_t pos = 0; pos < size;) {
        size_t best = 0;
        int32_t id = (uint8_t)text[pos];
        for (size_t i = first; i < v.n_tokens; i++) {
            size_t length = strlen(v.tokens[i]);
            if (length > best && length <= size - pos && memcmp(v.tokens[i], text + pos, length) == 0) {
                best = length;
                id = (int32_t)i;
            }
        }
        ids[n++] = id;
        pos += best > 0 ? best : 1;
    }
    return n;
}

TEST(random_tokens_in_random_texts_match_as_the_definition_says) {
    uint32_t random = 3;
    for (int round = 0; round < 300; round++) {
        char text[80];
        int32_t ids[80], expected[80];
        size_t n;
        tiny_vocab_init(&v);
        for (int i = 0; i < 1 + round % 12; i++) {
            size_t length = 1 + (random >> 28) % 6;
            for (size_t k = 0; k < length; k++) {
                random = random * 1664525u + 1013904223u;
                text[k] = (char)('a' + (random >> 24) % 2);
            }
            text[length] = '\0';
            tiny_vocab_token(&v, text, VOCAB_USER_DEFINED);
        }
        tiny_tokenizer t = open_vocab();
        for (size_t i = 0; i < sizeof text; i++) {
            random = random * 1664525u + 1013904223u;
            text[i] = (char)('a' + (random >> 24) % 2);
        }
        size_t n_expected = slow_match(text, sizeof text, 256, expected);
        CHECK_INT(inlay__tokenizer_encode(t.tokenizer, text, sizeof text, 0, ids, 80, &n), INLAY_OK);
        CHECK_INT(n, n_expected);
        CHECK(n == n_expected && memcmp(ids, expected, n * sizeof *ids) == 0);
        close_both(&t);
    }
}

/* -------------------------------------------------------------------- time */

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A vocabulary of the 256 bytes and n control tokens. */
static tiny_tokenizer open_many(size_t n, void (*name)(char *out, size_t i)) {
    char **tokens = malloc((n + 256) * sizeof *tokens);
    int32_t *types = malloc((n + 256) * sizeof *types);
    char text[1024];
    tiny_vocab_init(&v);
    for (size_t i = 0; i < n + 256; i++) {
        if (i >= 256) name(text, i - 256);
        const char *from = i < 256 ? v.tokens[i] : text;
        tokens[i] = strcpy(malloc(strlen(from) + 1), from);
        types[i] = i < 256 ? VOCAB_NORMAL : VOCAB_CONTROL;
    }
    gguf_writer w;
    gguf_writer_init(&w);
    gguf_writer_string(&w, "tokenizer.ggml.model", "gpt2");
    gguf_writer_string(&w, "tokenizer.ggml.pre", "gpt-2");
    gguf_writer_strings(&w, "tokenizer.ggml.tokens", (const char *const *)tokens, n + 256);
    gguf_writer_array(&w, "tokenizer.ggml.token_type", INLAY__GGUF_I32, types, n + 256);
    gguf_writer_strings(&w, "tokenizer.ggml.merges", NULL, 0);
    size_t size;
    uint8_t *file = gguf_writer_finish(&w, &size);
    tiny_tokenizer t = tiny_tokenizer_open_file(file, size, &inlay__sys_default);
    t.file = file;
    for (size_t i = 0; i < n + 256; i++)
        free(tokens[i]);
    free(tokens);
    free(types);
    tiny_vocab_free(&v);
    return t;
}

static void number_name(char *out, size_t i) { sprintf(out, "<|reserved_special_token_%zu|>", i); }

/* "b", "ab", "aab", ...: the worst for encoders that try lengths or look back. */
static void stair_name(char *out, size_t i) {
    memset(out, 'a', i % 1000);
    strcpy(out + i % 1000, "b");
}

static double encode_seconds(const tiny_tokenizer *t, const char *text, size_t size) {
    int32_t *ids = malloc(size * sizeof *ids);
    size_t n;
    memset(ids, 0, size * sizeof *ids);
    double best = 1e9;
    for (int i = 0; i < 3; i++) {
        double begin = cpu_seconds();
        CHECK_INT(inlay__tokenizer_encode(t->tokenizer, text, size, INLAY_PARSE_SPECIAL, ids, size, &n), INLAY_OK);
        double took = cpu_seconds() - begin;
        if (took < best) best = took;
    }
    free(ids);
    return best;
}

/* llama.cpp #12724: one search through the text for each special token. */
TEST(a_hundred_thousand_special_tokens_cost_no_more_than_ten) {
    enum { SIZE = 1 << 20 };
    char *text = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        text[i] = "<|reserved_special_token_12345|> and |> text "[i % 45];
    tiny_tokenizer few = open_many(10, number_name), many = open_many(100000, number_name);
    CHECK_INT(many.status, INLAY_OK);
    double seconds_few = encode_seconds(&few, text, SIZE), seconds_many = encode_seconds(&many, text, SIZE);
    if (seconds_many > 5 * seconds_few + 0.05) fprintf(stderr, "%g s, %g s\n", seconds_few, seconds_many);
    CHECK(seconds_many <= 5 * seconds_few + 0.05);
    tiny_tokenizer_close(&few);
    tiny_tokenizer_close(&many);
    free(text);
}

TEST(tokens_that_almost_match_everywhere_take_linear_time) {
    enum { SIZE = 1 << 20 };
    char *text = malloc(SIZE);
    tiny_tokenizer t = open_many(1000, stair_name);
    CHECK_INT(t.status, INLAY_OK);
    for (int kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < SIZE; i++)
            text[i] = kind == 0 ? 'b' : i % (kind == 1 ? 500 : 3000) == 0 ? 'b' : 'a';
        double half = encode_seconds(&t, text, SIZE / 2), whole = encode_seconds(&t, text, SIZE);
        if (whole > 3.2 * half + 0.01) fprintf(stderr, "%g s, %g s\n", half, whole);
        CHECK(whole <= 3.2 * half + 0.01);
    }
    tiny_tokenizer_close(&t);
    free(text);
}

TEST_MAIN(CASE(control_tokens_are_matched_only_when_asked), CASE(added_tokens_are_matched_always),
          CASE(models_of_some_names_have_special_tokens_that_take_the_white_space_beside_them),
          CASE(the_leftmost_match_wins_and_the_longest_there),
          CASE(a_control_token_does_not_hide_an_added_one_inside_it), CASE(of_equal_texts_the_lowest_id_is_given),
          CASE(empty_special_tokens_match_nowhere), CASE(text_around_a_match_is_split_on_its_own),
          CASE(random_tokens_in_random_texts_match_as_the_definition_says),
          CASE(a_hundred_thousand_special_tokens_cost_no_more_than_ten),
          CASE(tokens_that_almost_match_everywhere_take_linear_time))
