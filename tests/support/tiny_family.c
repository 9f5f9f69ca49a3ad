/* A small network of any family that is made of attention and feed-forward blocks, with random weights in F32. */
#include "support/tiny_family.h"
#include "support/tiny_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/gguf.h"

/* "llama.key": until the next call. */
static const char *key_of(const tiny_family *f, const char *key) {
    static char full[96];
    snprintf(full, sizeof full, "%s.%s", f->architecture, key);
    return full;
}

static void put_scale(const tiny_family *f, gguf_writer *w, const char *key, float value) {
    if (value != 0.0f) gguf_writer_f32(w, key_of(f, key), value);
}

static void put_metadata(const tiny_family *f, gguf_writer *w) {
    gguf_writer_init(w);
    gguf_writer_string(w, "general.architecture", f->architecture);
    gguf_writer_u32(w, key_of(f, "context_length"), 512);
    gguf_writer_u32(w, key_of(f, "embedding_length"), f->n_embd);
    gguf_writer_u32(w, key_of(f, "block_count"), f->n_layer);
    gguf_writer_u32(w, key_of(f, "feed_forward_length"), f->n_ff);
    gguf_writer_u32(w, key_of(f, "attention.head_count"), f->n_head);
    gguf_writer_u32(w, key_of(f, "attention.head_count_kv"), f->n_head_kv);
    gguf_writer_u32(w, key_of(f, "attention.key_length"), f->n_head_dim);
    gguf_writer_u32(w, key_of(f, "attention.value_length"), f->n_head_dim);
    gguf_writer_f32(w, key_of(f, f->layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon"),
                    1e-5f);
    if (f->n_embd_in != 0) gguf_writer_u32(w, key_of(f, "embedding_length_in"), f->n_embd_in);
    if (f->n_rope != 0) gguf_writer_u32(w, key_of(f, "rope.dimension_count"), f->n_rope);
    if (f->n_window != 0) gguf_writer_u32(w, key_of(f, "attention.sliding_window"), f->n_window);
    if (f->n_expert != 0) {
        gguf_writer_u32(w, key_of(f, "expert_count"), f->n_expert);
        gguf_writer_u32(w, key_of(f, "expert_used_count"), f->n_used);
        if (f->experts_as_chosen) gguf_writer_bool(w, key_of(f, "expert_weights_norm"), false);
    }
    put_scale(f, w, "attn_logit_softcapping", f->attn_soft_cap);
    put_scale(f, w, "final_logit_softcapping", f->logit_soft_cap);
    put_scale(f, w, "attention.scale", f->attn_scale);
    put_scale(f, w, "embedding_scale", strncmp(f->architecture, "gemma", 5) == 0 ? 0.0f : f->embd_scale);
    put_scale(f, w, "residual_scale", f->residual_scale);
    put_scale(f, w, "logit_scale", f->logit_divisor);
    if (f->encoder) tiny_put_vocabulary(w, f->n_vocab); /* opened by the public functions too */
    if (f->metadata != NULL) f->metadata(w);
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

/* centre + scale * uniform; the numbers depend on the name alone. */
void tiny_put(gguf_writer *w, const char *name, size_t n_in, size_t n_out, size_t n_stacked, float centre,
              float scale) {
    uint64_t state = 5, shape[] = {n_in, n_out, n_stacked};
    size_t n = n_in * n_out * n_stacked;
    for (const char *c = name; *c != '\0'; c++) state = (state ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    float *values = malloc(n * sizeof *values);
    if (values == NULL) exit(2);
    for (size_t i = 0; i < n; i++) values[i] = centre + scale * uniform(&state);
    gguf_writer_tensor(w, name, INLAY_TYPE_F32,
                       n_stacked > 1 ? 3
                       : n_out > 1   ? 2
                                     : 1,
                       shape, values, n * sizeof *values);
    free(values);
}

static void put_norm(const tiny_family *f, gguf_writer *w, const char *prefix, const char *name, size_t n) {
    char full[96];
    if (name == NULL) return;
    snprintf(full, sizeof full, "%s%s.weight", prefix, name);
    tiny_put(w, full, n, 1, 1, 1.0f, 0.3f);
    snprintf(full, sizeof full, "%s%s.bias", prefix, name);
    if (f->layer_norm && f->bias) tiny_put(w, full, n, 1, 1, 0.0f, 0.2f);
}

static void put_linear(const tiny_family *f, gguf_writer *w, const char *prefix, const char *name, size_t n_in,
                       size_t n_out, float gain) {
    char full[96];
    snprintf(full, sizeof full, "%s%s.weight", prefix, name);
    tiny_put(w, full, n_in, n_out, 1, 0.0f, gain * sqrtf(3.0f / (float)n_in));
    snprintf(full, sizeof full, "%s%s.bias", prefix, name);
    if (f->bias) tiny_put(w, full, n_out, 1, 1, 0.0f, 0.2f);
}

static void put_experts(const tiny_family *f, gguf_writer *w, const char *prefix, const char *name, size_t n_in,
                        size_t n_out) {
    char full[96];
    snprintf(full, sizeof full, "%s%s.weight", prefix, name);
    tiny_put(w, full, n_in, n_out, f->n_expert, 0.0f, sqrtf(3.0f / (float)n_in));
}

static void put_layer(const tiny_family *f, gguf_writer *w, uint32_t layer) {
    size_t n = f->n_embd, n_q = (size_t)f->n_head * f->n_head_dim, n_kv = (size_t)f->n_head_kv * f->n_head_dim;
    char prefix[32];
    snprintf(prefix, sizeof prefix, "blk.%u.", layer);
    bool first_is_plain = strcmp(f->architecture, "modern-bert") == 0; /* normed with the embedding */
    bool share = f->norms[0][0] != NULL && f->norms[1][0] != NULL && strcmp(f->norms[0][0], f->norms[1][0]) == 0;
    for (int b = 0; b < 2; b++)
        for (int k = 0; k < 3; k++)
            if (b == 0 ? layer > 0 || k > 0 || !first_is_plain : k > 0 || !share)
                put_norm(f, w, prefix, f->norms[b][k], n);
    if (f->fused_qkv) {
        put_linear(f, w, prefix, "attn_qkv", n, n_q + 2 * n_kv, 1.3f);
    } else {
        put_linear(f, w, prefix, "attn_q", n, n_q, 1.5f);
        put_linear(f, w, prefix, "attn_k", n, n_kv, 1.5f);
        put_linear(f, w, prefix, "attn_v", n, n_kv, 1.0f);
    }
    put_linear(f, w, prefix, "attn_output", n_q, n, 0.5f);
    if (f->qk_norm) {
        put_norm(f, w, prefix, "attn_q_norm", f->qk_norm_is_whole ? n_q : f->n_head_dim);
        put_norm(f, w, prefix, "attn_k_norm", f->qk_norm_is_whole ? n_kv : f->n_head_dim);
    }
    if (f->n_expert > 0) {
        put_linear(f, w, prefix, "ffn_gate_inp", n, f->n_expert, 1.5f);
        put_experts(f, w, prefix, "ffn_gate_exps", n, f->n_ff);
        put_experts(f, w, prefix, "ffn_up_exps", n, f->n_ff);
        put_experts(f, w, prefix, "ffn_down_exps", f->n_ff, n);
        return;
    }
    if (f->gated && !f->fused_ffn) put_linear(f, w, prefix, "ffn_gate", n, f->n_ff, 1.0f);
    put_linear(f, w, prefix, "ffn_up", n, f->fused_ffn ? 2 * f->n_ff : f->n_ff, 1.0f);
    put_linear(f, w, prefix, "ffn_down", f->n_ff, n, 0.5f);
}

void tiny_modernbert_metadata(gguf_writer *w) { gguf_writer_f32(w, "modern-bert.rope.freq_base_swa", 500.0f); }

static void put_heads(const tiny_family *f, gguf_writer *w) {
    if (f->learned) tiny_put(w, "token_types.weight", f->n_embd, 2, 1, 0.0f, 0.5f);
    put_linear(f, w, "", "cls", f->n_embd, f->n_embd, 1.0f);
    if (f->n_labels > 0) {
        put_linear(f, w, "", "cls.output", f->n_embd, f->n_labels, 1.0f);
        return;
    }
    put_norm(f, w, "", "cls.norm", f->n_embd);
    tiny_put(w, "output.bias", f->n_vocab, 1, 1, 0.0f, 0.2f);
}

uint8_t *tiny_family_file(const tiny_family *f, size_t *size) {
    gguf_writer w;
    bool streams = f->norms[1][2] != NULL;
    put_metadata(f, &w);
    tiny_put(&w, "token_embd.weight", f->n_embd_in != 0 ? f->n_embd_in : f->n_embd, f->n_vocab, 1, 0.0f, 1.0f);
    if (f->n_embd_in != 0) tiny_put(&w, "token_embd_project.weight", f->n_embd_in, f->n_embd, 1, 0.0f, 0.3f);
    if (f->n_embd_in != 0) tiny_put(&w, "output_project.weight", f->n_embd, f->n_embd_in, 1, 0.0f, 0.3f);
    if (f->learned) tiny_put(&w, "position_embd.weight", f->n_embd, 512, 1, 0.0f, 0.5f);
    if (f->embd_norm) put_norm(f, &w, "", "token_embd_norm", f->n_embd);
    for (uint32_t i = 0; i < f->n_layer; i++) put_layer(f, &w, i);
    if (!streams) put_norm(f, &w, "", "output_norm", f->n_embd);
    if (f->encoder) put_heads(f, &w);
    if (f->untied) tiny_put(&w, "output.weight", f->n_embd, f->n_vocab, 1, 0.0f, 0.3f);
    return gguf_writer_finish(&w, size);
}
