/* Opening ARPA files: n-gram models as text, as SRILM, KenLM and others write them. */
#ifndef INLAY_ARPA_H
#define INLAY_ARPA_H

#include "format/weights.h"

/* A path that ends with ".arpa" or ".arpa.gz", or bytes that begin as such a file does; `path` may be NULL. */
bool inlay__arpa_is(const char *path, const uint8_t *data, size_t size);

/* Reads all of it into weights of architecture "ngram" (format/ngrams.h), with `path` as their name; NULL for memory.
 * The bytes are not needed afterwards. Errors: _FORMAT, _UNSUPPORTED (compressed, an order above INLAY__MAX_NGRAM),
 * _MEMORY. */
int32_t inlay__arpa_open(const inlay__sys *sys, const char *path, const uint8_t *data, size_t size,
                         inlay__weights *weights);

#endif
