/* Stop texts. */
#include "base/utf8.h"
#include "handles.h"

static int32_t check(const char *function, const inlay_stop *stop) {
    if (stop == NULL) return inlay__null_argument(function, "stop");
    if (stop->magic != INLAY__MAGIC_STOP)
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: stop is not an inlay_stop", function);
    return INLAY_OK;
}

int32_t inlay_stop_new(const inlay_options *options, inlay_stop **stop) {
    inlay_options defaults;
    const inlay_options *found;
    if (stop == NULL) return inlay__null_argument("inlay_stop_new", "stop");
    *stop = NULL;
    INLAY__TRY(inlay__options_or_defaults("inlay_stop_new", options, &defaults, &found));
    inlay_stop *made = inlay__alloc_array(&found->sys, 1, sizeof *made);
    if (made == NULL) return INLAY_ERR_MEMORY;
    made->magic = INLAY__MAGIC_STOP;
    made->sys = found->sys;
    made->set.sys = &made->sys;
    *stop = made;
    return INLAY_OK;
}

void inlay_stop_free(inlay_stop *stop) {
    if (stop == NULL || stop->magic != INLAY__MAGIC_STOP) return;
    inlay__sys sys = stop->sys;
    stop->magic = INLAY__MAGIC_FREED;
    inlay__stop_free(&stop->set);
    inlay__free(&sys, stop, sizeof *stop);
}

int32_t inlay_stop_add(inlay_stop *stop, const char *text, size_t size) {
    const char *function = "inlay_stop_add";
    uint32_t code;
    INLAY__TRY(check(function, stop));
    if (text == NULL) return inlay__null_argument(function, "text");
    if (size == INLAY_ALL) size = strlen(text);
    if (size == 0 || size > INLAY__MAX_STOP_SIZE)
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: the text has %zu bytes, expected 1 to %d", function, size,
                           INLAY__MAX_STOP_SIZE);
    for (size_t i = 0, n; i < size; i += n) {
        n = inlay__utf8_decode((const uint8_t *)text + i, size - i, &code);
        if (n == 0) return inlay__fail(INLAY_ERR_ARGUMENT, "%s: the text is not UTF-8 at byte %zu", function, i);
    }
    return inlay__stop_add(&stop->set, (const uint8_t *)text, size);
}

int32_t inlay_stop_reset(inlay_stop *stop) {
    INLAY__TRY(check("inlay_stop_reset", stop));
    inlay__stop_reset(&stop->set);
    return INLAY_OK;
}

int32_t inlay_stop_text(inlay_stop *stop, const char *text, size_t size, char *out, size_t capacity, size_t *n_out,
                        int32_t *found) {
    const char *function = "inlay_stop_text";
    INLAY__TRY(check(function, stop));
    if (n_out == NULL) return inlay__null_argument(function, "n_out");
    if (text == NULL && size != 0 && size != INLAY_ALL) return inlay__null_argument(function, "text");
    if (size == INLAY_ALL) size = text != NULL ? strlen(text) : 0;
    size_t most;
    if (!inlay__add_size(stop->set.n_held, size, &most) || most > capacity || (out == NULL && most > 0)) {
        *n_out = most;
        return inlay__fail(INLAY_ERR_BUFFER, "%s: up to %zu bytes may be written, capacity is %zu", function, most,
                           out != NULL ? capacity : 0);
    }
    uint8_t *bytes = (uint8_t *)out;
    *n_out = text != NULL ? inlay__stop_read(&stop->set, (const uint8_t *)text, size, bytes) : 0;
    if (found != NULL) *found = (int32_t)stop->set.found;
    if (text == NULL) *n_out = inlay__stop_finish(&stop->set, bytes);
    return INLAY_OK;
}
