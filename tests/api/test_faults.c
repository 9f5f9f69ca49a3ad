/* Every call to the system that can fail is made to fail once, and from there on until the library has returned: each
 * public function gives a status that the header lists for it and a text, its handles are as they were, trying again
 * works and gives the same bits, and in the end nothing is held. */
#include "test.h"

#include <dirent.h>
#include <time.h>

#include "api/handles.h"
#include "support/fail_sys.h"
#include "support/temp_file.h"
#include "support/tiny_open.h"

enum { N_VOCAB = 320, N_NEW = 4 };

static const char prompt[] = "The quick br\xc3\xb6wn fox <|im_end|> jumps over thirteen lazy dogs, twice.";

/* What a run gives. */
typedef struct result {
    int32_t tokens[N_NEW];
    float logits[N_VOCAB];
} result;

typedef struct scenario {
    const char *name;
    const char *path; /* NULL: from memory */
    int load;
    int vocab_only;
} scenario;

static uint8_t *data;
static size_t data_size;
static fail_sys f;

static size_t count_threads(void) {
    size_t n = 0;
    DIR *dir = opendir("/proc/self/task");
    if (dir == NULL) return 0; /* not told here */
    while (readdir(dir) != NULL) n++;
    closedir(dir);
    return n;
}

/* Whether no thread is left but those `n` from before. One that has been joined may still be listed for a moment. */
static bool threads_are_gone(size_t n) {
    for (int i = 0; i < 1000 && count_threads() > n; i++) nanosleep(&(struct timespec){0, 1000000}, NULL);
    return count_threads() <= n;
}

/* Fails at most once in a run. These are the statuses that the header lists for the function, as bits. */
#define BIT(status) (1u << -(status))
#define MEMORY BIT(INLAY_ERR_MEMORY)
#define IO BIT(INLAY_ERR_IO)
#define THREAD BIT(INLAY_ERR_THREAD)

static bool may_retry(int32_t status, uint32_t allowed, const char *call) {
    if (status == INLAY_OK) return false;
    if ((BIT(status) & allowed) == 0 || inlay_error()[0] == '\0') {
        test_failures++;
        fprintf(stderr, "%s gave %s: %s\n", call, inlay_status_name(status), inlay_error());
    }
    CHECK(atomic_load(&f.n_failed) > 0);
    atomic_store(&f.fail_at, 0); /* the fault goes away */
    return true;
}

