/* Many numbers in a row as a few runs, each of which goes up by the same step (0 where a number repeats): the kinds and
 * scores of a large vocabulary, which are a number or two for each token in the file, are a handful of them.
 *
 *     step 0    the bits `first`, again and again
 *     else      first + (i - begin) * step         32-bit integers that wrap around; where they are f32, all up to 2^23
 */
#ifndef INLAY_NUMBER_RUNS_H
#define INLAY_NUMBER_RUNS_H

#include "base/base.h"

enum { INLAY__MAX_RUNS = 64 }; /* few enough that any number is found at once */

typedef struct inlay__number_run {
    uint32_t begin, first, step;
} inlay__number_run;

/* How many runs make up the n 32-bit numbers at `bytes`, n at most UINT32_MAX; 0 where they are more than `room` or not
 * worth it. `runs` [room] may be NULL. The bytes may change meanwhile: every run is of numbers that were there. */
size_t inlay__number_runs_find(bool is_float, const uint8_t *bytes, size_t n, inlay__number_run *runs, size_t room);

/* The bits of numbers [begin, begin + n) of n_runs > 0 runs. */
void inlay__number_runs_read(bool is_float, const inlay__number_run *runs, size_t n_runs, size_t begin, size_t n,
                             uint32_t *bits);

#endif
