/* Fuzzing templates and what they are given: any bytes give a text whose every byte is accounted for, or an error of a
 * kind that templates have, within the limits; and nothing is left.
 *
 *     template  0  JSON variables  0  n, the allocation that fails
 *
 * What is behind the first or second NUL may be absent.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "support/accounting_sys.h"
#include "template/machine.h"
#include "template/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds) abort();
}

/* The part up to the next NUL, or the end. */
static const char *take(const uint8_t **data, size_t *left, size_t *size) {
    const uint8_t *begin = *data, *end = *left > 0 ? memchr(begin, 0, *left) : NULL;
    *size = end != NULL ? (size_t)(end - begin) : *left;
    *data += end != NULL ? *size + 1 : *size;
    *left -= end != NULL ? *size + 1 : *size;
    return (const char *)begin;
}

static void check_text(const inlay__rendering *r) {
    uint32_t code;
    must(r->size <= INLAY__RENDER_MAX_OUTPUT);
    for (size_t i = 0; i < r->size; i++) must(r->marks[i] <= 1);
    for (size_t i = 0, n; i < r->size; i += n)
        must((n = inlay__utf8_decode((const uint8_t *)r->text + i, r->size - i, &code)) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char own[] = "</s>";
    static const inlay__template_string strings[] = {{"eos_token", own, sizeof own - 1}};
    size_t n_template, n_variables;
    const char *template_text = take(&data, &size, &n_template), *variables = take(&data, &size, &n_variables);
    const inlay__template_input inputs[] = {{"tools", "[{\"name\": \"f\"}]", 15}, {NULL, variables, n_variables}};
    accounting a;
    inlay__rendering r;
    accounting_init(&a);
    a.fail_at = size > 0 ? data[0] : 0;
    int32_t status = inlay__template_render(&a.sys, "fuzz", template_text, n_template, inputs, n_variables > 0 ? 2 : 1,
                                            strings, 1, &r);
    switch (status) {
    case INLAY_OK:
        check_text(&r);
        inlay__rendering_free(&a.sys, &r);
        break;
    case INLAY_ERR_TEMPLATE: must(strstr(inlay__error_text(), "line ") != NULL); break;
    case INLAY_ERR_MEMORY: must(a.fail_at > 0); break;
    default: must(status == INLAY_ERR_FORMAT || status == INLAY_ERR_ARGUMENT); break;
    }
    must(a.n_live == 0);
    must(a.peak <= 4 * (size_t)(INLAY__RENDER_MEMORY + INLAY__RENDER_MAX_OUTPUT) + 256 * (n_template + n_variables));
    return 0;
}
