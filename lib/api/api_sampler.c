/* Samplers: chains of stages in the caller's order. */
#include "handles.h"
#include "sample/stage_table.h"

enum { MOST_VOCAB = 1 << 24 };

/* ------------------------------------------------------------------- entering */

/* Takes the sampler for a call; a second call meanwhile, as from a stage's callback, is refused. */
int32_t inlay__sampler_enter(const char *function, inlay_sampler *sampler) {
    int idle = INLAY__IDLE;
    if (sampler == NULL) return inlay__null_argument(function, "sampler");
    if (sampler->magic != INLAY__MAGIC_SAMPLER)
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: sampler is not an inlay_sampler", function);
    if (atomic_compare_exchange_strong(&sampler->use, &idle, INLAY__BUSY)) return INLAY_OK;
    return inlay__fail(INLAY_ERR_BUSY, "%s: another call is using this sampler", function);
}

static void destroy(inlay_sampler *sampler) {
    inlay__sys sys = sampler->sys;
    sampler->magic = INLAY__MAGIC_FREED;
    inlay__chain_free(&sampler->chain);
    inlay__free(&sys, sampler, sizeof *sampler);
}

int32_t inlay__sampler_leave(inlay_sampler *sampler, int32_t status) {
    int busy = INLAY__BUSY;
    if (!atomic_compare_exchange_strong(&sampler->use, &busy, INLAY__IDLE)) destroy(sampler); /* freed meanwhile */
    return status;
}

/* ------------------------------------------------------------------- lifetime */

static int32_t make(const inlay__sys *sys, size_t n_vocab, uint64_t seed, inlay_sampler **out) {
    inlay_sampler *sampler = inlay__alloc_array(sys, 1, sizeof *sampler);
    if (sampler == NULL) return INLAY_ERR_MEMORY;
    sampler->magic = INLAY__MAGIC_SAMPLER;
    sampler->sys = *sys;
    atomic_init(&sampler->use, INLAY__IDLE);
    int32_t status = inlay__chain_init(&sampler->chain, &sampler->sys, inlay__cpu_best(), n_vocab, seed);
    if (status == INLAY_OK)
        *out = sampler;
    else
        destroy(sampler);
    return status;
}

int32_t inlay_sampler_new(size_t n_vocab, const inlay_options *options, inlay_sampler **sampler) {
    const char *function = "inlay_sampler_new";
    inlay_options defaults;
    const inlay_options *found;
    if (sampler == NULL) return inlay__null_argument(function, "sampler");
    *sampler = NULL;
    if (n_vocab == 0 || n_vocab > MOST_VOCAB)
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: n_vocab is %zu, expected 1 to %d", function, n_vocab, MOST_VOCAB);
    INLAY__TRY(inlay__options_or_defaults(function, options, &defaults, &found));
    return make(&found->sys, n_vocab, (uint64_t)found->values[INLAY__SEED].integer, sampler);
}

void inlay_sampler_free(inlay_sampler *sampler) {
    int busy = INLAY__BUSY;
    if (sampler == NULL || sampler->magic != INLAY__MAGIC_SAMPLER) return;
    if (atomic_compare_exchange_strong(&sampler->use, &busy, INLAY__BUSY_THEN_FREE)) return; /* its call will */
    if (busy == INLAY__IDLE) destroy(sampler);
}

int32_t inlay_sampler_clone(inlay_sampler *sampler, inlay_sampler **copy) {
    inlay_sampler *made = NULL;
    if (copy == NULL) return inlay__null_argument("inlay_sampler_clone", "copy");
    *copy = NULL;
    INLAY__TRY(inlay__sampler_enter("inlay_sampler_clone", sampler));
    int32_t status = make(&sampler->sys, sampler->chain.n_vocab, sampler->chain.seed, &made);
    if (status == INLAY_OK) status = inlay__chain_copy(&sampler->chain, &made->chain);
    if (status == INLAY_OK)
        *copy = made;
    else if (made != NULL)
        destroy(made);
    return inlay__sampler_leave(sampler, status);
}

