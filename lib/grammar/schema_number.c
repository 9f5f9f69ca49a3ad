/* Numbers within bounds, digit by digit.
 *
 * Texts of one length compare as their digits do: after a beginning that equals the bound's, the next digit is the
 * bound's again, or one on the right side of it, after which anything may come. */
#include "grammar/exact_decimal.h"
#include "grammar/schema_reader.h"

/* Digits of integers; of numbers with a fraction, before and after the point together: so many a double tells apart. */
enum { INTEGER_DIGITS = 20, NUMBER_DIGITS = 15, MOST_LISTED = 4096 };

static inlay__expression digit(inlay__schema *s, char first, char last) {
    return first <= last ? inlay__rules_byte(s->rules, (uint8_t)first, (uint8_t)last) : INLAY__NEVER;
}

static inlay__expression digits(inlay__schema *s, uint32_t least, uint32_t most) {
    return inlay__rules_repeat(s->rules, digit(s, '0', '9'), least, most);
}

static inlay__expression either(inlay__schema *s, inlay__expression a, inlay__expression b) {
    return inlay__rules_choice(s->rules, a, b);
}

static inlay__expression row(inlay__schema *s, inlay__expression a, inlay__expression b) {
    return inlay__rules_sequence(s->rules, a, b);
}

/* ------------------------------------------------------ sizes of one length */

/* Numbers that are not negative, with `n_whole` digits before the point and at most `n_part` after it, between two. */
typedef struct between {
    uint32_t n_whole, n_part;
    char least[INTEGER_DIGITS + 1], most[INTEGER_DIGITS + 1]; /* [n_whole + n_part] */
    bool above_least, below_most;
} between;

static bool only(const char *text, uint32_t from, uint32_t n, char c) {
    while (from < n && text[from] == c)
        from++;
    return from == n;
}

/* Anything from digit i on. */
static inlay__expression anything(inlay__schema *s, const between *b, uint32_t i) {
    uint32_t n = b->n_whole + b->n_part;
    if (i > b->n_whole) return digits(s, 0, n - i);
    inlay__expression part = INLAY__EMPTY;
    if (b->n_part > 0)
        part = either(s, row(s, inlay__rules_byte(s->rules, '.', '.'), digits(s, 1, b->n_part)), INLAY__EMPTY);
    return row(s, digits(s, b->n_whole - i, b->n_whole - i), part);
}

/* From digit i on, where what comes after it is known: the bound's digits, or others. `may_stop`: the text may end
 * here. */
static inlay__expression finish(inlay__schema *s, const between *b, uint32_t i, inlay__expression e, bool may_stop) {
    if (i == b->n_whole) e = row(s, inlay__rules_byte(s->rules, '.', '.'), e);
    return may_stop && i >= b->n_whole ? either(s, e, INLAY__EMPTY) : e;
}

static inlay__expression write_between(inlay__schema *s, const between *b) {
    uint32_t n = b->n_whole + b->n_part;
    /* what may come from digit i + 1 on: held to the least, to the most, to both */
    inlay__expression low = b->above_least ? INLAY__NEVER : INLAY__EMPTY;
    inlay__expression high = b->below_most ? INLAY__NEVER : INLAY__EMPTY;
    inlay__expression both = b->above_least || b->below_most ? INLAY__NEVER : INLAY__EMPTY;
    for (uint32_t i = n; i-- > 0;) {
        char from = b->least[i], to = b->most[i];
        bool low_may_stop = only(b->least, i, n, '0') && !b->above_least;
        bool high_may_stop = !only(b->most, i, n, '0') || !b->below_most;
        inlay__expression after = anything(s, b, i + 1), same_low = row(s, digit(s, from, from), low),
                          same_high = row(s, digit(s, to, to), high);
        if (from == to) {
            both = row(s, digit(s, from, from), both);
        } else if (from < to) {
            both = either(s, same_low, row(s, digit(s, (char)(from + 1), (char)(to - 1)), after));
            both = either(s, both, same_high);
        } else {
            both = INLAY__NEVER;
        }
        both = finish(s, b, i, both, low_may_stop && high_may_stop);
        low = low_may_stop
                  ? anything(s, b, i)
                  : finish(s, b, i, either(s, same_low, row(s, digit(s, (char)(from + 1), '9'), after)), false);
        high = only(b->most, i, n, '9') && !b->below_most
                   ? anything(s, b, i)
                   : finish(s, b, i, either(s, same_high, row(s, digit(s, '0', (char)(to - 1)), after)), high_may_stop);
    }
    return both;
}

/* -------------------------------------------------------------- sizes of all */

