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

int32_t inlay__open_folder_tokenizer(inlay_model *model) {
    static const char *const names[] = {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"};
    enum { N_FILES = 3, MAX_SIZE = 256 << 20 };
    inlay__file files[N_FILES];
    inlay__text texts[N_FILES] = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    bool there[N_FILES] = {false, false, false};
    int32_t status = INLAY_OK;
    for (size_t i = 0; status == INLAY_OK && i < N_FILES; i++) {
        status = inlay__import_read(&model->weights, names[i], MAX_SIZE, &files[i], &there[i]);
        if (status == INLAY_OK && there[i]) texts[i] = text_of(&files[i]);
    }
    /* The configuration of ByT5 is all that there is of its tokenizer. */
    bool is_bytes = false;
    if (status == INLAY_OK && !there[0] && there[1])
        status = inlay__tokenizer_config_is_bytes(&model->sys, texts[1], &is_bytes);
    if (is_bytes) texts[0] = texts[1];
    inlay__tokenizer_files all = {.tokenizer = texts[0], .config = texts[1], .special_tokens_map = texts[2],
                                  .metadata = inlay__weights_metadata(&model->weights)};
    if (status == INLAY_OK && texts[0].text != NULL)
        status = inlay__tokenizer_from_json(&model->sys, inlay__weights_name(&model->weights), &all, &model->tokenizer);
    for (size_t i = 0; i < N_FILES; i++)
        if (there[i]) inlay__file_close(&model->sys, &files[i]);
    return status;
}
