/* Regular expressions: which texts they match, what is refused and where, and that nothing runs away. */
#include "support/grammar_check.h"
#include "test.h"

/* Texts parted by spaces: those that match, and those that do not. "~" is the empty text. */
static void check_texts(const char *regex, bool in_json, const char *yes, const char *no) {
    grammar_check check;
    int32_t status = grammar_check_regex(&check, regex, strlen(regex), in_json);
    CHECK_INT(status, INLAY_OK);
    if (status != INLAY_OK) {
        fprintf(stderr, "%s: %s\n", regex, inlay__error_text());
        return;
    }
    for (int wanted = 1; wanted >= 0; wanted--) {
        for (const char *text = wanted ? yes : no; *text != '\0';) {
            size_t n = strcspn(text, " "), size = n == 1 && text[0] == '~' ? 0 : n;
            if ((grammar_check_text(&check, text, size) == 1) != wanted) {
                test_failures++;
                fprintf(stderr, "'%.*s' is %smatched by %s\n", (int)n, text, wanted ? "not " : "", regex);
            }
            text += n + (text[n] == ' ');
        }
    }
    grammar_check_free(&check);
}

static void whole(const char *regex, const char *yes, const char *no) { check_texts(regex, false, yes, no); }
static void part(const char *regex, const char *yes, const char *no) { check_texts(regex, true, yes, no); }

static void check_refused(const char *regex, int32_t status, const char *words) {
    grammar_check check;
    int32_t found = grammar_check_regex(&check, regex, strlen(regex), false);
    if (found == INLAY_OK) grammar_check_free(&check);
    if (found != status) {
        test_failures++;
        fprintf(stderr, "%s gives %d, expected %d\n", regex, found, status);
    }
    CHECK_HAS(inlay__error_text(), words);
}

TEST(alternatives_groups_and_quantifiers_match_what_they_say) {
    whole("a|b|cd", "a b cd", "~ c ab acd");
    whole("(?:a|b)(c|)", "a b ac bc", "~ c ab");
    whole("(?<name>a)b", "ab", "a b");
    whole("a*b+c?", "b ab aabbc", "~ a ac bcc");
    whole("a{2}b{1,}c{0,2}", "aab aabbbcc", "ab aaab aabccc");
    whole("a*?b+?c??d{1,2}?", "bd abcd aabbdd", "ad abcddd");
    whole("(a|ab)(c|bcd)(d*)", "ac abc abcd abcdd acddd abbcdd", "ab abcdc");
    whole("(?:(?:a{0,2}){0,2}){0,2}", "~ a aaaaaaaa", "aaaaaaaaa");
    whole("a{0}b", "b", "ab");
    whole("", "~", "a");
    whole("x{,3}]}", "x{,3}]}", "xxx]}");
}

TEST(classes_and_escapes_are_those_of_ecma_262) {
    whole("[a-c_-]", "a b c _ -", "d A ab");
    whole("[^a-c]", "d \xc3\xa4 \xf0\x9f\x98\x80", "a c dd \xc3");
    part("^(?:[]|a)$", "a", "~ b");
    whole("[^]", "a \n", "ab ~");
    whole(".", "a \xe2\x82\xac", "\n \r \xe2\x80\xa8 \xed\xa0\x80");
    whole("\\d\\D", "1a 0\xd9\xa1", "a1 11 \xd9\xa1\x61");
    whole("\\w\\W", "a- _\xc3\xa4 Z.", "-a aa \xc3\xa4-");
    whole("\\s\\S", "\tx \n1 \v\xc3\xa4 \xc2\xa0x \xef\xbb\xbfx", "xx \t\t x\t");
    whole("\\t\\n\\v\\f\\r", "\t\n\v\f\r", "tnvfr");
    whole("\\x41\\u0042\\u{43}\\u{0000044}\\cJ", "ABCD\n", "ABCDJ");
    whole("\\ud83d\\ude00", "\xf0\x9f\x98\x80", "\xed\xa0\xbd");
    whole("\\^\\$\\\\\\.\\*\\+\\?\\(\\)\\[\\]\\{\\}\\|\\/\\-", "^$\\.*+?()[]{}|/-", "");
    whole("\\p{Lu}\\p{Ll}\\P{L}", "Aa1 \xc3\x84\xc3\xa4\xe2\x82\xac", "aA1 Aaa");
    whole("\\p{Uppercase_Letter}\\p{gc=Nd}\\p{Script=Greek}", "A1\xce\xb1", "a1\xce\xb1 A1a");
    whole("[\\p{N}\\-][^\\P{L}a]", "1b -\xc3\xa4", "1a b1 11");
    whole("[\\b]", "\b", "b");
    whole("[\\d-x]", "3 - x", "5x y");
}

