/* A small encoder-decoder, T5 or BART, with random weights in F32 under the names of GGUF. */
#include "support/tiny_seq2seq.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/tiny_family.h"

static const char *const prefixes[] = {"enc.", "dec."};

tiny_seq2seq tiny_t5(void) {
    return (tiny_seq2seq){.architecture = "t5", .n_vocab = 70, .n_embd = 64, .n_head_dim = 24, .n_context = 512,
                          .sides = {{2, 3, 80}, {3, 3, 80}}, .n_buckets = 32, .max_distance = 128};
}

tiny_seq2seq tiny_bart(void) {
    return (tiny_seq2seq){.architecture = "bart", .n_vocab = 70, .n_embd = 64, .n_head_dim = 16, .n_context = 320,
                          .sides = {{3, 4, 80}, {2, 2, 112}}};
}

/* ------------------------------------------------------------------- metadata */

static void put_key(const tiny_seq2seq *m, gguf_writer *w, const char *key, uint32_t value) {
    char full[96];
    snprintf(full, sizeof full, "%s.%s", m->architecture, key);
    gguf_writer_u32(w, full, value);
}

static void put_metadata(const tiny_seq2seq *m, bool is_t5, gguf_writer *w) {
    gguf_writer_init(w);
    gguf_writer_string(w, "general.architecture", m->architecture);
    gguf_writer_string(w, "tokenizer.ggml.model", "none");
    put_key(m, w, "context_length", m->n_context);
    put_key(m, w, "embedding_length", m->n_embd);
    put_key(m, w, "block_count", m->sides[0].n_layer);
    put_key(m, w, "decoder_block_count", m->sides[1].n_layer);
    put_key(m, w, "feed_forward_length", m->sides[0].n_ff);
    put_key(m, w, "attention.head_count", m->sides[0].n_head);
    if (is_t5) {
        put_key(m, w, "attention.key_length", m->n_head_dim);
        put_key(m, w, "attention.value_length", m->n_head_dim);
        put_key(m, w, "attention.relative_buckets_count", m->n_buckets);
        put_key(m, w, "attention.relative_max_distance", m->max_distance);
        gguf_writer_f32(w, "t5.attention.layer_norm_rms_epsilon", 1e-5f);
    } else {
        put_key(m, w, "decoder_feed_forward_length", m->sides[1].n_ff);
        put_key(m, w, "decoder_attention_head_count", m->sides[1].n_head);
        gguf_writer_f32(w, "bart.attention.layer_norm_epsilon", 1e-5f);
    }
    if (m->embd_scale != 0.0f) gguf_writer_f32(w, "bart.embedding_scale", m->embd_scale);
    put_key(m, w, "decoder_start_token_id", 2);
    if (m->metadata != NULL) m->metadata(w);
}

/* -------------------------------------------------------------------- tensors */

/* "PREFIX blk.N. NAME ENDING" */
static void put(const tiny_seq2seq *m, gguf_writer *w, const char *where, const char *name, size_t n_in, size_t n_out,
                float centre, float scale) {
    char full[96];
    snprintf(full, sizeof full, "%s%s", where, name);
    if (m->left_out == NULL || strcmp(m->left_out, full) != 0) tiny_put(w, full, n_in, n_out, 1, centre, scale);
}

static void put_norm(const tiny_seq2seq *m, bool is_t5, gguf_writer *w, const char *where, const char *name) {
    char full[64];
    snprintf(full, sizeof full, "%s.weight", name);
    put(m, w, where, full, m->n_embd, 1, 1.0f, 0.3f);
    snprintf(full, sizeof full, "%s.bias", name);
    if (!is_t5) put(m, w, where, full, m->n_embd, 1, 0.0f, 0.2f);
}

static void put_linear(const tiny_seq2seq *m, bool is_t5, gguf_writer *w, const char *where, const char *name,
                       size_t n_in, size_t n_out, float gain) {
    char full[64];
    snprintf(full, sizeof full, "%s.weight", name);
    put(m, w, where, full, n_in, n_out, 0.0f, gain * sqrtf(3.0f / (float)n_in));
    snprintf(full, sizeof full, "%s.bias", name);
    if (!is_t5) put(m, w, where, full, n_out, 1, 0.0f, 0.2f);
}

