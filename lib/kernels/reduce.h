/* The end of every reduction: 16 virtual lanes fold 8, 4, 2, 1. */
#ifndef INLAY_REDUCE_H
#define INLAY_REDUCE_H

#include <stddef.h>

static inline float inlay__fold(float lanes[16]) {
    for (size_t half = 8; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++) lanes[l] += lanes[l + half];
    return lanes[0];
}

#endif
