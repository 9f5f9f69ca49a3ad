/* Vocabularies that lie: each gives an error that names the key, or loads by a rule. */
#include "test.h"

#include "support/accounting_sys.h"
#include "support/posix.h"
#include "support/tiny_vocab.h"

static tiny_vocab v;

/* Opens v, checks status and words, that nothing is left in memory, and frees v. */
static void expect(int32_t status, const char *words) {
    accounting a;
    accounting_init(&a);
    tiny_tokenizer t = tiny_vocab_open(&v, &a.sys);
    CHECK_INT(t.status, status);
    if (status != INLAY_OK) {
        CHECK(t.tokenizer == NULL);
        CHECK_HAS(inlay__error_text(), words);
        CHECK_HAS(inlay__error_text(), "tiny.gguf");
    } else {
        CHECK_STR(tiny_encode(&t, "a", 1, 0), words);
    }
    tiny_tokenizer_close(&t);
    CHECK_INT(a.n_live, 0);
    tiny_vocab_free(&v);
}

/* ------------------------------------------------------------------ families */

TEST(a_file_without_a_tokenizer_says_so) {
    tiny_vocab_init(&v);
    v.model = NULL;
    expect(INLAY_ERR_FORMAT, "tokenizer.ggml.model");
}

TEST(families_and_pretokenizers_that_are_not_supported_are_named) {
    static const char *const families[] = {"wordpiece", "", "gpt2x", "plamo3"};
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        char words[64];
        tiny_vocab_init(&v);
        v.model = families[i];
        snprintf(words, sizeof words, "is '%s'", families[i]);
        expect(INLAY_ERR_UNSUPPORTED, words);
    }
    tiny_vocab_init(&v);
    v.pre = "no-such-pattern";
    expect(INLAY_ERR_UNSUPPORTED, "tokenizer.ggml.pre is 'no-such-pattern'");
}

TEST(a_file_from_before_pretokenizers_had_names_has_the_default_one) {
    tiny_vocab_init(&v);
    v.pre = NULL;
    tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
    CHECK_INT(t.status, INLAY_OK);
    if (t.status == INLAY_OK) CHECK_STR(inlay__tokenizer_name(t.tokenizer), "gpt2/default");
    tiny_tokenizer_close(&t);
    tiny_vocab_free(&v);
}

static void model_is_a_number(gguf_writer *w) { gguf_writer_u32(w, "tokenizer.ggml.model", 2); }
static void pre_is_an_array(gguf_writer *w) {
    gguf_writer_strings(w, "tokenizer.ggml.pre", (const char *const[]){"gpt-2"}, 1);
}

TEST(names_of_another_type_are_errors) {
    tiny_vocab_init(&v);
    v.model = NULL;
    v.more = model_is_a_number;
    expect(INLAY_ERR_FORMAT, "tokenizer.ggml.model is not a string");
    tiny_vocab_init(&v);
    v.pre = NULL;
    v.more = pre_is_an_array;
    expect(INLAY_ERR_FORMAT, "tokenizer.ggml.pre is not a string");
}

/* ------------------------------------------------------------------- tokens */

static void tokens_are_numbers(gguf_writer *w) {
    gguf_writer_array(w, "tokenizer.ggml.tokens", INLAY__GGUF_I32, (const int32_t[]){1, 2}, 2);
}
static void tokens_are_one_string(gguf_writer *w) { gguf_writer_string(w, "tokenizer.ggml.tokens", "a"); }

TEST(tokens_must_be_an_array_of_strings) {
    tiny_vocab_init(&v);
    v.no_tokens = true;
    expect(INLAY_ERR_FORMAT, "has no tokenizer.ggml.tokens");
    tiny_vocab_init(&v);
    v.no_tokens = true;
    v.more = tokens_are_numbers;
    expect(INLAY_ERR_FORMAT, "tokenizer.ggml.tokens is not an array of strings");
    tiny_vocab_init(&v);
    v.no_tokens = true;
    v.more = tokens_are_one_string;
    expect(INLAY_ERR_FORMAT, "tokenizer.ggml.tokens is not an array of strings");
}

