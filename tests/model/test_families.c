/* Families against the formulas of their papers, written down plainly in double precision without cache, batches or
 * threads; and that no way of running one changes a bit. */
#include "test.h"

#include <math.h>

#include "kernels/math.h"
#include "support/formula.h"
#include "support/tiny_family.h"
#include "support/tiny_network.h"

enum { N_TOKENS = 40 };

/* ------------------------------------------------------------------ by the formulas */

typedef struct slow {
    const tiny_family *f;
    const inlay__weights *weights;
    const double *frequencies; /* [n_rope / 2], and how much sines and cosines grow */
    double magnitude;
} slow;

static const float *tensor(const slow *s, const char *prefix, const char *name, const char *ending) {
    return formula_tensor(s->weights, prefix, name, ending);
}

/* y [n_out] = rows of w, from `row`, times x [n_in], and the bias. */
static void times(const float *w, const float *bias, size_t row, size_t n_in, size_t n_out, const double *x,
                  double *y) {
    for (size_t o = 0; o < n_out; o++) {
        y[o] = bias != NULL ? (double)bias[row + o] : 0.0;
        for (size_t i = 0; i < n_in; i++) y[o] += (double)w[(row + o) * n_in + i] * x[i];
    }
}

static void linear(const slow *s, const char *prefix, const char *name, size_t row, size_t n_in, size_t n_out,
                   const double *x, double *y) {
    times(tensor(s, prefix, name, ".weight"), tensor(s, prefix, name, ".bias"), row, n_in, n_out, x, y);
}

static void norm(const slow *s, const char *prefix, const char *name, size_t n, double *x) {
    if (name == NULL) return;
    const float *w = tensor(s, prefix, name, ".weight"), *bias = tensor(s, prefix, name, ".bias");
    double mean = 0, squares = 0;
    for (size_t i = 0; s->f->layer_norm && i < n; i++) mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean) / (double)n;
    for (size_t i = 0; i < n; i++)
        x[i] = (x[i] - mean) / sqrt(squares + 1e-5) * (double)w[i] + (bias != NULL ? (double)bias[i] : 0.0);
}

static double activate(inlay__activation kind, double x) {
    switch (kind) {
    case INLAY__SILU: return x / (1 + exp(-x));
    case INLAY__GELU_TANH: return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
    case INLAY__GELU_ERF: return 0.5 * x * (1 + erf(x / sqrt(2.0)));
    default: return x > 0 ? x : 0;
    }
}

static void rotate(const slow *s, size_t layer, size_t position, double *head) {
    size_t n = s->f->n_rope != 0 ? s->f->n_rope : s->f->n_head_dim;
    if (s->f->pairs == TINY_NO_ROPE || (s->f->plain >> layer & 1)) return;
    for (size_t i = 0; i < n / 2; i++) {
        double angle = (double)position * s->frequencies[i], c = s->magnitude * cos(angle),
               d = s->magnitude * sin(angle);
        double *a = head + (s->f->pairs == TINY_ADJACENT ? 2 * i : i);
        double *b = s->f->pairs == TINY_ADJACENT ? a + 1 : head + i + n / 2;
        double turned = *a * c - *b * d;
        *b = *a * d + *b * c;
        *a = turned;
    }
}

/* ALiBi: 2^(-8 (i + 1) / n) for n heads, a power of two; others take every second one of twice as many for the rest. */
static double slope_of(size_t head, size_t n_head) {
    size_t n = 1;
    while (2 * n <= n_head) n *= 2;
    return head < n ? pow(2, -8.0 * (double)(head + 1) / (double)n)
                    : pow(2, -4.0 * (double)(2 * (head - n) + 1) / (double)n);
}

