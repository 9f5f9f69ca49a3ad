/* The safetensors parser: what it reads, and each way in which a file can lie. */
#include "test.h"

#include "format/safetensors.h"
#include "support/accounting_sys.h"
#include "support/fail_sys.h"

typedef struct bytes {
    uint8_t *data; /* from malloc */
    size_t size;
} bytes;

/* A file with this header, whose length it says truly, and data of n bytes 0, 1, 2, ... */
static bytes make_file(const char *header, size_t header_size, size_t n) {
    bytes b = {malloc(8 + header_size + n + 1), 8 + header_size + n};
    for (size_t i = 0; i < 8; i++) b.data[i] = (uint8_t)((uint64_t)header_size >> (8 * i));
    memcpy(b.data + 8, header, header_size);
    for (size_t i = 0; i < n; i++) b.data[8 + header_size + i] = (uint8_t)i;
    return b;
}

/* Refused with this status and words, leaving nothing behind, in memory of the file's size and a megabyte. */
static void refuses_bytes(const uint8_t *data, size_t size, int32_t status, const char *words) {
    accounting a;
    inlay__safetensors file, untouched;
    accounting_init(&a);
    memset(&untouched, 0x77, sizeof untouched);
    file = untouched;
    CHECK_INT(inlay__safetensors_parse(&a.sys, "t", data, size, &file), status);
    CHECK_HAS(inlay__error_text(), words);
    CHECK(memcmp(&file, &untouched, sizeof file) == 0);
    CHECK_INT(a.live, 0);
    CHECK_INT(a.n_live, 0);
}

static void refuses_sized(const char *header, size_t header_size, size_t n_data, int32_t status, const char *words) {
    bytes b = make_file(header, header_size, n_data);
    refuses_bytes(b.data, b.size, status, words);
    free(b.data);
}

static void refuses(const char *header, size_t n_data, const char *words) {
    refuses_sized(header, strlen(header), n_data, INLAY_ERR_FORMAT, words);
}

/* Opens, and has this many tensors. */
static void accepts(const char *header, size_t n_data, size_t n_tensors) {
    bytes b = make_file(header, strlen(header), n_data);
    inlay__safetensors file;
    if (CHECK(inlay__safetensors_parse(&inlay__sys_default, "t", b.data, b.size, &file) == INLAY_OK)) {
        CHECK_INT(file.n_tensors, n_tensors);
        inlay__safetensors_free(&file);
    } else {
        fprintf(stderr, "  %s\n", inlay__error_text());
    }
    free(b.data);
}

#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"

/* What is not written is 1, and as many dimensions as there is room for are read. */
TEST(dimensions_up_to_the_most_are_read) {
    static const char header[] = "{\"a\":{\"dtype\":\"U8\",\"shape\":[1,2,1,1,3,1,1,1],\"data_offsets\":[0,6]},"
                                 "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[6,8]}}";
    bytes b = make_file(header, sizeof header - 1, 8);
    inlay__safetensors file;
    if (CHECK(inlay__safetensors_parse(&inlay__sys_default, "t", b.data, b.size, &file) == INLAY_OK)) {
        const inlay__safetensor *wide = inlay__safetensors_find(&file, "a");
        const inlay__safetensor *narrow = inlay__safetensors_find(&file, "b");
        CHECK_INT(wide->n_dims, INLAY__SAFETENSORS_MAX_DIMS);
        CHECK(wide->shape[1] == 2 && wide->shape[4] == 3 && wide->shape[7] == 1);
        CHECK_INT(narrow->n_dims, 1);
        for (size_t i = 1; i < INLAY__SAFETENSORS_MAX_DIMS; i++) CHECK_INT(narrow->shape[i], 1);
        inlay__safetensors_free(&file);
    }
    free(b.data);
    static const char wider[] = "{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}";
    refuses_sized(wider, sizeof wider - 1, 1, INLAY_ERR_UNSUPPORTED, "9 dimensions");
}

/* ------------------------------------------------------------------- well-formed */

TEST(a_file_gives_its_tensors_types_shapes_and_bytes) {
    static const char header[] = "{\"__metadata__\":{\"format\":\"pt\"}," A
                                 ",\"b.weight\":{\"shape\":[2,3],\"data_offsets\":[8,20],\"dtype\":\"BF16\"}}  ";
    bytes b = make_file(header, sizeof header - 1, 20);
    inlay__safetensors file;
    CHECK_INT(inlay__safetensors_parse(&inlay__sys_default, "t", b.data, b.size, &file), INLAY_OK);
    CHECK_INT(file.n_tensors, 2);
    const inlay__safetensor *t = inlay__safetensors_find(&file, "b.weight");
    if (CHECK(t != NULL)) {
        CHECK_STR(inlay__safetensors_type_name(t->type), "BF16");
        CHECK_INT(t->n_dims, 2);
        CHECK_INT(t->shape[0], 2);
        CHECK_INT(t->shape[1], 3);
        CHECK_INT(t->n_elements, 6);
        CHECK_INT(t->size, 12);
        CHECK_INT(t->data[0], 8);
    }
    CHECK(inlay__safetensors_find(&file, "c") == NULL);
    inlay__safetensors_free(&file);
    free(b.data);
}

