/* attention.c with AVX2: 16 keys are two registers, and up to 12 query rows share each load of keys and values.
 *
 * The rows of a tile may see different numbers of keys (neighbouring tokens of a prompt). All walk through the keys
 * that any of them sees; scores beyond a row's own are replaced by weights of +0, which change no sum.
 */
#include <math.h>

#include "kernels/x86/avx2.h"

#if defined(__x86_64__)

/* Tiles that fill the registers: 6 rows by 16 keys, 3 rows by 32 dimensions. */
enum { SCORE_ROWS = 6, VALUE_ROWS = 3, VALUE_WIDTH = 32 };

/* Eight cached numbers as floats. */
INLAY__AVX2_INLINE __m256 load_cached(const void *cache, size_t at, bool f16) {
    return f16 ? inlay__load_8_f16((const uint16_t *)cache + at) : _mm256_loadu_ps((const float *)cache + at);
}

/* Scores of n_vectors * 8 keys for n_rows rows: a chain over the dimensions for each. Groups of 16 keys are
 * n_head_dim * 16 numbers apart. */
INLAY__AVX2_INLINE void score_keys(const inlay__attention *a, const float *const *q, size_t n_rows, size_t n_vectors,
                                   size_t key, bool f16, float *scores) {
    __m256 acc[SCORE_ROWS][4];
    for (size_t r = 0; r < n_rows; r++)
        for (size_t v = 0; v < n_vectors; v++)
            acc[r][v] = _mm256_setzero_ps();
    size_t at = key * a->n_head_dim, group = a->n_head_dim * INLAY__LANES;
    for (size_t i = 0; i < a->n_head_dim; i++, at += INLAY__LANES) {
        for (size_t v = 0; v < n_vectors; v++) {
            __m256 keys = load_cached(a->keys, at + v / 2 * group + v % 2 * 8, f16);
            for (size_t r = 0; r < n_rows; r++)
                acc[r][v] = _mm256_fmadd_ps(_mm256_set1_ps(q[r][i]), keys, acc[r][v]);
        }
    }
    for (size_t r = 0; r < n_rows; r++)
        for (size_t v = 0; v < n_vectors; v++)
            _mm256_storeu_ps(scores + r * INLAY__KEY_BLOCK + 8 * v, acc[r][v]);
}

/* Up to three rows, 32 keys at a time while there are as many: else too few chains would wait for each other. */
INLAY__AVX2_INLINE void score_few(const inlay__attention *a, const float *const *q, size_t n_rows, size_t n, bool f16,
                                  float *scores) {
    size_t key = 0;
    for (; key + 2 * INLAY__LANES <= inlay__round_up(n, INLAY__LANES); key += 2 * INLAY__LANES)
        score_keys(a, q, n_rows, 4, key, f16, scores + key);
    if (key < n) score_keys(a, q, n_rows, 2, key, f16, scores + key);
}

/* scores [n_rows, 256] of the first n keys. */
INLAY__AVX2_INLINE void score_block(const inlay__attention *a, size_t n, bool f16, float *scores) {
    size_t r = 0;
    for (; r + SCORE_ROWS <= a->n_rows; r += SCORE_ROWS)
        for (size_t key = 0; key < n; key += INLAY__LANES)
            score_keys(a, a->q + r, SCORE_ROWS, 2, key, f16, scores + r * INLAY__KEY_BLOCK + key);
    for (; r + 3 <= a->n_rows && a->n_rows - r != 4; r += 3)
        score_few(a, a->q + r, 3, n, f16, scores + r * INLAY__KEY_BLOCK);
    for (; r + 2 <= a->n_rows; r += 2)
        score_few(a, a->q + r, 2, n, f16, scores + r * INLAY__KEY_BLOCK);
    if (r < a->n_rows) score_few(a, a->q + r, 1, n, f16, scores + r * INLAY__KEY_BLOCK);
}

/* A row's n scores after soft cap, slope and bias. Apart, as what follows exists once for each type of the cache. */
INLAY__AVX2 static __attribute__((noinline)) void bend(const inlay__attention *a, size_t r, size_t first, size_t n,
                                                       float *scores) {
    const __m256 one = _mm256_set1_ps(1.0f), cap = _mm256_set1_ps(a->soft_cap);
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    for (size_t key = 0; key < n; key += 8) {
        __m256 s = _mm256_loadu_ps(scores + key);
        if (a->soft_cap > 0.0f) {
            __m256 t = _mm256_div_ps(s, cap), e = inlay__exp_avx2(_mm256_add_ps(t, t));
            s = _mm256_mul_ps(cap, _mm256_sub_ps(one, _mm256_div_ps(_mm256_set1_ps(2.0f), _mm256_add_ps(e, one))));
        }
        if (a->slopes != NULL) {
            int32_t behind = (int32_t)((int64_t)(first + key + 1) - (int64_t)a->n_keys[r]);
            __m256 each = _mm256_cvtepi32_ps(_mm256_add_epi32(_mm256_set1_epi32(behind), lanes));
            s = _mm256_fmadd_ps(_mm256_set1_ps(a->slopes[r]), each, s);
        }
        if (a->biases != NULL) s = _mm256_add_ps(s, _mm256_loadu_ps(a->biases[r] + first + key));
        _mm256_storeu_ps(scores + key, s);
    }
}

