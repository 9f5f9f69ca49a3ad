/* attention.c with NEON: 16 keys are four registers, and up to 4 query rows share each load of keys and values.
 *
 * The rows of a tile may see different numbers of keys (neighbouring tokens of a prompt). All walk through the keys
 * that any of them sees; scores beyond a row's own are replaced by weights of +0, which change no sum.
 */
#include <math.h>

#include "kernels/arm/neon.h"

#if defined(__aarch64__)

/* Tiles of 4 rows by 16 keys or dimensions: 16 registers of sums, 4 of what is shared, 4 of what each row brings. */
enum { ROWS = 4, WIDTH = 16 };

/* Four cached numbers as floats. */
INLAY__NEON_INLINE float32x4_t load_cached(const void *cache, size_t at, bool f16) {
    return f16 ? inlay__load_4_f16((const uint16_t *)cache + at) : vld1q_f32((const float *)cache + at);
}

/* acc [n_rows][4] += each row's lane times 16 shared numbers. A macro, since lanes are constants. */
#define ADD_LANE(acc, shared, each, lane, n_rows)                                    \
    for (size_t r = 0; r < (n_rows); r++)                                            \
        for (size_t v = 0; v < 4; v++)                                               \
            acc[r][v] = vfmaq_laneq_f32(acc[r][v], (shared)[v], (each)[r], lane)

/* Dimensions i to i + 3 of 16 keys. */
INLAY__NEON_INLINE void load_16(const void *cache, size_t at, bool f16, float32x4_t shared[4]) {
    for (size_t v = 0; v < 4; v++)
        shared[v] = load_cached(cache, at + 4 * v, f16);
}

/* Scores of 16 keys for n_rows rows: a chain over the dimensions for each. */
INLAY__NEON_INLINE void score_16(const inlay__attention *a, const float *const *q, size_t n_rows, size_t key, bool f16,
                                 float *scores) {
    float32x4_t acc[ROWS][4], keys[4], each[ROWS];
    for (size_t r = 0; r < n_rows; r++)
        for (size_t v = 0; v < 4; v++)
            acc[r][v] = vdupq_n_f32(0.0f);
    size_t at = key * a->n_head_dim;
    for (size_t i = 0; i < a->n_head_dim; i += 4, at += 4 * INLAY__LANES) {
        for (size_t r = 0; r < n_rows; r++)
            each[r] = vld1q_f32(q[r] + i);
        load_16(a->keys, at, f16, keys);
        ADD_LANE(acc, keys, each, 0, n_rows);
        load_16(a->keys, at + INLAY__LANES, f16, keys);
        ADD_LANE(acc, keys, each, 1, n_rows);
        load_16(a->keys, at + 2 * INLAY__LANES, f16, keys);
        ADD_LANE(acc, keys, each, 2, n_rows);
        load_16(a->keys, at + 3 * INLAY__LANES, f16, keys);
        ADD_LANE(acc, keys, each, 3, n_rows);
    }
    for (size_t r = 0; r < n_rows; r++)
        for (size_t v = 0; v < 4; v++)
            vst1q_f32(scores + r * INLAY__KEY_BLOCK + 4 * v, acc[r][v]);
}

/* scores [n_rows, 256] of the first n keys. */
INLAY__NEON_INLINE void score_block(const inlay__attention *a, size_t n, bool f16, float *scores) {
    for (size_t key = 0; key < n; key += INLAY__LANES) {
        size_t r = 0;
        float *out = scores + key;
        for (; r + ROWS <= a->n_rows; r += ROWS)
            score_16(a, a->q + r, ROWS, key, f16, out + r * INLAY__KEY_BLOCK);
        for (; r + 3 <= a->n_rows; r += 3)
            score_16(a, a->q + r, 3, key, f16, out + r * INLAY__KEY_BLOCK);
        for (; r < a->n_rows; r++)
            score_16(a, a->q + r, 1, key, f16, out + r * INLAY__KEY_BLOCK);
    }
}

