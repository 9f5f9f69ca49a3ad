/* Packed files: the bits of the file they were made of, at every level and from memory; what they keep of it; errors,
 * cancelling and failing leave nothing; damaged and future ones are refused by what is wrong. */
#include "test.h"

#include <unistd.h>

#include "api/handles.h"
#include "format/packed.h"
#include "kernels/matrix.h"
#include "support/check_kernels.h"
#include "support/fail_sys.h"
#include "support/gguf_check.h"
#include "support/temp_file.h"
#include "support/tiny_open.h"

enum { N_TOKENS = 21 };

static tiny_params of_type(uint32_t type, bool tied) {
    tiny_params p = tiny_defaults();
    p.matrix_type = p.embedding_type = type;
    p.n_embd = 256;
    p.n_ff = 512;
    p.n_vocab = 301; /* fills no panel */
    p.n_layer = 1;
    p.tied = tied;
    return p;
}

static bool exists(const char *path) { return access(path, F_OK) == 0; }

/* Writes the tiny model and its packed form; the paths live as long as the process. */
static const char *pack(const tiny_params *p, const char **original) {
    size_t size;
    uint8_t *data = tiny_model(p, &size);
    *original = temp_file("model.gguf", data, size);
    const char *packed = temp_path("packed.gguf");
    CHECK_INT(inlay_pack_file(*original, packed, NULL), INLAY_OK);
    CHECK(!exists(temp_path("packed.gguf.part")));
    free(data);
    return packed;
}

static uint8_t *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) exit(2);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(*size);
    if (data == NULL || fread(data, 1, *size, file) != *size) exit(2);
    fclose(file);
    return data;
}

/* The logits after N_TOKENS; NULL when the model does not open. */
static float *logits_of(inlay_model *model) {
    int32_t tokens[N_TOKENS];
    tiny_tokens(tokens, N_TOKENS);
    inlay_session *s = tiny_session(model, INLAY_OPT_CONTEXT, 64, 0);
    float *logits = tiny_eval(s, tokens, N_TOKENS, 20);
    inlay_session_free(s);
    return logits;
}

static float *logits_of_file(const char *path, const char *cpu, int load, int form) {
    inlay_options *o = tiny_options(INLAY_OPT_LOAD, load, INLAY_OPT_PACK, form, 0);
    inlay_model *model;
    inlay_options_set_string(o, INLAY_OPT_CPU, cpu, INLAY_ALL);
    if (!CHECK(inlay_model_open(path, o, &model) == INLAY_OK)) exit(2);
    float *logits = logits_of(model);
    inlay_model_free(model);
    inlay_options_free(o);
    return logits;
}

TEST(every_type_gives_the_bits_of_the_original_at_every_level_and_from_memory) {
    for (size_t i = 0; i < 2 * n_file_types; i++) {
        const char *original;
        tiny_params p = of_type(product_types[i / 2], i % 2 == 0);
        const char *packed = pack(&p, &original);
        float *expected = logits_of_file(original, "scalar", INLAY_LOAD_AUTO, INLAY_PACK_AUTO);
        inlay__kernels kernels;
        for (int level = -1; next_level(&level, &kernels);) {
            const char *cpu = inlay__cpu_name(kernels.level);
            for (int way = 0; way < 4; way++) {
                float *found =
                    logits_of_file(way == 3 ? original : packed, cpu, way == 1 ? INLAY_LOAD_COPY : INLAY_LOAD_MAP,
                                   way < 2 ? INLAY_PACK_AUTO : INLAY_PACK_NEVER);
                CHECK(same_floats("a packed file", &kernels, found, expected, p.n_vocab));
                free(found);
            }
        }
        inlay_model *model;
        size_t size;
        uint8_t *data = read_file(packed, &size), *shifted = malloc(size + 1); /* any alignment will do */
        if (shifted == NULL) exit(2);
        memcpy(shifted + 1, data, size);
        if (CHECK(inlay_model_open_memory(shifted + 1, size, NULL, &model) == INLAY_OK)) {
            float *found = logits_of(model);
            CHECK(same_floats("from memory", &kernels, found, expected, p.n_vocab));
            free(found);
            inlay_model_free(model);
        }
        free(shifted);
        free(data);
        free(expected);
    }
}

static int64_t fact(const inlay_model *model, int32_t number) {
    int64_t value = -1;
    CHECK_INT(inlay_model_get_int(model, number, &value), INLAY_OK);
    return value;
}

