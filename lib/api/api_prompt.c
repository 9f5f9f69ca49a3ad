/* Prompts of which only what is new is read; texts that are kept. */
#include "handles.h"
#include "model/kept.h"
#include "recording.h"

static int32_t eval_prompt(inlay_session *session, const int32_t *tokens, size_t n_tokens, size_t *n_reused) {
    inlay__decoder *d = session->decoder;
    inlay__run run;
    atomic_store(&session->cancel, 0); /* first of all: from here on a cancel counts */
    INLAY__TRY(inlay__session_run("inlay_eval_prompt", session, tokens, n_tokens, &run));
    INLAY__TRY(inlay__decoder_check(d, &run, 0));
    size_t done = inlay__kept_recall(d, session->sequence, tokens, n_tokens);
    inlay__record_recall(session, tokens, done);
    if (n_reused != NULL) *n_reused = done;
    while (done < n_tokens) {
        size_t stop = inlay__kept_next_stop(d, session->sequence, tokens, n_tokens, done);
        const inlay__run part = {session->sequence, tokens + done, stop - done};
        INLAY__TRY(inlay__session_eval(session, &part, 1, NULL));
        if (stop < n_tokens) inlay__kept_keep(d, session->sequence);
        done = stop;
    }
    return INLAY_OK;
}

int32_t inlay_eval_prompt(inlay_session *session, const int32_t *tokens, size_t n_tokens, size_t *n_reused) {
    INLAY__TRY(inlay__session_enter("inlay_eval_prompt", session));
    return inlay__session_leave(session, eval_prompt(session, tokens, n_tokens, n_reused));
}

static int32_t recall(inlay_session *session, const int32_t *tokens, size_t n_tokens, size_t *n_reused) {
    inlay__run run;
    if (n_reused == NULL) return inlay__null_argument("inlay_session_recall", "n_reused");
    INLAY__TRY(inlay__session_run("inlay_session_recall", session, tokens, n_tokens, &run));
    *n_reused = inlay__kept_recall(session->decoder, session->sequence, tokens, n_tokens);
    inlay__record_recall(session, tokens, *n_reused);
    return INLAY_OK;
}

int32_t inlay_session_recall(inlay_session *session, const int32_t *tokens, size_t n_tokens, size_t *n_reused) {
    INLAY__TRY(inlay__session_enter("inlay_session_recall", session));
    return inlay__session_leave(session, recall(session, tokens, n_tokens, n_reused));
}

int32_t inlay_session_keep(inlay_session *session) {
    INLAY__TRY(inlay__session_enter("inlay_session_keep", session));
    int32_t status = inlay__session_can("inlay_session_keep", session, INLAY_CAN_GENERATE);
    if (status == INLAY_OK) inlay__kept_keep(session->decoder, session->sequence);
    return inlay__session_leave(session, status);
}

int32_t inlay_session_forget(inlay_session *session) {
    INLAY__TRY(inlay__session_enter("inlay_session_forget", session));
    inlay__kept_forget(session->decoder);
    return inlay__session_leave(session, INLAY_OK);
}