/* A row's n scores after soft cap, slope and bias. */
INLAY__NEON_INLINE void bend(const inlay__attention *a, size_t r, size_t first, size_t n, float *scores) {
    static const int32_t lanes[4] = {0, 1, 2, 3};
    for (size_t key = 0; key < n; key += 4) {
        float32x4_t s = vld1q_f32(scores + key);
        if (a->soft_cap > 0.0f) s = inlay__cap_neon(s, vdupq_n_f32(a->soft_cap));
        if (a->slopes != NULL) {
            int32_t behind = (int32_t)((int64_t)(first + key + 1) - (int64_t)a->n_keys[r]);
            float32x4_t each = vcvtq_f32_s32(vaddq_s32(vdupq_n_s32(behind), vld1q_s32(lanes)));
            s = vfmaq_f32(s, vdupq_n_f32(a->slopes[r]), each);
        }
        if (a->biases != NULL) s = vaddq_f32(s, vld1q_f32(a->biases[r] + first + key));
        vst1q_f32(scores + key, s);
    }
}

/* One row's scores [256] to weights, of which [begin, n) count; returns the greatest score, NaN if any is, and the
 * sum. */
INLAY__NEON_INLINE float weigh(float *p, size_t begin, size_t n, float *greatest) {
    size_t padded = inlay__round_up(n, INLAY__LANES);
    for (size_t key = 0; key < begin; key++)
        p[key] = -INFINITY;
    for (size_t key = n; key < padded; key++)
        p[key] = -INFINITY;
    float32x4_t m = vdupq_n_f32(-INFINITY), lanes[4];
    for (size_t key = 0; key < padded; key += 4)
        m = vmaxq_f32(m, vld1q_f32(p + key));
    *greatest = vmaxvq_f32(m);
    m = vdupq_n_f32(*greatest);
    for (size_t l = 0; l < 4; l++)
        lanes[l] = vdupq_n_f32(0.0f);
    for (size_t key = 0; key < padded; key += INLAY__LANES) {
        for (size_t l = 0; l < 4; l++) {
            float32x4_t e = inlay__exp_neon(vsubq_f32(vld1q_f32(p + key + 4 * l), m));
            vst1q_f32(p + key + 4 * l, e);
            lanes[l] = vaddq_f32(lanes[l], e);
        }
    }
    return inlay__fold_neon(lanes);
}

/* 16 numbers of a value in Q8_0 as they were quantised. */
INLAY__NEON_INLINE void load_16_q8(const uint8_t *q, float32x4_t values[4]) {
    int8x16_t bytes = vld1q_s8((const int8_t *)q);
    int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_high_s8(bytes);
    values[0] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(low)));
    values[1] = vcvtq_f32_s32(vmovl_high_s16(low));
    values[2] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(high)));
    values[3] = vcvtq_f32_s32(vmovl_high_s16(high));
}

/* o [n_rows][stride] from dimension i: weighted sums of `width` numbers (16, or 8 of floats) of n values. */
INLAY__NEON_INLINE void gather(const inlay__attention *a, const float *p, size_t n_rows, size_t n, size_t i,
                               size_t width, uint32_t type, float *o, size_t stride) {
    float32x4_t acc[ROWS][WIDTH / 4], values[WIDTH / 4];
    for (size_t r = 0; r < n_rows; r++)
        for (size_t v = 0; v < width / 4; v++)
            acc[r][v] = vdupq_n_f32(0.0f);
    size_t row_size = a->n_head_dim / INLAY__Q_LENGTH * 34; /* blocks of 34 bytes, where values are in Q8_0 */
    const uint8_t *block = (const uint8_t *)a->values + i / INLAY__Q_LENGTH * 34;
    size_t at = i;
    for (size_t key = 0; key < n; key++, at += a->n_head_dim, block += row_size) {
        float32x4_t d = vdupq_n_f32(1.0f);
        if (type == INLAY_TYPE_Q8_0) {
            d = vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(inlay__load_u16(block))));
            load_16_q8(block + 2 + i % INLAY__Q_LENGTH, values);
        } else {
            for (size_t v = 0; v < width / 4; v++)
                values[v] = load_cached(a->values, at + 4 * v, type == INLAY_TYPE_F16);
        }
        for (size_t r = 0; r < n_rows; r++) {
            float32x4_t weight = vdupq_n_f32(p[r * INLAY__KEY_BLOCK + key]);
            if (type == INLAY_TYPE_Q8_0) weight = vmulq_f32(weight, d);
            for (size_t v = 0; v < width / 4; v++)
                acc[r][v] = vfmaq_f32(acc[r][v], weight, values[v]);
        }
    }
    for (size_t r = 0; r < n_rows; r++)
        for (size_t v = 0; v < width / 4; v++)
            vst1q_f32(o + r * stride + i + 4 * v, acc[r][v]);
}

