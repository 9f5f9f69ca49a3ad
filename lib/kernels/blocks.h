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
 *     Q2_K   84 bytes   16 bytes: sc[j] low nibble, mn[j] high | 64 bytes | d:f16 dmin:f16     w = d sc[j] u - dmin mn[j]
 *           Sub-blocks of 16. Each half of 128 elements has 32 bytes: elements l, l+32, l+64, l+96 of it are in bits
 *           0-1, 2-3, 4-5, 6-7 of byte l.
 *     Q3_K  110 bytes   32 bytes h | 64 bytes as Q2_K | 12 bytes: sc[16] of 6 bits | d:f16      w = d (sc[j] - 32) (u - 4)
 *           Bit k / 32 of h[k % 32] is bit 2 of the element. Of sc[j] the lower 4 bits are the low (j < 8) or high
 *           nibble of byte j % 8, the upper 2 are bits 2 (j / 4) of byte 8 + j % 4.
 *     IQ4_XS 136 bytes  d:f16 | h:u16 | 4 bytes l | 8 x 16 bytes as Q4_0                        w = d (sc[j] - 32) NL[u]
 *           Sub-blocks of 32; the lower 4 bits of sc[j] are a nibble of l[j / 2], the upper 2 bits 2 j of h.
 *     Q4_K  144 bytes   d:f16 dmin:f16 | 12 bytes: sc[8], mn[8] of 6 bits | 128 bytes           w = d sc[j] u - dmin mn[j]
 *           Each 32 of the 128 bytes hold two sub-blocks of 32: the low nibbles j, the high ones j + 1.
 *     Q5_K  176 bytes   d dmin sc mn as Q4_K | 32 bytes h | 128 bytes as Q4_K
 *           Bit j of h[k % 32] is bit 4 of the element.
 *     Q6_K  210 bytes   128 bytes ql | 64 bytes qh | 16 int8 sc | d:f16                         w = d sc[j] (u - 32)
 *           Sub-blocks of 16. Each half of 128 elements has 64 bytes of ql and 32 of qh: for l in 0..31
 *           elements l, l+32, l+64, l+96 have their low nibbles in ql[l] low, ql[l+32] low, ql[l] high,
 *           ql[l+32] high and their upper two bits in bits 0-1, 2-3, 4-5, 6-7 of qh[l].
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

typedef enum inlay__block_kind { INLAY__BLOCK_FLOAT, INLAY__BLOCK_32, INLAY__BLOCK_256 } inlay__block_kind;

/* How a tensor type is laid out and unpacked. */
typedef struct inlay__block_type {
    inlay__block_kind kind;
    uint32_t length;             /* elements of a block */
    uint32_t size;               /* bytes of a block */
    bool has_minimum;            /* m, or dmin and minimum */
    int8_t zero;                 /* q = u - zero */
    inlay__unpack_fn unpack;     /* BLOCK_32 */
    inlay__unpack_k_fn unpack_k; /* BLOCK_256 */
} inlay__block_type;

/* NULL when there are no kernels for the type. */
const inlay__block_type *inlay__block_type_get(uint32_t type);

/* The scales and minima of Q4_K and Q5_K, out of their 12 bytes. */
void inlay__unpack_k_scales(const uint8_t bytes[12], inlay__superblock *block);

/* The floats of a block [32] or superblock [256]. */
void inlay__dequantize_block(const inlay__block *block, bool has_minimum, float *out);
void inlay__dequantize_superblock(const inlay__superblock *block, bool has_minimum, float *out);

/* Decodes n elements (whole blocks) of a row to floats. */
void inlay__dequantize_row(uint32_t type, const uint8_t *row, size_t n, float *out);

#endif
