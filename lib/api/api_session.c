/* Sessions: made and freed, their sequence in hand evaluated and sampled. */
#include "base/fpenv.h"
#include "base/pool.h"
#include "handles.h"
#include "model/kept.h"
#include "model/sequences.h"
#include "recording.h"

enum { DEFAULT_CONTEXT = 4096 };

int32_t inlay__check_session(const char *function, const inlay_session *session) {
    if (session == NULL) return inlay__null_argument(function, "session");
    if (session->magic != INLAY__MAGIC_SESSION)
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: session is not an inlay_session", function);
    return INLAY_OK;
}

/* Takes the session for a call. A second call meanwhile, from another thread or a callback, is refused and touches
 * nothing of it. */
int32_t inlay__session_enter_pending(const char *function, inlay_session *session) {
    int idle = INLAY__IDLE;
    INLAY__TRY(inlay__check_session(function, session));
    if (atomic_compare_exchange_strong(&session->use, &idle, INLAY__BUSY)) return INLAY_OK;
    return inlay__fail(INLAY_ERR_BUSY, "%s: another call is using this session", function);
}

int32_t inlay__session_enter(const char *function, inlay_session *session) {
    INLAY__TRY(inlay__session_enter_pending(function, session));
    if (!inlay__decoder_is_pending(session->decoder)) return INLAY_OK;
    int32_t status = inlay__fail(INLAY_ERR_STATE,
                                 "%s: an evaluation is pending, expected inlay_eval_step until it is done, or "
                                 "inlay_eval_abandon",
                                 function);
    return inlay__session_leave(session, status);
}

/* Keeps the text of a failure in the session. */
static int32_t keep_error(inlay_session *session, int32_t status) {
    if (status < INLAY_OK) inlay__format(session->error, sizeof session->error, "%s", inlay__error_text());
    return status;
}

static void destroy(inlay_session *session);

int32_t inlay__session_leave(inlay_session *session, int32_t status) {
    int busy = INLAY__BUSY;
    keep_error(session, status);
    if (!atomic_compare_exchange_strong(&session->use, &busy, INLAY__IDLE)) destroy(session); /* freed meanwhile */
    return status;
}

int32_t inlay__session_can(const char *function, const inlay_session *session, int32_t bit) {
    static const struct {
        int32_t bit;
        const char *what, *instead;
    } table[] = {
        {INLAY_CAN_GENERATE, "cannot generate", "inlay_encode and what follows it"},
        {INLAY_CAN_ENCODE, "has no encoder", "inlay_eval"},
        {INLAY_CAN_EMBED, "makes no embeddings", "inlay_eval"},
        {INLAY_CAN_FILL_MASK, "has no head that predicts masked tokens", "inlay_hidden_states, or inlay_logits of a decoder"},
        {INLAY_CAN_CLASSIFY, "has no head that classifies", "a model trained to"},
    };
    const inlay__model *network = session->model->network;
    size_t i = 0;
    if (inlay__model_capabilities(network) & bit) return INLAY_OK;
    while (i + 1 < INLAY__COUNT(table) && table[i].bit != bit) i++;
    return inlay__fail(INLAY_ERR_UNSUPPORTED, "%s: model '%s' (%s) is %s %s and %s; use %s", function,
                       inlay__weights_name(&session->model->weights), inlay__model_hparams(network)->architecture,
                       inlay__model_kind(network)[0] == 'e' ? "an" : "a", inlay__model_kind(network), table[i].what, table[i].instead);
}

/* ------------------------------------------------------------------ memory */

/* All memory of a session passes here, so that INLAY_SESSION_MEMORY is what the allocator was asked for. */
static void *count_alloc(void *user, size_t size, size_t alignment) {
    inlay_session *session = user;
    void *memory = session->owner_sys.alloc(session->owner_sys.user, size, alignment);
    if (memory != NULL) session->memory += size;
    return memory;
}

static void count_release(void *user, void *memory, size_t size) {
    inlay_session *session = user;
    session->memory -= size;
    session->owner_sys.release(session->owner_sys.user, memory, size);
}

/* ----------------------------------------------------------- new and free */

