/* The methods of Python's str. */
#include "base/find_bytes.h"
#include "base/utf8.h"
#include "functions.h"
#include "letters.h"

static const inlay__string *self_of(const inlay__value *a) { return a[0].of.string; }

/* ----------------------------------------------------------------- stripping */

static bool in_set(const inlay__string *set, const char *c, size_t size) {
    return inlay__find_bytes(set->text, set->size, c, size) != NULL;
}

/* Bytes of the character at the beginning of the text that are stripped: white space, or one of `set`. */
static size_t strip_at(const inlay__string *s, size_t i, const inlay__string *set) {
    size_t n = inlay__char_size(s, i);
    if (set == NULL) return inlay__space_at(s->text + i, s->size - i);
    return in_set(set, s->text + i, n) ? n : 0;
}

static int32_t strip(inlay__machine *m, const inlay__value *a, bool left, bool right, inlay__value *result) {
    const inlay__string *s = self_of(a), *set = NULL;
    if (inlay__arg_given(&a[1])) INLAY__TRY(inlay__arg_string(&a[1], "chars", &set));
    size_t from = 0, to = s->size;
    INLAY__TRY(inlay__charge(m, s->size / 32 * (set != NULL ? 1 + set->size / 16 : 1)));
    for (size_t n; left && from < to && (n = strip_at(s, from, set)) > 0;) from += n;
    while (right && to > from) {
        size_t begin = to - 1;
        while (begin > from && ((uint8_t)s->text[begin] & 0xc0) == 0x80) begin--;
        if (strip_at(s, begin, set) == 0) break;
        to = begin;
    }
    return inlay__new_part(m, s, from, to, result);
}

static int32_t run_strip(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return strip(m, a, true, true, r);
}
static int32_t run_lstrip(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return strip(m, a, true, false, r);
}
static int32_t run_rstrip(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return strip(m, a, false, true, r);
}

static bool begins(const inlay__string *s, const inlay__string *with) {
    return with->size <= s->size && memcmp(s->text, with->text, with->size) == 0;
}

static bool ends(const inlay__string *s, const inlay__string *with) {
    return with->size <= s->size && memcmp(s->text + s->size - with->size, with->text, with->size) == 0;
}

static int32_t run_removeprefix(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__string *s = self_of(a), *part = NULL;
    INLAY__TRY(inlay__arg_string(&a[1], "prefix", &part));
    return inlay__new_part(m, s, begins(s, part) ? part->size : 0, s->size, r);
}

static int32_t run_removesuffix(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__string *s = self_of(a), *part = NULL;
    INLAY__TRY(inlay__arg_string(&a[1], "suffix", &part));
    return inlay__new_part(m, s, 0, ends(s, part) ? s->size - part->size : s->size, r);
}

/* ------------------------------------------------------------------ searching */

/* The part of the text that optional start and end (code points) name; false when start is beyond the text. */
static int32_t bounds(inlay__machine *m, const inlay__value *a, const inlay__string *s, size_t *from, size_t *to,
                      bool *within) {
    int64_t n = s->n_chars, start = 0, end = n;
    if (inlay__arg_given(&a[0])) INLAY__TRY(inlay__arg_int(&a[0], "start", &start));
    if (inlay__arg_given(&a[1])) INLAY__TRY(inlay__arg_int(&a[1], "end", &end));
    INLAY__TRY(inlay__charge(m, s->size / 24));
    if (start < 0) start = start + n < 0 ? 0 : start + n;
    if (end < 0) end = end + n < 0 ? 0 : end + n;
    if (end > n) end = n;
    *within = start <= end;
    if (start > n) start = n;
    *from = inlay__string_offset(s, (size_t)start);
    *to = inlay__string_offset(s, (size_t)(end < start ? start : end));
    return INLAY_OK;
}

