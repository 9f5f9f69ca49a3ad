/* Hugging Face folders: how tensors and config.json become GGUF's, and what is refused. */
#include "test.h"

#include <math.h>

#include "import/family.h"
#include "import/import.h"
#include "import/make.h"
#include "kernels/blocks.h"
#include "kernels/math.h"
#include "model/hparams.h"
#include "support/accounting_sys.h"
#include "support/folder_sys.h"
#include "support/safetensors_writer.h"

#define SIZES "\"hidden_size\":4,\"num_hidden_layers\":1,\"num_attention_heads\":2,\"num_key_value_heads\":1," \
              "\"intermediate_size\":3,\"vocab_size\":3"
#define LLAMA "{\"model_type\":\"llama\"," SIZES "}"
#define LAYER "model.layers.0."

/* A folder in memory, what it holds, and what opening it gave. */
typedef struct fixture {
    accounting memory;
    folder_sys f;
    safetensors_writer w;
    uint8_t *file; /* model.safetensors */
    inlay__weights weights;
    int32_t status;
} fixture;

static void begin(fixture *x, const char *config) {
    accounting_init(&x->memory);
    folder_sys_init(&x->f, &x->memory.sys);
    folder_sys_put(&x->f, "config.json", config, strlen(config));
    safetensors_writer_init(&x->w);
    x->file = NULL;
}

static void open_as(fixture *x, const char *path) {
    size_t size;
    x->file = safetensors_writer_finish(&x->w, &size);
    folder_sys_put(&x->f, "model.safetensors", x->file, size);
    x->status = inlay__import_open(&x->f.sys, INLAY__PATH(path, INLAY_LOAD_COPY), &x->weights);
    inlay__make_config make = {.n_threads = 2, .type = INLAY__KEEP_TYPES};
    if (x->status == INLAY_OK) x->status = inlay__weights_make(&x->weights, &make);
    if (x->status != INLAY_OK) fprintf(stderr, "  %s\n", inlay__error_text());
}

static void end(fixture *x) {
    if (x->status == INLAY_OK) inlay__weights_close(&x->weights);
    CHECK_INT(x->memory.live, 0);
    CHECK_INT(x->f.n_open, 0);
    free(x->file);
}

/* The tensor is there, of this type and shape, and has these floats. */
static void has(const fixture *x, const char *name, uint64_t n_k, uint64_t n_rows, uint64_t n_experts,
                const float *values) {
    const inlay__tensor *t = x->status == INLAY_OK ? inlay__weights_find(&x->weights, name) : NULL;
    if (!CHECK(t != NULL)) {
        fprintf(stderr, "  '%s' is missing\n", name);
        return;
    }
    CHECK_INT(t->shape[0], n_k);
    CHECK_INT(t->shape[1], n_rows);
    CHECK_INT(t->shape[2], n_experts);
    CHECK_INT(t->type, INLAY_TYPE_F32);
    for (uint64_t i = 0; i < n_k * n_rows * n_experts; i++) {
        float found = inlay__load_f32(t->data + 4 * i);
        if (CHECK(found == values[i])) continue;
        fprintf(stderr, "  '%s' [%d] is %g, expected %g\n", name, (int)i, (double)found, (double)values[i]);
        return;
    }
}

#define FLOATS(...) ((const float[]){__VA_ARGS__})

/* Opening fails with this status and words. */
static void refuses(fixture *x, int32_t status, const char *words) {
    size_t size;
    inlay__weights untouched;
    memset(&untouched, 0x77, sizeof untouched);
    x->weights = untouched;
    x->file = safetensors_writer_finish(&x->w, &size);
    if (x->w.size > 0) folder_sys_put(&x->f, "model.safetensors", x->file, size);
    x->status = inlay__import_open(&x->f.sys, INLAY__PATH("folder", INLAY_LOAD_COPY), &x->weights);
    CHECK_INT(x->status, status);
    CHECK_HAS(inlay__error_text(), words);
    CHECK(memcmp(&x->weights, &untouched, sizeof untouched) == 0);
    end(x);
}

static void refuses_config(const char *config, int32_t status, const char *words) {
    fixture x;
    begin(&x, config);
    safetensors_writer_count(&x.w, "model.norm.weight", "[4]", 4, 0);
    refuses(&x, status, words);
}

/* ------------------------------------------------------------------------ tables */

/* Whether a tensor of this name has a line of its own. */
static bool has_line(const inlay__family *family, inlay__text from) {
    inlay__tensor_line line;
    for (const char *table = family->tensors; inlay__tensor_line_next(&table, &line);) {
        size_t n = line.from.size;
        if (line.kind == INLAY__TENSOR_needed) continue;
        bool any = n > 0 && (line.from.text[n - 1] == '*' || line.from.text[n - 1] == '+');
        if (any ? from.size > n - 1 && memcmp(line.from.text, from.text, n - 1) == 0
                : from.size == n && memcmp(line.from.text, from.text, n) == 0)
            return true;
    }
    return false;
}

