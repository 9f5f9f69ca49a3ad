/* Filters that make text of text. Values that are no strings are taken as str() writes them. */
#include "base/find_bytes.h"
#include "base/utf8.h"
#include "functions.h"
#include "letters.h"

static bool from_data(const inlay__string *s, size_t i) {
    return s->origin == INLAY__FROM_DATA || (s->origin == INLAY__FROM_BOTH && s->marks[i] != 0);
}

/* --------------------------------------------------------------------- case */

/* Writes the part [from, to) in another case, its first character in `first`. */
static int32_t put_case(inlay__machine *m, const inlay__string *s, size_t from, size_t to, inlay__letter_case first,
                        inlay__letter_case rest) {
    size_t word = from; /* Jinja's title makes the rest of a word a text of its own */
    if (first == INLAY__UPPER_CASE && rest == INLAY__LOWER_CASE && from < to) word += inlay__char_size(s, from);
    INLAY__TRY(inlay__charge(m, to - from));
    for (size_t i = from, n; i < to; i += n) {
        uint32_t code, out[3];
        n = inlay__utf8_decode((const uint8_t *)s->text + i, s->size - i, &code);
        inlay__letter_case how = i == from ? first : rest;
        size_t count = inlay__letter_convert(code, how, out);
        if (how == INLAY__LOWER_CASE) out[0] = inlay__sigma(out[0], s->text + word, to - word, i - word, n);
        for (size_t k = 0; k < count; k++) INLAY__TRY(inlay__out_code(m, out[k], from_data(s, i)));
    }
    return INLAY_OK;
}

static int32_t to_case(inlay__machine *m, const inlay__value *a, inlay__letter_case first, inlay__letter_case rest,
                       inlay__value *r) {
    const inlay__string *s = NULL;
    INLAY__TRY(inlay__to_string(m, a, &s));
    size_t start = m->n_out;
    INLAY__TRY(put_case(m, s, 0, s->size, first, rest));
    return inlay__out_take(m, start, r);
}

static int32_t run_upper(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return to_case(m, a, INLAY__UPPER_CASE, INLAY__UPPER_CASE, r);
}
static int32_t run_lower(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return to_case(m, a, INLAY__LOWER_CASE, INLAY__LOWER_CASE, r);
}
static int32_t run_capitalize(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return to_case(m, a, INLAY__TITLE_CASE, INLAY__LOWER_CASE, r);
}

/* Jinja's title: words begin behind white space, '-' and opening brackets. */
static int32_t run_title(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__string *s = NULL;
    INLAY__TRY(inlay__to_string(m, a, &s));
    size_t start = m->n_out, begin = 0;
    for (size_t i = 0, n; i <= s->size; i += n) {
        n = i < s->size ? inlay__char_size(s, i) : 1;
        bool splits =
            i == s->size || strchr("-({[<", s->text[i]) != NULL || inlay__space_at(s->text + i, s->size - i) > 0;
        if (!splits) continue;
        INLAY__TRY(put_case(m, s, begin, i, INLAY__UPPER_CASE, INLAY__LOWER_CASE));
        if (i < s->size) INLAY__TRY(inlay__out_part(m, s, i, i + n));
        begin = i + n;
    }
    return inlay__out_take(m, start, r);
}

/* ------------------------------------------------------------------- methods */

/* str(value).name(arguments) */
static int32_t by_method(inlay__machine *m, const char *name, const inlay__value *a, size_t n, inlay__value *r) {
    const inlay__string *s = NULL;
    INLAY__TRY(inlay__to_string(m, a, &s));
    inlay__value self = inlay__string_value(s);
    const inlay__arguments args = {a + 1, n, NULL, 0};
    return inlay__callable_run(m, inlay__method_at(inlay__method_find(name, strlen(name))), "filter", &self, &args, r);
}

static int32_t run_trim(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    return by_method(m, "strip", a, a[1].kind != INLAY__V_ABSENT, r);
}

