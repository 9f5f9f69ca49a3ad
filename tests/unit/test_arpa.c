/* ARPA files: what is read of them, in whatever order and with whatever spaces, and each way in which one can lie. */
#include "test.h"

#include "format/ngrams.h"
#include "import/arpa.h"
#include "support/accounting_sys.h"

#define UNIGRAMS "\\1-grams:\n-1 <unk>\n-99 <s> -0.5\n-0.5 </s>\n-0.25 a -0.125\n-2 b 0.5\n"
#define WHOLE \
    "\\data\\\nngram 1=5\nngram 2=3\n\n" UNIGRAMS "\n\\2-grams:\n-0.75 <s> a\n-1.5 a b\n-0.5 b </s>\n\n\\end\\\n"

static int32_t open_text(const inlay__sys *sys, const char *text, inlay__weights *w) {
    return inlay__arpa_open(sys, "t.arpa", (const uint8_t *)text, strlen(text), w);
}

/* Refused with these words, leaving nothing behind, in memory bounded by the text's size. */
static void refuses_as(const char *text, int32_t status, const char *words) {
    accounting a;
    inlay__weights w;
    accounting_init(&a);
    CHECK_INT(open_text(&a.sys, text, &w), status);
    CHECK_HAS(inlay__error_text(), words);
    CHECK_HAS(inlay__error_text(), "t.arpa");
    CHECK_INT(a.live, 0);
    CHECK(a.peak < 64 * strlen(text) + (1 << 16));
}

static void refuses(const char *text, const char *words) { refuses_as(text, INLAY_ERR_FORMAT, words); }

static const float *floats(const inlay__weights *w, const char *name, size_t n) {
    const inlay__tensor *t = inlay__weights_find(w, name);
    if (!CHECK(t != NULL) || !CHECK(t->n_elements == n)) return NULL;
    return (const float *)(const void *)t->data;
}

/* The numbers of a tensor, of any type of 4 bytes. */
static void check_bytes(const inlay__weights *w, const char *name, const void *expected, size_t n) {
    const void *found = floats(w, name, n);
    if (found != NULL && memcmp(found, expected, 4 * n) != 0) {
        test_failures++;
        fprintf(stderr, "tensor '%s' is not as expected\n", name);
    }
}

static float ln(double log10) { return (float)(log10 * 2.302585092994046); }

static void check_whole(const char *text) {
    inlay__weights w;
    if (!CHECK(open_text(&inlay__sys_default, text, &w) == INLAY_OK)) {
        fprintf(stderr, "%s\n", inlay__error_text());
        return;
    }
    const float log_probs[] = {ln(-1), ln(-99), ln(-0.5), ln(-0.25), ln(-2)},
                log_backoffs[] = {0, ln(-0.5), 0, ln(-0.125), ln(0.5)};
    const float pairs[] = {ln(-0.75), ln(-1.5), ln(-0.5)};
    const int32_t first[] = {0, 0, 1, 1, 2, 3}, tokens[] = {3, 4, 2};
    int64_t order = 0;
    check_bytes(&w, "ngram.1.log_prob", log_probs, 5);
    check_bytes(&w, "ngram.1.log_backoff", log_backoffs, 5);
    check_bytes(&w, "ngram.1.first", first, 6);
    check_bytes(&w, "ngram.2.token", tokens, 3);
    check_bytes(&w, "ngram.2.log_prob", pairs, 3);
    CHECK_INT(w.n_tensors, 5);
    CHECK(inlay__gguf_i64(inlay__gguf_find(inlay__weights_metadata(&w), "ngram.order"), 0, &order) && order == 2);
    CHECK_STR(inlay__gguf_string(inlay__gguf_find(inlay__weights_metadata(&w), "tokenizer.ggml.tokens"), 3).text, "a");
    CHECK_STR(inlay__weights_name(&w), "t.arpa");
    CHECK_INT(w.file_size, strlen(text));
    inlay__weights_close(&w);
}