/* out [n_head, n_head_dim] of position t, from rotated q [n_q], k and v [N_TOKENS, n_kv]. */
static void attend(const slow *s, size_t layer, size_t t, const double *q, const double *k, const double *v,
                   double *out) {
    const tiny_family *f = s->f;
    size_t n = f->n_head_dim, n_kv = (size_t)f->n_head_kv * n;
    bool is_local = (f->local >> layer & 1) != 0;
    double scale = f->attn_scale != 0 ? (double)f->attn_scale : 1 / sqrt((double)n);
    for (size_t head = 0; head < f->n_head; head++) {
        double weights[N_TOKENS], sum = 0;
        size_t kv = head / (f->n_head / f->n_head_kv) * n,
               begin = is_local && t + 1 > f->n_window ? t + 1 - f->n_window : 0;
        for (size_t key = begin; key <= t; key++) {
            double score = 0;
            for (size_t i = 0; i < n; i++) score += scale * q[head * n + i] * k[key * n_kv + kv + i];
            if (f->attn_soft_cap != 0) score = (double)f->attn_soft_cap * tanh(score / (double)f->attn_soft_cap);
            if (f->slopes) score += slope_of(head, f->n_head) * (double)key;
            weights[key] = exp(score - (f->slopes ? slope_of(head, f->n_head) * (double)t : 0));
            sum += weights[key];
        }
        for (size_t i = 0; i < n; i++) {
            out[head * n + i] = 0;
            for (size_t key = begin; key <= t; key++) out[head * n + i] += weights[key] / sum * v[key * n_kv + kv + i];
        }
    }
}

/* Branches of all tokens [N_TOKENS, n_embd] from normed inputs in place of `x`. */
static void attention(const slow *s, size_t layer, const char *prefix, double *x) {
    const tiny_family *f = s->f;
    size_t n = f->n_embd, n_head_dim = f->n_head_dim, n_q = f->n_head * n_head_dim, n_kv = f->n_head_kv * n_head_dim;
    double *q = formula_numbers(N_TOKENS * n_q), *k = formula_numbers(N_TOKENS * n_kv),
           *v = formula_numbers(N_TOKENS * n_kv), *out = formula_numbers(n_q);
    for (size_t t = 0; t < N_TOKENS; t++) {
        double *qt = q + t * n_q, *kt = k + t * n_kv;
        linear(s, prefix, f->fused_qkv ? "attn_qkv" : "attn_q", 0, n, n_q, x + t * n, qt);
        linear(s, prefix, f->fused_qkv ? "attn_qkv" : "attn_k", f->fused_qkv ? n_q : 0, n, n_kv, x + t * n, kt);
        linear(s, prefix, f->fused_qkv ? "attn_qkv" : "attn_v", f->fused_qkv ? n_q + n_kv : 0, n, n_kv, x + t * n,
               v + t * n_kv);
        if (f->qk_norm_is_whole) norm(s, prefix, "attn_q_norm", n_q, qt);
        if (f->qk_norm_is_whole) norm(s, prefix, "attn_k_norm", n_kv, kt);
        for (size_t h = 0; h < f->n_head; h++) {
            if (f->qk_norm && !f->qk_norm_is_whole) norm(s, prefix, "attn_q_norm", n_head_dim, qt + h * n_head_dim);
            rotate(s, layer, t, qt + h * n_head_dim);
        }
        for (size_t h = 0; h < f->n_head_kv; h++) {
            if (f->qk_norm && !f->qk_norm_is_whole) norm(s, prefix, "attn_k_norm", n_head_dim, kt + h * n_head_dim);
            rotate(s, layer, t, kt + h * n_head_dim);
        }
    }
    for (size_t t = 0; t < N_TOKENS; t++) {
        attend(s, layer, t, q + t * n_q, k, v, out);
        linear(s, prefix, "attn_output", 0, n_q, n, out, x + t * n);
    }
    free(q);
    free(k);
    free(v);
    free(out);
}