TEST(every_line_of_every_family_is_whole) {
    for (size_t i = 0; inlay__family_at(i) != NULL; i++) {
        const inlay__family *family = inlay__family_at(i);
        inlay__tensor_line tensor;
        inlay__config_line config;
        for (const char *table = family->tensors; inlay__tensor_line_next(&table, &tensor);) {
            CHECK(tensor.from.size > 0 && tensor.to.size > 0 && tensor.to.size < 44);
            if (!CHECK(tensor.kind < INLAY__N_TENSOR_KINDS))
                fprintf(stderr, "  %s: %.*s\n", family->model_type, (int)tensor.from.size, tensor.from.text);
            CHECK((tensor.to.text[0] == '-') == (tensor.kind == INLAY__TENSOR_ignored));
            char last = tensor.from.text[tensor.from.size - 1];
            CHECK(tensor.kind == INLAY__TENSOR_ignored ||
                  (last == '*' || last == '+') == (tensor.to.text[tensor.to.size - 1] == '*'));
            if (tensor.kind == INLAY__TENSOR_needed) CHECK(has_line(family, tensor.from));
        }
        for (const char *table = family->config; inlay__config_line_next(&table, &config);) {
            CHECK(config.key[0] != '\0' && config.from[0] != '\0');
            CHECK(strlen(config.from) < INLAY__CONFIG_FIELD - 1);
            if (!CHECK(config.kind < INLAY__N_CONFIG_KINDS))
                fprintf(stderr, "  %s: %s\n", family->model_type, config.key);
        }
        CHECK(inlay__family_find(family->model_type) == family);
    }
    CHECK(inlay__family_find("nothing") == NULL);
}

/* ----------------------------------------------------------------------- layouts */

TEST(rotary_rows_of_llama_become_pairs_and_other_rows_stay) {
    fixture x;
    begin(&x, "{\"model_type\":\"llama\",\"hidden_size\":8,\"num_hidden_layers\":1,\"num_attention_heads\":2,"
              "\"num_key_value_heads\":1,\"intermediate_size\":3}");
    safetensors_writer_count(&x.w, LAYER "self_attn.q_proj.weight", "[8,1]", 8, 0);
    safetensors_writer_count(&x.w, LAYER "self_attn.q_proj.bias", "[8]", 8, 100);
    safetensors_writer_count(&x.w, LAYER "self_attn.k_proj.weight", "[4,2]", 8, 0);
    safetensors_writer_count(&x.w, LAYER "self_attn.v_proj.weight", "[4,1]", 4, 0);
    open_as(&x, "folder");
    has(&x, "blk.0.attn_q.weight", 1, 8, 1, FLOATS(0, 2, 1, 3, 4, 6, 5, 7));
    has(&x, "blk.0.attn_q.bias", 8, 1, 1, FLOATS(100, 102, 101, 103, 104, 106, 105, 107));
    has(&x, "blk.0.attn_k.weight", 2, 4, 1, FLOATS(0, 1, 4, 5, 2, 3, 6, 7));
    has(&x, "blk.0.attn_v.weight", 1, 4, 1, FLOATS(0, 1, 2, 3));
    end(&x);
}

TEST(fused_rows_of_falcon_become_queries_then_keys_then_values) {
    fixture x;
    begin(&x, "{\"model_type\":\"falcon\",\"hidden_size\":8,\"num_hidden_layers\":1,\"num_attention_heads\":4,"
              "\"num_kv_heads\":2,\"new_decoder_architecture\":true}");
    safetensors_writer_count(&x.w, "transformer.h.0.self_attention.query_key_value.weight", "[16,1]", 16, 0);
    open_as(&x, "folder");
    has(&x, "blk.0.attn_qkv.weight", 1, 16, 1, FLOATS(0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15));
    end(&x);
}

TEST(fused_rows_of_gpt_neox_go_by_head) {
    fixture x;
    begin(&x, "{\"model_type\":\"gpt_neox\",\"hidden_size\":16,\"num_hidden_layers\":1,\"num_attention_heads\":2,"
              "\"intermediate_size\":3}");
    safetensors_writer_count(&x.w, "gpt_neox.layers.0.attention.query_key_value.bias", "[12]", 12, 0);
    open_as(&x, "folder");
    has(&x, "blk.0.attn_qkv.bias", 12, 1, 1, FLOATS(0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11));
    end(&x);
}

TEST(matrices_of_gpt2_are_turned_and_their_prefix_may_be_absent) {
    fixture x;
    begin(&x, "{\"model_type\":\"gpt2\",\"n_embd\":2,\"n_layer\":1,\"n_head\":1}");
    safetensors_writer_count(&x.w, "h.0.mlp.c_fc.weight", "[2,3]", 6, 0);
    safetensors_writer_count(&x.w, "transformer.h.0.mlp.c_fc.bias", "[3]", 3, 0);
    open_as(&x, "folder");
    has(&x, "blk.0.ffn_up.weight", 2, 3, 1, FLOATS(0, 3, 1, 4, 2, 5));
    has(&x, "blk.0.ffn_up.bias", 3, 1, 1, FLOATS(0, 1, 2));
    end(&x);
}

TEST(norms_of_gemma_are_one_more) {
    fixture x;
    begin(&x, "{\"model_type\":\"gemma3_text\"," SIZES ",\"head_dim\":4}");
    safetensors_writer_count(&x.w, "model.norm.weight", "[4]", 4, -0.5f);
    open_as(&x, "folder");
    has(&x, "output_norm.weight", 4, 1, 1, FLOATS(0.5f, 1.5f, 2.5f, 3.5f));
    end(&x);
}

TEST(a_of_mamba_is_the_negated_exponential_and_convolutions_lose_their_1) {
    fixture x;
    begin(&x, "{\"model_type\":\"mamba2\",\"hidden_size\":2,\"num_hidden_layers\":1,\"num_heads\":2,\"n_groups\":2}");
    safetensors_writer_count(&x.w, "backbone.layers.0.mixer.A_log", "[2]", 2, 0);
    safetensors_writer_count(&x.w, "backbone.layers.0.mixer.conv1d.weight", "[2,1,3]", 6, 0);
    safetensors_writer_count(&x.w, "backbone.layers.0.mixer.norm.weight", "[4]", 4, 0);
    open_as(&x, "folder");
    has(&x, "blk.0.ssm_a", 1, 2, 1, FLOATS(-1.0f, -2.7182817f));
    has(&x, "blk.0.ssm_conv1d.weight", 3, 2, 1, FLOATS(0, 1, 2, 3, 4, 5));
    has(&x, "blk.0.ssm_norm.weight", 2, 2, 1, FLOATS(0, 1, 2, 3));
    end(&x);
}

