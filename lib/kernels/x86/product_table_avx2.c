/* Products with AVX2 of packed superblocks whose elements are places in a table of 16 values (IQ4_XS and the IQ1, IQ2
 * and IQ3 types): vpshufb looks them up. With few columns they lend their sign to the activation, one sum of vpmaddubsw
 * at a time (32,258). With many, activations are moved up by 128 to be unsigned, and sums of vpmaddubsw add up in 16
 * bits, where they may wrap: -128 times the weights' own sum, which is made once for all columns, brings them back. How
 * many sums fit then, two products each of an activation within 127 and a weight within
 *
 *     15   IQ1_S, IQ1_M (9), IQ3_S     8   30,480
 *     43   IQ2_XXS, IQ2_XS, IQ2_S      3   32,766, or 2 where 16 elements have a scale
 *     62   IQ3_XXS                     2   31,496
 *     127  IQ4_XS                      1   as with few columns
 */
#include "kernels/x86/avx2.h"

#if defined(__x86_64__)

enum { COLS = 2, MANY = 4, TILE_COLS = 6, PARTS = 2, ROWS = 8, SUB_BLOCKS = 8, SIZE_32 = 2240, SIZE_16 = 2368 };

typedef struct form {
    bool by_16;
    size_t size;
    __m256i table;
} form;

INLAY__AVX2_INLINE __m256i load_table(uint32_t type) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)inlay__block_type_get(type)->values));
}

/* The 8 groups of 32 elements of 8 rows, looked up. */
INLAY__AVX2_INLINE void load_groups(const uint8_t *lines, __m256i table, __m256i q[8]) {
    const __m256i low = _mm256_set1_epi8(15);
    for (size_t g = 0; g < 4; g++) {
        __m256i pair = inlay__load_256(lines + INLAY__LINE * g);
        q[g] = _mm256_shuffle_epi8(table, _mm256_and_si256(pair, low));
        q[g + 4] = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(pair, 4), low));
    }
}

/* The scales of a sub-block's halves, each twice in 16 bits, out of pair j (sub-blocks of 16) or j / 2 (of 32). */
typedef struct scales_8 {
    __m256i first, second;
} scales_8;

INLAY__AVX2_INLINE scales_8 load_scales(const uint8_t *block, size_t j, size_t half, bool by_16) {
    const uint8_t *pairs = block + 64 + 32 * (by_16 ? j : j / 2) + 16 * half;
    __m256i both = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)pairs));
    __m256i first = _mm256_and_si256(both, _mm256_set1_epi32(0xffff)), second = _mm256_srli_epi32(both, 16);
    first = _mm256_or_si256(first, _mm256_slli_epi32(first, 16));
    second = _mm256_or_si256(second, _mm256_slli_epi32(second, 16));
    if (by_16) return (scales_8){first, second};
    return j % 2 == 0 ? (scales_8){first, first} : (scales_8){second, second};
}

/* 8 rows by n_cols columns, over the whole depth. */
INLAY__AVX2_INLINE void tile(const inlay__product *p, const uint8_t *panel, size_t half, size_t col, size_t n_cols,
                             form f, float *out) {
    const inlay__acts *acts = p->acts;
    const bool by_16 = f.by_16;
    __m256 acc[COLS];
    for (size_t c = 0; c < n_cols; c++)
        acc[c] = _mm256_setzero_ps();
    for (size_t k = 0; k < acts->n_blocks; k++) {
        const uint8_t *block = panel + k * f.size, *lines = block + (by_16 ? 320 : 192);
        __m256i sum[COLS];
        for (size_t c = 0; c < n_cols; c++)
            sum[c] = _mm256_setzero_si256();
        for (size_t j = 0; j < SUB_BLOCKS; j++) {
            __m256i q[8];
            const scales_8 scales = load_scales(block, j, half, by_16);
            load_groups(lines + 4 * INLAY__LINE * j + INLAY__HALF_LINE * half, f.table, q);
            for (size_t c = 0; c < n_cols; c++) {
                const int8_t *a = acts->q + (col + c) * acts->n_k + k * INLAY__K_LENGTH + 32 * j;
                for (size_t g = 0; g < 8; g++) {
                    __m256i signed_a = _mm256_sign_epi8(inlay__broadcast_4(a + 4 * g), q[g]);
                    __m256i part = _mm256_maddubs_epi16(_mm256_abs_epi8(q[g]), signed_a);
                    sum[c] = _mm256_add_epi32(sum[c], _mm256_madd_epi16(part, g < 4 ? scales.first : scales.second));
                }
            }
        }
        __m256 d = _mm256_loadu_ps((const float *)(const void *)(block + 32 * half));
        for (size_t c = 0; c < n_cols; c++) {
            __m256 da = _mm256_set1_ps(acts->d[(col + c) * acts->n_blocks + k]);
            acc[c] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[c]), _mm256_mul_ps(d, da), acc[c]);
        }
    }
    for (size_t c = 0; c < n_cols; c++)
        _mm256_storeu_ps(out + c * p->out_stride, acc[c]);
}

