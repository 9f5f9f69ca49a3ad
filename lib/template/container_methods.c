/* The methods of lists, tuples and dictionaries that change nothing, of cyclers, and of `loop`. */
#include "functions.h"

int32_t inlay__list_index(inlay__machine *m, const inlay__value *a, inlay__value *result) {
    const inlay__list *list = a[0].of.list;
    bool equal = false;
    int64_t start = 0;
    INLAY__TRY(inlay__arg_int(&a[2], "start", &start));
    for (size_t i = start > 0 ? (size_t)start : 0; i < list->n; i++) {
        INLAY__TRY(inlay__equal(m, &list->items[i], &a[1], &equal));
        if (equal) return *result = inlay__int((int64_t)i), INLAY_OK;
    }
    return inlay__fail(INLAY_ERR_TEMPLATE, "the value is not in the list");
}

int32_t inlay__list_count(inlay__machine *m, const inlay__value *a, inlay__value *result) {
    const inlay__list *list = a[0].of.list;
    int64_t n = 0;
    for (size_t i = 0; i < list->n; i++) {
        bool equal = false;
        INLAY__TRY(inlay__equal(m, &list->items[i], &a[1], &equal));
        n += equal;
    }
    *result = inlay__int(n);
    return INLAY_OK;
}

/* keys(), values(), items(): part 0, 1, 2 */
static int32_t view(inlay__machine *m, const inlay__dict *dict, int part, inlay__value *result) {
    static const inlay__value_kind kinds[] = {INLAY__V_KEYS, INLAY__V_VALUES, INLAY__V_ITEMS};
    inlay__list *list = inlay__list_new(&m->heap, dict->n);
    if (list == NULL) return inlay__no_memory(m);
    INLAY__TRY(inlay__charge(m, dict->n / 4));
    for (size_t i = 0; i < dict->n; i++) {
        if (part < 2) {
            list->items[i] = dict->pairs[2 * i + (size_t)part];
            continue;
        }
        inlay__list *pair = inlay__heap_take(&m->heap, sizeof *pair);
        if (pair == NULL) return inlay__no_memory(m);
        *pair = (inlay__list){.items = dict->pairs + 2 * i, .n = 2};
        list->items[i] = inlay__list_value(INLAY__V_TUPLE, pair);
    }
    *result = inlay__list_value(kinds[part], list);
    return INLAY_OK;
}

static int32_t run_keys(inlay__machine *m, const inlay__value *a, inlay__value *r) { return view(m, a->of.dict, 0, r); }
static int32_t run_values(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return view(m, a->of.dict, 1, r);
}
static int32_t run_items(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return view(m, a->of.dict, 2, r);
}

static int32_t run_get(inlay__machine *m, const inlay__value *a, inlay__value *result) {
    const inlay__value *found = NULL;
    INLAY__TRY(inlay__dict_get(m, a[0].of.dict, &a[1], &found));
    *result = found != NULL ? *found : a[2].kind != INLAY__V_ABSENT ? a[2] : inlay__none();
    return INLAY_OK;
}

int32_t inlay__dict_fromkeys(inlay__machine *m, const inlay__value *a, inlay__value *result) {
    const inlay__list *keys = NULL;
    INLAY__TRY(inlay__items_of(m, &a[1], &keys));
    inlay__value *pairs = inlay__heap_take_array(&m->heap, 2 * keys->n, sizeof *pairs);
    if (pairs == NULL) return inlay__no_memory(m);
    INLAY__TRY(inlay__charge(m, keys->n / 4));
    for (size_t i = 0; i < keys->n; i++) {
        pairs[2 * i] = keys->items[i];
        pairs[2 * i + 1] = a[2].kind != INLAY__V_ABSENT ? a[2] : inlay__none();
    }
    return inlay__dict_new(m, pairs, keys->n, result);
}

static int32_t run_copy(inlay__machine *m, const inlay__value *a, inlay__value *result) {
    (void)m;
    *result = a[0]; /* nothing changes it */
    return INLAY_OK;
}

static int32_t run_next(inlay__machine *m, const inlay__value *a, inlay__value *result) {
    inlay__cycler *cycler = a[0].of.cycler;
    (void)m;
    *result = cycler->list->items[cycler->next];
    cycler->next = (cycler->next + 1) % cycler->list->n;
    return INLAY_OK;
}

static int32_t run_reset(inlay__machine *m, const inlay__value *a, inlay__value *result) {
    (void)m;
    a[0].of.cycler->next = 0;
    *result = inlay__none();
    return INLAY_OK;
}

static int32_t run_cycle(inlay__machine *m, const inlay__value *self, const inlay__arguments *args,
                         inlay__value *result) {
    (void)m;
    if (args->n == 0) return inlay__fail(INLAY_ERR_TEMPLATE, "no items for cycling given");
    *result = args->positional[(self->of.loop->n_entered - 1) % args->n];
    return INLAY_OK;
}

/* Whether the arguments differ from those of the last call. */
static int32_t run_changed(inlay__machine *m, const inlay__value *self, const inlay__arguments *args,
                           inlay__value *result) {
    inlay__loop *loop = self->of.loop;
    inlay__list *list = inlay__list_new(&m->heap, args->n);
    if (list == NULL) return inlay__no_memory(m);
    if (args->n > 0) memcpy(list->items, args->positional, args->n * sizeof *list->items);
    inlay__value now = inlay__list_value(INLAY__V_TUPLE, list);
    bool equal = false;
    INLAY__TRY(inlay__equal(m, &loop->changed, &now, &equal));
    loop->changed = now;
    *result = inlay__bool(!equal);
    return INLAY_OK;
}

const inlay__callable inlay__container_methods[] = {
    {"keys", "", 0, INLAY__ON_DICT, run_keys, NULL},
    {"values", "", 0, INLAY__ON_DICT, run_values, NULL},
    {"items", "", 0, INLAY__ON_DICT, run_items, NULL},
    {"get", "key default", 1, INLAY__ON_DICT, run_get, NULL},
    {"fromkeys", "iterable value", 1, INLAY__ON_DICT, inlay__dict_fromkeys, NULL},
    {"copy", "", 0, INLAY__ON_DICT | INLAY__ON_LIST, run_copy, NULL},
    {"next", "", 0, INLAY__ON_CYCLER, run_next, NULL},
    {"reset", "", 0, INLAY__ON_CYCLER, run_reset, NULL},
    {"cycle", "", 0, INLAY__ON_LOOP, NULL, run_cycle},
    {"changed", "", 0, INLAY__ON_LOOP, NULL, run_changed},
    {NULL, NULL, 0, 0, NULL, NULL},
};
