/* GGUF files made to break a reader: the known attacks on readers of this format, by name, and every lie that
 * a field can tell. Each must give its error, take no more memory than the file's size and 1 MiB, leave nothing. */
#include "test.h"

#include <time.h>

#include "format/gguf.h"
#include "format/packed.h"
#include "support/gguf_check.h"
#include "support/gguf_writer.h"

/* Takes the writer's file; checks all promises, the status, and that the message has the words. */
static void expect(gguf_writer *w, int32_t status, const char *words) {
    size_t size;
    uint8_t *bytes = gguf_writer_finish(w, &size);
    gguf_verdict verdict = gguf_check(bytes, size);
    if (verdict.broken != NULL) fprintf(stderr, "%s\n", verdict.broken);
    CHECK(verdict.broken == NULL);
    CHECK_INT(verdict.status, status);
    if (verdict.status != INLAY_OK && status != INLAY_OK) CHECK_HAS(inlay__error_text(), words);
    free(bytes);
}

static void expect_bytes(const void *data, size_t size, int32_t status, const char *words) {
    gguf_verdict verdict = gguf_check(data, size);
    CHECK(verdict.broken == NULL);
    CHECK_INT(verdict.status, status);
    if (verdict.status != INLAY_OK) CHECK_HAS(inlay__error_text(), words);
}

static const uint64_t huge[] = {
    UINT64_C(0x7fffffff), UINT64_C(0x80000000), UINT64_C(0xffffffff), UINT64_C(0x100000000), UINT64_C(1) << 61,
    UINT64_C(1) << 63,    UINT64_MAX - 1,       UINT64_MAX,           UINT64_MAX / 2 + 1,    UINT64_MAX / 4 + 1,
    UINT64_MAX / 8 + 2,   UINT64_MAX / 24 + 2,  UINT64_MAX / 56 + 2,  UINT64_MAX / 80 + 2,
};

#define FOR_HUGE(count) for (size_t h_ = 0; h_ < sizeof huge / sizeof huge[0] && ((count) = huge[h_], 1); h_++)

/* -------------------------------------------------------- counts and lengths */

/* TALOS-2024-1912, CVE-2024-21825 and relatives; ggml #15711. */
TEST(count_of_pairs_beyond_the_file) {
    uint64_t count;
    gguf_writer w;
    FOR_HUGE(count) {
        gguf_writer_init(&w);
        gguf_writer_u32(&w, "key", 1);
        w.n_kv = count;
        expect(&w, INLAY_ERR_FORMAT, "metadata pairs");
    }
    gguf_writer_init(&w);
    gguf_writer_u32(&w, "key", 1);
    w.n_kv = 2;
    expect(&w, INLAY_ERR_FORMAT, "metadata pairs");
}

/* The version of the packed form is one u32 of at least 1, and no other than this library's. */
TEST(packed_versions_that_are_none) {
    const uint32_t one = 1;
    gguf_writer w;
    gguf_writer_init(&w);
    gguf_writer_u32(&w, INLAY__PACKED_KEY, INLAY__PACKED_VERSION);
    expect(&w, INLAY_OK, "");
    gguf_writer_init(&w);
    gguf_writer_u32(&w, INLAY__PACKED_KEY, 0);
    expect(&w, INLAY_ERR_FORMAT, "is no version");
    gguf_writer_init(&w);
    gguf_writer_u64(&w, INLAY__PACKED_KEY, INLAY__PACKED_VERSION);
    expect(&w, INLAY_ERR_FORMAT, "is no version");
    gguf_writer_init(&w);
    gguf_writer_f32(&w, INLAY__PACKED_KEY, INLAY__PACKED_VERSION);
    expect(&w, INLAY_ERR_FORMAT, "is no version");
    gguf_writer_init(&w);
    gguf_writer_array(&w, INLAY__PACKED_KEY, INLAY__GGUF_U32, &one, 1);
    expect(&w, INLAY_ERR_FORMAT, "is no version");
    for (uint32_t version = 1; version <= INLAY__PACKED_VERSION + 1; version++) {
        if (version == INLAY__PACKED_VERSION) continue;
        gguf_writer_init(&w);
        gguf_writer_u32(&w, INLAY__PACKED_KEY, version);
        expect(&w, INLAY_ERR_UNSUPPORTED, "is packed in version");
    }
}

