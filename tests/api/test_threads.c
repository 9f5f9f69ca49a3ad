/* Many threads: one model shared by sessions of several threads gives each the bits of a serial run, and a session that
 * two threads use at once refuses one of them. */
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "support/posix.h"
#include "support/tiny_open.h"

enum { N_VOCAB = 320, N_THREADS = 6, N_NEW = 25 };

/* A thread's work: a prompt of its own, then tokens drawn with a seed of its own. */
typedef struct job {
    pthread_t thread;
    inlay_model *model;
    int index;
    int32_t tokens[N_NEW];
    float logits[N_VOCAB];
    char text[512];
    size_t text_size;
    int n_errors;
} job;

static inlay_session *job_session(const job *j) {
    inlay_options *o = tiny_options(INLAY_OPT_THREADS, 1 + j->index % 3, INLAY_OPT_SEED, j->index, INLAY_OPT_TOP_K, 40,
                                    INLAY_OPT_BATCH, 1 + j->index * 5, 0);
    inlay_session *s = NULL;
    if (inlay_options_set_float(o, INLAY_OPT_TEMPERATURE, 0.9) != INLAY_OK) exit(2);
    if (inlay_session_new(j->model, o, &s) != INLAY_OK) exit(2);
    inlay_options_free(o);
    return s;
}

static void *work(void *arg) {
    job *j = arg;
    char prompt[64];
    int32_t ids[64];
    size_t n = 0;
    inlay_session *s = job_session(j);
    int size = snprintf(prompt, sizeof prompt, "thread %d has \xf0\x9f\x8e\x89 number %d", j->index, j->index * 77);
    j->n_errors += inlay_tokenize(j->model, prompt, (size_t)size, 0, ids, 64, &n) != INLAY_OK;
    j->n_errors += inlay_eval(s, ids, n) != INLAY_OK;
    for (size_t i = 0; i < N_NEW; i++) {
        j->n_errors += inlay_sample(s, &j->tokens[i]) != INLAY_OK;
        j->n_errors += inlay_eval(s, &j->tokens[i], 1) != INLAY_OK;
    }
    float *logits = NULL;
    j->n_errors += inlay_logits(s, &logits, NULL) != INLAY_OK;
    memcpy(j->logits, logits, sizeof j->logits);
    j->n_errors += inlay_detokenize(j->model, j->tokens, N_NEW, j->text, sizeof j->text, &j->text_size) != INLAY_OK;
    /* this thread's own error */
    j->n_errors += inlay_eval(s, &(int32_t){10000 + j->index}, 1) != INLAY_ERR_TOKEN;
    snprintf(prompt, sizeof prompt, "%d", 10000 + j->index);
    j->n_errors += strstr(inlay_error(), prompt) == NULL || strstr(inlay_session_error(s), prompt) == NULL;
    inlay_session_free(s);
    return NULL;
}

TEST(sessions_on_many_threads_give_the_bits_of_a_serial_run) {
    static job serial[N_THREADS], parallel[N_THREADS];
    tiny_params p = tiny_defaults();
    p.matrix_type = INLAY_TYPE_Q5_0;
    tiny t = tiny_open(&p, NULL);
    for (int i = 0; i < N_THREADS; i++) {
        serial[i] = parallel[i] = (job){.model = t.model, .index = i};
        work(&serial[i]);
        CHECK_INT(serial[i].n_errors, 0);
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N_THREADS; i++)
            CHECK_INT(pthread_create(&parallel[i].thread, NULL, work, &parallel[i]), 0);
        for (int i = 0; i < N_THREADS; i++) {
            pthread_join(parallel[i].thread, NULL);
            CHECK_INT(parallel[i].n_errors, 0);
            CHECK(memcmp(parallel[i].tokens, serial[i].tokens, sizeof serial[i].tokens) == 0);
            CHECK(memcmp(parallel[i].logits, serial[i].logits, sizeof serial[i].logits) == 0);
            CHECK(parallel[i].text_size == serial[i].text_size &&
                  memcmp(parallel[i].text, serial[i].text, serial[i].text_size) == 0);
        }
    }
    CHECK(memcmp(serial[0].tokens, serial[1].tokens, sizeof serial[0].tokens) != 0);
    tiny_close(&t);
}

/* ------------------------------------------------------------------------ busy */

typedef struct race {
    inlay_session *session;
    atomic_int go;
    atomic_size_t n_done, n_busy, n_other;
} race;

