/* Files for tests, in a folder of the process's own that goes away when it ends. */
#ifndef INLAY_TEMP_FILE_H
#define INLAY_TEMP_FILE_H

#include <stddef.h>

/* The path of `name` in the folder; it lives until the process ends. */
const char *temp_path(const char *name);

/* Writes a file of that name there, replacing one that is there, and returns its path. */
const char *temp_file(const char *name, const void *data, size_t size);

#endif
