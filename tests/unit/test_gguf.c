/* Well-formed GGUF files: everything in them is found, as it was written. */
#include "test.h"

#include <math.h>

#include "format/gguf.h"
#include "support/accounting_sys.h"
#include "support/gguf_writer.h"
#include "support/tiny_model.h"

/* Parses and checks that it works; the caller frees gguf, then bytes. */
static bool parses(const uint8_t *bytes, size_t size, inlay__gguf *gguf) {
    int32_t status = inlay__gguf_parse(&inlay__sys_default, "test.gguf", bytes, size, gguf);
    if (status != INLAY_OK) fprintf(stderr, "%s\n", inlay__error_text());
    return CHECK(status == INLAY_OK);
}

static int64_t as_i64(const inlay__gguf *gguf, const char *key, uint64_t i) {
    int64_t value = -999;
    CHECK(inlay__gguf_i64(inlay__gguf_find(gguf, key), i, &value));
    return value;
}

static double as_f64(const inlay__gguf *gguf, const char *key, uint64_t i) {
    double value = -999;
    CHECK(inlay__gguf_f64(inlay__gguf_find(gguf, key), i, &value));
    return value;
}

TEST(every_scalar_type_is_read_back) {
    gguf_writer w;
    inlay__gguf gguf;
    size_t size;
    int64_t integer;
    double number;
    gguf_writer_init(&w);
    gguf_writer_u8(&w, "u8", 255);
    gguf_writer_i8(&w, "i8", -128);
    gguf_writer_u16(&w, "u16", 65535);
    gguf_writer_i16(&w, "i16", -32768);
    gguf_writer_u32(&w, "u32", UINT32_MAX);
    gguf_writer_i32(&w, "i32", INT32_MIN);
    gguf_writer_f32(&w, "f32", 0.1f);
    gguf_writer_bool(&w, "yes", true);
    gguf_writer_bool(&w, "no", false);
    gguf_writer_string(&w, "string", "h\xc3\xa4llo");
    gguf_writer_u64(&w, "u64", UINT64_MAX);
    gguf_writer_i64(&w, "i64", INT64_MIN);
    gguf_writer_f64(&w, "f64", -1e300);
    uint8_t *bytes = gguf_writer_finish(&w, &size);
    if (!parses(bytes, size, &gguf)) return;
    CHECK_INT(gguf.n_kv, 13);
    CHECK_INT(as_i64(&gguf, "u8", 0), 255);
    CHECK_INT(as_i64(&gguf, "i8", 0), -128);
    CHECK_INT(as_i64(&gguf, "u16", 0), 65535);
    CHECK_INT(as_i64(&gguf, "i16", 0), -32768);
    CHECK_INT(as_i64(&gguf, "u32", 0), UINT32_MAX);
    CHECK_INT(as_i64(&gguf, "i32", 0), INT32_MIN);
    CHECK_INT(as_i64(&gguf, "yes", 0), 1);
    CHECK_INT(as_i64(&gguf, "no", 0), 0);
    CHECK_INT(as_i64(&gguf, "i64", 0), INT64_MIN);
    CHECK(as_f64(&gguf, "f32", 0) == (double)0.1f);
    CHECK(as_f64(&gguf, "f64", 0) == -1e300);
    CHECK(as_f64(&gguf, "i8", 0) == -128.0);
    CHECK(as_f64(&gguf, "i64", 0) == -9223372036854775808.0);
    CHECK(as_f64(&gguf, "u64", 0) == 18446744073709551616.0);
    inlay__text text = inlay__gguf_string(inlay__gguf_find(&gguf, "string"), 0);
    CHECK_STR(text.text, "h\xc3\xa4llo");
    CHECK_INT(text.size, 6);

    CHECK(!inlay__gguf_i64(inlay__gguf_find(&gguf, "u64"), 0, &integer)); /* does not fit */
    CHECK(!inlay__gguf_i64(inlay__gguf_find(&gguf, "f32"), 0, &integer)); /* another type */
    CHECK(!inlay__gguf_i64(inlay__gguf_find(&gguf, "string"), 0, &integer));
    CHECK(!inlay__gguf_f64(inlay__gguf_find(&gguf, "string"), 0, &number));
    CHECK(!inlay__gguf_i64(inlay__gguf_find(&gguf, "u8"), 1, &integer)); /* out of range */
    CHECK(!inlay__gguf_i64(NULL, 0, &integer));
    CHECK(!inlay__gguf_f64(NULL, 0, &number));
    CHECK(inlay__gguf_find(&gguf, "u1") == NULL);
    CHECK(inlay__gguf_find(&gguf, "") == NULL);
    inlay__gguf_free(&gguf);
    free(bytes);
}

