/* Recording what a session does. */
#include "recording.h"

#include "base/checksum.h"
#include "base/fpenv.h"
#include "model/fingerprint.h"
#include "model/saved_state.h"
#include "model/sequences.h"

/* A multiple of 8, as the checksum wants it. */
enum { BUFFER_SIZE = 32 << 10 };

struct inlay__recording {
    inlay__out_file file;
    char *path;
    size_t path_size;
    int32_t status; /* of the first write that failed */
    uint64_t sum, n_records;
    size_t used;
    uint8_t buffer[BUFFER_SIZE];
};

/* ------------------------------------------------------------------- writing */

static void flush(inlay__recording *r) {
    r->sum = inlay__checksum(r->sum, r->buffer, r->used);
    if (r->status == INLAY_OK) r->status = inlay__out_file_write(&r->file, r->buffer, r->used);
    r->used = 0;
}

static void put(inlay__recording *r, const void *data, size_t size) {
    const uint8_t *bytes = data;
    while (size > 0) {
        size_t n = inlay__min_size(size, sizeof r->buffer - r->used);
        memcpy(r->buffer + r->used, bytes, n);
        r->used += n;
        bytes += n;
        size -= n;
        if (r->used == sizeof r->buffer) flush(r);
    }
}

static void put_u32(inlay__recording *r, uint32_t value) {
    uint8_t bytes[4];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(value >> 8 * i);
    put(r, bytes, sizeof bytes);
}

static void put_u64(inlay__recording *r, uint64_t value) {
    put_u32(r, (uint32_t)value);
    put_u32(r, (uint32_t)(value >> 32));
}

static void put_tokens(inlay__recording *r, const int32_t *tokens, size_t n) {
    for (size_t i = 0; i < n; i++) put_u32(r, (uint32_t)tokens[i]);
}

static void put_head(inlay__recording *r, inlay__record_kind kind, size_t a, uint64_t n, size_t size) {
    put_u32(r, (uint32_t)kind);
    put_u32(r, (uint32_t)a);
    put_u64(r, n);
    put_u64(r, size);
    r->n_records++;
}

/* Behind a payload. */
static void fill_up(inlay__recording *r) {
    static const uint8_t zeros[8];
    put(r, zeros, (8 - r->used % 8) % 8);
}

/* -------------------------------------------------------------------- records */

uint64_t inlay__logits_hash(inlay_session *session, size_t sequence) {
    const float *logits = inlay__decoder_logits(session->decoder, sequence);
    return logits != NULL ? inlay__checksum(0, logits, session->n_vocab * sizeof *logits) : 0;
}

uint64_t inlay__states_hash(const inlay_session *session) {
    size_t n;
    const float *states = inlay__sequences_states(session->decoder, &n);
    size_t n_embd = inlay__model_hparams(session->model->network)->n_embd;
    return states != NULL ? inlay__checksum(0, states, n * n_embd * sizeof *states) : 0;
}

void inlay__record_eval(inlay_session *session, const inlay__run *runs, size_t n_runs) {
    inlay__recording *r = session->recording;
    size_t n = 0;
    if (r == NULL) return;
    for (size_t i = 0; i < n_runs; i++) n += runs[i].n_tokens;
    put_head(r, INLAY__RECORD_EVAL, n_runs, n, 16 * n_runs + 4 * n);
    for (size_t i = 0; i < n_runs; i++) {
        put_u32(r, (uint32_t)runs[i].sequence);
        put_u32(r, (uint32_t)runs[i].n_tokens);
        put_u64(r, inlay__logits_hash(session, runs[i].sequence));
    }
    for (size_t i = 0; i < n_runs; i++) put_tokens(r, runs[i].tokens, runs[i].n_tokens);
    fill_up(r);
}

static void put_random(inlay_session *session) {
    put_u64(session->recording, session->sampler.rng.state);
    put_u64(session->recording, session->sampler.rng.increment);
}

void inlay__record_sample(inlay_session *session, int32_t token) {
    inlay__recording *r = session->recording;
    if (r == NULL) return;
    put_head(r, INLAY__RECORD_SAMPLE, session->sequence, (uint64_t)token, 24);
    put_u64(r, inlay__logits_hash(session, session->sequence));
    put_random(session);
}

