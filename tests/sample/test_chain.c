/* Chains: that of a session's options gives its tokens; the same tokens at every CPU level, and those that were
 * recorded. */
#include "test.h"

#include "sample/chain.h"
#include "sample/sampler.h"
#include "sample/stage_table.h"

enum { N_VOCAB = 700 };

static float logits[N_VOCAB];
static inlay__rng noise;

static size_t below(size_t n) { return inlay__rng_u32(&noise) % n; }
static float between(float least, float greatest) { return least + inlay__rng_f32(&noise) * (greatest - least); }

/* Ties and bans among them. */
static void fill_logits(void) {
    bool ties = below(3) == 0, bans = below(4) == 0;
    for (size_t i = 0; i < N_VOCAB; i++) {
        logits[i] = ties ? (float)below(5) : between(-6.0f, 6.0f) + between(-6.0f, 6.0f);
        if (bans && below(3) == 0) logits[i] = inlay__bits_f32(0xff800000);
    }
    logits[below(N_VOCAB)] = 4.0f;
}

static inlay__chain make(inlay__cpu cpu, uint64_t seed) {
    inlay__chain chain;
    CHECK_INT(inlay__chain_init(&chain, &inlay__sys_default, cpu, N_VOCAB, seed), INLAY_OK);
    return chain;
}

static void add(inlay__chain *chain, int32_t kind) {
    inlay__stage stage = {.kind = kind};
    inlay__stage_initial(kind, stage.values);
    if (kind == INLAY_STAGE_DRY) {
        stage.memory_size = (N_VOCAB + 7) / 8;
        stage.memory = inlay__alloc_array(&inlay__sys_default, stage.memory_size, 1);
    }
    CHECK_INT(inlay__chain_add(chain, &stage), INLAY_OK);
}

static void add_with(inlay__chain *chain, int32_t kind, int32_t key, double value) {
    add(chain, kind);
    CHECK_INT(inlay__chain_set(chain, key, value), INLAY_OK);
}

TEST(the_chain_of_a_sessions_options_gives_the_tokens_of_the_session) {
    static int32_t ids[N_VOCAB];
    static float weights[N_VOCAB];
    inlay__kernels kernels;
    inlay__kernels_init(&kernels, inlay__cpu_best());
    inlay__rng_seed(&noise, 1);
    for (int i = 0; i < 2000; i++) {
        inlay__sampler_config config = {.temperature = below(8) == 0 ? 0.0f : between(0.05f, 3.0f),
                                        .top_k = below(2) == 0 ? 0 : (int32_t)below(50),
                                        .min_p = below(2) == 0 ? 0.0f : between(0.0f, 0.3f),
                                        .top_p = below(2) == 0 ? 1.0f : between(0.0f, 1.0f),
                                        .seed = inlay__rng_u32(&noise)};
        inlay__sampler sampler;
        inlay__sampler_init(&sampler, &kernels, &config, &(inlay__sampler_scratch){ids, weights}, N_VOCAB);
        inlay__chain chain = make(inlay__cpu_best(), config.seed);
        add_with(&chain, INLAY_STAGE_TOP_K, INLAY_PARAMETER_TOP_K, config.top_k);
        add_with(&chain, INLAY_STAGE_MIN_P, INLAY_PARAMETER_MIN_P, (double)config.min_p);
        add_with(&chain, INLAY_STAGE_TOP_P, INLAY_PARAMETER_TOP_P, (double)config.top_p);
        add_with(&chain, INLAY_STAGE_TEMPERATURE, INLAY_PARAMETER_TEMPERATURE, (double)config.temperature);
        for (int draw = 0; draw < 4; draw++) {
            int32_t expected = -1, token = -2;
            fill_logits();
            CHECK_INT(inlay__sampler_choose(&sampler, logits, &expected), INLAY_OK);
            CHECK_INT(inlay__chain_choose(&chain, logits, &token), INLAY_OK);
            CHECK_INT(token, expected);
            CHECK(chain.rng.state == sampler.rng.state);
        }
        inlay__chain_free(&chain);
    }
}