TEST(every_array_type_is_read_back) {
    static const struct {
        const char *key;
        uint32_t type;
        size_t width;
        bool is_signed;
    } types[] = {
        {"u8", INLAY__GGUF_U8, 1, false},   {"i8", INLAY__GGUF_I8, 1, true},    {"u16", INLAY__GGUF_U16, 2, false},
        {"i16", INLAY__GGUF_I16, 2, true},  {"u32", INLAY__GGUF_U32, 4, false}, {"i32", INLAY__GGUF_I32, 4, true},
        {"u64", INLAY__GGUF_U64, 8, false}, {"i64", INLAY__GGUF_I64, 8, true},
    };
    static const int8_t pattern[3] = {1, -1, 100};
    const float floats[3] = {1.5f, -INFINITY, 3e-45f};
    const double doubles[2] = {5e-324, -0.0};
    const uint8_t bools[4] = {1, 0, 0, 1};
    gguf_writer w;
    inlay__gguf gguf;
    size_t size;
    gguf_writer_init(&w);
    for (size_t t = 0; t < INLAY__COUNT(types); t++) {
        gguf_writer_pair(&w, types[t].key, strlen(types[t].key), INLAY__GGUF_ARRAY);
        gguf_bytes_u32(&w.kv, types[t].type);
        gguf_bytes_u64(&w.kv, 3);
        for (size_t i = 0; i < 3; i++)
            for (size_t b = 0; b < types[t].width; b++)
                gguf_bytes_u8(&w.kv, b == 0 || pattern[i] < 0 ? (uint8_t)pattern[i] : 0);
    }
    gguf_writer_array(&w, "f32", INLAY__GGUF_F32, floats, 3);
    gguf_writer_array(&w, "f64", INLAY__GGUF_F64, doubles, 2);
    gguf_writer_array(&w, "bool", INLAY__GGUF_BOOL, bools, 4);
    gguf_writer_array(&w, "none", INLAY__GGUF_F64, NULL, 0);
    uint8_t *bytes = gguf_writer_finish(&w, &size);
    if (!parses(bytes, size, &gguf)) return;
    for (size_t t = 0; t < INLAY__COUNT(types); t++) {
        const inlay__gguf_kv *kv = inlay__gguf_find(&gguf, types[t].key);
        if (!CHECK(kv != NULL)) continue;
        CHECK(kv->is_array && kv->n_values == 3 && kv->type == types[t].type);
        CHECK_STR(inlay__gguf_type_name(kv->type), types[t].key);
        CHECK_INT(as_i64(&gguf, types[t].key, 0), 1);
        CHECK_INT(as_i64(&gguf, types[t].key, 2), 100);
        if (types[t].is_signed)
            CHECK_INT(as_i64(&gguf, types[t].key, 1), -1);
        else if (types[t].width < 8)
            CHECK_INT(as_i64(&gguf, types[t].key, 1), (INT64_C(1) << (8 * types[t].width)) - 1);
    }
    for (uint64_t i = 0; i < 3; i++)
        CHECK(as_f64(&gguf, "f32", i) == (double)floats[i]);
    CHECK(as_f64(&gguf, "f64", 0) == 5e-324);
    CHECK(signbit(as_f64(&gguf, "f64", 1)));
    for (uint64_t i = 0; i < 4; i++)
        CHECK_INT(as_i64(&gguf, "bool", i), bools[i]);
    const inlay__gguf_kv *none = inlay__gguf_find(&gguf, "none");
    CHECK(none != NULL && none->is_array && none->n_values == 0);
    inlay__gguf_free(&gguf);
    free(bytes);
}

