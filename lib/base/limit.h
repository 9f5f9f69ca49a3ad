/* When work is to be left off: as soon as a flag is set, or before a moment. */
#ifndef INLAY_LIMIT_H
#define INLAY_LIMIT_H

#include <stdatomic.h>
#include <time.h>

#include "base.h"

typedef struct inlay__limit {
    const atomic_int *cancel; /* not 0: leave; may be NULL */
    int64_t deadline;         /* of inlay__now_ns, or INLAY__NEVER */
} inlay__limit;

#define INLAY__NEVER INT64_MAX

/* Nanoseconds of a clock that only goes forward. */
static inline int64_t inlay__now_ns(void) {
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline bool inlay__is_cancelled(const inlay__limit *limit) {
    return limit->cancel != NULL && atomic_load_explicit(limit->cancel, memory_order_relaxed) != 0;
}

/* One thread's tasks, each of which is begun only if it is likely to end before the limit: as it is when it takes as
 * long as the one before. The first is begun however late it is, so that whoever comes back often enough gets done. */
typedef struct inlay__pace {
    bool has_begun;
    int64_t last; /* when the last task began; 0: there is none like the next */
} inlay__pace;

/* Whether to leave before the next task. */
static inline bool inlay__must_leave(const inlay__limit *limit, inlay__pace *pace) {
    if (inlay__is_cancelled(limit)) return true;
    if (limit->deadline == INLAY__NEVER) return false;
    int64_t now = inlay__now_ns(), took = pace->last > 0 ? now - pace->last : 0;
    bool leaves = pace->has_begun && now + took > limit->deadline;
    pace->has_begun = true;
    pace->last = now;
    return leaves;
}

#endif
