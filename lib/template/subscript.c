/* Parts of values: attributes, items, slices; and the items of whatever can be walked over. */
#include "functions.h"

static int32_t undefined_attribute(const inlay__value *v, const inlay__string *name) {
    int size = name != NULL ? (int)inlay__min_size(name->size, 128) : 0;
    const char *text = name != NULL ? name->text : "";
    if (v->of.string == NULL)
        return inlay__fail(INLAY_ERR_TEMPLATE, "a value that is undefined has no attribute '%.*s'", size, text);
    return inlay__fail(INLAY_ERR_TEMPLATE, "'%.*s' is undefined, and so is its '%.*s'",
                       (int)inlay__min_size(v->of.string->size, 128), v->of.string->text, size, text);
}

/* The method of that number, if the value has it. Those that would change the value are undefined. */
static int32_t get_method(inlay__machine *m, const inlay__value *v, int32_t method, inlay__value *result, bool *found) {
    uint8_t on = inlay__methods_on(v);
    *found = method >= 0 && (inlay__method_at(method)->on & on) != 0;
    if (!*found) return INLAY_OK;
    inlay__method_value *made = inlay__heap_take(&m->heap, sizeof *made);
    if (made == NULL) return inlay__no_memory(m);
    *made = (inlay__method_value){*v, (uint32_t)method};
    *result = (inlay__value){.kind = INLAY__V_METHOD, .of.method = made};
    return INLAY_OK;
}

/* Names by which the kinds that change have methods: they are there, but not for templates. */
static bool is_unsafe(const inlay__value *v, const inlay__string *name) {
    static const char *const of_dict[] = {"clear", "pop", "popitem", "setdefault", "update"};
    static const char *const of_list[] = {"append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"};
    if (v->kind == INLAY__V_DICT)
        for (size_t i = 0; i < INLAY__COUNT(of_dict); i++)
            if (inlay__string_is(name, of_dict[i])) return true;
    if (v->kind == INLAY__V_LIST)
        for (size_t i = 0; i < INLAY__COUNT(of_list); i++)
            if (inlay__string_is(name, of_list[i])) return true;
    return false;
}

static int32_t group_attribute(const inlay__value *v, const inlay__string *name, inlay__value *result, bool *found) {
    *found = v->kind == INLAY__V_TUPLE && v->of.list->step == 2 && v->of.list->n == 2 && /* what groupby gives */
             (inlay__string_is(name, "grouper") || inlay__string_is(name, "list"));
    if (*found) *result = v->of.list->items[name->text[0] == 'l'];
    return INLAY_OK;
}

/* `dict` is a type: what it does not have is asked of its parts, and dict['any'] is dict again, with a note for
 * readers. */
static bool type_attribute(const inlay__value *v, const inlay__string *name, int32_t method, inlay__value *result) {
    if (v->kind != INLAY__V_FUNCTION || !inlay__function_is_dict(v)) return false;
    if (inlay__string_is(name, "fromkeys"))
        *result = (inlay__value){.kind = INLAY__V_FUNCTION, .of.integer = inlay__global_find("dict.fromkeys", 13)};
    else if ((method < 0 || (inlay__method_at(method)->on & INLAY__ON_DICT) == 0) &&
             !is_unsafe(&(inlay__value){.kind = INLAY__V_DICT}, name) &&
             !(name->size > 1 && memcmp(name->text, "__", 2) == 0) && !inlay__string_is(name, "mro"))
        *result = *v;
    return true;
}

