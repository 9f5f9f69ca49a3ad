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
 *     Q2_K   d:f16[16] dmin:f16[16] | sc, mn:u8[8][16][2] nibbles | 8 x 2 lines: bits 2 (g % 4) of line g / 4 1344
 *     TQ1_0, TQ2_0   d:f16[16] | 8 x 2 lines                                                                  1056
 *
 * Types whose elements are 16 values or fewer have nibbles as Q4_0, each the place v of q among values[] of blocks.h:
 *
 *     IQ4_NL as Q4_0                                                                                           288
 *     MXFP4  e:u8[16] | 4 lines                                                                                272
 *     IQ4_XS, IQ1_S, IQ2_XXS, IQ3_XXS, IQ3_S   d:f32[16] | sc:i8[4][16][2] | 8 x 4 lines                      2240
 *     IQ1_M, IQ2_XS, IQ2_S                     d:f32[16] | sc:i8[8][16][2] | 8 x 4 lines                      2368
 *
 * Q3_K takes the panels of Q6_K, and with them its kernels: u = q + 32.
 *
 * mn and the sc of Q6_K stand in pairs: [p][r] holds those of sub-blocks 2 p and 2 p + 1; so do those of the types that
 * came later, where sub-blocks of 16 have 8 pairs and sub-blocks of 32 have 4.
 *
 * Q16_0 has a panel of its own (wide.h), which no file holds.
 *
 * Packed files hold these panels (format/packed.h): whoever changes one raises the version of that form.
 */
#include "kernels/math.h"
#include "kernels/matrix.h"
#include "kernels/wide.h"

enum { PANEL = INLAY__LANES, LINE = 64 };

typedef struct packed_type {
    uint32_t size; /* bytes of 16 rows of a block or superblock */
    uint32_t bits; /* of an element u */
    int zero;      /* q = u - zero */
} packed_type;

static packed_type packed_type_of(uint32_t type) {
    switch (type) {
    case INLAY_TYPE_Q4_0:
        return (packed_type){288, 4, 8};
    case INLAY_TYPE_IQ4_NL:
        return (packed_type){288, 4, 0};
    case INLAY_TYPE_Q4_1:
        return (packed_type){320, 4, 0};
    case INLAY_TYPE_Q5_0:
        return (packed_type){352, 5, 16};
    case INLAY_TYPE_Q5_1:
        return (packed_type){384, 5, 0};
    case INLAY_TYPE_Q8_0:
        return (packed_type){544, 8, 128};
    case INLAY_TYPE_Q4_K:
        return (packed_type){2368, 4, 0};
    case INLAY_TYPE_Q5_K:
        return (packed_type){2880, 5, 0};
    case INLAY_TYPE_Q3_K:
    case INLAY_TYPE_Q6_K:
        return (packed_type){3360, 6, 32};
    case INLAY_TYPE_Q2_K:
        return (packed_type){1344, 2, 0};
    case INLAY_TYPE_TQ1_0:
    case INLAY_TYPE_TQ2_0:
        return (packed_type){1056, 2, 1};
    case INLAY_TYPE_MXFP4:
        return (packed_type){272, 4, 0};
    case INLAY_TYPE_Q16_0:
        return (packed_type){INLAY__WIDE_PANEL_SIZE, 16, 0};
    case INLAY_TYPE_IQ4_XS:
    case INLAY_TYPE_IQ1_S:
    case INLAY_TYPE_IQ2_XXS:
    case INLAY_TYPE_IQ3_XXS:
    case INLAY_TYPE_IQ3_S:
        return (packed_type){2240, 4, 0};
    case INLAY_TYPE_IQ1_M:
    case INLAY_TYPE_IQ2_XS:
    case INLAY_TYPE_IQ2_S:
        return (packed_type){2368, 4, 0};
    default:
        return (packed_type){0, 0, 0};
    }
}

