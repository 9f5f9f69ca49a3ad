/* "%s" % values and "{}".format(values), for the conversions that templates use. */
#include "base/text.h"
#include "functions.h"

/* How a value is set: [[fill]align][sign][0][width][,][.precision][type] */
typedef struct spec {
    inlay__string fill;
    char align, sign, type; /* '\0' where not given */
    bool zero, comma, alternate;
    int64_t width, precision; /* -1: not given */
} spec;

enum { MAX_WIDTH = 100000, MAX_PRECISION = 300, NUMBER_SIZE = 1024 };

static bool read_size(const char *text, size_t size, size_t *i, int64_t *value) {
    *value = -1;
    for (; *i < size && text[*i] >= '0' && text[*i] <= '9'; ++*i) {
        *value = (*value < 0 ? 0 : *value) * 10 + (text[*i] - '0');
        if (*value > MAX_WIDTH) return false;
    }
    return true;
}

/* Digits of an integer in a base. */
static size_t put_digits(char *out, uint64_t value, unsigned base, bool upper) {
    char digits[64];
    size_t n = 0, size = 0;
    do digits[n++] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[value % base];
    while ((value /= base) != 0);
    while (n > 0) out[size++] = digits[--n];
    return size;
}

static size_t put_commas(char *out, const char *digits, size_t n) {
    size_t whole = 0, size = 0;
    while (whole < n && digits[whole] >= '0' && digits[whole] <= '9') whole++;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0) out[size++] = ',';
        out[size++] = digits[i];
    }
    return size;
}

/* The number without its sign; *minus tells it. Returns 0 when the type is none of numbers. */
static size_t number_text(const inlay__value *v, const spec *s, char out[NUMBER_SIZE], bool *minus) {
    char digits[NUMBER_SIZE / 2];
    size_t n = 0;
    bool is_int = v->kind == INLAY__V_INT || v->kind == INLAY__V_BOOL,
         wants_float = strchr("fF%", s->type) != NULL && s->type != '\0';
    int64_t integer = v->kind == INLAY__V_BOOL ? v->of.boolean : v->of.integer;
    if (is_int && !wants_float) {
        unsigned base = s->type == 'x' || s->type == 'X' ? 16 : s->type == 'o' ? 8 : s->type == 'b' ? 2 : 10;
        if (strchr("dixXobn", s->type) == NULL) return 0; /* '\0' is found, too */
        *minus = integer < 0;
        n = put_digits(digits, *minus ? (uint64_t)0 - (uint64_t)integer : (uint64_t)integer, base, s->type == 'X');
    } else {
        double value = is_int ? (double)integer : v->of.number;
        *minus = value < 0;
        if (*minus) value = -value;
        if (s->type == '%') value *= 100;
        if (wants_float)
            n = inlay__format_fixed(digits, sizeof digits, value, s->precision < 0 ? 6 : (int)s->precision);
        else if (s->type == '\0' && s->precision < 0)
            n = inlay__format_shortest(digits, value);
        if (n == 0) return 0;
        if (s->type == '%') digits[n++] = '%';
    }
    if (s->comma) return put_commas(out, digits, n);
    memcpy(out, digits, n);
    return n;
}

static int32_t put_fill(inlay__machine *m, const inlay__string *fill, int64_t n) {
    for (int64_t i = 0; i < n; i++) INLAY__TRY(inlay__out_string(m, fill));
    return n > 0 ? inlay__charge(m, (size_t)n / 8) : INLAY_OK;
}

/* `sign` and `body` with the fill where the alignment wants it. */
static int32_t put_aligned(inlay__machine *m, const spec *s, const char *sign, const inlay__string *body, char align) {
    static const inlay__string space = {.text = " ", .size = 1, .n_chars = 1},
                               zero = {.text = "0", .size = 1, .n_chars = 1};
    const inlay__string *fill = s->fill.size > 0 ? &s->fill : s->zero ? &zero : &space;
    if (s->align != '\0') align = s->align;
    else if (s->zero) align = '=';
    int64_t room = s->width - (int64_t)body->n_chars - (int64_t)strlen(sign);
    int64_t left = align == '>' ? room : align == '^' ? room / 2 : 0;
    INLAY__TRY(put_fill(m, fill, left));
    INLAY__TRY(inlay__out_text(m, sign, strlen(sign)));
    if (align == '=') INLAY__TRY(put_fill(m, fill, room));
    INLAY__TRY(inlay__out_string(m, body));
    return align == '<' || align == '^' ? put_fill(m, fill, room - left) : INLAY_OK;
}