/* TALOS-2024-1913, CVE-2024-23496. */
TEST(count_of_tensors_beyond_the_file) {
    uint64_t count;
    gguf_writer w;
    FOR_HUGE(count) {
        gguf_writer_init(&w);
        gguf_writer_u32(&w, "key", 1);
        w.n_tensors = count;
        expect(&w, INLAY_ERR_FORMAT, "tensors");
        gguf_writer_init(&w);
        w.n_tensors = w.n_kv = count;
        expect(&w, INLAY_ERR_FORMAT, "than its 24 bytes");
    }
}

/* TALOS-2024-1914, CVE-2024-21802: length + 1 wraps to an empty buffer. */
TEST(length_of_a_string_beyond_the_file) {
    uint64_t count;
    FOR_HUGE(count) {
        gguf_writer w;
        gguf_writer_init(&w);
        gguf_writer_pair(&w, "key", 3, INLAY__GGUF_STRING);
        gguf_bytes_u64(&w.kv, count);
        gguf_bytes_u64(&w.kv, 0);
        expect(&w, INLAY_ERR_FORMAT, "ends inside metadata pair 0");
    }
}

TEST(length_of_a_key_beyond_the_file) {
    uint64_t count;
    FOR_HUGE(count) {
        gguf_writer w;
        gguf_writer_init(&w);
        gguf_bytes_u64(&w.kv, count);
        gguf_bytes_u64(&w.kv, 0);
        w.n_kv = 1;
        expect(&w, INLAY_ERR_FORMAT, "name of metadata pair 0");
    }
    gguf_writer w;
    gguf_writer_init(&w);
    gguf_bytes_u64(&w.kv, 9);
    gguf_bytes_u64(&w.kv, 0);
    w.n_kv = 1;
    expect(&w, INLAY_ERR_FORMAT, "ends inside metadata pair 0");
}

/* TALOS-2024-1915, CVE-2024-21836 and CVE-2024-23605: count times element size wraps; gguf-py #27188: 2^63 elements in
 * a file of 43 bytes. */
TEST(length_of_an_array_beyond_the_file) {
    uint64_t count;
    for (uint32_t type = 0; type < INLAY__GGUF_N_TYPES; type++) {
        if (type == INLAY__GGUF_ARRAY) continue;
        FOR_HUGE(count) {
            gguf_writer w;
            gguf_writer_init(&w);
            gguf_writer_pair(&w, "k", 1, INLAY__GGUF_ARRAY);
            gguf_bytes_u32(&w.kv, type);
            gguf_bytes_u64(&w.kv, count);
            gguf_bytes_u64(&w.kv, 0);
            expect(&w, INLAY_ERR_FORMAT, "ends inside metadata pair 0");
        }
    }
}

/* gguf-py #27188: 10 000 levels of arrays in arrays take the stack. */
TEST(arrays_of_arrays) {
    gguf_writer w;
    gguf_writer_init(&w);
    gguf_writer_pair(&w, "deep", 4, INLAY__GGUF_ARRAY);
    for (int i = 0; i < 10000; i++) {
        gguf_bytes_u32(&w.kv, INLAY__GGUF_ARRAY);
        gguf_bytes_u64(&w.kv, 1);
    }
    expect(&w, INLAY_ERR_UNSUPPORTED, "key 'deep' is an array of arrays");
}

