/* The files of sentence-transformers: modules.json, how one vector is made of a text, and what texts begin with. */
#include "base/text.h"
#include "import/sentences.h"

enum { MAX_FILE = 1 << 20, MAX_NAME = 96, MAX_PROMPTS = 64 };
enum { MEAN = 1, FIRST = 2, LAST = 3 }; /* GGUF's numbers for pooling */

#define FOLDER_ARGS(f) (int)(f)->path_size, (f)->path

static bool has_ending(const inlay__json_node *node, const char *ending) {
    size_t n = strlen(ending);
    return node != NULL && node->kind == INLAY__JSON_STRING && node->size >= n &&
           memcmp(node->text + node->size - n, ending, n) == 0;
}

/* --------------------------------------------------------------------- pooling */

/* As releases before and from 5.4 on write it: a truth for each kind, or one name. */
static const struct {
    const char *key, *name;
    int64_t type; /* 0: one that this version does not know */
} poolings[] = {
    {"pooling_mode_mean_tokens", "mean", MEAN},
    {"pooling_mode_cls_token", "cls", FIRST},
    {"pooling_mode_lasttoken", "lasttoken", LAST},
    {"pooling_mode_max_tokens", "max", 0},
    {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", 0},
    {"pooling_mode_weightedmean_tokens", "weightedmean", 0},
};

static int32_t find_pooling(const inlay__folder *f, const char *name, const inlay__json *json, int64_t *type) {
    const inlay__json_node *mode = inlay__json_get(json, json->nodes, "pooling_mode");
    size_t n = 0;
    *type = 0;
    for (size_t i = 0; i < INLAY__COUNT(poolings); i++) {
        const inlay__json_node *flag = inlay__json_get(json, json->nodes, poolings[i].key);
        bool named = mode != NULL && inlay__json_equals(mode, poolings[i].name);
        if (!named && (flag == NULL || flag->kind != INLAY__JSON_TRUE)) continue;
        n++;
        *type = poolings[i].type;
    }
    if (n == 1 && *type != 0) return INLAY_OK;
    return inlay__fail(
        INLAY_ERR_UNSUPPORTED,
        "file '%.*s%s': has %zu kinds of pooling, expected one of "
        "pooling_mode_mean_tokens, pooling_mode_cls_token and pooling_mode_lasttoken, which this version knows",
        FOLDER_ARGS(f), name, n);
}

static int32_t put_pooling(const inlay__folder *f, const char *name, bool required, inlay__config *config) {
    inlay__json json;
    int64_t type = 0;
    INLAY__TRY(inlay__folder_read_json(f, name, MAX_FILE, &json));
    if (json.nodes == NULL && !required) return INLAY_OK;
    int32_t status = json.nodes != NULL
                         ? find_pooling(f, name, &json, &type)
                         : inlay__fail(INLAY_ERR_IO, "file '%.*s%s': is missing, though modules.json names it",
                                       FOLDER_ARGS(f), name);
    inlay__json_free(f->sys, &json);
    if (status == INLAY_OK) inlay__config_put_int(config, "pooling_type", type);
    return status;
}

/* --------------------------------------------------------------------- modules */

/* A name of a folder in this one, with "/config.json" behind it. */
static int32_t pooling_file(const inlay__folder *f, const inlay__json_node *path, char name[MAX_NAME]) {
    bool plain = path != NULL && path->kind == INLAY__JSON_STRING && path->size > 0 && path->size < 64 &&
                 strlen(path->text) == path->size && strchr(path->text, '/') == NULL && path->text[0] != '.';
    if (!plain)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%.*smodules.json': the path of a module is not a name in this folder",
                           FOLDER_ARGS(f));
    inlay__format(name, MAX_NAME, "%s/config.json", path->text);
    return INLAY_OK;
}

/* What an unknown module does would be left out, and the vectors would be others. */
static int32_t put_modules(const inlay__folder *f, const inlay__json *json, inlay__config *config) {
    const inlay__json_node *list = json->nodes,
                           *each = list->kind == INLAY__JSON_ARRAY ? inlay__json_first(list) : NULL;
    bool normalized = false;
    for (uint32_t i = 0; each != NULL && i < list->n_children; i++, each = inlay__json_next(json, each)) {
        const inlay__json_node *type = inlay__json_get(json, each, "type");
        char name[MAX_NAME];
        if (has_ending(type, "Pooling")) {
            INLAY__TRY(pooling_file(f, inlay__json_get(json, each, "path"), name));
            INLAY__TRY(put_pooling(f, name, true, config));
        } else if (has_ending(type, "Normalize")) {
            normalized = true;
        } else if (!has_ending(type, "Transformer")) {
            return inlay__fail(INLAY_ERR_UNSUPPORTED,
                               "file '%.*smodules.json': key 'type' is '%.*s', expected a Transformer, "
                               "Pooling or Normalize",
                               FOLDER_ARGS(f),
                               type != NULL && type->kind == INLAY__JSON_STRING ? (int)inlay__min_size(type->size, 80)
                                                                                : 0,
                               type != NULL && type->kind == INLAY__JSON_STRING ? type->text : "");
        }
    }
    inlay__config_put_bool(config, "normalize_embeddings", normalized);
    return INLAY_OK;
}

/* --------------------------------------------------------------------- prompts */

/* What a text of a kind ("query", "document") begins with. */
static void put_prompts(const inlay__json *json, inlay__config *config) {
    inlay__text names[MAX_PROMPTS], texts[MAX_PROMPTS];
    size_t n = 0;
    const inlay__json_node *prompts = inlay__json_get(json, json->nodes, "prompts");
    const inlay__json_node *usual = inlay__json_get(json, json->nodes, "default_prompt_name");
    if (prompts == NULL || prompts->kind != INLAY__JSON_OBJECT) return;
    const inlay__json_node *key = inlay__json_first(prompts);
    for (uint32_t i = 0; i + 1 < prompts->n_children && n < MAX_PROMPTS; i += 2) {
        const inlay__json_node *value = inlay__json_next(json, key);
        if (value->kind == INLAY__JSON_STRING) {
            names[n] = (inlay__text){key->text, key->size};
            texts[n++] = (inlay__text){value->text, value->size};
        }
        key = inlay__json_next(json, value);
    }
    if (n == 0) return;
    inlay__gguf_put_strings(config->out, "sentence_transformers.prompt_names", names, n);
    inlay__gguf_put_strings(config->out, "sentence_transformers.prompts", texts, n);
    if (usual != NULL && usual->kind == INLAY__JSON_STRING)
        inlay__gguf_put_string(config->out, "sentence_transformers.default_prompt_name", usual->text, usual->size);
}

/* ------------------------------------------------------------------------- all */

int32_t inlay__sentences_read(const inlay__folder *f, inlay__config *config) {
    inlay__json json;
    INLAY__TRY(inlay__folder_read_json(f, "modules.json", MAX_FILE, &json));
    int32_t status =
        json.nodes != NULL ? put_modules(f, &json, config) : put_pooling(f, "1_Pooling/config.json", false, config);
    inlay__json_free(f->sys, &json);
    INLAY__TRY(status);
    INLAY__TRY(inlay__folder_read_json(f, "config_sentence_transformers.json", MAX_FILE, &json));
    if (json.nodes != NULL) put_prompts(&json, config);
    inlay__json_free(f->sys, &json);
    return INLAY_OK;
}
