/* The rounding and denormal mode that the arithmetic is defined in: nearest even, no flush to
 * zero. Each thread that computes enters it and gives the host its own mode back. */
#ifndef INLAY_FPENV_H
#define INLAY_FPENV_H

#include <stdint.h>

#if defined(__x86_64__) || (defined(__i386__) && defined(__SSE__))
#include <xmmintrin.h>
typedef uint32_t inlay__fpenv;
static inline inlay__fpenv inlay__fpenv_enter(void) {
    uint32_t saved = _mm_getcsr();
    _mm_setcsr(0x1f80); /* all exceptions masked, nearest even, FTZ and DAZ off */
    return saved;
}
static inline void inlay__fpenv_leave(inlay__fpenv saved) { _mm_setcsr(saved); }
#elif defined(__aarch64__)
typedef uint64_t inlay__fpenv;
static inline inlay__fpenv inlay__fpenv_enter(void) {
    uint64_t saved;
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0));
    return saved;
}
static inline void inlay__fpenv_leave(inlay__fpenv saved) { __asm__ volatile("msr fpcr, %0" : : "r"(saved)); }
#else
#include <fenv.h>
typedef fenv_t inlay__fpenv;
static inline inlay__fpenv inlay__fpenv_enter(void) {
    fenv_t saved;
    feholdexcept(&saved);
    fesetround(FE_TONEAREST);
    return saved;
}
static inline void inlay__fpenv_leave(inlay__fpenv saved) { fesetenv(&saved); }
#endif

#endif
