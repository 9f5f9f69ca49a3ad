/* Failing calls one after another. */
#include "support/faults.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "api/handles.h"
#include "support/documented.h"

enum { SAMPLE = 8, MAX_TOLD = 20 };

fail_sys faults_sys;

static struct {
    const char *name;
    bool broken;                          /* this run did what it must not */
    uint8_t *bytes, *expected;            /* recorded in this run and in the undisturbed one */
    size_t size, capacity, expected_size;
    size_t n_points, n_recovered, n_told; /* of all scenarios */
    size_t at;                            /* the call that fails in this run */
    faults_hooks hooks;
    fail_mode mode;
} run;

static const char *const modes[] = {"fails once", "and all after it fail", "does a half"};

void faults_fail(const char *call, const char *what) {
    run.broken = true;
    if (run.n_told++ < MAX_TOLD)
        fprintf(stderr, "%s: call %zu %s: %s %s\n", run.name, run.at, modes[run.mode], call, what);
}

static void fail_by_status(const char *call, int32_t status, const char *what) {
    char text[256];
    snprintf(text, sizeof text, "gave %s, %s: %.150s", inlay_status_name(status), what, inlay_error());
    faults_fail(call, text);
}

bool faults_must_retry(const char *call, int32_t status) {
    char name[64];
    size_t size = strcspn(call, "(");
    if (run.hooks.after_call != NULL) run.hooks.after_call(call);
    if (status >= 0) return false;
    snprintf(name, sizeof name, "%.*s", (int)size, call);
    if ((documented_errors(name) >> -status & 1) == 0) fail_by_status(call, status, "which its header does not list");
    if (status != INLAY_ERR_MEMORY && status != INLAY_ERR_IO && status != INLAY_ERR_THREAD)
        fail_by_status(call, status, "which does not tell that the system failed");
    if (inlay_error()[0] == '\0') faults_fail(call, "gave no text");
    if (atomic_load(&faults_sys.n_failed) == 0) fail_by_status(call, status, "though nothing had failed");
    if (faults_sys.mode == FAIL_SHORT) fail_by_status(call, status, "after a read or write that did a half");
    atomic_store(&faults_sys.fail_at, 0); /* the fault goes away */
    return true;
}

void faults_must_work(const char *call, int32_t status) {
    if (status < 0) fail_by_status(call, status, "when tried again");
}

inlay_options *faults_options(size_t n_threads) {
    inlay_options *options = NULL;
    int32_t status = inlay__options_new_with_sys(&faults_sys.sys, &options);
    if (status != INLAY_OK) {
        if (status != INLAY_ERR_MEMORY) fail_by_status("making options", status, "which no header lists");
        atomic_store(&faults_sys.fail_at, 0);
        faults_must_work("making options", inlay__options_new_with_sys(&faults_sys.sys, &options));
    }
    if (options == NULL || inlay_options_set_int(options, INLAY_OPT_THREADS, (int64_t)n_threads) != INLAY_OK) exit(2);
    return options;
}

void faults_record(const void *bytes, size_t size) {
    while (run.size + size > run.capacity) {
        run.capacity = run.capacity * 2 + 65536;
        run.bytes = realloc(run.bytes, run.capacity);
        if (run.bytes == NULL) exit(2);
    }
    memcpy(run.bytes + run.size, bytes, size);
    run.size += size;
}

/* ------------------------------------------------------------------ what a process holds */

static size_t count_entries(const char *folder) {
    size_t n = 0;
    DIR *dir = opendir(folder);
    if (dir == NULL) return 0; /* not told here */
    while (readdir(dir) != NULL) n++;
    closedir(dir);
    return n;
}

/* Whether no thread is left but those `n` from before. One that has been joined may still be listed for a moment. */
static bool threads_are_gone(size_t n) {
    for (int i = 0; i < 1000 && count_entries("/proc/self/task") > n; i++)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    return count_entries("/proc/self/task") <= n;
}