#define MIXTRAL "{\"model_type\":\"mixtral\"," SIZES ",\"num_local_experts\":2,\"num_experts_per_tok\":1}"
#define EXPERT LAYER "block_sparse_moe.experts."

TEST(experts_are_stacked_in_the_order_of_their_numbers) {
    fixture x;
    begin(&x, MIXTRAL);
    safetensors_writer_count(&x.w, EXPERT "1.w1.weight", "[3,2]", 6, 10);
    safetensors_writer_count(&x.w, EXPERT "0.w1.weight", "[3,2]", 6, 0);
    open_as(&x, "folder");
    has(&x, "blk.0.ffn_gate_exps.weight", 2, 3, 2, FLOATS(0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15));
    end(&x);
}

TEST(positions_of_opt_begin_behind_two_rows) {
    fixture x;
    begin(&x,
          "{\"model_type\":\"opt\",\"hidden_size\":2,\"num_hidden_layers\":1,\"num_attention_heads\":1,\"ffn_dim\":3}");
    safetensors_writer_count(&x.w, "model.decoder.embed_positions.weight", "[4,2]", 8, 0);
    open_as(&x, "folder");
    has(&x, "position_embd.weight", 2, 2, 1, FLOATS(4, 5, 6, 7));
    end(&x);
}

TEST(elements_of_f64_f8_i8_and_u8_are_converted_exactly) {
    static const double wide[4] = {0.5, -1e-3, 3e38, 1.0000000001};
    static const uint8_t e4m3[4] = {0x38, 0xfe, 0x01, 0x80}, e5m2[4] = {0x3c, 0xfb, 0x01, 0x80};
    static const int8_t signed_bytes[4] = {-128, 127, 0, -1};
    static const uint8_t bytes[4] = {0, 255, 1, 128};
    static const struct {
        const char *name;
        float values[4];
    } expected[] = {
        {"blk.0.attn_norm.weight", {0.5f, -1e-3f, 3e38f, 1.0f}},
        {"blk.1.attn_norm.weight", {1.0f, -448.0f, 0x1p-9f, -0.0f}},
        {"blk.2.attn_norm.weight", {1.0f, -57344.0f, 0x1p-16f, -0.0f}},
        {"blk.3.attn_norm.weight", {-128.0f, 127.0f, 0.0f, -1.0f}},
        {"blk.4.attn_norm.weight", {0.0f, 255.0f, 1.0f, 128.0f}},
    };
    fixture x;
    begin(&x, LLAMA);
    safetensors_writer_put(&x.w, "model.layers.0.input_layernorm.weight", "F64", "[4]", wide, 32);
    safetensors_writer_put(&x.w, "model.layers.1.input_layernorm.weight", "F8_E4M3", "[4]", e4m3, 4);
    safetensors_writer_put(&x.w, "model.layers.2.input_layernorm.weight", "F8_E5M2", "[4]", e5m2, 4);
    safetensors_writer_put(&x.w, "model.layers.3.input_layernorm.weight", "I8", "[4]", signed_bytes, 4);
    safetensors_writer_put(&x.w, "model.layers.4.input_layernorm.weight", "U8", "[4]", bytes, 4);
    open_as(&x, "folder");
    for (size_t i = 0; i < INLAY__COUNT(expected) && x.status == INLAY_OK; i++) {
        const inlay__tensor *t = inlay__weights_find(&x.weights, expected[i].name);
        if (!CHECK(t != NULL)) continue;
        CHECK_INT(t->type, i == 0 ? INLAY_TYPE_F32 : INLAY_TYPE_F16);
        for (size_t k = 0; k < 4; k++) {
            float found =
                i == 0 ? inlay__load_f32(t->data + 4 * k) : inlay__f16_to_f32(inlay__load_u16(t->data + 2 * k));
            CHECK_INT(inlay__f32_bits(found), inlay__f32_bits(expected[i].values[k]));
        }
    }
    end(&x);
}

TEST(matrices_are_quantised_while_opening_and_norms_are_not) {
    fixture x;
    size_t size;
    begin(&x, "{\"model_type\":\"gpt2\",\"n_embd\":32,\"n_layer\":1,\"n_head\":1}");
    safetensors_writer_count(&x.w, "h.0.mlp.c_fc.weight", "[32,4]", 128, 1);
    safetensors_writer_count(&x.w, "h.0.mlp.c_fc.bias", "[4]", 4, 1);
    safetensors_writer_count(&x.w, "h.0.ln_1.weight", "[32]", 32, 1);
    safetensors_writer_count(&x.w, "h.0.ln_1.bias", "[32]", 32, 1);
    safetensors_writer_count(&x.w, "wpe.weight", "[2,32]", 64, 1);
    x.file = safetensors_writer_finish(&x.w, &size);
    folder_sys_put(&x.f, "model.safetensors", x.file, size);
    x.status = inlay__import_open(&x.f.sys, INLAY__PATH("folder", INLAY_LOAD_COPY), &x.weights);
    inlay__make_config make = {.n_threads = 2, .type = INLAY_TYPE_Q4_K}; /* rows of 32 get Q8_0 */
    CHECK_INT(inlay__weights_make(&x.weights, &make), INLAY_OK);
    const inlay__tensor *t = inlay__weights_find(&x.weights, "blk.0.ffn_up.weight");
    if (CHECK(t != NULL)) {
        float row[32];
        CHECK_INT(t->type, INLAY_TYPE_Q8_0);
        CHECK_INT(t->size, 4 * 34);
        inlay__dequantize_row(t->type, t->data + 34, 32, row);
        for (size_t i = 0; i < 32; i++) CHECK(fabsf(row[i] - (float)(4 * i + 2)) < 0.6f);
    }
    CHECK_INT(inlay__weights_find(&x.weights, "blk.0.attn_norm.weight")->type, INLAY_TYPE_F32);
    CHECK_INT(inlay__weights_find(&x.weights, "position_embd.weight")->type, INLAY_TYPE_F32);
    end(&x);
}

