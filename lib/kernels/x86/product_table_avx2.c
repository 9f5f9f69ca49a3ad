/* Products with AVX2 of packed superblocks whose elements are places in a table of 16 values (IQ4_XS and the IQ1, IQ2 and
 * IQ3 types): vpshufb looks them up. They lend their sign to the activation, one sum of vpmaddubsw at a time (32,258). */
#include "kernels/x86/avx2.h"

#if defined(__x86_64__)

enum { COLS = 4, SUB_BLOCKS = 8, SIZE_32 = 2240, SIZE_16 = 2368 };

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
                             bool by_16, __m256i table, float *out) {
    const inlay__acts *acts = p->acts;
    __m256 acc[COLS];
    for (size_t c = 0; c < n_cols; c++)
        acc[c] = _mm256_setzero_ps();
    for (size_t k = 0; k < acts->n_blocks; k++) {
        const uint8_t *block = panel + k * (by_16 ? SIZE_16 : SIZE_32), *lines = block + (by_16 ? 320 : 192);
        __m256i sum[COLS];
        for (size_t c = 0; c < n_cols; c++)
            sum[c] = _mm256_setzero_si256();
        for (size_t j = 0; j < SUB_BLOCKS; j++) {
            __m256i q[8];
            const scales_8 scales = load_scales(block, j, half, by_16);
            load_groups(lines + 4 * INLAY__LINE * j + INLAY__HALF_LINE * half, table, q);
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

INLAY__AVX2_INLINE void product(const inlay__product *p, bool by_16) {
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

INLAY__AVX2 static void product_by_32(const inlay__product *p) { product(p, false); }
INLAY__AVX2 static void product_by_16(const inlay__product *p) { product(p, true); }

void inlay__init_table_avx2(inlay__kernels *k) { inlay__kernels_set_table(k, product_by_32, product_by_16); }

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
