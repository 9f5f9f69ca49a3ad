/* Filters over the items of lists. */
#include "functions.h"
#include "lexer.h"

static int32_t new_list(inlay__machine *m, inlay__value *items, size_t n, inlay__value_kind kind, inlay__value *r) {
    inlay__list *list = inlay__heap_take(&m->heap, sizeof *list);
    if (list == NULL) return inlay__no_memory(m);
    *list = (inlay__list){.items = items, .n = n};
    if (kind == INLAY__V_GENERATOR) return inlay__generator_new(m, list, r);
    *r = inlay__list_value(kind, list);
    return INLAY_OK;
}

static int32_t new_items(inlay__machine *m, size_t n, inlay__value **items) {
    *items = inlay__heap_take_array(&m->heap, n, sizeof **items);
    if (*items == NULL) return inlay__no_memory(m);
    return inlay__charge(m, n / 8);
}

/* "a.b.0" of a value, as filters take attributes; an integer is an index. */
static int32_t get_path(inlay__machine *m, const inlay__value *v, const inlay__value *path,
                        const inlay__value *otherwise, inlay__value *r) {
    *r = *v;
    if (path->kind == INLAY__V_INT) INLAY__TRY(inlay__get_item(m, v, path, r));
    for (size_t from = 0; path->kind == INLAY__V_STRING && from <= path->of.string->size;) {
        const inlay__string *s = path->of.string;
        const char *dot = memchr(s->text + from, '.', s->size - from);
        size_t to = dot != NULL ? (size_t)(dot - s->text) : s->size;
        inlay__value key, self = *r;
        int64_t index = 0;
        bool digits = to > from;
        for (size_t i = from; i < to && digits; i++) {
            digits = s->text[i] >= '0' && s->text[i] <= '9' && index < INT32_MAX;
            index = digits ? index * 10 + (s->text[i] - '0') : 0;
        }
        INLAY__TRY(inlay__new_part(m, s, from, to, &key));
        if (digits) key = inlay__int(index);
        INLAY__TRY(inlay__get_item(m, &self, &key, r)); /* in Jinja items come first here */
        if (r->kind == INLAY__V_UNDEFINED && otherwise != NULL && otherwise->kind != INLAY__V_ABSENT) *r = *otherwise;
        from = to + 1;
    }
    return INLAY_OK;
}

/* What items are compared by: an attribute if one is given, strings in lower case unless cases differ. */
static int32_t sort_key(inlay__machine *m, const inlay__value *item, const inlay__value *path, bool cases,
                        inlay__value *r) {
    const inlay__arguments none = {NULL, 0, NULL, 0};
    INLAY__TRY(get_path(m, item, path, NULL, r));
    inlay__value self = *r;
    return cases || r->kind != INLAY__V_STRING ? INLAY_OK
                                               : inlay__filter_run(m, inlay__filter_find("lower", 5), &self, &none, r);
}

/* ------------------------------------------------------------------- sorting */

typedef struct sorted {
    inlay__value item;
    inlay__value key;
} sorted;

/* Keys as Python compares lists of them: equal ones need no order. */
static int32_t order_keys(inlay__machine *m, const inlay__value *a, const inlay__value *b, bool in_lists, int *order) {
    bool equal = false;
    if (in_lists) INLAY__TRY(inlay__equal(m, a, b, &equal));
    *order = 0;
    return equal ? INLAY_OK : inlay__order(m, a, b, "<", order);
}

/* A merge sort: equal items stay in their order. */
static int32_t merge_sort(inlay__machine *m, sorted *items, size_t n, bool reverse, bool in_lists) {
    sorted *spare = inlay__heap_take_array(&m->heap, n, sizeof *spare), *from = items, *to = spare;
    if (spare == NULL) return inlay__no_memory(m);
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t begin = 0; begin < n; begin += 2 * width) {
            size_t middle = inlay__min_size(begin + width, n), end = inlay__min_size(begin + 2 * width, n);
            size_t left = begin, right = middle;
            for (size_t i = begin; i < end; i++) {
                int order = 1;
                if (left < middle && right < end)
                    INLAY__TRY(order_keys(m, &from[right].key, &from[left].key, in_lists, &order));
                bool take_right = left == middle ||
                                  (right < end && (reverse ? order == 1 && left < middle && right < end : order == -1));
                to[i] = take_right ? from[right++] : from[left++];
            }
        }
        sorted *swap = from;
        from = to;
        to = swap;
    }
    if (from != items) memcpy(items, from, n * sizeof *items);
    return INLAY_OK;
}

