/* Opens a Hugging Face folder as weights: config.json and what stands beside it become metadata, the safetensors files
 * parts. Nothing in a file becomes a part of a path but the plain names of the index. */
#include "import/import.h"

#include "base/text.h"
#include "import/arpa.h"
#include "import/config.h"
#include "import/folder.h"
#include "import/labels.h"
#include "import/sentences.h"
#include "import/tensor_map.h"

enum { MAX_CONFIG = 4 << 20, MAX_TEMPLATE = 4 << 20 };

static const char ending[] = ".safetensors";

/* ------------------------------------------------------------------------ files */

/* Whether a path leads to a folder, or to an n-gram model in text. */
static int32_t look(const inlay__sys *sys, const char *path, bool *is_folder, bool *is_arpa) {
    uint8_t begin[64];
    inlay__file_info info = {.size = 0};
    int fd = sys->file_open(sys->io_user, path);
    if (fd < 0) return inlay__fail(INLAY_ERR_IO, "file '%s': it cannot be opened (missing, or not readable)", path);
    bool known = sys->file_stat(sys->io_user, fd, &info) == 0;
    int64_t n = info.is_regular ? sys->file_read(sys->io_user, fd, begin, sizeof begin, 0) : 0;
    sys->file_close(sys->io_user, fd);
    if (!known || n < 0)
        return inlay__fail(INLAY_ERR_IO, "file '%s': %s cannot be read", path, known ? "its beginning" : "its size");
    *is_folder = info.is_folder;
    *is_arpa = inlay__arpa_is(path, begin, (size_t)n);
    return INLAY_OK;
}

static bool ends_with(const char *path, size_t size, const char *suffix) {
    size_t n = strlen(suffix);
    return size >= n && memcmp(path + size - n, suffix, n) == 0;
}

int32_t inlay__folder_path(const inlay__folder *f, const char *name, char **path) {
    size_t n_name = strlen(name);
    *path = inlay__alloc(f->sys, f->path_size + n_name + 1);
    if (*path == NULL) return INLAY_ERR_MEMORY;
    memcpy(*path, f->path, f->path_size);
    memcpy(*path + f->path_size, name, n_name + 1);
    return INLAY_OK;
}

void inlay__folder_free_path(const inlay__folder *f, const char *name, char *path) {
    inlay__free(f->sys, path, f->path_size + strlen(name) + 1);
}

static int32_t read_bounded(const inlay__sys *sys, const char *path, size_t max_size, inlay__file *file, bool *there) {
    inlay__file_info info;
    int fd = sys->file_open(sys->io_user, path);
    *there = fd != -1;
    if (!*there) return INLAY_OK;
    if (fd < 0) return inlay__fail(INLAY_ERR_IO, "file '%s': it cannot be opened", path);
    bool known = sys->file_stat(sys->io_user, fd, &info) == 0;
    sys->file_close(sys->io_user, fd);
    if (known && info.is_regular && info.size > max_size)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': has %llu bytes, expected at most %zu", path,
                           (unsigned long long)info.size, max_size);
    return inlay__file_open(sys, path, INLAY_LOAD_COPY, file);
}

int32_t inlay__folder_read(const inlay__folder *f, const char *name, size_t max_size, inlay__file *file, bool *there) {
    char *path;
    *there = false;
    inlay__file_lend(NULL, 0, file);
    INLAY__TRY(inlay__folder_path(f, name, &path));
    int32_t status = read_bounded(f->sys, path, max_size, file, there);
    inlay__folder_free_path(f, name, path);
    return status;
}

/* A small JSON file of the folder; `json` is empty where it is not there. */
int32_t inlay__folder_read_json(const inlay__folder *f, const char *name, size_t max_size, inlay__json *json) {
    inlay__file file;
    bool there;
    char what[256];
    *json = (inlay__json){.nodes = NULL};
    INLAY__TRY(inlay__folder_read(f, name, max_size, &file, &there));
    if (!there) return INLAY_OK;
    inlay__format(what, sizeof what, "file '%.*s%s'", (int)f->path_size, f->path, name);
    int32_t status = INLAY_OK;
    /* Real files take three times their size; what takes more is nothing but brackets and commas. */
    if (inlay__json_memory((const char *)file.data, file.size) > 8 * file.size + (1 << 16))
        status =
            inlay__fail(INLAY_ERR_UNSUPPORTED, "%s: has more values than makes sense in %zu bytes", what, file.size);
    if (status == INLAY_OK) status = inlay__json_parse(f->sys, what, (const char *)file.data, file.size, json);
    inlay__file_close(f->sys, &file);
    return status;
}

/* --------------------------------------------------------------------- metadata */

static void put_name(const inlay__folder *f, inlay__gguf_writer *out) {
    size_t end = f->path_size, begin;
    while (end > 0 && f->path[end - 1] == '/')
        end--;
    for (begin = end; begin > 0 && f->path[begin - 1] != '/'; begin--)
        continue;
    if (end > begin) inlay__gguf_put_string(out, "general.name", f->path + begin, end - begin);
}