static int32_t put_number(inlay__machine *m, const inlay__value *v, const spec *s) {
    char text[NUMBER_SIZE];
    bool minus = false;
    size_t n = number_text(v, s, text, &minus);
    if (n == 0)
        return inlay__fail(INLAY_ERR_TEMPLATE, "the format code '%c' is not supported for %s",
                           s->type != '\0' ? s->type : '.', inlay__value_type(v));
    inlay__string body = {.text = text, .size = (uint32_t)n, .n_chars = (uint32_t)n};
    char sign[4] = {0};
    size_t n_sign = 0;
    if (minus || s->sign == '+' || s->sign == ' ') sign[n_sign++] = minus ? '-' : s->sign;
    if (s->alternate && (s->type == 'x' || s->type == 'X' || s->type == 'o' || s->type == 'b')) {
        sign[n_sign++] = '0';
        sign[n_sign++] = s->type;
    }
    return put_aligned(m, s, sign, &body, '>');
}

static int32_t put_string(inlay__machine *m, const inlay__value *v, const spec *s, char align) {
    const inlay__string *body = NULL;
    inlay__value part;
    INLAY__TRY(inlay__to_string(m, v, &body));
    if (s->precision >= 0 && s->precision < (int64_t)body->n_chars) {
        INLAY__TRY(inlay__new_part(m, body, 0, inlay__string_offset(body, (size_t)s->precision), &part));
        body = part.of.string;
    }
    return put_aligned(m, s, "", body, align);
}

/* ------------------------------------------------------------------- percent */

/* The next value for a conversion. */
static int32_t take_value(const inlay__value *values, size_t *next, inlay__value *v) {
    size_t n = values->kind == INLAY__V_TUPLE ? values->of.list->n : 1;
    if (*next >= n) return inlay__fail(INLAY_ERR_TEMPLATE, "not enough arguments for format string");
    *v = values->kind == INLAY__V_TUPLE ? values->of.list->items[*next] : *values;
    ++*next;
    return INLAY_OK;
}

static int32_t put_percent(inlay__machine *m, const inlay__value *v, spec *s) {
    inlay__value whole = *v, text;
    size_t start = m->n_out;
    if (s->type == 's') return put_string(m, v, s, '>');
    if (s->type == 'r' || s->type == 'a') {
        INLAY__TRY(inlay__write_repr(m, v));
        INLAY__TRY(inlay__out_take(m, start, &text));
        return put_string(m, &text, s, '>');
    }
    if (s->type == 'c' && v->kind == INLAY__V_STRING && v->of.string->n_chars == 1) return put_string(m, v, s, '>');
    if (!inlay__value_is_number(v))
        return inlay__fail(INLAY_ERR_TEMPLATE, "%%%c format: a number is required, not %s", s->type,
                           inlay__value_type(v));
    if (strchr("diu", s->type) != NULL) {
        s->type = 'd';
        if (v->kind == INLAY__V_FLOAT && v->of.number > -9e18 && v->of.number < 9e18)
            whole = inlay__int((int64_t)v->of.number);
    }
    return put_number(m, &whole, s);
}

static int32_t percent_one(inlay__machine *m, const inlay__string *f, size_t *i, const inlay__value *values,
                           size_t *next) {
    spec s = {.precision = -1, .width = 0};
    inlay__value v;
    bool by_key = *i < f->size && f->text[*i] == '(';
    if (by_key) {
        const char *close = memchr(f->text + *i, ')', f->size - *i);
        const inlay__value *found = NULL;
        if (close == NULL) return inlay__fail(INLAY_ERR_TEMPLATE, "incomplete format key");
        if (values->kind != INLAY__V_DICT) return inlay__fail(INLAY_ERR_TEMPLATE, "format requires a mapping");
        size_t end = (size_t)(close - f->text);
        INLAY__TRY(inlay__new_part(m, f, *i + 1, end, &v));
        INLAY__TRY(inlay__dict_get(m, values->of.dict, &v, &found));
        if (found == NULL) return inlay__fail(INLAY_ERR_TEMPLATE, "the format's key is not in the dictionary");
        v = *found;
        *i = end + 1;
    }
    for (; *i < f->size && f->text[*i] != '\0' && strchr("-+ 0#", f->text[*i]) != NULL; ++*i) {
        char flag = f->text[*i];
        if (flag == '-') s.align = '<';
        if (flag == '0') s.zero = true;
        if (flag == '#') s.alternate = true;
        if (flag == '+' || (flag == ' ' && s.sign == '\0')) s.sign = flag;
    }
    if (s.align == '<') s.zero = false;
    bool fits = read_size(f->text, f->size, i, &s.width);
    if (*i < f->size && f->text[*i] == '.') {
        ++*i;
        fits = fits && read_size(f->text, f->size, i, &s.precision) && s.precision <= MAX_PRECISION;
        if (s.precision < 0) s.precision = 0;
    }
    if (!fits) return inlay__fail(INLAY_ERR_TEMPLATE, "a width or precision of the format is too large");
    if (*i == f->size) return inlay__fail(INLAY_ERR_TEMPLATE, "incomplete format");
    s.type = f->text[(*i)++];
    if (s.type == '%') return inlay__out_text(m, "%", 1);
    if (strchr("srcadiuxXofF", s.type) == NULL || s.type == '\0')
        return inlay__fail(INLAY_ERR_TEMPLATE, "unsupported format character '%c'", s.type);
    if (!by_key) INLAY__TRY(take_value(values, next, &v));
    return put_percent(m, &v, &s);
}