static int32_t sorted_items(inlay__machine *m, const inlay__list *list, const inlay__value *path, bool cases,
                            bool reverse, bool in_lists, sorted **out) {
    sorted *items = inlay__heap_take_array(&m->heap, list->n, sizeof *items);
    if (items == NULL) return inlay__no_memory(m);
    for (size_t i = 0; i < list->n; i++) {
        items[i].item = list->items[i];
        INLAY__TRY(sort_key(m, &list->items[i], path, cases, &items[i].key));
    }
    *out = items;
    return merge_sort(m, items, list->n, reverse, in_lists);
}

/* sort(attribute="a,b"): by the last first, each time keeping the order of equal ones. */
static int32_t run_sort(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__list *list = NULL;
    bool reverse = inlay__arg_is_true(&a[1], false), cases = inlay__arg_is_true(&a[2], false);
    inlay__value path = a[3], *items = NULL;
    INLAY__TRY(inlay__items_of(m, &a[0], &list));
    size_t end = path.kind == INLAY__V_STRING ? path.of.string->size : 0;
    for (bool more = true; more;) {
        sorted *by = NULL;
        size_t begin = end;
        while (begin > 0 && path.of.string->text[begin - 1] != ',') begin--;
        if (a[3].kind == INLAY__V_STRING) INLAY__TRY(inlay__new_part(m, a[3].of.string, begin, end, &path));
        INLAY__TRY(sorted_items(m, list, &path, cases, reverse, true, &by));
        INLAY__TRY(new_items(m, list->n, &items));
        for (size_t i = 0; i < list->n; i++) items[i] = by[i].item;
        INLAY__TRY(new_list(m, items, list->n, INLAY__V_LIST, r));
        list = r->of.list;
        more = begin > 0;
        end = begin > 0 ? begin - 1 : 0;
        path = a[3];
    }
    return INLAY_OK;
}

static int32_t run_dictsort(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    static const inlay__string key_name = {.text = "key", .size = 3, .n_chars = 3};
    const inlay__string *by = &key_name;
    const inlay__arguments none = {NULL, 0, NULL, 0};
    inlay__value pairs, path, *items = NULL, method;
    sorted *order = NULL;
    if (a->kind != INLAY__V_DICT)
        return inlay__fail(INLAY_ERR_TEMPLATE, "filter 'dictsort' takes a dictionary, not %s", inlay__value_type(a));
    INLAY__TRY(inlay__arg_string(&a[2], "by", &by));
    if (!inlay__string_is(by, "key") && !inlay__string_is(by, "value"))
        return inlay__fail(INLAY_ERR_TEMPLATE, "filter 'dictsort' sorts by 'key' or 'value'");
    INLAY__TRY(inlay__get_attribute(m, a, &key_name, inlay__method_find("items", 5), &method));
    INLAY__TRY(inlay__value_call(m, &method, &none, &pairs));
    path = inlay__int(inlay__string_is(by, "value"));
    const inlay__list *list = pairs.of.list;
    INLAY__TRY(sorted_items(m, list, &path, inlay__arg_is_true(&a[1], false), inlay__arg_is_true(&a[3], false), false,
                            &order));
    INLAY__TRY(new_items(m, list->n, &items));
    for (size_t i = 0; i < list->n; i++) items[i] = order[i].item;
    return new_list(m, items, list->n, INLAY__V_LIST, r);
}

