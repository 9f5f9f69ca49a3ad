/* Several sequences of one session. */
#include "handles.h"

int32_t inlay__session_sequence(const inlay_session *session, const char *what, int64_t number, size_t *sequence) {
    if (number < 0 || (uint64_t)number >= session->n_sequences)
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: sequence %lld is not there, the session has 0 to %zu", what,
                           (long long)number, session->n_sequences - 1);
    *sequence = (size_t)number;
    return INLAY_OK;
}

/* ------------------------------------------------------------------- batches */

/* Run number i, checked. */
static int32_t choose_run(inlay_session *session, const int32_t *sequences, const int32_t *tokens, const size_t *starts,
                          size_t i, inlay__run *run) {
    if (starts[i + 1] <= starts[i])
        return inlay__fail(INLAY_ERR_ARGUMENT,
                           "inlay_eval_batch: starts[%zu] is %zu and starts[%zu] is %zu, expected at least one "
                           "token between them",
                           i, starts[i], i + 1, starts[i + 1]);
    run->tokens = tokens + starts[i];
    run->n_tokens = starts[i + 1] - starts[i];
    return inlay__session_sequence(session, "inlay_eval_batch", sequences[i], &run->sequence);
}

static int32_t eval_batch(inlay_session *session, const int32_t *sequences, const int32_t *tokens, const size_t *starts,
                          size_t n) {
    const char *function = "inlay_eval_batch";
    atomic_store(&session->cancel, 0); /* first of all: from here on a cancel counts */
    INLAY__TRY(inlay__session_can(function, session, INLAY_CAN_GENERATE));
    if (sequences == NULL) return inlay__null_argument(function, "sequences");
    if (tokens == NULL) return inlay__null_argument(function, "tokens");
    if (starts == NULL) return inlay__null_argument(function, "starts");
    if (n == 0 || n > session->n_sequences)
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: n is %zu, expected 1 to the session's sequences, %zu", function, n,
                           session->n_sequences);
    inlay__run *runs = inlay__decoder_runs(session->decoder);
    for (size_t i = 0; i < n; i++) INLAY__TRY(choose_run(session, sequences, tokens, starts, i, &runs[i]));
    return inlay__session_eval(session, runs, n, NULL);
}

int32_t inlay_eval_batch(inlay_session *session, const int32_t *sequences, const int32_t *tokens, const size_t *starts,
                         size_t n) {
    INLAY__TRY(inlay__session_enter("inlay_eval_batch", session));
    return inlay__session_leave(session, eval_batch(session, sequences, tokens, starts, n));
}

/* -------------------------------------------------------------------- forks */

static int32_t fork_sequence(inlay_session *session, int32_t from, int32_t to) {
    const char *function = "inlay_sequence_fork";
    size_t i_from = 0, i_to = 0;
    INLAY__TRY(inlay__session_can(function, session, INLAY_CAN_GENERATE));
    INLAY__TRY(inlay__session_sequence(session, function, from, &i_from));
    INLAY__TRY(inlay__session_sequence(session, function, to, &i_to));
    inlay__decoder_fork(session->decoder, i_from, i_to);
    return INLAY_OK;
}

int32_t inlay_sequence_fork(inlay_session *session, int32_t from, int32_t to) {
    INLAY__TRY(inlay__session_enter("inlay_sequence_fork", session));
    return inlay__session_leave(session, fork_sequence(session, from, to));
}