/* ------------------------------------------------------------------------ config */

static double number(const fixture *x, const char *key, uint64_t i) {
    double value = -1;
    const inlay__gguf_kv *kv = inlay__gguf_find(inlay__weights_metadata(&x->weights), key);
    if (!CHECK(inlay__gguf_f64(kv, i, &value))) fprintf(stderr, "  '%s' is missing\n", key);
    return value;
}

TEST(both_dialects_of_config_give_the_same_metadata) {
    static const char *const configs[] = {
        "{\"model_type\":\"gemma3_text\"," SIZES ",\"head_dim\":4,\"rope_theta\":1e6,\"rope_local_base_freq\":5e3,"
        "\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":8.0},\"sliding_window\":7,\"sliding_window_pattern\":2,"
        "\"torch_dtype\":\"float32\",\"rms_norm_eps\":1e-6,\"num_hidden_layers\":3}",
        "{\"model_type\":\"gemma3_text\"," SIZES
        ",\"head_dim\":4,\"rope_parameters\":{\"full_attention\":{\"rope_type\":\"linear\","
        "\"factor\":8.0,\"rope_theta\":1e6},\"sliding_attention\":{\"rope_type\":\"default\",\"rope_theta\":5e3}},"
        "\"sliding_window\":7,\"layer_types\":[\"sliding_attention\",\"full_attention\",\"sliding_attention\"],"
        "\"dtype\":\"float32\",\"num_hidden_layers\":3}"};
    for (size_t i = 0; i < 2; i++) {
        fixture x;
        begin(&x, configs[i]);
        open_as(&x, "folder/");
        if (x.status == INLAY_OK) {
            CHECK(number(&x, "gemma3.rope.freq_base", 0) == 1e6);
            CHECK(number(&x, "gemma3.rope.freq_base_swa", 0) == 5e3);
            CHECK(number(&x, "gemma3.rope.scaling.factor", 0) == 8.0);
            CHECK_INT(number(&x, "gemma3.attention.sliding_window", 0), 7);
            CHECK_INT(number(&x, "gemma3.attention.sliding_window_pattern", 0), 1);
            CHECK_INT(number(&x, "gemma3.attention.sliding_window_pattern", 1), 0);
            CHECK_INT(number(&x, "gemma3.attention.sliding_window_pattern", 2), 1);
            CHECK_INT(number(&x, "gemma3.block_count", 0), 3);
        }
        end(&x);
    }
}

/* The factors as transformers 5.23 computes them for these parameters: 1 above, `factor` below, mixed between. */
TEST(llama_3_scaling_becomes_a_tensor_of_factors) {
    fixture x;
    begin(&x,
          "{\"model_type\":\"llama\"," SIZES
          ",\"head_dim\":16,\"rope_theta\":500000.0,\"rope_scaling\":{\"rope_type\":\"llama3\","
          "\"factor\":8.0,\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,\"original_max_position_embeddings\":64}}");
    open_as(&x, "folder");
    const inlay__tensor *t = x.status == INLAY_OK ? inlay__weights_find(&x.weights, "rope_freqs.weight") : NULL;
    if (CHECK(t != NULL)) {
        CHECK_INT(t->n_elements, 8);
        CHECK(inlay__load_f32(t->data) == 1.0f);
        /* wave 2 pi 500000^(1/8) = 32.4; 64 / 32.4 = 1.9753 is 0.3251 of the way from 1 to 4, which makes
         * 1 / (0.6749 / 8 + 0.3251) */
        float mixed = inlay__load_f32(t->data + 4);
        if (!CHECK(mixed > 2.442f && mixed < 2.4425f)) fprintf(stderr, "  %g\n", (double)mixed);
        CHECK(inlay__load_f32(t->data + 4 * 2) == 8.0f);
        CHECK(inlay__load_f32(t->data + 4 * 7) == 8.0f);
    }
    end(&x);
}

TEST(template_and_tokens_of_the_files_beside_become_metadata) {
    static const char tokenizer[] =
        "{\"chat_template\":[{\"name\":\"tool\",\"template\":\"T\"},{\"name\":\"default\",\"template\":\"D\"}]}";
    static const char generation[] = "{\"eos_token_id\":[7,9],\"bos_token_id\":5}", jinja[] = "J";
    fixture x;
    begin(&x, "{\"model_type\":\"llama\"," SIZES ",\"eos_token_id\":2,\"bos_token_id\":1,\"pad_token_id\":null}");
    folder_sys_put(&x.f, "tokenizer_config.json", tokenizer, sizeof tokenizer - 1);
    folder_sys_put(&x.f, "generation_config.json", generation, sizeof generation - 1);
    open_as(&x, "folder");
    if (x.status == INLAY_OK) {
        const inlay__gguf *gguf = inlay__weights_metadata(&x.weights);
        CHECK_STR(inlay__gguf_string(inlay__gguf_find(gguf, "tokenizer.chat_template"), 0).text, "D");
        CHECK_INT(number(&x, "tokenizer.ggml.eos_token_id", 0), 7);
        CHECK_INT(number(&x, "tokenizer.ggml.eos_token_ids", 1), 9);
        CHECK_INT(number(&x, "tokenizer.ggml.bos_token_id", 0), 5);
        CHECK(inlay__gguf_find(gguf, "tokenizer.ggml.padding_token_id") == NULL);
        inlay__weights_close(&x.weights);
        folder_sys_put(&x.f, "chat_template.jinja", jinja, 1);
        x.status = inlay__import_open(&x.f.sys, INLAY__PATH("folder/model.safetensors", INLAY_LOAD_COPY), &x.weights);
        CHECK_INT(x.status, INLAY_OK);
        CHECK_STR(
            inlay__gguf_string(inlay__gguf_find(inlay__weights_metadata(&x.weights), "tokenizer.chat_template"), 0)
                .text,
            "J");
    }
    end(&x);
}

