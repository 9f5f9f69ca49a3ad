/* Named hostile files: each published advisory and issue against programs that read models, as a file or a call here,
 * and each metadata key of each family with each value that a file may lie with. `test_named --list` tells the groups;
 * INLAY_NAMED=1 in the environment prints each case with what became of it. */
#include "test.h"

#include <math.h>

#include "format/gguf.h"
#include "support/family_folder.h"
#include "support/gguf_writer.h"
#include "support/hostile_run.h"
#include "support/tiny_open.h"

static size_t n_named, n_kept;

/* What must become of a case. */
typedef enum fate { REFUSED, ANY } fate;

static void judge(const char *name, hostile_verdict verdict, fate expected) {
    bool kept = verdict.broken == NULL && (expected == ANY || verdict.status != INLAY_OK);
    n_named++;
    n_kept += kept;
    if (getenv("INLAY_NAMED") != NULL)
        printf("%s: %s\n", name, verdict.status == INLAY_OK ? "a model" : inlay_error());
    if (!CHECK(kept)) fprintf(stderr, "%s: %s\n", name, verdict.broken != NULL ? verdict.broken : "it was opened");
}

static void judge_gguf(const char *name, const uint8_t *data, size_t size, fate expected) {
    uint8_t *bytes = hostile_to_the_end(memcpy(hostile_room(size), data, size), size);
    judge(name, hostile_run(&(hostile_file){HOSTILE_GGUF, bytes, size}, 1), expected);
}

static void judge_writer(const char *name, gguf_writer *w, fate expected) {
    size_t size;
    uint8_t *data = gguf_writer_finish(w, &size);
    judge_gguf(name, data, size, expected);
    free(data);
}

/* ------------------------------------------------------------------ GGUF: counts */

static const uint64_t counts[] = {0x7fffffff, 0x80000000u, UINT64_C(1) << 32, UINT64_C(1) << 61, UINT64_C(1) << 63,
                                  UINT64_MAX, UINT64_MAX / 24 + 1, UINT64_MAX / 8 + 1, UINT64_MAX / 4 + 1};

static void put_count(gguf_writer *w, int field, uint64_t count) {
    gguf_writer_init(w);
    if (field == 0) w->n_kv = count;
    if (field == 1) w->n_tensors = count;
    if (field == 2) {
        gguf_bytes_u64(&w->kv, count);
        w->n_kv = 1;
    }
    if (field == 3) {
        gguf_writer_pair(w, "general.name", 12, INLAY__GGUF_STRING);
        gguf_bytes_u64(&w->kv, count);
    }
    if (field == 4) {
        gguf_writer_pair(w, "tokenizer.ggml.scores", 21, INLAY__GGUF_ARRAY);
        gguf_bytes_u32(&w->kv, INLAY__GGUF_F32);
        gguf_bytes_u64(&w->kv, count);
    }
    if (field == 5) gguf_writer_tensor_info(w, "t", 1, INLAY_TYPE_F32, 1, &count, 0);
    for (int i = 0; i < 64; i++) gguf_bytes_u8(&w->data, 0);
}

TEST(talos_2024_1912_to_1916_cve_2024_21825_23496_21802_21836_23605_counts) {
    static const char *const fields[] = {"CVE-2024-21825 n_kv",          "CVE-2024-23496 n_tensors",
                                         "CVE-2024-21802 length of key", "CVE-2024-21836 length of string",
                                         "CVE-2024-23605 length of array", "TALOS-2024-1916 dimension"};
    for (int field = 0; field < 6; field++)
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            gguf_writer w;
            char name[96];
            snprintf(name, sizeof name, "%s = %llu", fields[field], (unsigned long long)counts[i]);
            put_count(&w, field, counts[i]);
            judge_writer(name, &w, REFUSED);
        }
}