static int32_t run_replace(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    inlay__value b[4] = {a[0], a[1], a[2], a[3]};
    for (size_t i = 1; i <= 2; i++) {
        const inlay__string *s = NULL;
        INLAY__TRY(inlay__to_string(m, &a[i], &s));
        b[i] = inlay__string_value(s);
    }
    return by_method(m, "replace", b, inlay__arg_given(&a[3]) ? 3 : 2, r);
}

static int32_t run_center(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    inlay__value b[2] = {a[0], a[1].kind != INLAY__V_ABSENT ? a[1] : inlay__int(80)};
    return by_method(m, "center", b, 1, r);
}

static int32_t run_format(inlay__machine *m, const inlay__value *self, const inlay__arguments *args, inlay__value *r) {
    const inlay__string *s = NULL;
    inlay__value values;
    INLAY__TRY(inlay__to_string(m, self, &s));
    if (args->n > 0 && args->n_named > 0)
        return inlay__fail(INLAY_ERR_TEMPLATE,
                           "filter 'format' cannot take positional and keyword arguments at the same time");
    inlay__list *list = inlay__list_new(&m->heap, args->n_named > 0 ? 2 * args->n_named : args->n);
    if (list == NULL) return inlay__no_memory(m);
    if (list->n > 0)
        memcpy(list->items, args->n_named > 0 ? args->named : args->positional, list->n * sizeof *list->items);
    if (args->n_named > 0)
        INLAY__TRY(inlay__dict_new(m, list->items, args->n_named, &values));
    else
        values = inlay__list_value(INLAY__V_TUPLE, list);
    return inlay__format_percent(m, s, &values, r);
}

/* ------------------------------------------------------------------- layout */

static int32_t run_indent(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__string *s = NULL, *unit = NULL;
    inlay__value lines, keep = inlay__bool(false), text;
    int64_t width = 4;
    bool first = inlay__arg_is_true(&a[2], false), blank = inlay__arg_is_true(&a[3], false);
    if (a[1].kind == INLAY__V_STRING)
        unit = a[1].of.string;
    else
        INLAY__TRY(inlay__arg_int(&a[1], "width", &width));
    if (width > INLAY__RENDER_MAX_OUTPUT)
        return inlay__fail(INLAY_ERR_TEMPLATE, "a width of %lld is too large", (long long)width);
    INLAY__TRY(inlay__arg_string(a, "s", &s));
    size_t start = m->n_out;
    INLAY__TRY(inlay__out_string(m, s));
    INLAY__TRY(inlay__out_text(m, "\n", 1)); /* so that the text has a last line */
    INLAY__TRY(inlay__out_take(m, start, &text));
    inlay__value split[2] = {text, keep};
    INLAY__TRY(by_method(m, "splitlines", split, 1, &lines));
    const inlay__list *list = lines.of.list;
    for (size_t i = 0; i < list->n; i++) {
        const inlay__string *line = list->items[i].of.string;
        bool indents = i == 0 ? first : blank || line->size > 0;
        if (i > 0) INLAY__TRY(inlay__out_text(m, "\n", 1));
        if (indents && unit != NULL) INLAY__TRY(inlay__out_string(m, unit));
        for (int64_t k = 0; indents && unit == NULL && k < width; k++) INLAY__TRY(inlay__out_text(m, " ", 1));
        if (indents && unit == NULL && width > 0) INLAY__TRY(inlay__charge(m, (size_t)width / 8));
        INLAY__TRY(inlay__out_string(m, line));
    }
    return inlay__out_take(m, start, r);
}

