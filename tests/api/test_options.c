/* Options: what the table says, what each setter takes and refuses. */
#include "test.h"

#include <locale.h>
#include <math.h>

#include "api/handles.h"
#include "support/accounting_sys.h"

static inlay_options *fresh(void) {
    inlay_options *options = NULL;
    if (inlay_options_new(&options) != INLAY_OK) exit(2);
    return options;
}

/* ------------------------------------------------------------------ the table */

/* Keys, names and kinds are part of the interface: they never change. */
TEST(keys_names_and_kinds_are_those_of_the_header) {
    static const struct {
        int32_t key, kind;
        const char *name;
    } expected[] = {
        {INLAY_OPT_THREADS, INLAY_KIND_INT, "threads"},
        {INLAY_OPT_CPU, INLAY_KIND_STRING, "cpu"},
        {INLAY_OPT_LOAD, INLAY_KIND_INT, "load"},
        {INLAY_OPT_VOCAB_ONLY, INLAY_KIND_INT, "vocab-only"},
        {INLAY_OPT_PACK, INLAY_KIND_INT, "pack"},
        {INLAY_OPT_QUANTIZE, INLAY_KIND_INT, "quantize"},
        {INLAY_OPT_CONTEXT, INLAY_KIND_INT, "context"},
        {INLAY_OPT_BATCH, INLAY_KIND_INT, "batch"},
        {INLAY_OPT_CACHE_TYPE, INLAY_KIND_INT, "cache-type"},
        {INLAY_OPT_PREFIX, INLAY_KIND_INT, "prefix"},
        {INLAY_OPT_POOLING, INLAY_KIND_INT, "pooling"},
        {INLAY_OPT_DIMENSIONS, INLAY_KIND_INT, "dimensions"},
        {INLAY_OPT_NORMALIZE, INLAY_KIND_INT, "normalize"},
        {INLAY_OPT_SEQUENCES, INLAY_KIND_INT, "sequences"},
        {INLAY_OPT_SEQUENCE, INLAY_KIND_INT, "sequence"},
        {INLAY_OPT_KEEP, INLAY_KIND_INT, "keep"},
        {INLAY_OPT_KEEP_TOKENS, INLAY_KIND_INT, "keep-tokens"},
        {INLAY_OPT_REWIND, INLAY_KIND_INT, "rewind"},
        {INLAY_OPT_TEMPERATURE, INLAY_KIND_FLOAT, "temperature"},
        {INLAY_OPT_TOP_K, INLAY_KIND_INT, "top-k"},
        {INLAY_OPT_TOP_P, INLAY_KIND_FLOAT, "top-p"},
        {INLAY_OPT_MIN_P, INLAY_KIND_FLOAT, "min-p"},
        {INLAY_OPT_SEED, INLAY_KIND_INT, "seed"},
    };
    size_t n = sizeof expected / sizeof expected[0];
    CHECK_INT(inlay_option_count(), n);
    CHECK_INT(inlay_option_key(n), 0);
    CHECK_INT(inlay_option_key(SIZE_MAX), 0);
    for (size_t i = 0; i < n; i++) {
        int32_t kind = 0;
        const char *name = "";
        CHECK_INT(inlay_option_key(i), expected[i].key);
        CHECK_INT(inlay_option_describe(expected[i].key, &kind, &name, NULL, NULL, NULL), INLAY_OK);
        CHECK_INT(kind, expected[i].kind);
        CHECK_STR(name, expected[i].name);
    }
    CHECK_INT(inlay_option_describe(0, NULL, NULL, NULL, NULL, NULL), INLAY_ERR_KEY);
    CHECK_INT(inlay_option_describe(12345, NULL, NULL, NULL, NULL, NULL), INLAY_ERR_KEY);
    CHECK_HAS(inlay_error(), "12345");
}

TEST(defaults_are_those_of_the_header) {
    inlay_options *o = fresh();
    static const int32_t zero[] = {INLAY_OPT_THREADS, INLAY_OPT_LOAD, INLAY_OPT_VOCAB_ONLY, INLAY_OPT_PACK,
                                   INLAY_OPT_CONTEXT, INLAY_OPT_TOP_K, INLAY_OPT_SEED};
    int64_t integer;
    double number;
    const char *text;
    size_t size = 99;
    for (size_t i = 0; i < sizeof zero / sizeof zero[0]; i++) {
        integer = -1;
        CHECK_INT(inlay_options_get_int(o, zero[i], &integer), INLAY_OK);
        CHECK_INT(integer, 0);
    }
    CHECK_INT(inlay_options_get_int(o, INLAY_OPT_CACHE_TYPE, &integer), INLAY_OK);
    CHECK_INT(integer, INLAY_TYPE_F16);
    CHECK(inlay_options_get_float(o, INLAY_OPT_TEMPERATURE, &number) == INLAY_OK && number == 0.0);
    CHECK(inlay_options_get_float(o, INLAY_OPT_TOP_P, &number) == INLAY_OK && number == 1.0);
    CHECK(inlay_options_get_float(o, INLAY_OPT_MIN_P, &number) == INLAY_OK && number == 0.0);
    CHECK_INT(inlay_options_get_string(o, INLAY_OPT_CPU, &text, &size), INLAY_OK);
    CHECK_STR(text, "");
    CHECK_INT(size, 0);
    inlay_options_free(o);
}

