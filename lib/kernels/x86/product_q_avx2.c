/* Products of packed panels of blocks of 32 with AVX2: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, and IQ4_NL and MXFP4, whose
 * nibbles are places in a table that vpshufb looks up.
 *
 * A lane is an output row. Weights below 32 are unsigned bytes: vpmaddubsw multiplies them by signed activations and
 * adds neighbours in 16 bits, where 8 such sums of 4-bit weights (at most 2 * 15 * 127 each, 30,480 in all) and 4 of
 * 5-bit ones (31,496) fit; MXFP4, moved up by 12 to at most 24, counts as such. Weights of 8 bits, IQ4_NL too, lend
 * their sign to the activation, one sum at a time (32,512).
 */
#include "kernels/x86/avx2.h"

#if defined(__x86_64__)

enum { FEW = 4, TILE_COLS = 6, EXPAND = 16 };

/* One block of 8 rows, taken apart. */
typedef struct block_8 {
    __m256i line[8]; /* [group] u or, for weights of 8 bits, signed q */
    __m256 d, m;
} block_8;

/* In what follows `type` is known to the compiler, and names one of the five whose arithmetic differs: once unpacked,
 * IQ4_NL is Q8_0 and MXFP4 is Q5_0 with another zero point. `actual` is what the panels hold. */
INLAY__AVX2_INLINE bool has_zero(uint32_t type) { return type == INLAY_TYPE_Q4_0 || type == INLAY_TYPE_Q5_0; }

static inline int32_t zero_point(uint32_t actual) {
    return actual == INLAY_TYPE_Q4_0 ? 8 : actual == INLAY_TYPE_MXFP4 ? 12 : 16;
}

/* The zero point times a sum, shifted where it can be: a broadcast from memory and a shift keep out of the way of all
 * else. */
INLAY__AVX2_INLINE __m256i at_zero(const int32_t *sum, uint32_t type, int32_t zero) {
    if (zero == 12) return _mm256_set1_epi32(12 * *sum);
    return _mm256_slli_epi32(_mm256_set1_epi32(*sum), type == INLAY_TYPE_Q4_0 ? 3 : 4);
}

/* The values of nibbles, out of a table. */
INLAY__AVX2_INLINE void look_up(const int8_t values[16], int32_t zero, __m256i line[8]) {
    __m256i table = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)values));
    table = _mm256_add_epi8(table, _mm256_set1_epi8((char)zero));
    for (size_t g = 0; g < 8; g++) line[g] = _mm256_shuffle_epi8(table, line[g]);
}

/* Where things are in a packed block; pack.c draws it. */
INLAY__AVX2_INLINE block_8 load_block(const uint8_t *block, size_t half, uint32_t type, uint32_t actual) {
    const bool has_m = type == INLAY_TYPE_Q4_1 || type == INLAY_TYPE_Q5_1;
    const bool e8m0 = type == INLAY_TYPE_Q5_0 && actual == INLAY_TYPE_MXFP4;
    const uint8_t *lines = block + (has_m ? 64 : e8m0 ? 16 : 32) + INLAY__HALF_LINE * half;
    block_8 b;
    b.d = e8m0 ? inlay__load_8_e8m0(block + 8 * half) : inlay__load_8_f16(block + 16 * half);
    b.m = has_m ? inlay__load_8_f16(block + 32 + 16 * half) : _mm256_setzero_ps();
    if (type == INLAY_TYPE_Q8_0 && actual != INLAY_TYPE_IQ4_NL) {
        for (size_t g = 0; g < 8; g++)
            b.line[g] = _mm256_xor_si256(inlay__load_256(lines + INLAY__LINE * g), _mm256_set1_epi8((char)0x80));
        return b;
    }
    const __m256i low = _mm256_set1_epi8(15);
    for (size_t g = 0; g < 4; g++) {
        __m256i pair = inlay__load_256(lines + INLAY__LINE * g);
        b.line[g] = _mm256_and_si256(pair, low);
        b.line[g + 4] = _mm256_and_si256(_mm256_srli_epi16(pair, 4), low);
    }
    if (type == INLAY_TYPE_Q8_0) {
        look_up(inlay__nl_values, 0, b.line);
    } else if (e8m0) {
        look_up(inlay__mx_values, zero_point(actual), b.line);
    } else if (type == INLAY_TYPE_Q5_0 || type == INLAY_TYPE_Q5_1) {
        const __m256i bit4 = _mm256_set1_epi8(16);
        __m256i high = inlay__load_256(lines + INLAY__LINE * 4);
        for (int g = 0; g < 8; g++) {
            __m256i moved = g < 4 ? _mm256_slli_epi16(high, 4 - g) : _mm256_srli_epi16(high, g - 4);
            b.line[g] = _mm256_or_si256(b.line[g], _mm256_and_si256(moved, bit4));
        }
    }
    return b;
}