static int32_t affix(inlay__machine *m, const inlay__value *a, bool at_end, inlay__value *r) {
    const inlay__string *s = self_of(a);
    size_t from, to;
    bool within = true, found = false;
    INLAY__TRY(bounds(m, &a[2], s, &from, &to, &within));
    inlay__string part = *s;
    part.text += from;
    part.size = (uint32_t)(to - from);
    const inlay__value *one = &a[1];
    size_t n = 1;
    if (a[1].kind == INLAY__V_TUPLE) one = a[1].of.list->items, n = a[1].of.list->n;
    for (size_t i = 0; i < n; i++) {
        const inlay__string *with = NULL;
        INLAY__TRY(inlay__arg_string(&one[i], at_end ? "suffix" : "prefix", &with));
        found = found || (within && (at_end ? ends(&part, with) : begins(&part, with)));
    }
    *r = inlay__bool(found);
    return INLAY_OK;
}

static int32_t run_startswith(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return affix(m, a, false, r);
}
static int32_t run_endswith(inlay__machine *m, const inlay__value *a, inlay__value *r) { return affix(m, a, true, r); }

static size_t find_last(const inlay__string *s, const inlay__string *needle, size_t from, size_t to) {
    if (needle->size > to - from) return SIZE_MAX;
    for (size_t i = to - needle->size + 1; i-- > from;)
        if (memcmp(s->text + i, needle->text, needle->size) == 0) return i;
    return SIZE_MAX;
}

static int32_t find(inlay__machine *m, const inlay__value *a, bool last, bool must, inlay__value *r) {
    const inlay__string *s = self_of(a), *needle = NULL;
    size_t from, to, at;
    bool within = true;
    INLAY__TRY(inlay__arg_string(&a[1], "sub", &needle));
    INLAY__TRY(bounds(m, &a[2], s, &from, &to, &within));
    if (last) INLAY__TRY(inlay__charge(m, (s->size / 16 + 1) * (needle->size / 64 + 1)));
    inlay__string part = *s;
    part.size = (uint32_t)to;
    at = last ? find_last(s, needle, from, to) : inlay__find_text(&part, needle, from);
    if (!within) at = SIZE_MAX;
    if (at == SIZE_MAX && must) return inlay__fail(INLAY_ERR_TEMPLATE, "substring not found");
    int64_t index = -1;
    if (at != SIZE_MAX) {
        index = 0;
        for (size_t i = 0; i < at; i++) index += ((uint8_t)s->text[i] & 0xc0) != 0x80;
    }
    *r = inlay__int(index);
    return INLAY_OK;
}

static int32_t run_find(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return find(m, a, false, false, r);
}
static int32_t run_rfind(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return find(m, a, true, false, r);
}
static int32_t run_index(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return a->kind == INLAY__V_STRING ? find(m, a, false, true, r) : inlay__list_index(m, a, r);
}

static int32_t run_rindex(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return find(m, a, true, true, r);
}

static int32_t run_count(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    if (a->kind != INLAY__V_STRING) return inlay__list_count(m, a, r);
    const inlay__string *s = self_of(a), *needle = NULL;
    size_t from, to;
    bool within = true;
    int64_t n = 0;
    INLAY__TRY(inlay__arg_string(&a[1], "sub", &needle));
    INLAY__TRY(bounds(m, &a[2], s, &from, &to, &within));
    inlay__string part = *s;
    part.size = (uint32_t)to;
    if (needle->size == 0) {
        n = 1;
        for (size_t i = from; i < to; i++) n += ((uint8_t)s->text[i] & 0xc0) != 0x80;
    }
    for (size_t at = from; needle->size > 0 && (at = inlay__find_text(&part, needle, at)) != SIZE_MAX;
         at += needle->size)
        n++;
    INLAY__TRY(inlay__charge(m, s->size / 24 + (size_t)n / 8));
    *r = inlay__int(within ? n : 0);
    return INLAY_OK;
}

static int32_t run_replace(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__string *s = self_of(a), *old = NULL, *new = NULL;
    int64_t limit = -1;
    size_t start = m->n_out, done = 0;
    INLAY__TRY(inlay__arg_string(&a[1], "old", &old));
    INLAY__TRY(inlay__arg_string(&a[2], "new", &new));
    if (inlay__arg_given(&a[3])) INLAY__TRY(inlay__arg_int(&a[3], "count", &limit));
    INLAY__TRY(inlay__charge(m, s->size / 24));
    for (size_t at = 0; limit != 0; limit--) {
        at = old->size > 0 ? inlay__find_text(s, old, done) : at;
        if (at == SIZE_MAX) break;
        INLAY__TRY(inlay__charge(m, 1));
        INLAY__TRY(inlay__out_part(m, s, done, at));
        INLAY__TRY(inlay__out_string(m, new));
        done = at + old->size;
        if (old->size > 0) continue;
        if (at == s->size) break; /* nothing stands between all characters */
        at += inlay__char_size(s, at);
    }
    INLAY__TRY(inlay__out_part(m, s, done, s->size));
    return inlay__out_take(m, start, r);
}

