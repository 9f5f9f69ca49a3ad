/* Opening models and telling what they are. */
#include "base/pool.h"
#include "format/dtype.h"
#include "handles.h"
#include "import/import.h"
#include "import/make.h"
#include "kernels/encode.h"
#include "open_json.h"

enum { MAX_DEFAULT_THREADS = 16 };

int32_t inlay__check_model(const char *function, const inlay_model *model) {
    if (model == NULL) return inlay__null_argument(function, "model");
    if (model->magic != INLAY__MAGIC_MODEL)
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: model is not an open inlay_model", function);
    return INLAY_OK;
}

int32_t inlay__owned(const inlay_model *model, int32_t status) {
    if (status != INLAY_OK) inlay__error_set_owner(model);
    return status;
}

/* A string of the metadata, "" when there is none. */
static inlay__text metadata_string(const inlay_model *model, const char *key) {
    const inlay__gguf_kv *kv = inlay__gguf_find(inlay__weights_metadata(&model->weights), key);
    bool is_string = kv != NULL && kv->type == INLAY__GGUF_STRING && !kv->is_array;
    return is_string ? inlay__gguf_string(kv, 0) : (inlay__text){"", 0};
}

/* The type that most elements have. */
static const char *most_common_type(const inlay_model *model) {
    uint64_t n_elements[256] = {0};
    uint32_t best = 0;
    for (size_t i = 0; i < model->weights.n_tensors; i++) {
        const inlay__tensor *tensor = &model->weights.tensors[i];
        if (tensor->type >= INLAY__COUNT(n_elements)) continue;
        n_elements[tensor->type] += tensor->n_elements;
        if (n_elements[tensor->type] > n_elements[best]) best = tensor->type;
    }
    return model->weights.n_tensors > 0 ? inlay__dtype_any_name(best) : "";
}

/* ----------------------------------------------------------------- opening */

static int32_t choose_cpu(const inlay_options *options, inlay__cpu *level) {
    const inlay__option_value *value = &options->values[INLAY__CPU];
    *level = inlay__cpu_best();
    bool gains_by_tiles = options->values[INLAY__QUANTIZE].integer == INLAY_TYPE_Q16_0;
    if (gains_by_tiles && value->string.size == 0 && inlay__cpu_has(INLAY__CPU_AMX)) *level = INLAY__CPU_AMX;
    if (value->string.size == 0) return INLAY_OK;
    inlay__cpu_find(value->string.text, value->string.size, level);
    if (inlay__cpu_has(*level)) return INLAY_OK;
    return inlay__fail(INLAY_ERR_UNSUPPORTED, "option 'cpu' is '%s', but this machine and build go up to '%s'",
                       value->string.text, inlay_cpu());
}

size_t inlay__thread_count(const inlay_options *options) {
    size_t asked = (size_t)options->values[INLAY__THREADS].integer;
    if (asked == 0) asked = MAX_DEFAULT_THREADS;
    /* Threads without a CPU of their own only keep the others waiting. */
    return options->sys.cpu_count != NULL ? inlay__min_size(asked, options->sys.cpu_count(options->sys.io_user)) : asked;
}

int32_t inlay__quantize_type(const inlay_options *options, uint32_t *type) {
    int64_t asked = options->values[INLAY__QUANTIZE].integer;
    *type = asked < 0 ? INLAY__KEEP_TYPES : (uint32_t)asked;
    if (asked < 0 || (asked != INLAY_TYPE_F32 && inlay__encode_knows((uint32_t)asked))) return INLAY_OK;
    return inlay__fail(INLAY_ERR_UNSUPPORTED, "option 'quantize' is %lld (%s), expected -1, F16, Q16_0, Q8_0, "
                       "Q4_0, Q4_K or Q6_K", (long long)asked, inlay__dtype_any_name((uint32_t)asked));
}

static int32_t load_network(inlay_model *model, const inlay_options *options, inlay__progress *progress) {
    inlay__model_config config = {
        .log = options->log,
        .progress = progress,
        .cpu = model->cpu,
        .pack = (int32_t)options->values[INLAY__PACK].integer,
        .n_threads = inlay__thread_count(options),
        .n_vocab_tokenizer = model->tokenizer != NULL ? inlay__tokenizer_n_vocab(model->tokenizer) : 0,
    };
    inlay__make_config make = {
        .n_threads = config.n_threads,
        .progress = progress,
    };
    INLAY__TRY(inlay__quantize_type(options, &make.type));
    INLAY__TRY(inlay__weights_make(&model->weights, &make));
    return inlay__model_new(&model->sys, &model->weights, &config, &model->network);
}

