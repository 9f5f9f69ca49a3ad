/* A table of system calls whose files are in memory: a folder for tests, which can hold any bytes. */
#ifndef INLAY_FOLDER_SYS_H
#define INLAY_FOLDER_SYS_H

#include "base/base.h"

enum { FOLDER_FILES = 16 };

/* Put files into `files`, then open "folder". Memory and threads are those of the table it was made of. */
typedef struct folder_sys {
    inlay__sys sys;
    size_t n_files;
    struct {
        const char *name; /* "model.safetensors" */
        const uint8_t *data;
        size_t size;
    } files[FOLDER_FILES];
    int n_open;           /* descriptors that were not closed */
    char last[300];       /* the last path that was asked for and is not there */
} folder_sys;

void folder_sys_init(folder_sys *f, const inlay__sys *memory);
/* Adds or replaces a file; the bytes stay the caller's. */
void folder_sys_put(folder_sys *f, const char *name, const void *data, size_t size);
void folder_sys_remove(folder_sys *f, const char *name);

#endif
