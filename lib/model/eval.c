/* Evaluation: runs of tokens, each of its own sequence, go through the network together, pass by pass. What a sequence
 * gives does not depend on who runs beside it. */
#include "base/fpenv.h"
#include "kernels/math.h"
#include "model/backoff.h"
#include "model/phase.h"
#include "model/positions.h"

/* ------------------------------------------------------------------- checks */

static int32_t check_run(const inlay__decoder *d, const inlay__run *run) {
    const inlay__stack *stack = &d->model->decoder;
    const inlay__sequence *sequence = &d->sequences[run->sequence];
    size_t n_vocab = d->model->hparams.n_vocab, n_tokens = run->n_tokens, length = sequence->length;
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
    if (d->model->n_crossed > 0 && d->n_crossed == 0)
        return inlay__fail(INLAY_ERR_STATE,
                           "nothing was encoded, and the decoder of architecture '%s' attends to what was: "
                           "inlay_encode comes first",
                           d->model->hparams.architecture);
    INLAY__TRY(check_sequences(d, runs, n_runs));
    for (size_t i = 0; i < n_runs; i++) {
        int32_t status = check_run(d, &runs[i]);
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

/* Sines and cosines of all columns' positions, for one pace. */
static void make_angles(inlay__decoder *d, size_t which) {
    const inlay__rope *rope = &d->model->ropes[which];
    bool is_long = rope->long_frequencies != NULL && d->config.n_context > rope->n_original;
    const double *frequencies = is_long ? rope->long_frequencies : rope->frequencies;
    if (d->frequencies != NULL && which == INLAY__ROPE_GLOBAL) frequencies = d->frequencies;
    size_t n = rope->n / 2;
    for (size_t col = 0; col < d->n_cols; col++) {
        for (size_t i = 0; i < n; i++) {
            double sine, cosine;
            inlay__sincos_f64((double)d->positions[col] * frequencies[i], &sine, &cosine);
            d->cosines[which][col * n + i] = (float)(cosine * rope->magnitude);
            d->sines[which][col * n + i] = (float)(sine * rope->magnitude);
        }
    }
}

bool inlay__all_finite(const float *x, size_t n) {
    uint32_t greatest = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t magnitude = inlay__f32_bits(x[i]) & 0x7fffffff;
        greatest = magnitude > greatest ? magnitude : greatest;
    }
    return greatest < 0x7f800000;
}

int32_t inlay__decoder_pass(inlay__decoder *d, void (*forward)(void *, size_t, size_t)) {
    atomic_store(&d->stop, 0);
    for (size_t i = 0; i < INLAY__N_COUNTERS; i++) atomic_store(&d->next[i], 0);
    for (size_t which = 0; which < INLAY__N_ROPES; which++) make_angles(d, which);
    INLAY__TRY(inlay__model_use(d->model, d->pool, d->n_cols, d->cancel));
    INLAY__TRY(inlay__pool_run(d->pool, forward, d));
    if (atomic_load(&d->stop) != 0) return inlay__fail(INLAY_ERR_CANCELLED, "the evaluation was cancelled");
    return INLAY_OK;
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
    if (d->n_rows_read < MOST_ROWS || m->data == model->head.output.matrix.data) return;
    inlay__weights_forget_pages(model->weights, m->data, m->n_rows * m->row_size);
    d->n_rows_read = 0;
}

/* -------------------------------------------------------------- evaluation */

/* One call: runs that are evaluated together, in passes of as many columns as a batch has. */
typedef struct call {
    const inlay__run *runs; /* [n_runs] */
    size_t n_runs;
    size_t n_tokens, n_done; /* of all runs */
    float *logits;           /* [n_tokens, n_vocab] or NULL */
    size_t n_rows;           /* of logits made so far */
} call;

/* Columns of a sequence that are attended together: as many as attention takes rows for the heads of a group. */
static size_t tile_of(const inlay__stack *stack) {
    size_t n_group = stack->n_head_kv > 0 ? stack->n_head / stack->n_head_kv : 1;
    return inlay__max_size(1, INLAY__ATTENTION_ROWS / n_group);
}

/* What is left of a run, as much as the pass has room for; a prefix whole or not at all. */
static void add_run(inlay__decoder *d, const call *c, const inlay__run *run) {
    inlay__sequence *sequence = &d->sequences[run->sequence];
    size_t done = sequence->length - sequence->length_before, left = run->n_tokens - done;
    size_t n = inlay__min_size(left, d->config.n_batch - d->n_cols);
    if (n == 0 || (sequence->length == 0 && n < sequence->n_prefix)) return;
    const inlay__span span = {.begin = d->n_cols, .end = d->n_cols + n, .sequence = sequence};
    memcpy(d->tokens + span.begin, run->tokens + done, n * sizeof *d->tokens);
    for (size_t col = c->logits != NULL ? span.begin : n == left ? span.end - 1 : span.end; col < span.end; col++)
        d->wanted[d->n_wanted++] = col;
    sequence->i_logits = c->n_rows + d->n_wanted - 1; /* once its last token is there */
    inlay__decoder_add_span(d, &span, sequence->length, tile_of(&d->model->decoder));
    inlay__kv_pages_extend(&d->cache, &sequence->pages, sequence->length, sequence->length + n);
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

static int32_t eval_pass(inlay__decoder *d, call *c) {
    size_t n_vocab = d->model->hparams.n_vocab;
    inlay__decoder_clear_pass(d);
    for (size_t i = 0; i < c->n_runs && d->n_cols < d->config.n_batch; i++) add_run(d, c, &c->runs[i]);
    d->logits_out = (c->logits != NULL ? c->logits : d->new_logits) + c->n_rows * n_vocab;
    INLAY__TRY(d->model->ngrams != NULL ? inlay__backoff_pass(d) : inlay__decoder_pass(d, inlay__forward));
    INLAY__TRY(check_logits(d));
    for (size_t i = 0; i < d->n_spans; i++) {
        d->spans[i].sequence->length += d->spans[i].end - d->spans[i].begin;
        d->spans[i].sequence->state_is_new = true;
    }
    c->n_done += d->n_cols;
    c->n_rows += d->n_wanted;
    return INLAY_OK;
}

static int32_t eval_call(inlay__decoder *d, call *c, const inlay__eval_hooks *hooks) {
    while (c->n_done < c->n_tokens) {
        INLAY__TRY(eval_pass(d, c));
        forget_embeddings(d, d->n_cols);
        INLAY__TRY(inlay__decoder_report(hooks, c->n_done, c->n_tokens));
    }
    return INLAY_OK;
}

/* All sequences as they were. */
static void take_back(inlay__decoder *d, const call *c) {
    for (size_t i = 0; i < c->n_runs; i++) {
        inlay__sequence *sequence = &d->sequences[c->runs[i].sequence];
        inlay__kv_pages_clear(&d->cache, &sequence->pages, sequence->length_before, SIZE_MAX);
        inlay__kv_pages_cut(&d->cache, &sequence->pages, sequence->length_before);
        sequence->length = sequence->length_before;
    }
}

/* Logits of the last token of each run become those of its sequence. A run may end before one that stands before it: a
 * prefix waits until a pass has room for all of it. */
static void keep_logits(inlay__decoder *d, const call *c) {
    size_t n_vocab = d->model->hparams.n_vocab;
    const float *rows = c->logits != NULL ? c->logits : d->new_logits;
    for (size_t i = 0; i < c->n_runs; i++) {
        size_t sequence = c->runs[i].sequence, row = d->sequences[sequence].i_logits;
        memcpy(d->logits + sequence * n_vocab, rows + row * n_vocab, n_vocab * sizeof(float));
    }
}

static void keep(inlay__decoder *d, const call *c) {
    keep_logits(d, c);
    for (size_t i = 0; i < c->n_runs; i++) {
        inlay__sequence *sequence = &d->sequences[c->runs[i].sequence];
        float *state = sequence->state[0];
        sequence->state[0] = sequence->state[1];
        sequence->state[1] = state;
        sequence->has_logits = true;
    }
}

int32_t inlay__decoder_eval(inlay__decoder *d, const inlay__run *runs, size_t n_runs, float *logits,
                            const inlay__eval_hooks *hooks) {
    call c = {.runs = runs, .n_runs = n_runs, .logits = logits};
    INLAY__TRY(check_runs(d, runs, n_runs));
    for (size_t i = 0; i < n_runs; i++) {
        inlay__sequence *sequence = &d->sequences[runs[i].sequence];
        sequence->length_before = sequence->length;
        sequence->state_is_new = false;
        c.n_tokens += runs[i].n_tokens;
    }
    d->types = NULL;
    d->cancel = hooks->cancel;
    inlay__fpenv saved = inlay__fpenv_enter();
    int32_t status = eval_call(d, &c, hooks);
    inlay__fpenv_leave(saved);
    if (status == INLAY_OK)
        keep(d, &c);
    else
        take_back(d, &c);
    return status;
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
    if (d->model->n_state > 0) memset(sequence->state[0], 0, d->model->n_state * sizeof(float));
    inlay__kv_pages_cut(&d->cache, &sequence->pages, length);
    sequence->has_logits = false;
    sequence->length = length;
    return INLAY_OK;
}

void inlay__decoder_fork(inlay__decoder *d, size_t i_from, size_t i_to) {
    const inlay__sequence *from = &d->sequences[i_from];
    inlay__sequence *to = &d->sequences[i_to];
    size_t n_vocab = d->model->hparams.n_vocab;
    if (from == to) return;
    inlay__kv_pages_cut(&d->cache, &to->pages, 0);
    inlay__kv_pages_share(&d->cache, &from->pages, from->length, &to->pages);
    to->length = from->length;
    to->n_prefix = from->n_prefix;
    to->has_logits = from->has_logits;
    if (d->model->ngrams != NULL) memcpy(to->history, from->history, from->length * sizeof *to->history);
    memcpy(to->state[0], from->state[0], d->model->n_state * sizeof(float));
    if (from->has_logits) memcpy(d->logits + i_to * n_vocab, d->logits + i_from * n_vocab, n_vocab * sizeof(float));
}

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
