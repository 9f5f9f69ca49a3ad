/* What every file of the library may use: statuses and error text, the table of system
 * calls, checked size arithmetic. Nothing here knows of models.
 */
#ifndef INLAY_BASE_H
#define INLAY_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "inlay.h"

#ifdef __FAST_MATH__
#error "Inlay's results are exact to the bit: build without -ffast-math"
#endif
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16
#error "Inlay's results are exact to the bit: each operation on floats must round (x86: -msse2 -mfpmath=sse)"
#endif

#if defined(__GNUC__)
#  if defined(__MINGW32__) && !defined(__clang__)
#    define INLAY__PRINTF(fmt, args) __attribute__((format(gnu_printf, fmt, args))) /* not what msvcrt reads */
#  else
#    define INLAY__PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#  endif
#  define INLAY__UNLIKELY(x) __builtin_expect(!!(x), 0)
#  define INLAY__PREFETCH(p) __builtin_prefetch(p)
#else
#  define INLAY__PRINTF(fmt, args)
#  define INLAY__UNLIKELY(x) (x)
#  define INLAY__PREFETCH(p) ((void)(p))
#endif

#define INLAY__COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Leave the function with the status of `call` unless it is INLAY_OK. */
#define INLAY__TRY(call)                       \
    do {                                       \
        int32_t status_ = (call);              \
        if (INLAY__UNLIKELY(status_ != INLAY_OK)) return status_; \
    } while (0)

/* ------------------------------------------------------------------ errors */

/* Records what went wrong on this thread and returns `status`. The format knows
 * %s %.*s %c %d %i %u %x with l, ll, z, %g, %% and no widths (text.h). */
int32_t inlay__fail(int32_t status, const char *format, ...) INLAY__PRINTF(2, 3);

/* The text that inlay__fail last wrote on this thread. */
const char *inlay__error_text(void);

/* Notes which handle the last failure of this thread belongs to; see inlay_model_error. */
void inlay__error_set_owner(const void *handle);
const void *inlay__error_owner(void);

/* ------------------------------------------------------- system call table */

/* Everything fallible that the library asks of the system goes through this table, so
 * that a caller can give an allocator and a test can fail the n-th call. */
typedef struct inlay__file_info {
    uint64_t size;      /* bytes */
    uint64_t inode;
    uint64_t device;
    int64_t mtime_ns;   /* last change, nanoseconds since 1970 */
    bool is_regular;
    bool is_folder;
} inlay__file_info;

enum { INLAY__NOT_OPENED = -2 };

typedef struct inlay__sys {
    void *user;                                                     /* for alloc and release */
    void *(*alloc)(void *user, size_t size, size_t alignment);
    void (*release)(void *user, void *memory, size_t size);

    void *io_user;                                                  /* for the rest */
    /* descriptor; -1: there is no such file; INLAY__NOT_OPENED: there is, or may be, and it cannot be opened */
    int (*file_open)(void *user, const char *path);
    int (*file_copy)(void *user, int fd);                           /* another descriptor of the same file, or -1 */
    int (*file_stat)(void *user, int fd, inlay__file_info *info);   /* 0 or -1 */
    int64_t (*file_read)(void *user, int fd, void *buffer, size_t size, uint64_t offset); /* bytes or -1 */
    /* `size` bytes of a file from any offset on, read-only, or NULL; there may be others on their pages */
    void *(*file_map)(void *user, int fd, uint64_t offset, size_t size);
    void (*file_unmap)(void *user, void *memory, size_t size);
    /* of mapped memory: the pages within are not needed for now; may be NULL */
    void (*file_forget)(void *user, const void *memory, size_t size);
    void (*file_populate)(void *user, const void *memory, size_t size); /* its pages will be read soon; may be NULL */
    void (*file_close)(void *user, int fd);
    /* descriptor of a new file; -1 when it cannot be or is there */
    int (*file_create)(void *user, const char *path);
    int64_t (*file_write)(void *user, int fd, const void *data, size_t size); /* appends; bytes or -1 */
    int (*file_sync)(void *user, int fd);                           /* what was written is on the disk: 0 or -1 */
    int (*file_rename)(void *user, const char *from, const char *to); /* 0 or -1 */
    void (*file_remove)(void *user, const char *path);
    bool only_plans; /* memory is taken as ever, and of weights nothing is done that only fills it */
    size_t (*cpu_count)(void *user); /* CPUs this process may run on; NULL: enough for any number of threads */
    /* thread is pthread_t*; it blocks all signals; 0 or errno */
    int (*thread_start)(void *user, void *thread, void *(*run)(void *), void *arg);

    /* run(arg, i) for all i below n, in any order, on the caller's own threads or one after another, and returns when
     * all are done; NULL: threads are started */
    void (*parallel_for)(void *user, size_t n, void (*run)(void *arg, size_t i), void *arg);
    void *parallel_user;
} inlay__sys;

