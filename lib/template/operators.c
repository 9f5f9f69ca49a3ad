/* Arithmetic and comparison as Python has them, with integers of 64 bits whose overflow is an error. */
#include <math.h>

#include "base/find_bytes.h"
#include "functions.h"
#include "lexer.h"

enum { MAX_COMPARE_DEPTH = 100 };

static const char *sign_of(uint8_t token) {
    switch (token) {
    case INLAY__T_ADD: return "+";
    case INLAY__T_SUB: return "-";
    case INLAY__T_MUL: return "*";
    case INLAY__T_DIV: return "/";
    case INLAY__T_FLOORDIV: return "//";
    case INLAY__T_MOD: return "%";
    default: return "** or pow()";
    }
}

static int32_t undefined_error(const inlay__value *v) {
    if (v->of.string == NULL) return inlay__fail(INLAY_ERR_TEMPLATE, "a value that is undefined is used");
    return inlay__fail(INLAY_ERR_TEMPLATE, "'%.*s' is undefined", (int)inlay__min_size(v->of.string->size, 128),
                       v->of.string->text);
}

static int32_t overflow(void) { return inlay__fail(INLAY_ERR_TEMPLATE, "an integer does not fit 64 bits"); }

static int64_t int_of(const inlay__value *v) { return v->kind == INLAY__V_BOOL ? v->of.boolean : v->of.integer; }

static double float_of(const inlay__value *v) { return v->kind == INLAY__V_FLOAT ? v->of.number : (double)int_of(v); }

/* -------------------------------------------------------------- arithmetic */

static bool multiply(int64_t a, int64_t b, int64_t *out) { return !__builtin_mul_overflow(a, b, out); }

static int32_t int_power(int64_t base, int64_t exponent, inlay__value *result) {
    int64_t power = 1;
    while (exponent > 0) {
        if ((exponent & 1) != 0 && !multiply(power, base, &power)) return overflow();
        exponent >>= 1;
        if (exponent > 0 && !multiply(base, base, &base)) return overflow();
    }
    *result = inlay__int(power);
    return INLAY_OK;
}

static int32_t float_power(double base, double exponent, inlay__value *result) {
    bool inverse = exponent < 0;
    double left = inverse ? -exponent : exponent, power = 1.0;
    if (left == 0.5 && !inverse && base >= 0) return *result = inlay__float(sqrt(base)), INLAY_OK;
    if (left != floor(left) || left > 4096)
        return inlay__fail(INLAY_ERR_TEMPLATE, "a power of a broken or large exponent is not supported");
    for (int64_t n = (int64_t)left; n > 0; n >>= 1, base *= base)
        if ((n & 1) != 0) power *= base;
    if (inverse && power == 0.0) return inlay__fail(INLAY_ERR_TEMPLATE, "0.0 cannot be raised to a negative power");
    *result = inlay__float(inverse ? 1.0 / power : power);
    return INLAY_OK;
}

static int32_t divide_ints(uint8_t token, int64_t a, int64_t b, inlay__value *result) {
    if (b == 0) return inlay__fail(INLAY_ERR_TEMPLATE, "division by zero");
    if (a == INT64_MIN && b == -1 && token != INLAY__T_MOD) return overflow();
    int64_t quotient = b == -1 ? -a : a / b, rest = b == -1 ? 0 : a % b;
    if (rest != 0 && (rest < 0) != (b < 0)) { /* towards minus infinity */
        quotient--;
        rest += b;
    }
    *result = inlay__int(token == INLAY__T_MOD ? rest : quotient);
    return INLAY_OK;
}