TEST(anchors_stand_at_begins_and_ends_and_a_pattern_without_matches_within) {
    part("b", "b abc bb", "~ ac");
    part("^b", "b bc", "~ ab");
    part("b$", "b ab", "~ bc");
    part("^b$", "b", "~ bb ab");
    part("^a|b$", "a ax b xb ab", "~ xa bx");
    part("(^a|b)c", "ac acx bc xbcx", "xac a");
    part("x(?:,|$)", "x ax x, ax,y", "~ xa");
    part("(?:^|,)x", "x xa ,x a,xb", "ax ~");
    part("^(?:a|(?:b|$))", "~ a bx", "x xa");
    part("(^)?a", "a xa ax", "~ x");
    part("^", "~ a", "");
    whole("^a$", "a", "aa ~");
}

TEST(in_a_json_string_characters_stand_as_json_writes_them) {
    part("^.$", "a \\\" \\\\ \\t \\u0000 \\u001f \x7f \xf0\x9f\x98\x80", "\" \\ \t \\n \\u000a \\u001F \\x ~");
    part("^[^]$", "\\n \\b \\u000b", "\\u0008");
    part("^\\n/\"$", "\\n/\\\"", "\\u000a/\\\" \\n\\/\\\"");
    part("^[\\x00-\\x1f]$", "\\u0007 \\u0010 \\r", "\\u0020 a");
}

TEST(errors_say_what_and_at_which_byte) {
    check_refused("a(?=b)", INLAY_ERR_UNSUPPORTED, "'(?=' at byte 1: lookaround");
    check_refused("(?!b)", INLAY_ERR_UNSUPPORTED, "lookaround");
    check_refused("(?<=b)", INLAY_ERR_UNSUPPORTED, "lookaround");
    check_refused("(?<!b)", INLAY_ERR_UNSUPPORTED, "lookaround");
    check_refused("(a)\\1", INLAY_ERR_UNSUPPORTED, "'\\1' at byte 3: a back reference");
    check_refused("(?<n>a)\\k<n>", INLAY_ERR_UNSUPPORTED, "back reference");
    check_refused("ab\\b", INLAY_ERR_UNSUPPORTED, "'\\b' at byte 2: a word boundary");
    check_refused("(?i:a)", INLAY_ERR_UNSUPPORTED, "a group of this kind");
    check_refused("a^b", INLAY_ERR_UNSUPPORTED, "at byte 1: an anchor in the midst");
    check_refused("a$b", INLAY_ERR_UNSUPPORTED, "an anchor in the midst");
    check_refused("(^a)*", INLAY_ERR_UNSUPPORTED, "at byte 4: a repeated anchor");
    check_refused("\\p{Foo}", INLAY_ERR_UNSUPPORTED, "no general category");
    check_refused("\\p{Script=Klingon}", INLAY_ERR_UNSUPPORTED, "a script that is not known");
    check_refused("a{4294967295}", INLAY_ERR_UNSUPPORTED, "so many times");
    check_refused("a**", INLAY_ERR_FORMAT, "at byte 2: a quantifier after a quantifier");
    check_refused("*", INLAY_ERR_FORMAT, "a quantifier after nothing");
    check_refused("^*", INLAY_ERR_FORMAT, "a quantifier after nothing");
    check_refused("a{2,1}", INLAY_ERR_FORMAT, "whose end is below its beginning");
    check_refused("a|(b", INLAY_ERR_FORMAT, "at byte 2: a ( that is not closed");
    check_refused("a)", INLAY_ERR_FORMAT, "a ) without (");
    check_refused("x[a", INLAY_ERR_FORMAT, "at byte 1: a class that has no ]");
    check_refused("[z-a]", INLAY_ERR_FORMAT, "whose end is before its beginning");
    check_refused("[a-\\d]", INLAY_ERR_FORMAT, "ends with a class");
    check_refused("(?<n", INLAY_ERR_FORMAT, "a name that has no end");
    check_refused("\\", INLAY_ERR_FORMAT, "a backslash at the end");
    check_refused("\\q", INLAY_ERR_FORMAT, "an escape that is not known");
    check_refused("\\01", INLAY_ERR_FORMAT, "an escape that is not known");
    check_refused("\\x4", INLAY_ERR_FORMAT, "\\x without two digits");
    check_refused("\\u12", INLAY_ERR_FORMAT, "\\u without four digits");
    check_refused("\\u{110000}", INLAY_ERR_FORMAT, "no code point");
    check_refused("\\p{Lu", INLAY_ERR_FORMAT, "\\p{ without }");
    check_refused("a\xff", INLAY_ERR_FORMAT, "at byte 1: a byte that is not UTF-8");
}

