/* Products of packed panels of blocks of 32 with AVX-VNNI: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, and IQ4_NL and MXFP4, whose
 * nibbles vpshufb looks up, moved up by 128. vpdpbusd multiplies unsigned weights by signed activations and adds four
 * neighbours to 32 bits, exactly. A zero point is where the sum starts.
 *
 * A panel is two registers wide, so each broadcast of activations serves twice; 4 columns of sums fill the registers.
 */
#include "kernels/x86/avxvnni.h"

#if INLAY__HAS_AVXVNNI

enum { COLS = 4 };

/* Where things are in a packed block; pack.c draws it. */
INLAY__AVXVNNI_INLINE bool has_minimum(uint32_t type) { return type == INLAY_TYPE_Q4_1 || type == INLAY_TYPE_Q5_1; }

/* `type` is known to the compiler, and IQ4_NL there stands for MXFP4 too. */
INLAY__AVXVNNI_INLINE bool has_table(uint32_t type) { return type == INLAY_TYPE_IQ4_NL; }

INLAY__AVXVNNI_INLINE __m256i look_up(__m256i nibbles, const int8_t values[16]) {
    __m256i table = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)values));
    return _mm256_shuffle_epi8(_mm256_xor_si256(table, _mm256_set1_epi8((char)0x80)), nibbles);
}

/* Groups g and g + 4 of 8 rows, unsigned. */
INLAY__AVXVNNI_INLINE void load_groups(const uint8_t *lines, size_t g, uint32_t type, const int8_t *values,
                                       __m256i u[2]) {
    __m256i pair = inlay__load_256(lines + INLAY__LINE * g);
    if (type == INLAY_TYPE_Q8_0) {
        u[0] = pair;
        u[1] = inlay__load_256(lines + INLAY__LINE * (g + 4));
        return;
    }
    u[0] = inlay__bits_256(pair, 0, 15);
    u[1] = inlay__bits_256(pair, -4, 15);
    if (has_table(type)) {
        u[0] = look_up(u[0], values);
        u[1] = look_up(u[1], values);
    }
    if (type == INLAY_TYPE_Q5_0 || type == INLAY_TYPE_Q5_1) {
        __m256i high = inlay__load_256(lines + INLAY__LINE * 4);
        u[0] = _mm256_or_si256(u[0], inlay__bits_256(high, 4 - (int)g, 16));
        u[1] = _mm256_or_si256(u[1], inlay__bits_256(high, -(int)g, 16));
    }
}

INLAY__AVXVNNI_INLINE int32_t zero_point(uint32_t type) {
    return type == INLAY_TYPE_Q4_0                      ? 8
           : type == INLAY_TYPE_Q5_0                    ? 16
           : type == INLAY_TYPE_Q8_0 || has_table(type) ? 128
                                                        : 0;
}

/* A block's sums into those of the 16 rows of one column. */
INLAY__AVXVNNI_INLINE void accumulate(const uint8_t *block, const __m256i sum[2], const inlay__acts *acts, size_t at,
                                      uint32_t type, bool e8m0, __m256 acc[2]) {
    const __m256 da = _mm256_set1_ps(acts->d[at]), dsum = _mm256_set1_ps(acts->dsum[at]);
    for (size_t half = 0; half < 2; half++) {
        __m256 d =
            has_table(type) && e8m0 ? inlay__load_8_e8m0(block + 8 * half) : inlay__load_8_f16(block + 16 * half);
        acc[half] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[half]), _mm256_mul_ps(d, da), acc[half]);
        if (has_minimum(type)) acc[half] = _mm256_fmadd_ps(inlay__load_8_f16(block + 32 + 16 * half), dsum, acc[half]);
    }
}