TEST(tensors_may_stand_in_any_order_and_have_no_elements_or_no_dimensions) {
    accepts(
        "{\"z\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]},"
        "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}",
        8, 2);
    accepts("{\"z\":{\"dtype\":\"F32\",\"shape\":[0,5],\"data_offsets\":[8,8]}," A "}", 8, 2);
    accepts("{\"z\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}," A "}", 8, 2);
    accepts("{\"z\":{\"dtype\":\"F64\",\"shape\":[9223372036854775807,9223372036854775807,0],\"data_offsets\":[0,0]}}",
            0, 1);
    accepts("{}", 0, 0);
}

/* ---------------------------------------------------------------- header's length */

TEST(files_of_fewer_bytes_than_a_length_are_refused) {
    uint8_t zeros[8] = {0};
    for (size_t n = 0; n < 8; n++) refuses_bytes(zeros, n, INLAY_ERR_FORMAT, "too few");
}

TEST(header_lengths_of_0_beyond_the_file_of_2_63_and_above_100_mb_are_refused) {
    static const uint64_t lengths[] = {0,         100000001, (uint64_t)1 << 31, (uint64_t)1 << 32, (uint64_t)1 << 63,
                                       UINT64_MAX};
    uint8_t file[16] = "........{}";
    for (size_t i = 0; i < INLAY__COUNT(lengths); i++) {
        for (size_t k = 0; k < 8; k++) file[k] = (uint8_t)(lengths[i] >> (8 * k));
        refuses_bytes(file, sizeof file, INLAY_ERR_FORMAT, "its header has");
    }
    memset(file, 0, 8);
    file[0] = 9; /* one byte more than there is */
    refuses_bytes(file, sizeof file, INLAY_ERR_FORMAT, "but the file ends after 8");
}

/* ------------------------------------------------------------------ header's JSON */

TEST(a_header_that_does_not_begin_with_a_brace_is_refused) {
    refuses("[]", 0, "does not begin with '{'");
    refuses(" {}", 0, "does not begin with '{'");
    refuses("\xef\xbb\xbf{}", 0, "does not begin with '{'");
    refuses("\"a\"", 0, "does not begin with '{'");
}

TEST(a_header_that_is_no_json_is_refused) {
    refuses("{", 0, "header");
    refuses("{}x", 0, "header");
    refuses("{\"a\":}", 0, "header");
    refuses("{\"a\xff\":1}", 0, "UTF-8");
}

TEST(json_of_a_depth_of_100000_is_refused) {
    size_t n = 100000;
    char *header = malloc(n + 5);
    memcpy(header, "{\"a\":", 5);
    memset(header + 5, '[', n);
    refuses_sized(header, n + 5, 4 << 20, INLAY_ERR_FORMAT, "no deeper than");
    refuses_sized(header, n + 5, 0, INLAY_ERR_UNSUPPORTED, "more than makes sense");
    free(header);
}

TEST(a_tensor_that_occurs_twice_is_refused) { refuses("{" A "," A "}", 8, "tensor 'a' occurs twice"); }

TEST(a_field_that_occurs_twice_is_missing_or_unknown_is_refused) {
    refuses("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", 1,
            "field 'dtype' occurs twice");
    refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":[]}}", 0, "field 'data_offsets' is missing");
    refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"x\":1}}", 1, "field 'x'");
    refuses("{\"a\":[]}", 0, "not described by an object");
}