/* ---------------------------------------------------------------------- hostile */

/* `part` n times, between two texts. */
static int32_t try_repeated(const char *before, const char *repeated, size_t n, const char *after) {
    size_t size = strlen(repeated), before_size = strlen(before), after_size = strlen(after);
    char *text = malloc(before_size + n * size + after_size + 1);
    if (text == NULL) exit(1);
    memcpy(text, before, before_size);
    for (size_t i = 0; i < n; i++)
        memcpy(text + before_size + i * size, repeated, size);
    memcpy(text + before_size + n * size, after, after_size + 1);
    grammar_check check;
    int32_t status = grammar_check_regex(&check, text, before_size + n * size + after_size, true);
    if (status == INLAY_OK) {
        grammar_check_text(&check, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", 33);
        grammar_check_free(&check);
    }
    free(text);
    return status;
}

/* llama.cpp issue 26600, for regular expressions. */
TEST(a_million_brackets_are_an_error) {
    CHECK_INT(try_repeated("", "(", 1000000, ""), INLAY_ERR_FORMAT);
    CHECK_INT(try_repeated("", "[", 1000000, ""), INLAY_ERR_FORMAT);
    CHECK_INT(try_repeated("", ")", 1000000, ""), INLAY_ERR_FORMAT);
    CHECK_INT(try_repeated("", "(", 2000000, ""), INLAY_ERR_UNSUPPORTED);
    CHECK_INT(try_repeated("((((a", ")*", 4, ""), INLAY_OK);
}

TEST(loops_of_nothing_and_loops_in_loops_end) {
    CHECK_INT(try_repeated("(a*)*", "", 0, "$"), INLAY_OK);
    CHECK_INT(try_repeated("(a+)+", "", 0, "$"), INLAY_OK); /* llama.cpp issue 21919 */
    CHECK_INT(try_repeated("(|a)*", "(|a|aa)+", 50, "$"), INLAY_OK);
    CHECK_INT(try_repeated("", "a?", 20000, ""), INLAY_OK);
    CHECK_INT(try_repeated("", "a|", 100000, ""), INLAY_OK);
    CHECK_INT(try_repeated("((a{0,999}){0,999}){0,999}", "", 0, ""), INLAY_OK);
    CHECK_INT(try_repeated("a{4294967294}", "", 0, ""), INLAY_OK);
    CHECK_INT(try_repeated("^(?:a|b)*a", "(?:a|b)", 30, "$"), INLAY_OK);
    CHECK_INT(try_repeated("", "\\p{L}", 20000, ""), INLAY_ERR_UNSUPPORTED);
}

TEST_MAIN(CASE(alternatives_groups_and_quantifiers_match_what_they_say),
          CASE(classes_and_escapes_are_those_of_ecma_262),
          CASE(anchors_stand_at_begins_and_ends_and_a_pattern_without_matches_within),
          CASE(in_a_json_string_characters_stand_as_json_writes_them), CASE(errors_say_what_and_at_which_byte),
          CASE(a_million_brackets_are_an_error), CASE(loops_of_nothing_and_loops_in_loops_end))
