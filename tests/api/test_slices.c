/* Evaluation in slices of time: it gives the bits of one call, and until it is done the session says so. */
#include "test.h"

#include "support/accounting_sys.h"
#include "support/tiny_open.h"

enum { N_PROMPT = 110 };

/* Carries on to the end; how often there was more to do. */
static size_t run_to_end(inlay_session *s, uint64_t budget_us) {
    size_t n_again = 0;
    int32_t status;
    while ((status = inlay_eval_step(s, budget_us)) == INLAY_AGAIN) n_again++;
    CHECK_INT(status, INLAY_OK);
    return n_again;
}

TEST(slices_of_any_length_give_the_bits_of_one_call) {
    static const uint64_t budgets[] = {0, 1, 20, 300, UINT64_MAX};
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[N_PROMPT + 1];
    tiny_tokens(tokens, N_PROMPT + 1);
    for (int n_threads = 1; n_threads <= 3; n_threads++) {
        inlay_session *whole = tiny_session(t.model, INLAY_OPT_THREADS, n_threads, 0);
        float *prompt = tiny_eval(whole, tokens, N_PROMPT, N_PROMPT), *next = tiny_eval(whole, tokens + N_PROMPT, 1, 1);
        for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++) {
            inlay_session *s = tiny_session(t.model, INLAY_OPT_THREADS, n_threads, 0);
            CHECK_INT(inlay_eval_begin(s, tokens, N_PROMPT), INLAY_OK);
            size_t n_again = run_to_end(s, budgets[i]);
            CHECK(budgets[i] > 0 || n_again > 20); /* a slice is but a piece of a layer */
            CHECK(budgets[i] < UINT64_MAX || n_again == 0);
            CHECK_INT(tiny_length(s), N_PROMPT);
            CHECK(tiny_logits_are(s, prompt, "of a prompt"));
            CHECK_INT(inlay_eval_begin(s, tokens + N_PROMPT, 1), INLAY_OK);
            n_again = run_to_end(s, budgets[i]);
            CHECK(budgets[i] > 0 || n_again > 5);
            CHECK(tiny_logits_are(s, next, "of one token"));
            inlay_session_free(s);
        }
        free(prompt), free(next);
        inlay_session_free(whole);
    }
    tiny_close(&t);
}

TEST(a_batch_in_slices_gives_each_sequence_its_bits) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[N_PROMPT];
    const int32_t sequences[] = {2, 0};
    const size_t starts[] = {0, 60, N_PROMPT};
    tiny_tokens(tokens, N_PROMPT);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_SEQUENCES, 3, 0), *alone = tiny_session(t.model, 0);
    CHECK_INT(inlay_eval_begin_batch(s, sequences, tokens, starts, 2), INLAY_OK);
    CHECK(run_to_end(s, 5) > 0);
    for (int i = 0; i < 2; i++) {
        float *expected = tiny_eval(alone, tokens + starts[i], starts[i + 1] - starts[i], N_PROMPT);
        CHECK_INT(inlay_session_set_int(s, INLAY_OPT_SEQUENCE, sequences[i]), INLAY_OK);
        CHECK(tiny_logits_are(s, expected, "of a sequence"));
        CHECK_INT(inlay_session_truncate(alone, 0), INLAY_OK);
        free(expected);
    }
    inlay_session_free(s);
    inlay_session_free(alone);
    tiny_close(&t);
}

TEST(while_an_evaluation_is_pending_other_calls_say_so_and_change_nothing) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[N_PROMPT], token;
    float *logits;
    tiny_tokens(tokens, N_PROMPT);
    inlay_session *s = tiny_session(t.model, 0);
    float *expected = tiny_eval(s, tokens, N_PROMPT, N_PROMPT);
    CHECK_INT(inlay_session_truncate(s, 0), INLAY_OK);
    CHECK_INT(inlay_eval_step(s, 10), INLAY_ERR_STATE);
    CHECK(strstr(inlay_session_error(s), "no evaluation is pending") != NULL);
    CHECK_INT(inlay_eval_abandon(s), INLAY_OK);
    CHECK_INT(inlay_eval_begin(s, tokens, N_PROMPT), INLAY_OK);
    CHECK_INT(inlay_eval_step(s, 0), INLAY_AGAIN);
    CHECK_INT(inlay_eval_begin(s, tokens, 1), INLAY_ERR_STATE);
    CHECK(strstr(inlay_session_error(s), "inlay_eval_begin: an evaluation is pending") != NULL);
    CHECK_INT(inlay_eval(s, tokens, 1), INLAY_ERR_STATE);
    CHECK_INT(inlay_sample(s, &token), INLAY_ERR_STATE);
    CHECK_INT(inlay_logits(s, &logits, NULL), INLAY_ERR_STATE);
    CHECK_INT(inlay_session_truncate(s, 0), INLAY_ERR_STATE);
    CHECK_INT(inlay_session_set_float(s, INLAY_OPT_TEMPERATURE, 0.5), INLAY_ERR_STATE);
    memset(tokens, 0, sizeof tokens); /* they were copied */
    run_to_end(s, 50);
    CHECK(tiny_logits_are(s, expected, "after calls that were refused"));
    free(expected);
    inlay_session_free(s);
    tiny_close(&t);
}

TEST(a_pending_evaluation_that_is_given_up_or_cancelled_leaves_the_sequence_as_it_was) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[N_PROMPT];
    tiny_tokens(tokens, N_PROMPT);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_THREADS, 1, 0);
    float *before = tiny_eval(s, tokens, 20, 20);
    for (size_t n_steps = 0; n_steps < 50; n_steps += 1 + n_steps / 3) {
        CHECK_INT(inlay_eval_begin(s, tokens, N_PROMPT - 20), INLAY_OK);
        for (size_t i = 0; i < n_steps; i++) CHECK_INT(inlay_eval_step(s, 0), INLAY_AGAIN);
        if (n_steps % 2 == 0) {
            CHECK_INT(inlay_eval_abandon(s), INLAY_OK);
        } else {
            inlay_session_cancel(s);
            CHECK_INT(inlay_eval_step(s, 1000000), INLAY_ERR_CANCELLED);
        }
        CHECK_INT(tiny_length(s), 20);
        CHECK(tiny_logits_are(s, before, "after an evaluation was given up"));
        CHECK_INT(inlay_eval_step(s, 10), INLAY_ERR_STATE);
    }
    CHECK_INT(inlay_eval_begin(s, tokens, 5), INLAY_OK);
    inlay_session_free(s); /* with one pending */
    free(before);
    tiny_close(&t);
}

TEST_MAIN(CASE(slices_of_any_length_give_the_bits_of_one_call), CASE(a_batch_in_slices_gives_each_sequence_its_bits),
          CASE(while_an_evaluation_is_pending_other_calls_say_so_and_change_nothing),
          CASE(a_pending_evaluation_that_is_given_up_or_cancelled_leaves_the_sequence_as_it_was))