/* One expert or the whole feed-forward block: y [n_embd] from x. */
static void feed_forward(const slow *s, const char *prefix, const char *names[3], size_t i, const double *x,
                         double *y) {
    const tiny_family *f = s->f;
    size_t n = f->n_embd, n_ff = f->n_ff;
    double gate[256], up[256];
    linear(s, prefix, names[1], i * n_ff + (f->fused_ffn ? n_ff : 0), n, n_ff, x, up);
    if (f->gated) linear(s, prefix, names[0], i * n_ff, n, n_ff, x, gate);
    for (size_t k = 0; k < n_ff; k++)
        up[k] = f->gated ? activate(f->activation, gate[k]) * up[k] : activate(f->activation, up[k]);
    linear(s, prefix, names[2], i * n, n_ff, n, up, y);
}

static void experts(const slow *s, const char *prefix, double *x) {
    const char *names[] = {"ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"};
    size_t n = s->f->n_embd, n_expert = s->f->n_expert;
    double p[16], sum = 0, chosen = 0, y[256], out[256] = {0};
    bool taken[16] = {false};
    linear(s, prefix, "ffn_gate_inp", 0, n, n_expert, x, p);
    for (size_t e = 0; e < n_expert; e++) sum += p[e] = exp(p[e]);
    for (size_t r = 0; r < s->f->n_used; r++) {
        size_t best = n_expert;
        for (size_t e = 0; e < n_expert; e++)
            if (!taken[e] && (best == n_expert || p[e] > p[best])) best = e;
        taken[best] = true;
        chosen += p[best];
    }
    for (size_t e = 0; e < n_expert; e++) {
        if (!taken[e]) continue;
        feed_forward(s, prefix, names, e, x, y);
        for (size_t i = 0; i < n; i++) out[i] += p[e] / (s->f->experts_as_chosen ? sum : chosen) * y[i];
    }
    memcpy(x, out, n * sizeof *x);
}

static void channel_mix(const slow *s, const char *prefix, double *x) {
    const char *names[] = {s->f->fused_ffn ? "ffn_up" : "ffn_gate", "ffn_up", "ffn_down"};
    double y[256];
    for (size_t t = 0; t < N_TOKENS; t++, x += s->f->n_embd) {
        if (s->f->n_expert > 0) {
            experts(s, prefix, x);
            continue;
        }
        feed_forward(s, prefix, names, 0, x, y);
        memcpy(x, y, s->f->n_embd * sizeof *x);
    }
}

static void layer(const slow *s, size_t l, double *x) {
    const tiny_family *f = s->f;
    size_t n = f->n_embd, size = N_TOKENS * n;
    double *before = formula_numbers(size), *branch = formula_numbers(size),
           scale = f->residual_scale != 0 ? (double)f->residual_scale : 1;
    char prefix[32];
    snprintf(prefix, sizeof prefix, "blk.%zu.", l);
    memcpy(before, x, size * sizeof *x);
    for (int b = 0; b < 2; b++) {
        memcpy(branch, b == 1 && f->parallel ? before : x, size * sizeof *x);
        for (size_t t = 0; t < N_TOKENS; t++) norm(s, prefix, f->norms[b][0], n, branch + t * n);
        if (b == 0) attention(s, l, prefix, branch);
        else channel_mix(s, prefix, branch);
        for (size_t t = 0; t < N_TOKENS; t++) norm(s, prefix, f->norms[b][1], n, branch + t * n);
        for (size_t i = 0; i < size; i++) x[i] += scale * branch[i];
        for (size_t t = 0; t < N_TOKENS; t++) norm(s, prefix, f->norms[b][2], n, x + t * n);
    }
    free(before);
    free(branch);
}