/* ------------------------------------------------------------------ splitting */

/* A list that grows; pieces are kept on the machine's heap. */
typedef struct pieces {
    inlay__value *items;
    size_t n, capacity;
} pieces;

static int32_t add_piece(inlay__machine *m, pieces *p, const inlay__string *s, size_t from, size_t to) {
    if (p->n == p->capacity) {
        size_t capacity = inlay__max_size(8, 2 * p->capacity);
        inlay__value *items = inlay__heap_take_array(&m->heap, capacity, sizeof *items);
        if (items == NULL) return inlay__no_memory(m);
        if (p->n > 0) memcpy(items, p->items, p->n * sizeof *items);
        p->items = items;
        p->capacity = capacity;
    }
    return inlay__new_part(m, s, from, to, &p->items[p->n++]);
}

static int32_t finish(inlay__machine *m, const pieces *p, inlay__value *r) {
    inlay__list *list = inlay__list_new(&m->heap, p->n);
    if (list == NULL) return inlay__no_memory(m);
    if (p->n > 0) memcpy(list->items, p->items, p->n * sizeof *list->items);
    *r = inlay__list_value(INLAY__V_LIST, list);
    return INLAY_OK;
}

static void reverse(pieces *p) {
    for (size_t i = 0; i < p->n / 2; i++) {
        inlay__value v = p->items[i];
        p->items[i] = p->items[p->n - 1 - i];
        p->items[p->n - 1 - i] = v;
    }
}

static size_t skip_space(const inlay__string *s, size_t i) {
    for (size_t n; i < s->size && (n = inlay__space_at(s->text + i, s->size - i)) > 0;) i += n;
    return i;
}

static size_t skip_word(const inlay__string *s, size_t i) {
    while (i < s->size && inlay__space_at(s->text + i, s->size - i) == 0) i += inlay__char_size(s, i);
    return i;
}

static int32_t split_words(inlay__machine *m, const inlay__string *s, int64_t limit, pieces *p) {
    for (size_t i = skip_space(s, 0); i < s->size; limit--) {
        size_t end = limit == 0 ? s->size : skip_word(s, i);
        INLAY__TRY(add_piece(m, p, s, i, end));
        i = limit == 0 ? s->size : skip_space(s, end);
    }
    return INLAY_OK;
}

static int32_t rsplit_words(inlay__machine *m, const inlay__string *s, int64_t limit, pieces *p) {
    size_t first = skip_space(s, 0), end = inlay__rstrip_size(s->text, s->size);
    for (; end > first; limit--) {
        size_t begin = limit == 0 ? first : end;
        while (begin > first) {
            size_t c = begin - 1;
            while (c > 0 && ((uint8_t)s->text[c] & 0xc0) == 0x80) c--;
            if (inlay__space_at(s->text + c, s->size - c) > 0) break;
            begin = c;
        }
        INLAY__TRY(add_piece(m, p, s, limit == 0 ? 0 : begin, end));
        if (limit == 0) break;
        end = inlay__rstrip_size(s->text, begin);
    }
    reverse(p);
    return INLAY_OK;
}

static int32_t split_at(inlay__machine *m, const inlay__string *s, const inlay__string *by, int64_t limit, pieces *p) {
    size_t done = 0;
    for (size_t at; limit != 0 && (at = inlay__find_text(s, by, done)) != SIZE_MAX; limit--) {
        INLAY__TRY(add_piece(m, p, s, done, at));
        done = at + by->size;
    }
    return add_piece(m, p, s, done, s->size);
}