TEST(configs_that_are_no_config_name_what_is_wrong) {
    refuses_config("[]", INLAY_ERR_FORMAT, "is not a JSON object");
    refuses_config("{", INLAY_ERR_FORMAT, "config.json");
    refuses_config("{}", INLAY_ERR_FORMAT, "key 'model_type' is missing");
    refuses_config("{\"model_type\":1}", INLAY_ERR_FORMAT, "key 'model_type' is 1, expected a string");
    refuses_config("{\"model_type\":\"dinosaur\"}", INLAY_ERR_UNSUPPORTED,
                   "key 'model_type' is 'dinosaur', expected one of llama");
    refuses_config("{\"model_type\":\"llama\"}", INLAY_ERR_FORMAT, "key 'hidden_size' is missing");
    refuses_config("{\"model_type\":\"llama\",\"hidden_size\":-1}", INLAY_ERR_FORMAT,
                   "key 'hidden_size' is -1, expected an integer");
    refuses_config("{\"model_type\":\"llama\",\"hidden_size\":1.5}", INLAY_ERR_FORMAT, "key 'hidden_size' is 1.5");
    refuses_config("{\"model_type\":\"llama\",\"hidden_size\":\"64\"}", INLAY_ERR_FORMAT, "key 'hidden_size' is '64'");
    refuses_config("{\"model_type\":\"llama\",\"hidden_size\":1e999}", INLAY_ERR_FORMAT, "key 'hidden_size' is 1e999");
}

TEST(what_would_make_it_another_network_is_refused) {
    refuses_config("{\"model_type\":\"llama\"," SIZES ",\"hidden_act\":\"mish\"}", INLAY_ERR_UNSUPPORTED,
                   "key 'hidden_act' is 'mish', expected silu, gelu, ");
    refuses_config("{\"model_type\":\"llama\"," SIZES ",\"rope_scaling\":{\"type\":\"spiral\",\"factor\":2.0}}",
                   INLAY_ERR_UNSUPPORTED,
                   "key 'rope_scaling.type' is 'spiral', expected one of default, linear, dynamic");
    refuses_config("{\"model_type\":\"gemma3_text\"," SIZES ",\"sliding_window\":4,\"layer_types\":[]}",
                   INLAY_ERR_FORMAT, "key 'layer_types' does not list 1 layers");
}

/* A config of LLaMA with these keys more is refused, here or with the other hyperparameters, by a message with these
 * words. */
static void refuses_rope(const char *more, const char *words) {
    char config[512];
    snprintf(config, sizeof config, "{\"model_type\":\"llama\"," SIZES ",\"max_position_embeddings\":64,%s}", more);
    fixture x;
    inlay__hparams h;
    begin(&x, config);
    safetensors_writer_count(&x.w, "model.norm.weight", "[4]", 4, 0);
    open_as(&x, "folder");
    int32_t status =
        x.status != INLAY_OK ? x.status : inlay__hparams_read("folder", inlay__weights_metadata(&x.weights), &h);
    CHECK_INT(status, INLAY_ERR_FORMAT);
    CHECK_HAS(inlay__error_text(), words);
    if (status != INLAY_ERR_FORMAT) fprintf(stderr, "  %s\n", config);
    end(&x);
}

#define SCALED(type, more) "\"rope_scaling\":{\"rope_type\":\"" type "\"" more "}"

TEST(numbers_of_rope_that_no_network_has_are_refused_by_their_key) {
    static const char *const thetas[] = {"0", "-1", "0.5", "1e300", "1e999", "-1e999", "\"NaN\""};
    static const char *const factors[] = {"0", "-2", "1e-300", "1e300", "1e999", "-1e999"};
    static const char *const types[] = {"linear", "dynamic", "yarn", "llama3"};
    char more[384];
    for (size_t i = 0; i < INLAY__COUNT(thetas); i++) {
        snprintf(more, sizeof more, "\"rope_theta\":%s", thetas[i]);
        refuses_rope(more, "rope_theta");
        snprintf(more, sizeof more, "\"rope_parameters\":{\"rope_type\":\"default\",\"rope_theta\":%s}", thetas[i]);
        refuses_rope(more, "rope_theta");
    }
    for (size_t t = 0; t < INLAY__COUNT(types); t++)
        for (size_t i = 0; i < INLAY__COUNT(factors); i++) {
            snprintf(more, sizeof more, "\"rope_scaling\":{\"rope_type\":\"%s\",\"factor\":%s,\"low_freq_factor\":1,"
                     "\"high_freq_factor\":4,\"original_max_position_embeddings\":16}", types[t], factors[i]);
            refuses_rope(more, "factor");
        }
    refuses_rope(SCALED("yarn", ",\"factor\":2,\"beta_fast\":0"), "beta_fast");
    refuses_rope(SCALED("yarn", ",\"factor\":2,\"beta_slow\":-1"), "beta_slow");
    refuses_rope(SCALED("yarn", ",\"factor\":2,\"original_max_position_embeddings\":1e300"), "original_");
    refuses_rope(SCALED("yarn", ",\"factor\":2,\"attention_factor\":1e6"), "attn_factor");
    refuses_rope(SCALED("yarn", ",\"factor\":2,\"mscale\":1,\"mscale_all_dim\":-1e6"), "mscale_all_dim");
    refuses_rope(SCALED("llama3", ",\"factor\":2,\"low_freq_factor\":4,\"high_freq_factor\":1,"
                                  "\"original_max_position_embeddings\":16"), "low_freq_factor");
    refuses_rope(
        SCALED("longrope", ",\"short_factor\":[0],\"long_factor\":[1],\"original_max_position_embeddings\":16"),
        "short_factor");
    refuses_rope(
        SCALED("longrope", ",\"short_factor\":[1],\"long_factor\":[1e999],\"original_max_position_embeddings\":16"),
        "long_factor");
    refuses_rope(
        SCALED("longrope", ",\"short_factor\":[1],\"long_factor\":[1],\"original_max_position_embeddings\":1e300"),
        "original_max_position_embeddings");
    refuses_rope("\"partial_rotary_factor\":0", "partial_rotary_factor");
    refuses_rope("\"partial_rotary_factor\":1e999", "partial_rotary_factor");
}

