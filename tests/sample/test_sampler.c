/* The sampler against a slow and obvious one, and at the edges of its settings. */
#include "test.h"

#include "base/base.h"
#include "kernels/kernels.h"
#include "kernels/math.h"
#include "sample/sampler.h"

enum { MAX_VOCAB = 60000 };

typedef struct candidate {
    int32_t id;
    float logit, p;
} candidate;

static candidate slow[MAX_VOCAB];
static int32_t ids[MAX_VOCAB];
static float weights[MAX_VOCAB], logits[MAX_VOCAB];
static inlay__kernels kernels[2]; /* the definition, and the best of this machine */

static const inlay__sampler_config all = {.temperature = 1.0f, .top_p = 1.0f};

static float infinity(void) { return inlay__bits_f32(0x7f800000); }
static float not_a_number(void) { return inlay__bits_f32(0x7fc00000); }

static inlay__sampler make_at(const inlay__kernels *level, inlay__sampler_config config, size_t n_vocab) {
    inlay__sampler sampler;
    inlay__sampler_scratch scratch = {ids, weights};
    inlay__sampler_init(&sampler, level, &config, &scratch, n_vocab);
    return sampler;
}

static inlay__sampler make(inlay__sampler_config config, size_t n_vocab) {
    inlay__kernels_init(&kernels[0], INLAY__CPU_SCALAR);
    return make_at(&kernels[0], config, n_vocab);
}

/* ---------------------------------------------------------- the slow sampler */

static int descending(const void *x, const void *y) {
    const candidate *a = x, *b = y;
    if (a->logit != b->logit) return a->logit > b->logit ? -1 : 1;
    return a->id < b->id ? -1 : 1;
}

static float sum_weights(candidate *c, size_t n, float greatest, float temperature) {
    float sum = 0.0f;
    for (size_t i = 0; i < n; i++) {
        c[i].p = inlay__exp((c[i].logit - greatest) / temperature);
        sum = sum + c[i].p;
    }
    return sum;
}

/* The rules of sampler.h, word by word. */
static int32_t choose_slowly(const inlay__sampler_config *config, inlay__rng *rng, const float *x, size_t n_vocab) {
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < n_vocab; i++)
        if (x[i] > -infinity()) slow[n++] = (candidate){(int32_t)i, x[i], 0.0f};
    float greatest = slow[0].logit;
    for (size_t i = 0; i < n; i++)
        if (slow[i].logit > greatest) greatest = slow[i].logit;
    if (config->temperature == 0.0f) {
        qsort(slow, n, sizeof *slow, descending);
        return slow[0].id;
    }
    if (config->top_k > 0) {
        qsort(slow, n, sizeof *slow, descending);
        if ((size_t)config->top_k < n) n = (size_t)config->top_k;
    }
    for (size_t i = 0; i < n; i++)
        if (inlay__exp(slow[i].logit - greatest) >= config->min_p) slow[kept++] = slow[i];
    n = kept;
    if (config->top_p < 1.0f) {
        float enough = config->top_p * sum_weights(slow, n, greatest, 1.0f), sum = 0.0f;
        qsort(slow, n, sizeof *slow, descending);
        for (kept = 0; kept == 0 || (kept < n && sum < enough); kept++)
            sum = sum + slow[kept].p;
        n = kept;
    }
    float at = sum_weights(slow, n, greatest, config->temperature) * inlay__rng_f32(rng), sum = 0.0f;
    size_t chosen = n;
    for (size_t i = 0; i < n; i++) {
        if (slow[i].p == 0.0f) continue;
        chosen = i;
        sum = sum + slow[i].p;
        if (sum > at) break;
    }
    return slow[chosen].id;
}

/* --------------------------------------------------------------- random cases */

static inlay__rng noise;

static float between(float least, float greatest) { return least + inlay__rng_f32(&noise) * (greatest - least); }
static size_t below(size_t n) { return inlay__rng_u32(&noise) % n; }