typedef struct tokenizer_job {
    inlay_model *model;
    int32_t status;
    atomic_int done;
} tokenizer_job;

/* The caller's thread begins the tokenizer; another gets the pages of the weights ready meanwhile. */
static void make_tokenizer(void *arg, size_t i_thread, size_t n_threads) {
    tokenizer_job *job = arg;
    const inlay__weights *weights = &job->model->weights;
    (void)n_threads;
    if (i_thread > 0) {
        inlay__weights_populate(weights, &job->done);
        return;
    }
    job->status = inlay__tokenizer_begin(&job->model->sys, inlay__weights_name(weights),
                                         inlay__weights_metadata(weights), &job->model->tokenizer);
    atomic_store(&job->done, 1);
}

static int32_t open_tokenizer(inlay_model *model, inlay__pool *pool) {
    tokenizer_job job = {.model = model};
    INLAY__TRY(inlay__pool_run(pool, make_tokenizer, &job));
    INLAY__TRY(job.status);
    return inlay__tokenizer_finish(model->tokenizer, inlay__weights_name(&model->weights),
                                   inlay__weights_metadata(&model->weights), pool);
}

/* The weights are open; on failure the caller closes them. */
static int32_t finish_opening(inlay_model *model, const inlay_options *options, inlay__pool *pool,
                              inlay__progress *progress) {
    INLAY__TRY(choose_cpu(options, &model->cpu));
    bool folder = inlay__import_is_folder(&model->weights);
    bool kept = inlay__keeps_tokenizer_files(inlay__weights_metadata(&model->weights));
    INLAY__TRY(folder ? inlay__open_folder_tokenizer(model)
               : kept ? inlay__open_kept_tokenizer(model)
                      : open_tokenizer(model, pool));
    return options->values[INLAY__VOCAB_ONLY].integer == 0 ? load_network(model, options, progress)
                                                           : inlay__progress_end(progress);
}

static const char *tokenizer_name(const inlay_model *model) {
    return model->tokenizer != NULL ? inlay__tokenizer_name(model->tokenizer) : "none";
}

/* The same of a tokenizer.json, which has no network. */
static int32_t open_json(inlay_model *model, const inlay_options *options, const char *path, const void *data, size_t size) {
    if (options->values[INLAY__VOCAB_ONLY].integer == 0)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': is JSON, which has no network; open its folder, or a tokenizer alone with the option vocab_only",
                           inlay__weights_name(&model->weights));
    INLAY__TRY(choose_cpu(options, &model->cpu));
    if (path != NULL) INLAY__TRY(inlay__import_read_template(&model->weights));
    return inlay__open_tokenizer_json(model, path, data, size);
}

static void log_opened(const inlay_model *model, const inlay__log *log) {
    inlay__text architecture = metadata_string(model, "general.architecture");
    inlay__text name = metadata_string(model, "general.name");
    inlay__log_write(log, INLAY_LOG_INFO, "file '%s': %s '%s', %s, %zu tensors, %llu bytes, tokenizer %s, %s kernels",
                     inlay__weights_name(&model->weights), architecture.text, name.text, most_common_type(model),
                     model->weights.n_tensors, (unsigned long long)model->weights.file_size,
                     tokenizer_name(model), inlay__cpu_name(model->cpu));
}

static int32_t new_model(const inlay_options *options, inlay_model **out) {
    inlay_model *model = inlay__alloc_array(&options->sys, 1, sizeof *model);
    if (model == NULL) return INLAY_ERR_MEMORY;
    model->magic = INLAY__MAGIC_MODEL;
    model->sys = options->sys;
    atomic_init(&model->n_references, 1);
    atomic_init(&model->texts, NULL);
    *out = model;
    return INLAY_OK;
}

/* Nothing that was given is read after opening: who gave it may have gone. */
static void forget_callback(inlay_model *model) {
    for (size_t i = 0; i < model->weights.n_parts; i++) {
        model->weights.parts[i].file.read = NULL;
        model->weights.parts[i].file.user = NULL;
    }
}

