/* product_table_vnni.h with AVX-VNNI. */
#include "kernels/x86/lanes_avxvnni.h"

#if INLAY__HAS_AVXVNNI

#include "kernels/x86/product_table_vnni.h"

void inlay__init_table_avxvnni(inlay__kernels *k) { inlay__kernels_set_table(k, product_by_32, product_by_16); }

#else
typedef int inlay__no_avxvnni; /* a source file may not be empty */
#endif
