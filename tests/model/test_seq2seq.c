/* Encoder-decoders: T5 and BART against the formulas of their papers, written down plainly in double precision; and
 * that no way of running one changes a bit. */
#include "test.h"

#include <math.h>

#include "format/weights.h"
#include "kernels/cpu.h"
#include "support/formula.h"
#include "support/tiny_seq2seq.h"

enum { N_ENCODED = 150, N_TOKENS = 140, N_VOCAB = 70, LONG = 270 };

/* ------------------------------------------------------------------ by the formulas */

typedef struct slow {
    const tiny_seq2seq *m;
    const inlay__weights *weights;
    bool is_t5;
} slow;

static const char *const prefixes[] = {"enc.", "dec."};

static const float *tensor(const slow *s, const char *where, const char *name, const char *ending) {
    return formula_tensor(s->weights, where, name, ending);
}

/* y [n, n_out] of x [n, n_in] */
static void linear(const slow *s, const char *where, const char *name, size_t n, size_t n_in, size_t n_out,
                   const double *x, double *y) {
    const float *w = tensor(s, where, name, ".weight"), *bias = tensor(s, where, name, ".bias");
    for (size_t t = 0; t < n; t++)
        for (size_t o = 0; o < n_out; o++) {
            double sum = bias != NULL ? (double)bias[o] : 0.0;
            for (size_t i = 0; i < n_in; i++) sum += (double)w[o * n_in + i] * x[t * n_in + i];
            y[t * n_out + o] = sum;
        }
}

/* RMS norms of T5, layer norms of BART, in place. */
static void norm(const slow *s, const char *where, const char *name, size_t n, double *x) {
    const float *w = tensor(s, where, name, ".weight"), *bias = tensor(s, where, name, ".bias");
    size_t n_embd = s->m->n_embd;
    for (size_t t = 0; t < n; t++, x += n_embd) {
        double mean = 0, squares = 0;
        for (size_t i = 0; !s->is_t5 && i < n_embd; i++) mean += x[i] / (double)n_embd;
        for (size_t i = 0; i < n_embd; i++) squares += (x[i] - mean) * (x[i] - mean) / (double)n_embd;
        for (size_t i = 0; i < n_embd; i++)
            x[i] = (x[i] - mean) / sqrt(squares + 1e-5) * (double)w[i] + (bias != NULL ? (double)bias[i] : 0.0);
    }
}

/* T5's bucket of a key: the distances from exact (greatest / exact)^(j / rest) on are in bucket exact + j. */
static size_t bucket_of(const slow *s, bool both_ways, size_t key, size_t query) {
    size_t n = both_ways ? s->m->n_buckets / 2 : s->m->n_buckets, exact = n / 2;
    size_t begin = both_ways && key > query ? n : 0,
           distance = key > query ? (both_ways ? key - query : 0) : query - key;
    if (distance < exact) return begin + distance;
    for (size_t j = n - exact - 1; j > 0; j--) {
        double from = (double)exact * pow((double)s->m->max_distance / (double)exact, (double)j / (double)(n - exact));
        if ((double)distance >= from - 1e-9) return begin + exact + j;
    }
    return begin + exact;
}

/* What `kind` attention of n columns x gives of m columns y, in place of x. */
static void attention(const slow *s, const char *where, const char *kind, int side, size_t n, double *x, size_t m,
                      const double *y) {
    const bool cross = kind[0] == 'c';
    size_t n_head = s->m->sides[side].n_head, d = s->is_t5 ? s->m->n_head_dim : s->m->n_embd / n_head, n_q = n_head * d;
    double *q = formula_numbers(n * n_q), *k = formula_numbers(m * n_q), *v = formula_numbers(m * n_q),
           *out = formula_numbers(n * n_q), *p = formula_numbers(m);
    const float *bias = cross || !s->is_t5 ? NULL : tensor(s, prefixes[side], "blk.0.attn_rel_b", ".weight");
    char name[32];
    double *const projected[] = {q, k, v};
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s_%c", kind, "qkv"[i]);
        linear(s, where, name, i == 0 ? n : m, s->m->n_embd, n_q, i == 0 ? x : y, projected[i]);
    }
    for (size_t t = 0; t < n; t++)
        for (size_t h = 0; h < n_head; h++) {
            size_t n_seen = cross || side == 0 ? m : t + 1;
            double greatest = -1e300, sum = 0;
            for (size_t key = 0; key < n_seen; key++) {
                p[key] = bias != NULL ? (double)bias[bucket_of(s, side == 0, key, t) * n_head + h] : 0;
                for (size_t i = 0; i < d; i++)
                    p[key] +=
                        q[t * n_q + h * d + i] * k[key * n_q + h * d + i] * (s->is_t5 ? 1.0 : 1 / sqrt((double)d));
                greatest = fmax(greatest, p[key]);
            }
            for (size_t key = 0; key < n_seen; key++) sum += p[key] = exp(p[key] - greatest);
            for (size_t key = 0; key < n_seen; key++)
                for (size_t i = 0; i < d; i++) out[t * n_q + h * d + i] += p[key] / sum * v[key * n_q + h * d + i];
        }
    snprintf(name, sizeof name, "%s_o", kind);
    linear(s, where, name, n, n_q, s->m->n_embd, out, x);
    free(q);
    free(k);
    free(v);
    free(out);
    free(p);
}

