/* Where a grapheme ends: what a reader takes for one character (Unicode Annex 29, extended clusters). */
#ifndef INLAY_GRAPHEME_H
#define INLAY_GRAPHEME_H

#include "base/base.h"

/* The end of the grapheme that begins at text[pos], pos < size. The text is UTF-8. */
size_t inlay__grapheme_end(const uint8_t *text, size_t size, size_t pos);

#endif