int32_t inlay__format_percent(inlay__machine *m, const inlay__string *f, const inlay__value *values,
                              inlay__value *result) {
    size_t start = m->n_out, done = 0, next = 0;
    INLAY__TRY(inlay__charge(m, f->size / 16));
    for (size_t i = 0; i < f->size;) {
        const char *percent = memchr(f->text + i, '%', f->size - i);
        if (percent == NULL) break;
        i = (size_t)(percent - f->text);
        INLAY__TRY(inlay__out_part(m, f, done, i++));
        INLAY__TRY(percent_one(m, f, &i, values, &next));
        done = i;
    }
    INLAY__TRY(inlay__out_part(m, f, done, f->size));
    bool has_items =
        values->kind == INLAY__V_DICT || values->kind == INLAY__V_UNDEFINED || inlay__value_is_list(values);
    bool all = has_items ? values->kind != INLAY__V_TUPLE || next == values->of.list->n : next == 1;
    if (!all) return inlay__fail(INLAY_ERR_TEMPLATE, "not all arguments converted during string formatting");
    return inlay__out_take(m, start, result);
}

/* -------------------------------------------------------------------- braces */

static int32_t read_spec(const inlay__string *f, size_t i, size_t end, spec *s) {
    *s = (spec){.precision = -1, .width = 0};
    bool fits = true;
    if (i < end) {
        size_t n = inlay__char_size(f, i);
        if (i + n < end && strchr("<>=^", f->text[i + n]) != NULL && f->text[i + n] != '\0') {
            s->fill = (inlay__string){.text = f->text + i, .size = (uint32_t)n, .n_chars = 1};
            i += n;
        }
        if (f->text[i] != '\0' && strchr("<>=^", f->text[i]) != NULL) s->align = f->text[i++];
    }
    if (i < end && (f->text[i] == '+' || f->text[i] == '-' || f->text[i] == ' ')) s->sign = f->text[i++];
    if (i < end && f->text[i] == '#') s->alternate = f->text[i++] == '#';
    if (i < end && f->text[i] == '0') s->zero = f->text[i++] == '0';
    fits = read_size(f->text, end, &i, &s->width);
    if (i < end && f->text[i] == ',') s->comma = f->text[i++] == ',';
    if (i < end && f->text[i] == '.') {
        i++;
        fits = fits && read_size(f->text, end, &i, &s->precision) && s->precision >= 0 && s->precision <= MAX_PRECISION;
    }
    if (i < end) s->type = f->text[i++];
    return fits && i == end ? INLAY_OK : inlay__fail(INLAY_ERR_TEMPLATE, "Invalid format specifier");
}

