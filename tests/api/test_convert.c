/* GGUF files written of folders and other models: the bits, tokens and facts of what they were made of; errors,
 * cancelling and failing leave nothing. */
#include "test.h"

#include <unistd.h>

#include "api/handles.h"
#include "format/gguf_file.h"
#include "support/fail_sys.h"
#include "support/gguf_check.h"
#include "support/safetensors_writer.h"
#include "support/temp_file.h"
#include "support/tiny_ngram.h"
#include "support/tiny_open.h"

enum { N_VOCAB = 16, N_EMBD = 32, N_TOKENS = 9 };

static const char config[] = "{\"model_type\":\"llama\",\"hidden_size\":32,\"num_hidden_layers\":1,\"num_attention_"
                             "heads\":2,\"num_key_value_heads\":1,"
                             "\"intermediate_size\":32,\"vocab_size\":16,\"max_position_embeddings\":64,\"eos_token_"
                             "id\":[3,5],\"tie_word_embeddings\":true}";
static const char tokenizer[] =
    "{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"x\":0,\"y\":1,\"z\":2,\"end\":3},\"unk_token\":\"x\"},"
    "\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"}}";
static const char tokenizer_config[] = "{\"eos_token\":\"end\",\"chat_template\":\"{{ messages[0].content }}\"}";

static bool exists(const char *path) { return access(path, F_OK) == 0; }

/* Halves between 0.0625 and 0.125 with either sign; norms are 1. */
static void put_halves(safetensors_writer *w, const char *name, const char *shape, size_t n) {
    uint8_t data[2 * N_EMBD * N_EMBD];
    uint32_t state = (uint32_t)n + (uint32_t)strlen(name) * 77;
    bool norm = strstr(name, "norm") != NULL;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525 + 1013904223;
        uint32_t bits = norm ? 0x3c00 : 0x2c00 | (state >> 20 & 0x3ff) | (state >> 16 & 0x8000);
        data[2 * i] = (uint8_t)bits;
        data[2 * i + 1] = (uint8_t)(bits >> 8);
    }
    safetensors_writer_put(w, name, "F16", shape, data, 2 * n);
}

