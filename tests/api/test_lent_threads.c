/* A host that lends its threads: none is started, and whoever runs the parts, in whatever order, the bits are the same.
 */
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "api/handles.h"
#include "support/tiny_open.h"

enum { N_PROMPT = 100, N_MOST = 8 };

/* ------------------------------------------------------------------- hosts */

static void forwards(void *user, size_t n, inlay_task_fn run, void *task) {
    (void)user;
    for (size_t i = 0; i < n; i++) run(task, i);
}

static void backwards(void *user, size_t n, inlay_task_fn run, void *task) {
    (void)user;
    for (size_t i = n; i > 0; i--) run(task, i - 1);
}

typedef struct part {
    inlay_task_fn run;
    void *task;
    size_t index;
} part;

static void *run_part(void *arg) {
    const part *p = arg;
    p->run(p->task, p->index);
    return NULL;
}

/* A thread for each part. */
static void at_once(void *user, size_t n, inlay_task_fn run, void *task) {
    pthread_t threads[N_MOST];
    part parts[N_MOST];
    (void)user;
    for (size_t i = 0; i < n; i++) {
        parts[i] = (part){run, task, i};
        CHECK_INT(pthread_create(&threads[i], NULL, run_part, &parts[i]), 0);
    }
    for (size_t i = 0; i < n; i++) pthread_join(threads[i], NULL);
}

/* Leaves the last part out once *user calls are over. */
static void careless(void *user, size_t n, inlay_task_fn run, void *task) {
    int *n_good = user;
    for (size_t i = 0; i + (*n_good <= 0) < n; i++) run(task, i);
    (*n_good)--;
}

static int no_thread(void *user, void *thread, void *(*run)(void *), void *arg) {
    (void)user, (void)thread, (void)run, (void)arg;
    test_failures++;
    fprintf(stderr, "a thread was started\n");
    return 1;
}

static inlay_options *lent(inlay_parallel_fn parallel, void *user, int n_threads) {
    inlay__sys sys = inlay__sys_default;
    inlay_options *o = NULL;
    sys.thread_start = no_thread;
    sys.cpu_count = NULL; /* else there are no more parts than CPUs */
    CHECK_INT(inlay__options_new_with_sys(&sys, &o), INLAY_OK);
    CHECK_INT(inlay_options_set_parallel(o, parallel, user), INLAY_OK);
    CHECK_INT(inlay_options_set_int(o, INLAY_OPT_THREADS, n_threads), INLAY_OK);
    return o;
}

/* ------------------------------------------------------------------- tests */

static void check_host(inlay_parallel_fn parallel, int n_threads, const int32_t *tokens, const float *prompt,
                       const float *next) {
    inlay_options *o = lent(parallel, NULL, n_threads);
    inlay_session *s = NULL;
    int32_t status, found[4 * N_PROMPT];
    size_t starts[3];
    const char *const texts[] = {"one", "and two"};
    tiny t = tiny_open(NULL, o);
    CHECK_INT(inlay_tokenize_batch(t.model, texts, NULL, 2, 0, n_threads, found, 4 * N_PROMPT, starts), INLAY_OK);
    CHECK_INT(inlay_session_new(t.model, o, &s), INLAY_OK);
    inlay_options_free(o);
    CHECK_INT(inlay_eval(s, tokens, N_PROMPT), INLAY_OK);
    CHECK(tiny_logits_are(s, prompt, "of a prompt"));
    CHECK_INT(inlay_eval(s, tokens + N_PROMPT, 1), INLAY_OK);
    CHECK(tiny_logits_are(s, next, "of one token"));
    CHECK_INT(inlay_session_truncate(s, 0), INLAY_OK);
    CHECK_INT(inlay_eval_begin(s, tokens, N_PROMPT), INLAY_OK);
    while ((status = inlay_eval_step(s, 10)) == INLAY_AGAIN) {}
    CHECK_INT(status, INLAY_OK);
    CHECK(tiny_logits_are(s, prompt, "of a prompt in slices"));
    inlay_session_free(s);
    tiny_close(&t);
}

TEST(parts_in_any_order_or_at_once_give_the_same_bits_and_start_no_thread) {
    static const inlay_parallel_fn hosts[] = {forwards, backwards, at_once};
    static const int counts[] = {1, 2, 5};
    int32_t tokens[N_PROMPT + 1];
    tiny t = tiny_open(NULL, NULL);
    inlay_session *s = tiny_session(t.model, 0);
    tiny_tokens(tokens, N_PROMPT + 1);
    float *prompt = tiny_eval(s, tokens, N_PROMPT, N_PROMPT), *next = tiny_eval(s, tokens + N_PROMPT, 1, 1);
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++)
            check_host(hosts[i], counts[k], tokens, prompt, next);
    free(prompt), free(next);
    inlay_session_free(s);
    tiny_close(&t);
}

TEST(a_host_that_leaves_parts_out_makes_the_call_fail_and_changes_nothing) {
    int32_t tokens[N_PROMPT];
    int n_good = 1000000;
    tiny t = tiny_open(NULL, NULL);
    inlay_options *o = lent(careless, &n_good, 3);
    inlay_session *s = NULL;
    tiny_tokens(tokens, N_PROMPT);
    CHECK_INT(inlay_session_new(t.model, o, &s), INLAY_OK);
    float *before = tiny_eval(s, tokens, 30, 30);
    for (int left = 0; left < 12; left++) {
        n_good = left;
        CHECK_INT(inlay_eval(s, tokens, 40), INLAY_ERR_THREAD);
        CHECK_STR(inlay_session_error(s), "the parallel_for of the options ran 2 of 3 parts");
        CHECK(tiny_length(s) == 30);
        CHECK(tiny_logits_are(s, before, "after a call that failed"));
    }
    free(before);
    inlay_session_free(s);
    inlay_options_free(o);
    tiny_close(&t);
}

TEST_MAIN(CASE(parts_in_any_order_or_at_once_give_the_same_bits_and_start_no_thread),
          CASE(a_host_that_leaves_parts_out_makes_the_call_fail_and_changes_nothing))