/* An attribute that is no item of a dictionary. */
static int32_t own_attribute(inlay__machine *m, const inlay__value *v, const inlay__string *name, int32_t method,
                             inlay__value *result, bool *found) {
    INLAY__TRY(get_method(m, v, method, result, found));
    if (*found) return INLAY_OK;
    *found = true;
    if (type_attribute(v, name, method, result)) return INLAY_OK;
    if (is_unsafe(v, name)) return *result = inlay__undefined(name), INLAY_OK;
    if (v->kind == INLAY__V_NAMESPACE) {
        const inlay__value *there = inlay__namespace_get(v->of.space, name);
        if (there != NULL) return *result = *there, INLAY_OK;
    }
    if (v->kind == INLAY__V_LOOP) return inlay__loop_attribute(m, v->of.loop, name, result);
    if (v->kind == INLAY__V_MACRO && inlay__string_is(name, "name")) {
        const inlay__string *macro = m->program->macros[v->of.macro->macro].name;
        *result = macro != NULL ? inlay__string_value(macro) : inlay__none();
        return INLAY_OK;
    }
    if (v->kind == INLAY__V_CYCLER && inlay__string_is(name, "current")) {
        *result = v->of.cycler->list->items[v->of.cycler->next % v->of.cycler->list->n];
        return INLAY_OK;
    }
    return group_attribute(v, name, result, found);
}

int32_t inlay__get_attribute(inlay__machine *m, const inlay__value *v, const inlay__string *name, int32_t method,
                             inlay__value *result) {
    bool found = false;
    *result = inlay__undefined(name);
    if (v->kind == INLAY__V_UNDEFINED) return undefined_attribute(v, name);
    INLAY__TRY(own_attribute(m, v, name, method, result, &found));
    if (found || v->kind != INLAY__V_DICT) return INLAY_OK;
    inlay__value key = inlay__string_value(name);
    const inlay__value *there = NULL;
    INLAY__TRY(inlay__dict_get(m, v->of.dict, &key, &there));
    if (there != NULL) *result = *there;
    return INLAY_OK;
}

/* ------------------------------------------------------------------- slices */

static int32_t slice_index(const inlay__value *v, int64_t size, int64_t absent, int64_t least, int64_t most,
                           int64_t *index) {
    *index = absent;
    if (v->kind == INLAY__V_NONE) return INLAY_OK;
    if (v->kind != INLAY__V_INT && v->kind != INLAY__V_BOOL)
        return inlay__fail(INLAY_ERR_TEMPLATE, "slice indices must be integers or None, not %s", inlay__value_type(v));
    *index = v->kind == INLAY__V_BOOL ? v->of.boolean : v->of.integer;
    if (*index < 0) *index = *index < -size ? least : *index + size;
    if (*index > most) *index = most;
    if (*index < least) *index = least;
    return INLAY_OK;
}

/* How many items a slice of `size` items has, from *start on, *step apart. */
static int32_t slice_of(const inlay__list *slice, int64_t size, int64_t *start, int64_t *step, int64_t *n) {
    const inlay__value *v = &slice->items[2];
    int64_t stop = 0;
    *step = 1;
    if (v->kind == INLAY__V_INT || v->kind == INLAY__V_BOOL)
        *step = v->kind == INLAY__V_BOOL ? v->of.boolean : v->of.integer;
    else if (v->kind != INLAY__V_NONE)
        return inlay__fail(INLAY_ERR_TEMPLATE, "slice indices must be integers or None, not %s", inlay__value_type(v));
    if (*step == 0) return inlay__fail(INLAY_ERR_TEMPLATE, "slice step cannot be zero");
    if (*step > INT32_MAX) *step = INT32_MAX;
    if (*step < -INT32_MAX) *step = -INT32_MAX;
    bool back = *step < 0;
    INLAY__TRY(slice_index(&slice->items[0], size, back ? size - 1 : 0, back ? -1 : 0, back ? size - 1 : size, start));
    INLAY__TRY(slice_index(&slice->items[1], size, back ? -1 : size, back ? -1 : 0, back ? size - 1 : size, &stop));
    int64_t distance = back ? *start - stop : stop - *start, stride = back ? -*step : *step;
    *n = distance > 0 ? (distance - 1) / stride + 1 : 0;
    return INLAY_OK;
}

