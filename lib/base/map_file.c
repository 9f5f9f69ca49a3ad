/* The bytes of a model file: mapped, copied, or lent by the caller. */
#include "map_file.h"

enum { COPY_BELOW = 64 << 20, PAGE = 4096 };
/* While pages are got ready no other thread can map memory: for no longer than this takes. */
enum { POPULATE_STEP = 256 << 10 };

static int32_t copy_file(const inlay__sys *sys, const char *path, inlay__file *file) {
    uint8_t *data = inlay__alloc(sys, file->size);
    if (data == NULL) return INLAY_ERR_MEMORY;
    for (size_t done = 0; done < file->size;) {
        int64_t n = sys->file_read(sys->io_user, file->fd, data + done, file->size - done, done);
        if (n <= 0) {
            inlay__free(sys, data, file->size);
            return inlay__fail(INLAY_ERR_IO, "file '%s': read %zu of %zu bytes, then %s", path, done, file->size,
                               n < 0 ? "an error" : "the end");
        }
        done += (size_t)n;
    }
    file->data = data;
    file->owned = true;
    return INLAY_OK;
}

static int32_t load_bytes(const inlay__sys *sys, const char *path, int32_t load, inlay__file *file) {
    if (sys->file_stat(sys->io_user, file->fd, &file->info) != 0)
        return inlay__fail(INLAY_ERR_IO, "file '%s': its size cannot be read", path);
    if (!file->info.is_regular)
        return inlay__fail(INLAY_ERR_IO, "file '%s': not a regular file", path);
    if (file->info.size == 0) return inlay__fail(INLAY_ERR_FORMAT, "file '%s': empty", path);
    if (file->info.size > SIZE_MAX / 2)
        return inlay__fail(INLAY_ERR_MEMORY, "file '%s': its %llu bytes do not fit an address space", path,
                           (unsigned long long)file->info.size);
    file->size = (size_t)file->info.size;
    bool map = load == INLAY_LOAD_MAP || (load == INLAY_LOAD_AUTO && file->size >= COPY_BELOW);
    if (map) {
        file->data = sys->file_map(sys->io_user, file->fd, file->size);
        file->mapped = file->data != NULL;
    }
    return file->mapped ? INLAY_OK : copy_file(sys, path, file);
}

int32_t inlay__file_open(const inlay__sys *sys, const char *path, int32_t load, inlay__file *file) {
    *file = (inlay__file){.fd = sys->file_open(sys->io_user, path)};
    if (file->fd < 0)
        return inlay__fail(INLAY_ERR_IO, "file '%s': it cannot be opened (missing, or not readable)", path);
    int32_t status = load_bytes(sys, path, load, file);
    if (!file->mapped) {
        sys->file_close(sys->io_user, file->fd);
        file->fd = -1;
    }
    return status;
}

void inlay__file_lend(const void *data, size_t size, inlay__file *file) {
    *file = (inlay__file){.data = data, .size = size, .fd = -1};
}

int32_t inlay__file_check(const inlay__sys *sys, const char *path, const inlay__file *file) {
    inlay__file_info now;
    if (!file->mapped) return INLAY_OK;
    if (sys->file_stat(sys->io_user, file->fd, &now) != 0)
        return inlay__fail(INLAY_ERR_IO, "file '%s': its size cannot be read any more", path);
    if (now.size != file->info.size || now.mtime_ns != file->info.mtime_ns)
        return inlay__fail(INLAY_ERR_CHANGED, "file '%s': it changed while it was open (%llu bytes then, %llu now)",
                           path, (unsigned long long)file->info.size, (unsigned long long)now.size);
    return INLAY_OK;
}

void inlay__file_forget(const inlay__sys *sys, const inlay__file *file, const uint8_t *data, size_t size) {
    uintptr_t base = (uintptr_t)file->data, begin = (uintptr_t)data;
    if (!file->mapped || sys->file_forget == NULL || begin < base || begin - base > file->size) return;
    size_t first = inlay__round_up(begin - base, PAGE), end = (begin - base + size) / PAGE * PAGE;
    if (first < end && end <= file->size) sys->file_forget(sys->io_user, file->data + first, end - first);
}

void inlay__file_populate(const inlay__sys *sys, const inlay__file *file, const atomic_int *stop) {
    if (!file->mapped || sys->file_populate == NULL) return;
    for (size_t end = file->size; end > 0 && atomic_load_explicit(stop, memory_order_relaxed) == 0;) {
        size_t begin = (end - 1) / POPULATE_STEP * POPULATE_STEP;
        sys->file_populate(sys->io_user, file->data + begin, end - begin);
        end = begin;
    }
}

void inlay__file_close(const inlay__sys *sys, inlay__file *file) {
    if (file->mapped) {
        sys->file_unmap(sys->io_user, (void *)(uintptr_t)file->data, file->size);
        sys->file_close(sys->io_user, file->fd);
    }
    if (file->owned) inlay__free(sys, (void *)(uintptr_t)file->data, file->size);
    *file = (inlay__file){.fd = -1};
}