static int32_t run_groupby(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__list *list = NULL;
    sorted *by = NULL;
    inlay__value *groups = NULL;
    size_t n_groups = 0;
    bool cases = inlay__arg_is_true(&a[3], false);
    INLAY__TRY(inlay__items_of(m, &a[0], &list));
    by = inlay__heap_take_array(&m->heap, list->n, sizeof *by);
    if (by == NULL) return inlay__no_memory(m);
    for (size_t i = 0; i < list->n; i++) {
        inlay__value found;
        const inlay__value whole = {.kind = INLAY__V_ABSENT};
        by[i].item = list->items[i];
        INLAY__TRY(get_path(m, &list->items[i], &a[1], &a[2], &found));
        INLAY__TRY(sort_key(m, &found, &whole, cases, &by[i].key));
    }
    INLAY__TRY(merge_sort(m, by, list->n, false, false));
    INLAY__TRY(new_items(m, list->n, &groups));
    for (size_t i = 0, end; i < list->n; i = end) {
        bool equal = true;
        for (end = i + 1; end < list->n; end++) {
            INLAY__TRY(inlay__equal(m, &by[end].key, &by[i].key, &equal));
            if (!equal) break;
        }
        inlay__value *members = NULL, *pair = NULL;
        INLAY__TRY(new_items(m, end - i, &members));
        INLAY__TRY(new_items(m, 2, &pair));
        for (size_t k = i; k < end; k++) members[k - i] = by[k].item;
        INLAY__TRY(get_path(m, &by[i].item, &a[1], &a[2], &pair[0]));
        INLAY__TRY(new_list(m, members, end - i, INLAY__V_LIST, &pair[1]));
        INLAY__TRY(new_list(m, pair, 2, INLAY__V_TUPLE, &groups[n_groups]));
        ((inlay__list *)groups[n_groups++].of.list)->step = 2; /* it has the attributes grouper and list */
    }
    return new_list(m, groups, n_groups, INLAY__V_LIST, r);
}

static int32_t run_unique(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__list *list = NULL;
    inlay__value *items = NULL, *keys = NULL;
    size_t n = 0;
    INLAY__TRY(inlay__items_of(m, &a[0], &list));
    INLAY__TRY(new_items(m, list->n, &items));
    INLAY__TRY(new_items(m, list->n, &keys));
    for (size_t i = 0; i < list->n; i++) {
        bool equal = false;
        INLAY__TRY(sort_key(m, &list->items[i], &a[2], inlay__arg_is_true(&a[1], false), &keys[n]));
        INLAY__TRY(inlay__check_hashable(&keys[n]));
        for (size_t k = 0; k < n && !equal; k++) INLAY__TRY(inlay__equal(m, &keys[k], &keys[n], &equal));
        if (!equal) items[n++] = list->items[i];
    }
    return new_list(m, items, n, INLAY__V_GENERATOR, r);
}

static int32_t extreme(inlay__machine *m, const inlay__value *a, int wanted, inlay__value *r) {
    const inlay__list *list = NULL;
    inlay__value best, key;
    *r = inlay__undefined(NULL);
    INLAY__TRY(inlay__items_of(m, &a[0], &list));
    for (size_t i = 0; i < list->n; i++) {
        int order = wanted;
        INLAY__TRY(sort_key(m, &list->items[i], &a[2], inlay__arg_is_true(&a[1], false), &key));
        if (i > 0) INLAY__TRY(inlay__order(m, &key, &best, wanted < 0 ? "<" : ">", &order));
        if (order != wanted) continue;
        best = key;
        *r = list->items[i];
    }
    return INLAY_OK;
}

static int32_t run_min(inlay__machine *m, const inlay__value *a, inlay__value *r) { return extreme(m, a, -1, r); }
static int32_t run_max(inlay__machine *m, const inlay__value *a, inlay__value *r) { return extreme(m, a, 1, r); }

/* ------------------------------------------------------------ map and select */

static const inlay__value *named(const inlay__generator *g, const char *name) {
    for (size_t i = 0; i < g->n_named; i++)
        if (inlay__string_is(g->named[2 * i].of.string, name)) return &g->named[2 * i + 1];
    return NULL;
}

/* The filter or test that the argument names. */
static int32_t find_function(const inlay__value *argument, const char *what, int32_t (*find)(const char *, size_t),
                             int32_t *function) {
    const inlay__string *name = NULL;
    INLAY__TRY(inlay__arg_string(argument, what, &name));
    *function = find(name->text, name->size);
    if (*function >= 0) return INLAY_OK;
    return inlay__fail(INLAY_ERR_TEMPLATE, "No %s named '%.*s'.", what, (int)inlay__min_size(name->size, 64),
                       name->text);
}

