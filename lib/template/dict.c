/* Dictionaries: pairs in their order, and, where there are many, an order of their keys in which a key is found by
 * halving. No hashing, and so nothing that data could be made to collide in. Namespaces, which are small. */
#include "machine.h"

enum { SMALL = 8 };

static const inlay__string *key_at(const inlay__value *pairs, uint32_t i) { return pairs[2 * i].of.string; }

/* Any order of strings will do here: by size, then by bytes. */
static int compare_keys(const inlay__string *a, const inlay__string *b) {
    if (a->size != b->size) return a->size < b->size ? -1 : 1;
    return a->size > 0 ? memcmp(a->text, b->text, a->size) : 0;
}

/* Merge sort of indices, so that equal keys stay in their order. `spare` has room for n. */
static void sort_keys(const inlay__value *pairs, uint32_t *order, uint32_t *spare, size_t n,
                      int (*compare)(const inlay__string *, const inlay__string *)) {
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t begin = 0; begin < n; begin += 2 * width) {
            size_t middle = inlay__min_size(begin + width, n), end = inlay__min_size(begin + 2 * width, n);
            size_t left = begin, right = middle;
            for (size_t i = begin; i < end; i++) {
                bool take_left = right == end || (left < middle && compare(key_at(pairs, order[left]),
                                                                           key_at(pairs, order[right])) <= 0);
                spare[i] = take_left ? order[left++] : order[right++];
            }
        }
        memcpy(order, spare, n * sizeof *order);
    }
}

static bool all_strings(const inlay__value *pairs, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (pairs[2 * i].kind != INLAY__V_STRING) return false;
    return true;
}

static int32_t make_order(inlay__machine *m, const inlay__value *pairs, size_t n,
                          int (*compare)(const inlay__string *, const inlay__string *), uint32_t **order) {
    *order = inlay__heap_take_array(&m->heap, 2 * n, sizeof **order);
    if (*order == NULL) return inlay__no_memory(m);
    INLAY__TRY(inlay__charge(m, n));
    for (size_t i = 0; i < n; i++) (*order)[i] = (uint32_t)i;
    sort_keys(pairs, *order, *order + n, n, compare);
    return INLAY_OK;
}

int32_t inlay__check_hashable(const inlay__value *key) {
    bool changes = key->kind == INLAY__V_LIST || key->kind == INLAY__V_DICT ||
                   (key->kind >= INLAY__V_KEYS && key->kind <= INLAY__V_ITEMS);
    if (!changes && key->kind != INLAY__V_SLICE) return INLAY_OK;
    return inlay__fail(INLAY_ERR_TEMPLATE, "unhashable type: '%s'", inlay__value_type(key));
}

/* Few pairs, or such with other keys: each is compared with those before. */
static int32_t unite_few(inlay__machine *m, inlay__value *pairs, size_t *n) {
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        size_t j = 0;
        bool equal = false;
        INLAY__TRY(inlay__check_hashable(&pairs[2 * i]));
        INLAY__TRY(inlay__charge(m, kept + 1));
        for (; j < kept && !equal; j += !equal) INLAY__TRY(inlay__equal(m, &pairs[2 * i], &pairs[2 * j], &equal));
        if (!equal) pairs[2 * kept] = pairs[2 * i];
        pairs[2 * (equal ? j : kept) + 1] = pairs[2 * i + 1];
        kept += !equal;
    }
    *n = kept;
    return INLAY_OK;
}

/* Many strings: equal ones are neighbours in the order. The first keeps the place, the last gives the value. */
static int32_t unite_many(inlay__machine *m, inlay__value *pairs, size_t *n, uint32_t **order) {
    INLAY__TRY(make_order(m, pairs, *n, compare_keys, order));
    bool twice = false;
    for (size_t i = *n; i-- > 1;) {
        if (compare_keys(key_at(pairs, (*order)[i - 1]), key_at(pairs, (*order)[i])) != 0) continue;
        pairs[2 * (*order)[i - 1] + 1] = pairs[2 * (*order)[i] + 1];
        pairs[2 * (*order)[i]].kind = INLAY__V_ABSENT;
        pairs[2 * (*order)[i]].of.string = NULL;
        (*order)[i] = (*order)[i - 1]; /* only its key is looked at from here on */
        twice = true;
    }
    if (!twice) return INLAY_OK;
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        if (pairs[2 * i].kind == INLAY__V_ABSENT) continue;
        pairs[2 * kept] = pairs[2 * i];
        pairs[2 * kept + 1] = pairs[2 * i + 1];
        kept++;
    }
    *n = kept;
    return make_order(m, pairs, *n, compare_keys, order);
}

