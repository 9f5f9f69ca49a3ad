/* product_wide_vnni.h with AVX-512 VNNI. */
#include "kernels/x86/lanes_avx512.h"

#if defined(__x86_64__)

enum { COLS = 5 };
#include "kernels/x86/product_wide_vnni.h"

INLAY__AVX512 void inlay__product_q16_0_avx512(const inlay__product *p) { product(p, (form){INLAY__WIDE_PANEL_SIZE}); }

void inlay__init_wide_avx512(inlay__kernels *k) { k->product_packed[INLAY_TYPE_Q16_0] = inlay__product_q16_0_avx512; }

#else
typedef int inlay__no_avx512; /* a source file may not be empty */
#endif