/* ----------------------------------------------------------------------- tensors */

TEST(a_tensor_that_the_family_does_not_have_is_refused_by_name) {
    fixture x;
    begin(&x, LLAMA);
    safetensors_writer_count(&x.w, LAYER "self_attn.extra.weight", "[2]", 2, 0);
    refuses(&x, INLAY_ERR_UNSUPPORTED,
            "tensor 'model.layers.0.self_attn.extra.weight' is not one that this version knows");
}

TEST(one_tensor_under_two_names_is_refused) {
    fixture x;
    begin(&x, LLAMA);
    safetensors_writer_count(&x.w, "model.norm.weight", "[2]", 2, 0);
    safetensors_writer_count(&x.w, "norm.weight", "[2]", 2, 0);
    refuses(&x, INLAY_ERR_FORMAT, "are both 'output_norm.weight'");
}

TEST(rows_that_the_heads_do_not_share_are_refused_with_their_shape) {
    fixture x;
    begin(&x, LLAMA);
    safetensors_writer_count(&x.w, LAYER "self_attn.q_proj.weight", "[6,1]", 6, 0);
    refuses(&x, INLAY_ERR_FORMAT, "q_proj.weight' has shape [6, 1, ...] in 2 dimensions, expected rows that 4 heads");
}

TEST(types_that_do_not_run_are_refused_by_name) {
    fixture x;
    begin(&x, LLAMA);
    static const uint8_t integers[4] = {1, 0, 2, 0};
    safetensors_writer_put(&x.w, "model.norm.weight", "I16", "[2]", integers, 4);
    refuses(&x, INLAY_ERR_UNSUPPORTED, "tensor 'model.norm.weight' is of type I16");
}

TEST(experts_that_are_missing_there_twice_or_unlike_are_refused) {
    fixture x;
    begin(&x, MIXTRAL);
    safetensors_writer_count(&x.w, EXPERT "0.w1.weight", "[3,2]", 6, 0);
    safetensors_writer_count(&x.w, EXPERT "2.w1.weight", "[3,2]", 6, 0);
    refuses(&x, INLAY_ERR_FORMAT, "is of expert 2, where the files have 2");
    begin(&x, MIXTRAL);
    safetensors_writer_count(&x.w, EXPERT "0.w1.weight", "[3,2]", 6, 0);
    safetensors_writer_count(&x.w, EXPERT "1.w1.weight", "[2,3]", 6, 0);
    refuses(&x, INLAY_ERR_FORMAT, "another type or shape");
    begin(&x, MIXTRAL);
    safetensors_writer_count(&x.w, EXPERT "0.w1.weight", "[3,2]", 6, 0);
    safetensors_writer_count(&x.w, EXPERT "99999.w1.weight", "[3,2]", 6, 0);
    refuses(&x, INLAY_ERR_FORMAT, "expert 99999");
    begin(&x, MIXTRAL);
    safetensors_writer_count(&x.w, EXPERT "0.w1.weight", "[3,2]", 6, 0);
    safetensors_writer_count(&x.w, EXPERT "2.w1.weight", "[3,2]", 6, 0);
    refuses(&x, INLAY_ERR_FORMAT, "; expert 1 is missing");
}

TEST(what_a_family_always_has_is_missed_by_its_name) {
    fixture x;
    const char *gpt2 = "{\"model_type\":\"gpt2\",\"n_embd\":32,\"n_layer\":2,\"n_head\":1}";
    begin(&x, gpt2); /* a bias */
    safetensors_writer_count(&x.w, "transformer.h.1.ln_2.weight", "[32]", 32, 0);
    refuses(&x, INLAY_ERR_FORMAT,
            "tensor 'transformer.h.1.ln_2.bias' is missing, though 'transformer.h.1.ln_2.weight' is there");
    begin(&x, gpt2); /* and the other way round */
    safetensors_writer_count(&x.w, "h.1.mlp.c_fc.bias", "[128]", 128, 0);
    refuses(&x, INLAY_ERR_FORMAT, "tensor 'h.1.mlp.c_fc.weight' is missing, though 'h.1.mlp.c_fc.bias' is there");
    begin(&x, LLAMA); /* what another block has */
    safetensors_writer_count(&x.w, LAYER "self_attn.v_proj.bias", "[1]", 1, 0);
    safetensors_writer_count(&x.w, LAYER "self_attn.v_proj.weight", "[1,2]", 2, 0);
    safetensors_writer_count(&x.w, "model.layers.1.self_attn.v_proj.weight", "[1,2]", 2, 0);
    refuses(&x, INLAY_ERR_FORMAT, "tensor 'model.layers.1.self_attn.v_proj.bias' is missing");
    begin(&x, MIXTRAL); /* a router */
    safetensors_writer_count(&x.w, EXPERT "0.w3.weight", "[3,2]", 6, 0);
    refuses(&x, INLAY_ERR_FORMAT, "tensor 'layers.0.block_sparse_moe.gate.weight' is missing, though");
    begin(&x, "{\"model_type\":\"llama\",\"hidden_size\":2,\"num_hidden_layers\":1,\"num_attention_heads\":1,"
              "\"intermediate_size\":3,\"tie_word_embeddings\":false}");
    safetensors_writer_count(&x.w, "model.norm.weight", "[2]", 2, 0);
    refuses(&x, INLAY_ERR_FORMAT, "key 'tie_word_embeddings' is false, but tensor 'lm_head.weight' is missing");
}

