/* Samplers by the public functions: what they promise of state, memory, callbacks and failures. */
#include "test.h"

#include <math.h>

#include "api/handles.h"
#include "support/accounting_sys.h"
#include "support/tiny_open.h"

enum { N_VOCAB = 400 };

static float logits[N_VOCAB];
static uint32_t noise = 1;

static void fill_logits(void) {
    for (size_t i = 0; i < N_VOCAB; i++) {
        noise = noise * 1664525u + 1013904223u;
        logits[i] = (float)(noise >> 8) * 0x1p-20f;
    }
}

static inlay_sampler *make(const inlay_options *options) {
    inlay_sampler *sampler = NULL;
    CHECK_INT(inlay_sampler_new(N_VOCAB, options, &sampler), INLAY_OK);
    return sampler;
}

/* All that has memory of its own, and what learns. */
static int32_t add_all(inlay_sampler *sampler) {
    static const int32_t some[] = {1, 2, 3, 399};
    static const float biases[] = {1.0f, -1.0f, 0.5f, -2.0f};
    INLAY__TRY(inlay_sampler_add(sampler, INLAY_STAGE_PENALTIES));
    INLAY__TRY(inlay_sampler_set(sampler, INLAY_PARAMETER_PENALTY_PRESENCE, 0.5));
    INLAY__TRY(inlay_sampler_add(sampler, INLAY_STAGE_DRY));
    INLAY__TRY(inlay_sampler_set(sampler, INLAY_PARAMETER_DRY_LAST, 6000));
    INLAY__TRY(inlay_sampler_set_breakers(sampler, some, 1));
    INLAY__TRY(inlay_sampler_add_bias(sampler, some, biases, 4));
    INLAY__TRY(inlay_sampler_add(sampler, INLAY_STAGE_TYPICAL));
    INLAY__TRY(inlay_sampler_add(sampler, INLAY_STAGE_XTC));
    INLAY__TRY(inlay_sampler_add(sampler, INLAY_STAGE_DYNAMIC_TEMPERATURE));
    return inlay_sampler_add(sampler, INLAY_STAGE_MIROSTAT);
}

static int32_t next(inlay_sampler *sampler) {
    int32_t token = -1;
    fill_logits();
    CHECK_INT(inlay_sampler_sample(sampler, logits, &token), INLAY_OK);
    CHECK_INT(inlay_sampler_accept(sampler, &token, 1), INLAY_OK);
    return token;
}

static size_t save(inlay_sampler *sampler, uint8_t *bytes, size_t capacity) {
    size_t size = 0;
    CHECK_INT(inlay_sampler_save(sampler, bytes, capacity, &size), INLAY_OK);
    return size;
}

TEST(a_clone_and_a_loaded_state_go_on_as_the_sampler_does) {
    inlay_sampler *a = make(NULL), *b = NULL, *c = make(NULL);
    uint8_t state[4096];
    CHECK_INT(add_all(a), INLAY_OK);
    CHECK_INT(add_all(c), INLAY_OK);
    for (int i = 0; i < 100; i++)
        next(a);
    CHECK_INT(inlay_sampler_clone(a, &b), INLAY_OK);
    size_t size = save(a, state, sizeof state);
    CHECK_INT(inlay_sampler_load(c, state, size), INLAY_OK);
    for (int i = 0; i < 100; i++) {
        uint32_t before = noise;
        int32_t expected = next(a);
        noise = before;
        CHECK_INT(next(b), expected);
        noise = before;
        CHECK_INT(next(c), expected);
    }
    inlay_sampler_free(a);
    inlay_sampler_free(b);
    inlay_sampler_free(c);
}

TEST(a_reset_sampler_begins_anew_with_its_seed) {
    inlay_sampler *a = make(NULL);
    CHECK_INT(add_all(a), INLAY_OK);
    int32_t first[20];
    noise = 5;
    for (int i = 0; i < 20; i++)
        first[i] = next(a);
    CHECK_INT(inlay_sampler_reset(a, 0), INLAY_OK);
    noise = 5;
    for (int i = 0; i < 20; i++)
        CHECK_INT(next(a), first[i]);
    CHECK_INT(inlay_sampler_reset(a, 1), INLAY_OK);
    noise = 5;
    int n_same = 0;
    for (int i = 0; i < 20; i++)
        n_same += next(a) == first[i];
    CHECK(n_same < 20);
    inlay_sampler_free(a);
}

