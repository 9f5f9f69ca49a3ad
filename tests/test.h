/* A test program in one header. Each file of tests lists its cases and ends with TEST_MAIN:
 *
 *     TEST(cursor_refuses_to_pass_the_end) { CHECK(!inlay__cursor_u8(&c, &v)); }
 *     TEST_MAIN(CASE(cursor_refuses_to_pass_the_end))
 *
 * Run it without arguments for all cases, with a name for one, with --list for their names. A failed CHECK says
 * where and goes on; the program exits with 1 when any failed, 77 (skipped) when all cases that ran were skipped.
 */
#ifndef INLAY_TEST_H
#define INLAY_TEST_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int test_failures;
static int test_skipped;

typedef struct test_case {
    const char *name;
    void (*run)(void);
} test_case;

#define TEST(name) static void name(void)
#define CASE(name) {#name, name}

#define CHECK(condition) \
    ((condition) ? 1     \
                 : (test_failures++, fprintf(stderr, "%s:%d: CHECK(%s) failed\n", __FILE__, __LINE__, #condition), 0))

#define CHECK_INT(found, expected)                                                                    \
    do {                                                                                              \
        int64_t found_ = (int64_t)(found), expected_ = (int64_t)(expected);                           \
        if (found_ != expected_) {                                                                    \
            test_failures++;                                                                          \
            fprintf(stderr, "%s:%d: %s is %" PRId64 ", expected %" PRId64 "\n", __FILE__, __LINE__, #found, found_, \
                    expected_);                                                                       \
        }                                                                                             \
    } while (0)

#define CHECK_STR(found, expected)                                                                             \
    do {                                                                                                       \
        const char *found_ = (found), *expected_ = (expected);                                                 \
        if (strcmp(found_, expected_) != 0) {                                                                  \
            test_failures++;                                                                                   \
            fprintf(stderr, "%s:%d: %s is \"%s\", expected \"%s\"\n", __FILE__, __LINE__, #found, found_, expected_); \
        }                                                                                                      \
    } while (0)

/* The text must contain the words: for error messages. */
#define CHECK_HAS(text, words)                                                                            \
    do {                                                                                                  \
        const char *text_ = (text), *words_ = (words);                                                    \
        if (strstr(text_, words_) == NULL) {                                                              \
            test_failures++;                                                                              \
            fprintf(stderr, "%s:%d: \"%s\" does not say \"%s\"\n", __FILE__, __LINE__, text_, words_);    \
        }                                                                                                 \
    } while (0)

/* Leaves the case, saying why. */
#define SKIP(why)                                        \
    do {                                                 \
        fprintf(stderr, "skipped: %s\n", why);           \
        test_skipped++;                                  \
        return;                                          \
    } while (0)

static inline int test_main(const test_case *cases, size_t n, int argc, char **argv) {
    int ran = 0, failed = 0;
    for (size_t i = 0; i < n; i++) {
        if (argc > 1 && strcmp(argv[1], "--list") == 0) {
            puts(cases[i].name);
            continue;
        }
        if (argc > 1 && strcmp(argv[1], cases[i].name) != 0) continue;
        int before = test_failures;
        cases[i].run();
        ran++;
        if (test_failures > before) {
            failed++;
            fprintf(stderr, "FAILED %s\n", cases[i].name);
        }
    }
    if (argc > 1 && ran == 0 && strcmp(argv[1], "--list") != 0)
        return fprintf(stderr, "no case named %s\n", argv[1]), 2;
    if (ran > 0) fprintf(stderr, "%d cases, %d failed, %d skipped\n", ran, failed, test_skipped);
    if (failed > 0) return 1;
    return ran > 0 && ran == test_skipped ? 77 : 0;
}

#define TEST_MAIN(...)                                                                \
    int main(int argc, char **argv) {                                                 \
        static const test_case cases[] = {__VA_ARGS__};                               \
        return test_main(cases, sizeof cases / sizeof cases[0], argc, argv);          \
    }

#endif