static int32_t slice_string(inlay__machine *m, const inlay__string *s, const inlay__list *slice, inlay__value *result) {
    int64_t start, step, n;
    INLAY__TRY(slice_of(slice, s->n_chars, &start, &step, &n));
    INLAY__TRY(inlay__charge(m, s->n_chars == s->size ? 1 : s->size / 16));
    if (n == 0) return inlay__new_part(m, s, 0, 0, result);
    if (step == 1) {
        size_t from = inlay__string_offset(s, (size_t)start);
        return inlay__new_part(m, s, from, inlay__string_offset(s, (size_t)(start + n)), result);
    }
    INLAY__TRY(inlay__charge(m, (size_t)n));
    size_t begin = m->n_out, offset = inlay__string_offset(s, (size_t)start);
    for (int64_t i = 0; i < n; i++) {
        INLAY__TRY(inlay__out_part(m, s, offset, offset + inlay__char_size(s, offset)));
        if (i + 1 == n) break;
        for (int64_t k = 0; k < step; k++) offset += inlay__char_size(s, offset);
        for (int64_t k = 0; k > step; k--)
            do offset--;
            while (((uint8_t)s->text[offset] & 0xc0) == 0x80);
    }
    return inlay__out_take(m, begin, result);
}

static int32_t slice_list(inlay__machine *m, const inlay__value *v, const inlay__list *slice, inlay__value *result) {
    int64_t start, step, n;
    const inlay__list *from = v->of.list;
    INLAY__TRY(slice_of(slice, (int64_t)from->n, &start, &step, &n));
    inlay__list *list = inlay__list_new(&m->heap, (size_t)n);
    if (list == NULL) return inlay__no_memory(m);
    INLAY__TRY(inlay__charge(m, (size_t)n / 8 + 1));
    for (int64_t i = 0; i < n; i++) list->items[i] = from->items[start + i * step];
    if (v->kind == INLAY__V_RANGE) {
        list->start = from->start + start * from->step;
        list->step = from->step * step;
        list->stop = list->start + n * list->step;
    }
    *result = inlay__list_value(v->kind, list);
    return INLAY_OK;
}

/* -------------------------------------------------------------------- items */

static int32_t item_at(inlay__machine *m, const inlay__value *v, int64_t index, inlay__value *result) {
    int64_t n = v->kind == INLAY__V_STRING ? v->of.string->n_chars : (int64_t)v->of.list->n;
    if (index < 0) index += n;
    if (index < 0 || index >= n) return INLAY_OK; /* undefined */
    if (v->kind != INLAY__V_STRING) return *result = v->of.list->items[index], INLAY_OK;
    INLAY__TRY(inlay__charge(m, (size_t)index / 16));
    size_t offset = inlay__string_offset(v->of.string, (size_t)index);
    return inlay__new_part(m, v->of.string, offset, offset + inlay__char_size(v->of.string, offset), result);
}

int32_t inlay__get_item(inlay__machine *m, const inlay__value *v, const inlay__value *key, inlay__value *result) {
    const inlay__string *name = key->kind == INLAY__V_STRING ? key->of.string : NULL;
    bool is_index = key->kind == INLAY__V_INT || key->kind == INLAY__V_BOOL;
    *result = inlay__undefined(name);
    if (v->kind == INLAY__V_UNDEFINED) return undefined_attribute(v, name);
    if (v->kind == INLAY__V_DICT) {
        const inlay__value *there = NULL;
        if (key->kind <= INLAY__V_STRING || key->kind == INLAY__V_TUPLE)
            INLAY__TRY(inlay__dict_get(m, v->of.dict, key, &there));
        if (there != NULL) return *result = *there, INLAY_OK;
    }
    bool sequence = v->kind == INLAY__V_LIST || v->kind == INLAY__V_TUPLE || v->kind == INLAY__V_RANGE;
    if ((sequence || v->kind == INLAY__V_STRING) && is_index)
        return item_at(m, v, key->kind == INLAY__V_BOOL ? key->of.boolean : key->of.integer, result);
    if (sequence && key->kind == INLAY__V_SLICE) return slice_list(m, v, key->of.list, result);
    if (v->kind == INLAY__V_STRING && key->kind == INLAY__V_SLICE)
        return slice_string(m, v->of.string, key->of.list, result);
    if (key->kind == INLAY__V_SLICE)
        return inlay__fail(INLAY_ERR_TEMPLATE, "'%s' object cannot be sliced", inlay__value_type(v));
    if (v->kind == INLAY__V_FUNCTION && inlay__function_is_dict(v)) return *result = *v, INLAY_OK;
    if (name == NULL) return INLAY_OK;
    bool found;
    INLAY__TRY(own_attribute(m, v, name, inlay__method_find(name->text, name->size), result, &found));
    if (!found) *result = inlay__undefined(name);
    return INLAY_OK;
}

