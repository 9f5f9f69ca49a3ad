/* The safetensors files of a folder: one, or those that an index names.
 *
 *     model.safetensors.index.json:  {"weight_map": {"tensor": "model-00001-of-00002.safetensors", ...}}
 */
#include "base/text.h"
#include "import/folder.h"

enum { MAX_INDEX = 64 << 20, MAX_FILES = 65536, MAX_FILE_NAME = 255 };

static const char whole[] = "model.safetensors", index_name[] = "model.safetensors.index.json";

/* ----------------------------------------------------------------------- a file */

static int32_t open_part(inlay__folder *f, const char *path) {
    inlay__weights *w = f->weights;
    inlay__weights_part *part;
    inlay__file file;
    INLAY__TRY(inlay__weights_add_part(w, path, strlen(path), &part));
    inlay__source source = {.kind = INLAY__FROM_PATH, .name = part->path, .load = f->load, .progress = f->progress};
    INLAY__TRY(inlay__file_open_source(f->sys, &source, &file));
    part->file = file;
    if (!inlay__add_u64(w->file_size, file.size, &w->file_size))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': the files have more bytes than 64 bits can count", path);
    return inlay__safetensors_parse(f->sys, part->path, file.data, file.size, &part->safetensors);
}

int32_t inlay__folder_open_file(inlay__folder *f, const char *name) {
    char *path;
    INLAY__TRY(inlay__folder_path(f, name, &path));
    int32_t status = open_part(f, path);
    inlay__folder_free_path(f, name, path);
    return status;
}

static int32_t exists(const inlay__folder *f, const char *name, bool *there) {
    char *path;
    INLAY__TRY(inlay__folder_path(f, name, &path));
    int fd = f->sys->file_open(f->sys->io_user, path);
    inlay__folder_free_path(f, name, path);
    if (fd >= 0) f->sys->file_close(f->sys->io_user, fd);
    *there = fd != -1; /* opening it then tells what is wrong with it */
    return INLAY_OK;
}

/* -------------------------------------------------------------------- the index */

typedef struct index_map {
    inlay__folder *folder;
    inlay__json json;
    const inlay__json_node *map;    /* weight_map */
    inlay__hash_map by_tensor;      /* number of a pair of it */
    inlay__hash_map by_file;        /* number of a part */
    uint32_t *parts;                /* [pairs] the part of each */
} index_map;

#define INDEX_ARGS(x) (int)(x)->folder->path_size, (x)->folder->path, index_name

/* Only a name: nothing that leads out of the folder, or deeper into it. */
static bool is_plain_name(const inlay__json_node *node) {
    static const char ending[] = ".safetensors";
    size_t n = sizeof ending - 1;
    if (node->kind != INLAY__JSON_STRING || node->size <= n || node->size > MAX_FILE_NAME) return false;
    if (node->text[0] == '.' || memcmp(node->text + node->size - n, ending, n) != 0) return false;
    for (uint32_t i = 0; i < node->size; i++)
        if ((uint8_t)node->text[i] < 0x20 || strchr("/\\:", node->text[i]) != NULL) return false;
    return true;
}

/* The part that pair i names, opened when it is first named. */
static int32_t add_pair(index_map *x, uint32_t i, const inlay__json_node *tensor, const inlay__json_node *file) {
    inlay__weights *w = x->folder->weights;
    if (!inlay__hash_map_put(&x->by_tensor, tensor->text, tensor->size, i))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%.*s%s': 'weight_map' has tensor '%.*s' twice", INDEX_ARGS(x),
                           (int)inlay__min_size(tensor->size, 120), tensor->text);
    if (!is_plain_name(file))
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%.*s%s': 'weight_map' gives tensor '%.*s' the file '%.*s', which is not a "
                           "plain name ending with .safetensors",
                           INDEX_ARGS(x), (int)inlay__min_size(tensor->size, 120), tensor->text,
                           (int)inlay__min_size(file->size, 120), file->size > 0 ? file->text : "");
    if (inlay__hash_map_get(&x->by_file, file->text, file->size, &x->parts[i])) return INLAY_OK;
    if (w->n_parts > MAX_FILES)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%.*s%s': names more than %d files", INDEX_ARGS(x), MAX_FILES);
    x->parts[i] = (uint32_t)w->n_parts;
    inlay__hash_map_put(&x->by_file, file->text, file->size, x->parts[i]);
    return inlay__folder_open_file(x->folder, file->text);
}

