/* Best of n: the answer with the greatest score of those that as many sequences draw one by one. */
#include "test.h"

#include <math.h>

#include "support/tiny_open.h"

enum { N_VOCAB = 320, N_PROMPT = 20, N_ANSWERS = 5, MOST = 12 };

typedef struct drawn {
    int32_t tokens[MOST];
    size_t n;
    double score;
} drawn;

static inlay_session *read_prompt(inlay_model *model, float temperature) {
    int32_t tokens[N_PROMPT];
    tiny_tokens(tokens, N_PROMPT);
    inlay_session *s = tiny_session(model, INLAY_OPT_SEQUENCES, N_ANSWERS + 1, INLAY_OPT_SEED, 3, 0);
    CHECK_INT(inlay_session_set_float(s, INLAY_OPT_TEMPERATURE, (double)temperature), INLAY_OK);
    CHECK_INT(inlay_eval(s, tokens, N_PROMPT), INLAY_OK);
    return s;
}

static drawn best_of(inlay_session *s, size_t n, double penalty, inlay_sampler *sampler) {
    drawn d = {.n = 99};
    CHECK_INT(inlay_best_of(s, n, MOST, penalty, sampler, d.tokens, MOST, &d.n, &d.score), INLAY_OK);
    return d;
}

static double logarithm(inlay_session *s, int32_t token) {
    float *logits, found = 0;
    CHECK_INT(inlay_logits(s, &logits, NULL), INLAY_OK);
    CHECK_INT(inlay_log_probability(logits, N_VOCAB, token, &found), INLAY_OK);
    return (double)found;
}

static bool is_same(const drawn *a, const drawn *b) {
    return a->n == b->n && memcmp(a->tokens, b->tokens, a->n * sizeof a->tokens[0]) == 0;
}

/* By the definition: answers side by side, which draw by turns. */
static drawn by_hand(inlay_model *model, double penalty, bool *differ) {
    inlay_session *s = read_prompt(model, 2.0f);
    drawn answers[N_ANSWERS] = {0}, best = {.score = -INFINITY};
    bool done[N_ANSWERS] = {false};
    for (int32_t i = 0; i < N_ANSWERS; i++) CHECK_INT(inlay_sequence_fork(s, 0, i + 1), INLAY_OK);
    for (size_t step = 0; step < MOST; step++)
        for (int i = 0; i < N_ANSWERS; i++) {
            int32_t token;
            drawn *a = &answers[i];
            if (done[i]) continue;
            CHECK_INT(inlay_session_set_int(s, INLAY_OPT_SEQUENCE, i + 1), INLAY_OK);
            CHECK_INT(inlay_sample(s, &token), INLAY_OK);
            a->score += logarithm(s, token);
            done[i] = inlay_token_is_end(model, token) != 0;
            if (done[i]) continue;
            a->tokens[a->n++] = token;
            CHECK_INT(inlay_eval(s, &token, 1), INLAY_OK);
        }
    for (int i = 0; i < N_ANSWERS; i++) {
        answers[i].score /= pow((double)(answers[i].n + done[i]), penalty);
        *differ = *differ || !is_same(&answers[i], &answers[0]);
        if (answers[i].score > best.score) best = answers[i];
    }
    inlay_session_free(s);
    return best;
}

TEST(the_best_is_that_of_answers_drawn_one_by_one) {
    static const double penalties[] = {0.0, 1.0, 2.0};
    tiny t = tiny_open(NULL, NULL);
    for (size_t i = 0; i < 3; i++) {
        bool differ = false;
        drawn expected = by_hand(t.model, penalties[i], &differ);
        inlay_session *s = read_prompt(t.model, 2.0f);
        float *before = tiny_logits(s);
        drawn found = best_of(s, N_ANSWERS, penalties[i], NULL);
        CHECK(differ);
        CHECK(is_same(&found, &expected));
        CHECK(fabs(found.score - expected.score) < 1e-4 * (1 + fabs(expected.score)));
        CHECK_INT(tiny_length(s), N_PROMPT); /* the prompt stays as it was */
        CHECK(tiny_logits_are(s, before, "after the best of several"));
        free(before);
        inlay_session_free(s);
    }
    tiny_close(&t);
}

