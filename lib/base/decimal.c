/* Numbers between text and binary, correctly rounded in both directions, whatever the locale and the rounding mode.
 *
 * A decimal is digits * 10^p and a double is m * 2^q, all of them whole. Each conversion guesses with ordinary
 * arithmetic and then compares the two numbers exactly, as large integers, until it has the nearest.
 */
#include "text.h"

#define MAX_FINITE 0x7fefffffffffffffu /* the bits of the largest double */

/* ---------------------------------------------------------- large integers */

enum {
    MAX_DIGITS = 800, /* a midpoint between two doubles has at most 767; what follows is kept as one digit more */
    MAX_WORDS = 160   /* 5120 bits. The largest is 2^54 * 5^1131 * 2^2101, 4782 bits: see the bounds in nearest() */
};

typedef struct big {
    size_t n;
    uint32_t word[MAX_WORDS]; /* [n], little end first, the last is not 0 */
} big;

static void big_set(big *b, uint64_t value) {
    b->n = 0;
    for (; value != 0; value >>= 32) b->word[b->n++] = (uint32_t)value;
}

static void big_multiply(big *b, uint32_t factor, uint32_t carry) {
    for (size_t i = 0; i < b->n; i++) {
        uint64_t t = (uint64_t)b->word[i] * factor + carry;
        b->word[i] = (uint32_t)t;
        carry = (uint32_t)(t >> 32);
    }
    if (carry != 0) b->word[b->n++] = carry;
}

static void big_multiply_5(big *b, int power) {
    static const uint32_t powers[] = {1,     5,      25,      125,     625,      3125,     15625,
                                      78125, 390625, 1953125, 9765625, 48828125, 244140625};
    for (; power > 12; power -= 12) big_multiply(b, powers[12], 0);
    if (power > 0) big_multiply(b, powers[power], 0);
}

static void big_multiply_2(big *b, int power) {
    size_t words = (size_t)power / 32;
    if (b->n == 0) return;
    if (power % 32 > 0) big_multiply(b, 1u << power % 32, 0);
    memmove(b->word + words, b->word, b->n * sizeof *b->word);
    memset(b->word, 0, words * sizeof *b->word);
    b->n += words;
}

static int big_compare(const big *a, const big *b) {
    if (a->n != b->n) return a->n < b->n ? -1 : 1;
    for (size_t i = a->n; i-- > 0;)
        if (a->word[i] != b->word[i]) return a->word[i] < b->word[i] ? -1 : 1;
    return 0;
}

/* The sign of digits * 10^p - m * 2^q. */
static int compare(const big *digits, int p, uint64_t m, int q) {
    big a, b;
    a.n = digits->n;
    memcpy(a.word, digits->word, a.n * sizeof *a.word);
    big_set(&b, m);
    if (p > 0)
        big_multiply_5(&a, p);
    else
        big_multiply_5(&b, -p);
    if (q > p)
        big_multiply_2(&b, q - p);
    else
        big_multiply_2(&a, p - q);
    return big_compare(&a, &b);
}

static int compare_u64(uint64_t digits, int p, uint64_t m, int q) {
    big b;
    big_set(&b, digits);
    return compare(&b, p, m, q);
}

/* ----------------------------------------------------------------- doubles */

/* The double with these bits, which is finite and not negative, is *m * 2^q. */
static uint64_t split(uint64_t bits, int *q) {
    uint64_t fraction = bits & 0xfffffffffffffu;
    int exponent = (int)(bits >> 52);
    *q = exponent > 0 ? exponent - 1075 : -1074;
    return exponent > 0 ? fraction | (uint64_t)1 << 52 : fraction;
}

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* About value * 10^p. */
static double scale(double value, int p) {
    for (; p >= 16; p -= 16) value *= 1e16;
    for (; p > 0; p--) value *= 10.0;
    for (; p <= -16; p += 16) value /= 1e16;
    for (; p < 0; p++) value /= 10.0;
    return value;
}

/* ----------------------------------------------------------------- reading */

/* At least 0. */
typedef struct decimal {
    big digits;
    size_t n_digits; /* from the first that is not 0 */
    uint64_t leading; /* the first 18 of them */
    int64_t p;
    bool more; /* digits that were left away are not all 0 */
} decimal;