/* --------------------------------------------------------------------- stages */

int32_t inlay_sampler_add(inlay_sampler *sampler, int32_t stage) {
    inlay__stage made = {.kind = stage};
    INLAY__TRY(inlay__sampler_enter("inlay_sampler_add", sampler));
    size_t size = (sampler->chain.n_vocab + 7) / 8;
    if (!inlay__stage_is_plain(stage)) {
        const char *name = inlay__stage_name(stage);
        if (name != NULL)
            return inlay__sampler_leave(
                sampler, inlay__fail(INLAY_ERR_ARGUMENT,
                                     "inlay_sampler_add: stage '%s' is added by inlay_sampler_add_%s", name, name));
        return inlay__sampler_leave(sampler,
                                    inlay__fail(INLAY_ERR_ARGUMENT, "inlay_sampler_add: there is no stage %d", stage));
    }
    inlay__stage_initial(stage, made.values);
    if (stage == INLAY_STAGE_DRY) {
        made.memory = inlay__alloc_array(&sampler->sys, size, 1);
        made.memory_size = size;
        if (made.memory == NULL) return inlay__sampler_leave(sampler, INLAY_ERR_MEMORY);
    }
    int32_t status = inlay__chain_add(&sampler->chain, &made);
    if (status != INLAY_OK) inlay__free(&sampler->sys, made.memory, size);
    return inlay__sampler_leave(sampler, status);
}

static int32_t set(inlay__chain *chain, int32_t key, double value) {
    const inlay__stage_parameter *parameter = inlay__stage_parameter_find(key);
    if (parameter == NULL) return inlay__fail(INLAY_ERR_KEY, "inlay_sampler_set: there is no parameter %d", key);
    const char *stage = inlay__stage_name(parameter->stage);
    if (!(value >= parameter->least && value <= parameter->greatest))
        return inlay__fail(INLAY_ERR_ARGUMENT, "inlay_sampler_set: '%s' of stage '%s' is %g, expected %g to %g",
                           parameter->name, stage, value, parameter->least, parameter->greatest);
    if (parameter->is_whole && value != (double)(int64_t)value)
        return inlay__fail(INLAY_ERR_ARGUMENT, "inlay_sampler_set: '%s' of stage '%s' is %g, expected a whole number",
                           parameter->name, stage, value);
    return inlay__chain_set(chain, key, value);
}

int32_t inlay_sampler_set(inlay_sampler *sampler, int32_t parameter, double value) {
    INLAY__TRY(inlay__sampler_enter("inlay_sampler_set", sampler));
    return inlay__sampler_leave(sampler, set(&sampler->chain, parameter, value));
}

static int32_t check_tokens(const char *function, const inlay__chain *chain, const int32_t *tokens, size_t n) {
    if (tokens == NULL && n > 0) return inlay__null_argument(function, "tokens");
    for (size_t i = 0; i < n; i++)
        if (tokens[i] < 0 || (size_t)tokens[i] >= chain->n_vocab)
            return inlay__fail(INLAY_ERR_TOKEN, "%s: tokens[%zu] is %d, but the sampler has %zu tokens", function, i,
                               tokens[i], chain->n_vocab);
    return INLAY_OK;
}

/* Adds a stage with memory of its own, which is freed if that fails. */
static int32_t add_with(inlay_sampler *sampler, inlay__stage *stage) {
    int32_t status = inlay__chain_add(&sampler->chain, stage);
    if (status != INLAY_OK) inlay__stage_free(stage, &sampler->sys);
    return status;
}