static int32_t open_source(inlay_model *model, const inlay_options *options, const inlay__source *source,
                           inlay__pool *pool, bool json) {
    const char *path = source->kind == INLAY__FROM_PATH ? source->name : NULL;
    INLAY__TRY(json ? inlay__weights_open_empty(&model->sys, path, &model->weights)
                    : inlay__import_open(&model->sys, source, &model->weights));
    if (json) return open_json(model, options, path, source->data, (size_t)source->size);
    INLAY__TRY(finish_opening(model, options, pool, source->progress));
    forget_callback(model);
    return INLAY_OK;
}

static bool source_is_json(const inlay__source *source) {
    if (source->kind == INLAY__FROM_PATH) return inlay__is_json(source->name, NULL, 0);
    return source->kind == INLAY__FROM_MEMORY && inlay__is_json(NULL, source->data, (size_t)source->size);
}

int32_t inlay__model_open(const inlay_options *options, const inlay__source *given, inlay_model **out) {
    inlay_model *model = NULL;
    INLAY__TRY(new_model(options, &model));
    inlay__progress progress = {.tell = options->progress, .user = options->progress_user, .call = "opening"};
    inlay__source source = *given;
    source.load = (int32_t)options->values[INLAY__LOAD].integer;
    source.progress = &progress;
    bool json = source_is_json(&source);
    bool alone = json || options->values[INLAY__VOCAB_ONLY].integer != 0 || inlay__thread_count(options) == 1;
    inlay__pool *pool = NULL; /* from the beginning, as it takes a while until a thread runs */
    int32_t status = inlay__pool_new(&model->sys, alone ? 1 : 2, &pool);
    if (status == INLAY_OK) status = open_source(model, options, &source, pool, json);
    inlay__pool_free(pool);
    if (status != INLAY_OK) {
        inlay__model_release(model);
        return status;
    }
    inlay__weights_forget_metadata(&model->weights);
    log_opened(model, &options->log);
    if (inlay__error_owner() == model) inlay__error_set_owner(NULL); /* a model before was at this address */
    *out = model;
    return INLAY_OK;
}

/* What all ways to open have in common, but for what is special to their source. */
static int32_t open_by(const char *function, const inlay__source *source, const inlay_options *options,
                       inlay_model **model) {
    inlay_options defaults;
    const inlay_options *found;
    INLAY__TRY(inlay__options_or_defaults(function, options, &defaults, &found));
    return inlay__model_open(found, source, model);
}

int32_t inlay_model_open(const char *path, const inlay_options *options, inlay_model **model) {
    inlay__source source;
    if (model == NULL) return inlay__null_argument("inlay_model_open", "model");
    *model = NULL;
    INLAY__TRY(inlay__source_of_path("inlay_model_open", path, &source));
    return open_by("inlay_model_open", &source, options, model);
}

int32_t inlay_model_open_memory(const void *data, size_t size, const inlay_options *options, inlay_model **model) {
    inlay__source source = {.kind = INLAY__FROM_MEMORY, .name = "memory", .data = data, .size = size};
    if (model == NULL) return inlay__null_argument("inlay_model_open_memory", "model");
    *model = NULL;
    if (data == NULL) return inlay__null_argument("inlay_model_open_memory", "data");
    return open_by("inlay_model_open_memory", &source, options, model);
}

int32_t inlay_model_open_fd(int32_t fd, uint64_t offset, uint64_t size, const inlay_options *options,
                            inlay_model **model) {
    inlay__source source;
    if (model == NULL) return inlay__null_argument("inlay_model_open_fd", "model");
    *model = NULL;
    INLAY__TRY(inlay__source_of_fd("inlay_model_open_fd", fd, offset, size, &source));
    return open_by("inlay_model_open_fd", &source, options, model);
}

int32_t inlay_model_open_read(inlay_read_fn read, void *user, uint64_t size, const inlay_options *options,
                              inlay_model **model) {
    inlay__source source;
    if (model == NULL) return inlay__null_argument("inlay_model_open_read", "model");
    *model = NULL;
    INLAY__TRY(inlay__source_of_read("inlay_model_open_read", read, user, size, &source));
    return open_by("inlay_model_open_read", &source, options, model);
}

void inlay__model_release(inlay_model *model) {
    if (atomic_fetch_sub(&model->n_references, 1) != 1) return;
    inlay__sys sys = model->sys;
    inlay__token_texts *texts = atomic_load(&model->texts);
    if (texts != NULL) inlay__token_texts_free(texts);
    inlay__free(&sys, texts, sizeof *texts);
    inlay__model_free(model->network);
    inlay__tokenizer_free(model->tokenizer);
    inlay__weights_close(&model->weights);
    inlay__free(&sys, model, sizeof *model);
}

