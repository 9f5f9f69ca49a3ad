/* Numbers of JSON without rounding. */
#include "grammar/exact_decimal.h"

enum { MOST_EXPONENT = 10000 };

bool inlay__exact_read(const inlay__json_node *number, inlay__exact *out) {
    const char *text = number->text;
    size_t i = 0, size = number->size, zeros = 0; /* zeros not written yet, as they may be the last */
    int64_t exponent = 0, sign = 1, point = 0;
    bool behind = false;
    *out = (inlay__exact){.negative = size > 0 && text[0] == '-'};
    for (i = out->negative; i < size && text[i] != 'e' && text[i] != 'E'; i++) {
        if (text[i] == '.') {
            behind = true;
            continue;
        }
        point += !behind && (out->n > 0 || text[i] != '0' || zeros > 0);
        if (text[i] == '0') {
            if (out->n > 0) zeros++;
            if (out->n == 0 && behind) point--;
            continue;
        }
        if (out->n + zeros >= INLAY__EXACT_DIGITS) return false;
        for (; zeros > 0; zeros--)
            out->digits[out->n++] = '0';
        out->digits[out->n++] = text[i];
    }
    for (i++; i < size && exponent <= MOST_EXPONENT; i++) {
        if (text[i] == '-') sign = -1;
        if (text[i] >= '0' && text[i] <= '9') exponent = exponent * 10 + text[i] - '0';
    }
    point += sign * exponent;
    out->negative &= out->n > 0;
    if (exponent > MOST_EXPONENT || point > MOST_EXPONENT || point < -MOST_EXPONENT) return out->n == 0;
    out->point = out->n > 0 ? (int32_t)point : 0;
    return true;
}

static int compare_sizes(const inlay__exact *a, const inlay__exact *b) {
    if (a->n == 0 || b->n == 0) return (a->n > 0) - (b->n > 0);
    if (a->point != b->point) return a->point < b->point ? -1 : 1;
    for (uint32_t i = 0; i < a->n || i < b->n; i++) {
        char x = i < a->n ? a->digits[i] : '0', y = i < b->n ? b->digits[i] : '0';
        if (x != y) return x < y ? -1 : 1;
    }
    return 0;
}

int inlay__exact_compare(const inlay__exact *a, const inlay__exact *b) {
    if (a->negative != b->negative) return a->negative ? -1 : 1;
    return a->negative ? compare_sizes(b, a) : compare_sizes(a, b);
}