#define HEADLESS "\"hidden_size\":4,\"num_hidden_layers\":1,\"num_attention_heads\":1,\"intermediate_size\":3," \
                 "\"max_position_embeddings\":8,\"tie_word_embeddings\":false"

TEST(only_models_that_predict_tokens_need_a_head_of_their_own) {
    fixture x;
    begin(&x, "{\"model_type\":\"xlm-roberta\",\"architectures\":[\"XLMRobertaModel\"]," HEADLESS "}");
    safetensors_writer_count(&x.w, "encoder.layer.0.attention.self.query.weight", "[4,4]", 16, 0);
    safetensors_writer_count(&x.w, "encoder.layer.0.attention.self.query.bias", "[4]", 4, 0);
    open_as(&x, "folder");
    CHECK_INT(x.status, INLAY_OK);
    end(&x);
    begin(&x, "{\"model_type\":\"xlm-roberta\",\"architectures\":[\"XLMRobertaForMaskedLM\"]," HEADLESS "}");
    safetensors_writer_count(&x.w, "encoder.layer.0.attention.self.query.weight", "[4,4]", 16, 0);
    safetensors_writer_count(&x.w, "encoder.layer.0.attention.self.query.bias", "[4]", 4, 0);
    refuses(&x, INLAY_ERR_FORMAT, "'tie_word_embeddings' is false, but tensor 'lm_head.decoder.weight' is missing");
}

#define T5 "{\"model_type\":\"t5\",\"d_model\":2,\"num_layers\":1,\"d_ff\":3,\"num_heads\":1}"

/* Each counts from its own number on, so that the one that was taken can be told. */
TEST(an_embedding_may_be_there_under_the_name_of_either_side_alone) {
    static const char *const names[] = {"shared.weight", "decoder.embed_tokens.weight", "encoder.embed_tokens.weight"};
    for (size_t first = 0; first < 3; first++) {
        fixture x;
        begin(&x, T5);
        for (size_t i = 3; i-- > first;) safetensors_writer_count(&x.w, names[i], "[3,2]", 6, (float)i);
        open_as(&x, "folder");
        CHECK_INT(x.status, INLAY_OK);
        float values[6];
        for (size_t i = 0; i < 6; i++) values[i] = (float)(first + i);
        has(&x, "token_embd.weight", 2, 3, 1, values);
        end(&x);
    }
}

/* ------------------------------------------------------------------------- shards */

#define INDEX(pairs) "{\"metadata\":{},\"weight_map\":{" pairs "}}"

/* Two shards, a.safetensors with the norm and b.safetensors with the head, under this index. */
static void with_index(const char *index, int32_t status, const char *words) {
    fixture x;
    safetensors_writer a, b;
    size_t a_size, b_size;
    begin(&x, LLAMA);
    safetensors_writer_init(&a);
    safetensors_writer_count(&a, "model.norm.weight", "[4]", 4, 0);
    safetensors_writer_init(&b);
    safetensors_writer_count(&b, "lm_head.weight", "[3,4]", 12, 0);
    uint8_t *a_file = safetensors_writer_finish(&a, &a_size), *b_file = safetensors_writer_finish(&b, &b_size);
    folder_sys_put(&x.f, "a.safetensors", a_file, a_size);
    folder_sys_put(&x.f, "b.safetensors", b_file, b_size);
    folder_sys_put(&x.f, "c.safetensors", b_file, b_size);
    if (index != NULL) folder_sys_put(&x.f, "model.safetensors.index.json", index, strlen(index));
    x.status = inlay__import_open(&x.f.sys, INLAY__PATH("folder", INLAY_LOAD_COPY), &x.weights);
    CHECK_INT(x.status, status);
    if (words != NULL) CHECK_HAS(inlay__error_text(), words);
    if (x.status == INLAY_OK) {
        CHECK_INT(x.weights.n_tensors, 2);
        CHECK_INT(x.weights.file_size, a_size + b_size);
        has(&x, "output_norm.weight", 4, 1, 1, FLOATS(0, 1, 2, 3));
    }
    end(&x);
    free(a_file);
    free(b_file);
}

#define NORM_A "\"model.norm.weight\":\"a.safetensors\""
#define HEAD_B "\"lm_head.weight\":\"b.safetensors\""

TEST(shards_of_an_index_open_as_one) { with_index(INDEX(NORM_A "," HEAD_B), INLAY_OK, NULL); }

TEST(an_index_that_names_a_missing_shard_is_refused) {
    with_index(INDEX(NORM_A ",\"lm_head.weight\":\"z.safetensors\""), INLAY_ERR_IO, "z.safetensors");
}

TEST(a_tensor_in_two_shards_is_refused) {
    with_index(INDEX(NORM_A "," HEAD_B ",\"x\":\"c.safetensors\""), INLAY_ERR_FORMAT, "tensor 'x' is not in the file");
    with_index(INDEX(NORM_A "," HEAD_B ",\"lm_head.weight\":\"c.safetensors\""), INLAY_ERR_FORMAT,
               "'lm_head.weight' twice");
}

