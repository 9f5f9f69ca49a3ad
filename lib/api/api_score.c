/* Probabilities of tokens: of the next one, and of a text. */
#include "base/fpenv.h"
#include "handles.h"
#include "recording.h"
#include "sample/probabilities.h"

enum { MOST_ROWS = 32 };

static int32_t check_logits(const char *function, const float *logits, size_t n_vocab) {
    if (logits == NULL) return inlay__null_argument(function, "logits");
    if (n_vocab > 0 && n_vocab <= INT32_MAX) return INLAY_OK;
    return inlay__fail(INLAY_ERR_ARGUMENT, "%s: n_vocab is %zu, expected 1 to %d", function, n_vocab, INT32_MAX);
}

static int32_t log_probability_of(const float *logits, size_t n_vocab, int32_t token, float *log_probability) {
    double total = 0.0;
    inlay__fpenv saved = inlay__fpenv_enter();
    int32_t status = inlay__log_total(logits, n_vocab, &total);
    if (status == INLAY_OK) *log_probability = inlay__log_probability(logits[token], total);
    inlay__fpenv_leave(saved);
    return status;
}

int32_t inlay_log_probability(const float *logits, size_t n_vocab, int32_t token, float *log_probability) {
    const char *function = "inlay_log_probability";
    INLAY__TRY(check_logits(function, logits, n_vocab));
    if (log_probability == NULL) return inlay__null_argument(function, "log_probability");
    if (token < 0 || (size_t)token >= n_vocab)
        return inlay__fail(INLAY_ERR_TOKEN, "%s: token is %d, but there are %zu", function, token, n_vocab);
    return log_probability_of(logits, n_vocab, token, log_probability);
}

static int32_t top_tokens(const float *logits, size_t n_vocab, size_t n, int32_t *tokens, float *log_probabilities) {
    double total = 0.0;
    INLAY__TRY(inlay__log_total(logits, n_vocab, &total));
    inlay__top_tokens(logits, n_vocab, n, tokens);
    for (size_t i = 0; i < n; i++) log_probabilities[i] = inlay__log_probability(logits[tokens[i]], total);
    return INLAY_OK;
}

int32_t inlay_top_tokens(const float *logits, size_t n_vocab, size_t n, int32_t *tokens, float *log_probabilities) {
    const char *function = "inlay_top_tokens";
    INLAY__TRY(check_logits(function, logits, n_vocab));
    if (tokens == NULL) return inlay__null_argument(function, "tokens");
    if (log_probabilities == NULL) return inlay__null_argument(function, "log_probabilities");
    if (n > n_vocab)
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: n is %zu, but there are %zu tokens", function, n, n_vocab);
    inlay__fpenv saved = inlay__fpenv_enter();
    int32_t status = top_tokens(logits, n_vocab, n, tokens, log_probabilities);
    inlay__fpenv_leave(saved);
    return status;
}

/* ---------------------------------------------------------------- of a text */

/* Of tokens that were evaluated with these rows [n, n_vocab]; rows[i] tells of token i + 1. */
static int32_t read_rows(const float *rows, size_t n_vocab, const int32_t *tokens, size_t n, float *out) {
    for (size_t i = 0; i < n; i++)
        INLAY__TRY(log_probability_of(rows + i * n_vocab, n_vocab, tokens[i], &out[i]));
    return INLAY_OK;
}

/* The first by the logits that stand, each other by the row before it; `rows` has room for so many tokens. */
static int32_t score_parts(inlay_session *session, const int32_t *tokens, size_t n, float *rows, size_t n_rows,
                           float *out) {
    size_t n_vocab = session->n_vocab;
    for (size_t done = 0; done < n;) {
        size_t now = inlay__min_size(n_rows, n - done);
        const inlay__run run = {session->sequence, tokens + done, now};
        INLAY__TRY(inlay__session_eval(session, &run, 1, rows));
        size_t next = inlay__min_size(now, n - done - 1);
        INLAY__TRY(read_rows(rows, n_vocab, tokens + done + 1, next, out + done + 1));
        done += now;
    }
    return INLAY_OK;
}

static int32_t check_score(const inlay_session *session, const int32_t *tokens, size_t n, const float *out) {
    const char *function = "inlay_score";
    INLAY__TRY(inlay__session_can(function, session, INLAY_CAN_GENERATE));
    if (tokens == NULL) return inlay__null_argument(function, "tokens");
    if (out == NULL) return inlay__null_argument(function, "log_probabilities");
    if (n == 0) return inlay__fail(INLAY_ERR_ARGUMENT, "%s: n_tokens is 0, expected at least one", function);
    if (n > session->n_context - inlay__decoder_length(session->decoder, session->sequence))
        return inlay__fail(INLAY_ERR_CONTEXT, "%s: %zu tokens do not fit: %zu of %zu places are taken", function, n,
                           inlay__decoder_length(session->decoder, session->sequence), session->n_context);
    for (size_t i = 0; i < n; i++)
        if (tokens[i] < 0 || (size_t)tokens[i] >= session->n_vocab)
            return inlay__fail(INLAY_ERR_TOKEN, "%s: tokens[%zu] is %d, but the vocabulary has %zu", function, i,
                               tokens[i], session->n_vocab);
    return INLAY_OK;
}

static int32_t score(inlay_session *session, const int32_t *tokens, size_t n, float *out) {
    atomic_store(&session->cancel, 0); /* first of all: from here on a cancel counts */
    INLAY__TRY(check_score(session, tokens, n, out));
    size_t length = inlay__decoder_length(session->decoder, session->sequence), n_vocab = session->n_vocab;
    const float *logits = inlay__decoder_logits(session->decoder, session->sequence);
    out[0] = 0.0f;
    if (logits != NULL) INLAY__TRY(read_rows(logits, n_vocab, tokens, 1, out));
    size_t n_rows = inlay__min_size(n, MOST_ROWS), size;
    if (!inlay__mul_size(n_rows * sizeof(float), n_vocab, &size)) return INLAY_ERR_MEMORY;
    float *rows = inlay__alloc(&session->owner_sys, size);
    if (rows == NULL) return INLAY_ERR_MEMORY;
    int32_t status = score_parts(session, tokens, n, rows, n_rows, out);
    inlay__free(&session->owner_sys, rows, size);
    if (status == INLAY_OK || inlay__decoder_length(session->decoder, session->sequence) <= length) return status;
    if (inlay__decoder_truncate(session->decoder, session->sequence, length) != INLAY_OK)
        inlay__decoder_truncate(session->decoder, session->sequence, length = 0);
    inlay__record_plain(session, INLAY__RECORD_TRUNCATE, session->sequence, length);
    return status;
}

int32_t inlay_score(inlay_session *session, const int32_t *tokens, size_t n_tokens, float *log_probabilities) {
    INLAY__TRY(inlay__session_enter("inlay_score", session));
    return inlay__session_leave(session, score(session, tokens, n_tokens, log_probabilities));
}
