/* Conversations: templates, and the tokens of what they write. */
#include "handles.h"

#include "template/template.h"

enum { ALL_CHAT_FLAGS = INLAY_CHAT_GENERATE | INLAY_CHAT_PARSE_SPECIAL, MAX_INPUTS = 5, MAX_STRINGS = 4 };

/* What a call was given. */
typedef struct conversation {
    const char *format;
    const char *messages, *tools, *variables;
    size_t messages_size, tools_size, variables_size;
    int32_t flags;
} conversation;

static size_t size_of(const char *text, size_t size) {
    return text == NULL ? 0 : size == INLAY_ALL ? strlen(text) : size;
}

static int32_t check(const char *function, const conversation *c) {
    if (c->messages == NULL) return inlay__null_argument(function, "messages");
    if (c->tools == NULL && c->tools_size != 0 && c->tools_size != INLAY_ALL)
        return inlay__null_argument(function, "tools");
    if (c->variables == NULL && c->variables_size != 0 && c->variables_size != INLAY_ALL)
        return inlay__null_argument(function, "variables");
    if ((c->flags & ~ALL_CHAT_FLAGS) == 0) return INLAY_OK;
    return inlay__fail(INLAY_ERR_ARGUMENT, "%s: flags is %d, expected a sum of INLAY_CHAT_ flags", function, c->flags);
}

/* The model's template, as the metadata have it under `name` ("" for its main one). */
static bool model_template(const inlay_model *model, const char *name, const char **text, size_t *size) {
    char key[128];
    inlay__format(key, sizeof key, "tokenizer.chat_template%s%s", *name != '\0' ? "." : "", name);
    const inlay__gguf_kv *kv = inlay__gguf_find(inlay__weights_metadata(&model->weights), key);
    inlay__text found = {NULL, 0};
    if (kv != NULL && !kv->is_array) found = inlay__gguf_string(kv, 0);
    *text = found.text;
    *size = found.size;
    return found.text != NULL && found.size > 0;
}

static int32_t find_template(const inlay_model *model, const char *function, const char *format, const char **text,
                             size_t *size) {
    if (format == NULL && model_template(model, "", text, size)) return INLAY_OK;
    if (format == NULL) format = "chatml";
    if (strstr(format, "{{") != NULL || strstr(format, "{%") != NULL) {
        *text = format;
        *size = strlen(format);
        return INLAY_OK;
    }
    if (strlen(format) < 64 && model_template(model, format, text, size)) return INLAY_OK;
    *text = inlay__template_builtin(format, strlen(format));
    *size = *text != NULL ? strlen(*text) : 0;
    if (*text != NULL) return INLAY_OK;
    return inlay__fail(INLAY_ERR_KEY, "%s: neither the model nor the library has a template called '%s'", function,
                       format);
}

static inlay__template_string special_string(const inlay_model *model, const char *name, int32_t id) {
    inlay__text text = {"", 0};
    if (id >= 0) text = inlay__tokenizer_token_text(model->tokenizer, id);
    return (inlay__template_string){name, text.text, text.size};
}

static int32_t render(const inlay_model *model, const char *function, const conversation *c,
                      inlay__rendering *rendering) {
    inlay__special_tokens special = {-1, -1, -1, -1};
    if (model->tokenizer != NULL) special = *inlay__tokenizer_special(model->tokenizer);
    const char *text = NULL, *generate = (c->flags & INLAY_CHAT_GENERATE) != 0 ? "true" : "false";
    size_t size = 0;
    INLAY__TRY(check(function, c));
    INLAY__TRY(find_template(model, function, c->format, &text, &size));
    const inlay__template_string strings[MAX_STRINGS] = {
        special_string(model, "bos_token", special.bos), special_string(model, "eos_token", special.eos),
        special_string(model, "unk_token", special.unknown), special_string(model, "pad_token", special.pad)};
    inlay__template_input inputs[MAX_INPUTS] = {
        {"messages", c->messages, size_of(c->messages, c->messages_size)},
        {"tools", c->tools != NULL ? c->tools : "null", c->tools != NULL ? size_of(c->tools, c->tools_size) : 4},
        {"documents", "null", 4}, /* as transformers has it */
        {"add_generation_prompt", generate, strlen(generate)},
        {NULL, c->variables, size_of(c->variables, c->variables_size)}};
    return inlay__template_render(&model->sys, "template", text, size, inputs,
                                  c->variables != NULL ? MAX_INPUTS : MAX_INPUTS - 1, strings, MAX_STRINGS, rendering);
}

