/* Splitting text into words, by the patterns of each name. tests/python/test_tokenizer_reference.py compares
 * thousands of texts with the reference; here are the rules, one by one. */
#include "test.h"

#include <pthread.h>

#include "tokenizer/pretokenize.h"

/* A pre-tokenizer, compiled once for all cases. */
static const inlay__cutter *cutter_of(const char *name) {
    static inlay__cutter cutters[64];
    const inlay__pretokenizer *pretokenizer = inlay__pretokenizer_find(name, strlen(name));
    if (pretokenizer == NULL) return NULL;
    inlay__cutter *cutter = &cutters[pretokenizer - inlay__pretokenizer_at(0)];
    if (cutter->n == 0) CHECK_INT(inlay__cutter_init(&inlay__sys_default, pretokenizer, cutter), INLAY_OK);
    return cutter;
}

/* The words with a bar between them: static storage, until the next call. */
static const char *split(const char *name, const char *text) {
    static char out[512];
    const inlay__cutter *cutter = cutter_of(name);
    if (cutter == NULL) return "no such name";
    inlay__words words;
    const uint8_t *word;
    size_t size, used = 0;
    inlay__words_init(&words, cutter);
    CHECK_INT(inlay__words_begin(&words, (const uint8_t *)text, strlen(text)), INLAY_OK);
    while (inlay__words_next(&words, &word, &size)) {
        if (used > 0) out[used++] = '|';
        memcpy(out + used, word, size);
        used += size;
    }
    inlay__words_free(&words);
    out[used] = '\0';
    return out;
}

TEST(gpt2_splits_words_with_the_space_before_them) {
    CHECK_STR(split("gpt-2", "Hello world, it works"), "Hello| world|,| it| works");
    CHECK_STR(split("gpt-2", "a1b22 33 x"), "a|1|b|22| 33| x");
    CHECK_STR(split("gpt-2", " (x) ->y"), " (|x|)| ->|y");
    CHECK_STR(split("gpt-2", ""), "");
}

TEST(gpt2_leaves_the_last_space_of_a_run_to_the_word_after_it) {
    CHECK_STR(split("gpt-2", "a   b"), "a|  | b");
    CHECK_STR(split("gpt-2", "a   "), "a|   ");
    CHECK_STR(split("gpt-2", "a \n b"), "a| \n| b");
    CHECK_STR(split("gpt-2", "a\n\nb"), "a|\n|\n|b");
    CHECK_STR(split("gpt-2", "a\tb"), "a|\t|b");
    CHECK_STR(split("gpt-2", "\xe3\x80\x80\xe3\x80\x80x"), "\xe3\x80\x80|\xe3\x80\x80|x");
}

TEST(gpt2_knows_contractions_in_small_letters_only) {
    CHECK_STR(split("gpt-2", "it's we'll I'd you're they've I'm don't"),
              "it|'s| we|'ll| I|'d| you|'re| they|'ve| I|'m| don|'t");
    CHECK_STR(split("gpt-2", "IT'S 'Tis"), "IT|'|S| '|Tis");
    CHECK_STR(split("gpt-2", "'sa 'l 'r"), "'s|a| '|l| '|r");
}

TEST(llama3_takes_one_sign_before_a_word) {
    CHECK_STR(split("llama-bpe", "(a) .b\tc"), "(a|)| .|b|\tc");
    CHECK_STR(split("llama-bpe", "a!!b"), "a|!!|b");
    CHECK_STR(split("llama-bpe", "\xc2\xa0x"), "\xc2\xa0x");
    CHECK_STR(split("llama-bpe", "\nx \nx"), "\n|x| \n|x");
}

TEST(llama3_takes_three_digits_and_qwen2_one) {
    CHECK_STR(split("llama-bpe", "1234567 8"), "123|456|7| |8");
    CHECK_STR(split("qwen2", "1234 8"), "1|2|3|4| |8");
    CHECK_STR(split("llama-bpe", "\xc2\xbd\xe2\x85\xa7"
                                 "1"),
              "\xc2\xbd\xe2\x85\xa7"
              "1");
}

TEST(llama3_keeps_line_breaks_with_signs_and_with_spaces_before_them) {
    CHECK_STR(split("llama-bpe", "x;\n\n  y"), "x|;\n\n| | y");
    CHECK_STR(split("llama-bpe", "x  \r\n\n  y"), "x|  \r\n\n| | y");
    CHECK_STR(split("llama-bpe", "x  \n  \n"), "x|  \n  \n");
    CHECK_STR(split("llama-bpe", " ;\n"), " ;\n");
    CHECK_STR(split("llama-bpe", "x   y"), "x|  | y");
    CHECK_STR(split("llama-bpe", "x \xc2\x85"
                                 "1"),
              "x| |\xc2\x85|1");
}