TEST(value_types_that_do_not_exist) {
    static const uint32_t types[] = {13, 14, 255, 0x7fffffff, 0x80000000u, UINT32_MAX};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        gguf_writer w;
        gguf_writer_init(&w);
        gguf_writer_pair(&w, "odd", 3, types[i]);
        gguf_bytes_u64(&w.kv, 0);
        expect(&w, INLAY_ERR_FORMAT, "key 'odd' has values of type");
        gguf_writer_init(&w);
        gguf_writer_pair(&w, "odd", 3, INLAY__GGUF_ARRAY);
        gguf_bytes_u32(&w.kv, types[i]);
        gguf_bytes_u64(&w.kv, 0);
        expect(&w, INLAY_ERR_FORMAT, "key 'odd' has values of type");
    }
}

TEST(booleans_other_than_0_and_1) {
    const uint8_t values[] = {0, 1, 2};
    gguf_writer w;
    for (unsigned value = 2; value < 256; value++) {
        gguf_writer_init(&w);
        gguf_writer_pair(&w, "flag", 4, INLAY__GGUF_BOOL);
        gguf_bytes_u8(&w.kv, (uint8_t)value);
        expect(&w, INLAY_ERR_FORMAT, "key 'flag' holds the boolean");
    }
    gguf_writer_init(&w);
    gguf_writer_array(&w, "flags", INLAY__GGUF_BOOL, values, 3);
    expect(&w, INLAY_ERR_FORMAT, "key 'flags' holds the boolean 2");
}

/* ---------------------------------------------------------------- the header */

TEST(files_that_are_something_else) {
    static const char lfs[] = "version https://git-lfs.github.com/spec/v1\n";
    static const uint8_t big[24] = {'G', 'G', 'U', 'F', 0, 0, 0, 3};
    expect_bytes("", 0, INLAY_ERR_FORMAT, "is empty");
    expect_bytes("G", 1, INLAY_ERR_FORMAT, "is not a GGUF file");
    expect_bytes("GGUF", 4, INLAY_ERR_FORMAT, "ends inside the GGUF header");
    expect_bytes("GGUF\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 23, INLAY_ERR_FORMAT, "ends inside the GGUF header");
    expect_bytes("{\"metadata\": {}}", 16, INLAY_ERR_FORMAT, "is not a GGUF file");
    expect_bytes("FUGG\0\0\0\3\0\0\0\0", 12, INLAY_ERR_UNSUPPORTED, "big-endian");
    expect_bytes(big, sizeof big, INLAY_ERR_UNSUPPORTED, "big-endian");
    expect_bytes("tjgg\3\0\0\0", 8, INLAY_ERR_UNSUPPORTED, "from before GGUF");
    expect_bytes("lmgg\3\0\0\0", 8, INLAY_ERR_UNSUPPORTED, "from before GGUF");
    expect_bytes(lfs, sizeof lfs - 1, INLAY_ERR_FORMAT, "Git LFS pointer");
}

TEST(versions_other_than_2_and_3) {
    static const uint32_t versions[] = {0, 1, 4, 5, 255, 0x7fffffff, UINT32_MAX};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        gguf_writer w;
        gguf_writer_init(&w);
        w.version = versions[i];
        expect(&w, INLAY_ERR_UNSUPPORTED, "versions 2 and 3");
    }
}

/* ---------------------------------------------------------------------- names */

static void expect_name(const char *name, size_t size, int32_t status, const char *words) {
    gguf_writer w;
    char message[64];
    gguf_writer_init(&w);
    gguf_writer_pair(&w, name, size, INLAY__GGUF_U8);
    gguf_bytes_u8(&w.kv, 1);
    snprintf(message, sizeof message, "the name of metadata pair 0 %s", words);
    expect(&w, status, message);
    gguf_writer_init(&w);
    gguf_writer_tensor_info(&w, name, size, INLAY_TYPE_F32, 1, (uint64_t[]){1}, 0);
    gguf_bytes_u32(&w.data, 0);
    snprintf(message, sizeof message, "the name of tensor 0 %s", words);
    expect(&w, status, message);
}