/* For every number: its default is what a fresh handle has, both ends are taken, one step beyond is refused and
 * changes nothing. */
TEST(every_range_is_kept) {
    inlay_options *o = fresh();
    for (size_t i = 0; i < inlay_option_count(); i++) {
        int32_t key = inlay_option_key(i), kind;
        double least, greatest, initial, number;
        int64_t integer;
        CHECK_INT(inlay_option_describe(key, &kind, NULL, &least, &greatest, &initial), INLAY_OK);
        if (kind == INLAY_KIND_STRING) continue;
        CHECK(least <= initial && initial <= greatest && least < greatest);
        if (kind == INLAY_KIND_INT) {
            CHECK(inlay_options_get_int(o, key, &integer) == INLAY_OK && (double)integer == initial);
            CHECK_INT(inlay_options_set_int(o, key, (int64_t)least), INLAY_OK);
            CHECK_INT(inlay_options_set_int(o, key, (int64_t)greatest), INLAY_OK);
            const int64_t bad[] = {(int64_t)least - 1, (int64_t)greatest + 1, INT64_MIN, INT64_MAX};
            for (size_t j = 0; j < 4; j++)
                CHECK_INT(inlay_options_set_int(o, key, bad[j]), INLAY_ERR_ARGUMENT);
            CHECK(inlay_options_get_int(o, key, &integer) == INLAY_OK && integer == (int64_t)greatest);
            CHECK_INT(inlay_options_set_float(o, key, initial), INLAY_ERR_ARGUMENT);
            CHECK_INT(inlay_options_get_float(o, key, &number), INLAY_ERR_ARGUMENT);
        } else {
            CHECK(inlay_options_get_float(o, key, &number) == INLAY_OK && number == initial);
            CHECK_INT(inlay_options_set_float(o, key, least), INLAY_OK);
            CHECK_INT(inlay_options_set_float(o, key, greatest), INLAY_OK);
            const double bad[] = {nextafter(least, -1e9), nextafter(greatest, 1e9), INFINITY, -INFINITY, NAN, -NAN};
            for (size_t j = 0; j < 6; j++)
                CHECK_INT(inlay_options_set_float(o, key, bad[j]), INLAY_ERR_ARGUMENT);
            CHECK(inlay_options_get_float(o, key, &number) == INLAY_OK && number == greatest);
            CHECK_INT(inlay_options_set_int(o, key, 0), INLAY_ERR_ARGUMENT);
            CHECK_INT(inlay_options_get_int(o, key, &integer), INLAY_ERR_ARGUMENT);
        }
        CHECK_INT(inlay_options_set_string(o, key, "x", 1), INLAY_ERR_ARGUMENT);
    }
    inlay_options_free(o);
}

TEST(unknown_keys_are_named) {
    inlay_options *o = fresh();
    static const int32_t keys[] = {0, -1, 99, 199, 305, INT32_MAX, INT32_MIN};
    int64_t integer = 7;
    double number = 7.0;
    const char *text = "7";
    size_t size = 7;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        CHECK_INT(inlay_options_set_int(o, keys[i], 1), INLAY_ERR_KEY);
        CHECK_INT(inlay_options_set_float(o, keys[i], 1.0), INLAY_ERR_KEY);
        CHECK_INT(inlay_options_set_string(o, keys[i], "1", 1), INLAY_ERR_KEY);
        CHECK_INT(inlay_options_set_text(o, keys[i], "1", 1), INLAY_ERR_KEY);
        CHECK_INT(inlay_options_get_int(o, keys[i], &integer), INLAY_ERR_KEY);
        CHECK_INT(inlay_options_get_float(o, keys[i], &number), INLAY_ERR_KEY);
        CHECK_INT(inlay_options_get_string(o, keys[i], &text, &size), INLAY_ERR_KEY);
    }
    CHECK(integer == 7 && number == 7.0 && size == 7);
    inlay_options_free(o);
}

