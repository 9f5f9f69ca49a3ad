/* Speculation: guesses that the model reads together with the token it chose. */
#include "base/fpenv.h"
#include "handles.h"
#include "recording.h"
#include "sample/lookup.h"

enum { MOST_VOCAB = 1 << 24, MOST_GUESSES = INLAY__MOST_GUESSES, MOST_TEXT = 1 << 24 };

/* ------------------------------------------------------------------- lifetime */

static int32_t check(const char *function, const inlay_speculator *s) {
    if (s == NULL) return inlay__null_argument(function, "speculator");
    if (s->magic == INLAY__MAGIC_SPECULATOR) return INLAY_OK;
    return inlay__fail(INLAY_ERR_ARGUMENT, "%s: speculator is not an inlay_speculator", function);
}

static int32_t enter(const char *function, inlay_speculator *s) {
    int idle = INLAY__IDLE;
    INLAY__TRY(check(function, s));
    if (atomic_compare_exchange_strong(&s->use, &idle, INLAY__BUSY)) return INLAY_OK;
    return inlay__fail(INLAY_ERR_BUSY, "%s: another call is using this speculator", function);
}

static void destroy(inlay_speculator *s) {
    inlay__sys sys = s->sys;
    s->magic = INLAY__MAGIC_FREED;
    inlay__history_free(&s->text, &sys);
    inlay__free(&sys, s->rows, s->rows_size);
    inlay__free(&sys, s, sizeof *s);
}

static int32_t leave(inlay_speculator *s, int32_t status) {
    int busy = INLAY__BUSY;
    if (!atomic_compare_exchange_strong(&s->use, &busy, INLAY__IDLE)) destroy(s); /* freed meanwhile */
    return status;
}

static int32_t range(const char *what, size_t found, size_t least, size_t most) {
    if (found >= least && found <= most) return INLAY_OK;
    return inlay__fail(INLAY_ERR_ARGUMENT, "inlay_speculator_new: %s is %zu, expected %zu to %zu", what, found, least,
                       most);
}

static int32_t make(const inlay__sys *sys, size_t n_vocab, size_t n_guesses, size_t n_text, inlay_speculator **out) {
    inlay_speculator *s = inlay__alloc_array(sys, 1, sizeof *s);
    size_t size;
    if (s == NULL) return INLAY_ERR_MEMORY;
    s->magic = INLAY__MAGIC_SPECULATOR;
    s->sys = *sys;
    s->n_vocab = n_vocab;
    s->reach = s->n_guesses = n_guesses;
    atomic_init(&s->use, INLAY__IDLE);
    bool fits = inlay__mul_size((n_guesses + 1) * sizeof(float), n_vocab, &size);
    s->rows = fits ? inlay__alloc(sys, size) : NULL;
    s->rows_size = s->rows != NULL ? size : 0;
    int32_t status = s->rows != NULL ? inlay__history_grow(&s->text, sys, n_text) : INLAY_ERR_MEMORY;
    if (status == INLAY_OK)
        *out = s;
    else
        destroy(s);
    return status;
}

int32_t inlay_speculator_new(size_t n_vocab, size_t n_guesses, size_t n_text, const inlay_options *options,
                             inlay_speculator **speculator) {
    const char *function = "inlay_speculator_new";
    inlay_options defaults;
    const inlay_options *found;
    if (speculator == NULL) return inlay__null_argument(function, "speculator");
    *speculator = NULL;
    INLAY__TRY(range("n_vocab", n_vocab, 1, MOST_VOCAB));
    INLAY__TRY(range("n_guesses", n_guesses, 1, MOST_GUESSES));
    INLAY__TRY(range("n_text", n_text, 2, MOST_TEXT));
    INLAY__TRY(inlay__options_or_defaults(function, options, &defaults, &found));
    return make(&found->sys, n_vocab, n_guesses, n_text, speculator);
}

void inlay_speculator_free(inlay_speculator *s) {
    int busy = INLAY__BUSY;
    if (s == NULL || s->magic != INLAY__MAGIC_SPECULATOR) return;
    if (atomic_compare_exchange_strong(&s->use, &busy, INLAY__BUSY_THEN_FREE)) return; /* its call will */
    if (busy == INLAY__IDLE) destroy(s);
}

/* ----------------------------------------------------------------------- text */

static int32_t accept(inlay_speculator *s, const int32_t *tokens, size_t n) {
    const char *function = "inlay_speculator_accept";
    if (tokens == NULL && n > 0) return inlay__null_argument(function, "tokens");
    for (size_t i = 0; i < n; i++)
        if (tokens[i] < 0 || (size_t)tokens[i] >= s->n_vocab)
            return inlay__fail(INLAY_ERR_TOKEN, "%s: tokens[%zu] is %d, but the speculator has %zu tokens", function, i,
                               tokens[i], s->n_vocab);
    inlay__history_add(&s->text, tokens, n);
    return INLAY_OK;
}