static double activate(const slow *s, double x) {
    if (!s->is_t5) return 0.5 * x * (1 + erf(x / sqrt(2.0)));
    if (s->m->gated) return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
    return x > 0 ? x : 0;
}

static void feed_forward(const slow *s, const char *where, int side, size_t n, double *x) {
    size_t n_ff = s->m->sides[side].n_ff;
    double *up = formula_numbers(n * n_ff), *gate = formula_numbers(n * n_ff);
    linear(s, where, "ffn_up", n, s->m->n_embd, n_ff, x, up);
    if (s->m->gated) linear(s, where, "ffn_gate", n, s->m->n_embd, n_ff, x, gate);
    for (size_t i = 0; i < n * n_ff; i++) up[i] = s->m->gated ? activate(s, gate[i]) * up[i] : activate(s, up[i]);
    linear(s, where, "ffn_down", n, n_ff, s->m->n_embd, up, x);
    free(up);
    free(gate);
}

/* The states behind the last norm [n, n_embd] of one stack, which attends to y [m, n_embd]. */
static double *slow_stack(const slow *s, int side, const int32_t *tokens, size_t n, const double *y, size_t m) {
    static const char *const kinds[] = {"attn", "cross_attn", "ffn"};
    size_t n_embd = s->m->n_embd, size = n * n_embd;
    double *x = formula_numbers(size), *branch = formula_numbers(size);
    const float *embedding = tensor(s, "", "token_embd", ".weight");
    const float *positions = tensor(s, prefixes[side], "position_embd", ".weight");
    for (size_t i = 0; i < size; i++)
        x[i] = (s->m->embd_scale != 0 ? (double)s->m->embd_scale : 1) *
                   (double)embedding[(size_t)tokens[i / n_embd] * n_embd + i % n_embd] +
               (positions != NULL ? (double)positions[i] : 0);
    if (!s->is_t5) norm(s, prefixes[side], "token_embd_norm", n, x);
    for (uint32_t l = 0; l < s->m->sides[side].n_layer; l++) {
        char where[32], name[32];
        snprintf(where, sizeof where, "%sblk.%u.", prefixes[side], l);
        for (int b = 0; b < 3; b++) {
            if (b == 1 && side == 0) continue;
            snprintf(name, sizeof name, "%s_norm", kinds[b]);
            memcpy(branch, x, size * sizeof *x);
            if (s->is_t5) norm(s, where, name, n, branch);
            if (b == 0) attention(s, where, kinds[b], side, n, branch, n, branch);
            if (b == 1) attention(s, where, kinds[b], side, n, branch, m, y);
            if (b == 2) feed_forward(s, where, side, n, branch);
            for (size_t i = 0; i < size; i++) x[i] += branch[i];
            if (!s->is_t5) norm(s, where, name, n, x);
        }
    }
    if (s->is_t5) norm(s, prefixes[side], "output_norm", n, x);
    free(branch);
    return x;
}

static double *slow_logits(const slow *s, const int32_t *encoded, size_t m, const int32_t *tokens, size_t n) {
    double *y = slow_stack(s, 0, encoded, m, NULL, 0), *x = slow_stack(s, 1, tokens, n, y, m),
           *logits = formula_numbers(n * N_VOCAB);
    bool scaled = s->is_t5 && !s->m->untied && !s->m->gated;
    linear(s, "", s->m->untied ? "output" : "token_embd", n, s->m->n_embd, N_VOCAB, x, logits);
    const float *bias = tensor(s, "", "output", ".bias");
    for (size_t i = 0; i < n * N_VOCAB; i++)
        logits[i] =
            logits[i] * (scaled ? 1 / sqrt((double)s->m->n_embd) : 1) + (bias != NULL ? (double)bias[i % N_VOCAB] : 0);
    free(x);
    free(y);
    return logits;
}

/* ------------------------------------------------------------------------ comparison */