TEST(strings_may_hold_any_bytes_and_end_with_a_nul) {
    static const struct {
        const char *text;
        size_t size;
    } strings[] = {{"", 0}, {"a", 1}, {"\0\0", 2}, {"\xff\xfe", 2}, {"", 0}, {"the last", 8}};
    gguf_writer w;
    inlay__gguf gguf;
    size_t size;
    gguf_writer_init(&w);
    gguf_writer_pair(&w, "list", 4, INLAY__GGUF_ARRAY);
    gguf_bytes_u32(&w.kv, INLAY__GGUF_STRING);
    gguf_bytes_u64(&w.kv, INLAY__COUNT(strings));
    for (size_t i = 0; i < INLAY__COUNT(strings); i++)
        gguf_bytes_string(&w.kv, strings[i].text, strings[i].size);
    gguf_writer_strings(&w, "empty", NULL, 0);
    gguf_writer_string(&w, "blank", "");
    uint8_t *bytes = gguf_writer_finish(&w, &size);
    if (!parses(bytes, size, &gguf)) return;
    const inlay__gguf_kv *kv = inlay__gguf_find(&gguf, "list");
    CHECK_INT(kv->n_values, INLAY__COUNT(strings));
    for (size_t i = 0; i < INLAY__COUNT(strings); i++) {
        inlay__text text = inlay__gguf_string(kv, i);
        CHECK_INT(text.size, strings[i].size);
        CHECK(memcmp(text.text, strings[i].text, strings[i].size + 1) == 0);
    }
    CHECK(inlay__gguf_string(kv, INLAY__COUNT(strings)).text == NULL);
    CHECK(inlay__gguf_string(kv, UINT64_MAX).text == NULL);
    CHECK(inlay__gguf_string(NULL, 0).text == NULL);
    CHECK(inlay__gguf_string(inlay__gguf_find(&gguf, "empty"), 0).text == NULL);
    CHECK_STR(inlay__gguf_string(inlay__gguf_find(&gguf, "blank"), 0).text, "");
    inlay__gguf_free(&gguf);
    free(bytes);
}

TEST(tensors_are_found_with_shape_and_data_at_every_alignment) {
    for (uint32_t alignment = 1; alignment <= 65536; alignment *= 2) {
        const float a[6] = {1, 2, 3, 4, 5, 6};
        const uint8_t b[34] = {7, 8};
        const uint8_t c[3] = {9, 10, 11};
        gguf_writer w;
        inlay__gguf gguf;
        size_t size;
        gguf_writer_init(&w);
        gguf_writer_alignment(&w, alignment);
        gguf_writer_tensor(&w, "a", INLAY_TYPE_F32, 2, (uint64_t[]){3, 2}, a, sizeof a);
        gguf_writer_tensor(&w, "b.weight", INLAY_TYPE_Q8_0, 1, (uint64_t[]){32}, b, sizeof b);
        gguf_writer_tensor(&w, "c", 24, 4, (uint64_t[]){1, 1, 3, 1}, c, sizeof c);
        uint8_t *bytes = gguf_writer_finish(&w, &size);
        if (!parses(bytes, size, &gguf)) return;
        const inlay__tensor *t = inlay__gguf_tensor_find(&gguf, "a");
        CHECK(t == &gguf.tensors[0] && t->n_dims == 2 && t->shape[0] == 3 && t->shape[1] == 2 && t->shape[2] == 1 &&
              t->shape[3] == 1 && t->n_elements == 6 && t->size == 24);
        CHECK(memcmp(t->data, a, sizeof a) == 0);
        t = inlay__gguf_tensor_find(&gguf, "b.weight");
        CHECK(t == &gguf.tensors[1] && t->size == 34 && memcmp(t->data, b, sizeof b) == 0);
        CHECK_STR(t->name.text, "b.weight");
        t = inlay__gguf_tensor_find(&gguf, "c");
        CHECK(t == &gguf.tensors[2] && t->n_elements == 3 && memcmp(t->data, c, sizeof c) == 0);
        CHECK_INT((size_t)(t->data - bytes) % alignment, 0);
        CHECK(inlay__gguf_tensor_find(&gguf, "b") == NULL);
        inlay__gguf_free(&gguf);
        free(bytes);
    }
}

