/* product_table_vnni.h with AVX-512 VNNI. */
#include "kernels/x86/lanes_avx512.h"

#if defined(__x86_64__)

#include "kernels/x86/product_table_vnni.h"

void inlay__init_table_avx512(inlay__kernels *k) {
    k->product_packed[INLAY_TYPE_IQ4_XS] = product_by_32;
    k->product_packed[INLAY_TYPE_IQ1_S] = product_by_32;
    k->product_packed[INLAY_TYPE_IQ2_XXS] = product_by_32;
    k->product_packed[INLAY_TYPE_IQ3_XXS] = product_by_32;
    k->product_packed[INLAY_TYPE_IQ3_S] = product_by_32;
    k->product_packed[INLAY_TYPE_IQ1_M] = product_by_16;
    k->product_packed[INLAY_TYPE_IQ2_XS] = product_by_16;
    k->product_packed[INLAY_TYPE_IQ2_S] = product_by_16;
}

#else
typedef int inlay__no_avx512; /* a source file may not be empty */
#endif