static int32_t rsplit_at(inlay__machine *m, const inlay__string *s, const inlay__string *by, int64_t limit, pieces *p) {
    size_t end = s->size;
    INLAY__TRY(inlay__charge(m, (s->size / 16 + 1) * (by->size / 64 + 1)));
    for (size_t at; limit != 0 && (at = find_last(s, by, 0, end)) != SIZE_MAX; limit--) {
        INLAY__TRY(add_piece(m, p, s, at + by->size, end));
        end = at;
    }
    INLAY__TRY(add_piece(m, p, s, 0, end));
    reverse(p);
    return INLAY_OK;
}

static int32_t split(inlay__machine *m, const inlay__value *a, bool from_right, inlay__value *r) {
    const inlay__string *s = self_of(a), *by = NULL;
    int64_t limit = -1;
    pieces p = {NULL, 0, 0};
    if (inlay__arg_given(&a[1])) INLAY__TRY(inlay__arg_string(&a[1], "sep", &by));
    INLAY__TRY(inlay__arg_int(&a[2], "maxsplit", &limit));
    if (limit < 0) limit = -1;
    INLAY__TRY(inlay__charge(m, s->size / 16));
    if (by != NULL && by->size == 0) return inlay__fail(INLAY_ERR_TEMPLATE, "empty separator");
    if (by == NULL)
        INLAY__TRY(from_right ? rsplit_words(m, s, limit, &p) : split_words(m, s, limit, &p));
    else
        INLAY__TRY(from_right ? rsplit_at(m, s, by, limit, &p) : split_at(m, s, by, limit, &p));
    return finish(m, &p, r);
}

static int32_t run_split(inlay__machine *m, const inlay__value *a, inlay__value *r) { return split(m, a, false, r); }
static int32_t run_rsplit(inlay__machine *m, const inlay__value *a, inlay__value *r) { return split(m, a, true, r); }

/* Bytes of the line end at i, or 0: those that str.splitlines() knows. */
static size_t line_end(const inlay__string *s, size_t i) {
    uint8_t c = (uint8_t)s->text[i];
    if (c == '\r') return i + 1 < s->size && s->text[i + 1] == '\n' ? 2 : 1;
    if ((c >= 10 && c <= 12) || (c >= 28 && c <= 30)) return 1;
    if (c == 0xc2 && (uint8_t)s->text[i + 1] == 0x85) return 2;
    return c == 0xe2 && (uint8_t)s->text[i + 1] == 0x80 && ((uint8_t)s->text[i + 2] | 1) == 0xa9 ? 3 : 0;
}

static int32_t run_splitlines(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__string *s = self_of(a);
    bool keep = inlay__arg_is_true(&a[1], false);
    pieces p = {NULL, 0, 0};
    size_t begin = 0;
    INLAY__TRY(inlay__charge(m, s->size / 16));
    for (size_t i = 0; i < s->size;) {
        size_t n = line_end(s, i);
        if (n > 0) {
            INLAY__TRY(add_piece(m, &p, s, begin, keep ? i + n : i));
            begin = i + n;
        }
        i += n > 0 ? n : inlay__char_size(s, i);
    }
    if (begin < s->size) INLAY__TRY(add_piece(m, &p, s, begin, s->size));
    return finish(m, &p, r);
}

static int32_t partition(inlay__machine *m, const inlay__value *a, bool last, inlay__value *r) {
    const inlay__string *s = self_of(a), *by = NULL;
    INLAY__TRY(inlay__arg_string(&a[1], "sep", &by));
    if (by->size == 0) return inlay__fail(INLAY_ERR_TEMPLATE, "empty separator");
    INLAY__TRY(inlay__charge(m, (s->size / 16 + 1) * (last ? by->size / 64 + 1 : 1)));
    size_t at = last ? find_last(s, by, 0, s->size) : inlay__find_text(s, by, 0);
    pieces p = {NULL, 0, 0};
    bool none = at == SIZE_MAX;
    if (none) at = last ? 0 : s->size;
    INLAY__TRY(add_piece(m, &p, s, 0, at));
    INLAY__TRY(add_piece(m, &p, s, at, none ? at : at + by->size));
    INLAY__TRY(add_piece(m, &p, s, none ? at : at + by->size, s->size));
    INLAY__TRY(finish(m, &p, r));
    r->kind = INLAY__V_TUPLE;
    return INLAY_OK;
}