int32_t inlay__dict_new(inlay__machine *m, inlay__value *pairs, size_t n, inlay__value *result) {
    inlay__dict *dict = inlay__heap_take(&m->heap, sizeof *dict);
    if (dict == NULL) return inlay__no_memory(m);
    *dict = (inlay__dict){.pairs = pairs, .n = n};
    if (n <= SMALL || !all_strings(pairs, n))
        INLAY__TRY(unite_few(m, pairs, &dict->n));
    else
        INLAY__TRY(unite_many(m, pairs, &dict->n, &dict->sorted));
    *result = (inlay__value){.kind = INLAY__V_DICT, .of.dict = dict};
    return INLAY_OK;
}

static const inlay__value *find_sorted(const inlay__dict *dict, const inlay__string *key) {
    size_t low = 0, high = dict->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_keys(key_at(dict->pairs, dict->sorted[middle]), key);
        if (order == 0) return &dict->pairs[2 * dict->sorted[middle] + 1];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

int32_t inlay__dict_get(inlay__machine *m, const inlay__dict *dict, const inlay__value *key,
                        const inlay__value **found) {
    *found = NULL;
    INLAY__TRY(inlay__check_hashable(key));
    if (dict->sorted != NULL) {
        if (key->kind == INLAY__V_STRING) *found = find_sorted(dict, key->of.string);
        return INLAY_OK;
    }
    INLAY__TRY(inlay__charge(m, dict->n / 8));
    for (size_t i = 0; i < dict->n; i++) {
        const inlay__value *pair = &dict->pairs[2 * i];
        bool equal = false;
        if (pair->kind == INLAY__V_STRING && key->kind == INLAY__V_STRING)
            equal = inlay__strings_equal(pair->of.string, key->of.string);
        else if (pair->kind != INLAY__V_STRING && key->kind != INLAY__V_STRING)
            INLAY__TRY(inlay__equal(m, pair, key, &equal));
        if (!equal) continue;
        *found = pair + 1;
        break;
    }
    return INLAY_OK;
}

const inlay__value *inlay__dict_find(const inlay__dict *dict, const char *key) {
    for (size_t i = 0; i < dict->n; i++)
        if (dict->pairs[2 * i].kind == INLAY__V_STRING && inlay__string_is(dict->pairs[2 * i].of.string, key))
            return &dict->pairs[2 * i + 1];
    return NULL;
}

int32_t inlay__dict_order(inlay__machine *m, const inlay__dict *dict, uint32_t **order) {
    if (!all_strings(dict->pairs, dict->n))
        return inlay__fail(INLAY_ERR_TEMPLATE, "only keys that are strings can be sorted");
    return make_order(m, dict->pairs, dict->n, inlay__strings_compare, order);
}

const inlay__value *inlay__namespace_get(const inlay__namespace *space, const inlay__string *name) {
    for (size_t i = 0; i < space->n; i++)
        if (inlay__strings_equal(space->pairs[2 * i].of.string, name)) return &space->pairs[2 * i + 1];
    return NULL;
}

int32_t inlay__namespace_set(inlay__machine *m, inlay__namespace *space, const inlay__string *name,
                             inlay__value value) {
    INLAY__TRY(inlay__charge(m, space->n / 8));
    inlay__value *there = (inlay__value *)inlay__namespace_get(space, name);
    if (there != NULL) {
        *there = value;
        return INLAY_OK;
    }
    if (space->n == space->capacity) {
        size_t capacity = inlay__max_size(8, 2 * space->capacity);
        inlay__value *pairs = inlay__heap_take_array(&m->heap, 2 * capacity, sizeof *pairs);
        if (pairs == NULL) return inlay__no_memory(m);
        if (space->n > 0) memcpy(pairs, space->pairs, 2 * space->n * sizeof *pairs);
        space->pairs = pairs;
        space->capacity = capacity;
    }
    space->pairs[2 * space->n] = inlay__string_value(name);
    space->pairs[2 * space->n + 1] = value;
    space->n++;
    return INLAY_OK;
}
