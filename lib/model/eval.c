/* Evaluation: runs of tokens, each of its own sequence, go through the network together, pass by pass. What a sequence
 * gives does not depend on who runs beside it. */
#include "base/fpenv.h"
#include "kernels/math.h"
#include "model/backoff.h"
#include "model/kept.h"
#include "model/phase.h"
#include "model/positions.h"
#include "model/window.h"

/* ------------------------------------------------------------------- checks */

static int32_t check_encoded(const inlay__decoder *d) {
    if (d->model->n_crossed == 0 || d->n_crossed > 0) return INLAY_OK;
    return inlay__fail(INLAY_ERR_STATE,
                       "nothing was encoded, and the decoder of architecture '%s' attends to what was: "
                       "inlay_encode comes first",
                       d->model->hparams.architecture);
}

/* That a run goes on with its sequence, of which so many tokens are there. */
static int32_t check_run(const inlay__decoder *d, const inlay__run *run, size_t length) {
    const inlay__stack *stack = &d->model->decoder;
    const inlay__sequence *sequence = &d->sequences[run->sequence];
    size_t n_vocab = d->model->hparams.n_vocab, n_tokens = run->n_tokens;
    size_t n_known = stack->positions.n_rows - stack->first_position;
    if (n_tokens > d->config.n_context - length)
        return inlay__fail(INLAY_ERR_CONTEXT, "%zu tokens do not fit: the context of %zu holds %zu already", n_tokens,
                           d->config.n_context, length);
    if (length == 0 && n_tokens < sequence->n_prefix)
        return inlay__fail(INLAY_ERR_ARGUMENT,
                           "the sequence begins with a prefix of %zu tokens, which must come in one call; "
                           "%zu came",
                           sequence->n_prefix, n_tokens);
    if (stack->positions.n_rows > 0 && n_tokens > n_known - length)
        return inlay__fail(INLAY_ERR_CONTEXT,
                           "%zu tokens do not fit: the model knows %zu positions, of which %zu are taken", n_tokens,
                           n_known, length);
    for (size_t i = 0; i < n_tokens; i++)
        if (run->tokens[i] < 0 || (size_t)run->tokens[i] >= n_vocab)
            return inlay__fail(INLAY_ERR_TOKEN, "token %zu of %zu is %d, outside the vocabulary of 0 to %zu", i,
                               n_tokens, run->tokens[i], n_vocab - 1);
    return INLAY_OK;
}

int32_t inlay__decoder_check(const inlay__decoder *d, const inlay__run *run, size_t length) {
    INLAY__TRY(check_encoded(d));
    return check_run(d, run, length);
}

/* No sequence may have two runs. */
static int32_t check_sequences(inlay__decoder *d, const inlay__run *runs, size_t n_runs) {
    size_t i = 0, n = 0;
    for (; n < n_runs && !d->sequences[runs[n].sequence].has_run; n++) d->sequences[runs[n].sequence].has_run = true;
    for (; i < n; i++) d->sequences[runs[i].sequence].has_run = false;
    if (n == n_runs) return INLAY_OK;
    return inlay__fail(INLAY_ERR_ARGUMENT, "run %zu of %zu is of sequence %zu, of which another run is too", n, n_runs,
                       runs[n].sequence);
}

static int32_t check_runs(inlay__decoder *d, const inlay__run *runs, size_t n_runs) {
    INLAY__TRY(check_encoded(d));
    INLAY__TRY(check_sequences(d, runs, n_runs));
    for (size_t i = 0; i < n_runs; i++) {
        int32_t status = check_run(d, &runs[i], d->sequences[runs[i].sequence].length);
        if (status != INLAY_OK && n_runs > 1)
            return inlay__fail(status, "run %zu of %zu, of sequence %zu: %s", i, n_runs, runs[i].sequence,
                               inlay__error_text());
        INLAY__TRY(status);
    }
    return INLAY_OK;
}

/* -------------------------------------------------------------------- a pass */

void inlay__decoder_clear_pass(inlay__decoder *d) { d->n_cols = d->n_spans = d->n_tiles = d->n_wanted = 0; }

