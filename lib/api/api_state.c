/* Saved sequences, in memory and in files. */
#include "base/map_file.h"
#include "handles.h"
#include "model/saved_state.h"
#include "recording.h"

static inlay__saved_extra extra_of(const inlay_session *session) {
    const inlay__rng *rng = &session->sampler.rng;
    return (inlay__saved_extra){(uint32_t)inlay_arithmetic_version(), {rng->state, rng->increment}};
}

/* A state names its model by its weights, which are read for it: the file must be whole. */
static int32_t choose(const char *function, const inlay_session *session, int32_t number, size_t *sequence) {
    INLAY__TRY(inlay__session_can(function, session, INLAY_CAN_GENERATE));
    INLAY__TRY(inlay__session_sequence(session, function, number, sequence));
    return inlay__weights_check(&session->model->weights);
}

static int32_t save(inlay_session *session, int32_t number, void *bytes, size_t capacity, size_t *needed) {
    const char *function = "inlay_sequence_save";
    size_t sequence = 0;
    if (needed == NULL) return inlay__null_argument(function, "needed");
    INLAY__TRY(choose(function, session, number, &sequence));
    *needed = inlay__saved_size(session->decoder, sequence);
    if (bytes == NULL || *needed > capacity)
        return inlay__fail(INLAY_ERR_BUFFER, "%s: the state has %zu bytes, capacity is %zu", function, *needed,
                           bytes == NULL ? 0 : capacity);
    inlay__saved_extra extra = extra_of(session);
    return inlay__saved_write(session->decoder, sequence, &extra, bytes, NULL);
}

int32_t inlay_sequence_save(inlay_session *session, int32_t sequence, void *bytes, size_t capacity, size_t *needed) {
    INLAY__TRY(inlay__session_enter("inlay_sequence_save", session));
    return inlay__session_leave(session, save(session, sequence, bytes, capacity, needed));
}

static int32_t load(const char *function, inlay_session *session, int32_t number, const void *bytes, size_t size) {
    size_t sequence = 0;
    if (bytes == NULL) return inlay__null_argument(function, "bytes");
    INLAY__TRY(choose(function, session, number, &sequence));
    inlay__saved_extra extra = extra_of(session);
    INLAY__TRY(inlay__saved_read(session->decoder, sequence, &extra, bytes, size));
    session->sampler.rng = (inlay__rng){extra.random[0], extra.random[1]};
    inlay__record_load(session, sequence, bytes, size);
    return INLAY_OK;
}

int32_t inlay_sequence_load(inlay_session *session, int32_t sequence, const void *bytes, size_t size) {
    INLAY__TRY(inlay__session_enter("inlay_sequence_load", session));
    return inlay__session_leave(session, load("inlay_sequence_load", session, sequence, bytes, size));
}

static int32_t save_file(inlay_session *session, int32_t number, const char *path) {
    const char *function = "inlay_sequence_save_file";
    size_t sequence = 0;
    inlay__out_file file;
    if (path == NULL) return inlay__null_argument(function, "path");
    INLAY__TRY(choose(function, session, number, &sequence));
    inlay__saved_extra extra = extra_of(session);
    INLAY__TRY(inlay__out_file_open(&session->sys, path, &file));
    int32_t status = inlay__saved_write(session->decoder, sequence, &extra, NULL, &file);
    if (status == INLAY_OK) status = inlay__out_file_finish(&file);
    inlay__out_file_drop(&file);
    return status;
}

int32_t inlay_sequence_save_file(inlay_session *session, int32_t sequence, const char *path) {
    INLAY__TRY(inlay__session_enter("inlay_sequence_save_file", session));
    return inlay__session_leave(session, save_file(session, sequence, path));
}

static int32_t load_file(inlay_session *session, int32_t number, const char *path) {
    const char *function = "inlay_sequence_load_file";
    inlay__file file;
    if (path == NULL) return inlay__null_argument(function, "path");
    INLAY__TRY(inlay__file_open(&session->sys, path, INLAY_LOAD_COPY, &file));
    int32_t status = load(function, session, number, file.data, file.size);
    inlay__file_close(&session->sys, &file);
    if (status == INLAY_OK) return status;
    return inlay__fail(status, "file '%s': %s", path, inlay__error_text());
}

int32_t inlay_sequence_load_file(inlay_session *session, int32_t sequence, const char *path) {
    INLAY__TRY(inlay__session_enter("inlay_sequence_load_file", session));
    return inlay__session_leave(session, load_file(session, sequence, path));
}