/* Metadata but for what describes the file itself, in their order. */
static void compare_metadata(const inlay_model *a, const inlay_model *b) {
    size_t n, n_b, n_values, n_values_b, at, found = 0;
    CHECK_INT(inlay_model_metadata_count(a, &n), INLAY_OK);
    CHECK_INT(inlay_model_metadata_count(b, &n_b), INLAY_OK);
    for (size_t i = 0; i < n; i++) {
        const char *key, *key_b;
        inlay_model_metadata_key(a, i, &key, &n_values);
        if (strcmp(key, "general.alignment") == 0) continue;
        CHECK_INT(inlay_model_metadata_find(b, key, INLAY_ALL, &at), INLAY_OK);
        CHECK(at >= found);
        found = at;
        inlay_model_metadata_key(b, at, &key_b, &n_values_b);
        CHECK(n_values == n_values_b);
        for (size_t k = 0; k < n_values; k++) {
            char text[256] = "", text_b[256] = "-";
            size_t size;
            inlay_model_metadata_text(a, i, k, text, sizeof text, &size);
            inlay_model_metadata_text(b, at, k, text_b, sizeof text_b, &size);
            CHECK_STR(text, text_b);
        }
    }
    CHECK_INT(inlay_model_metadata_find(b, INLAY__PACKED_KEY, INLAY_ALL, &at), INLAY_OK);
    CHECK_INT(inlay_model_metadata_find(b, "general.alignment", INLAY_ALL, &at), INLAY_OK);
    size_t n_own = 1;
    if (inlay_model_metadata_find(b, INLAY__PACKED_MERGES, INLAY_ALL, &at) == INLAY_OK) {
        inlay_model_metadata_key(b, at, &(const char *){NULL}, &n_values_b);
        CHECK_INT(inlay_model_metadata_find(a, "tokenizer.ggml.merges", INLAY_ALL, &at), INLAY_OK);
        inlay_model_metadata_key(a, at, &(const char *){NULL}, &n_values);
        CHECK(n_values_b == 2 * n_values);
        n_own = 2;
    }
    CHECK(n_b == n + n_own || n_b == n + n_own + 1);
}

TEST(metadata_tensors_and_facts_are_those_of_the_original) {
    const char *original;
    inlay_model *a, *b;
    tiny_params p = of_type(INLAY_TYPE_Q4_K, false);
    const char *packed = pack(&p, &original);
    CHECK_INT(inlay_model_open(original, NULL, &a), INLAY_OK);
    CHECK_INT(inlay_model_open(packed, NULL, &b), INLAY_OK);
    compare_metadata(a, b);
    size_t n, n_b;
    inlay_model_tensor_count(a, &n);
    inlay_model_tensor_count(b, &n_b);
    CHECK_INT(n, n_b);
    for (size_t i = 0; i < n; i++) {
        const char *name, *name_b;
        int32_t type, type_b;
        uint64_t shape[4], shape_b[4];
        inlay_model_tensor(a, i, &name, &type, shape);
        inlay_model_tensor(b, i, &name_b, &type_b, shape_b);
        CHECK_STR(name, name_b);
        CHECK(type == type_b && memcmp(shape, shape_b, sizeof shape) == 0);
    }
    CHECK_INT(fact(a, INLAY_MODEL_PACKED), 0);
    CHECK_INT(fact(b, INLAY_MODEL_PACKED), INLAY__PACKED_VERSION);
    CHECK_INT(fact(a, INLAY_MODEL_N_PARAMS), fact(b, INLAY_MODEL_N_PARAMS));
    inlay_model_free(a);
    inlay_model_free(b);
}

TEST(any_number_of_threads_and_every_level_writes_the_same_bytes) {
    const char *original;
    size_t size, size_b;
    tiny_params p = of_type(INLAY_TYPE_Q6_K, true);
    uint8_t *expected = read_file(pack(&p, &original), &size);
    for (int threads = 1; threads <= 5; threads += 2) {
        inlay_options *o = tiny_options(INLAY_OPT_THREADS, threads, 0);
        inlay_options_set_string(o, INLAY_OPT_CPU, threads == 1 ? "scalar" : "", INLAY_ALL);
        CHECK_INT(inlay_pack_file(original, temp_path("again.gguf"), o), INLAY_OK);
        uint8_t *found = read_file(temp_path("again.gguf"), &size_b);
        CHECK(size == size_b && memcmp(expected, found, size) == 0);
        free(found);
        inlay_options_free(o);
    }
    free(expected);
}

