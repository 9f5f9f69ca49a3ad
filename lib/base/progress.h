/* How far a call has come: told to the caller's function, which may stop it. */
#ifndef INLAY_PROGRESS_H
#define INLAY_PROGRESS_H

#include "base.h"

typedef struct inlay__progress {
    inlay_progress_fn tell; /* may be NULL */
    void *user;
    const char *call;       /* for the message: "opening" */
    uint64_t done, total;
} inlay__progress;

/* Tells; INLAY_ERR_CANCELLED when the function says so. NULL: nobody wants to know. */
static inline int32_t inlay__progress_tell(const inlay__progress *p) {
    if (p == NULL || p->tell == NULL || p->tell(p->user, p->done, p->total) == 0) return INLAY_OK;
    return inlay__fail(INLAY_ERR_CANCELLED, "%s was cancelled by the progress callback", p->call);
}

/* So much more is done, or all of it, and tells. Errors: _CANCELLED. */
static inline int32_t inlay__progress_add(inlay__progress *p, uint64_t n) {
    if (p == NULL) return INLAY_OK;
    p->done = n < p->total - p->done ? p->done + n : p->total;
    return inlay__progress_tell(p);
}

static inline int32_t inlay__progress_end(inlay__progress *p) { return inlay__progress_add(p, UINT64_MAX); }

/* There are so many bytes more to do. */
static inline void inlay__progress_expect(inlay__progress *p, uint64_t n) {
    if (p != NULL && !inlay__add_u64(p->total, n, &p->total)) p->total = UINT64_MAX;
}

#endif
