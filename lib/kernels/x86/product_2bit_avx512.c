/* product_2bit_vnni.h with AVX-512 VNNI. */
#include "kernels/x86/lanes_avx512.h"

#if defined(__x86_64__)

#include "kernels/x86/product_2bit_vnni.h"

void inlay__init_2bit_avx512(inlay__kernels *k) {
    k->product_packed[INLAY_TYPE_Q2_K] = product_q2_k;
    k->product_packed[INLAY_TYPE_TQ1_0] = product_ternary;
    k->product_packed[INLAY_TYPE_TQ2_0] = product_ternary;
}

#else
typedef int inlay__no_avx512; /* a source file may not be empty */
#endif
