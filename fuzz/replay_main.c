/* Runs a fuzzer's function over files, so that a corpus is an ordinary test where there is no libFuzzer:
 *
 *     fuzz_gguf FILE-OR-FOLDER ...
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t n_replayed;

/* The input is copied to a block of its very size, so that a sanitizer sees one byte too many. */
static int replay_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) return fprintf(stderr, "%s: cannot be read\n", path), 1;
    long size = ftell(file);
    uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
    rewind(file);
    int failed = data == NULL || size < 0 || fread(data, 1, (size_t)size, file) != (size_t)size;
    fclose(file);
    if (failed)
        fprintf(stderr, "%s: cannot be read\n", path);
    else
        LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    n_replayed++;
    return failed;
}

static int replay_folder(const char *path) {
    DIR *folder = opendir(path);
    struct dirent *entry;
    int failed = 0;
    if (folder == NULL) return fprintf(stderr, "%s: cannot be read\n", path), 1;
    while ((entry = readdir(folder)) != NULL) {
        char file[4096];
        if (entry->d_name[0] == '.') continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        failed |= replay_file(file);
    }
    closedir(folder);
    return failed;
}

int main(int argc, char **argv) {
    int failed = 0;
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
            failed |= replay_folder(argv[i]);
        else
            failed |= replay_file(argv[i]);
    }
    fprintf(stderr, "%zu inputs\n", n_replayed);
    return failed || n_replayed == 0;
}
