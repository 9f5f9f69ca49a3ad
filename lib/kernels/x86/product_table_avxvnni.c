/* Products with AVX-VNNI of packed superblocks whose elements are places in a table of 16 values (IQ4_XS and the IQ1,
 * IQ2 and IQ3 types): vpshufb looks them up, all moved up by 128 to be unsigned; what that adds is taken away through the
 * sums of the activations. */
#include "kernels/x86/avxvnni.h"

#if INLAY__HAS_AVXVNNI

enum { COLS = 4, SUB_BLOCKS = 8, SIZE_32 = 2240, SIZE_16 = 2368, ZERO = 128 };

INLAY__AVXVNNI_INLINE __m256i load_table(uint32_t type) {
    __m128i values = _mm_loadu_si128((const __m128i *)inlay__block_type_get(type)->values);
    return _mm256_broadcastsi128_si256(_mm_xor_si128(values, _mm_set1_epi8((char)ZERO)));
}

/* Groups g and g + 4 of 32 elements of 8 rows, looked up. */
INLAY__AVXVNNI_INLINE void load_groups(const uint8_t *lines, size_t g, __m256i table, __m256i u[2]) {
    const __m256i low = _mm256_set1_epi8(15), pair = inlay__load_256(lines + INLAY__LINE * g);
    u[0] = _mm256_shuffle_epi8(table, _mm256_and_si256(pair, low));
    u[1] = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(pair, 4), low));
}

/* The sums of both halves of 32 elements for n_cols columns, whose activations are q, n_k apart. */
INLAY__AVXVNNI_INLINE void dot(const uint8_t *lines, __m256i table, const int8_t *q, size_t n_k, size_t n_cols,
                               __m256i first[COLS], __m256i second[COLS]) {
    for (size_t g = 0; g < 4; g++) {
        __m256i u[2];
        load_groups(lines, g, table, u);
        for (size_t c = 0; c < n_cols; c++) {
            first[c] = _mm256_dpbusd_avx_epi32(first[c], u[0], inlay__broadcast_4(q + c * n_k + 4 * g));
            second[c] = _mm256_dpbusd_avx_epi32(second[c], u[1], inlay__broadcast_4(q + c * n_k + 16 + 4 * g));
        }
    }
}

INLAY__AVXVNNI_INLINE __m256i load_pairs(const uint8_t *block, size_t i, size_t half) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(block + 64 + 32 * i + 16 * half)));
}

/* 128 times the sum over the sub-blocks of their scales times the activations' sums. */
INLAY__AVXVNNI_INLINE __m256i dot_sums(const uint8_t *block, size_t half, const inlay__acts *acts, size_t col, size_t k,
                                       bool by_16) {
    const int16_t *sums =
        by_16 ? acts->sum16 + col * (acts->n_k / 16) + 16 * k : acts->sum32 + col * (acts->n_k / 32) + 8 * k;
    __m256i sum = _mm256_setzero_si256();
    for (size_t i = 0; i < (by_16 ? 8 : 4); i++)
        sum = _mm256_dpwssd_avx_epi32(sum, load_pairs(block, i, half), inlay__broadcast_pair(sums + 2 * i));
    return _mm256_slli_epi32(sum, 7);
}

/* 8 rows by n_cols columns, over the whole depth. */
INLAY__AVXVNNI_INLINE void tile(const inlay__product *p, const uint8_t *panel, size_t half, size_t col, size_t n_cols,
                                bool by_16, __m256i table, float *out) {
    const inlay__acts *acts = p->acts;
    __m256 acc[COLS];
    for (size_t c = 0; c < n_cols; c++)
        acc[c] = _mm256_setzero_ps();
    for (size_t k = 0; k < acts->n_blocks; k++) {
        const uint8_t *block = panel + k * (by_16 ? SIZE_16 : SIZE_32),
                      *lines = block + (by_16 ? 320 : 192) + INLAY__HALF_LINE * half;
        const int8_t *q = acts->q + col * acts->n_k + k * INLAY__K_LENGTH;
        __m256i sum[COLS];
        for (size_t c = 0; c < n_cols; c++)
            sum[c] = _mm256_setzero_si256();
        for (size_t j = 0; j < SUB_BLOCKS; j++) {
            __m256i pairs = load_pairs(block, by_16 ? j : j / 2, half), first[COLS], second[COLS];
            __m256i scale0 = _mm256_srai_epi32(_mm256_slli_epi32(pairs, 16), 16), scale1 = _mm256_srai_epi32(pairs, 16);
            for (size_t c = 0; c < n_cols; c++)
                first[c] = second[c] = _mm256_setzero_si256();
            dot(lines + 4 * INLAY__LINE * j, table, q + 32 * j, acts->n_k, n_cols, first, second);
            for (size_t c = 0; c < n_cols; c++) {
                __m256i scaled =
                    by_16
                        ? _mm256_add_epi32(_mm256_mullo_epi32(first[c], scale0), _mm256_mullo_epi32(second[c], scale1))
                        : _mm256_mullo_epi32(_mm256_add_epi32(first[c], second[c]), j % 2 == 0 ? scale0 : scale1);
                sum[c] = _mm256_add_epi32(sum[c], scaled);
            }
        }
        __m256 d = _mm256_loadu_ps((const float *)(const void *)(block + 32 * half));
        for (size_t c = 0; c < n_cols; c++) {
            __m256 da = _mm256_set1_ps(acts->d[(col + c) * acts->n_blocks + k]);
            sum[c] = _mm256_sub_epi32(sum[c], dot_sums(block, half, acts, col + c, k, by_16));
            acc[c] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[c]), _mm256_mul_ps(d, da), acc[c]);
        }
    }
    for (size_t c = 0; c < n_cols; c++)
        _mm256_storeu_ps(out + c * p->out_stride, acc[c]);
}

INLAY__AVXVNNI_INLINE void product(const inlay__product *p, bool by_16) {
    const size_t panel_size = p->acts->n_blocks * (by_16 ? SIZE_16 : SIZE_32);
    const __m256i table = load_table(p->type);
    for (size_t row = p->row_begin; row < p->row_end; row += INLAY__LANES) {
        const uint8_t *panel = p->weights + row / INLAY__LANES * panel_size;
        float *out = p->out + (row - p->row_begin);
        size_t col = p->col_begin;
        for (; col + COLS <= p->col_end; col += COLS, out += COLS * p->out_stride)
            for (size_t half = 0; half < 2; half++)
                tile(p, panel, half, col, COLS, by_16, table, out + 8 * half);
        for (; col < p->col_end; col++, out += p->out_stride)
            for (size_t half = 0; half < 2; half++)
                tile(p, panel, half, col, 1, by_16, table, out + 8 * half);
    }
}

INLAY__AVXVNNI static void product_by_32(const inlay__product *p) { product(p, false); }
INLAY__AVXVNNI static void product_by_16(const inlay__product *p) { product(p, true); }

void inlay__init_table_avxvnni(inlay__kernels *k) {
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
typedef int inlay__no_avxvnni; /* a source file may not be empty */
#endif