/* llama.cpp #24884: an empty key hits an assertion. */
TEST(names_that_are_empty_or_no_text) {
    expect_name("", 0, INLAY_ERR_FORMAT, "is empty");
    expect_name("a\0b", 3, INLAY_ERR_FORMAT, "contains a NUL");
    expect_name("\0", 1, INLAY_ERR_FORMAT, "contains a NUL");
    expect_name("a\x80", 2, INLAY_ERR_FORMAT, "is not UTF-8");
    expect_name("a\xc3", 2, INLAY_ERR_FORMAT, "is not UTF-8");
    expect_name("\xed\xa0\x80", 3, INLAY_ERR_FORMAT, "is not UTF-8"); /* a surrogate */
    expect_name("\xc0\x80", 2, INLAY_ERR_FORMAT, "is not UTF-8");     /* overlong */
    expect_name("\xc3\xa4", 2, INLAY_OK, "");
}

TEST(names_of_the_greatest_length_and_one_more) {
    static char name[65536];
    gguf_writer w;
    memset(name, 'k', sizeof name);
    for (size_t size = 65535; size <= 65536; size++) {
        gguf_writer_init(&w);
        gguf_writer_pair(&w, name, size, INLAY__GGUF_U8);
        gguf_bytes_u8(&w.kv, 1);
        expect(&w, size == 65535 ? INLAY_OK : INLAY_ERR_FORMAT, "65536 bytes, more than the 65535");
    }
    for (size_t size = 1024; size <= 1025; size++) {
        gguf_writer_init(&w);
        gguf_writer_tensor_info(&w, name, size, INLAY_TYPE_F32, 1, (uint64_t[]){1}, 0);
        gguf_bytes_u32(&w.data, 0);
        expect(&w, size == 1024 ? INLAY_OK : INLAY_ERR_FORMAT, "1025 bytes, more than the 1024");
    }
}

TEST(names_that_occur_twice) {
    gguf_writer w;
    gguf_writer_init(&w);
    gguf_writer_u32(&w, "same", 1);
    gguf_writer_u32(&w, "other", 1);
    gguf_writer_string(&w, "same", "x");
    expect(&w, INLAY_ERR_FORMAT, "key 'same' occurs twice");
    gguf_writer_init(&w);
    gguf_writer_tensor(&w, "t", INLAY_TYPE_F32, 1, (uint64_t[]){1}, "1234", 4);
    gguf_writer_tensor(&w, "t", INLAY_TYPE_F32, 1, (uint64_t[]){1}, "5678", 4);
    expect(&w, INLAY_ERR_FORMAT, "tensor 't' occurs twice");
}

/* ------------------------------------------------------------------ alignment */

/* llama.cpp #26318, #24997: of another type, 0, no power of two, so large that padding wraps. */
TEST(alignments) {
    static const uint32_t good[] = {1, 2, 8, 16, 32, 64, 4096, 65536};
    static const uint32_t bad[] = {0, 3, 12, 48, 65535, 65537, 131072, 1u << 20, 1u << 31, UINT32_MAX};
    gguf_writer w;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        gguf_writer_init(&w);
        gguf_writer_alignment(&w, good[i]);
        gguf_writer_tensor(&w, "t", INLAY_TYPE_F32, 1, (uint64_t[]){1}, "1234", 4);
        expect(&w, INLAY_OK, "");
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        gguf_writer_init(&w);
        gguf_writer_u32(&w, "general.alignment", bad[i]);
        expect(&w, INLAY_ERR_FORMAT, "key 'general.alignment' is");
    }
    gguf_writer_init(&w);
    gguf_writer_u64(&w, "general.alignment", 32);
    expect(&w, INLAY_ERR_FORMAT, "of type u64, where a u32");
    gguf_writer_init(&w);
    gguf_writer_i32(&w, "general.alignment", 32);
    expect(&w, INLAY_ERR_FORMAT, "of type i32, where a u32");
    gguf_writer_init(&w);
    gguf_writer_string(&w, "general.alignment", "32");
    expect(&w, INLAY_ERR_FORMAT, "of type string, where a u32");
    gguf_writer_init(&w);
    gguf_writer_array(&w, "general.alignment", INLAY__GGUF_U32, "\x20\0\0", 1);
    expect(&w, INLAY_ERR_FORMAT, "an array of u32, where a u32");
}

