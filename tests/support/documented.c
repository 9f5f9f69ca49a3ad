/* Reading the public headers: a comment, the functions declared behind it, the statuses that it names. */
#include "support/documented.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inlay.h"

enum { MAX_FUNCTIONS = 256, MAX_NAME = 64, MAX_DEPTH = 8 };

/* A function, and what its comment says behind the word "Errors": its own text, from malloc, never freed. */
typedef struct function {
    char name[MAX_NAME];
    const char *errors;
    size_t before; /* the function declared last before its comment */
} function;

static function functions[MAX_FUNCTIONS];
static size_t n_functions;

static void fail(const char *what, const char *name) {
    fprintf(stderr, "documented statuses: %s %s\n", what, name);
    exit(2);
}

static char *read_header(const char *name) {
    char path[1024];
    static const size_t most = 1 << 20;
    snprintf(path, sizeof path, "%s/include/%s", INLAY_TREE, name);
    FILE *file = fopen(path, "rb");
    char *text = malloc(most);
    if (file == NULL || text == NULL) fail("cannot read", path);
    text[fread(text, 1, most - 1, file)] = '\0';
    fclose(file);
    return text;
}

/* The text of a comment [begin, end) behind "Errors", lines joined. */
static char *errors_of(const char *begin, const char *end) {
    char *text = malloc((size_t)(end - begin) + 1), *to = text;
    if (text == NULL) exit(2);
    for (const char *from = begin; from < end; from++) {
        bool begins_line = from[0] == '\n' && from + 2 < end && from[2] == '*';
        if (begins_line) from += 2; /* a space follows */
        else *to++ = *from;
    }
    *to = '\0';
    char *errors = strstr(text, "Errors");
    return errors != NULL ? errors : to;
}

/* The declarations that begin at `at`, each on lines of their own, up to the first line that begins otherwise. */
static const char *take_declarations(const char *at, const char *errors) {
    size_t before = n_functions;
    while (strncmp(at, "INLAY_API ", 10) == 0) {
        const char *open = strchr(at, '('), *name = open;
        if (open == NULL || n_functions == MAX_FUNCTIONS) fail("cannot read", "a declaration");
        while (isalnum((unsigned char)name[-1]) || name[-1] == '_') name--;
        function *f = &functions[n_functions++];
        snprintf(f->name, sizeof f->name, "%.*s", (int)(open - name), name);
        f->errors = errors;
        f->before = before;
        at = strstr(open, ";\n");
        if (at == NULL) fail("no end of", f->name);
        at += 2;
    }
    return at;
}

static void take_header(const char *name) {
    char *text = read_header(name);
    for (const char *begin = strstr(text, "/*"); begin != NULL; begin = strstr(begin, "/*")) {
        const char *end = strstr(begin, "*/");
        if (end == NULL) break;
        bool declares = strncmp(end, "*/\nINLAY_API ", 13) == 0;
        begin = declares ? take_declarations(end + 3, errors_of(begin, end)) : end;
    }
    free(text);
}

static size_t find(const char *name, size_t size) {
    for (size_t i = 0; i < n_functions; i++)
        if (strlen(functions[i].name) == size && memcmp(functions[i].name, name, size) == 0) return i;
    return MAX_FUNCTIONS;
}

static bool says(const char *text, const char *status) {
    size_t size = strlen(status);
    for (const char *at = strstr(text, status); at != NULL; at = strstr(at + 1, status)) {
        bool begins = strncmp(at - 9, "INLAY_ERR", 9) == 0 || at[-1] == ' ';
        if (begins && !isalnum((unsigned char)at[size]) && at[size] != '_') return true;
    }
    return false;
}

static uint32_t named(const char *text) {
    uint32_t bits = 0;
#define NAMED(name, value, meaning) \
    if ((value) < 0 && says(text, &#name[3])) bits |= UINT32_C(1) << (uint32_t)(-(value) & 31);
    INLAY_STATUS_LIST(NAMED)
#undef NAMED
    return bits;
}

static uint32_t errors_of_function(size_t i, int depth) {
    static const char *const words[] = {"as ", "and ", "of ", "or "};
    const char *text = functions[i].errors;
    uint32_t bits = named(text);
    if (depth == MAX_DEPTH) return bits;
    if (strstr(text, "as above") != NULL && functions[i].before > 0)
        bits |= errors_of_function(functions[i].before - 1, depth + 1);
    for (const char *at = strstr(text, "inlay_"); at != NULL; at = strstr(at + 1, "inlay_")) {
        size_t size = strspn(at, "abcdefghijklmnopqrstuvwxyz_"), other = find(at, size);
        bool refers = false;
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            refers = refers || strncmp(at - strlen(words[w]), words[w], strlen(words[w])) == 0;
        if (refers && other < n_functions && other != i) bits |= errors_of_function(other, depth + 1);
    }
    return bits;
}

uint32_t documented_errors(const char *name) {
    if (n_functions == 0) {
        DIR *folder = opendir(INLAY_TREE "/include");
        if (folder == NULL) fail("cannot open", INLAY_TREE "/include");
        for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
            if (strstr(entry->d_name, ".h") != NULL) take_header(entry->d_name);
        closedir(folder);
    }
    size_t i = find(name, strlen(name));
    if (i == MAX_FUNCTIONS) fail("no header declares", name);
    return errors_of_function(i, 0);
}
