/* What encoders do: hidden states, masked tokens, embeddings. */
#include "handles.h"
#include "model/sequences.h"
#include "recording.h"

/* What all calls that run the encoder begin with. */
static int32_t begin(const char *function, inlay_session *session, int32_t bit) {
    atomic_store(&session->cancel, 0); /* first of all: from here on a cancel counts */
    INLAY__TRY(inlay__session_can(function, session, bit));
    return inlay__weights_check(&session->model->weights);
}

/* ---------------------------------------------------------------- encoding */

static int32_t encode(const char *function, inlay_session *session, const int32_t *tokens, const uint8_t *segments,
                      size_t n_tokens) {
    size_t starts[] = {0, n_tokens};
    const inlay__sequences one = {tokens, segments, starts, 1};
    INLAY__TRY(begin(function, session, INLAY_CAN_ENCODE));
    if (tokens == NULL) return inlay__null_argument(function, "tokens");
    if (n_tokens == 0) return inlay__fail(INLAY_ERR_ARGUMENT, "%s: n_tokens is 0, expected at least one", function);
    inlay__eval_hooks hooks = inlay__session_hooks(session);
    INLAY__TRY(inlay__sequences_read(session->decoder, &one, &hooks));
    inlay__record_encode(session, tokens, segments, n_tokens);
    return INLAY_OK;
}

int32_t inlay_encode(inlay_session *session, const int32_t *tokens, size_t n_tokens) {
    INLAY__TRY(inlay__session_enter("inlay_encode", session));
    return inlay__session_leave(session, encode("inlay_encode", session, tokens, NULL, n_tokens));
}

int32_t inlay_encode_segments(inlay_session *session, const int32_t *tokens, const uint8_t *segments, size_t n_tokens) {
    INLAY__TRY(inlay__session_enter("inlay_encode_segments", session));
    return inlay__session_leave(session, encode("inlay_encode_segments", session, tokens, segments, n_tokens));
}

/* ----------------------------------------------------------------- results */

static int32_t find_states(const char *function, inlay_session *session, const float **states, size_t *n) {
    *states = inlay__sequences_states(session->decoder, n);
    return *states != NULL ? INLAY_OK : inlay__fail(INLAY_ERR_STATE, "%s: nothing was encoded", function);
}

static int32_t hidden_states(inlay_session *session, const float **states, size_t *n_tokens, size_t *n_embd) {
    const float *found;
    size_t n;
    INLAY__TRY(inlay__session_can("inlay_hidden_states", session, INLAY_CAN_ENCODE));
    INLAY__TRY(find_states("inlay_hidden_states", session, &found, &n));
    if (states != NULL) *states = found;
    if (n_tokens != NULL) *n_tokens = n;
    if (n_embd != NULL) *n_embd = inlay__model_hparams(session->model->network)->n_embd;
    return INLAY_OK;
}

int32_t inlay_hidden_states(inlay_session *session, const float **states, size_t *n_tokens, size_t *n_embd) {
    INLAY__TRY(inlay__session_enter("inlay_hidden_states", session));
    return inlay__session_leave(session, hidden_states(session, states, n_tokens, n_embd));
}

static int32_t logits_at(inlay_session *session, size_t position, float **logits, size_t *n_vocab) {
    const float *states;
    float *found;
    size_t n;
    INLAY__TRY(begin("inlay_logits_at", session, INLAY_CAN_FILL_MASK));
    INLAY__TRY(find_states("inlay_logits_at", session, &states, &n));
    if (position >= n)
        return inlay__fail(INLAY_ERR_ARGUMENT, "inlay_logits_at: position is %zu, but the sequence has %zu tokens",
                           position, n);
    inlay__eval_hooks hooks = inlay__session_hooks(session);
    INLAY__TRY(inlay__sequences_predict(session->decoder, position, &hooks, &found));
    if (logits != NULL) *logits = found;
    if (n_vocab != NULL) *n_vocab = session->n_vocab;
    return INLAY_OK;
}

int32_t inlay_logits_at(inlay_session *session, size_t position, float **logits, size_t *n_vocab) {
    INLAY__TRY(inlay__session_enter("inlay_logits_at", session));
    return inlay__session_leave(session, logits_at(session, position, logits, n_vocab));
}

/* -------------------------------------------------------------- embeddings */

static int32_t choose_pooling(const inlay_session *session, inlay__pooling *pooling) {
    const inlay__option_value *values = session->values;
    size_t n_embd = inlay__model_hparams(session->model->network)->n_embd;
    pooling->kind = (int32_t)values[INLAY__POOLING].integer;
    if (pooling->kind == INLAY_POOLING_MODEL) pooling->kind = inlay__model_pooling(session->model->network);
    pooling->normalize = values[INLAY__NORMALIZE].integer != 0;
    pooling->n_dims = (size_t)values[INLAY__DIMENSIONS].integer;
    if (pooling->n_dims > n_embd)
        return inlay__fail(INLAY_ERR_ARGUMENT, "option 'dimensions' is %zu, but the model's states have %zu",
                           pooling->n_dims, n_embd);
    if (pooling->n_dims == 0) pooling->n_dims = n_embd;
    return INLAY_OK;
}

