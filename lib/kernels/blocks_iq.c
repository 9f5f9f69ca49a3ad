/* Unpacks the block formats whose elements are points of a grid; blocks.h draws them. */
#include "kernels/blocks_iq.h"
#include "kernels/math.h"

/* Positive ones first, so that a place in a grid's list of values is a place here; then the same negated. */
const int8_t inlay__iq1_values[16] = {-9, -7, -1, 1, 7, 9};
const int8_t inlay__iq2_values[16] = {8, 25, 43, -8, -25, -43};
const int8_t inlay__iq3_xxs_values[16] = {4, 12, 20, 28, 36, 44, 52, 62, -4, -12, -20, -28, -36, -44, -52, -62};
const int8_t inlay__iq3_s_values[16] = {1, 3, 5, 7, 9, 11, 13, 15, -1, -3, -5, -7, -9, -11, -13, -15};

/* d of the file and the power of two that keeps scales and elements whole: exact. */
static void begin(inlay__superblock *block, uint16_t half, float unit) {
    block->d = inlay__f16_to_f32(half) * unit;
    block->dmin = 0.0f;
    memset(block->minimum, 0, INLAY__K_SCALES);
}

/* The scales of sub-blocks of 16 are 2 s + 1. */
static void set_scale(inlay__superblock *block, size_t j, unsigned s) { block->scale[j] = (int16_t)(2 * s + 1); }

static unsigned nibble(const uint8_t *bytes, size_t i) { return (unsigned)bytes[i / 2] >> i % 2 * 4 & 15; }

/* The n elements of a point, negative where a bit of `signs` is set. */
static void set_point(int8_t *q, unsigned point, unsigned bits, const int8_t *values, unsigned signs, size_t n) {
    for (size_t i = 0; i < n; i++) {
        int value = values[point >> bits * i & ((1u << bits) - 1)];
        q[i] = (int8_t)(signs >> i & 1 ? -value : value);
    }
}

/* 8 signs of which 7 are stored: their number is even. */
static unsigned eight_signs(unsigned seven) {
    unsigned x = seven ^ seven >> 4;
    x ^= x >> 2;
    return seven | ((x ^ x >> 1) & 1) << 7;
}

void inlay__unpack_iq2_xxs(const uint8_t *bytes, inlay__superblock *block) {
    begin(block, inlay__load_u16(bytes), 0.125f);
    for (size_t j = 0; j < 8; j++) {
        const uint8_t *part = bytes + 2 + 8 * j;
        uint32_t word = inlay__load_u32(part + 4);
        set_scale(block, 2 * j, word >> 28);
        set_scale(block, 2 * j + 1, word >> 28);
        for (size_t i = 0; i < 4; i++)
            set_point(block->q + 32 * j + 8 * i, inlay__grid_iq2_xxs[part[i]], 2, inlay__iq2_values,
                      eight_signs(word >> 7 * i & 127), 8);
    }
}

void inlay__unpack_iq2_xs(const uint8_t *bytes, inlay__superblock *block) {
    begin(block, inlay__load_u16(bytes), 0.125f);
    for (size_t j = 0; j < INLAY__K_SCALES; j++)
        set_scale(block, j, nibble(bytes + 66, j));
    for (size_t i = 0; i < 32; i++) {
        unsigned word = inlay__load_u16(bytes + 2 + 2 * i);
        set_point(block->q + 8 * i, inlay__grid_iq2_xs[word & 511], 2, inlay__iq2_values, eight_signs(word >> 9), 8);
    }
}

void inlay__unpack_iq2_s(const uint8_t *bytes, inlay__superblock *block) {
    begin(block, inlay__load_u16(bytes), 0.125f);
    for (size_t j = 0; j < INLAY__K_SCALES; j++)
        set_scale(block, j, nibble(bytes + 74, j));
    for (size_t i = 0; i < 32; i++) {
        unsigned at = bytes[2 + i] | ((unsigned)bytes[66 + i / 4] >> i % 4 * 2 & 3) << 8;
        set_point(block->q + 8 * i, inlay__grid_iq2_s[at], 2, inlay__iq2_values, bytes[34 + i], 8);
    }
}

void inlay__unpack_iq3_xxs(const uint8_t *bytes, inlay__superblock *block) {
    begin(block, inlay__load_u16(bytes), 0.25f);
    for (size_t j = 0; j < 8; j++) {
        uint32_t word = inlay__load_u32(bytes + 66 + 4 * j);
        set_scale(block, 2 * j, word >> 28);
        set_scale(block, 2 * j + 1, word >> 28);
        for (size_t i = 0; i < 8; i++)
            set_point(block->q + 32 * j + 4 * i, inlay__grid_iq3_xxs[bytes[2 + 8 * j + i]], 3, inlay__iq3_xxs_values,
                      eight_signs(word >> 7 * (i / 2) & 127) >> i % 2 * 4, 4);
    }
}

void inlay__unpack_iq3_s(const uint8_t *bytes, inlay__superblock *block) {
    begin(block, inlay__load_u16(bytes), 1.0f);
    for (size_t j = 0; j < INLAY__K_SCALES; j++)
        set_scale(block, j, nibble(bytes + 106, j / 2));
    for (size_t i = 0; i < 64; i++) {
        unsigned at = bytes[2 + i] | ((unsigned)bytes[66 + i / 8] >> i % 8 & 1) << 8;
        set_point(block->q + 4 * i, inlay__grid_iq3_s[at], 3, inlay__iq3_s_values,
                  (unsigned)bytes[74 + i / 2] >> i % 2 * 4, 4);
    }
}

/* 8 elements of IQ1: 8 g + 1, or 8 g - 1 where delta is negative, for g in -1, 0, 1. */
static void set_point_iq1(int8_t *q, unsigned at, bool negative) {
    for (size_t i = 0; i < 8; i++)
        q[i] = (int8_t)(8 * ((int)(inlay__grid_iq1[at] >> 2 * i & 3) - 1) + (negative ? -1 : 1));
}

void inlay__unpack_iq1_s(const uint8_t *bytes, inlay__superblock *block) {
    begin(block, inlay__load_u16(bytes), 0.125f);
    for (size_t j = 0; j < 8; j++) {
        unsigned word = inlay__load_u16(bytes + 34 + 2 * j);
        set_scale(block, 2 * j, word >> 12 & 7);
        set_scale(block, 2 * j + 1, word >> 12 & 7);
        for (size_t i = 0; i < 4; i++)
            set_point_iq1(block->q + 32 * j + 8 * i, bytes[2 + 4 * j + i] | (word >> 3 * i & 7) << 8, word >> 15 != 0);
    }
}

void inlay__unpack_iq1_m(const uint8_t *bytes, inlay__superblock *block) {
    const uint8_t *words = bytes + 48;
    unsigned half = 0;
    for (size_t i = 0; i < 4; i++)
        half |= (unsigned)inlay__load_u16(words + 2 * i) >> 12 << 4 * i;
    begin(block, (uint16_t)half, 0.125f);
    for (size_t j = 0; j < INLAY__K_SCALES; j++)
        set_scale(block, j, (unsigned)inlay__load_u16(words + j / 4 * 2) >> j % 4 * 3 & 7);
    for (size_t i = 0; i < 32; i++) {
        unsigned high = nibble(bytes + 32, i);
        set_point_iq1(block->q + 8 * i, bytes[i] | (high & 7) << 8, (high & 8) != 0);
    }
}
