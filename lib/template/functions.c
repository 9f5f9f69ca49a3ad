/* Finding and calling filters, tests, methods and the built-in functions. */
#include "functions.h"

/* ------------------------------------------------------------------- tables */

static int32_t find_in(const inlay__callable *table, const char *name, size_t size) {
    for (int32_t i = 0; table[i].name != NULL; i++)
        if (strlen(table[i].name) == size && memcmp(table[i].name, name, size) == 0) return i;
    return -1;
}

/* Several tables are numbered one after another, each from a multiple of this. */
enum { TABLE = 128 };

static int32_t find_among(const inlay__callable *const *tables, size_t n, const char *name, size_t size) {
    for (size_t i = 0; i < n; i++) {
        int32_t found = find_in(tables[i], name, size);
        if (found >= 0) return found + (int32_t)i * TABLE;
    }
    return -1;
}

static const inlay__callable *const filter_tables[] = {inlay__text_filters, inlay__list_filters, inlay__value_filters};
static const inlay__callable *const method_tables[] = {inlay__string_methods, inlay__container_methods};

int32_t inlay__filter_find(const char *name, size_t size) {
    return find_among(filter_tables, INLAY__COUNT(filter_tables), name, size);
}

int32_t inlay__method_find(const char *name, size_t size) {
    return find_among(method_tables, INLAY__COUNT(method_tables), name, size);
}

const inlay__callable *inlay__method_at(int32_t method) { return &method_tables[method / TABLE][method % TABLE]; }

uint8_t inlay__methods_on(const inlay__value *v) {
    switch (v->kind) {
    case INLAY__V_STRING: return INLAY__ON_STRING;
    case INLAY__V_LIST: return INLAY__ON_LIST;
    case INLAY__V_TUPLE:
    case INLAY__V_RANGE: return INLAY__ON_TUPLE;
    case INLAY__V_DICT: return INLAY__ON_DICT;
    case INLAY__V_CYCLER: return INLAY__ON_CYCLER;
    case INLAY__V_LOOP: return INLAY__ON_LOOP;
    default: return 0;
    }
}

/* ---------------------------------------------------------------- arguments */

/* The parameter called `name` among those of `params`, from 0, or -1. */
static int param_index(const char *params, const inlay__string *name) {
    for (int i = 0; *params != '\0'; i++) {
        size_t size = strcspn(params, " ");
        if (size == name->size && memcmp(params, name->text, size) == 0) return i;
        params += size + (params[size] == ' ');
    }
    return -1;
}

static size_t count_params(const char *params) {
    size_t n = *params != '\0';
    for (; *params != '\0'; params++) n += *params == ' ';
    return n;
}

int32_t inlay__callable_run(inlay__machine *m, const inlay__callable *callable, const char *kind,
                            const inlay__value *self, const inlay__arguments *args, inlay__value *result) {
    if (callable->run_free != NULL) return callable->run_free(m, self, args, result);
    inlay__value bound[1 + INLAY__MAX_PARAMS];
    size_t n_params = count_params(callable->params);
    if (args->n > n_params)
        return inlay__fail(INLAY_ERR_TEMPLATE, "%s '%s' takes at most %zu arguments, was given %zu", kind,
                           callable->name, n_params, args->n);
    bound[0] = *self;
    for (size_t i = 0; i < INLAY__MAX_PARAMS; i++)
        bound[1 + i] = i < args->n ? args->positional[i] : (inlay__value){.kind = INLAY__V_ABSENT};
    for (size_t i = 0; i < args->n_named; i++) {
        const inlay__string *name = args->named[2 * i].of.string;
        int index = param_index(callable->params, name);
        if (index < 0 || bound[1 + index].kind != INLAY__V_ABSENT)
            return inlay__fail(INLAY_ERR_TEMPLATE, "%s '%s' takes no further argument '%.*s'", kind, callable->name,
                               (int)inlay__min_size(name->size, 64), name->text);
        bound[1 + index] = args->named[2 * i + 1];
    }
    for (size_t i = 0; i < callable->n_required; i++)
        if (bound[1 + i].kind == INLAY__V_ABSENT)
            return inlay__fail(INLAY_ERR_TEMPLATE, "%s '%s' takes at least %u arguments", kind, callable->name,
                               callable->n_required);
    return callable->run(m, bound, result);
}

