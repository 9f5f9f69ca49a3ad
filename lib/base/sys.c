/* The system itself: malloc, POSIX files, pthreads. */

/* Files of 2 GiB and more, and times after 2038, on 32-bit systems too. */
#define _FILE_OFFSET_BITS 64
#define _TIME_BITS 64

#ifndef _WIN32

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base.h"

/* Workers need little: kernels keep their buffers in the session. Unoptimised, all their vectors are there, too. */
#ifdef __OPTIMIZE__
enum { THREAD_STACK = 256 * 1024 };
#else
enum { THREAD_STACK = 4 * 1024 * 1024 };
#endif

/* From this size on, memory is asked to come in huge pages: packed weights are read through from end to end, and a
 * page fault for every 4 KiB of them would take longer than packing does. */
enum { HUGE_PAGE = 2 << 20, HUGE_FROM = 2 * HUGE_PAGE };

static void *sys_alloc(void *user, size_t size, size_t alignment) {
    void *memory = NULL;
    (void)user;
    if (alignment < sizeof(void *)) alignment = sizeof(void *);
    if (size >= HUGE_FROM) alignment = HUGE_PAGE;
    if (posix_memalign(&memory, alignment, size) != 0) return NULL;
#ifdef MADV_HUGEPAGE
    if (size >= HUGE_FROM) madvise(memory, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
    return memory;
}

static void sys_release(void *user, void *memory, size_t size) {
    (void)user;
    (void)size;
    free(memory);
}

/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
static int sys_open(void *user, const char *path) {
    int fd;
    (void)user;
    do {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    } while (fd < 0 && errno == EINTR);
    return fd >= 0 || errno == ENOENT || errno == ENOTDIR ? fd : INLAY__NOT_OPENED;
}

static int sys_copy(void *user, int fd) {
    (void)user;
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static int sys_stat(void *user, int fd, inlay__file_info *info) {
    struct stat st = {0}; /* MemorySanitizer of clang 14 does not see what fstat64 writes */
    (void)user;
    if (fstat(fd, &st) != 0) return -1;
    info->size = (uint64_t)st.st_size;
    info->inode = (uint64_t)st.st_ino;
    info->device = (uint64_t)st.st_dev;
    info->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    info->is_regular = S_ISREG(st.st_mode);
    info->is_folder = S_ISDIR(st.st_mode);
    return 0;
}

static int64_t sys_read(void *user, int fd, void *buffer, size_t size, uint64_t offset) {
    ssize_t n;
    (void)user;
    if (size > SSIZE_MAX) size = SSIZE_MAX;
    do {
        n = pread(fd, buffer, size, (off_t)offset);
    } while (n < 0 && errno == EINTR);
    return n;
}

static size_t page_size(void) {
    long size = sysconf(_SC_PAGESIZE);
    return size > 0 ? (size_t)size : 4096;
}

/* Where the page begins on which a byte is: mappings are of whole pages. */
static uintptr_t page_of(const void *memory) { return (uintptr_t)memory / page_size() * page_size(); }

static void *sys_map(void *user, int fd, uint64_t offset, size_t size) {
    (void)user;
    size_t before = (size_t)(offset % page_size());
    if (size > SIZE_MAX - before || offset > (uint64_t)INT64_MAX) return NULL;
    uint8_t *memory = mmap(NULL, before + size, PROT_READ, MAP_PRIVATE, fd, (off_t)(offset - before));
    return memory != MAP_FAILED ? memory + before : NULL;
}

static void sys_unmap(void *user, void *memory, size_t size) {
    (void)user;
    uintptr_t begin = page_of(memory);
    munmap((void *)begin, (uintptr_t)memory - begin + size);
}

static void sys_forget(void *user, const void *memory, size_t size) {
    (void)user;
    uintptr_t begin = (uintptr_t)inlay__round_up((uintptr_t)memory, page_size());
    uintptr_t end = page_of((const uint8_t *)memory + size);
    if (begin < end) madvise((void *)begin, end - begin, MADV_DONTNEED);
}

/* Whole tables of pages at once cost a fraction of a fault for every few of them. */
static void sys_populate(void *user, const void *memory, size_t size) {
    (void)user;
#ifdef MADV_POPULATE_READ
    uintptr_t begin = page_of(memory);
    madvise((void *)begin, (uintptr_t)memory - begin + size, MADV_POPULATE_READ);
#else
    (void)memory;
    (void)size;
#endif
}

static void sys_close(void *user, int fd) {
    (void)user;
    close(fd);
}

static int sys_create(void *user, const char *path) {
    int fd;
    (void)user;
    do {
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

static int64_t sys_write(void *user, int fd, const void *data, size_t size) {
    ssize_t n;
    (void)user;
    if (size > SSIZE_MAX) size = SSIZE_MAX;
    do {
        n = write(fd, data, size);
    } while (n < 0 && errno == EINTR);
    return n;
}

static int sys_sync(void *user, int fd) {
    int status;
    (void)user;
    do {
        status = fsync(fd);
    } while (status != 0 && errno == EINTR);
    return status == 0 || errno == EINVAL || errno == EROFS ? 0 : -1; /* some file systems have nothing to sync */
}

static int sys_rename(void *user, const char *from, const char *to) {
    (void)user;
    return rename(from, to);
}

static void sys_remove(void *user, const char *path) {
    (void)user;
    unlink(path);
}

static size_t sys_cpu_count(void *user) {
    (void)user;
#ifdef __linux__
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return (size_t)CPU_COUNT(&set);
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (size_t)n : 1;
}

/* With all signals blocked: a host's handlers run on the host's threads. */
static int sys_thread_start(void *user, void *thread, void *(*run)(void *), void *arg) {
    pthread_attr_t attributes;
    sigset_t all, before;
    (void)user;
    int error = pthread_attr_init(&attributes);
    if (error != 0) return error;
    pthread_attr_setstacksize(&attributes, THREAD_STACK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(thread, &attributes, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

const inlay__sys inlay__sys_default = {
    .alloc = sys_alloc,
    .release = sys_release,
    .file_open = sys_open,
    .file_copy = sys_copy,
    .file_stat = sys_stat,
    .file_read = sys_read,
    .file_map = sys_map,
    .file_unmap = sys_unmap,
    .file_forget = sys_forget,
    .file_populate = sys_populate,
    .file_close = sys_close,
    .file_create = sys_create,
    .file_write = sys_write,
    .file_sync = sys_sync,
    .file_rename = sys_rename,
    .file_remove = sys_remove,
    .cpu_count = sys_cpu_count,
    .thread_start = sys_thread_start,
};

#else
typedef int inlay__not_posix; /* a source file may not be empty */
#endif