static void fill_logits(size_t n) {
    bool ties = below(3) == 0, bans = below(4) == 0;
    float spread = between(0.01f, 30.0f);
    for (size_t i = 0; i < n; i++) {
        logits[i] = ties ? (float)below(5) : between(-spread, spread) + between(-spread, spread);
        if (bans && below(3) == 0) logits[i] = -infinity();
    }
    logits[below(n)] = 4.0f; /* one at least is not banned */
}

static inlay__sampler_config random_config(size_t n) {
    inlay__sampler_config config = {.temperature = below(8) == 0 ? 0.0f : between(0.05f, 3.0f), .top_p = 1.0f};
    if (below(2) == 0) config.top_k = (int32_t)(1 + below(below(2) == 0 ? n + 3 : 10));
    if (below(2) == 0) config.min_p = below(8) == 0 ? 1.0f : between(0.0f, 0.3f);
    if (below(2) == 0) config.top_p = below(8) == 0 ? 0.0f : between(0.0f, 1.0f);
    config.seed = inlay__rng_u32(&noise);
    return config;
}

TEST(choices_are_those_of_the_slow_sampler_at_every_cpu_level) {
    size_t n_choices = 0, n_first = 0;
    inlay__kernels_init(&kernels[0], INLAY__CPU_SCALAR);
    inlay__kernels_init(&kernels[1], inlay__cpu_best());
    inlay__rng_seed(&noise, 1);
    for (int i = 0; i < 6000; i++) {
        size_t n = 1 + below(below(4) == 0 ? 700 : 40);
        fill_logits(n);
        inlay__sampler_config config = random_config(n);
        for (size_t level = 0; level < 2; level++) {
            inlay__sampler sampler = make_at(&kernels[level], config, n);
            inlay__rng rng = sampler.rng;
            for (int draw = 0; draw < 3; draw++) {
                int32_t token = -1, expected = choose_slowly(&config, &rng, logits, n);
                CHECK_INT(inlay__sampler_choose(&sampler, logits, &token), INLAY_OK);
                CHECK_INT(token, expected);
                CHECK(sampler.rng.state == rng.state);
                n_choices++;
                n_first += token == 0;
            }
        }
    }
    CHECK(n_first < n_choices / 4); /* the cases are not all trivial */
}

TEST(large_vocabularies_in_hard_orders) {
    static const int32_t top_k[] = {0, 1, 7, 4096, MAX_VOCAB - 1, MAX_VOCAB, INT32_MAX};
    for (int order = 0; order < 4; order++) {
        for (size_t i = 0; i < MAX_VOCAB; i++) {
            float x = (float)i / 8192.0f;
            logits[i] = order == 0 ? x : order == 1 ? -x : order == 2 ? 2.5f : (float)(i * 2654435761u % 1000) / 100.0f;
        }
        for (size_t i = 0; i < sizeof top_k / sizeof top_k[0]; i++) {
            inlay__sampler_config config = {.temperature = 0.9f, .top_k = top_k[i], .top_p = 0.95f, .seed = i};
            inlay__sampler sampler = make(config, MAX_VOCAB);
            inlay__rng rng = sampler.rng;
            int32_t token = -1;
            CHECK_INT(inlay__sampler_choose(&sampler, logits, &token), INLAY_OK);
            CHECK_INT(token, choose_slowly(&config, &rng, logits, MAX_VOCAB));
        }
    }
}

/* --------------------------------------------------------------------- edges */

static int32_t choose(inlay__sampler_config config, const float *x, size_t n) {
    inlay__sampler sampler = make(config, n);
    int32_t token = -1;
    CHECK_INT(inlay__sampler_choose(&sampler, x, &token), INLAY_OK);
    return token;
}

TEST(without_temperature_the_lowest_of_equal_logits_wins) {
    float x[] = {1.0f, 3.0f, 2.0f, 3.0f, 3.0f}, zeros[] = {-0.0f, 0.0f, -1.0f};
    inlay__sampler_config greedy = {.top_p = 1.0f};
    CHECK_INT(choose(greedy, x, 5), 1);
    CHECK_INT(choose(greedy, zeros, 3), 0); /* -0 equals 0 */
    greedy = (inlay__sampler_config){.top_p = 0.3f, .top_k = 3, .min_p = 0.5f};
    CHECK_INT(choose(greedy, x, 5), 1);
}

