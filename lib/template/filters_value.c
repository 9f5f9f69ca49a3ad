/* Filters that convert one value: numbers, strings, JSON. */
#include <math.h>

#include "base/text.h"
#include "functions.h"
#include "letters.h"

static int32_t run_default(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    bool replaces = a->kind == INLAY__V_UNDEFINED || (inlay__arg_is_true(&a[2], false) && !inlay__value_is_true(a));
    if (!replaces) return *r = a[0], INLAY_OK;
    if (a[1].kind != INLAY__V_ABSENT) return *r = a[1], INLAY_OK;
    return inlay__new_text(m, "", 0, r);
}

static int32_t run_string(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    const inlay__string *s = NULL;
    INLAY__TRY(inlay__to_string(m, a, &s));
    *r = inlay__string_value(s);
    return INLAY_OK;
}

static int32_t run_length(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    int64_t n = 0;
    (void)m;
    INLAY__TRY(inlay__length_of(a, &n));
    *r = inlay__int(n);
    return INLAY_OK;
}

static int32_t run_abs(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    (void)m;
    if (a->kind == INLAY__V_FLOAT) return *r = inlay__float(fabs(a->of.number)), INLAY_OK;
    INLAY__TRY(inlay__negate(a, false, r));
    return r->of.integer < 0 ? inlay__negate(a, true, r) : INLAY_OK;
}

/* ------------------------------------------------------------------- numbers */

/* The text without white space at its ends and single underscores between digits; false if it is too long. */
static bool clean_number(const inlay__string *s, char out[128], size_t *n) {
    size_t from = 0, to = inlay__rstrip_size(s->text, s->size);
    for (size_t k; from < to && (k = inlay__space_at(s->text + from, to - from)) > 0;) from += k;
    *n = 0;
    for (size_t i = from; i < to; i++) {
        bool between = i > from && i + 1 < to && s->text[i - 1] != '_' && s->text[i + 1] != '_';
        if (s->text[i] == '_' && between) continue;
        if (*n == 128) return false;
        out[(*n)++] = s->text[i];
    }
    return *n > 0;
}

static bool read_int(const inlay__string *s, int64_t base, int64_t *value) {
    char text[128];
    size_t n, i = 0;
    if (!clean_number(s, text, &n)) return false;
    bool minus = text[0] == '-';
    if (text[0] == '-' || text[0] == '+') i++;
    char mark = n - i > 2 && text[i] == '0' ? (char)(text[i + 1] | 0x20) : '\0';
    int64_t marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (marked != 0 && (base == marked || base == 0)) i += 2;
    if (base == 0) base = marked != 0 ? marked : 10;
    if (i == n) return false;
    for (*value = 0; i < n; i++) {
        char c = text[i], lower = (char)(c | 0x20);
        int64_t digit = c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'z' ? lower - 'a' + 10 : 99;
        if (digit >= base || *value > (INT64_MAX - digit) / base) return false;
        *value = *value * base + digit;
    }
    if (minus) *value = -*value;
    return true;
}

/* "inf", "-Infinity", "nan", in any case. */
static bool read_special(const char *text, size_t n, double *value) {
    static const struct {
        const char *name;
        double value;
    } specials[] = {{"inf", INFINITY}, {"infinity", INFINITY}, {"nan", NAN}};
    size_t sign = n > 0 && (text[0] == '-' || text[0] == '+');
    for (size_t i = 0; i < INLAY__COUNT(specials); i++) {
        size_t size = strlen(specials[i].name), k = 0;
        while (k < size && sign + k < n && (text[sign + k] | 0x20) == specials[i].name[k]) k++;
        if (k < size || sign + size != n) continue;
        *value = text[0] == '-' ? -specials[i].value : specials[i].value;
        return true;
    }
    return false;
}

static bool read_float(const inlay__string *s, double *value) {
    char text[128];
    size_t n;
    if (!clean_number(s, text, &n)) return false;
    return read_special(text, n, value) || inlay__parse_f64(text, n, value);
}

static bool float_to_int(double d, int64_t *value) {
    if (!(d > -9223372036854775808.0 && d < 9223372036854775808.0)) return false;
    *value = (int64_t)d;
    return true;
}

