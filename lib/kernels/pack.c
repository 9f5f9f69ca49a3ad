/* Packed panels: 16 rows side by side, so that a vector lane is an output row.
 *
 * A panel holds its blocks in ascending order. In a block of 32 elements a "group" is 4 consecutive ones; a "line"
 * is 64 bytes, 4 for each of the 16 rows. With g the group (0 to 7) and r the row:
 *
 *     Q4_0   d:f16[16] | 4 lines: byte 4 r + i of line g = u[4 g + i] | u[4 (g + 4) + i] << 4                   288
 *     Q4_1   d:f16[16] m:f16[16] | 4 lines                                                                      320
 *     Q5_0   d:f16[16] | 4 lines | 1 line: bit g of byte 4 r + i = bit 4 of u[4 g + i]                          352
 *     Q5_1   d:f16[16] m:f16[16] | 4 lines | 1 line                                                             384
 *     Q8_0   d:f16[16] | 8 lines: byte 4 r + i of line g = q[4 g + i] + 128                                     544
 *
 * A superblock is 8 such blocks ("sub-blocks") behind its scales:
 *
 *     Q4_K   d:f16[16] dmin:f16[16] | sc:u8[8][16] | mn:u8[4][16][2] | 8 x 4 lines                             2368
 *     Q5_K   the same | 8 x (4 lines, 1 line)                                                                 2880
 *     Q6_K   d:f16[16] | sc:i8[8][16][2] | 8 x (4 lines, 2 lines: bits 2 (g % 4) of line g / 4)                3360
 *
 * mn and the sc of Q6_K stand in pairs: [p][r] holds those of sub-blocks 2 p and 2 p + 1.
 */
#include "kernels/math.h"
#include "kernels/matrix.h"

enum { PANEL = INLAY__LANES, LINE = 64 };

typedef struct packed_type {
    uint32_t size;  /* bytes of 16 rows of a block or superblock */
    uint32_t bits;  /* of an element */
} packed_type;

static packed_type packed_type_of(uint32_t type) {
    switch (type) {
    case INLAY_TYPE_Q4_0: return (packed_type){288, 4};
    case INLAY_TYPE_Q4_1: return (packed_type){320, 4};
    case INLAY_TYPE_Q5_0: return (packed_type){352, 5};
    case INLAY_TYPE_Q5_1: return (packed_type){384, 5};
    case INLAY_TYPE_Q8_0: return (packed_type){544, 8};
    case INLAY_TYPE_Q4_K: return (packed_type){2368, 4};
    case INLAY_TYPE_Q5_K: return (packed_type){2880, 5};
    case INLAY_TYPE_Q6_K: return (packed_type){3360, 6};
    default: return (packed_type){0, 0};
    }
}

size_t inlay__matrix_packed_size(const inlay__kernels *kernels, uint32_t type, size_t n_rows, size_t n_k) {
    if (kernels->product_packed[type] == NULL) return 0;
    size_t n_panels = (n_rows + PANEL - 1) / PANEL, n_blocks = n_k / inlay__block_type_get(type)->length;
    return n_panels * n_blocks * packed_type_of(type).size;
}

/* The elements of one row of a block of 32, as unsigned u, into its bytes of the lines. */
static void pack_elements(const uint8_t u[32], uint32_t bits, size_t r, uint8_t *lines) {
    for (size_t k = 0; k < 32; k++) {
        size_t g = k / 4, at = 4 * r + k % 4;
        if (bits == 8) {
            lines[LINE * g + at] = u[k];
            continue;
        }
        lines[LINE * (g % 4) + at] |= (uint8_t)((u[k] & 15) << (g < 4 ? 0 : 4));
        if (bits == 5) lines[LINE * 4 + at] |= (uint8_t)((u[k] >> 4) << g);
        if (bits == 6) lines[LINE * (4 + g / 4) + at] |= (uint8_t)((u[k] >> 4) << (2 * (g % 4)));
    }
}

static void copy_f16(const uint8_t *half, size_t r, uint8_t *out) { memcpy(out + 2 * r, half, 2); }

/* Where a block's scales stand in the file is drawn in blocks.h. */
static void pack_row_32(uint32_t type, const uint8_t *block, size_t r, uint8_t *out) {
    const inlay__block_type *t = inlay__block_type_get(type);
    inlay__block unpacked;
    uint8_t u[32];
    t->unpack(block, &unpacked);
    int zero = type == INLAY_TYPE_Q8_0 ? 128 : t->zero;
    for (size_t k = 0; k < 32; k++) u[k] = (uint8_t)(unpacked.q[k] + zero);
    copy_f16(block, r, out);
    if (t->has_minimum) copy_f16(block + 2, r, out + 2 * PANEL);
    pack_elements(u, packed_type_of(type).bits, r, out + (t->has_minimum ? 4 : 2) * PANEL);
}

static void pack_row_256(uint32_t type, const uint8_t *block, size_t r, uint8_t *out) {
    const inlay__block_type *t = inlay__block_type_get(type);
    uint32_t bits = packed_type_of(type).bits;
    inlay__superblock unpacked;
    t->unpack_k(block, &unpacked);
    uint8_t *scales = out + 2 * PANEL, *lines;
    if (type == INLAY_TYPE_Q6_K) {
        copy_f16(block + 208, r, out);
        for (size_t j = 0; j < 16; j++) scales[j / 2 * 2 * PANEL + 2 * r + j % 2] = (uint8_t)unpacked.scale[j];
        lines = scales + 16 * PANEL;
    } else {
        copy_f16(block, r, out);
        copy_f16(block + 2, r, out + 2 * PANEL);
        scales += 2 * PANEL;
        uint8_t *minima = scales + 8 * PANEL;
        for (size_t j = 0; j < 8; j++) {
            scales[j * PANEL + r] = (uint8_t)unpacked.scale[2 * j];
            minima[j / 2 * 2 * PANEL + 2 * r + j % 2] = unpacked.minimum[2 * j];
        }
        lines = minima + 8 * PANEL;
    }
    for (size_t j = 0; j < 8; j++) {
        uint8_t u[32];
        for (size_t k = 0; k < 32; k++) u[k] = (uint8_t)(unpacked.q[32 * j + k] + t->zero);
        pack_elements(u, bits, r, lines + j * LINE * bits);
    }
}

