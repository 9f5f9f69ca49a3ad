/* A pool of threads that run one function together. Between calls its threads spin for a bounded
 * time (about 50 us) and then sleep, so that an idle pool uses no CPU. */
#ifndef INLAY_POOL_H
#define INLAY_POOL_H

#include "base.h"

typedef struct inlay__pool inlay__pool;

/* `n_threads` counts the calling thread; 1 starts none. Workers block all signals.
 * Errors: _MEMORY, _THREAD (then none is left running). */
int32_t inlay__pool_new(const inlay__sys *sys, size_t n_threads, inlay__pool **pool);
void inlay__pool_free(inlay__pool *pool);
/* The threads are the caller's (inlay__sys.parallel_for): none is started, and as parts may run one after another, none
 * may wait for another at a barrier. */
bool inlay__pool_is_lent(const inlay__pool *pool);
size_t inlay__pool_n_threads(const inlay__pool *pool);

/* Runs fn(arg, i, n) on all n threads, i from 0 (the caller) to n - 1, and returns when all are
 * done. One call at a time. In a child of fork() the threads are started anew.
 * Errors: _THREAD (nothing ran, or of lent threads not all parts). */
int32_t inlay__pool_run(inlay__pool *pool, void (*fn)(void *arg, size_t i_thread, size_t n_threads), void *arg);

/* Inside fn, not of a lent pool: waits until all n threads have come here. What each wrote before, all see after. */
void inlay__pool_barrier(inlay__pool *pool);

#endif
