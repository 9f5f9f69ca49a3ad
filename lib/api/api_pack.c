/* Writing packed files. */
#include "import/import.h"
#include "model/pack_file.h"
#include "open_json.h"

static int32_t write_file(inlay_model *model, const inlay__model_config *config, const char *path) {
    inlay__file files[INLAY__TOKENIZER_FILES];
    inlay__pack_more more = {.n_merges = 0};
    bool folder = inlay__import_is_folder(&model->weights);
    int32_t status = folder ? inlay__tokenizer_files_open(&model->weights, files, &more.texts)
                            : inlay__tokenizer_merge_sides(model->tokenizer, inlay__weights_metadata(&model->weights),
                                                           &more.merges, &more.n_merges);
    if (status == INLAY_OK) status = inlay__model_write_packed(model->network, config, &more, path);
    inlay__free(&model->sys, more.merges, 2 * more.n_merges * sizeof *more.merges);
    if (folder) inlay__tokenizer_files_close(&model->sys, files);
    return status;
}

static int32_t pack_file(const inlay_options *given, const char *path, const char *packed_path) {
    inlay_model *model = NULL;
    inlay_options options = *given;
    /* All of the model is looked at, but its weights stay as they are until they are written. */
    options.values[INLAY__PACK].integer = INLAY_PACK_NEVER;
    options.values[INLAY__VOCAB_ONLY].integer = 0;
    options.progress = NULL;
    INLAY__TRY(inlay__model_open(&options, INLAY__PATH(path, INLAY_LOAD_AUTO), &model));
    inlay__progress progress = {.tell = given->progress, .user = given->progress_user, .call = "packing"};
    inlay__model_config config = {.progress = &progress, .n_threads = inlay__thread_count(given)};
    int32_t status = write_file(model, &config, packed_path);
    inlay_model_free(model);
    return status;
}

int32_t inlay_pack_file(const char *path, const char *packed_path, const inlay_options *options) {
    inlay_options defaults;
    const inlay_options *found;
    if (path == NULL) return inlay__null_argument("inlay_pack_file", "path");
    if (packed_path == NULL) return inlay__null_argument("inlay_pack_file", "packed_path");
    INLAY__TRY(inlay__options_or_defaults("inlay_pack_file", options, &defaults, &found));
    return pack_file(found, path, packed_path);
}
