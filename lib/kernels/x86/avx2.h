/* What the AVX2 kernels share. Everything here carries the target attribute, so that no file needs a compiler flag. */
#ifndef INLAY_AVX2_H
#define INLAY_AVX2_H

#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels/kernels.h"
#include "kernels/math.h"

#define INLAY__AVX2 __attribute__((target("avx2,fma,f16c")))
#define INLAY__AVX2_INLINE static inline __attribute__((always_inline, target("avx2,fma,f16c")))

/* Keeps a sum where it is written: compilers know integer sums in vectors and would order them anew, which needs more
 * registers than there are. */
#if defined(__GNUC__)
#define INLAY__PIN(x) __asm__("" : "+x"(x))
#define INLAY__UNROLL _Pragma("GCC unroll 8")
#define INLAY__UNROLL_24 _Pragma("GCC unroll 24")
#else
#define INLAY__UNROLL
#define INLAY__UNROLL_24
#define INLAY__PIN(x) ((void)0)
#endif

/* Bytes of a line of a packed panel, and of the half that one register holds: 8 rows. */
enum { INLAY__LINE = 64, INLAY__HALF_LINE = 32 };

/* 4 activations of one column to all rows. */
INLAY__AVX2_INLINE __m256i inlay__broadcast_4(const int8_t *q) {
    int32_t four;
    memcpy(&four, q, 4);
    return _mm256_set1_epi32(four);
}

/* 2 sums of one column to all rows. */
INLAY__AVX2_INLINE __m256i inlay__broadcast_pair(const int16_t *sums) {
    int32_t two;
    memcpy(&two, sums, 4);
    return _mm256_set1_epi32(two);
}

/* Sum of the 256 activations of superblock k. */
static inline int32_t inlay__sum_256(const inlay__acts *acts, size_t col, size_t k) {
    const int16_t *sums = acts->sum32 + col * (acts->n_k / 32) + 8 * k;
    int32_t sum = 0;
    for (size_t j = 0; j < 8; j++) sum += sums[j];
    return sum;
}

/* 2^(e - 128) of 8 bytes e, as inlay__e8m0_half. */
INLAY__AVX2_INLINE __m256 inlay__load_8_e8m0(const void *p) {
    __m256i e = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)), two = _mm256_set1_epi32(2);
    __m256i normal = _mm256_slli_epi32(_mm256_sub_epi32(e, _mm256_set1_epi32(1)), 23);
    __m256i subnormal = _mm256_sllv_epi32(_mm256_set1_epi32(0x200000), e);
    return _mm256_castsi256_ps(_mm256_blendv_epi8(normal, subnormal, _mm256_cmpgt_epi32(two, e)));
}

INLAY__AVX2_INLINE __m256 inlay__load_8_f16(const void *p) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

INLAY__AVX2_INLINE __m256i inlay__load_256(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }

/* The 16 lanes of two registers, folded 8, 4, 2, 1. */
INLAY__AVX2_INLINE float inlay__fold_avx2(__m256 low, __m256 high) {
    __m256 eight = _mm256_add_ps(low, high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* inlay__exp, lane by lane. */
INLAY__AVX2_INLINE __m256 inlay__exp_avx2(__m256 x) {
    const __m256 magic = _mm256_set1_ps(12582912.0f);
    __m256 below = _mm256_cmp_ps(x, _mm256_set1_ps(-87.33f), _CMP_LT_OQ);
    /* With NaN in x both give their second operand: NaN goes through. */
    __m256 c = _mm256_max_ps(_mm256_set1_ps(-87.33f), _mm256_min_ps(_mm256_set1_ps(88.3f), x));
    __m256 n = _mm256_sub_ps(_mm256_add_ps(_mm256_mul_ps(c, _mm256_set1_ps(0x1.715476p+0f)), magic), magic);
    __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0x1.62e400p-1f), c);
    r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0x1.7f7d1cp-20f), r);
    __m256 p = _mm256_set1_ps(0x1.6a4748p-10f);
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.1239a2p-7f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.5558b6p-5f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.555492p-3f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.fffffcp-2f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
    __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_andnot_ps(below, _mm256_mul_ps(p, _mm256_castsi256_ps(power)));
}

void inlay__quantize_32_avx2(const float *x, inlay__acts *acts, size_t col);
void inlay__quantize_256_avx2(const float *x, inlay__acts *acts, size_t col);
void inlay__quantize_wide_avx2(const float *x, inlay__acts *acts, size_t col);
void inlay__rms_norm_avx2(const float *x, const float *w, float epsilon, size_t n, float *y);
void inlay__add_avx2(const float *x, size_t n, float *y);
void inlay__layer_norm_avx2(const float *x, const float *w, const float *bias, float epsilon, size_t n, float *y);
void inlay__activate_avx2(inlay__activation activation, const float *gate, const float *up, size_t n, float *out);
void inlay__soft_cap_avx2(float cap, size_t n, float *x);
void inlay__rope_adjacent_avx2(const float *cosines, const float *sines, size_t n_rope, float *x);
void inlay__rope_halves_avx2(const float *cosines, const float *sines, size_t n_rope, float *x);
void inlay__store_key_avx2(const float *key, size_t n_head_dim, uint32_t cache_type, size_t position, void *keys);
void inlay__store_value_avx2(const float *value, size_t n_head_dim, uint32_t cache_type, size_t position, void *values);
void inlay__weigh_avx2(const float *x, float greatest, float temperature, size_t n, float *out);
void inlay__attention_avx2(const inlay__attention *attention);
void inlay__attention_merge_avx2(inlay__softmax *row, const inlay__softmax *block, const float *o, size_t n,
                                 float *out);
bool inlay__pack_panel_avx2(uint32_t type, const uint8_t *rows, size_t row_size, size_t n_blocks, uint8_t *panel);
void inlay__product_q4_0_avx2(const inlay__product *product);
void inlay__product_q4_1_avx2(const inlay__product *product);
void inlay__product_q5_0_avx2(const inlay__product *product);
void inlay__product_q5_1_avx2(const inlay__product *product);
void inlay__product_q8_0_avx2(const inlay__product *product);
void inlay__product_q16_0_avx2(const inlay__product *product);
void inlay__product_q4_k_avx2(const inlay__product *product);
void inlay__product_q5_k_avx2(const inlay__product *product);
void inlay__product_q6_k_avx2(const inlay__product *product);
/* Fill in the products of the types of their file. */
void inlay__init_2bit_avx2(inlay__kernels *kernels);
void inlay__init_table_avx2(inlay__kernels *kernels);
void inlay__product_f32_avx2(const inlay__product *product);
void inlay__product_f16_avx2(const inlay__product *product);
void inlay__product_bf16_avx2(const inlay__product *product);

#endif
#endif
