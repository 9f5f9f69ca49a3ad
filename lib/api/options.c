/* Options: one table says what each key takes. */
#include "handles.h"

typedef struct option {
    int32_t key, kind;
    const char *name;
    double least, greatest, initial;
} option;

/* Seeds go as far as a double counts exactly. */
#define MAX_SEED 9007199254740992.0

static const option options_table[INLAY__N_OPTIONS] = {
    [INLAY__THREADS] = {INLAY_OPT_THREADS, INLAY_KIND_INT, "threads", 0, 256, 0},
    [INLAY__CPU] = {INLAY_OPT_CPU, INLAY_KIND_STRING, "cpu", 0, 0, 0},
    [INLAY__LOAD] = {INLAY_OPT_LOAD, INLAY_KIND_INT, "load", INLAY_LOAD_AUTO, INLAY_LOAD_COPY, INLAY_LOAD_AUTO},
    [INLAY__VOCAB_ONLY] = {INLAY_OPT_VOCAB_ONLY, INLAY_KIND_INT, "vocab-only", 0, 1, 0},
    [INLAY__PACK] = {INLAY_OPT_PACK, INLAY_KIND_INT, "pack", INLAY_PACK_AUTO, INLAY_PACK_OPEN, INLAY_PACK_AUTO},
    [INLAY__QUANTIZE] = {INLAY_OPT_QUANTIZE, INLAY_KIND_INT, "quantize", -1, INLAY_TYPE_Q16_0, -1},
    [INLAY__CONTEXT] = {INLAY_OPT_CONTEXT, INLAY_KIND_INT, "context", 0, 1 << 20, 0},
    [INLAY__BATCH] = {INLAY_OPT_BATCH, INLAY_KIND_INT, "batch", 1, 4096, 256},
    [INLAY__CACHE_TYPE] = {INLAY_OPT_CACHE_TYPE, INLAY_KIND_INT, "cache-type", INLAY_TYPE_F32, INLAY_TYPE_Q8_0,
                           INLAY_TYPE_F16},
    [INLAY__PREFIX] = {INLAY_OPT_PREFIX, INLAY_KIND_INT, "prefix", 0, 1 << 20, 0},
    [INLAY__POOLING] = {INLAY_OPT_POOLING, INLAY_KIND_INT, "pooling", INLAY_POOLING_MODEL, INLAY_POOLING_LAST,
                        INLAY_POOLING_MODEL},
    [INLAY__DIMENSIONS] = {INLAY_OPT_DIMENSIONS, INLAY_KIND_INT, "dimensions", 0, 1 << 18, 0},
    [INLAY__NORMALIZE] = {INLAY_OPT_NORMALIZE, INLAY_KIND_INT, "normalize", 0, 1, 1},
    [INLAY__SEQUENCES] = {INLAY_OPT_SEQUENCES, INLAY_KIND_INT, "sequences", 1, 4096, 1},
    [INLAY__SEQUENCE] = {INLAY_OPT_SEQUENCE, INLAY_KIND_INT, "sequence", 0, 4095, 0},
    [INLAY__KEEP] = {INLAY_OPT_KEEP, INLAY_KIND_INT, "keep", 0, 4096, 0},
    [INLAY__KEEP_TOKENS] = {INLAY_OPT_KEEP_TOKENS, INLAY_KIND_INT, "keep-tokens", 0, 1 << 30, 0},
    [INLAY__REWIND] = {INLAY_OPT_REWIND, INLAY_KIND_INT, "rewind", -1, 1 << 20, -1},
    [INLAY__TEMPERATURE] = {INLAY_OPT_TEMPERATURE, INLAY_KIND_FLOAT, "temperature", 0, 100, 0},
    [INLAY__TOP_K] = {INLAY_OPT_TOP_K, INLAY_KIND_INT, "top-k", 0, INT32_MAX, 0},
    [INLAY__TOP_P] = {INLAY_OPT_TOP_P, INLAY_KIND_FLOAT, "top-p", 0, 1, 1},
    [INLAY__MIN_P] = {INLAY_OPT_MIN_P, INLAY_KIND_FLOAT, "min-p", 0, 1, 0},
    [INLAY__SEED] = {INLAY_OPT_SEED, INLAY_KIND_INT, "seed", 0, MAX_SEED, 0},
};