TEST(it_takes_no_memory_for_weights) {
    const char *original;
    tiny_params p = of_type(INLAY_TYPE_Q4_0, true);
    p.n_vocab = 8000;
    const char *packed = pack(&p, &original);
    fail_sys f;
    inlay_options *o = NULL;
    inlay_model *model;
    for (int i = 0; i < 2; i++) {
        fail_sys_init(&f);
        CHECK_INT(inlay__options_new_with_sys(&f.sys, &o), INLAY_OK);
        inlay_options_set_int(o, INLAY_OPT_LOAD, INLAY_LOAD_MAP);
        inlay_options_set_int(o, INLAY_OPT_PACK, i == 0 ? INLAY_PACK_AUTO : INLAY_PACK_NEVER);
        CHECK_INT(inlay_model_open(i == 0 ? packed : original, o, &model), INLAY_OK);
        size_t weights = (size_t)fact(model, INLAY_MODEL_TOKEN_BYTES), held = atomic_load(&f.n_bytes);
        inlay_model_free(model);
        inlay_options_set_int(o, INLAY_OPT_VOCAB_ONLY, 1);
        CHECK_INT(inlay_model_open(i == 0 ? packed : original, o, &model), INLAY_OK);
        CHECK(held - atomic_load(&f.n_bytes) < weights / 20);
        inlay_model_free(model);
        inlay_options_free(o);
    }
}

/* --------------------------------------------------------------------- errors */

TEST(what_cannot_be_packed_is_named_and_nothing_is_left) {
    const char *original;
    tiny_params p = of_type(INLAY_TYPE_Q8_0, true);
    const char *packed = pack(&p, &original), *again = temp_path("again2.gguf");
    CHECK_INT(inlay_pack_file(packed, again, NULL), INLAY_ERR_ARGUMENT);
    CHECK_HAS(inlay_error(), "packed already");
    CHECK_INT(inlay_pack_file(temp_path("no such file"), again, NULL), INLAY_ERR_IO);
    CHECK_HAS(inlay_error(), "no such file");
    CHECK_INT(inlay_pack_file(original, temp_path("no/such/folder"), NULL), INLAY_ERR_IO);
    CHECK_HAS(inlay_error(), "folder.part");
    CHECK_INT(inlay_pack_file(NULL, again, NULL), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_pack_file(original, NULL, NULL), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_pack_file(temp_file("text", "no model", 8), again, NULL), INLAY_ERR_FORMAT);
    CHECK(!exists(again) && !exists(temp_path("again2.gguf.part")));
    p = of_type(INLAY_TYPE_F32, true);
    pack(&p, &original);
    inlay_options *o = tiny_options(INLAY_OPT_QUANTIZE, INLAY_TYPE_Q16_0, 0);
    CHECK_INT(inlay_pack_file(original, again, o), INLAY_ERR_UNSUPPORTED);
    CHECK_HAS(inlay_error(), "became Q16_0");
    CHECK(!exists(again) && !exists(temp_path("again2.gguf.part")));
    inlay_options_free(o);
    /* One that is being written, or was left by a run that was killed, is not overwritten. */
    temp_file("again2.gguf.part", "x", 1);
    CHECK_INT(inlay_pack_file(original, again, NULL), INLAY_ERR_IO);
    CHECK_HAS(inlay_error(), "again2.gguf.part");
    CHECK(exists(temp_path("again2.gguf.part")));
    unlink(temp_path("again2.gguf.part"));
}

TEST(a_file_may_be_packed_over_itself) {
    size_t size;
    tiny_params p = of_type(INLAY_TYPE_Q4_1, false);
    uint8_t *data = tiny_model(&p, &size);
    const char *path = temp_file("self.gguf", data, size);
    inlay_options *o = tiny_options(INLAY_OPT_LOAD, INLAY_LOAD_MAP, 0);
    inlay_model *model;
    CHECK_INT(inlay_pack_file(path, path, o), INLAY_OK);
    CHECK_INT(inlay_model_open(path, NULL, &model), INLAY_OK);
    CHECK_INT(fact(model, INLAY_MODEL_PACKED), INLAY__PACKED_VERSION);
    inlay_model_free(model);
    inlay_options_free(o);
    free(data);
}

