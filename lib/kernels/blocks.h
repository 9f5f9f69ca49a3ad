/* What the bytes of each quantised tensor type mean, as GGUF files hold them, little-endian.
 *
 * Types of 32 elements (element k of a block, u its bits read as unsigned):
 *
 *     Q4_0   18 bytes   d:f16 | 16 bytes: low nibbles u[0..15], high nibbles u[16..31]          w = d (u - 8)
 *     Q4_1   20 bytes   d:f16 m:f16 | 16 bytes as Q4_0                                          w = d u + m
 *     Q5_0   22 bytes   d:f16 | h:u32, bit k is bit 4 of u[k] | 16 bytes as Q4_0                w = d (u - 16)
 *     Q5_1   24 bytes   d:f16 m:f16 | h:u32 | 16 bytes as Q4_0                                  w = d u + m
 *     Q8_0   34 bytes   d:f16 | 32 int8 q                                                       w = d q
 *
 *     IQ4_NL 18 bytes   d:f16 | 16 bytes as Q4_0                                                w = d NL[u]
 *     MXFP4  17 bytes   e:u8 | 16 bytes as Q4_0                                                 w = 2^(e - 128) MX[u]
 *
 *     NL = -127 -104 -83 -65 -49 -35 -22 -10 1 13 25 38 53 69 89 113
 *     MX = 0 1 2 3 4 6 8 12, and the same negated: twice the E2M1 floats of the OCP Microscaling specification
 *
 * Types of 256 elements ("superblocks"), j counts sub-blocks:
 *
 *     Q2_K   84 bytes   16 bytes: sc[j] low nibble, mn[j] high | 64 bytes | d:f16 dmin:f16   w = d sc[j] u - dmin mn[j]
 *           Sub-blocks of 16. Each half of 128 elements has 32 bytes: elements l, l+32, l+64, l+96 of it are in bits
 *           0-1, 2-3, 4-5, 6-7 of byte l.
 *     Q3_K  110 bytes   32 bytes h | 64 bytes as Q2_K | 12 bytes: sc[16] of 6 bits | d:f16   w = d (sc[j] - 32) (u - 4)
 *           Bit k / 32 of h[k % 32] is bit 2 of the element. Of sc[j] the lower 4 bits are the low (j < 8) or high
 *           nibble of byte j % 8, the upper 2 are bits 2 (j / 4) of byte 8 + j % 4.
 *     IQ4_XS 136 bytes  d:f16 | h:u16 | 4 bytes l | 8 x 16 bytes as Q4_0                       w = d (sc[j] - 32) NL[u]
 *           Sub-blocks of 32; the lower 4 bits of sc[j] are a nibble of l[j / 2], the upper 2 bits 2 j of h.
 *     Q4_K  144 bytes   d:f16 dmin:f16 | 12 bytes: sc[8], mn[8] of 6 bits | 128 bytes        w = d sc[j] u - dmin mn[j]
 *           Each 32 of the 128 bytes hold two sub-blocks of 32: the low nibbles j, the high ones j + 1.
 *     Q5_K  176 bytes   d dmin sc mn as Q4_K | 32 bytes h | 128 bytes as Q4_K
 *           Bit j of h[k % 32] is bit 4 of the element.
 *     Q6_K  210 bytes   128 bytes ql | 64 bytes qh | 16 int8 sc | d:f16                         w = d sc[j] (u - 32)
 *           Sub-blocks of 16. Each half of 128 elements has 64 bytes of ql and 32 of qh: for l in 0..31
 *           elements l, l+32, l+64, l+96 have their low nibbles in ql[l] low, ql[l+32] low, ql[l] high,
 *           ql[l+32] high and their upper two bits in bits 0-1, 2-3, 4-5, 6-7 of qh[l].
 *
 *     TQ1_0  54 bytes   48 bytes | 4 bytes | d:f16                                              w = d (u - 1)
 *           A byte t has five u (the last four bytes: four), u[n] = (t 3^n mod 256) 3 / 256. Elements 32 n + l are in
 *           byte l for l < 32, 160 + 16 n + l in byte 32 + l for l < 16, 240 + 4 n + l in byte 48 + l for l < 4.
 *     TQ2_0  66 bytes   64 bytes as Q2_K | d:f16                                                w = d (u - 1)
 *
 *     Of the following the elements are points of a grid (grid_tables.c), 4 or 8 elements each; a sign s[k] is a bit.
 *     Of 8 signs in 7 bits the last is such that an even number of them is set.
 *
 *     IQ2_XXS 66 bytes  d:f16 | 8 x (4 bytes: points | 4 x 7 bits: signs, 4 bits: sc)           w = d (2 sc + 1) / 8 g
 *           Sub-blocks of 32. Grids of IQ2 have the values 8, 25, 43.
 *     IQ2_XS  74 bytes  d:f16 | 32 x (9 bits: point, 7 bits: signs) | 8 bytes: sc[16] nibbles w = d (2 sc[j] + 1) / 8 g
 *     IQ2_S   82 bytes  d:f16 | 32 bytes p | 32 bytes signs | 8 bytes h | 8 bytes: sc[16]     w = d (2 sc[j] + 1) / 8 g
 *           Sub-blocks of 16. Bits 2 (i % 4) of h[i / 4] are bits 8 and 9 of point i.
 *     IQ3_XXS 98 bytes  d:f16 | 64 bytes: points | 8 x (4 x 7 bits: signs, 4 bits: sc)          w = d (2 sc + 1) / 4 g
 *           Sub-blocks of 32. Its grid has the values 4, 12, 20, 28, 36, 44, 52, 62.
 *     IQ3_S  110 bytes  d:f16 | 64 bytes p | 8 bytes h | 32 bytes signs | 4 bytes: sc[8]        w = d (2 sc[j] + 1) g
 *           Sub-blocks of 32. Bit i % 8 of h[i / 8] is bit 8 of point i. Its grid has the odd values 1 to 15.
 *     IQ1_S   50 bytes  d:f16 | 32 bytes p | 8 x h:u16                                     w = d (2 sc + 1) (g + delta)
 *           Sub-blocks of 32. Bits 3 i of h are bits 8 to 10 of point i of its four, bits 12-14 sc; bit 15 makes delta
 *           -1/8 instead of 1/8. Grids of IQ1 have the values -1, 0, 1.
 *     IQ1_M   56 bytes  32 bytes p | 32 nibbles h | 4 x u16                             w = d (2 sc[j] + 1) (g + delta)
 *           Sub-blocks of 16. The lower three bits of h are bits 8 to 10 of a point, bit 3 the sign of its delta. Bits
 *           3 (j % 4) of u16 j / 4 are sc[j]; their upper four bits, the first lowest, are d:f16.
 *
 *     The 12 bytes of Q4_K and Q5_K:   b[0..3] = sc[0..3] | upper 2 bits of sc[4..7] << 6
 *                                      b[4..7] = mn[0..3] | upper 2 bits of mn[4..7] << 6
 *                                      b[8..11] = lower 4 bits of sc[4..7] | lower 4 bits of mn[4..7] << 4
 *
 * A block is unpacked into one of the two forms below, by which everything else is defined.
 */