size_t inlay__packed_matrix_size(uint32_t type, size_t n_rows, size_t n_k) {
    size_t n_panels = (n_rows + PANEL - 1) / PANEL, n_blocks = n_k / inlay__block_type_get(type)->length;
    return n_panels * n_blocks * packed_type_of(type).size;
}

size_t inlay__matrix_packed_size(const inlay__kernels *kernels, uint32_t type, size_t n_rows, size_t n_k) {
    return kernels->product_packed[type] != NULL ? inlay__packed_matrix_size(type, n_rows, n_k) : 0;
}

/* Four bytes in the machine's order: packing moves them whole, and shifts bits only within bytes. */
static uint32_t load_word(const uint8_t *p, size_t i) {
    uint32_t word;
    memcpy(&word, p + 4 * i, 4);
    return word;
}

/* The word of row r in a line. */
static void store_word(uint8_t *lines, size_t line, size_t r, uint32_t word) {
    memcpy(lines + LINE * line + 4 * r, &word, 4);
}

static void copy_f16(const uint8_t *half, size_t r, uint8_t *out) { memcpy(out + 2 * r, half, 2); }

/* Bits 0, 4, 8, ... 28 of x side by side. */
static uint8_t every_fourth_bit(uint32_t x) {
    x &= 0x11111111;
    x = (x | x >> 3) & 0x03030303;
    x = (x | x >> 6) & 0x000f000f;
    return (uint8_t)(x | x >> 12);
}

/* One row of a block of 32. Where its parts stand in the file is drawn in blocks.h: there as here, byte k of the
 * nibbles has elements k and k + 16. */
static inline void pack_row_32(uint32_t type, const uint8_t *block, size_t r, uint8_t *out) {
    const bool has_m = type == INLAY_TYPE_Q4_1 || type == INLAY_TYPE_Q5_1;
    const uint8_t *bytes = block + (has_m ? 4 : 2);
    uint8_t *lines = out + (has_m ? 4 : 2) * PANEL;
    copy_f16(block, r, out);
    if (has_m) copy_f16(block + 2, r, out + 2 * PANEL);
    if (type == INLAY_TYPE_Q8_0) {
        for (size_t g = 0; g < 8; g++)
            store_word(lines, g, r, load_word(bytes, g) ^ 0x80808080);
        return;
    }
    if (type == INLAY_TYPE_Q5_0 || type == INLAY_TYPE_Q5_1) {
        uint32_t high = inlay__load_u32(bytes);
        for (size_t i = 0; i < 4; i++)
            lines[4 * LINE + 4 * r + i] = every_fourth_bit(high >> i);
        bytes += 4;
    }
    for (size_t g = 0; g < 4; g++)
        store_word(lines, g, r, load_word(bytes, g));
}

/* The nibbles of one sub-block: low or high ones of 32 bytes. */
static void pack_nibbles(const uint8_t bytes[32], bool upper, size_t r, uint8_t *lines) {
    for (size_t g = 0; g < 4; g++) {
        uint32_t first = load_word(bytes, g), second = load_word(bytes, g + 4);
        store_word(lines, g, r,
                   upper ? (first >> 4 & 0x0f0f0f0f) | (second & 0xf0f0f0f0)
                         : (first & 0x0f0f0f0f) | (second & 0x0f0f0f0f) << 4);
    }
}

static void pack_q6_k(uint32_t type, const uint8_t *block, size_t r, uint8_t *out) {
    (void)type;
    uint8_t *scales = out + 2 * PANEL, *lines = scales + 16 * PANEL;
    copy_f16(block + 208, r, out);
    for (size_t j = 0; j < 16; j++)
        scales[j / 2 * 2 * PANEL + 2 * r + j % 2] = block[192 + j];
    for (size_t j = 0; j < 8; j++, lines += 6 * LINE) {
        size_t half = j / 4, quarter = j % 4;
        const uint8_t *high = block + 128 + 32 * half;
        uint32_t words[2] = {0, 0};
        pack_nibbles(block + 64 * half + 32 * (quarter % 2), quarter >= 2, r, lines);
        for (size_t g = 0; g < 8; g++)
            words[g / 4] |= (load_word(high, g) >> 2 * quarter & 0x03030303) << 2 * (g % 4);
        store_word(lines, 4, r, words[0]);
        store_word(lines, 5, r, words[1]);
    }
}