/* GHSA-g4cc, llama.cpp #25508: ids that readers assume were not checked against a tiny vocabulary. */
TEST(vocabularies_of_no_one_and_two_tokens) {
    tiny_vocab_init(&v);
    size_t all = v.n_tokens;
    v.n_tokens = 0;
    v.no_types = true;
    accounting a;
    accounting_init(&a);
    tiny_tokenizer t = tiny_vocab_open(&v, &a.sys);
    CHECK_INT(t.status, INLAY_ERR_FORMAT);
    CHECK_HAS(inlay__error_text(), "has 0 tokens");
    tiny_tokenizer_close(&t);
    for (size_t n = 1; n <= 2; n++) {
        v.n_tokens = n;
        t = tiny_vocab_open(&v, &a.sys);
        CHECK_INT(t.status, INLAY_OK);
        CHECK_INT(inlay__tokenizer_special(t.tokenizer)->bos, -1);
        CHECK_INT(inlay__tokenizer_special(t.tokenizer)->eos, -1);
        CHECK_STR(tiny_encode(&t, "\0", 1, INLAY_ADD_SPECIAL), "0");
        CHECK_HAS(tiny_encode(&t, "a", 1, INLAY_ADD_SPECIAL), "no token for byte 97");
        tiny_tokenizer_close(&t);
    }
    CHECK_INT(a.n_live, 0);
    v.n_tokens = all;
    tiny_vocab_free(&v);
}

TEST(of_tokens_with_one_text_the_lowest_id_counts) {
    tiny_vocab_init(&v);
    tiny_vocab_token(&v, "a", VOCAB_NORMAL);
    tiny_vocab_token(&v, "a", VOCAB_CONTROL);
    expect(INLAY_OK, "97");
    tiny_vocab_init(&v);
    v.types['a'] = VOCAB_UNUSED; /* what text may not become gives way */
    tiny_vocab_token(&v, "a", VOCAB_NORMAL);
    tiny_vocab_token(&v, "a", VOCAB_NORMAL);
    expect(INLAY_OK, "256");
}

/* CVE-2025-49847: a token's size was cut to 32 bits and bytes were copied past the buffer. */
TEST(a_token_text_beyond_two_gib_keeps_its_size) {
    if (sizeof(size_t) < 8) SKIP("needs 64-bit addresses");
    const size_t huge = ((size_t)1 << 31) + 16;
    char *text = lazy_zeros(huge + 1);
    if (text == NULL) SKIP("no room for 2 GiB of addresses");
    tiny_vocab_init(&v);
    v.n_tokens = 1;
    size_t size;
    uint8_t *file = tiny_vocab_file(&v, &size);
    inlay__gguf gguf;
    CHECK_INT(inlay__gguf_parse(&inlay__sys_default, "tiny.gguf", file, size, &gguf), INLAY_OK);
    inlay__gguf_kv *kv = (inlay__gguf_kv *)inlay__gguf_find(&gguf, "tokenizer.ggml.tokens");
    uint32_t offsets[2] = {0, (uint32_t)(huge + 1)};
    kv->values = (const uint8_t *)text;
    kv->offsets = offsets;
    CHECK_INT(inlay__gguf_string(kv, 0).size, huge);

    inlay__tokenizer *tokenizer = NULL;
    CHECK_INT(tiny_tokenizer_make(&inlay__sys_default, &gguf, &tokenizer), INLAY_OK);
    char out[8] = "same";
    const int32_t id = 0;
    const size_t rooms[] = {0, 1, sizeof out};
    for (size_t i = 0; i < 3; i++) {
        size_t found = 0;
        CHECK_INT(inlay__tokenizer_decode(tokenizer, &id, 1, out, rooms[i], &found), INLAY_ERR_BUFFER);
        CHECK_INT(found, huge);
        CHECK_STR(out, "same");
    }
    inlay__tokenizer_free(tokenizer);
    inlay__gguf_free(&gguf);
    free(file);
    drop_zeros(text, huge + 1);
    v.n_tokens = 256;
    tiny_vocab_free(&v);
}