/* What all calls that take many sequences ask of them, and of the room for n_each floats of each. */
static int32_t check_many(const char *function, const inlay_session *session, const inlay__sequences *s, size_t n_each,
                          const float *out, size_t capacity) {
    size_t needed;
    if (s->tokens == NULL) return inlay__null_argument(function, "tokens");
    if (s->starts == NULL) return inlay__null_argument(function, "starts");
    if (s->n == 0) return inlay__fail(INLAY_ERR_ARGUMENT, "%s: n_sequences is 0, expected at least one", function);
    if (!inlay__mul_size(s->n, n_each, &needed) || needed > capacity)
        return inlay__fail(INLAY_ERR_BUFFER, "%s: %zu sequences give %zu floats each, capacity is %zu", function, s->n,
                           n_each, capacity);
    if (out == NULL)
        return inlay__null_argument(function, strcmp(function, "inlay_scores") == 0 ? "scores" : "embeddings");
    return inlay__sequences_check(session->decoder, s);
}

static int32_t embed(inlay_session *session, const inlay__sequences *s, float *embeddings, size_t capacity,
                     size_t *n_dims) {
    const char *function = "inlay_embeddings";
    inlay__pooling pooling;
    INLAY__TRY(begin(function, session, INLAY_CAN_EMBED));
    INLAY__TRY(choose_pooling(session, &pooling));
    if (n_dims != NULL) *n_dims = pooling.n_dims;
    INLAY__TRY(check_many(function, session, s, pooling.n_dims, embeddings, capacity));
    inlay__eval_hooks hooks = inlay__session_hooks(session);
    return inlay__sequences_embed(session->decoder, s, &pooling, &hooks, embeddings);
}

int32_t inlay_embeddings(inlay_session *session, const int32_t *tokens, const size_t *starts, size_t n_sequences,
                         float *embeddings, size_t capacity, size_t *n_dims) {
    const inlay__sequences s = {tokens, NULL, starts, n_sequences};
    INLAY__TRY(inlay__session_enter("inlay_embeddings", session));
    return inlay__session_leave(session, embed(session, &s, embeddings, capacity, n_dims));
}

/* ------------------------------------------------------------------ scores */

static int32_t classify(inlay_session *session, const inlay__sequences *s, float *scores, size_t capacity,
                        size_t *n_labels) {
    const char *function = "inlay_scores";
    INLAY__TRY(begin(function, session, INLAY_CAN_CLASSIFY));
    size_t n = inlay__model_labels(session->model->network);
    if (n_labels != NULL) *n_labels = n;
    INLAY__TRY(check_many(function, session, s, n, scores, capacity));
    inlay__eval_hooks hooks = inlay__session_hooks(session);
    return inlay__sequences_classify(session->decoder, s, &hooks, scores);
}

int32_t inlay_scores(inlay_session *session, const int32_t *tokens, const uint8_t *segments, const size_t *starts,
                     size_t n_sequences, float *scores, size_t capacity, size_t *n_labels) {
    const inlay__sequences s = {tokens, segments, starts, n_sequences};
    INLAY__TRY(inlay__session_enter("inlay_scores", session));
    return inlay__session_leave(session, classify(session, &s, scores, capacity, n_labels));
}

/* ------------------------------------------------------------------- pairs */

/* The second text follows the first with its end token. What would begin it goes; where that is "<s>" an end token
 * stands in its place, as in RoBERTa. */
static int32_t join_pair(const inlay_model *model, int32_t *tokens, size_t n_first, size_t n, bool *doubles) {
    const char *text;
    size_t size;
    INLAY__TRY(inlay_token_text(model, tokens[n_first], &text, &size));
    *doubles = size == 3 && memcmp(text, "<s>", 3) == 0;
    if (*doubles)
        tokens[n_first] = tokens[n_first - 1];
    else
        memmove(tokens + n_first, tokens + n_first + 1, (n - n_first - 1) * sizeof *tokens);
    return INLAY_OK;
}

static int32_t tokenize_pair(const inlay_model *model, const char *const texts[2], const size_t sizes[2],
                             int32_t *tokens, uint8_t *segments, size_t capacity, size_t *n_tokens) {
    size_t starts[3];
    bool doubles;
    *n_tokens = 0;
    int32_t status = inlay_tokenize_batch(model, texts, sizes, 2, INLAY_ADD_SPECIAL, 1, tokens, capacity, starts);
    if (status == INLAY_ERR_BUFFER) *n_tokens = starts[2]; /* one of them perhaps not kept */
    INLAY__TRY(status);
    size_t n_first = starts[1], n = starts[2];
    if (n_first < 2 || n < n_first + 2 || tokens[n_first] != tokens[0] || tokens[n - 1] != tokens[n_first - 1])
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "inlay_tokenize_pair: the model's tokenizer does not put a token before and one "
                           "after a text");
    INLAY__TRY(join_pair(model, tokens, n_first, n, &doubles));
    if (!doubles) n--;
    bool tells = model->network == NULL || inlay__model_segments(model->network) > 1;
    for (size_t i = 0; segments != NULL && i < n; i++) segments[i] = tells && i >= n_first;
    *n_tokens = n;
    return INLAY_OK;
}

int32_t inlay_tokenize_pair(const inlay_model *model, const char *first, size_t first_size, const char *second,
                            size_t second_size, int32_t *tokens, uint8_t *segments, size_t capacity, size_t *n_tokens) {
    const char *function = "inlay_tokenize_pair", *const texts[] = {first, second};
    INLAY__TRY(inlay__check_model(function, model));
    if (first == NULL) return inlay__owned(model, inlay__null_argument(function, "first"));
    if (second == NULL) return inlay__owned(model, inlay__null_argument(function, "second"));
    if (n_tokens == NULL) return inlay__owned(model, inlay__null_argument(function, "n_tokens"));
    const size_t sizes[] = {first_size == INLAY_ALL ? strlen(first) : first_size,
                            second_size == INLAY_ALL ? strlen(second) : second_size};
    return inlay__owned(model, tokenize_pair(model, texts, sizes, tokens, segments, capacity, n_tokens));
}