INLAY__AVX2_INLINE __m256i dot_unsigned(const block_8 *b, const int8_t *q, uint32_t type) {
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i first = _mm256_maddubs_epi16(b->line[0], inlay__broadcast_4(q));
    for (int g = 1; g < 4; g++)
        first = _mm256_add_epi16(first, _mm256_maddubs_epi16(b->line[g], inlay__broadcast_4(q + 4 * g)));
    __m256i second = _mm256_maddubs_epi16(b->line[4], inlay__broadcast_4(q + 16));
    for (int g = 5; g < 8; g++)
        second = _mm256_add_epi16(second, _mm256_maddubs_epi16(b->line[g], inlay__broadcast_4(q + 4 * g)));
    if (type == INLAY_TYPE_Q5_0 || type == INLAY_TYPE_Q5_1)
        return _mm256_add_epi32(_mm256_madd_epi16(first, ones), _mm256_madd_epi16(second, ones));
    return _mm256_madd_epi16(_mm256_add_epi16(first, second), ones);
}

INLAY__AVX2_INLINE __m256i dot_signed(const block_8 *b, const int8_t *q) {
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i sum = _mm256_setzero_si256();
    for (int g = 0; g < 8; g++) {
        __m256i a = _mm256_sign_epi8(inlay__broadcast_4(q + 4 * g), b->line[g]);
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_abs_epi8(b->line[g]), a), ones));
    }
    return sum;
}

/* One block of one column into its 8 sums. */
INLAY__AVX2_INLINE __m256 accumulate(const block_8 *b, const inlay__acts *acts, size_t at, const int8_t *q,
                                     uint32_t type, int32_t zero, __m256 acc) {
    __m256i sum = type == INLAY_TYPE_Q8_0 ? dot_signed(b, q) : dot_unsigned(b, q, type);
    if (has_zero(type)) sum = _mm256_sub_epi32(sum, at_zero(&acts->sum[at], type, zero));
    acc = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), _mm256_mul_ps(b->d, _mm256_set1_ps(acts->d[at])), acc);
    if (type == INLAY_TYPE_Q4_1 || type == INLAY_TYPE_Q5_1)
        acc = _mm256_fmadd_ps(b->m, _mm256_set1_ps(acts->dsum[at]), acc);
    return acc;
}

/* 8 rows by n_cols columns, over the whole depth. */
INLAY__AVX2_INLINE void tile(const inlay__product *p, const uint8_t *panel, size_t half, size_t col, size_t n_cols,
                             uint32_t type, size_t block_size, float *out) {
    const inlay__acts *acts = p->acts;
    const int32_t zero = zero_point(p->type);
    __m256 acc[FEW];
    for (size_t c = 0; c < n_cols; c++) acc[c] = _mm256_setzero_ps();
    for (size_t k = 0; k < acts->n_blocks; k++) {
        block_8 b = load_block(panel + k * block_size, half, type, p->type);
        for (size_t c = 0; c < n_cols; c++)
            acc[c] = accumulate(&b, acts, (col + c) * acts->n_blocks + k,
                                acts->q + (col + c) * acts->n_k + k * INLAY__Q_LENGTH, type, zero, acc[c]);
    }
    for (size_t c = 0; c < n_cols; c++) _mm256_storeu_ps(out + c * p->out_stride, acc[c]);
}

/* One column takes both halves of a panel in one walk, so that each line is read once. */
INLAY__AVX2_INLINE void tile_1(const inlay__product *p, const uint8_t *panel, size_t col, uint32_t type,
                               size_t block_size, float *out) {
    const inlay__acts *acts = p->acts;
    const int32_t zero = zero_point(p->type);
    __m256 acc0 = _mm256_setzero_ps(), acc1 = _mm256_setzero_ps();
    for (size_t k = 0; k < acts->n_blocks; k++) {
        const int8_t *q = acts->q + col * acts->n_k + k * INLAY__Q_LENGTH;
        block_8 b = load_block(panel + k * block_size, 0, type, p->type);
        acc0 = accumulate(&b, acts, col * acts->n_blocks + k, q, type, zero, acc0);
        b = load_block(panel + k * block_size, 1, type, p->type);
        acc1 = accumulate(&b, acts, col * acts->n_blocks + k, q, type, zero, acc1);
    }
    _mm256_storeu_ps(out, acc0);
    _mm256_storeu_ps(out + 8, acc1);
}