void inlay__decoder_add_span(inlay__decoder *d, const inlay__span *span, size_t position, size_t n_tile) {
    for (size_t col = span->begin; col < span->end; col++) {
        d->positions[col] = position + (col - span->begin);
        d->span_of[col] = (uint32_t)d->n_spans;
    }
    for (size_t begin = span->begin; begin < span->end; begin += n_tile)
        d->tiles[d->n_tiles++] = (inlay__slice){begin, inlay__min_size(begin + n_tile, span->end)};
    d->spans[d->n_spans++] = *span;
    d->n_cols = span->end;
}

bool inlay__all_finite(const float *x, size_t n) {
    uint32_t greatest = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t magnitude = inlay__f32_bits(x[i]) & 0x7fffffff;
        greatest = magnitude > greatest ? magnitude : greatest;
    }
    return greatest < 0x7f800000;
}

int32_t inlay__decoder_report(const inlay__eval_hooks *hooks, size_t done, size_t total) {
    if (hooks->progress != NULL && hooks->progress(hooks->progress_user, done, total) != 0)
        return inlay__fail(INLAY_ERR_CANCELLED, "the evaluation was cancelled by the progress callback");
    return INLAY_OK;
}

/* Rows of the embedding are read from the file, where each brings its neighbours into memory: in time nearly all of it,
 * for a few rows. A head that reads them all keeps them. */
static void forget_embeddings(inlay__decoder *d, size_t n_cols) {
    enum { MOST_ROWS = 64 };
    const inlay__model *model = d->model;
    const inlay__matrix *m = &model->token_embd;
    d->n_rows_read += n_cols;
    if (d->n_rows_read < MOST_ROWS || inlay__matrix_is(m, &model->head.output.matrix)) return;
    inlay__weights_forget_pages(model->weights, m->data, m->n_rows * m->row_size);
    d->n_rows_read = 0;
}

/* -------------------------------------------------------------- evaluation */

/* Columns of a sequence that are attended together: as many as attention takes rows for the heads of a group. */
static size_t tile_of(const inlay__stack *stack) {
    size_t n_group = stack->n_head_kv > 0 ? stack->n_head / stack->n_head_kv : 1;
    return inlay__max_size(1, INLAY__ATTENTION_ROWS / n_group);
}

/* What is left of a run, as much as the pass has room for; a prefix whole or not at all. */
static void add_run(inlay__decoder *d, const inlay__run *run) {
    const inlay__call *c = &d->call;
    inlay__sequence *sequence = &d->sequences[run->sequence];
    size_t done = sequence->length - sequence->length_before, left = run->n_tokens - done;
    size_t n = inlay__min_size(left, c->n_room - d->n_cols);
    if (n == 0 || (sequence->length == 0 && n < sequence->n_prefix)) return;
    const inlay__span span = {.begin = d->n_cols, .end = d->n_cols + n, .sequence = sequence};
    memcpy(d->tokens + span.begin, run->tokens + done, n * sizeof *d->tokens);
    for (size_t col = c->logits != NULL ? span.begin : n == left ? span.end - 1 : span.end; col < span.end; col++)
        d->wanted[d->n_wanted++] = col;
    sequence->i_logits = c->n_rows + d->n_wanted - 1; /* once its last token is there */
    inlay__decoder_add_span(d, &span, sequence->length, tile_of(&d->model->decoder));
    memcpy(sequence->history + sequence->length, d->tokens + span.begin, n * sizeof *d->tokens);
    inlay__window_extend(d, sequence, sequence->length + n);
}

/* The rows of logits that the pass made. */
static int32_t check_logits(const inlay__decoder *d) {
    size_t n_vocab = d->model->hparams.n_vocab;
    for (size_t row = 0; row < d->n_wanted; row++)
        if (!inlay__all_finite(d->logits_out + row * n_vocab, n_vocab))
            return inlay__fail(INLAY_ERR_NUMERIC,
                               "the logits after position %zu are not all finite: the model's weights are "
                               "damaged or overflow",
                               d->positions[d->wanted[row]]);
    return INLAY_OK;
}

