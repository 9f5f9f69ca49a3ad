/* The forward pass against the formulas of the papers, written down plainly in double precision without cache, batches
 * or threads; and what a position may see. */
#include "test.h"

#include <math.h>

#include "support/tiny_network.h"

/* ------------------------------------------------------------------ by the formulas */

/* What the formulas need of a model file, all of it F32. */
typedef struct slow {
    const tiny_network *n;
    const inlay__hparams *h;
    bool gemma, adjacent;
    size_t n_tokens;
} slow;

/* A tensor of the file; NULL when there is none. */
static const float *tensor(const slow *s, const char *name, size_t layer) {
    char full[64];
    snprintf(full, sizeof full, name, (unsigned)layer);
    const inlay__tensor *t = inlay__weights_find(s->n->weights, full);
    return t != NULL ? (const float *)(const void *)t->data : NULL; /* the file is aligned */
}

/* out [n_tokens, n_out] = x [n_tokens, n_in] times the rows of w [n_out, n_in], plus a bias. */
static double *times(const slow *s, const double *x, size_t n_in, const float *w, const float *bias, size_t n_out) {
    double *out = calloc(s->n_tokens * n_out, sizeof *out);
    for (size_t t = 0; t < s->n_tokens; t++)
        for (size_t o = 0; o < n_out; o++) {
            double sum = bias != NULL ? (double)bias[o] : 0;
            for (size_t i = 0; i < n_in; i++)
                sum += (double)w[o * n_in + i] * x[t * n_in + i];
            out[t * n_out + o] = sum;
        }
    return out;
}

/* Rows of n, each divided by its root mean square and multiplied by w. */
static void norm(const slow *s, double *x, size_t n_rows, size_t n, const float *w) {
    for (size_t r = 0; w != NULL && r < n_rows; r++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += x[r * n + i] * x[r * n + i];
        for (size_t i = 0; i < n; i++)
            x[r * n + i] *= (double)w[i] / sqrt(sum / (double)n + (double)s->h->norm_epsilon);
    }
}

/* Turns the pairs of each head of each token by its position times theta^(-2 i / n_rope) / scale. */
static void rotate(const slow *s, double *x, size_t n_head, double theta, double scale) {
    size_t n = s->h->n_embd_head, n_rope = s->h->n_rope;
    for (size_t t = 0; t < s->n_tokens; t++)
        for (size_t head = 0; head < n_head; head++)
            for (size_t i = 0; i < n_rope / 2; i++) {
                double angle = (double)t / scale * pow(theta, -2.0 * (double)i / (double)n_rope);
                double *row = x + (t * n_head + head) * n;
                double *a = row + (s->adjacent ? 2 * i : i), *b = row + (s->adjacent ? 2 * i + 1 : i + n_rope / 2);
                double turned = *a * cos(angle) - *b * sin(angle);
                *b = *a * sin(angle) + *b * cos(angle);
                *a = turned;
            }
}

/* softmax(q k / sqrt(n_embd_head)) v over the keys that a position sees. */
static double *attend(const slow *s, const double *q, const double *k, const double *v, size_t window) {
    size_t n = s->h->n_embd_head, n_head = s->h->n_head, n_kv = s->h->n_head_kv;
    double *out = calloc(s->n_tokens * n_head * n, sizeof *out), *weights = calloc(s->n_tokens, sizeof *weights);
    for (size_t t = 0; t < s->n_tokens; t++)
        for (size_t head = 0; head < n_head; head++) {
            size_t group = head / (n_head / n_kv), begin = window > 0 && t + 1 > window ? t + 1 - window : 0;
            double sum = 0;
            for (size_t key = begin; key <= t; key++) {
                double score = 0;
                for (size_t i = 0; i < n; i++)
                    score += q[(t * n_head + head) * n + i] * k[(key * n_kv + group) * n + i];
                weights[key] = exp(score / sqrt((double)n));
                sum += weights[key];
            }
            for (size_t key = begin; key <= t; key++)
                for (size_t i = 0; i < n; i++)
                    out[(t * n_head + head) * n + i] += weights[key] / sum * v[(key * n_kv + group) * n + i];
        }
    free(weights);
    return out;
}

static double *copy_of(const double *x, size_t n) {
    double *copy = malloc(n * sizeof *copy);
    memcpy(copy, x, n * sizeof *copy);
    return copy;
}

static void add_and_free(double *x, double *branch, size_t n) {
    for (size_t i = 0; i < n; i++)
        x[i] += branch[i];
    free(branch);
}

