/* Upper and lower case by ranges of letters; tools/case_ranges.py writes them, sorted by `first`. */
#ifndef INLAY_CASE_RANGE_H
#define INLAY_CASE_RANGE_H

#include "base.h"

/* Codes first, first + step, ..., first + length are `delta` away from their other case. */
typedef struct inlay__case_range {
    uint32_t first;
    int32_t delta;
    uint16_t length, step;
} inlay__case_range;

/* The other case of a code; itself where no range has it. */
uint32_t inlay__case_find(const inlay__case_range *ranges, size_t n, uint32_t code);

#endif