void inlay_model_free(inlay_model *model) {
    if (model == NULL || model->magic != INLAY__MAGIC_MODEL) return;
    model->magic = INLAY__MAGIC_FREED;
    inlay__model_release(model);
}

const char *inlay_model_error(const inlay_model *model) {
    return model != NULL && inlay__error_owner() == model ? inlay__error_text() : "";
}

/* ------------------------------------------------------------------- facts */

static uint64_t count_parameters(const inlay_model *model) {
    uint64_t n = 0;
    for (size_t i = 0; i < model->weights.n_tensors; i++) n += model->weights.tensors[i].n_elements;
    return n;
}

/* Without a network they are what the metadata say, where those say it. */
static int32_t network_fact(const inlay_model *model, int32_t fact, int64_t *value) {
    inlay__hparams read;
    const inlay__hparams *h = &read;
    if (model->network != NULL)
        h = inlay__model_hparams(model->network);
    else if (inlay__hparams_read(inlay__weights_name(&model->weights), inlay__weights_metadata(&model->weights),
                                 &read) != INLAY_OK)
        return inlay__fail(INLAY_ERR_KEY,
                           "inlay_model_get_int: file '%s' does not tell fact %d, and only its vocabulary "
                           "was opened",
                           inlay__weights_name(&model->weights), fact);
    switch (fact) {
    case INLAY_MODEL_N_CONTEXT_TRAIN: *value = h->n_context_train; return INLAY_OK;
    case INLAY_MODEL_N_EMBD: *value = h->n_embd; return INLAY_OK;
    case INLAY_MODEL_N_LAYER: *value = h->n_layer; return INLAY_OK;
    case INLAY_MODEL_N_HEAD: *value = h->n_head; return INLAY_OK;
    case INLAY_MODEL_N_HEAD_KV: *value = h->n_head_kv; return INLAY_OK;
    default: *value = h->n_ff; return INLAY_OK;
    }
}

/* As GGUF says it, else by the names that encoders have for it. */
static int32_t mask_token(const inlay_model *model) {
    static const char *const names[] = {"[MASK]", "<mask>"};
    const inlay__gguf_kv *kv = inlay__gguf_find(inlay__weights_metadata(&model->weights), "tokenizer.ggml.mask_token_id");
    int64_t said;
    int32_t token;
    if (model->tokenizer == NULL) return -1;
    if (kv != NULL && !kv->is_array && inlay__gguf_i64(kv, 0, &said) && said >= 0 &&
        (uint64_t)said < inlay__tokenizer_n_vocab(model->tokenizer))
        return (int32_t)said;
    for (size_t i = 0; i < INLAY__COUNT(names); i++)
        if (inlay__tokenizer_find(model->tokenizer, names[i], strlen(names[i]), &token)) return token;
    return -1;
}

/* FNV-1a over the tokens' texts, each ended by a byte that no UTF-8 holds; above 0. */
static int64_t tokens_hash(const inlay_model *model) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    int64_t said = 0;
    inlay__text text = metadata_string(model, "ngram.tokens_hash");
    if (inlay__parse_i64(text.text, text.size, &said)) return said;
    size_t n = model->tokenizer != NULL ? inlay__tokenizer_n_vocab(model->tokenizer) : 0;
    for (size_t id = 0; id < n; id++) {
        text = inlay__tokenizer_token_text(model->tokenizer, (int32_t)id);
        for (size_t i = 0; i <= text.size; i++)
            hash = (hash ^ (i < text.size ? (uint8_t)text.text[i] : 255)) * UINT64_C(0x100000001b3);
    }
    return n == 0 ? 0 : (int64_t)(hash >> 1 | 1);
}