TEST(gguf_py_27188_arrays_of_2_to_the_63_and_arrays_of_arrays) {
    gguf_writer w;
    gguf_writer_init(&w);
    gguf_writer_pair(&w, "a", 1, INLAY__GGUF_ARRAY);
    gguf_bytes_u32(&w.kv, INLAY__GGUF_U8);
    gguf_bytes_u64(&w.kv, UINT64_C(1) << 63);
    judge_writer("gguf-py-27188 array of 2^63", &w, REFUSED);
    gguf_writer_init(&w);
    gguf_writer_pair(&w, "a", 1, INLAY__GGUF_ARRAY);
    for (int i = 0; i < 10000; i++) {
        gguf_bytes_u32(&w.kv, INLAY__GGUF_ARRAY);
        gguf_bytes_u64(&w.kv, 1);
    }
    judge_writer("gguf-py-27188 arrays within arrays, 10,000 deep", &w, REFUSED);
}

/* ------------------------------------------------------------------ GGUF: tensors */

typedef struct shape_case {
    const char *name;
    uint32_t type, n_dims;
    uint64_t shape[4], offset;
    size_t n_data;
} shape_case;

#define BIG UINT64_C(0x7fffffffffffffc0)
#define ROOT (UINT64_C(1) << 32)

TEST(cve_2026_33298_cve_2026_7482_cve_2024_41130_shapes_that_lie) {
    static const shape_case cases[] = {
        {"CVE-2024-41130 no data at all", INLAY_TYPE_F32, 1, {8}, 0, 0},
        {"CVE-2026-33298 one dimension of 2^42 + 1", INLAY_TYPE_F32, 1, {(UINT64_C(1) << 42) + 1}, 0, 64},
        {"CVE-2026-33298 a product of 4 modulo 2^64", INLAY_TYPE_F32, 3, {4194305, 4194305, 211106198978564}, 0, 64},
        {"CVE-2026-33298 2^32 squared", INLAY_TYPE_F32, 2, {ROOT, ROOT}, 0, 64},
        {"CVE-2026-33298 2^32 to the fourth", INLAY_TYPE_F32, 4, {ROOT, ROOT, ROOT, ROOT}, 0, 64},
        {"CVE-2026-7482 a row more than the data", INLAY_TYPE_F32, 2, {4, 5}, 0, 64},
        {"CVE-2026-7482 a byte less than the data", INLAY_TYPE_F32, 2, {4, 4}, 0, 63},
        {"CVE-2026-7482 a block more than the data", INLAY_TYPE_Q4_K, 2, {256, 3}, 0, 288},
        {"ggml-1517 a first dimension of 0", INLAY_TYPE_Q8_0, 2, {0, 32}, 0, 64},
        {"llama.cpp-8816 a second dimension of 0", INLAY_TYPE_Q8_0, 2, {32, 0}, 0, 64},
        {"llama.cpp-2124 all dimensions of 0", INLAY_TYPE_F32, 4, {0, 0, 0, 0}, 0, 64},
        {"five dimensions", INLAY_TYPE_F32, 5, {1, 1, 1, 1}, 0, 64},
        {"no dimensions", INLAY_TYPE_F32, 0, {1}, 0, 64},
        {"2^32 - 1 dimensions", INLAY_TYPE_F32, UINT32_MAX, {1}, 0, 64},
        {"a type that was removed", 4, 1, {32}, 0, 64},
        {"a type of 2^32 - 1", UINT32_MAX, 1, {32}, 0, 64},
        {"no whole block", INLAY_TYPE_Q4_0, 1, {31}, 0, 64},
        {"an offset that is not aligned", INLAY_TYPE_F32, 1, {1}, 4, 64},
        {"an offset behind the end", INLAY_TYPE_F32, 1, {1}, 4096, 64},
        {"an offset of 2^64 - 32", INLAY_TYPE_F32, 1, {1}, UINT64_MAX - 31, 64},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const shape_case *c = &cases[i];
        gguf_writer w;
        gguf_writer_init(&w);
        gguf_writer_string(&w, "general.architecture", "llama");
        gguf_writer_tensor_info(&w, "t", 1, c->type, c->n_dims, c->shape, c->offset);
        for (size_t k = 0; k < c->n_data; k++) gguf_bytes_u8(&w.data, 0);
        judge_writer(c->name, &w, REFUSED);
    }
}

