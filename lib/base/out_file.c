/* A file that is written under another name beside its own, and takes its own only when it is whole. */
#include "out_file.h"

static const char SUFFIX[] = ".part";

int32_t inlay__out_file_open(const inlay__sys *sys, const char *path, inlay__out_file *file) {
    size_t n = strlen(path);
    *file = (inlay__out_file){.sys = sys, .path = path, .fd = -1, .part_size = n + sizeof SUFFIX};
    file->part = inlay__alloc(sys, file->part_size);
    if (file->part == NULL) return INLAY_ERR_MEMORY;
    memcpy(file->part, path, n);
    memcpy(file->part + n, SUFFIX, sizeof SUFFIX);
    file->fd = sys->file_create(sys->io_user, file->part);
    if (file->fd >= 0) return INLAY_OK;
    int32_t status = inlay__fail(INLAY_ERR_IO,
                                 "file '%s': it cannot be created (no such folder, not writable, or there "
                                 "already from a run that was killed or is still writing)",
                                 file->part);
    inlay__free(sys, file->part, file->part_size);
    file->part = NULL;
    return status;
}

int32_t inlay__out_file_write(inlay__out_file *file, const void *data, size_t size) {
    const uint8_t *bytes = data;
    while (size > 0) {
        int64_t n = file->sys->file_write(file->sys->io_user, file->fd, bytes, size);
        if (n <= 0)
            return inlay__fail(INLAY_ERR_IO, "file '%s': writing failed after %llu bytes; is the disk full?",
                               file->part, (unsigned long long)file->size);
        bytes += n;
        size -= (size_t)n;
        file->size += (uint64_t)n;
    }
    return INLAY_OK;
}

int32_t inlay__out_file_finish(inlay__out_file *file) {
    const inlay__sys *sys = file->sys;
    if (sys->file_sync(sys->io_user, file->fd) != 0)
        return inlay__fail(INLAY_ERR_IO, "file '%s': its %llu bytes could not be written to the disk", file->part,
                           (unsigned long long)file->size);
    if (sys->file_rename(sys->io_user, file->part, file->path) != 0)
        return inlay__fail(INLAY_ERR_IO, "file '%s': it cannot be renamed to '%s'", file->part, file->path);
    sys->file_close(sys->io_user, file->fd);
    file->fd = -1;
    return INLAY_OK;
}

void inlay__out_file_drop(inlay__out_file *file) {
    const inlay__sys *sys = file->sys;
    if (file->part == NULL) return;
    if (file->fd >= 0) {
        sys->file_close(sys->io_user, file->fd);
        sys->file_remove(sys->io_user, file->part);
    }
    inlay__free(sys, file->part, file->part_size);
    *file = (inlay__out_file){.fd = -1};
}