/* A whole number beyond 64 bits. */
static int32_t float_digits(inlay__machine *m, double d, inlay__value *r) {
    char text[400];
    INLAY__TRY(inlay__new_text(m, text, inlay__format_fixed(text, sizeof text, d, 0), r));
    r->kind = INLAY__V_DIGITS;
    return INLAY_OK;
}

static int32_t run_int(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    int64_t base = 10, value = 0;
    double number = 0;
    INLAY__TRY(inlay__arg_int(&a[2], "base", &base));
    if (base != 0 && (base < 2 || base > 36))
        return inlay__fail(INLAY_ERR_TEMPLATE, "filter 'int': base is %lld, expected 0 or 2 to 36", (long long)base);
    bool known = false;
    if (a->kind == INLAY__V_INT || a->kind == INLAY__V_BOOL)
        known = true, value = a->kind == INLAY__V_BOOL ? a->of.boolean : a->of.integer;
    else if (a->kind == INLAY__V_FLOAT)
        known = float_to_int(a->of.number, &value);
    else if (a->kind == INLAY__V_STRING)
        known =
            read_int(a->of.string, base, &value) || (read_float(a->of.string, &number) && float_to_int(number, &value));
    else if (a->kind == INLAY__V_DIGITS)
        return *r = a[0], INLAY_OK;
    else if (a->kind == INLAY__V_UNDEFINED)
        return inlay__fail(INLAY_ERR_TEMPLATE, "filter 'int': the value is undefined");
    if (!known && a->kind == INLAY__V_FLOAT && isfinite(a->of.number)) return float_digits(m, a->of.number, r);
    *r = known ? inlay__int(value) : a[1].kind != INLAY__V_ABSENT ? a[1] : inlay__int(0);
    return INLAY_OK;
}

static int32_t run_float(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    double value = 0;
    (void)m;
    bool known = inlay__value_is_number(a);
    if (a->kind == INLAY__V_FLOAT)
        value = a->of.number;
    else if (known)
        value = (double)(a->kind == INLAY__V_BOOL ? a->of.boolean : a->of.integer);
    else if (a->kind == INLAY__V_STRING || a->kind == INLAY__V_DIGITS)
        known = read_float(a->of.string, &value);
    else if (a->kind == INLAY__V_UNDEFINED)
        return inlay__fail(INLAY_ERR_TEMPLATE, "filter 'float': the value is undefined");
    *r = known ? inlay__float(value) : a[1].kind != INLAY__V_ABSENT ? a[1] : inlay__float(0);
    return INLAY_OK;
}

/* The decimal with so many digits behind the point that is nearest, read again. */
static int32_t round_decimal(double value, int64_t precision, double *rounded) {
    char text[512];
    if (precision > 300 || value != value || value - value != 0) return *rounded = value, INLAY_OK;
    size_t n = inlay__format_fixed(text, sizeof text, value, precision > 0 ? (int)precision : 0);
    if (n == 0 || !inlay__parse_f64(text, n, rounded))
        return inlay__fail(INLAY_ERR_TEMPLATE, "a number is too large to be rounded");
    return INLAY_OK;
}

/* The multiple of 10^n that is nearest, of two the even one: by the digits of the number, so that nothing is rounded
 * twice. */
static int32_t round_tens(double value, size_t n, double *rounded) {
    char text[512] = "0"; /* for what is carried */
    double whole = trunc(value);
    if (!isfinite(value)) return *rounded = value, INLAY_OK;
    size_t size = 1 + inlay__format_fixed(text + 1, sizeof text - 1, fabs(whole), 0);
    if (n >= size) return *rounded = copysign(0.0, value), INLAY_OK;
    char *cut = text + size - n;
    bool more = value != whole;
    for (size_t i = 1; i < n; i++) more = more || cut[i] != '0';
    bool up = cut[0] > '5' || (cut[0] == '5' && (more || (cut[-1] - '0') % 2 != 0));
    memset(cut, '0', n);
    for (char *c = cut - 1; up; c--) {
        up = *c == '9';
        *c = up ? '0' : (char)(*c + 1);
    }
    size_t skip = text[0] == '0' && size > 1;
    if (!inlay__parse_f64(text + skip, size - skip, rounded) || !isfinite(*rounded))
        return inlay__fail(INLAY_ERR_TEMPLATE, "filter 'round': the rounded number is too large");
    *rounded = copysign(*rounded, value);
    return INLAY_OK;
}