INLAY__NEON_INLINE void gather_rows(const inlay__attention *a, const float *p, size_t n_rows, size_t n, uint32_t type,
                                    float *o, size_t stride) {
    size_t i = 0;
    for (; i + WIDTH <= a->n_head_dim; i += WIDTH)
        gather(a, p, n_rows, n, i, WIDTH, type, o, stride);
    if (i < a->n_head_dim) gather(a, p, n_rows, n, i, 8, type == INLAY_TYPE_Q8_0 ? INLAY_TYPE_F16 : type, o, stride);
}

void inlay__attention_merge_neon(inlay__softmax *row, const inlay__softmax *block, const float *o, size_t n,
                                 float *out) {
    if (n % 4 != 0) {
        inlay__attention_merge(row, block, o, n, out);
        return;
    }
    if (block->greatest == -INFINITY && block->sum == 0.0f) return; /* no key seen */
    float greatest = row->greatest > block->greatest ? row->greatest : block->greatest;
    float keep = inlay__exp(row->greatest - greatest), take = inlay__exp(block->greatest - greatest);
    row->greatest = greatest;
    row->sum = inlay__fma(block->sum, take, row->sum * keep);
    for (size_t i = 0; i < n; i += 4) {
        float32x4_t kept = vmulq_n_f32(vld1q_f32(out + i), keep);
        vst1q_f32(out + i, vfmaq_n_f32(kept, vld1q_f32(o + i), take));
    }
}

/* One block's scores, weights, sums and weighted values, merged into each row. */
INLAY__NEON_INLINE void attend_block(const inlay__attention *a, size_t first, size_t n, const inlay__acts *queries,
                                     inlay__product_fn product_keys, uint32_t type, inlay__softmax *state) {
    float *p = a->scratch, *o = a->scratch + INLAY__ATTENTION_ROWS * INLAY__KEY_BLOCK;
    inlay__softmax block[INLAY__ATTENTION_ROWS];
    const inlay__attention at = inlay__attention_block(a, first);
    if (type == INLAY_TYPE_Q8_0)
        inlay__attention_scores(&at, queries, n, product_keys, p);
    else
        score_block(&at, n, type == INLAY_TYPE_F16, p);
    for (size_t r = 0; r < a->n_rows; r++) {
        float *row = p + r * INLAY__KEY_BLOCK;
        size_t unseen = a->key_begin != NULL && a->key_begin[r] > first ? a->key_begin[r] - first : 0;
        size_t seen = a->n_keys[r] > first && unseen < n ? inlay__min_size(n, a->n_keys[r] - first) : 0;
        if (inlay__attention_bends(a)) bend(a, r, first, inlay__round_up(seen, 4), row);
        block[r] = (inlay__softmax){-INFINITY, 0.0f};
        if (seen > 0) block[r].sum = weigh(row, unseen, seen, &block[r].greatest);
        size_t done = inlay__round_up(seen, INLAY__LANES);
        memset(row + done, 0, (inlay__round_up(n, INLAY__LANES) - done) * sizeof(float));
    }
    size_t r = 0;
    for (; r + ROWS <= a->n_rows; r += ROWS)
        gather_rows(&at, p + r * INLAY__KEY_BLOCK, ROWS, n, type, o + r * a->n_head_dim, a->n_head_dim);
    for (; r + 3 <= a->n_rows; r += 3)
        gather_rows(&at, p + r * INLAY__KEY_BLOCK, 3, n, type, o + r * a->n_head_dim, a->n_head_dim);
    for (; r < a->n_rows; r++)
        gather_rows(&at, p + r * INLAY__KEY_BLOCK, 1, n, type, o + r * a->n_head_dim, a->n_head_dim);
    for (r = 0; r < a->n_rows; r++)
        inlay__attention_merge_neon(&state[r], &block[r], o + r * a->n_head_dim, a->n_head_dim, a->out[r]);
}