TEST(without_temperature_nothing_is_drawn) {
    float x[] = {1.0f, 2.0f};
    int32_t token;
    inlay__sampler sampler = make((inlay__sampler_config){.top_p = 1.0f, .seed = 5}, 2);
    inlay__rng before = sampler.rng;
    CHECK_INT(inlay__sampler_choose(&sampler, x, &token), INLAY_OK);
    CHECK(sampler.rng.state == before.state);
}

TEST(each_choice_draws_one_number) {
    float x[] = {1.0f, 2.0f, 3.0f};
    inlay__sampler_config configs[] = {all, all, all, all};
    configs[1].top_k = 1; /* even where there is only one to choose */
    configs[2].top_p = 0.5f;
    configs[3].min_p = 0.5f;
    for (size_t i = 0; i < 4; i++) {
        int32_t token;
        inlay__sampler sampler = make(configs[i], 3);
        inlay__rng expected = sampler.rng;
        inlay__rng_u32(&expected);
        CHECK_INT(inlay__sampler_choose(&sampler, x, &token), INLAY_OK);
        CHECK(sampler.rng.state == expected.state);
    }
}

TEST(a_logit_that_is_no_number_is_an_error_and_draws_nothing) {
    float bad[] = {not_a_number(), infinity(), -not_a_number()};
    float temperature[] = {0.0f, 1.0f};
    for (size_t i = 0; i < 3; i++)
        for (size_t at = 0; at < 3; at++)
            for (size_t t = 0; t < 2; t++) {
                float x[] = {1.0f, 2.0f, 3.0f};
                int32_t token = 77;
                inlay__sampler sampler = make((inlay__sampler_config){.temperature = temperature[t], .top_p = 1.0f}, 3);
                inlay__rng before = sampler.rng;
                x[at] = bad[i];
                CHECK_INT(inlay__sampler_choose(&sampler, x, &token), INLAY_ERR_NUMERIC);
                CHECK_INT(token, 77);
                CHECK(sampler.rng.state == before.state && sampler.rng.increment == before.increment);
                CHECK(strlen(inlay__error_text()) > 20);
            }
}

TEST(banning_every_token_is_an_error) {
    float x[] = {-infinity(), -infinity()};
    int32_t token = 77;
    inlay__sampler sampler = make(all, 2);
    inlay__rng before = sampler.rng;
    CHECK_INT(inlay__sampler_choose(&sampler, x, &token), INLAY_ERR_NUMERIC);
    CHECK_INT(token, 77);
    CHECK(sampler.rng.state == before.state);
    CHECK_HAS(inlay__error_text(), "minus infinity");
}

TEST(a_banned_token_is_never_chosen) {
    float x[] = {-infinity(), 1.0f, -infinity(), 1.0f, -infinity()};
    inlay__sampler_config configs[] = {all, all, all, all};
    configs[1].top_k = 4;
    configs[2].top_p = 0.999f;
    configs[3].min_p = 1e-30f;
    for (size_t c = 0; c < 4; c++) {
        inlay__sampler sampler = make(configs[c], 5);
        bool seen[5] = {false};
        for (int i = 0; i < 200; i++) {
            int32_t token = -1;
            CHECK_INT(inlay__sampler_choose(&sampler, x, &token), INLAY_OK);
            seen[token] = true;
        }
        CHECK(!seen[0] && seen[1] && !seen[2] && seen[3] && !seen[4]);
    }
}

/* Which tokens turn up in many draws, as bits. */
static uint32_t turn_up(inlay__sampler_config config, const float *x, size_t n) {
    uint32_t seen = 0;
    inlay__sampler sampler = make(config, n);
    for (int i = 0; i < 3000; i++) {
        int32_t token = 31;
        CHECK_INT(inlay__sampler_choose(&sampler, x, &token), INLAY_OK);
        seen |= 1u << token;
    }
    return seen;
}