static double power_of_10(int64_t n) {
    double power = 1.0;
    for (; n > 0; n--) power *= 10.0;
    return power;
}

/* round(v / 10^n) * 10^n, ties to even: what round() does with integers and negative digits. */
static int64_t round_int(int64_t v, int64_t n) {
    int64_t unit = 1;
    for (; n > 0 && unit <= INT64_MAX / 10; n--) unit *= 10;
    if (n > 0) return 0;
    int64_t rest = v % unit, low = v - rest;
    if (rest < 0) rest += unit, low -= unit;
    bool up = rest > unit / 2 || (rest == unit / 2 && (low / unit) % 2 != 0);
    return unit == 1 ? v : low + (up ? unit : 0);
}

static int32_t run_round(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    static const inlay__string common = {.text = "common", .size = 6, .n_chars = 6};
    const inlay__string *method = &common;
    int64_t precision = 0;
    (void)m;
    INLAY__TRY(inlay__arg_int(&a[1], "precision", &precision));
    INLAY__TRY(inlay__arg_string(&a[2], "method", &method));
    bool is_common = inlay__string_is(method, "common"), ceils = inlay__string_is(method, "ceil");
    if (!is_common && !ceils && !inlay__string_is(method, "floor"))
        return inlay__fail(INLAY_ERR_TEMPLATE, "filter 'round': method must be common, ceil or floor");
    if (!inlay__value_is_number(a))
        return inlay__fail(INLAY_ERR_TEMPLATE, "filter 'round' takes a number, not %s", inlay__value_type(a));
    if (precision > 400) precision = 400;
    if (precision < -400) precision = -400;
    if (is_common && a->kind != INLAY__V_FLOAT) {
        int64_t value = a->kind == INLAY__V_BOOL ? a->of.boolean : a->of.integer;
        *r = inlay__int(precision < 0 ? round_int(value, -precision) : value);
        return INLAY_OK;
    }
    double value =
        a->kind == INLAY__V_FLOAT ? a->of.number : (double)(a->kind == INLAY__V_BOOL ? a->of.boolean : a->of.integer);
    double unit = power_of_10(precision < 0 ? -precision : precision);
    if (is_common && precision >= 0) {
        INLAY__TRY(round_decimal(value, precision, &value));
    } else if (is_common) {
        INLAY__TRY(round_tens(value, (size_t)-precision, &value));
    } else { /* Python makes an integer of it in between: there is no -0, and none of what is not finite */
        if (precision < 0) unit = 1.0 / unit;
        double whole = ceils ? ceil(value * unit) : floor(value * unit);
        if (!isfinite(whole))
            return inlay__fail(INLAY_ERR_TEMPLATE, "filter 'round': the number cannot be made an integer");
        value = whole == 0 ? 0.0 : whole / unit;
    }
    *r = inlay__float(value);
    return INLAY_OK;
}

