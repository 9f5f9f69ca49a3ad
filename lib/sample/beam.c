/* Beam search. Beginnings of answers are a tree of nodes, so that none is ever copied; a sequence whose beginning has
 * several successors is forked for all but the first of them. */
#include "base/fpenv.h"
#include "kernels/math.h"
#include "sample/beam.h"
#include "sample/candidates.h"
#include "sample/probabilities.h"

/* A token of some beginning, behind another node; -1: the first. */
typedef struct node {
    int32_t token, parent;
} node;

/* The beginning of an answer: its last node, the sum of its tokens' logarithms, its sequence. */
typedef struct beam {
    int32_t node;
    double sum;
    size_t sequence;
} beam;

typedef struct search {
    const inlay__beam_config *config;
    inlay__decoder *decoder;
    size_t width; /* successors that are looked at, of a beam and of all */
    node *nodes;  /* [n_beams * max_tokens] */
    size_t n_nodes, n_tokens;
    beam *beams, *next; /* [n_beams] */
    size_t n_live, n_next;
    int32_t *tokens;  /* [n_beams, width] successors of each beam */
    float *logs;      /* [n_beams, width] of the whole beginning with them */
    int32_t *order;   /* [width] places in both, the best first */
    inlay__run *runs; /* [n_beams] */
    int32_t best;     /* the last node of the best answer so far; -1: it is empty */
    double best_score;
    bool has_best;
} search;

/* Number i of the sequences that may be overwritten. */
static size_t sequence_of(const inlay__beam_config *config, size_t i) { return i < config->prompt ? i : i + 1; }

/* ------------------------------------------------------------------ memory */

static int32_t take_memory(search *s, const inlay__sys *sys) {
    size_t n = s->config->n_beams;
    s->nodes = inlay__alloc_array(sys, n * s->config->max_tokens, sizeof *s->nodes);
    s->beams = inlay__alloc_array(sys, n, sizeof *s->beams);
    s->next = inlay__alloc_array(sys, n, sizeof *s->next);
    s->tokens = inlay__alloc_array(sys, n * s->width, sizeof *s->tokens);
    s->logs = inlay__alloc_array(sys, n * s->width, sizeof *s->logs);
    s->order = inlay__alloc_array(sys, s->width, sizeof *s->order);
    s->runs = inlay__alloc_array(sys, n, sizeof *s->runs);
    bool got_all = s->nodes != NULL && s->beams != NULL && s->next != NULL && s->tokens != NULL && s->logs != NULL &&
                   s->order != NULL && s->runs != NULL;
    return got_all ? INLAY_OK : INLAY_ERR_MEMORY;
}

static void give_back(search *s, const inlay__sys *sys) {
    size_t n = s->config->n_beams;
    inlay__free(sys, s->nodes, n * s->config->max_tokens * sizeof *s->nodes);
    inlay__free(sys, s->beams, n * sizeof *s->beams);
    inlay__free(sys, s->next, n * sizeof *s->next);
    inlay__free(sys, s->tokens, n * s->width * sizeof *s->tokens);
    inlay__free(sys, s->logs, n * s->width * sizeof *s->logs);
    inlay__free(sys, s->order, s->width * sizeof *s->order);
    inlay__free(sys, s->runs, n * sizeof *s->runs);
}

/* -------------------------------------------------------------------- a step */

static double score_of(const search *s, double sum, size_t length) {
    return sum / inlay__pow_f64((double)length, s->config->length_penalty);
}

static void finish(search *s, int32_t last, double sum, size_t length) {
    double score = score_of(s, sum, length);
    if (s->has_best && score <= s->best_score) return;
    s->best = last;
    s->best_score = score;
    s->has_best = true;
}

/* The most probable successors of each beam. */
static int32_t look_ahead(search *s) {
    for (size_t i = 0; i < s->n_live; i++) {
        const float *logits = inlay__decoder_logits(s->decoder, s->beams[i].sequence);
        int32_t *tokens = s->tokens + i * s->width;
        double log_total;
        INLAY__TRY(inlay__log_total(logits, s->config->n_vocab, &log_total));
        inlay__top_tokens(logits, s->config->n_vocab, s->width, tokens);
        for (size_t k = 0; k < s->width; k++)
            s->logs[i * s->width + k] = (float)(s->beams[i].sum + ((double)logits[tokens[k]] - log_total));
    }
    return INLAY_OK;
}

static bool ends(const search *s, int32_t token) {
    return inlay__tokenizer_ends(s->config->tokenizer, token);
}

