/* Guessing what comes next: what followed when the last tokens of a text stood there before. */
#ifndef INLAY_LOOKUP_H
#define INLAY_LOOKUP_H

#include "base/base.h"

/* Up to `most` guesses of what follows text [n], into `guesses`; their number. The longest repetition of the text's end
 * tells, of several the last one. Takes n steps, and as many for each of 16 tokens at worst. */
size_t inlay__lookup(const int32_t *text, size_t n, size_t most, int32_t *guesses);

#endif
