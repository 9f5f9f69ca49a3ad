/* Cancelling an evaluation, from a callback and from other threads: the sequence is as it was, and what follows gives
 * the bits of a session that was never cancelled. And what callbacks may do. */
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "api/handles.h"
#include "support/accounting_sys.h"
#include "support/tiny_open.h"

enum { N_VOCAB = 320, N_PROMPT = 90 };

typedef struct hook {
    inlay_session *session;
    uint64_t cancel_at; /* stop when this many tokens are done */
    bool by_value;      /* by the callback's value; else by inlay_session_cancel */
    int n_calls;
    uint64_t done, total;
    void (*also)(struct hook *h);
    int n_refused, n_length;
} hook;

static int32_t on_progress(void *user, uint64_t done, uint64_t total) {
    hook *h = user;
    h->n_calls++;
    h->done = done;
    h->total = total;
    if (h->also != NULL) h->also(h);
    if (h->cancel_at == 0 || done < h->cancel_at) return 0;
    if (!h->by_value) inlay_session_cancel(h->session);
    return h->by_value;
}

static inlay_session *hooked(inlay_model *model, hook *h, int threads, int batch) {
    inlay_options *o = tiny_options(INLAY_OPT_THREADS, threads, INLAY_OPT_BATCH, batch, 0);
    CHECK_INT(inlay_options_set_progress(o, on_progress, h), INLAY_OK);
    CHECK_INT(inlay_session_new(model, o, &h->session), INLAY_OK);
    inlay_options_free(o);
    return h->session;
}

static float *uncancelled(inlay_model *model, const int32_t *tokens, size_t n) {
    inlay_session *s = tiny_session(model, 0);
    float *logits = tiny_eval(s, tokens, n, n);
    inlay_session_free(s);
    return logits;
}

TEST(progress_counts_tokens) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[N_PROMPT];
    hook h = {0};
    inlay_session *s = hooked(t.model, &h, 1, 8);
    tiny_tokens(tokens, N_PROMPT);
    CHECK_INT(inlay_eval(s, tokens, N_PROMPT), INLAY_OK);
    CHECK_INT(h.n_calls, (N_PROMPT + 7) / 8);
    CHECK(h.done == N_PROMPT && h.total == N_PROMPT);
    inlay_session_free(s);
    tiny_close(&t);
}

TEST(a_callback_cancels_at_every_place) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[N_PROMPT];
    tiny_tokens(tokens, N_PROMPT);
    float *expected = uncancelled(t.model, tokens, N_PROMPT);
    for (int by_value = 0; by_value < 2; by_value++)
        for (uint64_t at = 1; at < N_PROMPT - 20 - 8; at += 5) {
            hook h = {.by_value = by_value != 0};
            inlay_session *s = hooked(t.model, &h, 2, 8);
            CHECK_INT(inlay_eval(s, tokens, 20), INLAY_OK);
            float *before = tiny_logits(s);
            h.cancel_at = at;
            CHECK_INT(inlay_eval(s, tokens + 20, N_PROMPT - 20), INLAY_ERR_CANCELLED);
            CHECK_HAS(inlay_session_error(s), "cancelled");
            CHECK_INT(tiny_length(s), 20);
            float *after = tiny_logits(s);
            CHECK(memcmp(before, after, N_VOCAB * sizeof *before) == 0);
            h.cancel_at = 0;
            float *found = tiny_eval(s, tokens + 20, N_PROMPT - 20, 33);
            CHECK(memcmp(found, expected, N_VOCAB * sizeof *found) == 0);
            free(before);
            free(after);
            free(found);
            inlay_session_free(s);
        }
    free(expected);
    tiny_close(&t);
}

TEST(cancelling_before_a_call_does_nothing) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[10];
    tiny_tokens(tokens, 10);
    inlay_session *s = tiny_session(t.model, 0);
    for (int i = 0; i < 5; i++) {
        inlay_session_cancel(s);
        inlay_session_cancel(s);
        CHECK_INT(inlay_eval(s, tokens, 10), INLAY_OK);
    }
    inlay_session_free(s);
    tiny_close(&t);
}

