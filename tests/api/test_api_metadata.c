/* Metadata and tensors of a model, as the public functions tell them. */
#include "test.h"

#include "format/gguf.h"
#include "support/tiny_open.h"

/* The text of one value, in a buffer that lives until the next call. */
static const char *value_of(const inlay_model *model, const char *key, size_t element) {
    static char text[512];
    size_t index = 0, size = 0;
    text[0] = '\0';
    CHECK_INT(inlay_model_metadata_find(model, key, INLAY_ALL, &index), INLAY_OK);
    CHECK_INT(inlay_model_metadata_text(model, index, element, text, sizeof text, &size), INLAY_OK);
    CHECK_INT(strlen(text), size);
    return text;
}

/* A model whose metadata have a value of every type. */
static uint8_t *rich_model(size_t *size) {
    static const int16_t shorts[] = {-3, 0, 32767};
    static const uint8_t flags[] = {1, 0};
    static const char *const words[] = {"one", "", "three"};
    const float floats[] = {1e-5f,    -0.7f,   16777216.0f, 500000.0f, 3.4028235e38f,     1e-45f,
                            1e10f / 3, 0.0f,   1.0f / 3,    1e6f,      __builtin_inff(), __builtin_nanf("")};
    static const double doubles[] = {0.5, -1e300};
    tiny_params p = tiny_defaults();
    gguf_writer w;
    tiny_metadata(&p, &w);
    gguf_writer_u8(&w, "t.u8", 255);
    gguf_writer_i8(&w, "t.i8", -128);
    gguf_writer_u16(&w, "t.u16", 65535);
    gguf_writer_i16(&w, "t.i16", -32768);
    gguf_writer_u32(&w, "t.u32", 4294967295u);
    gguf_writer_i32(&w, "t.i32", INT32_MIN);
    gguf_writer_f32(&w, "t.f32", 0.1f);
    gguf_writer_array(&w, "t.floats", INLAY__GGUF_F32, floats, 12);
    gguf_writer_bool(&w, "t.yes", true);
    gguf_writer_bool(&w, "t.no", false);
    gguf_writer_string(&w, "t.string", "Gr\xc3\xb6\xc3\x9f" "e");
    gguf_writer_u64(&w, "t.u64", UINT64_MAX);
    gguf_writer_i64(&w, "t.i64", INT64_MIN);
    gguf_writer_f64(&w, "t.f64", 1e-5);
    gguf_writer_array(&w, "t.shorts", INLAY__GGUF_I16, shorts, 3);
    gguf_writer_array(&w, "t.flags", INLAY__GGUF_BOOL, flags, 2);
    gguf_writer_array(&w, "t.doubles", INLAY__GGUF_F64, doubles, 2);
    gguf_writer_array(&w, "t.nothing", INLAY__GGUF_U32, shorts, 0);
    gguf_writer_strings(&w, "t.words", words, 3);
    tiny_tensors(&p, &w);
    return gguf_writer_finish(&w, size);
}

TEST(values_of_every_type_read_as_text) {
    static const struct {
        const char *key, *text;
        size_t element;
    } expected[] = {
        {"t.u8", "255", 0},        {"t.i8", "-128", 0},
        {"t.u16", "65535", 0},     {"t.i16", "-32768", 0},
        {"t.u32", "4294967295", 0}, {"t.i32", "-2147483648", 0},
        {"t.f32", "0.1", 0},       {"t.yes", "true", 0},
        {"t.no", "false", 0},      {"t.string", "Gr\xc3\xb6\xc3\x9f" "e", 0},
        {"t.u64", "18446744073709551615", 0}, {"t.i64", "-9223372036854775808", 0},
        {"t.floats", "1e-05", 0},  {"t.floats", "-0.7", 1},
        {"t.floats", "16777216", 2}, {"t.floats", "500000", 3},
        {"t.floats", "3.4028235e+38", 4}, {"t.floats", "1e-45", 5},
        {"t.floats", "3.3333332e+09", 6}, {"t.floats", "0", 7},
        {"t.floats", "0.33333334", 8}, {"t.floats", "1000000", 9},
        {"t.floats", "inf", 10},   {"t.floats", "nan", 11},
        {"t.f64", "1e-05", 0},     {"t.shorts", "-3", 0},
        {"t.shorts", "0", 1},      {"t.shorts", "32767", 2},
        {"t.flags", "true", 0},    {"t.flags", "false", 1},
        {"t.doubles", "0.5", 0},   {"t.doubles", "-1e+300", 1},
        {"t.words", "one", 0},     {"t.words", "", 1},
        {"t.words", "three", 2},   {"general.name", "tiny", 0},
        {"tokenizer.ggml.tokens", "<|im_end|>", 2},
    };
    size_t size, index = 0, n = 99;
    uint8_t *data = rich_model(&size);
    const char *key;
    inlay_model *model;
    CHECK_INT(inlay_model_open_memory(data, size, NULL, &model), INLAY_OK);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const char *found = value_of(model, expected[i].key, expected[i].element);
        if (strcmp(found, expected[i].text) != 0) fprintf(stderr, "key %s\n", expected[i].key);
        CHECK_STR(found, expected[i].text);
    }
    CHECK_INT(inlay_model_metadata_find(model, "t.nothing", INLAY_ALL, &index), INLAY_OK);
    CHECK_INT(inlay_model_metadata_key(model, index, &key, &n), INLAY_OK);
    CHECK_INT(n, 0);
    CHECK_INT(inlay_model_metadata_text(model, index, 0, NULL, 0, &n), INLAY_ERR_ARGUMENT);
    inlay_model_free(model);
    free(data);
}