TEST(top_k_keeps_the_greatest_and_lower_ids_among_equals) {
    float x[] = {1.0f, 1.0f, 2.0f, 1.0f, 1.5f};
    inlay__sampler_config config = all;
    const uint32_t expected[] = {0x1f, 0x04, 0x14, 0x15, 0x17, 0x1f, 0x1f};
    for (int32_t k = 0; k <= 6; k++) {
        config.top_k = k;
        CHECK_INT(turn_up(config, x, 5), expected[k]);
    }
}

TEST(top_p_keeps_the_fewest_that_reach_it) {
    /* probabilities 1/2, 1/4, 1/8, 1/8 as nearly as floats have them */
    float x[] = {-1.3862944f, -0.6931472f, -2.0794415f, -2.0794415f};
    const struct {
        float top_p;
        uint32_t seen;
    } expected[] = {{0.0f, 0x2},  {0.3f, 0x2},  {0.49f, 0x2}, {0.51f, 0x3},
                    {0.74f, 0x3}, {0.76f, 0x7}, {0.9f, 0xf},  {1.0f, 0xf}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        inlay__sampler_config config = all;
        config.top_p = expected[i].top_p;
        CHECK_INT(turn_up(config, x, 4), expected[i].seen);
    }
}

TEST(min_p_measures_against_the_greatest) {
    float x[] = {0.0f, -0.6f, -0.8f, 0.0f}; /* e^-0.6 = 0.549, e^-0.8 = 0.449 */
    const struct {
        float min_p;
        uint32_t seen;
    } expected[] = {{0.0f, 0xf}, {0.4f, 0xf}, {0.5f, 0xb}, {0.6f, 0x9}, {1.0f, 0x9}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        inlay__sampler_config config = all;
        config.min_p = expected[i].min_p;
        CHECK_INT(turn_up(config, x, 4), expected[i].seen);
    }
}

/* Each narrows what the one before left; probabilities of top-p are among those left. */
TEST(the_filters_follow_one_another) {
    float x[] = {3.0f, 2.9f, 2.8f, 0.0f, -1.0f};
    inlay__sampler_config config = {.temperature = 5.0f, .top_k = 4, .min_p = 0.5f, .top_p = 0.6f};
    CHECK_INT(turn_up(config, x, 5), 0x3);
    config.top_k = 1;
    CHECK_INT(turn_up(config, x, 5), 0x1);
    config = (inlay__sampler_config){.temperature = 5.0f, .min_p = 0.01f, .top_p = 1.0f};
    CHECK_INT(turn_up(config, x, 5), 0x1f);
}

TEST(extreme_logits_and_temperatures_choose_the_greatest) {
    float x[] = {-3e38f, 3e38f, -3e38f, 0.0f}, flat[] = {1.0f, 1.5f, 1.0f};
    inlay__sampler_config config = all;
    CHECK_INT(turn_up(config, x, 4), 0x2);
    config.top_k = 3;
    CHECK_INT(turn_up(config, x, 4), 0x2);
    config = all;
    config.temperature = 1e-38f;
    CHECK_INT(turn_up(config, flat, 3), 0x2);
    config.temperature = 1e-45f; /* denormal */
    config.top_p = 0.99f;
    CHECK_INT(turn_up(config, flat, 3), 0x2);
    config = all;
    config.temperature = 100.0f;
    CHECK_INT(turn_up(config, flat, 3), 0x7);
}

