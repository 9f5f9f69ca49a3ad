/* What a 64-bit ARM CPU can do. NEON is part of all of them; of the rest the system tells. */
#include "kernels/arm/neon.h"

#if defined(__aarch64__)
#if defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(__linux__)
#include <sys/auxv.h>
#endif

bool inlay__cpu_has_arm(inlay__cpu level);

typedef struct cpu_features {
    bool dotprod, i8mm;
} cpu_features;

#if defined(__APPLE__)
static bool has_feature(const char *name) {
    int value = 0;
    size_t size = sizeof value;
    return sysctlbyname(name, &value, &size, NULL, 0) == 0 && value != 0;
}

static cpu_features detect(void) {
    return (cpu_features){has_feature("hw.optional.arm.FEAT_DotProd"), has_feature("hw.optional.arm.FEAT_I8MM")};
}
#elif defined(__linux__)
/* Bits of the auxiliary vector, which the kernel keeps for ever. */
static cpu_features detect(void) {
    return (cpu_features){(getauxval(AT_HWCAP) >> 20 & 1) != 0, (getauxval(AT_HWCAP2) >> 13 & 1) != 0};
}
#else
static cpu_features detect(void) { return (cpu_features){false, false}; }
#endif

bool inlay__cpu_has_arm(inlay__cpu level) {
#if defined(__AARCH64EB__)
    return level == INLAY__CPU_SCALAR; /* the kernels load little-endian */
#else
    cpu_features f = detect();
    switch (level) {
    case INLAY__CPU_NEON:
        return true;
    case INLAY__CPU_DOTPROD:
        return INLAY__ARM_LEVELS && f.dotprod;
    case INLAY__CPU_I8MM:
        return INLAY__ARM_LEVELS && f.dotprod && f.i8mm;
    default:
        return false;
    }
#endif
}

#else
typedef int inlay__not_arm; /* a source file may not be empty */
#endif
