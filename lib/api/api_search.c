/* Beam search. */
#include "handles.h"
#include "recording.h"
#include "sample/beam.h"

static int32_t check(const inlay_session *session, size_t n_beams, size_t max_tokens, double length_penalty,
                     size_t capacity) {
    const char *function = "inlay_beam_search";
    size_t length = inlay__decoder_length(session->decoder, session->sequence);
    if (n_beams == 0 || n_beams >= session->n_sequences)
        return inlay__fail(INLAY_ERR_ARGUMENT,
                           "%s: n_beams is %zu, expected 1 to %zu: one less than the session's sequences", function,
                           n_beams, session->n_sequences - 1);
    if (!(length_penalty >= 0.0 && length_penalty <= 10.0))
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: length_penalty is %g, expected 0 to 10", function, length_penalty);
    if (max_tokens == 0) return inlay__fail(INLAY_ERR_ARGUMENT, "%s: max_tokens is 0, expected at least 1", function);
    if (inlay__decoder_logits(session->decoder, session->sequence) == NULL)
        return inlay__fail(INLAY_ERR_STATE,
                           "%s: there are no logits: nothing was evaluated since the sequence began or was "
                           "shortened",
                           function);
    if (max_tokens > session->n_context - length)
        return inlay__fail(INLAY_ERR_CONTEXT, "%s: %zu tokens do not fit: %zu of %zu places are taken", function,
                           max_tokens, length, session->n_context);
    if (max_tokens > capacity)
        return inlay__fail(INLAY_ERR_BUFFER, "%s: an answer may have %zu tokens, capacity is %zu", function, max_tokens,
                           capacity);
    return INLAY_OK;
}

static int32_t search(inlay_session *session, size_t n_beams, size_t max_tokens, double length_penalty, int32_t *tokens,
                      size_t capacity, size_t *n_tokens, double *score) {
    const char *function = "inlay_beam_search";
    double found = 0.0;
    atomic_store(&session->cancel, 0); /* first of all: from here on a cancel counts */
    INLAY__TRY(inlay__session_can(function, session, INLAY_CAN_GENERATE));
    if (tokens == NULL) return inlay__null_argument(function, "tokens");
    if (n_tokens == NULL) return inlay__null_argument(function, "n_tokens");
    INLAY__TRY(check(session, n_beams, max_tokens, length_penalty, capacity));
    INLAY__TRY(inlay__weights_check(&session->model->weights));
    const inlay__beam_config config = {.n_beams = n_beams,
                                       .max_tokens = max_tokens,
                                       .length_penalty = length_penalty,
                                       .tokenizer = session->model->tokenizer,
                                       .prompt = session->sequence,
                                       .n_vocab = session->n_vocab};
    const inlay__eval_hooks hooks = inlay__session_hooks(session);
    int32_t status =
        inlay__beam_search(&session->owner_sys, session->decoder, &config, &hooks, tokens, n_tokens, &found);
    for (size_t i = 0; i < session->n_sequences; i++) /* the others that it used are empty now */
        if (i != session->sequence && inlay__decoder_length(session->decoder, i) == 0)
            inlay__record_plain(session, INLAY__RECORD_TRUNCATE, i, 0);
    INLAY__TRY(status);
    if (score != NULL) *score = found;
    return INLAY_OK;
}

int32_t inlay_beam_search(inlay_session *session, size_t n_beams, size_t max_tokens, double length_penalty,
                          int32_t *tokens, size_t capacity, size_t *n_tokens, double *score) {
    INLAY__TRY(inlay__session_enter("inlay_beam_search", session));
    return inlay__session_leave(
        session, search(session, n_beams, max_tokens, length_penalty, tokens, capacity, n_tokens, score));
}
