/* Keys and values cached as int8, for attention. A head is cut in blocks of 32 dimensions, quantised as activations
 * are, with d rounded to f16. Both take 34 bytes a block.
 *
 *     keys     [n_positions / 16][n_head_dim / 32] packed blocks of Q8_0 of 16 keys side by side (pack.c draws them)
 *     values   [n_positions][n_head_dim / 32] blocks of Q8_0 (blocks.h)
 *
 * So the scores of 16 keys are a panel's product with the queries in int8, and every level's product kernel serves.
 */
#include "kernels/kernels.h"
#include "kernels/math.h"

enum { PANEL_BLOCK = 544, PANEL_SCALES = 32, PANEL_LINE = 64, VALUE_BLOCK = 34 };

/* One block of 32 numbers; returns d as f16. */
static uint16_t quantize_block(inlay__quantize_fn quantize, const float *x, int8_t q[INLAY__Q_LENGTH]) {
    float d, dsum;
    int32_t sum;
    inlay__acts acts = {.n_k = INLAY__Q_LENGTH, .n_blocks = 1, .q = q, .d = &d, .sum = &sum, .dsum = &dsum};
    quantize(x, &acts, 0);
    return inlay__f32_to_f16(d);
}

void inlay__store_key_q8_0(inlay__quantize_fn quantize, const float *key, size_t n_head_dim, size_t position,
                           void *keys) {
    size_t n_blocks = n_head_dim / INLAY__Q_LENGTH, lane = position % INLAY__LANES;
    uint8_t *block = (uint8_t *)keys + position / INLAY__LANES * n_blocks * PANEL_BLOCK;
    for (size_t b = 0; b < n_blocks; b++, block += PANEL_BLOCK) {
        int8_t q[INLAY__Q_LENGTH];
        uint16_t d = quantize_block(quantize, key + b * INLAY__Q_LENGTH, q);
        memcpy(block + 2 * lane, &d, sizeof d);
        for (size_t k = 0; k < INLAY__Q_LENGTH; k++)
            block[PANEL_SCALES + k / 4 * PANEL_LINE + 4 * lane + k % 4] = (uint8_t)(q[k] ^ 0x80);
    }
}

void inlay__load_key_q8_0(const void *keys, size_t n_head_dim, size_t position, float *key) {
    size_t n_blocks = n_head_dim / INLAY__Q_LENGTH, lane = position % INLAY__LANES;
    const uint8_t *block = (const uint8_t *)keys + position / INLAY__LANES * n_blocks * PANEL_BLOCK;
    for (size_t b = 0; b < n_blocks; b++, block += PANEL_BLOCK) {
        float d = inlay__f16_to_f32(inlay__load_u16(block + 2 * lane));
        for (size_t k = 0; k < INLAY__Q_LENGTH; k++) {
            uint8_t q = block[PANEL_SCALES + k / 4 * PANEL_LINE + 4 * lane + k % 4] ^ 0x80;
            *key++ = d * (float)(int8_t)q;
        }
    }
}

void inlay__store_value_q8_0(inlay__quantize_fn quantize, const float *value, size_t n_head_dim, size_t position,
                             void *values) {
    size_t n_blocks = n_head_dim / INLAY__Q_LENGTH;
    uint8_t *block = (uint8_t *)values + position * n_blocks * VALUE_BLOCK;
    for (size_t b = 0; b < n_blocks; b++, block += VALUE_BLOCK) {
        int8_t q[INLAY__Q_LENGTH];
        uint16_t d = quantize_block(quantize, value + b * INLAY__Q_LENGTH, q);
        memcpy(block, &d, sizeof d);
        memcpy(block + 2, q, sizeof q);
    }
}

inlay__acts inlay__attention_queries(const inlay__attention *a, inlay__quantize_fn quantize) {
    size_t n_blocks = a->n_head_dim / INLAY__Q_LENGTH, n = INLAY__ATTENTION_ROWS * n_blocks;
    float *floats = a->scratch + INLAY__ATTENTION_ROWS * (INLAY__KEY_BLOCK + a->n_head_dim);
    inlay__acts acts = {.n_k = a->n_head_dim,
                        .n_blocks = n_blocks,
                        .d = floats,
                        .dsum = floats + n,
                        .sum = (int32_t *)(void *)(floats + 2 * n),
                        .q = (int8_t *)(floats + 3 * n)};
    for (size_t r = 0; r < a->n_rows; r++)
        quantize(a->q[r], &acts, r);
    return acts;
}

void inlay__attention_scores(const inlay__attention *a, const inlay__acts *acts, size_t n, inlay__product_fn product,
                             float *scores) {
    size_t panel_size = a->n_head_dim / INLAY__Q_LENGTH * PANEL_BLOCK;
    inlay__product p = {.type = INLAY_TYPE_Q8_0,
                        .weights = a->keys,
                        .row_size = panel_size / INLAY__LANES,
                        .n_k = a->n_head_dim,
                        .acts = acts,
                        .row_end = inlay__round_up(n, INLAY__LANES),
                        .col_end = a->n_rows,
                        .out = scores,
                        .out_stride = INLAY__KEY_BLOCK};
    product(&p);
}

void inlay__product_keys_q8_0(const inlay__product *p) {
    for (size_t col = p->col_begin; col < p->col_end; col++)
        for (size_t row = p->row_begin; row < p->row_end; row++) {
            const uint8_t *block = p->weights + row / INLAY__LANES * p->row_size * INLAY__LANES;
            const int8_t *q = p->acts->q + col * p->n_k;
            size_t lane = row % INLAY__LANES;
            float acc = 0.0f;
            for (size_t b = 0; b < p->acts->n_blocks; b++, block += PANEL_BLOCK, q += INLAY__Q_LENGTH) {
                const uint8_t *lines = block + PANEL_SCALES + 4 * lane;
                int32_t sum = 0;
                for (size_t k = 0; k < INLAY__Q_LENGTH; k++)
                    sum += (lines[k / 4 * PANEL_LINE + k % 4] - 128) * q[k];
                float d = inlay__f16_to_f32(inlay__load_u16(block + 2 * lane));
                acc = inlay__fma((float)sum, d * p->acts->d[col * p->acts->n_blocks + b], acc);
            }
            p->out[(col - p->col_begin) * p->out_stride + (row - p->row_begin)] = acc;
        }
}

/* o = fma(p d, q, o) */
void inlay__gather_q8_0(const inlay__attention *a, size_t position, float p, float *o) {
    const uint8_t *block = (const uint8_t *)a->values + position * (a->n_head_dim / INLAY__Q_LENGTH) * VALUE_BLOCK;
    for (size_t b = 0; b < a->n_head_dim / INLAY__Q_LENGTH; b++, block += VALUE_BLOCK, o += INLAY__Q_LENGTH) {
        float weight = p * inlay__f16_to_f32(inlay__load_u16(block));
        for (size_t k = 0; k < INLAY__Q_LENGTH; k++)
            o[k] = inlay__fma(weight, (float)(int8_t)block[2 + k], o[k]);
    }
}
