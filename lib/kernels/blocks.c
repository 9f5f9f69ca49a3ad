/* Unpacks the block formats that blocks.h draws. */
#include "kernels/blocks.h"
#include "kernels/wide.h"
#include "kernels/blocks_iq.h"
#include "kernels/math.h"

static float load_f16(const uint8_t *p) { return inlay__f16_to_f32(inlay__load_u16(p)); }

static void unpack_nibbles(const uint8_t *bytes, inlay__block *block, int zero) {
    for (int k = 0; k < 16; k++) {
        block->q[k] = (int8_t)((bytes[k] & 15) - zero);
        block->q[k + 16] = (int8_t)((bytes[k] >> 4) - zero);
    }
}

static void add_fifth_bits(uint32_t high, inlay__block *block) {
    for (int k = 0; k < INLAY__Q_LENGTH; k++)
        block->q[k] = (int8_t)(block->q[k] + (int)((high >> k & 1) << 4));
}

static void unpack_q4_0(const uint8_t *bytes, inlay__block *block) {
    block->d = load_f16(bytes);
    block->m = 0.0f;
    unpack_nibbles(bytes + 2, block, 8);
}

static void unpack_q4_1(const uint8_t *bytes, inlay__block *block) {
    block->d = load_f16(bytes);
    block->m = load_f16(bytes + 2);
    unpack_nibbles(bytes + 4, block, 0);
}

static void unpack_q5_0(const uint8_t *bytes, inlay__block *block) {
    block->d = load_f16(bytes);
    block->m = 0.0f;
    unpack_nibbles(bytes + 6, block, 16);
    add_fifth_bits(inlay__load_u32(bytes + 2), block);
}

static void unpack_q5_1(const uint8_t *bytes, inlay__block *block) {
    block->d = load_f16(bytes);
    block->m = load_f16(bytes + 2);
    unpack_nibbles(bytes + 8, block, 0);
    add_fifth_bits(inlay__load_u32(bytes + 4), block);
}

static void unpack_q8_0(const uint8_t *bytes, inlay__block *block) {
    block->d = load_f16(bytes);
    block->m = 0.0f;
    memcpy(block->q, bytes + 2, INLAY__Q_LENGTH);
}

const int8_t inlay__nl_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
const int8_t inlay__mx_values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

static void look_up_nibbles(const uint8_t bytes[16], const int8_t values[16], int8_t q[INLAY__Q_LENGTH]) {
    for (int k = 0; k < 16; k++) {
        q[k] = values[bytes[k] & 15];
        q[k + 16] = values[bytes[k] >> 4];
    }
}

static void unpack_iq4_nl(const uint8_t *bytes, inlay__block *block) {
    block->d = load_f16(bytes);
    block->m = 0.0f;
    look_up_nibbles(bytes + 2, inlay__nl_values, block->q);
}

float inlay__e8m0_half(uint8_t e) {
    uint32_t bits = e < 2 ? UINT32_C(0x200000) << e : (uint32_t)(e - 1) << 23;
    return inlay__bits_f32(bits);
}

static void unpack_mxfp4(const uint8_t *bytes, inlay__block *block) {
    block->d = inlay__e8m0_half(bytes[0]);
    block->m = 0.0f;
    look_up_nibbles(bytes + 1, inlay__mx_values, block->q);
}

/* The two bits of element k of Q2_K and Q3_K. */
static int two_bits(const uint8_t bytes[64], int k) { return bytes[k / 128 * 32 + k % 32] >> k % 128 / 32 * 2 & 3; }

static void unpack_q2_k(const uint8_t *bytes, inlay__superblock *block) {
    block->d = load_f16(bytes + 80);
    block->dmin = load_f16(bytes + 82);
    for (int j = 0; j < INLAY__K_SCALES; j++) {
        block->scale[j] = (int8_t)(bytes[j] & 15);
        block->minimum[j] = (uint8_t)(bytes[j] >> 4);
    }
    for (int k = 0; k < INLAY__K_LENGTH; k++)
        block->q[k] = (int8_t)two_bits(bytes + 16, k);
}

