/* A model inside an archive, as games ship their data: makes one, and runs a model out of it without unpacking.
 *
 *     ./pak make DATA.pak MODEL.gguf [FILE...]
 *     ./pak run  DATA.pak MODEL.gguf "The capital of France is"
 *     ./pak read DATA.pak MODEL.gguf "The capital of France is"
 *
 * `run` maps the model in place: its pages are the archive's. `read` lets the library ask for bytes, as a host whose
 * files come from wherever its file system says would do. Both give the same text.
 */
#include <fcntl.h>
#include <inlay.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The archive: files as they are, one right behind the other, at any alignment; then the directory, then its place.
 *
 *     file 0 | file 1 | ... | entry 0 | entry 1 | ... | number of entries (8 bytes)
 *
 * with an entry being a name of 48 bytes, the offset and the size of the file (8 bytes each, little-endian).
 */
enum { NAME_SIZE = 48, ENTRY_SIZE = NAME_SIZE + 16, MAX_ENTRIES = 1000, N_TOKENS = 64 };

typedef struct entry {
    char name[NAME_SIZE];
    uint64_t offset, size;
} entry;

static int fail(const char *what, const char *why) {
    fprintf(stderr, "pak: %s: %s\n", what, why);
    return 1;
}

/* The last part of a path. */
static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static uint64_t load_u64(const unsigned char *p) {
    uint64_t value = 0;
    for (int i = 8; i-- > 0;) value = value << 8 | p[i];
    return value;
}

static void store_u64(unsigned char *p, uint64_t value) {
    for (int i = 0; i < 8; i++) p[i] = (unsigned char)(value >> 8 * i);
}

/* ------------------------------------------------------------------- making one */

static int append(FILE *out, const char *path, entry *e, uint64_t offset) {
    static char buffer[1 << 16];
    size_t n;
    FILE *in = fopen(path, "rb");
    if (in == NULL) return fail(path, "cannot be opened");
    memset(e, 0, sizeof *e);
    snprintf(e->name, sizeof e->name, "%s", name_of(path));
    e->offset = offset;
    while ((n = fread(buffer, 1, sizeof buffer, in)) > 0) {
        if (fwrite(buffer, 1, n, out) != n) break;
        e->size += n;
    }
    int failed = ferror(in) || ferror(out);
    fclose(in);
    return failed ? fail(path, "cannot be copied") : 0;
}

static int write_directory(FILE *out, const entry *entries, int n) {
    unsigned char count[8];
    for (int i = 0; i < n; i++) {
        unsigned char bytes[ENTRY_SIZE];
        memcpy(bytes, entries[i].name, NAME_SIZE);
        store_u64(bytes + NAME_SIZE, entries[i].offset);
        store_u64(bytes + NAME_SIZE + 8, entries[i].size);
        fwrite(bytes, 1, sizeof bytes, out);
    }
    store_u64(count, (uint64_t)n);
    fwrite(count, 1, sizeof count, out);
    return ferror(out);
}

static int make(const char *path, char **files, int n) {
    static entry entries[MAX_ENTRIES + 1];
    if (n > MAX_ENTRIES - 1) return fail(path, "too many files");
    FILE *out = fopen(path, "wb");
    if (out == NULL) return fail(path, "cannot be written");
    uint64_t offset = 0;
    int failed = 0;
    for (int i = 0; i < n && !failed; i++) {
        failed = append(out, files[i], &entries[i], offset);
        offset += entries[i].size;
    }
    if (!failed && write_directory(out, entries, n)) failed = fail(path, "cannot be written");
    if (fclose(out) != 0 && !failed) failed = fail(path, "cannot be written");
    return failed;
}

/* --------------------------------------------------------------- finding a file */