/* Of all successors, best first: what ends an answer is one, if it is among the n best; n others live on. */
static void choose(search *s) {
    size_t n = s->config->n_beams, n_all = s->n_live * s->width, n_looked = inlay__min_size(s->width, n_all);
    inlay__top_tokens(s->logs, n_all, n_looked, s->order);
    s->n_next = 0;
    for (size_t rank = 0; rank < n_looked && s->n_next < n; rank++) {
        size_t place = (size_t)s->order[rank];
        const beam *from = &s->beams[place / s->width];
        int32_t token = s->tokens[place];
        double sum = (double)s->logs[place];
        if (inlay__is_banned(s->logs[place])) break;
        if (ends(s, token)) {
            if (rank < n) finish(s, from->node, sum, s->n_tokens + 1);
            continue;
        }
        s->nodes[s->n_nodes] = (node){token, from->node};
        s->next[s->n_next++] = (beam){(int32_t)s->n_nodes++, sum, (size_t)(from - s->beams)};
    }
    s->n_tokens++;
}

/* Gives each successor a sequence of its own that holds what its parent's does: the first of a parent takes the
 * parent's, the others get forks into those that no other needs. Until here `sequence` is the parent's number. */
static void share_out(search *s) {
    for (size_t i = 0; i < s->n_next; i++) {
        size_t parent = s->next[i].sequence, sequence = 0;
        bool is_first = true;
        for (size_t k = 0; k < i; k++)
            is_first = is_first && s->runs[k].n_tokens != parent;
        s->runs[i].n_tokens = parent; /* noted here until runs are made */
        if (is_first) {
            s->next[i].sequence = s->beams[parent].sequence;
            continue;
        }
        for (size_t at = 0;; at++) { /* fewer are needed than there are */
            bool is_used = false;
            sequence = sequence_of(s->config, at);
            for (size_t k = 0; k < i; k++)
                is_used = is_used || s->next[k].sequence == sequence;
            for (size_t k = i + 1; k < s->n_next; k++)
                is_used = is_used || s->beams[s->next[k].sequence].sequence == sequence;
            if (!is_used) break;
        }
        inlay__decoder_fork(s->decoder, s->beams[parent].sequence, sequence);
        s->next[i].sequence = sequence;
    }
}

static int32_t go_on(search *s, const inlay__eval_hooks *hooks) {
    share_out(s);
    for (size_t i = 0; i < s->n_next; i++)
        s->runs[i] = (inlay__run){s->next[i].sequence, &s->nodes[s->next[i].node].token, 1};
    INLAY__TRY(inlay__decoder_eval(s->decoder, s->runs, s->n_next, NULL, hooks));
    beam *before = s->beams;
    s->beams = s->next;
    s->next = before;
    s->n_live = s->n_next;
    return INLAY_OK;
}

/* ------------------------------------------------------------------ the whole */

/* Whether no beginning can become better than what is there: sums only fall, and the longest answer divides by the
 * most. */
static bool is_settled(const search *s) {
    return s->has_best && s->n_next > 0 && score_of(s, s->next[0].sum, s->config->max_tokens) <= s->best_score;
}

static int32_t run(search *s, const inlay__eval_hooks *hooks) {
    s->beams[0] = (beam){-1, 0.0, sequence_of(s->config, 0)};
    s->n_live = 1;
    inlay__decoder_fork(s->decoder, s->config->prompt, sequence_of(s->config, 0));
    for (;;) {
        INLAY__TRY(look_ahead(s));
        choose(s);
        if (s->n_next == 0 || is_settled(s)) return INLAY_OK;
        if (s->n_tokens == s->config->max_tokens) break;
        INLAY__TRY(go_on(s, hooks));
    }
    for (size_t i = 0; i < s->n_next; i++)
        finish(s, s->next[i].node, s->next[i].sum, s->n_tokens);
    return INLAY_OK;
}

int32_t inlay__beam_search(const inlay__sys *sys, inlay__decoder *decoder, const inlay__beam_config *config,
                           const inlay__eval_hooks *hooks, int32_t *tokens, size_t *n_tokens, double *score) {
    search s = {.config = config, .decoder = decoder, .width = inlay__min_size(2 * config->n_beams, config->n_vocab)};
    int32_t status = take_memory(&s, sys);
    if (status == INLAY_OK) {
        inlay__fpenv saved = inlay__fpenv_enter();
        status = run(&s, hooks);
        inlay__fpenv_leave(saved);
        for (size_t i = 0; i < config->n_beams; i++)
            inlay__decoder_truncate(decoder, sequence_of(config, i), 0);
    }
    if (status == INLAY_OK) {
        size_t n = 0;
        for (int32_t at = s.best; at >= 0; at = s.nodes[at].parent)
            n++;
        *n_tokens = n;
        *score = s.best_score;
        for (int32_t at = s.best; at >= 0; at = s.nodes[at].parent)
            tokens[--n] = s.nodes[at].token;
    }
    give_back(&s, sys);
    return status;
}