static void put_attention(const tiny_seq2seq *m, bool is_t5, gguf_writer *w, const char *where, const char *kind,
                          size_t n_q) {
    char name[32];
    for (const char *p = "qkvo"; *p != '\0'; p++) {
        float gain = *p == 'o' || *p == 'v' ? 0.7f : is_t5 ? 0.6f : 1.3f; /* T5 does not scale its queries */
        snprintf(name, sizeof name, "%s_%c", kind, *p);
        put_linear(m, is_t5, w, where, name, *p == 'o' ? n_q : m->n_embd, *p == 'o' ? m->n_embd : n_q, gain);
    }
    snprintf(name, sizeof name, "%s_norm", kind);
    put_norm(m, is_t5, w, where, name);
}

static void put_side(const tiny_seq2seq *m, bool is_t5, gguf_writer *w, int side) {
    const tiny_side *s = &m->sides[side];
    size_t n_q = is_t5 ? (size_t)s->n_head * m->n_head_dim : m->n_embd;
    char where[32];
    for (uint32_t i = 0; i < s->n_layer; i++) {
        snprintf(where, sizeof where, "%sblk.%u.", prefixes[side], i);
        put_attention(m, is_t5, w, where, "attn", n_q);
        if (side == 1) put_attention(m, is_t5, w, where, "cross_attn", n_q);
        if (is_t5 && i == 0) put(m, w, where, "attn_rel_b.weight", s->n_head, m->n_buckets, 0.0f, 2.0f);
        put_norm(m, is_t5, w, where, "ffn_norm");
        if (m->gated) put_linear(m, is_t5, w, where, "ffn_gate", m->n_embd, s->n_ff, 1.0f);
        put_linear(m, is_t5, w, where, "ffn_up", m->n_embd, s->n_ff, 1.0f);
        put_linear(m, is_t5, w, where, "ffn_down", s->n_ff, m->n_embd, 0.7f);
    }
    if (is_t5) {
        put_norm(m, is_t5, w, prefixes[side], "output_norm");
    } else {
        put(m, w, prefixes[side], "position_embd.weight", m->n_embd, m->n_context, 0.0f, 0.5f);
        put_norm(m, is_t5, w, prefixes[side], "token_embd_norm");
    }
}

uint8_t *tiny_seq2seq_file(const tiny_seq2seq *m, size_t *size) {
    bool is_t5 = strcmp(m->architecture, "t5") == 0;
    gguf_writer w;
    put_metadata(m, is_t5, &w);
    put(m, &w, "", "token_embd.weight", m->n_embd, m->n_vocab, 0.0f, 1.0f);
    for (int side = 0; side < 2; side++) put_side(m, is_t5, &w, side);
    if (m->untied) put(m, &w, "", "output.weight", m->n_embd, m->n_vocab, 0.0f, 0.3f);
    if (!is_t5) put(m, &w, "", "output.bias", m->n_vocab, 1, 0.0f, 0.2f);
    return gguf_writer_finish(&w, size);
}

/* -------------------------------------------------------------------- running */

enum { N_VOCAB = 70 }; /* of both above */

static void must(int32_t status) {
    if (status == INLAY_OK) return;
    fprintf(stderr, "%s: %s\n", inlay_status_name(status), inlay_error());
    exit(2);
}

tiny tiny_seq2seq_open(const tiny_seq2seq *m, const char *cpu) {
    inlay_options *o = tiny_options(0);
    tiny t;
    t.data = tiny_seq2seq_file(m, &t.size);
    if (cpu != NULL) must(inlay_options_set_string(o, INLAY_OPT_CPU, cpu, INLAY_ALL));
    must(inlay_model_open_memory(t.data, t.size, o, &t.model));
    inlay_options_free(o);
    return t;
}

void tiny_seq2seq_tokens(int32_t *tokens, size_t n, size_t step) {
    for (size_t i = 0; i < n; i++) tokens[i] = (int32_t)((i * step + i * i / 3 + 7) % N_VOCAB);
}

float *tiny_seq2seq_decode(inlay_session *session, const int32_t *tokens, size_t n, size_t step) {
    float *rows = malloc(n * N_VOCAB * sizeof *rows);
    if (rows == NULL) exit(2);
    for (size_t i = 0; i < n; i += step) {
        size_t count = n - i < step ? n - i : step;
        must(inlay_eval_all(session, tokens + i, count, rows + i * N_VOCAB, count * N_VOCAB));
    }
    return rows;
}