static int32_t add_bias(inlay_sampler *sampler, const int32_t *tokens, const float *biases, size_t n) {
    const char *function = "inlay_sampler_add_bias";
    INLAY__TRY(check_tokens(function, &sampler->chain, tokens, n));
    for (size_t i = 0; i < n && biases != NULL; i++)
        if (!(biases[i] <= 3.4028235e38f))
            return inlay__fail(INLAY_ERR_ARGUMENT, "%s: biases[%zu] is no number or infinite", function, i);
    inlay__bias *memory = inlay__alloc_array(&sampler->sys, n, sizeof *memory);
    if (memory == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < n; i++)
        memory[i] = (inlay__bias){tokens[i], biases != NULL ? biases[i] : inlay__bits_f32(0xff800000)};
    inlay__stage stage = {.kind = INLAY_STAGE_BIAS, .memory = memory, .memory_size = n * sizeof *memory, .n = n};
    return add_with(sampler, &stage);
}

int32_t inlay_sampler_add_bias(inlay_sampler *sampler, const int32_t *tokens, const float *biases, size_t n_tokens) {
    INLAY__TRY(inlay__sampler_enter("inlay_sampler_add_bias", sampler));
    return inlay__sampler_leave(sampler, add_bias(sampler, tokens, biases, n_tokens));
}

static int32_t add_allowed(inlay_sampler *sampler, const int32_t *tokens, size_t n) {
    const char *function = "inlay_sampler_add_allowed";
    size_t size = (sampler->chain.n_vocab + 7) / 8;
    if (n == 0) return inlay__fail(INLAY_ERR_ARGUMENT, "%s: n_tokens is 0, expected at least one", function);
    INLAY__TRY(check_tokens(function, &sampler->chain, tokens, n));
    inlay__stage stage = {
        .kind = INLAY_STAGE_ALLOWED, .memory = inlay__alloc_array(&sampler->sys, size, 1), .memory_size = size};
    if (stage.memory == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < n; i++)
        inlay__set_add(stage.memory, tokens[i]);
    return add_with(sampler, &stage);
}

int32_t inlay_sampler_add_allowed(inlay_sampler *sampler, const int32_t *tokens, size_t n_tokens) {
    INLAY__TRY(inlay__sampler_enter("inlay_sampler_add_allowed", sampler));
    return inlay__sampler_leave(sampler, add_allowed(sampler, tokens, n_tokens));
}

int32_t inlay_sampler_add_callback(inlay_sampler *sampler, inlay_stage_fn call, void *user) {
    inlay__stage stage = {.kind = INLAY_STAGE_CALLBACK, .call = call, .user = user};
    INLAY__TRY(inlay__sampler_enter("inlay_sampler_add_callback", sampler));
    if (call == NULL) return inlay__sampler_leave(sampler, inlay__null_argument("inlay_sampler_add_callback", "call"));
    return inlay__sampler_leave(sampler, inlay__chain_add(&sampler->chain, &stage));
}

static int32_t set_breakers(inlay__chain *chain, const int32_t *tokens, size_t n) {
    const char *function = "inlay_sampler_set_breakers";
    inlay__stage *stage = inlay__chain_last(chain, INLAY_STAGE_DRY);
    INLAY__TRY(check_tokens(function, chain, tokens, n));
    if (stage == NULL) return inlay__fail(INLAY_ERR_STATE, "%s: the sampler has no stage 'dry'", function);
    memset(stage->memory, 0, stage->memory_size);
    for (size_t i = 0; i < n; i++)
        inlay__set_add(stage->memory, tokens[i]);
    return INLAY_OK;
}

int32_t inlay_sampler_set_breakers(inlay_sampler *sampler, const int32_t *tokens, size_t n_tokens) {
    INLAY__TRY(inlay__sampler_enter("inlay_sampler_set_breakers", sampler));
    return inlay__sampler_leave(sampler, set_breakers(&sampler->chain, tokens, n_tokens));
}

/* ----------------------------------------------------------- text and choices */

int32_t inlay_sampler_accept(inlay_sampler *sampler, const int32_t *tokens, size_t n_tokens) {
    INLAY__TRY(inlay__sampler_enter("inlay_sampler_accept", sampler));
    int32_t status = check_tokens("inlay_sampler_accept", &sampler->chain, tokens, n_tokens);
    if (status == INLAY_OK) status = inlay__chain_accept(&sampler->chain, tokens, n_tokens);
    return inlay__sampler_leave(sampler, status);
}