/* Pearson's test of draws against the softmax. */
static double chi_squared(inlay__sampler_config config, const float *x, const double *p, size_t n) {
    enum { N_DRAWS = 40000 };
    size_t count[16] = {0};
    double chi = 0.0;
    inlay__sampler sampler = make(config, n);
    for (int i = 0; i < N_DRAWS; i++) {
        int32_t token = 0;
        CHECK_INT(inlay__sampler_choose(&sampler, x, &token), INLAY_OK);
        count[token]++;
    }
    for (size_t i = 0; i < n; i++) {
        double expected = p[i] * N_DRAWS, off = (double)count[i] - expected;
        if (p[i] > 0.0) chi += off * off / expected;
        CHECK(p[i] > 0.0 || count[i] == 0);
    }
    return chi;
}

TEST(draws_follow_the_softmax) {
    /* logits log 1 .. log 8; at temperature 1 the probabilities are i / 36, at 1/2 they are i^2 / 204 */
    float x[] = {0.0f, 0.6931472f, 1.0986123f, 1.3862944f, 1.6094379f, 1.7917595f, 1.9459101f, 2.0794415f};
    double p[8], squares[8], top[8] = {0.0};
    for (int i = 0; i < 8; i++) {
        p[i] = (i + 1) / 36.0;
        squares[i] = (i + 1) * (i + 1) / 204.0;
        if (i >= 5) top[i] = (i + 1) / 21.0;
    }
    inlay__sampler_config config = all;
    config.seed = 11;
    CHECK(chi_squared(config, x, p, 8) < 30.0); /* 7 degrees of freedom: above with a chance of 1e-4 */
    config.temperature = 0.5f;
    CHECK(chi_squared(config, x, squares, 8) < 30.0);
    config.temperature = 1.0f;
    config.top_k = 3;
    CHECK(chi_squared(config, x, top, 8) < 30.0);
}

TEST(a_draw_on_the_border_goes_to_the_next_token) {
    float x[] = {1.0f, 1.0f};
    inlay__sampler_config config = all;
    config.seed = 17097048; /* its first number is 1/2 */
    inlay__sampler sampler = make(config, 2);
    inlay__rng copy = sampler.rng;
    int32_t token = -1;
    CHECK(inlay__rng_f32(&copy) == 0.5f);
    CHECK_INT(inlay__sampler_choose(&sampler, x, &token), INLAY_OK);
    CHECK_INT(token, 1);
    config.top_k = 2;
    sampler = make(config, 2);
    CHECK_INT(inlay__sampler_choose(&sampler, x, &token), INLAY_OK);
    CHECK_INT(token, 1);
}

TEST(the_same_seed_chooses_the_same) {
    float x[64];
    int32_t first[50], token;
    size_t n_differ = 0;
    inlay__sampler_config config = all;
    for (int i = 0; i < 64; i++)
        x[i] = (float)(i % 7);
    for (uint64_t round = 0; round < 3; round++) {
        config.seed = round == 2 ? 9 : 8;
        inlay__sampler sampler = make(config, 64);
        for (int i = 0; i < 50; i++) {
            CHECK_INT(inlay__sampler_choose(&sampler, x, &token), INLAY_OK);
            if (round == 0) first[i] = token;
            if (round == 1) CHECK_INT(token, first[i]);
            if (round == 2) n_differ += token != first[i];
        }
    }
    CHECK(n_differ > 30);
}

TEST_MAIN(CASE(choices_are_those_of_the_slow_sampler_at_every_cpu_level), CASE(large_vocabularies_in_hard_orders),
          CASE(without_temperature_the_lowest_of_equal_logits_wins), CASE(without_temperature_nothing_is_drawn),
          CASE(each_choice_draws_one_number), CASE(a_logit_that_is_no_number_is_an_error_and_draws_nothing),
          CASE(banning_every_token_is_an_error), CASE(a_banned_token_is_never_chosen),
          CASE(top_k_keeps_the_greatest_and_lower_ids_among_equals), CASE(top_p_keeps_the_fewest_that_reach_it),
          CASE(min_p_measures_against_the_greatest), CASE(the_filters_follow_one_another),
          CASE(extreme_logits_and_temperatures_choose_the_greatest), CASE(draws_follow_the_softmax),
          CASE(a_draw_on_the_border_goes_to_the_next_token), CASE(the_same_seed_chooses_the_same))
