/* A table of system calls for tests in which the n-th call that can fail does: allocations, opening, measuring,
 * reading and mapping files, starting threads. It counts what is held, so that a test sees what was left behind. */
#ifndef INLAY_FAIL_SYS_H
#define INLAY_FAIL_SYS_H

#include <stdatomic.h>

#include "base/base.h"

typedef struct fail_sys {
    inlay__sys sys;          /* give &f->sys to the code under test */
    atomic_size_t n_calls;   /* calls that can fail, since fail_sys_arm */
    atomic_size_t n_failed;  /* of these, made to fail */
    atomic_size_t fail_at;   /* the call that fails, 1 for the first; 0: none */
    atomic_bool fail_after;  /* and all after it */
    atomic_size_t n_blocks, n_bytes, n_files, n_maps; /* held */
} fail_sys;

void fail_sys_init(fail_sys *f);

/* Counts anew and makes call n fail, once or with all that follow. n = 0: nothing fails. */
void fail_sys_arm(fail_sys *f, size_t n, bool and_all_after);

/* Nothing is held. */
bool fail_sys_is_clean(const fail_sys *f);

#endif