static void add_digit(decimal *d, uint32_t digit, bool behind_point) {
    if (d->n_digits == 0 && digit == 0) {
        d->p -= behind_point;
    } else if (d->n_digits < MAX_DIGITS) {
        big_multiply(&d->digits, 10, digit);
        if (d->n_digits < 18) d->leading = d->leading * 10 + digit;
        d->n_digits++;
        d->p -= behind_point;
    } else {
        d->more = d->more || digit != 0;
        d->p += !behind_point;
    }
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Digits with at most one point among them, from text[*i] on; false if there is no digit. */
static bool read_digits(const char *text, size_t size, size_t *i, decimal *d) {
    bool any = false, behind_point = false;
    for (; *i < size; ++*i) {
        if (text[*i] == '.' && !behind_point) {
            behind_point = true;
            continue;
        }
        if (!is_digit(text[*i])) break;
        add_digit(d, (uint32_t)(text[*i] - '0'), behind_point);
        any = true;
    }
    return any;
}

/* What may follow: e, a sign, digits. False unless all of the text is used up. */
static bool read_exponent(const char *text, size_t size, size_t i, int64_t *exponent) {
    *exponent = 0;
    if (i == size) return true;
    if (text[i] != 'e' && text[i] != 'E') return false;
    i++;
    bool minus = i < size && text[i] == '-';
    if (i < size && (text[i] == '-' || text[i] == '+')) i++;
    if (i == size) return false;
    for (; i < size; i++) {
        if (!is_digit(text[i])) return false;
        if (*exponent < (int64_t)1 << 48) *exponent = *exponent * 10 + (text[i] - '0');
    }
    if (minus) *exponent = -*exponent;
    return true;
}

/* The bits of the double nearest to d, ties to even; above MAX_FINITE when it is too large. The value is in
 * [10^-331, 10^310), so that p is in [-1131, 309]. */
static uint64_t nearest(const decimal *d) {
    int q, p = (int)d->p, left_out = (int)d->n_digits - (int)(d->n_digits < 18 ? d->n_digits : 18);
    uint64_t guess = bits_of(scale((double)d->leading, p + left_out));
    uint64_t low = 0, high = MAX_FINITE + 1; /* low <= value < high, by their bits, which are ordered as they are */
    uint64_t near_low = guess > 8 ? guess - 8 : 0, near_high = guess + 8;
    if (near_high <= MAX_FINITE) {
        uint64_t m = split(near_low, &q);
        if (compare(&d->digits, p, m, q) >= 0) low = near_low;
        m = split(near_high, &q);
        if (compare(&d->digits, p, m, q) < 0) high = near_high;
    }
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2, m = split(middle, &q);
        if (compare(&d->digits, p, m, q) >= 0)
            low = middle;
        else
            high = middle;
    }
    uint64_t m = split(low, &q);
    int above_midpoint = compare(&d->digits, p, 2 * m + 1, q - 1);
    return low + (above_midpoint > 0 || (above_midpoint == 0 && low % 2 == 1));
}

bool inlay__parse_f64(const char *text, size_t size, double *value) {
    decimal d = {.digits.n = 0};
    int64_t exponent;
    size_t i = size > 0 && (text[0] == '-' || text[0] == '+');
    uint64_t bits = 0, sign = i > 0 && text[0] == '-' ? (uint64_t)1 << 63 : 0;
    if (!read_digits(text, size, &i, &d) || !read_exponent(text, size, i, &exponent)) return false;
    d.p += exponent;
    if (d.more) { /* enough to be above a midpoint instead of on it */
        big_multiply(&d.digits, 10, 1);
        d.n_digits++;
        d.p--;
    }
    int64_t point = (int64_t)d.n_digits + d.p; /* the value is in [10^(point - 1), 10^point) */
    if (d.n_digits > 0 && point > 310) return false;
    if (d.n_digits > 0 && point > -331) bits = nearest(&d);
    if (bits > MAX_FINITE) return false;
    bits |= sign;
    memcpy(value, &bits, sizeof bits);
    return true;
}

bool inlay__parse_i64(const char *text, size_t size, int64_t *value) {
    bool negative = size > 0 && text[0] == '-';
    uint64_t magnitude = 0, limit = (uint64_t)INT64_MAX + negative;
    size_t i = negative;
    if (i == size) return false;
    for (; i < size; i++) {
        if (!is_digit(text[i])) return false;
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (magnitude > (limit - digit) / 10) return false;
        magnitude = magnitude * 10 + digit;
    }
    *value = negative && magnitude > 0 ? -(int64_t)(magnitude - 1) - 1 : (int64_t)magnitude;
    return true;
}

