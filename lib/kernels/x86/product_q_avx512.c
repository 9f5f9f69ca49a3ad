/* Products of packed panels of blocks of 32 with AVX-512 VNNI: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, and IQ4_NL and MXFP4,
 * whose nibbles vpshufb looks up, moved up by 128. vpdpbusd multiplies unsigned weights by signed activations and adds
 * four neighbours to 32 bits, exactly. A zero point is where the sum starts. */
#include "kernels/x86/avx512.h"

#if defined(__x86_64__)

enum { COLS = 8 };

typedef struct block_16 {
    __m512i line[8]; /* [group] u, all unsigned */
    __m512 d, m;
} block_16;

/* The values of nibbles, out of a table, moved up by 128. */
INLAY__AVX512_INLINE void look_up(const int8_t values[16], __m512i line[8]) {
    __m512i table = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)values));
    table = _mm512_xor_si512(table, _mm512_set1_epi8((char)0x80));
    for (size_t g = 0; g < 8; g++) line[g] = _mm512_shuffle_epi8(table, line[g]);
}

/* `type` is known to the compiler; once unpacked, IQ4_NL and MXFP4 are Q8_0. `actual` is what the panels hold. */
INLAY__AVX512_INLINE block_16 load_block(const uint8_t *block, uint32_t type, uint32_t actual) {
    const bool has_m = type == INLAY_TYPE_Q4_1 || type == INLAY_TYPE_Q5_1;
    const bool e8m0 = type == INLAY_TYPE_Q8_0 && actual == INLAY_TYPE_MXFP4;
    const bool has_table = type == INLAY_TYPE_Q8_0 && (e8m0 || actual == INLAY_TYPE_IQ4_NL);
    const uint8_t *lines = block + (has_m ? 64 : e8m0 ? 16 : 32);
    block_16 b;
    b.d = e8m0 ? inlay__load_16_e8m0(block) : inlay__load_16_f16(block);
    b.m = has_m ? inlay__load_16_f16(block + 32) : _mm512_setzero_ps();
    if (type == INLAY_TYPE_Q8_0 && !has_table) {
        for (size_t g = 0; g < 8; g++) b.line[g] = _mm512_loadu_si512(lines + INLAY__LINE * g);
        return b;
    }
    const __m512i low = _mm512_set1_epi8(15);
    for (size_t g = 0; g < 4; g++) {
        __m512i pair = _mm512_loadu_si512(lines + INLAY__LINE * g);
        b.line[g] = _mm512_and_si512(pair, low);
        b.line[g + 4] = _mm512_and_si512(_mm512_srli_epi16(pair, 4), low);
    }
    if (has_table) look_up(e8m0 ? inlay__mx_values : inlay__nl_values, b.line);
    if (type == INLAY_TYPE_Q5_0 || type == INLAY_TYPE_Q5_1) {
        const __m512i bit4 = _mm512_set1_epi8(16);
        __m512i high = _mm512_loadu_si512(lines + INLAY__LINE * 4);
        for (int g = 0; g < 8; g++) {
            __m512i moved = inlay__shift_512(high, 4 - g);
            b.line[g] = _mm512_or_si512(b.line[g], _mm512_and_si512(moved, bit4));
        }
    }
    return b;
}

INLAY__AVX512_INLINE int32_t zero_point(uint32_t type) {
    return type == INLAY_TYPE_Q4_0 ? 8 : type == INLAY_TYPE_Q5_0 ? 16 : type == INLAY_TYPE_Q8_0 ? 128 : 0;
}

INLAY__AVX512_INLINE __m512 accumulate(const block_16 *b, const inlay__acts *acts, size_t at, const int8_t *q,
                                       uint32_t type, __m512 acc) {
    __m512i first =
        zero_point(type) != 0 ? _mm512_set1_epi32(-zero_point(type) * acts->sum[at]) : _mm512_setzero_si512();
    __m512i second = _mm512_setzero_si512();
    for (size_t g = 0; g < 4; g++) {
        first = _mm512_dpbusd_epi32(first, b->line[g], inlay__broadcast_4_512(q + 4 * g));
        second = _mm512_dpbusd_epi32(second, b->line[g + 4], inlay__broadcast_4_512(q + 16 + 4 * g));
    }
    __m512 sum = _mm512_cvtepi32_ps(_mm512_add_epi32(first, second));
    acc = _mm512_fmadd_ps(sum, _mm512_mul_ps(b->d, _mm512_set1_ps(acts->d[at])), acc);
    if (type == INLAY_TYPE_Q4_1 || type == INLAY_TYPE_Q5_1)
        acc = _mm512_fmadd_ps(b->m, _mm512_set1_ps(acts->dsum[at]), acc);
    return acc;
}

/* A panel by n_cols columns, over the whole depth. */
INLAY__AVX512_INLINE void tile(const inlay__product *p, const uint8_t *panel, size_t col, size_t n_cols, uint32_t type,
                               size_t block_size, float *out) {
    const inlay__acts *acts = p->acts;
    __m512 acc[COLS];
    for (size_t c = 0; c < n_cols; c++) acc[c] = _mm512_setzero_ps();
    for (size_t k = 0; k < acts->n_blocks; k++) {
        block_16 b = load_block(panel + k * block_size, type, p->type);
        for (size_t c = 0; c < n_cols; c++)
            acc[c] = accumulate(&b, acts, (col + c) * acts->n_blocks + k,
                                acts->q + (col + c) * acts->n_k + k * INLAY__Q_LENGTH, type, acc[c]);
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
        for (; col + 2 <= p->col_end; col += 2, out += 2 * p->out_stride) tile(p, panel, col, 2, type, block_size, out);
        if (col < p->col_end) tile(p, panel, col, 1, type, block_size, out);
    }
}

INLAY__AVX512 void inlay__product_q4_0_avx512(const inlay__product *p) { product(p, INLAY_TYPE_Q4_0, 288); }
INLAY__AVX512 void inlay__product_q4_1_avx512(const inlay__product *p) { product(p, INLAY_TYPE_Q4_1, 320); }
INLAY__AVX512 void inlay__product_q5_0_avx512(const inlay__product *p) { product(p, INLAY_TYPE_Q5_0, 352); }
INLAY__AVX512 void inlay__product_q5_1_avx512(const inlay__product *p) { product(p, INLAY_TYPE_Q5_1, 384); }
INLAY__AVX512 void inlay__product_q8_0_avx512(const inlay__product *p) { /* IQ4_NL and MXFP4 too */
    product(p, INLAY_TYPE_Q8_0, p->type == INLAY_TYPE_IQ4_NL ? 288 : p->type == INLAY_TYPE_MXFP4 ? 272 : 544);
}

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