static void attention_block(const slow *s, size_t l, double *x) {
    const inlay__hparams *h = s->h;
    size_t n_embd = h->n_embd, n_q = (size_t)h->n_head * h->n_embd_head, n_kv = (size_t)h->n_head_kv * h->n_embd_head;
    bool local = s->gemma && h->n_window > 0 && l % 6 != 5;
    double *in = copy_of(x, s->n_tokens * n_embd);
    norm(s, in, s->n_tokens, n_embd, tensor(s, "blk.%u.attn_norm.weight", l));
    double *q = times(s, in, n_embd, tensor(s, "blk.%u.attn_q.weight", l), tensor(s, "blk.%u.attn_q.bias", l), n_q);
    double *k = times(s, in, n_embd, tensor(s, "blk.%u.attn_k.weight", l), tensor(s, "blk.%u.attn_k.bias", l), n_kv);
    double *v = times(s, in, n_embd, tensor(s, "blk.%u.attn_v.weight", l), tensor(s, "blk.%u.attn_v.bias", l), n_kv);
    norm(s, q, s->n_tokens * h->n_head, h->n_embd_head, tensor(s, "blk.%u.attn_q_norm.weight", l));
    norm(s, k, s->n_tokens * h->n_head_kv, h->n_embd_head, tensor(s, "blk.%u.attn_k_norm.weight", l));
    rotate(s, q, h->n_head, local ? 10000 : h->rope_theta, local ? 1 : h->rope_scale);
    rotate(s, k, h->n_head_kv, local ? 10000 : h->rope_theta, local ? 1 : h->rope_scale);
    double *seen = attend(s, q, k, v, local ? h->n_window : 0);
    double *branch = times(s, seen, n_q, tensor(s, "blk.%u.attn_output.weight", l), NULL, n_embd);
    norm(s, branch, s->n_tokens, n_embd, tensor(s, "blk.%u.post_attention_norm.weight", l));
    add_and_free(x, branch, s->n_tokens * n_embd);
    free(in);
    free(q);
    free(k);
    free(v);
    free(seen);
}

static double activate(const slow *s, double x) {
    return s->gemma ? 0.5 * x * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)))
                    : x / (1 + exp(-x));
}

static void feed_forward_block(const slow *s, size_t l, double *x) {
    size_t n_embd = s->h->n_embd, n_ff = s->h->n_ff;
    double *in = copy_of(x, s->n_tokens * n_embd);
    norm(s, in, s->n_tokens, n_embd, tensor(s, "blk.%u.ffn_norm.weight", l));
    double *gate = times(s, in, n_embd, tensor(s, "blk.%u.ffn_gate.weight", l), NULL, n_ff);
    double *up = times(s, in, n_embd, tensor(s, "blk.%u.ffn_up.weight", l), NULL, n_ff);
    for (size_t i = 0; i < s->n_tokens * n_ff; i++)
        gate[i] = activate(s, gate[i]) * up[i];
    double *branch = times(s, gate, n_ff, tensor(s, "blk.%u.ffn_down.weight", l), NULL, n_embd);
    norm(s, branch, s->n_tokens, n_embd, tensor(s, "blk.%u.post_ffw_norm.weight", l));
    add_and_free(x, branch, s->n_tokens * n_embd);
    free(in);
    free(gate);
    free(up);
}

/* The logits of all tokens [n_tokens, n_vocab]. */
static double *slow_logits(const tiny_network *n, const int32_t *tokens, size_t n_tokens) {
    slow s = {.n = n, .h = inlay__model_hparams(n->model), .n_tokens = n_tokens};
    size_t n_embd = s.h->n_embd;
    s.gemma = strcmp(s.h->architecture, "gemma3") == 0;
    s.adjacent = strcmp(s.h->architecture, "llama") == 0;
    double *x = malloc(n_tokens * n_embd * sizeof *x), scale = s.gemma ? sqrt((double)n_embd) : 1;
    const float *embedding = tensor(&s, "token_embd.weight", 0), *head = tensor(&s, "output.weight", 0);
    for (size_t t = 0; t < n_tokens; t++)
        for (size_t i = 0; i < n_embd; i++)
            x[t * n_embd + i] = scale * (double)embedding[(size_t)tokens[t] * n_embd + i];
    for (size_t l = 0; l < s.h->n_layer; l++) {
        attention_block(&s, l, x);
        feed_forward_block(&s, l, x);
    }
    norm(&s, x, n_tokens, n_embd, tensor(&s, "output_norm.weight", 0));
    double *logits = times(&s, x, n_embd, head != NULL ? head : embedding, NULL, s.h->n_vocab);
    free(x);
    return logits;
}

static float *fast_logits(const tiny_network *n, const int32_t *tokens, size_t n_tokens, size_t step) {
    inlay__decoder *d = tiny_decoder(n->model, n_tokens, n_tokens, 2, INLAY_TYPE_F32);
    float *rows = tiny_rows(d, n->model->hparams.n_vocab, tokens, n_tokens, step);
    inlay__decoder_free(d);
    return rows;
}

/* The largest difference, as a part of the largest logit. */
static double difference(const float *found, const double *expected, size_t n) {
    double most = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        double off = fabs((double)found[i] - expected[i]);
        if (!(off <= most)) most = off; /* NaN too */
        if (fabs(expected[i]) > largest) largest = fabs(expected[i]);
    }
    return most / largest;
}

static void fill_tokens(int32_t *tokens, size_t n, size_t n_vocab) {
    for (size_t i = 0; i < n; i++)
        tokens[i] = (int32_t)((i * 53 + i * i / 3 + 7) % n_vocab);
}