TEST(cve_2025_53630_and_its_bypass_cve_2026_27940_sums_that_wrap) {
    for (int second = 0; second < 2; second++) {
        const uint64_t n = BIG;
        gguf_writer w;
        gguf_writer_init(&w);
        gguf_writer_tensor_info(&w, "a", 1, 24, 1, &n, 0);
        gguf_writer_tensor_info(&w, "b", 1, 24, 1, &n, second ? n : 0);
        gguf_writer_tensor_info(&w, "c", 1, 24, 1, (uint64_t[]){192}, second ? n * 2 : 0);
        for (int i = 0; i < 256; i++) gguf_bytes_u8(&w.data, 0);
        judge_writer(second ? "CVE-2026-27940 offsets whose sum wraps" : "CVE-2025-53630 sizes whose sum wraps", &w,
                     REFUSED);
    }
}

TEST(llama_cpp_24884_26318_24997_15711_keys_and_alignments) {
    static const struct {
        const char *name, *key;
        size_t size;
    } keys[] = {{"llama.cpp-24884 an empty key", "", 0},
                {"llama.cpp-24884 a key with a NUL", "a\0b", 3},
                {"llama.cpp-24884 a key that is no UTF-8", "a\xc3", 2},
                {"llama.cpp-24884 a surrogate", "\xed\xa0\x80", 3}};
    static const uint32_t alignments[] = {0, 3, 12, 65537, 1u << 20, 1u << 31, UINT32_MAX};
    gguf_writer w;
    char name[96];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        gguf_writer_init(&w);
        gguf_writer_pair(&w, keys[i].key, keys[i].size, INLAY__GGUF_U8);
        gguf_bytes_u8(&w.kv, 1);
        judge_writer(keys[i].name, &w, REFUSED);
    }
    for (size_t i = 0; i < sizeof alignments / sizeof *alignments; i++) {
        gguf_writer_init(&w);
        gguf_writer_u32(&w, "general.alignment", alignments[i]);
        snprintf(name, sizeof name, "llama.cpp-26318, 24997 alignment %u", alignments[i]);
        judge_writer(name, &w, REFUSED);
    }
    for (uint64_t n = 100; n < 200000; n = n * 3 / 2) {
        gguf_writer_init(&w);
        gguf_writer_u8(&w, "k", 1);
        w.n_tensors = n;
        snprintf(name, sizeof name, "llama.cpp-15711 %llu tensors in a few bytes", (unsigned long long)n);
        judge_writer(name, &w, REFUSED);
    }
}

/* CVE-2024-32878: a file that ends within its metadata, at each pair. */
TEST(cve_2024_32878_a_file_that_ends_at_each_byte_of_its_metadata) {
    tiny_params p = tiny_defaults();
    size_t size;
    uint8_t *data = tiny_model(&p, &size);
    for (size_t n = 0; n < 600; n++) {
        char name[64];
        snprintf(name, sizeof name, "CVE-2024-32878 cut after %zu bytes", n);
        judge_gguf(name, data, n, REFUSED);
    }
    free(data);
}

/* ------------------------------------------------------------------ GGUF: each key of each family */

/* What stands in a key's place. */
static const char *const lies[] = {
    "absent",        "u32 0",        "u32 1",          "u32 2^32-1",     "i32 -1",
    "i64 min",       "u64 2^63",     "f32 nan",        "f32 inf",        "f32 -1",
    "an empty text", "another text", "an empty array", "an array of u8", "an array of texts",
    "a boolean"};
enum { N_LIES = sizeof lies / sizeof *lies };