/* ------------------------------------------------------------------- arrays */

static struct {
    const char *key;
    uint32_t type;
    size_t n;
} array;

static void add_array(gguf_writer *w) {
    static const uint8_t zeros[8 * 300];
    static const char *strings[300];
    for (size_t i = 0; i < 300; i++)
        strings[i] = "";
    if (array.type == INLAY__GGUF_STRING)
        gguf_writer_strings(w, array.key, strings, array.n);
    else
        gguf_writer_array(w, array.key, array.type, zeros, array.n);
}

/* llama.cpp #24888, #26690: arrays declared as bytes were read as words, and shorter ones past their end. */
TEST(arrays_of_a_wrong_type_or_length_are_errors) {
    static const char *const keys[] = {"tokenizer.ggml.token_type", "tokenizer.ggml.scores"};
    for (int k = 0; k < 2; k++) {
        for (uint32_t type = 0; type < INLAY__GGUF_N_TYPES; type++) {
            if (type == INLAY__GGUF_ARRAY) continue;
            bool right = k == 0 ? type == INLAY__GGUF_I32 || type == INLAY__GGUF_U32 : type == INLAY__GGUF_F32;
            for (size_t n = 255; n <= 257; n++) {
                tiny_vocab_init(&v);
                v.no_types = k == 0;
                v.more = add_array;
                array.key = keys[k];
                array.type = type;
                array.n = n;
                expect(right && n == 256 ? INLAY_OK : INLAY_ERR_FORMAT, right && n == 256 ? "97" : keys[k]);
            }
        }
    }
}

static void type_is_one_number(gguf_writer *w) { gguf_writer_i32(w, "tokenizer.ggml.token_type", 1); }

TEST(a_single_number_is_no_array) {
    tiny_vocab_init(&v);
    v.no_types = true;
    v.more = type_is_one_number;
    expect(INLAY_ERR_FORMAT, "tokenizer.ggml.token_type is a single i32");
}

TEST(kinds_that_do_not_exist_are_errors) {
    static const int32_t bad[] = {-1, 7, 255, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tiny_vocab_init(&v);
        v.types[200] = bad[i];
        expect(INLAY_ERR_FORMAT, "token_type of token 200");
    }
}

/* llama.cpp #25969, #27226: "<0x-1>" went through strtol and indexed before a table. */
TEST(byte_tokens_must_be_bytes) {
    static const char *const bad[] = {"<0x-1>", "<0xZZ>", "<0x100>", "<0x1>",   "<0x>",   "",      "a",
                                      "0x41",   "<0x41",  "<0X41>",  "<0x41>>", "<0x 1>", "<0x+1>"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tiny_vocab_init(&v);
        tiny_vocab_token(&v, bad[i], VOCAB_BYTE);
        expect(INLAY_ERR_FORMAT, "token 256 is a byte");
    }
    tiny_vocab_init(&v);
    tiny_vocab_token(&v, "<0x41>", VOCAB_BYTE);
    tiny_vocab_token(&v, "<0x41>", VOCAB_BYTE);
    tiny_vocab_token(&v, "<0xfF>", VOCAB_BYTE);
    expect(INLAY_OK, "97");
}

static void merges_are_numbers(gguf_writer *w) {
    gguf_writer_array(w, "tokenizer.ggml.merges", INLAY__GGUF_I32, (const int32_t[]){1, 2}, 2);
}

TEST(merges_must_be_an_array_of_strings) {
    tiny_vocab_init(&v);
    v.no_merges = true;
    expect(INLAY_ERR_FORMAT, "has no tokenizer.ggml.merges");
    tiny_vocab_init(&v);
    v.no_merges = true;
    v.more = merges_are_numbers;
    expect(INLAY_ERR_FORMAT, "tokenizer.ggml.merges is not an array of strings");
}

