/* product_table_vnni.h with AVX-512 VNNI. */
#include "kernels/x86/lanes_avx512.h"

#if defined(__x86_64__)

#include "kernels/x86/product_table_vnni.h"

void inlay__init_table_avx512(inlay__kernels *k) { inlay__kernels_set_table(k, product_by_32, product_by_16); }

#else
typedef int inlay__no_avx512; /* a source file may not be empty */
#endif
