/* The JSON reader: RFC 8259, nothing more and nothing less. */
#include "test.h"

#include "base/json.h"
#include "support/accounting_sys.h"

static bool accepts(const char *text, size_t size) {
    accounting a;
    inlay__json json;
    accounting_init(&a);
    bool ok = inlay__json_parse(&a.sys, "text", text, size, &json) == INLAY_OK;
    if (ok) inlay__json_free(&a.sys, &json);
    CHECK_INT(a.n_live, 0);
    return ok;
}

TEST(well_formed_texts_are_read) {
    static const char *const texts[] = {
        "null", "true", "false", "0", "-0", "1", "-1.5", "1e5", "1E+5", "0.5e-10", "123456789012345678901234567890",
        "\"\"", "\"a\"", "[]", "{}",
        " [ 1 , 2 ] ", "[[]]", "[[],[[]]]", "{\"a\":1}", "{\"a\":{\"b\":[1,2,{}]}}", "{\"\":0}", "{\"a\":1,\"a\":2}",
        "\"\\u0041\"",
        "\"\\ud83e\\udd99\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\xc3\xa9\"", "\"\x7f\"", "\t\n\r 1", "[1]\n",
        "\"\\u0000\"", "\"\\ud800\"", "1e999"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (!CHECK(accepts(texts[i], strlen(texts[i]))))
            fprintf(stderr, "refused: %s: %s\n", texts[i], inlay__error_text());
}

TEST(malformed_texts_are_refused) {
    static const char *const texts[] = {
        "", " ", "nul", "nulll", "tru", "True", "+1", "01", "-", "-01", "1.", ".5", "1e", "1e+", "0x1", "NaN",
        "Infinity", "1 2", "[", "]", "[1", "[1,", "[1,]",
        "[,1]", "[1 2]", "{", "}", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{1:2}",
        "{\"a\" 1}", "{\"a\":1 \"b\":2}", "[}", "{]",
        "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u\"", "\"\\u12\"", "\"\\u12G4\"", "'a'", "\"\n\"", "\"\t\"", "\"\x01\"",
        "\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"",
        "[1]x", "/* */1", "// a\n1", "[\"a\",\n4\n,1,", "{\"a\":\"b\"}#", "[1:2]", "{\"a\",1}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (!CHECK(!accepts(texts[i], strlen(texts[i])))) fprintf(stderr, "accepted: %s\n", texts[i]);
    CHECK(!accepts("1\0", 2));
}

TEST(errors_name_the_text_and_the_place) {
    inlay__json json;
    CHECK_INT(inlay__json_parse(&inlay__sys_default, "config.json", "{\n  \"a\": tru\n}", 14, &json), INLAY_ERR_FORMAT);
    CHECK_HAS(inlay__error_text(), "config.json");
    CHECK_HAS(inlay__error_text(), "line 2");
}

/* The whole sentence: the place counts characters, and what is printable stands as it is. */
TEST(errors_tell_what_was_expected_and_found) {
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"[1,\n 2,\n x]", "t: line 3, column 2: expected a value, found 'x'"},
        {"[1,\n\"\xc3\xa9\xc3\xa9\" x]", "t: line 2, column 6: expected ',' or ']', found 'x'"},
        {"\x1f", "t: line 1, column 1: expected a value, found byte 0x1f"},
        {"[1 ~", "t: line 1, column 4: expected ',' or ']', found '~'"},
        {"[1 \x7f", "t: line 1, column 4: expected ',' or ']', found byte 0x7f"},
        {"{\"a\" \x80", "t: line 1, column 6: expected ':' after a key, found byte 0x80"},
        {"[", "t: line 1, column 2: expected a value, found the end of the text"},
        {"\xef\xbb\xbf!", "t: line 1, column 2: expected a value, found '!'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        inlay__json json;
        const char *text = rows[i].text;
        CHECK_INT(inlay__json_parse(&inlay__sys_default, "t", text, strlen(text), &json), INLAY_ERR_FORMAT);
        CHECK_STR(inlay__error_text(), rows[i].error);
    }
}

/* What a string is in UTF-8. Two surrogates are a character; one alone, of either kind, is U+FFFD. */
TEST(escapes_become_what_they_stand_for) {
    static const struct {
        const char *text, *value;
    } rows[] = {
        {"\"\\u0041\\u00e9\\u20AC\\uFFFF\"", "A\xc3\xa9\xe2\x82\xac\xef\xbf\xbf"},
        {"\"\\uaAfF\\uAaFf\\u0909\"", "\xea\xab\xbf\xea\xab\xbf\xe0\xa4\x89"},
        {"\"\\ud7ff\\ue000\"", "\xed\x9f\xbf\xee\x80\x80"},
        {"\"\\ud800\\udc00\\udbff\\udfff\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
        {"\"\\ud83e\\udd99\\uD801\\uDC37\"", "\xf0\x9f\xa6\x99\xf0\x90\x90\xb7"},
        {"\"\\ud800\"", "\xef\xbf\xbd"},
        {"\"\\udc00\"", "\xef\xbf\xbd"},
        {"\"\\udfffz\"", "\xef\xbf\xbdz"},
        {"\"\\udc00\\udc00\"", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\"\\ud800\\ud800\\udc00\"", "\xef\xbf\xbd\xf0\x90\x80\x80"},
        {"\"\\ud800\\udbff\"", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\"\\ud800\\ue000\"", "\xef\xbf\xbd\xee\x80\x80"},
        {"\"\\ud800\\u0041\"", "\xef\xbf\xbd" "A"},
        {"\"\\ud800\\n\"", "\xef\xbf\xbd\n"},
        {"\"\\ud800u\"", "\xef\xbf\xbdu"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        inlay__json json;
        const char *text = rows[i].text;
        if (!CHECK(inlay__json_parse(&inlay__sys_default, "t", text, strlen(text), &json) == INLAY_OK)) continue;
        CHECK_STR(json.nodes[0].text, rows[i].value);
        CHECK_INT(json.nodes[0].size, strlen(rows[i].value));
        inlay__json_free(&inlay__sys_default, &json);
    }
    CHECK(!accepts("\"\\ud800\\u", 9) && !accepts("\"\\ud800\\uDC0", 12) && !accepts("\"\\ud800\\uDC0\"", 13));
    CHECK(!accepts("\"\\u00:0\"", 8) && !accepts("\"\\u00/0\"", 8) && !accepts("\"\\u00`0\"", 8));
    CHECK(!accepts("\"\\u00g0\"", 8) && !accepts("\"\\u00@0\"", 8));
}

/* A NUL stands behind every string, whatever follows it in the text; the mark of a byte order is left out whole or not
 * at all. */
TEST(strings_end_and_texts_begin_where_they_should) {
    inlay__json json;
    if (CHECK(inlay__json_parse(&inlay__sys_default, "t", "[\"ab\",\"\",12,\"c\"]", 16, &json) == INLAY_OK)) {
        CHECK_STR(inlay__json_at(&json, json.nodes, 0)->text, "ab");
        CHECK_STR(inlay__json_at(&json, json.nodes, 1)->text, "");
        CHECK_STR(inlay__json_at(&json, json.nodes, 2)->text, "12");
        CHECK_STR(inlay__json_at(&json, json.nodes, 3)->text, "c");
        inlay__json_free(&inlay__sys_default, &json);
    }
    CHECK(accepts("\xef\xbb\xbf[]", 5) && !accepts("\xef\xbb\xbf", 3));
    CHECK(!accepts("\xef\xbb[]", 4) && !accepts("\xef\xbb\xbe[]", 5));
    CHECK(!accepts("\xef\xbb\xbf\xef\xbb\xbf[]", 8));
}

TEST(values_are_found) {
    static const char text[] =
        "{\"n\": 42, \"x\": -1.5e3, \"s\": \"h\\u00e9\\n\", \"l\": [10, [20], {\"k\": 30}], \"n\": 43, \"big\": 1e30}";
    inlay__json json;
    int64_t integer;
    double number;
    if (!CHECK(inlay__json_parse(&inlay__sys_default, "text", text, sizeof text - 1, &json) == INLAY_OK)) return;
    const inlay__json_node *root = json.nodes, *list = inlay__json_get(&json, root, "l");
    CHECK(inlay__json_i64(inlay__json_get(&json, root, "n"), &integer) && integer == 43); /* the last one counts */
    CHECK(inlay__json_f64(inlay__json_get(&json, root, "x"), &number) && number == -1500.0);
    CHECK(!inlay__json_i64(inlay__json_get(&json, root, "x"), &integer));
    CHECK(!inlay__json_i64(inlay__json_get(&json, root, "big"), &integer));
    CHECK(inlay__json_equals(inlay__json_get(&json, root, "s"), "h\xc3\xa9\n"));
    CHECK(list != NULL && list->n_children == 3);
    CHECK(inlay__json_i64(inlay__json_get(&json, inlay__json_at(&json, list, 2), "k"), &integer) && integer == 30);
    CHECK(inlay__json_next(&json, inlay__json_first(list)) == inlay__json_at(&json, list, 1));
    CHECK(inlay__json_get(&json, root, "absent") == NULL && inlay__json_at(&json, list, 3) == NULL);
    CHECK(inlay__json_get(&json, list, "n") == NULL && inlay__json_at(&json, root, 0) == NULL);
    inlay__json_free(&inlay__sys_default, &json);
}

TEST(depth_is_bounded_without_recursion) {
    enum { DEEP = 100000 };
    char *text = malloc(2 * DEEP);
    memset(text, '[', DEEP);
    memset(text + DEEP, ']', DEEP);
    CHECK(!accepts(text, 2 * DEEP));
    CHECK(!accepts(text, DEEP));
    size_t fits = INLAY__JSON_MAX_DEPTH;
    CHECK(accepts(text + DEEP - fits, 2 * fits));
    CHECK(!accepts(text + DEEP - fits - 1, 2 * fits + 2));
    free(text);
}

TEST(memory_stays_in_proportion_to_the_text) {
    enum { N = 50000 };
    char *text = malloc(2 * N + 2);
    accounting a;
    inlay__json json;
    text[0] = '[';
    for (size_t i = 0; i < N; i++) memcpy(text + 1 + 2 * i, "1,", 2);
    text[2 * N] = ']';
    accounting_init(&a);
    CHECK_INT(inlay__json_parse(&a.sys, "text", text, 2 * N + 1, &json), INLAY_OK);
    CHECK_INT(json.nodes[0].n_children, N);
    CHECK(a.peak < (size_t)2 * N * 100);
    inlay__json_free(&a.sys, &json);
    for (size_t n = 1; n < 6; n++) {
        accounting_init(&a);
        a.fail_at = n;
        if (inlay__json_parse(&a.sys, "text", text, 2 * N + 1, &json) == INLAY_OK) inlay__json_free(&a.sys, &json);
        CHECK_INT(a.n_live, 0);
    }
    free(text);
}

TEST_MAIN(CASE(well_formed_texts_are_read), CASE(malformed_texts_are_refused), CASE(errors_name_the_text_and_the_place),
          CASE(errors_tell_what_was_expected_and_found), CASE(escapes_become_what_they_stand_for),
          CASE(strings_end_and_texts_begin_where_they_should),
          CASE(values_are_found), CASE(depth_is_bounded_without_recursion),
          CASE(memory_stays_in_proportion_to_the_text))
