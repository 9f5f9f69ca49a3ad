/* What the AVX-512 kernels share: F, BW, DQ, VL and VNNI, as avx2.h. A register holds a line: 16 rows, or 16 keys. */
#ifndef INLAY_AVX512_H
#define INLAY_AVX512_H

#if defined(__x86_64__)

#include "kernels/x86/avx2.h"

#define INLAY__AVX512_TARGET "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"
#define INLAY__AVX512 __attribute__((target(INLAY__AVX512_TARGET)))
#define INLAY__AVX512_INLINE static inline __attribute__((always_inline, target(INLAY__AVX512_TARGET)))

/* Shifts of 16-bit numbers, left for n > 0, right for n < 0. gcc wants their counts signed, clang unsigned. */
#ifdef __clang__
#define INLAY__COUNT_512(n) ((unsigned)(n))
#else
#define INLAY__COUNT_512(n) (n)
#endif

INLAY__AVX512_INLINE __m512i inlay__shift_512(__m512i x, int n) {
    return n >= 0 ? _mm512_slli_epi16(x, INLAY__COUNT_512(n)) : _mm512_srli_epi16(x, INLAY__COUNT_512(-n));
}

INLAY__AVX512_INLINE __m512i inlay__broadcast_4_512(const int8_t *q) {
    int32_t four;
    memcpy(&four, q, 4);
    return _mm512_set1_epi32(four);
}

INLAY__AVX512_INLINE __m512i inlay__broadcast_pair_512(const int16_t *sums) {
    int32_t two;
    memcpy(&two, sums, 4);
    return _mm512_set1_epi32(two);
}

INLAY__AVX512_INLINE __m512 inlay__load_16_f16(const void *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

INLAY__AVX512_INLINE __m512 inlay__load_16_e8m0(const uint8_t *e) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(inlay__load_8_e8m0(e)), inlay__load_8_e8m0(e + 8), 1);
}

/* The 16 lanes, folded 8, 4, 2, 1. */
INLAY__AVX512_INLINE float inlay__fold_avx512(__m512 lanes) {
    return inlay__fold_avx2(_mm512_castps512_ps256(lanes), _mm512_extractf32x8_ps(lanes, 1));
}

/* inlay__exp, lane by lane. */
INLAY__AVX512_INLINE __m512 inlay__exp_avx512(__m512 x) {
    const __m512 magic = _mm512_set1_ps(12582912.0f);
    __mmask16 above = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-87.33f), _CMP_NLT_UQ);
    __m512 c = _mm512_max_ps(_mm512_set1_ps(-87.33f), _mm512_min_ps(_mm512_set1_ps(88.3f), x));
    __m512 n = _mm512_sub_ps(_mm512_add_ps(_mm512_mul_ps(c, _mm512_set1_ps(0x1.715476p+0f)), magic), magic);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0x1.62e400p-1f), c);
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0x1.7f7d1cp-20f), r);
    __m512 p = _mm512_set1_ps(0x1.6a4748p-10f);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.1239a2p-7f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.5558b6p-5f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.555492p-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.fffffcp-2f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
    __m512i power = _mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)), 23);
    return _mm512_maskz_mul_ps(above, p, _mm512_castsi512_ps(power));
}

void inlay__activate_avx512(inlay__activation activation, const float *gate, const float *up, size_t n, float *out);
void inlay__soft_cap_avx512(float cap, size_t n, float *x);
void inlay__attention_avx512(const inlay__attention *attention);
void inlay__product_q4_0_avx512(const inlay__product *product);
void inlay__product_q4_1_avx512(const inlay__product *product);
void inlay__product_q5_0_avx512(const inlay__product *product);
void inlay__product_q5_1_avx512(const inlay__product *product);
void inlay__product_q8_0_avx512(const inlay__product *product);
void inlay__product_q4_k_avx512(const inlay__product *product);
void inlay__product_q5_k_avx512(const inlay__product *product);
void inlay__product_q6_k_avx512(const inlay__product *product);
/* Fill in the products of the types of their file. */
void inlay__init_2bit_avx512(inlay__kernels *kernels);
void inlay__init_table_avx512(inlay__kernels *kernels);
void inlay__init_wide_avx512(inlay__kernels *kernels);
void inlay__product_q16_0_amx(const inlay__product *product);
void inlay__product_q16_0_avx512(const inlay__product *product);
void inlay__product_f32_avx512(const inlay__product *product);
void inlay__product_f16_avx512(const inlay__product *product);
void inlay__product_bf16_avx512(const inlay__product *product);

#endif
#endif