static void fail_by_holding(void) {
    char held[128];
    const fail_sys *f = &faults_sys;
    snprintf(held, sizeof held, "%zu blocks of %zu bytes, %zu files, %zu mappings are held", atomic_load(&f->n_blocks),
             atomic_load(&f->n_bytes), atomic_load(&f->n_files), atomic_load(&f->n_maps));
    faults_fail("in the end", held);
}

/* ------------------------------------------------------------------ running */

static void run_once(void (*scenario)(const void *what), const void *what) {
    size_t n_threads = count_entries("/proc/self/task"), n_files = count_entries("/proc/self/fd");
    run.size = 0;
    run.broken = false;
    scenario(what);
    atomic_store(&faults_sys.fail_at, 0);
    if (!fail_sys_is_clean(&faults_sys)) fail_by_holding();
    if (!threads_are_gone(n_threads)) faults_fail("in the end", "threads are held");
    if (count_entries("/proc/self/fd") != n_files) faults_fail("in the end", "descriptors are held");
}

/* One point; false when the scenario has fewer calls. */
static bool run_point(void (*scenario)(const void *what), const void *what, size_t n, fail_mode mode) {
    run.at = n;
    run.mode = mode;
    fail_sys_init(&faults_sys);
    fail_sys_arm(&faults_sys, n, mode);
    run_once(scenario, what);
    if (atomic_load(&faults_sys.n_failed) == 0) return false;
    if (run.size != run.expected_size || memcmp(run.bytes, run.expected, run.size) != 0)
        faults_fail("in the end", "results are other bits");
    run.n_points++;
    run.n_recovered += !run.broken;
    return true;
}

uint8_t *faults_undisturbed(void (*scenario)(const void *what), const void *what, const faults_hooks *hooks,
                            size_t *size) {
    fail_sys_init(&faults_sys);
    if (hooks != NULL) run.hooks = *hooks;
    if (run.hooks.thread_start != NULL) faults_sys.sys.thread_start = run.hooks.thread_start;
    run.name = "undisturbed";
    run_once(scenario, what);
    run.hooks = (faults_hooks){0};
    if (run.broken) exit(1);
    uint8_t *bytes = malloc(run.size + 1);
    if (bytes == NULL) exit(2);
    memcpy(bytes, run.bytes, run.size);
    *size = run.size;
    return bytes;
}

void faults_run(const char *name, void (*scenario)(const void *what), const void *what) {
    const char *wanted = getenv("INLAY_FAULTS");
    bool all = wanted != NULL && strcmp(wanted, "all") == 0;
    size_t before = run.n_points, n_calls[] = {0, 0, 0};
    run.name = name;
    run.at = 0;
    fail_sys_init(&faults_sys);
    fail_sys_arm(&faults_sys, 0, FAIL_ONCE);
    run_once(scenario, what);
    n_calls[FAIL_ONCE] = n_calls[FAIL_FROM_THERE] = atomic_load(&faults_sys.n_calls);
    n_calls[FAIL_SHORT] = atomic_load(&faults_sys.n_transfers);
    if (run.broken) exit(1);
    run.expected = malloc(run.size + 1);
    if (run.expected == NULL) exit(2);
    memcpy(run.expected, run.bytes, run.size);
    run.expected_size = run.size;
    for (int mode = FAIL_ONCE; mode <= FAIL_SHORT; mode++) {
        size_t step = all || n_calls[mode] <= SAMPLE ? 1 : n_calls[mode] / SAMPLE;
        size_t first = 1 + (step > 1 ? (size_t)name[strlen(name) - 1] * 7 % step : 0); /* not the same of all */
        for (size_t n = first; run_point(scenario, what, n, (fail_mode)mode); n += step) {}
    }
    free(run.expected);
    fprintf(stderr, "%s: %zu points\n", name, run.n_points - before);
}

bool faults_report(size_t at_least) {
    printf("fault points: %zu, recovered: %zu\n", run.n_points, run.n_recovered);
    fflush(stdout);
    bool enough = run.n_points >= at_least && run.n_recovered == run.n_points;
    free(run.bytes);
    run.bytes = NULL;
    run.capacity = run.n_points = run.n_recovered = 0;
    return enough;
}