#define LANES INLAY__AVX2_INLINE
#include "kernels/x86/product_parts.h"

/* ------------------------------------------------------------ many columns */

/* Lines whose sums 16 bits hold. */
INLAY__AVX2_INLINE size_t chain_of(uint32_t type, bool by_16) {
    switch (type) {
    case INLAY_TYPE_IQ1_S:
    case INLAY_TYPE_IQ1_M:
    case INLAY_TYPE_IQ3_S: return by_16 ? 4 : 8;
    case INLAY_TYPE_IQ2_XXS:
    case INLAY_TYPE_IQ2_XS:
    case INLAY_TYPE_IQ2_S: return by_16 ? 2 : 3;
    case INLAY_TYPE_IQ3_XXS: return 2;
    default: return 1;
    }
}

/* One superblock of 8 rows, taken apart once for all columns. */
typedef struct expanded {
    __m256i line[SUB_BLOCKS][8];  /* [sub-block][group] */
    __m256i other[SUB_BLOCKS][8]; /* [sub-block][chain] what brings its sum back; of chains of 1 line its magnitude */
    scales_8 scales[SUB_BLOCKS];
} expanded;

INLAY__AVX2_INLINE void expand(const uint8_t *block, size_t half, bool by_16, size_t chain, __m256i table,
                               expanded *e) {
    const uint8_t *lines = block + (by_16 ? 320 : 192) + INLAY__HALF_LINE * half;
    for (size_t j = 0; j < SUB_BLOCKS; j++) {
        __m256i q[8], sum = _mm256_setzero_si256();
        load_groups(lines + 4 * INLAY__LINE * j, table, q);
        e->scales[j] = load_scales(block, j, half, by_16);
        INLAY__UNROLL
        for (size_t g = 0; g < 8; g++) {
            e->line[j][g] = q[g];
            if (chain == 1) {
                e->other[j][g] = _mm256_abs_epi8(q[g]);
                continue;
            }
            sum = _mm256_sub_epi16(sum, _mm256_maddubs_epi16(_mm256_set1_epi8((char)128), q[g]));
            if ((g + 1) % chain != 0 && g != 7) continue;
            e->other[j][g / chain] = sum;
            sum = _mm256_setzero_si256();
        }
    }
}

/* The activations of superblock k of n_cols columns, as the chains want them. */
INLAY__AVX2_INLINE void take_columns(const inlay__acts *acts, size_t k, size_t col, size_t n_cols, size_t chain,
                                     int8_t q[TILE_COLS][INLAY__K_LENGTH]) {
    const __m256i up = _mm256_set1_epi8(chain == 1 ? 0 : (char)128);
    for (size_t c = 0; c < n_cols; c++) {
        const int8_t *from = acts->q + (col + c) * acts->n_k + k * INLAY__K_LENGTH;
        for (size_t i = 0; i < INLAY__K_LENGTH; i += 32)
            _mm256_storeu_si256((__m256i *)(void *)(q[c] + i), _mm256_xor_si256(inlay__load_256(from + i), up));
    }
}