/* [N_TOKENS, n_vocab] */
static double *slow_logits(const slow *s, const int32_t *tokens) {
    const tiny_family *f = s->f;
    size_t n = f->n_embd;
    double *x = formula_numbers(N_TOKENS * n), *logits = formula_numbers(N_TOKENS * f->n_vocab);
    const float *embedding = tensor(s, "", "token_embd", ".weight"),
                *learned = tensor(s, "", "position_embd", ".weight");
    for (size_t t = 0; t < N_TOKENS; t++) {
        for (size_t i = 0; i < n; i++)
            x[t * n + i] =
                (f->embd_scale != 0 ? (double)f->embd_scale : 1) * (double)embedding[(size_t)tokens[t] * n + i] +
                (learned != NULL ? (double)learned[t * n + i] : 0);
        if (f->embd_norm) norm(s, "", "token_embd_norm", n, x + t * n);
    }
    for (size_t l = 0; l < f->n_layer; l++) layer(s, l, x);
    for (size_t t = 0; t < N_TOKENS; t++) {
        if (f->norms[1][2] == NULL) norm(s, "", "output_norm", n, x + t * n);
        double *row = logits + t * f->n_vocab;
        linear(s, "", f->untied ? "output" : "token_embd", 0, n, f->n_vocab, x + t * n, row);
        for (size_t i = 0; i < f->n_vocab; i++) {
            if (f->logit_divisor != 0) row[i] /= (double)f->logit_divisor;
            if (f->logit_soft_cap != 0) row[i] = (double)f->logit_soft_cap * tanh(row[i] / (double)f->logit_soft_cap);
        }
    }
    free(x);
    return logits;
}

/* ------------------------------------------------------------------------ comparison */

static tiny_network open_family(const tiny_family *f, inlay__cpu cpu) {
    size_t size;
    inlay__model_config config = tiny_network_config();
    config.cpu = cpu;
    uint8_t *data = tiny_family_file(f, &size);
    tiny_network n = tiny_network_open_file(data, size, &inlay__sys_default, &config);
    if (n.status != INLAY_OK) {
        fprintf(stderr, "%s: %s\n", f->architecture, inlay__error_text());
        exit(2);
    }
    return n;
}

static float *run(const tiny_network *n, const int32_t *tokens, size_t n_threads, size_t step) {
    inlay__decoder *d = tiny_decoder(n->model, N_TOKENS, step, n_threads, INLAY_TYPE_F32);
    float *rows = tiny_rows(d, n->model->hparams.n_vocab, tokens, N_TOKENS, step);
    inlay__decoder_free(d);
    return rows;
}

static void check_bits(const tiny_family *f, const int32_t *tokens, const float *expected, inlay__cpu cpu) {
    static const size_t ways[][2] = {{1, 1}, {2, 3}, {3, 7}, {2, N_TOKENS}}; /* threads, tokens at a time */
    tiny_network n = open_family(f, cpu);
    for (size_t i = 0; i < 4; i++) {
        float *rows = run(&n, tokens, ways[i][0], ways[i][1]);
        if (!CHECK(memcmp(rows, expected, N_TOKENS * f->n_vocab * sizeof *rows) == 0))
            fprintf(stderr, "%s: %zu threads, %zu tokens at a time\n", f->architecture, ways[i][0], ways[i][1]);
        free(rows);
    }
    tiny_network_close(&n);
}

/* With frequencies theta^(-2 i / n) unless others are given. Floats carry 24 bits, of which a few layers may lose
 * six. */
static void check_with(const tiny_family *f, const double *frequencies, double magnitude) {
    int32_t tokens[N_TOKENS];
    double plain[128], most = 0, largest = 0;
    size_t n_rope = f->n_rope != 0 ? f->n_rope : f->n_head_dim;
    for (size_t i = 0; i < n_rope / 2; i++) plain[i] = pow(10000, -2.0 * (double)i / (double)n_rope);
    for (size_t i = 0; i < N_TOKENS; i++) tokens[i] = (int32_t)((i * 53 + i * i / 3 + 7) % f->n_vocab);
    tiny_network n = open_family(f, inlay__cpu_best());
    slow s = {f, n.weights, frequencies != NULL ? frequencies : plain, magnitude};
    double *expected = slow_logits(&s, tokens);
    float *found = run(&n, tokens, 2, N_TOKENS);
    for (size_t i = 0; i < N_TOKENS * f->n_vocab; i++) {
        double off = fabs((double)found[i] - expected[i]);
        if (!(off <= most)) most = off; /* NaN too */
        if (fabs(expected[i]) > largest) largest = fabs(expected[i]);
    }
    if (!CHECK(most < 5e-6 * largest)) fprintf(stderr, "%s: off by %g of %g\n", f->architecture, most, largest);
    check_bits(f, tokens, found, inlay__cpu_best());
    check_bits(f, tokens, found, INLAY__CPU_SCALAR);
    free(found);
    free(expected);
    tiny_network_close(&n);
}

