/* The tiny model, opened by the public functions. */
#include "support/tiny_open.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handles.h"

static void must(int32_t status, const char *what) {
    if (status == INLAY_OK) return;
    fprintf(stderr, "%s: %s: %s\n", what, inlay_status_name(status), inlay_error());
    exit(2);
}

tiny tiny_open(const tiny_params *params, const inlay_options *options) {
    tiny_params defaults = tiny_defaults();
    tiny t;
    t.data = tiny_model(params != NULL ? params : &defaults, &t.size);
    must(inlay_model_open_memory(t.data, t.size, options, &t.model), "tiny_open");
    return t;
}

void tiny_close(tiny *t) {
    inlay_model_free(t->model);
    free(t->data);
}

static inlay_options *make_options(int32_t key, va_list args) {
    inlay_options *options;
    inlay__sys sys = inlay__sys_default;
    sys.cpu_count = NULL; /* as many threads as a test asks for */
    must(inlay__options_new_with_sys(&sys, &options), "tiny_options");
    for (; key != 0; key = va_arg(args, int))
        must(inlay_options_set_int(options, key, va_arg(args, int)), "tiny_options");
    return options;
}

inlay_options *tiny_options(int32_t key, ...) {
    va_list args;
    va_start(args, key);
    inlay_options *options = make_options(key, args);
    va_end(args);
    return options;
}

inlay_session *tiny_session(inlay_model *model, int32_t key, ...) {
    inlay_session *session;
    va_list args;
    va_start(args, key);
    inlay_options *options = make_options(key, args);
    va_end(args);
    must(inlay_session_new(model, options, &session), "tiny_session");
    inlay_options_free(options);
    return session;
}

void tiny_tokens(int32_t *tokens, size_t n) {
    for (size_t i = 0; i < n; i++)
        tokens[i] = TINY_FIRST_BYTE + (int32_t)((i * 37 + i / 7) % 256);
}

float *tiny_logits(inlay_session *session) {
    float *logits, *copy;
    size_t n;
    must(inlay_logits(session, &logits, &n), "tiny_logits");
    copy = malloc(n * sizeof *copy);
    if (copy == NULL) exit(2);
    memcpy(copy, logits, n * sizeof *copy);
    return copy;
}

float *tiny_eval(inlay_session *session, const int32_t *tokens, size_t n, size_t step) {
    for (size_t i = 0; i < n; i += step)
        must(inlay_eval(session, tokens + i, n - i < step ? n - i : step), "tiny_eval");
    return tiny_logits(session);
}

bool tiny_logits_are(inlay_session *session, const float *expected, const char *what) {
    float *found;
    size_t n;
    must(inlay_logits(session, &found, &n), "tiny_logits_are");
    if (memcmp(found, expected, n * sizeof *found) == 0) return true;
    fprintf(stderr, "the logits differ: %s\n", what);
    return false;
}

inlay_model *tiny_folder(const char *name) {
    const char *data = getenv("INLAY_DATA");
    char path[1000];
    inlay_model *model = NULL;
    if (data == NULL || data[0] == '\0') return NULL;
    snprintf(path, sizeof path, "%s/tiny/%s", data, name);
    must(inlay_model_open(path, NULL, &model), path);
    return model;
}

size_t tiny_length(const inlay_session *session) {
    int64_t length = -1;
    must(inlay_session_get_int(session, INLAY_SESSION_LENGTH, &length), "tiny_length");
    return (size_t)length;
}
