/* attention.c with AVX-512, as attention_avx2.c: 16 keys are one register. */
#include <math.h>

#include "kernels/x86/avx512.h"

#if defined(__x86_64__)

enum { SCORE_ROWS = 6, VALUE_ROWS = 3, VALUE_WIDTH = 64 };

INLAY__AVX512_INLINE __m512 load_cached(const void *cache, size_t at, bool f16) {
    return f16 ? inlay__load_16_f16((const uint16_t *)cache + at) : _mm512_loadu_ps((const float *)cache + at);
}

/* Scores of 16 keys for n_rows rows: a chain over the dimensions for each. */
INLAY__AVX512_INLINE void score_16(const inlay__attention *a, const float *const *q, size_t n_rows, size_t key,
                                   bool f16, float *scores) {
    __m512 acc[SCORE_ROWS];
    for (size_t r = 0; r < n_rows; r++)
        acc[r] = _mm512_setzero_ps();
    size_t at = key * a->n_head_dim;
    for (size_t i = 0; i < a->n_head_dim; i++, at += INLAY__LANES) {
        __m512 keys = load_cached(a->keys, at, f16);
        for (size_t r = 0; r < n_rows; r++)
            acc[r] = _mm512_fmadd_ps(_mm512_set1_ps(q[r][i]), keys, acc[r]);
    }
    for (size_t r = 0; r < n_rows; r++)
        _mm512_storeu_ps(scores + r * INLAY__KEY_BLOCK, acc[r]);
}

/* scores [n_rows, 256] of the first n keys. */
INLAY__AVX512_INLINE void score_block(const inlay__attention *a, size_t n, bool f16, float *scores) {
    for (size_t key = 0; key < n; key += INLAY__LANES) {
        size_t r = 0;
        float *out = scores + key;
        for (; r + SCORE_ROWS <= a->n_rows; r += SCORE_ROWS)
            score_16(a, a->q + r, SCORE_ROWS, key, f16, out + r * INLAY__KEY_BLOCK);
        for (; r + 3 <= a->n_rows; r += 3)
            score_16(a, a->q + r, 3, key, f16, out + r * INLAY__KEY_BLOCK);
        for (; r < a->n_rows; r++)
            score_16(a, a->q + r, 1, key, f16, out + r * INLAY__KEY_BLOCK);
    }
}

/* A row's n scores after soft cap, slope and bias. Apart, as what follows exists once for each type of the cache. */
INLAY__AVX512 static __attribute__((noinline)) void bend(const inlay__attention *a, size_t r, size_t first, size_t n,
                                                         float *scores) {
    const __m512 one = _mm512_set1_ps(1.0f), cap = _mm512_set1_ps(a->soft_cap);
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (size_t key = 0; key < n; key += INLAY__LANES) {
        __m512 s = _mm512_loadu_ps(scores + key);
        if (a->soft_cap > 0.0f) {
            __m512 t = _mm512_div_ps(s, cap), e = inlay__exp_avx512(_mm512_add_ps(t, t));
            s = _mm512_mul_ps(cap, _mm512_sub_ps(one, _mm512_div_ps(_mm512_set1_ps(2.0f), _mm512_add_ps(e, one))));
        }
        if (a->slopes != NULL) {
            int32_t behind = (int32_t)((int64_t)(first + key + 1) - (int64_t)a->n_keys[r]);
            __m512 each = _mm512_cvtepi32_ps(_mm512_add_epi32(_mm512_set1_epi32(behind), lanes));
            s = _mm512_fmadd_ps(_mm512_set1_ps(a->slopes[r]), each, s);
        }
        if (a->biases != NULL) s = _mm512_add_ps(s, _mm512_loadu_ps(a->biases[r] + first + key));
        _mm512_storeu_ps(scores + key, s);
    }
}