/* -------------------------------------------------------------------- tensors */

static void expect_tensor(uint32_t type, uint32_t n_dims, const uint64_t *shape, uint64_t offset, size_t data_size,
                          int32_t status, const char *words) {
    gguf_writer w;
    gguf_writer_init(&w);
    gguf_writer_tensor_info(&w, "t", 1, type, n_dims, shape, offset);
    for (size_t i = 0; i < data_size; i++)
        gguf_bytes_u8(&w.data, (uint8_t)i);
    expect(&w, status, words);
}

/* CVE-2024-41130: the table promises data and the file ends with the header. */
TEST(tensors_without_any_data) {
    expect_tensor(INLAY_TYPE_F32, 1, (uint64_t[]){1}, 0, 0, INLAY_ERR_FORMAT,
                  "tensor 't' has 4 bytes at offset 0, past the end");
    gguf_writer w;
    gguf_writer_init(&w);
    w.n_tensors = 1;
    gguf_writer_u64(&w, "a key that makes the file long enough", 0);
    expect(&w, INLAY_ERR_FORMAT, "ends inside tensor 0");
}

/* CVE-2026-7482: the last tensor of the file is one row, or one byte, larger than the data. */
TEST(shape_larger_than_the_data) {
    expect_tensor(INLAY_TYPE_F32, 2, (uint64_t[]){4, 4}, 0, 64, INLAY_OK, "");
    expect_tensor(INLAY_TYPE_F32, 2, (uint64_t[]){4, 5}, 0, 64, INLAY_ERR_FORMAT, "past the end of the file");
    expect_tensor(INLAY_TYPE_F32, 2, (uint64_t[]){4, 4}, 0, 63, INLAY_ERR_FORMAT, "past the end of the file");
    expect_tensor(INLAY_TYPE_Q4_K, 2, (uint64_t[]){256, 2}, 0, 288, INLAY_OK, "");
    expect_tensor(INLAY_TYPE_Q4_K, 2, (uint64_t[]){256, 3}, 0, 288, INLAY_ERR_FORMAT, "past the end of the file");
}

TEST(offset_outside_the_file_or_unaligned) {
    uint64_t offset;
    expect_tensor(INLAY_TYPE_F32, 1, (uint64_t[]){8}, 32, 64, INLAY_OK, "");
    expect_tensor(INLAY_TYPE_F32, 1, (uint64_t[]){8}, 64, 64, INLAY_ERR_FORMAT, "past the end of the file");
    expect_tensor(INLAY_TYPE_F32, 1, (uint64_t[]){8}, 96, 64, INLAY_ERR_FORMAT, "past the end of the file");
    expect_tensor(INLAY_TYPE_F32, 1, (uint64_t[]){1}, 4, 64, INLAY_ERR_FORMAT, "no multiple of the alignment 32");
    FOR_HUGE(offset) {
        expect_tensor(INLAY_TYPE_F32, 1, (uint64_t[]){8}, offset & ~UINT64_C(31), 64, INLAY_ERR_FORMAT,
                      "past the end of the file");
        if (offset % 32 != 0)
            expect_tensor(INLAY_TYPE_F32, 1, (uint64_t[]){8}, offset, 64, INLAY_ERR_FORMAT,
                          "no multiple of the alignment 32");
    }
}

