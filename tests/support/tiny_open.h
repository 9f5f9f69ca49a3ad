/* The tiny model, opened by the public functions. What goes wrong here ends the test program. */
#ifndef INLAY_TINY_OPEN_H
#define INLAY_TINY_OPEN_H

#include <stdbool.h>

#include "inlay.h"
#include "support/tiny_model.h"

typedef struct tiny {
    uint8_t *data; /* [size] the file */
    size_t size;
    inlay_model *model;
} tiny;

/* From memory; `params` NULL: tiny_defaults(). */
tiny tiny_open(const tiny_params *params, const inlay_options *options);
void tiny_close(tiny *t);

/* Options with some integers set: pairs of key and value, then 0. */
inlay_options *tiny_options(int32_t key, ...);

/* A session with some integer options set likewise. */
inlay_session *tiny_session(inlay_model *model, int32_t key, ...);

/* Tokens of plain bytes that differ from place to place. */
void tiny_tokens(int32_t *tokens, size_t n);

/* A copy of the session's logits, from malloc. */
float *tiny_logits(inlay_session *session);

/* Evaluates tokens one call for each `step` of them and gives the logits after the last. */
float *tiny_eval(inlay_session *session, const int32_t *tokens, size_t n, size_t step);

/* Whether the session's logits are these, bit for bit; if not, `what` is printed. */
bool tiny_logits_are(inlay_session *session, const float *expected, const char *what);

/* A model of the reference data, by its folder's name (INLAY_DATA); NULL: there is none. */
inlay_model *tiny_folder(const char *name);

/* INLAY_SESSION_LENGTH. */
size_t tiny_length(const inlay_session *session);

#endif
