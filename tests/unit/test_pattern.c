/* Regular expressions: the pieces that they cut, what is refused by name, linear time. The pieces were compared with
 * those of the package tokenizers 0.22 (Oniguruma). */
#include "test.h"

#include <time.h>

#include "support/fail_sys.h"
#include "tokenizer/pattern.h"

static const char llama3[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
    "\\s*[\\r\\n]+"
    "|\\s+(?!\\S)|\\s+";

static inlay__pattern *compiled(const char *regex) {
    inlay__pattern *pattern = NULL;
    if (inlay__pattern_compile(&inlay__sys_default, "test", regex, strlen(regex), &pattern) != INLAY_OK) return NULL;
    return pattern;
}

/* The pieces with a bar between them, or the error's text: static storage. */
static const char *cut(const char *regex, const char *text) {
    static char out[1024];
    inlay__pattern *pattern = compiled(regex);
    if (pattern == NULL) return inlay__error_text();
    static inlay__matcher matcher;
    size_t begin, end, used = 0;
    bool is_match;
    inlay__matcher_init(&matcher, pattern);
    CHECK_INT(inlay__matcher_begin(&matcher, (const uint8_t *)text, strlen(text)), INLAY_OK);
    while (inlay__matcher_piece(&matcher, &begin, &end, &is_match)) {
        if (used > 0) out[used++] = '|';
        memcpy(out + used, text + begin, end - begin);
        used += end - begin;
    }
    out[used] = '\0';
    inlay__matcher_free(&matcher);
    inlay__pattern_free(pattern);
    return out;
}

/* The matches as "[a][b]". */
static const char *found(const char *regex, const char *text) {
    static char out[1024];
    inlay__pattern *pattern = compiled(regex);
    if (pattern == NULL) return inlay__error_text();
    static inlay__matcher matcher;
    size_t begin, end, used = 0;
    inlay__matcher_init(&matcher, pattern);
    CHECK_INT(inlay__matcher_begin(&matcher, (const uint8_t *)text, strlen(text)), INLAY_OK);
    while (inlay__matcher_next(&matcher, &begin, &end))
        used += (size_t)snprintf(out + used, sizeof out - used, "[%.*s]", (int)(end - begin), text + begin);
    out[used] = '\0';
    inlay__matcher_free(&matcher);
    inlay__pattern_free(pattern);
    return out;
}

TEST(the_first_alternative_that_leads_to_a_match_is_taken) {
    CHECK_STR(found("(?:a|ab)(?:c|bcd)(?:d*)", "abcd"), "[abcd]");
    CHECK_STR(found("a|ab|abc", "abc"), "[a]");
    CHECK_STR(found("abc|ab|a", "abcaba"), "[abc][ab][a]");
    CHECK_STR(found("a*?b|a", "aab aa"), "[aab][a][a]");
    CHECK_STR(found("a{2}|b{2,}|c{,2}x|d{1,2}?", "aaa bbb ccx dd"), "[aa][bbb][ccx][d][d]");
    CHECK_STR(found("(IMGIMG)((A|B|C){1,4})Z", "IMGIMGABCZ IMGIMGZ IMGIMGABCABZ"), "[IMGIMGABCZ]");
}

TEST(classes_nest_intersect_and_complement) {
    CHECK_STR(found("[a-c&&[^b]]+", "abcab"), "[a][ca]");
    CHECK_STR(found("[^a-c&&[b]]", "abc"), "[a][c]");
    CHECK_STR(found("[]a]+", "a]b"), "[a]]");
    CHECK_STR(found("[a\\]b-]+", "a-]b c"), "[a-]b]");
    CHECK_STR(found("[\\p{L}&&[^\\p{Han}]]+", "ab\xe4\xbd\xa0" "c"), "[ab][c]");
    CHECK_STR(found("[^\\p{^L}]+|\\P{L}+", "ab12c"), "[ab][12][c]");
    CHECK_STR(found("\\p{Han}+|\\p{Hiragana}+|\\p{Lu}\\p{Ll}*", "\xe4\xbd\xa0\xe3\x81\x93" "Ab"),
              "[\xe4\xbd\xa0][\xe3\x81\x93][Ab]");
    CHECK_STR(found("\\x41|\\x{42}|\\u0043|\\t", "ABC\tD"), "[A][B][C][\t]");
}

TEST(case_is_folded_as_unicode_has_it) {
    CHECK_STR(found("(?i:'s|'t)", "'S't'x'\xc5\xbf"), "['S]['t]['\xc5\xbf]");
    CHECK_STR(found("(?i)k", "kK\xe2\x84\xaa" "x"), "[k][K][\xe2\x84\xaa]");
    CHECK_STR(found("(?i:[a-c])b", "AbBBcb"), "[Ab][cb]");
}

TEST(lookaround_sees_past_the_match) {
    CHECK_STR(cut("\\s+(?!\\S)|\\s+", "a   b  "), "a|  | |b|  ");
    CHECK_STR(cut("\\d{1,3}(?=(?:\\d{3})*\\b)", "1234567 12"), "1|234|567| |12");
    CHECK_STR(cut("(?=(\\d{3})+(?!\\d))", "12345678"), "12|345|678");
    CHECK_STR(found("(?<=a)b|(?<!a)c", "abcac"), "[b][c]");
    CHECK_STR(found("a(?=b(?!c))", "abcab"), "[a]");
    CHECK_STR(cut("\\s+$", "a  b \n"), "a  b| \n");
    CHECK_STR(cut("\\b", "ab, c"), "ab|, |c");
    CHECK_STR(cut("^", "a\nb\n"), "a\n|b\n");
}

TEST(possessive_quantifiers_give_nothing_back) {
    CHECK_STR(found("a++b|a+", "aab aa"), "[aab][aa]");
    CHECK_STR(found("a++ab", "aaab"), "");
    CHECK_STR(found("a?+ab", "ab aab"), "[aab]");
    CHECK_STR(found("a*+b", "aab b"), "[aab][b]");
}

TEST(bytes_that_are_no_characters_are_in_complements_only) {
    CHECK_STR(found("[^\\s]", "\xff\xc3 "), "[\xff][\xc3]");
    CHECK_STR(found("\\p{C}|\\p{L}|.", "\xff"), "[\xff]");
    CHECK_STR(found("\\p{Any}", "\xff\xf0\x9f\x98"), "");
    CHECK_STR(found("\\P{L}", "\xed\xa0\x80"), "[\xed][\xa0][\x80]");
}

TEST(an_empty_text_and_empty_matches) {
    CHECK_STR(cut(llama3, ""), "");
    CHECK_STR(cut("", "abc"), "a|b|c");
    CHECK_STR(found("x*", "axb"), "[][x][]");
    CHECK_STR(found("(?:a|)b", "abb"), "[ab][b]");
}

TEST(what_is_not_covered_is_named) {
    static const struct {
        const char *regex, *says;
    } cases[] = {
        {"a(b)\\1", "\\1"},        {"(?>ab)c", "(?>"},           {"(?<=ab)c", "(?<=ab)"}, {"(?:ab)++", "++"},
        {"a**", "a quantifier after a quantifier"}, {"(?:a*)*", "can be empty"}, {"()*", "can be empty"},
        {"\\p{Foo}", "\\p{Foo}"},  {"\\R", "\\R"},               {"(?i:straight)", "'st'"},
        {"(?i:\xc3\xa9)", "beyond ASCII"},
        {"*a", "a quantifier here"}, {"a{5000}", "so many times"}, {"\\G", "\\G"},         {"(?x)a", "(?x"},
        {"[[:punct:]]", "[:"},     {"(?i:\\p{Lu})", "in any case"}, {"(?=a)*", "a quantifier here"},
    };
    for (size_t i = 0; i < INLAY__COUNT(cases); i++) {
        CHECK_HAS(cut(cases[i].regex, "x"), cases[i].says);
        CHECK_HAS(inlay__error_text(), "test: ");
    }
}

TEST(what_is_no_regular_expression_is_refused) {
    static const char *const cases[] = {"(a",     "a)",          "[a",    "[a-",  "\\",   "[b-a]",
                                        "a{3,2}", "\\x{110000}", "\\p{L", "\xff", "[[a]", "\\u12"};
    for (size_t i = 0; i < INLAY__COUNT(cases); i++)
        CHECK_HAS(cut(cases[i], "x"), "malformed");
}

TEST(what_would_be_too_large_is_refused) {
    char deep[400], many[4000];
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    CHECK_HAS(cut(deep, ""), "groups so deep");
    memset(deep, '[', sizeof deep - 1);
    CHECK_HAS(cut(deep, ""), "classes so deep");
    CHECK_HAS(cut("(?:(?:a{0,999}){0,999}){0,999}", ""), "larger than");
    CHECK_HAS(cut("(?:a|b)*a(?=(?:a|b){20}b)|(?:a|b){20}a(?:a|b)*", ""), "too large");
    many[0] = '\0';
    for (int i = 0; i < 40; i++) strcat(many, "(?=ab)");
    CHECK_HAS(cut(many, ""), "lookarounds");
    many[0] = '\0';
    for (int i = 0; i < 300; i++) sprintf(many + strlen(many), "\\u%04x", 0x4e00 + i);
    CHECK_HAS(cut(many, ""), "different classes");
}

/* Patterns that a search from each place, or a backtracking engine, takes quadratic or exponential time for. */
TEST(time_is_linear_for_any_pattern) {
    static const char *const regexes[] = {"\\s+$", "a*b|a", "(?:a|aa)+$|a", "\\d{1,3}(?=(?:\\d{3})*\\b)",
                                          "(?:a?){30}a{30}b|a"};
    for (size_t i = 0; i < INLAY__COUNT(regexes); i++) {
        inlay__pattern *pattern = compiled(regexes[i]);
        if (!CHECK(pattern != NULL)) continue;
        size_t size = 1 << 20, n = 0, begin, end;
        uint8_t *text = malloc(size);
        memset(text, i == 0 ? ' ' : i == 3 ? '7' : 'a', size);
        text[size - 1] = 'x';
        static inlay__matcher matcher;
        struct timespec t0, t1;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
        inlay__matcher_init(&matcher, pattern);
        CHECK_INT(inlay__matcher_begin(&matcher, text, size), INLAY_OK);
        while (inlay__matcher_next(&matcher, &begin, &end))
            n++;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
        CHECK(n <= size);
        CHECK((double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) * 1e-9 < 5.0);
        inlay__matcher_free(&matcher);
        inlay__pattern_free(pattern);
        free(text);
    }
}

/* A text cut in one go is cut as in blocks: characters on the borders of blocks, whole and broken. */
TEST(borders_of_blocks_do_not_show) {
    inlay__pattern *pattern = compiled("\\p{L}+|(?<=\\p{L})\\s+|\\s");
    static inlay__matcher matcher;
    uint8_t text[3 * INLAY__PATTERN_BLOCK + 8];
    inlay__matcher_init(&matcher, pattern);
    for (size_t shift = 0; shift < 8; shift++) {
        size_t n = 0, begin, end, pos = 0;
        while (n < shift) text[n++] = 'a';
        while (n + 4 <= sizeof text) {
            memcpy(text + n, n % 8 < 4 ? "\xf0\x9f\x98\x80" : "\xe4\xbd\xa0\xf0", 4);
            n += 4;
        }
        bool is_match;
        CHECK_INT(inlay__matcher_begin(&matcher, text, n), INLAY_OK);
        while (inlay__matcher_piece(&matcher, &begin, &end, &is_match)) {
            CHECK_INT(begin, pos);
            CHECK(end == n || (text[end] & 0xC0) != 0x80);
            if (is_match && text[begin] != 'a') CHECK_INT(end - begin, 3);
            pos = end;
        }
        CHECK_INT(pos, n);
    }
    inlay__matcher_free(&matcher);
    inlay__pattern_free(pattern);
}

TEST(failing_allocations_leave_nothing_behind) {
    static fail_sys f;
    static inlay__matcher matcher;
    uint8_t text[4 * INLAY__PATTERN_BLOCK];
    memset(text, 'a', sizeof text);
    fail_sys_init(&f);
    bool passed = false;
    for (size_t n = 1; n < 200 && !passed; n++) {
        inlay__pattern *pattern = NULL;
        fail_sys_arm(&f, n, false);
        int32_t status = inlay__pattern_compile(&f.sys, "test", llama3, sizeof llama3 - 1, &pattern);
        if (status == INLAY_OK) {
            inlay__matcher_init(&matcher, pattern);
            status = inlay__matcher_begin(&matcher, text, sizeof text);
            inlay__matcher_free(&matcher);
            inlay__pattern_free(pattern);
        }
        passed = status == INLAY_OK;
        if (!passed) CHECK_INT(status, INLAY_ERR_MEMORY);
        CHECK(fail_sys_is_clean(&f));
    }
    CHECK(passed);
}

TEST_MAIN(CASE(the_first_alternative_that_leads_to_a_match_is_taken), CASE(classes_nest_intersect_and_complement),
          CASE(case_is_folded_as_unicode_has_it), CASE(lookaround_sees_past_the_match),
          CASE(possessive_quantifiers_give_nothing_back), CASE(bytes_that_are_no_characters_are_in_complements_only),
          CASE(an_empty_text_and_empty_matches), CASE(what_is_not_covered_is_named),
          CASE(what_is_no_regular_expression_is_refused), CASE(what_would_be_too_large_is_refused),
          CASE(time_is_linear_for_any_pattern), CASE(borders_of_blocks_do_not_show),
          CASE(failing_allocations_leave_nothing_behind))