static int32_t run_filesizeformat(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    static const char *const decimal[] = {"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
    static const char *const binary[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"};
    inlay__value number;
    bool is_binary = inlay__arg_is_true(&a[1], false);
    double base = is_binary ? 1024 : 1000, unit = base;
    char text[400];
    INLAY__TRY(run_float(m, (const inlay__value[]){a[0], {.kind = INLAY__V_ABSENT}}, &number));
    double bytes = number.of.number;
    bool is_number = a->kind == INLAY__V_DIGITS || inlay__value_is_number(a) ||
                     (a->kind == INLAY__V_STRING && read_float(a->of.string, &bytes));
    if (!is_number || !isfinite(bytes))
        return inlay__fail(INLAY_ERR_TEMPLATE, "filter 'filesizeformat': the value is no size");
    if (bytes == 1) return inlay__new_text(m, "1 Byte", 6, r);
    if (bytes < base) {
        size_t n = inlay__format_fixed(text, sizeof text - 8, trunc(bytes) + 0.0, 0); /* -0 is 0 */
        n += inlay__format(text + n, 8, " Bytes");
        return inlay__new_text(m, text, n, r);
    }
    size_t i = 0;
    for (; i < 7 && bytes >= unit * base; i++) unit *= base;
    size_t n = inlay__format_fixed(text, sizeof text - 8, bytes / unit, 1);
    n += inlay__format(text + n, 8, " %s", (is_binary ? binary : decimal)[i]);
    return inlay__new_text(m, text, n, r);
}

/* ---------------------------------------------------------------------- JSON */

static int32_t run_tojson(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    inlay__json_style style = {.sort_keys = inlay__arg_is_true(&a[4], false),
                               .ensure_ascii = inlay__arg_is_true(&a[1], false)};
    int64_t indent = -1;
    size_t start = m->n_out;
    inlay__value spaces = inlay__none();
    if (a[2].kind == INLAY__V_STRING) {
        style.indent = a[2].of.string;
    } else if (inlay__arg_given(&a[2])) {
        INLAY__TRY(inlay__arg_int(&a[2], "indent", &indent));
        if (indent < 0) indent = 0;
        if (indent > 1000)
            return inlay__fail(INLAY_ERR_TEMPLATE, "filter 'tojson': indent is %lld, expected at most 1000",
                               (long long)indent);
        for (int64_t i = 0; i < indent; i++) INLAY__TRY(inlay__out_text(m, " ", 1));
        INLAY__TRY(inlay__out_take(m, start, &spaces));
        style.indent = spaces.of.string;
    }
    if (inlay__arg_given(&a[3])) {
        const inlay__list *two = NULL;
        INLAY__TRY(inlay__items_of(m, &a[3], &two));
        if (two->n != 2)
            return inlay__fail(INLAY_ERR_TEMPLATE, "filter 'tojson': separators are %zu, expected 2", two->n);
        INLAY__TRY(inlay__arg_string(&two->items[0], "separators", &style.item_separator));
        INLAY__TRY(inlay__arg_string(&two->items[1], "separators", &style.key_separator));
    }
    INLAY__TRY(inlay__write_json(m, a, &style));
    return inlay__out_take(m, start, r);
}

/* key="value" for each pair that has a value */
static int32_t run_xmlattr(inlay__machine *m, const inlay__value *a, inlay__value *r) {
    size_t start = m->n_out;
    bool any = false;
    const inlay__arguments none = {NULL, 0, NULL, 0};
    if (a->kind != INLAY__V_DICT) return inlay__fail(INLAY_ERR_TEMPLATE, "filter 'xmlattr' takes a dictionary");
    for (size_t i = 0; i < a->of.dict->n; i++) {
        const inlay__value *pair = &a->of.dict->pairs[2 * i];
        inlay__value key, value;
        if (pair[1].kind == INLAY__V_NONE || pair[1].kind == INLAY__V_UNDEFINED) continue;
        INLAY__TRY(inlay__filter_run(m, inlay__filter_find("escape", 6), &pair[0], &none, &key));
        INLAY__TRY(inlay__filter_run(m, inlay__filter_find("escape", 6), &pair[1], &none, &value));
        for (size_t c = 0; c < key.of.string->size; c++)
            if (strchr(" \t\n\f\r/>=", key.of.string->text[c]) != NULL)
                return inlay__fail(INLAY_ERR_TEMPLATE, "filter 'xmlattr': a key has a character that is not allowed");
        if (any || inlay__arg_is_true(&a[1], true)) INLAY__TRY(inlay__out_text(m, " ", 1));
        INLAY__TRY(inlay__out_string(m, key.of.string));
        INLAY__TRY(inlay__out_text(m, "=\"", 2));
        INLAY__TRY(inlay__out_string(m, value.of.string));
        INLAY__TRY(inlay__out_text(m, "\"", 1));
        any = true;
    }
    return inlay__out_take(m, start, r);
}

const inlay__callable inlay__value_filters[] = {
    {"default", "default_value boolean", 0, 0, run_default, NULL},
    {"d", "default_value boolean", 0, 0, run_default, NULL},
    {"string", "", 0, 0, run_string, NULL},
    {"length", "", 0, 0, run_length, NULL},
    {"count", "", 0, 0, run_length, NULL},
    {"abs", "", 0, 0, run_abs, NULL},
    {"int", "default base", 0, 0, run_int, NULL},
    {"float", "default", 0, 0, run_float, NULL},
    {"round", "precision method", 0, 0, run_round, NULL},
    {"filesizeformat", "binary", 0, 0, run_filesizeformat, NULL},
    {"tojson", "ensure_ascii indent separators sort_keys", 0, 0, run_tojson, NULL},
    {"xmlattr", "autospace", 0, 0, run_xmlattr, NULL},
    {NULL, NULL, 0, 0, NULL, NULL},
};
