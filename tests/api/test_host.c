/* Hosts that are set up otherwise than a test's usually is: whatever their locale, rounding, stacks, streams and
 * signals, all that the library does has the same bits, and it leaves the host's settings as they are. */
#include "test.h"

#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/family_folder.h"
#include "support/fault_scenarios.h"
#include "support/faults.h"
#include "support/temp_file.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum { MAX_SCENARIOS = 64, MAX_STACKS = 4096 };

/* What each scenario gives here, before anything is set otherwise. */
static struct {
    uint8_t *bytes;
    size_t size;
} expected[MAX_SCENARIOS];

static void prepare(void) {
    if (expected[0].bytes != NULL) return;
    prepare_files();
    for (size_t i = 0; i < n_scenarios; i++)
        expected[i].bytes = faults_undisturbed(scenarios[i].run, scenarios[i].what, NULL, &expected[i].size);
}

/* All scenarios again, as things are now; how many gave something else. */
static int run_all(const faults_hooks *hooks) {
    int n_other = 0;
    for (size_t i = 0; i < n_scenarios; i++) {
        size_t size;
        uint8_t *bytes = faults_undisturbed(scenarios[i].run, scenarios[i].what, hooks, &size);
        bool same = size == expected[i].size && memcmp(bytes, expected[i].bytes, size) == 0;
        if (!same) fprintf(stderr, "%s: other bits\n", scenarios[i].name);
        n_other += !same;
        free(bytes);
    }
    return n_other;
}

/* ------------------------------------------------------------------ locales */

/* Makes a locale of the system's sources; false where there are none. */
static bool make_locale(const char *source, const char *name) {
    char command[512];
    snprintf(command, sizeof command, "localedef -i %s -f UTF-8 '%s' > /dev/null 2>&1", source, temp_path(name));
    int status = system(command);
    return status != -1 && access(temp_path(name), R_OK) == 0;
}

static void in_locale(const char *source, const char *name, const char *comma) {
    prepare();
    if (!make_locale(source, name)) SKIP("localedef or its sources are not there");
    setenv("LOCPATH", temp_path("."), 1);
    bool set = setlocale(LC_ALL, name) != NULL;
    if (set) {
        CHECK_STR(localeconv()->decimal_point, comma);
        CHECK_INT(run_all(NULL), 0);
        setlocale(LC_ALL, "C");
    }
    char command[512];
    snprintf(command, sizeof command, "rm -r '%s'", temp_path(name));
    CHECK_INT(system(command), 0);
    if (!set) SKIP("the locale that was made cannot be set");
}

TEST(a_decimal_comma_changes_nothing) { in_locale("de_DE", "de_DE.UTF-8", ","); }
TEST(turkish_letters_change_nothing) { in_locale("tr_TR", "tr_TR.UTF-8", ","); }

/* ------------------------------------------------------------------ rounding and denormals */

#if defined(__x86_64__)
static unsigned host_mode;

static void mode_is_the_hosts(const char *call) {
    if ((_mm_getcsr() & ~0x3fu) != (host_mode & ~0x3fu)) {
        test_failures++;
        fprintf(stderr, "%s left another mode of floating point\n", call);
    }
}

TEST(flushed_denormals_and_upward_rounding_change_nothing_and_stay) {
    const faults_hooks hooks = {.after_call = mode_is_the_hosts};
    unsigned saved = _mm_getcsr();
    static const unsigned modes[] = {0x8040 /* FTZ, DAZ */, 0x4000 /* up */, 0x2000 /* down */,
                                     0xe040 /* all, to zero */};
    prepare();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        _mm_setcsr(host_mode = 0x1f80 | modes[i]);
        int n_other = run_all(&hooks);
        _mm_setcsr(saved);
        CHECK_INT(n_other, 0);
    }
}
#else
TEST(flushed_denormals_and_upward_rounding_change_nothing_and_stay) {
    prepare();
    fesetround(FE_UPWARD);
    int n_other = run_all(NULL), mode = fegetround();
    fesetround(FE_TONEAREST);
    CHECK_INT(n_other, 0);
    CHECK_INT(mode, FE_UPWARD);
}
#endif

/* ------------------------------------------------------------------ stacks */

enum { STACK = 256 << 10, MOST_STACK = 48 << 10, PAINT = 0x5c };

/* Stacks that were painted before a thread ran on them. */
static uint8_t *stacks[MAX_STACKS];
static atomic_size_t n_stacks;