/* ------------------------------------------------------------ many columns */

/* With many columns a few blocks of 8 rows are taken apart once and kept in the first cache while all columns pass by,
 * six at a time: their 16-bit sums and their float sums then stay in registers. */
typedef struct expanded {
    __m256i line[EXPAND][8];      /* [block][group] */
    __m256i magnitude[EXPAND][8]; /* of weights of 8 bits */
    __m256 d[EXPAND], m[EXPAND];
} expanded;

INLAY__AVX2_INLINE void expand(const uint8_t *blocks, size_t half, size_t n, uint32_t type, uint32_t actual,
                               size_t block_size, expanded *e) {
    for (size_t k = 0; k < n; k++) {
        block_8 b = load_block(blocks + k * block_size, half, type, actual);
        for (size_t g = 0; g < 8; g++) {
            e->line[k][g] = b.line[g];
            if (type == INLAY_TYPE_Q8_0) e->magnitude[k][g] = _mm256_abs_epi8(b.line[g]);
        }
        e->d[k] = b.d;
        e->m[k] = b.m;
    }
}

/* Sums of one block for n_cols columns: a line meets all columns before the next is read. Columns are `stride`
 * apart. */
INLAY__AVX2_INLINE void dot_lines(const __m256i line[8], const int8_t *q, size_t stride, size_t n_cols, uint32_t type,
                                  __m256i *sum) {
    const size_t chain = type == INLAY_TYPE_Q5_0 || type == INLAY_TYPE_Q5_1 ? 4 : 8; /* lines that 16 bits hold */
    INLAY__UNROLL
    for (size_t first = 0; first < 8; first += chain) {
        __m256i part[TILE_COLS];
        for (size_t c = 0; c < n_cols; c++)
            part[c] = _mm256_maddubs_epi16(line[first], inlay__broadcast_4(q + c * stride + 4 * first));
        INLAY__UNROLL
        for (size_t g = first + 1; g < first + chain; g++)
            for (size_t c = 0; c < n_cols; c++) {
                __m256i product = _mm256_maddubs_epi16(line[g], inlay__broadcast_4(q + c * stride + 4 * g));
                part[c] = _mm256_add_epi16(part[c], product);
                INLAY__PIN(part[c]);
            }
        for (size_t c = 0; c < n_cols; c++) {
            __m256i wide = _mm256_madd_epi16(part[c], _mm256_set1_epi16(1));
            sum[c] = first == 0 ? wide : _mm256_add_epi32(sum[c], wide);
        }
    }
}

/* The same for weights of 8 bits, which lend their sign to the activation. */
INLAY__AVX2_INLINE void dot_signed_lines(const __m256i line[8], const __m256i magnitude[8], const int8_t *q,
                                         size_t stride, size_t n_cols, __m256i *sum) {
    INLAY__UNROLL
    for (size_t g = 0; g < 8; g++) {
        for (size_t c = 0; c < n_cols; c++) {
            __m256i a = _mm256_sign_epi8(inlay__broadcast_4(q + c * stride + 4 * g), line[g]);
            __m256i product = _mm256_madd_epi16(_mm256_maddubs_epi16(magnitude[g], a), _mm256_set1_epi16(1));
            sum[c] = g == 0 ? product : _mm256_add_epi32(sum[c], product);
            INLAY__PIN(sum[c]);
        }
    }
}

