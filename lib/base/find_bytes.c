/* Two-way string matching [Crochemore and Perrin 1991]: the needle is cut where its right half, compared first, tells
 * by how much it may be moved on when it does not match. No table, no allocation; libc's memmem is not everywhere. */
#include "find_bytes.h"

/* Where the greatest suffix of x begins, by the order of bytes or the reverse order, and its period. */
static size_t greatest_suffix(const uint8_t *x, size_t n, bool reverse, size_t *period) {
    size_t start = 0, other = 1, k = 0; /* x[other..other + k) equals x[start..start + k) */
    *period = 1;
    while (other + k < n) {
        uint8_t a = x[other + k], b = x[start + k];
        if (a == b) {
            k++;
            if (k == *period) other += k, k = 0;
        } else if ((a < b) != reverse) {
            other += k + 1;
            k = 0;
            *period = other - start;
        } else {
            start = other++;
            k = 0;
            *period = 1;
        }
    }
    return start;
}

static const char *find(const uint8_t *y, size_t size, const uint8_t *x, size_t n) {
    size_t period, other_period;
    size_t cut = greatest_suffix(x, n, false, &period), other = greatest_suffix(x, n, true, &other_period);
    if (other > cut) cut = other, period = other_period;
    bool repeats = memcmp(x, x + period, cut) == 0;
    size_t step = repeats ? period : inlay__max_size(cut, n - cut) + 1;
    size_t known = 0; /* bytes at the needle's beginning that are known to match */
    for (size_t at = 0; at <= size - n;) {
        size_t i = inlay__max_size(cut, known);
        while (i < n && x[i] == y[at + i]) i++;
        if (i < n) {
            at += i - cut + 1;
            known = 0;
            continue;
        }
        for (i = cut; i > known && x[i - 1] == y[at + i - 1];) i--;
        if (i <= known) return (const char *)y + at;
        at += step;
        known = repeats ? n - period : 0;
    }
    return NULL;
}

const char *inlay__find_bytes(const char *text, size_t size, const char *needle, size_t needle_size) {
    if (needle_size == 0) return text;
    if (needle_size > size) return NULL;
    const char *first = memchr(text, needle[0], size - needle_size + 1); /* mostly the needle is short and rare */
    if (first == NULL || needle_size == 1) return first;
    return find((const uint8_t *)first, size - (size_t)(first - text), (const uint8_t *)needle, needle_size);
}