TEST(messages_name_the_option_the_value_and_the_range) {
    inlay_options *o = fresh();
    CHECK_INT(inlay_options_set_int(o, INLAY_OPT_BATCH, 0), INLAY_ERR_ARGUMENT);
    CHECK_STR(inlay_error(), "inlay_options_set_int: option 'batch' is 0, expected 1 to 4096");
    CHECK_INT(inlay_options_set_float(o, INLAY_OPT_TOP_P, 1.5), INLAY_ERR_ARGUMENT);
    CHECK_STR(inlay_error(), "inlay_options_set_float: option 'top-p' is 1.5, expected 0 to 1");
    CHECK_INT(inlay_options_set_float(o, INLAY_OPT_BATCH, 1.0), INLAY_ERR_ARGUMENT);
    CHECK_STR(inlay_error(), "inlay_options_set_float: option 'batch' is an integer, not a number");
    inlay_options_free(o);
}

/* -------------------------------------------------------------------- strings */

static void check_cpu(const inlay_options *o, const char *expected) {
    const char *text = NULL;
    size_t size = 99;
    CHECK_INT(inlay_options_get_string(o, INLAY_OPT_CPU, &text, &size), INLAY_OK);
    CHECK_STR(text, expected);
    CHECK_INT(size, strlen(expected));
}

TEST(strings_are_copied_and_need_no_nul) {
    inlay_options *o = fresh();
    char text[] = "scalar!";
    CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, text, 6), INLAY_OK);
    memset(text, 'x', sizeof text - 1);
    check_cpu(o, "scalar");
    CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, "avx2", INLAY_ALL), INLAY_OK);
    check_cpu(o, "avx2");
    CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, "", 0), INLAY_OK);
    check_cpu(o, "");
    CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, "scalar", 6), INLAY_OK);
    CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, NULL, 0), INLAY_OK);
    check_cpu(o, "");
    inlay_options_free(o);
}

TEST(a_string_may_be_set_to_itself) {
    inlay_options *o = fresh();
    const char *text;
    size_t size;
    CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, "scalar", 6), INLAY_OK);
    CHECK_INT(inlay_options_get_string(o, INLAY_OPT_CPU, &text, &size), INLAY_OK);
    CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, text, size), INLAY_OK);
    check_cpu(o, "scalar");
    inlay_options_free(o);
}

TEST(names_of_no_cpu_level_are_refused) {
    inlay_options *o = fresh();
    const char *const bad[] = {"AVX2", "avx", "scalar ", "avx22", "sse", "none", "\xff\xfe"};
    CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, "scalar", 6), INLAY_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, bad[i], INLAY_ALL), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, "scalar\0x", 8), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_options_set_text(o, INLAY_OPT_CPU, "mmx", 3), INLAY_ERR_ARGUMENT);
    CHECK_HAS(inlay_error(), "'mmx'");
    check_cpu(o, "scalar");
    inlay_options_free(o);
}

/* ----------------------------------------------------------------------- text */

static void check_text(int32_t key, const char *text, int32_t expected) {
    inlay_options *o = fresh();
    int32_t status = inlay_options_set_text(o, key, text, INLAY_ALL);
    if (status != expected) fprintf(stderr, "text \"%s\"\n", text);
    CHECK_INT(status, expected);
    inlay_options_free(o);
}

TEST(text_becomes_the_kind_that_the_option_has) {
    inlay_options *o = fresh();
    int64_t integer = 0;
    double number = 0.0;
    CHECK_INT(inlay_options_set_text(o, INLAY_OPT_TOP_K, "40", INLAY_ALL), INLAY_OK);
    CHECK(inlay_options_get_int(o, INLAY_OPT_TOP_K, &integer) == INLAY_OK && integer == 40);
    CHECK_INT(inlay_options_set_text(o, INLAY_OPT_SEED, "9007199254740992zzz", 16), INLAY_OK);
    CHECK(inlay_options_get_int(o, INLAY_OPT_SEED, &integer) == INLAY_OK && integer == INT64_C(9007199254740992));
    CHECK_INT(inlay_options_set_text(o, INLAY_OPT_TEMPERATURE, "0.75", 4), INLAY_OK);
    CHECK(inlay_options_get_float(o, INLAY_OPT_TEMPERATURE, &number) == INLAY_OK && number == 0.75);
    CHECK_INT(inlay_options_set_text(o, INLAY_OPT_TEMPERATURE, "5e-1", 4), INLAY_OK);
    CHECK(inlay_options_get_float(o, INLAY_OPT_TEMPERATURE, &number) == INLAY_OK && number == 0.5);
    CHECK_INT(inlay_options_set_text(o, INLAY_OPT_TEMPERATURE, "2", 1), INLAY_OK);
    CHECK_INT(inlay_options_set_text(o, INLAY_OPT_CPU, "scalar", 6), INLAY_OK);
    check_cpu(o, "scalar");
    inlay_options_free(o);
}