TEST(the_trie_is_that_of_the_file) { check_whole(WHOLE); }

TEST(order_spaces_and_line_ends_do_not_matter) {
    check_whole("a comment\n\n\\data\\\nngram 1 = 5\nngram  2=  3\n" UNIGRAMS
                "\\2-grams:\n-0.5 b </s>\n-1.5 a b\n-0.75 <s> a\n\\end\\");
    check_whole("\\data\\\r\nngram 1=5\r\nngram 2=3"
                "\r\n\r\n\\1-grams:\r\n-1\t<unk>\r\n-99\t<s>\t-0.5\r\n-0.5\t</s>\r\n-0.25\ta\t-0.125\r\n"
                "-2\tb\t0.5\r\n\r\n\\2-grams:\r\n-0.75\t<s> a\r\n-1.5\ta b\r\n-0.5\tb </s>\r\n\\end\\\r\n");
    check_whole("\\data\\\nngram 1=5\nngram 2=3\nngram 3=0\n" UNIGRAMS
                "\\2-grams:\n-0.75 <s> a -0.0\n-1.5 a b 0\n-0.5  b\t </s>\n"
                "\\3-grams:\n\\end\\\n");
}

TEST(the_beginning_of_a_sentence_is_never_expected) {
    inlay__weights w;
    if (!CHECK(open_text(&inlay__sys_default, "\\data\\\nngram 1=2\n\\1-grams:\n0 <s>\n0 a\n\\end\\\n", &w) ==
               INLAY_OK))
        return;
    const float expected[] = {ln(-99), 0, ln(-100)}; /* and what is not among the words is the last */
    check_bytes(&w, "ngram.1.log_prob", expected, 3);
    CHECK_STR(inlay__gguf_string(inlay__gguf_find(inlay__weights_metadata(&w), "tokenizer.ggml.tokens"), 2).text,
              "<unk>");
    inlay__weights_close(&w);
}

TEST(words_may_be_ids_of_another_models_tokens) {
    inlay__weights w;
    const char *text = "inlay tokens=3 hash=77\n\\data\\\nngram 1=3\nngram 2=1\n\\1-grams:\n-1 2\n-2 0 -0.5\n"
                       "-3 1\n\\2-grams:\n-4 0 2\n\\end\\\n";
    if (!CHECK(open_text(&inlay__sys_default, text, &w) == INLAY_OK)) return;
    const float log_probs[] = {ln(-2), ln(-3), ln(-1)};
    check_bytes(&w, "ngram.1.log_prob", log_probs, 3);
    CHECK_STR(inlay__gguf_string(inlay__gguf_find(inlay__weights_metadata(&w), "ngram.tokens_hash"), 0).text, "77");
    inlay__weights_close(&w);
    refuses("inlay tokens=3\n\\data\\\n", "expected 'inlay tokens=N hash=N'");
    refuses("inlay tokens=0 hash=5\n\\data\\\n", "expected 'inlay tokens=N hash=N'");
    refuses("inlay tokens=99999999999 hash=5\n\\data\\\n", "expected 'inlay tokens=N hash=N'");
    refuses("inlay tokens=2 hash=5\n\\data\\\nngram 1=1\n\\1-grams:\n-1 0\n\\end\\\n",
            "1 1-grams, expected one for each of its 2");
    refuses("inlay tokens=2 hash=5\n\\data\\\nngram 1=2\n\\1-grams:\n-1 0\n-1 2\n\\end\\\n", "'2' is not among");
    refuses("inlay tokens=2 hash=5\n\\data\\\nngram 1=2\n\\1-grams:\n-1 0\n-1 01\n\\end\\\n", "'01' is not among");
    refuses("inlay tokens=2 hash=5\n\\data\\\nngram 1=2\n\\1-grams:\n-1 1\n-1 1\n\\end\\\n",
            "'1' is among the 1-grams twice");
}

