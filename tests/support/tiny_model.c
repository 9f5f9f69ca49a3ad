/* Small models with random weights. */
#include "support/tiny_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "format/gguf.h"
#include "support/simple_quants.h"

tiny_params tiny_defaults(void) {
    return (tiny_params){
        .n_vocab = 320,
        .n_embd = 64,
        .n_head = 4,
        .n_head_kv = 2,
        .n_layer = 2,
        .n_ff = 96,
        .n_ctx = 128,
        .matrix_type = INLAY_TYPE_F32,
        .embedding_type = INLAY_TYPE_F32,
        .tied = true,
        .alignment = 32,
        .seed = 1,
    };
}

/* ---------------------------------------------------------------- vocabulary */

enum { MAX_TOKEN = 32 }; /* bytes with the NUL */

/* The character that byte-level BPE writes for a byte: itself if it is printable Latin-1, else one from U+0100 on. */
static uint32_t byte_character(uint32_t byte) {
    uint32_t next = 256;
    for (uint32_t b = 0; b < 256; b++) {
        bool printable = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
        if (b == byte) return printable ? b : next;
        if (!printable) next++;
    }
    return 0;
}

/* The two sides of merge i: a space and a letter, then two letters, then two letters merged before and a third. */
static void merge_sides(uint32_t i, char left[8], char right[8]) {
    if (i < 26) {
        snprintf(left, 8, "\xc4\xa0"); /* U+0120, the space */
        snprintf(right, 8, "%c", (char)('a' + i));
        return;
    }
    i -= 26;
    if (i < 676) {
        snprintf(left, 8, "%c", (char)('a' + i / 26));
        snprintf(right, 8, "%c", (char)('a' + i % 26));
        return;
    }
    i -= 676;
    snprintf(left, 8, "%c%c", (char)('a' + i / 676), (char)('a' + i / 26 % 26));
    snprintf(right, 8, "%c", (char)('a' + i % 26));
}

static void token_text(uint32_t id, char text[MAX_TOKEN]) {
    static const char *const control[] = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
    char left[8], right[8];
    if (id < TINY_FIRST_BYTE) {
        snprintf(text, MAX_TOKEN, "%s", control[id]);
    } else if (id < TINY_FIRST_MERGE) {
        size_t n = inlay__utf8_encode(byte_character(id - TINY_FIRST_BYTE), (uint8_t *)text);
        text[n] = '\0';
    } else {
        merge_sides(id - TINY_FIRST_MERGE, left, right);
        snprintf(text, MAX_TOKEN, "%s%s", left, right);
    }
}

void tiny_put_vocabulary(gguf_writer *w, uint32_t n) {
    size_t n_merges = n - TINY_FIRST_MERGE;
    char(*texts)[MAX_TOKEN] = calloc(n, sizeof *texts);
    const char **pointers = calloc(n, sizeof *pointers);
    int32_t *types = calloc(n, sizeof *types);
    if (texts == NULL || pointers == NULL || types == NULL) exit(2);
    for (uint32_t i = 0; i < n; i++) {
        token_text(i, texts[i]);
        pointers[i] = texts[i];
        types[i] = i < TINY_FIRST_BYTE ? 3 : 1; /* control, normal */
    }
    gguf_writer_string(w, "tokenizer.ggml.model", "gpt2");
    gguf_writer_string(w, "tokenizer.ggml.pre", "smollm");
    gguf_writer_strings(w, "tokenizer.ggml.tokens", pointers, n);
    gguf_writer_array(w, "tokenizer.ggml.token_type", INLAY__GGUF_I32, types, n);
    for (uint32_t i = 0; i < n_merges; i++) {
        char left[8], right[8];
        merge_sides(i, left, right);
        snprintf(texts[i], MAX_TOKEN, "%s %s", left, right);
    }
    gguf_writer_strings(w, "tokenizer.ggml.merges", pointers, n_merges);
    gguf_writer_u32(w, "tokenizer.ggml.bos_token_id", TINY_IM_START);
    gguf_writer_u32(w, "tokenizer.ggml.eos_token_id", TINY_IM_END);
    gguf_writer_u32(w, "tokenizer.ggml.unknown_token_id", TINY_ENDOFTEXT);
    gguf_writer_u32(w, "tokenizer.ggml.padding_token_id", TINY_ENDOFTEXT);
    gguf_writer_bool(w, "tokenizer.ggml.add_bos_token", false);
    gguf_writer_string(
        w, "tokenizer.chat_template",
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}");
    free(types);
    free(pointers);
    free(texts);
}