static void pack_q3_k(uint32_t type, const uint8_t *bytes, size_t r, uint8_t *out) {
    uint8_t *scales = out + 2 * PANEL, *lines = scales + 16 * PANEL;
    inlay__superblock block;
    inlay__block_type_get(type)->unpack_k(bytes, &block);
    copy_f16(bytes + 108, r, out);
    for (size_t j = 0; j < 16; j++)
        scales[j / 2 * 2 * PANEL + 2 * r + j % 2] = (uint8_t)block.scale[j];
    for (size_t j = 0; j < 8; j++, lines += 6 * LINE) {
        uint8_t u[32];
        uint32_t words[2] = {0, 0};
        for (size_t k = 0; k < 32; k++)
            u[k] = (uint8_t)(block.q[32 * j + k] + 32);
        for (size_t g = 0; g < 4; g++)
            store_word(lines, g, r, (load_word(u, g) & 0x0f0f0f0f) | (load_word(u, g + 4) & 0x0f0f0f0f) << 4);
        for (size_t g = 0; g < 8; g++)
            words[g / 4] |= (load_word(u, g) >> 4 & 0x03030303) << 2 * (g % 4);
        store_word(lines, 4, r, words[0]);
        store_word(lines, 5, r, words[1]);
    }
}

static void pack_q4_k_or_q5_k(uint32_t type, const uint8_t *block, size_t r, uint8_t *out) {
    const uint8_t *high = block + 16, *nibbles = type == INLAY_TYPE_Q5_K ? block + 48 : block + 16;
    uint8_t *scales = out + 4 * PANEL, *minima = scales + 8 * PANEL, *lines = minima + 8 * PANEL;
    inlay__superblock unpacked;
    copy_f16(block, r, out);
    copy_f16(block + 2, r, out + 2 * PANEL);
    inlay__unpack_k_scales(block + 4, &unpacked);
    for (size_t j = 0; j < 8; j++) {
        scales[j * PANEL + r] = (uint8_t)unpacked.scale[2 * j];
        minima[j / 2 * 2 * PANEL + 2 * r + j % 2] = unpacked.minimum[2 * j];
        pack_nibbles(nibbles + j / 2 * 32, j % 2 != 0, r, lines);
        lines += 4 * LINE;
        if (type != INLAY_TYPE_Q5_K) continue;
        uint32_t word = 0;
        for (size_t g = 0; g < 8; g++)
            word |= (load_word(high, g) >> j & 0x01010101) << g;
        store_word(lines, 0, r, word);
        lines += LINE;
    }
}

/* 32 elements of 2 bits. */
static void pack_two_bits(const uint8_t u[32], size_t r, uint8_t *lines) {
    for (size_t i = 0; i < 2; i++) {
        uint32_t word = 0;
        for (size_t g = 0; g < 4; g++)
            word |= load_word(u, 4 * i + g) << 2 * g;
        store_word(lines, i, r, word);
    }
}

/* Q2_K, TQ1_0, TQ2_0: elements of 2 bits. */
static void pack_small(uint32_t type, const uint8_t *bytes, size_t r, uint8_t *out) {
    const bool has_scales = type == INLAY_TYPE_Q2_K;
    const int zero = packed_type_of(type).zero;
    uint8_t *lines = out + (has_scales ? 4 + 16 : 2) * PANEL;
    inlay__superblock block;
    inlay__block_type_get(type)->unpack_k(bytes, &block);
    copy_f16(bytes + (has_scales ? 80 : type == INLAY_TYPE_TQ1_0 ? 52 : 64), r, out);
    if (has_scales) {
        copy_f16(bytes + 82, r, out + 2 * PANEL);
        for (size_t j = 0; j < 16; j++)
            out[4 * PANEL + j / 2 * 2 * PANEL + 2 * r + j % 2] = bytes[j];
    }
    for (size_t j = 0; j < 8; j++) {
        uint8_t u[32];
        for (size_t k = 0; k < 32; k++)
            u[k] = (uint8_t)(block.q[32 * j + k] + zero);
        pack_two_bits(u, r, lines + 2 * LINE * j);
    }
}

