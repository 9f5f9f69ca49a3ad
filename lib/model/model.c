/* Opens a network: hyperparameters, architecture, tensors, and the weights packed for the CPU level in use. */
#include "base/fpenv.h"
#include "model/load.h"
#include "model/pack_model.h"

void *inlay__model_alloc_raw(inlay__model *model, size_t size) {
    if (inlay__grow(model->sys, (void **)&model->blocks, &model->block_capacity, model->n_blocks + 1,
                    sizeof *model->blocks) != INLAY_OK)
        return NULL;
    void *memory = inlay__alloc(model->sys, size);
    if (memory != NULL) model->blocks[model->n_blocks++] = (inlay__model_block){memory, size};
    return memory;
}

void *inlay__model_alloc(inlay__model *model, size_t count, size_t size) {
    size_t bytes;
    if (!inlay__mul_size(count, size, &bytes)) {
        inlay__fail(INLAY_ERR_MEMORY, "out of memory: %zu elements of %zu bytes do not fit an address space", count,
                    size);
        return NULL;
    }
    void *memory = inlay__model_alloc_raw(model, bytes);
    if (memory != NULL) memset(memory, 0, bytes);
    return memory;
}

/* The vocabulary is as large as the embedding, or there are as many 1-grams; metadata and tokenizer must agree. */
static int32_t check_vocab(inlay__model *model, const inlay__arch *arch, size_t n_tokenizer) {
    inlay__hparams *h = &model->hparams;
    const char *name = inlay__weights_name(model->weights);
    bool layers = !(arch->lacks & INLAY__LACKS_LAYERS);
    const char *tensor = layers ? "token_embd.weight" : "ngram.1.log_prob";
    const inlay__tensor *embedding = inlay__weights_find(model->weights, tensor);
    char origin[INLAY__ORIGIN_SIZE];
    if (embedding == NULL) return inlay__load_fail_missing(model->weights, tensor);
    uint64_t n = embedding->shape[layers];
    if (n > INLAY__MAX_VOCAB)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%s' has %llu rows, expected at most %d", name, tensor,
                           (unsigned long long)n, INLAY__MAX_VOCAB);
    if (h->n_vocab != 0 && h->n_vocab != n)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': '%s.vocab_size' is %u, but '%s'%s has %llu rows", name,
                           h->architecture, h->n_vocab, tensor, inlay__weights_origin(model->weights, tensor, origin),
                           (unsigned long long)n);
    h->n_vocab = (uint32_t)n;
    if (n_tokenizer > h->n_vocab)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': the tokenizer has %zu tokens, but '%s' has %u rows", name,
                           n_tokenizer, tensor, h->n_vocab);
    return INLAY_OK;
}

/* Writes the pointers, or counts them where there is no array yet. */
static size_t collect_blocks(inlay__model *model, inlay__layer_block **list) {
    inlay__stack *stacks[] = {&model->encoder, &model->decoder};
    inlay__layer_block *transforms[] = {&model->labels.transform, &model->head.transform};
    size_t n = 0;
    for (size_t s = 0; s < INLAY__COUNT(stacks); s++)
        for (size_t i = 0; i < stacks[s]->n_layer; i++)
            for (size_t b = 0; b < stacks[s]->layers[i].n_blocks; b++, n++)
                if (list != NULL) list[n] = &stacks[s]->layers[i].blocks[b];
    for (size_t i = 0; i < INLAY__COUNT(transforms); i++) {
        if (transforms[i]->kind == NULL) continue;
        if (list != NULL) list[n] = transforms[i];
        n++;
    }
    return n;
}

static int32_t list_blocks(inlay__model *model) {
    size_t n = collect_blocks(model, NULL);
    model->all_blocks = inlay__model_alloc(model, n, sizeof *model->all_blocks);
    if (model->all_blocks == NULL) return INLAY_ERR_MEMORY;
    model->n_all_blocks = collect_blocks(model, model->all_blocks);
    return INLAY_OK;
}

/* Both stacks as the hyperparameters say; families that have two tell what differs. */
static void begin_stacks(inlay__model *model) {
    const inlay__hparams *h = &model->hparams;
    model->decoder = (inlay__stack){.prefix = "", .n_head = h->n_head, .n_head_kv = h->n_head_kv,
                                    .n_head_dim = h->n_embd_head, .n_ff = h->n_ff};
    model->encoder = model->decoder;
    model->stack = &model->decoder;
}

/* Where the state of each recurrent block stands in a sequence's. */
static void place_states(inlay__model *model) {
    for (size_t i = 0; i < model->n_all_blocks; i++) {
        inlay__layer_block *block = model->all_blocks[i];
        inlay__needs needs = {.state = 0};
        block->kind->measure(block->weights, &needs);
        block->state = model->n_state;
        model->n_state += needs.state;
    }
}

/* What a decoder behind an encoder begins with. */
static int32_t read_start(inlay__model *model) {
    uint32_t start = 0, forced = UINT32_MAX;
    int64_t last = (int64_t)model->hparams.n_vocab - 1;
    model->start_token = model->forced_token = -1;
    if (model->n_crossed == 0) return INLAY_OK;
    INLAY__TRY(inlay__keys_u32(&model->keys, "decoder_start_token_id", false, 0, last, &start));
    INLAY__TRY(inlay__keys_u32(&model->keys, "decoder_forced_token_id", false, 0, last, &forced));
    model->start_token = (int32_t)start;
    if (forced != UINT32_MAX) model->forced_token = (int32_t)forced;
    return INLAY_OK;
}