static void many_merges(gguf_writer *w) {
    static const char *merges[(1 << 20) + 5];
    for (size_t i = 0; i < sizeof merges / sizeof merges[0]; i++)
        merges[i] = i % 2 == 0 ? "a b" : "q zz";
    gguf_writer_strings(w, "tokenizer.ggml.merges", merges, sizeof merges / sizeof merges[0]);
}

TEST(more_than_a_million_merges_load) {
    tiny_vocab_init(&v);
    tiny_vocab_token(&v, "ab", VOCAB_NORMAL);
    v.no_merges = true;
    v.more = many_merges;
    expect(INLAY_OK, "97");
}

/* ---------------------------------------------------------------------- ids */

static const char *const id_keys[] = {"tokenizer.ggml.bos_token_id",     "tokenizer.ggml.eos_token_id",
                                      "tokenizer.ggml.unknown_token_id", "tokenizer.ggml.padding_token_id",
                                      "tokenizer.ggml.eot_token_id",     "tokenizer.ggml.eom_token_id",
                                      "tokenizer.ggml.fim_pad_token_id", "tokenizer.ggml.fim_rep_token_id",
                                      "tokenizer.ggml.fim_sep_token_id"};
static size_t id_key;
static int64_t id_value;

static void add_id(gguf_writer *w) { gguf_writer_i64(w, id_keys[id_key], id_value); }
static void add_id_as_string(gguf_writer *w) { gguf_writer_string(w, id_keys[id_key], "1"); }
static void add_id_as_float(gguf_writer *w) { gguf_writer_f32(w, id_keys[id_key], 1.0f); }
static void add_id_as_array(gguf_writer *w) {
    gguf_writer_array(w, id_keys[id_key], INLAY__GGUF_U32, (const uint32_t[]){1}, 1);
}

TEST(ids_outside_the_vocabulary_are_errors) {
    static const int64_t bad[] = {256, -1, UINT32_MAX, INT32_MAX, (int64_t)1 << 32, INT64_MAX, INT64_MIN};
    for (id_key = 0; id_key < 9; id_key++) {
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            tiny_vocab_init(&v);
            v.more = add_id;
            id_value = bad[i];
            expect(INLAY_ERR_FORMAT, id_keys[id_key]);
        }
        tiny_vocab_init(&v);
        v.more = add_id;
        id_value = 255;
        expect(INLAY_OK, "97");
    }
}

TEST(ids_of_another_type_are_errors) {
    static void (*const add[])(gguf_writer *) = {add_id_as_string, add_id_as_float, add_id_as_array};
    for (id_key = 0; id_key < 9; id_key++) {
        for (int i = 0; i < 3; i++) {
            tiny_vocab_init(&v);
            v.more = add[i];
            expect(INLAY_ERR_FORMAT, id_keys[id_key]);
        }
    }
}

static void add_ends(gguf_writer *w) {
    gguf_writer_array(w, "tokenizer.ggml.eos_token_ids", INLAY__GGUF_U32, (const uint32_t[]){5, 255, 256, UINT32_MAX},
                      4);
}
static void add_ends_as_number(gguf_writer *w) { gguf_writer_i64(w, "tokenizer.ggml.eos_token_ids", 5); }
static void add_negative_end(gguf_writer *w) {
    gguf_writer_array(w, "tokenizer.ggml.eos_token_ids", INLAY__GGUF_I32, (const int32_t[]){-1}, 1);
}

static void add_padding_of_gaps(gguf_writer *w) { gguf_writer_u32(w, "tokenizer.ggml.fim_pad_token_id", 7); }