typedef struct told {
    int n_calls, cancel_at;
    uint64_t done, total;
} told;

static int32_t on_progress(void *user, uint64_t done, uint64_t total) {
    told *t = user;
    CHECK(done >= t->done && done <= total);
    t->done = done;
    t->total = total;
    return ++t->n_calls == t->cancel_at;
}

TEST(progress_ends_at_the_files_size_and_cancelling_leaves_nothing) {
    size_t size;
    tiny_params p = of_type(INLAY_TYPE_Q8_0, true);
    p.n_embd = 1024;
    p.n_vocab = 18000; /* more than one buffer */
    p.n_ff = 32;
    uint8_t *data = tiny_model(&p, &size);
    const char *original = temp_file("large.gguf", data, size), *out = temp_path("large.packed.gguf");
    free(data);
    inlay_options *o = tiny_options(INLAY_OPT_THREADS, 2, 0);
    told t = {0};
    inlay_options_set_progress(o, on_progress, &t);
    CHECK_INT(inlay_pack_file(original, out, o), INLAY_OK);
    uint8_t *written = read_file(out, &size);
    free(written);
    CHECK(t.done == size && t.total == size);
    unlink(out);
    int n_calls = t.n_calls;
    CHECK(n_calls >= 2);
    for (int i = 1; i <= n_calls; i++) {
        t = (told){.cancel_at = i};
        CHECK_INT(inlay_pack_file(original, out, o), INLAY_ERR_CANCELLED);
        CHECK_HAS(inlay_error(), "cancelled");
        CHECK(!exists(out) && !exists(temp_path("large.packed.gguf.part")));
    }
    inlay_options_free(o);
}

/* Each call to the system fails once: nothing is held, nothing is left, a file that was there before is whole. */
TEST(a_failure_of_any_call_leaves_nothing) {
    static fail_sys f;
    const char *original;
    tiny_params p = of_type(INLAY_TYPE_Q5_K, false);
    size_t size;
    const char *packed = pack(&p, &original);
    uint8_t *expected = read_file(packed, &size);
    size_t n_faults = 0;
    for (size_t n = 1;; n++) {
        inlay_options *o = NULL;
        fail_sys_init(&f);
        CHECK_INT(inlay__options_new_with_sys(&f.sys, &o), INLAY_OK);
        fail_sys_arm(&f, n, false);
        int32_t status = inlay_pack_file(original, packed, o);
        bool failed = atomic_load(&f.n_failed) > 0;
        CHECK(status == INLAY_OK || status == INLAY_ERR_MEMORY || status == INLAY_ERR_IO || status == INLAY_ERR_THREAD);
        CHECK(failed || status == INLAY_OK);
        fail_sys_arm(&f, 0, false);
        inlay_options_free(o);
        CHECK(fail_sys_is_clean(&f));
        CHECK(!exists(temp_path("packed.gguf.part")));
        size_t found_size;
        uint8_t *found = read_file(packed, &found_size);
        CHECK(found_size == size && memcmp(found, expected, size) == 0);
        free(found);
        if (!failed) break;
        n_faults++;
    }
    CHECK(n_faults > 30);
    free(expected);
}

TEST(the_parts_of_a_split_model_become_one_file) {
    tiny_params p = of_type(INLAY_TYPE_Q4_0, true);
    gguf_writer w, first;
    size_t size;
    tiny_metadata(&p, &first);
    gguf_writer_u16(&first, "split.no", 0);
    gguf_writer_u16(&first, "split.count", 2);
    const float unused[2] = {0};
    gguf_writer_tensor(&first, "blk.0.rotary_emb.inv_freq", INLAY_TYPE_F32, 1, (uint64_t[]){2}, unused, sizeof unused);
    uint8_t *data = gguf_writer_finish(&first, &size);
    const char *path = temp_file("s-00001-of-00002.gguf", data, size);
    free(data);
    gguf_writer_init(&w);
    gguf_writer_u16(&w, "split.no", 1);
    gguf_writer_u16(&w, "split.count", 2);
    tiny_tensors(&p, &w);
    data = gguf_writer_finish(&w, &size);
    temp_file("s-00002-of-00002.gguf", data, size);
    free(data);
    CHECK_INT(inlay_pack_file(path, temp_path("whole.gguf"), NULL), INLAY_OK);
    float *expected = logits_of_file(path, "", INLAY_LOAD_AUTO, INLAY_PACK_AUTO);
    float *found = logits_of_file(temp_path("whole.gguf"), "", INLAY_LOAD_AUTO, INLAY_PACK_AUTO);
    CHECK(memcmp(expected, found, p.n_vocab * sizeof(float)) == 0);
    free(expected);
    free(found);
}