/* ------------------------------------------------------------------ metadata */

static const char *architecture_of(const tiny_params *p) { return p->architecture != NULL ? p->architecture : "llama"; }

static size_t head_of(const tiny_params *p) { return p->n_embd_head != 0 ? p->n_embd_head : p->n_embd / p->n_head; }

/* "llama.key": until the next call. */
static const char *key_of(const tiny_params *p, const char *key) {
    static char full[96];
    snprintf(full, sizeof full, "%s.%s", architecture_of(p), key);
    return full;
}

void tiny_metadata(const tiny_params *p, gguf_writer *w) {
    bool fits = p->n_embd_head != 0 || p->n_embd % p->n_head == 0;
    if (p->n_vocab < TINY_FIRST_MERGE || p->n_vocab > 18000 || !fits || p->n_head % p->n_head_kv != 0) {
        fprintf(stderr, "parameters that tiny_model cannot make a model of\n");
        exit(2);
    }
    gguf_writer_init(w);
    gguf_writer_string(w, "general.architecture", architecture_of(p));
    gguf_writer_string(w, "general.name", "tiny");
    gguf_writer_alignment(w, p->alignment);
    gguf_writer_u32(w, key_of(p, "vocab_size"), p->n_vocab);
    gguf_writer_u32(w, key_of(p, "context_length"), p->n_ctx);
    gguf_writer_u32(w, key_of(p, "embedding_length"), p->n_embd);
    gguf_writer_u32(w, key_of(p, "block_count"), p->n_layer);
    gguf_writer_u32(w, key_of(p, "feed_forward_length"), p->n_ff);
    gguf_writer_u32(w, key_of(p, "attention.head_count"), p->n_head);
    gguf_writer_u32(w, key_of(p, "attention.head_count_kv"), p->n_head_kv);
    gguf_writer_f32(w, key_of(p, "attention.layer_norm_rms_epsilon"), 1e-5f);
    gguf_writer_u32(w, key_of(p, "rope.dimension_count"), p->n_rope != 0 ? p->n_rope : (uint32_t)head_of(p));
    gguf_writer_f32(w, key_of(p, "rope.freq_base"), p->rope_theta != 0 ? p->rope_theta : 10000.0f);
    if (p->n_embd_head != 0) {
        gguf_writer_u32(w, key_of(p, "attention.key_length"), p->n_embd_head);
        gguf_writer_u32(w, key_of(p, "attention.value_length"), p->n_embd_head);
    }
    if (p->n_window != 0) gguf_writer_u32(w, key_of(p, "attention.sliding_window"), p->n_window);
    if (p->rope_scale != 0) {
        gguf_writer_string(w, key_of(p, "rope.scaling.type"), "linear");
        gguf_writer_f32(w, key_of(p, "rope.scaling.factor"), p->rope_scale);
    }
    tiny_put_vocabulary(w, p->n_vocab);
}

/* ------------------------------------------------------------------- weights */

/* Uniform in -1..1, by the splitmix64 generator [Steele et al. 2014]. */
static float uniform(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (float)(int32_t)(z >> 40) / 8388608.0f - 1.0f;
}

