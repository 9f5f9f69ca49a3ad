/* A table of system calls for tests in which the n-th call that can fail does: allocations, opening, measuring,
 * reading and mapping files, starting threads. It counts what is held, so that a test sees what was left behind. */
#ifndef INLAY_FAIL_SYS_H
#define INLAY_FAIL_SYS_H

#include <stdatomic.h>

#include "base/base.h"

/* What call n does. */
typedef enum fail_mode {
    FAIL_ONCE,       /* it fails */
    FAIL_FROM_THERE, /* it and all after it fail */
    FAIL_SHORT       /* the n-th that reads or writes does a half of what was asked, which is no error */
} fail_mode;

typedef struct fail_sys {
    inlay__sys sys;            /* give &f->sys to the code under test */
    atomic_size_t n_calls;     /* calls that can fail, since fail_sys_arm */
    atomic_size_t n_transfers; /* calls that read or write more than a byte, likewise */
    atomic_size_t n_failed;    /* of these, made to fail */
    atomic_size_t fail_at;     /* the call that fails, 1 for the first; 0: none */
    _Atomic fail_mode mode;
    atomic_size_t n_blocks, n_bytes, n_files, n_maps; /* held */
} fail_sys;

void fail_sys_init(fail_sys *f);

/* Counts anew and makes call n fail. n = 0: nothing fails. */
void fail_sys_arm(fail_sys *f, size_t n, fail_mode mode);

/* Counts a call that can fail and tells whether this one does: for what does not go through the table. */
bool fail_sys_fails(fail_sys *f);

/* Nothing is held. */
bool fail_sys_is_clean(const fail_sys *f);

#endif