TEST(marks_between_files_end_what_fills_a_gap) {
    tiny_vocab_init(&v);
    v.more = add_padding_of_gaps;
    int32_t separator = tiny_vocab_token(&v, "<|file_sep|>", VOCAB_CONTROL);
    int32_t padding = tiny_vocab_token(&v, "<|fim_pad|>", VOCAB_USER_DEFINED);
    int32_t text = tiny_vocab_token(&v, "<reponame>", VOCAB_NORMAL); /* as a text may spell it */
    int32_t prefix = tiny_vocab_token(&v, "<|fim_prefix|>", VOCAB_CONTROL);
    tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
    CHECK_INT(t.status, INLAY_OK);
    CHECK(inlay__tokenizer_ends(t.tokenizer, separator));
    CHECK(inlay__tokenizer_ends(t.tokenizer, padding));
    CHECK(inlay__tokenizer_ends(t.tokenizer, 7));
    CHECK(!inlay__tokenizer_ends(t.tokenizer, text));
    CHECK(!inlay__tokenizer_ends(t.tokenizer, prefix));
    CHECK_INT(inlay__tokenizer_token_flags(t.tokenizer, padding), INLAY_TOKEN_ADDED | INLAY_TOKEN_END);
    tiny_tokenizer_close(&t);
    tiny_vocab_free(&v);
}

TEST(several_tokens_may_end_a_text) {
    tiny_vocab_init(&v);
    v.more = add_ends;
    tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
    CHECK_INT(t.status, INLAY_OK);
    for (int32_t id = 0; t.status == INLAY_OK && id < 256; id++)
        CHECK_INT(inlay__tokenizer_token_flags(t.tokenizer, id) & INLAY_TOKEN_END,
                  id == 5 || id == 255 ? INLAY_TOKEN_END : 0);
    tiny_tokenizer_close(&t);
    tiny_vocab_free(&v);

    static void (*const bad[])(gguf_writer *) = {add_ends_as_number, add_negative_end};
    for (int i = 0; i < 2; i++) {
        tiny_vocab_init(&v);
        v.more = bad[i];
        expect(INLAY_ERR_FORMAT, "eos_token_ids is not an array");
    }
}

/* llama.cpp #24885, #25739. */
TEST(wanting_a_bos_that_does_not_exist_is_an_error) {
    tiny_vocab_init(&v);
    v.add_bos = 1;
    expect(INLAY_ERR_FORMAT, "tokenizer.ggml.add_bos_token is true");
    tiny_vocab_init(&v);
    v.add_eos = 1;
    v.bos = 1;
    expect(INLAY_ERR_FORMAT, "tokenizer.ggml.add_eos_token is true");
    tiny_vocab_init(&v);
    v.add_bos = v.add_eos = 0;
    expect(INLAY_OK, "97");
}

static void add_bos_is_a_number(gguf_writer *w) { gguf_writer_u8(w, "tokenizer.ggml.add_bos_token", 1); }

TEST(a_wish_that_is_no_bool_is_an_error) {
    tiny_vocab_init(&v);
    v.bos = 1;
    v.more = add_bos_is_a_number;
    expect(INLAY_ERR_FORMAT, "tokenizer.ggml.add_bos_token is not a bool");
}

TEST_MAIN(CASE(a_file_without_a_tokenizer_says_so), CASE(families_and_pretokenizers_that_are_not_supported_are_named),
          CASE(a_file_from_before_pretokenizers_had_names_has_the_default_one), CASE(names_of_another_type_are_errors),
          CASE(tokens_must_be_an_array_of_strings), CASE(vocabularies_of_no_one_and_two_tokens),
          CASE(of_tokens_with_one_text_the_lowest_id_counts), CASE(a_token_text_beyond_two_gib_keeps_its_size),
          CASE(arrays_of_a_wrong_type_or_length_are_errors), CASE(a_single_number_is_no_array),
          CASE(kinds_that_do_not_exist_are_errors), CASE(byte_tokens_must_be_bytes),
          CASE(merges_must_be_an_array_of_strings), CASE(more_than_a_million_merges_load),
          CASE(ids_outside_the_vocabulary_are_errors), CASE(ids_of_another_type_are_errors),
          CASE(marks_between_files_end_what_fills_a_gap), CASE(several_tokens_may_end_a_text),
          CASE(wanting_a_bos_that_does_not_exist_is_an_error), CASE(a_wish_that_is_no_bool_is_an_error))