/* ------------------------------------------------------------- another thread */

typedef struct canceller {
    inlay_session *session;
    atomic_int run;
    atomic_size_t n_cancels;
    long pause_ns;
} canceller;

static void *cancel_often(void *arg) {
    canceller *c = arg;
    while (atomic_load(&c->run) != 0) {
        inlay_session_cancel(c->session);
        atomic_fetch_add(&c->n_cancels, 1);
        nanosleep(&(struct timespec){0, c->pause_ns}, NULL);
    }
    return NULL;
}

TEST(another_thread_cancels_at_any_moment) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[N_PROMPT];
    int n_cancelled = 0, n_done = 0;
    tiny_tokens(tokens, N_PROMPT);
    float *expected = uncancelled(t.model, tokens, N_PROMPT);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_THREADS, 2, INLAY_OPT_BATCH, 4, 0);
    for (long pause = 20000; pause <= 2000000; pause *= 10) {
        canceller c = {.session = s, .pause_ns = pause};
        pthread_t thread;
        atomic_init(&c.run, 1);
        CHECK_INT(inlay_eval(s, tokens, 20), INLAY_OK);
        CHECK_INT(pthread_create(&thread, NULL, cancel_often, &c), 0);
        for (int i = 0; i < 60; i++) {
            int32_t status = inlay_eval(s, tokens + 20, N_PROMPT - 20);
            CHECK(status == INLAY_OK || status == INLAY_ERR_CANCELLED);
            CHECK_INT(tiny_length(s), status == INLAY_OK ? N_PROMPT : 20);
            status == INLAY_OK ? n_done++ : n_cancelled++;
            CHECK_INT(inlay_session_truncate(s, 20), INLAY_OK);
        }
        atomic_store(&c.run, 0);
        pthread_join(thread, NULL);
        CHECK(atomic_load(&c.n_cancels) > 0);
        float *found = tiny_eval(s, tokens + 20, N_PROMPT - 20, 50);
        CHECK(memcmp(found, expected, N_VOCAB * sizeof *found) == 0);
        free(found);
        CHECK_INT(inlay_session_truncate(s, 0), INLAY_OK);
    }
    CHECK(n_cancelled > 0);
    CHECK_INT(n_done + n_cancelled, 180);
    inlay_session_free(s);
    free(expected);
    tiny_close(&t);
}

static inlay_session *signalled;

static void on_signal(int number) {
    (void)number;
    inlay_session_cancel(signalled);
}

static void raise_in_callback(hook *h) {
    if (h->done >= 16) raise(SIGTERM);
}

TEST(a_signal_handler_cancels) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[N_PROMPT];
    hook h = {.also = raise_in_callback};
    signalled = hooked(t.model, &h, 2, 8);
    tiny_tokens(tokens, N_PROMPT);
    signal(SIGTERM, on_signal);
    CHECK_INT(inlay_eval(signalled, tokens, N_PROMPT), INLAY_ERR_CANCELLED);
    signal(SIGTERM, SIG_DFL);
    CHECK_INT(tiny_length(signalled), 0);
    CHECK_INT(h.done, 16);
    inlay_session_free(signalled);
    tiny_close(&t);
}

/* ------------------------------------------------------ calls from a callback */

/* Every function of the same session: what would change it is refused, what only tells answers. */
static void call_everything(hook *h) {
    inlay_session *s = h->session;
    int32_t token = 5;
    int64_t value = -1;
    float *logits, row[N_VOCAB];
    size_t n;
    h->n_refused += inlay_eval(s, &token, 1) == INLAY_ERR_BUSY;
    h->n_refused += inlay_eval_all(s, &token, 1, row, N_VOCAB) == INLAY_ERR_BUSY;
    h->n_refused += inlay_logits(s, &logits, &n) == INLAY_ERR_BUSY;
    h->n_refused += inlay_sample(s, &token) == INLAY_ERR_BUSY;
    h->n_refused += inlay_session_truncate(s, 0) == INLAY_ERR_BUSY;
    h->n_refused += inlay_session_set_int(s, INLAY_OPT_SEED, 1) == INLAY_ERR_BUSY;
    h->n_refused += inlay_session_set_float(s, INLAY_OPT_TOP_P, 0.5) == INLAY_ERR_BUSY;
    CHECK_HAS(inlay_error(), "another call");
    CHECK_STR(inlay_session_error(s), "");
    h->n_length += inlay_session_get_int(s, INLAY_SESSION_CONTEXT, &value) == INLAY_OK && value == 128;
}

