/* Files: what opens, what is refused, what happens when they change. */
#include "test.h"

#include "base/map_file.h"
#include "base/out_file.h"
#include "support/accounting_sys.h"
#include "support/posix.h"
#include "support/temp_file.h"

static int64_t short_read(void *user, int fd, void *buffer, size_t size, uint64_t offset) {
    (void)user;
    return offset >= 8 ? 0 : inlay__sys_default.file_read(NULL, fd, buffer, size < 3 ? size : 3, offset);
}

static int64_t failing_read(void *user, int fd, void *buffer, size_t size, uint64_t offset) {
    (void)user, (void)fd, (void)buffer, (void)size, (void)offset;
    return -1;
}

static void *no_map(void *user, int fd, uint64_t offset, size_t size) {
    (void)user, (void)fd, (void)offset, (void)size;
    return NULL;
}

TEST(a_file_is_mapped_or_copied_as_asked) {
    const char *path = temp_file("bytes", "0123456789", 10);
    static const int32_t loads[] = {INLAY_LOAD_AUTO, INLAY_LOAD_MAP, INLAY_LOAD_COPY};
    for (size_t i = 0; i < 3; i++) {
        accounting a;
        inlay__file file;
        accounting_init(&a);
        CHECK_INT(inlay__file_open(&a.sys, path, loads[i], &file), INLAY_OK);
        CHECK(file.size == 10 && memcmp(file.data, "0123456789", 10) == 0);
        CHECK_INT(file.mapped, loads[i] == INLAY_LOAD_MAP);
        CHECK_INT(inlay__file_check(&a.sys, path, &file), INLAY_OK);
        inlay__file_forget(&a.sys, &file, file.data, file.size);
        CHECK(memcmp(file.data, "0123456789", 10) == 0);
        inlay__file_close(&a.sys, &file);
        CHECK_INT(a.n_live, 0);
    }
}

static void refused(const inlay__sys *sys, const char *path, int32_t load, int32_t status, const char *words) {
    inlay__file file;
    CHECK_INT(inlay__file_open(sys, path, load, &file), status);
    CHECK_HAS(inlay__error_text(), path);
    CHECK_HAS(inlay__error_text(), words);
}

#ifdef _WIN32
#include <wchar.h>
#include <windows.h>

/* Whether the system sees the file under the letters that UTF-8 tells. */
static bool has_wide_name(const char *path) {
    wchar_t wide[1024];
    return MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, 1024) > 0 &&
           wcsstr(wide, L"gr\u00f6\u00dfe \u6a21\u578b") != NULL && GetFileAttributesW(wide) != INVALID_FILE_ATTRIBUTES;
}
#else
static bool has_wide_name(const char *path) { return access(path, F_OK) == 0; }
#endif

TEST(paths_are_utf8_on_every_system) {
    const char *path = temp_path("gr\xc3\xb6\xc3\x9f" "e \xe6\xa8\xa1\xe5\x9e\x8b \xf0\x9f\xa6\x8a.gguf");
    const inlay__sys *sys = &inlay__sys_default;
    inlay__out_file out;
    inlay__file file;
    for (int i = 0; i < 2; i++) { /* and once more over what is there */
        CHECK_INT(inlay__out_file_open(sys, path, &out), INLAY_OK);
        CHECK_INT(inlay__out_file_write(&out, "bytes", 5), INLAY_OK);
        CHECK_INT(inlay__out_file_finish(&out), INLAY_OK);
        inlay__out_file_drop(&out);
    }
    CHECK(has_wide_name(path));
    for (int32_t load = INLAY_LOAD_MAP; load <= INLAY_LOAD_COPY; load++) {
        if (!CHECK(inlay__file_open(sys, path, load, &file) == INLAY_OK)) return;
        CHECK(file.size == 5 && memcmp(file.data, "bytes", 5) == 0);
        inlay__file_close(sys, &file);
    }
    sys->file_remove(NULL, path);
    CHECK_INT(inlay__file_open(sys, path, INLAY_LOAD_AUTO, &file), INLAY_ERR_IO);
    CHECK_INT(inlay__file_open(sys, temp_path("\xff\xfe"), INLAY_LOAD_AUTO, &file), INLAY_ERR_IO);
}

