/* Files for tests, in a folder of the process's own. */
#include "support/temp_file.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef _WIN32
#include <direct.h>
#include <io.h>
#endif

enum { MAX_PATHS = 256, PATH_SIZE = 1024 };

static char folder[PATH_SIZE - 300];
static char *paths[MAX_PATHS];
static size_t n_paths;

static void fail(const char *what, const char *path) {
    fprintf(stderr, "test files: cannot %s %s\n", what, path);
    exit(2);
}

static void remove_folder(void) {
    char path[PATH_SIZE];
    struct dirent *entry;
    DIR *dir = opendir(folder);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        remove(path);
    }
    if (dir != NULL) closedir(dir);
    rmdir(folder);
    for (size_t i = 0; i < n_paths; i++)
        free(paths[i]);
}

static bool make_folder(void) {
#ifdef _WIN32
    const char *base = getenv("TEMP");
    snprintf(folder, sizeof folder, "%s/inlay-test-XXXXXX", base != NULL ? base : ".");
    return _mktemp(folder) != NULL && _mkdir(folder) == 0;
#else
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/inlay-test-XXXXXX", base != NULL && base[0] != '\0' ? base : "/tmp");
    return mkdtemp(folder) != NULL;
#endif
}

const char *temp_path(const char *name) {
    char path[PATH_SIZE];
    if (folder[0] == '\0') {
        if (!make_folder()) fail("make the folder", folder);
        atexit(remove_folder);
    }
    snprintf(path, sizeof path, "%s/%.255s", folder, name);
    for (size_t i = 0; i < n_paths; i++)
        if (strcmp(paths[i], path) == 0) return paths[i];
    if (n_paths == MAX_PATHS) fail("remember", path);
    paths[n_paths] = strdup(path);
    if (paths[n_paths] == NULL) fail("remember", path);
    return paths[n_paths++];
}

const char *temp_file(const char *name, const void *data, size_t size) {
    const char *path = temp_path(name);
    remove(path);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0) fail("write", path);
    return path;
}
