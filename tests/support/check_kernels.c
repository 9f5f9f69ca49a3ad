/* What the tests of kernels share. */
#include "support/check_kernels.h"

#include <stdio.h>
#include <stdlib.h>

#include "kernels/math.h"
#include "kernels/wide.h"

const uint32_t product_types[] = {INLAY_TYPE_F32,  INLAY_TYPE_F16,    INLAY_TYPE_BF16,   INLAY_TYPE_Q4_0,
                                  INLAY_TYPE_Q4_1, INLAY_TYPE_Q5_0,   INLAY_TYPE_Q5_1,   INLAY_TYPE_Q8_0,
                                  INLAY_TYPE_Q2_K, INLAY_TYPE_Q3_K,   INLAY_TYPE_Q4_K,   INLAY_TYPE_Q5_K,
                                  INLAY_TYPE_Q6_K, INLAY_TYPE_IQ4_NL, INLAY_TYPE_IQ4_XS, INLAY_TYPE_MXFP4,
                                  INLAY_TYPE_TQ1_0, INLAY_TYPE_TQ2_0, INLAY_TYPE_IQ1_S, INLAY_TYPE_IQ1_M,
                                  INLAY_TYPE_IQ2_XXS, INLAY_TYPE_IQ2_XS, INLAY_TYPE_IQ2_S, INLAY_TYPE_IQ3_XXS,
                                  INLAY_TYPE_IQ3_S, INLAY_TYPE_Q16_0};
const size_t n_product_types = sizeof product_types / sizeof product_types[0];
const size_t n_file_types = sizeof product_types / sizeof product_types[0] - 1;

uint32_t random_u32(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)(*state * 0x2545f4914f6cdd1du >> 32);
}

float random_float(uint64_t *state, float low, float high) {
    return low + (high - low) * ((float)(random_u32(state) >> 8) * 0x1p-24f);
}

void random_floats(uint64_t *state, float *out, size_t n) {
    float scale = random_u32(state) % 8 == 0 ? 1e-30f : random_u32(state) % 8 == 0 ? 1e15f : 1.0f;
    for (size_t i = 0; i < n; i++) {
        uint32_t kind = random_u32(state) % 64;
        out[i] = random_float(state, -4.0f, 4.0f) * scale;
        if (kind == 0) out[i] = 0.0f;
        if (kind == 1) out[i] = -0.0f;
        if (kind == 2) out[i] *= 1e-10f;
        if (kind == 3) out[i] = inlay__bits_f32(random_u32(state) & 0x807fffff); /* subnormal */
    }
}

static uint16_t random_scale(uint64_t *state) {
    static const uint16_t special[] = {0x0000, 0x8000, 0x0001, 0x83ff, 0x0400, 0x7bff, 0xfbff};
    if (random_u32(state) % 16 == 0) return special[random_u32(state) % (sizeof special / sizeof special[0])];
    return inlay__f32_to_f16(random_float(state, -0.1f, 0.1f));
}

static void put_scale(uint8_t *p, uint16_t scale) {
    p[0] = (uint8_t)scale;
    p[1] = (uint8_t)(scale >> 8);
}

/* Where a block holds d; dmin or m follows it. */
static size_t scale_offset(uint32_t type) {
    switch (type) {
    case INLAY_TYPE_Q2_K:
        return 80;
    case INLAY_TYPE_Q3_K:
        return 108;
    case INLAY_TYPE_Q6_K:
        return 208;
    case INLAY_TYPE_TQ1_0:
        return 52;
    case INLAY_TYPE_TQ2_0:
        return 64;
    default:
        return 0;
    }
}

/* Elements within their bounds; now and then all the greatest, or the one that has the greatest digits. */
static void random_wide(uint64_t *state, uint32_t extreme, uint8_t *block) {
    static const int most[] = {INLAY__WIDE_GREATEST, -INLAY__WIDE_GREATEST, 127 * 256 - 128, -127 * 256 + 127};
    uint32_t bits = inlay__f32_bits(inlay__f16_to_f32(random_scale(state)));
    memcpy(block, &bits, 4);
    for (size_t k = 0; k < INLAY__WIDE_LENGTH; k++) {
        int q = (int)(random_u32(state) % (2 * INLAY__WIDE_GREATEST + 1)) - INLAY__WIDE_GREATEST;
        if (extreme < 4) q = most[extreme];
        put_scale(block + 4 + 2 * k, (uint16_t)q);
    }
}