/* Rows of n_in elements, centre + scale * uniform, of a type. The numbers depend on the seed and the name only. */
static void put_tensor(const tiny_params *p, gguf_writer *w, const char *name, uint32_t type, uint32_t n_dims,
                       size_t n_in, size_t n_out, float centre, float scale) {
    uint64_t state = p->seed;
    for (const char *c = name; *c != '\0'; c++)
        state = (state ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    size_t row_size = quantize_size(type, n_in);
    float *row = malloc(n_in * sizeof *row);
    uint8_t *data = malloc(row_size * n_out);
    if (row == NULL || data == NULL) exit(2);
    for (size_t i = 0; i < n_out; i++) {
        for (size_t k = 0; k < n_in; k++)
            row[k] = centre + scale * uniform(&state);
        quantize_row(type, row, n_in, data + i * row_size);
    }
    gguf_writer_tensor(w, name, type, n_dims, (uint64_t[]){n_in, n_out}, data, row_size * n_out);
    free(data);
    free(row);
}

static void put_vector(const tiny_params *p, gguf_writer *w, uint32_t layer, const char *suffix, size_t n, float centre,
                       float scale) {
    char name[64];
    snprintf(name, sizeof name, "blk.%u.%s", layer, suffix);
    put_tensor(p, w, name, INLAY_TYPE_F32, 1, n, 1, centre, scale);
}

/* Weights whose products with an input of variance 1 have the variance `gain` squared. */
static void put_matrix(const tiny_params *p, gguf_writer *w, const char *name, uint32_t type, size_t n_in, size_t n_out,
                       float gain) {
    put_tensor(p, w, name, type, 2, n_in, n_out, 0.0f, gain * sqrtf(3.0f / (float)n_in));
}

/* What qwen2 and gemma3 have beyond llama. */
static void put_additions(const tiny_params *p, gguf_writer *w, uint32_t layer) {
    size_t n_q = p->n_head * head_of(p), n_kv = p->n_head_kv * head_of(p);
    if (strcmp(architecture_of(p), "qwen2") == 0) {
        put_vector(p, w, layer, "attn_q.bias", n_q, 0.0f, 0.5f);
        put_vector(p, w, layer, "attn_k.bias", n_kv, 0.0f, 0.5f);
        put_vector(p, w, layer, "attn_v.bias", n_kv, 0.0f, 0.5f);
    }
    if (strcmp(architecture_of(p), "gemma3") == 0) {
        put_vector(p, w, layer, "attn_q_norm.weight", head_of(p), 1.0f, 0.3f);
        put_vector(p, w, layer, "attn_k_norm.weight", head_of(p), 1.0f, 0.3f);
        put_vector(p, w, layer, "post_attention_norm.weight", p->n_embd, 0.5f, 0.2f);
        put_vector(p, w, layer, "post_ffw_norm.weight", p->n_embd, 0.5f, 0.2f);
    }
}

static void put_layer(const tiny_params *p, gguf_writer *w, uint32_t layer) {
    char name[64];
    size_t n_embd = p->n_embd, n_q = p->n_head * head_of(p), n_kv = p->n_head_kv * head_of(p), n_ff = p->n_ff;
    const struct {
        const char *name;
        size_t n_in, n_out;
        float gain;
    } matrices[] = {
        {"attn_q", n_embd, n_q, 1.5f},      {"attn_k", n_embd, n_kv, 1.5f},   {"attn_v", n_embd, n_kv, 1.0f},
        {"attn_output", n_q, n_embd, 0.5f}, {"ffn_gate", n_embd, n_ff, 1.0f}, {"ffn_up", n_embd, n_ff, 1.0f},
        {"ffn_down", n_ff, n_embd, 0.5f},
    };
    put_vector(p, w, layer, "attn_norm.weight", n_embd, 1.0f, 0.1f);
    put_vector(p, w, layer, "ffn_norm.weight", n_embd, 1.0f, 0.1f);
    for (size_t i = 0; i < sizeof matrices / sizeof matrices[0]; i++) {
        snprintf(name, sizeof name, "blk.%u.%s.weight", layer, matrices[i].name);
        put_matrix(p, w, name, p->matrix_type, matrices[i].n_in, matrices[i].n_out, matrices[i].gain);
    }
    put_additions(p, w, layer);
}

void tiny_tensors(const tiny_params *p, gguf_writer *w) {
    put_matrix(p, w, "token_embd.weight", p->embedding_type, p->n_embd, p->n_vocab, 3.0f);
    for (uint32_t i = 0; i < p->n_layer; i++)
        put_layer(p, w, i);
    put_tensor(p, w, "output_norm.weight", INLAY_TYPE_F32, 1, p->n_embd, 1, 1.0f, 0.1f);
    if (!p->tied) put_matrix(p, w, "output.weight", p->matrix_type, p->n_embd, p->n_vocab, 3.0f);
}

uint8_t *tiny_model(const tiny_params *params, size_t *size) {
    gguf_writer w;
    tiny_metadata(params, &w);
    tiny_tensors(params, &w);
    return gguf_writer_finish(&w, size);
}
