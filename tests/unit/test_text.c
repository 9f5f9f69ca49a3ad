/* Formatting and reading numbers: what printf and strtod give in the C locale, without them. */
#include "test.h"

#include <float.h>
#include <locale.h>
#include <math.h>

#include "base/text.h"

static const char *format_f64(double value) {
    static char text[40];
    text[inlay__format_f64(text, value)] = '\0';
    return text;
}

TEST(formats_what_printf_formats) {
    char text[200];
    size_t n = inlay__format(text, sizeof text, "a %d|%i|%u|%zu|%lld|%llu|%x|%c|%s|%.*s|%g|%%", -5, 7, 4000000000u,
                             (size_t)9, -123456789012LL, ~0ull, 0xbeefu, 'q', "text", 2, "xyz", 0.25);
    CHECK_STR(text, "a -5|7|4000000000|9|-123456789012|18446744073709551615|beef|q|text|xy|0.25|%");
    CHECK_INT(n, strlen(text));
    inlay__format(text, sizeof text, "%lld %d", (long long)INT64_MIN, INT32_MIN);
    CHECK_STR(text, "-9223372036854775808 -2147483648");
}

TEST(a_cut_text_ends_with_whole_characters) {
    char text[16];
    size_t n = inlay__format(text, 8, "%s", "abcdef\xc3\xa9!");
    CHECK_STR(text, "abcdef");
    CHECK_INT(n, 9);
    CHECK_INT(inlay__format(text, 1, "%s", "abc"), 3);
    CHECK_STR(text, "");
    CHECK_INT(inlay__format(NULL, 0, "%d", 12345), 5);
}

TEST(hostile_bytes_do_not_reach_a_terminal) {
    char text[64];
    inlay__format(text, sizeof text, "%s", "a\x1b[31m\x7f");
    CHECK(strchr(text, 0x1b) == NULL && strchr(text, 0x7f) == NULL);
}

TEST(every_kind_of_number_has_its_text) {
    CHECK_STR(format_f64(0.0), "0");
    CHECK_STR(format_f64(0.1), "0.1");
    CHECK_STR(format_f64(-2.5), "-2.5");
    CHECK_STR(format_f64(1e-5), "1e-05");
    CHECK_STR(format_f64(100000.0), "100000");
    CHECK_STR(format_f64(65504.0), "65504");
    CHECK_STR(format_f64(1.0 / 3.0), "0.333333333");
    CHECK_STR(format_f64((double)INFINITY), "inf");
    CHECK_STR(format_f64((double)NAN), "nan");
}

TEST(floats_come_back_from_their_text) {
    uint32_t state = 1;
    for (int i = 0; i < 300000; i++) {
        float value, back;
        double parsed;
        state = state * 1664525 + 1013904223;
        memcpy(&value, &state, 4);
        if (!isfinite(value)) continue;
        char text[32];
        size_t n = inlay__format_f64(text, (double)value);
        if (!CHECK(n < 32 && inlay__parse_f64(text, n, &parsed))) return;
        back = (float)parsed;
        if (!CHECK(memcmp(&back, &value, 4) == 0 || value == 0.0f)) return;
    }
}

TEST(numbers_are_read_as_strtod_reads_them) {
    static const char *const texts[] = {"0",
                                        "-0",
                                        "1",
                                        "10000.0",
                                        "1e-05",
                                        "1e6",
                                        "0.1",
                                        "123456789012345678901234567890",
                                        "2.2250738585072014e-308",
                                        "4.9406564584124654e-324",
                                        "1.7976931348623157e308",
                                        "9007199254740993",
                                        "0.30000000000000004",
                                        "1e22",
                                        "1e23",
                                        "8.41e21",
                                        "7.2057594037927933e16",
                                        "5e-324",
                                        "2.4703282292062328e-324",
                                        "1E+2",
                                        ".5",
                                        "5."};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        double value = -1.0, expected = strtod(texts[i], NULL);
        if (!inlay__parse_f64(texts[i], strlen(texts[i]), &value)) {
            CHECK(texts[i][0] == '.' || texts[i][strlen(texts[i]) - 1] == '.'); /* forms that may be refused */
            continue;
        }
        if (!CHECK(memcmp(&value, &expected, 8) == 0))
            fprintf(stderr, "%s is %a, expected %a\n", texts[i], value, expected);
    }
}

TEST(what_is_no_number_is_refused) {
    static const char *const texts[] = {"",      "-",  "+",  ".",    "e5",  "1e",  "1e+",   "1,5",
                                        "1.2.3", " 1", "1 ", "0x10", "inf", "nan", "1e999", "--1"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        double value = 7.0;
        if (!CHECK(!inlay__parse_f64(texts[i], strlen(texts[i]), &value) && value == 7.0))
            fprintf(stderr, "\"%s\"\n", texts[i]);
    }
    int64_t integer;
    CHECK(inlay__parse_i64("-9223372036854775808", 20, &integer) && integer == INT64_MIN);
    CHECK(inlay__parse_i64("9223372036854775807", 19, &integer) && integer == INT64_MAX);
    CHECK(!inlay__parse_i64("9223372036854775808", 19, &integer));
    CHECK(!inlay__parse_i64("-9223372036854775809", 20, &integer));
    CHECK(!inlay__parse_i64("", 0, &integer) && !inlay__parse_i64("-", 1, &integer) &&
          !inlay__parse_i64("1.0", 3, &integer));
}

TEST_MAIN(CASE(formats_what_printf_formats), CASE(a_cut_text_ends_with_whole_characters),
          CASE(hostile_bytes_do_not_reach_a_terminal), CASE(every_kind_of_number_has_its_text),
          CASE(floats_come_back_from_their_text), CASE(numbers_are_read_as_strtod_reads_them),
          CASE(what_is_no_number_is_refused))
