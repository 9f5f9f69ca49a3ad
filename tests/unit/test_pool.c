/* The thread pool: all threads run, barriers hold, an idle pool sleeps, a fork's child goes on. */
#include "test.h"

#include <stdatomic.h>
#include <time.h>

#include "base/pool.h"
#include "support/accounting_sys.h"
#include "support/posix.h"

enum { MAX_THREADS = 9, ROUNDS = 400 };

typedef struct job {
    inlay__pool *pool;
    uint64_t cells[MAX_THREADS]; /* each thread writes its own and reads its neighbour's after a barrier */
    atomic_int wrong;
} job;

static void take_turns(void *arg, size_t i, size_t n) {
    job *j = arg;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        j->cells[i] = round;
        inlay__pool_barrier(j->pool);
        if (j->cells[(i + 1) % n] != round) atomic_fetch_add(&j->wrong, 1);
        inlay__pool_barrier(j->pool);
    }
}

TEST(what_is_written_before_a_barrier_is_seen_after_it) {
    for (size_t n = 1; n <= MAX_THREADS; n++) {
        job j = {NULL, {0}, 0};
        if (!CHECK(inlay__pool_new(&inlay__sys_default, n, &j.pool) == INLAY_OK)) return;
        CHECK_INT(inlay__pool_n_threads(j.pool), n);
        for (int run = 0; run < 3; run++) CHECK_INT(inlay__pool_run(j.pool, take_turns, &j), INLAY_OK);
        CHECK_INT(j.wrong, 0);
        CHECK_INT(j.cells[n - 1], ROUNDS);
        inlay__pool_free(j.pool);
    }
}

TEST(an_idle_pool_sleeps) {
    job j = {NULL, {0}, 0};
    if (!CHECK(inlay__pool_new(&inlay__sys_default, 4, &j.pool) == INLAY_OK)) return;
    inlay__pool_run(j.pool, take_turns, &j);
    struct timespec moment = {0, 20000000}, idle = {0, 400000000};
    nanosleep(&moment, NULL);
    double before = cpu_seconds();
    nanosleep(&idle, NULL);
    CHECK(cpu_seconds() - before < 0.04); /* spinning would be at least 0.4 */
    inlay__pool_free(j.pool);
}

TEST(the_child_of_a_fork_runs_with_threads_of_its_own) {
#ifdef __SANITIZE_THREAD__
    SKIP("ThreadSanitizer starts no threads in the child of a fork");
#endif
    if (!CAN_FORK) SKIP("there is no fork");
    job j = {NULL, {0}, 0};
    if (!CHECK(inlay__pool_new(&inlay__sys_default, 3, &j.pool) == INLAY_OK)) return;
    inlay__pool_run(j.pool, take_turns, &j);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        int bad = inlay__pool_run(j.pool, take_turns, &j) != INLAY_OK || j.wrong != 0;
        inlay__pool_free(j.pool);
        _exit(bad);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_INT(inlay__pool_run(j.pool, take_turns, &j), INLAY_OK);
    inlay__pool_free(j.pool);
}

static int n_starts;

static int fail_third_start(void *user, void *thread, void *(*run)(void *), void *arg) {
    if (++n_starts == 3) return 11;
    return inlay__sys_default.thread_start(user, thread, run, arg);
}

TEST(a_thread_that_does_not_start_leaves_nothing_behind) {
    accounting a;
    inlay__pool *pool = NULL;
    accounting_init(&a);
    a.sys.thread_start = fail_third_start;
    n_starts = 0;
    CHECK_INT(inlay__pool_new(&a.sys, 6, &pool), INLAY_ERR_THREAD);
    CHECK(pool == NULL);
    CHECK_HAS(inlay__error_text(), "thread 4 of 6");
    CHECK_INT(a.n_live, 0);
    a.fail_at = a.n_allocs + 2;
    CHECK_INT(inlay__pool_new(&a.sys, 2, &pool), INLAY_ERR_MEMORY);
    CHECK_INT(a.n_live, 0);
}

TEST(pools_come_and_go) {
    for (int i = 0; i < 300; i++) {
        job j = {NULL, {0}, 0};
        if (!CHECK(inlay__pool_new(&inlay__sys_default, 3, &j.pool) == INLAY_OK)) return;
        inlay__pool_free(j.pool);
    }
    inlay__pool_free(NULL);
    CHECK(inlay__sys_default.cpu_count(NULL) >= 1);
}

TEST_MAIN(CASE(what_is_written_before_a_barrier_is_seen_after_it), CASE(an_idle_pool_sleeps),
          CASE(the_child_of_a_fork_runs_with_threads_of_its_own),
          CASE(a_thread_that_does_not_start_leaves_nothing_behind), CASE(pools_come_and_go))
