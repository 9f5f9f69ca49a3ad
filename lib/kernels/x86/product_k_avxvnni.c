/* Products of packed Q4_K, Q5_K and Q6_K panels with AVX-VNNI. Half a sub-block of 4-bit weights sums to at most
 * 30,480: two of them are pairs of 16 bits that vpdpwssd multiplies by their scales and adds. */
#include "kernels/x86/avxvnni.h"

#if INLAY__HAS_AVXVNNI

enum { COLS = 4, SUB_BLOCKS = 8 };

/* Where things are in a packed superblock; pack.c draws it. */
INLAY__AVXVNNI_INLINE const uint8_t *sub_block(const uint8_t *block, size_t j, size_t half, uint32_t type) {
    size_t size = type == INLAY_TYPE_Q4_K ? 256 : type == INLAY_TYPE_Q5_K ? 320 : 384;
    return block + (type == INLAY_TYPE_Q6_K ? 288 : 320) + j * size + INLAY__HALF_LINE * half;
}

/* Groups g and g + 4 of 8 rows, unsigned. */
INLAY__AVXVNNI_INLINE void load_groups(const uint8_t *lines, size_t g, uint32_t type, __m256i u[2]) {
    __m256i pair = inlay__load_256(lines + INLAY__LINE * g);
    u[0] = inlay__bits_256(pair, 0, 15);
    u[1] = inlay__bits_256(pair, -4, 15);
    if (type == INLAY_TYPE_Q5_K) {
        __m256i high = inlay__load_256(lines + INLAY__LINE * 4);
        u[0] = _mm256_or_si256(u[0], inlay__bits_256(high, 4 - (int)g, 16));
        u[1] = _mm256_or_si256(u[1], inlay__bits_256(high, -(int)g, 16));
    }
    if (type == INLAY_TYPE_Q6_K) {
        for (size_t i = 0; i < 2; i++)
            u[i] = _mm256_or_si256(u[i],
                                   inlay__bits_256(inlay__load_256(lines + INLAY__LINE * (4 + i)), 4 - 2 * (int)g, 48));
    }
}

/* The scales of sub-block j for 8 rows: of its first and its last 16 elements (Q6_K), or in pairs (Q4_K), or once. */
typedef struct scales_8 {
    __m256i first, second;
} scales_8;

INLAY__AVXVNNI_INLINE __m256i load_pairs(const uint8_t *pairs, uint32_t type) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)pairs);
    return type == INLAY_TYPE_Q6_K ? _mm256_cvtepi8_epi16(bytes) : _mm256_cvtepu8_epi16(bytes);
}

INLAY__AVXVNNI_INLINE scales_8 load_scales(const uint8_t *block, size_t j, size_t half, uint32_t type) {
    scales_8 s;
    if (type == INLAY_TYPE_Q6_K) {
        __m256i pairs = load_pairs(block + 32 + 32 * j + 16 * half, type);
        s.first = _mm256_srai_epi32(_mm256_slli_epi32(pairs, 16), 16);
        s.second = _mm256_srai_epi32(pairs, 16);
        return s;
    }
    s.first = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(block + 64 + 16 * j + 8 * half)));
    if (type == INLAY_TYPE_Q4_K) s.first = _mm256_or_si256(s.first, _mm256_slli_epi32(s.first, 16));
    s.second = s.first;
    return s;
}

/* The sums of both halves of a sub-block, times their scales, into the superblock's. */
INLAY__AVXVNNI_INLINE __m256i add_scaled(__m256i sum, __m256i first, __m256i second, const scales_8 *s, uint32_t type) {
    if (type == INLAY_TYPE_Q4_K)
        return _mm256_dpwssd_avx_epi32(sum, _mm256_blend_epi16(first, _mm256_slli_epi32(second, 16), 0xaa), s->first);
    if (type == INLAY_TYPE_Q5_K)
        return _mm256_add_epi32(sum, _mm256_mullo_epi32(_mm256_add_epi32(first, second), s->first));
    sum = _mm256_add_epi32(sum, _mm256_mullo_epi32(first, s->first));
    return _mm256_add_epi32(sum, _mm256_mullo_epi32(second, s->second));
}

/* Sum over the sub-blocks of the minima (Q4_K, Q5_K) or of 32 times the scales (Q6_K), times the activations' sums. */
INLAY__AVXVNNI_INLINE __m256i dot_sums(const uint8_t *block, size_t half, const inlay__acts *acts, size_t col, size_t k,
                                       uint32_t type) {
    const bool is_6 = type == INLAY_TYPE_Q6_K;
    const int16_t *sums =
        is_6 ? acts->sum16 + col * (acts->n_k / 16) + 16 * k : acts->sum32 + col * (acts->n_k / 32) + 8 * k;
    __m256i sum = _mm256_setzero_si256();
    for (size_t j = 0; j < (is_6 ? 8 : 4); j++)
        sum = _mm256_dpwssd_avx_epi32(sum, load_pairs(block + (is_6 ? 32 : 192) + 32 * j + 16 * half, type),
                                      inlay__broadcast_pair(sums + 2 * j));
    return is_6 ? _mm256_slli_epi32(sum, 5) : sum;
}

