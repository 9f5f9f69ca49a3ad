/* product_wide_vnni.h with AVX-VNNI. */
#include "kernels/x86/lanes_avxvnni.h"

#if INLAY__HAS_AVXVNNI

enum { COLS = 2 };
#include "kernels/x86/product_wide_vnni.h"

INLAY__AVXVNNI static void product_wide(const inlay__product *p) { product(p, (form){INLAY__WIDE_PANEL_SIZE}); }

void inlay__init_wide_avxvnni(inlay__kernels *k) { k->product_packed[INLAY_TYPE_Q16_0] = product_wide; }

#else
typedef int inlay__no_avxvnni; /* a source file may not be empty */
#endif
