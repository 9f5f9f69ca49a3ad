/* lanes_avxvnni.h with AVX-512: a register is a line, 16 rows. */
#ifndef INLAY_LANES_AVX512_H
#define INLAY_LANES_AVX512_H

#include "kernels/x86/avx512.h"

#if defined(__x86_64__)

typedef __m512i ints;
typedef __m512 floats;
enum { PARTS = 1, ROWS = 16 };

#define LANES INLAY__AVX512_INLINE
#define LANES_FUNCTION INLAY__AVX512

LANES ints zeros(void) { return _mm512_setzero_si512(); }
LANES floats no_sum(void) { return _mm512_setzero_ps(); }
LANES ints all_32(int32_t x) { return _mm512_set1_epi32(x); }
LANES floats all_floats(float x) { return _mm512_set1_ps(x); }
LANES ints all_four(const int8_t *q) { return inlay__broadcast_4_512(q); }
LANES ints all_pair(const int16_t *sums) { return inlay__broadcast_pair_512(sums); }
LANES ints load(const uint8_t *p) { return _mm512_loadu_si512(p); }
LANES floats load_floats(const uint8_t *p) { return _mm512_loadu_ps(p); }
LANES floats load_f16(const uint8_t *p) { return inlay__load_16_f16(p); }
LANES ints load_unsigned_pairs(const uint8_t *p) { return _mm512_cvtepu8_epi16(inlay__load_256(p)); }
LANES ints load_signed_pairs(const uint8_t *p) { return _mm512_cvtepi8_epi16(inlay__load_256(p)); }
LANES void store_floats(float *out, floats x) { _mm512_storeu_ps(out, x); }

LANES ints load_table(const int8_t values[16]) {
    __m128i table = _mm_loadu_si128((const __m128i *)(const void *)values);
    return _mm512_broadcast_i32x4(_mm_xor_si128(table, _mm_set1_epi8((char)0x80)));
}
LANES ints look_up(ints table, ints places) { return _mm512_shuffle_epi8(table, places); }

LANES ints bits_of(ints x, int n, int mask) {
    return _mm512_and_si512(inlay__shift_512(x, -n), _mm512_set1_epi8((char)mask));
}
LANES ints join_16(ints a, ints b) { return _mm512_mask_blend_epi16(0xaaaaaaaa, a, _mm512_slli_epi32(b, 16)); }
LANES ints lower_16(ints x) { return _mm512_srai_epi32(_mm512_slli_epi32(x, 16), 16); }
LANES ints upper_16(ints x) { return _mm512_srai_epi32(x, 16); }

LANES ints dot_4(ints sum, ints u, ints q) { return _mm512_dpbusd_epi32(sum, u, q); }
LANES ints dot_2(ints sum, ints a, ints b) { return _mm512_dpwssd_epi32(sum, a, b); }
LANES ints add(ints a, ints b) { return _mm512_add_epi32(a, b); }
LANES ints subtract(ints a, ints b) { return _mm512_sub_epi32(a, b); }
LANES ints times(ints a, ints b) { return _mm512_mullo_epi32(a, b); }
LANES ints times_128(ints a) { return _mm512_slli_epi32(a, 7); }
LANES ints times_256(ints a) { return _mm512_slli_epi32(a, 8); }
LANES ints flip(ints a, ints b) { return _mm512_xor_si512(a, b); }
LANES floats multiply(floats a, floats b) { return _mm512_mul_ps(a, b); }
LANES floats multiply_add(ints a, floats b, floats c) { return _mm512_fmadd_ps(_mm512_cvtepi32_ps(a), b, c); }
LANES floats multiply_subtract(ints a, floats b, floats c) { return _mm512_fnmadd_ps(_mm512_cvtepi32_ps(a), b, c); }

#endif
#endif