/* A conversation as text, for a caller who gave `out` with room for `capacity` and a place for what it needs. */
static int32_t begin(const inlay_model *model, const char *function, const conversation *c, const void *out,
                     const char *out_name, size_t capacity, const size_t *needed, const char *needed_name,
                     inlay__rendering *rendering) {
    if (out == NULL && capacity != 0) return inlay__null_argument(function, out_name);
    if (needed == NULL) return inlay__null_argument(function, needed_name);
    return render(model, function, c, rendering);
}

/* The text into the caller's buffer; the rendering is freed. */
static int32_t give_text(const inlay__sys *sys, const char *function, inlay__rendering *rendering, char *text,
                         size_t capacity, size_t *needed) {
    int32_t status = INLAY_OK;
    *needed = rendering->size;
    if (rendering->size > capacity)
        status = inlay__fail(INLAY_ERR_BUFFER, "%s: the text has %zu bytes, and there is room for %zu", function,
                             rendering->size, capacity);
    else if (rendering->size > 0)
        memcpy(text, rendering->text, rendering->size);
    inlay__rendering_free(sys, rendering);
    return status;
}

int32_t inlay_chat_render(const inlay_model *model, const char *format, const char *messages, size_t messages_size,
                          const char *tools, size_t tools_size, const char *variables, size_t variables_size,
                          int32_t flags, char *text, size_t capacity, size_t *needed) {
    const char *function = "inlay_chat_render";
    const conversation c = {format, messages, tools, variables, messages_size, tools_size, variables_size, flags};
    inlay__rendering r;
    INLAY__TRY(inlay__check_model(function, model));
    INLAY__TRY(inlay__owned(model, begin(model, function, &c, text, "text", capacity, needed, "needed", &r)));
    return inlay__owned(model, give_text(&model->sys, function, &r, text, capacity, needed));
}

int32_t inlay_chat_tokenize(const inlay_model *model, const char *format, const char *messages, size_t messages_size,
                            const char *tools, size_t tools_size, const char *variables, size_t variables_size,
                            int32_t flags, int32_t *tokens, size_t capacity, size_t *n_tokens) {
    const char *function = "inlay_chat_tokenize";
    const conversation c = {format, messages, tools, variables, messages_size, tools_size, variables_size, flags};
    inlay__rendering r;
    INLAY__TRY(inlay__check_model(function, model));
    INLAY__TRY(inlay__check_tokenizer(function, model));
    INLAY__TRY(inlay__owned(model, begin(model, function, &c, tokens, "tokens", capacity, n_tokens, "n_tokens", &r)));
    if (r.size > 0 && (flags & INLAY_CHAT_PARSE_SPECIAL) != 0) memset(r.marks, 0, r.size);
    const char *rendered = r.size > 0 ? r.text : "";
    int32_t status =
        inlay__tokenizer_encode_marked(model->tokenizer, rendered, r.marks, r.size, tokens, capacity, n_tokens);
    inlay__rendering_free(&model->sys, &r);
    return inlay__owned(model, status);
}

int32_t inlay_template_render(const char *source, size_t size, const char *variables, size_t variables_size, char *text,
                              size_t capacity, size_t *needed) {
    const char *function = "inlay_template_render";
    inlay__rendering rendering;
    if (source == NULL) return inlay__null_argument(function, "source");
    if (variables == NULL && variables_size != 0 && variables_size != INLAY_ALL)
        return inlay__null_argument(function, "variables");
    if (text == NULL && capacity != 0) return inlay__null_argument(function, "text");
    if (needed == NULL) return inlay__null_argument(function, "needed");
    const inlay__template_input input = {NULL, variables, size_of(variables, variables_size)};
    INLAY__TRY(inlay__template_render(&inlay__sys_default, "template", source, size_of(source, size), &input,
                                      variables != NULL, NULL, 0, &rendering));
    return give_text(&inlay__sys_default, function, &rendering, text, capacity, needed);
}