static int32_t begin_pass(inlay__decoder *d) {
    const inlay__call *c = &d->call;
    inlay__decoder_clear_pass(d);
    for (size_t i = 0; i < c->n_runs && d->n_cols < c->n_room; i++) add_run(d, &c->runs[i]);
    d->logits_out = (c->logits != NULL ? c->logits : d->new_logits) + c->n_rows * d->model->hparams.n_vocab;
    if (d->model->ngrams != NULL) return INLAY_OK;
    /* Packing takes longer than a slice: who evaluates in slices lets the model be packed as it opens. */
    if (!c->is_pending) INLAY__TRY(inlay__model_use(d->model, d->pool, d->n_cols, d->limit.cancel));
    inlay__pass_begin(d, inlay__forward);
    return INLAY_OK;
}

static int32_t end_pass(inlay__decoder *d) {
    inlay__call *c = &d->call;
    INLAY__TRY(check_logits(d));
    for (size_t i = 0; i < d->n_spans; i++) {
        inlay__sequence *sequence = d->spans[i].sequence;
        size_t n = d->spans[i].end - d->spans[i].begin;
        if (sequence->n_known == sequence->length) sequence->n_known += n;
        sequence->length += n;
        sequence->state_is_new = true;
    }
    c->n_done += d->n_cols;
    c->n_rows += d->n_wanted;
    forget_embeddings(d, d->n_cols);
    return INLAY_OK;
}

/* Pass after pass; INLAY_AGAIN at the deadline, within a pass or between two. */
static int32_t go_on(inlay__decoder *d, const inlay__eval_hooks *hooks) {
    inlay__call *c = &d->call;
    for (;;) {
        if (!c->in_pass) INLAY__TRY(begin_pass(d));
        c->in_pass = true;
        INLAY__TRY(d->model->ngrams != NULL ? inlay__backoff_pass(d) : inlay__pass_go_on(d));
        c->in_pass = false;
        INLAY__TRY(end_pass(d));
        INLAY__TRY(inlay__decoder_report(hooks, c->n_done, c->n_tokens));
        if (c->n_done == c->n_tokens) return INLAY_OK;
        if (d->limit.deadline != INLAY__NEVER && inlay__now_ns() >= d->limit.deadline) return INLAY_AGAIN;
    }
}

/* Not beyond the present one. */
static void set_length(inlay__sequence *sequence, size_t length) {
    sequence->length = length;
    sequence->n_known = inlay__min_size(sequence->n_known, length);
}

/* All sequences as they were. */
static void take_back(inlay__decoder *d) {
    const inlay__call *c = &d->call;
    for (size_t i = 0; i < c->n_runs; i++) {
        inlay__sequence *sequence = &d->sequences[c->runs[i].sequence];
        inlay__window_discard(d, sequence, sequence->length_before);
        set_length(sequence, sequence->length_before);
    }
}

/* Logits of the last token of each run become those of its sequence. A run may end before one that stands before it: a
 * prefix waits until a pass has room for all of it. */
static void keep_logits(inlay__decoder *d) {
    const inlay__call *c = &d->call;
    size_t n_vocab = d->model->hparams.n_vocab;
    const float *rows = c->logits != NULL ? c->logits : d->new_logits;
    for (size_t i = 0; i < c->n_runs; i++) {
        size_t sequence = c->runs[i].sequence, row = d->sequences[sequence].i_logits;
        memcpy(d->logits + sequence * n_vocab, rows + row * n_vocab, n_vocab * sizeof(float));
    }
}

static void swap_states(inlay__sequence *sequence) {
    float *state = sequence->state[0];
    sequence->state[0] = sequence->state[1];
    sequence->state[1] = state;
}

static void keep(inlay__decoder *d) {
    const inlay__call *c = &d->call;
    keep_logits(d);
    for (size_t i = 0; i < c->n_runs; i++) {
        inlay__sequence *sequence = &d->sequences[c->runs[i].sequence];
        swap_states(sequence);
        sequence->has_logits = true;
        inlay__window_commit(d, sequence);
    }
}

/* The call, of runs that fit, stands at its beginning. */
static void begin_call(inlay__decoder *d, const inlay__run *runs, size_t n_runs, float *logits) {
    d->call = (inlay__call){.runs = runs, .n_runs = n_runs, .logits = logits, .n_room = d->config.n_batch};
    for (size_t i = 0; i < n_runs; i++) {
        inlay__sequence *sequence = &d->sequences[runs[i].sequence];
        sequence->length_before = sequence->length;
        sequence->state_is_new = false;
        inlay__window_begin(d, sequence);
        d->call.n_tokens += runs[i].n_tokens;
    }
    d->types = NULL;
}