/* One row's scores [256] to weights, of which [begin, n) count; returns the greatest score and the sum. */
INLAY__AVX512 static __attribute__((noinline)) float weigh(float *p, size_t begin, size_t n, float *greatest) {
    size_t padded = inlay__round_up(n, INLAY__LANES);
    for (size_t key = 0; key < begin; key++)
        p[key] = -INFINITY;
    for (size_t key = n; key < padded; key++)
        p[key] = -INFINITY;
    __m512 m = _mm512_set1_ps(-INFINITY);
    __mmask16 unordered = 0;
    for (size_t key = 0; key < padded; key += INLAY__LANES) {
        __m512 s = _mm512_loadu_ps(p + key);
        unordered = _mm512_kor(unordered, _mm512_cmp_ps_mask(s, s, _CMP_UNORD_Q));
        m = _mm512_max_ps(s, m);
    }
    *greatest = unordered != 0 ? inlay__bits_f32(0x7fc00000) : _mm512_reduce_max_ps(m);
    __m512 each = _mm512_set1_ps(*greatest), sum = _mm512_setzero_ps();
    for (size_t key = 0; key < padded; key += INLAY__LANES) {
        __m512 weights = inlay__exp_avx512(_mm512_sub_ps(_mm512_loadu_ps(p + key), each));
        _mm512_storeu_ps(p + key, weights);
        sum = _mm512_add_ps(sum, weights);
    }
    return inlay__fold_avx512(sum);
}

/* o [n_rows][n_head_dim] from dimension i: weighted sums of `width` numbers of n values. */
INLAY__AVX512_INLINE void gather(const inlay__attention *a, const float *p, size_t n_rows, size_t n, size_t i,
                                 size_t width, bool f16, float *o) {
    __m512 acc[VALUE_ROWS][VALUE_WIDTH / 16];
    for (size_t r = 0; r < n_rows; r++)
        for (size_t v = 0; v < width / 16; v++)
            acc[r][v] = _mm512_setzero_ps();
    size_t at = i;
    for (size_t key = 0; key < n; key++, at += a->n_head_dim) {
        __m512 weight[VALUE_ROWS];
        for (size_t r = 0; r < n_rows; r++)
            weight[r] = _mm512_set1_ps(p[r * INLAY__KEY_BLOCK + key]);
        for (size_t v = 0; v < width / 16; v++) {
            __m512 value = load_cached(a->values, at + 16 * v, f16);
            for (size_t r = 0; r < n_rows; r++)
                acc[r][v] = _mm512_fmadd_ps(weight[r], value, acc[r][v]);
        }
    }
    for (size_t r = 0; r < n_rows; r++)
        for (size_t v = 0; v < width / 16; v++)
            _mm512_storeu_ps(o + r * a->n_head_dim + i + 16 * v, acc[r][v]);
}

/* The same of values in Q8_0, 32 numbers wide: blocks of 34 bytes. */
INLAY__AVX512_INLINE void gather_q8_0(const inlay__attention *a, const float *p, size_t n_rows, size_t n, size_t i,
                                      float *o) {
    __m512 acc[INLAY__ATTENTION_ROWS][2];
    for (size_t r = 0; r < n_rows; r++)
        acc[r][0] = acc[r][1] = _mm512_setzero_ps();
    size_t row_size = a->n_head_dim / INLAY__Q_LENGTH * 34;
    const uint8_t *block = (const uint8_t *)a->values + i / INLAY__Q_LENGTH * 34;
    for (size_t key = 0; key < n; key++, block += row_size) {
        __m512 d = _mm512_cvtph_ps(_mm256_set1_epi16((short)inlay__load_u16(block)));
        __m512 low = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(block + 2))));
        __m512 high = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(block + 18))));
        for (size_t r = 0; r < n_rows; r++) {
            __m512 weight = _mm512_mul_ps(_mm512_set1_ps(p[r * INLAY__KEY_BLOCK + key]), d);
            acc[r][0] = _mm512_fmadd_ps(weight, low, acc[r][0]);
            acc[r][1] = _mm512_fmadd_ps(weight, high, acc[r][1]);
        }
    }
    for (size_t r = 0; r < n_rows; r++) {
        _mm512_storeu_ps(o + r * a->n_head_dim + i, acc[r][0]);
        _mm512_storeu_ps(o + r * a->n_head_dim + i + 16, acc[r][1]);
    }
}