TEST(what_is_no_file_of_bytes_is_refused) {
    const char *fifo = temp_path("fifo");
    refused(&inlay__sys_default, temp_path("missing"), INLAY_LOAD_AUTO, INLAY_ERR_IO, "cannot be opened");
    refused(&inlay__sys_default, "/", INLAY_LOAD_AUTO, INLAY_ERR_IO, "regular file");
#ifndef _WIN32
    refused(&inlay__sys_default, "/dev/zero", INLAY_LOAD_AUTO, INLAY_ERR_IO, "regular file");
#endif
    refused(&inlay__sys_default, temp_file("empty", "", 0), INLAY_LOAD_AUTO, INLAY_ERR_FORMAT, "empty");
    unlink(fifo);
    if (mkfifo(fifo, 0600) == 0) refused(&inlay__sys_default, fifo, INLAY_LOAD_AUTO, INLAY_ERR_IO, "regular file");
    unlink(fifo);
}

TEST(a_read_that_ends_early_or_fails_is_an_error_without_leaks) {
    accounting a;
    accounting_init(&a);
    const char *path = temp_file("bytes", "0123456789", 10);
    a.sys.file_read = short_read;
    refused(&a.sys, path, INLAY_LOAD_COPY, INLAY_ERR_IO, "of 10 bytes");
    a.sys.file_read = failing_read;
    refused(&a.sys, path, INLAY_LOAD_COPY, INLAY_ERR_IO, "an error");
    CHECK_INT(a.n_live, 0);
    a.sys.file_read = inlay__sys_default.file_read;
    a.fail_at = a.n_allocs + 1;
    inlay__file file;
    CHECK_INT(inlay__file_open(&a.sys, path, INLAY_LOAD_COPY, &file), INLAY_ERR_MEMORY);
}

TEST(a_refused_mapping_becomes_a_copy) {
    accounting a;
    inlay__file file;
    accounting_init(&a);
    a.sys.file_map = no_map;
    CHECK_INT(inlay__file_open(&a.sys, temp_file("bytes", "0123456789", 10), INLAY_LOAD_MAP, &file), INLAY_OK);
    CHECK(!file.mapped && file.owned && memcmp(file.data, "0123456789", 10) == 0);
    inlay__file_close(&a.sys, &file);
    CHECK_INT(a.n_live, 0);
}

TEST(a_mapped_file_that_changes_is_noticed) {
    inlay__file file;
    const char *path = temp_file("changing", "0123456789", 10);
    CHECK_INT(inlay__file_open(&inlay__sys_default, path, INLAY_LOAD_MAP, &file), INLAY_OK);
    FILE *out = fopen(path, "ab");
    if (!CHECK(out != NULL)) return;
    fputs("more", out);
    fclose(out);
    CHECK_INT(inlay__file_check(&inlay__sys_default, path, &file), INLAY_ERR_CHANGED);
    CHECK_HAS(inlay__error_text(), path);
    inlay__file_close(&inlay__sys_default, &file);
}

TEST(a_file_replaced_by_renaming_stays_as_it_was_opened) {
    if (!CAN_REPLACE_MAPPED) SKIP("a mapped file cannot be replaced");
    inlay__file file;
    const char *path = temp_file("replaced", "0123456789", 10);
    CHECK_INT(inlay__file_open(&inlay__sys_default, path, INLAY_LOAD_MAP, &file), INLAY_OK);
    CHECK(rename(temp_file("new", "abc", 3), path) == 0);
    CHECK_INT(inlay__file_check(&inlay__sys_default, path, &file), INLAY_OK);
    CHECK(memcmp(file.data, "0123456789", 10) == 0);
    inlay__file_close(&inlay__sys_default, &file);
}

TEST_MAIN(CASE(paths_are_utf8_on_every_system), CASE(a_file_is_mapped_or_copied_as_asked),
          CASE(what_is_no_file_of_bytes_is_refused), CASE(a_read_that_ends_early_or_fails_is_an_error_without_leaks),
          CASE(a_refused_mapping_becomes_a_copy), CASE(a_mapped_file_that_changes_is_noticed),
          CASE(a_file_replaced_by_renaming_stays_as_it_was_opened))