/* Until the call is done or the deadline is there; what a call has done that fails is taken back. */
static int32_t carry_on(inlay__decoder *d, const inlay__eval_hooks *hooks, int64_t deadline) {
    d->limit = (inlay__limit){hooks->cancel, deadline};
    inlay__fpenv saved = inlay__fpenv_enter();
    int32_t status = go_on(d, hooks);
    inlay__fpenv_leave(saved);
    if (status == INLAY_AGAIN) return status;
    if (status == INLAY_OK)
        keep(d);
    else
        take_back(d);
    d->call.is_pending = false;
    return status;
}

int32_t inlay__decoder_eval(inlay__decoder *d, const inlay__run *runs, size_t n_runs, float *logits,
                            const inlay__eval_hooks *hooks) {
    INLAY__TRY(check_runs(d, runs, n_runs));
    begin_call(d, runs, n_runs, logits);
    return carry_on(d, hooks, INLAY__NEVER);
}

int32_t inlay__decoder_retreat(inlay__decoder *d, const inlay__run *run, size_t n_kept, const float *logits) {
    static const inlay__eval_hooks no_hooks;
    inlay__sequence *sequence = &d->sequences[run->sequence];
    size_t n_vocab = d->model->hparams.n_vocab;
    if (n_kept == run->n_tokens) return INLAY_OK;
    set_length(sequence, sequence->length_before + (d->model->n_state > 0 ? 0 : n_kept));
    inlay__window_cut(d, sequence, sequence->length);
    if (d->model->n_state == 0) {
        memcpy(d->logits + run->sequence * n_vocab, logits, n_vocab * sizeof *logits);
        return INLAY_OK;
    }
    swap_states(sequence);
    sequence->has_logits = false;
    const inlay__run kept = {run->sequence, run->tokens, n_kept};
    return inlay__decoder_eval(d, &kept, 1, NULL, &no_hooks);
}

/* ------------------------------------------------------------------- slices */

int32_t inlay__decoder_begin(inlay__decoder *d, const inlay__run *runs, size_t n_runs) {
    enum { SLICE_COLS = 64 }; /* of a pass, whose beginning and end are not cut */
    int32_t *tokens = d->kept_tokens;
    INLAY__TRY(check_runs(d, runs, n_runs));
    for (size_t i = 0; i < n_runs; i++) {
        d->kept_runs[i] = (inlay__run){runs[i].sequence, tokens, runs[i].n_tokens};
        memcpy(tokens, runs[i].tokens, runs[i].n_tokens * sizeof *tokens);
        tokens += runs[i].n_tokens;
    }
    begin_call(d, d->kept_runs, n_runs, NULL);
    size_t n_whole = SLICE_COLS; /* a prefix goes through in one pass */
    for (size_t i = 0; i < n_runs; i++) n_whole = inlay__max_size(n_whole, d->sequences[runs[i].sequence].n_prefix);
    d->call.n_room = inlay__min_size(d->config.n_batch, n_whole);
    d->call.is_pending = true;
    return INLAY_OK;
}

bool inlay__decoder_is_pending(const inlay__decoder *d) { return d->call.is_pending; }

const inlay__run *inlay__decoder_pending(const inlay__decoder *d, size_t *n_runs) {
    *n_runs = d->call.n_runs;
    return d->call.runs;
}

int32_t inlay__decoder_step(inlay__decoder *d, const inlay__eval_hooks *hooks, uint64_t budget_us) {
    int64_t now = inlay__now_ns(), most = (INLAY__NEVER - now) / 1000 - 1;
    bool is_short = budget_us < (uint64_t)most;
    return carry_on(d, hooks, is_short ? now + (int64_t)budget_us * 1000 : INLAY__NEVER);
}

void inlay__decoder_abandon(inlay__decoder *d) {
    if (d->call.is_pending) take_back(d);
    d->call.is_pending = false;
}

/* ---------------------------------------------------------------- sequences */