TEST(a_damaged_state_is_an_error_and_changes_nothing) {
    inlay_sampler *a = make(NULL);
    uint8_t state[4096], damaged[4096], now[4096];
    CHECK_INT(add_all(a), INLAY_OK);
    for (int i = 0; i < 10; i++)
        next(a);
    size_t size = save(a, state, sizeof state), needed = 0;
    for (size_t i = 0; i < size * 8; i++) {
        memcpy(damaged, state, size);
        damaged[i / 8] ^= (uint8_t)(1u << i % 8);
        CHECK_INT(inlay_sampler_load(a, damaged, size), INLAY_ERR_FORMAT);
    }
    for (size_t n = 0; n < size; n++)
        CHECK_INT(inlay_sampler_load(a, state, n), INLAY_ERR_FORMAT);
    CHECK_INT(save(a, now, sizeof now), size);
    CHECK(memcmp(now, state, size) == 0);
    CHECK_INT(inlay_sampler_save(a, now, size - 1, &needed), INLAY_ERR_BUFFER);
    CHECK_INT(needed, size);
    inlay_sampler *other = make(NULL);
    CHECK_INT(inlay_sampler_load(other, state, size), INLAY_ERR_FORMAT); /* it has other stages */
    CHECK_HAS(inlay_error(), "stages");
    inlay_sampler_free(other);
    inlay_sampler_free(a);
}

TEST(logits_that_are_no_numbers_are_errors_and_change_nothing) {
    const float bad[] = {NAN, INFINITY, -NAN};
    inlay_sampler *a = make(NULL);
    uint8_t before[4096], after[4096];
    int32_t token = 77;
    CHECK_INT(add_all(a), INLAY_OK);
    next(a);
    size_t size = save(a, before, sizeof before);
    for (size_t i = 0; i < 3; i++) {
        fill_logits();
        logits[N_VOCAB - 1] = bad[i];
        CHECK_INT(inlay_sampler_sample(a, logits, &token), INLAY_ERR_NUMERIC);
    }
    for (size_t i = 0; i < N_VOCAB; i++)
        logits[i] = -INFINITY;
    CHECK_INT(inlay_sampler_sample(a, logits, &token), INLAY_ERR_NUMERIC);
    CHECK_INT(token, 77);
    CHECK_INT(save(a, after, sizeof after), size);
    CHECK(memcmp(before, after, size) == 0);
    inlay_sampler_free(a);
}

TEST(banned_tokens_never_come_and_a_single_allowed_one_always_does) {
    inlay_sampler *banned = make(NULL), *forced = make(NULL);
    int32_t token, all[N_VOCAB];
    for (int32_t i = 0; i < N_VOCAB; i++)
        all[i] = i;
    CHECK_INT(inlay_sampler_add_bias(banned, all, NULL, N_VOCAB - 2), INLAY_OK);
    CHECK_INT(inlay_sampler_add_allowed(forced, &all[9], 1), INLAY_OK);
    for (int i = 0; i < 50; i++) {
        fill_logits();
        CHECK_INT(inlay_sampler_sample(banned, logits, &token), INLAY_OK);
        CHECK(token >= N_VOCAB - 2);
        CHECK_INT(inlay_sampler_sample(forced, logits, &token), INLAY_OK);
        CHECK_INT(token, 9);
    }
    CHECK_INT(inlay_sampler_add_bias(banned, all, NULL, N_VOCAB), INLAY_OK);
    CHECK_INT(inlay_sampler_sample(banned, logits, &token), INLAY_ERR_NUMERIC);
    inlay_sampler_free(banned);
    inlay_sampler_free(forced);
}

/* -------------------------------------------------------------------- callbacks */

typedef struct caller {
    inlay_sampler *sampler;
    int32_t answer, status; /* what it returns; what a call in the callback gave */
    size_t n_given, n_left;
    int32_t first; /* the token that it puts first, -1: none */
    bool frees;
} caller;