static void unpack_q3_k(const uint8_t *bytes, inlay__superblock *block) {
    const uint8_t *scales = bytes + 96;
    block->d = load_f16(bytes + 108);
    block->dmin = 0.0f;
    memset(block->minimum, 0, INLAY__K_SCALES);
    for (int j = 0; j < INLAY__K_SCALES; j++) {
        int low = scales[j % 8] >> j / 8 * 4 & 15, high = scales[8 + j % 4] >> j / 4 * 2 & 3;
        block->scale[j] = (int8_t)((low | high << 4) - 32);
    }
    for (int k = 0; k < INLAY__K_LENGTH; k++)
        block->q[k] = (int8_t)((two_bits(bytes + 32, k) | (bytes[k % 32] >> k / 32 & 1) << 2) - 4);
}

/* d and no minima; all scales 1. */
static void begin_ternary(const uint8_t *half, inlay__superblock *block) {
    block->d = load_f16(half);
    block->dmin = 0.0f;
    memset(block->minimum, 0, INLAY__K_SCALES);
    for (int j = 0; j < INLAY__K_SCALES; j++)
        block->scale[j] = 1;
}

static void unpack_tq2_0(const uint8_t *bytes, inlay__superblock *block) {
    begin_ternary(bytes + 64, block);
    for (int k = 0; k < INLAY__K_LENGTH; k++)
        block->q[k] = (int8_t)(two_bits(bytes, k) - 1);
}

/* n numbers from each of `count` bytes, number i of all of them before number i + 1. */
static void unpack_ternary(const uint8_t *bytes, size_t count, size_t n, int8_t *q) {
    unsigned power = 1;
    for (size_t i = 0; i < n; i++, power *= 3)
        for (size_t l = 0; l < count; l++) q[count * i + l] = (int8_t)((int)((bytes[l] * power & 255) * 3 >> 8) - 1);
}

static void unpack_tq1_0(const uint8_t *bytes, inlay__superblock *block) {
    begin_ternary(bytes + 52, block);
    unpack_ternary(bytes, 32, 5, block->q);
    unpack_ternary(bytes + 32, 16, 5, block->q + 160);
    unpack_ternary(bytes + 48, 4, 4, block->q + 240);
}

static void unpack_iq4_xs(const uint8_t *bytes, inlay__superblock *block) {
    unsigned high = inlay__load_u16(bytes + 2);
    block->d = load_f16(bytes);
    block->dmin = 0.0f;
    memset(block->minimum, 0, INLAY__K_SCALES);
    for (int j = 0; j < 8; j++) {
        unsigned scale = ((unsigned)bytes[4 + j / 2] >> j % 2 * 4 & 15u) | (high >> 2 * j & 3u) << 4;
        block->scale[2 * j] = block->scale[2 * j + 1] = (int8_t)((int)scale - 32);
        look_up_nibbles(bytes + 8 + 16 * j, inlay__nl_values, block->q + 32 * j);
    }
}

/* The 8 scales and 8 minima of 6 bits, each for 32 elements. */
void inlay__unpack_k_scales(const uint8_t b[12], inlay__superblock *block) {
    for (int j = 0; j < 8; j++) {
        int scale, minimum;
        if (j < 4) {
            scale = b[j] & 63;
            minimum = b[j + 4] & 63;
        } else {
            scale = (b[j + 4] & 15) | (b[j - 4] >> 6) << 4;
            minimum = (b[j + 4] >> 4) | (b[j] >> 6) << 4;
        }
        block->scale[2 * j] = block->scale[2 * j + 1] = (int8_t)scale;
        block->minimum[2 * j] = block->minimum[2 * j + 1] = (uint8_t)minimum;
    }
}

static void unpack_k_nibbles(const uint8_t bytes[128], inlay__superblock *block) {
    for (int k = 0; k < INLAY__K_LENGTH; k++) {
        uint8_t byte = bytes[k / 64 * 32 + k % 32];
        block->q[k] = (int8_t)(k % 64 < 32 ? byte & 15 : byte >> 4);
    }
}

static void unpack_q4_k(const uint8_t *bytes, inlay__superblock *block) {
    block->d = load_f16(bytes);
    block->dmin = load_f16(bytes + 2);
    inlay__unpack_k_scales(bytes + 4, block);
    unpack_k_nibbles(bytes + 16, block);
}