static int start_on_paint(void *user, void *thread, void *(*run)(void *), void *arg) {
    pthread_attr_t attributes;
    size_t i = atomic_fetch_add(&n_stacks, 1);
    void *memory = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)user;
    if (i >= MAX_STACKS || memory == MAP_FAILED) exit(2);
    stacks[i] = memset(memory, PAINT, STACK);
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, memory, STACK);
    int status = pthread_create(thread, &attributes, run, arg);
    pthread_attr_destroy(&attributes);
    return status;
}

/* The most that any thread used; stacks are let go. */
static size_t deepest_stack(void) {
    size_t deepest = 0, n = atomic_load(&n_stacks);
    for (size_t i = 0; i < n; i++) {
        size_t untouched = 0;
        while (untouched < STACK && stacks[i][untouched] == PAINT) untouched++;
        if (STACK - untouched > deepest) deepest = STACK - untouched;
        munmap(stacks[i], STACK);
    }
    atomic_store(&n_stacks, 0);
    return deepest;
}

static void *run_scenario(void *arg) {
    const faults_hooks hooks = {.thread_start = start_on_paint};
    size_t size, i = *(const size_t *)arg;
    uint8_t *bytes = faults_undisturbed(scenarios[i].run, scenarios[i].what, &hooks, &size);
    CHECK(size == expected[i].size && memcmp(bytes, expected[i].bytes, size) == 0);
    free(bytes);
    return NULL;
}

/* The thread's own needs and those of the scenario are a part of what is measured. */
TEST(no_call_takes_more_than_48_kib_of_stack) {
    size_t most = 0;
    prepare();
    if (SANITIZED) SKIP("sanitizers take stack of their own");
    for (size_t i = 0; i < n_scenarios; i++) {
        pthread_t thread;
        CHECK_INT(start_on_paint(NULL, &thread, run_scenario, &i), 0);
        CHECK_INT(pthread_join(thread, NULL), 0);
        size_t depth = deepest_stack();
        if (depth > MOST_STACK) fprintf(stderr, "%s: %zu bytes of stack\n", scenarios[i].name, depth);
        CHECK(depth <= MOST_STACK);
        if (depth > most) most = depth;
    }
    printf("deepest stack: %zu bytes\n", most);
}

/* ------------------------------------------------------------------ streams, memory, signals */

/* Runs `child` in a process of its own; what it returns. */
static int in_child(int (*child)(void)) {
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) _exit(child());
    if (pid < 0 || waitpid(pid, &status, 0) != pid) return -1;
    if (WIFSIGNALED(status)) fprintf(stderr, "the child was killed: %s\n", strsignal(WTERMSIG(status)));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int without_streams(void) {
    close(0);
    close(1);
    close(2);
    return run_all(NULL);
}

TEST(closed_standard_streams_change_nothing) {
    prepare();
    CHECK_INT(in_child(without_streams), 0);
}

/* With so little address space beyond what there is now; 0 when each call gave a status that tells of it. */
static bool runs_within(size_t room) {
    inlay_options *o = NULL;
    inlay_model *m = NULL;
    inlay_session *s = NULL;
    const int32_t tokens[] = {5, 9, 77, 120};
    struct rlimit limit;
    size_t used = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (statm == NULL || fscanf(statm, "%zu", &used) != 1) _exit(77);
    fclose(statm);
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = used * (size_t)sysconf(_SC_PAGESIZE) + room;
    setrlimit(RLIMIT_AS, &limit);
    int32_t status = inlay_options_new(&o);
    if (status == INLAY_OK) status = inlay_options_set_int(o, INLAY_OPT_LOAD, INLAY_LOAD_MAP);
    if (status == INLAY_OK)
        status = inlay_options_set_int(o, INLAY_OPT_CONTEXT, 1 << 20); /* more than is free already */
    if (status == INLAY_OK) status = inlay_model_open(temp_path("tiny.gguf"), o, &m);
    if (status == INLAY_OK) status = inlay_session_new(m, o, &s);
    if (status == INLAY_OK) status = inlay_eval(s, tokens, 4);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_AS, &limit);
    inlay_session_free(s);
    inlay_model_free(m);
    inlay_options_free(o);
    if (status != INLAY_OK && status != INLAY_ERR_MEMORY && status != INLAY_ERR_IO && status != INLAY_ERR_THREAD)
        _exit(2);
    return status == INLAY_OK;
}

