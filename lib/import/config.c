/* Translates config.json, line by line of the family's table, into metadata under GGUF's names. */
#include "import/config.h"

#include "base/text.h"

enum { KEY_SIZE = 128, MAX_KEY_INT = INT32_MAX };

/* --------------------------------------------------------------------- reading */

/* The next piece of a list between bars; false behind the last. */
static bool next_piece(const char **list, inlay__text *piece) {
    if (**list == '\0') return false;
    size_t n = strcspn(*list, "|");
    *piece = (inlay__text){*list, n};
    *list += n + ((*list)[n] == '|');
    return true;
}

static bool piece_is(inlay__text piece, const char *text, size_t size) {
    return piece.size == size && memcmp(piece.text, text, size) == 0;
}

/* A key, or a path of keys with dots between. */
static const inlay__json_node *get_path(const inlay__json *json, inlay__text path) {
    const inlay__json_node *node = json->nodes;
    while (node != NULL && path.size > 0) {
        char key[KEY_SIZE];
        size_t n = 0;
        while (n < path.size && path.text[n] != '.') n++;
        inlay__format(key, sizeof key, "%.*s", (int)n, path.text);
        node = inlay__json_get(json, node, key);
        n += n < path.size;
        path = (inlay__text){path.text + n, path.size - n};
    }
    return node;
}

const inlay__json_node *inlay__config_get(const inlay__config *c, const char *keys, inlay__text *key) {
    inlay__text piece = {"", 0};
    while (next_piece(&keys, &piece)) {
        const inlay__json_node *node = get_path(&c->json, piece);
        if (key != NULL) *key = piece;
        if (node != NULL && node->kind != INLAY__JSON_NULL) return node;
    }
    return NULL;
}

/* ---------------------------------------------------------------------- errors */

int32_t inlay__config_fail(const inlay__config *c, int32_t status, inlay__text key, const inlay__json_node *value,
                           const char *expected) {
    static const char *const kinds[] = {"null", "false", "true", "", "", "an array", "an object"};
    int n = (int)inlay__min_size(value->size, 80);
    if (value->kind == INLAY__JSON_STRING)
        return inlay__fail(status, "file '%s': key '%.*s' is '%.*s', expected %s", c->name, (int)key.size, key.text, n,
                           value->text, expected);
    if (value->kind == INLAY__JSON_NUMBER)
        return inlay__fail(status, "file '%s': key '%.*s' is %.*s, expected %s", c->name, (int)key.size, key.text, n,
                           value->text, expected);
    return inlay__fail(status, "file '%s': key '%.*s' is %s, expected %s", c->name, (int)key.size, key.text,
                       kinds[value->kind], expected);
}

static int32_t fail_missing(const inlay__config *c, const char *keys) {
    const char *list = keys;
    inlay__text first = {"", 0};
    next_piece(&list, &first);
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': key '%.*s' is missing", c->name, (int)first.size, first.text);
}

/* --------------------------------------------------------------------- numbers */

int32_t inlay__config_int(const inlay__config *c, const char *keys, int64_t absent, int64_t *value) {
    inlay__text key;
    const inlay__json_node *node = inlay__config_get(c, keys, &key);
    *value = absent;
    if (node == NULL) return absent >= 0 ? INLAY_OK : fail_missing(c, keys);
    if (!inlay__json_i64(node, value) || *value < 0 || *value > MAX_KEY_INT)
        return inlay__config_fail(c, INLAY_ERR_FORMAT, key, node, "an integer from 0 to 2147483647");
    return INLAY_OK;
}

int32_t inlay__config_float(const inlay__config *c, const char *keys, double absent, double *value) {
    inlay__text key;
    const inlay__json_node *node = inlay__config_get(c, keys, &key);
    *value = absent;
    if (node == NULL) return absent >= 0 ? INLAY_OK : fail_missing(c, keys);
    if (!inlay__json_f64(node, value) || !(*value > -1e30 && *value < 1e30))
        return inlay__config_fail(c, INLAY_ERR_FORMAT, key, node, "a number");
    return INLAY_OK;
}

int32_t inlay__config_bool(const inlay__config *c, const char *keys, bool absent, bool *value) {
    inlay__text key;
    const inlay__json_node *node = inlay__config_get(c, keys, &key);
    *value = absent;
    if (node == NULL) return INLAY_OK;
    if (node->kind != INLAY__JSON_TRUE && node->kind != INLAY__JSON_FALSE)
        return inlay__config_fail(c, INLAY_ERR_FORMAT, key, node, "true or false");
    *value = node->kind == INLAY__JSON_TRUE;
    return INLAY_OK;
}

/* --------------------------------------------------------------------- putting */