static int32_t int_binary(uint8_t token, int64_t a, int64_t b, inlay__value *result) {
    int64_t value = 0;
    switch (token) {
    case INLAY__T_ADD: if (__builtin_add_overflow(a, b, &value)) return overflow(); break;
    case INLAY__T_SUB: if (__builtin_sub_overflow(a, b, &value)) return overflow(); break;
    case INLAY__T_MUL: if (!multiply(a, b, &value)) return overflow(); break;
    case INLAY__T_DIV:
        if (b == 0) return inlay__fail(INLAY_ERR_TEMPLATE, "division by zero");
        *result = inlay__float((double)a / (double)b);
        return INLAY_OK;
    case INLAY__T_POW: return b < 0 ? float_power((double)a, (double)b, result) : int_power(a, b, result);
    default: return divide_ints(token, a, b, result);
    }
    *result = inlay__int(value);
    return INLAY_OK;
}

static int32_t float_binary(uint8_t token, double a, double b, inlay__value *result) {
    double value = 0;
    if ((token == INLAY__T_DIV || token == INLAY__T_FLOORDIV || token == INLAY__T_MOD) && b == 0)
        return inlay__fail(INLAY_ERR_TEMPLATE, "float division by zero");
    switch (token) {
    case INLAY__T_ADD: value = a + b; break;
    case INLAY__T_SUB: value = a - b; break;
    case INLAY__T_MUL: value = a * b; break;
    case INLAY__T_DIV: value = a / b; break;
    case INLAY__T_POW: return float_power(a, b, result);
    default: {
        double rest = fmod(a, b), quotient = (a - rest) / b;
        if (rest == 0) {
            rest = copysign(0.0, b);
        } else if ((rest < 0) != (b < 0)) {
            rest += b;
            quotient -= 1.0;
        }
        double whole = floor(quotient);
        if (quotient - whole > 0.5) whole += 1.0;
        if (quotient == 0) whole = copysign(0.0, a / b);
        value = token == INLAY__T_MOD ? rest : whole;
    }
    }
    *result = inlay__float(value);
    return INLAY_OK;
}

/* ---------------------------------------------------------------- sequences */

static int32_t put_escaped(inlay__machine *m, const inlay__string *s) {
    inlay__value self = inlay__string_value(s), escaped;
    const inlay__arguments none = {NULL, 0, NULL, 0};
    INLAY__TRY(inlay__filter_run(m, inlay__filter_find("escape", 6), &self, &none, &escaped));
    return inlay__out_string(m, escaped.of.string);
}

static int32_t join_strings(inlay__machine *m, const inlay__string *a, const inlay__string *b, inlay__value *result) {
    size_t start = m->n_out;
    bool safe = a->safe || b->safe; /* what is not safe beside it is escaped */
    INLAY__TRY(safe && !a->safe ? put_escaped(m, a) : inlay__out_string(m, a));
    INLAY__TRY(safe && !b->safe ? put_escaped(m, b) : inlay__out_string(m, b));
    INLAY__TRY(inlay__out_take(m, start, result));
    if (safe) ((inlay__string *)result->of.string)->safe = true;
    return INLAY_OK;
}

static int32_t join_lists(inlay__machine *m, const inlay__value *a, const inlay__value *b, inlay__value *result) {
    const inlay__list *x = a->of.list, *y = b->of.list;
    inlay__list *list = inlay__list_new(&m->heap, x->n + y->n);
    if (list == NULL) return inlay__no_memory(m);
    INLAY__TRY(inlay__charge(m, list->n / 8));
    if (x->n > 0) memcpy(list->items, x->items, x->n * sizeof *x->items);
    if (y->n > 0) memcpy(list->items + x->n, y->items, y->n * sizeof *y->items);
    *result = inlay__list_value(a->kind, list);
    return INLAY_OK;
}