static int32_t run_partition(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return partition(m, a, false, r);
}
static int32_t run_rpartition(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return partition(m, a, true, r);
}

/* ----------------------------------------------------------------- questions */

static int32_t all_are(inlay__machine *m, const inlay__value *a, bool (*is)(uint32_t), inlay__value *r) {
    const inlay__string *s = self_of(a);
    bool all = s->size > 0;
    INLAY__TRY(inlay__charge(m, s->size / 16));
    for (size_t i = 0, n; i < s->size && all; i += n) {
        uint32_t code;
        n = inlay__utf8_decode((const uint8_t *)s->text + i, s->size - i, &code);
        all = is(code);
    }
    *r = inlay__bool(all);
    return INLAY_OK;
}

static bool is_alnum(uint32_t code) { return inlay__letter_is_alpha(code) || inlay__letter_is_numeric(code); }
static bool is_ascii(uint32_t code) { return code < 0x80; }
static bool is_space(uint32_t code) {
    uint8_t text[4];
    size_t n = inlay__utf8_encode(code, text);
    return inlay__space_at((const char *)text, n) > 0;
}

#define QUESTION(name, is) \
    static int32_t name(inlay__machine *m, const inlay__value *a, inlay__value *r) { return all_are(m, a, is, r); }
QUESTION(run_isalpha, inlay__letter_is_alpha)
QUESTION(run_isdigit, inlay__letter_is_digit)
QUESTION(run_isdecimal, inlay__letter_is_decimal)
QUESTION(run_isnumeric, inlay__letter_is_numeric)
QUESTION(run_isalnum, is_alnum)
QUESTION(run_isspace, is_space)

static int32_t run_isascii(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    if (self_of(a)->size == 0) return *r = inlay__bool(true), INLAY_OK;
    return all_are(m, a, is_ascii, r);
}

/* Methods that a filter or a test of the same name has too. */
static int32_t by_filter(inlay__machine *m, const char *name, const inlay__value *a, size_t n, inlay__value *r) {
    const inlay__arguments args = {a + 1, n, NULL, 0};
    return inlay__filter_run(m, inlay__filter_find(name, strlen(name)), a, &args, r);
}

static int32_t run_upper(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return by_filter(m, "upper", a, 0, r);
}
static int32_t run_lower(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return by_filter(m, "lower", a, 0, r);
}
static int32_t run_capitalize(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return by_filter(m, "capitalize", a, 0, r);
}

static int32_t by_test(inlay__machine *m, const char *name, const inlay__value *a, inlay__value *r) {
    const inlay__arguments none = {NULL, 0, NULL, 0};
    bool passes = false;
    INLAY__TRY(inlay__test_run(m, inlay__test_find(name, strlen(name)), a, &none, &passes));
    *r = inlay__bool(passes);
    return INLAY_OK;
}

static int32_t run_isupper(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return by_test(m, "upper", a, r);
}
static int32_t run_islower(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return by_test(m, "lower", a, r);
}

/* ---------------------------------------------------------------------- others */

typedef enum converting { TO_TITLE, TO_SWAPPED, TO_FOLDED } converting;

static int32_t convert(inlay__machine *m, const inlay__value *a, converting how, inlay__value *r) {
    const inlay__string *s = self_of(a);
    size_t start = m->n_out;
    bool in_word = false;
    INLAY__TRY(inlay__charge(m, s->size));
    for (size_t i = 0, n; i < s->size; i += n) {
        uint32_t code, out[3];
        n = inlay__utf8_decode((const uint8_t *)s->text + i, s->size - i, &code);
        bool upper = inlay__letter_is_upper(code), lower = inlay__letter_is_lower(code);
        inlay__letter_case to = INLAY__FOLDED_CASE;
        if (how == TO_TITLE) to = in_word ? INLAY__LOWER_CASE : INLAY__TITLE_CASE;
        if (how == TO_SWAPPED) to = upper ? INLAY__LOWER_CASE : INLAY__UPPER_CASE;
        bool data = s->origin == INLAY__FROM_DATA || (s->origin == INLAY__FROM_BOTH && s->marks[i] != 0);
        size_t count = inlay__letter_convert(code, to, out);
        if (to == INLAY__LOWER_CASE) out[0] = inlay__sigma(out[0], s->text, s->size, i, n);
        for (size_t k = 0; k < count; k++) INLAY__TRY(inlay__out_code(m, out[k], data));
        in_word = upper || lower;
    }
    return inlay__out_take(m, start, r);
}

