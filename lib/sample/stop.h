/* Texts at which an answer ends, found where they run across tokens. What may still become one is held back. */
#ifndef INLAY_STOP_H
#define INLAY_STOP_H

#include "base/base.h"

enum { INLAY__MAX_STOPS = 256, INLAY__MAX_STOP_SIZE = 4096 };

typedef struct inlay__stop_text {
    uint8_t *bytes;    /* [size] */
    uint32_t *borders; /* [size] of the first i + 1 bytes, the longest end that is a beginning, but not all */
    size_t size;
    size_t matched; /* of its bytes, those at the end of the text so far */
} inlay__stop_text;

/* Nothing but zeros, and `sys`, is a set without a text. */
typedef struct inlay__stop_set {
    const inlay__sys *sys;
    inlay__stop_text *texts; /* [n] */
    size_t n, capacity;
    uint8_t *held; /* [longest] of the text so far, what is held back */
    size_t n_held, longest;
    size_t found; /* which text came, from 1; 0: none yet */
} inlay__stop_set;

void inlay__stop_free(inlay__stop_set *set);
/* A text of 1 to 4096 bytes of UTF-8, checked before. Errors: INLAY_ERR_STATE (too many), INLAY_ERR_MEMORY. */
int32_t inlay__stop_add(inlay__stop_set *set, const uint8_t *text, size_t size);
/* A new answer begins. */
void inlay__stop_reset(inlay__stop_set *set);
/* Reads n bytes and writes those that can no longer belong to one of the texts: out [n_held + n]; returns their number.
 * Of texts that end at the same byte the longest counts; nothing comes after it. */
size_t inlay__stop_read(inlay__stop_set *set, const uint8_t *bytes, size_t n, uint8_t *out);
/* The answer ends: writes what is held back; another may begin. */
size_t inlay__stop_finish(inlay__stop_set *set, uint8_t *out);

#endif
