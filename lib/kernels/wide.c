/* Rows and panels of Q16_0. */
#include "kernels/wide.h"

void inlay__unpack_wide(const uint8_t *bytes, inlay__wide_block *block) {
    block->d = inlay__load_f32(bytes);
    for (size_t k = 0; k < INLAY__WIDE_LENGTH; k++) block->q[k] = (int16_t)inlay__load_u16(bytes + 4 + 2 * k);
}

void inlay__dequantize_wide(const inlay__wide_block *block, float *out) {
    for (size_t k = 0; k < INLAY__WIDE_LENGTH; k++) out[k] = block->d * (float)block->q[k];
}

/* Where a panel has a digit of element k of row r, behind the place of its lines. */
static size_t place_of(size_t k, size_t r) { return k / 4 * 64 + 4 * r + k % 4; }

void inlay__pack_wide(const uint8_t *bytes, size_t r, uint8_t *panel) {
    inlay__wide_block block;
    inlay__unpack_wide(bytes, &block);
    memcpy(panel + 4 * r, &block.d, 4);
    for (size_t k = 0; k < INLAY__WIDE_LENGTH; k++) {
        panel[INLAY__WIDE_HIGH + place_of(k, r)] = (uint8_t)inlay__high_digit(block.q[k]);
        panel[INLAY__WIDE_LOW + place_of(k, r)] = (uint8_t)inlay__low_digit(block.q[k]);
    }
}

void inlay__packed_wide(const uint8_t *panel, size_t r, inlay__wide_block *block) {
    memcpy(&block->d, panel + 4 * r, 4);
    for (size_t k = 0; k < INLAY__WIDE_LENGTH; k++) {
        size_t at = place_of(k, r);
        block->q[k] = 256 * (int8_t)panel[INLAY__WIDE_HIGH + at] + (int8_t)panel[INLAY__WIDE_LOW + at];
    }
}
