/* Products of packed Q4_K, Q5_K and Q6_K panels with AVX2. As product_q_avx2.c, with a scale in place of the ones that
 * vpmaddwd multiplies by. A sum of two 6-bit weights (16,002) fits 16 bits, four of them do once the zero point of 32
 * is taken away (32,512): sums wrap on their way there. */
#include "kernels/x86/avx2.h"

#if defined(__x86_64__)

enum { FEW = 4, TILE_COLS = 6, SUB_BLOCKS = 8 };

/* Where things are in a packed superblock; pack.c draws it. */
INLAY__AVX2_INLINE size_t sub_block_size(uint32_t type) {
    return type == INLAY_TYPE_Q4_K ? 256 : type == INLAY_TYPE_Q5_K ? 320 : 384;
}

INLAY__AVX2_INLINE const uint8_t *sub_block(const uint8_t *block, size_t j, size_t half, uint32_t type) {
    return block + (type == INLAY_TYPE_Q6_K ? 288 : 320) + j * sub_block_size(type) + INLAY__HALF_LINE * half;
}

INLAY__AVX2_INLINE void load_lines(const uint8_t *lines, uint32_t type, __m256i u[8]) {
    const __m256i low = _mm256_set1_epi8(15);
    for (size_t g = 0; g < 4; g++) {
        __m256i pair = inlay__load_256(lines + INLAY__LINE * g);
        u[g] = _mm256_and_si256(pair, low);
        u[g + 4] = _mm256_and_si256(_mm256_srli_epi16(pair, 4), low);
    }
    if (type == INLAY_TYPE_Q5_K) {
        __m256i high = inlay__load_256(lines + INLAY__LINE * 4);
        for (int g = 0; g < 8; g++) {
            __m256i moved = g < 4 ? _mm256_slli_epi16(high, 4 - g) : _mm256_srli_epi16(high, g - 4);
            u[g] = _mm256_or_si256(u[g], _mm256_and_si256(moved, _mm256_set1_epi8(16)));
        }
    }
    if (type == INLAY_TYPE_Q6_K) {
        for (int g = 0; g < 8; g++) {
            __m256i high = inlay__load_256(lines + INLAY__LINE * (4 + (size_t)g / 4));
            __m256i moved =
                g % 4 < 2 ? _mm256_slli_epi16(high, 4 - 2 * (g % 4)) : _mm256_srli_epi16(high, 2 * (g % 4) - 4);
            u[g] = _mm256_or_si256(u[g], _mm256_and_si256(moved, _mm256_set1_epi8(48)));
        }
    }
}

/* The scales of sub-block j, for the 8 rows, as pairs of 16-bit numbers that vpmaddwd takes: one for its first 16
 * elements and one for the rest (the same but for Q6_K). */
typedef struct scales_8 {
    __m256i first, second;
} scales_8;

INLAY__AVX2_INLINE scales_8 load_scales(const uint8_t *block, size_t j, size_t half, uint32_t type) {
    scales_8 s;
    if (type == INLAY_TYPE_Q6_K) {
        __m256i pairs = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(block + 32 + 32 * j + 16 * half)));
        __m256i first = _mm256_and_si256(pairs, _mm256_set1_epi32(0xffff));
        __m256i second = _mm256_srli_epi32(pairs, 16);
        s.first = _mm256_or_si256(first, _mm256_slli_epi32(first, 16));
        s.second = _mm256_or_si256(second, _mm256_slli_epi32(second, 16));
        return s;
    }
    __m256i each = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(block + 64 + 16 * j + 8 * half)));
    s.first = s.second = _mm256_or_si256(each, _mm256_slli_epi32(each, 16));
    return s;
}

/* scale times dot of the 32 elements of a sub-block. */
INLAY__AVX2_INLINE __m256i dot(const __m256i u[8], const scales_8 *s, const int8_t *q, const int16_t *zero6,
                               uint32_t type) {
    __m256i part[8];
    for (int g = 0; g < 8; g++) part[g] = _mm256_maddubs_epi16(u[g], inlay__broadcast_4(q + 4 * g));
    __m256i p01 = _mm256_add_epi16(part[0], part[1]), p23 = _mm256_add_epi16(part[2], part[3]);
    __m256i p45 = _mm256_add_epi16(part[4], part[5]), p67 = _mm256_add_epi16(part[6], part[7]);
    __m256i first = _mm256_add_epi16(p01, p23), second = _mm256_add_epi16(p45, p67);
    if (type == INLAY_TYPE_Q4_K) return _mm256_madd_epi16(_mm256_add_epi16(first, second), s->first);
    if (type == INLAY_TYPE_Q6_K) {
        first = _mm256_add_epi16(first, inlay__broadcast_pair(zero6));
        second = _mm256_add_epi16(second, inlay__broadcast_pair(zero6 + 2));
    }
    return _mm256_add_epi32(_mm256_madd_epi16(first, s->first), _mm256_madd_epi16(second, s->second));
}