static int32_t make_mapped(inlay__machine *m, inlay__generator *g, const inlay__value *item, inlay__value *made,
                           bool *keep) {
    const inlay__value *attribute = named(g, "attribute");
    *keep = true;
    if (item == NULL) {
        g->function = -1;
        if (g->n > 0) return find_function(&g->positional[0], "filter", inlay__filter_find, &g->function);
        if (attribute == NULL) return inlay__fail(INLAY_ERR_TEMPLATE, "map requires a filter argument");
        for (size_t i = 0; i < g->n_named; i++)
            if (!inlay__string_is(g->named[2 * i].of.string, "attribute") &&
                !inlay__string_is(g->named[2 * i].of.string, "default"))
                return inlay__fail(INLAY_ERR_TEMPLATE, "Unexpected keyword argument '%.*s'",
                                   (int)inlay__min_size(g->named[2 * i].of.string->size, 64),
                                   g->named[2 * i].of.string->text);
        return INLAY_OK;
    }
    const inlay__arguments rest = {g->positional + 1, g->n - 1, g->named, g->n_named};
    return g->function >= 0 ? inlay__filter_run(m, g->function, item, &rest, made)
                            : get_path(m, item, attribute, named(g, "default"), made);
}

static int32_t run_map(inlay__machine *m, const inlay__value *self, const inlay__arguments *args, inlay__value *r) {
    return inlay__generator_lazy(m, self, args, make_mapped, 0, r);
}

/* select, reject, and both with an attribute; without a test the value's truth decides. */
enum { BY_ATTRIBUTE = 1, KEEPS_FALSE = 2 };

static int32_t make_chosen(inlay__machine *m, inlay__generator *g, const inlay__value *item, inlay__value *made,
                           bool *keep) {
    size_t skip = g->kind & BY_ATTRIBUTE;
    if (item == NULL) {
        g->function = -1;
        if (g->n < skip) return inlay__fail(INLAY_ERR_TEMPLATE, "Missing parameter for attribute name");
        return g->n > skip ? find_function(&g->positional[skip], "test", inlay__test_find, &g->function) : INLAY_OK;
    }
    const inlay__arguments rest = {g->positional + skip + 1, g->function >= 0 ? g->n - skip - 1 : 0, g->named,
                                   g->n_named};
    inlay__value v = *item;
    if (skip > 0) INLAY__TRY(get_path(m, item, &g->positional[0], NULL, &v));
    bool passes = inlay__value_is_true(&v);
    if (g->function >= 0) INLAY__TRY(inlay__test_run(m, g->function, &v, &rest, &passes));
    *keep = passes == ((g->kind & KEEPS_FALSE) == 0);
    *made = *item;
    return INLAY_OK;
}

#define CHOOSER(name, kind)                                                                                        \
    static int32_t name(inlay__machine *m, const inlay__value *v, const inlay__arguments *args, inlay__value *r) { \
        return inlay__generator_lazy(m, v, args, make_chosen, kind, r);                                            \
    }
CHOOSER(run_select, 0)
CHOOSER(run_reject, KEEPS_FALSE)
CHOOSER(run_selectattr, BY_ATTRIBUTE)
CHOOSER(run_rejectattr, BY_ATTRIBUTE | KEEPS_FALSE)

/* -------------------------------------------------------------------- others */

static int32_t run_join(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__list *list = NULL;
    INLAY__TRY(inlay__items_of(m, &a[0], &list));
    size_t start = m->n_out;
    for (size_t i = 0; i < list->n; i++) {
        inlay__value v = list->items[i];
        INLAY__TRY(inlay__charge(m, 1));
        if (inlay__arg_given(&a[2])) INLAY__TRY(get_path(m, &list->items[i], &a[2], NULL, &v));
        if (i > 0 && a[1].kind != INLAY__V_ABSENT) INLAY__TRY(inlay__write_str(m, &a[1]));
        INLAY__TRY(inlay__write_str(m, &v));
    }
    return inlay__out_take(m, start, r);
}

