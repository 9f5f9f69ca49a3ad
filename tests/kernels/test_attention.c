/* Attention of every level gives the scalar definition's bits, whatever the rows of a tile see, and the definition is
 * near attention computed in double precision. */
#include "test.h"

#include <math.h>

#include "kernels/math.h"
#include "support/check_kernels.h"
#include "support/guard_page.h"

enum { MAX_KEYS = 1100, MAX_DIM = 256 };

typedef struct problem {
    size_t n_head_dim, n_rows, n_positions;
    uint32_t cache_type;
    guarded keys, values, scratch, biases; /* biases: NULL, or [n_rows, n_positions] */
    float q[INLAY__ATTENTION_ROWS][MAX_DIM];
    const float *q_rows[INLAY__ATTENTION_ROWS];
    size_t n_keys[INLAY__ATTENTION_ROWS], key_begin[INLAY__ATTENTION_ROWS];
    float soft_cap, slopes[INLAY__ATTENTION_ROWS];
    bool has_slopes, extreme;
} problem;

static size_t cache_bytes(const problem *p) {
    size_t n = p->n_positions * p->n_head_dim;
    return p->cache_type == INLAY_TYPE_Q8_0 ? n / 32 * 34 : p->cache_type == INLAY_TYPE_F16 ? 2 * n : 4 * n;
}

/* Now and then what caches of 16 bits and of int8 hold at their ends: zeros of both signs, subnormal halves, one great
 * number beside small ones, and the greatest half. Returns whether the row is such a one. */
static bool make_extreme(uint64_t *seed, size_t n, float *row) {
    static const float few[] = {0.0f, -0.0f, 6e-8f, -5e-5f, 1e-38f};
    uint32_t kind = random_u32(seed) % 8;
    for (size_t i = 0; kind < 2 && i < n; i++) row[i] = few[random_u32(seed) % INLAY__COUNT(few)];
    if (kind == 1) row[random_u32(seed) % n] = random_u32(seed) % 2 == 0 ? 65504.0f : -65504.0f;
    return kind < 2;
}

/* Keys and values of n_positions, stored by the kernels given. */
static void store(problem *p, const inlay__kernels *kernels, uint64_t seed) {
    float row[MAX_DIM];
    p->keys = guard_alloc(cache_bytes(p), 0);
    p->values = guard_alloc(cache_bytes(p), 0);
    for (size_t position = 0; position < p->n_positions; position++) {
        if (!p->extreme || !make_extreme(&seed, p->n_head_dim, row))
            for (size_t i = 0; i < p->n_head_dim; i++) row[i] = random_float(&seed, -2.0f, 2.0f);
        kernels->store_key(row, p->n_head_dim, p->cache_type, position, p->keys.data);
        kernels->store_value(row, p->n_head_dim, p->cache_type, position, p->values.data);
    }
}

static problem make_problem(uint64_t *state, size_t number, const inlay__kernels *kernels) {
    static const size_t dims[] = {8, 16, 20, 36, 64, 80, 96, 128, 256, 24, 32, 40, 72, 112, 160, 192, 224};
    problem p = {.n_head_dim = dims[number % (sizeof dims / sizeof dims[0])],
                 .n_rows = 1 + random_u32(state) % INLAY__ATTENTION_ROWS,
                 .cache_type = number % 3 == 0 ? INLAY_TYPE_F32 : INLAY_TYPE_F16,
                 .soft_cap = number % 7 == 0 ? 5.0f : 0.0f,
                 .has_slopes = number % 11 == 0,
                 .extreme = number >= 60 && number % 4 == 1};
    if (p.n_head_dim % 32 == 0 && number % 2 == 0) p.cache_type = INLAY_TYPE_Q8_0;
    size_t longest = 1 + random_u32(state) % (number % 4 == 0 ? MAX_KEYS : 300);
    bool window = number % 5 == 0;
    p.n_positions = (longest + 15) / 16 * 16;
    for (size_t r = 0; r < p.n_rows; r++) {
        p.n_keys[r] = number % 2 == 0 ? longest - inlay__min_size(longest - 1, r) : 1 + random_u32(state) % longest;
        p.slopes[r] = random_float(state, 0.01f, 0.5f);
        p.key_begin[r] = window ? random_u32(state) % p.n_keys[r] : 0;
        for (size_t i = 0; i < p.n_head_dim; i++)
            p.q[r][i] = random_float(state, -1.0f, 1.0f) * (number % 10 == 0 ? 30.0f : 0.3f);
    }
    if (number % 13 < 2) p.biases = guard_alloc(p.n_rows * p.n_positions * 4, 0);
    for (size_t i = 0; p.biases.data != NULL && i < p.n_rows * p.n_positions; i++)
        ((float *)p.biases.data)[i] = random_float(state, -3.0f, 3.0f);
    p.scratch = guard_alloc(INLAY__ATTENTION_SCRATCH(p.n_head_dim) * 4, 0xff);
    store(&p, kernels, 17 + number);
    return p;
}

static void free_problem(problem *p) {
    guard_free(&p->keys);
    guard_free(&p->values);
    guard_free(&p->scratch);
    if (p->biases.data != NULL) guard_free(&p->biases);
}