static int32_t items_of_string(inlay__machine *m, const inlay__string *s, const inlay__list **items) {
    inlay__list *list = inlay__list_new(&m->heap, s->n_chars);
    if (list == NULL) return inlay__no_memory(m);
    size_t offset = 0;
    for (size_t i = 0; i < list->n; i++) {
        size_t size = inlay__char_size(s, offset);
        INLAY__TRY(inlay__new_part(m, s, offset, offset + size, &list->items[i]));
        offset += size;
    }
    *items = list;
    return INLAY_OK;
}

static int32_t items_of_dict(inlay__machine *m, const inlay__dict *dict, const inlay__list **items) {
    inlay__list *list = inlay__list_new(&m->heap, dict->n);
    if (list == NULL) return inlay__no_memory(m);
    INLAY__TRY(inlay__charge(m, dict->n / 8));
    for (size_t i = 0; i < dict->n; i++) list->items[i] = dict->pairs[2 * i];
    *items = list;
    return INLAY_OK;
}

int32_t inlay__items_of(inlay__machine *m, const inlay__value *v, const inlay__list **items) {
    if (inlay__value_is_list(v)) return *items = v->of.list, INLAY_OK;
    if (v->kind == INLAY__V_STRING) return items_of_string(m, v->of.string, items);
    if (v->kind == INLAY__V_DICT) return items_of_dict(m, v->of.dict, items);
    if (v->kind == INLAY__V_GENERATOR) return inlay__generator_rest(m, v->of.generator, items);
    if (v->kind != INLAY__V_UNDEFINED)
        return inlay__fail(INLAY_ERR_TEMPLATE, "'%s' object is not iterable", inlay__value_type(v));
    *items = inlay__list_new(&m->heap, 0);
    return *items != NULL ? INLAY_OK : inlay__no_memory(m);
}

int32_t inlay__length_of(const inlay__value *v, int64_t *n) {
    if (inlay__value_is_list(v)) return *n = (int64_t)v->of.list->n, INLAY_OK;
    if (v->kind == INLAY__V_STRING) return *n = v->of.string->n_chars, INLAY_OK;
    if (v->kind == INLAY__V_DICT) return *n = (int64_t)v->of.dict->n, INLAY_OK;
    if (v->kind == INLAY__V_UNDEFINED) return *n = 0, INLAY_OK;
    return inlay__fail(INLAY_ERR_TEMPLATE, "object of type '%s' has no len()", inlay__value_type(v));
}

int32_t inlay__range_new(inlay__machine *m, int64_t start, int64_t stop, int64_t step, inlay__value *result) {
    if (step == 0) return inlay__fail(INLAY_ERR_TEMPLATE, "range() arg 3 must not be zero");
    uint64_t distance = step > 0 ? (uint64_t)stop - (uint64_t)start : (uint64_t)start - (uint64_t)stop;
    bool empty = step > 0 ? stop <= start : start <= stop;
    uint64_t stride = step > 0 ? (uint64_t)step : (uint64_t)0 - (uint64_t)step,
             n = empty ? 0 : (distance - 1) / stride + 1;
    if (n > INLAY__RENDER_MAX_RANGE)
        return inlay__fail(INLAY_ERR_TEMPLATE, "a range of %llu numbers, expected at most %d", (unsigned long long)n,
                           INLAY__RENDER_MAX_RANGE);
    inlay__list *list = inlay__list_new(&m->heap, (size_t)n);
    if (list == NULL) return inlay__no_memory(m);
    INLAY__TRY(inlay__charge(m, (size_t)n / 8));
    list->start = start;
    list->stop = stop;
    list->step = step;
    for (size_t i = 0; i < list->n; i++) list->items[i] = inlay__int((int64_t)((uint64_t)start + i * (uint64_t)step));
    *result = inlay__list_value(INLAY__V_RANGE, list);
    return INLAY_OK;
}