TEST(counts_that_lie_are_refused_before_memory_is_taken) {
    refuses("", "no line '\\data\\'");
    refuses("ngram 1=5\n", "no line '\\data\\'");
    refuses("\\data\\\n", "expected 'ngram 1=COUNT'");
    refuses("\\data\\\nngram 1=0\n\\1-grams:\n\\end\\\n", "expected 'ngram 1=COUNT'");
    refuses("\\data\\\nngram 2=1\n", "expected orders 1, 2, 3");
    refuses("\\data\\\nngram 1=1\nngram 1=1\n-1 aaaaaaaaaaaaaaaa", "expected orders 1, 2, 3");
    refuses("\\data\\\nngram 1=-1\n", "expected 'ngram ORDER=COUNT'");
    refuses("\\data\\\nngram 1=9223372036854775808\n", "expected 'ngram ORDER=COUNT'");
    refuses("\\data\\\nngram 1=2147483647\n", "have no room");
    refuses("\\data\\\nngram 1=18446744073709551\n", "have no room");
    refuses("\\data\\\nngram 1=1\nngram 2=9000000000000000000\n\\1-grams:\n-1 a\n\\end\\\n", "have no room");
    refuses("\\data\\\nngram 1=3\nngram 2=3\n0 a\n0 a\n0 a\n0 a\n", "have no room"); /* each alone would have it */
    refuses("\\data\\\nngram 1=1\nngram 2=0\nngram 3=1\n\\1-grams:\n-1 a\n\\2-grams:\n\\3-grams:\n-1 a a a\n\\end\\\n",
            "no n-grams of order 2, but of order 3");
    refuses("\\data\\\nngram 1=3\n\\1-grams:\n-1 a\n-1 b\n\\end\\\n", "ends after 2 of the 3");
    refuses("\\data\\\nngram 1=2\n\\1-grams:\n-1 a\n-1 b\n-1 c\n\\end\\\n", "expected '\\end\\'");
    refuses("\\data\\\nngram 1=2\n\\1-grams:\n-1 a\n-1 b", "expected '\\end\\'");
    refuses("\\data\\\nngram 1=2\n\\2-grams:\n-1 a\n-1 b\n", "expected '\\1-grams:'");
    refuses(WHOLE "-1 more\n", "nothing after '\\end\\'");
}

TEST(orders_beyond_the_greatest_are_refused) {
    char text[2048] = "\\data\\\nngram 1=1\n";
    for (int k = 2; k <= INLAY__MAX_NGRAM + 1; k++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "ngram %d=1\n", k);
    memset(text + strlen(text), 'x', 1000);
    refuses_as(text, INLAY_ERR_UNSUPPORTED, "order 17, and this version runs up to 16");
}

static void refuses_line(const char *line, const char *words) {
    char text[512];
    snprintf(text, sizeof text, "\\data\\\nngram 1=5\nngram 2=1\n" UNIGRAMS "\\2-grams:\n%s\n\\end\\\n", line);
    refuses(text, words);
    CHECK_HAS(inlay__error_text(), "line 11");
}

TEST(numbers_must_be_logarithms_of_probabilities) {
    refuses_line("nan a b", "expected a logarithm");
    refuses_line("inf a b", "expected a logarithm");
    refuses_line("-inf a b", "expected a logarithm");
    refuses_line("a b", "expected a logarithm");
    refuses_line("0.0001 a b", "-1000 to 0");
    refuses_line("-1000.5 a b", "-1000 to 0");
    refuses_line("-1e308 a b", "-1000 to 0");
    refuses_line("-1 a b 0.5", "no longer n-gram");
    refuses_line("-1 a b nan", "at most a number");
    refuses_line("-1 a b 0 0", "at most a number");
    refuses_line("-1 a b a", "at most a number");
    refuses_line("-1 a", "as many words");
    refuses_line("-1", "as many words");
    refuses_line("-1 a zzz", "'zzz' is not among the 1-grams");
    refuses("\\data\\\nngram 1=1\nngram 2=1\n\\1-grams:\n-1 a inf\n\\2-grams:\n-1 a a\n\\end\\\n", "at most a number");
    refuses("\\data\\\nngram 1=1\nngram 2=1\n\\1-grams:\n-1 a 1001\n\\2-grams:\n-1 a a\n\\end\\\n", "-1000 to 1000");
}

