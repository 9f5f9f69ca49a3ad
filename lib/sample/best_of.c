/* Best of n. Answers that have random numbers of their own do not depend on how many others there are. */
#include "sample/best_of.h"

#include "base/fpenv.h"
#include "kernels/math.h"
#include "sample/probabilities.h"

/* An answer and who chooses its tokens. */
typedef struct answer {
    int32_t *tokens; /* [max_tokens], of which n are there */
    size_t n, sequence;
    double sum;      /* of logarithms */
    double score;    /* once it is done */
    bool is_done;
    inlay__chain chain; /* of its own, where there are chains */
} answer;

typedef struct drawing {
    const inlay__best_of_config *config;
    inlay__decoder *decoder;
    answer *answers;  /* [n_answers] */
    int32_t *tokens;  /* [n_answers, max_tokens] */
    inlay__run *runs; /* [n_answers] */
} drawing;

/* Number i of the sequences that may be overwritten. */
static size_t sequence_of(const inlay__best_of_config *config, size_t i) { return i < config->prompt ? i : i + 1; }

static int32_t take_memory(drawing *d, const inlay__sys *sys) {
    size_t n = d->config->n_answers, n_tokens;
    if (!inlay__mul_size(n, d->config->max_tokens, &n_tokens)) return inlay__fail(INLAY_ERR_MEMORY, "out of memory");
    d->answers = inlay__alloc_array(sys, n, sizeof *d->answers);
    d->tokens = inlay__alloc_array(sys, n_tokens, sizeof *d->tokens);
    d->runs = inlay__alloc_array(sys, n, sizeof *d->runs);
    return d->answers != NULL && d->tokens != NULL && d->runs != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
}

static void give_back(drawing *d, const inlay__sys *sys) {
    size_t n = d->config->n_answers;
    for (size_t i = 0; d->answers != NULL && d->config->chain != NULL && i < n; i++)
        inlay__chain_free(&d->answers[i].chain);
    inlay__free(sys, d->answers, n * sizeof *d->answers);
    inlay__free(sys, d->tokens, n * d->config->max_tokens * sizeof *d->tokens);
    inlay__free(sys, d->runs, n * sizeof *d->runs);
}

/* Each answer has what the prompt has. */
static int32_t begin(drawing *d, const inlay__sys *sys) {
    const inlay__best_of_config *c = d->config;
    for (size_t i = 0; i < c->n_answers; i++) {
        answer *a = &d->answers[i];
        a->tokens = d->tokens + i * c->max_tokens;
        a->sequence = sequence_of(c, i);
        inlay__decoder_fork(d->decoder, c->prompt, a->sequence);
        if (c->chain == NULL) continue;
        uint64_t seed = inlay__rng_u32(&c->chain->rng);
        seed = seed << 32 | inlay__rng_u32(&c->chain->rng);
        INLAY__TRY(inlay__chain_init(&a->chain, sys, c->cpu, c->n_vocab, seed));
        INLAY__TRY(inlay__chain_copy(c->chain, &a->chain));
        inlay__rng_seed(&a->chain.rng, seed);
    }
    return INLAY_OK;
}

static void finish(const drawing *d, answer *a, size_t length) {
    a->is_done = true;
    a->score = a->sum / inlay__pow_f64((double)length, d->config->length_penalty);
}

/* The next token of one answer. */
static int32_t choose(drawing *d, answer *a) {
    const inlay__best_of_config *c = d->config;
    const float *logits = inlay__decoder_logits(d->decoder, a->sequence);
    int32_t token;
    double log_total;
    INLAY__TRY(inlay__log_total(logits, c->n_vocab, &log_total));
    INLAY__TRY(c->chain != NULL ? inlay__chain_choose(&a->chain, logits, &token)
                                : inlay__sampler_choose(c->sampler, logits, &token));
    if (c->chain != NULL) INLAY__TRY(inlay__chain_accept(&a->chain, &token, 1));
    a->sum += (double)logits[token] - log_total;
    if (inlay__tokenizer_ends(c->tokenizer, token)) {
        finish(d, a, a->n + 1);
        return INLAY_OK;
    }
    a->tokens[a->n++] = token;
    if (a->n == c->max_tokens) finish(d, a, a->n);
    return INLAY_OK;
}

static int32_t draw_all(drawing *d, const inlay__eval_hooks *hooks) {
    size_t n = d->config->n_answers, n_runs;
    do {
        n_runs = 0;
        for (size_t i = 0; i < n; i++) {
            answer *a = &d->answers[i];
            if (a->is_done) continue;
            INLAY__TRY(choose(d, a));
            if (!a->is_done) d->runs[n_runs++] = (inlay__run){a->sequence, &a->tokens[a->n - 1], 1};
        }
        if (n_runs > 0) INLAY__TRY(inlay__decoder_eval(d->decoder, d->runs, n_runs, NULL, hooks));
    } while (n_runs > 0);
    return INLAY_OK;
}

int32_t inlay__best_of(const inlay__sys *sys, inlay__decoder *decoder, const inlay__best_of_config *config,
                       const inlay__eval_hooks *hooks, int32_t *tokens, size_t *n_tokens, double *score) {
    drawing d = {.config = config, .decoder = decoder};
    inlay__rng *rng = config->chain != NULL ? &config->chain->rng : &config->sampler->rng, before = *rng;
    int32_t status = take_memory(&d, sys);
    if (status == INLAY_OK) {
        inlay__fpenv saved = inlay__fpenv_enter();
        status = begin(&d, sys);
        if (status == INLAY_OK) status = draw_all(&d, hooks);
        inlay__fpenv_leave(saved);
        for (size_t i = 0; i < config->n_answers; i++)
            inlay__decoder_truncate(decoder, sequence_of(config, i), 0);
    }
    if (status == INLAY_OK) {
        const answer *best = &d.answers[0];
        for (size_t i = 1; i < config->n_answers; i++)
            if (d.answers[i].score > best->score) best = &d.answers[i];
        memcpy(tokens, best->tokens, best->n * sizeof *tokens);
        *n_tokens = best->n;
        *score = best->score;
    } else {
        *rng = before;
    }
    give_back(&d, sys);
    return status;
}
