/* Threads that run one function together.
 *
 * There are two places to wait: for work, and at the barrier. Each is a word that changes when the waiting is over.
 * A waiter watches its word for a bounded time, measured by the clock as the length of a pause differs between CPUs
 * by an order of magnitude, and then sleeps in the kernel until the word changes.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "fpenv.h"
#include "limit.h"
#include "pool.h"

/* Of the kernel's ABI: its headers are not everywhere where there is a libc. */
enum { FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129 };

enum { CACHE_LINE = 64, SPIN_NS = 50000, PAUSES_BETWEEN_LOOKS = 32 };

/* A word to wait on, alone on its cache line. */
typedef struct signal_word {
    _Alignas(CACHE_LINE) atomic_uint value;
    atomic_uint n_sleeping;
#ifndef __linux__
    pthread_mutex_t mutex;
    pthread_cond_t changed;
#endif
} signal_word;

typedef struct worker {
    inlay__pool *pool;
    size_t index;
    pthread_t thread;
} worker;

struct inlay__pool {
    signal_word work;               /* changes when there is work, or the end */
    signal_word barrier;            /* changes when all have arrived */
    _Alignas(CACHE_LINE) atomic_uint n_arrived;
    const inlay__sys *sys;
    size_t n_threads;               /* the caller among them */
    size_t n_started;
    worker *workers;                /* [n_threads - 1] */
    void (*fn)(void *arg, size_t i_thread, size_t n_threads);
    void *arg;
    atomic_size_t n_ran;            /* of the parts that a lent parallel_for was given */
    bool quit;
    bool may_spin;                  /* there is a CPU for each thread */
    pid_t pid;                      /* of the process the workers live in */
};

/* ----------------------------------------------------------------- waiting */

static void word_init(signal_word *word) {
    atomic_init(&word->value, 0);
    atomic_init(&word->n_sleeping, 0);
#ifndef __linux__
    pthread_mutex_init(&word->mutex, NULL);
    pthread_cond_init(&word->changed, NULL);
#endif
}

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield");
#endif
}

