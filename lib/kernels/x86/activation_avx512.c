/* activation_lanes.h with AVX-512. */
#include "kernels/x86/avx512.h"

#if defined(__x86_64__)

typedef __m512 floats;
enum { N = 16 };

#define LANES INLAY__AVX512_INLINE
#define LANES_FUNCTION INLAY__AVX512 void
#define ACTIVATE inlay__activate_avx512
#define SOFT_CAP inlay__soft_cap_avx512

LANES floats all(float x) { return _mm512_set1_ps(x); }
LANES floats load(const float *p) { return _mm512_loadu_ps(p); }
LANES void store(float *p, floats x) { _mm512_storeu_ps(p, x); }
LANES floats add(floats a, floats b) { return _mm512_add_ps(a, b); }
LANES floats subtract(floats a, floats b) { return _mm512_sub_ps(a, b); }
LANES floats multiply(floats a, floats b) { return _mm512_mul_ps(a, b); }
LANES floats divide(floats a, floats b) { return _mm512_div_ps(a, b); }
LANES floats multiply_add(floats a, floats b, floats c) { return _mm512_fmadd_ps(a, b, c); }
LANES floats lesser(floats a, floats b) { return _mm512_min_ps(a, b); }
LANES floats exp_of(floats x) { return inlay__exp_avx512(x); }
LANES floats negate(floats x) { return _mm512_xor_ps(x, all(-0.0f)); }
LANES floats magnitude(floats x) { return _mm512_andnot_ps(all(-0.0f), x); }
LANES floats with_sign_of(floats x, floats sign) { return _mm512_or_ps(x, _mm512_and_ps(sign, all(-0.0f))); }
LANES floats where_below(floats a, floats b, floats yes, floats no) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_NGE_UQ), no, yes);
}
LANES floats where_above_0(floats x, floats y) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NLE_UQ), y);
}

#include "kernels/x86/activation_lanes.h"

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