#define TRY(allowed, call)                                                        \
    do {                                                                          \
        if (may_retry(call, allowed, #call)) CHECK_INT(call, INLAY_OK);           \
    } while (0)

static int32_t open_model(const scenario *sc, const inlay_options *o, inlay_model **model) {
    *model = (inlay_model *)(uintptr_t)1;
    int32_t status = sc->path != NULL ? inlay_model_open(sc->path, o, model)
                                      : inlay_model_open_memory(data, data_size, o, model);
    CHECK((status == INLAY_OK) == (*model != NULL));
    return status;
}

static int32_t new_session(inlay_model *model, const inlay_options *o, inlay_session **session) {
    *session = (inlay_session *)(uintptr_t)1;
    int32_t status = inlay_session_new(model, o, session);
    CHECK((status == INLAY_OK) == (*session != NULL));
    return status;
}

static int32_t eval(inlay_session *s, const int32_t *tokens, size_t n) {
    size_t before = tiny_length(s);
    int32_t status = inlay_eval(s, tokens, n);
    CHECK_INT(tiny_length(s), status == INLAY_OK ? before + n : before);
    if (status != INLAY_OK) CHECK_STR(inlay_session_error(s), inlay_error());
    return status;
}

static void run_session(inlay_model *model, const inlay_options *o, const int32_t *ids, size_t n, result *r) {
    inlay_session *s = NULL;
    TRY(MEMORY | THREAD, new_session(model, o, &s));
    TRY(IO | THREAD, eval(s, ids, n));
    for (size_t i = 0; i < N_NEW; i++) {
        TRY(0, inlay_sample(s, &r->tokens[i]));
        TRY(IO | THREAD, eval(s, &r->tokens[i], 1));
    }
    float *logits = tiny_logits(s);
    memcpy(r->logits, logits, sizeof r->logits);
    free(logits);
    inlay_session_free(s);
}

static void run(const scenario *sc, result *r) {
    inlay_options *o = NULL;
    inlay_model *model = NULL;
    int32_t ids[128];
    size_t n = 0;
    memset(r, 0, sizeof *r);
    TRY(MEMORY, inlay__options_new_with_sys(&f.sys, &o));
    TRY(MEMORY, inlay_options_set_string(o, INLAY_OPT_CPU, inlay_cpu(), INLAY_ALL));
    TRY(0, inlay_options_set_int(o, INLAY_OPT_THREADS, 3));
    TRY(0, inlay_options_set_int(o, INLAY_OPT_LOAD, sc->load));
    TRY(0, inlay_options_set_int(o, INLAY_OPT_VOCAB_ONLY, sc->vocab_only));
    TRY(0, inlay_options_set_float(o, INLAY_OPT_TEMPERATURE, 0.7));
    TRY(MEMORY | IO | THREAD, open_model(sc, o, &model));
    TRY(MEMORY, inlay_tokenize(model, prompt, sizeof prompt - 1, INLAY_PARSE_SPECIAL, ids, 128, &n));
    if (sc->vocab_only == 0) run_session(model, o, ids, n, r);
    if (sc->vocab_only != 0) memcpy(r->tokens, ids, sizeof r->tokens);
    inlay_model_free(model);
    inlay_options_free(o);
}

/* Runs with call 1, 2, ... failing until a run has fewer. */
static size_t fail_each_call(const scenario *sc, bool and_all_after) {
    static result expected, found;
    size_t n_threads = count_threads(), n_faults = 0;
    fail_sys_init(&f);
    run(sc, &expected);
    CHECK(fail_sys_is_clean(&f) && threads_are_gone(n_threads));
    for (size_t n = 1;; n++) {
        fail_sys_arm(&f, n, and_all_after);
        run(sc, &found);
        if (atomic_load(&f.n_failed) == 0) break;
        n_faults++;
        if (memcmp(&found, &expected, sizeof found) == 0 && fail_sys_is_clean(&f) && threads_are_gone(n_threads))
            continue;
        test_failures++;
        fprintf(stderr, "%s: after the failure of call %zu: %s, %zu blocks, %zu files, %zu maps held, %zu threads\n",
                sc->name, n, memcmp(&found, &expected, sizeof found) == 0 ? "same bits" : "OTHER BITS",
                atomic_load(&f.n_blocks), atomic_load(&f.n_files), atomic_load(&f.n_maps), count_threads());
        fail_sys_init(&f);
    }
    return n_faults;
}

static void fail_everywhere(scenario sc, size_t at_least) {
    size_t once = fail_each_call(&sc, false), after = fail_each_call(&sc, true);
    fprintf(stderr, "%s: %zu faults once, %zu lasting\n", sc.name, once, after);
    CHECK(once >= at_least && after >= at_least);
}

static void make_model(uint32_t type) {
    tiny_params p = tiny_defaults();
    p.matrix_type = type;
    free(data);
    data = tiny_model(&p, &data_size);
}

TEST(from_memory) {
    make_model(INLAY_TYPE_Q8_0);
    fail_everywhere((scenario){"memory", NULL, INLAY_LOAD_AUTO, 0}, 30);
}

TEST(from_a_copied_file) {
    make_model(INLAY_TYPE_F32);
    fail_everywhere((scenario){"copied file", temp_file("faults.gguf", data, data_size), INLAY_LOAD_COPY, 0}, 30);
}

TEST(from_a_mapped_file) {
    make_model(INLAY_TYPE_Q4_0);
    fail_everywhere((scenario){"mapped file", temp_file("faults.gguf", data, data_size), INLAY_LOAD_MAP, 0}, 30);
}

TEST(the_vocabulary_alone) {
    make_model(INLAY_TYPE_F32);
    fail_everywhere((scenario){"vocabulary", NULL, INLAY_LOAD_AUTO, 1}, 10);
    free(data);
    data = NULL;
}

/* Tokenizing again and again with a failure in each place: the model is shared, so it must not change at all. */
TEST(tokenizing_leaves_the_buffer_alone) {
    make_model(INLAY_TYPE_F32);
    inlay_options *o = NULL;
    inlay_model *model = NULL;
    int32_t expected[128], ids[128];
    size_t n = 0, m = 0;
    fail_sys_init(&f);
    CHECK_INT(inlay__options_new_with_sys(&f.sys, &o), INLAY_OK);
    CHECK_INT(inlay_model_open_memory(data, data_size, o, &model), INLAY_OK);
    CHECK_INT(inlay_tokenize(model, prompt, sizeof prompt - 1, 0, expected, 128, &n), INLAY_OK);
    size_t held = atomic_load(&f.n_bytes);
    for (size_t at = 1;; at++) {
        memset(ids, 0x55, sizeof ids);
        m = 777;
        fail_sys_arm(&f, at, at % 2 == 0);
        int32_t status = inlay_tokenize(model, prompt, sizeof prompt - 1, 0, ids, 128, &m);
        CHECK_INT(atomic_load(&f.n_bytes), held);
        if (status == INLAY_OK) break;
        CHECK_INT(status, INLAY_ERR_MEMORY);
        CHECK_HAS(inlay_model_error(model), "memory");
        CHECK(ids[0] == 0x55555555 && m == 777);
    }
    CHECK_INT(m, n);
    CHECK(memcmp(ids, expected, n * sizeof *ids) == 0);
    fail_sys_arm(&f, 0, false);
    inlay_model_free(model);
    inlay_options_free(o);
    CHECK(fail_sys_is_clean(&f));
    free(data);
    data = NULL;
}

TEST_MAIN(CASE(from_memory), CASE(from_a_copied_file), CASE(from_a_mapped_file), CASE(the_vocabulary_alone),
          CASE(tokenizing_leaves_the_buffer_alone))