TEST(llama3_knows_contractions_in_any_case) {
    CHECK_STR(split("llama-bpe", "IT'S WE'LL I'd You'Re"), "IT|'S| WE|'LL| I|'d| You|'Re");
    CHECK_STR(split("llama-bpe", "x'\xc5\xbfy"), "x|'\xc5\xbf|y");      /* the long s is a small S */
    CHECK_STR(split("llama-bpe", "x'\xef\xac\x86"), "x|'\xef\xac\x86"); /* the ligature st is one letter */
}

TEST(smollm_cuts_out_digits_first) {
    CHECK_STR(split("smollm", "a 12 b"), "a| |1|2| b");
    CHECK_STR(split("smollm", "x  1"), "x|  |1");
    CHECK_STR(split("smollm", "v1.25's"), "v|1|.|2|5|'s");
    CHECK_STR(split("smollm", "\xd9\xa3\xd9\xa4"), "\xd9\xa3|\xd9\xa4");
}

TEST(bytes_that_are_not_utf8_are_signs) {
    CHECK_STR(split("gpt-2", "a\xff\xfe"
                             "b \xc3("),
              "a|\xff\xfe|b| \xc3(");
    CHECK_STR(split("llama-bpe", "a\xff"
                                 "b"),
              "a|\xff"
              "b");
    CHECK_STR(split("qwen2", "\xf0\x9f\x98\n"), "\xf0\x9f\x98\n");
}

TEST(names_are_exact_and_aliases_are_the_same) {
    CHECK(inlay__pretokenizer_find("gpt-2", 5) != NULL);
    CHECK(inlay__pretokenizer_find("gpt-", 4) == NULL);
    CHECK(inlay__pretokenizer_find("gpt-22", 6) == NULL);
    CHECK(inlay__pretokenizer_find("", 0) == NULL);
    CHECK(inlay__pretokenizer_find("gpt-2 gpt2", 10) == NULL);
    CHECK(inlay__pretokenizer_find("gpt-2\0x", 7) == NULL);
    CHECK_STR(split("llama3", "x 1234"), "x| |123|4");
    CHECK_STR(split("llama-v3", "x 1234"), "x| |123|4");
    CHECK_STR(split("gpt2", "x 1234"), "x| 1234");
}

TEST(every_name_that_files_have_is_known) {
    static const char names[] =
        "default llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano deepseek-llm "
        "deepseek-coder "
        "deepseek-v3 spark2_5 youtu falcon mpt starcoder gpt-2 phi-2 jina-es jina-de jina-v1-en jina-v2-code "
        "jina-v2-es "
        "jina-v2-de gigachat a.x-4.0 mellum mellum2 modern-bert jais jais-2 granite-embed-multi-97m granite-docling "
        "roberta-bpe refact command-r qwen2 deepseek-r1-qwen kormo f2llmv2 qwen35 stablelm2 olmo dbrx smaug-bpe "
        "poro-chat "
        "chatglm-bpe glm4 glm5 viking tekken smollm codeshell bloom gpt3-finnish exaone exaone4 exaone-moe chameleon "
        "minerva-7b megrez gpt-4o llama4 kanana2 talkie tiny_aya cohere2moe superbpe trillion bailingmoe bailingmoe2 "
        "llada-moe seed-coder hunyuan hunyuan-dense hy_v4 joyai-llm kimi-k2 ufakzeka grok-2 afmoe laguna minimax-m2 "
        "solar-open minicpm5";
    for (const char *name = names; *name != '\0'; name += *name == ' ') {
        size_t n = strcspn(name, " ");
        if (inlay__pretokenizer_find(name, n) == NULL) fprintf(stderr, "%.*s\n", (int)n, name);
        CHECK(inlay__pretokenizer_find(name, n) != NULL);
        name += n;
    }
}

TEST(families_cut_as_their_patterns_say) {
    CHECK_STR(split("gpt-4o", "HelloWorld it's iPhone 12345"), "Hello|World| it's| i|Phone| |123|45");
    CHECK_STR(split("tekken", "HelloWorld it's 12"), "Hello|World| it|'s| |1|2");
    CHECK_STR(split("tiny_aya", "a1234567 12"), "a|1|234|567| |12");
    CHECK_STR(split("afmoe", "1234567"), "1|234|567");
    CHECK_STR(split("superbpe", "ab 1234567"), "ab |1|234|567");
    CHECK_STR(split("deepseek-v3", "x=foo \xe4\xbd\xa0\xe5\xa5\xbd" "1234"), "x|=foo| |\xe4\xbd\xa0\xe5\xa5\xbd|123|4");
    CHECK_STR(split("deepseek-llm", "ab, c  \n12"), "ab|,| c|  |\n|12");
    CHECK_STR(split("deepseek-coder", "ab, c12"), "ab|,| c|1|2");
    CHECK_STR(split("kimi-k2", "a\xe4\xbd\xa0" "b'S"), "a|\xe4\xbd\xa0|b'S");
    CHECK_STR(split("bloom", "hi, there (x)"), "hi|,| there| (|x|)");
    CHECK_STR(split("falcon", "a<b 1234"), "a|<|b| |123|4");
    CHECK_STR(split("chameleon", "a  b12"), "a|  |b|1|2");
    CHECK_STR(split("exaone-moe", "in my 12"), "in my| |1|2");
    CHECK_STR(split("jais-2", "a         b"), "a|        | b");
    CHECK_STR(split("qwen35", "e\xcc\x81 x"), "e\xcc\x81| x");
    CHECK_STR(split("seed-coder", "a;\nb"), "a|;|\n|b");
    CHECK_STR(split("laguna", "a;\nb"), "a|;|\n|b");
}

