/* A number that tells models apart, in whatever form they were opened. */
#ifndef INLAY_FINGERPRINT_H
#define INLAY_FINGERPRINT_H

#include "model/model.h"

/* Of what the network is made of: shapes, and of every matrix its type, its size and the beginnings of three rows as
 * numbers. The rows of a file, its packed form and a folder with the same weights give the same, at every CPU level. */
uint64_t inlay__model_fingerprint(const inlay__model *model);

#endif
