/* The system itself on Windows: Win32 files and mappings, winpthreads. Paths are UTF-8 here as everywhere and UTF-16
 * there; those of more than 260 letters need a program whose manifest says that it knows them.
 *
 * A descriptor is a handle: Windows uses 32 bits of those. */
#ifdef _WIN32

#include <io.h>
#include <malloc.h>
#include <pthread.h>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "base.h"

enum {
    THREAD_STACK = 256 * 1024, /* workers need little: kernels keep their buffers in the session */
    PATH_SIZE = 4096,
    MOST_AT_ONCE = 1 << 30
};

/* Anybody else may do with a file what POSIX lets them do. */
static const DWORD SHARED = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

static HANDLE handle_of(int fd) { return (HANDLE)(intptr_t)fd; }

static int descriptor_of(HANDLE handle) { return (int)(intptr_t)handle; } /* INVALID_HANDLE_VALUE is -1 */

static bool widen(const char *path, wchar_t wide[PATH_SIZE]) {
    return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, PATH_SIZE) > 0;
}

static void *sys_alloc(void *user, size_t size, size_t alignment) {
    (void)user;
    return _aligned_malloc(size, alignment < sizeof(void *) ? sizeof(void *) : alignment);
}

static void sys_release(void *user, void *memory, size_t size) {
    (void)user;
    (void)size;
    _aligned_free(memory);
}

static int open_wide(const char *path, DWORD access, DWORD how, DWORD flags) {
    wchar_t wide[PATH_SIZE];
    return widen(path, wide) ? descriptor_of(CreateFileW(wide, access, SHARED, NULL, how, flags, NULL)) : -1;
}

/* FILE_FLAG_BACKUP_SEMANTICS: folders open, too. */
static int sys_open(void *user, const char *path) {
    (void)user;
    return open_wide(path, GENERIC_READ, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS);
}

/* Of a descriptor of the C library, as a program has it: the only place where one comes in. */
static int sys_copy(void *user, int fd) {
    HANDLE from = (HANDLE)_get_osfhandle(fd), to = NULL;
    (void)user;
    if (from == INVALID_HANDLE_VALUE) return -1;
    BOOL done = DuplicateHandle(GetCurrentProcess(), from, GetCurrentProcess(), &to, 0, FALSE, DUPLICATE_SAME_ACCESS);
    return done ? descriptor_of(to) : -1;
}

static uint64_t both(DWORD high, DWORD low) { return (uint64_t)high << 32 | low; }

/* Times are counted in steps of 100 ns since 1601. */
static int sys_stat(void *user, int fd, inlay__file_info *info) {
    static const uint64_t UNTIL_1970 = 116444736000000000u;
    BY_HANDLE_FILE_INFORMATION st;
    (void)user;
    if (!GetFileInformationByHandle(handle_of(fd), &st)) return -1;
    info->size = both(st.nFileSizeHigh, st.nFileSizeLow);
    info->inode = both(st.nFileIndexHigh, st.nFileIndexLow);
    info->device = st.dwVolumeSerialNumber;
    uint64_t written = both(st.ftLastWriteTime.dwHighDateTime, st.ftLastWriteTime.dwLowDateTime);
    info->mtime_ns = (int64_t)((written - UNTIL_1970) * 100);
    info->is_folder = (st.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    info->is_regular = !info->is_folder && GetFileType(handle_of(fd)) == FILE_TYPE_DISK;
    return 0;
}

static int64_t sys_read(void *user, int fd, void *buffer, size_t size, uint64_t offset) {
    OVERLAPPED at = {.Offset = (DWORD)(offset & UINT32_MAX), .OffsetHigh = (DWORD)(offset >> 32)};
    DWORD n = 0;
    (void)user;
    if (ReadFile(handle_of(fd), buffer, (DWORD)inlay__min_size(size, MOST_AT_ONCE), &n, &at)) return n;
    return GetLastError() == ERROR_HANDLE_EOF ? 0 : -1;
}

/* Views begin at multiples of this, in the file and in memory. */
static size_t granularity(void) {
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return info.dwAllocationGranularity;
}

static void *sys_map(void *user, int fd, uint64_t offset, size_t size) {
    (void)user;
    size_t before = (size_t)(offset % granularity());
    uint64_t begin = offset - before;
    if (size > SIZE_MAX - before) return NULL;
    HANDLE mapping = CreateFileMappingW(handle_of(fd), NULL, PAGE_READONLY, 0, 0, NULL);
    if (mapping == NULL) return NULL;
    uint8_t *memory =
        MapViewOfFile(mapping, FILE_MAP_READ, (DWORD)(begin >> 32), (DWORD)(begin & UINT32_MAX), before + size);
    CloseHandle(mapping); /* the view holds it */
    return memory != NULL ? memory + before : NULL;
}

static void sys_unmap(void *user, void *memory, size_t size) {
    (void)user;
    (void)size;
    UnmapViewOfFile((void *)((uintptr_t)memory / granularity() * granularity()));
}

static void sys_close(void *user, int fd) {
    (void)user;
    CloseHandle(handle_of(fd));
}

static int sys_create(void *user, const char *path) {
    (void)user;
    return open_wide(path, GENERIC_WRITE, CREATE_NEW, FILE_ATTRIBUTE_NORMAL);
}

static int64_t sys_write(void *user, int fd, const void *data, size_t size) {
    DWORD n = 0;
    (void)user;
    return WriteFile(handle_of(fd), data, (DWORD)inlay__min_size(size, MOST_AT_ONCE), &n, NULL) ? (int64_t)n : -1;
}

static int sys_sync(void *user, int fd) {
    (void)user;
    return FlushFileBuffers(handle_of(fd)) ? 0 : -1;
}

static int sys_rename(void *user, const char *from, const char *to) {
    wchar_t wide_from[PATH_SIZE], wide_to[PATH_SIZE];
    (void)user;
    if (!widen(from, wide_from) || !widen(to, wide_to)) return -1;
    return MoveFileExW(wide_from, wide_to, MOVEFILE_REPLACE_EXISTING) ? 0 : -1;
}

static void sys_remove(void *user, const char *path) {
    wchar_t wide[PATH_SIZE];
    (void)user;
    if (widen(path, wide)) DeleteFileW(wide);
}

static size_t sys_cpu_count(void *user) {
    DWORD_PTR usable = 0, all = 0;
    size_t n = 0;
    (void)user;
    if (!GetProcessAffinityMask(GetCurrentProcess(), &usable, &all)) return 1;
    for (; usable != 0; usable &= usable - 1) n++;
    return n > 0 ? n : 1; /* 0: the process runs in several groups of processors */
}

static int sys_thread_start(void *user, void *thread, void *(*run)(void *), void *arg) {
    pthread_attr_t attributes;
    (void)user;
    int error = pthread_attr_init(&attributes);
    if (error != 0) return error;
    pthread_attr_setstacksize(&attributes, THREAD_STACK);
    error = pthread_create(thread, &attributes, run, arg);
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
typedef int inlay__not_windows; /* a source file may not be empty */
#endif