/* A bound of the size of a number: at least zero. */
typedef struct limit {
    inlay__exact value;
    bool is_open; /* itself is out */
} limit;

/* The first digits of a bound; *is_cut when it has others. */
static void cut(const inlay__exact *value, uint32_t n_whole, uint32_t n_part, char *out, bool *is_cut) {
    for (uint32_t i = 0; i < n_whole + n_part; i++)
        out[i] = inlay__exact_digit(value, (int32_t)n_whole - 1 - (int32_t)i);
    *is_cut = value->n > 0 && value->point - (int32_t)value->n < -(int32_t)n_part;
}

/* Those with n digits before the point. */
static inlay__expression of_length(inlay__schema *s, const limit *least, const limit *most, uint32_t n_whole,
                                   uint32_t n_part) {
    between b = {.n_whole = n_whole, .n_part = n_part};
    int32_t n = (int32_t)n_whole;
    bool is_cut;
    if (most->value.n == 0 ? n > 1 : most->value.point < n && n > 1) return INLAY__NEVER;
    if (least->value.n > 0 && least->value.point > n) return INLAY__NEVER;
    if (least->value.n > 0 && (least->value.point == n || n == 1)) {
        cut(&least->value, n_whole, n_part, b.least, &is_cut);
        b.above_least = least->is_open || is_cut;
    } else {
        memset(b.least, '0', n_whole + n_part);
        if (n > 1) b.least[0] = '1';
        if (n == 1) b.above_least = least->is_open;
    }
    if (most->value.n == 0 || most->value.point <= n) {
        cut(&most->value, n_whole, n_part, b.most, &is_cut);
        b.below_most = most->is_open && !is_cut;
    } else {
        memset(b.most, '9', n_whole + n_part);
    }
    return memcmp(b.least, b.most, n_whole + n_part) <= 0 ? write_between(s, &b) : INLAY__NEVER;
}

/* n_part: digits after the point at most. Of integers, lengths between those of the bounds are one. */
static inlay__expression sizes(inlay__schema *s, const limit *least, const limit *most, uint32_t n_digits,
                               uint32_t n_part) {
    inlay__expression all = INLAY__NEVER;
    for (uint32_t n = 1; n <= n_digits; n++) {
        uint32_t part = n_digits - n < n_part ? n_digits - n : n_part, last = n;
        bool is_free = n_part == 0 && n > 1 && least->value.point < (int32_t)n && most->value.point > (int32_t)n;
        if (!is_free) {
            all = either(s, all, of_length(s, least, most, n, part));
            continue;
        }
        while (last + 1 <= n_digits && most->value.point > (int32_t)last + 1)
            last++;
        all = either(s, all, row(s, digit(s, '1', '9'), digits(s, n - 1, last - 1)));
        n = last;
    }
    return all;
}

/* ---------------------------------------------------------------------- bounds */

static inlay__exact power_of_ten(int32_t exponent) {
    return (inlay__exact){.n = 1, .point = exponent + 1, .digits = {'1'}};
}

/* Bounds as they are in the schema, or NULL; digits before the point, or at all, and after it at most. */
typedef struct range {
    const limit *least, *most;
    uint32_t n_digits, n_part;
    bool no_zero;
} range;

static inlay__expression signed_numbers(inlay__schema *s, const range *r) {
    limit none = {power_of_ten((int32_t)r->n_digits), false}, zero = {{.n = 0}, r->no_zero},
          above_zero = {{.n = 0}, true};
    inlay__expression all = INLAY__NEVER;
    if (r->most == NULL || !r->most->value.negative) {
        limit from = r->least != NULL && !r->least->value.negative ? *r->least : zero;
        from.is_open |= from.value.n == 0 && r->no_zero;
        all = sizes(s, &from, r->most != NULL ? r->most : &none, r->n_digits, r->n_part);
    }
    if (r->least == NULL || r->least->value.negative) {
        limit from = r->most != NULL && r->most->value.negative ? *r->most : above_zero;
        inlay__expression negative = sizes(s, &from, r->least != NULL ? r->least : &none, r->n_digits, r->n_part);
        all = either(s, all, row(s, inlay__rules_byte(s->rules, '-', '-'), negative));
    }
    return all;
}

static bool holds_zero(const range *r) {
    bool from = r->least == NULL || r->least->value.negative || (r->least->value.n == 0 && !r->least->is_open);
    bool to = r->most == NULL || (r->most->value.n > 0 ? !r->most->value.negative : !r->most->is_open);
    return from && to;
}