static size_t choose_context(const inlay_session *session, const inlay__log *log) {
    size_t trained = inlay__model_hparams(session->model->network)->n_context_train;
    size_t asked = (size_t)session->values[INLAY__CONTEXT].integer;
    size_t first = inlay__model_first_context(session->model->network);
    if (asked == 0) return first > 0 ? inlay__min_size(first, DEFAULT_CONTEXT) : DEFAULT_CONTEXT;
    if (trained > 0 && asked > trained)
        inlay__log_write(log, INLAY_LOG_WARNING,
                         "a context of %zu tokens is beyond the %zu that the model was trained with", asked, trained);
    return asked;
}

/* The session's sequences, and which is in hand. */
static int32_t choose_sequences(inlay_session *session) {
    const inlay__model *network = session->model->network;
    int64_t n = session->values[INLAY__SEQUENCES].integer, sequence = session->values[INLAY__SEQUENCE].integer;
    int64_t keep = session->values[INLAY__KEEP].integer;
    if (n > 1 && !(inlay__model_capabilities(network) & INLAY_CAN_GENERATE))
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "option 'sequences' is %lld, but architecture '%s' has no sequences to go on with",
                           (long long)n, inlay__model_hparams(network)->architecture);
    if (keep > 0 && !(inlay__model_capabilities(network) & INLAY_CAN_GENERATE))
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "option 'keep' is %lld, but architecture '%s' has no sequences to go on with",
                           (long long)keep, inlay__model_hparams(network)->architecture);
    session->n_sequences = (size_t)n;
    return inlay__session_sequence(session, "option 'sequence'", sequence, &session->sequence);
}

static int32_t set_up(inlay_session *session, const inlay_options *options) {
    const inlay_model *model = session->model;
    size_t n_vocab = inlay__model_hparams(model->network)->n_vocab;
    session->n_context = choose_context(session, &options->log);
    INLAY__TRY(choose_sequences(session));
    size_t n_prefix = (size_t)session->values[INLAY__PREFIX].integer;
    size_t n_batch = inlay__max_size((size_t)session->values[INLAY__BATCH].integer, n_prefix);
    int64_t rewind = session->values[INLAY__REWIND].integer;
    bool encodes = inlay__model_capabilities(model->network) & INLAY_CAN_ENCODE;
    size_t n_all; /* tokens of all sequences, which a batch need not be above */
    if (!inlay__mul_size(session->n_context, session->n_sequences, &n_all)) n_all = SIZE_MAX;
    session->n_batch = encodes ? inlay__max_size(n_batch, session->n_context) : inlay__min_size(n_batch, n_all);
    session->n_threads = inlay__thread_count(options);
    inlay__decoder_config config = {.n_context = session->n_context,
                                    .n_batch = session->n_batch,
                                    .n_threads = session->n_threads,
                                    .cache_type = (uint32_t)session->values[INLAY__CACHE_TYPE].integer,
                                    .n_sequences = session->n_sequences,
                                    .n_kept = (size_t)session->values[INLAY__KEEP].integer,
                                    .n_kept_tokens = (size_t)session->values[INLAY__KEEP_TOKENS].integer,
                                    .n_rewind = rewind < 0 ? SIZE_MAX : (size_t)rewind};
    INLAY__TRY(inlay__decoder_new(&session->sys, model->network, &config, &session->decoder));
    session->n_vocab = n_vocab;
    float *memory = inlay__decoder_scratch(session->decoder);
    inlay__sampler_scratch scratch = {(int32_t *)(void *)(memory + n_vocab), memory};
    inlay__sampler_config sampling = inlay__sampler_config_of(session->values);
    inlay__sampler_init(&session->sampler, inlay__model_kernels(model->network), &sampling, &scratch, n_vocab);
    for (size_t i = 0; i < session->n_sequences; i++)
        INLAY__TRY(inlay__decoder_set_prefix(session->decoder, i, n_prefix));
    return INLAY_OK;
}

/* The options' numbers; strings act when a model opens, and stay with the options. */
static void copy_values(inlay_session *session, const inlay_options *options) {
    memcpy(session->values, options->values, sizeof session->values);
    session->values[INLAY__CPU] = (inlay__option_value){.string = {NULL, 0}};
    session->progress = options->progress;
    session->progress_user = options->progress_user;
}

