/* product_2bit_vnni.h with AVX-VNNI. */
#include "kernels/x86/lanes_avxvnni.h"

#if INLAY__HAS_AVXVNNI

#include "kernels/x86/product_2bit_vnni.h"

void inlay__init_2bit_avxvnni(inlay__kernels *k) {
    k->product_packed[INLAY_TYPE_Q2_K] = product_q2_k;
    k->product_packed[INLAY_TYPE_TQ1_0] = product_ternary;
    k->product_packed[INLAY_TYPE_TQ2_0] = product_ternary;
}

#else
typedef int inlay__no_avxvnni; /* a source file may not be empty */
#endif
