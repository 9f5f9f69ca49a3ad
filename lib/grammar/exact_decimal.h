/* Numbers of JSON without rounding: their digits and where the point is. */
#ifndef INLAY_EXACT_DECIMAL_H
#define INLAY_EXACT_DECIMAL_H

#include "base/json.h"

enum { INLAY__EXACT_DIGITS = 40 };

/* 0.DIGITS times 10 to the power of `point`, the first and last digit not 0; zero has none. */
typedef struct inlay__exact {
    bool negative;
    uint32_t n;
    int32_t point;
    char digits[INLAY__EXACT_DIGITS]; /* '0' to '9' */
} inlay__exact;

/* False when the number has more digits than there is room for, or an exponent beyond 10000. */
bool inlay__exact_read(const inlay__json_node *number, inlay__exact *out);
/* Below, equal, above: -1, 0, 1. */
int inlay__exact_compare(const inlay__exact *a, const inlay__exact *b);
static inline bool inlay__exact_is_integer(const inlay__exact *a) { return a->n == 0 || a->point >= (int32_t)a->n; }
/* The digit that stands for 10 to the power of `place`. */
static inline char inlay__exact_digit(const inlay__exact *a, int32_t place) {
    int32_t i = a->point - 1 - place;
    return i >= 0 && i < (int32_t)a->n ? a->digits[i] : '0';
}

#endif
