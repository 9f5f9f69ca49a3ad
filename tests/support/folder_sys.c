/* Files in memory. A descriptor is the number of a file and 100; that of the folder itself is 98. */
#include "support/folder_sys.h"

#include <stdio.h>

enum { FOLDER = 98, FIRST = 100 };

static int find(const folder_sys *f, const char *name) {
    for (size_t i = 0; i < f->n_files; i++)
        if (strcmp(f->files[i].name, name) == 0) return (int)i;
    return -1;
}

static int file_open(void *user, const char *path) {
    folder_sys *f = user;
    int i = -1;
    if (strcmp(path, "folder") == 0 || strcmp(path, "folder/") == 0) i = FOLDER - FIRST;
    else if (strncmp(path, "folder/", 7) == 0 && (i = find(f, path + 7)) < 0)
        snprintf(f->last, sizeof f->last, "%s", path);
    if (i == -1) return -1;
    f->n_open++;
    return FIRST + i;
}

static int file_stat(void *user, int fd, inlay__file_info *info) {
    folder_sys *f = user;
    *info = (inlay__file_info){.is_folder = fd == FOLDER, .is_regular = fd != FOLDER};
    if (fd != FOLDER) info->size = f->files[fd - FIRST].size;
    return 0;
}

static int64_t file_read(void *user, int fd, void *buffer, size_t size, uint64_t offset) {
    folder_sys *f = user;
    if (fd == FOLDER || offset > f->files[fd - FIRST].size) return -1;
    if (size > f->files[fd - FIRST].size - offset) size = f->files[fd - FIRST].size - (size_t)offset;
    memcpy(buffer, f->files[fd - FIRST].data + offset, size);
    return (int64_t)size;
}

static void *file_map(void *user, int fd, uint64_t offset, size_t size) {
    (void)user, (void)fd, (void)offset, (void)size;
    return NULL; /* copied instead */
}

static void file_close(void *user, int fd) {
    (void)fd;
    ((folder_sys *)user)->n_open--;
}

void folder_sys_init(folder_sys *f, const inlay__sys *memory) {
    memset(f, 0, sizeof *f);
    f->sys = *memory;
    f->sys.io_user = f;
    f->sys.file_open = file_open;
    f->sys.file_stat = file_stat;
    f->sys.file_read = file_read;
    f->sys.file_map = file_map;
    f->sys.file_forget = NULL;
    f->sys.file_close = file_close;
}

void folder_sys_put(folder_sys *f, const char *name, const void *data, size_t size) {
    int i = find(f, name);
    if (i < 0) i = (int)f->n_files++;
    f->files[i].name = name;
    f->files[i].data = data;
    f->files[i].size = size;
}

void folder_sys_remove(folder_sys *f, const char *name) {
    int i = find(f, name);
    if (i >= 0) f->files[i] = f->files[--f->n_files];
}