static int find(int fd, const char *path, const char *name, entry *e) {
    unsigned char bytes[ENTRY_SIZE];
    off_t end = lseek(fd, 0, SEEK_END);
    if (end < 8 || pread(fd, bytes, 8, end - 8) != 8) return fail(path, "is no archive");
    uint64_t n = load_u64(bytes);
    if (n > MAX_ENTRIES || (uint64_t)end < 8 + n * ENTRY_SIZE) return fail(path, "is no archive");
    off_t at = end - 8 - (off_t)(n * ENTRY_SIZE);
    for (uint64_t i = 0; i < n; i++, at += ENTRY_SIZE) {
        if (pread(fd, bytes, sizeof bytes, at) != (ssize_t)sizeof bytes) return fail(path, "cannot be read");
        memcpy(e->name, bytes, NAME_SIZE);
        e->name[NAME_SIZE - 1] = '\0';
        e->offset = load_u64(bytes + NAME_SIZE);
        e->size = load_u64(bytes + NAME_SIZE + 8);
        if (strcmp(e->name, name) == 0) return 0;
    }
    return fail(name, "is not in the archive");
}

/* ------------------------------------------------------------------ running it */

/* What the host's file system knows of an open file. */
typedef struct stream {
    int fd;
    uint64_t offset;
} stream;

/* An inlay_read_fn. The library asks for no byte beyond the size that it was told. */
static int64_t read_stream(void *user, void *buffer, size_t size, uint64_t offset) {
    const stream *s = user;
    return pread(s->fd, buffer, size, (off_t)(s->offset + offset));
}

/* An inlay_progress_fn: a game would draw a bar, and return 1 to stop. */
static int32_t show_progress(void *user, uint64_t done, uint64_t total) {
    (void)user;
    fprintf(stderr, "\ropening: %3d %%", total > 0 ? (int)(100 * (done / 1024) / (total / 1024 + 1)) : 0);
    if (done == total) fprintf(stderr, "\r              \r");
    return 0;
}

static int generate(inlay_model *model, const char *prompt) {
    int32_t tokens[512], token;
    char piece[64];
    uint64_t state = 0;
    size_t n;
    inlay_session *session;
    if (inlay_session_new(model, NULL, &session) != INLAY_OK) return fail("session", inlay_error());
    int32_t status = inlay_tokenize(model, prompt, INLAY_ALL, INLAY_ADD_SPECIAL, tokens, 512, &n);
    if (status == INLAY_OK) status = inlay_eval(session, tokens, n);
    if (status == INLAY_OK) status = inlay_stream_text(model, &state, tokens[n - 1], piece, sizeof piece, &n);
    for (int i = 0; i < N_TOKENS && status == INLAY_OK; i++) {
        status = inlay_sample(session, &token);
        if (status != INLAY_OK || inlay_token_is_end(model, token)) break;
        status = inlay_stream_text(model, &state, token, piece, sizeof piece, &n);
        if (status != INLAY_OK) break;
        fwrite(piece, 1, n, stdout);
        fflush(stdout);
        status = inlay_eval(session, &token, 1);
    }
    putchar('\n');
    inlay_session_free(session);
    return status == INLAY_OK ? 0 : fail("generating", inlay_error());
}

static int run(const char *path, const char *name, const char *prompt, int reads) {
    inlay_options *options;
    inlay_model *model;
    entry e;
    int fd = open(path, O_RDONLY);
    if (fd < 0) return fail(path, "cannot be opened");
    if (find(fd, path, name, &e) != 0 || inlay_options_new(&options) != INLAY_OK) {
        close(fd);
        return 1;
    }
    stream s = {fd, e.offset};
    inlay_options_set_progress(options, show_progress, NULL);
    inlay_options_set_int(options, INLAY_OPT_LOAD, INLAY_LOAD_MAP);
    int32_t status = reads ? inlay_model_open_read(read_stream, &s, e.size, options, &model)
                           : inlay_model_open_fd(fd, e.offset, e.size, options, &model);
    close(fd); /* the library has what it needs */
    inlay_options_free(options);
    if (status != INLAY_OK) return fail(name, inlay_error());
    int code = generate(model, prompt);
    inlay_model_free(model);
    return code;
}

int main(int argc, char **argv) {
    if (argc >= 4 && strcmp(argv[1], "make") == 0) return make(argv[2], argv + 3, argc - 3);
    if (argc == 5 && strcmp(argv[1], "run") == 0) return run(argv[2], name_of(argv[3]), argv[4], 0);
    if (argc == 5 && strcmp(argv[1], "read") == 0) return run(argv[2], name_of(argv[3]), argv[4], 1);
    fprintf(stderr, "usage: pak make DATA.pak FILE... | run DATA.pak NAME TEXT | read DATA.pak NAME TEXT\n");
    return 2;
}
