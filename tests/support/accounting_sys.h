/* A table of system calls for tests that counts memory: what is live, how much at most, and it can refuse the
 * n-th allocation. New memory is filled with 0xA5, returned memory with 0x5A. */
#ifndef INLAY_ACCOUNTING_SYS_H
#define INLAY_ACCOUNTING_SYS_H

#include "base/base.h"

typedef struct accounting {
    inlay__sys sys;      /* give &accounting.sys to the code under test */
    size_t live, peak;   /* bytes asked for and not returned, now and at most */
    size_t n_live;       /* blocks not returned */
    size_t n_allocs;     /* calls of alloc since accounting_init */
    size_t fail_at;      /* refuse this call, 1 for the first; 0: none */
    bool fail_after;     /* and all after it */
    size_t most;         /* refuse what would make more than that live; 0: no limit */
    bool refused;        /* that happened */
    void (*on_alloc)(void *arg); /* called before each allocation, unless NULL */
    void *arg;
} accounting;

/* One thread at a time; the rest of the calls are those of inlay__sys_default. */
void accounting_init(accounting *a);

#endif