TEST(pairs_stand_in_the_order_of_the_file) {
    tiny t = tiny_open(NULL, NULL);
    static const char *const first[] = {"general.architecture", "general.name", "general.alignment",
                                        "llama.vocab_size"};
    size_t count = 0, n_values, index;
    const char *key;
    CHECK_INT(inlay_model_metadata_count(t.model, &count), INLAY_OK);
    CHECK(count > 20);
    for (size_t i = 0; i < count; i++) {
        CHECK_INT(inlay_model_metadata_key(t.model, i, &key, &n_values), INLAY_OK);
        if (i < 4) CHECK_STR(key, first[i]);
        CHECK_INT(inlay_model_metadata_find(t.model, key, strlen(key), &index), INLAY_OK);
        CHECK_INT(index, i);
        CHECK_INT(n_values, strcmp(key, "tokenizer.ggml.tokens") == 0       ? 320
                            : strcmp(key, "tokenizer.ggml.token_type") == 0 ? 320
                            : strcmp(key, "tokenizer.ggml.merges") == 0     ? 320 - 259
                                                                            : 1);
    }
    CHECK_INT(inlay_model_metadata_key(t.model, count, &key, &n_values), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_model_metadata_key(t.model, SIZE_MAX, &key, &n_values), INLAY_ERR_ARGUMENT);
    tiny_close(&t);
}

TEST(a_key_that_is_not_there_is_named) {
    tiny t = tiny_open(NULL, NULL);
    size_t index = 7;
    CHECK_INT(inlay_model_metadata_find(t.model, "no.such.key", INLAY_ALL, &index), INLAY_ERR_KEY);
    CHECK_HAS(inlay_error(), "'no.such.key'");
    CHECK_INT(inlay_model_metadata_find(t.model, "general.name", 11, &index), INLAY_ERR_KEY); /* cut */
    CHECK_INT(inlay_model_metadata_find(t.model, "general.name\0", 13, &index), INLAY_ERR_KEY);
    CHECK_INT(inlay_model_metadata_find(t.model, "", 0, &index), INLAY_ERR_KEY);
    CHECK_INT(index, 7);
    CHECK_INT(inlay_model_metadata_find(t.model, "general.nameless", 12, &index), INLAY_OK);
    CHECK_INT(index, 1);
    tiny_close(&t);
}

TEST(a_small_buffer_gets_nothing_and_the_size_is_told) {
    tiny t = tiny_open(NULL, NULL);
    char text[8] = "xxxxxxx";
    size_t index, size = 0;
    CHECK_INT(inlay_model_metadata_find(t.model, "general.architecture", INLAY_ALL, &index), INLAY_OK);
    CHECK_INT(inlay_model_metadata_text(t.model, index, 0, NULL, 0, &size), INLAY_OK);
    CHECK_INT(size, 5);
    for (size_t capacity = 0; capacity <= 5; capacity++) {
        size = 0;
        CHECK_INT(inlay_model_metadata_text(t.model, index, 0, text, capacity, &size), INLAY_ERR_BUFFER);
        CHECK_INT(size, 5);
        CHECK_STR(text, "xxxxxxx");
    }
    CHECK_INT(inlay_model_metadata_text(t.model, index, 0, text, 6, &size), INLAY_OK);
    CHECK_STR(text, "llama");
    CHECK_INT(inlay_model_metadata_text(t.model, index, 1, text, 6, &size), INLAY_ERR_ARGUMENT);
    CHECK_HAS(inlay_error(), "general.architecture");
    tiny_close(&t);
}

TEST(tensors_have_names_types_and_shapes) {
    tiny_params p = tiny_defaults();
    p.matrix_type = INLAY_TYPE_Q4_1;
    tiny t = tiny_open(&p, NULL);
    size_t count = 0, n_matrices = 0;
    CHECK_INT(inlay_model_tensor_count(t.model, &count), INLAY_OK);
    CHECK_INT(count, 2 + 9 * 2);
    for (size_t i = 0; i < count; i++) {
        const char *name = NULL;
        int32_t type = -1;
        uint64_t shape[4] = {0};
        CHECK_INT(inlay_model_tensor(t.model, i, &name, &type, shape), INLAY_OK);
        CHECK_INT(inlay_model_tensor(t.model, i, NULL, NULL, NULL), INLAY_OK);
        CHECK(shape[2] == 1 && shape[3] == 1 && shape[0] > 1);
        if (i == 0) {
            CHECK_STR(name, "token_embd.weight");
            CHECK(type == INLAY_TYPE_F32 && shape[0] == 64 && shape[1] == 320);
        }
        if (strcmp(name, "blk.1.ffn_down.weight") == 0) CHECK(shape[0] == 96 && shape[1] == 64);
        n_matrices += type == INLAY_TYPE_Q4_1;
    }
    CHECK_INT(n_matrices, 14);
    CHECK_INT(inlay_model_tensor(t.model, count, NULL, NULL, NULL), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_model_tensor(t.model, SIZE_MAX, NULL, NULL, NULL), INLAY_ERR_ARGUMENT);
    tiny_close(&t);
}

TEST_MAIN(CASE(values_of_every_type_read_as_text), CASE(pairs_stand_in_the_order_of_the_file),
          CASE(a_key_that_is_not_there_is_named), CASE(a_small_buffer_gets_nothing_and_the_size_is_told),
          CASE(tensors_have_names_types_and_shapes))