/* -------------------------------------------------------------------- damaged */

TEST(the_format_layer_and_the_kernels_agree_on_sizes) {
    for (uint32_t type = 0; type < INLAY__N_TENSOR_TYPES; type++) {
        const inlay__block_type *t = inlay__block_type_get(type);
        uint64_t size = 0, shape[4] = {t != NULL ? 3 * t->length : 1, 37, 2, 1};
        size_t expected = t != NULL ? inlay__packed_matrix_size(type, 37, 3 * t->length) : 0;
        CHECK_INT(inlay__packed_has(type), expected != 0);
        CHECK_INT(inlay__packed_size(type, shape, &size), expected != 0);
        CHECK_INT(size, 2 * expected);
    }
}

/* A file with one packed tensor. */
static void expect_refused(uint32_t version, uint32_t number, uint64_t n_k, uint64_t n_rows, size_t n_bytes,
                           int32_t status, const char *words) {
    gguf_writer w;
    size_t size;
    uint8_t *panels = calloc(1, n_bytes + 1);
    if (panels == NULL) exit(2);
    gguf_writer_init(&w);
    if (version > 0) gguf_writer_u32(&w, INLAY__PACKED_KEY, version);
    gguf_writer_tensor(&w, "panels", number, 2, (uint64_t[]){n_k, n_rows}, panels, n_bytes);
    uint8_t *file = gguf_writer_finish(&w, &size);
    gguf_verdict verdict = gguf_check(file, size);
    CHECK(verdict.broken == NULL);
    CHECK_INT(verdict.status, status);
    if (status != INLAY_OK) CHECK_HAS(inlay__error_text(), words);
    free(file);
    free(panels);
}

TEST(damaged_and_future_files_are_refused_by_what_is_wrong) {
    const uint32_t q4_0 = INLAY__PACKED_TYPE + INLAY_TYPE_Q4_0;
    expect_refused(INLAY__PACKED_VERSION, q4_0, 64, 17, 2 * 2 * 288, INLAY_OK, "");
    expect_refused(0, q4_0, 64, 17, 2 * 2 * 288, INLAY_ERR_FORMAT, "tensor 'panels' is packed, but");
    expect_refused(INLAY__PACKED_VERSION + 1, q4_0, 64, 17, 2 * 2 * 288, INLAY_ERR_UNSUPPORTED, "version 3");
    expect_refused(INLAY__PACKED_VERSION - 1, q4_0, 64, 17, 2 * 2 * 288, INLAY_ERR_UNSUPPORTED, "version 1");
    expect_refused(UINT32_MAX, q4_0, 64, 17, 2 * 2 * 288, INLAY_ERR_UNSUPPORTED, "version 4294967295");
    expect_refused(INLAY__PACKED_VERSION, q4_0, 64, 17, 2 * 2 * 288 - 32, INLAY_ERR_FORMAT, "past the end");
    expect_refused(INLAY__PACKED_VERSION, q4_0, 63, 17, 2 * 2 * 288, INLAY_ERR_FORMAT, "no multiple");
    expect_refused(INLAY__PACKED_VERSION, q4_0, 64, UINT64_C(1) << 56, 2 * 2 * 288, INLAY_ERR_FORMAT, "past the end");
    expect_refused(INLAY__PACKED_VERSION, INLAY__PACKED_TYPE + INLAY_TYPE_F32, 64, 17, 64 * 32 * 4, INLAY_ERR_FORMAT,
                   "type F32 cannot be");
    expect_refused(INLAY__PACKED_VERSION, INLAY__PACKED_TYPE + 999, 64, 17, 4096, INLAY_ERR_UNSUPPORTED, "type 999");
    expect_refused(INLAY__PACKED_VERSION, 0x494d0000u, 64, 17, 4096, INLAY_ERR_UNSUPPORTED, "GGUF does not define");
    expect_refused(INLAY__PACKED_VERSION, INLAY_TYPE_Q16_0, 128, 17, 8192, INLAY_ERR_UNSUPPORTED, "does not define");
    expect_refused(INLAY__PACKED_VERSION, INLAY__PACKED_TYPE + INLAY_TYPE_Q16_0, 128, 17, 8320, INLAY_ERR_UNSUPPORTED,
                   "does not define");
    gguf_writer w;
    for (int i = 0; i < 3; i++) {
        size_t size;
        gguf_writer_init(&w);
        if (i == 0) gguf_writer_string(&w, INLAY__PACKED_KEY, "1");
        if (i == 1) gguf_writer_u32(&w, INLAY__PACKED_KEY, 0);
        if (i == 2) gguf_writer_array(&w, INLAY__PACKED_KEY, INLAY__GGUF_U32, &(uint32_t){INLAY__PACKED_VERSION}, 1);
        uint8_t *file = gguf_writer_finish(&w, &size);
        gguf_verdict verdict = gguf_check(file, size);
        CHECK_INT(verdict.status, INLAY_ERR_FORMAT);
        CHECK_HAS(inlay__error_text(), "is no version");
        free(file);
    }
}