TEST(one_answer_without_a_draw_is_what_sampling_gives) {
    tiny t = tiny_open(NULL, NULL);
    inlay_session *s = read_prompt(t.model, 0.0f);
    drawn one = best_of(s, 1, 1.0, NULL), many = best_of(s, N_ANSWERS, 1.0, NULL);
    CHECK(is_same(&one, &many));
    for (size_t i = 0; i < one.n; i++) {
        int32_t token;
        CHECK_INT(inlay_sample(s, &token), INLAY_OK);
        CHECK_INT(token, one.tokens[i]);
        CHECK_INT(inlay_eval(s, &token, 1), INLAY_OK);
    }
    inlay_session_free(s);
    tiny_close(&t);
}

/* Each answer has random numbers of its own: more of them give the same and others, and the best is no worse. */
TEST(with_a_sampler_more_answers_are_no_worse_and_its_text_stays) {
    tiny t = tiny_open(NULL, NULL);
    double last = -INFINITY;
    size_t size = 0, size_after = 0;
    for (size_t n = 1; n <= N_ANSWERS; n++) {
        inlay_session *s = read_prompt(t.model, 0.0f);
        inlay_sampler *sampler = NULL;
        CHECK_INT(inlay_sampler_new(N_VOCAB, NULL, &sampler), INLAY_OK);
        CHECK_INT(inlay_sampler_add(sampler, INLAY_STAGE_PENALTIES), INLAY_OK);
        CHECK_INT(inlay_sampler_set(sampler, INLAY_PARAMETER_PENALTY_PRESENCE, 0.5), INLAY_OK);
        CHECK_INT(inlay_sampler_add(sampler, INLAY_STAGE_TOP_K), INLAY_OK);
        CHECK_INT(inlay_sampler_save(sampler, NULL, 0, &size), INLAY_ERR_BUFFER);
        drawn found = best_of(s, n, 0.0, sampler);
        CHECK_INT(inlay_sampler_save(sampler, NULL, 0, &size_after), INLAY_ERR_BUFFER);
        CHECK_INT(size_after, size);
        CHECK(found.score >= last);
        last = found.score;
        inlay_sampler_free(sampler);
        inlay_session_free(s);
    }
    tiny_close(&t);
}

static int32_t fail(void *user, int32_t *tokens, float *logits, size_t *n) {
    (void)tokens, (void)logits, (void)n;
    return --*(int *)user < 0;
}

TEST(a_failure_in_the_midst_leaves_the_prompt_and_the_numbers) {
    tiny t = tiny_open(NULL, NULL);
    inlay_session *s = read_prompt(t.model, 0.0f);
    inlay_sampler *sampler = NULL, *small = NULL;
    uint8_t before[4096], after[4096];
    size_t n_before = 0, n_after = 0, n = 0;
    int32_t tokens[MOST];
    int left = 7;
    CHECK_INT(inlay_sampler_new(N_VOCAB, NULL, &sampler), INLAY_OK);
    CHECK_INT(inlay_sampler_new(N_VOCAB - 1, NULL, &small), INLAY_OK);
    CHECK_INT(inlay_sampler_add_callback(sampler, fail, &left), INLAY_OK);
    CHECK_INT(inlay_sampler_save(sampler, before, sizeof before, &n_before), INLAY_OK);
    CHECK_INT(inlay_best_of(s, 3, MOST, 1.0, sampler, tokens, MOST, &n, NULL), INLAY_ERR_CANCELLED);
    CHECK_INT(inlay_sampler_save(sampler, after, sizeof after, &n_after), INLAY_OK);
    CHECK(n_before == n_after && memcmp(before, after, n_after) == 0);
    CHECK_INT(inlay_best_of(s, 3, MOST, 1.0, small, tokens, MOST, &n, NULL), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_best_of(s, 3, MOST, 1.0, NULL, tokens, MOST - 1, &n, NULL), INLAY_ERR_BUFFER);
    CHECK_INT(inlay_best_of(s, N_ANSWERS + 1, MOST, 1.0, NULL, tokens, MOST, &n, NULL), INLAY_ERR_ARGUMENT);
    CHECK_INT(tiny_length(s), N_PROMPT);
    inlay_sampler_free(sampler);
    inlay_sampler_free(small);
    inlay_session_free(s);
    tiny_close(&t);
}

TEST_MAIN(CASE(the_best_is_that_of_answers_drawn_one_by_one), CASE(one_answer_without_a_draw_is_what_sampling_gives),
          CASE(with_a_sampler_more_answers_are_no_worse_and_its_text_stays),
          CASE(a_failure_in_the_midst_leaves_the_prompt_and_the_numbers))