int32_t inlay_speculator_accept(inlay_speculator *speculator, const int32_t *tokens, size_t n_tokens) {
    INLAY__TRY(enter("inlay_speculator_accept", speculator));
    return leave(speculator, accept(speculator, tokens, n_tokens));
}

int32_t inlay_speculator_reset(inlay_speculator *speculator) {
    INLAY__TRY(enter("inlay_speculator_reset", speculator));
    speculator->text.n = 0;
    speculator->n_behind = 0;
    speculator->draft_is_full = false;
    speculator->reach = speculator->n_guesses;
    return leave(speculator, INLAY_OK);
}

int32_t inlay_speculator_get_int(const inlay_speculator *s, int32_t fact, int64_t *value) {
    const char *function = "inlay_speculator_get_int";
    INLAY__TRY(check(function, s));
    if (value == NULL) return inlay__null_argument(function, "value");
    if (fact < 1 || fact > INLAY__N_SPECULATOR_FACTS)
        return inlay__fail(INLAY_ERR_KEY, "%s: there is no fact %d", function, fact);
    *value = s->facts[fact - 1];
    return INLAY_OK;
}

/* -------------------------------------------------------------------- choosing */

/* Who chooses: the caller's sampler, or the session's own. */
typedef struct chooser {
    inlay__chain *chain; /* or NULL */
    inlay__sampler *sampler;
    inlay__chain_draws draws; /* to come back to */
} chooser;

static void keep_draws(chooser *c) {
    if (c->chain != NULL)
        inlay__chain_keep_draws(c->chain, &c->draws);
    else
        c->draws.rng = c->sampler->rng;
}

static void undo_draws(chooser *c) {
    if (c->chain != NULL)
        inlay__chain_undo_draws(c->chain, &c->draws);
    else
        c->sampler->rng = c->draws.rng;
}

static int32_t choose(chooser *c, const float *logits, int32_t *token) {
    if (c->chain != NULL) return inlay__chain_choose(c->chain, logits, token);
    inlay__fpenv saved = inlay__fpenv_enter();
    int32_t status = inlay__sampler_choose(c->sampler, logits, token);
    inlay__fpenv_leave(saved);
    return status;
}

/* ----------------------------------------------------------------------- draft */

/* Where the draft stands while guesses are checked. */
typedef struct drafting {
    inlay_session *session; /* or NULL */
    bool can_cut;
    size_t kept;   /* the sequence that keeps what it was, where it cannot be cut */
    size_t length; /* with all of the text, before the guesses */
    size_t n_read; /* tokens since: the one chosen, and guesses */
} drafting;

static int32_t draft_eval(const drafting *d, const int32_t *tokens, size_t n) {
    const inlay__run run = {d->session->sequence, tokens, n};
    return inlay__session_eval(d->session, &run, 1, NULL);
}

static void draft_fork(inlay_session *session, size_t from, size_t to) {
    inlay__decoder_fork(session->decoder, from, to);
    inlay__record_plain(session, INLAY__RECORD_FORK, from, to);
}

/* The text that the draft has not read yet; then where to come back to. */
static int32_t draft_begin(inlay_speculator *s, drafting *d) {
    inlay_session *session = d->session;
    if (s->n_behind > 0) INLAY__TRY(draft_eval(d, s->behind, s->n_behind));
    s->n_behind = 0;
    d->length = inlay__decoder_length(session->decoder, session->sequence);
    if (!d->can_cut) draft_fork(session, session->sequence, d->kept);
    return INLAY_OK;
}

/* Back to the text and the first n tokens since; what it cannot go back to, it is behind by. */
static void draft_return(inlay_speculator *s, drafting *d, const int32_t *tokens, size_t n) {
    inlay_session *session = d->session;
    if (session == NULL || s->draft_is_full) return;
    size_t n_read = inlay__min_size(n, d->n_read);
    if (n_read < d->n_read && !d->can_cut) {
        draft_fork(session, d->kept, session->sequence);
        n_read = 0;
    } else if (n_read < d->n_read) {
        inlay__decoder_truncate(session->decoder, session->sequence, d->length + n_read);
        inlay__record_plain(session, INLAY__RECORD_TRUNCATE, session->sequence, d->length + n_read);
    }
    for (size_t i = n_read; i < n; i++)
        s->behind[s->n_behind++] = tokens[i];
    d->n_read = n_read;
}

