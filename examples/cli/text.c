/* A text that grows, by bytes or by tokens. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

/* Makes room for `size` more bytes. */
static int reserve(cli_text *text, size_t size) {
    size_t capacity = text->capacity > 0 ? text->capacity : 256;
    char *larger;

    if (size <= text->capacity - text->size) return CLI_OK;
    while (capacity - text->size < size) {
        if (capacity > SIZE_MAX / 2) return cli_error("there is not enough memory for %zu more bytes of text", size);
        capacity *= 2;
    }
    larger = realloc(text->text, capacity);
    if (larger == NULL) return cli_error("there is not enough memory for %zu bytes of text", capacity);
    text->text = larger;
    text->capacity = capacity;
    return CLI_OK;
}

int cli_text_add(cli_text *text, const char *bytes, size_t size) {
    int code = reserve(text, size);

    if (code != CLI_OK) return code;
    if (size > 0) memcpy(text->text + text->size, bytes, size);
    text->size += size;
    return CLI_OK;
}

int cli_text_add_token(cli_text *text, const inlay_model *model, uint64_t *stream, int32_t token) {
    size_t size = 64; /* hardly any token is longer */
    int32_t status;

    do {
        int code = reserve(text, size);

        if (code != CLI_OK) return code;
        status = inlay_stream_text(model, stream, token, text->text + text->size, text->capacity - text->size, &size);
    } while (status == INLAY_ERR_BUFFER);
    if (status != INLAY_OK) return cli_library_error(status);
    text->size += size;
    return CLI_OK;
}
