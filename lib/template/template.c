/* From JSON texts to variables, and one run of the machine. */
#include "template.h"

#include <time.h>

#include "base/fpenv.h"
#include "functions.h"

static int32_t set_variable(inlay__machine *m, const inlay__string *name, inlay__value value) {
    for (size_t i = 0; i < m->program->n_names; i++)
        if (inlay__strings_equal(m->program->names[i], name)) m->globals[i] = value;
    return inlay__charge(m, m->program->n_names / 16);
}

/* The clock's local time, for templates that ask without having been given one. */
static void read_clock(inlay__time *now) {
    struct timespec ts = {0, 0};
    struct tm tm;
    memset(&tm, 0, sizeof tm);
    clock_gettime(CLOCK_REALTIME, &ts);
#ifdef _WIN32
    localtime_s(&tm, &ts.tv_sec);
#else
    localtime_r(&ts.tv_sec, &tm);
#endif
    *now = (inlay__time){tm.tm_year + 1900,           tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                         (int32_t)(ts.tv_nsec / 1000)};
}

static int32_t set_now(inlay__machine *m, const inlay__value *v) {
    if (v->kind == INLAY__V_STRING && inlay__time_read(v->of.string->text, v->of.string->size, &m->now))
        return m->has_now = true, INLAY_OK;
    return inlay__fail(INLAY_ERR_ARGUMENT, "now is not a time as '2026-11-24T12:00:00'");
}

/* "role": "user" names a part of the format, which some templates make special tokens of; text that could itself hold a
 * special token's brackets stays data. */
static void trust_roles(const inlay__value *messages) {
    if (messages->kind != INLAY__V_LIST) return;
    for (size_t i = 0; i < messages->of.list->n; i++) {
        const inlay__value *message = &messages->of.list->items[i];
        const inlay__value *role = message->kind == INLAY__V_DICT ? inlay__dict_find(message->of.dict, "role") : NULL;
        if (role == NULL || role->kind != INLAY__V_STRING || role->of.string->size > 32) continue;
        bool word = true;
        for (size_t k = 0; k < role->of.string->size; k++) {
            char c = role->of.string->text[k];
            word = word && (((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-');
        }
        if (word) ((inlay__string *)role->of.string)->origin = INLAY__FROM_TEMPLATE;
    }
}

static int32_t read_input(inlay__machine *m, const inlay__template_input *input) {
    inlay__value value;
    INLAY__TRY(inlay__read_json(m, input->name != NULL ? input->name : "variables", input->text, input->size, &value));
    if (input->name != NULL) {
        if (strcmp(input->name, "messages") == 0) trust_roles(&value);
        const inlay__string *name = inlay__string_new(&m->heap, input->name, strlen(input->name));
        return name != NULL ? set_variable(m, name, value) : inlay__no_memory(m);
    }
    if (value.kind != INLAY__V_DICT)
        return inlay__fail(INLAY_ERR_ARGUMENT, "the variables are a JSON %s, expected an object",
                           inlay__value_type(&value));
    for (size_t i = 0; i < value.of.dict->n; i++) {
        const inlay__value *pair = &value.of.dict->pairs[2 * i];
        if (inlay__string_is(pair->of.string, "messages")) trust_roles(&pair[1]);
        if (inlay__string_is(pair->of.string, "now")) INLAY__TRY(set_now(m, &pair[1]));
        INLAY__TRY(set_variable(m, pair->of.string, pair[1]));
    }
    return INLAY_OK;
}

static int32_t set_globals(inlay__machine *m) {
    const inlay__jinja *p = m->program;
    m->globals = inlay__heap_take_array(&m->heap, p->n_names, sizeof *m->globals);
    if (m->globals == NULL) return inlay__no_memory(m);
    for (size_t i = 0; i < p->n_names; i++) {
        int32_t function = inlay__global_find(p->names[i]->text, p->names[i]->size);
        m->globals[i] = function < 0 ? inlay__undefined(p->names[i])
                                     : (inlay__value){.kind = INLAY__V_FUNCTION, .of.integer = function};
    }
    return INLAY_OK;
}

static int32_t render(inlay__machine *m, const inlay__template_input *inputs, size_t n_inputs,
                      const inlay__template_string *strings, size_t n_strings) {
    INLAY__TRY(set_globals(m));
    for (size_t i = 0; i < n_strings; i++) {
        const inlay__string *name = inlay__string_new(&m->heap, strings[i].name, strlen(strings[i].name));
        const inlay__string *text = inlay__string_copy(&m->heap, strings[i].text, strings[i].size);
        if (name == NULL || text == NULL) return inlay__no_memory(m);
        INLAY__TRY(set_variable(m, name, inlay__string_value(text)));
    }
    for (size_t i = 0; i < n_inputs; i++) INLAY__TRY(read_input(m, &inputs[i]));
    if (!m->has_now) read_clock(&m->now);
    return inlay__machine_run(m);
}

static int32_t compile_and_render(const inlay__sys *sys, const char *name, const char *source, size_t size,
                                  const inlay__template_input *inputs, size_t n_inputs,
                                  const inlay__template_string *strings, size_t n_strings,
                                  inlay__rendering *rendering) {
    inlay__jinja program;
    *rendering = (inlay__rendering){.text = NULL};
    INLAY__TRY(inlay__jinja_compile(sys, name, source, size, &program));
    inlay__machine m = {.sys = sys, .program = &program, .fuel = INLAY__RENDER_FUEL};
    inlay__heap_init(&m.heap, sys, INLAY__RENDER_MEMORY);
    int32_t status = render(&m, inputs, n_inputs, strings, n_strings);
    if (status == INLAY_OK) {
        *rendering = (inlay__rendering){m.out, m.marks, m.n_out, m.out_capacity, m.marks_capacity};
        m.out = NULL;
        m.marks = NULL;
        m.out_capacity = m.marks_capacity = 0;
    }
    inlay__machine_free(&m);
    inlay__jinja_free(&program);
    return status;
}

int32_t inlay__template_render(const inlay__sys *sys, const char *name, const char *source, size_t size,
                               const inlay__template_input *inputs, size_t n_inputs,
                               const inlay__template_string *strings, size_t n_strings, inlay__rendering *rendering) {
    inlay__fpenv saved = inlay__fpenv_enter();
    int32_t status = compile_and_render(sys, name, source, size, inputs, n_inputs, strings, n_strings, rendering);
    inlay__fpenv_leave(saved);
    return status;
}

void inlay__rendering_free(const inlay__sys *sys, inlay__rendering *rendering) {
    inlay__free(sys, rendering->text, rendering->text_capacity);
    inlay__free(sys, rendering->marks, rendering->marks_capacity);
    *rendering = (inlay__rendering){.text = NULL};
}