/* One row's scores [256] to weights, of which [begin, n) count; returns the greatest score and the sum. */
INLAY__AVX2 static __attribute__((noinline)) float weigh(float *p, size_t begin, size_t n, float *greatest) {
    size_t padded = inlay__round_up(n, INLAY__LANES);
    for (size_t key = 0; key < begin; key++)
        p[key] = -INFINITY;
    for (size_t key = n; key < padded; key++)
        p[key] = -INFINITY;
    __m256 m = _mm256_set1_ps(-INFINITY), unordered = _mm256_setzero_ps();
    for (size_t key = 0; key < padded; key += 8) {
        __m256 s = _mm256_loadu_ps(p + key);
        unordered = _mm256_or_ps(unordered, _mm256_cmp_ps(s, s, _CMP_UNORD_Q));
        m = _mm256_max_ps(s, m);
    }
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(m), _mm256_extractf128_ps(m, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    *greatest = _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
    if (_mm256_movemask_ps(unordered) != 0) *greatest = inlay__bits_f32(0x7fc00000);
    __m256 each = _mm256_set1_ps(*greatest), low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
    for (size_t key = 0; key < padded; key += INLAY__LANES) {
        __m256 a = inlay__exp_avx2(_mm256_sub_ps(_mm256_loadu_ps(p + key), each));
        __m256 b = inlay__exp_avx2(_mm256_sub_ps(_mm256_loadu_ps(p + key + 8), each));
        _mm256_storeu_ps(p + key, a);
        _mm256_storeu_ps(p + key + 8, b);
        low = _mm256_add_ps(low, a);
        high = _mm256_add_ps(high, b);
    }
    return inlay__fold_avx2(low, high);
}

/* o [n_rows][stride] from dimension i: weighted sums of `width` numbers of n values. */
INLAY__AVX2_INLINE void gather(const inlay__attention *a, const float *p, size_t n_rows, size_t n, size_t i,
                               size_t width, bool f16, float *o, size_t stride) {
    __m256 acc[VALUE_ROWS][VALUE_WIDTH / 8];
    for (size_t r = 0; r < n_rows; r++)
        for (size_t v = 0; v < width / 8; v++)
            acc[r][v] = _mm256_setzero_ps();
    size_t at = i;
    for (size_t key = 0; key < n; key++, at += a->n_head_dim) {
        __m256 weight[VALUE_ROWS];
        for (size_t r = 0; r < n_rows; r++)
            weight[r] = _mm256_set1_ps(p[r * INLAY__KEY_BLOCK + key]);
        for (size_t v = 0; v < width / 8; v++) {
            __m256 value = load_cached(a->values, at + 8 * v, f16);
            for (size_t r = 0; r < n_rows; r++)
                acc[r][v] = _mm256_fmadd_ps(weight[r], value, acc[r][v]);
        }
    }
    for (size_t r = 0; r < n_rows; r++)
        for (size_t v = 0; v < width / 8; v++)
            _mm256_storeu_ps(o + r * stride + i + 8 * v, acc[r][v]);
}

/* The same of values in Q8_0, 32 numbers wide: blocks of 34 bytes. */
INLAY__AVX2_INLINE void gather_q8_0(const inlay__attention *a, const float *p, size_t n_rows, size_t n, size_t i,
                                    float *o, size_t stride) {
    __m256 acc[VALUE_ROWS][VALUE_WIDTH / 8];
    for (size_t r = 0; r < n_rows; r++)
        for (size_t v = 0; v < VALUE_WIDTH / 8; v++)
            acc[r][v] = _mm256_setzero_ps();
    size_t row_size = a->n_head_dim / INLAY__Q_LENGTH * 34;
    const uint8_t *block = (const uint8_t *)a->values + i / INLAY__Q_LENGTH * 34;
    for (size_t key = 0; key < n; key++, block += row_size) {
        __m256 weight[VALUE_ROWS], d = _mm256_cvtph_ps(_mm_set1_epi16((short)inlay__load_u16(block)));
        for (size_t r = 0; r < n_rows; r++)
            weight[r] = _mm256_mul_ps(_mm256_set1_ps(p[r * INLAY__KEY_BLOCK + key]), d);
        for (size_t v = 0; v < VALUE_WIDTH / 8; v++) {
            __m128i eight = _mm_loadl_epi64((const __m128i *)(block + 2 + 8 * v));
            __m256 value = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight));
            for (size_t r = 0; r < n_rows; r++)
                acc[r][v] = _mm256_fmadd_ps(weight[r], value, acc[r][v]);
        }
    }
    for (size_t r = 0; r < n_rows; r++)
        for (size_t v = 0; v < VALUE_WIDTH / 8; v++)
            _mm256_storeu_ps(o + r * stride + i + 8 * v, acc[r][v]);
}