/* malloc, open, pread, mmap, pthread_create, or what Windows has. */
extern const inlay__sys inlay__sys_default;

/* Memory aligned to 64 bytes, not cleared; NULL (and the error text) on failure.
 * A size of 0 gives a valid pointer. */
void *inlay__alloc(const inlay__sys *sys, size_t size);
/* `count` elements of `size` bytes, cleared to zero, with the product checked. */
void *inlay__alloc_array(const inlay__sys *sys, size_t count, size_t size);
/* Memory aligned as asked, at most 4096. */
void *inlay__alloc_aligned(const inlay__sys *sys, size_t size, size_t alignment);
/* Takes back what the three above gave, with the size asked for (count * size). NULL is fine. */
void inlay__free(const inlay__sys *sys, void *memory, size_t size);
/* Grows an array to room for at least `need` elements of `size` bytes, doubling; *memory and
 * *capacity are untouched on failure. */
int32_t inlay__grow(const inlay__sys *sys, void **memory, size_t *capacity, size_t need, size_t size);
/* A copy of n bytes with a NUL after them; free with size n + 1. */
char *inlay__copy_text(const inlay__sys *sys, const char *text, size_t n);

/* -------------------------------------------------------------- arithmetic */

/* *out = a + b, a * b; false when the true result does not fit (out is then 0). */
static inline bool inlay__add_size(size_t a, size_t b, size_t *out) {
    bool fits = a <= SIZE_MAX - b;
    *out = fits ? a + b : 0;
    return fits;
}

static inline bool inlay__mul_size(size_t a, size_t b, size_t *out) {
    bool fits = b == 0 || a <= SIZE_MAX / b;
    *out = fits ? a * b : 0;
    return fits;
}

static inline bool inlay__add_u64(uint64_t a, uint64_t b, uint64_t *out) {
    bool fits = a <= UINT64_MAX - b;
    *out = fits ? a + b : 0;
    return fits;
}

static inline bool inlay__mul_u64(uint64_t a, uint64_t b, uint64_t *out) {
    bool fits = b == 0 || a <= UINT64_MAX / b;
    *out = fits ? a * b : 0;
    return fits;
}

static inline size_t inlay__min_size(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t inlay__max_size(size_t a, size_t b) { return a > b ? a : b; }

/* n rounded up to a multiple of `step`; the caller knows that it fits. */
static inline size_t inlay__round_up(size_t n, size_t step) { return (n + step - 1) / step * step; }

/* Little-endian loads from any address. */
static inline uint16_t inlay__load_u16(const void *p) {
    const uint8_t *b = (const uint8_t *)p;
    return (uint16_t)(b[0] | (uint16_t)(b[1] << 8));
}

static inline uint32_t inlay__load_u32(const void *p) {
    const uint8_t *b = (const uint8_t *)p;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline uint64_t inlay__load_u64(const void *p) {
    return (uint64_t)inlay__load_u32(p) | (uint64_t)inlay__load_u32((const uint8_t *)p + 4) << 32;
}

static inline float inlay__load_f32(const void *p) {
    uint32_t bits = inlay__load_u32(p);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* memcmp(a, b, n) == 0 for texts that are mostly shorter than a call is worth. */
static inline bool inlay__same_bytes(const char *a, const char *b, size_t n) {
    if (n > 16) return memcmp(a, b, n) == 0;
    if (n >= 8)
        return inlay__load_u64(a) == inlay__load_u64(b) && inlay__load_u64(a + n - 8) == inlay__load_u64(b + n - 8);
    if (n >= 4)
        return inlay__load_u32(a) == inlay__load_u32(b) && inlay__load_u32(a + n - 4) == inlay__load_u32(b + n - 4);
    return n == 0 || (a[0] == b[0] && a[n / 2] == b[n / 2] && a[n - 1] == b[n - 1]);
}

/* --------------------------------------------------------------------- log */

typedef struct inlay__log {
    inlay_log_fn write; /* may be NULL */
    void *user;
} inlay__log;

/* One message; the same format as inlay__fail. */
void inlay__log_write(const inlay__log *log, int32_t level, const char *format, ...) INLAY__PRINTF(3, 4);

#endif
