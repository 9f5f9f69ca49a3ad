/* Several sequences of one decoder: whatever is done with them, each has the bits that it has alone. */
#include "test.h"

#include "model/decoder_state.h"
#include "support/check_kernels.h"
#include "support/tiny_network.h"

#ifdef __SANITIZE_THREAD__
enum { N_STEPS = 20 }; /* some thirty times slower */
#else
enum { N_STEPS = 60 };
#endif
enum { N_SEQUENCES = 5, N_CONTEXT = 300 };

/* What each sequence is to hold. */
typedef struct script {
    tiny_network n;
    inlay__decoder *together, *alone;
    int32_t tokens[N_SEQUENCES][N_CONTEXT];
    size_t lengths[N_SEQUENCES];
    uint64_t state;
} script;

static size_t below(script *s, size_t n) { return (size_t)(random_u32(&s->state) % n); }

static inlay__decoder *decoder_of(const script *s, size_t n_batch, size_t n_sequences, uint32_t cache_type) {
    const inlay__decoder_config config = {N_CONTEXT, n_batch, 2, cache_type, n_sequences, 0, 0, SIZE_MAX};
    inlay__decoder *d = NULL;
    CHECK_INT(inlay__decoder_new(&inlay__sys_default, s->n.model, &config, &d), INLAY_OK);
    return d;
}

/* The logits of a sequence are those of a decoder that reads it alone. */
static void check_alone(script *s, size_t i, const char *what) {
    size_t n_vocab = s->n.model->hparams.n_vocab;
    const float *found = inlay__decoder_logits(s->together, i);
    CHECK(found != NULL);
    inlay__decoder_truncate(s->alone, 0, 0);
    CHECK_INT(tiny_decode(s->alone, s->tokens[i], s->lengths[i], NULL), INLAY_OK);
    if (found == NULL || memcmp(found, inlay__decoder_logits(s->alone, 0), n_vocab * sizeof *found) == 0) return;
    test_failures++;
    fprintf(stderr, "sequence %zu of %zu tokens differs from itself alone: %s\n", i, s->lengths[i], what);
}

/* Some sequences go on with some tokens each, in any order. */
static size_t choose_runs(script *s, inlay__run *runs) {
    size_t order[N_SEQUENCES], n_runs = 0, most = below(s, 2) ? 1 : 1 + below(s, 90);
    for (size_t i = 0; i < N_SEQUENCES; i++) order[i] = i;
    for (size_t i = N_SEQUENCES; i > 1; i--) {
        size_t k = below(s, i), other = order[i - 1];
        order[i - 1] = order[k];
        order[k] = other;
    }
    for (size_t i = 0, n = 1 + below(s, N_SEQUENCES); i < n; i++) {
        size_t at = order[i], room = N_CONTEXT - s->lengths[at], n_tokens = inlay__min_size(1 + below(s, most), room);
        int32_t *tokens = s->tokens[at] + s->lengths[at];
        if (n_tokens == 0) continue;
        for (size_t k = 0; k < n_tokens; k++) tokens[k] = (int32_t)below(s, s->n.model->hparams.n_vocab);
        runs[n_runs++] = (inlay__run){at, tokens, n_tokens};
    }
    return n_runs;
}

static void step_eval(script *s) {
    inlay__run runs[N_SEQUENCES];
    size_t n_runs = choose_runs(s, runs);
    inlay__eval_hooks hooks = {NULL, NULL, NULL};
    if (n_runs == 0) return;
    CHECK_INT(inlay__decoder_eval(s->together, runs, n_runs, NULL, &hooks), INLAY_OK);
    for (size_t i = 0; i < n_runs; i++) s->lengths[runs[i].sequence] += runs[i].n_tokens;
    for (size_t i = 0; i < n_runs; i++) check_alone(s, runs[i].sequence, "evaluated with others");
}

/* In slices, with runs and tokens that are gone when they begin; some are given up half way. */
static void step_sliced(script *s) {
    inlay__run runs[N_SEQUENCES], lent[N_SEQUENCES];
    size_t n_runs = choose_runs(s, runs), n_steps = 0, n_most = below(s, 4) == 0 ? 1 + below(s, 20) : SIZE_MAX;
    inlay__eval_hooks hooks = {NULL, NULL, NULL};
    int32_t status = INLAY_AGAIN;
    if (n_runs == 0) return;
    memcpy(lent, runs, sizeof lent);
    CHECK_INT(inlay__decoder_begin(s->together, lent, n_runs), INLAY_OK);
    memset(lent, 0xA5, sizeof lent);
    for (; status == INLAY_AGAIN && n_steps < n_most; n_steps++)
        status = inlay__decoder_step(s->together, &hooks, below(s, 3) * below(s, 60));
    if (status == INLAY_AGAIN) {
        inlay__decoder_abandon(s->together);
        return;
    }
    CHECK_INT(status, INLAY_OK);
    for (size_t i = 0; i < n_runs; i++) s->lengths[runs[i].sequence] += runs[i].n_tokens;
    for (size_t i = 0; i < n_runs; i++) check_alone(s, runs[i].sequence, "evaluated in slices");
}