/* One superblock of 8 rows, taken apart once for all columns. */
typedef struct expanded {
    __m256i u[SUB_BLOCKS][8]; /* [sub-block][group] */
    scales_8 scales[SUB_BLOCKS];
} expanded;

INLAY__AVXVNNI_INLINE void expand(const uint8_t *block, size_t half, uint32_t type, expanded *e) {
    for (size_t j = 0; j < SUB_BLOCKS; j++) {
        e->scales[j] = load_scales(block, j, half, type);
        for (size_t g = 0; g < 4; g++) {
            __m256i u[2];
            load_groups(sub_block(block, j, half, type), g, type, u);
            e->u[j][g] = u[0];
            e->u[j][g + 4] = u[1];
        }
    }
}

/* Superblock k of 8 rows by n_cols columns, taken apart already or not; `out` has the sums so far, unless k is 0. */
INLAY__AVXVNNI_INLINE void tile(const inlay__product *p, const expanded *e, const uint8_t *block, size_t half, size_t k,
                                size_t col, size_t n_cols, uint32_t type, float *out) {
    const inlay__acts *acts = p->acts;
    __m256i sum[COLS];
    for (size_t c = 0; c < n_cols; c++)
        sum[c] = _mm256_setzero_si256();
    for (size_t j = 0; j < SUB_BLOCKS; j++) {
        const int8_t *q = acts->q + col * acts->n_k + k * INLAY__K_LENGTH + 32 * j;
        const scales_8 scales = e != NULL ? e->scales[j] : load_scales(block, j, half, type);
        __m256i first[COLS], second[COLS];
        for (size_t c = 0; c < n_cols; c++)
            first[c] = second[c] = _mm256_setzero_si256();
        INLAY__UNROLL
        for (size_t g = 0; g < 4; g++) {
            __m256i u[2];
            if (e != NULL) {
                u[0] = e->u[j][g];
                u[1] = e->u[j][g + 4];
            } else {
                load_groups(sub_block(block, j, half, type), g, type, u);
            }
            for (size_t c = 0; c < n_cols; c++) {
                first[c] = _mm256_dpbusd_avx_epi32(first[c], u[0], inlay__broadcast_4(q + c * acts->n_k + 4 * g));
                second[c] =
                    _mm256_dpbusd_avx_epi32(second[c], u[1], inlay__broadcast_4(q + c * acts->n_k + 16 + 4 * g));
            }
        }
        for (size_t c = 0; c < n_cols; c++)
            sum[c] = add_scaled(sum[c], first[c], second[c], &scales, type);
    }
    __m256 d = inlay__load_8_f16(block + 16 * half), dmin = inlay__load_8_f16(block + 32 + 16 * half);
    for (size_t c = 0; c < n_cols; c++) {
        float *at = out + c * p->out_stride;
        __m256 da = _mm256_set1_ps(acts->d[(col + c) * acts->n_blocks + k]);
        __m256 acc = k == 0 ? _mm256_setzero_ps() : _mm256_loadu_ps(at);
        __m256i sums = dot_sums(block, half, acts, col + c, k, type);
        if (type == INLAY_TYPE_Q6_K) sum[c] = _mm256_sub_epi32(sum[c], sums);
        acc = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[c]), _mm256_mul_ps(d, da), acc);
        if (type != INLAY_TYPE_Q6_K) acc = _mm256_fnmadd_ps(_mm256_cvtepi32_ps(sums), _mm256_mul_ps(dmin, da), acc);
        _mm256_storeu_ps(at, acc);
    }
}

/* A panel of 16 rows by all columns: many meet weights that were taken apart, few take them apart themselves. */
INLAY__AVXVNNI_INLINE void product(const inlay__product *p, uint32_t type, size_t block_size) {
    const size_t n_blocks = p->acts->n_blocks, many = p->col_end - p->col_begin >= COLS;
    for (size_t row = p->row_begin; row < p->row_end; row += INLAY__LANES) {
        for (size_t k = 0; k < n_blocks; k++) {
            const uint8_t *block = p->weights + (row / INLAY__LANES * n_blocks + k) * block_size;
            for (size_t half = 0; half < 2; half++) {
                float *out = p->out + (row - p->row_begin) + 8 * half;
                size_t col = p->col_begin;
                expanded e;
                if (many) expand(block, half, type, &e);
                for (; col + COLS <= p->col_end; col += COLS, out += COLS * p->out_stride)
                    tile(p, &e, block, half, k, col, COLS, type, out);
                for (; col < p->col_end; col++, out += p->out_stride)
                    tile(p, NULL, block, half, k, col, 1, type, out);
            }
        }
    }
}

INLAY__AVXVNNI void inlay__product_q4_k_avxvnni(const inlay__product *p) { product(p, INLAY_TYPE_Q4_K, 2368); }
INLAY__AVXVNNI void inlay__product_q5_k_avxvnni(const inlay__product *p) { product(p, INLAY_TYPE_Q5_K, 2880); }
INLAY__AVXVNNI void inlay__product_q6_k_avxvnni(const inlay__product *p) { product(p, INLAY_TYPE_Q6_K, 3360); }

#else
typedef int inlay__no_avxvnni; /* a source file may not be empty */
#endif
