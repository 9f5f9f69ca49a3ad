/* System calls of which the n-th fails. */
#include "support/fail_sys.h"

#include <stdlib.h>

bool fail_sys_fails(fail_sys *f) {
    size_t n = atomic_fetch_add(&f->n_calls, 1) + 1, at = atomic_load(&f->fail_at);
    fail_mode mode = atomic_load(&f->mode);
    bool failed = at != 0 && ((mode != FAIL_SHORT && n == at) || (mode == FAIL_FROM_THERE && n > at));
    if (failed) atomic_fetch_add(&f->n_failed, 1);
    return failed;
}

/* How much of `size` bytes a call reads or writes. */
static size_t transfer(fail_sys *f, size_t size) {
    if (size < 2) return size;
    size_t n = atomic_fetch_add(&f->n_transfers, 1) + 1;
    if (atomic_load(&f->mode) != FAIL_SHORT || n != atomic_load(&f->fail_at)) return size;
    atomic_fetch_add(&f->n_failed, 1);
    return size / 2;
}

static void *fail_alloc(void *user, size_t size, size_t alignment) {
    fail_sys *f = user;
    void *memory;
    if (fail_sys_fails(f)) return NULL;
#ifdef _WIN32
    memory = inlay__sys_default.alloc(NULL, size, alignment);
#else
    /* not posix_memalign, which a test may replace, as the library's own table uses it */
    memory = aligned_alloc(alignment, inlay__round_up(size, alignment));
#endif
    if (memory == NULL) return NULL;
    memset(memory, 0xa5, size);
    atomic_fetch_add(&f->n_blocks, 1);
    atomic_fetch_add(&f->n_bytes, size);
    return memory;
}

static void fail_release(void *user, void *memory, size_t size) {
    fail_sys *f = user;
    memset(memory, 0x5a, size);
    atomic_fetch_sub(&f->n_blocks, 1);
    atomic_fetch_sub(&f->n_bytes, size);
    inlay__sys_default.release(NULL, memory, size);
}

static int fail_open(void *user, const char *path) {
    fail_sys *f = user;
    int fd = fail_sys_fails(f) ? INLAY__NOT_OPENED : inlay__sys_default.file_open(NULL, path);
    if (fd >= 0) atomic_fetch_add(&f->n_files, 1);
    return fd;
}

static int fail_copy(void *user, int fd) {
    fail_sys *f = user;
    int copy = fail_sys_fails(f) ? -1 : inlay__sys_default.file_copy(NULL, fd);
    if (copy >= 0) atomic_fetch_add(&f->n_files, 1);
    return copy;
}

static int fail_stat(void *user, int fd, inlay__file_info *info) {
    return fail_sys_fails(user) ? -1 : inlay__sys_default.file_stat(NULL, fd, info);
}

static int64_t fail_read(void *user, int fd, void *buffer, size_t size, uint64_t offset) {
    return fail_sys_fails(user) ? -1 : inlay__sys_default.file_read(NULL, fd, buffer, transfer(user, size), offset);
}

static void *fail_map(void *user, int fd, uint64_t offset, size_t size) {
    fail_sys *f = user;
    void *memory = fail_sys_fails(f) ? NULL : inlay__sys_default.file_map(NULL, fd, offset, size);
    if (memory != NULL) atomic_fetch_add(&f->n_maps, 1);
    return memory;
}

static void fail_unmap(void *user, void *memory, size_t size) {
    fail_sys *f = user;
    atomic_fetch_sub(&f->n_maps, 1);
    inlay__sys_default.file_unmap(NULL, memory, size);
}

static void fail_close(void *user, int fd) {
    fail_sys *f = user;
    atomic_fetch_sub(&f->n_files, 1);
    inlay__sys_default.file_close(NULL, fd);
}

static int fail_create(void *user, const char *path) {
    fail_sys *f = user;
    int fd = fail_sys_fails(f) ? -1 : inlay__sys_default.file_create(NULL, path);
    if (fd >= 0) atomic_fetch_add(&f->n_files, 1);
    return fd;
}

static int64_t fail_write(void *user, int fd, const void *data, size_t size) {
    return fail_sys_fails(user) ? -1 : inlay__sys_default.file_write(NULL, fd, data, transfer(user, size));
}

static int fail_sync(void *user, int fd) { return fail_sys_fails(user) ? -1 : inlay__sys_default.file_sync(NULL, fd); }

static int fail_rename(void *user, const char *from, const char *to) {
    return fail_sys_fails(user) ? -1 : inlay__sys_default.file_rename(NULL, from, to);
}

static void remove_file(void *user, const char *path) {
    (void)user;
    inlay__sys_default.file_remove(NULL, path);
}

static int fail_thread_start(void *user, void *thread, void *(*run)(void *), void *arg) {
    enum { NO_MORE_THREADS = 11 }; /* EAGAIN */
    return fail_sys_fails(user) ? NO_MORE_THREADS : inlay__sys_default.thread_start(NULL, thread, run, arg);
}

void fail_sys_init(fail_sys *f) {
    memset(f, 0, sizeof *f);
    f->sys = inlay__sys_default;
    f->sys.user = f->sys.io_user = f;
    f->sys.alloc = fail_alloc;
    f->sys.release = fail_release;
    f->sys.file_open = fail_open;
    f->sys.file_copy = fail_copy;
    f->sys.file_stat = fail_stat;
    f->sys.file_read = fail_read;
    f->sys.file_map = fail_map;
    f->sys.file_unmap = fail_unmap;
    f->sys.file_close = fail_close;
    f->sys.file_create = fail_create;
    f->sys.file_write = fail_write;
    f->sys.file_sync = fail_sync;
    f->sys.file_rename = fail_rename;
    f->sys.file_remove = remove_file;
    f->sys.thread_start = fail_thread_start;
    f->sys.cpu_count = NULL; /* as many threads as a test asks for */
}

void fail_sys_arm(fail_sys *f, size_t n, fail_mode mode) {
    atomic_store(&f->n_calls, 0);
    atomic_store(&f->n_failed, 0);
    atomic_store(&f->n_transfers, 0);
    atomic_store(&f->fail_at, n);
    atomic_store(&f->mode, mode);
}

bool fail_sys_is_clean(const fail_sys *f) {
    return atomic_load(&f->n_blocks) == 0 && atomic_load(&f->n_bytes) == 0 && atomic_load(&f->n_files) == 0 &&
           atomic_load(&f->n_maps) == 0;
}