static int32_t new_session(inlay_model *model, const inlay__sys *sys, const inlay_options *options,
                           inlay_session **out) {
    inlay_session *session = inlay__alloc_array(sys, 1, sizeof *session);
    if (session == NULL) return INLAY_ERR_MEMORY;
    session->magic = INLAY__MAGIC_SESSION;
    session->owner_sys = session->sys = *sys;
    session->sys.user = session;
    session->sys.alloc = count_alloc;
    session->sys.release = count_release;
    session->memory = sizeof *session;
    session->model = model;
    atomic_init(&session->use, INLAY__IDLE);
    atomic_init(&session->cancel, 0);
    atomic_fetch_add(&model->n_references, 1);
    copy_values(session, options);
    int32_t status = set_up(session, options);
    if (status != INLAY_OK) {
        destroy(session);
        return status;
    }
    *out = session;
    return INLAY_OK;
}

int32_t inlay_session_new(inlay_model *model, const inlay_options *options, inlay_session **session) {
    const char *function = "inlay_session_new";
    inlay_options defaults;
    const inlay_options *found;
    if (session == NULL) return inlay__null_argument(function, "session");
    *session = NULL;
    INLAY__TRY(inlay__check_model(function, model));
    INLAY__TRY(inlay__options_or_defaults(function, options, &defaults, &found));
    if (model->network == NULL)
        return inlay__owned(
            model, inlay__fail(INLAY_ERR_STATE, "%s: the model was opened with its vocabulary only", function));
    return inlay__owned(model, new_session(model, options != NULL ? &options->sys : &model->sys, found, session));
}

static void destroy(inlay_session *session) {
    inlay__sys sys = session->owner_sys;
    inlay_model *model = session->model;
    session->magic = INLAY__MAGIC_FREED;
    inlay__recording_drop(session);
    inlay__decoder_free(session->decoder);
    inlay__free(&sys, session, sizeof *session);
    inlay__model_release(model);
}

void inlay_session_free(inlay_session *session) {
    int busy = INLAY__BUSY;
    if (session == NULL || session->magic != INLAY__MAGIC_SESSION) return;
    if (atomic_compare_exchange_strong(&session->use, &busy, INLAY__BUSY_THEN_FREE)) return; /* its call will */
    if (busy == INLAY__IDLE) destroy(session);
}

/* -------------------------------------------------------------- evaluation */

inlay__eval_hooks inlay__session_hooks(inlay_session *session) {
    return (inlay__eval_hooks){
        .cancel = &session->cancel, .progress = session->progress, .progress_user = session->progress_user};
}

int32_t inlay__session_eval_silently(inlay_session *session, const inlay__run *runs, size_t n_runs, float *logits) {
    const inlay__eval_hooks hooks = inlay__session_hooks(session);
    INLAY__TRY(inlay__weights_check(&session->model->weights));
    return inlay__decoder_eval(session->decoder, runs, n_runs, logits, &hooks);
}

int32_t inlay__session_eval(inlay_session *session, const inlay__run *runs, size_t n_runs, float *logits) {
    INLAY__TRY(inlay__session_eval_silently(session, runs, n_runs, logits));
    inlay__record_eval(session, runs, n_runs);
    return INLAY_OK;
}

int32_t inlay__session_run(const char *function, inlay_session *session, const int32_t *tokens, size_t n_tokens,
                           inlay__run *run) {
    INLAY__TRY(inlay__session_can(function, session, INLAY_CAN_GENERATE));
    if (tokens == NULL) return inlay__null_argument(function, "tokens");
    if (n_tokens == 0) return inlay__fail(INLAY_ERR_ARGUMENT, "%s: n_tokens is 0, expected at least one", function);
    *run = (inlay__run){session->sequence, tokens, n_tokens};
    return INLAY_OK;
}

static int32_t eval(const char *function, inlay_session *session, const int32_t *tokens, size_t n_tokens,
                    float *logits) {
    inlay__run run;
    atomic_store(&session->cancel, 0); /* first of all: from here on a cancel counts */
    INLAY__TRY(inlay__session_run(function, session, tokens, n_tokens, &run));
    return inlay__session_eval(session, &run, 1, logits);
}

int32_t inlay_eval(inlay_session *session, const int32_t *tokens, size_t n_tokens) {
    INLAY__TRY(inlay__session_enter("inlay_eval", session));
    return inlay__session_leave(session, eval("inlay_eval", session, tokens, n_tokens, NULL));
}

