/* Ways of damaging a file, one kind after another. */
#include "support/damage.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { N_VALUES = 16, N_PAIRS = 50000 };

typedef enum kind { CUT, BIT, FIELD_16, FIELD_32, FIELD_64, PAIR, BYTE, ERASE, NUMBER, N_KINDS } kind;

static const char *const kind_names[] = {
    "cut to", "bit", "u16 at byte", "u32 at byte", "u64 at byte", "two u32, pair", "JSON byte", "erased JSON byte",
    "JSON number"};

/* What numbers of files are mistaken in: ends of ranges, signs, sums that wrap. */
static const uint64_t values[N_VALUES] = {
    0, 1, 7, 0xff, 0xffff, 0x7fffffff, 0x80000000u, 0xffffffffu, UINT64_C(1) << 32, UINT64_C(1) << 61, INT64_MAX,
    UINT64_C(1) << 63, UINT64_MAX, UINT64_MAX - 7, UINT64_MAX / 4 + 1, UINT64_C(0x7fffffffffffffc0)};

static const char bytes[N_VALUES] = {'"', '{', '}', '[', ']', ',', ':',  '\\',
                                     '0', '9', '-', '.', 'e', ' ', '\0', '\xff'};

static const char *const numbers[N_VALUES] = {
    "0", "-1", "1", "2147483647", "2147483648", "4294967296", "9223372036854775807", "18446744073709551616", "1e999",
    "-0", "1.5", "1e-400", "null", "true", "\"1\"", "[]"};

/* ------------------------------------------------------------------ counting */

static bool begins_number(const damage_file *f, size_t at) {
    const uint8_t *d = f->data;
    bool digit = d[at] >= '0' && d[at] <= '9', minus = d[at] == '-';
    uint8_t before = at > f->n_binary ? d[at - 1] : 0;
    return (digit || minus) && (before == ':' || before == ',' || before == '[' || before == ' ');
}

static size_t number_length(const damage_file *f, size_t at) {
    size_t n = 0, end = f->n_binary + f->n_text;
    while (at + n < end && strchr("0123456789+-.eE", f->data[at + n]) != NULL && f->data[at + n] != '\0') n++;
    return n;
}

static size_t count_numbers(const damage_file *f) {
    size_t n = 0;
    for (size_t i = f->n_binary; i < f->n_binary + f->n_text; i++) n += begins_number(f, i);
    return n;
}

/* Fields of `width` bytes at every place: those of GGUF are not aligned. */
static size_t count_fields(const damage_file *f, size_t width) {
    return f->n_binary >= width ? (f->n_binary - width + 1) * N_VALUES : 0;
}

static size_t count(const damage_file *f, kind k) {
    switch (k) {
    case CUT: return f->size;
    case BIT: return 8 * (f->n_binary + f->n_text);
    case FIELD_16: return count_fields(f, 2);
    case FIELD_32: return count_fields(f, 4);
    case FIELD_64: return count_fields(f, 8);
    case PAIR: return f->n_binary > 64 ? N_PAIRS : 0;
    case BYTE: return f->n_text * N_VALUES;
    case ERASE: return f->n_text;
    default: return count_numbers(f) * N_VALUES;
    }
}

size_t damage_count(const damage_file *f) {
    size_t n = 0;
    for (kind k = CUT; k < N_KINDS; k++) n += count(f, k);
    return n;
}

static kind kind_of(const damage_file *f, size_t *i) {
    kind k = CUT;
    while (k < NUMBER && *i >= count(f, k)) *i -= count(f, k++);
    return k;
}

/* ------------------------------------------------------------------ damaging */

static void overwrite(uint8_t *out, size_t at, size_t width, uint64_t value) {
    for (size_t i = 0; i < width; i++) out[at + i] = (uint8_t)(value >> 8 * i);
}

/* Two fields of four bytes, chosen by the number of the pair, and their values. */
static void overwrite_pair(const damage_file *f, size_t i, uint8_t *out) {
    uint64_t z = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z ^= z >> 27;
    overwrite(out, (size_t)(z & 0xffffff) % (f->n_binary - 3), 4, values[z >> 56 & 15]);
    overwrite(out, (size_t)(z >> 24 & 0xffffff) % (f->n_binary - 3), 4, values[z >> 60]);
}

static size_t replace_number(const damage_file *f, size_t i, uint8_t *out) {
    size_t at = f->n_binary, which = i / N_VALUES;
    for (;; at++)
        if (begins_number(f, at) && which-- == 0) break;
    const char *text = numbers[i % N_VALUES];
    size_t old = number_length(f, at), n = strlen(text);
    memmove(out + at + n, f->data + at + old, f->size - at - old);
    memcpy(out + at, text, n);
    return f->size - old + n;
}

size_t damage_apply(const damage_file *f, size_t i, uint8_t *out) {
    kind k = kind_of(f, &i);
    if (k == CUT) {
        memcpy(out, f->data, i);
        return i;
    }
    memcpy(out, f->data, f->size);
    switch (k) {
    case BIT: out[i / 8] ^= (uint8_t)(1u << i % 8); break;
    case FIELD_16: overwrite(out, i / N_VALUES, 2, values[i % N_VALUES]); break;
    case FIELD_32: overwrite(out, i / N_VALUES, 4, values[i % N_VALUES]); break;
    case FIELD_64: overwrite(out, i / N_VALUES, 8, values[i % N_VALUES]); break;
    case PAIR: overwrite_pair(f, i, out); break;
    case BYTE: out[f->n_binary + i / N_VALUES] = (uint8_t)bytes[i % N_VALUES]; break;
    case ERASE:
        memmove(out + f->n_binary + i, out + f->n_binary + i + 1, f->size - f->n_binary - i - 1);
        return f->size - 1;
    default: return replace_number(f, i, out);
    }
    return f->size;
}

void damage_describe(const damage_file *f, size_t i, char *text, size_t capacity) {
    kind k = kind_of(f, &i);
    bool valued = k == FIELD_16 || k == FIELD_32 || k == FIELD_64 || k == BYTE || k == NUMBER;
    snprintf(text, capacity, "%s: %s %zu", f->name, kind_names[k], valued ? i / N_VALUES : i);
    size_t n = strlen(text);
    if (k == BYTE) snprintf(text + n, capacity - n, " becomes 0x%02x", (unsigned)(uint8_t)bytes[i % N_VALUES]);
    if (k == NUMBER) snprintf(text + n, capacity - n, " becomes %s", numbers[i % N_VALUES]);
    if (valued && k < BYTE)
        snprintf(text + n, capacity - n, " becomes 0x%llx", (unsigned long long)values[i % N_VALUES]);
}
