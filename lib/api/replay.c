/* Running a recording again, and telling where it comes out otherwise. Its calls go through the public functions, which
 * check whatever it says. */
#include "base/checksum.h"
#include "base/cursor.h"
#include "base/map_file.h"
#include "model/fingerprint.h"
#include "recording.h"

typedef struct head {
    uint32_t magic, version, arithmetic_version, n_vocab, context, sequences, cache_type, batch;
    uint64_t fingerprint;
    char cpu[INLAY__CPU_SIZE + 1];
} head;

typedef struct record {
    uint32_t kind, a;
    uint64_t n, size;
    inlay__cursor payload;
} record;

typedef struct replay {
    const char *path;
    inlay_model *model;
    inlay_session *session;
    inlay__cursor in; /* to the checksum */
    head head;
    uint64_t fingerprint; /* of the model here */
    inlay__progress progress;
    int64_t values[INLAY__N_REPLAY_VALUES];
    /* of an evaluation: */
    int32_t *sequences; /* [session->n_sequences] */
    size_t *starts;     /* [session->n_sequences + 1] */
} replay;

/* --------------------------------------------------------------------- reading */

static int32_t damaged(const replay *r, const char *what) {
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': the recording is damaged: %s, at record %lld", r->path, what,
                       (long long)r->values[INLAY_REPLAY_RECORDS]);
}

static bool read_head(inlay__cursor *in, head *h) {
    const uint8_t *cpu = NULL;
    bool ok = inlay__cursor_u32(in, &h->magic) && inlay__cursor_u32(in, &h->version) &&
              inlay__cursor_u64(in, &h->fingerprint) && inlay__cursor_u32(in, &h->arithmetic_version) &&
              inlay__cursor_u32(in, &h->n_vocab) && inlay__cursor_bytes(in, INLAY__CPU_SIZE, &cpu) &&
              inlay__cursor_u32(in, &h->context) && inlay__cursor_u32(in, &h->sequences) &&
              inlay__cursor_u32(in, &h->cache_type) && inlay__cursor_u32(in, &h->batch);
    memset(h->cpu, 0, sizeof h->cpu);
    if (ok) memcpy(h->cpu, cpu, INLAY__CPU_SIZE);
    for (char *c = h->cpu; *c != '\0'; c++)
        if (*c < ' ' || *c > '~') *c = '?'; /* it will stand in messages */
    return ok;
}

/* That it is a recording, and whole. */
static int32_t open_bytes(replay *r, const inlay__file *file) {
    enum { LEAST = INLAY__RECORDING_HEAD + INLAY__RECORD_HEAD, SUM = 8 };
    size_t size = file->size < LEAST + SUM ? 0 : file->size - SUM;
    r->in = (inlay__cursor){file->data, size, 0};
    if (!read_head(&r->in, &r->head) || r->head.magic != INLAY__RECORDING_MAGIC)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': is no recording, which begins with 'IREC' and has %d bytes at least", r->path,
                           LEAST + SUM);
    if (r->head.version == 0 || r->head.version > INLAY__RECORDING_VERSION)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': the recording has version %u, expected 1 to %d", r->path,
                           r->head.version, INLAY__RECORDING_VERSION);
    if (inlay__checksum(0, file->data, size) != inlay__load_u64(file->data + size))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': the recording is cut or damaged: its checksum is wrong",
                           r->path);
    r->progress.total = size;
    return INLAY_OK;
}

static int32_t next_record(replay *r, record *x) {
    static const uint8_t none[1] = {0};
    const uint8_t *payload = none;
    bool ok = inlay__cursor_u32(&r->in, &x->kind) && inlay__cursor_u32(&r->in, &x->a) &&
              inlay__cursor_u64(&r->in, &x->n) && inlay__cursor_u64(&r->in, &x->size) &&
              inlay__cursor_bytes(&r->in, x->size, &payload);
    if (!ok) return damaged(r, "it ends within a record");
    x->payload = (inlay__cursor){payload, (size_t)x->size, 0};
    if (!inlay__cursor_bytes(&r->in, (8 - x->size % 8) % 8, &payload)) return damaged(r, "it ends within a record");
    return INLAY_OK;
}

/* What the next number of a payload is, which is known to have it. */
static uint32_t take_u32(record *x) {
    uint32_t value = 0;
    inlay__cursor_u32(&x->payload, &value);
    return value;
}

static uint64_t take_u64(record *x) {
    uint64_t value = 0;
    inlay__cursor_u64(&x->payload, &value);
    return value;
}

/* The next n tokens, from the allocator. */
static int32_t take_tokens(replay *r, record *x, size_t n, int32_t **tokens) {
    *tokens = inlay__alloc_array(&r->session->sys, n, sizeof **tokens);
    if (*tokens == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) (*tokens)[i] = (int32_t)take_u32(x);
    return INLAY_OK;
}