static int32_t run_first(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__list *list = NULL;
    *r = inlay__undefined(NULL);
    if (a->kind == INLAY__V_STRING) return inlay__get_item(m, a, &(inlay__value){.kind = INLAY__V_INT}, r);
    if (a->kind == INLAY__V_GENERATOR) {
        inlay__value item;
        bool there = false;
        INLAY__TRY(inlay__generator_next(m, a->of.generator, &item, &there));
        if (there) *r = item;
        return INLAY_OK;
    }
    INLAY__TRY(inlay__items_of(m, a, &list));
    if (list->n > 0) *r = list->items[0];
    return INLAY_OK;
}

static int32_t run_last(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__list *list = NULL;
    *r = inlay__undefined(NULL);
    if (a->kind == INLAY__V_STRING)
        return inlay__get_item(m, a, &(inlay__value){.kind = INLAY__V_INT, .of.integer = -1}, r);
    if (a->kind == INLAY__V_GENERATOR) return inlay__fail(INLAY_ERR_TEMPLATE, "'generator' object is not reversible");
    INLAY__TRY(inlay__items_of(m, a, &list));
    if (list->n > 0) *r = list->items[list->n - 1];
    return INLAY_OK;
}

static int32_t run_list(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__list *list = NULL;
    INLAY__TRY(inlay__items_of(m, a, &list));
    return new_list(m, list->items, list->n, INLAY__V_LIST, r);
}

static int32_t run_reverse(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    static const inlay__string empty = {.text = ""};
    const inlay__list *list = NULL;
    inlay__value *items = NULL;
    INLAY__TRY(inlay__items_of(m, a, &list));
    INLAY__TRY(new_items(m, list->n, &items));
    for (size_t i = 0; i < list->n; i++) items[i] = list->items[list->n - 1 - i];
    if (a->kind == INLAY__V_GENERATOR) return new_list(m, items, list->n, INLAY__V_LIST, r);
    if (a->kind != INLAY__V_STRING) return new_list(m, items, list->n, INLAY__V_GENERATOR, r);
    inlay__value all, b[3] = {{.kind = INLAY__V_ABSENT}, inlay__string_value(&empty), {.kind = INLAY__V_ABSENT}};
    INLAY__TRY(new_list(m, items, list->n, INLAY__V_LIST, &all));
    b[0] = all;
    return run_join(m, b, r);
}

static int32_t run_sum(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__list *list = NULL;
    INLAY__TRY(inlay__items_of(m, a, &list));
    *r = a[2].kind != INLAY__V_ABSENT ? a[2] : inlay__int(0);
    if (r->kind == INLAY__V_STRING) return inlay__fail(INLAY_ERR_TEMPLATE, "sum() can't sum strings");
    for (size_t i = 0; i < list->n; i++) {
        inlay__value v = list->items[i], sum = *r;
        INLAY__TRY(inlay__charge(m, 1));
        if (inlay__arg_given(&a[1])) INLAY__TRY(get_path(m, &list->items[i], &a[1], NULL, &v));
        INLAY__TRY(inlay__binary(m, INLAY__T_ADD, &sum, &v, r));
    }
    return INLAY_OK;
}

static int32_t run_items(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__arguments none = {NULL, 0, NULL, 0};
    inlay__value method, view;
    if (a->kind == INLAY__V_UNDEFINED) return new_list(m, NULL, 0, INLAY__V_GENERATOR, r);
    if (a->kind != INLAY__V_DICT) return inlay__fail(INLAY_ERR_TEMPLATE, "Can only get item pairs from a mapping");
    INLAY__TRY(inlay__get_attribute(m, a, NULL, inlay__method_find("items", 5), &method));
    INLAY__TRY(inlay__value_call(m, &method, &none, &view));
    return inlay__generator_new(m, view.of.list, r);
}

