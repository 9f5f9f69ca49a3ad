/* Hashes of logits, one for each model; logits_golden.c is written by `INLAY_WRITE_GOLDEN=FILE test_logits`, which
 * takes the scalar definition on one thread. */
#ifndef INLAY_LOGITS_GOLDEN_H
#define INLAY_LOGITS_GOLDEN_H

#include <stddef.h>
#include <stdint.h>

typedef struct golden_logits {
    const char *name;
    uint64_t hash;
} golden_logits;

extern const int32_t golden_arithmetic_version; /* that the hashes were recorded with */
extern const size_t golden_n_logits;
extern const golden_logits golden_logits_table[];

#endif