/* --------------------------------------------------------------------- telling */

/* The call in hand came out otherwise. */
static int32_t differs(replay *r, const char *what, size_t sequence, size_t position, uint64_t recorded,
                       uint64_t found) {
    r->values[INLAY_REPLAY_RECORD] = r->values[INLAY_REPLAY_RECORDS];
    r->values[INLAY_REPLAY_SEQUENCE] = (int64_t)sequence;
    r->values[INLAY_REPLAY_POSITION] = (int64_t)position;
    r->values[INLAY_REPLAY_EXPECTED] = (int64_t)recorded;
    r->values[INLAY_REPLAY_FOUND] = (int64_t)found;
    return inlay__fail(INLAY_ERR_DIFFERENT,
                       "file '%s': record %lld differs, sequence %zu from position %zu on: %s %llx, recorded %llx; "
                       "recorded with fingerprint %llx, arithmetic %u, cpu %s; here %llx, %d, %s",
                       r->path, (long long)r->values[INLAY_REPLAY_RECORDS], sequence, position, what,
                       (unsigned long long)found, (unsigned long long)recorded, (unsigned long long)r->head.fingerprint,
                       r->head.arithmetic_version, r->head.cpu, (unsigned long long)r->fingerprint,
                       inlay_arithmetic_version(), inlay__cpu_name(r->model->cpu));
}

/* A call that the recording says succeeded, and here failed. */
static int32_t failed(const replay *r, int32_t status) {
    if (status == INLAY_OK) return INLAY_OK;
    return inlay__fail(status, "file '%s': record %lld: %s", r->path, (long long)r->values[INLAY_REPLAY_RECORDS],
                       inlay__error_text());
}

/* --------------------------------------------------------------------- records */

static size_t length_of(const replay *r, size_t sequence) {
    return inlay__decoder_length(r->session->decoder, sequence);
}

static int32_t compare_runs(replay *r, record *x) {
    for (uint32_t i = 0; i < x->a; i++) {
        size_t sequence = take_u32(x), n = take_u32(x);
        uint64_t recorded = take_u64(x), found = inlay__logits_hash(r->session, sequence);
        if (found != recorded && recorded != 0)
            return differs(r, "the logits' hash is", sequence, length_of(r, sequence) - n, recorded, found);
        r->values[INLAY_REPLAY_TOKENS] += (int64_t)n;
    }
    return INLAY_OK;
}

static int32_t run_eval(replay *r, record *x) {
    size_t n_sequences = r->session->n_sequences;
    if (x->a == 0 || x->a > n_sequences || x->n > x->size / 4 || x->size != 16 * (uint64_t)x->a + 4 * x->n)
        return damaged(r, "an evaluation's sizes disagree");
    r->starts[0] = 0;
    for (uint32_t i = 0; i < x->a; i++) {
        r->sequences[i] = (int32_t)take_u32(x);
        size_t n = take_u32(x);
        take_u64(x);
        if (n > x->n - r->starts[i]) return damaged(r, "an evaluation's sizes disagree");
        r->starts[i + 1] = r->starts[i] + n;
    }
    if (r->starts[x->a] != x->n) return damaged(r, "an evaluation's sizes disagree");
    int32_t *tokens;
    INLAY__TRY(take_tokens(r, x, (size_t)x->n, &tokens));
    int32_t status = failed(r, inlay_eval_batch(r->session, r->sequences, tokens, r->starts, x->a));
    inlay__free(&r->session->sys, tokens, (size_t)x->n * sizeof *tokens);
    INLAY__TRY(status);
    x->payload.pos = 0;
    return compare_runs(r, x);
}

static void take_random(replay *r, record *x) {
    r->session->sampler.rng.state = take_u64(x);
    r->session->sampler.rng.increment = take_u64(x) | 1;
}

/* Where the host had changed the logits, which the recording does not have, nothing can be said of the token. */
static int32_t run_sample(replay *r, record *x) {
    int32_t token = 0;
    if (x->size != 24 || x->a >= r->session->n_sequences) return damaged(r, "a choice is not one");
    uint64_t hash = take_u64(x);
    INLAY__TRY(failed(r, inlay_sample(r->session, &token)));
    if (inlay__logits_hash(r->session, r->session->sequence) == hash && (uint64_t)token != x->n)
        return differs(r, "the token is", x->a, length_of(r, x->a), x->n, (uint64_t)token);
    take_random(r, x);
    return INLAY_OK;
}

