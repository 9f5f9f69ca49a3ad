/* Products of packed Q4_K, Q5_K and Q6_K panels with AVX-512 VNNI. */
#include "kernels/x86/avx512.h"

#if defined(__x86_64__)

enum { COLS = 8, SUB_BLOCKS = 8 };

INLAY__AVX512_INLINE const uint8_t *sub_block(const uint8_t *block, size_t j, uint32_t type) {
    size_t size = type == INLAY_TYPE_Q4_K ? 256 : type == INLAY_TYPE_Q5_K ? 320 : 384;
    return block + (type == INLAY_TYPE_Q6_K ? 288 : 320) + j * size;
}

INLAY__AVX512_INLINE void load_lines(const uint8_t *lines, uint32_t type, __m512i u[8]) {
    const __m512i low = _mm512_set1_epi8(15);
    for (size_t g = 0; g < 4; g++) {
        __m512i pair = _mm512_loadu_si512(lines + INLAY__LINE * g);
        u[g] = _mm512_and_si512(pair, low);
        u[g + 4] = _mm512_and_si512(_mm512_srli_epi16(pair, 4), low);
    }
    if (type == INLAY_TYPE_Q5_K) {
        __m512i high = _mm512_loadu_si512(lines + INLAY__LINE * 4);
        for (int g = 0; g < 8; g++) {
            __m512i moved = inlay__shift_512(high, 4 - g);
            u[g] = _mm512_or_si512(u[g], _mm512_and_si512(moved, _mm512_set1_epi8(16)));
        }
    }
    if (type == INLAY_TYPE_Q6_K) {
        for (int g = 0; g < 8; g++) {
            __m512i high = _mm512_loadu_si512(lines + INLAY__LINE * (4 + (size_t)g / 4));
            __m512i moved = inlay__shift_512(high, 4 - 2 * (g % 4));
            u[g] = _mm512_or_si512(u[g], _mm512_and_si512(moved, _mm512_set1_epi8(48)));
        }
    }
}

/* The scales of sub-block j for its first 16 elements and for the rest (the same but for Q6_K). */
typedef struct scales_16 {
    __m512i first, second;
} scales_16;

INLAY__AVX512_INLINE __m512i load_pairs(const uint8_t *pairs, uint32_t type) {
    __m256i bytes = _mm256_loadu_si256((const __m256i *)pairs);
    return type == INLAY_TYPE_Q6_K ? _mm512_cvtepi8_epi16(bytes) : _mm512_cvtepu8_epi16(bytes);
}

INLAY__AVX512_INLINE scales_16 load_scales(const uint8_t *block, size_t j, uint32_t type) {
    scales_16 s;
    if (type == INLAY_TYPE_Q6_K) {
        __m512i pairs = load_pairs(block + 32 + 32 * j, type);
        s.first = _mm512_srai_epi32(_mm512_slli_epi32(pairs, 16), 16);
        s.second = _mm512_srai_epi32(pairs, 16);
        return s;
    }
    s.first = s.second = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(block + 64 + 16 * j)));
    return s;
}

INLAY__AVX512_INLINE __m512i dot(const __m512i u[8], const scales_16 *s, const int8_t *q, uint32_t type, __m512i sum) {
    __m512i first = _mm512_setzero_si512(), second = _mm512_setzero_si512();
    for (size_t g = 0; g < 4; g++) {
        first = _mm512_dpbusd_epi32(first, u[g], inlay__broadcast_4_512(q + 4 * g));
        second = _mm512_dpbusd_epi32(second, u[g + 4], inlay__broadcast_4_512(q + 16 + 4 * g));
    }
    if (type != INLAY_TYPE_Q6_K)
        return _mm512_add_epi32(sum, _mm512_mullo_epi32(_mm512_add_epi32(first, second), s->first));
    sum = _mm512_add_epi32(sum, _mm512_mullo_epi32(first, s->first));
    return _mm512_add_epi32(sum, _mm512_mullo_epi32(second, s->second));
}