static void full_key(const inlay__config *c, const char *key, char full[KEY_SIZE]) {
    if (strncmp(key, "tokenizer.", 10) == 0)
        inlay__format(full, KEY_SIZE, "%s", key);
    else
        inlay__format(full, KEY_SIZE, "%s.%s", c->family->architecture, key);
}

void inlay__config_put_int(inlay__config *c, const char *key, int64_t value) {
    char full[KEY_SIZE];
    full_key(c, key, full);
    inlay__gguf_put_u32(c->out, full, (uint32_t)value);
}

void inlay__config_put_float(inlay__config *c, const char *key, double value) {
    char full[KEY_SIZE];
    full_key(c, key, full);
    inlay__gguf_put_f32(c->out, full, (float)value);
}

void inlay__config_put_bool(inlay__config *c, const char *key, bool value) {
    char full[KEY_SIZE];
    full_key(c, key, full);
    inlay__gguf_put_bool(c->out, full, value);
}

void inlay__config_put_string(inlay__config *c, const char *key, const char *value) {
    char full[KEY_SIZE];
    full_key(c, key, full);
    inlay__gguf_put_string(c->out, full, value, strlen(value));
}

/* ----------------------------------------------------------------------- lines */

const char *inlay__config_activation(const inlay__json_node *node) {
    static const char *const names[][2] = {
        {"silu", "silu"},               {"swish", "silu"},
        {"gelu", "gelu"},               {"gelu_python", "gelu"},
        {"gelu_new", "gelu_tanh"},      {"gelu_pytorch_tanh", "gelu_tanh"}, {"gelu_fast", "gelu_tanh"},
        {"gelu_accurate", "gelu_tanh"}, {"gelu_python_tanh", "gelu_tanh"},  {"quick_gelu", "gelu_quick"},
        {"relu", "relu"},               {"relu2", "relu2"},                 {"tanh", "tanh"},
    };
    for (size_t i = 0; i < INLAY__COUNT(names); i++)
        if (inlay__json_equals(node, names[i][0])) return names[i][1];
    return NULL;
}

/* The value, or its default, is one of those between bars in `absent`. */
static int32_t expect(const inlay__config *c, const inlay__config_line *line) {
    inlay__text key, piece;
    const inlay__json_node *node = inlay__config_get(c, line->from, &key);
    const char *list = line->absent;
    if (node == NULL) return INLAY_OK;
    const char *text = node->kind == INLAY__JSON_TRUE ? "true" : node->kind == INLAY__JSON_FALSE ? "false" : node->text;
    size_t size = text == node->text ? node->size : strlen(text);
    if (line->kind == INLAY__CONFIG_expect_activation && inlay__config_activation(node) != NULL) {
        text = inlay__config_activation(node);
        size = strlen(text);
    }
    if (line->kind == INLAY__CONFIG_expect && node->kind == INLAY__JSON_ARRAY && node->n_children == 0) return INLAY_OK;
    while (text != NULL && next_piece(&list, &piece))
        if (piece_is(piece, text, size)) return INLAY_OK;
    return inlay__config_fail(c, INLAY_ERR_UNSUPPORTED, key, node, line->absent);
}

static int32_t put_activation(inlay__config *c, const inlay__config_line *line) {
    inlay__text key;
    const inlay__json_node *node = inlay__config_get(c, line->from, &key);
    const char *name = node == NULL ? line->absent : inlay__config_activation(node);
    if (name == NULL) return inlay__config_fail(c, INLAY_ERR_UNSUPPORTED, key, node, INLAY__CONFIG_ACTIVATIONS);
    inlay__config_put_string(c, line->key, name);
    return INLAY_OK;
}

/* What a line has in place of a key that is absent; a number in decimal. */
static int32_t absent_number(const inlay__config *c, const inlay__config_line *line, double *value) {
    if (strcmp(line->absent, "!") == 0) return fail_missing(c, line->from);
    inlay__parse_f64(line->absent, strlen(line->absent), value);
    return INLAY_OK;
}

static int32_t put_line(inlay__config *c, const inlay__config_line *line) {
    double number = 0;
    int64_t integer = 0;
    bool truth = false;
    if (line->kind == INLAY__CONFIG_expect || line->kind == INLAY__CONFIG_expect_activation) return expect(c, line);
    if (line->kind == INLAY__CONFIG_activation) return put_activation(c, line);
    if (line->kind == INLAY__CONFIG_has_bias) return inlay__config_bool(c, line->from, false, &truth); /* tensor_check.c */
    const char *from = line->from;
    bool there = inlay__config_get(c, from, NULL) != NULL;
    if (!there && line->absent[0] == '\0') return INLAY_OK;
    if (!there && line->absent[0] == '=') { /* another of the config's keys */
        from = line->absent + 1;
        there = true;
    }
    switch (line->kind) {
    case INLAY__CONFIG_int:
        if (there) INLAY__TRY(inlay__config_int(c, from, -1, &integer));
        if (!there) INLAY__TRY(absent_number(c, line, &number));
        inlay__config_put_int(c, line->key, there ? integer : (int64_t)number);
        break;
    case INLAY__CONFIG_float:
        if (there) INLAY__TRY(inlay__config_float(c, from, -1, &number));
        if (!there) INLAY__TRY(absent_number(c, line, &number));
        inlay__config_put_float(c, line->key, number);
        break;
    default:
        INLAY__TRY(inlay__config_bool(c, from, strcmp(line->absent, "true") == 0, &truth));
        inlay__config_put_bool(c, line->key, truth);
        break;
    }
    return INLAY_OK;
}

