/* Writing packed files. */
#include "handles.h"
#include "import/import.h"
#include "model/pack_file.h"

static int32_t write_file(inlay_model *model, const inlay__model_config *config, const char *path) {
    inlay__merge_sides merges = {NULL, 0};
    INLAY__TRY(inlay__tokenizer_merge_sides(model->tokenizer, inlay__weights_metadata(&model->weights), &merges.tokens,
                                            &merges.n));
    int32_t status = inlay__model_write_packed(model->network, config, &merges, path);
    inlay__free(&model->sys, merges.tokens, 2 * merges.n * sizeof *merges.tokens);
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
    int32_t status = inlay__import_is_folder(&model->weights)
                         ? inlay__fail(INLAY_ERR_UNSUPPORTED,
                                       "model '%s': is safetensors in a folder, expected a GGUF file: "
                                       "a packed file has no place for its tokenizer",
                                       path)
                         : write_file(model, &config, packed_path);
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