/* n tensors of 32 bytes; number i stands at place i * step + shift, modulo n. */
static void check_order(uint32_t n, uint32_t step, uint32_t shift) {
    gguf_writer w;
    inlay__gguf gguf;
    size_t size;
    gguf_writer_init(&w);
    for (uint32_t i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%u", i);
        gguf_writer_tensor_info(&w, name, strlen(name), INLAY_TYPE_F32, 1, (uint64_t[]){8},
                                (i * step + shift) % n * 32);
    }
    for (uint32_t i = 0; i < n * 8; i++)
        gguf_bytes_u32(&w.data, i / 8);
    uint8_t *bytes = gguf_writer_finish(&w, &size);
    if (!parses(bytes, size, &gguf)) return;
    for (uint32_t i = 0; i < n; i++)
        CHECK_INT(inlay__load_u32(gguf.tensors[i].data), (i * step + shift) % n);
    inlay__gguf_free(&gguf);
    free(bytes);
}

TEST(data_may_stand_in_another_order_than_the_table) {
    static const uint32_t primes[] = {2, 3, 5, 7, 11, 13, 17, 23, 31, 97};
    check_order(100, 37, 5);
    for (size_t k = 0; k < INLAY__COUNT(primes); k++)
        for (uint32_t step = 1; step < primes[k]; step++)
            for (uint32_t shift = 0; shift < 3; shift++)
                check_order(primes[k], step, shift);
}

TEST(versions_2_and_3_and_files_of_metadata_only_are_read) {
    for (uint32_t version = 2; version <= 3; version++) {
        gguf_writer w;
        inlay__gguf gguf;
        size_t size;
        gguf_writer_init(&w);
        w.version = version;
        uint8_t *bytes = gguf_writer_finish(&w, &size);
        CHECK_INT(size, 24);
        if (!parses(bytes, size, &gguf)) return;
        CHECK_INT(gguf.version, version);
        CHECK(gguf.n_kv == 0 && gguf.n_tensors == 0);
        CHECK(inlay__gguf_find(&gguf, "x") == NULL && inlay__gguf_tensor_find(&gguf, "x") == NULL);
        inlay__gguf_free(&gguf);
        free(bytes);
    }
}

/* Reliability: the double fetch. */
TEST(what_was_parsed_stays_when_the_file_changes) {
    tiny_params params = tiny_defaults();
    size_t size;
    uint8_t *bytes = tiny_model(&params, &size);
    inlay__gguf gguf;
    if (!parses(bytes, size, &gguf)) return;
    const inlay__tensor first = gguf.tensors[0];
    memset(bytes, 0xff, (size_t)(first.data - bytes));
    CHECK_STR(inlay__gguf_string(inlay__gguf_find(&gguf, "general.architecture"), 0).text, "llama");
    CHECK_INT(as_i64(&gguf, "llama.block_count", 0), params.n_layer);
    CHECK_STR(inlay__gguf_string(inlay__gguf_find(&gguf, "tokenizer.ggml.tokens"), 2).text, "<|im_end|>");
    CHECK(inlay__gguf_tensor_find(&gguf, "token_embd.weight") == &gguf.tensors[0]);
    inlay__gguf_free(&gguf);
    free(bytes);
}

TEST(memory_refused_at_any_point_leaves_nothing_behind) {
    tiny_params params = tiny_defaults();
    size_t size, n_refused = 0;
    uint8_t *bytes = tiny_model(&params, &size);
    inlay__gguf untouched, gguf;
    memset(&untouched, 0x77, sizeof untouched);
    for (size_t n = 1; n < 100; n++) {
        accounting a;
        accounting_init(&a);
        a.fail_at = n;
        gguf = untouched;
        int32_t status = inlay__gguf_parse(&a.sys, "test.gguf", bytes, size, &gguf);
        if (status == INLAY_OK) {
            inlay__gguf_free(&gguf);
            CHECK_INT(a.live, 0);
            break;
        }
        n_refused++;
        CHECK_INT(status, INLAY_ERR_MEMORY);
        CHECK_INT(a.live, 0);
        CHECK_INT(a.n_live, 0);
        CHECK(memcmp(&gguf, &untouched, sizeof gguf) == 0);
    }
    CHECK(n_refused >= 5 && n_refused < 50);
    free(bytes);
}