/* Floats carry 24 bits, of which a few layers may lose six. */
static void check_formulas(const tiny_params *p, size_t n_tokens) {
    int32_t tokens[400];
    tiny_network n = tiny_network_open(p, NULL);
    fill_tokens(tokens, n_tokens, p->n_vocab);
    double *expected = slow_logits(&n, tokens, n_tokens);
    for (size_t step = 1; step <= n_tokens; step += n_tokens - 1) {
        float *found = fast_logits(&n, tokens, n_tokens, step);
        double off = difference(found, expected, n_tokens * p->n_vocab);
        if (!CHECK(off < 5e-6)) fprintf(stderr, "%s, %zu tokens: off by %g\n", p->architecture, n_tokens, off);
        free(found);
    }
    free(expected);
    tiny_network_close(&n);
}

TEST(logits_are_near_the_formulas_in_every_architecture) {
    for (int i = 0; i < TINY_N_ARCHITECTURES; i++) {
        tiny_params p = tiny_architecture(i);
        check_formulas(&p, 50);
    }
}

TEST(logits_are_near_the_formulas_past_a_block_of_keys) {
    for (int i = 0; i < TINY_N_ARCHITECTURES; i++) {
        tiny_params p = tiny_architecture(i);
        p.n_layer = 1;
        check_formulas(&p, 300);
    }
}

/* Heads of many widths and groups, also ones that no vector holds; rotated whole and in part. */
TEST(logits_are_near_the_formulas_for_heads_of_any_width) {
    static const uint32_t shapes[][4] = {/* heads, of keys, their width, rotated */
                                         {1, 1, 64, 0},  {4, 4, 16, 2}, {3, 1, 2, 0},   {5, 5, 6, 4},
                                         {14, 2, 8, 0},  {13, 1, 4, 0}, {26, 2, 24, 6}, {2, 1, 128, 64},
                                         {32, 32, 2, 0}, {7, 7, 18, 10}};
    for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
        tiny_params p = tiny_architecture((int)(k % TINY_N_ARCHITECTURES));
        p.n_head = shapes[k][0];
        p.n_head_kv = shapes[k][1];
        p.n_embd_head = shapes[k][2];
        p.n_rope = shapes[k][3];
        p.n_layer = 2;
        check_formulas(&p, 30);
    }
}

/* ------------------------------------------------------------------ what is seen */

/* Changes token `at` of 60 and gives the first row whose bits change and the number of them. */
static size_t rows_that_change(const tiny_network *n, size_t at, size_t step, size_t *first) {
    int32_t tokens[60];
    size_t n_vocab = n->model->hparams.n_vocab, count = 0;
    fill_tokens(tokens, 60, n_vocab);
    float *before = fast_logits(n, tokens, 60, step);
    tokens[at] = (int32_t)((size_t)tokens[at] + 100) % (int32_t)n_vocab;
    float *after = fast_logits(n, tokens, 60, step);
    for (size_t i = 60; i-- > 0;) {
        if (memcmp(before + i * n_vocab, after + i * n_vocab, n_vocab * sizeof *before) == 0) continue;
        *first = i;
        count++;
    }
    free(before);
    free(after);
    return count;
}

TEST(a_token_is_seen_by_itself_and_all_after_it_and_by_none_before) {
    for (int i = 0; i < TINY_N_ARCHITECTURES; i++) {
        tiny_params p = tiny_architecture(i);
        p.n_window = 0;
        tiny_network n = tiny_network_open(&p, NULL);
        for (size_t at = 0; at < 60; at += 13) {
            size_t first = 0;
            CHECK_INT(rows_that_change(&n, at, 60, &first), 60 - at);
            CHECK_INT(first, at);
            CHECK_INT(rows_that_change(&n, at, 7, &first), 60 - at);
        }
        tiny_network_close(&n);
    }
}

/* Each local layer reaches n_window - 1 positions further back; the sixth sees all. */
TEST(a_window_hides_what_is_before_it) {
    for (uint32_t n_layer = 1; n_layer <= 6; n_layer++) {
        tiny_params p = tiny_architecture(2);
        p.n_layer = n_layer;
        p.n_window = 9;
        tiny_network n = tiny_network_open(&p, NULL);
        for (size_t at = 0; at < 20; at += 6) {
            size_t first = 0, reach = n_layer < 6 ? 1 + n_layer * 8 : 60 - at;
            CHECK_INT(rows_that_change(&n, at, 60, &first), reach);
            CHECK_INT(first, at);
            CHECK_INT(rows_that_change(&n, at, 1, &first), reach);
        }
        tiny_network_close(&n);
    }
}

TEST_MAIN(CASE(logits_are_near_the_formulas_in_every_architecture),
          CASE(logits_are_near_the_formulas_past_a_block_of_keys),
          CASE(logits_are_near_the_formulas_for_heads_of_any_width),
          CASE(a_token_is_seen_by_itself_and_all_after_it_and_by_none_before), CASE(a_window_hides_what_is_before_it))