/* n blocks from block k on, for 8 rows and n_cols columns; `out` holds the sums so far, unless k is 0. */
INLAY__AVX2_INLINE void expanded_tile(const inlay__product *p, const expanded *e, size_t k, size_t n, size_t col,
                                      size_t n_cols, uint32_t type, float *out) {
    const inlay__acts *acts = p->acts;
    const bool has_m = type == INLAY_TYPE_Q4_1 || type == INLAY_TYPE_Q5_1;
    const int8_t *q = acts->q + col * acts->n_k + k * INLAY__Q_LENGTH;
    const float *d = acts->d + col * acts->n_blocks + k, *dsum = acts->dsum + col * acts->n_blocks + k;
    const int32_t *sums = acts->sum + col * acts->n_blocks + k, zero = zero_point(p->type);
    __m256 acc[TILE_COLS];
    for (size_t c = 0; c < n_cols; c++)
        acc[c] = k == 0 ? _mm256_setzero_ps() : _mm256_loadu_ps(out + c * p->out_stride);
    for (size_t i = 0; i < n; i++, q += INLAY__Q_LENGTH) {
        __m256i sum[TILE_COLS];
        if (type == INLAY_TYPE_Q8_0)
            dot_signed_lines(e->line[i], e->magnitude[i], q, acts->n_k, n_cols, sum);
        else
            dot_lines(e->line[i], q, acts->n_k, n_cols, type, sum);
        for (size_t c = 0; c < n_cols; c++) {
            size_t at = c * acts->n_blocks + i;
            if (has_zero(type)) sum[c] = _mm256_sub_epi32(sum[c], at_zero(&sums[at], type, zero));
            acc[c] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[c]), _mm256_mul_ps(e->d[i], _mm256_set1_ps(d[at])), acc[c]);
            if (has_m) acc[c] = _mm256_fmadd_ps(e->m[i], _mm256_set1_ps(dsum[at]), acc[c]);
        }
    }
    for (size_t c = 0; c < n_cols; c++) _mm256_storeu_ps(out + c * p->out_stride, acc[c]);
}

/* A panel of 16 rows by all columns. */
INLAY__AVX2_INLINE void expanded_panel(const inlay__product *p, const uint8_t *panel, uint32_t type, size_t block_size,
                                       float *out) {
    expanded e[2];
    for (size_t k = 0; k < p->acts->n_blocks; k += EXPAND) {
        size_t n = inlay__min_size(EXPAND, p->acts->n_blocks - k), col = p->col_begin;
        float *at = out;
        for (size_t half = 0; half < 2; half++)
            expand(panel + k * block_size, half, n, type, p->type, block_size, &e[half]);
        for (; col + TILE_COLS <= p->col_end; col += TILE_COLS, at += TILE_COLS * p->out_stride)
            for (size_t half = 0; half < 2; half++)
                expanded_tile(p, &e[half], k, n, col, TILE_COLS, type, at + 8 * half);
        for (; col + 2 <= p->col_end; col += 2, at += 2 * p->out_stride)
            for (size_t half = 0; half < 2; half++) expanded_tile(p, &e[half], k, n, col, 2, type, at + 8 * half);
        if (col < p->col_end)
            for (size_t half = 0; half < 2; half++) expanded_tile(p, &e[half], k, n, col, 1, type, at + 8 * half);
    }
}

INLAY__AVX2_INLINE void product(const inlay__product *p, uint32_t type, size_t block_size) {
    size_t panel_size = p->acts->n_blocks * block_size;
    for (size_t row = p->row_begin; row < p->row_end; row += INLAY__LANES) {
        const uint8_t *panel = p->weights + row / INLAY__LANES * panel_size;
        float *out = p->out + (row - p->row_begin);
        size_t col = p->col_begin;
        if (p->col_end - col >= TILE_COLS) {
            expanded_panel(p, panel, type, block_size, out);
            continue;
        }
        for (; col + FEW <= p->col_end; col += FEW, out += FEW * p->out_stride)
            for (size_t half = 0; half < 2; half++) tile(p, panel, half, col, FEW, type, block_size, out + 8 * half);
        for (; col < p->col_end; col++, out += p->out_stride) tile_1(p, panel, col, type, block_size, out);
    }
}

INLAY__AVX2 void inlay__product_q4_0_avx2(const inlay__product *p) { product(p, INLAY_TYPE_Q4_0, 288); }
INLAY__AVX2 void inlay__product_q4_1_avx2(const inlay__product *p) { product(p, INLAY_TYPE_Q4_1, 320); }
INLAY__AVX2 void inlay__product_q5_0_avx2(const inlay__product *p) { /* and MXFP4 */
    product(p, INLAY_TYPE_Q5_0, p->type == INLAY_TYPE_MXFP4 ? 272 : 352);
}
INLAY__AVX2 void inlay__product_q5_1_avx2(const inlay__product *p) { product(p, INLAY_TYPE_Q5_1, 384); }
INLAY__AVX2 void inlay__product_q8_0_avx2(const inlay__product *p) { /* and IQ4_NL */
    product(p, INLAY_TYPE_Q8_0, p->type == INLAY_TYPE_IQ4_NL ? 288 : 544);
}

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