/* A panel by n_cols columns, over the whole depth. */
INLAY__AVXVNNI_INLINE void tile(const inlay__product *p, const uint8_t *panel, size_t col, size_t n_cols, uint32_t type,
                                size_t block_size, float *out) {
    const inlay__acts *acts = p->acts;
    const bool e8m0 = p->type == INLAY_TYPE_MXFP4;
    const int8_t *values = e8m0 ? inlay__mx_values : inlay__nl_values;
    __m256 acc[COLS][2];
    for (size_t c = 0; c < n_cols; c++)
        acc[c][0] = acc[c][1] = _mm256_setzero_ps();
    for (size_t k = 0; k < acts->n_blocks; k++) {
        const uint8_t *block = panel + k * block_size;
        const uint8_t *lines = block + (has_minimum(type) ? 64 : has_table(type) && e8m0 ? 16 : 32);
        __m256i sum[COLS][2];
        for (size_t c = 0; c < n_cols; c++)
            sum[c][0] = sum[c][1] =
                zero_point(type) == 0
                    ? _mm256_setzero_si256()
                    : _mm256_set1_epi32(-zero_point(type) * acts->sum[(col + c) * acts->n_blocks + k]);
        for (size_t g = 0; g < 4; g++) {
            __m256i u0[2], u1[2];
            load_groups(lines, g, type, values, u0);
            load_groups(lines + INLAY__HALF_LINE, g, type, values, u1);
            for (size_t c = 0; c < n_cols; c++) {
                const int8_t *q = acts->q + (col + c) * acts->n_k + k * INLAY__Q_LENGTH + 4 * g;
                __m256i first = inlay__broadcast_4(q), second = inlay__broadcast_4(q + 16);
                sum[c][0] = _mm256_dpbusd_avx_epi32(sum[c][0], u0[0], first);
                sum[c][1] = _mm256_dpbusd_avx_epi32(sum[c][1], u1[0], first);
                sum[c][0] = _mm256_dpbusd_avx_epi32(sum[c][0], u0[1], second);
                sum[c][1] = _mm256_dpbusd_avx_epi32(sum[c][1], u1[1], second);
            }
        }
        for (size_t c = 0; c < n_cols; c++)
            accumulate(block, sum[c], acts, (col + c) * acts->n_blocks + k, type, e8m0, acc[c]);
    }
    for (size_t c = 0; c < n_cols; c++)
        for (size_t half = 0; half < 2; half++)
            _mm256_storeu_ps(out + c * p->out_stride + 8 * half, acc[c][half]);
}

INLAY__AVXVNNI_INLINE void product(const inlay__product *p, uint32_t type, size_t block_size) {
    size_t panel_size = p->acts->n_blocks * block_size;
    for (size_t row = p->row_begin; row < p->row_end; row += INLAY__LANES) {
        const uint8_t *panel = p->weights + row / INLAY__LANES * panel_size;
        float *out = p->out + (row - p->row_begin);
        size_t col = p->col_begin;
        for (; col + COLS <= p->col_end; col += COLS, out += COLS * p->out_stride)
            tile(p, panel, col, COLS, type, block_size, out);
        for (; col < p->col_end; col++, out += p->out_stride)
            tile(p, panel, col, 1, type, block_size, out);
    }
}

INLAY__AVXVNNI void inlay__product_q4_0_avxvnni(const inlay__product *p) { product(p, INLAY_TYPE_Q4_0, 288); }
INLAY__AVXVNNI void inlay__product_q4_1_avxvnni(const inlay__product *p) { product(p, INLAY_TYPE_Q4_1, 320); }
INLAY__AVXVNNI void inlay__product_q5_0_avxvnni(const inlay__product *p) { product(p, INLAY_TYPE_Q5_0, 352); }
INLAY__AVXVNNI void inlay__product_q5_1_avxvnni(const inlay__product *p) { product(p, INLAY_TYPE_Q5_1, 384); }
INLAY__AVXVNNI void inlay__product_q8_0_avxvnni(const inlay__product *p) { product(p, INLAY_TYPE_Q8_0, 544); }
INLAY__AVXVNNI void inlay__product_iq4_nl_avxvnni(const inlay__product *p) { /* and MXFP4 */
    product(p, INLAY_TYPE_IQ4_NL, p->type == INLAY_TYPE_MXFP4 ? 272 : 288);
}

#else
typedef int inlay__no_avxvnni; /* a source file may not be empty */
#endif
