/* Beam search; the best of several answers. */
#include "handles.h"
#include "recording.h"
#include "sample/beam.h"
#include "sample/best_of.h"

static int32_t check(const char *function, const char *what, const inlay_session *session, size_t n_beams,
                     size_t max_tokens, double length_penalty, size_t capacity) {
    size_t length = inlay__decoder_length(session->decoder, session->sequence);
    if (n_beams == 0 || n_beams >= session->n_sequences)
        return inlay__fail(INLAY_ERR_ARGUMENT,
                           "%s: %s is %zu, expected 1 to %zu: one less than the session's sequences", function, what,
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

/* The others that were used are empty now. */
static void record_emptied(inlay_session *session) {
    for (size_t i = 0; i < session->n_sequences; i++)
        if (i != session->sequence && inlay__decoder_length(session->decoder, i) == 0)
            inlay__record_plain(session, INLAY__RECORD_TRUNCATE, i, 0);
}

static int32_t search(inlay_session *session, size_t n_beams, size_t max_tokens, double length_penalty, int32_t *tokens,
                      size_t capacity, size_t *n_tokens, double *score) {
    const char *function = "inlay_beam_search";
    double found = 0.0;
    atomic_store(&session->cancel, 0); /* first of all: from here on a cancel counts */
    INLAY__TRY(inlay__session_can(function, session, INLAY_CAN_GENERATE));
    if (tokens == NULL) return inlay__null_argument(function, "tokens");
    if (n_tokens == NULL) return inlay__null_argument(function, "n_tokens");
    INLAY__TRY(check(function, "n_beams", session, n_beams, max_tokens, length_penalty, capacity));
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
    record_emptied(session);
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

/* What inlay_best_of is called with, but for the session. */
typedef struct request {
    size_t n_answers, max_tokens;
    double length_penalty;
    int32_t *tokens;
    size_t capacity, *n_tokens;
    double *score;
} request;

static int32_t draw(inlay_session *session, inlay_sampler *sampler, const request *r) {
    const char *function = "inlay_best_of";
    double found = 0.0;
    atomic_store(&session->cancel, 0); /* first of all: from here on a cancel counts */
    INLAY__TRY(inlay__session_can(function, session, INLAY_CAN_GENERATE));
    if (r->tokens == NULL) return inlay__null_argument(function, "tokens");
    if (r->n_tokens == NULL) return inlay__null_argument(function, "n_tokens");
    INLAY__TRY(check(function, "n_answers", session, r->n_answers, r->max_tokens, r->length_penalty, r->capacity));
    if (sampler != NULL && sampler->chain.n_vocab != session->n_vocab)
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: the sampler has %zu tokens, the session's model %zu", function,
                           sampler->chain.n_vocab, session->n_vocab);
    INLAY__TRY(inlay__weights_check(&session->model->weights));
    const inlay__best_of_config config = {.n_answers = r->n_answers,
                                          .max_tokens = r->max_tokens,
                                          .length_penalty = r->length_penalty,
                                          .tokenizer = session->model->tokenizer,
                                          .prompt = session->sequence,
                                          .n_vocab = session->n_vocab,
                                          .cpu = session->model->cpu,
                                          .sampler = &session->sampler,
                                          .chain = sampler != NULL ? &sampler->chain : NULL};
    const inlay__eval_hooks hooks = inlay__session_hooks(session);
    int32_t status =
        inlay__best_of(&session->owner_sys, session->decoder, &config, &hooks, r->tokens, r->n_tokens, &found);
    record_emptied(session);
    inlay__record_random(session);
    INLAY__TRY(status);
    if (r->score != NULL) *r->score = found;
    return INLAY_OK;
}

static int32_t draw_with(inlay_session *session, inlay_sampler *sampler, const request *r) {
    if (sampler == NULL) return draw(session, NULL, r);
    INLAY__TRY(inlay__sampler_enter("inlay_best_of", sampler));
    return inlay__sampler_leave(sampler, draw(session, sampler, r));
}

int32_t inlay_best_of(inlay_session *session, size_t n_answers, size_t max_tokens, double length_penalty,
                      inlay_sampler *sampler, int32_t *tokens, size_t capacity, size_t *n_tokens, double *score) {
    const request r = {n_answers, max_tokens, length_penalty, tokens, capacity, n_tokens, score};
    INLAY__TRY(inlay__session_enter("inlay_best_of", session));
    return inlay__session_leave(session, draw_with(session, sampler, &r));
}