/* Sum over the sub-blocks of the minima (Q4_K, Q5_K) or of 32 times the scales (Q6_K), times the activations' sums. */
INLAY__AVX512_INLINE __m512i dot_sums(const uint8_t *block, const inlay__acts *acts, size_t col, size_t k,
                                      uint32_t type) {
    const bool is_6 = type == INLAY_TYPE_Q6_K;
    const int16_t *sums =
        is_6 ? acts->sum16 + col * (acts->n_k / 16) + 16 * k : acts->sum32 + col * (acts->n_k / 32) + 8 * k;
    __m512i sum = _mm512_setzero_si512();
    for (size_t j = 0; j < (is_6 ? 8 : 4); j++)
        sum = _mm512_dpwssd_epi32(sum, load_pairs(block + (is_6 ? 32 : 192) + 32 * j, type),
                                  inlay__broadcast_pair_512(sums + 2 * j));
    return is_6 ? _mm512_slli_epi32(sum, 5) : sum;
}

/* A panel by n_cols columns, over the whole depth. */
INLAY__AVX512_INLINE void tile(const inlay__product *p, const uint8_t *panel, size_t col, size_t n_cols, uint32_t type,
                               size_t block_size, float *out) {
    const inlay__acts *acts = p->acts;
    __m512 acc[COLS];
    for (size_t c = 0; c < n_cols; c++) acc[c] = _mm512_setzero_ps();
    for (size_t k = 0; k < acts->n_blocks; k++) {
        const uint8_t *block = panel + k * block_size;
        __m512i sum[COLS];
        for (size_t c = 0; c < n_cols; c++) sum[c] = _mm512_setzero_si512();
        for (size_t j = 0; j < SUB_BLOCKS; j++) {
            __m512i u[8];
            scales_16 scales = load_scales(block, j, type);
            load_lines(sub_block(block, j, type), type, u);
            for (size_t c = 0; c < n_cols; c++)
                sum[c] = dot(u, &scales, acts->q + (col + c) * acts->n_k + k * INLAY__K_LENGTH + 32 * j, type, sum[c]);
        }
        __m512 d = inlay__load_16_f16(block), dmin = inlay__load_16_f16(block + 32);
        for (size_t c = 0; c < n_cols; c++) {
            __m512 da = _mm512_set1_ps(acts->d[(col + c) * acts->n_blocks + k]);
            __m512i sums = dot_sums(block, acts, col + c, k, type);
            if (type == INLAY_TYPE_Q6_K) sum[c] = _mm512_sub_epi32(sum[c], sums);
            acc[c] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[c]), _mm512_mul_ps(d, da), acc[c]);
            if (type != INLAY_TYPE_Q6_K)
                acc[c] = _mm512_fnmadd_ps(_mm512_cvtepi32_ps(sums), _mm512_mul_ps(dmin, da), acc[c]);
        }
    }
    for (size_t c = 0; c < n_cols; c++) _mm512_storeu_ps(out + c * p->out_stride, acc[c]);
}

INLAY__AVX512_INLINE void product(const inlay__product *p, uint32_t type, size_t block_size) {
    size_t panel_size = p->acts->n_blocks * block_size;
    for (size_t row = p->row_begin; row < p->row_end; row += INLAY__LANES) {
        const uint8_t *panel = p->weights + row / INLAY__LANES * panel_size;
        float *out = p->out + (row - p->row_begin);
        size_t col = p->col_begin;
        for (; col + COLS <= p->col_end; col += COLS, out += COLS * p->out_stride)
            tile(p, panel, col, COLS, type, block_size, out);
        for (; col < p->col_end; col++, out += p->out_stride) tile(p, panel, col, 1, type, block_size, out);
    }
}

INLAY__AVX512 void inlay__product_q4_k_avx512(const inlay__product *p) { product(p, INLAY_TYPE_Q4_K, 2368); }
INLAY__AVX512 void inlay__product_q5_k_avx512(const inlay__product *p) { product(p, INLAY_TYPE_Q5_K, 2880); }
INLAY__AVX512 void inlay__product_q6_k_avx512(const inlay__product *p) { product(p, INLAY_TYPE_Q6_K, 3360); }

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
