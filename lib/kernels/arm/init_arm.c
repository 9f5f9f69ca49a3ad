/* What each 64-bit ARM level does better than the scalar definition. */
#include "kernels/kernels.h"

#if defined(__aarch64__)
void inlay__kernels_init_arm(inlay__kernels *kernels, inlay__cpu level) {
    (void)kernels;
    (void)level;
}
#else
typedef int inlay__not_arm; /* a source file may not be empty */
#endif