INLAY__AVX2_INLINE void gather_rows(const inlay__attention *a, const float *p, size_t n_rows, size_t n, uint32_t type,
                                    float *o, size_t stride) {
    const bool f16 = type == INLAY_TYPE_F16;
    size_t i = 0;
    for (; type == INLAY_TYPE_Q8_0 && i < a->n_head_dim; i += VALUE_WIDTH)
        gather_q8_0(a, p, n_rows, n, i, o, stride);
    for (; i + VALUE_WIDTH <= a->n_head_dim; i += VALUE_WIDTH)
        gather(a, p, n_rows, n, i, VALUE_WIDTH, f16, o, stride);
    for (; i < a->n_head_dim; i += 8)
        gather(a, p, n_rows, n, i, 8, f16, o, stride);
}

INLAY__AVX2 void inlay__attention_merge_avx2(inlay__softmax *row, const inlay__softmax *block, const float *o, size_t n,
                                             float *out) {
    if (n % 8 != 0) {
        inlay__attention_merge(row, block, o, n, out);
        return;
    }
    if (block->greatest == -INFINITY && block->sum == 0.0f) return;
    float greatest = row->greatest > block->greatest ? row->greatest : block->greatest;
    __m256 both =
        inlay__exp_avx2(_mm256_setr_ps(row->greatest - greatest, block->greatest - greatest, 0, 0, 0, 0, 0, 0));
    float keep = both[0], take = both[1];
    row->greatest = greatest;
    row->sum = _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(block->sum), _mm_set_ss(take), _mm_set_ss(row->sum * keep)));
    __m256 keep8 = _mm256_set1_ps(keep), take8 = _mm256_set1_ps(take);
    for (size_t i = 0; i < n; i += 8) {
        __m256 kept = _mm256_mul_ps(_mm256_loadu_ps(out + i), keep8);
        _mm256_storeu_ps(out + i, _mm256_fmadd_ps(_mm256_loadu_ps(o + i), take8, kept));
    }
}

INLAY__AVX2 static __attribute__((noinline)) void finish(const inlay__attention *a, const inlay__softmax *state) {
    for (size_t r = 0; r < a->n_rows; r++) {
        const float sum = state[r].sum;
        float *out = a->out[r];
        for (size_t i = 0; a->part == NULL && i < a->n_head_dim; i++) out[i] = out[i] / sum;
        if (a->part != NULL) a->part[r] = state[r];
    }
}

