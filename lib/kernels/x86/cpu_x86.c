/* What an x86-64 CPU can do: CPUID, and XGETBV for what the system saves. */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* syscall */
#endif
#include "kernels/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#if INLAY__HAS_AMX
#include <sys/syscall.h>
#include <unistd.h>
#endif

bool inlay__cpu_has_x86(inlay__cpu level);

typedef struct cpu_features {
    bool avx2, avxvnni, avx512, amx;
} cpu_features;

static uint64_t saved_states(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static bool bit(uint32_t word, unsigned n) { return (word >> n & 1) != 0; }

static cpu_features detect(void) {
    cpu_features f = {false, false, false, false};
    uint32_t a, b, c, d;
#if defined(_WIN32) && defined(__GNUC__) && !defined(__clang__) && !defined(INLAY_UNALIGNED_MOVES)
    return f; /* GCC moves vectors as if the stack were aligned, which it is not there (GCC bug 54412) */
#endif
    if (__get_cpuid(1, &a, &b, &c, &d) == 0) return f;
    bool fma = bit(c, 12), osxsave = bit(c, 27), avx = bit(c, 28), f16c = bit(c, 29);
    if (!osxsave || !avx || (saved_states() & 0x06) != 0x06) return f;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return f;
    f.avx2 = fma && f16c && bit(b, 5);
    bool states512 = (saved_states() & 0xe6) == 0xe6;
    /* F, DQ, BW, VL and VNNI */
    f.avx512 = f.avx2 && states512 && bit(b, 16) && bit(b, 17) && bit(b, 30) && bit(b, 31) && bit(c, 11);
    bool tiles = (saved_states() & 0x60000) == 0x60000;
    f.amx = f.avx512 && tiles && bit(d, 24) && bit(d, 25); /* tiles, and products of int8 */
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d) != 0) f.avxvnni = f.avx2 && bit(a, 4);
    return f;
}

/* Linux saves tiles only of processes that asked for them; who has asked may ask again. */
static bool may_use_tiles(void) {
#if INLAY__HAS_AMX
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
    return false;
#endif
}

bool inlay__cpu_has_x86(inlay__cpu level) {
    cpu_features f = detect();
    switch (level) {
    case INLAY__CPU_AVX2: return f.avx2;
    case INLAY__CPU_AVXVNNI: return f.avxvnni && INLAY__HAS_AVXVNNI;
    case INLAY__CPU_AVX512: return f.avx512;
    case INLAY__CPU_AMX: return f.amx && may_use_tiles();
    default: return false;
    }
}

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