static void check(const tiny_family *f) { check_with(f, NULL, 1.0); }

/* -------------------------------------------------------------------------- families */

#define SIZES .n_layer = 3, .n_vocab = 70, .n_embd = 64, .n_head = 6, .n_head_kv = 2, .n_head_dim = 16, .n_ff = 80
#define BEFORE {{"attn_norm", NULL, NULL}, {"ffn_norm", NULL, NULL}}
#define LLAMA_LIKE(name, how) \
    { .architecture = name, SIZES, .norms = BEFORE, .gated = true, .pairs = how, .activation = INLAY__SILU }
#define GPT_LIKE(name)                                                                                     \
    {                                                                                                      \
        .architecture = name, SIZES, .norms = BEFORE, .layer_norm = true, .bias = true, .fused_qkv = true, \
        .activation = INLAY__GELU_TANH                                                                     \
    }

static void put_sequential_gptneox(gguf_writer *w) { gguf_writer_bool(w, "gptneox.use_parallel_residual", false); }
static void put_sequential_falcon(gguf_writer *w) { gguf_writer_bool(w, "falcon.use_parallel_residual", false); }
static void put_opt_behind(gguf_writer *w) { gguf_writer_bool(w, "opt.norm_before", false); }
static void put_relu(gguf_writer *w) { gguf_writer_string(w, "gpt2.activation", "relu"); }

TEST(gpt_norms_the_stream_and_gpt2_what_blocks_read) {
    tiny_family gpt2 = GPT_LIKE("gpt2"), gpt;
    gpt2.learned = true;
    gpt2.n_head_kv = 6;
    check(&gpt2);
    gpt = gpt2;
    gpt.architecture = "openai-gpt";
    memcpy(gpt.norms, (const char *[2][3]){{NULL, NULL, "attn_output_norm"}, {NULL, NULL, "layer_output_norm"}},
           sizeof gpt.norms);
    check(&gpt);
    gpt2.activation = INLAY__RELU;
    gpt2.metadata = put_relu;
    check(&gpt2);
}

TEST(opt_norms_before_or_behind) {
    tiny_family f = GPT_LIKE("opt");
    f.learned = true;
    f.fused_qkv = false;
    f.activation = INLAY__RELU;
    check(&f);
    f.metadata = put_opt_behind;
    memcpy(f.norms, (const char *[2][3]){{NULL, NULL, "attn_norm"}, {NULL, NULL, "ffn_norm"}}, sizeof f.norms);
    f.untied = true;
    check(&f);
}

TEST(gptneox_runs_blocks_side_by_side_or_in_turn) {
    tiny_family f = GPT_LIKE("gptneox");
    f.activation = INLAY__GELU_ERF;
    f.pairs = TINY_HALVES;
    f.n_rope = 4;
    f.parallel = f.untied = true;
    check(&f);
    f.parallel = false;
    f.metadata = put_sequential_gptneox;
    check(&f);
}

TEST(falcon_gives_both_blocks_one_norm_or_each_its_own) {
    tiny_family f = GPT_LIKE("falcon");
    f.activation = INLAY__GELU_ERF;
    f.pairs = TINY_HALVES;
    f.n_head_kv = 1;
    f.parallel = true;
    f.norms[1][0] = "attn_norm";
    check(&f);
    f.norms[0][0] = "attn_norm_2";
    f.norms[1][0] = "attn_norm";
    f.n_head_kv = 3;
    check(&f);
    f.norms[0][0] = "attn_norm";
    f.norms[1][0] = "ffn_norm";
    f.parallel = false;
    f.metadata = put_sequential_falcon;
    check(&f);
}