/* Guesses behind tokens[0], as the draft would choose by the numbers that the chooser draws next. */
static int32_t draft_guess(inlay_speculator *s, drafting *d, chooser *c, int32_t *tokens, size_t most, size_t *n) {
    inlay_session *session = d->session;
    size_t room = session->n_context - inlay__decoder_length(session->decoder, session->sequence);
    if (room < s->n_behind + 1 + most) s->draft_is_full = true;
    if (s->draft_is_full) return INLAY_OK;
    INLAY__TRY(draft_begin(s, d));
    chooser guesser = *c;
    keep_draws(&guesser);
    int32_t status = INLAY_OK;
    while (status == INLAY_OK && *n < most) {
        status = draft_eval(d, tokens + *n, 1);
        if (status == INLAY_OK) d->n_read++;
        if (status == INLAY_OK)
            status = choose(&guesser, inlay__decoder_logits(session->decoder, session->sequence), &tokens[*n + 1]);
        if (status == INLAY_OK && guesser.chain != NULL) status = inlay__chain_guess(guesser.chain, tokens[*n + 1]);
        *n += status == INLAY_OK;
    }
    undo_draws(&guesser);
    return status;
}

/* ------------------------------------------------------------------ speculation */

typedef struct speculation {
    inlay_speculator *s;
    inlay_session *session;
    chooser chooser;
    drafting draft;
    int32_t tokens[MOST_GUESSES + 1]; /* the one chosen, and guesses */
    size_t n;
} speculation;

static bool is_end(const speculation *p, int32_t token) {
    return inlay__tokenizer_ends(p->session->model->tokenizer, token);
}

/* How many guesses there may be behind the token chosen. */
static size_t most_guesses(const speculation *p, size_t capacity) {
    size_t length = inlay__decoder_length(p->session->decoder, p->session->sequence);
    size_t room = p->session->n_context - length;
    if (room <= 1 || is_end(p, p->tokens[0])) return 0;
    return inlay__min_size(p->s->reach, inlay__min_size(room, capacity) - 1);
}

static int32_t guess(speculation *p, size_t capacity) {
    inlay_speculator *s = p->s;
    size_t n_text, most = most_guesses(p, capacity), n = 0;
    if (p->draft.session != NULL) {
        INLAY__TRY(draft_guess(s, &p->draft, &p->chooser, p->tokens, most, &n));
    } else if (most > 0) {
        inlay__history_add(&s->text, p->tokens, 1);
        const int32_t *text = inlay__history_last(&s->text, SIZE_MAX, &n_text);
        n = inlay__lookup(text, n_text, most, p->tokens + 1);
        s->text.n--;
    }
    p->n = 1 + n;
    return INLAY_OK;
}

/* Takes the tokens that would have been chosen one by one; how many, at least the first. */
static size_t take(speculation *p) {
    inlay_speculator *s = p->s;
    chooser *c = &p->chooser;
    for (size_t i = 0;; i++) {
        int32_t token;
        if (c->chain != NULL) inlay__chain_accept(c->chain, p->tokens + i, 1); /* it was chosen by the chain */
        if (i + 1 == p->n || is_end(p, p->tokens[i])) return i + 1;
        keep_draws(c);
        if (choose(c, s->rows + i * s->n_vocab, &token) == INLAY_OK && token == p->tokens[i + 1]) continue;
        undo_draws(c); /* it will be chosen by the next call, or fail there */
        return i + 1;
    }
}

/* Many guesses while they come true, few while they do not. */
static void adapt(inlay_speculator *s, size_t n_guesses, size_t n_kept) {
    if (n_guesses == 0) return;
    size_t reach = n_kept == n_guesses ? 2 * s->reach + 1 : inlay__max_size(n_kept + 1, 3);
    s->reach = inlay__min_size(reach, s->n_guesses);
    s->facts[INLAY_SPECULATOR_GUESSED - 1] += (int64_t)n_guesses;
    s->facts[INLAY_SPECULATOR_KEPT - 1] += (int64_t)n_kept;
}

