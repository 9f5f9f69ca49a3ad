/* The names by which product_table_vnni.h and product_2bit_vnni.h know a register: with AVX-VNNI 8 rows, half a
 * line. */
#ifndef INLAY_LANES_AVXVNNI_H
#define INLAY_LANES_AVXVNNI_H

#include "kernels/x86/avxvnni.h"

#if INLAY__HAS_AVXVNNI

typedef __m256i ints;
typedef __m256 floats;
enum { PARTS = 2, ROWS = 8 }; /* registers of a line; rows of each */

#define LANES INLAY__AVXVNNI_INLINE
#define LANES_FUNCTION INLAY__AVXVNNI

LANES ints zeros(void) { return _mm256_setzero_si256(); }
LANES floats no_sum(void) { return _mm256_setzero_ps(); }
LANES ints all_32(int32_t x) { return _mm256_set1_epi32(x); }
LANES floats all_floats(float x) { return _mm256_set1_ps(x); }
LANES ints all_four(const int8_t *q) { return inlay__broadcast_4(q); }
LANES ints all_pair(const int16_t *sums) { return inlay__broadcast_pair(sums); }
LANES ints load(const uint8_t *p) { return inlay__load_256(p); }
LANES floats load_floats(const uint8_t *p) { return _mm256_loadu_ps((const float *)(const void *)p); }
LANES floats load_f16(const uint8_t *p) { return inlay__load_8_f16(p); }
/* Two bytes a row, widened. */
LANES ints load_unsigned_pairs(const uint8_t *p) { return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)p)); }
LANES ints load_signed_pairs(const uint8_t *p) { return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p)); }
LANES void store_floats(float *out, floats x) { _mm256_storeu_ps(out, x); }

/* A table of 16 bytes, its values moved up by 128; and looking places up. */
LANES ints load_table(const int8_t values[16]) {
    __m128i table = _mm_loadu_si128((const __m128i *)(const void *)values);
    return _mm256_broadcastsi128_si256(_mm_xor_si128(table, _mm_set1_epi8((char)0x80)));
}
LANES ints look_up(ints table, ints places) { return _mm256_shuffle_epi8(table, places); }

/* Bytes shifted right by n bits, of which those of `mask` are kept. */
LANES ints bits_of(ints x, int n, int mask) { return inlay__bits_256(x, -n, mask); }
/* The lower half of each lane of a, the upper of b's moved up. */
LANES ints join_16(ints a, ints b) { return _mm256_blend_epi16(a, _mm256_slli_epi32(b, 16), 0xaa); }
LANES ints lower_16(ints x) { return _mm256_srai_epi32(_mm256_slli_epi32(x, 16), 16); }
LANES ints upper_16(ints x) { return _mm256_srai_epi32(x, 16); }

LANES ints dot_4(ints sum, ints u, ints q) { return _mm256_dpbusd_avx_epi32(sum, u, q); }
LANES ints dot_2(ints sum, ints a, ints b) { return _mm256_dpwssd_avx_epi32(sum, a, b); }
LANES ints add(ints a, ints b) { return _mm256_add_epi32(a, b); }
LANES ints subtract(ints a, ints b) { return _mm256_sub_epi32(a, b); }
LANES ints times(ints a, ints b) { return _mm256_mullo_epi32(a, b); }
LANES ints times_128(ints a) { return _mm256_slli_epi32(a, 7); }
LANES ints times_256(ints a) { return _mm256_slli_epi32(a, 8); }
LANES ints flip(ints a, ints b) { return _mm256_xor_si256(a, b); }
LANES floats multiply(floats a, floats b) { return _mm256_mul_ps(a, b); }
LANES floats multiply_add(ints a, floats b, floats c) { return _mm256_fmadd_ps(_mm256_cvtepi32_ps(a), b, c); }
LANES floats multiply_subtract(ints a, floats b, floats c) { return _mm256_fnmadd_ps(_mm256_cvtepi32_ps(a), b, c); }

#endif
#endif