static int32_t repeat(inlay__machine *m, const inlay__value *v, int64_t times, inlay__value *result) {
    size_t n = times < 0 ? 0 : (size_t)times, start = m->n_out, total;
    if (v->kind == INLAY__V_STRING) {
        if (!inlay__mul_size(n, v->of.string->size, &total) || total > INLAY__RENDER_MAX_OUTPUT)
            return inlay__fail(INLAY_ERR_TEMPLATE, "a string repeated %lld times has more than %d bytes",
                               (long long)times, INLAY__RENDER_MAX_OUTPUT);
        INLAY__TRY(inlay__charge(m, v->of.string->size > 0 ? n / 8 : 0));
        for (size_t i = 0; i < n && v->of.string->size > 0; i++) INLAY__TRY(inlay__out_string(m, v->of.string));
        return inlay__out_take(m, start, result);
    }
    const inlay__list *from = v->of.list;
    if (!inlay__mul_size(n, from->n, &total) || total > INLAY__RENDER_MAX_STACK)
        return inlay__fail(INLAY_ERR_TEMPLATE, "a list repeated %lld times has more than %d items", (long long)times,
                           INLAY__RENDER_MAX_STACK);
    inlay__list *list = inlay__list_new(&m->heap, total);
    if (list == NULL) return inlay__no_memory(m);
    INLAY__TRY(inlay__charge(m, total / 8));
    for (size_t i = 0; i < total; i++) list->items[i] = from->items[i % from->n];
    *result = inlay__list_value(v->kind, list);
    return INLAY_OK;
}

static bool is_int(const inlay__value *v) { return v->kind == INLAY__V_INT || v->kind == INLAY__V_BOOL; }

static bool repeats(const inlay__value *v) {
    return v->kind == INLAY__V_STRING || v->kind == INLAY__V_LIST || v->kind == INLAY__V_TUPLE;
}

int32_t inlay__binary(inlay__machine *m, uint8_t token, const inlay__value *a, const inlay__value *b,
                      inlay__value *result) {
    if (is_int(a) && is_int(b)) return int_binary(token, int_of(a), int_of(b), result);
    if (inlay__value_is_number(a) && inlay__value_is_number(b))
        return float_binary(token, float_of(a), float_of(b), result);
    if (token == INLAY__T_MOD && a->kind == INLAY__V_STRING) return inlay__format_percent(m, a->of.string, b, result);
    if (a->kind == INLAY__V_UNDEFINED) return undefined_error(a);
    if (b->kind == INLAY__V_UNDEFINED) return undefined_error(b);
    if (token == INLAY__T_ADD && a->kind == b->kind) {
        if (a->kind == INLAY__V_STRING) return join_strings(m, a->of.string, b->of.string, result);
        if (a->kind == INLAY__V_LIST || a->kind == INLAY__V_TUPLE) return join_lists(m, a, b, result);
    }
    if (token == INLAY__T_MUL && repeats(a) && is_int(b)) return repeat(m, a, int_of(b), result);
    if (token == INLAY__T_MUL && repeats(b) && is_int(a)) return repeat(m, b, int_of(a), result);
    if (a->kind == INLAY__V_DIGITS || b->kind == INLAY__V_DIGITS) return overflow();
    return inlay__fail(INLAY_ERR_TEMPLATE, "unsupported operand types for %s: '%s' and '%s'", sign_of(token),
                       inlay__value_type(a), inlay__value_type(b));
}

int32_t inlay__negate(const inlay__value *v, bool minus, inlay__value *result) {
    if (v->kind == INLAY__V_UNDEFINED) return undefined_error(v);
    if (v->kind == INLAY__V_FLOAT) return *result = inlay__float(minus ? -v->of.number : v->of.number), INLAY_OK;
    if (!is_int(v))
        return inlay__fail(INLAY_ERR_TEMPLATE, "bad operand type for unary %s: '%s'", minus ? "-" : "+",
                           inlay__value_type(v));
    int64_t value = int_of(v);
    if (minus && value == INT64_MIN) return overflow();
    *result = inlay__int(minus ? -value : value);
    return INLAY_OK;
}

/* --------------------------------------------------------------- comparison */

