/* The last failure of each thread, and the names of statuses. */
#include "base.h"
#include "text.h"

enum { ERROR_TEXT_SIZE = 512 };

static _Thread_local char error_text[ERROR_TEXT_SIZE];
static _Thread_local const void *error_owner;

int32_t inlay__fail(int32_t status, const char *format, ...) {
    char text[ERROR_TEXT_SIZE]; /* the arguments may hold the last error's text */
    va_list args;
    va_start(args, format);
    inlay__format_args(text, sizeof text, format, args);
    va_end(args);
    memcpy(error_text, text, strlen(text) + 1);
    error_owner = NULL;
    return status;
}

const char *inlay__error_text(void) { return error_text; }

void inlay__error_set_owner(const void *handle) { error_owner = handle; }

const void *inlay__error_owner(void) { return error_owner; }

void inlay__log_write(const inlay__log *log, int32_t level, const char *format, ...) {
    char text[ERROR_TEXT_SIZE];
    if (log->write == NULL) return;
    va_list args;
    va_start(args, format);
    inlay__format_args(text, sizeof text, format, args);
    va_end(args);
    log->write(log->user, level, text);
}
