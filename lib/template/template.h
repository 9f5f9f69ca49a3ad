/* Rendering a template: what the layers above use of this one. */
#ifndef INLAY_TEMPLATE_H
#define INLAY_TEMPLATE_H

#include "base/base.h"

/* One JSON text that goes into a rendering, as a variable, or, without a name, an object of variables. */
typedef struct inlay__template_input {
    const char *name; /* NULL: each key is a variable */
    const char *text;
    size_t size;
} inlay__template_input;

/* A string variable of the template's own, such as bos_token: its special tokens count as the template's. */
typedef struct inlay__template_string {
    const char *name;
    const char *text;
    size_t size;
} inlay__template_string;

typedef struct inlay__rendering {
    char *text;     /* [size] */
    uint8_t *marks; /* [size] 1 for bytes that come from the data */
    size_t size;
    size_t text_capacity, marks_capacity;
} inlay__rendering;

/* Renders `source`, which errors call `name`. Inputs later in the list win; strings lose to them. A variable "now", a
 * string as "2026-11-24T12:00:00", is the time of strftime_now. Errors: INLAY_ERR_TEMPLATE with line and column,
 * _FORMAT for JSON, _ARGUMENT for an input that is not an object or a `now` that is no time, _MEMORY. */
int32_t inlay__template_render(const inlay__sys *sys, const char *name, const char *source, size_t size,
                               const inlay__template_input *inputs, size_t n_inputs,
                               const inlay__template_string *strings, size_t n_strings, inlay__rendering *rendering);
void inlay__rendering_free(const inlay__sys *sys, inlay__rendering *rendering);

/* The built-in template of that name ("chatml", "llama2", ...), or NULL. (builtin.c) */
const char *inlay__template_builtin(const char *name, size_t size);

#endif