int32_t inlay_sampler_reset(inlay_sampler *sampler, uint64_t seed) {
    INLAY__TRY(inlay__sampler_enter("inlay_sampler_reset", sampler));
    inlay__chain_reset(&sampler->chain, seed);
    return inlay__sampler_leave(sampler, INLAY_OK);
}

static int32_t sample(inlay_sampler *sampler, const float *logits, int32_t *token) {
    if (logits == NULL) return inlay__null_argument("inlay_sampler_sample", "logits");
    if (token == NULL) return inlay__null_argument("inlay_sampler_sample", "token");
    return inlay__chain_choose(&sampler->chain, logits, token);
}

int32_t inlay_sampler_sample(inlay_sampler *sampler, const float *logits, int32_t *token) {
    INLAY__TRY(inlay__sampler_enter("inlay_sampler_sample", sampler));
    return inlay__sampler_leave(sampler, sample(sampler, logits, token));
}

static int32_t candidates(inlay_sampler *sampler, const float *logits, int32_t *tokens, float *probabilities,
                          size_t capacity, size_t *n) {
    const char *function = "inlay_sampler_candidates";
    const inlay__sampler_scratch *scratch = &sampler->chain.scratch;
    size_t found = 0;
    double total = 0.0;
    if (logits == NULL) return inlay__null_argument(function, "logits");
    if (n == NULL) return inlay__null_argument(function, "n");
    INLAY__TRY(inlay__chain_candidates(&sampler->chain, logits, &found));
    *n = found;
    if (found > capacity && (tokens != NULL || probabilities != NULL))
        return inlay__fail(INLAY_ERR_BUFFER, "%s: there are %zu candidates, capacity is %zu", function, found,
                           capacity);
    for (size_t i = 0; i < found; i++)
        total += (double)scratch->weights[scratch->ids[i]];
    for (size_t i = 0; i < found; i++) {
        if (tokens != NULL) tokens[i] = scratch->ids[i];
        if (probabilities != NULL) probabilities[i] = (float)((double)scratch->weights[scratch->ids[i]] / total);
    }
    return INLAY_OK;
}

int32_t inlay_sampler_candidates(inlay_sampler *sampler, const float *logits, int32_t *tokens, float *probabilities,
                                 size_t capacity, size_t *n) {
    INLAY__TRY(inlay__sampler_enter("inlay_sampler_candidates", sampler));
    return inlay__sampler_leave(sampler, candidates(sampler, logits, tokens, probabilities, capacity, n));
}

/* --------------------------------------------------------------------- state */

static int32_t save(const inlay__chain *chain, void *bytes, size_t capacity, size_t *needed) {
    size_t size = inlay__chain_state_size(chain);
    if (needed == NULL) return inlay__null_argument("inlay_sampler_save", "needed");
    *needed = size;
    if (size > capacity || bytes == NULL)
        return inlay__fail(INLAY_ERR_BUFFER, "inlay_sampler_save: the state has %zu bytes, capacity is %zu", size,
                           bytes != NULL ? capacity : 0);
    inlay__chain_save(chain, bytes);
    return INLAY_OK;
}

int32_t inlay_sampler_save(inlay_sampler *sampler, void *bytes, size_t capacity, size_t *needed) {
    INLAY__TRY(inlay__sampler_enter("inlay_sampler_save", sampler));
    return inlay__sampler_leave(sampler, save(&sampler->chain, bytes, capacity, needed));
}

int32_t inlay_sampler_load(inlay_sampler *sampler, const void *bytes, size_t size) {
    INLAY__TRY(inlay__sampler_enter("inlay_sampler_load", sampler));
    if (bytes == NULL) return inlay__sampler_leave(sampler, inlay__null_argument("inlay_sampler_load", "bytes"));
    return inlay__sampler_leave(sampler, inlay__chain_load(&sampler->chain, bytes, size));
}