/* Every tensor of the index is in the file it names. */
static int32_t check_pair(const index_map *x, uint32_t i, const inlay__json_node *tensor) {
    const inlay__weights_part *part = &x->folder->weights->parts[x->parts[i]];
    if (strlen(tensor->text) == tensor->size && inlay__safetensors_find(&part->safetensors, tensor->text) != NULL)
        return INLAY_OK;
    return inlay__fail(INLAY_ERR_FORMAT, "file '%.*s%s': tensor '%.*s' is not in the file '%s' that 'weight_map' names",
                       INDEX_ARGS(x), (int)inlay__min_size(tensor->size, 120), tensor->text, part->path);
}

/* Every tensor of a file is in the index, and under that file: so none is in two. */
static int32_t check_files(const index_map *x) {
    const inlay__weights *w = x->folder->weights;
    for (size_t p = 1; p < w->n_parts; p++)
        for (size_t k = 0; k < w->parts[p].safetensors.n_tensors; k++) {
            uint32_t i;
            const inlay__text *name = &w->parts[p].safetensors.tensors[k].name;
            bool found = inlay__hash_map_get(&x->by_tensor, name->text, name->size, &i);
            if (found && x->parts[i] == p) continue;
            return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%s' is %s%s", w->parts[p].path, name->text,
                               found ? "in another file, too: " : "not in the index beside it",
                               found ? w->parts[x->parts[i]].path : "");
        }
    return INLAY_OK;
}

static int32_t read_pairs(index_map *x) {
    uint32_t n = x->map->n_children / 2;
    const inlay__json_node *tensor = inlay__json_first(x->map);
    for (uint32_t i = 0; i < n; i++) {
        const inlay__json_node *file = inlay__json_next(&x->json, tensor);
        INLAY__TRY(add_pair(x, i, tensor, file));
        tensor = inlay__json_next(&x->json, file);
    }
    tensor = inlay__json_first(x->map);
    for (uint32_t i = 0; i < n; i++) {
        INLAY__TRY(check_pair(x, i, tensor));
        tensor = inlay__json_next(&x->json, inlay__json_next(&x->json, tensor));
    }
    return check_files(x);
}

static int32_t open_index(index_map *x) {
    const inlay__sys *sys = x->folder->sys;
    INLAY__TRY(inlay__folder_read_json(x->folder, index_name, MAX_INDEX, &x->json));
    if (x->json.nodes == NULL)
        return inlay__fail(INLAY_ERR_IO, "folder '%.*s': has neither %s nor %s", (int)x->folder->path_size,
                           x->folder->path, whole, index_name);
    x->map = inlay__json_get(&x->json, x->json.nodes, "weight_map");
    if (x->map == NULL || x->map->kind != INLAY__JSON_OBJECT || x->map->n_children == 0)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%.*s%s': 'weight_map' is missing, empty or not an object",
                           INDEX_ARGS(x));
    uint32_t n = x->map->n_children / 2;
    INLAY__TRY(inlay__hash_map_init(sys, &x->by_tensor, n));
    INLAY__TRY(inlay__hash_map_init(sys, &x->by_file, n));
    x->parts = inlay__alloc_array(sys, n, sizeof *x->parts);
    if (x->parts == NULL) return INLAY_ERR_MEMORY;
    int32_t status = read_pairs(x);
    inlay__free(sys, x->parts, n * sizeof *x->parts);
    return status;
}

int32_t inlay__folder_open_files(inlay__folder *f) {
    index_map x = {.folder = f};
    bool there;
    INLAY__TRY(exists(f, whole, &there));
    if (there) return inlay__folder_open_file(f, whole);
    int32_t status = open_index(&x);
    inlay__hash_map_free(f->sys, &x.by_tensor);
    inlay__hash_map_free(f->sys, &x.by_file);
    inlay__json_free(f->sys, &x.json);
    return status;
}
