/* What stands behind `is`. */
#include "functions.h"
#include "letters.h"
#include "lexer.h"
#include "base/utf8.h"

static int32_t compare(inlay__machine *m, inlay__comparison how, const inlay__value *a, inlay__value *result) {
    bool holds = false;
    INLAY__TRY(inlay__compare(m, how, &a[0], &a[1], &holds));
    *result = inlay__bool(holds);
    return INLAY_OK;
}

#define COMPARISON(name, how)                                                             \
    static int32_t name(inlay__machine *m, const inlay__value *a, inlay__value *result) { \
        return compare(m, how, a, result);                                                \
    }
COMPARISON(is_eq, INLAY__EQ)
COMPARISON(is_ne, INLAY__NE)
COMPARISON(is_lt, INLAY__LT)
COMPARISON(is_le, INLAY__LE)
COMPARISON(is_gt, INLAY__GT)
COMPARISON(is_ge, INLAY__GE)
COMPARISON(is_in, INLAY__IN)

/* A test that only looks at the value. */
#define SIMPLE(name, condition)                                                                    \
    static int32_t name(inlay__machine *m, const inlay__value *a, inlay__value *result) {          \
        (void)m;                                                                                   \
        *result = inlay__bool(condition);                                                          \
        return INLAY_OK;                                                                           \
    }
SIMPLE(is_boolean, a->kind == INLAY__V_BOOL)
SIMPLE(is_true, a->kind == INLAY__V_BOOL && a->of.boolean)
SIMPLE(is_false, a->kind == INLAY__V_BOOL && !a->of.boolean)
SIMPLE(is_integer, a->kind == INLAY__V_INT || a->kind == INLAY__V_DIGITS)
SIMPLE(is_float, a->kind == INLAY__V_FLOAT)
SIMPLE(is_number, inlay__value_is_number(a) || a->kind == INLAY__V_DIGITS)
SIMPLE(is_none, a->kind == INLAY__V_NONE)
SIMPLE(is_defined, a->kind != INLAY__V_UNDEFINED)
SIMPLE(is_undefined, a->kind == INLAY__V_UNDEFINED)
SIMPLE(is_string, a->kind == INLAY__V_STRING)
SIMPLE(is_mapping, a->kind == INLAY__V_DICT)
SIMPLE(is_escaped, a->kind == INLAY__V_STRING && a->of.string->safe)
SIMPLE(is_callable, a->kind >= INLAY__V_MACRO || a->kind == INLAY__V_LOOP || a->kind == INLAY__V_UNDEFINED)
SIMPLE(is_sequence, a->kind == INLAY__V_STRING || a->kind == INLAY__V_LIST || a->kind == INLAY__V_TUPLE ||
                        a->kind == INLAY__V_RANGE || a->kind == INLAY__V_DICT || a->kind == INLAY__V_UNDEFINED)
SIMPLE(is_iterable, a->kind == INLAY__V_STRING || inlay__value_is_list(a) || a->kind == INLAY__V_DICT ||
                        a->kind == INLAY__V_GENERATOR || a->kind == INLAY__V_UNDEFINED || a->kind == INLAY__V_LOOP)

static int32_t remainder_of(inlay__machine *m, const inlay__value *a, int64_t divisor, int64_t equals,
                            inlay__value *result) {
    inlay__value by = inlay__int(divisor), rest, wanted = inlay__int(equals);
    bool equal = false;
    INLAY__TRY(inlay__binary(m, INLAY__T_MOD, a, &by, &rest));
    INLAY__TRY(inlay__equal(m, &rest, &wanted, &equal));
    *result = inlay__bool(equal);
    return INLAY_OK;
}

static int32_t is_even(inlay__machine *m, const inlay__value *a, inlay__value *result) {
    return remainder_of(m, a, 2, 0, result);
}
static int32_t is_odd(inlay__machine *m, const inlay__value *a, inlay__value *result) {
    return remainder_of(m, a, 2, 1, result);
}

static int32_t is_divisibleby(inlay__machine *m, const inlay__value *a, inlay__value *result) {
    int64_t by = 0;
    INLAY__TRY(inlay__arg_int(&a[1], "num", &by));
    return remainder_of(m, a, by, 0, result);
}

/* The same object: of numbers and strings, the same kind and value. */
static int32_t is_sameas(inlay__machine *m, const inlay__value *a, inlay__value *result) {
    bool equal = a[0].kind == a[1].kind;
    if (equal && (inlay__value_is_list(a) || a->kind == INLAY__V_DICT))
        equal = a[0].of.list == a[1].of.list;
    else if (equal)
        INLAY__TRY(inlay__equal(m, &a[0], &a[1], &equal));
    *result = inlay__bool(equal);
    return INLAY_OK;
}