static void *eval_and_truncate(void *arg) {
    race *r = arg;
    int32_t tokens[12];
    tiny_tokens(tokens, 12);
    while (atomic_load(&r->go) == 0) continue;
    for (int i = 0; i < 300; i++) {
        int32_t status = i % 3 == 0   ? inlay_eval(r->session, tokens, 12)
                         : i % 3 == 1 ? inlay_session_truncate(r->session, 0)
                                      : inlay_session_set_int(r->session, INLAY_OPT_SEED, i);
        if (status == INLAY_OK)
            atomic_fetch_add(&r->n_done, 1);
        else if (status == INLAY_ERR_BUSY)
            atomic_fetch_add(&r->n_busy, 1);
        else if (status != INLAY_ERR_CONTEXT)
            atomic_fetch_add(&r->n_other, 1);
    }
    return NULL;
}

TEST(a_session_used_by_several_threads_at_once_refuses_all_but_one) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[12];
    pthread_t threads[4];
    race r = {.session = tiny_session(t.model, INLAY_OPT_THREADS, 2, 0)};
    inlay_session *fresh = tiny_session(t.model, 0);
    tiny_tokens(tokens, 12);
    for (int i = 0; i < 4; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, eval_and_truncate, &r), 0);
    atomic_store(&r.go, 1);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(atomic_load(&r.n_other), 0);
    CHECK(atomic_load(&r.n_done) > 0);
    CHECK(atomic_load(&r.n_busy) > 0);
    CHECK_INT(inlay_session_truncate(r.session, 0), INLAY_OK);
    float *found = tiny_eval(r.session, tokens, 12, 12), *expected = tiny_eval(fresh, tokens, 12, 12);
    CHECK(memcmp(found, expected, N_VOCAB * sizeof *found) == 0);
    free(found);
    free(expected);
    inlay_session_free(r.session);
    inlay_session_free(fresh);
    tiny_close(&t);
}

/* ------------------------------------------------------------------- life cycle */

static void *open_and_close(void *arg) {
    tiny *t = arg;
    for (int i = 0; i < 10; i++) {
        inlay_model *model;
        inlay_session *s;
        if (inlay_model_open_memory(t->data, t->size, NULL, &model) != INLAY_OK) return arg;
        if (inlay_session_new(model, NULL, &s) != INLAY_OK) return arg;
        inlay_model_free(model);
        if (inlay_eval(s, &(int32_t){5}, 1) != INLAY_OK) return arg;
        inlay_session_free(s);
    }
    return NULL;
}

TEST(models_open_and_close_on_many_threads) {
    tiny t = tiny_open(NULL, NULL);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, open_and_close, &t), 0);
    for (int i = 0; i < 4; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        CHECK(failed == NULL);
    }
    tiny_close(&t);
}

static void *free_session(void *arg) {
    inlay_session_free(arg);
    return NULL;
}

TEST(a_session_may_move_between_threads) {
    tiny t = tiny_open(NULL, NULL);
    pthread_t thread;
    int32_t tokens[30];
    tiny_tokens(tokens, 30);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_THREADS, 2, 0);
    CHECK_INT(inlay_eval(s, tokens, 30), INLAY_OK);
    inlay_model_free(t.model);
    CHECK_INT(pthread_create(&thread, NULL, free_session, s), 0); /* the model goes there, too */
    pthread_join(thread, NULL);
    free(t.data);
}

/* A child of fork() has the session's memory and none of its threads. */
TEST(a_child_of_fork_can_go_on) {
#if defined(__SANITIZE_THREAD__)
    SKIP("the thread sanitizer does not follow fork");
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
    SKIP("the thread sanitizer does not follow fork");
#endif
#endif
    if (!CAN_FORK) SKIP("there is no fork");
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[30];
    int status = -1;
    tiny_tokens(tokens, 30);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_THREADS, 3, 0);
    inlay_session *fresh = tiny_session(t.model, INLAY_OPT_THREADS, 1, 0);
    float *expected = tiny_eval(fresh, tokens, 30, 30);
    CHECK_INT(inlay_eval(s, tokens, 15), INLAY_OK);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        float *found = tiny_eval(s, tokens + 15, 15, 15);
        bool same = memcmp(found, expected, N_VOCAB * sizeof *found) == 0;
        inlay_session_free(s);
        _exit(same ? 0 : 3);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
    float *found = tiny_eval(s, tokens + 15, 15, 15);
    CHECK(memcmp(found, expected, N_VOCAB * sizeof *found) == 0);
    free(found);
    free(expected);
    inlay_session_free(s);
    inlay_session_free(fresh);
    tiny_close(&t);
}

TEST_MAIN(CASE(sessions_on_many_threads_give_the_bits_of_a_serial_run),
          CASE(a_session_used_by_several_threads_at_once_refuses_all_but_one),
          CASE(models_open_and_close_on_many_threads), CASE(a_session_may_move_between_threads),
          CASE(a_child_of_fork_can_go_on))
