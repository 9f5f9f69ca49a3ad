/* What tests share that write a paper's formulas down in double precision. */
#ifndef FORMULA_H
#define FORMULA_H

#include <stddef.h>

#include "format/weights.h"

/* The F32 tensor whose name is the three parts joined; NULL if there is none. */
const float *formula_tensor(const inlay__weights *weights, const char *prefix, const char *name, const char *ending);

/* n zeros, to be freed by the caller. */
double *formula_numbers(size_t n);

#endif