/* The sign of a - b, exactly; 2 when one of them is no number. */
static int order_numbers(const inlay__value *a, const inlay__value *b) {
    if (a->kind != INLAY__V_FLOAT && b->kind != INLAY__V_FLOAT)
        return int_of(a) < int_of(b) ? -1 : int_of(a) > int_of(b);
    double x = float_of(a), y = float_of(b);
    if (x != x || y != y) return 2;
    if (x != y) return x < y ? -1 : 1;
    if (a->kind == b->kind || x >= 9223372036854775808.0 || x < -9223372036854775808.0)
        return a->kind == b->kind ? 0 : a->kind == INLAY__V_FLOAT ? 1 : -1;
    int64_t i = a->kind == INLAY__V_FLOAT ? (int64_t)x : int_of(a),
            j = b->kind == INLAY__V_FLOAT ? (int64_t)y : int_of(b);
    return i < j ? -1 : i > j;
}

static int32_t equal_at(inlay__machine *m, const inlay__value *a, const inlay__value *b, size_t depth, bool *equal);

static int32_t equal_lists(inlay__machine *m, const inlay__list *a, const inlay__list *b, size_t depth, bool *equal) {
    *equal = a->n == b->n;
    for (size_t i = 0; i < a->n && *equal; i++) INLAY__TRY(equal_at(m, &a->items[i], &b->items[i], depth + 1, equal));
    return INLAY_OK;
}

static int32_t equal_dicts(inlay__machine *m, const inlay__dict *a, const inlay__dict *b, size_t depth, bool *equal) {
    *equal = a->n == b->n;
    for (size_t i = 0; i < a->n && *equal; i++) {
        const inlay__value *other = NULL;
        INLAY__TRY(inlay__dict_get(m, b, &a->pairs[2 * i], &other));
        *equal = other != NULL;
        if (*equal) INLAY__TRY(equal_at(m, &a->pairs[2 * i + 1], other, depth + 1, equal));
    }
    return INLAY_OK;
}

static int32_t equal_at(inlay__machine *m, const inlay__value *a, const inlay__value *b, size_t depth, bool *equal) {
    INLAY__TRY(inlay__charge(m, 1));
    if (depth > MAX_COMPARE_DEPTH)
        return inlay__fail(INLAY_ERR_TEMPLATE, "values nested deeper than %d are compared", MAX_COMPARE_DEPTH);
    if (inlay__value_is_number(a) && inlay__value_is_number(b)) return *equal = order_numbers(a, b) == 0, INLAY_OK;
    *equal = false;
    if (a->kind != b->kind) return INLAY_OK;
    switch (a->kind) {
    case INLAY__V_UNDEFINED:
    case INLAY__V_NONE: *equal = true; return INLAY_OK;
    case INLAY__V_DIGITS:
    case INLAY__V_STRING:
        INLAY__TRY(inlay__charge(m, a->of.string->size / 256));
        *equal = inlay__strings_equal(a->of.string, b->of.string);
        return INLAY_OK;
    case INLAY__V_LIST:
    case INLAY__V_TUPLE:
    case INLAY__V_RANGE:
    case INLAY__V_KEYS:
    case INLAY__V_ITEMS: return equal_lists(m, a->of.list, b->of.list, depth, equal);
    case INLAY__V_DICT: return equal_dicts(m, a->of.dict, b->of.dict, depth, equal);
    case INLAY__V_FUNCTION: *equal = a->of.integer == b->of.integer; return INLAY_OK;
    default: *equal = a->of.space == b->of.space; return INLAY_OK; /* the same object */
    }
}

int32_t inlay__equal(inlay__machine *m, const inlay__value *a, const inlay__value *b, bool *equal) {
    return equal_at(m, a, b, 0, equal);
}

