/* The IQ types whose elements are points of a grid: see blocks.h. */
#ifndef INLAY_BLOCKS_IQ_H
#define INLAY_BLOCKS_IQ_H

#include "kernels/blocks.h"

/* [points] Each point's 8 (IQ1, IQ2) or 4 (IQ3) places in the list of values, 2 or 3 bits each, the first lowest. */
extern const uint16_t inlay__grid_iq1[2048];
extern const uint16_t inlay__grid_iq2_xxs[256], inlay__grid_iq2_xs[512], inlay__grid_iq2_s[1024];
extern const uint16_t inlay__grid_iq3_xxs[256], inlay__grid_iq3_s[512];

void inlay__unpack_iq1_s(const uint8_t *bytes, inlay__superblock *block);
void inlay__unpack_iq1_m(const uint8_t *bytes, inlay__superblock *block);
void inlay__unpack_iq2_xxs(const uint8_t *bytes, inlay__superblock *block);
void inlay__unpack_iq2_xs(const uint8_t *bytes, inlay__superblock *block);
void inlay__unpack_iq2_s(const uint8_t *bytes, inlay__superblock *block);
void inlay__unpack_iq3_xxs(const uint8_t *bytes, inlay__superblock *block);
void inlay__unpack_iq3_s(const uint8_t *bytes, inlay__superblock *block);

/* [16] The elements that each type has, in any order; 0 where there are fewer. */
extern const int8_t inlay__iq1_values[16], inlay__iq2_values[16], inlay__iq3_xxs_values[16], inlay__iq3_s_values[16];

#endif