/* `part`: NULL, or where the softmaxes of keys go that are a part of what the rows see. */
static void attend_part(const inlay__kernels *kernels, problem *p, inlay__softmax *part,
                        float out[INLAY__ATTENTION_ROWS][MAX_DIM]) {
    float *rows[INLAY__ATTENTION_ROWS];
    const float *biases[INLAY__ATTENTION_ROWS];
    for (size_t r = 0; r < p->n_rows; r++) {
        rows[r] = out[r];
        if (p->biases.data != NULL) biases[r] = (const float *)p->biases.data + r * p->n_positions;
        p->q_rows[r] = p->q[r];
    }
    inlay__attention a = {.n_head_dim = p->n_head_dim,
                          .n_rows = p->n_rows,
                          .q = p->q_rows,
                          .out = rows,
                          .n_keys = p->n_keys,
                          .key_begin = p->key_begin,
                          .soft_cap = p->soft_cap,
                          .slopes = p->has_slopes ? p->slopes : NULL,
                          .biases = p->biases.data != NULL ? biases : NULL,
                          .cache_type = p->cache_type,
                          .keys = p->keys.data,
                          .values = p->values.data,
                          .block_stride = cache_bytes(p) / p->n_positions * INLAY__KEY_BLOCK,
                          .part = part,
                          .scratch = p->scratch.data};
    kernels->attention(&a);
}

static void attend(const inlay__kernels *kernels, problem *p, float out[INLAY__ATTENTION_ROWS][MAX_DIM]) {
    attend_part(kernels, p, NULL, out);
}

/* Block by block, as threads share out a long sequence, and then joined. */
static void attend_in_parts(const inlay__kernels *kernels, const problem *whole,
                            float out[INLAY__ATTENTION_ROWS][MAX_DIM]) {
    static float o[INLAY__ATTENTION_ROWS][MAX_DIM];
    inlay__softmax rows[INLAY__ATTENTION_ROWS], block[INLAY__ATTENTION_ROWS];
    problem p = *whole;
    for (size_t r = 0; r < p.n_rows; r++) {
        rows[r] = (inlay__softmax){-INFINITY, 0.0f};
        memset(out[r], 0, p.n_head_dim * sizeof(float));
    }
    for (size_t first = 0; first < p.n_positions; first += INLAY__KEY_BLOCK) {
        for (size_t r = 0; r < p.n_rows; r++) {
            p.n_keys[r] = inlay__min_size(whole->n_keys[r], first + INLAY__KEY_BLOCK);
            p.key_begin[r] = inlay__max_size(whole->key_begin[r], first);
        }
        attend_part(kernels, &p, block, o);
        for (size_t r = 0; r < p.n_rows; r++) kernels->merge(&rows[r], &block[r], o[r], p.n_head_dim, out[r]);
    }
    for (size_t r = 0; r < p.n_rows; r++)
        for (size_t i = 0; i < p.n_head_dim; i++) out[r][i] /= rows[r].sum;
}

static float found[INLAY__ATTENTION_ROWS][MAX_DIM], expected[INLAY__ATTENTION_ROWS][MAX_DIM];

TEST(attention_equals_the_definition) {
    uint64_t state = 4;
    inlay__kernels scalar, kernels;
    inlay__kernels_init(&scalar, INLAY__CPU_SCALAR);
    for (size_t number = 0; number < sample_of(260); number++) {
        problem p = make_problem(&state, number, &scalar);
        attend(&scalar, &p, expected);
        for (int level = -1; next_level(&level, &kernels);) {
            guarded keys = p.keys, values = p.values;
            store(&p, &kernels, 17 + number);
            CHECK(memcmp(p.keys.data, keys.data, cache_bytes(&p)) == 0);
            CHECK(memcmp(p.values.data, values.data, cache_bytes(&p)) == 0);
            guard_free(&p.keys);
            guard_free(&p.values);
            p.keys = keys;
            p.values = values;
            attend(&kernels, &p, found);
            for (size_t r = 0; r < p.n_rows; r++)
                if (!CHECK(same_floats("attention", &kernels, found[r], expected[r], p.n_head_dim)))
                    fprintf(stderr, "problem %zu, row %zu of %zu, keys %zu to %zu, %zu dimensions\n", number, r,
                            p.n_rows, p.key_begin[r], p.n_keys[r], p.n_head_dim);
        }
        free_problem(&p);
    }
}

TEST(blocks_attended_apart_and_joined_are_the_whole) {
    uint64_t state = 5;
    inlay__kernels scalar, kernels;
    inlay__kernels_init(&scalar, INLAY__CPU_SCALAR);
    for (size_t number = 0; number < 220; number++) {
        problem p = make_problem(&state, number, &scalar);
        p.has_slopes = false; /* they count from the last key of all */
        attend(&scalar, &p, expected);
        for (int level = -1; next_level(&level, &kernels);) {
            attend_in_parts(&kernels, &p, found);
            for (size_t r = 0; r < p.n_rows; r++)
                if (!CHECK(same_floats("attention in parts", &kernels, found[r], expected[r], p.n_head_dim)))
                    fprintf(stderr, "problem %zu, row %zu of %zu, keys %zu to %zu, %zu dimensions\n", number, r,
                            p.n_rows, p.key_begin[r], p.n_keys[r], p.n_head_dim);
        }
        free_problem(&p);
    }
}