static size_t find(int32_t key) {
    for (size_t i = 0; i < INLAY__N_OPTIONS; i++)
        if (options_table[i].key == key) return i;
    return INLAY__N_OPTIONS;
}

static const char *kind_name(int32_t kind) {
    return kind == INLAY_KIND_INT ? "an integer" : kind == INLAY_KIND_FLOAT ? "a number" : "a string";
}

/* ----------------------------------------------------------------- handles */

static void set_defaults(inlay_options *options, const inlay__sys *sys) {
    *options = (inlay_options){.magic = INLAY__MAGIC_OPTIONS, .sys = *sys};
    for (size_t i = 0; i < INLAY__N_OPTIONS; i++) {
        const option *o = &options_table[i];
        if (o->kind == INLAY_KIND_INT) options->values[i].integer = (int64_t)o->initial;
        if (o->kind == INLAY_KIND_FLOAT) options->values[i].number = o->initial;
    }
}

int32_t inlay__options_new_with_sys(const inlay__sys *sys, inlay_options **options) {
    inlay_options *made = inlay__alloc(sys, sizeof *made);
    if (made == NULL) return INLAY_ERR_MEMORY;
    set_defaults(made, sys);
    *options = made;
    return INLAY_OK;
}

int32_t inlay_options_new(inlay_options **options) {
    if (options == NULL) return inlay__null_argument("inlay_options_new", "options");
    *options = NULL;
    return inlay__options_new_with_sys(&inlay__sys_default, options);
}

int32_t inlay_options_new_with_allocator(inlay_alloc_fn alloc, inlay_free_fn release, void *user,
                                         inlay_options **options) {
    const char *function = "inlay_options_new_with_allocator";
    if (options == NULL) return inlay__null_argument(function, "options");
    *options = NULL;
    if (alloc == NULL) return inlay__null_argument(function, "alloc");
    if (release == NULL) return inlay__null_argument(function, "release");
    inlay__sys sys = inlay__sys_default;
    sys.user = user;
    sys.alloc = alloc;
    sys.release = release;
    return inlay__options_new_with_sys(&sys, options);
}

void inlay_options_free(inlay_options *options) {
    if (options == NULL || options->magic != INLAY__MAGIC_OPTIONS) return;
    inlay__sys sys = options->sys;
    for (size_t i = 0; i < INLAY__N_OPTIONS; i++)
        if (options_table[i].kind == INLAY_KIND_STRING && options->values[i].string.text != NULL)
            inlay__free(&sys, options->values[i].string.text, options->values[i].string.size + 1);
    options->magic = INLAY__MAGIC_FREED;
    inlay__free(&sys, options, sizeof *options);
}

static int32_t check(const char *function, const inlay_options *options) {
    if (options == NULL) return inlay__null_argument(function, "options");
    if (options->magic != INLAY__MAGIC_OPTIONS)
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: options is not an inlay_options handle", function);
    return INLAY_OK;
}

int32_t inlay__options_or_defaults(const char *function, const inlay_options *options, inlay_options *defaults,
                                   const inlay_options **found) {
    if (options == NULL) {
        set_defaults(defaults, &inlay__sys_default);
        *found = defaults;
        return INLAY_OK;
    }
    *found = options;
    return check(function, options);
}

/* -------------------------------------------------------------- set and get */

/* The option of that key and kind. */
static int32_t look_up(const char *function, int32_t key, int32_t kind, size_t *index) {
    size_t i = find(key);
    if (i == INLAY__N_OPTIONS) return inlay__fail(INLAY_ERR_KEY, "%s: there is no option of key %d", function, key);
    if (options_table[i].kind != kind)
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: option '%s' is %s, not %s", function, options_table[i].name,
                           kind_name(options_table[i].kind), kind_name(kind));
    *index = i;
    return INLAY_OK;
}

