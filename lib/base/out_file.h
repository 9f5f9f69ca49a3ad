/* A file that is written under another name beside its own, and takes its own only when it is whole. */
#ifndef INLAY_OUT_FILE_H
#define INLAY_OUT_FILE_H

#include "base.h"

typedef struct inlay__out_file {
    const inlay__sys *sys;
    const char *path; /* the caller's */
    char *part;       /* [part_size] the name it has meanwhile: path and ".part" */
    size_t part_size;
    int fd;           /* -1: not open */
    uint64_t size;    /* bytes written */
} inlay__out_file;

/* Creates the file beside. On failure nothing is held. Errors: _IO (it cannot be created, or is there already),
 * _MEMORY. */
int32_t inlay__out_file_open(const inlay__sys *sys, const char *path, inlay__out_file *file);

/* Appends. Errors: _IO. */
int32_t inlay__out_file_write(inlay__out_file *file, const void *data, size_t size);

/* The bytes reach the disk and the file takes its name, replacing what had it. Errors: _IO; then it is still to be
 * dropped. */
int32_t inlay__out_file_finish(inlay__out_file *file);

/* Removes what was not finished; nothing else after finish, or when it was never opened. */
void inlay__out_file_drop(inlay__out_file *file);

#endif