/* ----------------------------------------------------------------- writing */

enum { SIGNIFICANT = 9, MOST_SIGNIFICANT = 17 };

/* value = m * 2^q > 0 is about the result * 10^*p, which has n <= MOST_SIGNIFICANT digits, rounded, ties to even. */
static uint64_t round_to_digits(double value, uint64_t m, int q, int n, int *p) {
    uint64_t least_digits = 1;
    for (int i = 1; i < n; i++) least_digits *= 10;
    uint64_t above_digits = least_digits * 10;
    int log2 = q;
    for (uint64_t rest = m; rest > 1; rest >>= 1) log2++;
    int log10 = log2 * 1233 / 4096 + 1; /* at least the true one */
    while (compare_u64(1, log10, m, q) > 0) log10--;
    *p = log10 - (n - 1);
    double guess = scale(value, -*p);
    uint64_t low = least_digits, high = above_digits; /* low * 10^p <= value < high * 10^p */
    if (guess > (double)least_digits + 64.0 && guess < (double)above_digits - 64.0) {
        uint64_t near = (uint64_t)guess;
        if (compare_u64(near - 16, *p, m, q) <= 0) low = near - 16;
        if (compare_u64(near + 16, *p, m, q) > 0) high = near + 16;
    }
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (compare_u64(middle, *p, m, q) <= 0)
            low = middle;
        else
            high = middle;
    }
    int midpoint = compare_u64(2 * low + 1, *p, m, q + 1);
    low += midpoint < 0 || (midpoint == 0 && low % 2 == 1);
    if (low < above_digits) return low;
    ++*p;
    return least_digits;
}

/* n digits as 0.00123 or 123.4; the point stands behind `point` of them, which is in [-3, 17]. */
static size_t write_plain(char *out, const char *digits, int n, int point) {
    size_t size = 0;
    if (point <= 0) {
        memcpy(out, "0.000", 5);
        size = (size_t)(2 - point);
    }
    for (int i = 0; i < n || i < point; i++) {
        if (i == point && i > 0) out[size++] = '.';
        out[size++] = i < n ? digits[i] : '0';
    }
    return size;
}

static size_t write_exponent(char *out, const char *digits, int n, int exponent) {
    size_t size = 0;
    out[size++] = digits[0];
    if (n > 1) out[size++] = '.';
    for (int i = 1; i < n; i++) out[size++] = digits[i];
    out[size++] = 'e';
    out[size++] = exponent < 0 ? '-' : '+';
    if (exponent < 0) exponent = -exponent;
    if (exponent >= 100) out[size++] = (char)('0' + exponent / 100);
    out[size++] = (char)('0' + exponent / 10 % 10);
    out[size++] = (char)('0' + exponent % 10);
    return size;
}

/* Digits without trailing zeros; the value is 0.digits * 10^*point. Returns how many. */
static int digits_of(double magnitude, int n, char digits[MOST_SIGNIFICANT], int *point) {
    int p, q;
    uint64_t m = split(bits_of(magnitude), &q), number = round_to_digits(magnitude, m, q, n, &p);
    for (int i = n; i-- > 0; number /= 10) digits[i] = (char)('0' + number % 10);
    *point = n + p;
    while (digits[n - 1] == '0') n--;
    return n;
}

/* The sign, and what has no digits; *size is 0 or 1 and the result false when digits must follow. */
static bool write_special(char *out, double value, const char *zero, size_t *size) {
    uint64_t bits = bits_of(value), magnitude = bits & ~((uint64_t)1 << 63);
    const char *name = magnitude > MAX_FINITE + 1 ? "nan"
                       : magnitude > MAX_FINITE   ? "inf"
                       : magnitude == 0           ? zero
                                                  : NULL;
    *size = 0;
    if (bits != magnitude && magnitude <= MAX_FINITE + 1) out[(*size)++] = '-';
    if (name == NULL) return false;
    memcpy(out + *size, name, strlen(name));
    *size += strlen(name);
    return true;
}

