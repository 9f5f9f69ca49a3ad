/* What the AVX-VNNI kernels share: those of AVX2, and vpdpbusd and vpdpwssd on 8 lanes. */
#ifndef INLAY_AVXVNNI_H
#define INLAY_AVXVNNI_H

#include "kernels/cpu.h"

#if INLAY__HAS_AVXVNNI

#include "kernels/x86/avx2.h"

#define INLAY__AVXVNNI_TARGET "avx2,fma,f16c,avxvnni"
#define INLAY__AVXVNNI __attribute__((target(INLAY__AVXVNNI_TARGET)))
#define INLAY__AVXVNNI_INLINE static inline __attribute__((always_inline, target(INLAY__AVXVNNI_TARGET)))

/* Half a line with its bytes shifted left by n bits, right for n < 0, of which the bits of `mask` are kept. */
INLAY__AVXVNNI_INLINE __m256i inlay__bits_256(__m256i x, int n, int mask) {
    return _mm256_and_si256(n >= 0 ? _mm256_slli_epi16(x, n) : _mm256_srli_epi16(x, -n), _mm256_set1_epi8((char)mask));
}

void inlay__product_q4_0_avxvnni(const inlay__product *product);
void inlay__product_q4_1_avxvnni(const inlay__product *product);
void inlay__product_q5_0_avxvnni(const inlay__product *product);
void inlay__product_q5_1_avxvnni(const inlay__product *product);
void inlay__product_q8_0_avxvnni(const inlay__product *product);
void inlay__product_iq4_nl_avxvnni(const inlay__product *product);
void inlay__product_q4_k_avxvnni(const inlay__product *product);
void inlay__product_q5_k_avxvnni(const inlay__product *product);
void inlay__product_q6_k_avxvnni(const inlay__product *product);
/* Fill in the products of the types of their file. */
void inlay__init_2bit_avxvnni(inlay__kernels *kernels);
void inlay__init_table_avxvnni(inlay__kernels *kernels);
void inlay__init_wide_avxvnni(inlay__kernels *kernels);

#endif
#endif