static int with_little_memory(void) {
    bool any_ran = false, all_ran = true;
    for (size_t room = 0; room <= 1 << 30; room += room < 1 << 20 ? 64 << 10 : 32 << 20) {
        bool ran = runs_within(room);
        any_ran = any_ran || ran;
        all_ran = all_ran && ran;
    }
    if (!any_ran || all_ran) {
        fprintf(stderr, "%s ran: %s\n", all_ran ? "all" : "none", inlay_error());
        return 1;
    }
    return run_all(NULL);
}

TEST(little_address_space_is_an_error_and_no_more) {
    prepare();
    if (SANITIZED) SKIP("sanitizers need address space of their own");
    int status = in_child(with_little_memory);
    if (status == 77) SKIP("the system does not tell how much address space is used");
    CHECK_INT(status, 0);
}

static atomic_uint n_signals;

static void count_signal(int number) {
    (void)number;
    atomic_fetch_add(&n_signals, 1);
}

TEST(signals_at_ten_kilohertz_change_nothing) {
    struct sigaction action = {.sa_handler = count_signal}, before; /* calls are interrupted: no SA_RESTART */
    const struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
    prepare();
    CHECK_INT(sigaction(SIGALRM, &action, &before), 0);
    CHECK_INT(setitimer(ITIMER_REAL, &often, NULL), 0);
    int n_other = 0;
    for (int i = 0; i < 20 && (i < 1 || atomic_load(&n_signals) < 100); i++) n_other += run_all(NULL);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    CHECK_INT(n_other, 0);
    CHECK(atomic_load(&n_signals) > 0);
}

/* ------------------------------------------------------------------ fork */

static int32_t eval_some(inlay_session *s) {
    int32_t tokens[24];
    for (int i = 0; i < 24; i++) tokens[i] = 3 + i * 7;
    int32_t status = inlay_session_truncate(s, 0);
    return status == INLAY_OK ? inlay_eval(s, tokens, 24) : status;
}

static atomic_bool is_over;

static void *eval_on(void *session) {
    while (!atomic_load(&is_over))
        if (eval_some(session) != INLAY_OK) exit(2);
    return NULL;
}

/* A child at any moment of another thread's evaluation, of the packing of weights too: it evaluates with a session of
 * its own, frees what it has and ends. */
TEST(children_of_fork_at_any_moment_of_an_evaluation_go_on) {
    enum { N_CHILDREN = 60 };
    prepare();
    if (SANITIZED) SKIP("sanitizers do not go on in a child of a process with threads");
    for (int i = 0; i < N_CHILDREN; i++) {
        inlay_model *m = NULL;
        inlay_session *busy = NULL, *own = NULL;
        pthread_t thread;
        int status = 0;
        CHECK_INT(inlay_model_open(temp_path("q4_0.gguf"), NULL, &m), INLAY_OK);
        CHECK_INT(inlay_session_new(m, NULL, &busy), INLAY_OK);
        CHECK_INT(inlay_session_new(m, NULL, &own), INLAY_OK);
        atomic_store(&is_over, false);
        CHECK_INT(pthread_create(&thread, NULL, eval_on, busy), 0);
        for (volatile int k = 0; k < i * 3000; k++) continue; /* any moment */
        pid_t pid = fork();
        if (pid == 0) {
            alarm(60);
            int32_t found = eval_some(own);
            inlay_session_free(own);
            inlay_model_free(m);
            _exit(found == INLAY_OK || found == INLAY_ERR_THREAD ? 0 : 1);
        }
        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
        if (!CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0))
            fprintf(stderr, "child %d: %s\n", i, WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "another status");
        atomic_store(&is_over, true);
        CHECK_INT(pthread_join(thread, NULL), 0);
        inlay_session_free(own);
        inlay_session_free(busy);
        inlay_model_free(m);
    }
}

TEST_MAIN(CASE(a_decimal_comma_changes_nothing), CASE(turkish_letters_change_nothing),
          CASE(flushed_denormals_and_upward_rounding_change_nothing_and_stay),
          CASE(no_call_takes_more_than_48_kib_of_stack), CASE(closed_standard_streams_change_nothing),
          CASE(little_address_space_is_an_error_and_no_more), CASE(signals_at_ten_kilohertz_change_nothing),
          CASE(children_of_fork_at_any_moment_of_an_evaluation_go_on))
