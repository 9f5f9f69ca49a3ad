/* Attention of query rows over one key/value head [Vaswani et al. 2017], with the softmax computed block by block
 * [Milakov and Gimelshein 2018]. Blocks are 256 keys from position 0 whatever the batch, so that every way of
 * cutting a sequence walks through the same sums. For each row, blocks ascending:
 *
 *     s[key] = fma chain of q and k over the head's dimensions, ascending, from +0;
 *              of keys in Q8_0 their product with q in int8, as with weights in Q8_0
 *     s[key] = cap (1 - 2 / (exp(2 (s / cap)) + 1)) with a soft cap; then fma(slope, key - last key, s) with slopes;
 *              then s + bias[key] with biases
 *     m = greatest s;  p[key] = exp(s[key] - m), +0 for keys the row does not see
 *     l = 16-lane sum of the 256 p
 *     o[d] = fma chain of p and v over the keys, ascending, from +0; of values in Q8_0, of p d and q
 *     merge: M' = max(M, m); a = exp(M - M'); c = exp(m - M'); L = fma(l, c, L a); O = fma(o, c, O a)
 *
 * and O / L at the end. A row that sees a window begins with the block that holds its first key. A product with p = +0
 * changes no sum: values are finite.
 */
#include <math.h>

#include "kernels/kernels.h"
#include "kernels/math.h"
#include "kernels/reduce.h"

/* keys: [block of 16][dimension][16]; element at `position`, dimension `i`. */
static size_t key_index(size_t position, size_t i, size_t n_head_dim) {
    return (position / INLAY__LANES * n_head_dim + i) * INLAY__LANES + position % INLAY__LANES;
}

void inlay__store_key(const float *key, size_t n_head_dim, uint32_t cache_type, size_t position, void *keys) {
    if (cache_type == INLAY_TYPE_Q8_0) {
        inlay__store_key_q8_0(inlay__quantize_32, key, n_head_dim, position, keys);
        return;
    }
    for (size_t i = 0; i < n_head_dim; i++) {
        size_t at = key_index(position, i, n_head_dim);
        if (cache_type == INLAY_TYPE_F16)
            ((uint16_t *)keys)[at] = inlay__f32_to_f16(key[i]);
        else
            ((float *)keys)[at] = key[i];
    }
}

void inlay__load_key(const void *keys, size_t n_head_dim, uint32_t cache_type, size_t position, float *key) {
    if (cache_type == INLAY_TYPE_Q8_0) {
        inlay__load_key_q8_0(keys, n_head_dim, position, key);
        return;
    }
    for (size_t i = 0; i < n_head_dim; i++) {
        size_t at = key_index(position, i, n_head_dim);
        key[i] =
            cache_type == INLAY_TYPE_F16 ? inlay__f16_to_f32(((const uint16_t *)keys)[at]) : ((const float *)keys)[at];
    }
}

void inlay__store_value(const float *value, size_t n_head_dim, uint32_t cache_type, size_t position, void *values) {
    if (cache_type == INLAY_TYPE_Q8_0) {
        inlay__store_value_q8_0(inlay__quantize_32, value, n_head_dim, position, values);
        return;
    }
    for (size_t i = 0; i < n_head_dim; i++) {
        size_t at = position * n_head_dim + i;
        if (cache_type == INLAY_TYPE_F16)
            ((uint16_t *)values)[at] = inlay__f32_to_f16(value[i]);
        else
            ((float *)values)[at] = value[i];
    }
}

static float load_cached(uint32_t cache_type, const void *cache, size_t at) {
    return cache_type == INLAY_TYPE_F16 ? inlay__f16_to_f32(((const uint16_t *)cache)[at]) : ((const float *)cache)[at];
}

/* Scores [256] of a row's first n keys. */
static void score_block(const inlay__attention *a, const inlay__acts *queries, size_t r, size_t n, float *scores) {
    if (a->cache_type == INLAY_TYPE_Q8_0) {
        inlay__attention_scores(a, queries, n, inlay__product_keys_q8_0, a->scratch);
        if (r != 0) memcpy(scores, a->scratch + r * INLAY__KEY_BLOCK, n * sizeof(float));
        return;
    }
    for (size_t key = 0; key < n; key++) {
        float s = 0.0f;
        for (size_t i = 0; i < a->n_head_dim; i++)
            s = inlay__fma(a->q[r][i], load_cached(a->cache_type, a->keys, key_index(key, i, a->n_head_dim)), s);
        scores[key] = s;
    }
}