int32_t inlay__arg_int(const inlay__value *a, const char *name, int64_t *value) {
    if (a->kind == INLAY__V_ABSENT) return INLAY_OK;
    if (a->kind != INLAY__V_INT && a->kind != INLAY__V_BOOL)
        return inlay__fail(INLAY_ERR_TEMPLATE, "'%s' must be an integer, not %s", name, inlay__value_type(a));
    *value = a->kind == INLAY__V_BOOL ? a->of.boolean : a->of.integer;
    return INLAY_OK;
}

int32_t inlay__arg_string(const inlay__value *a, const char *name, const inlay__string **value) {
    if (a->kind == INLAY__V_ABSENT) return INLAY_OK;
    if (a->kind != INLAY__V_STRING)
        return inlay__fail(INLAY_ERR_TEMPLATE, "'%s' must be a string, not %s", name, inlay__value_type(a));
    *value = a->of.string;
    return INLAY_OK;
}

int32_t inlay__filter_run(inlay__machine *m, int32_t filter, const inlay__value *self, const inlay__arguments *args,
                          inlay__value *result) {
    return inlay__callable_run(m, &filter_tables[filter / TABLE][filter % TABLE], "filter", self, args, result);
}

/* ---------------------------------------------------------------- functions */

static int32_t run_range(inlay__machine *m, const inlay__value *a, inlay__value *result) {
    int64_t start = 0, stop = 0, step = 1;
    INLAY__TRY(inlay__arg_int(&a[1], "start", &stop));
    if (a[2].kind != INLAY__V_ABSENT) {
        start = stop;
        INLAY__TRY(inlay__arg_int(&a[2], "stop", &stop));
    }
    INLAY__TRY(inlay__arg_int(&a[3], "step", &step));
    return inlay__range_new(m, start, stop, step, result);
}

/* dict(pairs or a dictionary, name=value, ...) */
static int32_t run_dict(inlay__machine *m, const inlay__value *self, const inlay__arguments *args,
                        inlay__value *result) {
    const inlay__list *items = NULL;
    const inlay__value *first = args->n > 0 ? &args->positional[0] : NULL;
    (void)self;
    if (args->n > 1) return inlay__fail(INLAY_ERR_TEMPLATE, "dict expected at most 1 argument, got %zu", args->n);
    bool is_dict = first != NULL && first->kind == INLAY__V_DICT;
    if (first != NULL && !is_dict) INLAY__TRY(inlay__items_of(m, first, &items));
    size_t n = is_dict ? first->of.dict->n : items != NULL ? items->n : 0;
    inlay__value *pairs = inlay__heap_take_array(&m->heap, 2 * (n + args->n_named), sizeof *pairs);
    if (pairs == NULL) return inlay__no_memory(m);
    INLAY__TRY(inlay__charge(m, n / 4));
    if (is_dict && n > 0) memcpy(pairs, first->of.dict->pairs, 2 * n * sizeof *pairs);
    for (size_t i = 0; i < n && !is_dict; i++) {
        const inlay__list *pair = NULL;
        INLAY__TRY(inlay__items_of(m, &items->items[i], &pair));
        if (pair->n != 2)
            return inlay__fail(INLAY_ERR_TEMPLATE, "a dictionary's element %zu has %zu items, expected 2", i, pair->n);
        pairs[2 * i] = pair->items[0];
        pairs[2 * i + 1] = pair->items[1];
    }
    if (args->n_named > 0) memcpy(pairs + 2 * n, args->named, 2 * args->n_named * sizeof *pairs);
    return inlay__dict_new(m, pairs, n + args->n_named, result);
}

static int32_t run_namespace(inlay__machine *m, const inlay__value *self, const inlay__arguments *args,
                             inlay__value *result) {
    inlay__value dict;
    INLAY__TRY(run_dict(m, self, args, &dict));
    inlay__namespace *space = inlay__heap_take(&m->heap, sizeof *space);
    if (space == NULL) return inlay__no_memory(m);
    *space = (inlay__namespace){.pairs = NULL};
    for (size_t i = 0; i < dict.of.dict->n; i++) {
        const inlay__value *pair = &dict.of.dict->pairs[2 * i];
        if (pair->kind != INLAY__V_STRING)
            return inlay__fail(INLAY_ERR_TEMPLATE, "the names of a namespace must be strings");
        INLAY__TRY(inlay__namespace_set(m, space, pair->of.string, pair[1]));
    }
    *result = (inlay__value){.kind = INLAY__V_NAMESPACE, .of.space = space};
    return INLAY_OK;
}