/* A vocabulary is what a file may have many of: the text and four bytes each is all it takes. */
TEST(a_large_vocabulary_takes_less_memory_than_its_file) {
    enum { N = 300000 };
    gguf_writer w;
    accounting a;
    inlay__gguf gguf;
    size_t size;
    char text[16];
    gguf_writer_init(&w);
    gguf_writer_pair(&w, "tokens", 6, INLAY__GGUF_ARRAY);
    gguf_bytes_u32(&w.kv, INLAY__GGUF_STRING);
    gguf_bytes_u64(&w.kv, N);
    for (int i = 0; i < N; i++)
        gguf_bytes_string(&w.kv, text, (size_t)snprintf(text, sizeof text, "%d", i));
    uint8_t *bytes = gguf_writer_finish(&w, &size);
    accounting_init(&a);
    if (CHECK(inlay__gguf_parse(&a.sys, "test.gguf", bytes, size, &gguf) == INLAY_OK)) {
        CHECK(a.peak <= size + 4096);
        CHECK_STR(inlay__gguf_string(inlay__gguf_find(&gguf, "tokens"), 271828).text, "271828");
        inlay__gguf_free(&gguf);
    }
    free(bytes);
}

/* Kinds and scores of tokens, which go up by steps, take next to nothing, and are read as any other array. */
TEST(long_arrays_of_few_runs_are_read_back_and_take_little_memory) {
    enum { N = 300000 };
    static int32_t kinds[N];
    static float scores[N];
    gguf_writer w;
    accounting a;
    inlay__gguf gguf;
    size_t size;
    for (int i = 0; i < N; i++) {
        kinds[i] = i < 5 ? 3 : i < 1000 ? -6 : 1;
        scores[i] = i < 1000 ? -1000.0f : (float)(1000 - i);
    }
    gguf_writer_init(&w);
    gguf_writer_array(&w, "kinds", INLAY__GGUF_I32, kinds, N);
    gguf_writer_array(&w, "scores", INLAY__GGUF_F32, scores, N);
    uint8_t *bytes = gguf_writer_finish(&w, &size);
    accounting_init(&a);
    if (CHECK(inlay__gguf_parse(&a.sys, "test.gguf", bytes, size, &gguf) == INLAY_OK)) {
        CHECK(a.peak <= 16384);
        for (uint64_t i = 0; i < N; i += i < 1100 ? 1 : 997) {
            CHECK_INT(as_i64(&gguf, "kinds", i), kinds[i]);
            CHECK(as_f64(&gguf, "kinds", i) == kinds[i]);
            CHECK(as_f64(&gguf, "scores", i) == (double)scores[i]);
        }
        int64_t none;
        CHECK(!inlay__gguf_i64(inlay__gguf_find(&gguf, "kinds"), N, &none));
        inlay__gguf_free(&gguf);
    }
    free(bytes);
}

TEST(tensors_of_types_that_do_not_run_are_listed) {
    uint8_t block[256] = {0};
    gguf_writer w;
    inlay__gguf gguf;
    size_t size;
    gguf_writer_init(&w);
    gguf_writer_tensor(&w, "q2", 10, 1, (uint64_t[]){256}, block, 84);
    gguf_writer_tensor(&w, "iq4", 20, 1, (uint64_t[]){32}, block, 18);
    uint8_t *bytes = gguf_writer_finish(&w, &size);
    if (!parses(bytes, size, &gguf)) return;
    CHECK_INT(gguf.tensors[0].type, 10);
    CHECK_INT(gguf.tensors[1].size, 18);
    inlay__gguf_free(&gguf);
    free(bytes);
}

TEST_MAIN(CASE(every_scalar_type_is_read_back), CASE(every_array_type_is_read_back),
          CASE(long_arrays_of_few_runs_are_read_back_and_take_little_memory),
          CASE(strings_may_hold_any_bytes_and_end_with_a_nul),
          CASE(tensors_are_found_with_shape_and_data_at_every_alignment),
          CASE(data_may_stand_in_another_order_than_the_table),
          CASE(versions_2_and_3_and_files_of_metadata_only_are_read), CASE(what_was_parsed_stays_when_the_file_changes),
          CASE(memory_refused_at_any_point_leaves_nothing_behind),
          CASE(a_large_vocabulary_takes_less_memory_than_its_file), CASE(tensors_of_types_that_do_not_run_are_listed))