/* Multiples of ten to a power: of the range divided by it, with so many zeros behind. */
static inlay__expression with_zeros(inlay__schema *s, range r, uint32_t power) {
    r.no_zero = true;
    inlay__expression zero = inlay__rules_byte(s->rules, '0', '0');
    inlay__expression all = row(s, signed_numbers(s, &r), inlay__rules_repeat(s->rules, zero, power, power));
    return holds_zero(&r) ? either(s, all, zero) : all;
}

static int32_t refuse(inlay__schema *s, const inlay__schema_facts *facts, const char *keyword, const char *what) {
    return inlay__schema_fail(s, INLAY_ERR_UNSUPPORTED, &s->json.nodes[facts->set->members[0].node], keyword, what);
}

/* Multiples within bounds, one by one. */
static int32_t list_multiples(inlay__schema *s, const inlay__schema_facts *facts, inlay__expression *e) {
    int64_t step, least, most;
    bool known = inlay__json_i64(facts->multiple, &step) && step > 0 && step < INT64_MAX / 4 &&
                 inlay__json_i64(facts->least, &least) && inlay__json_i64(facts->most, &most) &&
                 least > INT64_MIN / 4 && most < INT64_MAX / 4;
    if (known && facts->above_least) least++;
    if (known && facts->below_most) most--;
    if (!known || (least <= most && (most - least) / step > MOST_LISTED))
        return refuse(s, facts, "multipleOf",
                      "expected a power of ten, or a whole number with whole bounds between which are at most 4096");
    int64_t at = least / step * step;
    for (at += at < least ? step : 0; at <= most; at += step) {
        char text[24];
        size_t n = sizeof text;
        uint64_t size = at < 0 ? 0 - (uint64_t)at : (uint64_t)at;
        do
            text[--n] = (char)('0' + size % 10);
        while ((size /= 10) > 0);
        if (at < 0) text[--n] = '-';
        *e = either(s, *e, inlay__rules_text(s->rules, text + n, sizeof text - n));
    }
    return s->rules->status;
}

static int32_t read_limit(inlay__schema *s, const inlay__schema_facts *facts, const inlay__json_node *bound,
                          bool is_integer, limit *out) {
    inlay__exact_read(bound, &out->value);
    if (!is_integer && out->is_open && out->value.n > NUMBER_DIGITS)
        return refuse(s, facts, "exclusiveMinimum or exclusiveMaximum",
                      "a bound of more than 15 digits is not supported");
    return INLAY_OK;
}

/* A bound out of reach is none. */
static bool is_far(const limit *bound, uint32_t n_digits, bool is_most) {
    return bound->value.n > 0 && bound->value.point > (int32_t)n_digits && bound->value.negative != is_most;
}

int32_t inlay__schema_number(inlay__schema *s, const inlay__schema_facts *facts, inlay__expression *e) {
    bool is_integer = (facts->kinds & INLAY__IS_FRACTION) == 0;
    uint32_t n_part = NUMBER_DIGITS;
    uint32_t power = 0; /* multiples of ten to this */
    if (facts->multiple != NULL) {
        inlay__exact step;
        bool known =
            inlay__exact_read(facts->multiple, &step) && step.n == 1 && step.digits[0] == '1' && !step.negative;
        if (!known || step.point > INTEGER_DIGITS) return list_multiples(s, facts, e);
        power = step.point > 1 ? (uint32_t)step.point - 1 : 0;
        is_integer |= step.point >= 1;
        if (step.point < 1 && (uint32_t)(1 - step.point) < n_part) n_part = (uint32_t)(1 - step.point);
    }
    bool is_free = facts->least == NULL && facts->most == NULL;
    if (is_free && power == 0 && (is_integer || facts->multiple == NULL)) {
        *e = inlay__schema_common(s, is_integer ? INLAY__SCHEMA_INTEGER : INLAY__SCHEMA_NUMBER);
        return INLAY_OK;
    }
    range r = {.n_digits = is_integer ? INTEGER_DIGITS - power : NUMBER_DIGITS, .n_part = is_integer ? 0 : n_part};
    limit least = {.is_open = facts->above_least}, most = {.is_open = facts->below_most};
    if (facts->least != NULL) {
        INLAY__TRY(read_limit(s, facts, facts->least, is_integer, &least));
        least.value.point -= least.value.n > 0 ? (int32_t)power : 0;
        if (!is_far(&least, r.n_digits, false)) r.least = &least;
    }
    if (facts->most != NULL) {
        INLAY__TRY(read_limit(s, facts, facts->most, is_integer, &most));
        most.value.point -= most.value.n > 0 ? (int32_t)power : 0;
        if (!is_far(&most, r.n_digits, true)) r.most = &most;
    }
    *e = power > 0 ? with_zeros(s, r, power) : signed_numbers(s, &r);
    return s->rules->status;
}