/* Sum over the sub-blocks of the minima of Q4_K and Q5_K times the activations' sums. */
INLAY__AVX2_INLINE __m256i dot_sums(const uint8_t *block, size_t half, const inlay__acts *acts, size_t col, size_t k) {
    __m256i sum = _mm256_setzero_si256();
    const int16_t *sums = acts->sum32 + col * (acts->n_k / 32) + 8 * k;
    for (size_t j = 0; j < 4; j++) {
        __m256i pairs = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(block + 192 + 32 * j + 16 * half)));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, inlay__broadcast_pair(sums + 2 * j)));
    }
    return sum;
}

/* A superblock's sum joins that of its row. */
INLAY__AVX2_INLINE __m256 accumulate(const uint8_t *block, size_t half, const inlay__acts *acts, size_t col, size_t k,
                                     uint32_t type, __m256i sum, __m256 acc) {
    __m256 d = inlay__load_8_f16(block + 16 * half), da = _mm256_set1_ps(acts->d[col * acts->n_blocks + k]);
    acc = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), _mm256_mul_ps(d, da), acc);
    if (type == INLAY_TYPE_Q6_K) return acc;
    __m256i sums = dot_sums(block, half, acts, col, k);
    __m256 dmin = inlay__load_8_f16(block + 32 + 16 * half);
    return _mm256_fnmadd_ps(_mm256_cvtepi32_ps(sums), _mm256_mul_ps(dmin, da), acc);
}

/* 8 rows by n_cols columns, over the whole depth. */
INLAY__AVX2_INLINE void tile(const inlay__product *p, const uint8_t *panel, size_t half, size_t col, size_t n_cols,
                             uint32_t type, size_t block_size, float *out) {
    const inlay__acts *acts = p->acts;
    __m256 acc[FEW];
    for (size_t c = 0; c < n_cols; c++) acc[c] = _mm256_setzero_ps();
    for (size_t k = 0; k < acts->n_blocks; k++) {
        const uint8_t *block = panel + k * block_size;
        __m256i sum[FEW];
        for (size_t c = 0; c < n_cols; c++) sum[c] = _mm256_setzero_si256();
        for (size_t j = 0; j < SUB_BLOCKS; j++) {
            __m256i u[8];
            scales_8 scales = load_scales(block, j, half, type);
            load_lines(sub_block(block, j, half, type), type, u);
            for (size_t c = 0; c < n_cols; c++) {
                const size_t at = (col + c) * acts->n_k + k * INLAY__K_LENGTH + 32 * j;
                sum[c] = _mm256_add_epi32(sum[c], dot(u, &scales, acts->q + at, acts->zero6 + at / 8, type));
            }
        }
        for (size_t c = 0; c < n_cols; c++) acc[c] = accumulate(block, half, acts, col + c, k, type, sum[c], acc[c]);
    }
    for (size_t c = 0; c < n_cols; c++) _mm256_storeu_ps(out + c * p->out_stride, acc[c]);
}

/* ------------------------------------------------------------ many columns */

/* As in product_q_avx2.c: one superblock of 8 rows, taken apart once for all columns. */
typedef struct expanded {
    __m256i line[SUB_BLOCKS][8]; /* [sub-block][group] */
    scales_8 scales[SUB_BLOCKS];
} expanded;

INLAY__AVX2_INLINE void expand(const uint8_t *block, size_t half, uint32_t type, expanded *e) {
    for (size_t j = 0; j < SUB_BLOCKS; j++) {
        __m256i u[8];
        load_lines(sub_block(block, j, half, type), type, u);
        for (size_t g = 0; g < 8; g++) e->line[j][g] = u[g];
        e->scales[j] = load_scales(block, j, half, type);
    }
}

