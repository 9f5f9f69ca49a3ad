/* What the library says of itself. */
#include "test.h"

#include <pthread.h>

#include "inlay.h"
#include "kernels/cpu.h"

TEST(versions_are_those_of_the_header) {
    char text[64];
    snprintf(text, sizeof text, "%d.%d.%d", INLAY_VERSION_MAJOR, INLAY_VERSION_MINOR, INLAY_VERSION_PATCH);
    CHECK_STR(inlay_version(), text);
    CHECK_INT(inlay_abi_version(), INLAY_ABI_VERSION);
    CHECK_INT(inlay_abi_version(), 1);
    CHECK_INT(inlay_arithmetic_version(), 1);
}

TEST(the_build_is_told_in_one_line) {
    const char *info = inlay_build_info();
    CHECK_HAS(info, inlay_version());
    CHECK_HAS(info, "scalar");
    CHECK_HAS(info, "arithmetic version 1");
    CHECK(strchr(info, '\n') == NULL);
#if defined(__clang__)
    CHECK_HAS(info, "clang");
#elif defined(__GNUC__)
    CHECK_HAS(info, "gcc");
#endif
}

TEST(the_cpu_level_is_one_that_this_machine_and_build_have) {
    inlay__cpu level = INLAY__CPU_N_LEVELS;
    CHECK(inlay__cpu_find(inlay_cpu(), strlen(inlay_cpu()), &level));
    CHECK(inlay__cpu_has(level));
    CHECK(level == inlay__cpu_best());
}

TEST(every_status_has_its_name_and_words) {
#define CHECK_STATUS(name, value, text)                     \
    CHECK_STR(inlay_status_name(value), "INLAY_" #name);    \
    CHECK_STR(inlay_status_text(value), text);              \
    CHECK_INT(INLAY_##name, value);
    INLAY_STATUS_LIST(CHECK_STATUS)
    CHECK_STR(inlay_status_name(INLAY_ERR_FORMAT), "INLAY_ERR_FORMAT");
    const int32_t none[] = {2, 3, -18, -1000, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        CHECK_STR(inlay_status_name(none[i]), "unknown status");
        CHECK(inlay_status_text(none[i]) != NULL);
    }
}

static void *look(void *arg) {
    snprintf(arg, 64, "%s", inlay_error());
    inlay_option_describe(777, NULL, NULL, NULL, NULL, NULL);
    return NULL;
}

TEST(each_thread_has_its_own_error) {
    pthread_t thread;
    char seen[64] = "x";
    CHECK_INT(inlay_option_describe(555, NULL, NULL, NULL, NULL, NULL), INLAY_ERR_KEY);
    CHECK_INT(pthread_create(&thread, NULL, look, seen), 0);
    pthread_join(thread, NULL);
    CHECK_STR(seen, "");
    CHECK_HAS(inlay_error(), "555");
}

TEST(a_call_that_succeeds_leaves_the_error) {
    CHECK_INT(inlay_option_describe(556, NULL, NULL, NULL, NULL, NULL), INLAY_ERR_KEY);
    CHECK_INT(inlay_option_describe(INLAY_OPT_SEED, NULL, NULL, NULL, NULL, NULL), INLAY_OK);
    CHECK_HAS(inlay_error(), "556");
}

TEST(names_of_tensor_types) {
    CHECK_STR(inlay_type_name(INLAY_TYPE_Q4_K), "Q4_K");
    CHECK_STR(inlay_type_name(INLAY_TYPE_F32), "F32");
    CHECK_STR(inlay_type_name(INLAY_TYPE_BF16), "BF16");
    CHECK(inlay_type_name(-1) == NULL && inlay_type_name(1000) == NULL && inlay_type_name(INT32_MAX) == NULL);
    CHECK(inlay_type_name(INT32_MIN) == NULL && inlay_type_name(4) == NULL);
}

TEST_MAIN(CASE(versions_are_those_of_the_header), CASE(the_build_is_told_in_one_line),
          CASE(the_cpu_level_is_one_that_this_machine_and_build_have), CASE(every_status_has_its_name_and_words),
          CASE(each_thread_has_its_own_error), CASE(a_call_that_succeeds_leaves_the_error),
          CASE(names_of_tensor_types))
