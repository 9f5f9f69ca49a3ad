/* Planned bytes are those that the allocator is asked for, with any model and options. INLAY_DATA names the folder of
 * reference data, whose models are planned too, and INLAY_MODEL_CACHE that of real ones. */
#include "test.h"

#include <dirent.h>
#include <sys/stat.h>

#include "api/handles.h"
#include "support/accounting_sys.h"
#include "support/temp_file.h"
#include "support/tiny_open.h"

enum { N_VALUES = INLAY_PLAN_PEAK + 1, N_WAYS = 7 };

/* Options of a way to open. */
static inlay_options *options_of(const inlay__sys *sys, int way) {
    static const struct {
        int32_t key[3];
        int64_t value[3];
    } ways[N_WAYS] = {
        {{0}, {0}},
        {{INLAY_OPT_THREADS, INLAY_OPT_CONTEXT, 0}, {1, 100, 0}},
        {{INLAY_OPT_PACK, INLAY_OPT_SEQUENCES, INLAY_OPT_THREADS}, {INLAY_PACK_OPEN, 5, 3}},
        {{INLAY_OPT_PACK, INLAY_OPT_CACHE_TYPE, INLAY_OPT_LOAD}, {INLAY_PACK_NEVER, INLAY_TYPE_F32, INLAY_LOAD_MAP}},
        {{INLAY_OPT_QUANTIZE, INLAY_OPT_BATCH, INLAY_OPT_KEEP}, {INLAY_TYPE_Q8_0, 16, 7}},
        {{INLAY_OPT_REWIND, INLAY_OPT_SEQUENCES, INLAY_OPT_BATCH}, {0, 3, 64}},
        {{INLAY_OPT_VOCAB_ONLY, 0, 0}, {1, 0, 0}},
    };
    inlay_options *options = NULL;
    CHECK_INT(inlay__options_new_with_sys(sys, &options), INLAY_OK);
    for (int i = 0; i < 3 && ways[way].key[i] != 0; i++)
        CHECK_INT(inlay_options_set_int(options, ways[way].key[i], ways[way].value[i]), INLAY_OK);
    return options;
}

static void check_equal(const char *path, int way, const char *what, int64_t planned, size_t found) {
    if ((uint64_t)planned == found) return;
    test_failures++;
    fprintf(stderr, "%s, way %d: %s is planned as %lld bytes, and takes %zu\n", path, way, what, (long long)planned,
            found);
}

/* What is really taken, by the owner's allocator. */
static void take(const char *path, int way, accounting *a, const inlay_options *options, const int64_t *planned) {
    inlay_model *model = NULL;
    inlay_session *session = NULL;
    size_t before = a->live;
    a->peak = a->live;
    if (!CHECK(inlay_model_open(path, options, &model) == INLAY_OK)) return;
    check_equal(path, way, "the model", planned[INLAY_PLAN_MODEL], a->live - before);
    check_equal(path, way, "the peak of opening", planned[INLAY_PLAN_OPENING], a->peak - before);
    CHECK(planned[INLAY_PLAN_PACKED] <= planned[INLAY_PLAN_MODEL]);
    size_t open = a->live;
    int32_t status = inlay_session_new(model, options, &session);
    if (planned[INLAY_PLAN_SESSION] == 0) {
        CHECK_INT(status, INLAY_ERR_STATE); /* its vocabulary only */
    } else if (CHECK(status == INLAY_OK)) {
        int64_t memory = 0, cache = 0;
        check_equal(path, way, "the session", planned[INLAY_PLAN_SESSION], a->live - open);
        CHECK_INT(inlay_session_get_int(session, INLAY_SESSION_MEMORY, &memory), INLAY_OK);
        CHECK_INT(inlay_session_get_int(session, INLAY_SESSION_CACHE_MEMORY, &cache), INLAY_OK);
        check_equal(path, way, "a session's memory", planned[INLAY_PLAN_SESSION], (size_t)memory);
        check_equal(path, way, "the cache", planned[INLAY_PLAN_CACHE], (size_t)cache);
        check_equal(path, way, "the peak", planned[INLAY_PLAN_PEAK], a->peak - before);
    }
    inlay_session_free(session);
    inlay_model_free(model);
    CHECK_INT(a->live, before);
}

static void check_way(const char *path, int way) {
    accounting a;
    int64_t planned[N_VALUES + 2];
    accounting_init(&a);
    inlay_options *options = options_of(&a.sys, way);
    size_t n_allocs = a.n_allocs;
    int32_t status = inlay_plan(path, options, planned, N_VALUES + 2);
    CHECK_INT(a.n_allocs, n_allocs); /* nothing was taken */
    if (status == INLAY_OK) {
        CHECK(planned[N_VALUES] == 0 && planned[N_VALUES + 1] == 0);
        take(path, way, &a, options, planned);
    } else { /* what cannot be planned cannot be opened, with the same words */
        inlay_model *model = NULL;
        inlay_session *session = NULL;
        char words[600];
        snprintf(words, sizeof words, "%s", inlay_error());
        int32_t found = inlay_model_open(path, options, &model);
        if (found == INLAY_OK) found = inlay_session_new(model, options, &session);
        CHECK_INT(found, status);
        CHECK_STR(inlay_error(), words);
        inlay_model_free(model);
    }
    inlay_options_free(options);
    CHECK_INT(a.live, 0);
}

TEST(a_file_takes_what_was_planned) {
    size_t size;
    tiny_params params = tiny_defaults();
    params.n_vocab = 9000; /* merges enough for two threads */
    uint8_t *data = tiny_model(&params, &size);
    const char *path = temp_file("planned.gguf", data, size);
    for (int way = 0; way < N_WAYS; way++) check_way(path, way);
    check_way("/nowhere.gguf", 0);
    check_way(temp_file("cut.gguf", data, size / 2), 0);
    free(data);
}

/* Every entry of a folder whose name does not begin with a dot. */
static size_t check_folder(const char *folder, const char *ending, int n_ways) {
    DIR *entries = opendir(folder);
    size_t n = 0;
    if (entries == NULL) return 0;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char path[1400];
        size_t size = strlen(entry->d_name), end = strlen(ending);
        if (entry->d_name[0] == '.' || size < end || strcmp(entry->d_name + size - end, ending) != 0) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        struct stat info;
        if (end == 0 && (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))) continue;
        for (int way = 0; way < n_ways; way++) check_way(path, way);
        n++;
    }
    closedir(entries);
    return n;
}

TEST(every_tiny_model_takes_what_was_planned) {
    const char *data = getenv("INLAY_DATA");
    char folder[1000];
    if (data == NULL || data[0] == '\0') SKIP("INLAY_DATA does not name the folder of reference data");
    snprintf(folder, sizeof folder, "%s/tiny", data);
    CHECK(check_folder(folder, "", N_WAYS) > 0);
}

TEST(every_real_model_takes_what_was_planned) {
    const char *cache = getenv("INLAY_MODEL_CACHE");
    if (cache == NULL || check_folder(cache, ".gguf", 2) == 0) SKIP("there are no real models in INLAY_MODEL_CACHE");
}

TEST_MAIN(CASE(a_file_takes_what_was_planned), CASE(every_tiny_model_takes_what_was_planned),
          CASE(every_real_model_takes_what_was_planned))