static void unpack_q5_k(const uint8_t *bytes, inlay__superblock *block) {
    const uint8_t *high = bytes + 16;
    block->d = load_f16(bytes);
    block->dmin = load_f16(bytes + 2);
    inlay__unpack_k_scales(bytes + 4, block);
    unpack_k_nibbles(bytes + 48, block);
    for (int k = 0; k < INLAY__K_LENGTH; k++)
        block->q[k] = (int8_t)(block->q[k] | (high[k % 32] >> (k / 32) & 1) << 4);
}

static void unpack_q6_k(const uint8_t *bytes, inlay__superblock *block) {
    block->d = load_f16(bytes + 208);
    block->dmin = 0.0f;
    for (int j = 0; j < INLAY__K_SCALES; j++) block->scale[j] = (int8_t)bytes[192 + j];
    memset(block->minimum, 0, INLAY__K_SCALES);
    for (int k = 0; k < INLAY__K_LENGTH; k++) {
        int half = k / 128, quarter = k % 128 / 32, l = k % 32;
        int low = bytes[64 * half + 32 * (quarter % 2) + l] >> 4 * (quarter / 2) & 15;
        int high = bytes[128 + 32 * half + l] >> 2 * quarter & 3;
        block->q[k] = (int8_t)((low | high << 4) - 32);
    }
}

const inlay__block_type *inlay__block_type_get(uint32_t type) {
    /* kind, length, size, has_minimum, zero, unpack, unpack_k, values */
    static const inlay__block_type types[] = {
        [INLAY_TYPE_F32] = {INLAY__BLOCK_FLOAT, 1, 4, false, 0, NULL, NULL, NULL},
        [INLAY_TYPE_F16] = {INLAY__BLOCK_FLOAT, 1, 2, false, 0, NULL, NULL, NULL},
        [INLAY_TYPE_BF16] = {INLAY__BLOCK_FLOAT, 1, 2, false, 0, NULL, NULL, NULL},
        [INLAY_TYPE_Q4_0] = {INLAY__BLOCK_32, 32, 18, false, 8, unpack_q4_0, NULL, NULL},
        [INLAY_TYPE_Q4_1] = {INLAY__BLOCK_32, 32, 20, true, 0, unpack_q4_1, NULL, NULL},
        [INLAY_TYPE_Q5_0] = {INLAY__BLOCK_32, 32, 22, false, 16, unpack_q5_0, NULL, NULL},
        [INLAY_TYPE_Q5_1] = {INLAY__BLOCK_32, 32, 24, true, 0, unpack_q5_1, NULL, NULL},
        [INLAY_TYPE_Q8_0] = {INLAY__BLOCK_32, 32, 34, false, 0, unpack_q8_0, NULL, NULL},
        [INLAY_TYPE_IQ4_NL] = {INLAY__BLOCK_32, 32, 18, false, 0, unpack_iq4_nl, NULL, inlay__nl_values},
        [INLAY_TYPE_MXFP4] = {INLAY__BLOCK_32, 32, 17, false, 0, unpack_mxfp4, NULL, inlay__mx_values},
        [INLAY_TYPE_Q2_K] = {INLAY__BLOCK_256, 256, 84, true, 0, NULL, unpack_q2_k, NULL},
        [INLAY_TYPE_Q3_K] = {INLAY__BLOCK_256, 256, 110, false, 4, NULL, unpack_q3_k, NULL},
        [INLAY_TYPE_IQ4_XS] = {INLAY__BLOCK_256, 256, 136, false, 0, NULL, unpack_iq4_xs, inlay__nl_values},
        [INLAY_TYPE_Q4_K] = {INLAY__BLOCK_256, 256, 144, true, 0, NULL, unpack_q4_k, NULL},
        [INLAY_TYPE_Q5_K] = {INLAY__BLOCK_256, 256, 176, true, 0, NULL, unpack_q5_k, NULL},
        [INLAY_TYPE_Q6_K] = {INLAY__BLOCK_256, 256, 210, false, 32, NULL, unpack_q6_k, NULL},
        [INLAY_TYPE_TQ1_0] = {INLAY__BLOCK_256, 256, 54, false, 1, NULL, unpack_tq1_0, NULL},
        [INLAY_TYPE_TQ2_0] = {INLAY__BLOCK_256, 256, 66, false, 1, NULL, unpack_tq2_0, NULL},
        [INLAY_TYPE_IQ1_S] = {INLAY__BLOCK_256, 256, 50, false, 0, NULL, inlay__unpack_iq1_s, inlay__iq1_values},
        [INLAY_TYPE_IQ1_M] = {INLAY__BLOCK_256, 256, 56, false, 0, NULL, inlay__unpack_iq1_m, inlay__iq1_values},
        [INLAY_TYPE_IQ2_XXS] = {INLAY__BLOCK_256, 256, 66, false, 0, NULL, inlay__unpack_iq2_xxs, inlay__iq2_values},
        [INLAY_TYPE_IQ2_XS] = {INLAY__BLOCK_256, 256, 74, false, 0, NULL, inlay__unpack_iq2_xs, inlay__iq2_values},
        [INLAY_TYPE_IQ2_S] = {INLAY__BLOCK_256, 256, 82, false, 0, NULL, inlay__unpack_iq2_s, inlay__iq2_values},
        [INLAY_TYPE_IQ3_XXS] = {INLAY__BLOCK_256, 256, 98, false, 0, NULL, inlay__unpack_iq3_xxs,
                                inlay__iq3_xxs_values},
        [INLAY_TYPE_Q16_0] = {INLAY__BLOCK_WIDE, INLAY__WIDE_LENGTH, INLAY__WIDE_SIZE, false, 0, NULL, NULL, NULL},
        [INLAY_TYPE_IQ3_S] = {INLAY__BLOCK_256, 256, 110, false, 0, NULL, inlay__unpack_iq3_s, inlay__iq3_s_values},
    };
    if (type >= INLAY__COUNT(types) || types[type].length == 0) return NULL;
    return &types[type];
}