INLAY__AVX2_INLINE void attend(const inlay__attention *a, uint32_t type) {
    float *p = a->scratch, *o = a->scratch + INLAY__ATTENTION_ROWS * INLAY__KEY_BLOCK;
    inlay__softmax state[INLAY__ATTENTION_ROWS];
    size_t n_head_dim = a->n_head_dim, n_keys = 0, key_begin = SIZE_MAX;
    inlay__acts queries = {0};
    if (type == INLAY_TYPE_Q8_0) queries = inlay__attention_queries(a, inlay__quantize_32_avx2);
    for (size_t r = 0; r < a->n_rows; r++) {
        key_begin = inlay__min_size(key_begin, a->key_begin != NULL ? a->key_begin[r] : 0);
        state[r] = (inlay__softmax){-INFINITY, 0.0f};
        n_keys = inlay__max_size(n_keys, a->n_keys[r]);
        memset(a->out[r], 0, n_head_dim * sizeof(float));
    }
    for (size_t first = key_begin / INLAY__KEY_BLOCK * INLAY__KEY_BLOCK; first < n_keys; first += INLAY__KEY_BLOCK) {
        size_t n = inlay__min_size(INLAY__KEY_BLOCK, n_keys - first);
        inlay__softmax block[INLAY__ATTENTION_ROWS];
        const inlay__attention at = inlay__attention_block(a, first);
        if (type == INLAY_TYPE_Q8_0)
            inlay__attention_scores(&at, &queries, n, inlay__product_q8_0_avx2, p);
        else
            score_block(&at, n, type == INLAY_TYPE_F16, p);
        for (size_t r = 0; r < a->n_rows; r++) {
            float *row = p + r * INLAY__KEY_BLOCK;
            size_t unseen = a->key_begin != NULL && a->key_begin[r] > first ? a->key_begin[r] - first : 0;
            size_t seen = a->n_keys[r] > first && unseen < n ? inlay__min_size(n, a->n_keys[r] - first) : 0;
            if (inlay__attention_bends(a)) bend(a, r, first, inlay__round_up(seen, 8), row);
            block[r] = (inlay__softmax){-INFINITY, 0.0f};
            if (seen > 0) block[r].sum = weigh(row, unseen, seen, &block[r].greatest);
            size_t done = inlay__round_up(seen, INLAY__LANES);
            memset(row + done, 0, (inlay__round_up(n, INLAY__LANES) - done) * sizeof(float));
        }
        size_t r = 0;
        for (; r + VALUE_ROWS <= a->n_rows && a->n_rows - r != 4; r += VALUE_ROWS)
            gather_rows(&at, p + r * INLAY__KEY_BLOCK, VALUE_ROWS, n, type, o + r * n_head_dim, n_head_dim);
        for (; r + 2 <= a->n_rows; r += 2)
            gather_rows(&at, p + r * INLAY__KEY_BLOCK, 2, n, type, o + r * n_head_dim, n_head_dim);
        for (; r < a->n_rows; r++)
            gather_rows(&at, p + r * INLAY__KEY_BLOCK, 1, n, type, o + r * n_head_dim, n_head_dim);
        for (r = 0; r < a->n_rows; r++)
            inlay__attention_merge_avx2(&state[r], &block[r], o + r * n_head_dim, n_head_dim, a->out[r]);
    }
    finish(a, state);
}

INLAY__AVX2 void inlay__attention_avx2(const inlay__attention *a) {
    if (a->n_head_dim % 8 != 0)
        inlay__attention_scalar(a);
    else if (a->cache_type == INLAY_TYPE_Q8_0)
        attend(a, INLAY_TYPE_Q8_0);
    else if (a->cache_type == INLAY_TYPE_F16)
        attend(a, INLAY_TYPE_F16);
    else
        attend(a, INLAY_TYPE_F32);
}

INLAY__AVX2 void inlay__store_key_avx2(const float *key, size_t n_head_dim, uint32_t cache_type, size_t position,
                                       void *keys) {
    if (cache_type == INLAY_TYPE_Q8_0) {
        inlay__store_key_q8_0(inlay__quantize_32_avx2, key, n_head_dim, position, keys);
        return;
    }
    if (cache_type != INLAY_TYPE_F16 || n_head_dim % 8 != 0) {
        inlay__store_key(key, n_head_dim, cache_type, position, keys);
        return;
    }
    uint16_t *out = (uint16_t *)keys + position / INLAY__LANES * n_head_dim * INLAY__LANES + position % INLAY__LANES;
    for (size_t i = 0; i < n_head_dim; i += 8) {
        uint16_t half[8];
        _mm_storeu_si128((__m128i *)half, _mm256_cvtps_ph(_mm256_loadu_ps(key + i), _MM_FROUND_TO_NEAREST_INT));
        for (size_t l = 0; l < 8; l++)
            out[(i + l) * INLAY__LANES] = half[l];
    }
}

INLAY__AVX2 void inlay__store_value_avx2(const float *value, size_t n_head_dim, uint32_t cache_type, size_t position,
                                         void *values) {
    if (cache_type == INLAY_TYPE_Q8_0) {
        inlay__store_value_q8_0(inlay__quantize_32_avx2, value, n_head_dim, position, values);
        return;
    }
    if (cache_type == INLAY_TYPE_F32) {
        memcpy((float *)values + position * n_head_dim, value, n_head_dim * sizeof(float));
        return;
    }
    if (n_head_dim % 8 != 0) {
        inlay__store_value(value, n_head_dim, cache_type, position, values);
        return;
    }
    uint16_t *out = (uint16_t *)values + position * n_head_dim;
    for (size_t i = 0; i < n_head_dim; i += 8)
        _mm_storeu_si128((__m128i *)(out + i), _mm256_cvtps_ph(_mm256_loadu_ps(value + i), _MM_FROUND_TO_NEAREST_INT));
}

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