size_t inlay__format_f64(char out[32], double value) {
    char digits[MOST_SIGNIFICANT];
    size_t size;
    int point;
    if (write_special(out, value, "0", &size)) return size;
    int n = digits_of(value < 0 ? -value : value, SIGNIFICANT, digits, &point);
    return size + (point > -4 && point <= SIGNIFICANT ? write_plain(out + size, digits, n, point)
                                                      : write_exponent(out + size, digits, n, point - 1));
}

size_t inlay__format_shortest(char out[32], double value) {
    char digits[MOST_SIGNIFICANT] = {0}, text[32];
    size_t size;
    int point = 0, n = 0;
    double magnitude = value < 0 ? -value : value, read = -1;
    if (write_special(out, value, "0.0", &size)) return size;
    /* fewer are 15 with zeros behind, but for what has no 15 */
    int least = magnitude < 2.2250738585072014e-308 ? 1 : 15;
    for (int most = least; most <= MOST_SIGNIFICANT && read != magnitude; most++) {
        n = digits_of(magnitude, most, digits, &point);
        inlay__parse_f64(text, write_exponent(text, digits, n, point - 1), &read);
    }
    if (point <= -4 || point > 16) return size + write_exponent(out + size, digits, n, point - 1);
    size += write_plain(out + size, digits, n, point);
    if (point >= n) {
        out[size++] = '.';
        out[size++] = '0';
    }
    return size;
}

/* Divides by 10^9 and returns the rest. */
static uint32_t big_divide(big *b) {
    uint64_t rest = 0;
    for (size_t i = b->n; i-- > 0;) {
        uint64_t t = rest << 32 | b->word[i];
        b->word[i] = (uint32_t)(t / 1000000000);
        rest = t % 1000000000;
    }
    while (b->n > 0 && b->word[b->n - 1] == 0) b->n--;
    return (uint32_t)rest;
}

/* Divides by 2^power > 0, rounded, ties to even. */
static void big_shift_rounded(big *b, size_t power) {
    size_t words = power / 32, bits = power % 32, half = power - 1;
    bool at_half = half / 32 < b->n && (b->word[half / 32] >> half % 32 & 1) != 0, below = false;
    for (size_t i = 0; i < b->n && i <= half / 32 && !below; i++)
        below = i < half / 32 ? b->word[i] != 0 : (b->word[i] & ((1u << half % 32) - 1)) != 0;
    size_t n = b->n > words ? b->n - words : 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t pair = b->word[i + words] | (uint64_t)(i + words + 1 < b->n ? b->word[i + words + 1] : 0) << 32;
        b->word[i] = (uint32_t)(pair >> bits);
    }
    b->n = n;
    while (b->n > 0 && b->word[b->n - 1] == 0) b->n--;
    bool odd = b->n > 0 && (b->word[0] & 1) != 0;
    if (!at_half || (!below && !odd)) return;
    uint32_t carry = 1;
    for (size_t i = 0; i < b->n && carry != 0; i++) carry = ++b->word[i] == 0;
    if (carry != 0) b->word[b->n++] = 1;
}

size_t inlay__format_fixed(char *out, size_t capacity, double value, int decimals) {
    char digits[MAX_DIGITS];
    size_t size, n = 0, behind = (size_t)decimals;
    int q;
    big b;
    if (decimals < 0 || decimals > 300 || capacity < 320 + behind) return 0;
    bool special = write_special(out, value, "", &size);
    if (special && size > 1) return size; /* inf, nan */
    big_set(&b, split(bits_of(value) & ~((uint64_t)1 << 63), &q));
    big_multiply_5(&b, decimals); /* value * 10^decimals = m * 5^decimals * 2^(q + decimals) */
    q += decimals;
    if (q > 0) big_multiply_2(&b, q);
    if (q < 0) big_shift_rounded(&b, (size_t)-q);
    while (b.n > 0) {
        uint32_t rest = big_divide(&b);
        for (int i = 0; i < 9; i++, rest /= 10) digits[n++] = (char)('0' + rest % 10);
    }
    while (n > behind + 1 && digits[n - 1] == '0') n--;
    while (n < behind + 1) digits[n++] = '0';
    for (size_t i = n; i-- > 0;) {
        out[size++] = digits[i];
        if (i == behind && behind > 0) out[size++] = '.';
    }
    return size;
}
