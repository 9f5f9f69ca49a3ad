/* Writing GGUF files of folders and other models. */
#include "import/convert.h"
#include "import/import.h"
#include "open_json.h"

/* The model is one that runs. Its weights are looked at, not made. */
static int32_t check_model(const inlay_options *given, const char *path) {
    inlay_model *model = NULL;
    inlay_options options = *given;
    options.values[INLAY__PACK].integer = INLAY_PACK_NEVER;
    options.values[INLAY__VOCAB_ONLY].integer = 0;
    options.values[INLAY__QUANTIZE].integer = -1;
    options.progress = NULL;
    options.sys.file_populate = NULL;
    options.sys.only_plans = true;
    INLAY__TRY(inlay__model_open(&options, INLAY__PATH(path, INLAY_LOAD_AUTO), &model));
    inlay_model_free(model);
    return INLAY_OK;
}

static int32_t write_file(inlay__weights *weights, const inlay__make_config *config, const char *gguf_path) {
    inlay__file files[INLAY__TOKENIZER_FILES];
    inlay__gguf_texts texts = {.n = 0};
    bool folder = inlay__import_is_folder(weights);
    int32_t status = folder ? inlay__tokenizer_files_open(weights, files, &texts) : INLAY_OK;
    if (status == INLAY_OK) status = inlay__weights_write(weights, config, &texts, gguf_path);
    if (folder) inlay__tokenizer_files_close(weights->sys, files);
    return status;
}

static int32_t convert_file(const inlay_options *options, const char *path, const char *gguf_path) {
    inlay__weights weights;
    inlay__progress progress = {.tell = options->progress, .user = options->progress_user, .call = "converting"};
    inlay__make_config config = {.n_threads = inlay__thread_count(options), .progress = &progress};
    INLAY__TRY(inlay__quantize_type(options, &config.type));
    if (config.type == INLAY_TYPE_Q16_0)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "option 'quantize' is Q16_0, a type that no file holds");
    INLAY__TRY(check_model(options, path));
    INLAY__TRY(
        inlay__import_open(&options->sys, INLAY__PATH(path, (int32_t)options->values[INLAY__LOAD].integer), &weights));
    int32_t status = write_file(&weights, &config, gguf_path);
    inlay__weights_close(&weights);
    return status;
}

int32_t inlay_convert_file(const char *path, const char *gguf_path, const inlay_options *options) {
    static const char function[] = "inlay_convert_file";
    inlay_options defaults;
    const inlay_options *found;
    if (path == NULL) return inlay__null_argument(function, "path");
    if (gguf_path == NULL) return inlay__null_argument(function, "gguf_path");
    INLAY__TRY(inlay__options_or_defaults(function, options, &defaults, &found));
    return convert_file(found, path, gguf_path);
}