TEST(text_that_is_no_value_is_refused) {
    const char *const bad[] = {"",    " ",    "x",     "1x",  " 1",  "1 ",  "0,5",
                               "nan", "inf", "-inf", "1e999", "--1", "0x1", "1.5.2"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check_text(INLAY_OPT_TEMPERATURE, bad[i], INLAY_ERR_ARGUMENT);
        check_text(INLAY_OPT_TOP_K, bad[i], INLAY_ERR_ARGUMENT);
    }
    check_text(INLAY_OPT_TOP_K, "1.5", INLAY_ERR_ARGUMENT);
    check_text(INLAY_OPT_TOP_K, "-1", INLAY_ERR_ARGUMENT);
    check_text(INLAY_OPT_TOP_K, "99999999999999999999", INLAY_ERR_ARGUMENT);
    check_text(INLAY_OPT_TOP_P, "1.0001", INLAY_ERR_ARGUMENT);
}

TEST(numbers_are_read_the_same_in_every_locale) {
    static const char *const locales[] = {"de_DE.UTF-8", "tr_TR.UTF-8", "fr_FR.UTF-8", "de_DE", "C.UTF-8"};
    for (size_t i = 0; i < sizeof locales / sizeof locales[0]; i++) {
        setlocale(LC_ALL, locales[i]); /* where it is installed */
        check_text(INLAY_OPT_TEMPERATURE, "0.5", INLAY_OK);
        check_text(INLAY_OPT_TEMPERATURE, "0,5", INLAY_ERR_ARGUMENT);
    }
    setlocale(LC_ALL, "C");
}

/* --------------------------------------------------------------------- memory */

TEST(all_memory_comes_from_the_allocator_given) {
    accounting a;
    inlay_options *o = NULL;
    accounting_init(&a);
    CHECK_INT(inlay_options_new_with_allocator(a.sys.alloc, a.sys.release, &a, &o), INLAY_OK);
    CHECK(a.n_live == 1);
    CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, "scalar", 6), INLAY_OK);
    CHECK(a.n_live == 2);
    CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, "neon", 4), INLAY_OK);
    CHECK(a.n_live == 2);
    inlay_options_free(o);
    CHECK(a.n_live == 0 && a.live == 0);
}

TEST(without_memory_options_stay_as_they_were) {
    accounting a;
    inlay_options *o = (inlay_options *)(uintptr_t)1;
    accounting_init(&a);
    a.fail_at = 1;
    CHECK_INT(inlay_options_new_with_allocator(a.sys.alloc, a.sys.release, &a, &o), INLAY_ERR_MEMORY);
    CHECK(o == NULL);
    CHECK_INT(inlay__options_new_with_sys(&a.sys, &o), INLAY_OK);
    CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, "scalar", 6), INLAY_OK);
    a.fail_at = a.n_allocs + 1;
    CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, "neon", 4), INLAY_ERR_MEMORY);
    check_cpu(o, "scalar");
    CHECK_INT(inlay_options_set_text(o, INLAY_OPT_CPU, "neon", 4), INLAY_OK); /* the next try */
    check_cpu(o, "neon");
    inlay_options_free(o);
    CHECK(a.live == 0);
}

TEST(an_allocator_needs_both_functions) {
    accounting a;
    inlay_options *o = (inlay_options *)(uintptr_t)1;
    accounting_init(&a);
    CHECK_INT(inlay_options_new_with_allocator(NULL, a.sys.release, &a, &o), INLAY_ERR_ARGUMENT);
    CHECK_HAS(inlay_error(), "alloc is NULL");
    CHECK(o == NULL);
    CHECK_INT(inlay_options_new_with_allocator(a.sys.alloc, NULL, &a, &o), INLAY_ERR_ARGUMENT);
    CHECK_HAS(inlay_error(), "release is NULL");
    CHECK_INT(a.n_allocs, 0);
}

TEST_MAIN(CASE(keys_names_and_kinds_are_those_of_the_header), CASE(defaults_are_those_of_the_header),
          CASE(every_range_is_kept), CASE(unknown_keys_are_named),
          CASE(messages_name_the_option_the_value_and_the_range), CASE(strings_are_copied_and_need_no_nul),
          CASE(a_string_may_be_set_to_itself), CASE(names_of_no_cpu_level_are_refused),
          CASE(text_becomes_the_kind_that_the_option_has), CASE(text_that_is_no_value_is_refused),
          CASE(numbers_are_read_the_same_in_every_locale), CASE(all_memory_comes_from_the_allocator_given),
          CASE(without_memory_options_stay_as_they_were), CASE(an_allocator_needs_both_functions))