static int32_t run_title(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return convert(m, a, TO_TITLE, r);
}
static int32_t run_swapcase(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return convert(m, a, TO_SWAPPED, r);
}
static int32_t run_casefold(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return convert(m, a, TO_FOLDED, r);
}

static int32_t run_join(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__list *items = NULL;
    size_t start = m->n_out;
    INLAY__TRY(inlay__items_of(m, &a[1], &items));
    for (size_t i = 0; i < items->n; i++) {
        if (items->items[i].kind != INLAY__V_STRING)
            return inlay__fail(INLAY_ERR_TEMPLATE, "sequence item %zu: expected str instance, %s found", i,
                               inlay__value_type(&items->items[i]));
        INLAY__TRY(inlay__charge(m, 1));
        if (i > 0) INLAY__TRY(inlay__out_string(m, self_of(a)));
        INLAY__TRY(inlay__out_string(m, items->items[i].of.string));
    }
    return inlay__out_take(m, start, r);
}

/* `left` and `right` fills around the text, to `width` code points. */
static int32_t pad(inlay__machine *m, const inlay__value *a, int side, inlay__value *r) {
    static const inlay__string space = {.text = " ", .size = 1, .n_chars = 1};
    const inlay__string *s = self_of(a), *fill = &space;
    int64_t width = 0;
    size_t start = m->n_out;
    INLAY__TRY(inlay__arg_int(&a[1], "width", &width));
    INLAY__TRY(inlay__arg_string(&a[2], "fillchar", &fill));
    if (fill->n_chars != 1)
        return inlay__fail(INLAY_ERR_TEMPLATE, "the fill character must be exactly one character long");
    int64_t room = width - (int64_t)s->n_chars;
    if (room <= 0) return *r = a[0], INLAY_OK;
    if (room > INLAY__RENDER_MAX_OUTPUT)
        return inlay__fail(INLAY_ERR_TEMPLATE, "a width of %lld is too large", (long long)width);
    int64_t left = side < 0 ? 0 : side > 0 ? room : room / 2 + (room & width & 1);
    INLAY__TRY(inlay__charge(m, (size_t)room / 8));
    for (int64_t i = 0; i < left; i++) INLAY__TRY(inlay__out_string(m, fill));
    INLAY__TRY(inlay__out_string(m, s));
    for (int64_t i = left; i < room; i++) INLAY__TRY(inlay__out_string(m, fill));
    return inlay__out_take(m, start, r);
}

static int32_t run_ljust(inlay__machine *m, const inlay__value *a, inlay__value *r) { return pad(m, a, -1, r); }
static int32_t run_center(inlay__machine *m, const inlay__value *a, inlay__value *r) { return pad(m, a, 0, r); }
static int32_t run_rjust(inlay__machine *m, const inlay__value *a, inlay__value *r) { return pad(m, a, 1, r); }

static int32_t run_zfill(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    static const inlay__string zero = {.text = "0", .size = 1, .n_chars = 1};
    const inlay__string *s = self_of(a);
    inlay__value b[3] = {a[0], a[1], inlay__string_value(&zero)}, digits;
    size_t start = m->n_out;
    if (s->size == 0 || (s->text[0] != '-' && s->text[0] != '+')) return pad(m, b, 1, r);
    INLAY__TRY(inlay__new_part(m, s, 1, s->size, &b[0]));
    if (b[1].kind == INLAY__V_INT && b[1].of.integer > 0) b[1].of.integer--;
    INLAY__TRY(pad(m, b, 1, &digits));
    INLAY__TRY(inlay__out_part(m, s, 0, 1));
    INLAY__TRY(inlay__out_string(m, digits.of.string));
    return inlay__out_take(m, start, r);
}

