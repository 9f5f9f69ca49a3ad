/* Reads files, numbers and token ids. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool cli_parse_int(const char *text, size_t size, int64_t *value) {
    bool negative = size > 0 && text[0] == '-';
    size_t i = negative ? 1 : 0;
    int64_t sum = 0; /* kept below or at 0, where INT64_MIN has room */

    if (i == size) return false;
    for (; i < size; i++) {
        int digit = text[i] - '0';

        if (digit < 0 || digit > 9) return false;
        if (sum < INT64_MIN / 10 || sum * 10 < INT64_MIN + digit) return false;
        sum = sum * 10 - digit;
    }
    if (!negative && sum == INT64_MIN) return false;
    *value = negative ? sum : -sum;
    return true;
}

/* Reads `file` until its end into a growing block with a NUL after it. */
static int read_all(FILE *file, const char *name, char **text, size_t *size) {
    size_t capacity = 4096, n = 0;
    char *block = malloc(capacity);

    while (block != NULL) {
        char *larger;

        n += fread(block + n, 1, capacity - n - 1, file);
        if (n + 1 < capacity || ferror(file)) break;
        larger = capacity <= SIZE_MAX / 2 ? realloc(block, capacity * 2) : NULL;
        if (larger == NULL) free(block);
        block = larger;
        capacity *= 2;
    }
    if (block == NULL) return cli_error("there is not enough memory to read %s", name);
    if (cli_interrupted() || ferror(file)) {
        int reason = errno;

        free(block);
        if (cli_interrupted()) return cli_library_error(INLAY_ERR_CANCELLED);
        return cli_error("%s could not be read: %s", name, strerror(reason));
    }
    block[n] = '\0';
    *text = block;
    *size = n;
    return CLI_OK;
}

int cli_read_file(const char *path, char **text, size_t *size) {
    FILE *file;
    int code;

    if (strcmp(path, "-") == 0) return read_all(stdin, "standard input", text, size);
    file = fopen(path, "rb");
    if (file == NULL) return cli_error("'%s' could not be opened: %s", path, strerror(errno));
    code = read_all(file, path, text, size);
    fclose(file);
    return code;
}

bool cli_gives_text(const cli_args *args) {
    return args->text != NULL || args->value[ARG_PROMPT] != NULL || args->value[ARG_FILE] != NULL;
}

int cli_read_text(const cli_command *command, const cli_args *args, bool wanted, const char **text, size_t *size,
                  char **owned) {
    const char *prompt = args->value[ARG_PROMPT], *file = args->value[ARG_FILE];
    int code;

    if ((args->text != NULL) + (prompt != NULL) + (file != NULL) > 1)
        return cli_usage("%s was given more than one text: it is an argument, or comes with -p or with -f",
                         command->name);
    *text = args->text != NULL ? args->text : prompt;
    if (*text != NULL) {
        *size = strlen(*text);
        return CLI_OK;
    }
    if (file == NULL && isatty(STDIN_FILENO)) fputs("inlay: reading the text; Ctrl-D ends it\n", stderr);
    code = cli_read_file(file != NULL ? file : "-", owned, size);
    *text = *owned;
    if (code == CLI_OK && wanted && file == NULL && *size == 0)
        return cli_usage("%s needs a text: as an argument, with -p TEXT, with -f FILE or on standard input",
                         command->name);
    return code;
}

static size_t skip_spaces(const char *text, size_t size, size_t i) {
    while (i < size && (text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r'))
        i++;
    return i;
}

/* Where the number at `i` ends. */
static size_t number_end(const char *text, size_t size, size_t i, bool spaces) {
    while (i < size && text[i] != ',' && !(spaces && skip_spaces(text, size, i) > i))
        i++;
    return i;
}

int cli_parse_ids(const char *text, size_t size, bool spaces, cli_ids *ids) {
    size_t i = 0, n = 0, capacity = size / 2 + 1; /* an id takes a digit and a separator at least */
    int32_t *list = capacity <= SIZE_MAX / sizeof *list ? malloc(capacity * sizeof *list) : NULL;

    if (list == NULL) return cli_error("there is not enough memory for the list of ids");
    for (;;) {
        size_t end;
        int64_t id;

        if (spaces) i = skip_spaces(text, size, i);
        end = number_end(text, size, i, spaces);
        if (!cli_parse_int(text + i, end - i, &id) || id < INT32_MIN || id > INT32_MAX) {
            free(list);
            return cli_usage("'%.*s' at byte %zu of the list is not a token id; a list reads like 1,2,3",
                             (int)(end - i < 40 ? end - i : 40), text + i, i);
        }
        list[n++] = (int32_t)id;
        i = spaces ? skip_spaces(text, size, end) : end;
        if (i == size) break;
        if (text[i] == ',') i++;
    }
    ids->ids = list;
    ids->n = n;
    return CLI_OK;
}

int cli_tokens(const inlay_model *model, const char *text, size_t size, int32_t flags, cli_ids *ids) {
    size_t capacity = size + 16, n = 0; /* hardly ever more tokens than bytes */
    int32_t *list = NULL;
    int32_t status;

    for (;;) {
        int32_t *larger = capacity <= SIZE_MAX / sizeof *list ? realloc(list, capacity * sizeof *list) : NULL;

        if (larger == NULL) {
            free(list);
            return cli_error("there is not enough memory for %zu tokens", capacity);
        }
        list = larger;
        status = inlay_tokenize(model, text, size, flags, list, capacity, &n);
        if (status != INLAY_ERR_BUFFER || n <= capacity) break;
        capacity = n;
    }
    if (status != INLAY_OK) {
        free(list);
        return cli_library_error(status);
    }
    ids->ids = list;
    ids->n = n;
    return CLI_OK;
}