int32_t inlay__order(inlay__machine *m, const inlay__value *a, const inlay__value *b, const char *sign, int *order) {
    INLAY__TRY(inlay__charge(m, 1));
    if (inlay__value_is_number(a) && inlay__value_is_number(b)) return *order = order_numbers(a, b), INLAY_OK;
    if (a->kind == INLAY__V_STRING && b->kind == INLAY__V_STRING) {
        *order = inlay__strings_compare(a->of.string, b->of.string);
        return INLAY_OK;
    }
    if (a->kind == INLAY__V_UNDEFINED) return undefined_error(a);
    if (b->kind == INLAY__V_UNDEFINED) return undefined_error(b);
    if (a->kind == b->kind && (a->kind == INLAY__V_LIST || a->kind == INLAY__V_TUPLE)) {
        const inlay__list *x = a->of.list, *y = b->of.list;
        size_t i = 0, n = inlay__min_size(x->n, y->n);
        for (bool equal = true; i < n; i++) { /* the first pair that differs decides; lists in it are too deep */
            INLAY__TRY(inlay__equal(m, &x->items[i], &y->items[i], &equal));
            if (equal) continue;
            const inlay__value *p = &x->items[i], *q = &y->items[i];
            if (inlay__value_is_list(p) || inlay__value_is_list(q))
                return inlay__fail(INLAY_ERR_TEMPLATE, "lists of lists cannot be ordered");
            return inlay__order(m, p, q, sign, order);
        }
        *order = x->n < y->n ? -1 : x->n > y->n;
        return INLAY_OK;
    }
    return inlay__fail(INLAY_ERR_TEMPLATE, "'%s' not supported between instances of '%s' and '%s'", sign,
                       inlay__value_type(a), inlay__value_type(b));
}

size_t inlay__find_text(const inlay__string *s, const inlay__string *needle, size_t from) {
    if (from > s->size || needle->size > s->size - from) return SIZE_MAX;
    if (needle->size == 0) return from;
    const char *found = inlay__find_bytes(s->text + from, s->size - from, needle->text, needle->size);
    return found != NULL ? (size_t)(found - s->text) : SIZE_MAX;
}

int32_t inlay__contains(inlay__machine *m, const inlay__value *container, const inlay__value *item, bool *result) {
    const inlay__value *found = NULL;
    const inlay__list *items = NULL;
    *result = false;
    switch (container->kind) {
    case INLAY__V_STRING:
        if (item->kind != INLAY__V_STRING)
            return inlay__fail(INLAY_ERR_TEMPLATE, "'in <string>' requires string as left operand, not %s",
                               inlay__value_type(item));
        INLAY__TRY(inlay__charge(m, container->of.string->size / 24));
        *result = inlay__find_text(container->of.string, item->of.string, 0) != SIZE_MAX;
        return INLAY_OK;
    case INLAY__V_DICT:
        INLAY__TRY(inlay__dict_get(m, container->of.dict, item, &found));
        *result = found != NULL;
        return INLAY_OK;
    default:
        INLAY__TRY(inlay__items_of(m, container, &items));
        for (size_t i = 0; i < items->n && !*result; i++) INLAY__TRY(inlay__equal(m, &items->items[i], item, result));
        return INLAY_OK;
    }
}

int32_t inlay__compare(inlay__machine *m, inlay__comparison how, const inlay__value *a, const inlay__value *b,
                       bool *result) {
    static const char *const signs[] = {"==", "!=", "<", "<=", ">", ">="};
    int order = 0;
    switch (how) {
    case INLAY__EQ:
    case INLAY__NE:
        INLAY__TRY(inlay__equal(m, a, b, result));
        *result = *result == (how == INLAY__EQ);
        return INLAY_OK;
    case INLAY__IN:
    case INLAY__NOT_IN:
        INLAY__TRY(inlay__contains(m, b, a, result));
        *result = *result == (how == INLAY__IN);
        return INLAY_OK;
    default:
        INLAY__TRY(inlay__order(m, a, b, signs[how], &order));
        *result = order != 2 && (how == INLAY__LT   ? order < 0
                                 : how == INLAY__LE ? order <= 0
                                 : how == INLAY__GT ? order > 0
                                                    : order >= 0);
        return INLAY_OK;
    }
}
