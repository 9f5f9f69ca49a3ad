/* What tests ask of POSIX. On Windows it is there by name, for tests that are skipped where CAN_FORK is 0. */
#ifndef TEST_POSIX_H
#define TEST_POSIX_H

#include <stddef.h>
#include <time.h>
#include <unistd.h>

#ifdef _WIN32

#define CAN_FORK 0
#define CAN_REPLACE_MAPPED 0 /* the system lets nobody replace or remove a file that is mapped */
#define WIFEXITED(status) ((void)(status), 0)
#define WEXITSTATUS(status) (status)
static inline pid_t fork(void) { return -1; }
static inline pid_t waitpid(pid_t child, int *status, int flags) { return (void)child, (void)status, (void)flags, -1; }
static inline unsigned alarm(unsigned seconds) { return (void)seconds, 0; }
static inline int mkfifo(const char *path, int mode) { return (void)path, (void)mode, -1; }
static inline void *lazy_zeros(size_t size) { return (void)size, NULL; }
static inline void drop_zeros(void *zeros, size_t size) { (void)zeros, (void)size; }

#else

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define CAN_FORK 1
#define CAN_REPLACE_MAPPED 1
/* Zeros that take no memory until they are written to; NULL where the addresses do not suffice. */
static inline void *lazy_zeros(size_t size) {
    void *zeros = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return zeros != MAP_FAILED ? zeros : NULL;
}
static inline void drop_zeros(void *zeros, size_t size) { munmap(zeros, size); }

#endif

/* What the process has computed. */
static inline double cpu_seconds(void) {
    struct timespec used = {0, 0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
}

#endif