static void pack_mxfp4(uint32_t type, const uint8_t *block, size_t r, uint8_t *out) {
    (void)type;
    out[r] = block[0];
    for (size_t g = 0; g < 4; g++)
        store_word(out + PANEL, g, r, load_word(block + 1, g));
}

/* Pairs of scales: 8 for sub-blocks of 16, 4 for those of 32. */
static size_t table_pairs(uint32_t type) { return packed_type_of(type).size == 2368 ? 8 : 4; }

/* Types of 256 whose elements are places in a table. */
static void pack_places(uint32_t type, const uint8_t *bytes, size_t r, uint8_t *out) {
    const inlay__block_type *t = inlay__block_type_get(type);
    const size_t n = table_pairs(type), step = 8 / n;
    uint8_t place[256] = {0}, *lines = out + (4 + 2 * n) * PANEL;
    inlay__superblock block;
    t->unpack_k(bytes, &block);
    memcpy(out + 4 * r, &block.d, 4);
    for (size_t i = 0; i < 2 * n; i++)
        out[4 * PANEL + i / 2 * 2 * PANEL + 2 * r + i % 2] = (uint8_t)block.scale[step * i];
    for (size_t v = 16; v-- > 0;)
        place[(uint8_t)t->values[v]] = (uint8_t)v;
    for (size_t j = 0; j < 8; j++, lines += 4 * LINE) {
        uint8_t u[32];
        for (size_t k = 0; k < 32; k++)
            u[k] = place[(uint8_t)block.q[32 * j + k]];
        for (size_t g = 0; g < 4; g++)
            store_word(lines, g, r, load_word(u, g) | load_word(u, g + 4) << 4);
    }
}

/* One row of all blocks, so that the file is read straight on; what is written fits the first-level cache. The type is
 * a constant here, for the compiler. */
#define PACK_ROWS(type_name, pack_one)                                 \
    case type_name:                                                    \
        for (size_t b = 0; b < n_blocks; b++)                          \
            pack_one(type_name, row + b * t->size, r, out + b * size); \
        break

static void pack_row(const inlay__matrix *m, size_t r, const uint8_t *row, uint8_t *out) {
    const inlay__block_type *t = inlay__block_type_get(m->type);
    size_t n_blocks = m->n_k / t->length, size = packed_type_of(m->type).size;
    switch (m->type) {
        PACK_ROWS(INLAY_TYPE_Q4_0, pack_row_32);
        PACK_ROWS(INLAY_TYPE_Q4_1, pack_row_32);
        PACK_ROWS(INLAY_TYPE_Q5_0, pack_row_32);
        PACK_ROWS(INLAY_TYPE_Q5_1, pack_row_32);
        PACK_ROWS(INLAY_TYPE_Q8_0, pack_row_32);
        PACK_ROWS(INLAY_TYPE_IQ4_NL, pack_row_32);
        PACK_ROWS(INLAY_TYPE_Q3_K, pack_q3_k);
        PACK_ROWS(INLAY_TYPE_Q4_K, pack_q4_k_or_q5_k);
        PACK_ROWS(INLAY_TYPE_Q5_K, pack_q4_k_or_q5_k);
        PACK_ROWS(INLAY_TYPE_Q6_K, pack_q6_k);
        PACK_ROWS(INLAY_TYPE_Q2_K, pack_small);
        PACK_ROWS(INLAY_TYPE_MXFP4, pack_mxfp4);
    case INLAY_TYPE_Q16_0:
        for (size_t b = 0; b < n_blocks; b++) inlay__pack_wide(row + b * t->size, r, out + b * size);
        break;
    case INLAY_TYPE_TQ1_0:
    case INLAY_TYPE_TQ2_0:
        for (size_t b = 0; b < n_blocks; b++)
            pack_small(m->type, row + b * t->size, r, out + b * size);
        break;
    default: /* by table */
        for (size_t b = 0; b < n_blocks; b++)
            pack_places(m->type, row + b * t->size, r, out + b * size);
        break;
    }
}

