/* The CPU levels: which kernels a machine can run. */
#ifndef INLAY_CPU_H
#define INLAY_CPU_H

#include "base/base.h"

typedef enum inlay__cpu {
    INLAY__CPU_SCALAR,  /* any CPU; the definition of the arithmetic */
    INLAY__CPU_AVX2,    /* x86-64: AVX2, FMA, F16C */
    INLAY__CPU_AVXVNNI, /* and AVX-VNNI */
    INLAY__CPU_AVX512,  /* and AVX-512 F, BW, VL, DQ, VNNI */
    INLAY__CPU_AMX,     /* and AMX tiles of int8, on Linux */
    INLAY__CPU_NEON,    /* aarch64 */
    INLAY__CPU_DOTPROD, /* and FEAT_DotProd */
    INLAY__CPU_I8MM,    /* and FEAT_I8MM */
    INLAY__CPU_N_LEVELS
} inlay__cpu;

/* The level is left out by compilers that do not know its instructions. */
#if !defined(__x86_64__)
#define INLAY__HAS_AVXVNNI 0
#elif defined(__clang__)
#define INLAY__HAS_AVXVNNI (__clang_major__ >= 12)
#else
#define INLAY__HAS_AVXVNNI (__GNUC__ >= 11)
#endif

#if !defined(__x86_64__) || !defined(__linux__)
#define INLAY__HAS_AMX 0
#elif defined(__clang__)
#if __has_feature(memory_sanitizer) /* which does not see what tiles write */
#define INLAY__HAS_AMX 0
#else
#define INLAY__HAS_AMX (__clang_major__ >= 12)
#endif
#else
#define INLAY__HAS_AMX (__GNUC__ >= 11)
#endif

/* 64-bit ARM above NEON: with compilers that know the instructions in functions of their own target, or when all code
 * may use them. */
#if !defined(__aarch64__)
#define INLAY__ARM_LEVELS 0
#elif defined(__ARM_FEATURE_DOTPROD) && defined(__ARM_FEATURE_MATMUL_INT8)
#define INLAY__ARM_LEVELS 1
#elif defined(__clang__)
#define INLAY__ARM_LEVELS (__clang_major__ >= 16)
#else
#define INLAY__ARM_LEVELS (__GNUC__ >= 10)
#endif

/* The best level of this machine, asked of the CPU each time. Never AMX: the system lets a process use tiles when it
 * asks, and makes the frames of its signal handlers larger, so that only who gains by them should ask. */
inlay__cpu inlay__cpu_best(void);
/* Whether this machine runs a level that this build has. Asks the system for tiles, if AMX is asked about. */
bool inlay__cpu_has(inlay__cpu level);
/* One of these. */
#define INLAY__CPU_NAMES "scalar, avx2, avxvnni, avx512, amx, neon, dotprod, i8mm"
const char *inlay__cpu_name(inlay__cpu level);
/* The level of that name; false when there is none. */
bool inlay__cpu_find(const char *name, size_t size, inlay__cpu *level);

#endif