void inlay__record_plain(inlay_session *session, inlay__record_kind kind, size_t a, uint64_t n) {
    if (session->recording != NULL) put_head(session->recording, kind, a, n, 0);
}

void inlay__record_drop(inlay_session *session, size_t begin, size_t end) {
    if (session->recording == NULL) return;
    put_head(session->recording, INLAY__RECORD_DROP, session->sequence, begin, 8);
    put_u64(session->recording, end);
}

void inlay__record_number(inlay_session *session, int32_t key, int32_t kind, double number, int64_t integer) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    if (kind == INLAY_KIND_INT) inlay__record_plain(session, INLAY__RECORD_SET_INT, (size_t)key, (uint64_t)integer);
    if (kind == INLAY_KIND_FLOAT) inlay__record_plain(session, INLAY__RECORD_SET_FLOAT, (size_t)key, bits);
}

void inlay__record_load(inlay_session *session, size_t sequence, const void *bytes, size_t size) {
    inlay__recording *r = session->recording;
    if (r == NULL) return;
    put_head(r, INLAY__RECORD_LOAD, sequence, 0, size);
    put(r, bytes, size);
    fill_up(r);
}

void inlay__record_encode(inlay_session *session, const int32_t *tokens, const uint8_t *segments, size_t n_tokens) {
    inlay__recording *r = session->recording;
    if (r == NULL) return;
    put_head(r, INLAY__RECORD_ENCODE, segments != NULL, n_tokens, 8 + 4 * n_tokens + (segments != NULL ? n_tokens : 0));
    put_u64(r, inlay__states_hash(session));
    put_tokens(r, tokens, n_tokens);
    if (segments != NULL) put(r, segments, n_tokens);
    fill_up(r);
}

void inlay__record_random(inlay_session *session) {
    if (session->recording == NULL) return;
    put_head(session->recording, INLAY__RECORD_RANDOM, 0, 0, 16);
    put_random(session);
}

void inlay__record_recall(inlay_session *session, const int32_t *tokens, size_t n_tokens) {
    const inlay__run run = {session->sequence, tokens, n_tokens};
    inlay__record_plain(session, INLAY__RECORD_TRUNCATE, session->sequence, 0);
    if (n_tokens > 0) inlay__record_eval(session, &run, 1);
}

/* ------------------------------------------------------------------- beginning */

static void put_file_head(inlay_session *session) {
    inlay__recording *r = session->recording;
    char cpu[INLAY__CPU_SIZE] = {0};
    inlay__format(cpu, sizeof cpu, "%s", inlay__cpu_name(session->model->cpu));
    put_u32(r, INLAY__RECORDING_MAGIC);
    put_u32(r, INLAY__RECORDING_VERSION);
    put_u64(r, inlay__model_fingerprint(session->model->network, INLAY__FINGERPRINT_VERSION));
    put_u32(r, (uint32_t)inlay_arithmetic_version());
    put_u32(r, (uint32_t)session->n_vocab);
    put(r, cpu, sizeof cpu);
    put_u32(r, (uint32_t)session->n_context);
    put_u32(r, (uint32_t)session->n_sequences);
    put_u32(r, (uint32_t)session->values[INLAY__CACHE_TYPE].integer);
    put_u32(r, (uint32_t)session->n_batch);
}

static void put_settings(inlay_session *session) {
    static const int32_t numbers[] = {INLAY__TEMPERATURE, INLAY__TOP_P, INLAY__MIN_P};
    static const int32_t keys[] = {INLAY_OPT_TEMPERATURE, INLAY_OPT_TOP_P, INLAY_OPT_MIN_P};
    for (size_t i = 0; i < INLAY__COUNT(keys); i++)
        inlay__record_number(session, keys[i], INLAY_KIND_FLOAT, session->values[numbers[i]].number, 0);
    inlay__record_number(session, INLAY_OPT_TOP_K, INLAY_KIND_INT, 0.0, session->values[INLAY__TOP_K].integer);
    inlay__record_number(session, INLAY_OPT_SEED, INLAY_KIND_INT, 0.0, session->values[INLAY__SEED].integer);
}