TEST(metadata_that_is_no_map_of_strings_or_has_a_key_twice_is_refused) {
    refuses("{\"__metadata__\":[]}", 0, "'__metadata__' is not an object");
    refuses("{\"__metadata__\":{\"a\":1}}", 0, "the value of 'a' is not a string");
    refuses("{\"__metadata__\":{\"a\":{\"b\":\"c\"}}}", 0, "the value of 'a' is not a string");
    refuses("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "key 'a' occurs twice");
    refuses("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "'__metadata__' occurs twice");
}

TEST(names_with_nul_with_lone_surrogates_empty_or_too_long_are_refused) {
    static const char rest[] = ":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}";
    char header[1400];
    snprintf(header, sizeof header, "{\"a\\u0000b\"%s", rest);
    refuses(header, 1, "contains a NUL");
    snprintf(header, sizeof header, "{\"a\\ud800\"%s", rest);
    refuses(header, 1, "U+FFFD");
    snprintf(header, sizeof header, "{\"\\udc00x\"%s", rest);
    refuses(header, 1, "U+FFFD");
    snprintf(header, sizeof header, "{\"\"%s", rest);
    refuses(header, 1, "is empty");
    size_t n = (size_t)snprintf(header, sizeof header, "{\"");
    memset(header + n, 'n', 1025);
    snprintf(header + n + 1025, sizeof header - n - 1025, "\"%s", rest);
    refuses(header, 1, "more than 1024 bytes");
}

/* ------------------------------------------------------------------------ fields */

TEST(a_dtype_that_is_unknown_or_no_string_is_refused) {
    refuses("{\"a\":{\"dtype\":\"F128\",\"shape\":[],\"data_offsets\":[0,1]}}", 1, "'dtype' is 'F128'");
    refuses("{\"a\":{\"dtype\":\"\",\"shape\":[],\"data_offsets\":[0,1]}}", 1, "'dtype' is ''");
    refuses("{\"a\":{\"dtype\":1,\"shape\":[],\"data_offsets\":[0,1]}}", 1, "'dtype' is not a string");
}

TEST(dimensions_that_are_no_counts_are_refused) {
    static const char *const dims[] = {"-1", "-0", "1.5", "1e3", "1e999", "18446744073709551616", "9223372036854775808",
                                       "\"1\"", "null", "[1]"};
    char header[200];
    for (size_t i = 0; i < INLAY__COUNT(dims); i++) {
        snprintf(header, sizeof header, "{\"a\":{\"dtype\":\"U8\",\"shape\":[%s],\"data_offsets\":[0,1]}}", dims[i]);
        refuses(header, 1, "'shape' is not an array of integers");
    }
    refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":1,\"data_offsets\":[0,1]}}", 1, "'shape' is not an array");
    static const char nine[] = "{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}";
    refuses_sized(nine, sizeof nine - 1, 1, INLAY_ERR_UNSUPPORTED, "9 dimensions");
}

TEST(shapes_whose_product_wraps_are_refused) {
    refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0,
            "more elements than");
    refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[4194305,4194305,211106198978564],\"data_offsets\":[0,16]}}", 16,
            "more elements than");
    refuses("{\"a\":{\"dtype\":\"F64\",\"shape\":[2305843009213693953],\"data_offsets\":[0,8]}}", 8,
            "more elements than");
}

TEST(offsets_that_are_reversed_negative_no_pair_or_beyond_the_file_are_refused) {
    refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[8,0]}}", 8, "'data_offsets' are 8 to 0");
    refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[-8,0]}}", 8, "'data_offsets' is not");
    refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0]}}", 8, "'data_offsets' is not");
    refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8,8]}}", 8, "'data_offsets' is not");
    refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}", 7, "the file has 7 bytes of data");
    refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,9223372036854775807]}}", 8,
            "9223372036854775807");
}

TEST(a_shape_of_other_bytes_than_the_offsets_give_is_refused) {
    refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8,
            "take 12 bytes, but its 'data_offsets' give 8");
    refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,8]}}", 8, "take 0 bytes");
}

TEST(types_of_fewer_than_8_bits_must_fill_whole_bytes) {
    accepts("{\"a\":{\"dtype\":\"F4\",\"shape\":[4],\"data_offsets\":[0,2]}}", 2, 1);
    refuses("{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}}", 2, "do not fill whole bytes");
    refuses("{\"a\":{\"dtype\":\"F6_E2M3\",\"shape\":[3],\"data_offsets\":[0,3]}}", 3, "do not fill whole bytes");
}

/* ------------------------------------------------------------------------- places */

#define TWO(a0, a1, b0, b1)                                                                         \
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[" #a0 "," #a1 "]},"                   \
    "\"b\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[" #b0 "," #b1 "]}}"

TEST(holes_before_between_and_behind_tensors_are_refused) {
    refuses(TWO(1, 9, 9, 17), 17, "there is a hole");
    refuses(TWO(0, 8, 9, 17), 17, "tensor 'b' begins at byte 9 of the data, where 8 is expected");
    refuses(TWO(9, 17, 0, 8), 17, "tensor 'a' begins at byte 9");
    refuses(TWO(0, 8, 8, 16), 17, "its tensors take 16 bytes, but it has 17");
    refuses("{}", 1, "its tensors take 0 bytes");
}