/* Lists of `size` items, the last filled up. */
static int32_t run_batch(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__list *list = NULL;
    int64_t size = 0;
    inlay__value *batches = NULL;
    INLAY__TRY(inlay__arg_int(&a[1], "linecount", &size));
    INLAY__TRY(inlay__items_of(m, a, &list));
    if (size < 1 || size > INLAY__RENDER_MAX_STACK)
        return inlay__fail(INLAY_ERR_TEMPLATE, "filter 'batch': %lld items a batch", (long long)size);
    size_t width = (size_t)size, n = (list->n + width - 1) / width;
    INLAY__TRY(new_items(m, n, &batches));
    for (size_t i = 0; i < n; i++) {
        size_t left = inlay__min_size(width, list->n - i * width), count = inlay__arg_given(&a[2]) ? width : left;
        inlay__value *items = NULL;
        INLAY__TRY(new_items(m, count, &items));
        for (size_t k = 0; k < count; k++) items[k] = k < left ? list->items[i * width + k] : a[2];
        INLAY__TRY(new_list(m, items, count, INLAY__V_LIST, &batches[i]));
    }
    return new_list(m, batches, n, INLAY__V_GENERATOR, r);
}

/* `slices` lists of about as many items each. */
static int32_t run_slice(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__list *list = NULL;
    int64_t n = 0;
    inlay__value *slices = NULL;
    INLAY__TRY(inlay__arg_int(&a[1], "slices", &n));
    INLAY__TRY(inlay__items_of(m, a, &list));
    if (n < 1 || n > INLAY__RENDER_MAX_RANGE)
        return inlay__fail(INLAY_ERR_TEMPLATE, "filter 'slice': %lld slices", (long long)n);
    size_t width = list->n / (size_t)n, longer = list->n % (size_t)n, begin = 0;
    INLAY__TRY(new_items(m, (size_t)n, &slices));
    for (size_t i = 0; i < (size_t)n; i++) {
        size_t own = width + (i < longer), fill = inlay__arg_given(&a[2]) && i >= longer;
        inlay__value *items = NULL;
        INLAY__TRY(new_items(m, own + fill, &items));
        for (size_t k = 0; k < own; k++) items[k] = list->items[begin + k];
        if (fill) items[own] = a[2];
        begin += own;
        INLAY__TRY(new_list(m, items, own + fill, INLAY__V_LIST, &slices[i]));
    }
    return new_list(m, slices, (size_t)n, INLAY__V_GENERATOR, r);
}

static int32_t run_attr(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__string *name = NULL;
    INLAY__TRY(inlay__arg_string(&a[1], "name", &name));
    if (a->kind == INLAY__V_DICT) { /* only attributes, no items */
        int32_t method = inlay__method_find(name->text, name->size);
        if (method < 0 || (inlay__method_at(method)->on & INLAY__ON_DICT) == 0)
            return *r = inlay__undefined(name), INLAY_OK;
    }
    return inlay__get_attribute(m, a, name, inlay__method_find(name->text, name->size), r);
}

const inlay__callable inlay__list_filters[] = {
    {"join", "d attribute", 0, 0, run_join, NULL},
    {"first", "", 0, 0, run_first, NULL},
    {"last", "", 0, 0, run_last, NULL},
    {"list", "", 0, 0, run_list, NULL},
    {"reverse", "", 0, 0, run_reverse, NULL},
    {"map", "", 0, 0, NULL, run_map},
    {"select", "", 0, 0, NULL, run_select},
    {"reject", "", 0, 0, NULL, run_reject},
    {"selectattr", "", 0, 0, NULL, run_selectattr},
    {"rejectattr", "", 0, 0, NULL, run_rejectattr},
    {"items", "", 0, 0, run_items, NULL},
    {"sort", "reverse case_sensitive attribute", 0, 0, run_sort, NULL},
    {"dictsort", "case_sensitive by reverse", 0, 0, run_dictsort, NULL},
    {"groupby", "attribute default case_sensitive", 1, 0, run_groupby, NULL},
    {"unique", "case_sensitive attribute", 0, 0, run_unique, NULL},
    {"min", "case_sensitive attribute", 0, 0, run_min, NULL},
    {"max", "case_sensitive attribute", 0, 0, run_max, NULL},
    {"sum", "attribute start", 0, 0, run_sum, NULL},
    {"batch", "linecount fill_with", 1, 0, run_batch, NULL},
    {"slice", "slices fill_with", 1, 0, run_slice, NULL},
    {"attr", "name", 1, 0, run_attr, NULL},
    {NULL, NULL, 0, 0, NULL, NULL},
};