static int32_t get_int(const inlay_model *model, int32_t fact, int64_t *value) {
    inlay__special_tokens special = {-1, -1, -1, -1};
    if (model->tokenizer != NULL) special = *inlay__tokenizer_special(model->tokenizer);
    switch (fact) {
    case INLAY_MODEL_N_VOCAB:
        *value = model->network != NULL ? (int64_t)inlay__model_hparams(model->network)->n_vocab
                 : model->tokenizer != NULL ? (int64_t)inlay__tokenizer_n_vocab(model->tokenizer) : 0;
        return INLAY_OK;
    case INLAY_MODEL_N_CONTEXT_TRAIN:
    case INLAY_MODEL_N_EMBD:
    case INLAY_MODEL_N_LAYER:
    case INLAY_MODEL_N_HEAD:
    case INLAY_MODEL_N_HEAD_KV:
    case INLAY_MODEL_N_FF: return network_fact(model, fact, value);
    case INLAY_MODEL_N_PARAMS: *value = (int64_t)count_parameters(model); return INLAY_OK;
    case INLAY_MODEL_FILE_BYTES: *value = (int64_t)model->weights.file_size; return INLAY_OK;
    case INLAY_MODEL_TOKEN_BYTES:
        *value = model->network != NULL ? (int64_t)inlay__model_token_bytes(model->network) : 0;
        return INLAY_OK;
    case INLAY_MODEL_PACKED: *value = inlay__weights_metadata(&model->weights)->packed; return INLAY_OK;
    case INLAY_MODEL_CAPABILITIES:
        *value = model->network != NULL ? inlay__model_capabilities(model->network) : 0;
        return INLAY_OK;
    case INLAY_MODEL_N_LABELS:
        *value = model->network != NULL ? (int64_t)inlay__model_labels(model->network) : 0;
        return INLAY_OK;
    case INLAY_MODEL_TOKEN_BOS: *value = special.bos; return INLAY_OK;
    case INLAY_MODEL_TOKEN_EOS: *value = special.eos; return INLAY_OK;
    case INLAY_MODEL_TOKEN_UNKNOWN: *value = special.unknown; return INLAY_OK;
    case INLAY_MODEL_TOKEN_PAD: *value = special.pad; return INLAY_OK;
    case INLAY_MODEL_TOKEN_MASK: *value = mask_token(model); return INLAY_OK;
    case INLAY_MODEL_TOKEN_START: *value = model->network != NULL ? inlay__model_start_token(model->network) : -1; return INLAY_OK;
    case INLAY_MODEL_TOKEN_FORCED: *value = model->network != NULL ? inlay__model_forced_token(model->network) : -1; return INLAY_OK;
    case INLAY_MODEL_TOKENS_HASH: *value = tokens_hash(model); return INLAY_OK;
    default: return inlay__fail(INLAY_ERR_KEY, "inlay_model_get_int: there is no integer fact %d", fact);
    }
}

int32_t inlay_model_get_int(const inlay_model *model, int32_t fact, int64_t *value) {
    INLAY__TRY(inlay__check_model("inlay_model_get_int", model));
    if (value == NULL) return inlay__owned(model, inlay__null_argument("inlay_model_get_int", "value"));
    return inlay__owned(model, get_int(model, fact, value));
}

static inlay__text text_of(const char *text) { return (inlay__text){text, strlen(text)}; }

static int32_t get_string(const inlay_model *model, int32_t fact, const char **text, size_t *size) {
    inlay__text found;
    switch (fact) {
    case INLAY_MODEL_ARCHITECTURE: found = metadata_string(model, "general.architecture"); break;
    case INLAY_MODEL_NAME: found = metadata_string(model, "general.name"); break;
    case INLAY_MODEL_CHAT_TEMPLATE: found = metadata_string(model, "tokenizer.chat_template"); break;
    case INLAY_MODEL_KIND: found = text_of(model->network != NULL ? inlay__model_kind(model->network) : ""); break;
    case INLAY_MODEL_CPU: found = text_of(inlay__cpu_name(model->cpu)); break;
    case INLAY_MODEL_TYPE_NAME: found = text_of(most_common_type(model)); break;
    case INLAY_MODEL_TOKENIZER: found = text_of(tokenizer_name(model)); break;
    default: return inlay__fail(INLAY_ERR_KEY, "inlay_model_get_string: there is no string fact %d", fact);
    }
    *text = found.text;
    *size = found.size;
    return INLAY_OK;
}

int32_t inlay_model_get_string(const inlay_model *model, int32_t fact, const char **text, size_t *size) {
    INLAY__TRY(inlay__check_model("inlay_model_get_string", model));
    if (text == NULL) return inlay__owned(model, inlay__null_argument("inlay_model_get_string", "text"));
    if (size == NULL) return inlay__owned(model, inlay__null_argument("inlay_model_get_string", "size"));
    return inlay__owned(model, get_string(model, fact, text, size));
}