/* CVE-2026-33298: the product of the dimensions wraps to a small number. */
TEST(dimensions_whose_product_wraps) {
    const uint64_t three[] = {4194305, 4194305, UINT64_C(211106198978564)};
    const uint64_t root = UINT64_C(1) << 32;
    CHECK(three[0] * three[1] * three[2] == 4); /* modulo 2^64 */
    expect_tensor(INLAY_TYPE_F32, 3, three, 0, 64, INLAY_ERR_FORMAT, "more elements than 64 bits");
    expect_tensor(INLAY_TYPE_F32, 1, (uint64_t[]){(UINT64_C(1) << 42) + 1}, 0, 64, INLAY_ERR_FORMAT,
                  "past the end of the file");
    expect_tensor(INLAY_TYPE_F32, 2, (uint64_t[]){root, root}, 0, 64, INLAY_ERR_FORMAT, "more elements than 64 bits");
    expect_tensor(INLAY_TYPE_F32, 4, (uint64_t[]){root, root, root, root}, 0, 64, INLAY_ERR_FORMAT,
                  "more elements than 64 bits");
    expect_tensor(24, 1, (uint64_t[]){UINT64_MAX}, 0, 64, INLAY_ERR_FORMAT, "more elements than 64 bits");
    expect_tensor(24, 1, (uint64_t[]){(uint64_t)INT64_MAX + 1}, 0, 64, INLAY_ERR_FORMAT, "more elements than 64 bits");
    expect_tensor(INLAY_TYPE_F32, 1, (uint64_t[]){INT64_MAX}, 0, 64, INLAY_ERR_FORMAT, "more bytes than 64 bits");
    expect_tensor(INLAY_TYPE_F32, 2, (uint64_t[]){1, INT64_MAX}, 0, 64, INLAY_ERR_FORMAT, "more bytes than 64 bits");
    expect_tensor(28, 2, (uint64_t[]){UINT64_C(1) << 31, UINT64_C(1) << 31}, 0, 64, INLAY_ERR_FORMAT,
                  "more bytes than 64 bits");
}

/* CVE-2025-53630 and its bypass CVE-2026-27940: sizes that are each possible and whose sum wraps. */
TEST(tensors_whose_sizes_sum_past_64_bits) {
    const uint64_t n = UINT64_C(0x7fffffffffffffc0);
    for (int second_at_end = 0; second_at_end < 2; second_at_end++) {
        gguf_writer w;
        gguf_writer_init(&w);
        gguf_writer_tensor_info(&w, "a", 1, 24, 1, &n, 0);
        gguf_writer_tensor_info(&w, "b", 1, 24, 1, &n, second_at_end ? n : 0);
        gguf_writer_tensor_info(&w, "c", 1, 24, 1, (uint64_t[]){192}, second_at_end ? n * 2 : 0);
        for (int i = 0; i < 256; i++)
            gguf_bytes_u8(&w.data, 0);
        expect(&w, INLAY_ERR_FORMAT, "past the end of the file");
    }
}

/* ggml #1517, llama.cpp #8816: division by a dimension of 0. */
TEST(dimensions_of_zero) {
    for (uint32_t d = 0; d < 4; d++) {
        uint64_t shape[4] = {32, 32, 32, 32};
        shape[d] = 0;
        expect_tensor(INLAY_TYPE_Q8_0, 4, shape, 0, 64, INLAY_ERR_FORMAT, "of size 0");
    }
    expect_tensor(INLAY_TYPE_F32, 4, (uint64_t[]){0, UINT64_MAX, UINT64_MAX, UINT64_MAX}, 0, 64, INLAY_ERR_FORMAT,
                  "of size 0");
}