#ifndef INLAY_BLOCKS_H
#define INLAY_BLOCKS_H

#include "base/base.h"

enum {
    INLAY__Q_LENGTH = 32,   /* elements of a block */
    INLAY__K_LENGTH = 256,  /* elements of a superblock */
    INLAY__K_SCALES = 16    /* scales of a superblock, one for 16 elements */
};

/* w[k] = d q[k] + m; m is +0 for types without it. */
typedef struct inlay__block {
    float d, m;
    int8_t q[INLAY__Q_LENGTH];
} inlay__block;

/* w[k] = d scale[k / 16] q[k] - dmin minimum[k / 16]. */
typedef struct inlay__superblock {
    float d, dmin;
    int16_t scale[INLAY__K_SCALES]; /* -128 to 127 in rows; in panels, whose bytes may be any, to 255 */
    uint8_t minimum[INLAY__K_SCALES];
    int8_t q[INLAY__K_LENGTH];
} inlay__superblock;

typedef void (*inlay__unpack_fn)(const uint8_t *bytes, inlay__block *block);
typedef void (*inlay__unpack_k_fn)(const uint8_t *bytes, inlay__superblock *block);

typedef enum inlay__block_kind {
    INLAY__BLOCK_FLOAT,
    INLAY__BLOCK_32,
    INLAY__BLOCK_256,
    INLAY__BLOCK_WIDE /* wide.h */
} inlay__block_kind;

/* How a tensor type is laid out and unpacked. */
typedef struct inlay__block_type {
    inlay__block_kind kind;
    uint32_t length;             /* elements of a block */
    uint32_t size;               /* bytes of a block */
    bool has_minimum;            /* m, or dmin and minimum */
    int8_t zero;                 /* q = u - zero */
    inlay__unpack_fn unpack;     /* BLOCK_32 */
    inlay__unpack_k_fn unpack_k; /* BLOCK_256 */
    const int8_t *values;        /* [16] all that q can be, for types with no more; NULL */
} inlay__block_type;

/* NULL when there are no kernels for the type. */
const inlay__block_type *inlay__block_type_get(uint32_t type);

/* The scales and minima of Q4_K and Q5_K, out of their 12 bytes. */
void inlay__unpack_k_scales(const uint8_t bytes[12], inlay__superblock *block);

/* NL and MX above: all that an element of IQ4_NL and IQ4_XS, or of MXFP4, can be. */
extern const int8_t inlay__nl_values[16], inlay__mx_values[16];

/* 2^(e - 128), the scale of MXFP4; the two least are subnormal. */
float inlay__e8m0_half(uint8_t e);

/* The floats of a block [32] or superblock [256]. */
void inlay__dequantize_block(const inlay__block *block, bool has_minimum, float *out);
void inlay__dequantize_superblock(const inlay__superblock *block, bool has_minimum, float *out);

/* Decodes n elements (whole blocks) of a row to floats. */
void inlay__dequantize_row(uint32_t type, const uint8_t *row, size_t n, float *out);

#endif