static float *run(inlay_model *model, const int32_t *encoded, size_t m, const int32_t *tokens, size_t n, int cache,
                  int threads, int batch, size_t step) {
    inlay_session *s =
        tiny_session(model, INLAY_OPT_CACHE_TYPE, cache, INLAY_OPT_THREADS, threads, INLAY_OPT_BATCH, batch, 0);
    CHECK_INT(inlay_encode(s, encoded, m), INLAY_OK);
    float *rows = tiny_seq2seq_decode(s, tokens, n, step);
    inlay_session_free(s);
    return rows;
}

/* Floats carry 24 bits, of which a few layers may lose six. */
static void check_formulas(const tiny_seq2seq *m) {
    int32_t encoded[N_ENCODED], tokens[N_TOKENS];
    tiny t = tiny_seq2seq_open(m, NULL);
    inlay__weights weights;
    CHECK_INT(inlay__weights_open_memory(&inlay__sys_default, t.data, t.size, &weights), INLAY_OK);
    tiny_seq2seq_tokens(encoded, N_ENCODED, 53);
    tiny_seq2seq_tokens(tokens, N_TOKENS, 31);
    const slow s = {m, &weights, strcmp(m->architecture, "t5") == 0};
    double *expected = slow_logits(&s, encoded, N_ENCODED, tokens, N_TOKENS), most = 0, largest = 0;
    float *found = run(t.model, encoded, N_ENCODED, tokens, N_TOKENS, INLAY_TYPE_F32, 2, 64, N_TOKENS);
    for (size_t i = 0; i < (size_t)N_TOKENS * N_VOCAB; i++) {
        double off = fabs((double)found[i] - expected[i]);
        if (!(off <= most)) most = off; /* NaN too */
        largest = fmax(largest, fabs(expected[i]));
    }
    if (!CHECK(most < 5e-6 * largest)) fprintf(stderr, "%s: off by %g of %g\n", m->architecture, most, largest);
    free(found);
    free(expected);
    inlay__weights_close(&weights);
    tiny_close(&t);
}

TEST(t5_gives_what_its_formulas_say) {
    tiny_seq2seq m = tiny_t5();
    check_formulas(&m);
    m.untied = true;
    check_formulas(&m);
    m.gated = true;
    check_formulas(&m);
    m.untied = false;
    m.n_buckets = 12;
    m.max_distance = 37;
    check_formulas(&m);
}

TEST(bart_gives_what_its_formulas_say) {
    tiny_seq2seq m = tiny_bart();
    check_formulas(&m);
    m.embd_scale = 8.0f;
    m.sides[1] = (tiny_side){3, 8, 48};
    check_formulas(&m);
}

/* Long enough for attention in several blocks, of its own tokens and of what was encoded. */
static void check_ways(const tiny_seq2seq *m, int cache) {
    static const int ways[][3] = {{2, 512, LONG}, {3, 7, LONG}, {2, 64, 13}, {3, 32, 1}}; /* threads, batch, step */
    int32_t encoded[LONG], tokens[LONG];
    tiny scalar = tiny_seq2seq_open(m, "scalar");
    tiny_seq2seq_tokens(encoded, LONG, 19);
    tiny_seq2seq_tokens(tokens, LONG, 37);
    float *expected = run(scalar.model, encoded, LONG, tokens, LONG, cache, 1, 64, LONG);
    tiny_close(&scalar);
    for (int level = INLAY__CPU_SCALAR + 1; level < INLAY__CPU_N_LEVELS; level++) {
        if (!inlay__cpu_has((inlay__cpu)level)) continue;
        tiny t = tiny_seq2seq_open(m, inlay__cpu_name((inlay__cpu)level));
        for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
            if (ways[i][2] == 1 && m->n_head_dim != 32) continue; /* token by token takes its time */
            float *found = run(t.model, encoded, LONG, tokens, LONG, cache, ways[i][0], ways[i][1], (size_t)ways[i][2]);
            if (!CHECK(memcmp(found, expected, sizeof *found * LONG * N_VOCAB) == 0))
                fprintf(stderr, "%s at level %s: %d threads, batch %d, %d tokens a call\n", m->architecture,
                        inlay__cpu_name((inlay__cpu)level), ways[i][0], ways[i][1], ways[i][2]);
            free(found);
        }
        tiny_close(&t);
    }
    free(expected);
}

TEST(no_way_of_running_changes_a_bit) {
    tiny_seq2seq t5 = tiny_t5(), bart = tiny_bart();
    check_ways(&t5, INLAY_TYPE_F16);
    check_ways(&bart, INLAY_TYPE_F32);
    t5.gated = true;
    t5.n_head_dim = 32; /* blocks of a cache in Q8_0 */
    check_ways(&t5, INLAY_TYPE_Q8_0);
}

TEST_MAIN(CASE(t5_gives_what_its_formulas_say), CASE(bart_gives_what_its_formulas_say),
          CASE(no_way_of_running_changes_a_bit))
