/* activation_lanes.h with AVX2. */
#include "kernels/x86/avx2.h"

#if defined(__x86_64__)

typedef __m256 floats;
enum { N = 8 };

#define LANES INLAY__AVX2_INLINE
#define LANES_FUNCTION INLAY__AVX2 void
#define ACTIVATE inlay__activate_avx2
#define SOFT_CAP inlay__soft_cap_avx2

LANES floats all(float x) { return _mm256_set1_ps(x); }
LANES floats load(const float *p) { return _mm256_loadu_ps(p); }
LANES void store(float *p, floats x) { _mm256_storeu_ps(p, x); }
LANES floats add(floats a, floats b) { return _mm256_add_ps(a, b); }
LANES floats subtract(floats a, floats b) { return _mm256_sub_ps(a, b); }
LANES floats multiply(floats a, floats b) { return _mm256_mul_ps(a, b); }
LANES floats divide(floats a, floats b) { return _mm256_div_ps(a, b); }
LANES floats multiply_add(floats a, floats b, floats c) { return _mm256_fmadd_ps(a, b, c); }
LANES floats lesser(floats a, floats b) { return _mm256_min_ps(a, b); }
LANES floats exp_of(floats x) { return inlay__exp_avx2(x); }
LANES floats negate(floats x) { return _mm256_xor_ps(x, all(-0.0f)); }
LANES floats magnitude(floats x) { return _mm256_andnot_ps(all(-0.0f), x); }
LANES floats with_sign_of(floats x, floats sign) { return _mm256_or_ps(x, _mm256_and_ps(sign, all(-0.0f))); }
/* yes where a < b or one of them is NaN, elsewhere no. */
LANES floats where_below(floats a, floats b, floats yes, floats no) {
    return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_NGE_UQ));
}
/* y where x is above 0 or NaN, elsewhere +0. */
LANES floats where_above_0(floats x, floats y) {
    return _mm256_and_ps(_mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_NLE_UQ), y);
}

#include "kernels/x86/activation_lanes.h"

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