static void put_lie(gguf_writer *w, const char *key, size_t lie) {
    switch (lie) {
    case 0: break;
    case 1: gguf_writer_u32(w, key, 0); break;
    case 2: gguf_writer_u32(w, key, 1); break;
    case 3: gguf_writer_u32(w, key, UINT32_MAX); break;
    case 4: gguf_writer_i32(w, key, -1); break;
    case 5: gguf_writer_i64(w, key, INT64_MIN); break;
    case 6: gguf_writer_u64(w, key, UINT64_C(1) << 63); break;
    case 7: gguf_writer_f32(w, key, NAN); break;
    case 8: gguf_writer_f32(w, key, INFINITY); break;
    case 9: gguf_writer_f32(w, key, -1); break;
    case 10: gguf_writer_string(w, key, ""); break;
    case 11: gguf_writer_string(w, key, "another"); break;
    case 12: gguf_writer_array(w, key, INLAY__GGUF_U32, "", 0); break;
    case 13: gguf_writer_array(w, key, INLAY__GGUF_U8, "\1\2\3\4\5\6\7\10", 8); break;
    case 14: gguf_writer_strings(w, key, (const char *const[]){"", "x"}, 2); break;
    default: gguf_writer_bool(w, key, true); break;
    }
}

/* ggml-1517, llama.cpp-2124, 2247, 8816, 28345 (hyperparameters of 0), 24888, 26690 (arrays of a wrong type or length),
 * GHSA-g4cc, 25508 (ids of special tokens), 25739 (a BOS that is not there), 26318 (types of values). */
TEST(ggml_1517_llama_cpp_2124_2247_8816_28345_24888_26690_ghsa_g4cc_25508_every_key_of_every_family) {
    char before[32] = "";
    size_t n_families = 0;
    for (size_t i = 0; i < family_count(); i++) {
        const char *family = family_name(i);
        size_t word = strcspn(family, " ");
        bool same = strncmp(before, family, word) == 0 && before[word] == '\0';
        snprintf(before, sizeof before, "%.*s", (int)word, family);
        if (same) continue;
        family_folder folder = family_folder_make(i);
        size_t size;
        uint8_t *data = family_gguf(&folder, family_tokenizers[n_families++ % FAMILY_TOKENIZERS], &size);
        inlay__gguf gguf;
        if (inlay__gguf_parse(&inlay__sys_default, family, data, size, &gguf) != INLAY_OK) exit(2);
        for (size_t k = 0; k < gguf.n_kv; k++)
            for (size_t lie = 0; lie < N_LIES; lie++) {
                char name[160];
                gguf_writer w;
                gguf_writer_init(&w);
                family_gguf_without(&gguf, gguf.kv[k].key.text, &w);
                put_lie(&w, gguf.kv[k].key.text, lie);
                snprintf(name, sizeof name, "'%s', %s is %s", family, gguf.kv[k].key.text, lies[lie]);
                judge_writer(name, &w, ANY);
            }
        inlay__gguf_free(&gguf);
        free(data);
        family_folder_free(&folder);
    }
    CHECK(n_families > 25);
}

/* ------------------------------------------------------------------ safetensors */

#define TENSOR(dtype, shape, offsets) "\"a\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

