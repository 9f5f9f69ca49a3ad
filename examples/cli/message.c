/* What the program says on standard error, and what it exits with. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static void say(const char *format, va_list arguments) {
    cli_progress_begin(NULL);
    fflush(stdout);
    fputs("inlay: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

int cli_error(const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    return CLI_ERROR;
}

int cli_usage(const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    return CLI_USAGE;
}

int cli_library_error(int32_t status) {
    if (status == INLAY_ERR_CANCELLED && cli_interrupted()) {
        cli_error("interrupted");
        return CLI_INTERRUPTED;
    }
    return cli_error("%s", inlay_error());
}

int cli_finish(int code) {
    bool failed = fflush(stdout) != 0 || ferror(stdout);

    if (failed && code == CLI_OK) return cli_error("standard output could not be written: %s", strerror(errno));
    return code;
}
