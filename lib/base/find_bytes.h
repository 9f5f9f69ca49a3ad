/* Where bytes first occur among others, in time proportional to both whatever they are. */
#ifndef INLAY_FIND_BYTES_H
#define INLAY_FIND_BYTES_H

#include "base.h"

/* The first place where the `needle_size` bytes stand in text, or NULL. No bytes stand at its beginning. */
const char *inlay__find_bytes(const char *text, size_t size, const char *needle, size_t needle_size);

#endif