/* Of any sequence, which is not in hand for longer. */
static int32_t run_truncate(replay *r, const record *x) {
    inlay_session *session = r->session;
    int64_t in_hand = (int64_t)session->sequence;
    if (x->n > SIZE_MAX) return damaged(r, "a length is too large");
    INLAY__TRY(failed(r, inlay_session_set_int(session, INLAY_OPT_SEQUENCE, (int64_t)x->a)));
    INLAY__TRY(failed(r, inlay_session_truncate(session, (size_t)x->n)));
    return failed(r, inlay_session_set_int(session, INLAY_OPT_SEQUENCE, in_hand));
}

static int32_t run_drop(replay *r, record *x) {
    if (x->size != 8) return damaged(r, "a drop is not one");
    uint64_t end = take_u64(x);
    if (x->n > SIZE_MAX || end > SIZE_MAX) return damaged(r, "a length is too large");
    return failed(r, inlay_session_drop(r->session, (size_t)x->n, (size_t)end));
}

static int32_t run_float(replay *r, const record *x) {
    double number;
    memcpy(&number, &x->n, sizeof number);
    return failed(r, inlay_session_set_float(r->session, (int32_t)x->a, number));
}

static int32_t run_encode(replay *r, record *x) {
    int32_t *tokens;
    uint64_t each = x->a == 1 ? 5 : 4;
    if (x->a > 1 || x->n > x->size / 4 || x->size != 8 + each * x->n) return damaged(r, "an encoding's sizes disagree");
    uint64_t recorded = take_u64(x);
    INLAY__TRY(take_tokens(r, x, (size_t)x->n, &tokens));
    const uint8_t *segments = x->a == 1 ? x->payload.data + x->payload.pos : NULL;
    int32_t status = failed(r, inlay_encode_segments(r->session, tokens, segments, (size_t)x->n));
    inlay__free(&r->session->sys, tokens, (size_t)x->n * sizeof *tokens);
    INLAY__TRY(status);
    uint64_t found = inlay__states_hash(r->session);
    if (found != recorded) return differs(r, "the hash of the encoder's states is", 0, 0, recorded, found);
    r->values[INLAY_REPLAY_TOKENS] += (int64_t)x->n;
    return INLAY_OK;
}

static int32_t run_record(replay *r, record *x) {
    switch (x->kind) {
    case INLAY__RECORD_EVAL: return run_eval(r, x);
    case INLAY__RECORD_SAMPLE: return run_sample(r, x);
    case INLAY__RECORD_TRUNCATE: return run_truncate(r, x);
    case INLAY__RECORD_DROP: return run_drop(r, x);
    case INLAY__RECORD_FORK: return failed(r, inlay_sequence_fork(r->session, (int32_t)x->a, (int32_t)x->n));
    case INLAY__RECORD_SET_INT: return failed(r, inlay_session_set_int(r->session, (int32_t)x->a, (int64_t)x->n));
    case INLAY__RECORD_SET_FLOAT: return run_float(r, x);
    case INLAY__RECORD_LOAD:
        return failed(r, inlay_sequence_load(r->session, (int32_t)x->a, x->payload.data, (size_t)x->size));
    case INLAY__RECORD_ENCODE: return run_encode(r, x);
    case INLAY__RECORD_RANDOM:
        if (x->size != 16) return damaged(r, "random numbers are none");
        take_random(r, x);
        return INLAY_OK;
    default: return damaged(r, "there is a record of a kind that this version does not know");
    }
}

static int32_t run_all(replay *r) {
    record x = {.kind = 0};
    for (;;) {
        INLAY__TRY(next_record(r, &x));
        if (x.kind == INLAY__RECORD_END) break;
        INLAY__TRY(run_record(r, &x));
        r->values[INLAY_REPLAY_RECORDS]++;
        r->progress.done = r->in.pos;
        INLAY__TRY(inlay__progress_tell(&r->progress));
    }
    if (x.n != (uint64_t)r->values[INLAY_REPLAY_RECORDS] || inlay__cursor_left(&r->in) > 0)
        return damaged(r, "it ends before its end");
    return INLAY_OK;
}

/* --------------------------------------------------------------------- the session */

/* While a long evaluation runs, how far the recording is. */
static int32_t tell(void *user, uint64_t done, uint64_t total) {
    const inlay__progress *progress = user;
    (void)done;
    (void)total;
    return progress->tell(progress->user, progress->done, progress->total);
}