static int32_t put_state(inlay_session *session, size_t sequence) {
    size_t size = inlay__saved_size(session->decoder, sequence);
    const inlay__rng *rng = &session->sampler.rng;
    inlay__saved_extra extra = {(uint32_t)inlay_arithmetic_version(), {rng->state, rng->increment}};
    uint8_t *bytes = inlay__alloc(&session->sys, size);
    if (bytes == NULL) return INLAY_ERR_MEMORY;
    int32_t status = inlay__saved_write(session->decoder, sequence, &extra, bytes, NULL);
    if (status == INLAY_OK) inlay__record_load(session, sequence, bytes, size);
    inlay__free(&session->sys, bytes, size);
    return status;
}

/* Sequences as they are: those that hold something, or the first, with which what was encoded is told; of empty ones
 * the prefix that they are to have. */
static int32_t put_sequences(inlay_session *session) {
    bool generates = inlay__model_capabilities(session->model->network) & INLAY_CAN_GENERATE;
    size_t n_encoded = 0;
    if (inlay__sequences_states(session->decoder, &n_encoded) == NULL) n_encoded = 0;
    for (size_t i = 0; generates && i < session->n_sequences; i++) {
        size_t n_prefix = inlay__decoder_prefix(session->decoder, i);
        if (inlay__decoder_length(session->decoder, i) > 0 || (i == 0 && n_encoded > 0)) {
            INLAY__TRY(put_state(session, i));
        } else if (n_prefix > 0) {
            inlay__record_number(session, INLAY_OPT_SEQUENCE, INLAY_KIND_INT, 0.0, (int64_t)i);
            inlay__record_number(session, INLAY_OPT_PREFIX, INLAY_KIND_INT, 0.0, (int64_t)n_prefix);
        }
    }
    inlay__record_number(session, INLAY_OPT_SEQUENCE, INLAY_KIND_INT, 0.0, (int64_t)session->sequence);
    return INLAY_OK;
}

static int32_t open_recording(inlay_session *session, const char *path) {
    inlay__recording *r = inlay__alloc_array(&session->sys, 1, sizeof *r);
    if (r == NULL) return INLAY_ERR_MEMORY;
    session->recording = r;
    r->path_size = strlen(path) + 1;
    r->path = inlay__copy_text(&session->sys, path, r->path_size - 1);
    if (r->path == NULL) return INLAY_ERR_MEMORY;
    INLAY__TRY(inlay__out_file_open(&session->sys, r->path, &r->file));
    put_file_head(session);
    put_settings(session);
    INLAY__TRY(put_sequences(session));
    inlay__record_random(session);
    return r->status;
}

void inlay__recording_drop(inlay_session *session) {
    inlay__recording *r = session->recording;
    if (r == NULL) return;
    inlay__out_file_drop(&r->file);
    inlay__free(&session->sys, r->path, r->path_size);
    inlay__free(&session->sys, r, sizeof *r);
    session->recording = NULL;
}

/* ------------------------------------------------------------------- the calls */

static int32_t begin(inlay_session *session, const char *path) {
    if (path == NULL) return inlay__null_argument("inlay_record_begin", "path");
    if (session->recording != NULL)
        return inlay__fail(INLAY_ERR_STATE, "inlay_record_begin: the session is recorded already, to '%s'",
                           session->recording->path);
    int32_t status = open_recording(session, path);
    if (status != INLAY_OK) inlay__recording_drop(session);
    return status;
}

int32_t inlay_record_begin(inlay_session *session, const char *path) {
    INLAY__TRY(inlay__session_enter("inlay_record_begin", session));
    return inlay__session_leave(session, begin(session, path));
}

static int32_t end(inlay_session *session) {
    inlay__recording *r = session->recording;
    if (r == NULL)
        return inlay__fail(INLAY_ERR_STATE,
                           "inlay_record_end: the session is not recorded, expected inlay_record_begin first");
    put_head(r, INLAY__RECORD_END, 0, r->n_records, 0);
    flush(r);
    put_u64(r, r->sum);
    flush(r);
    int32_t status = r->status == INLAY_OK ? inlay__out_file_finish(&r->file)
                                           : inlay__fail(r->status, "file '%s': the recording could not be written",
                                                         r->path);
    inlay__recording_drop(session);
    return status;
}

int32_t inlay_record_end(inlay_session *session) {
    INLAY__TRY(inlay__session_enter("inlay_record_end", session));
    return inlay__session_leave(session, end(session));
}