static void sleep_while(signal_word *word, unsigned old) {
    atomic_fetch_add(&word->n_sleeping, 1);
#ifdef __linux__
    while (atomic_load(&word->value) == old) syscall(SYS_futex, &word->value, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
#else
    pthread_mutex_lock(&word->mutex);
    while (atomic_load(&word->value) == old) pthread_cond_wait(&word->changed, &word->mutex);
    pthread_mutex_unlock(&word->mutex);
#endif
    atomic_fetch_sub(&word->n_sleeping, 1);
}

static void wait_while(signal_word *word, unsigned old, bool may_spin) {
    int64_t start = 0;
    while (may_spin) {
        for (int i = 0; i < PAUSES_BETWEEN_LOOKS; i++) {
            if (atomic_load_explicit(&word->value, memory_order_acquire) != old) return;
            pause_briefly();
        }
        int64_t now = inlay__now_ns();
        if (start == 0) start = now;
        if (now - start > SPIN_NS) break;
    }
    if (atomic_load(&word->value) == old) sleep_while(word, old);
}

/* Changes the word and wakes who sleeps. Sequential consistency orders it with sleep_while: either the sleeper sees
 * the new value, or we see the sleeper. */
static void change(signal_word *word) {
#ifdef __linux__
    atomic_fetch_add(&word->value, 1);
    if (atomic_load(&word->n_sleeping) > 0)
        syscall(SYS_futex, &word->value, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
#else
    pthread_mutex_lock(&word->mutex);
    atomic_fetch_add(&word->value, 1);
    pthread_cond_broadcast(&word->changed);
    pthread_mutex_unlock(&word->mutex);
#endif
}

void inlay__pool_barrier(inlay__pool *pool) {
    if (pool->n_threads == 1) return;
    unsigned old = atomic_load_explicit(&pool->barrier.value, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&pool->n_arrived, 1, memory_order_acq_rel) + 1 == pool->n_threads) {
        atomic_store_explicit(&pool->n_arrived, 0, memory_order_relaxed);
        change(&pool->barrier);
    } else {
        wait_while(&pool->barrier, old, pool->may_spin);
    }
}

/* ----------------------------------------------------------------- threads */

static void run_here(inlay__pool *pool, size_t index) {
    inlay__fpenv saved = inlay__fpenv_enter();
    pool->fn(pool->arg, index, pool->n_threads);
    inlay__fpenv_leave(saved);
    inlay__pool_barrier(pool);
}

static void *work(void *arg) {
    worker *self = arg;
    inlay__pool *pool = self->pool;
    for (unsigned seen = 0;; seen++) {
        wait_while(&pool->work, seen, pool->may_spin);
        if (pool->quit) return NULL;
        run_here(pool, self->index);
    }
}

static void stop(inlay__pool *pool) {
    pool->quit = true;
    change(&pool->work);
    for (size_t i = 0; i < pool->n_started; i++) pthread_join(pool->workers[i].thread, NULL);
    pool->n_started = 0;
}

static int32_t start(inlay__pool *pool) {
    int error = 0;
    word_init(&pool->work);
    word_init(&pool->barrier);
    atomic_init(&pool->n_arrived, 0);
    pool->quit = false;
    pool->pid = getpid();
    for (pool->n_started = 0; pool->n_started + 1 < pool->n_threads; pool->n_started++) {
        worker *w = &pool->workers[pool->n_started];
        *w = (worker){.pool = pool, .index = pool->n_started + 1};
        error = pool->sys->thread_start(pool->sys->io_user, &w->thread, work, w);
        if (error != 0) break;
    }
    if (error == 0) return INLAY_OK;
    size_t started = pool->n_started;
    stop(pool);
    return inlay__fail(INLAY_ERR_THREAD, "thread %zu of %zu could not be started (error %d)", started + 2,
                       pool->n_threads, error);
}

int32_t inlay__pool_new(const inlay__sys *sys, size_t n_threads, inlay__pool **out) {
    inlay__pool *pool = inlay__alloc_array(sys, 1, sizeof *pool);
    if (pool == NULL) return INLAY_ERR_MEMORY;
    pool->sys = sys;
    pool->n_threads = n_threads;
    pool->may_spin = sys->cpu_count == NULL || n_threads <= sys->cpu_count(sys->io_user);
    pool->workers = inlay__alloc_array(sys, n_threads, sizeof *pool->workers);
    int32_t status = pool->workers == NULL ? INLAY_ERR_MEMORY : inlay__pool_is_lent(pool) ? INLAY_OK : start(pool);
    if (status != INLAY_OK) {
        inlay__free(sys, pool->workers, n_threads * sizeof *pool->workers);
        inlay__free(sys, pool, sizeof *pool);
        return status;
    }
    *out = pool;
    return INLAY_OK;
}

void inlay__pool_free(inlay__pool *pool) {
    if (pool == NULL) return;
    const inlay__sys *sys = pool->sys;
    if (pool->pid == getpid() && !inlay__pool_is_lent(pool)) stop(pool); /* a fork's child has no workers to stop */
    inlay__free(sys, pool->workers, pool->n_threads * sizeof *pool->workers);
    inlay__free(sys, pool, sizeof *pool);
}

bool inlay__pool_is_lent(const inlay__pool *pool) { return pool->sys->parallel_for != NULL; }

size_t inlay__pool_n_threads(const inlay__pool *pool) { return pool->n_threads; }

/* One part, on a thread of the host's, in its rounding mode. */
static void run_part(void *arg, size_t index) {
    inlay__pool *pool = arg;
    if (index >= pool->n_threads) return;
    inlay__fpenv saved = inlay__fpenv_enter();
    pool->fn(pool->arg, index, pool->n_threads);
    inlay__fpenv_leave(saved);
    atomic_fetch_add(&pool->n_ran, 1);
}

static int32_t run_lent(inlay__pool *pool) {
    atomic_store(&pool->n_ran, 0);
    pool->sys->parallel_for(pool->sys->parallel_user, pool->n_threads, run_part, pool);
    size_t n_ran = atomic_load(&pool->n_ran);
    if (n_ran == pool->n_threads) return INLAY_OK;
    return inlay__fail(INLAY_ERR_THREAD, "the parallel_for of the options ran %zu of %zu parts", n_ran,
                       pool->n_threads);
}

int32_t inlay__pool_run(inlay__pool *pool, void (*fn)(void *, size_t, size_t), void *arg) {
    if (inlay__pool_is_lent(pool)) {
        pool->fn = fn;
        pool->arg = arg;
        return run_lent(pool);
    }
    /* A child of fork() has the pool's memory but not its threads; a start that failed left none either. */
    if (pool->pid != getpid() || pool->n_started + 1 != pool->n_threads) INLAY__TRY(start(pool));
    pool->fn = fn;
    pool->arg = arg;
    if (pool->n_threads > 1) change(&pool->work);
    run_here(pool, 0);
    return INLAY_OK;
}
