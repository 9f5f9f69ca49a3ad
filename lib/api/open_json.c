/* A tokenizer.json and the files beside it. */
#include "open_json.h"

#include "base/map_file.h"
#include "import/import.h"

bool inlay__is_json(const char *path, const void *data, size_t size) {
    static const char suffix[] = ".json";
    const char *text = data;
    if (path != NULL) {
        size_t n = strlen(path);
        return n >= sizeof suffix - 1 && strcmp(path + n - (sizeof suffix - 1), suffix) == 0;
    }
    while (size > 0 && (*text == ' ' || *text == '\t' || *text == '\r' || *text == '\n')) {
        text++;
        size--;
    }
    return size > 0 && *text == '{';
}

static inlay__text text_of(const inlay__file *file) { return (inlay__text){(const char *)file->data, file->size}; }

/* The file of a name in the folder of `path`; not found is fine and leaves it empty. */
static int32_t open_beside(const inlay__sys *sys, const char *path, const char *name, inlay__file *file, bool *opened) {
    const char *slash = strrchr(path, '/');
    size_t n_folder = slash != NULL ? (size_t)(slash - path) + 1 : 0, size = n_folder + strlen(name) + 1;
    char *beside = inlay__alloc(sys, size);
    if (beside == NULL) return INLAY_ERR_MEMORY;
    memcpy(beside, path, n_folder);
    memcpy(beside + n_folder, name, strlen(name) + 1);
    int fd = sys->file_open(sys->io_user, beside);
    if (fd >= 0) sys->file_close(sys->io_user, fd);
    int32_t status = fd != -1 ? inlay__file_open(sys, beside, INLAY_LOAD_COPY, file) : INLAY_OK;
    *opened = fd != -1 && status == INLAY_OK;
    inlay__free(sys, beside, size);
    return status;
}

static int32_t open_files(const inlay_model *model, const char *path, inlay__file files[3], bool opened[3]) {
    static const char *const names[] = {"tokenizer_config.json", "special_tokens_map.json"};
    INLAY__TRY(inlay__file_open(&model->sys, path, INLAY_LOAD_COPY, &files[0]));
    opened[0] = true;
    for (size_t i = 0; i < INLAY__COUNT(names); i++)
        INLAY__TRY(open_beside(&model->sys, path, names[i], &files[i + 1], &opened[i + 1]));
    return INLAY_OK;
}

int32_t inlay__open_tokenizer_json(inlay_model *model, const char *path, const void *data, size_t size) {
    inlay__file files[3];
    bool opened[3] = {false, false, false};
    inlay__tokenizer_files texts = {.tokenizer = {data, size}};
    int32_t status = path != NULL ? open_files(model, path, files, opened) : INLAY_OK;
    if (opened[0]) texts.tokenizer = text_of(&files[0]);
    if (opened[1]) texts.config = text_of(&files[1]);
    if (opened[2]) texts.special_tokens_map = text_of(&files[2]);
    if (status == INLAY_OK)
        status = inlay__tokenizer_from_json(&model->sys, path != NULL ? path : "memory", &texts, &model->tokenizer);
    for (size_t i = 0; i < INLAY__COUNT(files); i++)
        if (opened[i]) inlay__file_close(&model->sys, &files[i]);
    return status;
}

/* ------------------------------------------------- the files of a whole model */

/* What GGUF calls them: the first is of its specification. */
static const char *const keys[] = {"tokenizer.huggingface.json", "tokenizer.huggingface.config",
                                   "tokenizer.huggingface.special_tokens_map"};

static inlay__text find_text(const inlay__gguf_texts *texts, const char *key) {
    for (size_t i = 0; i < texts->n; i++)
        if (texts->keys[i] == key) return texts->texts[i];
    return (inlay__text){NULL, 0};
}

static void add_text(inlay__gguf_texts *texts, const char *key, inlay__text text) {
    texts->keys[texts->n] = key;
    texts->texts[texts->n++] = text;
}

int32_t inlay__tokenizer_files_open(const inlay__weights *weights, inlay__file files[INLAY__TOKENIZER_FILES],
                                    inlay__gguf_texts *texts) {
    static const char *const names[] = {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"};
    enum { MAX_SIZE = 256 << 20 };
    texts->n = 0;
    add_text(texts, "tokenizer.ggml.model", (inlay__text){"none", 4}); /* of GGUF's own, which readers look for */
    for (size_t i = 0; i < INLAY__TOKENIZER_FILES; i++) inlay__file_lend(NULL, 0, &files[i]);
    for (size_t i = 0; i < INLAY__TOKENIZER_FILES; i++) {
        bool there;
        INLAY__TRY(inlay__import_read(weights, names[i], MAX_SIZE, &files[i], &there));
        if (there) add_text(texts, keys[i], text_of(&files[i]));
    }
    return INLAY_OK;
}

void inlay__tokenizer_files_close(const inlay__sys *sys, inlay__file files[INLAY__TOKENIZER_FILES]) {
    for (size_t i = 0; i < INLAY__TOKENIZER_FILES; i++) inlay__file_close(sys, &files[i]);
}

static int32_t make_tokenizer(inlay_model *model, const inlay__gguf_texts *texts) {
    inlay__tokenizer_files files = {.tokenizer = find_text(texts, keys[0]), .config = find_text(texts, keys[1]),
                                    .special_tokens_map = find_text(texts, keys[2]),
                                    .metadata = inlay__weights_metadata(&model->weights)};
    /* The configuration of ByT5 is all that there is of its tokenizer. */
    bool is_bytes = false;
    if (files.tokenizer.text == NULL && files.config.text != NULL)
        INLAY__TRY(inlay__tokenizer_config_is_bytes(&model->sys, files.config, &is_bytes));
    if (is_bytes) files.tokenizer = files.config;
    if (files.tokenizer.text == NULL) return INLAY_OK;
    return inlay__tokenizer_from_json(&model->sys, inlay__weights_name(&model->weights), &files, &model->tokenizer);
}

int32_t inlay__open_folder_tokenizer(inlay_model *model) {
    inlay__file files[INLAY__TOKENIZER_FILES];
    inlay__gguf_texts texts;
    int32_t status = inlay__tokenizer_files_open(&model->weights, files, &texts);
    if (status == INLAY_OK) status = make_tokenizer(model, &texts);
    inlay__tokenizer_files_close(&model->sys, files);
    return status;
}

static inlay__text text_in(const inlay__gguf *metadata, const char *key) {
    const inlay__gguf_kv *kv = inlay__gguf_find(metadata, key);
    return kv != NULL && !kv->is_array ? inlay__gguf_string(kv, 0) : (inlay__text){NULL, 0};
}

bool inlay__keeps_tokenizer_files(const inlay__gguf *metadata) {
    inlay__text model = text_in(metadata, "tokenizer.ggml.model");
    if (model.text != NULL && strcmp(model.text, "none") != 0 && strcmp(model.text, "no_vocab") != 0) return false;
    return text_in(metadata, keys[0]).text != NULL || text_in(metadata, keys[1]).text != NULL;
}

int32_t inlay__open_kept_tokenizer(inlay_model *model) {
    inlay__gguf_texts texts = {.n = 0};
    for (size_t i = 0; i < INLAY__COUNT(keys); i++) {
        inlay__text text = text_in(inlay__weights_metadata(&model->weights), keys[i]);
        if (text.text != NULL) add_text(&texts, keys[i], text);
    }
    return make_tokenizer(model, &texts);
}