TEST(bloom_norms_embeddings_and_has_slopes) {
    tiny_family f = GPT_LIKE("bloom");
    f.n_head_kv = 6;
    f.slopes = f.embd_norm = true;
    check(&f);
    f.n_head = f.n_head_kv = 8;
    check(&f);
}

TEST(llama_may_have_biases_a_window_and_experts) {
    tiny_family f = LLAMA_LIKE("llama", TINY_ADJACENT);
    f.bias = true;
    check(&f);
    f.bias = false;
    f.n_window = 9;
    f.local = 7;
    check(&f);
    f.n_expert = 5;
    f.n_used = 2;
    check(&f);
}

static void put_plain_layers(gguf_writer *w) {
    gguf_writer_array(w, "smollm3.rope.layer_pattern", INLAY__GGUF_BOOL, (uint8_t[]){0, 1, 0}, 3);
}

TEST(smollm3_leaves_positions_out_of_some_layers) {
    tiny_family f = LLAMA_LIKE("smollm3", TINY_ADJACENT);
    f.n_layer = 5;
    f.plain = 1u << 3;
    check(&f);
    f.n_layer = 3;
    f.plain = 5;
    f.metadata = put_plain_layers;
    check(&f);
}

TEST(granite_multiplies_by_its_factors) {
    tiny_family f = LLAMA_LIKE("granite", TINY_ADJACENT);
    f.attn_scale = 0.125f;
    f.embd_scale = 6.0f;
    f.residual_scale = 0.22f;
    f.logit_divisor = 8.0f;
    check(&f);
}

TEST(qwen3_norms_heads_and_olmo2_all_of_them) {
    tiny_family f = LLAMA_LIKE("qwen3", TINY_HALVES);
    f.qk_norm = true;
    check(&f);
    f.architecture = "qwen3moe";
    f.n_expert = 7;
    f.n_used = 3;
    check(&f);
    f.experts_as_chosen = true;
    check(&f);
    tiny_family olmo = LLAMA_LIKE("olmo2", TINY_HALVES);
    olmo.qk_norm = olmo.qk_norm_is_whole = true;
    memcpy(olmo.norms, (const char *[2][3]){{NULL, "post_attention_norm", NULL}, {NULL, "post_ffw_norm", NULL}},
           sizeof olmo.norms);
    check(&olmo);
}

TEST(gemma2_caps_scores_and_logits) {
    tiny_family f = LLAMA_LIKE("gemma2", TINY_HALVES);
    f.activation = INLAY__GELU_TANH;
    memcpy(f.norms,
           (const char *[2][3]){{"attn_norm", "post_attention_norm", NULL}, {"ffn_norm", "post_ffw_norm", NULL}},
           sizeof f.norms);
    f.attn_soft_cap = 4.0f;
    f.logit_soft_cap = 9.0f;
    f.embd_scale = 8.0f; /* sqrt(64) */
    f.attn_scale = 0.3f;
    f.n_window = 7;
    f.local = 5; /* every second layer sees all */
    check(&f);
}

/* ------------------------------------------------------------------------- scalings */

static void put_yarn(gguf_writer *w) {
    gguf_writer_string(w, "phi3.rope.scaling.type", "yarn");
    gguf_writer_f32(w, "phi3.rope.scaling.factor", 4.0f);
    gguf_writer_u32(w, "phi3.rope.scaling.original_context_length", 64);
    gguf_writer_f32(w, "phi3.rope.scaling.yarn_beta_fast", 3.0f);
}