/* Chosen tokens, evaluated together; what was not to be is taken back. */
static int32_t run(speculation *p, const float *logits, size_t capacity, int32_t *tokens, size_t *n_tokens) {
    inlay_speculator *s = p->s;
    inlay_session *session = p->session;
    chooser before = p->chooser;
    keep_draws(&before);
    INLAY__TRY(choose(&p->chooser, logits, &p->tokens[0]));
    int32_t status = guess(p, capacity);
    const inlay__run run = {session->sequence, p->tokens, p->n};
    if (status == INLAY_OK) status = inlay__session_eval_silently(session, &run, 1, s->rows);
    if (status != INLAY_OK) {
        draft_return(s, &p->draft, p->tokens, 0);
        undo_draws(&before);
        return status;
    }
    size_t n = take(p);
    inlay__history_add(&s->text, p->tokens, n);
    draft_return(s, &p->draft, p->tokens, n);
    adapt(s, p->n - 1, n - 1);
    memcpy(tokens, p->tokens, n * sizeof *tokens);
    *n_tokens = n;
    s->facts[INLAY_SPECULATOR_CALLS - 1]++;
    INLAY__TRY(inlay__decoder_retreat(session->decoder, &run, n, s->rows + (n - 1) * s->n_vocab));
    inlay__record_eval(session, &(inlay__run){session->sequence, p->tokens, n}, 1); /* as if they had come one by one */
    inlay__record_random(session);
    return INLAY_OK;
}

/* ------------------------------------------------------------------- the call */

static int32_t same_vocab(const char *what, size_t found, const inlay_speculator *s) {
    if (found == s->n_vocab) return INLAY_OK;
    return inlay__fail(INLAY_ERR_ARGUMENT, "inlay_speculate: the %s has %zu tokens, the speculator %zu", what, found,
                       s->n_vocab);
}

static int32_t set_draft(speculation *p, inlay_session *session) {
    drafting *d = &p->draft;
    INLAY__TRY(inlay__session_can("inlay_speculate", session, INLAY_CAN_GENERATE));
    INLAY__TRY(same_vocab("draft's model", session->n_vocab, p->s));
    d->session = session;
    d->can_cut = inlay__decoder_can_cut(session->decoder, MOST_GUESSES + 1);
    d->kept = session->sequence == 0 ? 1 : 0;
    if (d->can_cut || session->n_sequences > 1) return INLAY_OK;
    return inlay__fail(INLAY_ERR_ARGUMENT,
                       "inlay_speculate: the draft cannot be cut and has 1 sequence, expected 2 (INLAY_OPT_SEQUENCES)");
}

/* Session, draft and sampler are in hand. */
static int32_t speculate(speculation *p, inlay_session *draft_session, int32_t *tokens, size_t capacity,
                         size_t *n_tokens) {
    const char *function = "inlay_speculate";
    inlay_session *session = p->session;
    float *logits;
    atomic_store(&session->cancel, 0); /* first of all: from here on a cancel counts */
    if (draft_session != NULL) atomic_store(&draft_session->cancel, 0);
    if (tokens == NULL) return inlay__null_argument(function, "tokens");
    if (n_tokens == NULL) return inlay__null_argument(function, "n_tokens");
    if (capacity == 0) return inlay__fail(INLAY_ERR_BUFFER, "%s: capacity is 0, expected at least 1", function);
    INLAY__TRY(inlay__session_logits(function, session, &logits));
    INLAY__TRY(same_vocab("session's model", session->n_vocab, p->s));
    if (p->chooser.chain != NULL) INLAY__TRY(same_vocab("sampler", p->chooser.chain->n_vocab, p->s));
    if (draft_session != NULL) INLAY__TRY(set_draft(p, draft_session));
    return run(p, logits, capacity, tokens, n_tokens);
}

static int32_t with_draft(speculation *p, inlay_session *draft_session, int32_t *tokens, size_t capacity,
                          size_t *n_tokens) {
    if (draft_session == NULL) return speculate(p, NULL, tokens, capacity, n_tokens);
    INLAY__TRY(inlay__session_enter("inlay_speculate", draft_session));
    return inlay__session_leave(draft_session, speculate(p, draft_session, tokens, capacity, n_tokens));
}

static int32_t with_sampler(speculation *p, inlay_sampler *sampler, inlay_session *draft_session, int32_t *tokens,
                            size_t capacity, size_t *n_tokens) {
    p->chooser.sampler = &p->session->sampler;
    if (sampler == NULL) return with_draft(p, draft_session, tokens, capacity, n_tokens);
    INLAY__TRY(inlay__sampler_enter("inlay_speculate", sampler));
    p->chooser.chain = &sampler->chain;
    return inlay__sampler_leave(sampler, with_draft(p, draft_session, tokens, capacity, n_tokens));
}

int32_t inlay_speculate(inlay_speculator *speculator, inlay_session *session, inlay_session *draft,
                        inlay_sampler *sampler, int32_t *tokens, size_t capacity, size_t *n_tokens) {
    speculation p = {.s = speculator, .session = session};
    INLAY__TRY(enter("inlay_speculate", speculator));
    int32_t status = inlay__session_enter("inlay_speculate", session);
    if (status == INLAY_OK)
        status = inlay__session_leave(session, with_sampler(&p, sampler, draft, tokens, capacity, n_tokens));
    return leave(speculator, status);
}