/* A key's number i, or a value's. */
static double cached(const problem *p, const guarded *cache, bool is_key, size_t position, size_t i) {
    size_t n = p->n_head_dim, lane = position % 16;
    size_t at = is_key ? (position / 16 * n + i) * 16 + lane : position * n + i;
    if (p->cache_type == INLAY_TYPE_Q8_0) {
        const uint8_t *data = cache->data;
        const uint8_t *block = is_key ? data + (position / 16 * (n / 32) + i / 32) * 544 + 2 * lane
                                      : data + (position * (n / 32) + i / 32) * 34;
        int8_t q = is_key ? (int8_t)(block[32 + i % 32 / 4 * 64 + 2 * lane + i % 4] ^ 0x80) : (int8_t)block[2 + i % 32];
        return (double)inlay__f16_to_f32(inlay__load_u16(block)) * q;
    }
    return p->cache_type == INLAY_TYPE_F16 ? (double)inlay__f16_to_f32(((const uint16_t *)cache->data)[at])
                                           : (double)((const float *)cache->data)[at];
}

/* A row's query as it meets the keys: those in Q8_0 meet it in int8. */
static void query_of(const problem *p, size_t r, double *query) {
    int8_t q[MAX_DIM];
    float d[MAX_DIM / 32], dsum[MAX_DIM / 32];
    int32_t sum[MAX_DIM / 32];
    inlay__acts acts = {.n_k = p->n_head_dim, .n_blocks = p->n_head_dim / 32, .q = q, .d = d, .sum = sum, .dsum = dsum};
    bool in_int8 = p->cache_type == INLAY_TYPE_Q8_0;
    if (in_int8) inlay__quantize_32(p->q[r], &acts, 0);
    for (size_t i = 0; i < p->n_head_dim; i++)
        query[i] = in_int8 ? (double)d[i / 32] * q[i] : (double)p->q[r][i];
}

/* Softmax attention of one row as the textbook has it. */
static void attend_in_double(const problem *p, size_t r, double *out) {
    static double weight[MAX_KEYS + 16];
    double greatest = -1e300, sum = 0.0, query[MAX_DIM];
    query_of(p, r, query);
    for (size_t key = p->key_begin[r]; key < p->n_keys[r]; key++) {
        weight[key] = 0.0;
        for (size_t i = 0; i < p->n_head_dim; i++)
            weight[key] += query[i] * cached(p, &p->keys, true, key, i);
        if (p->soft_cap > 0.0f) weight[key] = (double)p->soft_cap * tanh(weight[key] / (double)p->soft_cap);
        if (p->has_slopes) weight[key] -= (double)p->slopes[r] * (double)(p->n_keys[r] - 1 - key);
        if (p->biases.data != NULL) weight[key] += (double)((const float *)p->biases.data)[r * p->n_positions + key];
        greatest = fmax(greatest, weight[key]);
    }
    for (size_t i = 0; i < p->n_head_dim; i++)
        out[i] = 0.0;
    for (size_t key = p->key_begin[r]; key < p->n_keys[r]; key++) {
        double e = exp(weight[key] - greatest);
        sum += e;
        for (size_t i = 0; i < p->n_head_dim; i++)
            out[i] += e * cached(p, &p->values, false, key, i);
    }
    for (size_t i = 0; i < p->n_head_dim; i++)
        out[i] /= sum;
}

TEST(the_definition_is_near_attention_in_double_precision) {
    uint64_t state = 8;
    inlay__kernels scalar;
    inlay__kernels_init(&scalar, INLAY__CPU_SCALAR);
    for (size_t number = 1; number < 60; number++) {
        if (number % 10 == 0) continue; /* huge scores: the softmax of rounded scores is another one */
        problem p = make_problem(&state, number, &scalar);
        attend(&scalar, &p, found);
        for (size_t r = 0; r < p.n_rows; r++) {
            double exact[MAX_DIM];
            attend_in_double(&p, r, exact);
            for (size_t i = 0; i < p.n_head_dim; i++)
                CHECK(fabs((double)found[r][i] - exact[i]) < 2e-5);
        }
        free_problem(&p);
    }
}

TEST(a_score_that_is_not_a_number_shows_at_every_level) {
    uint64_t state = 12;
    inlay__kernels kernels;
    for (int level = -1; next_level(&level, &kernels);) {
        problem p = make_problem(&state, 4, &kernels);
        p.q[0][1] = NAN;
        attend(&kernels, &p, found);
        for (size_t i = 0; i < p.n_head_dim; i++)
            CHECK(found[0][i] != found[0][i]);
        free_problem(&p);
    }
}

TEST_MAIN(CASE(attention_equals_the_definition), CASE(blocks_attended_apart_and_joined_are_the_whole),
          CASE(the_definition_is_near_attention_in_double_precision),
          CASE(a_score_that_is_not_a_number_shows_at_every_level))