/* An id, or a list of which the first counts most; null and absent give none. */
static int32_t put_token(const inlay__folder *f, const inlay__json *json, const char *key, const char *to,
                         const char *list_to, inlay__gguf_writer *out, bool *put) {
    enum { MAX_IDS = 64 };
    uint8_t ids[4 * MAX_IDS];
    int64_t id;
    const inlay__json_node *node = json->nodes != NULL ? inlay__json_get(json, json->nodes, key) : NULL;
    if (node == NULL || node->kind == INLAY__JSON_NULL || *put) return INLAY_OK;
    bool list = node->kind == INLAY__JSON_ARRAY;
    const inlay__json_node *each = list ? inlay__json_first(node) : node;
    size_t n = list ? node->n_children : 1;
    for (size_t i = 0; i < n && i < MAX_IDS; i++, each = inlay__json_next(json, each)) {
        if (!inlay__json_i64(each, &id) || id < -1 || id > INT32_MAX)
            return inlay__fail(INLAY_ERR_FORMAT, "folder '%.*s': key '%s' is not the id of a token, nor a list of them",
                               (int)f->path_size, f->path, key);
        if (id < 0) return INLAY_OK; /* some write -1 for none */
        for (size_t k = 0; k < 4; k++)
            ids[4 * i + k] = (uint8_t)(id >> (8 * k));
        if (i == 0) inlay__gguf_put_u32(out, to, (uint32_t)id);
    }
    *put = n > 0;
    if (list_to != NULL && n > 0 && n <= MAX_IDS) inlay__gguf_put_array(out, list_to, INLAY__GGUF_U32, ids, n);
    return INLAY_OK;
}

/* generation_config.json counts before config.json. */
static int32_t put_tokens(const inlay__folder *f, const inlay__json *config, inlay__gguf_writer *out) {
    inlay__json generation;
    bool bos = false, eos = false, pad = false;
    INLAY__TRY(inlay__folder_read_json(f, "generation_config.json", MAX_CONFIG, &generation));
    const inlay__json *const from[] = {&generation, config};
    int32_t status = INLAY_OK;
    for (size_t i = 0; i < 2 && status == INLAY_OK; i++) {
        status = put_token(f, from[i], "bos_token_id", "tokenizer.ggml.bos_token_id", NULL, out, &bos);
        if (status == INLAY_OK)
            status = put_token(f, from[i], "eos_token_id", "tokenizer.ggml.eos_token_id",
                               "tokenizer.ggml.eos_token_ids", out, &eos);
        if (status == INLAY_OK)
            status = put_token(f, from[i], "pad_token_id", "tokenizer.ggml.padding_token_id", NULL, out, &pad);
    }
    inlay__json_free(f->sys, &generation);
    return status;
}

/* The template of tokenizer_config.json: text, or a list of named ones of which "default" is meant. */
static const inlay__json_node *find_template(const inlay__json *json) {
    const inlay__json_node *node = inlay__json_get(json, json->nodes, "chat_template");
    if (node == NULL || node->kind != INLAY__JSON_ARRAY) return node;
    const inlay__json_node *each = inlay__json_first(node);
    for (uint32_t i = 0; i < node->n_children; i++, each = inlay__json_next(json, each))
        if (inlay__json_equals(inlay__json_get(json, each, "name"), "default"))
            return inlay__json_get(json, each, "template");
    return NULL;
}

static int32_t put_template(const inlay__folder *f, inlay__gguf_writer *out) {
    static const char key[] = "tokenizer.chat_template";
    inlay__file file;
    inlay__json json;
    bool there;
    INLAY__TRY(inlay__folder_read(f, "chat_template.jinja", MAX_TEMPLATE, &file, &there));
    if (there) {
        inlay__gguf_put_string(out, key, (const char *)file.data, file.size);
        inlay__file_close(f->sys, &file);
        return INLAY_OK;
    }
    INLAY__TRY(inlay__folder_read_json(f, "tokenizer_config.json", MAX_TEMPLATE, &json));
    const inlay__json_node *node = json.nodes != NULL ? find_template(&json) : NULL;
    if (node != NULL && node->kind == INLAY__JSON_STRING) inlay__gguf_put_string(out, key, node->text, node->size);
    inlay__json_free(f->sys, &json);
    return INLAY_OK;
}

/* Part 0: config.json, and what the files beside it add. */
static int32_t read_metadata(const inlay__folder *f, inlay__config *config, inlay__gguf_writer *out,
                             inlay__gguf *gguf) {
    const char *name = inlay__weights_name(f->weights);
    inlay__file file;
    bool there;
    INLAY__TRY(inlay__folder_read(f, "config.json", MAX_CONFIG, &file, &there));
    if (!there)
        return inlay__fail(INLAY_ERR_IO,
                           "folder '%.*s': has no config.json that can be read, as the folder of a model has",
                           (int)f->path_size, f->path);
    int32_t status = inlay__config_open(f->sys, name, (const char *)file.data, file.size, out, config);
    inlay__file_close(f->sys, &file);
    INLAY__TRY(status);
    put_name(f, out);
    INLAY__TRY(put_tokens(f, &config->json, out));
    INLAY__TRY(put_template(f, out));
    INLAY__TRY(inlay__sentences_read(f, config));
    INLAY__TRY(inlay__labels_read(config));
    return inlay__gguf_writer_finish(out, name, gguf);
}

