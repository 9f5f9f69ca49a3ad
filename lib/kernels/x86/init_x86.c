/* What each x86-64 level does better than the scalar definition, in rising order. */
#include "kernels/kernels.h"

#if defined(__x86_64__)
void inlay__kernels_init_x86(inlay__kernels *kernels, inlay__cpu level) {
    (void)kernels;
    (void)level;
}
#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