void inlay__matrix_pack(const inlay__matrix *rows, size_t panel_begin, size_t panel_end, uint8_t *packed) {
    const inlay__block_type *t = inlay__block_type_get(rows->type);
    size_t n_blocks = rows->n_k / t->length, size = packed_type_of(rows->type).size;
    for (size_t panel = panel_begin; panel < panel_end; panel++) {
        uint8_t *out = packed + panel * n_blocks * size;
        size_t n = inlay__min_size(PANEL, rows->n_rows - panel * PANEL);
        memset(out, 0, n_blocks * size);
        for (size_t b = 0; b < n_blocks; b++) {
            for (size_t r = 0; r < n; r++) {
                const uint8_t *block = rows->data + (panel * PANEL + r) * rows->row_size + b * t->size;
                if (t->kind == INLAY__BLOCK_32)
                    pack_row_32(rows->type, block, r, out + b * size);
                else
                    pack_row_256(rows->type, block, r, out + b * size);
            }
        }
    }
}

/* The inverse of pack_elements. */
static void unpack_elements(const uint8_t *lines, uint32_t bits, size_t r, uint8_t u[32]) {
    for (size_t k = 0; k < 32; k++) {
        size_t g = k / 4, at = 4 * r + k % 4;
        if (bits == 8) {
            u[k] = lines[LINE * g + at];
            continue;
        }
        unsigned low = lines[LINE * (g % 4) + at] >> (g < 4 ? 0 : 4) & 15, high = 0;
        if (bits == 5) high = lines[LINE * 4 + at] >> g & 1;
        if (bits == 6) high = lines[LINE * (4 + g / 4) + at] >> (2 * (g % 4)) & 3;
        u[k] = (uint8_t)(low | high << 4);
    }
}

/* A superblock of one row out of a panel's. */
static void unpack_row_256(uint32_t type, const uint8_t *block, size_t r, inlay__superblock *out) {
    const inlay__block_type *t = inlay__block_type_get(type);
    uint32_t bits = packed_type_of(type).bits;
    const uint8_t *scales = block + 2 * PANEL, *lines;
    memset(out, 0, sizeof *out);
    out->d = inlay__f16_to_f32(inlay__load_u16(block + 2 * r));
    if (type == INLAY_TYPE_Q6_K) {
        for (size_t j = 0; j < 16; j++) out->scale[j] = (int8_t)scales[j / 2 * 2 * PANEL + 2 * r + j % 2];
        lines = scales + 16 * PANEL;
    } else {
        out->dmin = inlay__f16_to_f32(inlay__load_u16(scales + 2 * r));
        scales += 2 * PANEL;
        const uint8_t *minima = scales + 8 * PANEL;
        for (size_t j = 0; j < 16; j++) {
            out->scale[j] = (int8_t)scales[j / 2 * PANEL + r];
            out->minimum[j] = minima[j / 4 * 2 * PANEL + 2 * r + j / 2 % 2];
        }
        lines = minima + 8 * PANEL;
    }
    for (size_t j = 0; j < 8; j++) {
        uint8_t u[32];
        unpack_elements(lines + j * LINE * bits, bits, r, u);
        for (size_t k = 0; k < 32; k++) out->q[32 * j + k] = (int8_t)(u[k] - t->zero);
    }
}

static void unpack_row_32(uint32_t type, const uint8_t *block, size_t r, inlay__block *out) {
    const inlay__block_type *t = inlay__block_type_get(type);
    int zero = type == INLAY_TYPE_Q8_0 ? 128 : t->zero;
    uint8_t u[32];
    out->d = inlay__f16_to_f32(inlay__load_u16(block + 2 * r));
    out->m = t->has_minimum ? inlay__f16_to_f32(inlay__load_u16(block + 2 * PANEL + 2 * r)) : 0.0f;
    unpack_elements(block + (t->has_minimum ? 4 : 2) * PANEL, packed_type_of(type).bits, r, u);
    for (size_t k = 0; k < 32; k++) out->q[k] = (int8_t)(u[k] - zero);
}

void inlay__matrix_packed_row(const inlay__matrix *matrix, size_t row, float *out) {
    const inlay__block_type *t = inlay__block_type_get(matrix->type);
    size_t n_blocks = matrix->n_k / t->length, size = packed_type_of(matrix->type).size;
    const uint8_t *panel = matrix->data + row / PANEL * n_blocks * size;
    for (size_t b = 0; b < n_blocks; b++, panel += size, out += t->length) {
        if (t->kind == INLAY__BLOCK_32) {
            inlay__block block;
            unpack_row_32(matrix->type, panel, row % PANEL, &block);
            inlay__dequantize_block(&block, out);
        } else {
            inlay__superblock block;
            unpack_row_256(matrix->type, panel, row % PANEL, &block);
            inlay__dequantize_superblock(&block, t->has_minimum, out);
        }
    }
}