/* Writes a small folder and gives its path. */
static const char *make_folder(void) {
    static safetensors_writer w;
    size_t size;
    safetensors_writer_init(&w);
    put_halves(&w, "model.embed_tokens.weight", "[16,32]", N_VOCAB * N_EMBD);
    put_halves(&w, "model.norm.weight", "[32]", N_EMBD);
    put_halves(&w, "model.layers.0.input_layernorm.weight", "[32]", N_EMBD);
    put_halves(&w, "model.layers.0.post_attention_layernorm.weight", "[32]", N_EMBD);
    put_halves(&w, "model.layers.0.self_attn.q_proj.weight", "[32,32]", N_EMBD * N_EMBD);
    put_halves(&w, "model.layers.0.self_attn.k_proj.weight", "[16,32]", N_EMBD * N_EMBD / 2);
    put_halves(&w, "model.layers.0.self_attn.v_proj.weight", "[16,32]", N_EMBD * N_EMBD / 2);
    put_halves(&w, "model.layers.0.self_attn.o_proj.weight", "[32,32]", N_EMBD * N_EMBD);
    put_halves(&w, "model.layers.0.mlp.gate_proj.weight", "[32,32]", N_EMBD * N_EMBD);
    put_halves(&w, "model.layers.0.mlp.up_proj.weight", "[32,32]", N_EMBD * N_EMBD);
    put_halves(&w, "model.layers.0.mlp.down_proj.weight", "[32,32]", N_EMBD * N_EMBD);
    uint8_t *file = safetensors_writer_finish(&w, &size);
    temp_file("model.safetensors", file, size);
    temp_file("config.json", config, sizeof config - 1);
    temp_file("tokenizer.json", tokenizer, sizeof tokenizer - 1);
    temp_file("tokenizer_config.json", tokenizer_config, sizeof tokenizer_config - 1);
    free(file);
    return temp_path(".");
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

static inlay_model *open_model(const char *path, const inlay_options *options) {
    inlay_model *model = NULL;
    if (inlay_model_open(path, options, &model) != INLAY_OK) {
        fprintf(stderr, "%s\n", inlay_error());
        exit(1);
    }
    return model;
}

/* The same logits after N_TOKENS, the same facts of tokens, the same template. */
static void is_same(const char *path, const inlay_options *options, const char *other) {
    static const int32_t facts[] = {INLAY_MODEL_N_VOCAB,       INLAY_MODEL_N_PARAMS,        INLAY_MODEL_TOKEN_EOS,
                                    INLAY_MODEL_TOKEN_UNKNOWN, INLAY_MODEL_N_CONTEXT_TRAIN, INLAY_MODEL_CAPABILITIES,
                                    INLAY_MODEL_TOKENS_HASH};
    inlay_model *models[] = {open_model(path, options), open_model(other, NULL)};
    float *logits[2];
    int64_t values[2];
    const char *texts[2];
    size_t sizes[2];
    for (size_t i = 0; i < 2; i++) {
        int32_t tokens[N_TOKENS];
        for (int32_t t = 0; t < N_TOKENS; t++)
            tokens[t] = (5 * t + 1) % N_VOCAB;
        inlay_session *s = tiny_session(models[i], INLAY_OPT_CONTEXT, 64, 0);
        logits[i] = tiny_eval(s, tokens, N_TOKENS, 4);
        inlay_session_free(s);
        CHECK_INT(inlay_model_get_string(models[i], INLAY_MODEL_CHAT_TEMPLATE, &texts[i], &sizes[i]), INLAY_OK);
    }
    inlay_model_get_int(models[0], INLAY_MODEL_N_VOCAB, &values[0]);
    CHECK(memcmp(logits[0], logits[1], (size_t)values[0] * sizeof(float)) == 0);
    CHECK_STR(texts[0], texts[1]);
    for (size_t f = 0; f < sizeof facts / sizeof facts[0]; f++) {
        for (size_t i = 0; i < 2; i++)
            CHECK_INT(inlay_model_get_int(models[i], facts[f], &values[i]), INLAY_OK);
        CHECK_INT(values[0], values[1]);
    }
    for (size_t i = 0; i < 2; i++) {
        inlay_model_free(models[i]);
        free(logits[i]);
    }
}

TEST(a_folder_becomes_a_file_that_gives_its_bits_and_tokens) {
    const char *folder = make_folder(), *out = temp_path("out.gguf");
    const int64_t types[] = {-1, INLAY_TYPE_Q8_0, INLAY_TYPE_Q4_0};
    for (size_t i = 0; i < 3; i++) {
        inlay_options *o = tiny_options(INLAY_OPT_THREADS, i == 1 ? 1 : 2, INLAY_OPT_QUANTIZE, types[i], 0);
        CHECK_INT(inlay_convert_file(folder, out, o), INLAY_OK);
        CHECK(!exists(temp_path("out.gguf.part")));
        is_same(folder, o, out);
        inlay_options_free(o);
    }
    inlay_model *model = open_model(out, NULL);
    int32_t tokens[4];
    size_t n, size;
    static const char key[] = "tokenizer.huggingface.json";
    char text[256];
    CHECK_INT(inlay_tokenize(model, "y what z end", INLAY_ALL, 0, tokens, 4, &n), INLAY_OK);
    CHECK(n == 4 && tokens[0] == 1 && tokens[1] == 0 && tokens[2] == 2 && tokens[3] == 3);
    CHECK(inlay_token_is_end(model, 3));
    CHECK_INT(inlay_model_metadata_find(model, key, sizeof key - 1, &n), INLAY_OK);
    CHECK_INT(inlay_model_metadata_text(model, n, 0, text, sizeof text, &size), INLAY_OK);
    CHECK_STR(text, tokenizer);
    inlay_model_free(model);
}

TEST(a_folder_is_packed_with_its_tokenizer) {
    const char *folder = make_folder(), *packed = temp_path("packed.gguf");
    inlay_options *o = tiny_options(INLAY_OPT_QUANTIZE, (int64_t)INLAY_TYPE_Q8_0, 0);
    CHECK_INT(inlay_pack_file(folder, packed, o), INLAY_OK);
    is_same(folder, o, packed);
    CHECK_INT(inlay_convert_file(packed, temp_path("again.gguf"), NULL), INLAY_ERR_ARGUMENT);
    CHECK_HAS(inlay_error(), "is packed");
    CHECK(!exists(temp_path("again.gguf")));
    inlay_options_free(o);
}

TEST(a_gguf_file_is_written_anew_and_quantised) {
    tiny_params p = tiny_defaults();
    size_t size, again_size;
    uint8_t *data = tiny_model(&p, &size);
    const char *original = temp_file("model.gguf", data, size), *out = temp_path("q8_0.gguf"),
               *again = temp_path("again.gguf");
    inlay_options *o = tiny_options(INLAY_OPT_QUANTIZE, (int64_t)INLAY_TYPE_Q8_0, 0);
    CHECK_INT(inlay_convert_file(original, out, o), INLAY_OK);
    is_same(original, o, out);
    CHECK_INT(inlay_convert_file(out, again, NULL), INLAY_OK);
    uint8_t *first = read_file(out, &size), *second = read_file(again, &again_size);
    CHECK(size == again_size && memcmp(first, second, size) == 0);
    free(first);
    free(second);
    free(data);
    inlay_options_free(o);
}

TEST(an_n_gram_model_becomes_a_file) {
    const char *text = "\\data\\\nngram 1=3\nngram 2=1\n\n\\1-grams:\n-1.0 <s> -0.3\n-0.5 a -0.2\n-0.7 "
                       "</s>\n\n\\2-grams:\n-0.1 <s> a\n\n\\end\\\n";
    const char *original = temp_file("words.arpa", text, strlen(text)), *out = temp_path("words.gguf");
    CHECK_INT(inlay_convert_file(original, out, NULL), INLAY_OK);
    inlay_model *models[] = {open_model(original, NULL), open_model(out, NULL)};
    float *logits[2];
    int32_t tokens[] = {0, 1};
    for (size_t i = 0; i < 2; i++) {
        inlay_session *s = tiny_session(models[i], 0);
        logits[i] = tiny_eval(s, tokens, 2, 1);
        inlay_session_free(s);
    }
    CHECK(memcmp(logits[0], logits[1], 3 * sizeof(float)) == 0);
    for (size_t i = 0; i < 2; i++) {
        inlay_model_free(models[i]);
        free(logits[i]);
    }
}

TEST(what_cannot_be_converted_is_told_and_leaves_nothing) {
    const char *folder = make_folder(), *out = temp_path("none.gguf");
    inlay_options *o = tiny_options(INLAY_OPT_QUANTIZE, (int64_t)INLAY_TYPE_Q16_0, 0);
    CHECK_INT(inlay_convert_file(temp_path("no such file"), out, NULL), INLAY_ERR_IO);
    CHECK_INT(inlay_convert_file(folder, temp_path("no/such/folder"), NULL), INLAY_ERR_IO);
    CHECK_INT(inlay_convert_file(temp_file("text", "no model", 8), out, NULL), INLAY_ERR_FORMAT);
    CHECK_INT(inlay_convert_file(folder, out, o), INLAY_ERR_UNSUPPORTED);
    CHECK_HAS(inlay_error(), "no file holds");
    inlay_options_set_int(o, INLAY_OPT_QUANTIZE, INLAY_TYPE_F32);
    CHECK_INT(inlay_convert_file(folder, out, o), INLAY_ERR_UNSUPPORTED);
    temp_file("config.json", "{\"model_type\":\"llama\"}", 22);
    CHECK_INT(inlay_convert_file(folder, out, NULL), INLAY_ERR_FORMAT);
    CHECK_HAS(inlay_error(), "hidden_size");
    CHECK(!exists(out) && !exists(temp_path("none.gguf.part")));
    inlay_options_free(o);
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
    tiny_params p = tiny_defaults();
    p.matrix_type = p.embedding_type = INLAY_TYPE_Q8_0;
    p.n_embd = 1024;
    p.n_ff = 32;
    p.n_layer = 1;
    p.n_vocab = 18000; /* more than one buffer */
    uint8_t *data = tiny_model(&p, &size);
    const char *original = temp_file("large.gguf", data, size), *out = temp_path("large out.gguf");
    free(data);
    inlay_options *o = tiny_options(INLAY_OPT_THREADS, 2, 0);
    told t = {0};
    inlay_options_set_progress(o, on_progress, &t);
    CHECK_INT(inlay_convert_file(original, out, o), INLAY_OK);
    free(read_file(out, &size));
    CHECK(t.done == size && t.total == size);
    unlink(out);
    int n_calls = t.n_calls;
    CHECK(n_calls >= 2);
    for (int i = 1; i <= n_calls; i++) {
        t = (told){.cancel_at = i};
        CHECK_INT(inlay_convert_file(original, out, o), INLAY_ERR_CANCELLED);
        CHECK_HAS(inlay_error(), "cancelled");
        CHECK(!exists(out) && !exists(temp_path("large out.gguf.part")));
    }
    inlay_options_free(o);
}

/* Each call to the system fails once: nothing is held, nothing is left, a file that was there before is whole. */
TEST(a_failure_of_any_call_leaves_nothing) {
    static fail_sys f;
    size_t n_faults = 0, size, found_size;
    const char *folder = make_folder(), *out = temp_path("faults.gguf");
    inlay_options *o = tiny_options(INLAY_OPT_QUANTIZE, (int64_t)INLAY_TYPE_Q8_0, 0);
    CHECK_INT(inlay_convert_file(folder, out, o), INLAY_OK);
    inlay_options_free(o);
    uint8_t *expected = read_file(out, &size);
    for (size_t n = 1;; n++) {
        fail_sys_init(&f);
        CHECK_INT(inlay__options_new_with_sys(&f.sys, &o), INLAY_OK);
        inlay_options_set_int(o, INLAY_OPT_QUANTIZE, INLAY_TYPE_Q8_0);
        inlay_options_set_int(o, INLAY_OPT_THREADS, 2);
        fail_sys_arm(&f, n, false);
        int32_t status = inlay_convert_file(folder, out, o);
        bool failed = atomic_load(&f.n_failed) > 0;
        CHECK(status == INLAY_OK || status == INLAY_ERR_MEMORY || status == INLAY_ERR_IO || status == INLAY_ERR_THREAD);
        CHECK(failed || status == INLAY_OK);
        fail_sys_arm(&f, 0, false);
        inlay_options_free(o);
        CHECK(fail_sys_is_clean(&f));
        CHECK(!exists(temp_path("faults.gguf.part")));
        uint8_t *found = read_file(out, &found_size);
        CHECK(status != INLAY_OK || (found_size == size && memcmp(found, expected, size) == 0));
        free(found);
        if (!failed) break;
        n_faults++;
    }
    CHECK(n_faults > 60);
    free(expected);
}

TEST_MAIN(CASE(a_folder_becomes_a_file_that_gives_its_bits_and_tokens), CASE(a_folder_is_packed_with_its_tokenizer),
          CASE(a_gguf_file_is_written_anew_and_quantised), CASE(an_n_gram_model_becomes_a_file),
          CASE(what_cannot_be_converted_is_told_and_leaves_nothing),
          CASE(progress_ends_at_the_files_size_and_cancelling_leaves_nothing),
          CASE(a_failure_of_any_call_leaves_nothing))
