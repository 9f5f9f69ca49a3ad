/* Text without printf: the same in every locale, and nothing to import. */
#include "text.h"
#include "utf8.h"

/* ----------------------------------------------------------------- numbers */

static size_t format_u64(char out[32], uint64_t value, unsigned base) {
    char reversed[32];
    size_t n = 0;
    do {
        reversed[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    for (size_t i = 0; i < n; i++) out[i] = reversed[n - 1 - i];
    return n;
}

/* 10^n, exact up to 22 and within one rounding a step beyond. */
static double power_of_10(int n) {
    double power = 1.0, base = 10.0;
    for (; n > 0; n /= 2, base *= base)
        if (n % 2 != 0) power *= base;
    return power;
}

/* value * 10^n without leaving the range of doubles on the way. */
static double scale_by_10(double value, int n) {
    for (; n > 300; n -= 300) value *= 1e300;
    for (; n < -300; n += 300) value /= 1e300;
    return n >= 0 ? value * power_of_10(n) : value / power_of_10(-n);
}

enum { DIGITS = 9 };

/* value = digits * 10^exponent with exactly 9 digits, rounded. value is finite and above 0. */
static uint64_t nine_digits(double value, int *exponent) {
    int e = 0;
    double v = value;
    for (; v >= 1e16; e += 16) v /= 1e16;
    for (; v < 1e-16; e -= 16) v *= 1e16;
    for (; v >= 10.0; e++) v /= 10.0;
    for (; v < 1.0; e--) v *= 10.0;
    *exponent = e - (DIGITS - 1);
    uint64_t digits = (uint64_t)(scale_by_10(value, -*exponent) + 0.5);
    if (digits >= 1000000000) {
        digits = 100000000;
        ++*exponent;
    }
    if (digits < 100000000) { /* the loops above rounded up across a power of ten */
        --*exponent;
        digits = (uint64_t)(scale_by_10(value, -*exponent) + 0.5);
    }
    return digits;
}

size_t inlay__format_f64(char out[32], double value) {
    size_t n = 0;
    if (value != value) return memcpy(out, "nan", 3), (size_t)3;
    if (value < 0.0) {
        out[n++] = '-';
        value = -value;
    }
    if (value > 1.7976931348623157e308) return memcpy(out + n, "inf", 3), n + 3;
    if (value == 0.0) return out[n] = '0', n + 1;
    int exponent;
    uint64_t digits = nine_digits(value, &exponent);
    while (digits % 10 == 0) {
        digits /= 10;
        exponent++;
    }
    char text[32];
    size_t n_digits = format_u64(text, digits, 10);
    int point = (int)n_digits + exponent; /* the value is 0.text * 10^point */
    if (point > -4 && point <= DIGITS + 6) {
        for (int i = point < 0 ? point : 0; i < (int)n_digits || i < point; i++) {
            if (i == point) {
                if (n == 0 || out[n - 1] == '-') out[n++] = '0';
                out[n++] = '.';
            }
            out[n++] = i >= 0 && i < (int)n_digits ? text[i] : '0';
        }
        return n;
    }
    out[n++] = text[0];
    if (n_digits > 1) out[n++] = '.';
    for (size_t i = 1; i < n_digits; i++) out[n++] = text[i];
    out[n++] = 'e';
    int e = point - 1;
    out[n++] = e < 0 ? '-' : '+';
    unsigned magnitude = (unsigned)(e < 0 ? -e : e);
    if (magnitude < 10) out[n++] = '0';
    return n + format_u64(out + n, magnitude, 10);
}

bool inlay__parse_i64(const char *text, size_t size, int64_t *value) {
    size_t i = size > 0 && text[0] == '-';
    uint64_t magnitude = 0, limit = (uint64_t)INT64_MAX + (i > 0 ? 1 : 0);
    if (i == size) return false;
    for (; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (magnitude > (limit - digit) / 10) return false;
        magnitude = magnitude * 10 + digit;
    }
    *value = text[0] == '-' ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

/* Up to 19 digits are kept exactly; one correctly rounded multiplication or division by an exact power of ten gives the
 * nearest double for up to 15 digits and exponents within 22, and is within an ulp or two elsewhere. */
bool inlay__parse_f64(const char *text, size_t size, double *value) {
    size_t i = size > 0 && (text[0] == '-' || text[0] == '+');
    bool negative = i > 0 && text[0] == '-', any = false, point = false;
    uint64_t digits = 0;
    int exponent = 0, written = 0;
    for (; i < size && text[i] != 'e' && text[i] != 'E'; i++) {
        if (text[i] == '.') {
            if (point) return false;
            point = true;
            continue;
        }
        if (text[i] < '0' || text[i] > '9') return false;
        any = true;
        if (digits < 1000000000000000000u) {
            digits = digits * 10 + (uint64_t)(text[i] - '0');
            exponent -= point;
        } else {
            exponent += !point && exponent < 100000;
        }
    }
    if (!any) return false;
    if (i < size) {
        bool minus = i + 1 < size && text[i + 1] == '-';
        i += i + 1 < size && (text[i + 1] == '-' || text[i + 1] == '+') ? 2 : 1;
        if (i == size) return false;
        for (; i < size; i++) {
            if (text[i] < '0' || text[i] > '9') return false;
            if (written < 100000) written = written * 10 + (text[i] - '0');
        }
        exponent += minus ? -written : written;
    }
    double magnitude = (double)digits;
    if (digits != 0 && exponent != 0) {
        if (exponent > 400) exponent = 400;
        if (exponent < -400) exponent = -400;
        magnitude = scale_by_10(magnitude, exponent);
    }
    if (magnitude > 1.7976931348623157e308) return false;
    *value = negative ? -magnitude : magnitude;
    return true;
}

/* ------------------------------------------------------------------ format */

typedef struct writer {
    char *out;
    size_t size; /* of out */
    size_t n;    /* bytes the whole text has so far */
} writer;

static void put(writer *w, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++, w->n++) {
        unsigned char c = (unsigned char)text[i];
        if (w->n + 1 < w->size) w->out[w->n] = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? '?' : (char)c;
    }
}

/* The NUL, and before it no part of a character. */
static void finish(writer *w) {
    if (w->size == 0) return;
    size_t end = w->n < w->size ? w->n : w->size - 1;
    if (w->n >= w->size) {
        size_t start = end;
        while (start > 0 && end - start < 4 && ((unsigned char)w->out[start - 1] & 0xc0) == 0x80) start--;
        if (start > 0 && inlay__utf8_missing((const uint8_t *)w->out + start - 1, end - start + 1) > 0) end = start - 1;
    }
    w->out[end] = '\0';
}

typedef struct spec {
    size_t n_long; /* 'l's */
    bool is_size;  /* 'z' */
} spec;

static int64_t signed_arg(spec s, va_list *args) {
    if (s.is_size) return (int64_t)va_arg(*args, ptrdiff_t);
    if (s.n_long >= 2) return va_arg(*args, long long);
    return s.n_long == 1 ? va_arg(*args, long) : va_arg(*args, int);
}

static uint64_t unsigned_arg(spec s, va_list *args) {
    if (s.is_size) return va_arg(*args, size_t);
    if (s.n_long >= 2) return va_arg(*args, unsigned long long);
    return s.n_long == 1 ? va_arg(*args, unsigned long) : va_arg(*args, unsigned);
}

static void put_conversion(writer *w, char conversion, spec s, va_list *args) {
    char text[32];
    if (conversion == 'd' || conversion == 'i') {
        int64_t value = signed_arg(s, args);
        if (value < 0) put(w, "-", 1);
        put(w, text, format_u64(text, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10));
    } else if (conversion == 'u' || conversion == 'x') {
        put(w, text, format_u64(text, unsigned_arg(s, args), conversion == 'x' ? 16 : 10));
    } else if (conversion == 'g') {
        put(w, text, inlay__format_f64(text, va_arg(*args, double)));
    } else if (conversion == 'c') {
        text[0] = (char)va_arg(*args, int);
        put(w, text, 1);
    } else if (conversion == 's') {
        const char *string = va_arg(*args, const char *);
        if (string == NULL) string = "(null)";
        put(w, string, strlen(string));
    } else {
        put(w, &conversion, 1);
    }
}

size_t inlay__format_args(char *out, size_t size, const char *format, va_list original) {
    writer w = {out, size, 0};
    va_list args;
    va_copy(args, original);
    for (const char *p = format; *p != '\0'; p++) {
        if (*p != '%') {
            put(&w, p, 1);
            continue;
        }
        p++;
        if (p[0] == '.' && p[1] == '*' && p[2] == 's') {
            int n = va_arg(args, int);
            const char *string = va_arg(args, const char *);
            for (int i = 0; i < n && string[i] != '\0'; i++) put(&w, string + i, 1);
            p += 2;
            continue;
        }
        spec s = {0, false};
        for (; *p == 'l' || *p == 'z'; p++) {
            s.n_long += *p == 'l';
            s.is_size = s.is_size || *p == 'z';
        }
        if (*p == '\0') break;
        put_conversion(&w, *p, s, &args);
    }
    va_end(args);
    finish(&w);
    return w.n;
}

size_t inlay__format(char *out, size_t size, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t n = inlay__format_args(out, size, format, args);
    va_end(args);
    return n;
}