/* str(value).isupper() or islower(): a letter of that case, and none of another. */
static int32_t is_case(inlay__machine *m, const inlay__value *a, bool upper, inlay__value *result) {
    const inlay__string *s = NULL;
    bool any = false, other = false;
    INLAY__TRY(inlay__to_string(m, a, &s));
    INLAY__TRY(inlay__charge(m, s->size / 16));
    for (size_t i = 0, n; i < s->size; i += n) {
        uint32_t code;
        n = inlay__utf8_decode((const uint8_t *)s->text + i, s->size - i, &code);
        bool is_upper = inlay__letter_is_upper(code), is_lower = inlay__letter_is_lower(code);
        any = any || (upper ? is_upper : is_lower);
        other = other || (upper ? is_lower : is_upper);
    }
    *result = inlay__bool(any && !other);
    return INLAY_OK;
}

static int32_t is_upper(inlay__machine *m, const inlay__value *a, inlay__value *result) {
    return is_case(m, a, true, result);
}
static int32_t is_lower(inlay__machine *m, const inlay__value *a, inlay__value *result) {
    return is_case(m, a, false, result);
}

static int32_t names_one(const inlay__value *a, int32_t (*find)(const char *, size_t), inlay__value *result) {
    *result = inlay__bool(a->kind == INLAY__V_STRING && find(a->of.string->text, a->of.string->size) >= 0);
    return INLAY_OK;
}

static int32_t is_filter(inlay__machine *m, const inlay__value *a, inlay__value *result) {
    (void)m;
    return names_one(a, inlay__filter_find, result);
}

static int32_t is_test(inlay__machine *m, const inlay__value *a, inlay__value *result) {
    (void)m;
    return names_one(a, inlay__test_find, result);
}

static const inlay__callable tests[] = {
    {"defined", "", 0, 0, is_defined, NULL},        {"undefined", "", 0, 0, is_undefined, NULL},
    {"none", "", 0, 0, is_none, NULL},              {"string", "", 0, 0, is_string, NULL},
    {"mapping", "", 0, 0, is_mapping, NULL},        {"iterable", "", 0, 0, is_iterable, NULL},
    {"sequence", "", 0, 0, is_sequence, NULL},      {"boolean", "", 0, 0, is_boolean, NULL},
    {"true", "", 0, 0, is_true, NULL},              {"false", "", 0, 0, is_false, NULL},
    {"integer", "", 0, 0, is_integer, NULL},        {"float", "", 0, 0, is_float, NULL},
    {"number", "", 0, 0, is_number, NULL},          {"callable", "", 0, 0, is_callable, NULL},
    {"escaped", "", 0, 0, is_escaped, NULL},        {"even", "", 0, 0, is_even, NULL},
    {"odd", "", 0, 0, is_odd, NULL},                {"divisibleby", "num", 1, 0, is_divisibleby, NULL},
    {"upper", "", 0, 0, is_upper, NULL},            {"lower", "", 0, 0, is_lower, NULL},
    {"sameas", "other", 1, 0, is_sameas, NULL},     {"in", "seq", 1, 0, is_in, NULL},
    {"eq", "b", 1, 0, is_eq, NULL},                 {"equalto", "b", 1, 0, is_eq, NULL},
    {"==", "b", 1, 0, is_eq, NULL},                 {"ne", "b", 1, 0, is_ne, NULL},
    {"!=", "b", 1, 0, is_ne, NULL},                 {"lt", "b", 1, 0, is_lt, NULL},
    {"lessthan", "b", 1, 0, is_lt, NULL},           {"<", "b", 1, 0, is_lt, NULL},
    {"le", "b", 1, 0, is_le, NULL},                 {"<=", "b", 1, 0, is_le, NULL},
    {"gt", "b", 1, 0, is_gt, NULL},                 {"greaterthan", "b", 1, 0, is_gt, NULL},
    {">", "b", 1, 0, is_gt, NULL},                  {"ge", "b", 1, 0, is_ge, NULL},
    {">=", "b", 1, 0, is_ge, NULL},                 {"filter", "", 0, 0, is_filter, NULL},
    {"test", "", 0, 0, is_test, NULL},
};

int32_t inlay__test_find(const char *name, size_t size) {
    for (size_t i = 0; i < INLAY__COUNT(tests); i++)
        if (strlen(tests[i].name) == size && memcmp(tests[i].name, name, size) == 0) return (int32_t)i;
    return -1;
}

int32_t inlay__test_run(inlay__machine *m, int32_t test, const inlay__value *self, const inlay__arguments *args,
                        bool *result) {
    inlay__value v = inlay__bool(false);
    INLAY__TRY(inlay__callable_run(m, &tests[test], "test", self, args, &v));
    *result = inlay__value_is_true(&v);
    return INLAY_OK;
}
