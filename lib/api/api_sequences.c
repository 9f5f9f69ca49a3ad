/* Several sequences of one session; evaluation in slices of time. */
#include "handles.h"
#include "recording.h"

int32_t inlay__session_sequence(const inlay_session *session, const char *what, int64_t number, size_t *sequence) {
    if (number < 0 || (uint64_t)number >= session->n_sequences)
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: sequence %lld is not there, the session has 0 to %zu", what,
                           (long long)number, session->n_sequences - 1);
    *sequence = (size_t)number;
    return INLAY_OK;
}

/* ------------------------------------------------------------------- batches */

/* What a batch is called with. */
typedef struct batch {
    const int32_t *sequences; /* [n] */
    const int32_t *tokens;    /* [starts[n]] */
    const size_t *starts;     /* [n + 1] */
    size_t n;
} batch;

/* Run number i, checked. */
static int32_t choose_run(const char *function, inlay_session *session, const batch *b, size_t i, inlay__run *run) {
    const size_t *starts = b->starts;
    if (starts[i + 1] <= starts[i])
        return inlay__fail(INLAY_ERR_ARGUMENT,
                           "%s: starts[%zu] is %zu and starts[%zu] is %zu, expected at least one token between them",
                           function, i, starts[i], i + 1, starts[i + 1]);
    run->tokens = b->tokens + starts[i];
    run->n_tokens = starts[i + 1] - starts[i];
    return inlay__session_sequence(session, function, b->sequences[i], &run->sequence);
}

static int32_t choose_runs(const char *function, inlay_session *session, const batch *b, inlay__run **runs) {
    INLAY__TRY(inlay__session_can(function, session, INLAY_CAN_GENERATE));
    if (b->sequences == NULL) return inlay__null_argument(function, "sequences");
    if (b->tokens == NULL) return inlay__null_argument(function, "tokens");
    if (b->starts == NULL) return inlay__null_argument(function, "starts");
    if (b->n == 0 || b->n > session->n_sequences)
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: n is %zu, expected 1 to the session's sequences, %zu", function,
                           b->n, session->n_sequences);
    *runs = inlay__decoder_runs(session->decoder);
    for (size_t i = 0; i < b->n; i++) INLAY__TRY(choose_run(function, session, b, i, &(*runs)[i]));
    return INLAY_OK;
}

static int32_t eval_batch(inlay_session *session, const batch *b) {
    inlay__run *runs;
    atomic_store(&session->cancel, 0); /* first of all: from here on a cancel counts */
    INLAY__TRY(choose_runs("inlay_eval_batch", session, b, &runs));
    return inlay__session_eval(session, runs, b->n, NULL);
}

int32_t inlay_eval_batch(inlay_session *session, const int32_t *sequences, const int32_t *tokens, const size_t *starts,
                         size_t n) {
    const batch b = {sequences, tokens, starts, n};
    INLAY__TRY(inlay__session_enter("inlay_eval_batch", session));
    return inlay__session_leave(session, eval_batch(session, &b));
}

/* ------------------------------------------------------------------- slices */

static int32_t begin(const char *function, inlay_session *session, const int32_t *tokens, size_t n_tokens) {
    inlay__run run;
    atomic_store(&session->cancel, 0); /* first of all: from here on a cancel counts */
    INLAY__TRY(inlay__session_run(function, session, tokens, n_tokens, &run));
    return inlay__decoder_begin(session->decoder, &run, 1);
}

int32_t inlay_eval_begin(inlay_session *session, const int32_t *tokens, size_t n_tokens) {
    INLAY__TRY(inlay__session_enter("inlay_eval_begin", session));
    return inlay__session_leave(session, begin("inlay_eval_begin", session, tokens, n_tokens));
}

static int32_t begin_batch(inlay_session *session, const batch *b) {
    inlay__run *runs;
    atomic_store(&session->cancel, 0); /* first of all: from here on a cancel counts */
    INLAY__TRY(choose_runs("inlay_eval_begin_batch", session, b, &runs));
    return inlay__decoder_begin(session->decoder, runs, b->n);
}

int32_t inlay_eval_begin_batch(inlay_session *session, const int32_t *sequences, const int32_t *tokens,
                               const size_t *starts, size_t n) {
    const batch b = {sequences, tokens, starts, n};
    INLAY__TRY(inlay__session_enter("inlay_eval_begin_batch", session));
    return inlay__session_leave(session, begin_batch(session, &b));
}

static int32_t step(inlay_session *session, uint64_t budget_us) {
    const inlay__eval_hooks hooks = inlay__session_hooks(session);
    if (!inlay__decoder_is_pending(session->decoder))
        return inlay__fail(INLAY_ERR_STATE, "inlay_eval_step: no evaluation is pending, expected inlay_eval_begin first");
    int32_t status = inlay__weights_check(&session->model->weights);
    if (status != INLAY_OK) {
        inlay__decoder_abandon(session->decoder);
        return status;
    }
    size_t n_runs;
    const inlay__run *runs = inlay__decoder_pending(session->decoder, &n_runs);
    status = inlay__decoder_step(session->decoder, &hooks, budget_us);
    if (status == INLAY_OK) inlay__record_eval(session, runs, n_runs);
    return status;
}

int32_t inlay_eval_step(inlay_session *session, uint64_t budget_us) {
    INLAY__TRY(inlay__session_enter_pending("inlay_eval_step", session));
    return inlay__session_leave(session, step(session, budget_us));
}

int32_t inlay_eval_abandon(inlay_session *session) {
    INLAY__TRY(inlay__session_enter_pending("inlay_eval_abandon", session));
    inlay__decoder_abandon(session->decoder);
    return inlay__session_leave(session, INLAY_OK);
}

/* -------------------------------------------------------------------- forks */

static int32_t fork_sequence(inlay_session *session, int32_t from, int32_t to) {
    const char *function = "inlay_sequence_fork";
    size_t i_from = 0, i_to = 0;
    INLAY__TRY(inlay__session_can(function, session, INLAY_CAN_GENERATE));
    INLAY__TRY(inlay__session_sequence(session, function, from, &i_from));
    INLAY__TRY(inlay__session_sequence(session, function, to, &i_to));
    inlay__decoder_fork(session->decoder, i_from, i_to);
    inlay__record_plain(session, INLAY__RECORD_FORK, i_from, i_to);
    return INLAY_OK;
}

int32_t inlay_sequence_fork(inlay_session *session, int32_t from, int32_t to) {
    INLAY__TRY(inlay__session_enter("inlay_sequence_fork", session));
    return inlay__session_leave(session, fork_sequence(session, from, to));
}
