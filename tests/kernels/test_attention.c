/* Attention of every level gives the scalar definition's bits, whatever the rows of a tile see, and the definition is near
 * attention computed in double precision. */
#include "test.h"

#include <math.h>

#include "kernels/math.h"
#include "support/check_kernels.h"
#include "support/guard_page.h"

enum { MAX_KEYS = 1100, MAX_DIM = 256 };

typedef struct problem {
    size_t n_head_dim, n_rows, n_positions;
    uint32_t cache_type;
    guarded keys, values, scratch;
    float q[INLAY__ATTENTION_ROWS][MAX_DIM];
    const float *q_rows[INLAY__ATTENTION_ROWS];
    size_t n_keys[INLAY__ATTENTION_ROWS], key_begin[INLAY__ATTENTION_ROWS];
} problem;

static size_t cache_bytes(const problem *p) {
    return p->n_positions * p->n_head_dim * (p->cache_type == INLAY_TYPE_F16 ? 2 : 4);
}

/* Keys and values of n_positions, stored by the kernels given. */
static void store(problem *p, const inlay__kernels *kernels, uint64_t seed) {
    float row[MAX_DIM];
    p->keys = guard_alloc(cache_bytes(p), 0);
    p->values = guard_alloc(cache_bytes(p), 0);
    for (size_t position = 0; position < p->n_positions; position++) {
        for (size_t i = 0; i < p->n_head_dim; i++) row[i] = random_float(&seed, -2.0f, 2.0f);
        kernels->store_key(row, p->n_head_dim, p->cache_type, position, p->keys.data);
        kernels->store_value(row, p->n_head_dim, p->cache_type, position, p->values.data);
    }
}

static problem make_problem(uint64_t *state, size_t number, const inlay__kernels *kernels) {
    static const size_t dims[] = {8, 16, 20, 36, 64, 80, 96, 128, 256};
    problem p = {.n_head_dim = dims[number % 9], .n_rows = 1 + random_u32(state) % INLAY__ATTENTION_ROWS,
                 .cache_type = number % 3 == 0 ? INLAY_TYPE_F32 : INLAY_TYPE_F16};
    size_t longest = 1 + random_u32(state) % (number % 4 == 0 ? MAX_KEYS : 300);
    bool window = number % 5 == 0;
    p.n_positions = (longest + 15) / 16 * 16;
    for (size_t r = 0; r < p.n_rows; r++) {
        p.n_keys[r] = number % 2 == 0 ? longest - inlay__min_size(longest - 1, r) : 1 + random_u32(state) % longest;
        p.key_begin[r] = window ? random_u32(state) % p.n_keys[r] : 0;
        for (size_t i = 0; i < p.n_head_dim; i++)
            p.q[r][i] = random_float(state, -1.0f, 1.0f) * (number % 10 == 0 ? 30.0f : 0.3f);
    }
    p.scratch = guard_alloc(INLAY__ATTENTION_SCRATCH(p.n_head_dim) * 4, 0xff);
    store(&p, kernels, 17 + number);
    return p;
}

static void free_problem(problem *p) {
    guard_free(&p->keys);
    guard_free(&p->values);
    guard_free(&p->scratch);
}

static void attend(const inlay__kernels *kernels, problem *p, float out[INLAY__ATTENTION_ROWS][MAX_DIM]) {
    float *rows[INLAY__ATTENTION_ROWS];
    for (size_t r = 0; r < p->n_rows; r++) {
        rows[r] = out[r];
        p->q_rows[r] = p->q[r];
    }
    inlay__attention a = {.n_head_dim = p->n_head_dim, .n_rows = p->n_rows, .q = p->q_rows, .out = rows, .n_keys = p->n_keys,
                          .key_begin = p->key_begin, .cache_type = p->cache_type, .keys = p->keys.data,
                          .values = p->values.data, .scratch = p->scratch.data};
    kernels->attention(&a);
}

static float found[INLAY__ATTENTION_ROWS][MAX_DIM], expected[INLAY__ATTENTION_ROWS][MAX_DIM];

TEST(attention_equals_the_definition) {
    uint64_t state = 4;
    inlay__kernels scalar, kernels;
    inlay__kernels_init(&scalar, INLAY__CPU_SCALAR);
    for (size_t number = 0; number < 220; number++) {
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
                    fprintf(stderr, "problem %zu, row %zu of %zu, keys %zu to %zu, %zu dimensions\n", number, r, p.n_rows,
                            p.key_begin[r], p.n_keys[r], p.n_head_dim);
        }
        free_problem(&p);
    }
}

static double cached(const problem *p, const guarded *cache, size_t at) {
    return p->cache_type == INLAY_TYPE_F16 ? (double)inlay__f16_to_f32(((const uint16_t *)cache->data)[at])
                                           : (double)((const float *)cache->data)[at];
}

/* Softmax attention of one row as the textbook has it. */
static void attend_in_double(const problem *p, size_t r, double *out) {
    static double weight[MAX_KEYS + 16];
    double greatest = -1e300, sum = 0.0;
    for (size_t key = p->key_begin[r]; key < p->n_keys[r]; key++) {
        weight[key] = 0.0;
        for (size_t i = 0; i < p->n_head_dim; i++)
            weight[key] += (double)p->q[r][i] * cached(p, &p->keys, (key / 16 * p->n_head_dim + i) * 16 + key % 16);
        greatest = fmax(greatest, weight[key]);
    }
    for (size_t i = 0; i < p->n_head_dim; i++) out[i] = 0.0;
    for (size_t key = p->key_begin[r]; key < p->n_keys[r]; key++) {
        double e = exp(weight[key] - greatest);
        sum += e;
        for (size_t i = 0; i < p->n_head_dim; i++) out[i] += e * cached(p, &p->values, key * p->n_head_dim + i);
    }
    for (size_t i = 0; i < p->n_head_dim; i++) out[i] /= sum;
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
            for (size_t i = 0; i < p.n_head_dim; i++) CHECK(fabs((double)found[r][i] - exact[i]) < 2e-5);
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
        for (size_t i = 0; i < p.n_head_dim; i++) CHECK(found[0][i] != found[0][i]);
        free_problem(&p);
    }
}

TEST_MAIN(CASE(attention_equals_the_definition), CASE(the_definition_is_near_attention_in_double_precision),
          CASE(a_score_that_is_not_a_number_shows_at_every_level))