static int32_t stage(void *user, int32_t *tokens, float *values, size_t *n) {
    caller *c = user;
    c->n_given = *n;
    c->status = inlay_sampler_accept(c->sampler, tokens, 1);
    if (c->first != -1) tokens[0] = c->first;
    values[0] += 100.0f;
    if (c->n_left > 0) *n = c->n_left;
    if (c->frees) inlay_sampler_free(c->sampler);
    return c->answer;
}

TEST(a_callback_sees_what_the_stages_before_it_left_and_may_change_it) {
    inlay_sampler *a = make(NULL);
    caller c = {.sampler = a, .first = -1};
    int32_t token, tokens[N_VOCAB];
    float p[N_VOCAB];
    size_t n;
    CHECK_INT(inlay_sampler_add(a, INLAY_STAGE_TOP_K), INLAY_OK);
    CHECK_INT(inlay_sampler_add_callback(a, stage, &c), INLAY_OK);
    fill_logits();
    CHECK_INT(inlay_sampler_candidates(a, logits, tokens, p, N_VOCAB, &n), INLAY_OK);
    CHECK_INT(c.n_given, 40);
    CHECK_INT(c.status, INLAY_ERR_BUSY);
    CHECK(p[0] > 0.999f);
    c.n_left = 1;
    CHECK_INT(inlay_sampler_candidates(a, logits, tokens, p, N_VOCAB, &n), INLAY_OK);
    CHECK_INT(n, 1);
    CHECK(p[0] == 1.0f);
    c.answer = 5;
    CHECK_INT(inlay_sampler_sample(a, logits, &token), INLAY_ERR_CANCELLED);
    c.answer = 0;
    c.n_left = 41;
    CHECK_INT(inlay_sampler_sample(a, logits, &token), INLAY_ERR_ARGUMENT);
    c.n_left = 0;
    const int32_t wrong[] = {N_VOCAB, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < 3; i++) {
        c.first = wrong[i];
        CHECK_INT(inlay_sampler_sample(a, logits, &token), INLAY_ERR_ARGUMENT);
    }
    c.first = -1;
    c.frees = true; /* it goes when the call returns */
    CHECK_INT(inlay_sampler_sample(a, logits, &token), INLAY_OK);
}

/* ----------------------------------------------------------------------- memory */

TEST(no_memory_is_taken_while_tokens_are_chosen) {
    accounting memory;
    inlay_options *o = NULL;
    accounting_init(&memory);
    CHECK_INT(inlay__options_new_with_sys(&memory.sys, &o), INLAY_OK);
    inlay_sampler *a = make(o);
    CHECK_INT(add_all(a), INLAY_OK);
    size_t before = memory.n_allocs;
    for (int i = 0; i < 10000; i++)
        next(a);
    CHECK_INT(memory.n_allocs, before);
    inlay_sampler_free(a);
    inlay_options_free(o);
    CHECK_INT(memory.n_live, 0);
}

/* Makes, fills and clones a sampler: the first failure. */
static int32_t build(const inlay_options *o, inlay_sampler **a, inlay_sampler **b) {
    static const int32_t some[] = {4, 5};
    INLAY__TRY(inlay_sampler_new(N_VOCAB, o, a));
    INLAY__TRY(inlay_sampler_add_allowed(*a, some, 2));
    INLAY__TRY(add_all(*a));
    return inlay_sampler_clone(*a, b);
}

TEST(every_allocation_that_fails_is_an_error_that_leaves_nothing) {
    accounting memory;
    size_t n_faults = 0;
    for (size_t at = 1;; at++) {
        inlay_options *o = NULL;
        inlay_sampler *a = NULL, *b = NULL;
        accounting_init(&memory);
        CHECK_INT(inlay__options_new_with_sys(&memory.sys, &o), INLAY_OK);
        memory.fail_at = memory.n_allocs + at;
        int32_t status = build(o, &a, &b);
        CHECK((status == INLAY_OK) == (b != NULL));
        if (a != NULL) { /* as it was: it chooses */
            int32_t token;
            fill_logits();
            CHECK_INT(inlay_sampler_sample(a, logits, &token), INLAY_OK);
        }
        inlay_sampler_free(a);
        inlay_sampler_free(b);
        inlay_options_free(o);
        CHECK_INT(memory.n_live, 0);
        if (status == INLAY_OK) break;
        CHECK_INT(status, INLAY_ERR_MEMORY);
        n_faults++;
    }
    CHECK(n_faults > 15);
}