static void step_cancelled(script *s) {
    inlay__run runs[N_SEQUENCES];
    size_t n_runs = choose_runs(s, runs);
    atomic_int flag = 1;
    inlay__eval_hooks hooks = {&flag, NULL, NULL};
    if (n_runs > 0) CHECK_INT(inlay__decoder_eval(s->together, runs, n_runs, NULL, &hooks), INLAY_ERR_CANCELLED);
}

static void step_fork(script *s) {
    size_t from = below(s, N_SEQUENCES), to = below(s, N_SEQUENCES);
    inlay__decoder_fork(s->together, from, to);
    s->lengths[to] = s->lengths[from];
    memmove(s->tokens[to], s->tokens[from], sizeof s->tokens[to]);
    if (inlay__decoder_logits(s->together, to) != NULL) check_alone(s, to, "forked");
}

static void step_truncate(script *s) {
    size_t i = below(s, N_SEQUENCES), length = s->n.model->n_state > 0 ? 0 : below(s, s->lengths[i] + 1);
    CHECK_INT(inlay__decoder_truncate(s->together, i, length), INLAY_OK);
    s->lengths[i] = length;
}

/* Pages that no sequence has are free, and no more. */
static void check_pages(const script *s) {
    size_t n_used = 0;
    const inlay__kv_cache *cache = &s->together->caches[INLAY__WHOLE];
    for (size_t i = 0; i < cache->n_pages; i++) n_used += cache->n_users[i] > 0;
    CHECK_INT(n_used + cache->n_free, cache->n_pages);
}

static void run_script(tiny_params p, size_t n_batch, uint32_t cache_type) {
    static script s;
    s = (script){.state = n_batch};
    s.n = tiny_network_open(&p, NULL);
    s.together = decoder_of(&s, n_batch, N_SEQUENCES, cache_type);
    s.alone = decoder_of(&s, 128, 1, cache_type);
    for (size_t k = 0; k < N_STEPS; k++) {
        size_t kind = below(&s, 10);
        if (kind < 3) step_eval(&s);
        if (kind == 3 || kind == 4) step_sliced(&s);
        if (kind == 5) step_cancelled(&s);
        if (kind == 6 || kind == 7) step_fork(&s);
        if (kind > 7) step_truncate(&s);
        for (size_t i = 0; i < N_SEQUENCES; i++) CHECK_INT(inlay__decoder_length(s.together, i), s.lengths[i]);
        check_pages(&s);
    }
    for (size_t i = 0; i < N_SEQUENCES; i++) CHECK_INT(inlay__decoder_truncate(s.together, i, 0), INLAY_OK);
    CHECK_INT(s.together->caches[INLAY__WHOLE].n_free, s.together->caches[INLAY__WHOLE].n_pages);
    inlay__decoder_free(s.together);
    inlay__decoder_free(s.alone);
    tiny_network_close(&s.n);
}

TEST(sequences_evaluated_together_in_slices_forked_cut_and_cancelled_have_the_bits_of_each_alone) {
    static const size_t batches[] = {3, 64, 200};
    static const uint32_t types[] = {INLAY_TYPE_F16, INLAY_TYPE_F32, INLAY_TYPE_F16};
    for (int i = 0; i < TINY_N_ARCHITECTURES; i++)
        for (size_t k = 0; k < 3; k++) run_script(tiny_architecture(i), batches[k], types[k]);
}

TEST(an_error_among_several_runs_names_the_run_and_changes_no_sequence) {
    tiny_params p = tiny_architecture(0);
    script s = {.n = tiny_network_open(&p, NULL)};
    int32_t tokens[] = {1, 2, 3}, wrong[] = {1, -5, 3};
    const inlay__run good[] = {{0, tokens, 3}, {1, tokens, 2}}, bad[] = {{0, tokens, 3}, {1, wrong, 3}};
    inlay__eval_hooks hooks = {NULL, NULL, NULL};
    inlay__decoder *d = s.together = decoder_of(&s, 16, 2, INLAY_TYPE_F16);
    CHECK_INT(inlay__decoder_eval(d, good, 2, NULL, &hooks), INLAY_OK);
    CHECK_INT(inlay__decoder_eval(d, bad, 2, NULL, &hooks), INLAY_ERR_TOKEN);
    CHECK_HAS(inlay__error_text(), "run 1 of 2, of sequence 1: token 1 of 3 is -5");
    CHECK(inlay__decoder_length(d, 0) == 3 && inlay__decoder_length(d, 1) == 2);
    CHECK(inlay__decoder_logits(d, 0) != NULL && inlay__decoder_logits(d, 1) != NULL);
    inlay__decoder_free(d);
    tiny_network_close(&s.n);
}

