/* What stages there are, and what they take. */
#ifndef INLAY_STAGE_TABLE_H
#define INLAY_STAGE_TABLE_H

#include "base/base.h"

typedef struct inlay__stage_parameter {
    int32_t key;   /* INLAY_PARAMETER_ */
    int32_t stage; /* INLAY_STAGE_ */
    size_t place;  /* among the stage's values */
    const char *name;
    double least, greatest, initial;
    bool is_whole; /* a number of tokens */
} inlay__stage_parameter;

/* NULL when there is none of that key. */
const inlay__stage_parameter *inlay__stage_parameter_find(int32_t key);
/* "top-k"; NULL when there is no such stage. */
const char *inlay__stage_name(int32_t stage);
/* Whether inlay_sampler_add makes it: others have calls of their own. */
bool inlay__stage_is_plain(int32_t stage);
/* The values that a stage begins with. */
void inlay__stage_initial(int32_t stage, double *values);

#endif
