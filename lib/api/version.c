/* What this library is: versions, statuses, CPU. */
#include "handles.h"

#define TEXT(x) #x
#define TEXT_OF(x) TEXT(x)
#define VERSION TEXT_OF(INLAY_VERSION_MAJOR) "." TEXT_OF(INLAY_VERSION_MINOR) "." TEXT_OF(INLAY_VERSION_PATCH)

/* Raised whenever a bit of any result changes; docs/design.md says what each version fixed. */
#define ARITHMETIC_VERSION 1

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown compiler"
#endif

#if INLAY__HAS_AMX
#define LEVELS "scalar avx2 avxvnni avx512 amx"
#elif INLAY__HAS_AVXVNNI
#define LEVELS "scalar avx2 avxvnni avx512"
#elif defined(__x86_64__)
#define LEVELS "scalar avx2 avx512"
#elif INLAY__ARM_LEVELS
#define LEVELS "scalar neon dotprod i8mm"
#elif defined(__aarch64__)
#define LEVELS "scalar neon"
#else
#define LEVELS "scalar"
#endif

#if defined(INLAY_BLIS)
#define BLIS ", with BLIS, without the promise of bits"
#else
#define BLIS ""
#endif

const char *inlay_version(void) { return VERSION; }

int32_t inlay_abi_version(void) { return INLAY_ABI_VERSION; }

int32_t inlay_arithmetic_version(void) { return ARITHMETIC_VERSION; }

const char *inlay_build_info(void) {
    return "inlay " VERSION ", " COMPILER ", CPU levels: " LEVELS ", arithmetic version " TEXT_OF(ARITHMETIC_VERSION)
        BLIS;
}

const char *inlay_cpu(void) { return inlay__cpu_name(inlay__cpu_best()); }

const char *inlay_error(void) { return inlay__error_text(); }

#define NAME_CASE(name, value, text) \
    case INLAY_##name: return "INLAY_" #name;
const char *inlay_status_name(int32_t status) {
    switch (status) {
        INLAY_STATUS_LIST(NAME_CASE)
    default: return "unknown status";
    }
}

#define TEXT_CASE(name, value, text) \
    case INLAY_##name: return text;
const char *inlay_status_text(int32_t status) {
    switch (status) {
        INLAY_STATUS_LIST(TEXT_CASE)
    default: return "unknown status";
    }
}

int32_t inlay__null_argument(const char *function, const char *argument) {
    return inlay__fail(INLAY_ERR_ARGUMENT, "%s: %s is NULL", function, argument);
}