static int32_t new_cycler(inlay__machine *m, inlay__value_kind kind, const inlay__value *items, size_t n,
                          inlay__value *result) {
    inlay__cycler *cycler = inlay__heap_take(&m->heap, sizeof *cycler);
    inlay__list *list = inlay__list_new(&m->heap, n);
    if (cycler == NULL || list == NULL) return inlay__no_memory(m);
    if (n > 0) memcpy(list->items, items, n * sizeof *items);
    *cycler = (inlay__cycler){.list = list};
    *result = (inlay__value){.kind = kind, .of.cycler = cycler};
    return INLAY_OK;
}

static int32_t run_cycler(inlay__machine *m, const inlay__value *self, const inlay__arguments *args,
                          inlay__value *result) {
    (void)self;
    if (args->n == 0 || args->n_named > 0) return inlay__fail(INLAY_ERR_TEMPLATE, "cycler takes at least one item");
    return new_cycler(m, INLAY__V_CYCLER, args->positional, args->n, result);
}

static int32_t run_joiner(inlay__machine *m, const inlay__value *a, inlay__value *result) {
    inlay__value separator = a[1];
    if (separator.kind == INLAY__V_ABSENT) INLAY__TRY(inlay__new_text(m, ", ", 2, &separator));
    return new_cycler(m, INLAY__V_JOINER, &separator, 1, result);
}

static int32_t run_raise(inlay__machine *m, const inlay__value *a, inlay__value *result) {
    const inlay__string *message = NULL;
    (void)result;
    INLAY__TRY(inlay__to_string(m, &a[1], &message));
    return inlay__fail(INLAY_ERR_TEMPLATE, "%.*s", (int)inlay__min_size(message->size, 400), message->text);
}

static int32_t run_strftime(inlay__machine *m, const inlay__value *a, inlay__value *result) {
    const inlay__string *format = NULL;
    INLAY__TRY(inlay__arg_string(&a[1], "format", &format));
    return inlay__strftime(m, format, result);
}

static const inlay__callable globals[] = {
    {"range", "start stop step", 1, 0, run_range, NULL},
    {"dict", "", 0, 0, NULL, run_dict},
    {"dict.fromkeys", "iterable value", 1, 0, inlay__dict_fromkeys, NULL},
    {"namespace", "", 0, 0, NULL, run_namespace},
    {"cycler", "", 0, 0, NULL, run_cycler},
    {"joiner", "sep", 0, 0, run_joiner, NULL},
    {"raise_exception", "message", 1, 0, run_raise, NULL},
    {"strftime_now", "format", 1, 0, run_strftime, NULL},
    {NULL, NULL, 0, 0, NULL, NULL},
};

int32_t inlay__global_find(const char *name, size_t size) { return find_in(globals, name, size); }

bool inlay__function_is_dict(const inlay__value *function) {
    return globals[function->of.integer].run_free == run_dict;
}

static int32_t call_joiner(inlay__cycler *joiner, inlay__value *result) {
    static const inlay__string empty = {.text = ""};
    *result = joiner->next++ == 0 ? inlay__string_value(&empty) : joiner->list->items[0];
    return INLAY_OK;
}

int32_t inlay__value_call(inlay__machine *m, const inlay__value *callee, const inlay__arguments *args,
                          inlay__value *result) {
    switch (callee->kind) {
    case INLAY__V_FUNCTION:
        return inlay__callable_run(m, &globals[callee->of.integer], "function", callee, args, result);
    case INLAY__V_METHOD:
        return inlay__callable_run(m, inlay__method_at((int32_t)callee->of.method->method), "method",
                                   &callee->of.method->self, args, result);
    case INLAY__V_JOINER: return call_joiner(callee->of.cycler, result);
    case INLAY__V_UNDEFINED:
        if (callee->of.string == NULL) return inlay__fail(INLAY_ERR_TEMPLATE, "a value that is undefined is called");
        return inlay__fail(INLAY_ERR_TEMPLATE, "'%.*s' is undefined, and so cannot be called",
                           (int)inlay__min_size(callee->of.string->size, 128), callee->of.string->text);
    default: return inlay__fail(INLAY_ERR_TEMPLATE, "'%s' object is not callable", inlay__value_type(callee));
    }
}