static int32_t set(const replay *r, inlay_options *options, int32_t key, uint32_t value, bool most) {
    int64_t given = 0;
    INLAY__TRY(inlay_options_get_int(options, key, &given));
    if (most && (int64_t)value > given)
        return inlay__fail(INLAY_ERR_CONTEXT, "file '%s': the recorded session had %s of %u, the options allow %lld",
                           r->path, key == INLAY_OPT_CONTEXT ? "a context" : "a number of sequences", value,
                           (long long)given);
    int32_t status = inlay_options_set_int(options, key, value);
    if (status == INLAY_OK && value > 0) return INLAY_OK;
    if (key == INLAY_OPT_CACHE_TYPE && status == INLAY_OK) return INLAY_OK;
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': the recording is damaged: option %d is %u", r->path, key, value);
}

/* A session as the recorded one was, in what its bits depend on. */
static int32_t make_session(replay *r, const inlay_options *given) {
    inlay_options options = *given;
    const head *h = &r->head;
    if (h->n_vocab != inlay__model_hparams(r->model->network)->n_vocab)
        return inlay__fail(INLAY_ERR_ARGUMENT, "file '%s': was recorded with a model of %u tokens, this one has %u",
                           r->path, h->n_vocab, inlay__model_hparams(r->model->network)->n_vocab);
    INLAY__TRY(set(r, &options, INLAY_OPT_CONTEXT, h->context, options.values[INLAY__CONTEXT].integer > 0));
    INLAY__TRY(set(r, &options, INLAY_OPT_SEQUENCES, h->sequences, options.values[INLAY__SEQUENCES].integer > 1));
    INLAY__TRY(set(r, &options, INLAY_OPT_CACHE_TYPE, h->cache_type, false));
    if ((int64_t)h->batch > options.values[INLAY__BATCH].integer)
        INLAY__TRY(set(r, &options, INLAY_OPT_BATCH, (uint32_t)inlay__min_size(h->batch, 4096), false));
    options.values[INLAY__PREFIX].integer = options.values[INLAY__SEQUENCE].integer = 0;
    options.progress = given->progress != NULL ? tell : NULL;
    options.progress_user = &r->progress;
    INLAY__TRY(inlay_session_new(r->model, &options, &r->session));
    r->sequences = inlay__alloc_array(&given->sys, r->session->n_sequences, sizeof *r->sequences);
    if (r->sequences == NULL) return INLAY_ERR_MEMORY;
    r->starts = inlay__alloc_array(&given->sys, r->session->n_sequences + 1, sizeof *r->starts);
    return r->starts != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
}

static int32_t run_file(replay *r, const inlay_options *options) {
    inlay__file file;
    INLAY__TRY(inlay__file_open(&options->sys, r->path, INLAY_LOAD_COPY, &file));
    int32_t status = open_bytes(r, &file);
    if (status == INLAY_OK) {
        r->fingerprint = inlay__model_fingerprint(r->model->network, INLAY__FINGERPRINT_VERSION);
        r->values[INLAY_REPLAY_SAME_MODEL] = r->fingerprint == r->head.fingerprint;
        r->values[INLAY_REPLAY_SAME_ARITHMETIC] = r->head.arithmetic_version == (uint32_t)inlay_arithmetic_version();
        r->values[INLAY_REPLAY_SAME_CPU] = strcmp(r->head.cpu, inlay__cpu_name(r->model->cpu)) == 0;
        status = make_session(r, options);
    }
    if (status == INLAY_OK) status = run_all(r);
    if (r->session != NULL) {
        size_t n = r->session->n_sequences;
        inlay__free(&options->sys, r->sequences, n * sizeof *r->sequences);
        inlay__free(&options->sys, r->starts, (n + 1) * sizeof *r->starts);
    }
    inlay_session_free(r->session);
    inlay__file_close(&options->sys, &file);
    return status;
}

int32_t inlay_replay(inlay_model *model, const char *path, const inlay_options *options, int64_t *values,
                     size_t n_values) {
    const char *function = "inlay_replay";
    inlay_options defaults;
    const inlay_options *found;
    INLAY__TRY(inlay__check_model(function, model));
    if (path == NULL) return inlay__owned(model, inlay__null_argument(function, "path"));
    INLAY__TRY(inlay__options_or_defaults(function, options, &defaults, &found));
    if (model->network == NULL)
        return inlay__owned(
            model, inlay__fail(INLAY_ERR_STATE, "%s: the model was opened with its vocabulary only", function));
    replay r = {.path = path, .model = model,
                .progress = {.tell = found->progress, .user = found->progress_user, .call = "the replay"}};
    r.values[INLAY_REPLAY_RECORD] = r.values[INLAY_REPLAY_SEQUENCE] = r.values[INLAY_REPLAY_POSITION] = -1;
    int32_t status = run_file(&r, found);
    for (size_t i = 0; values != NULL && i < n_values; i++) values[i] = i < INLAY__N_REPLAY_VALUES ? r.values[i] : 0;
    return inlay__owned(model, status);
}