static const char *const names[] = {"gpt-2", "llama-bpe", "qwen2", "smollm", "gpt-4o", "deepseek-llm"};

/* True when the words are the text, one after the other, none empty. */
static bool words_are_whole(const char *name, const uint8_t *text, size_t size) {
    inlay__words words;
    const uint8_t *word;
    size_t n, done = 0;
    inlay__words_init(&words, cutter_of(name));
    CHECK_INT(inlay__words_begin(&words, text, size), INLAY_OK);
    while (inlay__words_next(&words, &word, &n)) {
        if (n == 0 || word != text + done || n > size - done) break;
        done += n;
    }
    inlay__words_free(&words);
    return done == size;
}

TEST(words_are_the_whole_text_for_any_bytes) {
    static const char parts[][5] = {" ", "\n", "\r",   "'",        "s",        "1",
                                    "a", ".",  "\xff", "\xc3\xa9", "\xc2\xa0", "\xcc\x81"};
    uint32_t random = 1;
    uint8_t text[64];
    for (int round = 0; round < 20000; round++) {
        size_t size = 0;
        while (size < 40) {
            random = random * 1664525u + 1013904223u;
            const char *part = parts[(random >> 16) % (sizeof parts / sizeof parts[0])];
            memcpy(text + size, part, strlen(part));
            size += strlen(part);
            if (random >> 28 == 0) text[size - 1] = (uint8_t)(random >> 8);
        }
        for (size_t i = 0; round < 200 && inlay__pretokenizer_at(i) != NULL; i++) {
            char name[32] = {0};
            memcpy(name, inlay__pretokenizer_at(i)->names, strcspn(inlay__pretokenizer_at(i)->names, " "));
            CHECK(words_are_whole(name, text, size));
        }
        for (size_t i = 0; i < 4; i++)
            CHECK(words_are_whole(names[i], text, size));
    }
}

/* llama.cpp #27783, #21257, #21919: std::regex recursed once a character and died at 26,000. */
static void *split_long_runs(void *arg) {
    static const char *const runs[] = {"a", "A",        "7",        " ",    "\n",  "\r\n", "'",
                                       ".", "\xc3\xa9", "\xcc\x81", "\xff", " \n", "a ",   "1."};
    const size_t size = 10000000 / 4;
    uint8_t *text = malloc(size);
    for (size_t run = 0; run < INLAY__COUNT(runs); run++) {
        size_t period = strlen(runs[run]);
        for (size_t i = 0; i < size; i++)
            text[i] = (uint8_t)runs[run][i % period];
        for (size_t i = 0; i < INLAY__COUNT(names); i++)
            CHECK(words_are_whole(names[i], text, size));
    }
    free(text);
    return arg;
}

TEST(millions_of_equal_characters_fit_a_stack_of_64_kib) {
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK_INT(pthread_attr_init(&attributes), 0);
    CHECK_INT(pthread_attr_setstacksize(&attributes, 64 * 1024), 0);
    CHECK_INT(pthread_create(&thread, &attributes, split_long_runs, NULL), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
}

TEST_MAIN(CASE(gpt2_splits_words_with_the_space_before_them),
          CASE(gpt2_leaves_the_last_space_of_a_run_to_the_word_after_it),
          CASE(gpt2_knows_contractions_in_small_letters_only), CASE(llama3_takes_one_sign_before_a_word),
          CASE(llama3_takes_three_digits_and_qwen2_one),
          CASE(llama3_keeps_line_breaks_with_signs_and_with_spaces_before_them),
          CASE(llama3_knows_contractions_in_any_case), CASE(smollm_cuts_out_digits_first),
          CASE(bytes_that_are_not_utf8_are_signs), CASE(every_name_that_files_have_is_known),
          CASE(families_cut_as_their_patterns_say), CASE(names_are_exact_and_aliases_are_the_same),
          CASE(words_are_the_whole_text_for_any_bytes), CASE(millions_of_equal_characters_fit_a_stack_of_64_kib))