bool inlay__option_exists(int32_t key) { return find(key) != INLAY__N_OPTIONS; }

bool inlay__option_may_change(int32_t key) {
    return (key >= INLAY_OPT_PREFIX && key <= INLAY_OPT_NORMALIZE) || key == INLAY_OPT_SEQUENCE ||
           (key >= INLAY_OPT_TEMPERATURE && key <= INLAY_OPT_SEED);
}

int32_t inlay__option_set_number(const char *function, inlay__option_value *values, int32_t key, int32_t kind,
                                 double number, int64_t integer) {
    size_t i = 0;
    INLAY__TRY(look_up(function, key, kind, &i));
    const option *o = &options_table[i];
    bool within = kind == INLAY_KIND_INT ? integer >= (int64_t)o->least && integer <= (int64_t)o->greatest
                                         : number >= o->least && number <= o->greatest;
    if (!within) {
        if (kind == INLAY_KIND_INT)
            return inlay__fail(INLAY_ERR_ARGUMENT, "%s: option '%s' is %lld, expected %g to %g", function, o->name,
                               (long long)integer, o->least, o->greatest);
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: option '%s' is %g, expected %g to %g", function, o->name, number,
                           o->least, o->greatest);
    }
    if (kind == INLAY_KIND_INT)
        values[i].integer = integer;
    else
        values[i].number = number;
    return INLAY_OK;
}

int32_t inlay_options_set_int(inlay_options *options, int32_t key, int64_t value) {
    INLAY__TRY(check("inlay_options_set_int", options));
    return inlay__option_set_number("inlay_options_set_int", options->values, key, INLAY_KIND_INT, 0.0, value);
}

int32_t inlay_options_set_float(inlay_options *options, int32_t key, double value) {
    INLAY__TRY(check("inlay_options_set_float", options));
    return inlay__option_set_number("inlay_options_set_float", options->values, key, INLAY_KIND_FLOAT, value, 0);
}

int32_t inlay_options_set_string(inlay_options *options, int32_t key, const char *text, size_t size) {
    const char *function = "inlay_options_set_string";
    size_t i = 0;
    INLAY__TRY(check(function, options));
    if (text == NULL && size != 0) return inlay__null_argument(function, "text");
    INLAY__TRY(look_up(function, key, INLAY_KIND_STRING, &i));
    if (size == INLAY_ALL) size = strlen(text);
    inlay__cpu level;
    if (key == INLAY_OPT_CPU && size > 0 && !inlay__cpu_find(text, size, &level))
        return inlay__fail(INLAY_ERR_ARGUMENT,
                           "%s: option 'cpu' is '%.*s', expected one of " INLAY__CPU_NAMES, function,
                           (int)inlay__min_size(size, 64), text);
    char *copy = NULL;
    if (size > 0) {
        copy = inlay__copy_text(&options->sys, text, size);
        if (copy == NULL) return INLAY_ERR_MEMORY;
    }
    inlay__option_value *value = &options->values[i];
    if (value->string.text != NULL) inlay__free(&options->sys, value->string.text, value->string.size + 1);
    value->string.text = copy;
    value->string.size = size;
    return INLAY_OK;
}

int32_t inlay_options_set_text(inlay_options *options, int32_t key, const char *text, size_t size) {
    const char *function = "inlay_options_set_text";
    INLAY__TRY(check(function, options));
    if (text == NULL) return inlay__null_argument(function, "text");
    if (size == INLAY_ALL) size = strlen(text);
    size_t i = find(key);
    if (i == INLAY__N_OPTIONS) return inlay__fail(INLAY_ERR_KEY, "%s: there is no option of key %d", function, key);
    int64_t integer = 0;
    double number = 0.0;
    int32_t kind = options_table[i].kind;
    if (kind == INLAY_KIND_STRING) return inlay_options_set_string(options, key, text, size);
    if (kind == INLAY_KIND_INT ? !inlay__parse_i64(text, size, &integer) : !inlay__parse_f64(text, size, &number))
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: option '%s' is '%.*s', expected %s", function,
                           options_table[i].name, (int)inlay__min_size(size, 64), text, kind_name(kind));
    return inlay__option_set_number(function, options->values, key, kind, number, integer);
}