TEST(audio_cpp_138_mlx_3364_safetensors_cpp_headers_that_lie) {
    static const struct {
        const char *name, *header;
    } cases[] = {
        {"audio.cpp-138 a negative offset", "{" TENSOR("F32", "[2]", "[-8,0]") "}"},
        {"mlx-3364 reversed offsets", "{" TENSOR("F32", "[2]", "[8,0]") "}"},
        {"mlx-3364 an end beyond the file", "{" TENSOR("F32", "[2]", "[0,18446744073709551615]") "}"},
        {"safetensors-cpp a product that wraps", "{" TENSOR("F32", "[4194305,4194305,211106198978564]", "[0,16]") "}"},
        {"a dimension of 2^64", "{" TENSOR("F32", "[18446744073709551616]", "[0,8]") "}"},
        {"a dimension of 1e999", "{" TENSOR("F32", "[1e999]", "[0,8]") "}"},
        {"a dimension of 1.5", "{" TENSOR("F32", "[1.5]", "[0,8]") "}"},
        {"a dimension of -0", "{" TENSOR("F32", "[-0]", "[0,8]") "}"},
        {"a dimension of null", "{" TENSOR("F32", "[null]", "[0,8]") "}"},
        {"a hole", "{" TENSOR("F32", "[1]", "[4,8]") "}"},
        {"a type of 4 bits and an odd number", "{" TENSOR("F4", "[3]", "[0,2]") "}"},
        {"a type that is none", "{" TENSOR("Q9", "[2]", "[0,8]") "}"},
        {"one name twice", "{" TENSOR("F32", "[2]", "[0,8]") "," TENSOR("F32", "[2]", "[0,8]") "}"},
        {"metadata that are no texts", "{\"__metadata__\":{\"a\":1}," TENSOR("F32", "[2]", "[0,8]") "}"},
        {"a lone surrogate", "{\"\\ud800\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"},
        {"a NUL in a name", "{\"a\\u0000b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"},
        {"a list", "[]"},
        {"no brace", "nothing"},
        {"an end in the midst", "{\"a\":{\"dtype\":\"F32\",\"sha"},
    };
    family_folder folder = family_folder_make(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].header);
        uint8_t *bytes = hostile_room(8 + n + 8);
        memset(bytes, 0, 8 + n + 8);
        bytes[0] = (uint8_t)n;
        memcpy(bytes + 8, cases[i].header, n);
        const hostile_file files[] = {{"config.json", (const uint8_t *)folder.config, folder.config_size},
                                      {"model.safetensors", bytes, 8 + n + 8}};
        judge(cases[i].name, hostile_run(files, 2), REFUSED);
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        uint8_t *bytes = hostile_room(16);
        char name[64];
        for (size_t k = 0; k < 8; k++) bytes[k] = (uint8_t)(counts[i] >> 8 * k);
        memset(bytes + 8, ' ', 8);
        const hostile_file files[] = {{"config.json", (const uint8_t *)folder.config, folder.config_size},
                                      {"model.safetensors", bytes, 16}};
        snprintf(name, sizeof name, "a header of %llu bytes", (unsigned long long)counts[i]);
        judge(name, hostile_run(files, 2), REFUSED);
    }
    family_folder_free(&folder);
}

/* ------------------------------------------------------------------ templates */

static void judge_template(const char *name, const char *source, bool may_render) {
    char text[256];
    size_t n = 0;
    int32_t status = inlay_template_render(source, INLAY_ALL, "{\"x\": \"text\", \"items\": [1, 2]}", INLAY_ALL, text,
                                           sizeof text, &n);
    bool leaks = status == INLAY_OK && (strstr(text, "uid=") != NULL || strstr(text, "<class") != NULL);
    bool kept = !leaks && (may_render || status != INLAY_OK);
    n_named++;
    n_kept += kept;
    if (getenv("INLAY_NAMED") != NULL) printf("%s: %s\n", name, status == INLAY_OK ? "a text" : inlay_error());
    if (!CHECK(kept)) fprintf(stderr, "%s: it was rendered\n", name);
}