static int32_t run_expandtabs(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__string *s = self_of(a);
    int64_t size = 8;
    size_t start = m->n_out, column = 0;
    INLAY__TRY(inlay__arg_int(&a[1], "tabsize", &size));
    if (size < 0 || size > 1000)
        return inlay__fail(INLAY_ERR_TEMPLATE, "'tabsize' is %lld, expected 0 to 1000", (long long)size);
    INLAY__TRY(inlay__charge(m, s->size / 4));
    for (size_t i = 0, n; i < s->size; i += n) {
        n = inlay__char_size(s, i);
        size_t spaces = s->text[i] == '\t' && size > 0 ? (size_t)size - column % (size_t)size : 0;
        if (s->text[i] != '\t') INLAY__TRY(inlay__out_part(m, s, i, i + n));
        for (size_t k = 0; k < spaces; k++) INLAY__TRY(inlay__out_text(m, " ", 1));
        column = s->text[i] == '\n' || s->text[i] == '\r' ? 0 : column + (s->text[i] == '\t' ? spaces : 1);
    }
    return inlay__out_take(m, start, r);
}

static int32_t run_format(inlay__machine *m, const inlay__value *self, const inlay__arguments *args, inlay__value *r) {
    return inlay__format_braces(m, self->of.string, args, r);
}

#define METHOD(name, params, n, run) {name, params, n, INLAY__ON_STRING, run, NULL}
const inlay__callable inlay__string_methods[] = {
    METHOD("strip", "chars", 0, run_strip),
    METHOD("lstrip", "chars", 0, run_lstrip),
    METHOD("rstrip", "chars", 0, run_rstrip),
    METHOD("split", "sep maxsplit", 0, run_split),
    METHOD("rsplit", "sep maxsplit", 0, run_rsplit),
    METHOD("splitlines", "keepends", 0, run_splitlines),
    METHOD("startswith", "prefix start end", 1, run_startswith),
    METHOD("endswith", "suffix start end", 1, run_endswith),
    METHOD("replace", "old new count", 2, run_replace),
    METHOD("upper", "", 0, run_upper),
    METHOD("lower", "", 0, run_lower),
    METHOD("casefold", "", 0, run_casefold),
    METHOD("title", "", 0, run_title),
    METHOD("capitalize", "", 0, run_capitalize),
    METHOD("swapcase", "", 0, run_swapcase),
    METHOD("join", "iterable", 1, run_join),
    METHOD("find", "sub start end", 1, run_find),
    METHOD("rfind", "sub start end", 1, run_rfind),
    {"index", "sub start end", 1, INLAY__ON_STRING | INLAY__ON_LIST | INLAY__ON_TUPLE, run_index, NULL},
    METHOD("rindex", "sub start end", 1, run_rindex),
    METHOD("partition", "sep", 1, run_partition),
    METHOD("rpartition", "sep", 1, run_rpartition),
    METHOD("removeprefix", "prefix", 1, run_removeprefix),
    METHOD("removesuffix", "suffix", 1, run_removesuffix),
    METHOD("isalpha", "", 0, run_isalpha),
    METHOD("isdigit", "", 0, run_isdigit),
    METHOD("isdecimal", "", 0, run_isdecimal),
    METHOD("isnumeric", "", 0, run_isnumeric),
    METHOD("isalnum", "", 0, run_isalnum),
    METHOD("isspace", "", 0, run_isspace),
    METHOD("isascii", "", 0, run_isascii),
    METHOD("isupper", "", 0, run_isupper),
    METHOD("islower", "", 0, run_islower),
    METHOD("center", "width fillchar", 1, run_center),
    METHOD("ljust", "width fillchar", 1, run_ljust),
    METHOD("rjust", "width fillchar", 1, run_rjust),
    METHOD("zfill", "width", 1, run_zfill),
    METHOD("expandtabs", "tabsize", 0, run_expandtabs),
    {"count", "sub start end", 1, INLAY__ON_STRING | INLAY__ON_LIST | INLAY__ON_TUPLE, run_count, NULL},
    {"format", "", 0, INLAY__ON_STRING, NULL, run_format},
    {NULL, NULL, 0, 0, NULL, NULL},
};