/* --------------------------------------------------------------------- family */

static int32_t fail_family(const inlay__config *c, inlay__text key, const inlay__json_node *node) {
    char names[512] = "";
    size_t n = 0;
    for (size_t i = 0; inlay__family_at(i) != NULL && n < sizeof names; i++)
        n += inlay__format(names + n, sizeof names - n, "%s%s", i > 0 ? ", " : "one of ",
                           inlay__family_at(i)->model_type);
    return inlay__config_fail(c, INLAY_ERR_UNSUPPORTED, key, node, names);
}

/* Whether a class of transformers, such as Qwen3MoeForCausalLM, is of a model_type, qwen3_moe: letters and digits
 * agree, and what follows tells what the class is for. Classes of text alone do not say so. */
static bool is_class_of(inlay__text name, const char *model_type) {
    static const char *const uses[] = {"Model", "LMHead", "For"};
    const char *end = strstr(model_type, "_text");
    size_t n = end != NULL ? (size_t)(end - model_type) : strlen(model_type), at = 0;
    for (size_t i = 0; i < n; i++) {
        if (model_type[i] == '-' || model_type[i] == '_') continue;
        char letter = at < name.size ? name.text[at++] : '\0';
        if ((letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter) != model_type[i]) return false;
    }
    for (size_t i = 0; i < INLAY__COUNT(uses); i++)
        if (strncmp(name.text + at, uses[i], strlen(uses[i])) == 0) return true;
    return false;
}

/* A config without a model_type may still name a class. */
static const inlay__family *family_of_class(const inlay__config *c) {
    const inlay__json_node *node = inlay__json_at(&c->json, inlay__config_get(c, "architectures", NULL), 0);
    const inlay__family *family = NULL;
    if (node == NULL || node->kind != INLAY__JSON_STRING) return NULL;
    inlay__text name = {node->text, node->size};
    for (size_t i = 0; (family = inlay__family_at(i)) != NULL && !is_class_of(name, family->model_type); i++) {}
    return family;
}

static int32_t find_family(inlay__config *c) {
    inlay__text key = {"model_type", 10};
    if (c->json.nodes[0].kind != INLAY__JSON_OBJECT)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': is not a JSON object", c->name);
    const inlay__json_node *node = inlay__config_get(c, "model_type", NULL);
    if (node == NULL) {
        c->family = family_of_class(c);
        return c->family != NULL ? INLAY_OK : fail_missing(c, "model_type");
    }
    if (node->kind != INLAY__JSON_STRING) return inlay__config_fail(c, INLAY_ERR_FORMAT, key, node, "a string");
    c->family = strlen(node->text) == node->size ? inlay__family_find(node->text) : NULL;
    return c->family != NULL ? INLAY_OK : fail_family(c, key, node);
}

static int32_t translate(inlay__config *c) {
    INLAY__TRY(find_family(c));
    const char *architecture = c->family->architecture;
    inlay__gguf_put_string(c->out, "general.architecture", architecture, strlen(architecture));
    inlay__config_line line;
    for (const char *table = c->family->config; inlay__config_line_next(&table, &line);) INLAY__TRY(put_line(c, &line));
    return c->family->special != NULL ? c->family->special(c) : INLAY_OK;
}

int32_t inlay__config_open(const inlay__sys *sys, const char *name, const char *text, size_t size,
                           inlay__gguf_writer *out, inlay__config *c) {
    char what[256];
    *c = (inlay__config){.sys = sys, .name = name, .out = out};
    inlay__format(what, sizeof what, "file '%s'", name);
    INLAY__TRY(inlay__json_parse(sys, what, text, size, &c->json));
    return translate(c);
}

void inlay__config_close(inlay__config *c) {
    if (c->sys == NULL) return;
    inlay__json_free(c->sys, &c->json);
    for (size_t i = 0; i < c->n_tensors; i++)
        inlay__free(c->sys, c->tensors[i].values, c->tensors[i].n * sizeof(float));
    c->n_tensors = 0;
}
