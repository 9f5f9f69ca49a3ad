/* The text that a rendering makes, with a mark for each byte of the data. */
#include "base/utf8.h"
#include "machine.h"

int32_t inlay__charge(inlay__machine *m, size_t n) {
    m->fuel -= n < INT32_MAX ? (int64_t)n : INT32_MAX;
    if (m->fuel >= 0) return INLAY_OK;
    return inlay__fail(INLAY_ERR_TEMPLATE, "the template does too much: more than %d steps", INLAY__RENDER_FUEL);
}

/* Room for `size` bytes more. */
static int32_t reserve(inlay__machine *m, size_t size) {
    if (size > INLAY__RENDER_MAX_OUTPUT - m->n_out)
        return inlay__fail(INLAY_ERR_TEMPLATE, "the template makes more than %d bytes of text",
                           INLAY__RENDER_MAX_OUTPUT);
    INLAY__TRY(inlay__charge(m, size / 64));
    size_t need = m->n_out + size;
    INLAY__TRY(inlay__grow(m->sys, (void **)&m->out, &m->out_capacity, need, 1));
    return inlay__grow(m->sys, (void **)&m->marks, &m->marks_capacity, need, 1);
}

int32_t inlay__out_text(inlay__machine *m, const char *text, size_t size) {
    if (size == 0) return INLAY_OK;
    INLAY__TRY(reserve(m, size));
    memcpy(m->out + m->n_out, text, size);
    memset(m->marks + m->n_out, 0, size);
    m->n_out += size;
    return INLAY_OK;
}

int32_t inlay__out_part(inlay__machine *m, const inlay__string *s, size_t from, size_t to) {
    size_t size = to - from;
    if (size == 0) return INLAY_OK;
    INLAY__TRY(reserve(m, size));
    memcpy(m->out + m->n_out, s->text + from, size);
    if (s->origin == INLAY__FROM_BOTH)
        memcpy(m->marks + m->n_out, s->marks + from, size);
    else
        memset(m->marks + m->n_out, s->origin == INLAY__FROM_DATA, size);
    m->n_out += size;
    return INLAY_OK;
}

int32_t inlay__out_string(inlay__machine *m, const inlay__string *s) { return inlay__out_part(m, s, 0, s->size); }

int32_t inlay__out_code(inlay__machine *m, uint32_t code, bool from_data) {
    uint8_t bytes[4];
    size_t n = inlay__utf8_encode(code, bytes), start = m->n_out;
    INLAY__TRY(inlay__out_text(m, (const char *)bytes, n));
    memset(m->marks + start, from_data, n);
    return INLAY_OK;
}

int32_t inlay__out_take(inlay__machine *m, size_t start, inlay__value *result) {
    size_t size = m->n_out - start;
    bool data = size > 0 && memchr(m->marks + start, 1, size) != NULL;
    bool both = data && memchr(m->marks + start, 0, size) != NULL;
    char *text = inlay__heap_take(&m->heap, both ? 2 * size : size);
    if (text == NULL) return inlay__no_memory(m);
    if (size > 0) memcpy(text, m->out + start, size);
    if (both) memcpy(text + size, m->marks + start, size);
    inlay__string *s = (inlay__string *)inlay__string_new(&m->heap, text, size);
    if (s == NULL) return inlay__no_memory(m);
    s->origin = both ? INLAY__FROM_BOTH : data ? INLAY__FROM_DATA : INLAY__FROM_TEMPLATE;
    if (both) s->marks = (const uint8_t *)text + size;
    m->n_out = start;
    *result = inlay__string_value(s);
    return INLAY_OK;
}

int32_t inlay__new_text(inlay__machine *m, const char *text, size_t size, inlay__value *result) {
    const inlay__string *s = inlay__string_copy(&m->heap, text, size);
    if (s == NULL) return inlay__no_memory(m);
    *result = inlay__string_value(s);
    return INLAY_OK;
}

int32_t inlay__new_part(inlay__machine *m, const inlay__string *s, size_t from, size_t to, inlay__value *result) {
    INLAY__TRY(inlay__charge(m, (to - from) / 64 + 1));
    const inlay__string *part = inlay__string_part(&m->heap, s, from, to);
    if (part == NULL) return inlay__no_memory(m);
    *result = inlay__string_value(part);
    return INLAY_OK;
}