TEST(numbers_of_dimensions_other_than_1_to_4) {
    static const uint32_t numbers[] = {0, 5, 8, 0x7fffffff, 0x80000000u, UINT32_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        expect_tensor(INLAY_TYPE_F32, numbers[i], (uint64_t[]){1, 1, 1, 1, 1, 1, 1, 1}, 0, 64, INLAY_ERR_FORMAT,
                      "dimensions, where 1 to 4 are expected");
}

TEST(tensor_types_removed_or_unknown) {
    static const uint32_t types[] = {4, 5, 31, 32, 33, 36, 37, 38, 42, 255, 0x7fffffff, 0x80000000u, UINT32_MAX};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        expect_tensor(types[i], 1, (uint64_t[]){256}, 0, 1024, INLAY_ERR_UNSUPPORTED, "tensor 't' has type");
    expect_tensor(31, 1, (uint64_t[]){256}, 0, 1024, INLAY_ERR_UNSUPPORTED, "Q4_0_4_4");
}

TEST(rows_that_are_no_whole_blocks) {
    expect_tensor(INLAY_TYPE_Q4_0, 1, (uint64_t[]){31}, 0, 64, INLAY_ERR_FORMAT, "no multiple of the 32");
    expect_tensor(INLAY_TYPE_Q6_K, 2, (uint64_t[]){128, 2}, 0, 512, INLAY_ERR_FORMAT, "no multiple of the 256");
    expect_tensor(INLAY_TYPE_Q8_0, 2, (uint64_t[]){1, 32}, 0, 64, INLAY_ERR_FORMAT, "no multiple of the 32");
}

TEST(tensors_that_overlap) {
    static const struct {
        uint64_t a, b;
        int32_t status;
    } offsets[] = {
        {0, 96, INLAY_OK},         {96, 0, INLAY_OK},          {0, 64, INLAY_ERR_FORMAT},
        {64, 0, INLAY_ERR_FORMAT}, {32, 32, INLAY_ERR_FORMAT}, {0, 0, INLAY_ERR_FORMAT},
    };
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        gguf_writer w;
        gguf_writer_init(&w);
        gguf_writer_tensor_info(&w, "a", 1, 24, 1, (uint64_t[]){96}, offsets[i].a);
        gguf_writer_tensor_info(&w, "b", 1, 24, 1, (uint64_t[]){96}, offsets[i].b);
        for (int k = 0; k < 192; k++)
            gguf_bytes_u8(&w.data, 0);
        expect(&w, offsets[i].status, "overlap");
    }
}

/* One wide tensor that covers many others, in an order that a comparison of neighbours in the table misses. */
TEST(a_tensor_that_covers_others) {
    gguf_writer w;
    gguf_writer_init(&w);
    for (uint32_t i = 0; i < 50; i++) {
        char name[8];
        snprintf(name, sizeof name, "t%u", i);
        gguf_writer_tensor_info(&w, name, strlen(name), 24, 1, (uint64_t[]){i == 20 ? 640 : 32}, (49 - i) * 32);
    }
    for (int k = 0; k < 50 * 32; k++)
        gguf_bytes_u8(&w.data, 0);
    expect(&w, INLAY_ERR_FORMAT, "overlap");
}

/* ----------------------------------------------------------------- many of them */

/* ggml compares every name with every other, which takes minutes for so many. The bound leaves room for sanitizers
 * and emulators; without them each of these takes a fraction of a second. */
enum { MANY_SECONDS = 10 };

TEST(a_million_pairs_are_loaded_or_refused_at_once) {
    enum { N = 1 << 20 };
    gguf_writer w;
    char key[16];
    gguf_writer_init(&w);
    for (int i = 0; i < N; i++) {
        gguf_writer_pair(&w, key, (size_t)snprintf(key, sizeof key, "%x", i), INLAY__GGUF_U8);
        gguf_bytes_u8(&w.kv, 0);
    }
    clock_t start = clock();
    expect(&w, INLAY_ERR_UNSUPPORTED, "too many for a file of");
    CHECK((double)(clock() - start) / CLOCKS_PER_SEC < MANY_SECONDS);
}