INLAY__AVX512_INLINE void gather_rows(const inlay__attention *a, const float *p, size_t n_rows, size_t n, uint32_t type,
                                      float *o) {
    const bool f16 = type == INLAY_TYPE_F16;
    size_t i = 0;
    for (; type == INLAY_TYPE_Q8_0 && i < a->n_head_dim; i += INLAY__Q_LENGTH)
        gather_q8_0(a, p, n_rows, n, i, o);
    for (; i + VALUE_WIDTH <= a->n_head_dim; i += VALUE_WIDTH)
        gather(a, p, n_rows, n, i, VALUE_WIDTH, f16, o);
    for (; i < a->n_head_dim; i += 16)
        gather(a, p, n_rows, n, i, 16, f16, o);
}

INLAY__AVX512 static __attribute__((noinline)) void finish(const inlay__attention *a, const inlay__softmax *state) {
    for (size_t r = 0; r < a->n_rows; r++) {
        const float sum = state[r].sum;
        float *out = a->out[r];
        for (size_t i = 0; a->part == NULL && i < a->n_head_dim; i++) out[i] = out[i] / sum;
        if (a->part != NULL) a->part[r] = state[r];
    }
}

INLAY__AVX512_INLINE void attend(const inlay__attention *a, uint32_t type) {
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
            inlay__attention_scores(&at, &queries, n, inlay__product_q8_0_avx512, p);
        else
            score_block(&at, n, type == INLAY_TYPE_F16, p);
        for (size_t r = 0; r < a->n_rows; r++) {
            float *row = p + r * INLAY__KEY_BLOCK;
            size_t unseen = a->key_begin != NULL && a->key_begin[r] > first ? a->key_begin[r] - first : 0;
            size_t seen = a->n_keys[r] > first && unseen < n ? inlay__min_size(n, a->n_keys[r] - first) : 0;
            if (inlay__attention_bends(a)) bend(a, r, first, inlay__round_up(seen, INLAY__LANES), row);
            block[r] = (inlay__softmax){-INFINITY, 0.0f};
            if (seen > 0) block[r].sum = weigh(row, unseen, seen, &block[r].greatest);
            size_t done = inlay__round_up(seen, INLAY__LANES);
            memset(row + done, 0, (inlay__round_up(n, INLAY__LANES) - done) * sizeof(float));
        }
        size_t r = 0;
        for (; r + VALUE_ROWS <= a->n_rows; r += VALUE_ROWS)
            gather_rows(&at, p + r * INLAY__KEY_BLOCK, VALUE_ROWS, n, type, o + r * n_head_dim);
        for (; r < a->n_rows; r++)
            gather_rows(&at, p + r * INLAY__KEY_BLOCK, 1, n, type, o + r * n_head_dim);
        for (r = 0; r < a->n_rows; r++)
            inlay__attention_merge_avx2(&state[r], &block[r], o + r * n_head_dim, n_head_dim, a->out[r]);
    }
    finish(a, state);
}

INLAY__AVX512 void inlay__attention_avx512(const inlay__attention *a) {
    if (a->n_head_dim % INLAY__LANES != 0)
        inlay__attention_avx2(a);
    else if (a->cache_type == INLAY_TYPE_Q8_0)
        attend(a, INLAY_TYPE_Q8_0);
    else if (a->cache_type == INLAY_TYPE_F16)
        attend(a, INLAY_TYPE_F16);
    else
        attend(a, INLAY_TYPE_F32);
}

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