/* A score after soft cap, slope and bias. */
static float bend(const inlay__attention *a, size_t r, size_t key, float s) {
    if (a->soft_cap > 0.0f) {
        float t = s / a->soft_cap;
        s = a->soft_cap * (1.0f - 2.0f / (inlay__exp(t + t) + 1.0f));
    }
    if (a->slopes != NULL) s = inlay__fma(a->slopes[r], (float)((int64_t)(key + 1) - (int64_t)a->n_keys[r]), s);
    return a->biases != NULL ? s + a->biases[r][key] : s;
}

/* Weights of keys [first + begin, first + n) of row r in place of their scores p [256], zeros elsewhere; returns the
 * greatest score and the sum. */
static inlay__softmax weigh_block(const inlay__attention *a, size_t r, size_t first, size_t begin, size_t n, float *p) {
    inlay__softmax block = {-INFINITY, 0.0f};
    float lanes[INLAY__LANES] = {0};
    for (size_t key = 0; key < INLAY__KEY_BLOCK; key++)
        if (key < begin || key >= n) p[key] = 0.0f;
    for (size_t key = begin; key < n; key++) {
        float s = p[key] = bend(a, r, first + key, p[key]);
        if (s > block.greatest || s != s) block.greatest = s;
    }
    for (size_t key = begin; key < n; key++) {
        p[key] = inlay__exp(p[key] - block.greatest);
        lanes[key % INLAY__LANES] += p[key];
    }
    block.sum = inlay__fold(lanes);
    return block;
}

/* o [n_head_dim] = sum of the block's values, weighted. */
static void gather_block(const inlay__attention *a, size_t n, const float *p, float *o) {
    for (size_t i = 0; i < a->n_head_dim; i++)
        o[i] = 0.0f;
    for (size_t key = 0; key < n; key++) {
        if (a->cache_type == INLAY_TYPE_Q8_0) {
            inlay__gather_q8_0(a, key, p[key], o);
            continue;
        }
        for (size_t i = 0; i < a->n_head_dim; i++)
            o[i] = inlay__fma(p[key], load_cached(a->cache_type, a->values, key * a->n_head_dim + i), o[i]);
    }
}

void inlay__attention_merge(inlay__softmax *row, const inlay__softmax *block, const float *o, size_t n, float *out) {
    if (block->greatest == -INFINITY && block->sum == 0.0f) return; /* no key seen */
    float greatest = row->greatest > block->greatest ? row->greatest : block->greatest;
    float keep = inlay__exp(row->greatest - greatest), take = inlay__exp(block->greatest - greatest);
    row->greatest = greatest;
    row->sum = inlay__fma(block->sum, take, row->sum * keep);
    for (size_t i = 0; i < n; i++)
        out[i] = inlay__fma(o[i], take, out[i] * keep);
}

void inlay__attention_scalar(const inlay__attention *a) {
    float *p = a->scratch, *o = a->scratch + INLAY__ATTENTION_ROWS * INLAY__KEY_BLOCK;
    inlay__acts queries = {0};
    if (a->cache_type == INLAY_TYPE_Q8_0) queries = inlay__attention_queries(a, inlay__quantize_32);
    for (size_t r = 0; r < a->n_rows; r++) {
        inlay__softmax row = {-INFINITY, 0.0f};
        for (size_t i = 0; i < a->n_head_dim; i++)
            a->out[r][i] = 0.0f;
        size_t key_begin = a->key_begin != NULL ? a->key_begin[r] : 0;
        for (size_t first = key_begin / INLAY__KEY_BLOCK * INLAY__KEY_BLOCK; first < a->n_keys[r];
             first += INLAY__KEY_BLOCK) {
            size_t n = inlay__min_size(INLAY__KEY_BLOCK, a->n_keys[r] - first);
            const inlay__attention at = inlay__attention_block(a, first);
            score_block(&at, &queries, r, n, p);
            inlay__softmax block = weigh_block(a, r, first, key_begin > first ? key_begin - first : 0, n, p);
            gather_block(&at, n, p, o);
            inlay__attention_merge(&row, &block, o, a->n_head_dim, a->out[r]);
        }
        for (size_t i = 0; a->part == NULL && i < a->n_head_dim; i++)
            a->out[r][i] = a->out[r][i] / row.sum;
        if (a->part != NULL) a->part[r] = row;
    }
}
