/* What a 64-bit ARM CPU can do, of the levels that have kernels: none yet, so that it runs the scalar definition, whose
 * multiply-adds are its own instructions. */
#include "kernels/cpu.h"

#if defined(__aarch64__)
bool inlay__cpu_has_arm(inlay__cpu level);

bool inlay__cpu_has_arm(inlay__cpu level) { return level == INLAY__CPU_SCALAR; }
#else
typedef int inlay__not_arm; /* a source file may not be empty */
#endif