TEST(a_callback_cannot_change_its_own_session) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[N_PROMPT];
    hook h = {.also = call_everything};
    inlay_session *s = hooked(t.model, &h, 2, 32);
    tiny_tokens(tokens, N_PROMPT);
    float *expected = uncancelled(t.model, tokens, N_PROMPT), *found = tiny_eval(s, tokens, N_PROMPT, N_PROMPT);
    CHECK(memcmp(found, expected, N_VOCAB * sizeof *found) == 0);
    CHECK_INT(h.n_calls, 3);
    CHECK_INT(h.n_refused, 3 * 7);
    CHECK_INT(h.n_length, 3);
    free(found);
    free(expected);
    inlay_session_free(s);
    tiny_close(&t);
}

/* Another session and the model are free to use. */
static void use_another(hook *h) {
    int32_t tokens[4];
    size_t n = 0;
    inlay_model *model = h->session->model;
    inlay_session *other = tiny_session(model, 0);
    CHECK_INT(inlay_tokenize(model, "abc", 3, 0, tokens, 4, &n), INLAY_OK);
    CHECK_INT(inlay_eval(other, tokens, n), INLAY_OK);
    inlay_session_free(other);
}

TEST(a_callback_may_use_the_model_and_other_sessions) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[N_PROMPT];
    hook h = {.also = use_another};
    inlay_session *s = hooked(t.model, &h, 2, 32);
    tiny_tokens(tokens, N_PROMPT);
    float *expected = uncancelled(t.model, tokens, N_PROMPT), *found = tiny_eval(s, tokens, N_PROMPT, N_PROMPT);
    CHECK(memcmp(found, expected, N_VOCAB * sizeof *found) == 0);
    free(found);
    free(expected);
    inlay_session_free(s);
    tiny_close(&t);
}

static void free_both(hook *h) {
    inlay_model *model = h->session->model;
    if (h->n_calls != 2) return;
    inlay_model_free(model);
    inlay_session_free(h->session);
    inlay_session_free(h->session);
}

TEST(a_session_freed_by_its_callback_goes_when_the_call_returns) {
    accounting a;
    inlay_options *o;
    int32_t tokens[N_PROMPT];
    hook h = {.also = free_both};
    accounting_init(&a);
    tiny_tokens(tokens, N_PROMPT);
    CHECK_INT(inlay__options_new_with_sys(&a.sys, &o), INLAY_OK);
    tiny t = tiny_open(NULL, o);
    CHECK_INT(inlay_options_set_progress(o, on_progress, &h), INLAY_OK);
    CHECK_INT(inlay_options_set_int(o, INLAY_OPT_BATCH, 8), INLAY_OK);
    CHECK_INT(inlay_session_new(t.model, o, &h.session), INLAY_OK);
    inlay_options_free(o);
    CHECK_INT(inlay_eval(h.session, tokens, N_PROMPT), INLAY_OK);
    CHECK_INT(h.n_calls, (N_PROMPT + 7) / 8);
    CHECK_INT(a.live, 0);
    free(t.data);
}

TEST_MAIN(CASE(progress_counts_tokens), CASE(a_callback_cancels_at_every_place),
          CASE(cancelling_before_a_call_does_nothing), CASE(another_thread_cancels_at_any_moment),
          CASE(a_signal_handler_cancels), CASE(a_callback_cannot_change_its_own_session),
          CASE(a_callback_may_use_the_model_and_other_sessions),
          CASE(a_session_freed_by_its_callback_goes_when_the_call_returns))
