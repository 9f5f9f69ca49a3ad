/* Products with AVX-512 VNNI of packed superblocks whose elements are places in a table of 16 values (IQ4_XS and the IQ1,
 * IQ2 and IQ3 types): vpshufb looks them up, all moved up by 128 to be unsigned; what that adds is taken away through the
 * sums of the activations. */
#include "kernels/x86/avx512.h"

#if defined(__x86_64__)

enum { COLS = 4, SUB_BLOCKS = 8, SIZE_32 = 2240, SIZE_16 = 2368, ZERO = 128 };

INLAY__AVX512_INLINE __m512i load_table(uint32_t type) {
    __m128i values = _mm_loadu_si128((const __m128i *)inlay__block_type_get(type)->values);
    return _mm512_broadcast_i32x4(_mm_xor_si128(values, _mm_set1_epi8((char)ZERO)));
}

/* Groups g and g + 4 of 32 elements of 16 rows, looked up. */
INLAY__AVX512_INLINE void load_groups(const uint8_t *lines, size_t g, __m512i table, __m512i u[2]) {
    const __m512i low = _mm512_set1_epi8(15), pair = _mm512_loadu_si512(lines + INLAY__LINE * g);
    u[0] = _mm512_shuffle_epi8(table, _mm512_and_si512(pair, low));
    u[1] = _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(pair, 4), low));
}

/* The sums of both halves of 32 elements for n_cols columns, whose activations are q, n_k apart. */
INLAY__AVX512_INLINE void dot(const uint8_t *lines, __m512i table, const int8_t *q, size_t n_k, size_t n_cols,
                              __m512i first[COLS], __m512i second[COLS]) {
    for (size_t g = 0; g < 4; g++) {
        __m512i u[2];
        load_groups(lines, g, table, u);
        for (size_t c = 0; c < n_cols; c++) {
            first[c] = _mm512_dpbusd_epi32(first[c], u[0], inlay__broadcast_4_512(q + c * n_k + 4 * g));
            second[c] = _mm512_dpbusd_epi32(second[c], u[1], inlay__broadcast_4_512(q + c * n_k + 16 + 4 * g));
        }
    }
}

INLAY__AVX512_INLINE __m512i load_pairs(const uint8_t *block, size_t i) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(block + 64 + 32 * i)));
}

/* 128 times the sum over the sub-blocks of their scales times the activations' sums. */
INLAY__AVX512_INLINE __m512i dot_sums(const uint8_t *block, const inlay__acts *acts, size_t col, size_t k, bool by_16) {
    const int16_t *sums =
        by_16 ? acts->sum16 + col * (acts->n_k / 16) + 16 * k : acts->sum32 + col * (acts->n_k / 32) + 8 * k;
    __m512i sum = _mm512_setzero_si512();
    for (size_t i = 0; i < (by_16 ? 8 : 4); i++)
        sum = _mm512_dpwssd_epi32(sum, load_pairs(block, i), inlay__broadcast_pair_512(sums + 2 * i));
    return _mm512_slli_epi32(sum, 7);
}

/* 16 rows by n_cols columns, over the whole depth. */
INLAY__AVX512_INLINE void tile(const inlay__product *p, const uint8_t *panel, size_t col, size_t n_cols, bool by_16,
                               __m512i table, float *out) {
    const inlay__acts *acts = p->acts;
    __m512 acc[COLS];
    for (size_t c = 0; c < n_cols; c++)
        acc[c] = _mm512_setzero_ps();
    for (size_t k = 0; k < acts->n_blocks; k++) {
        const uint8_t *block = panel + k * (by_16 ? SIZE_16 : SIZE_32), *lines = block + (by_16 ? 320 : 192);
        const int8_t *q = acts->q + col * acts->n_k + k * INLAY__K_LENGTH;
        __m512i sum[COLS];
        for (size_t c = 0; c < n_cols; c++)
            sum[c] = _mm512_setzero_si512();
        for (size_t j = 0; j < SUB_BLOCKS; j++) {
            __m512i pairs = load_pairs(block, by_16 ? j : j / 2), first[COLS], second[COLS];
            __m512i scale0 = _mm512_srai_epi32(_mm512_slli_epi32(pairs, 16), 16), scale1 = _mm512_srai_epi32(pairs, 16);
            for (size_t c = 0; c < n_cols; c++)
                first[c] = second[c] = _mm512_setzero_si512();
            dot(lines + 4 * INLAY__LINE * j, table, q + 32 * j, acts->n_k, n_cols, first, second);
            for (size_t c = 0; c < n_cols; c++) {
                __m512i scaled =
                    by_16
                        ? _mm512_add_epi32(_mm512_mullo_epi32(first[c], scale0), _mm512_mullo_epi32(second[c], scale1))
                        : _mm512_mullo_epi32(_mm512_add_epi32(first[c], second[c]), j % 2 == 0 ? scale0 : scale1);
                sum[c] = _mm512_add_epi32(sum[c], scaled);
            }
        }
        __m512 d = _mm512_loadu_ps((const float *)(const void *)(block));
        for (size_t c = 0; c < n_cols; c++) {
            __m512 da = _mm512_set1_ps(acts->d[(col + c) * acts->n_blocks + k]);
            sum[c] = _mm512_sub_epi32(sum[c], dot_sums(block, acts, col + c, k, by_16));
            acc[c] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[c]), _mm512_mul_ps(d, da), acc[c]);
        }
    }
    for (size_t c = 0; c < n_cols; c++)
        _mm512_storeu_ps(out + c * p->out_stride, acc[c]);
}

INLAY__AVX512_INLINE void product(const inlay__product *p, bool by_16) {
    const size_t panel_size = p->acts->n_blocks * (by_16 ? SIZE_16 : SIZE_32);
    const __m512i table = load_table(p->type);
    for (size_t row = p->row_begin; row < p->row_end; row += INLAY__LANES) {
        const uint8_t *panel = p->weights + row / INLAY__LANES * panel_size;
        float *out = p->out + (row - p->row_begin);
        size_t col = p->col_begin;
        for (; col + COLS <= p->col_end; col += COLS, out += COLS * p->out_stride)
            tile(p, panel, col, COLS, by_16, table, out);
        for (; col < p->col_end; col++, out += p->out_stride)
            tile(p, panel, col, 1, by_16, table, out);
    }
}

INLAY__AVX512 static void product_by_32(const inlay__product *p) { product(p, false); }
INLAY__AVX512 static void product_by_16(const inlay__product *p) { product(p, true); }

void inlay__init_table_avx512(inlay__kernels *k) {
    k->product_packed[INLAY_TYPE_IQ4_XS] = product_by_32;
    k->product_packed[INLAY_TYPE_IQ1_S] = product_by_32;
    k->product_packed[INLAY_TYPE_IQ2_XXS] = product_by_32;
    k->product_packed[INLAY_TYPE_IQ3_XXS] = product_by_32;
    k->product_packed[INLAY_TYPE_IQ3_S] = product_by_32;
    k->product_packed[INLAY_TYPE_IQ1_M] = product_by_16;
    k->product_packed[INLAY_TYPE_IQ2_XS] = product_by_16;
    k->product_packed[INLAY_TYPE_IQ2_S] = product_by_16;
}

#else
typedef int inlay__no_avx512; /* a source file may not be empty */
#endif