TEST(each_ngram_comes_once_and_after_its_context) {
    refuses("\\data\\\nngram 1=2\n\\1-grams:\n-1 a\n-1 a\n\\end\\\n", "line 5: word 'a' is among the 1-grams twice");
    refuses("\\data\\\nngram 1=5\nngram 2=2\n" UNIGRAMS "\\2-grams:\n-1 a b\n-1 a b\n\\end\\\n",
            "\\2-grams: number 2 is there twice");
    refuses("\\data\\\nngram 1=5\nngram 2=3\n" UNIGRAMS "\\2-grams:\n-1 a b\n-1 b b\n-2 a b\n\\end\\\n",
            "\\2-grams: number 3 is there twice");
    refuses("\\data\\\nngram 1=5\nngram 2=1\nngram 3=1\n" UNIGRAMS
            "\\2-grams:\n-1 a b\n\\3-grams:\n-1 b a b\n\\end\\\n",
            "line 14 is '-1 b a b', expected its first words, the context");
}

TEST(compressed_files_are_refused_by_name) {
    refuses_as("\x1f\x8b\x08 and so on", INLAY_ERR_UNSUPPORTED, "gunzip");
}

TEST(every_cut_of_a_file_is_refused) {
    char text[sizeof WHOLE];
    for (size_t n = 0; n + 1 < strlen(WHOLE); n++) { /* the last newline may be missing */
        memcpy(text, WHOLE, n);
        text[n] = '\0';
        refuses(text, "t.arpa");
    }
}

TEST(every_refused_allocation_is_an_error_that_leaves_nothing) {
    for (size_t at = 1;; at++) {
        accounting a;
        inlay__weights w;
        accounting_init(&a);
        a.fail_at = at;
        int32_t status = open_text(&a.sys, WHOLE, &w);
        if (status == INLAY_OK) inlay__weights_close(&w);
        CHECK_INT(a.live, 0);
        if (status == INLAY_OK) {
            CHECK(at > 15);
            break;
        }
        CHECK_INT(status, INLAY_ERR_MEMORY);
    }
}

TEST(files_are_known_by_their_names_or_their_beginnings) {
    static const char begin[] = "\n \\data\\\nngram", link[] = "inlay tokens=5";
    CHECK(inlay__arpa_is(NULL, (const uint8_t *)begin, sizeof begin - 1));
    CHECK(inlay__arpa_is(NULL, (const uint8_t *)link, sizeof link - 1));
    CHECK(inlay__arpa_is("a/b.arpa", NULL, 0));
    CHECK(inlay__arpa_is("b.arpa.gz", NULL, 0));
    CHECK(!inlay__arpa_is("arpa.gguf", (const uint8_t *)"GGUF", 4));
    CHECK(!inlay__arpa_is(NULL, (const uint8_t *)"\\dat", 4));
    CHECK(!inlay__arpa_is(NULL, NULL, 0));
}

TEST_MAIN(CASE(the_trie_is_that_of_the_file), CASE(order_spaces_and_line_ends_do_not_matter),
          CASE(the_beginning_of_a_sentence_is_never_expected), CASE(words_may_be_ids_of_another_models_tokens),
          CASE(counts_that_lie_are_refused_before_memory_is_taken), CASE(orders_beyond_the_greatest_are_refused),
          CASE(numbers_must_be_logarithms_of_probabilities), CASE(each_ngram_comes_once_and_after_its_context),
          CASE(compressed_files_are_refused_by_name), CASE(every_cut_of_a_file_is_refused),
          CASE(every_refused_allocation_is_an_error_that_leaves_nothing),
          CASE(files_are_known_by_their_names_or_their_beginnings))
