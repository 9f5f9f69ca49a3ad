/* Scenarios of public calls in which every call of the system that can fail is made to: the n-th once, the n-th and all
 * after it until the library has returned, and of reads and writes the n-th that does only a half of what was asked.
 *
 *     static void scenario(const void *what) {
 *         inlay_options *o = faults_options();
 *         FAULTS_TRY(inlay_session_new(model, o, &session));
 *         faults_record(logits, size);
 *     }
 *     faults_run("name", scenario, what);
 *     faults_report();
 *
 * A call that fails has a status that the header lists for it and a text; it is made again and works; what the whole
 * scenario records has the bits of an undisturbed run, and in the end no memory, file, mapping or thread is held.
 * INLAY_FAULTS=all in the environment runs every point, else each scenario has a sample of them.
 */
#ifndef INLAY_FAULTS_H
#define INLAY_FAULTS_H

#include "inlay.h"
#include "support/fail_sys.h"

/* The table that everything is made with. */
extern fail_sys faults_sys;

/* Options with that table and so many threads, for the caller to free. */
inlay_options *faults_options(size_t n_threads);

/* Makes the call; after an error that the header allows, once more, which must work. */
#define FAULTS_TRY(call)                                                       \
    do {                                                                       \
        if (faults_must_retry(#call, (call))) faults_must_work(#call, (call)); \
    } while (0)
/* The same of a call that makes a handle, which is NULL after an error. */
#define FAULTS_NEW(handle, call)                                                          \
    do {                                                                                  \
        bool again_ = faults_must_retry(#call, (call));                                   \
        if (again_ && (handle) != NULL) faults_fail(#call, "left a handle that is none"); \
        if (again_) faults_must_work(#call, (call));                                      \
    } while (0)

bool faults_must_retry(const char *call, int32_t status);
void faults_must_work(const char *call, int32_t status);
/* Something else than statuses is wrong with this run. */
void faults_fail(const char *call, const char *what);

/* Bytes that must be the same in every run. */
void faults_record(const void *bytes, size_t size);

/* Runs the scenario with no call failing: what it recorded, from malloc. `thread_start`, unless NULL, starts its
 * threads, and `after_call`, unless NULL, is called after each FAULTS_TRY. */
typedef struct faults_hooks {
    int (*thread_start)(void *user, void *thread, void *(*run)(void *), void *arg);
    void (*after_call)(const char *call);
} faults_hooks;

uint8_t *faults_undisturbed(void (*scenario)(const void *what), const void *what, const faults_hooks *hooks,
                            size_t *size);

/* Runs the scenario undisturbed, then once for each point. */
void faults_run(const char *name, void (*scenario)(const void *what), const void *what);
/* Prints "fault points: N, recovered: N"; whether all were recovered, and there were at least so many. */
bool faults_report(size_t at_least);

#endif