static int32_t load(inlay__model *model, const inlay__model_config *config) {
    const char *name = inlay__weights_name(model->weights);
    int32_t status = inlay__hparams_read(name, inlay__weights_metadata(model->weights), &model->hparams);
    if (model->hparams.architecture == NULL) return status;
    /* An unknown architecture may lack what the known ones have: its name is the better message. */
    const inlay__arch *arch = inlay__arch_find(model->hparams.architecture);
    if (arch == NULL)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': architecture '%s' is not one this version runs (%s)",
                           name, model->hparams.architecture, inlay__arch_names());
    INLAY__TRY(status);
    INLAY__TRY(check_vocab(model, arch, config->n_vocab_tokenizer));
    INLAY__TRY(inlay__keys_init(name, inlay__weights_metadata(model->weights), &model->keys));
    model->embd_scale = model->hparams.embd_scale > 0.0f ? model->hparams.embd_scale : 1.0f;
    model->logit_scale = model->hparams.logit_scale > 0.0f ? model->hparams.logit_scale : 1.0f;
    model->logit_soft_cap = model->hparams.logit_soft_cap;
    model->used = inlay__model_alloc(model, model->weights->n_tensors, sizeof *model->used);
    if (model->used == NULL) return INLAY_ERR_MEMORY;
    begin_stacks(model);
    INLAY__TRY(arch->load(model));
    INLAY__TRY(inlay__load_require_all_used(model));
    INLAY__TRY(list_blocks(model));
    INLAY__TRY(read_start(model));
    place_states(model);
    return inlay__model_pack(model, config);
}

/* Files are little-endian, and tensors are used where they are mapped. */
static bool is_big_endian(void) {
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 0;
}

int32_t inlay__model_new(const inlay__sys *sys, const inlay__weights *weights, const inlay__model_config *config,
                         inlay__model **out) {
    if (is_big_endian())
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "file '%s': networks run on little-endian machines only, and this one is big-endian",
                           inlay__weights_name(weights));
    inlay__model *model = inlay__alloc_array(sys, 1, sizeof *model);
    if (model == NULL) return INLAY_ERR_MEMORY;
    model->sys = sys;
    model->weights = weights;
    inlay__kernels_init(&model->kernels, config->cpu);
    inlay__fpenv saved = inlay__fpenv_enter();
    int32_t status = load(model, config);
    inlay__fpenv_leave(saved);
    if (status != INLAY_OK) {
        inlay__model_free(model);
        return status;
    }
    *out = model;
    return INLAY_OK;
}

void inlay__model_free(inlay__model *model) {
    if (model == NULL) return;
    const inlay__sys *sys = model->sys;
    for (size_t i = 0; i < model->n_blocks; i++) inlay__free(sys, model->blocks[i].memory, model->blocks[i].size);
    inlay__free(sys, model->blocks, model->block_capacity * sizeof *model->blocks);
    inlay__free(sys, model, sizeof *model);
}

const inlay__hparams *inlay__model_hparams(const inlay__model *model) { return &model->hparams; }

size_t inlay__model_first_context(const inlay__model *model) {
    const inlay__rope *rope = &model->ropes[INLAY__ROPE_GLOBAL];
    size_t trained = model->hparams.n_context_train;
    return rope->long_frequencies != NULL ? inlay__min_size(rope->n_original, trained) : trained;
}

const inlay__kernels *inlay__model_kernels(const inlay__model *model) { return &model->kernels; }

size_t inlay__model_packed_size(const inlay__model *model) { return model->packed_size; }

const char *inlay__model_kind(const inlay__model *model) {
    if (model->encoder.n_layer == 0) return "decoder";
    return model->decoder.n_layer == 0 ? "encoder" : "encoder-decoder";
}

/* A recurrent state goes forward only: it cannot be taken back, nor see what comes. */
int32_t inlay__model_capabilities(const inlay__model *model) {
    int32_t can = 0;
    if (model->ngrams != NULL) return INLAY_CAN_GENERATE | INLAY_CAN_TRUNCATE | INLAY_CAN_SHIFT;
    if (model->encoder.n_layer > 0) can |= INLAY_CAN_ENCODE | INLAY_CAN_EMBED;
    if (model->labels.output.matrix.n_rows > 0) can |= INLAY_CAN_CLASSIFY;
    if (model->decoder.n_layer == 0) return can | (model->head.output.matrix.n_rows > 0 ? INLAY_CAN_FILL_MASK : 0);
    can |= INLAY_CAN_GENERATE;
    if (model->n_state == 0) can |= INLAY_CAN_TRUNCATE;
    if (model->n_state == 0 && model->decoder.positions.n_rows == 0) can |= INLAY_CAN_SHIFT;
    return model->n_state == 0 && model->n_crossed == 0 ? can | INLAY_CAN_PREFIX : can;
}

int32_t inlay__model_start_token(const inlay__model *model) { return model->start_token; }

int32_t inlay__model_forced_token(const inlay__model *model) { return model->forced_token; }

int32_t inlay__model_pooling(const inlay__model *model) {
    return model->pooling != INLAY_POOLING_MODEL ? model->pooling : INLAY_POOLING_MEAN;
}

size_t inlay__model_labels(const inlay__model *model) { return model->labels.output.matrix.n_rows; }

size_t inlay__model_segments(const inlay__model *model) { return model->encoder.types.n_rows; }