/* Sums of a superblock for n_cols columns, `stride` apart: a line meets all columns before the next is read. */
INLAY__AVX2_INLINE void dot_lines(const expanded *e, const int8_t *q, const int16_t *zero6, size_t stride,
                                  size_t n_cols, uint32_t type, __m256i *sum) {
    const size_t chain = type == INLAY_TYPE_Q4_K ? 8 : 4; /* lines that 16 bits hold */
    for (size_t c = 0; c < n_cols; c++) sum[c] = _mm256_setzero_si256();
    for (size_t j = 0; j < SUB_BLOCKS; j++, q += 32, zero6 += 4) {
        INLAY__UNROLL
        for (size_t first = 0; first < 8; first += chain) {
            __m256i part[TILE_COLS], scale = first < 4 ? e->scales[j].first : e->scales[j].second;
            for (size_t c = 0; c < n_cols; c++)
                part[c] = _mm256_maddubs_epi16(e->line[j][first], inlay__broadcast_4(q + c * stride + 4 * first));
            INLAY__UNROLL
            for (size_t g = first + 1; g < first + chain; g++)
                for (size_t c = 0; c < n_cols; c++) {
                    __m256i product = _mm256_maddubs_epi16(e->line[j][g], inlay__broadcast_4(q + c * stride + 4 * g));
                    part[c] = _mm256_add_epi16(part[c], product);
                    INLAY__PIN(part[c]);
                }
            for (size_t c = 0; type == INLAY_TYPE_Q6_K && c < n_cols; c++)
                part[c] = _mm256_add_epi16(part[c], inlay__broadcast_pair(zero6 + c * (stride / 8) + first / 2));
            for (size_t c = 0; c < n_cols; c++) {
                sum[c] = _mm256_add_epi32(sum[c], _mm256_madd_epi16(part[c], scale));
                INLAY__PIN(sum[c]);
            }
        }
    }
}

/* Superblock k of 8 rows by n_cols columns; `out` holds the sums so far, unless k is 0. */
INLAY__AVX2_INLINE void expanded_tile(const inlay__product *p, const expanded *e, const uint8_t *block, size_t half,
                                      size_t k, size_t col, size_t n_cols, uint32_t type, float *out) {
    __m256i sum[TILE_COLS];
    const size_t at = col * p->acts->n_k + k * INLAY__K_LENGTH;
    dot_lines(e, p->acts->q + at, p->acts->zero6 + at / 8, p->acts->n_k, n_cols, type, sum);
    for (size_t c = 0; c < n_cols; c++) {
        __m256 acc = k == 0 ? _mm256_setzero_ps() : _mm256_loadu_ps(out + c * p->out_stride);
        acc = accumulate(block, half, p->acts, col + c, k, type, sum[c], acc);
        _mm256_storeu_ps(out + c * p->out_stride, acc);
    }
}

/* A panel of 16 rows by all columns. */
INLAY__AVX2_INLINE void expanded_panel(const inlay__product *p, const uint8_t *panel, uint32_t type, size_t block_size,
                                       float *out) {
    expanded e[2];
    for (size_t k = 0; k < p->acts->n_blocks; k++) {
        const uint8_t *block = panel + k * block_size;
        size_t col = p->col_begin;
        float *at = out;
        for (size_t half = 0; half < 2; half++) expand(block, half, type, &e[half]);
        for (; col + TILE_COLS <= p->col_end; col += TILE_COLS, at += TILE_COLS * p->out_stride)
            for (size_t half = 0; half < 2; half++)
                expanded_tile(p, &e[half], block, half, k, col, TILE_COLS, type, at + 8 * half);
        for (; col + 2 <= p->col_end; col += 2, at += 2 * p->out_stride)
            for (size_t half = 0; half < 2; half++)
                expanded_tile(p, &e[half], block, half, k, col, 2, type, at + 8 * half);
        for (; col < p->col_end; col++, at += p->out_stride)
            for (size_t half = 0; half < 2; half++)
                expanded_tile(p, &e[half], block, half, k, col, 1, type, at + 8 * half);
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
        for (; col < p->col_end; col++, out += p->out_stride)
            for (size_t half = 0; half < 2; half++) tile(p, panel, half, col, 1, type, block_size, out + 8 * half);
    }
}

INLAY__AVX2 void inlay__product_q4_k_avx2(const inlay__product *p) { product(p, INLAY_TYPE_Q4_K, 2368); }
INLAY__AVX2 void inlay__product_q5_k_avx2(const inlay__product *p) { product(p, INLAY_TYPE_Q5_K, 2880); }
INLAY__AVX2 void inlay__product_q6_k_avx2(const inlay__product *p) { product(p, INLAY_TYPE_Q6_K, 3360); }

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