TEST(a_tensor_that_the_index_lacks_or_places_elsewhere_is_refused) {
    with_index(INDEX(NORM_A ",\"lm_head.weight\":\"a.safetensors\""), INLAY_ERR_FORMAT,
               "tensor 'lm_head.weight' is not in the file");
    with_index(INDEX("\"x\":\"a.safetensors\""), INLAY_ERR_FORMAT, "tensor 'x' is not in the file");
}

TEST(names_of_files_that_lead_out_of_the_folder_are_refused) {
    static const char *const names[] = {"../a.safetensors",
                                        "/a.safetensors",
                                        "x/a.safetensors",
                                        "..\\\\a.safetensors",
                                        "c:a.safetensors",
                                        ".safetensors",
                                        "",
                                        "a.bin",
                                        ".a.safetensors",
                                        "a\\u0000.safetensors"};
    for (size_t i = 0; i < INLAY__COUNT(names); i++) {
        char index[300];
        snprintf(index, sizeof index, INDEX("\"lm_head.weight\":\"%s\""), names[i]);
        with_index(index, INLAY_ERR_FORMAT, "not a plain name");
    }
    with_index(INDEX("\"lm_head.weight\":1"), INLAY_ERR_FORMAT, "not a plain name");
}

TEST(an_index_without_a_map_and_a_folder_without_weights_are_refused) {
    with_index("{}", INLAY_ERR_FORMAT, "'weight_map' is missing");
    with_index("{\"weight_map\":[]}", INLAY_ERR_FORMAT, "'weight_map' is missing");
    with_index("{\"weight_map\":{}}", INLAY_ERR_FORMAT, "'weight_map' is missing");
    with_index("{", INLAY_ERR_FORMAT, "index.json");
    with_index(NULL, INLAY_ERR_IO, "has neither model.safetensors nor");
}

/* ----------------------------------------------------------------------- failures */

TEST(every_allocation_that_fails_while_opening_leaves_nothing) {
    bool whole = false;
    for (size_t n = 1; n < 500 && !whole; n++) {
        fixture x;
        size_t size;
        begin(&x, MIXTRAL);
        safetensors_writer_count(&x.w, EXPERT "0.w1.weight", "[3,2]", 6, 0);
        safetensors_writer_count(&x.w, EXPERT "1.w1.weight", "[3,2]", 6, 0);
        safetensors_writer_count(&x.w, LAYER "self_attn.q_proj.weight", "[4,1]", 4, 0);
        x.file = safetensors_writer_finish(&x.w, &size);
        folder_sys_put(&x.f, "model.safetensors", x.file, size);
        x.f.sys.user = x.memory.sys.user;
        x.memory.fail_at = n;
        x.status = inlay__import_open(&x.f.sys, INLAY__PATH("folder", INLAY_LOAD_COPY), &x.weights);
        inlay__make_config make = {.n_threads = 1, .type = INLAY__KEEP_TYPES};
        bool opened = x.status == INLAY_OK;
        if (opened) x.status = inlay__weights_make(&x.weights, &make);
        whole = x.status == INLAY_OK;
        CHECK(whole || x.status == INLAY_ERR_MEMORY);
        if (opened && !whole) inlay__weights_close(&x.weights);
        end(&x);
        CHECK(!whole || n > 20);
    }
    CHECK(whole);
}

TEST_MAIN(CASE(every_line_of_every_family_is_whole), CASE(numbers_of_rope_that_no_network_has_are_refused_by_their_key),
          CASE(rotary_rows_of_llama_become_pairs_and_other_rows_stay),
          CASE(fused_rows_of_falcon_become_queries_then_keys_then_values), CASE(fused_rows_of_gpt_neox_go_by_head),
          CASE(matrices_of_gpt2_are_turned_and_their_prefix_may_be_absent), CASE(norms_of_gemma_are_one_more),
          CASE(a_of_mamba_is_the_negated_exponential_and_convolutions_lose_their_1),
          CASE(experts_are_stacked_in_the_order_of_their_numbers), CASE(positions_of_opt_begin_behind_two_rows),
          CASE(elements_of_f64_f8_i8_and_u8_are_converted_exactly),
          CASE(matrices_are_quantised_while_opening_and_norms_are_not),
          CASE(both_dialects_of_config_give_the_same_metadata), CASE(llama_3_scaling_becomes_a_tensor_of_factors),
          CASE(template_and_tokens_of_the_files_beside_become_metadata),
          CASE(configs_that_are_no_config_name_what_is_wrong), CASE(what_would_make_it_another_network_is_refused),
          CASE(a_tensor_that_the_family_does_not_have_is_refused_by_name), CASE(one_tensor_under_two_names_is_refused),
          CASE(rows_that_the_heads_do_not_share_are_refused_with_their_shape),
          CASE(types_that_do_not_run_are_refused_by_name),
          CASE(experts_that_are_missing_there_twice_or_unlike_are_refused),
          CASE(what_a_family_always_has_is_missed_by_its_name),
          CASE(only_models_that_predict_tokens_need_a_head_of_their_own),
          CASE(an_embedding_may_be_there_under_the_name_of_either_side_alone), CASE(shards_of_an_index_open_as_one),
          CASE(an_index_that_names_a_missing_shard_is_refused), CASE(a_tensor_in_two_shards_is_refused),
          CASE(a_tensor_that_the_index_lacks_or_places_elsewhere_is_refused),
          CASE(names_of_files_that_lead_out_of_the_folder_are_refused),
          CASE(an_index_without_a_map_and_a_folder_without_weights_are_refused),
          CASE(every_allocation_that_fails_while_opening_leaves_nothing))