/* A sequence that was cut to within a page that another still has in full. */
TEST(a_run_that_never_began_when_its_call_failed_leaves_a_shared_page_as_it_was) {
    tiny_params p = tiny_architecture(0);
    static script s;
    s = (script){.state = 1, .n = tiny_network_open(&p, NULL)};
    inlay__eval_hooks hooks = {NULL, NULL, NULL};
    atomic_int flag = 1;
    s.together = decoder_of(&s, 4, N_SEQUENCES, INLAY_TYPE_F16);
    s.alone = decoder_of(&s, 128, 1, INLAY_TYPE_F16);
    for (size_t k = 0; k < 80; k++) s.tokens[0][k] = (int32_t)below(&s, s.n.model->hparams.n_vocab);
    const inlay__run whole = {0, s.tokens[0], 60}, rest = {0, s.tokens[0] + 60, 20};
    const inlay__run two[] = {{2, s.tokens[0], 9}, {1, s.tokens[0], 5}};
    CHECK_INT(inlay__decoder_eval(s.together, &whole, 1, NULL, &hooks), INLAY_OK);
    inlay__decoder_fork(s.together, 0, 1);
    CHECK_INT(inlay__decoder_truncate(s.together, 1, 17), INLAY_OK);
    hooks.cancel = &flag;
    CHECK_INT(inlay__decoder_eval(s.together, two, 2, NULL, &hooks), INLAY_ERR_CANCELLED);
    hooks.cancel = NULL;
    CHECK_INT(inlay__decoder_eval(s.together, &rest, 1, NULL, &hooks), INLAY_OK);
    s.lengths[0] = 80;
    check_alone(&s, 0, "after a failure of the one that it shares a page with");
    inlay__decoder_free(s.together);
    inlay__decoder_free(s.alone);
    tiny_network_close(&s.n);
}

/* A prefix that a pass has no room for waits, and the run behind it is done first. */
TEST(a_run_that_overtakes_a_prefix_has_its_own_logits) {
    tiny_params p = tiny_architecture(0);
    static script s;
    s = (script){.state = 2, .n = tiny_network_open(&p, NULL)};
    inlay__eval_hooks hooks = {NULL, NULL, NULL};
    inlay__run runs[3];
    s.together = decoder_of(&s, 32, 3, INLAY_TYPE_F16);
    for (size_t i = 0; i < 3; i++) {
        s.lengths[i] = i == 1 ? 30 : 5;
        for (size_t k = 0; k < s.lengths[i]; k++) s.tokens[i][k] = (int32_t)below(&s, s.n.model->hparams.n_vocab);
        runs[i] = (inlay__run){i, s.tokens[i], s.lengths[i]};
    }
    CHECK_INT(inlay__decoder_set_prefix(s.together, 1, 30), INLAY_OK);
    CHECK_INT(inlay__decoder_eval(s.together, runs, 3, NULL, &hooks), INLAY_OK);
    for (size_t i = 0; i < 3; i++) {
        s.alone = decoder_of(&s, 32, 1, INLAY_TYPE_F16);
        CHECK_INT(inlay__decoder_set_prefix(s.alone, 0, i == 1 ? 30 : 0), INLAY_OK);
        check_alone(&s, i, "where a prefix had to wait");
        inlay__decoder_free(s.alone);
    }
    inlay__decoder_free(s.together);
    tiny_network_close(&s.n);
}

TEST(a_prefix_beyond_the_context_is_refused_though_the_batch_has_room) {
    tiny_params p = tiny_architecture(0);
    script s = {.n = tiny_network_open(&p, NULL)};
    inlay__decoder *d = s.together = decoder_of(&s, N_CONTEXT + 50, 2, INLAY_TYPE_F16);
    CHECK_INT(inlay__decoder_set_prefix(d, 1, N_CONTEXT + 1), INLAY_ERR_ARGUMENT);
    CHECK_HAS(inlay__error_text(), "option 'prefix' is 301, expected at most the context of 300");
    CHECK_INT(inlay__decoder_set_prefix(d, 1, N_CONTEXT), INLAY_OK);
    inlay__decoder_free(d);
    tiny_network_close(&s.n);
}

TEST_MAIN(CASE(a_prefix_beyond_the_context_is_refused_though_the_batch_has_room),
          CASE(sequences_evaluated_together_in_slices_forked_cut_and_cancelled_have_the_bits_of_each_alone),
          CASE(an_error_among_several_runs_names_the_run_and_changes_no_sequence),
          CASE(a_run_that_never_began_when_its_call_failed_leaves_a_shared_page_as_it_was),
          CASE(a_run_that_overtakes_a_prefix_has_its_own_logits))