inlay__run *inlay__decoder_runs(inlay__decoder *d) { return d->runs; }

float *inlay__decoder_scratch(inlay__decoder *d) { return d->scratch; }

float *inlay__decoder_logits(inlay__decoder *d, size_t sequence) {
    return d->sequences[sequence].has_logits ? d->logits + sequence * d->model->hparams.n_vocab : NULL;
}

size_t inlay__decoder_length(const inlay__decoder *d, size_t sequence) { return d->sequences[sequence].length; }

int32_t inlay__decoder_truncate(inlay__decoder *d, size_t i, size_t length) {
    inlay__sequence *sequence = &d->sequences[i];
    if (length == sequence->length) return INLAY_OK;
    if (length > 0 && length < sequence->n_prefix)
        return inlay__fail(INLAY_ERR_ARGUMENT,
                           "the sequence cannot be cut to %zu tokens, within its prefix of %zu, which see "
                           "one another",
                           length, sequence->n_prefix);
    if (length > 0 && d->model->n_state > 0)
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "a sequence of architecture '%s' can be emptied but not cut to %zu tokens: "
                           "its state goes forward only",
                           d->model->hparams.architecture, length);
    if (!inlay__window_reaches(d, sequence, length))
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "the sequence of %zu tokens cannot be cut to %zu: its layers with a window of %u have given "
                           "back what they had of the first %zu, as option 'rewind' lets them",
                           sequence->length, length, d->model->hparams.n_window, sequence->n_gone);
    if (d->model->n_state > 0) memset(sequence->state[0], 0, d->model->n_state * sizeof(float));
    inlay__window_cut(d, sequence, length);
    sequence->has_logits = false;
    set_length(sequence, length);
    return INLAY_OK;
}

bool inlay__decoder_can_cut(const inlay__decoder *d, size_t n) {
    return d->model->n_state == 0 && (!d->leaves || d->config.n_rewind >= n);
}

int32_t inlay__decoder_empty(inlay__decoder *d) {
    for (size_t i = 0; i < d->config.n_sequences; i++) INLAY__TRY(inlay__decoder_truncate(d, i, 0));
    inlay__kept_forget(d);
    return INLAY_OK;
}

void inlay__decoder_fork(inlay__decoder *d, size_t i_from, size_t i_to) {
    const inlay__sequence *from = &d->sequences[i_from];
    inlay__sequence *to = &d->sequences[i_to];
    size_t n_vocab = d->model->hparams.n_vocab;
    if (from == to) return;
    inlay__window_cut(d, to, 0);
    inlay__window_share(d, from, from->length, to);
    to->length = from->length;
    to->n_known = from->n_known;
    to->n_prefix = from->n_prefix;
    to->has_logits = from->has_logits;
    memcpy(to->history, from->history, from->length * sizeof *to->history);
    memcpy(to->state[0], from->state[0], d->model->n_state * sizeof(float));
    if (from->has_logits) memcpy(d->logits + i_to * n_vocab, d->logits + i_from * n_vocab, n_vocab * sizeof(float));
}

size_t inlay__decoder_prefix(const inlay__decoder *d, size_t i) { return d->sequences[i].n_prefix; }

int32_t inlay__decoder_set_prefix(inlay__decoder *d, size_t i, size_t n) {
    inlay__sequence *sequence = &d->sequences[i];
    if (n > 0 && !(inlay__model_capabilities(d->model) & INLAY_CAN_PREFIX))
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "option 'prefix' is %zu, but tokens of architecture '%s' cannot see what comes", n,
                           d->model->hparams.architecture);
    if (n > d->config.n_context)
        return inlay__fail(INLAY_ERR_ARGUMENT, "option 'prefix' is %zu, expected at most the context of %zu", n,
                           d->config.n_context);
    if (n > d->config.n_batch)
        return inlay__fail(INLAY_ERR_ARGUMENT, "option 'prefix' is %zu, expected at most the batch of %zu", n,
                           d->config.n_batch);
    if (n != sequence->n_prefix && sequence->length > 0)
        return inlay__fail(INLAY_ERR_STATE, "option 'prefix' cannot change after %zu tokens were evaluated",
                           sequence->length);
    sequence->n_prefix = n;
    return INLAY_OK;
}
