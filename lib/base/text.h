/* Text without printf: the same in every locale, and nothing to import. */
#ifndef INLAY_TEXT_H
#define INLAY_TEXT_H

#include <stdarg.h>

#include "base.h"

/* Writes at most size - 1 bytes and a NUL; returns the bytes the whole text has. Knows
 * %s %.*s %c %d %i %u %x (with l, ll, z), %g (9 significant digits) and %%. A cut never leaves a
 * part of a UTF-8 character. Of %s and %c, control characters and what is not UTF-8 come as '?'. */
size_t inlay__format(char *out, size_t size, const char *format, ...) INLAY__PRINTF(3, 4);
size_t inlay__format_args(char *out, size_t size, const char *format, va_list args);

/* The decimal of at most 9 significant digits nearest to the value, without trailing zeros ("0.1",
 * "1e-05", "-0", "inf", "nan"): reading it gives every float back. `out` has 32 bytes, gets no NUL;
 * returns the length. (decimal.c) */
size_t inlay__format_f64(char out[32], double value);

/* The shortest decimal that reads back as this value, written as Python's repr() does ("0.1", "1.0", "1e-05", "1e+16").
 * (decimal.c) */
size_t inlay__format_shortest(char out[32], double value);
/* The value with so many digits behind the point, correctly rounded, ties to even; 0, writing nothing of use, unless
 * `decimals` is 0 to 300 and the capacity at least 320 more. (decimal.c) */
size_t inlay__format_fixed(char *out, size_t capacity, double value, int decimals);

/* Reads a whole decimal integer or number (no spaces, no trailing bytes); false, leaving *value, if it
 * is not one or too large. Numbers are rounded to the nearest double, ties to even. (decimal.c) */
bool inlay__parse_i64(const char *text, size_t size, int64_t *value);
bool inlay__parse_f64(const char *text, size_t size, double *value);

#endif