/* ------------------------------------------------------------------------ texts */

TEST(a_score_is_what_the_logits_before_each_token_say) {
    tiny t = tiny_open(NULL, NULL);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, 128, 0);
    int32_t tokens[70];
    float scores[70], more[70], expected;
    tiny_tokens(tokens, 70);
    CHECK_INT(inlay_score(s, tokens, 70, scores), INLAY_OK);
    CHECK_INT(tiny_length(s), 70);
    CHECK(scores[0] == 0.0f);
    CHECK_INT(inlay_session_truncate(s, 0), INLAY_OK);
    for (size_t i = 1; i < 70; i++) {
        float *row;
        size_t n;
        CHECK_INT(inlay_eval(s, &tokens[i - 1], 1), INLAY_OK);
        CHECK_INT(inlay_logits(s, &row, &n), INLAY_OK);
        CHECK_INT(inlay_log_probability(row, n, tokens[i], &expected), INLAY_OK);
        CHECK(scores[i] == expected && expected < 0.0f);
    }
    CHECK_INT(inlay_session_truncate(s, 0), INLAY_OK);
    CHECK_INT(inlay_eval(s, tokens, 5), INLAY_OK);
    CHECK_INT(inlay_score(s, tokens + 5, 65, more), INLAY_OK); /* the first too, by the logits that stood */
    CHECK(memcmp(more, scores + 5, 65 * sizeof *more) == 0);
    CHECK_INT(inlay_score(s, tokens, 70, more), INLAY_ERR_CONTEXT);
    CHECK_INT(inlay_score(s, tokens, 0, more), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_score(s, NULL, 1, more), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_score(s, tokens, 1, NULL), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_score(s, &(int32_t){-1}, 1, more), INLAY_ERR_TOKEN);
    CHECK_INT(tiny_length(s), 70);
    inlay_session_free(s);
    tiny_close(&t);
}

TEST(the_most_probable_tokens_come_in_order) {
    const float x[] = {1.0f, 3.0f, -INFINITY, 3.0f, 2.0f};
    int32_t tokens[5];
    float logs[5], one;
    CHECK_INT(inlay_top_tokens(x, 5, 5, tokens, logs), INLAY_OK);
    const int32_t expected[] = {1, 3, 4, 0, 2};
    CHECK(memcmp(tokens, expected, sizeof expected) == 0);
    CHECK(logs[0] == logs[1] && logs[4] == -INFINITY);
    for (size_t i = 0; i < 5; i++) {
        CHECK_INT(inlay_log_probability(x, 5, tokens[i], &one), INLAY_OK);
        CHECK(one == logs[i]);
    }
    CHECK_INT(inlay_top_tokens(x, 5, 0, tokens, logs), INLAY_OK);
    const float nothing[] = {-INFINITY}, bad[] = {0.0f, NAN};
    CHECK_INT(inlay_top_tokens(nothing, 1, 1, tokens, logs), INLAY_ERR_NUMERIC);
    CHECK_INT(inlay_log_probability(bad, 2, 0, &one), INLAY_ERR_NUMERIC);
}

TEST_MAIN(CASE(a_clone_and_a_loaded_state_go_on_as_the_sampler_does), CASE(a_reset_sampler_begins_anew_with_its_seed),
          CASE(a_damaged_state_is_an_error_and_changes_nothing),
          CASE(logits_that_are_no_numbers_are_errors_and_change_nothing),
          CASE(banned_tokens_never_come_and_a_single_allowed_one_always_does),
          CASE(a_callback_sees_what_the_stages_before_it_left_and_may_change_it),
          CASE(no_memory_is_taken_while_tokens_are_chosen),
          CASE(every_allocation_that_fails_is_an_error_that_leaves_nothing),
          CASE(a_score_is_what_the_logits_before_each_token_say), CASE(the_most_probable_tokens_come_in_order))
