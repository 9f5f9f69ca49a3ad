/* Text without printf: the same in every locale, and nothing to import. */
#include "text.h"
#include "utf8.h"

typedef struct writer {
    char *out;
    size_t size; /* of out */
    size_t n;    /* bytes the whole text has so far */
} writer;

static void put(writer *w, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++, w->n++)
        if (w->n + 1 < w->size) w->out[w->n] = text[i];
}

/* Text that may come from a file: a message stays one line of well-formed UTF-8 whatever its bytes are. */
static void put_foreign(writer *w, const char *text, size_t n) {
    const uint8_t *p = (const uint8_t *)text;
    for (size_t i = 0; i < n;) {
        uint32_t code;
        size_t step = inlay__utf8_decode(p + i, n - i, &code);
        bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
        if (step == 0 || control)
            put(w, "?", 1);
        else
            put(w, text + i, step);
        i += step > 0 ? step : 1;
    }
}

static void put_number(writer *w, uint64_t value, unsigned base) {
    char digits[20];
    size_t start = sizeof digits;
    do {
        digits[--start] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    put(w, digits + start, sizeof digits - start);
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
        put_number(w, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10);
    } else if (conversion == 'u' || conversion == 'x') {
        put_number(w, unsigned_arg(s, args), conversion == 'x' ? 16 : 10);
    } else if (conversion == 'g') {
        put(w, text, inlay__format_f64(text, va_arg(*args, double)));
    } else if (conversion == 'c') {
        text[0] = (char)va_arg(*args, int);
        put_foreign(w, text, 1);
    } else if (conversion == 's') {
        const char *string = va_arg(*args, const char *);
        if (string == NULL) string = "(null)";
        put_foreign(w, string, strlen(string));
    } else {
        put(w, &conversion, 1); /* %% */
    }
}

/* %.*s, which needs no NUL. */
static void put_bounded(writer *w, va_list *args) {
    int most = va_arg(*args, int);
    const char *string = va_arg(*args, const char *);
    const char *end = most > 0 ? memchr(string, '\0', (size_t)most) : string;
    put_foreign(w, string, end != NULL ? (size_t)(end - string) : (size_t)most);
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
            put_bounded(&w, &args);
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
