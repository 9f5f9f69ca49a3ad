/* Sets of characters as ranges of code points. */
#ifndef INLAY_RANGES_H
#define INLAY_RANGES_H

#include "grammar/rules.h"

typedef struct inlay__ranges {
    const inlay__sys *sys;
    inlay__code_range *items; /* [n] */
    size_t n, capacity;
} inlay__ranges;

/* Errors: INLAY_ERR_MEMORY. Free with inlay__ranges_free. */
int32_t inlay__ranges_add(inlay__ranges *ranges, uint32_t first, uint32_t last);
/* Puts them in ascending order and joins those that touch: O(n log n). */
void inlay__ranges_sort(inlay__ranges *ranges);
/* All other code points; they are in order. Errors: INLAY_ERR_MEMORY. */
int32_t inlay__ranges_invert(inlay__ranges *ranges);
void inlay__ranges_free(inlay__ranges *ranges);

#endif