/* name.attribute[index] of a field, from the arguments. */
static int32_t read_field(inlay__machine *m, const inlay__string *f, size_t i, size_t end, const inlay__arguments *args,
                          size_t *next, inlay__value *v) {
    size_t stop = i;
    int64_t index = -1;
    inlay__value name;
    while (stop < end && f->text[stop] != '.' && f->text[stop] != '[') stop++;
    size_t at = i;
    if (!read_size(f->text, stop, &at, &index))
        return inlay__fail(INLAY_ERR_TEMPLATE, "Too many decimal digits in format string");
    if (stop == i) index = (int64_t)(*next)++;
    if (index >= 0 && at == stop) {
        if ((size_t)index >= args->n)
            return inlay__fail(INLAY_ERR_TEMPLATE, "Replacement index %lld out of range for positional args tuple",
                               (long long)index);
        *v = args->positional[index];
    } else {
        const inlay__value *found = NULL;
        INLAY__TRY(inlay__new_part(m, f, i, stop, &name));
        for (size_t k = 0; k < args->n_named; k++)
            if (inlay__strings_equal(args->named[2 * k].of.string, name.of.string)) found = &args->named[2 * k + 1];
        if (found == NULL)
            return inlay__fail(INLAY_ERR_TEMPLATE, "the format's field '%.*s' is not among the arguments",
                               (int)inlay__min_size(stop - i, 64), f->text + i);
        *v = *found;
    }
    for (i = stop; i < end; i = stop) {
        inlay__value self = *v, key;
        bool item = f->text[i] == '[';
        stop = i + 1;
        while (stop < end && (item ? f->text[stop] != ']' : f->text[stop] != '.' && f->text[stop] != '[')) stop++;
        INLAY__TRY(inlay__new_part(m, f, i + 1, stop, &key));
        at = i + 1;
        if (item && read_size(f->text, stop, &at, &index) && index >= 0 && at == stop) key = inlay__int(index);
        INLAY__TRY(inlay__get_item(m, &self, &key, v));
        if (v->kind == INLAY__V_UNDEFINED)
            return inlay__fail(INLAY_ERR_TEMPLATE, "the format asks for a part that is not there");
        if (item) stop++;
    }
    return INLAY_OK;
}

static int32_t brace_one(inlay__machine *m, const inlay__string *f, size_t i, size_t end, const inlay__arguments *args,
                         size_t *next) {
    size_t stop = i, start = m->n_out;
    inlay__value v, text;
    spec s;
    while (stop < end && f->text[stop] != '!' && f->text[stop] != ':') stop++;
    INLAY__TRY(read_field(m, f, i, stop, args, next, &v));
    char conversion = stop + 1 < end && f->text[stop] == '!' ? f->text[stop + 1] : '\0';
    if (conversion != '\0') {
        INLAY__TRY(conversion == 's' ? inlay__write_str(m, &v) : inlay__write_repr(m, &v));
        INLAY__TRY(inlay__out_take(m, start, &text));
        v = text;
        stop += 2;
    }
    INLAY__TRY(read_spec(f, stop < end ? stop + 1 : stop, end, &s));
    if (memchr(f->text + stop, '{', end - stop) != NULL)
        return inlay__fail(INLAY_ERR_TEMPLATE, "fields within a field of a format are not supported");
    if ((v.kind == INLAY__V_INT || v.kind == INLAY__V_FLOAT || (v.kind == INLAY__V_BOOL && s.type != '\0')))
        return put_number(m, &v, &s);
    if (s.type != '\0' && s.type != 's')
        return inlay__fail(INLAY_ERR_TEMPLATE, "Unknown format code '%c' for object of type '%s'", s.type,
                           inlay__value_type(&v));
    if (v.kind != INLAY__V_STRING && v.kind != INLAY__V_BOOL && stop < end && stop + 1 < end)
        return inlay__fail(INLAY_ERR_TEMPLATE, "unsupported format string passed to %s.__format__",
                           inlay__value_type(&v));
    return put_string(m, &v, &s, '<');
}

int32_t inlay__format_braces(inlay__machine *m, const inlay__string *f, const inlay__arguments *args,
                             inlay__value *result) {
    size_t start = m->n_out, done = 0, next = 0;
    INLAY__TRY(inlay__charge(m, f->size / 8));
    for (size_t i = 0; i < f->size; i++) {
        char c = f->text[i];
        if (c != '{' && c != '}') continue;
        INLAY__TRY(inlay__out_part(m, f, done, i));
        bool doubled = i + 1 < f->size && f->text[i + 1] == c;
        if (doubled) {
            INLAY__TRY(inlay__out_text(m, &c, 1));
            done = ++i + 1;
            continue;
        }
        const char *close = c == '{' ? memchr(f->text + i, '}', f->size - i) : NULL;
        if (close == NULL) return inlay__fail(INLAY_ERR_TEMPLATE, "Single '%c' encountered in format string", c);
        size_t end = (size_t)(close - f->text);
        INLAY__TRY(brace_one(m, f, i + 1, end, args, &next));
        i = end;
        done = end + 1;
    }
    INLAY__TRY(inlay__out_part(m, f, done, f->size));
    return inlay__out_take(m, start, result);
}