/* --------------------------------------------------------------------- the whole */

/* `only` is the single safetensors file to take, or NULL for what the folder has. */
static int32_t open_all(inlay__folder *f, const char *only, inlay__config *config, inlay__gguf_writer *out) {
    inlay__weights_part *part;
    char *path;
    INLAY__TRY(inlay__folder_path(f, "config.json", &path));
    int32_t status = inlay__weights_add_part(f->weights, path, strlen(path), &part);
    inlay__folder_free_path(f, "config.json", path);
    INLAY__TRY(status);
    INLAY__TRY(read_metadata(f, config, out, &part->gguf));
    INLAY__TRY(only != NULL ? inlay__folder_open_file(f, only) : inlay__folder_open_files(f));
    return inlay__tensor_map_make(config, f->weights);
}

static int32_t open_folder(inlay__folder *f, const char *only, inlay__weights *weights) {
    inlay__weights w = {.sys = f->sys};
    inlay__config config = {.sys = NULL};
    inlay__gguf_writer out;
    f->weights = &w;
    inlay__gguf_writer_init(f->sys, &out);
    int32_t status = open_all(f, only, &config, &out);
    inlay__config_close(&config);
    inlay__gguf_writer_free(&out);
    if (status == INLAY_OK)
        *weights = w;
    else
        inlay__weights_close(&w);
    return status;
}

static int32_t open_arpa(const inlay__sys *sys, const inlay__source *source, inlay__weights *weights) {
    inlay__file file;
    INLAY__TRY(inlay__file_open_source(sys, source, &file));
    int32_t status = inlay__arpa_open(sys, source->name, file.data, file.size, weights);
    if (status == INLAY_OK) {
        status = inlay__file_check(sys, source->name, &file);
        if (status != INLAY_OK) inlay__weights_close(weights);
    }
    inlay__file_close(sys, &file);
    return status;
}

static int32_t open_path(const inlay__sys *sys, const inlay__source *source, inlay__weights *weights) {
    const char *path = source->name;
    size_t size = strlen(path), n_folder = size;
    inlay__folder f = {.sys = sys, .load = source->load, .progress = source->progress};
    bool folder = false, arpa = false;
    INLAY__TRY(look(sys, path, &folder, &arpa));
    bool single = !folder && ends_with(path, size, ending);
    if (!folder && !single && arpa) return open_arpa(sys, source, weights);
    if (!folder && !single) return inlay__weights_open(sys, source, weights);
    while (single && n_folder > 0 && path[n_folder - 1] != '/')
        n_folder--;
    bool slash = folder && path[size - 1] != '/';
    char *copy = inlay__alloc(sys, n_folder + 2);
    if (copy == NULL) return INLAY_ERR_MEMORY;
    inlay__format(copy, n_folder + 2, "%.*s%s", (int)inlay__min_size(n_folder, INT32_MAX), path, slash ? "/" : "");
    f.path = copy;
    f.path_size = n_folder + slash;
    int32_t status = open_folder(&f, single ? path + n_folder : NULL, weights);
    inlay__free(sys, copy, n_folder + 2);
    return status;
}

int32_t inlay__import_open(const inlay__sys *sys, const inlay__source *source, inlay__weights *weights) {
    if (source->kind == INLAY__FROM_PATH) return open_path(sys, source, weights);
    bool arpa = source->kind == INLAY__FROM_MEMORY && inlay__arpa_is(NULL, source->data, (size_t)source->size);
    return arpa ? inlay__arpa_open(sys, NULL, source->data, (size_t)source->size, weights)
                : inlay__weights_open(sys, source, weights);
}

bool inlay__import_is_folder(const inlay__weights *weights) {
    return weights->n_parts > 1 && weights->parts[1].safetensors.sys != NULL;
}

int32_t inlay__import_read(const inlay__weights *weights, const char *name, size_t max_size, inlay__file *file,
                           bool *there) {
    const char *config = inlay__weights_name(weights);
    inlay__folder f = {.sys = weights->sys, .path = config, .path_size = strlen(config) - strlen("config.json")};
    return inlay__folder_read(&f, name, max_size, file, there);
}

int32_t inlay__import_read_template(inlay__weights *weights) {
    const char *path = inlay__weights_name(weights), *slash = strrchr(path, '/');
    inlay__folder f = {.sys = weights->sys, .path = path, .path_size = slash != NULL ? (size_t)(slash - path) + 1 : 0};
    inlay__gguf_writer out;
    inlay__gguf gguf;
    inlay__gguf_writer_init(f.sys, &out);
    int32_t status = put_template(&f, &out);
    if (status == INLAY_OK) status = inlay__gguf_writer_finish(&out, path, &gguf);
    if (status == INLAY_OK) weights->parts[0].gguf = gguf; /* there was none */
    inlay__gguf_writer_free(&out);
    return status;
}