void inlay__matrix_pack(const inlay__kernels *kernels, const inlay__matrix *rows, size_t panel_begin, size_t panel_end,
                        uint8_t *packed) {
    size_t n_blocks = rows->n_k / inlay__block_type_get(rows->type)->length;
    size_t panel_size = n_blocks * packed_type_of(rows->type).size;
    for (size_t panel = panel_begin; panel < panel_end; panel++) {
        uint8_t *out = packed + panel * panel_size;
        size_t first = panel * PANEL, n = inlay__min_size(PANEL, rows->n_rows - first);
        if (n == PANEL && kernels != NULL && kernels->pack != NULL &&
            kernels->pack(rows->type, rows->data + first * rows->row_size, rows->row_size, n_blocks, out))
            continue;
        if (n < PANEL) memset(out, 0, panel_size);
        for (size_t r = 0; r < n; r++)
            pack_row(rows, r, rows->data + (first + r) * rows->row_size, out);
    }
}

/* The elements of one row of a block of 32, as unsigned u, out of its lines. */
static void unpack_elements(const uint8_t *lines, uint32_t bits, size_t r, uint8_t u[32]) {
    for (size_t k = 0; k < 32; k++) {
        size_t g = k / 4, at = 4 * r + k % 4;
        if (bits == 8) {
            u[k] = lines[LINE * g + at];
            continue;
        }
        if (bits == 2) {
            u[k] = lines[LINE * (g / 4) + at] >> (2 * (g % 4)) & 3;
            continue;
        }
        unsigned low = lines[LINE * (g % 4) + at] >> (g < 4 ? 0 : 4) & 15, high = 0;
        if (bits == 5) high = lines[LINE * 4 + at] >> g & 1;
        if (bits == 6) high = lines[LINE * (4 + g / 4) + at] >> (2 * (g % 4)) & 3;
        u[k] = (uint8_t)(low | high << 4);
    }
}

/* The same of types of 2 bits and of places in a table. */
static void unpack_small(uint32_t type, const uint8_t *block, size_t r, inlay__superblock *out) {
    const int8_t *values = inlay__block_type_get(type)->values;
    const packed_type packed = packed_type_of(type);
    const uint8_t *lines;
    if (values != NULL) {
        const size_t n = table_pairs(type), step = 8 / n;
        memcpy(&out->d, block + 4 * r, 4);
        for (size_t j = 0; j < 16; j++)
            out->scale[j] = (int8_t)block[4 * PANEL + j / step / 2 * 2 * PANEL + 2 * r + j / step % 2];
        lines = block + (4 + 2 * n) * PANEL;
    } else if (type == INLAY_TYPE_Q2_K) {
        out->dmin = inlay__f16_to_f32(inlay__load_u16(block + 2 * PANEL + 2 * r));
        for (size_t j = 0; j < 16; j++) {
            uint8_t both = block[4 * PANEL + j / 2 * 2 * PANEL + 2 * r + j % 2];
            out->scale[j] = both & 15;
            out->minimum[j] = both >> 4;
        }
        lines = block + (4 + 16) * PANEL;
    } else {
        for (size_t j = 0; j < 16; j++)
            out->scale[j] = 1;
        lines = block + 2 * PANEL;
    }
    for (size_t j = 0; j < 8; j++) {
        uint8_t u[32];
        unpack_elements(lines + j * LINE * packed.bits, packed.bits, r, u);
        for (size_t k = 0; k < 32; k++)
            out->q[32 * j + k] = values != NULL ? values[u[k]] : (int8_t)(u[k] - packed.zero);
    }
}