static int32_t run_truncate(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    static const inlay__string dots = {.text = "...", .size = 3, .n_chars = 3};
    const inlay__string *s = NULL, *end = &dots;
    int64_t length = 255, leeway = 5, size = 0;
    INLAY__TRY(inlay__arg_int(&a[1], "length", &length));
    INLAY__TRY(inlay__arg_string(&a[3], "end", &end));
    if (inlay__arg_given(&a[4])) INLAY__TRY(inlay__arg_int(&a[4], "leeway", &leeway));
    if (length < (int64_t)end->n_chars || leeway < 0)
        return inlay__fail(INLAY_ERR_TEMPLATE, "filter 'truncate': expected a length of at least %u, found %lld",
                           end->n_chars, (long long)length);
    INLAY__TRY(inlay__length_of(a, &size));
    if (leeway > INT32_MAX || length > INT32_MAX || size <= length + leeway) return *r = a[0], INLAY_OK;
    INLAY__TRY(inlay__arg_string(a, "s", &s));
    size_t keep = inlay__string_offset(s, (size_t)length - end->n_chars), start = m->n_out;
    if (!inlay__arg_is_true(&a[2], false)) {
        size_t space = keep;
        while (space > 0 && s->text[space - 1] != ' ') space--;
        if (space > 0) keep = space - 1;
    }
    INLAY__TRY(inlay__out_part(m, s, 0, keep));
    INLAY__TRY(inlay__out_string(m, end));
    return inlay__out_take(m, start, r);
}

static bool is_word(uint32_t code) {
    return code == '_' || inlay__letter_is_alpha(code) || inlay__letter_is_numeric(code);
}

static int32_t run_wordcount(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__string *s = NULL;
    int64_t n = 0;
    bool in_word = false;
    INLAY__TRY(inlay__to_string(m, a, &s));
    INLAY__TRY(inlay__charge(m, s->size / 8));
    for (size_t i = 0, size; i < s->size; i += size) {
        uint32_t code;
        size = inlay__utf8_decode((const uint8_t *)s->text + i, s->size - i, &code);
        bool word = is_word(code);
        n += word && !in_word;
        in_word = word;
    }
    *r = inlay__int(n);
    return INLAY_OK;
}

/* --------------------------------------------------------------------- HTML */

static const char *escape_of(char c) {
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '\'': return "&#39;";
    case '"': return "&#34;";
    default: return NULL;
    }
}

static int32_t put_escaped(inlay__machine *m, const inlay__string *s) {
    size_t done = 0;
    INLAY__TRY(inlay__charge(m, s->size / 16));
    for (size_t i = 0; i < s->size; i++) {
        const char *escape = escape_of(s->text[i]);
        if (escape == NULL) continue;
        INLAY__TRY(inlay__out_part(m, s, done, i));
        INLAY__TRY(inlay__out_text(m, escape, strlen(escape)));
        done = i + 1;
    }
    return inlay__out_part(m, s, done, s->size);
}

static int32_t run_forceescape(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__string *s = NULL;
    INLAY__TRY(inlay__to_string(m, a, &s));
    size_t start = m->n_out;
    INLAY__TRY(put_escaped(m, s));
    INLAY__TRY(inlay__out_take(m, start, r));
    ((inlay__string *)r->of.string)->safe = true;
    return INLAY_OK;
}

static int32_t run_escape(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    if (a->kind == INLAY__V_STRING && a->of.string->safe) return *r = a[0], INLAY_OK;
    return run_forceescape(m, a, r);
}

static int32_t run_safe(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__string *s = NULL;
    INLAY__TRY(inlay__to_string(m, a, &s));
    inlay__string *copy = inlay__heap_take(&m->heap, sizeof *copy);
    if (copy == NULL) return inlay__no_memory(m);
    *copy = *s;
    copy->safe = true;
    *r = inlay__string_value(copy);
    return INLAY_OK;
}

