/* Names of the CPU levels, and which of them this machine runs. */
#include "kernels/cpu.h"

#if defined(__x86_64__)
bool inlay__cpu_has_x86(inlay__cpu level);
#elif defined(__aarch64__)
bool inlay__cpu_has_arm(inlay__cpu level);
#endif

static const char *const names[INLAY__CPU_N_LEVELS] = {
    [INLAY__CPU_SCALAR] = "scalar", [INLAY__CPU_AVX2] = "avx2", [INLAY__CPU_AVXVNNI] = "avxvnni",
    [INLAY__CPU_AVX512] = "avx512", [INLAY__CPU_AMX] = "amx", [INLAY__CPU_NEON] = "neon",
    [INLAY__CPU_DOTPROD] = "dotprod",
    [INLAY__CPU_I8MM] = "i8mm",
};

bool inlay__cpu_has(inlay__cpu level) {
    if (level == INLAY__CPU_SCALAR) return true;
#if defined(__x86_64__)
    return inlay__cpu_has_x86(level);
#elif defined(__aarch64__)
    return inlay__cpu_has_arm(level);
#else
    return false;
#endif
}

inlay__cpu inlay__cpu_best(void) {
    inlay__cpu best = INLAY__CPU_SCALAR;
    for (int level = INLAY__CPU_SCALAR; level < INLAY__CPU_N_LEVELS; level++)
        if (level != INLAY__CPU_AMX && inlay__cpu_has((inlay__cpu)level)) best = (inlay__cpu)level;
    return best;
}

const char *inlay__cpu_name(inlay__cpu level) { return level < INLAY__CPU_N_LEVELS ? names[level] : "unknown"; }

bool inlay__cpu_find(const char *name, size_t size, inlay__cpu *level) {
    for (int i = 0; i < INLAY__CPU_N_LEVELS; i++) {
        if (strlen(names[i]) == size && memcmp(names[i], name, size) == 0) {
            *level = (inlay__cpu)i;
            return true;
        }
    }
    return false;
}