/* A superblock of one row out of a panel's. */
static void unpack_row_256(uint32_t type, const uint8_t *block, size_t r, inlay__superblock *out) {
    const packed_type packed = packed_type_of(type);
    const uint8_t *scales = block + 2 * PANEL, *lines;
    memset(out, 0, sizeof *out);
    out->d = inlay__f16_to_f32(inlay__load_u16(block + 2 * r));
    if (packed.bits == 2 || inlay__block_type_get(type)->values != NULL) {
        unpack_small(type, block, r, out);
        return;
    }
    if (packed.bits == 6) {
        for (size_t j = 0; j < 16; j++)
            out->scale[j] = (int8_t)scales[j / 2 * 2 * PANEL + 2 * r + j % 2];
        lines = scales + 16 * PANEL;
    } else {
        out->dmin = inlay__f16_to_f32(inlay__load_u16(scales + 2 * r));
        scales += 2 * PANEL;
        const uint8_t *minima = scales + 8 * PANEL;
        for (size_t j = 0; j < 16; j++) {
            out->scale[j] = scales[j / 2 * PANEL + r];
            out->minimum[j] = minima[j / 4 * 2 * PANEL + 2 * r + j / 2 % 2];
        }
        lines = minima + 8 * PANEL;
    }
    for (size_t j = 0; j < 8; j++) {
        uint8_t u[32];
        unpack_elements(lines + j * LINE * packed.bits, packed.bits, r, u);
        for (size_t k = 0; k < 32; k++)
            out->q[32 * j + k] = (int8_t)(u[k] - packed.zero);
    }
}

static void unpack_row_32(uint32_t type, const uint8_t *block, size_t r, inlay__block *out) {
    const inlay__block_type *t = inlay__block_type_get(type);
    const packed_type packed = packed_type_of(type);
    const bool e8m0 = type == INLAY_TYPE_MXFP4;
    uint8_t u[32];
    out->d = e8m0 ? inlay__e8m0_half(block[r]) : inlay__f16_to_f32(inlay__load_u16(block + 2 * r));
    out->m = t->has_minimum ? inlay__f16_to_f32(inlay__load_u16(block + 2 * PANEL + 2 * r)) : 0.0f;
    unpack_elements(block + (t->has_minimum ? 4 : e8m0 ? 1 : 2) * PANEL, packed.bits, r, u);
    for (size_t k = 0; k < 32; k++)
        out->q[k] = t->values != NULL ? t->values[u[k]] : (int8_t)(u[k] - packed.zero);
}

void inlay__packed_block(uint32_t type, const uint8_t *panel, size_t b, size_t r, inlay__block *block) {
    unpack_row_32(type, panel + b * packed_type_of(type).size, r, block);
}

void inlay__packed_superblock(uint32_t type, const uint8_t *panel, size_t b, size_t r, inlay__superblock *block) {
    unpack_row_256(type, panel + b * packed_type_of(type).size, r, block);
}

void inlay__matrix_packed_row(const inlay__matrix *matrix, size_t row, float *out) {
    const inlay__block_type *t = inlay__block_type_get(matrix->type);
    size_t n_blocks = matrix->n_k / t->length, size = packed_type_of(matrix->type).size;
    const uint8_t *panel = matrix->data + row / PANEL * n_blocks * size;
    for (size_t b = 0; b < n_blocks; b++, panel += size, out += t->length) {
        if (t->kind == INLAY__BLOCK_WIDE) {
            inlay__wide_block block;
            inlay__packed_wide(panel, row % PANEL, &block);
            inlay__dequantize_wide(&block, out);
        } else if (t->kind == INLAY__BLOCK_32) {
            inlay__block block;
            unpack_row_32(matrix->type, panel, row % PANEL, &block);
            inlay__dequantize_block(&block, t->has_minimum, out);
        } else {
            inlay__superblock block;
            unpack_row_256(matrix->type, panel, row % PANEL, &block);
            inlay__dequantize_superblock(&block, t->has_minimum, out);
        }
    }
}
