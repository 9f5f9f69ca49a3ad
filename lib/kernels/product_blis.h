/* Products by BLIS, a build option; see product_blis.c. */
#ifndef INLAY_PRODUCT_BLIS_H
#define INLAY_PRODUCT_BLIS_H

#include "kernels/kernels.h"

enum { INLAY__BLIS_COLUMNS = 32 }; /* fewer are the level's own kernels' */

#if defined(INLAY_BLIS)
/* Whether BLIS takes over: float weights and many columns. */
bool inlay__product_blis_takes(const inlay__product *product);
void inlay__product_blis(const inlay__product *product);
#endif

#endif
