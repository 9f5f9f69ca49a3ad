/* What a model and a session will take: both are made for the count, without the work on weights. */
#include "handles.h"

/* Counts what passes through to the C library's memory. */
typedef struct counter {
    size_t live, peak;
} counter;

static void *count_alloc(void *user, size_t size, size_t alignment) {
    counter *c = user;
    void *memory = inlay__sys_default.alloc(inlay__sys_default.user, size, alignment);
    if (memory == NULL) return NULL;
    c->live += size;
    c->peak = inlay__max_size(c->peak, c->live);
    return memory;
}

static void count_release(void *user, void *memory, size_t size) {
    ((counter *)user)->live -= size;
    inlay__sys_default.release(inlay__sys_default.user, memory, size);
}

static size_t mapped_size(const inlay__weights *weights) {
    size_t size = 0;
    for (size_t i = 0; i < weights->n_parts; i++)
        if (weights->parts[i].file.mapped) size += weights->parts[i].file.size;
    return size;
}

static int32_t plan_session(inlay_model *model, const inlay_options *options, const counter *c, int64_t *values) {
    inlay_session *session;
    INLAY__TRY(inlay_session_new(model, options, &session));
    values[INLAY_PLAN_SESSION] = (int64_t)session->memory;
    values[INLAY_PLAN_CACHE] = (int64_t)inlay__decoder_cache_memory(session->decoder);
    values[INLAY_PLAN_PEAK] = (int64_t)c->peak;
    inlay_session_free(session);
    return INLAY_OK;
}

static int32_t plan(const inlay__source *source, const inlay_options *options, const counter *c, int64_t *values) {
    inlay_model *model = NULL;
    INLAY__TRY(inlay__model_open(options, source, &model));
    values[INLAY_PLAN_MAPPED] = (int64_t)mapped_size(&model->weights);
    values[INLAY_PLAN_OPENING] = values[INLAY_PLAN_PEAK] = (int64_t)c->peak;
    values[INLAY_PLAN_MODEL] = (int64_t)c->live;
    values[INLAY_PLAN_PACKED] = model->network != NULL ? (int64_t)inlay__model_packed_size(model->network) : 0;
    int32_t status = model->network != NULL ? plan_session(model, options, c, values) : INLAY_OK;
    inlay_model_free(model);
    return status;
}

static int32_t plan_source(const char *function, const inlay__source *source, const inlay_options *options,
                           int64_t *values, size_t n_values) {
    inlay_options defaults, counting;
    const inlay_options *found;
    int64_t all[INLAY__N_PLANNED] = {0};
    counter c = {0, 0};
    if (values == NULL) return inlay__null_argument(function, "values");
    INLAY__TRY(inlay__options_or_defaults(function, options, &defaults, &found));
    counting = *found;
    counting.progress = NULL;
    counting.log = (inlay__log){0};
    counting.sys.alloc = count_alloc;
    counting.sys.release = count_release;
    counting.sys.user = &c;
    counting.sys.file_populate = NULL;
    counting.sys.parallel_for = NULL;
    counting.sys.only_plans = true;
    INLAY__TRY(plan(source, &counting, &c, all));
    for (size_t i = 0; i < n_values; i++) values[i] = i < INLAY__N_PLANNED ? all[i] : 0;
    return INLAY_OK;
}

int32_t inlay_plan(const char *path, const inlay_options *options, int64_t *values, size_t n_values) {
    inlay__source source;
    INLAY__TRY(inlay__source_of_path("inlay_plan", path, &source));
    return plan_source("inlay_plan", &source, options, values, n_values);
}

int32_t inlay_plan_fd(int32_t fd, uint64_t offset, uint64_t size, const inlay_options *options, int64_t *values,
                      size_t n_values) {
    inlay__source source;
    INLAY__TRY(inlay__source_of_fd("inlay_plan_fd", fd, offset, size, &source));
    return plan_source("inlay_plan_fd", &source, options, values, n_values);
}

int32_t inlay_plan_read(inlay_read_fn read, void *user, uint64_t size, const inlay_options *options, int64_t *values,
                        size_t n_values) {
    inlay__source source;
    INLAY__TRY(inlay__source_of_read("inlay_plan_read", read, user, size, &source));
    return plan_source("inlay_plan_read", &source, options, values, n_values);
}