static void dequantize_floats(uint32_t type, const uint8_t *row, size_t n, float *out) {
    for (size_t k = 0; k < n; k++) {
        if (type == INLAY_TYPE_F32)
            out[k] = inlay__load_f32(row + 4 * k);
        else if (type == INLAY_TYPE_F16)
            out[k] = load_f16(row + 2 * k);
        else
            out[k] = inlay__bf16_to_f32(inlay__load_u16(row + 2 * k));
    }
}

void inlay__dequantize_block(const inlay__block *block, bool has_minimum, float *out) {
    for (size_t k = 0; k < INLAY__Q_LENGTH; k++) {
        float product = block->d * (float)block->q[k];
        out[k] = has_minimum ? product + block->m : product; /* -0 stays -0 without it */
    }
}

void inlay__dequantize_superblock(const inlay__superblock *block, bool has_minimum, float *out) {
    for (size_t k = 0; k < INLAY__K_LENGTH; k++) {
        float scale = block->d * (float)block->scale[k / 16], minimum = block->dmin * (float)block->minimum[k / 16];
        out[k] = has_minimum ? scale * (float)block->q[k] - minimum : scale * (float)block->q[k];
    }
}

void inlay__dequantize_row(uint32_t type, const uint8_t *row, size_t n, float *out) {
    const inlay__block_type *t = inlay__block_type_get(type);
    if (t->kind == INLAY__BLOCK_FLOAT) {
        dequantize_floats(type, row, n, out);
        return;
    }
    for (size_t k = 0; k < n; k += t->length, row += t->size) {
        if (t->kind == INLAY__BLOCK_WIDE) {
            inlay__wide_block block;
            inlay__unpack_wide(row, &block);
            inlay__dequantize_wide(&block, out + k);
        } else if (t->kind == INLAY__BLOCK_32) {
            inlay__block block;
            t->unpack(row, &block);
            inlay__dequantize_block(&block, t->has_minimum, out + k);
        } else {
            inlay__superblock block;
            t->unpack_k(row, &block);
            inlay__dequantize_superblock(&block, t->has_minimum, out + k);
        }
    }
}
