/* Finding and reading runs of numbers. */
#include "format/number_runs.h"

enum { LEAST_NUMBERS = 256, WHOLE = 1 << 23 };

/* Whole numbers below 2^23 are floats exactly, whatever the rounding. */
static bool is_whole(uint32_t value) { return value + WHOLE <= 2 * WHOLE; }

static uint32_t bits_of(bool is_float, uint32_t value) {
    if (!is_float) return value;
    float number = (float)(int32_t)value;
    memcpy(&value, &number, sizeof value);
    return value;
}

/* The integer that stands for a number; false for floats that none does, -0 among them: they only repeat. */
static bool value_of(bool is_float, uint32_t bits, uint32_t *value) {
    float number;
    *value = bits;
    if (!is_float) return true;
    memcpy(&number, &bits, sizeof number);
    if (!(number >= -(float)WHOLE && number <= (float)WHOLE)) return false;
    *value = (uint32_t)(int32_t)number;
    return bits_of(true, *value) == bits;
}

/* The length of the run that begins at number `i` of n. */
static size_t measure(bool is_float, const uint8_t *bytes, size_t i, size_t n, inlay__number_run *run) {
    uint32_t bits = inlay__load_u32(bytes + 4 * i), first, second, expected;
    size_t length = 1;
    *run = (inlay__number_run){.begin = (uint32_t)i, .first = bits};
    if (i + 1 == n) return length;
    uint32_t next = inlay__load_u32(bytes + 4 * (i + 1));
    if (next == bits) {
        while (length < n - i && inlay__load_u32(bytes + 4 * (i + length)) == bits) length++;
        return length;
    }
    if (!value_of(is_float, bits, &first) || !value_of(is_float, next, &second)) return length;
    run->first = first;
    run->step = second - first;
    expected = second;
    do {
        length++;
        expected += run->step;
    } while (length < n - i && (!is_float || is_whole(expected)) &&
             inlay__load_u32(bytes + 4 * (i + length)) == bits_of(is_float, expected));
    return length;
}

size_t inlay__number_runs_find(bool is_float, const uint8_t *bytes, size_t n, inlay__number_run *runs, size_t room) {
    size_t n_runs = 0;
    if (n < LEAST_NUMBERS) return 0;
    for (size_t i = 0; i < n; n_runs++) {
        inlay__number_run run;
        if (n_runs == room) return 0;
        size_t length = measure(is_float, bytes, i, n, &run);
        if (runs != NULL) runs[n_runs] = run;
        i += length;
    }
    return n_runs;
}

void inlay__number_runs_read(bool is_float, const inlay__number_run *runs, size_t n_runs, size_t begin, size_t n,
                             uint32_t *bits) {
    size_t at = 0;
    for (size_t above = n_runs; above - at > 1;) { /* the last run that does not begin behind `begin` */
        size_t middle = at + (above - at) / 2;
        if (runs[middle].begin <= begin)
            at = middle;
        else
            above = middle;
    }
    for (size_t i = begin; i < begin + n; i++) {
        if (at + 1 < n_runs && i >= runs[at + 1].begin) at++;
        uint32_t value = runs[at].first + (uint32_t)(i - runs[at].begin) * runs[at].step;
        bits[i - begin] = bits_of(is_float && runs[at].step != 0, value);
    }
}