void random_blocks(uint64_t *state, uint32_t type, uint8_t *rows, size_t n_blocks) {
    const inlay__block_type *t = inlay__block_type_get(type);
    for (size_t b = 0; b < n_blocks; b++, rows += t->size) {
        if (t->kind == INLAY__BLOCK_FLOAT) {
            float value;
            random_floats(state, &value, 1);
            uint32_t bits = inlay__f32_bits(value);
            if (type == INLAY_TYPE_F32) memcpy(rows, &bits, 4);
            if (type == INLAY_TYPE_BF16) put_scale(rows, (uint16_t)(bits >> 16));
            if (type == INLAY_TYPE_F16) put_scale(rows, random_scale(state));
            continue;
        }
        /* Now and then the same byte throughout, all bits clear or set: the greatest sums there are. */
        uint32_t extreme = random_u32(state) % 16, same = random_u32(state);
        for (size_t i = 0; i < t->size; i++)
            rows[i] = extreme == 0 ? 0x00 : extreme == 1 ? 0xff : extreme == 2 ? 0x80
                      : extreme == 3 ? (uint8_t)same : (uint8_t)random_u32(state);
        if (type == INLAY_TYPE_MXFP4) { /* an exponent; the great ones would leave no finite sums */
            rows[0] = (uint8_t)(extreme < 2 ? extreme : 100 + random_u32(state) % 40);
            continue;
        }
        if (type == INLAY_TYPE_IQ1_M) { /* in the upper nibbles of four numbers */
            unsigned scale = random_scale(state);
            for (unsigned i = 0; i < 4; i++)
                rows[49 + 2 * i] = (uint8_t)((rows[49 + 2 * i] & 15) | (scale >> 4 * i & 15) << 4);
            continue;
        }
        if (type == INLAY_TYPE_Q16_0) {
            random_wide(state, extreme, rows);
            continue;
        }
        put_scale(rows + scale_offset(type), random_scale(state));
        if (t->has_minimum) put_scale(rows + scale_offset(type) + 2, random_scale(state));
    }
}

size_t sample_of(size_t all) { return getenv("INLAY_SAMPLE") != NULL ? (all + 5) / 6 : all; }

bool next_level(int *level, inlay__kernels *kernels) {
    while (++*level < INLAY__CPU_N_LEVELS) {
        if (!inlay__cpu_has((inlay__cpu)*level)) continue;
        inlay__kernels_init(kernels, (inlay__cpu)*level);
        return true;
    }
    return false;
}

bool same_floats(const char *what, const inlay__kernels *kernels, const float *found, const float *expected, size_t n) {
    for (size_t i = 0; i < n; i++) {
        bool both_nan = found[i] != found[i] && expected[i] != expected[i];
        if (both_nan || inlay__f32_bits(found[i]) == inlay__f32_bits(expected[i])) continue;
        fprintf(stderr, "%s at level %s: element %zu of %zu is %.9g (%08x), expected %.9g (%08x)\n", what,
                inlay__cpu_name(kernels->level), i, n, (double)found[i], (unsigned)inlay__f32_bits(found[i]),
                (double)expected[i], (unsigned)inlay__f32_bits(expected[i]));
        return false;
    }
    return true;
}

static void *room(size_t n) {
    void *memory = inlay__alloc(&inlay__sys_default, n + 64);
    if (memory == NULL) exit(1);
    memset(memory, 0x5a, n);
    return memory;
}

inlay__acts new_acts(size_t n_cols, size_t n_k, size_t block) {
    inlay__acts acts = {.n_k = n_k, .n_blocks = n_k / block};
    size_t n_blocks = n_cols * acts.n_blocks;
    acts.q = room(n_cols * n_k * 2);
    acts.d = room(n_blocks * sizeof *acts.d);
    acts.sum = room(n_blocks * 2 * sizeof *acts.sum);
    acts.dsum = room(n_blocks * sizeof *acts.dsum);
    acts.sum16 = room(n_cols * n_k / 16 * sizeof *acts.sum16);
    acts.sum32 = room(n_cols * n_k / 32 * sizeof *acts.sum32);
    acts.zero6 = room(n_cols * n_k / 8 * sizeof *acts.zero6);
    return acts;
}

void delete_acts(inlay__acts *acts) {
    inlay__free(&inlay__sys_default, acts->q, 0);
    inlay__free(&inlay__sys_default, acts->d, 0);
    inlay__free(&inlay__sys_default, acts->sum, 0);
    inlay__free(&inlay__sys_default, acts->dsum, 0);
    inlay__free(&inlay__sys_default, acts->sum16, 0);
    inlay__free(&inlay__sys_default, acts->sum32, 0);
    inlay__free(&inlay__sys_default, acts->zero6, 0);
}

test_acts make_acts(uint64_t *state, size_t n_cols, size_t n_k) {
    test_acts t = {new_acts(n_cols, n_k, INLAY__Q_LENGTH), new_acts(n_cols, n_k, INLAY__K_LENGTH),
                   new_acts(n_cols, n_k, INLAY__WIDE_LENGTH), room(n_cols * n_k * sizeof(float))};
    random_floats(state, t.x, n_cols * n_k);
    for (size_t col = 0; col < n_cols; col++) {
        uint32_t kind = random_u32(state) % 8; /* all 127, all -127, or one of both: the greatest sums there are */
        for (size_t k = 0; kind < 3 && k < n_k; k++)
            t.x[col * n_k + k] = kind == 0 || (kind == 2 && random_u32(state) % 2 == 0) ? 1.5f : -1.5f;
        inlay__quantize_32(t.x + col * n_k, &t.acts_32, col);
        if (n_k % INLAY__K_LENGTH == 0) inlay__quantize_256(t.x + col * n_k, &t.acts_256, col);
        if (n_k % INLAY__WIDE_LENGTH == 0) inlay__quantize_wide(t.x + col * n_k, &t.acts_wide, col);
    }
    return t;
}

void free_acts(test_acts *t) {
    delete_acts(&t->acts_32);
    delete_acts(&t->acts_256);
    delete_acts(&t->acts_wide);
    inlay__free(&inlay__sys_default, t->x, 0);
}
