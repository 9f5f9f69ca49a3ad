/* A number that tells models apart, in whatever form they were opened. */
#ifndef INLAY_FINGERPRINT_H
#define INLAY_FINGERPRINT_H

#include "model/model.h"

enum { INLAY__FINGERPRINT_VERSION = 2 };

/* Of what the network is made of: shapes, of every matrix its type, its size and the beginnings of three rows as
 * numbers, and from version 2 on the beginnings of all vectors (norms, biases). The rows of a file, its packed form
 * and a folder with the same weights give the same, at every CPU level. */
uint64_t inlay__model_fingerprint(const inlay__model *model, uint32_t version);

/* The number of vectors so far, and one more. */
uint64_t inlay__fingerprint_vector(uint64_t hash, const float *x, size_t n);

#endif