static int32_t eval_all(inlay_session *session, const int32_t *tokens, size_t n_tokens, float *logits,
                        size_t capacity) {
    size_t needed, n_vocab = session->n_vocab;
    if (logits == NULL) return inlay__null_argument("inlay_eval_all", "logits");
    if (!inlay__mul_size(n_tokens, n_vocab, &needed) || needed > capacity)
        return inlay__fail(INLAY_ERR_BUFFER, "inlay_eval_all: %zu tokens give %zu floats each, capacity is %zu",
                           n_tokens, n_vocab, capacity);
    return eval("inlay_eval_all", session, tokens, n_tokens, logits);
}

int32_t inlay_eval_all(inlay_session *session, const int32_t *tokens, size_t n_tokens, float *logits, size_t capacity) {
    INLAY__TRY(inlay__session_enter("inlay_eval_all", session));
    return inlay__session_leave(session, eval_all(session, tokens, n_tokens, logits, capacity));
}

int32_t inlay__session_logits(const char *function, inlay_session *session, float **logits) {
    INLAY__TRY(inlay__session_can(function, session, INLAY_CAN_GENERATE));
    *logits = inlay__decoder_logits(session->decoder, session->sequence);
    if (*logits != NULL) return INLAY_OK;
    return inlay__fail(INLAY_ERR_STATE,
                       "%s: there are no logits: nothing was evaluated since the sequence began or was "
                       "shortened",
                       function);
}

int32_t inlay_logits(inlay_session *session, float **logits, size_t *n_vocab) {
    float *found;
    INLAY__TRY(inlay__session_enter("inlay_logits", session));
    int32_t status = inlay__session_logits("inlay_logits", session, &found);
    if (status == INLAY_OK && logits != NULL) *logits = found;
    if (status == INLAY_OK && n_vocab != NULL) *n_vocab = session->n_vocab;
    return inlay__session_leave(session, status);
}

static int32_t sample(inlay_session *session, int32_t *token) {
    float *logits;
    if (token == NULL) return inlay__null_argument("inlay_sample", "token");
    INLAY__TRY(inlay__session_logits("inlay_sample", session, &logits));
    inlay__fpenv saved = inlay__fpenv_enter();
    int32_t status = inlay__sampler_choose(&session->sampler, logits, token);
    inlay__fpenv_leave(saved);
    if (status == INLAY_OK) inlay__record_sample(session, *token);
    return status;
}

int32_t inlay_sample(inlay_session *session, int32_t *token) {
    INLAY__TRY(inlay__session_enter("inlay_sample", session));
    return inlay__session_leave(session, sample(session, token));
}

/* ------------------------------------------------------- settings and facts */

/* The new value stands among the session's; on failure the one before comes back. */
static int32_t set_prefix(inlay_session *session, int64_t before) {
    inlay__option_value *value = &session->values[INLAY__PREFIX];
    int32_t status = inlay__decoder_set_prefix(session->decoder, session->sequence, (size_t)value->integer);
    if (status != INLAY_OK) value->integer = before;
    return status;
}

static int32_t set_sequence(const char *function, inlay_session *session) {
    inlay__option_value *value = &session->values[INLAY__SEQUENCE];
    int32_t status = inlay__session_sequence(session, function, value->integer, &session->sequence);
    value->integer = (int64_t)session->sequence;
    return status;
}

static int32_t set_number(const char *function, inlay_session *session, int32_t key, int32_t kind, double number,
                          int64_t integer) {
    if (inlay__option_exists(key) && !inlay__option_may_change(key))
        return inlay__fail(INLAY_ERR_STATE, "%s: option %d was fixed when the session was made", function, key);
    int64_t before = session->values[INLAY__PREFIX].integer;
    INLAY__TRY(inlay__option_set_number(function, session->values, key, kind, number, integer));
    session->sampler.config = inlay__sampler_config_of(session->values);
    if (key == INLAY_OPT_PREFIX) INLAY__TRY(set_prefix(session, before));
    if (key == INLAY_OPT_SEQUENCE) INLAY__TRY(set_sequence(function, session));
    if (key == INLAY_OPT_SEED) inlay__rng_seed(&session->sampler.rng, session->sampler.config.seed);
    inlay__record_number(session, key, kind, number, integer);
    return INLAY_OK;
}