/* Sums of a superblock for n_cols columns: a line meets all columns before the next is read. */
INLAY__AVX2_INLINE void dot_lines(const expanded *e, const int8_t (*q)[INLAY__K_LENGTH], size_t n_cols, size_t chain,
                                  __m256i *sum) {
    for (size_t c = 0; c < n_cols; c++) sum[c] = _mm256_setzero_si256();
    for (size_t j = 0; j < SUB_BLOCKS; j++) {
        INLAY__UNROLL
        for (size_t first = 0; first < 8; first += chain) {
            __m256i part[TILE_COLS], other = e->other[j][first / chain];
            const size_t end = first + chain < 8 ? first + chain : 8;
            const __m256i scale = first < 4 ? e->scales[j].first : e->scales[j].second;
            for (size_t c = 0; c < n_cols; c++) {
                __m256i a = inlay__broadcast_4(q[c] + 32 * j + 4 * first), line = e->line[j][first];
                part[c] = chain == 1 ? _mm256_maddubs_epi16(other, _mm256_sign_epi8(a, line))
                                     : _mm256_add_epi16(_mm256_maddubs_epi16(a, line), other);
                INLAY__PIN(part[c]);
            }
            INLAY__UNROLL
            for (size_t g = first + 1; g < end; g++)
                for (size_t c = 0; c < n_cols; c++) {
                    __m256i a = inlay__broadcast_4(q[c] + 32 * j + 4 * g);
                    part[c] = _mm256_add_epi16(part[c], _mm256_maddubs_epi16(a, e->line[j][g]));
                    INLAY__PIN(part[c]);
                }
            for (size_t c = 0; c < n_cols; c++) {
                sum[c] = _mm256_add_epi32(sum[c], _mm256_madd_epi16(part[c], scale));
                INLAY__PIN(sum[c]);
            }
        }
    }
}

/* Superblock k of 16 rows by n_cols columns; `out` holds the sums so far, unless k is 0. */
INLAY__AVX2_INLINE void expanded_tile(const inlay__product *p, const expanded e[2], const uint8_t *block, size_t k,
                                      size_t col, size_t n_cols, size_t chain, float *out) {
    int8_t q[TILE_COLS][INLAY__K_LENGTH];
    take_columns(p->acts, k, col, n_cols, chain, q);
    for (size_t half = 0; half < 2; half++) {
        __m256i sum[TILE_COLS];
        const __m256 d = _mm256_loadu_ps((const float *)(const void *)(block + 32 * half));
        dot_lines(&e[half], (const int8_t(*)[INLAY__K_LENGTH])q, n_cols, chain, sum);
        for (size_t c = 0; c < n_cols; c++) {
            float *at = out + c * p->out_stride + 8 * half;
            __m256 acc = k == 0 ? _mm256_setzero_ps() : _mm256_loadu_ps(at);
            __m256 da = _mm256_set1_ps(p->acts->d[(col + c) * p->acts->n_blocks + k]);
            _mm256_storeu_ps(at, _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[c]), _mm256_mul_ps(d, da), acc));
        }
    }
}

/* A panel of 16 rows by all columns. */
INLAY__AVX2_INLINE void expanded_panel(const inlay__product *p, const uint8_t *panel, form f, size_t chain,
                                       float *out) {
    expanded e[2];
    for (size_t k = 0; k < p->acts->n_blocks; k++) {
        const uint8_t *block = panel + k * f.size;
        size_t col = p->col_begin;
        float *at = out;
        for (size_t half = 0; half < 2; half++) expand(block, half, f.by_16, chain, f.table, &e[half]);
        for (; col + TILE_COLS <= p->col_end; col += TILE_COLS, at += TILE_COLS * p->out_stride)
            expanded_tile(p, e, block, k, col, TILE_COLS, chain, at);
        for (; col < p->col_end; col++, at += p->out_stride) expanded_tile(p, e, block, k, col, 1, chain, at);
    }
}

INLAY__AVX2_INLINE form form_of(uint32_t type, bool by_16) {
    return (form){by_16, by_16 ? SIZE_16 : SIZE_32, load_table(type)};
}

INLAY__AVX2_INLINE void multiply(const inlay__product *p, bool by_16, size_t chain) {
    const form f = form_of(p->type, by_16);
    const size_t panel_size = p->acts->n_blocks * f.size;
    for (size_t row = p->row_begin; row < p->row_end; row += INLAY__LANES)
        expanded_panel(p, p->weights + row / INLAY__LANES * panel_size, f, chain, p->out + (row - p->row_begin));
}

INLAY__AVX2 static void product_by_32(const inlay__product *p) {
    if (p->col_end - p->col_begin < MANY) {
        product(p, form_of(p->type, false));
        return;
    }
    switch (chain_of(p->type, false)) {
    case 8: multiply(p, false, 8); break;
    case 3: multiply(p, false, 3); break;
    case 2: multiply(p, false, 2); break;
    default: multiply(p, false, 1); break;
    }
}

INLAY__AVX2 static void product_by_16(const inlay__product *p) {
    if (p->col_end - p->col_begin < MANY)
        product(p, form_of(p->type, true));
    else if (chain_of(p->type, true) == 4)
        multiply(p, true, 4);
    else
        multiply(p, true, 2);
}

void inlay__init_table_avx2(inlay__kernels *k) { inlay__kernels_set_table(k, product_by_32, product_by_16); }

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
