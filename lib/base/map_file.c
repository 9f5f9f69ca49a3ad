/* The bytes of a model file: mapped, copied, lent by the caller, or read through the caller's function. */
#include "map_file.h"

enum { COPY_BELOW = 64 << 20 };
/* While pages are got ready no other thread can map memory: for no longer than this takes. */
enum { POPULATE_STEP = 256 << 10 };
/* So much is copied between two looks at whether to go on. */
enum { COPY_STEP = 4 << 20 };

/* ------------------------------------------------------------------- copying */

/* data[done..end) from the file. */
static int32_t copy_step(const inlay__sys *sys, const inlay__source *source, const inlay__file *file, uint8_t *data,
                         size_t done, size_t end) {
    while (done < end) {
        int64_t n = sys->file_read(sys->io_user, file->fd, data + done, end - done, source->offset + done);
        if (n <= 0)
            return inlay__fail(INLAY_ERR_IO, "file '%s': read %zu of %zu bytes, then %s", source->name, done,
                               file->size, n < 0 ? "an error" : "the end");
        done += (size_t)n;
    }
    return INLAY_OK;
}

static int32_t copy_file(const inlay__sys *sys, const inlay__source *source, inlay__file *file) {
    uint8_t *data = inlay__alloc(sys, file->size);
    if (data == NULL) return INLAY_ERR_MEMORY;
    int32_t status = INLAY_OK;
    inlay__progress_expect(source->progress, file->size);
    for (size_t done = 0, end; done < file->size && status == INLAY_OK; done = end) {
        end = done + inlay__min_size(COPY_STEP, file->size - done);
        status = copy_step(sys, source, file, data, done, end);
        if (status == INLAY_OK) status = inlay__progress_add(source->progress, end - done);
    }
    if (status != INLAY_OK) {
        inlay__free(sys, data, file->size);
        return status;
    }
    file->data = data;
    file->owned = true;
    return INLAY_OK;
}

/* ------------------------------------------------------------------- opening */

static int32_t check_size(const char *name, uint64_t size) {
    if (size == 0) return inlay__fail(INLAY_ERR_FORMAT, "file '%s': empty", name);
    if (size > SIZE_MAX / 2)
        return inlay__fail(INLAY_ERR_MEMORY, "file '%s': its %llu bytes do not fit an address space", name,
                           (unsigned long long)size);
    return INLAY_OK;
}

/* How many bytes are wanted of the open file. */
static int32_t measure(const inlay__source *source, inlay__file *file) {
    uint64_t whole = file->info.size, size = source->kind == INLAY__FROM_PATH ? whole : source->size;
    if (source->offset > whole || (size != INLAY__TO_THE_END && size > whole - source->offset))
        return inlay__fail(INLAY_ERR_ARGUMENT,
                           "file '%s': has %llu bytes, of which %llu from offset %llu on are asked for", source->name,
                           (unsigned long long)whole, (unsigned long long)size, (unsigned long long)source->offset);
    if (size == INLAY__TO_THE_END) size = whole - source->offset;
    INLAY__TRY(check_size(source->name, size));
    file->size = (size_t)size;
    return INLAY_OK;
}

static int32_t load_bytes(const inlay__sys *sys, const inlay__source *source, inlay__file *file) {
    if (sys->file_stat(sys->io_user, file->fd, &file->info) != 0)
        return inlay__fail(INLAY_ERR_IO, "file '%s': its size cannot be read", source->name);
    if (!file->info.is_regular)
        return inlay__fail(INLAY_ERR_IO, "file '%s': not a regular file", source->name);
    INLAY__TRY(measure(source, file));
    inlay__progress_expect(source->progress, file->size);
    bool map = source->load == INLAY_LOAD_MAP || (source->load == INLAY_LOAD_AUTO && file->size >= COPY_BELOW);
    if (map) {
        file->data = sys->file_map(sys->io_user, file->fd, source->offset, file->size);
        file->mapped = file->data != NULL;
    }
    return file->mapped ? INLAY_OK : copy_file(sys, source, file);
}

static int32_t open_file(const inlay__sys *sys, const inlay__source *source, inlay__file *file) {
    bool is_path = source->kind == INLAY__FROM_PATH;
    file->fd = is_path ? sys->file_open(sys->io_user, source->name) : sys->file_copy(sys->io_user, source->fd);
    if (file->fd < 0)
        return inlay__fail(INLAY_ERR_IO, "file '%s': it cannot be opened (%s)", source->name,
                           is_path ? "missing, or not readable" : "no descriptor, or there are too many");
    int32_t status = load_bytes(sys, source, file);
    if (!file->mapped) {
        sys->file_close(sys->io_user, file->fd);
        file->fd = -1;
    }
    return status;
}

static int32_t open_callback(const inlay__source *source, inlay__file *file) {
    INLAY__TRY(check_size(source->name, source->size));
    file->size = (size_t)source->size;
    file->read = source->read;
    file->user = source->user;
    inlay__progress_expect(source->progress, file->size);
    return INLAY_OK;
}

int32_t inlay__file_open_source(const inlay__sys *sys, const inlay__source *source, inlay__file *file) {
    *file = (inlay__file){.fd = -1};
    switch (source->kind) {
    case INLAY__FROM_MEMORY:
        inlay__file_lend(source->data, (size_t)source->size, file);
        inlay__progress_expect(source->progress, file->size);
        return INLAY_OK;
    case INLAY__FROM_CALLBACK: return open_callback(source, file);
    default: return open_file(sys, source, file);
    }
}

int32_t inlay__file_open(const inlay__sys *sys, const char *path, int32_t load, inlay__file *file) {
    return inlay__file_open_source(sys, INLAY__PATH(path, load), file);
}

void inlay__file_lend(const void *data, size_t size, inlay__file *file) {
    *file = (inlay__file){.data = data, .size = size, .fd = -1};
}

/* ---------------------------------------------------------------------- bytes */

int32_t inlay__file_read(const inlay__file *file, const char *name, uint64_t offset, void *out, size_t size) {
    uint8_t *bytes = out;
    for (size_t done = 0; done < size;) {
        int64_t n = file->read(file->user, bytes + done, size - done, offset + done);
        if (n <= 0 || (uint64_t)n > size - done)
            return inlay__fail(INLAY_ERR_IO, "file '%s': asked for %zu bytes at %llu of %zu, its function gave %lld",
                               name, size - done, (unsigned long long)(offset + done), file->size, (long long)n);
        done += (size_t)n;
    }
    return INLAY_OK;
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
    sys->file_forget(sys->io_user, data, inlay__min_size(size, file->size - (begin - base)));
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