TEST(a_packed_vector_is_refused_by_name) {
    tiny_params p = of_type(INLAY_TYPE_Q4_0, true);
    gguf_writer w;
    size_t size;
    tiny_metadata(&p, &w);
    tiny_tensors(&p, &w);
    gguf_writer_u32(&w, INLAY__PACKED_KEY, INLAY__PACKED_VERSION);
    uint8_t *data = gguf_writer_finish(&w, &size);
    const char name[] = "blk.0.attn_norm.weight";
    size_t at = 0;
    while (memcmp(data + at, name, sizeof name - 1) != 0) at++;
    at += sizeof name - 1 + 4 + 8; /* name, dimensions, one of them */
    data[at] = INLAY_TYPE_Q4_0;
    data[at + 2] = 0x4c;
    data[at + 3] = 0x49;
    inlay_model *model;
    CHECK(inlay_model_open_memory(data, size, NULL, &model) != INLAY_OK);
    CHECK_HAS(inlay_error(), "blk.0.attn_norm.weight");
    free(data);
}

/* Any byte of the head may be wrong: an error, or a model that evaluates. */
TEST(a_flipped_bit_anywhere_is_an_error_or_a_model) {
    const char *original;
    size_t size;
    tiny_params p = of_type(INLAY_TYPE_Q4_K, true);
    uint8_t *data = read_file(pack(&p, &original), &size);
    uint64_t state = 4711;
    for (int i = 0; i < 400; i++) {
        size_t at = random_u32(&state) % (i % 2 == 0 ? inlay__min_size(size, 16384) : size);
        uint8_t bit = (uint8_t)(1u << random_u32(&state) % 8);
        inlay_model *model;
        data[at] ^= bit;
        if (inlay_model_open_memory(data, size, NULL, &model) == INLAY_OK) {
            inlay_session *s = tiny_session(model, INLAY_OPT_CONTEXT, 16, 0);
            int32_t token = 5, status = inlay_eval(s, &token, 1);
            CHECK(status == INLAY_OK || status == INLAY_ERR_NUMERIC);
            inlay_session_free(s);
            inlay_model_free(model);
        } else {
            CHECK(inlay_error()[0] != '\0');
        }
        data[at] ^= bit;
    }
    free(data);
}

TEST_MAIN(CASE(every_type_gives_the_bits_of_the_original_at_every_level_and_from_memory),
          CASE(metadata_tensors_and_facts_are_those_of_the_original),
          CASE(any_number_of_threads_and_every_level_writes_the_same_bytes), CASE(it_takes_no_memory_for_weights),
          CASE(what_cannot_be_packed_is_named_and_nothing_is_left), CASE(a_file_may_be_packed_over_itself),
          CASE(progress_ends_at_the_files_size_and_cancelling_leaves_nothing),
          CASE(a_failure_of_any_call_leaves_nothing), CASE(the_parts_of_a_split_model_become_one_file),
          CASE(the_format_layer_and_the_kernels_agree_on_sizes),
          CASE(damaged_and_future_files_are_refused_by_what_is_wrong), CASE(a_packed_vector_is_refused_by_name),
          CASE(a_flipped_bit_anywhere_is_an_error_or_a_model))