TEST(a_quarter_million_tensors_are_loaded_at_once) {
    enum { N = 1 << 18 };
    gguf_writer w;
    char name[16];
    gguf_writer_init(&w);
    gguf_writer_alignment(&w, 1);
    for (uint32_t i = 0; i < N; i++) {
        size_t size = (size_t)snprintf(name, sizeof name, "%x", i);
        gguf_writer_tensor_info(&w, name, size, 24, 1, (uint64_t[]){512}, (uint64_t)(N - 1 - i) * 512);
    }
    for (uint32_t i = 0; i < N * 64; i++)
        gguf_bytes_u64(&w.data, i);
    clock_t start = clock();
    expect(&w, INLAY_OK, "");
    CHECK((double)(clock() - start) / CLOCKS_PER_SEC < MANY_SECONDS);
}

/* As many pairs or tensors as a small file may have, and one more. */
TEST(counts_just_below_and_above_the_limit_of_memory) {
    for (int tensors = 0; tensors < 2; tensors++) {
        int32_t before = INLAY_OK;
        for (int n = 1000; n < 20000; n += 97) {
            gguf_writer w;
            size_t size;
            char name[16];
            gguf_writer_init(&w);
            w.alignment = 1;
            if (tensors) gguf_writer_alignment(&w, 1);
            for (int i = 0; i < n; i++) {
                size_t length = (size_t)snprintf(name, sizeof name, "%x", i);
                if (tensors) {
                    gguf_writer_tensor_info(&w, name, length, 24, 1, (uint64_t[]){1}, (uint64_t)i);
                    gguf_bytes_u8(&w.data, 0);
                } else {
                    gguf_writer_pair(&w, name, length, INLAY__GGUF_U8);
                    gguf_bytes_u8(&w.kv, 0);
                }
            }
            uint8_t *bytes = gguf_writer_finish(&w, &size);
            gguf_verdict verdict = gguf_check(bytes, size);
            CHECK(verdict.broken == NULL);
            CHECK(verdict.status == INLAY_OK || verdict.status == INLAY_ERR_UNSUPPORTED);
            CHECK(before == INLAY_OK || verdict.status != INLAY_OK); /* once too many, always too many */
            before = verdict.status;
            free(bytes);
            if (before != INLAY_OK) n += 4000;
        }
        CHECK_INT(before, INLAY_ERR_UNSUPPORTED);
    }
}

TEST_MAIN(CASE(count_of_pairs_beyond_the_file), CASE(count_of_tensors_beyond_the_file),
          CASE(length_of_a_string_beyond_the_file), CASE(length_of_a_key_beyond_the_file),
          CASE(length_of_an_array_beyond_the_file), CASE(arrays_of_arrays), CASE(value_types_that_do_not_exist),
          CASE(booleans_other_than_0_and_1), CASE(files_that_are_something_else), CASE(versions_other_than_2_and_3),
          CASE(names_that_are_empty_or_no_text), CASE(names_of_the_greatest_length_and_one_more),
          CASE(names_that_occur_twice), CASE(alignments), CASE(tensors_without_any_data),
          CASE(shape_larger_than_the_data), CASE(offset_outside_the_file_or_unaligned),
          CASE(dimensions_whose_product_wraps), CASE(tensors_whose_sizes_sum_past_64_bits), CASE(dimensions_of_zero),
          CASE(numbers_of_dimensions_other_than_1_to_4), CASE(tensor_types_removed_or_unknown),
          CASE(rows_that_are_no_whole_blocks), CASE(tensors_that_overlap), CASE(a_tensor_that_covers_others),
          CASE(a_million_pairs_are_loaded_or_refused_at_once), CASE(a_quarter_million_tensors_are_loaded_at_once),
          CASE(counts_just_below_and_above_the_limit_of_memory), CASE(packed_versions_that_are_none))