TEST(tensors_that_overlap_or_share_their_bytes_are_refused) {
    refuses(TWO(0, 8, 7, 15), 15, "it overlaps another");
    refuses(TWO(0, 8, 0, 8), 8, "it overlaps another");
    refuses(TWO(4, 12, 0, 8), 12, "it overlaps another");
}

TEST(a_tensor_without_bytes_inside_another_is_refused) {
    refuses(
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]},"
        "\"b\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[4,4]}}",
        8, "it overlaps another");
}

/* ------------------------------------------------------------------------- bounds */

TEST(a_header_of_100000_tensors_without_data_is_refused_in_little_memory) {
    size_t n = 0, capacity = 100000 * 64;
    char *header = malloc(capacity);
    header[n++] = '{';
    for (int i = 0; i < 100000; i++)
        n += (size_t)snprintf(header + n, capacity - n,
                              "%s\"%d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", i > 0 ? "," : "", i);
    header[n++] = '}';
    accounting a;
    accounting_init(&a);
    bytes b = make_file(header, n, 0);
    inlay__safetensors file;
    CHECK_INT(inlay__safetensors_parse(&a.sys, "t", b.data, b.size, &file), INLAY_ERR_UNSUPPORTED);
    CHECK(a.peak <= b.size + (1 << 20));
    CHECK_INT(a.live, 0);
    free(b.data);
    free(header);
}

TEST(every_cut_of_a_file_is_refused) {
    static const char header[] = "{" A "}";
    bytes b = make_file(header, sizeof header - 1, 8);
    for (size_t n = 0; n < b.size; n++) {
        inlay__safetensors file;
        CHECK_INT(inlay__safetensors_parse(&inlay__sys_default, "t", b.data, n, &file), INLAY_ERR_FORMAT);
    }
    free(b.data);
}

TEST(every_flipped_bit_of_a_header_gives_a_file_or_an_error) {
    static const char header[] = "{\"__metadata__\":{\"format\":\"pt\"}," A
                                 ",\"b\":{\"dtype\":\"F16\",\"shape\":[2,2],\"data_offsets\":[8,16]}}";
    bytes b = make_file(header, sizeof header - 1, 16);
    size_t n_open = 0;
    for (size_t bit = 0; bit < 8 * (8 + sizeof header - 1); bit++) {
        accounting a;
        inlay__safetensors file;
        accounting_init(&a);
        b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (inlay__safetensors_parse(&a.sys, "t", b.data, b.size, &file) == INLAY_OK) {
            n_open++;
            for (size_t i = 0; i < file.n_tensors; i++)
                CHECK(file.tensors[i].data >= b.data && file.tensors[i].data + file.tensors[i].size <= b.data + b.size);
            inlay__safetensors_free(&file);
        }
        CHECK_INT(a.live, 0);
        b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    CHECK(n_open > 0 && n_open < 8 * sizeof header); /* names may change, hardly anything else */
    free(b.data);
}

TEST_MAIN(CASE(dimensions_up_to_the_most_are_read), CASE(a_file_gives_its_tensors_types_shapes_and_bytes),
          CASE(tensors_may_stand_in_any_order_and_have_no_elements_or_no_dimensions),
          CASE(files_of_fewer_bytes_than_a_length_are_refused),
          CASE(header_lengths_of_0_beyond_the_file_of_2_63_and_above_100_mb_are_refused),
          CASE(a_header_that_does_not_begin_with_a_brace_is_refused), CASE(a_header_that_is_no_json_is_refused),
          CASE(json_of_a_depth_of_100000_is_refused), CASE(a_tensor_that_occurs_twice_is_refused),
          CASE(a_field_that_occurs_twice_is_missing_or_unknown_is_refused),
          CASE(metadata_that_is_no_map_of_strings_or_has_a_key_twice_is_refused),
          CASE(names_with_nul_with_lone_surrogates_empty_or_too_long_are_refused),
          CASE(a_dtype_that_is_unknown_or_no_string_is_refused), CASE(dimensions_that_are_no_counts_are_refused),
          CASE(shapes_whose_product_wraps_are_refused),
          CASE(offsets_that_are_reversed_negative_no_pair_or_beyond_the_file_are_refused),
          CASE(a_shape_of_other_bytes_than_the_offsets_give_is_refused),
          CASE(types_of_fewer_than_8_bits_must_fill_whole_bytes),
          CASE(holes_before_between_and_behind_tensors_are_refused),
          CASE(tensors_that_overlap_or_share_their_bytes_are_refused),
          CASE(a_tensor_without_bytes_inside_another_is_refused),
          CASE(a_header_of_100000_tensors_without_data_is_refused_in_little_memory),
          CASE(every_cut_of_a_file_is_refused), CASE(every_flipped_bit_of_a_header_gives_a_file_or_an_error))