TEST(cve_2024_34359_cve_2026_5760_minijinja_924_vllm_52025_19085_26387_templates) {
    static const struct {
        const char *name, *source;
        bool may_render; /* what does nothing may */
    } cases[] = {
        {"CVE-2024-34359 subclasses", "{{ ''.__class__.__mro__[1].__subclasses__() }}", false},
        {"CVE-2024-34359 globals", "{{ cycler.__init__.__globals__.os.popen('id').read() }}", false},
        {"CVE-2024-34359 builtins", "{{ x.__class__.__base__.__subclasses__()[84].load_module('os') }}", false},
        {"CVE-2026-5760 attr filter", "{{ (x | attr('__class__') | attr('__mro__'))[1] }}", false},
        {"CVE-2026-5760 format of attributes", "{{ '{0.__class__}'.format(x) }}", true},
        {"CVE-2026-5760 import", "{% import 'os' as os %}{{ os.popen('id') }}", false},
        {"CVE-2026-5760 include", "{% include '/etc/passwd' %}", false},
        {"llama.cpp-24140 a range of 10^9", "{% for i in range(1000000000) %}{% endfor %}", false},
        {"minijinja-924 a text times 10^10", "{{ '-' * 10000000000 }}", false},
        {"vllm-52025 loops within loops",
         "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}"
         "{{ a }}{% endfor %}{% endfor %}{% endfor %}",
         false},
        {"vllm-52025 doubling",
         "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}"
         "{% endfor %}{{ ns.s }}",
         false},
        {"vllm-52025 a power", "{{ 9 ** 9 ** 9 }}", false},
        {"llama.cpp-19085 a macro that calls itself", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", false},
        {"llama.cpp-19085 two macros in turn",
         "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}"
         "{{ a() }}",
         false},
        {"a loop that goes on with itself", "{% for i in items recursive %}{{ loop(items) }}{% endfor %}", false},
        {"a join of a text with itself", "{{ ([x] * 1000000) | join(x * 1000) }}", false},
        {"a replacement that grows", "{{ ('a' * 100000) | replace('a', 'a' * 100000) }}", false},
        {"a centred text of 10^9", "{{ x | center(1000000000) }}", false},
        {"an indent of 10^9", "{{ 'a\nb' | indent(1000000000) }}", false},
        {"a tag that does not end", "{% if x", false},
        {"an expression that does not end", "{{ (((((", false},
        {"a division by zero", "{{ 1 // 0 }}", false},
        {"a remainder of zero", "{{ 1 % 0 }}", false},
        {"the least integer by -1", "{{ (-9223372036854775807 - 1) // -1 }}", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        judge_template(cases[i].name, cases[i].source, cases[i].may_render);
    static const char *const openings[][2] = {{"{{ ", "("},   {"{{ ", "["},         {"", "{% if x %}"},
                                              {"{{ ", "not "}, {"{{ ", "-"}, {"", "{% for i in items %}"}};
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        enum { DEEP = 26387 };
        size_t n = strlen(openings[i][1]), first = strlen(openings[i][0]);
        char *source = malloc(first + DEEP * n + 1), name[64];
        if (source == NULL) exit(2);
        memcpy(source, openings[i][0], first);
        for (size_t k = 0; k < DEEP; k++) memcpy(source + first + k * n, openings[i][1], n);
        source[first + DEEP * n] = '\0';
        snprintf(name, sizeof name, "llama.cpp-26387 %d of '%s'", DEEP, openings[i][1]);
        judge_template(name, source, false);
        free(source);
    }
}

/* ------------------------------------------------------------------ calls */

static void judge_call(const char *name, int32_t status) {
    bool kept = status < 0 && inlay_error()[0] != '\0';
    n_named++;
    n_kept += kept;
    if (getenv("INLAY_NAMED") != NULL) printf("%s: %s\n", name, inlay_error());
    if (!CHECK(kept)) fprintf(stderr, "%s: %s\n", name, inlay_status_name(status));
}

TEST(cve_2026_21869_cve_2025_49847_cve_2025_52566_ghsa_8wwf_7rxv_27439_ik_llama_1984_26651_calls) {
    tiny t = tiny_open(NULL, NULL);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, 32, 0);
    static const int32_t ids[] = {-1, 320, INT32_MAX, INT32_MIN};
    const int32_t tokens[] = {5, 6, 7, 8};
    char text[64], name[96];
    size_t n;
    int32_t token;
    CHECK_INT(inlay_eval(s, tokens, 4), INLAY_OK);
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "token %d is evaluated", ids[i]);
        judge_call(name, inlay_eval(s, &ids[i], 1));
        snprintf(name, sizeof name, "CVE-2025-49847 (GHSA-8wwf) the bytes of token %d", ids[i]);
        judge_call(name, inlay_token_bytes(t.model, ids[i], text, sizeof text, &n));
        snprintf(name, sizeof name, "the text of tokens with %d", ids[i]);
        judge_call(name, inlay_detokenize(t.model, &ids[i], 1, text, sizeof text, &n));
    }
    judge_call("CVE-2026-21869 a range that is reversed", inlay_session_drop(s, 3, 1));
    judge_call("CVE-2026-21869 a range beyond the end", inlay_session_drop(s, 1, 5));
    judge_call("CVE-2026-21869 a range of SIZE_MAX", inlay_session_drop(s, 1, SIZE_MAX));
    judge_call("CVE-2026-21869 a length beyond the end", inlay_session_truncate(s, SIZE_MAX));
    judge_call("CVE-2025-52566 (GHSA-7rxv) no room for tokens",
               inlay_tokenize(t.model, "a text", INLAY_ALL, 0, &token, 1, &n));
    judge_call("CVE-2025-49847 no room for bytes", inlay_token_bytes(t.model, 100, text, 0, &n));
    judge_call("more tokens than the context", inlay_eval(s, tokens, SIZE_MAX / 8));
    for (size_t size = 0; size < 64; size++) {
        uint8_t bytes[64];
        memset(bytes, 0xff, sizeof bytes);
        snprintf(name, sizeof name, "llama.cpp-27439 a state of %zu bytes", size);
        judge_call(name, inlay_sequence_load(s, 0, bytes, size));
    }
    static const float bad[] = {NAN, INFINITY};
    for (size_t i = 0; i < 3; i++) {
        float *logits;
        CHECK_INT(inlay_logits(s, &logits, &n), INLAY_OK);
        for (size_t k = 0; k < n; k++) logits[k] = i < 2 ? bad[i] : -INFINITY;
        snprintf(name, sizeof name, "ik_llama-1984, llama.cpp-26651 logits that are all %s",
                 i == 0   ? "NaN"
                 : i == 1 ? "inf"
                          : "-inf");
        judge_call(name, inlay_sample(s, &token));
    }
    inlay_session_free(s);
    tiny_close(&t);
}