/* Without comments and tags, and white space as single spaces. */
static int32_t run_striptags(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    static const struct {
        const char *name, *text;
    } entities[] = {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&#39;", "'"}, {"&#34;", "\""}, {"&quot;", "\""}};
    const inlay__string *s = NULL;
    INLAY__TRY(inlay__to_string(m, a, &s));
    size_t start = m->n_out;
    bool space = false, any = false;
    INLAY__TRY(inlay__charge(m, s->size / 4));
    for (size_t i = 0, n; i < s->size; i += n) {
        const char *close = NULL;
        n = inlay__space_at(s->text + i, s->size - i);
        space = space || n > 0;
        if (n > 0) continue;
        bool comment = s->size - i >= 4 && memcmp(s->text + i, "<!--", 4) == 0;
        if (s->text[i] == '<')
            close = comment ? inlay__find_bytes(s->text + i + 4, s->size - i - 4, "-->", 3)
                            : memchr(s->text + i, '>', s->size - i);
        if (close != NULL) {
            n = (size_t)(close - (s->text + i)) + (comment ? 3 : 1);
            continue;
        }
        if (space && any) INLAY__TRY(inlay__out_text(m, " ", 1));
        space = false;
        any = true;
        n = 0;
        for (size_t e = 0; e < INLAY__COUNT(entities) && n == 0; e++) {
            size_t size = strlen(entities[e].name);
            if (size > s->size - i || memcmp(s->text + i, entities[e].name, size) != 0) continue;
            INLAY__TRY(inlay__out_text(m, entities[e].text, 1));
            n = size;
        }
        if (n > 0) continue;
        n = inlay__char_size(s, i);
        INLAY__TRY(inlay__out_part(m, s, i, i + n));
    }
    return inlay__out_take(m, start, r);
}

static int32_t put_url(inlay__machine *m, const inlay__value *v, bool slash) {
    const inlay__string *s = NULL;
    INLAY__TRY(inlay__to_string(m, v, &s));
    INLAY__TRY(inlay__charge(m, s->size / 8));
    for (size_t i = 0; i < s->size; i++) {
        uint8_t c = (uint8_t)s->text[i];
        bool letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
        char hex[3] = {'%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]};
        if (letter || (c < 0x80 && c != 0 && strchr("_.-~", c) != NULL) || (slash && c == '/'))
            INLAY__TRY(inlay__out_part(m, s, i, i + 1));
        else
            INLAY__TRY(inlay__out_text(m, hex, 3));
    }
    return INLAY_OK;
}

static int32_t run_urlencode(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__list *items = NULL;
    const inlay__dict *dict = a->kind == INLAY__V_DICT ? a->of.dict : NULL;
    size_t start = m->n_out;
    if (dict == NULL && !inlay__value_is_list(a)) {
        INLAY__TRY(put_url(m, a, true));
        return inlay__out_take(m, start, r);
    }
    if (dict == NULL) INLAY__TRY(inlay__items_of(m, a, &items));
    for (size_t i = 0; i < (dict != NULL ? dict->n : items->n); i++) {
        const inlay__value *pair = dict != NULL ? &dict->pairs[2 * i] : NULL;
        if (pair == NULL) {
            const inlay__list *two = NULL;
            INLAY__TRY(inlay__items_of(m, &items->items[i], &two));
            if (two->n != 2)
                return inlay__fail(INLAY_ERR_TEMPLATE, "filter 'urlencode' takes pairs of a key and a value");
            pair = two->items;
        }
        if (i > 0) INLAY__TRY(inlay__out_text(m, "&", 1));
        INLAY__TRY(put_url(m, pair, false));
        INLAY__TRY(inlay__out_text(m, "=", 1));
        INLAY__TRY(put_url(m, pair + 1, false));
    }
    return inlay__out_take(m, start, r);
}

const inlay__callable inlay__text_filters[] = {
    {"upper", "", 0, 0, run_upper, NULL},
    {"lower", "", 0, 0, run_lower, NULL},
    {"capitalize", "", 0, 0, run_capitalize, NULL},
    {"title", "", 0, 0, run_title, NULL},
    {"trim", "chars", 0, 0, run_trim, NULL},
    {"replace", "old new count", 2, 0, run_replace, NULL},
    {"center", "width", 0, 0, run_center, NULL},
    {"format", "", 0, 0, NULL, run_format},
    {"indent", "width first blank", 0, 0, run_indent, NULL},
    {"truncate", "length killwords end leeway", 0, 0, run_truncate, NULL},
    {"wordcount", "", 0, 0, run_wordcount, NULL},
    {"escape", "", 0, 0, run_escape, NULL},
    {"e", "", 0, 0, run_escape, NULL},
    {"forceescape", "", 0, 0, run_forceescape, NULL},
    {"safe", "", 0, 0, run_safe, NULL},
    {"striptags", "", 0, 0, run_striptags, NULL},
    {"urlencode", "", 0, 0, run_urlencode, NULL},
    {NULL, NULL, 0, 0, NULL, NULL},
};