/* Every stage, and a text of its own choices; FNV-1a of the tokens. */
static uint64_t run_all(inlay__cpu cpu, int32_t last) {
    uint64_t hash = 14695981039346656037u;
    inlay__chain chain = make(cpu, 11);
    inlay__rng_seed(&noise, 4);
    add_with(&chain, INLAY_STAGE_PENALTIES, INLAY_PARAMETER_PENALTY_REPEAT, 1.2);
    CHECK_INT(inlay__chain_set(&chain, INLAY_PARAMETER_PENALTY_FREQUENCY, 0.1), INLAY_OK);
    add(&chain, INLAY_STAGE_DRY);
    add_with(&chain, INLAY_STAGE_TOP_N_SIGMA, INLAY_PARAMETER_TOP_N_SIGMA, 2.5);
    add_with(&chain, INLAY_STAGE_TOP_K, INLAY_PARAMETER_TOP_K, 300);
    add(&chain, INLAY_STAGE_TYPICAL);
    add(&chain, INLAY_STAGE_TOP_P);
    add_with(&chain, INLAY_STAGE_MIN_P, INLAY_PARAMETER_MIN_P, 0.01);
    add(&chain, INLAY_STAGE_XTC);
    add_with(&chain, INLAY_STAGE_TEMPERATURE, INLAY_PARAMETER_TEMPERATURE, 1.3);
    add(&chain, last);
    for (int i = 0; i < 400; i++) {
        int32_t token = -1;
        fill_logits();
        CHECK_INT(inlay__chain_choose(&chain, logits, &token), INLAY_OK);
        inlay__history_add(&chain.history, &token, 1);
        if (i % 3 != 0) inlay__history_add(&chain.history, (const int32_t[]){1, 2, 3}, 3);
        hash = (hash ^ (uint32_t)token) * 1099511628211u;
    }
    inlay__chain_free(&chain);
    return hash;
}

TEST(a_chain_of_every_stage_gives_the_recorded_tokens_at_every_cpu_level) {
    static const int32_t last[] = {INLAY_STAGE_DYNAMIC_TEMPERATURE, INLAY_STAGE_MIROSTAT, INLAY_STAGE_MIROSTAT_V2};
    static const uint64_t recorded[] = {0x31379b23cd0879b2, 0xce794d8230cbe019, 0xe1e0e88745d04200};
    for (size_t i = 0; i < 3; i++)
        for (int cpu = 0; cpu < INLAY__CPU_N_LEVELS; cpu++) {
            if (!inlay__cpu_has((inlay__cpu)cpu)) continue;
            uint64_t found = run_all((inlay__cpu)cpu, last[i]);
            if (found != recorded[i]) fprintf(stderr, "case %zu: 0x%016" PRIx64 "\n", i, found);
            CHECK(found == recorded[i]);
        }
}

TEST(the_history_keeps_the_last_tokens_however_they_come) {
    inlay__history history = {0};
    int32_t all[500], at = 0;
    inlay__rng_seed(&noise, 7);
    for (size_t i = 0; i < 500; i++)
        all[i] = (int32_t)i;
    CHECK_INT(inlay__history_grow(&history, &inlay__sys_default, 10), INLAY_OK);
    while (at < 400) {
        size_t n = below(25), found;
        inlay__history_add(&history, all + at, n);
        at += (int32_t)n;
        if (at > 200) CHECK_INT(inlay__history_grow(&history, &inlay__sys_default, 15), INLAY_OK);
        const int32_t *last = inlay__history_last(&history, 10, &found);
        CHECK_INT(found, at < 10 ? at : 10);
        for (size_t i = 0; i < found; i++)
            CHECK_INT(last[i], at - (int32_t)found + (int32_t)i);
    }
    inlay__history_free(&history, &inlay__sys_default);
}

TEST_MAIN(CASE(the_chain_of_a_sessions_options_gives_the_tokens_of_the_session),
          CASE(a_chain_of_every_stage_gives_the_recorded_tokens_at_every_cpu_level),
          CASE(the_history_keeps_the_last_tokens_however_they_come))
