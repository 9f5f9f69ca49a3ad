/* An n-gram model looks back at its last tokens and nothing else: columns are independent, and a sequence is no more
 * than its tokens. */
#include "model/backoff.h"

/* A context: the last n tokens, where they are among the n-grams, and what is added to the log_prob of their
 * successors. */
typedef struct context {
    bool is_there;
    size_t place;
    float sum;
} context;

/* contexts[n] is of the last n tokens, for n from 0, whose successors are all tokens, to those returned. */
static size_t find_contexts(const inlay__ngrams *ngrams, const int32_t *tokens, size_t n,
                            context contexts[INLAY__MAX_NGRAM]) {
    size_t longest = inlay__min_size(n, ngrams->order - 1);
    float sum = 0.0f;
    for (size_t k = longest; k > 0; k--) {
        context *c = &contexts[k];
        c->is_there = inlay__ngrams_find(ngrams, tokens + n - k, k, &c->place);
        c->sum = sum;
        if (c->is_there) sum += ngrams->orders[k - 1].log_backoffs[c->place];
    }
    contexts[0] = (context){.is_there = true, .sum = sum};
    return longest;
}

void inlay__backoff_logits(const inlay__ngrams *ngrams, const int32_t *tokens, size_t n, float *logits) {
    context contexts[INLAY__MAX_NGRAM];
    size_t longest = find_contexts(ngrams, tokens, n, contexts);
    const inlay__ngram_order *one = &ngrams->orders[0];
    float sum = contexts[0].sum;
    size_t begin, end;
    for (size_t i = 0; i < one->n; i++) logits[i] = one->log_probs[i] + sum;
    for (size_t k = 1; k <= longest; k++) {
        const inlay__ngram_order *order = &ngrams->orders[k];
        const context *c = &contexts[k];
        if (!c->is_there) continue;
        inlay__ngrams_successors(ngrams, k, c->place, &begin, &end);
        for (size_t i = begin; i < end; i++)
            if ((uint32_t)order->tokens[i] < one->n) logits[order->tokens[i]] = order->log_probs[i] + c->sum;
    }
}

/* The columns that want logits, by turns among the threads. */
static void run(void *decoder, size_t i_thread, size_t n_threads) {
    inlay__decoder *d = decoder;
    size_t n_vocab = d->model->hparams.n_vocab;
    for (size_t row = i_thread; row < d->n_wanted; row += n_threads) {
        if (inlay__is_cancelled(&d->limit)) {
            atomic_store_explicit(&d->stop, 1, memory_order_relaxed);
            return;
        }
        size_t col = d->wanted[row];
        inlay__backoff_logits(d->model->ngrams, inlay__span_of(d, col)->sequence->history, d->positions[col] + 1,
                              d->logits_out + row * n_vocab);
    }
}

int32_t inlay__backoff_pass(inlay__decoder *d) {
    atomic_store(&d->stop, 0);
    if (d->n_wanted <= 1)
        run(d, 0, 1); /* takes less than it takes to wake another thread */
    else
        INLAY__TRY(inlay__pool_run(d->pool, run, d));
    return atomic_load(&d->stop) == 0 ? INLAY_OK : inlay__fail(INLAY_ERR_CANCELLED, "the evaluation was cancelled");
}