int32_t inlay_options_get_int(const inlay_options *options, int32_t key, int64_t *value) {
    size_t i = 0;
    INLAY__TRY(check("inlay_options_get_int", options));
    if (value == NULL) return inlay__null_argument("inlay_options_get_int", "value");
    INLAY__TRY(look_up("inlay_options_get_int", key, INLAY_KIND_INT, &i));
    *value = options->values[i].integer;
    return INLAY_OK;
}

int32_t inlay_options_get_float(const inlay_options *options, int32_t key, double *value) {
    size_t i = 0;
    INLAY__TRY(check("inlay_options_get_float", options));
    if (value == NULL) return inlay__null_argument("inlay_options_get_float", "value");
    INLAY__TRY(look_up("inlay_options_get_float", key, INLAY_KIND_FLOAT, &i));
    *value = options->values[i].number;
    return INLAY_OK;
}

int32_t inlay_options_get_string(const inlay_options *options, int32_t key, const char **text, size_t *size) {
    size_t i = 0;
    INLAY__TRY(check("inlay_options_get_string", options));
    if (text == NULL) return inlay__null_argument("inlay_options_get_string", "text");
    if (size == NULL) return inlay__null_argument("inlay_options_get_string", "size");
    INLAY__TRY(look_up("inlay_options_get_string", key, INLAY_KIND_STRING, &i));
    *text = options->values[i].string.text != NULL ? options->values[i].string.text : "";
    *size = options->values[i].string.size;
    return INLAY_OK;
}

int32_t inlay_options_set_log(inlay_options *options, inlay_log_fn log, void *user) {
    INLAY__TRY(check("inlay_options_set_log", options));
    options->log = (inlay__log){log, user};
    return INLAY_OK;
}

int32_t inlay_options_set_progress(inlay_options *options, inlay_progress_fn progress, void *user) {
    INLAY__TRY(check("inlay_options_set_progress", options));
    options->progress = progress;
    options->progress_user = user;
    return INLAY_OK;
}

int32_t inlay_options_set_parallel(inlay_options *options, inlay_parallel_fn parallel, void *user) {
    INLAY__TRY(check("inlay_options_set_parallel", options));
    options->sys.parallel_for = parallel;
    options->sys.parallel_user = user;
    return INLAY_OK;
}

/* ------------------------------------------------------------- description */

size_t inlay_option_count(void) { return INLAY__N_OPTIONS; }

int32_t inlay_option_key(size_t index) { return index < INLAY__N_OPTIONS ? options_table[index].key : 0; }

int32_t inlay_option_describe(int32_t key, int32_t *kind, const char **name, double *least, double *greatest,
                              double *initial) {
    size_t i = find(key);
    if (i == INLAY__N_OPTIONS)
        return inlay__fail(INLAY_ERR_KEY, "inlay_option_describe: there is no option of key %d", key);
    if (kind != NULL) *kind = options_table[i].kind;
    if (name != NULL) *name = options_table[i].name;
    if (least != NULL) *least = options_table[i].least;
    if (greatest != NULL) *greatest = options_table[i].greatest;
    if (initial != NULL) *initial = options_table[i].initial;
    return INLAY_OK;
}

inlay__sampler_config inlay__sampler_config_of(const inlay__option_value *values) {
    return (inlay__sampler_config){
        .temperature = (float)values[INLAY__TEMPERATURE].number,
        .top_k = (int32_t)values[INLAY__TOP_K].integer,
        .top_p = (float)values[INLAY__TOP_P].number,
        .min_p = (float)values[INLAY__MIN_P].number,
        .seed = (uint64_t)values[INLAY__SEED].integer,
    };
}