TEST(all_named_cases_are_kept) {
    printf("named hostile cases: %zu, kept: %zu\n", n_named, n_kept);
    CHECK(n_named == 0 || (n_named >= 1500 && n_kept == n_named));
}

TEST_MAIN(CASE(talos_2024_1912_to_1916_cve_2024_21825_23496_21802_21836_23605_counts),
          CASE(gguf_py_27188_arrays_of_2_to_the_63_and_arrays_of_arrays),
          CASE(cve_2026_33298_cve_2026_7482_cve_2024_41130_shapes_that_lie),
          CASE(cve_2025_53630_and_its_bypass_cve_2026_27940_sums_that_wrap),
          CASE(llama_cpp_24884_26318_24997_15711_keys_and_alignments),
          CASE(cve_2024_32878_a_file_that_ends_at_each_byte_of_its_metadata),
          CASE(ggml_1517_llama_cpp_2124_2247_8816_28345_24888_26690_ghsa_g4cc_25508_every_key_of_every_family),
          CASE(audio_cpp_138_mlx_3364_safetensors_cpp_headers_that_lie),
          CASE(cve_2024_34359_cve_2026_5760_minijinja_924_vllm_52025_19085_26387_templates),
          CASE(cve_2026_21869_cve_2025_49847_cve_2025_52566_ghsa_8wwf_7rxv_27439_ik_llama_1984_26651_calls),
          CASE(all_named_cases_are_kept))