int32_t inlay_session_set_int(inlay_session *session, int32_t key, int64_t value) {
    INLAY__TRY(inlay__session_enter("inlay_session_set_int", session));
    return inlay__session_leave(session, set_number("inlay_session_set_int", session, key, INLAY_KIND_INT, 0.0, value));
}

int32_t inlay_session_set_float(inlay_session *session, int32_t key, double value) {
    INLAY__TRY(inlay__session_enter("inlay_session_set_float", session));
    return inlay__session_leave(session, set_number("inlay_session_set_float", session, key, INLAY_KIND_FLOAT, value, 0));
}

static int32_t get_int(const inlay_session *session, int32_t fact, int64_t *value) {
    size_t n;
    if (value == NULL) return inlay__null_argument("inlay_session_get_int", "value");
    switch (fact) {
    case INLAY_SESSION_LENGTH: *value = (int64_t)inlay__decoder_length(session->decoder, session->sequence); return INLAY_OK;
    case INLAY_SESSION_ENCODED:
        inlay__sequences_states(session->decoder, &n);
        *value = (int64_t)n;
        return INLAY_OK;
    case INLAY_SESSION_SEQUENCES: *value = (int64_t)session->n_sequences; return INLAY_OK;
    case INLAY_SESSION_KEPT: *value = (int64_t)inlay__kept_count(session->decoder); return INLAY_OK;
    case INLAY_SESSION_CONTEXT: *value = (int64_t)session->n_context; return INLAY_OK;
    case INLAY_SESSION_THREADS: *value = (int64_t)session->n_threads; return INLAY_OK;
    case INLAY_SESSION_BATCH: *value = (int64_t)session->n_batch; return INLAY_OK;
    case INLAY_SESSION_MEMORY: *value = (int64_t)session->memory; return INLAY_OK;
    case INLAY_SESSION_CACHE_MEMORY: *value = (int64_t)inlay__decoder_cache_memory(session->decoder); return INLAY_OK;
    default: return inlay__fail(INLAY_ERR_KEY, "inlay_session_get_int: there is no fact %d", fact);
    }
}

/* Allowed in callbacks too, so it does not enter. Only the text of a failure is ever written. */
int32_t inlay_session_get_int(const inlay_session *session, int32_t fact, int64_t *value) {
    INLAY__TRY(inlay__check_session("inlay_session_get_int", session));
    return keep_error((inlay_session *)(uintptr_t)session, get_int(session, fact, value));
}

static int32_t truncate(inlay_session *session, size_t length) {
    size_t present = inlay__decoder_length(session->decoder, session->sequence);
    if (length > present)
        return inlay__fail(INLAY_ERR_ARGUMENT, "inlay_session_truncate: length is %zu, but the sequence has %zu tokens",
                           length, present);
    INLAY__TRY(inlay__decoder_truncate(session->decoder, session->sequence, length));
    inlay__record_plain(session, INLAY__RECORD_TRUNCATE, session->sequence, length);
    return INLAY_OK;
}

int32_t inlay_session_truncate(inlay_session *session, size_t length) {
    INLAY__TRY(inlay__session_enter("inlay_session_truncate", session));
    return inlay__session_leave(session, truncate(session, length));
}

static int32_t drop(inlay_session *session, size_t begin, size_t end) {
    size_t length = inlay__decoder_length(session->decoder, session->sequence);
    INLAY__TRY(inlay__session_can("inlay_session_drop", session, INLAY_CAN_GENERATE));
    if (begin > end || end > length)
        return inlay__fail(INLAY_ERR_ARGUMENT,
                           "inlay_session_drop: begin is %zu and end %zu, but the sequence has %zu tokens", begin, end,
                           length);
    INLAY__TRY(inlay__decoder_drop(session->decoder, session->sequence, begin, end));
    inlay__record_drop(session, begin, end);
    return INLAY_OK;
}

int32_t inlay_session_drop(inlay_session *session, size_t begin, size_t end) {
    INLAY__TRY(inlay__session_enter("inlay_session_drop", session));
    return inlay__session_leave(session, drop(session, begin, end));
}

void inlay_session_cancel(inlay_session *session) {
    if (session != NULL && session->magic == INLAY__MAGIC_SESSION)
        atomic_store_explicit(&session->cancel, 1, memory_order_relaxed);
}

const char *inlay_session_error(const inlay_session *session) {
    return session != NULL && session->magic == INLAY__MAGIC_SESSION ? session->error : "";
}