INLAY__NEON_INLINE void attend(const inlay__attention *a, inlay__product_fn product_keys, uint32_t type) {
    inlay__softmax state[INLAY__ATTENTION_ROWS];
    size_t n_keys = 0, key_begin = SIZE_MAX;
    inlay__acts queries = {0};
    if (type == INLAY_TYPE_Q8_0) queries = inlay__attention_queries(a, inlay__quantize_32_neon);
    for (size_t r = 0; r < a->n_rows; r++) {
        key_begin = inlay__min_size(key_begin, a->key_begin != NULL ? a->key_begin[r] : 0);
        state[r] = (inlay__softmax){-INFINITY, 0.0f};
        n_keys = inlay__max_size(n_keys, a->n_keys[r]);
        memset(a->out[r], 0, a->n_head_dim * sizeof(float));
    }
    for (size_t first = key_begin / INLAY__KEY_BLOCK * INLAY__KEY_BLOCK; first < n_keys; first += INLAY__KEY_BLOCK)
        attend_block(a, first, inlay__min_size(INLAY__KEY_BLOCK, n_keys - first), &queries, product_keys, type, state);
    for (size_t r = 0; r < a->n_rows; r++) {
        for (size_t i = 0; a->part == NULL && i < a->n_head_dim; i += 4)
            vst1q_f32(a->out[r] + i, vdivq_f32(vld1q_f32(a->out[r] + i), vdupq_n_f32(state[r].sum)));
        if (a->part != NULL) a->part[r] = state[r];
    }
}

static void attend_any(const inlay__attention *a, inlay__product_fn product_keys) {
    if (a->n_head_dim % 8 != 0)
        inlay__attention_scalar(a);
    else if (a->cache_type == INLAY_TYPE_Q8_0)
        attend(a, product_keys, INLAY_TYPE_Q8_0);
    else if (a->cache_type == INLAY_TYPE_F16)
        attend(a, product_keys, INLAY_TYPE_F16);
    else
        attend(a, product_keys, INLAY_TYPE_F32);
}

void inlay__attention_neon(const inlay__attention *a) { attend_any(a, inlay__product_q8_0_neon); }
#if INLAY__ARM_LEVELS
void inlay__attention_dotprod(const inlay__attention *a) { attend_any(a, inlay__product_q8_0_dotprod); }
void inlay__attention_i8mm(const inlay__attention *a) { attend_any(a, inlay__product_q8_0_i8mm); }
#endif

/* Eight numbers as halves, rounded to nearest even. */
INLAY__NEON_INLINE uint16x8_t to_8_f16(const float *x) {
    return vreinterpretq_u16_f16(vcvt_high_f16_f32(vcvt_f16_f32(vld1q_f32(x)), vld1q_f32(x + 4)));
}

void inlay__store_key_neon(const float *key, size_t n_head_dim, uint32_t cache_type, size_t position, void *keys) {
    if (cache_type == INLAY_TYPE_Q8_0) {
        inlay__store_key_q8_0(inlay__quantize_32_neon, key, n_head_dim, position, keys);
        return;
    }
    if (cache_type != INLAY_TYPE_F16 || n_head_dim % 8 != 0) {
        inlay__store_key(key, n_head_dim, cache_type, position, keys);
        return;
    }
    uint16_t *out = (uint16_t *)keys + position / INLAY__LANES * n_head_dim * INLAY__LANES + position % INLAY__LANES;
    for (size_t i = 0; i < n_head_dim; i += 8) {
        uint16_t half[8];
        vst1q_u16(half, to_8_f16(key + i));
        for (size_t l = 0; l < 8; l++)
            out[(i + l) * INLAY__LANES] = half[l];
    }
}

void inlay__store_value_neon(const float *value, size_t n_head_dim, uint32_t cache_type, size_t position,
                             void *values) {
    if (cache_type == INLAY_TYPE_Q8_0) {
        inlay__store_value_q8_0(inlay__quantize_32_neon, value, n_head_dim, position, values);
        return;
    }
    if (cache_type != INLAY_TYPE_F16 || n_head_dim % 8 != 0) {
        inlay__store_value(value, n_head_dim, cache_type, position, values);
        return;
    }
    uint16_t *out = (uint16_t *)values + position * n_head_dim;
    for (size_t i = 0; i < n_head_dim; i += 8)
        vst1q_u16(out + i, to_8_f16(value + i));
}

#else
typedef int inlay__not_arm; /* a source file may not be empty */
#endif