/* Pairs between those that turn 3 times in 64 positions and once are mixed, by pair; fewer turns are slowed by 4. */
TEST(yarn_slows_what_turns_less_than_once) {
    tiny_family f = LLAMA_LIKE("phi3", TINY_HALVES);
    double frequencies[8], two_pi = 2 * acos(-1.0);
    f.fused_qkv = f.fused_ffn = true;
    f.metadata = put_yarn;
    double low = floor(16 * log(64 / (3 * two_pi)) / (2 * log(10000.0))),
           high = ceil(16 * log(64 / two_pi) / (2 * log(10000.0)));
    for (int i = 0; i < 8; i++) {
        double whole = pow(10000, -i / 8.0), x = (i - low) / (high - low);
        x = x < 0 ? 0 : x > 1 ? 1 : x;
        frequencies[i] = whole / 4 * x + whole * (1 - x);
    }
    check_with(&f, frequencies, 0.1 * log(4.0) + 1);
}

static void put_llama3(gguf_writer *w) {
    gguf_writer_string(w, "llama.rope.scaling.type", "llama3");
    gguf_writer_f32(w, "llama.rope.scaling.factor", 8.0f);
    gguf_writer_u32(w, "llama.rope.scaling.original_context_length", 32);
}

/* Waves longer than the context are slowed by 8, those shorter than a quarter of it stay. */
TEST(llama3_slows_waves_longer_than_the_context) {
    tiny_family f = LLAMA_LIKE("llama", TINY_ADJACENT);
    double frequencies[8], two_pi = 2 * acos(-1.0);
    f.metadata = put_llama3;
    for (int i = 0; i < 8; i++) {
        double whole = pow(10000, -i / 8.0), wave = two_pi / whole, smooth = (32 / wave - 1) / 3;
        frequencies[i] = wave > 32 ? whole / 8 : wave < 8 ? whole : (1 - smooth) * whole / 8 + smooth * whole;
    }
    check_with(&f, frequencies, 1.0);
}

static void put_factors(gguf_writer *w, const char *name, float first, float step) {
    float factors[8];
    for (int i = 0; i < 8; i++) factors[i] = first + step * (float)i;
    gguf_writer_tensor(w, name, INLAY_TYPE_F32, 1, (uint64_t[]){8}, factors, sizeof factors);
}

static void put_longrope(gguf_writer *w, uint32_t n_original) {
    gguf_writer_u32(w, "phi3.rope.scaling.original_context_length", n_original);
    gguf_writer_f32(w, "phi3.rope.scaling.attn_factor", 1.2f);
    put_factors(w, "rope_factors_short.weight", 1.0f, 0.125f);
    put_factors(w, "rope_factors_long.weight", 2.0f, 3.0f);
}
static void put_short(gguf_writer *w) { put_longrope(w, 64); } /* room for 40 tokens is within it */
static void put_long(gguf_writer *w) { put_longrope(w, 32); }

TEST(longrope_has_factors_for_sessions_within_the_context_and_beyond) {
    tiny_family f = LLAMA_LIKE("phi3", TINY_HALVES);
    double frequencies[8];
    f.fused_qkv = f.fused_ffn = true;
    for (int far = 0; far < 2; far++) {
        f.metadata = far ? put_long : put_short;
        for (int i = 0; i < 8; i++) frequencies[i] = pow(10000, -i / 8.0) / (far ? 2.0 + 3.0 * i : 1.0 + 0.125 * i);
        check_with(&f, frequencies, (double)1.2f);
    }
}

TEST_MAIN(CASE(gpt_norms_the_stream_and_gpt2_what_blocks_read), CASE(opt_norms_before_or_behind),
          CASE(gptneox_runs_blocks_side_by_side_or_in_turn), CASE(falcon_gives_both_blocks_one_norm_or_each_its_own),
          CASE(bloom_norms_embeddings_and_has_slopes), CASE(llama_may_have_biases_a_window_and_experts),
          CASE(smollm3_leaves_positions_out_of_some_layers), CASE(granite_multiplies_by_its_factors),
          CASE(qwen3_norms_heads_and_olmo2_all_of_them), CASE(gemma2_caps_scores_and_logits),
          CASE(yarn_slows_what_turns_less_than_once), CASE(llama3_slows_waves_longer_than_the_context),
          CASE(longrope_has_factors_for_sessions_within_the_context_and_beyond))
