/* A game that talks: 60 frames a second, of which the model may have 2 milliseconds each, on the game's own job system.
 *
 *     ./game_loop MODEL.gguf [SECONDS]
 *
 * The rest of a frame is the game's own work, particles that fly about. The same loop runs twice: with nothing but
 * waiting in those 2 milliseconds, and with the model. Both histograms tell how much longer than the budget the frames'
 * parts took, so that the model's can be held against the machine's own unrest. At last as many tokens are evaluated
 * without slices, for the speed that slicing leaves.
 */
#include <inlay.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FRAME_US = 16667, BUDGET_US = 2000, WORK_US = 16000, LATE_US = 500, MAX_PROMPT = 512, MAX_WORKERS = 7, N_BUCKETS = 8 };

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

/* --------------------------------------------------------------- job system */

/* Workers look for parts while the game runs, and sleep else. A round is one call of
 * parallel_for: its number in the upper half of `next`, its next part in the lower, so that a worker that comes late
 * takes nothing of a round that is over. */
typedef struct jobs {
    pthread_t threads[MAX_WORKERS];
    size_t n_workers;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    atomic_int awake, quit;
    atomic_uint_fast64_t next;
    atomic_size_t n_parts, n_done;
    inlay_task_fn run;
    void *task;
} jobs;

/* Takes parts of the round in hand until there is none. */
static void take_parts(jobs *j) {
    uint64_t next = atomic_load(&j->next);
    while ((uint32_t)next < atomic_load(&j->n_parts)) {
        if (!atomic_compare_exchange_weak(&j->next, &next, next + 1)) continue;
        j->run(j->task, (uint32_t)next);
        atomic_fetch_add(&j->n_done, 1);
        next = atomic_load(&j->next);
    }
}

static void *work(void *arg) {
    jobs *j = arg;
    while (!atomic_load(&j->quit)) {
        if (atomic_load(&j->awake)) {
            take_parts(j);
            continue;
        }
        pthread_mutex_lock(&j->mutex);
        while (!atomic_load(&j->awake) && !atomic_load(&j->quit)) pthread_cond_wait(&j->wake, &j->mutex);
        pthread_mutex_unlock(&j->mutex);
    }
    return NULL;
}

/* What the library calls: an inlay_parallel_fn. */
static void parallel_for(void *user, size_t n, inlay_task_fn run, void *task) {
    jobs *j = user;
    uint64_t round = (atomic_load(&j->next) >> 32) + 1;
    atomic_store(&j->n_parts, 0); /* closed while it changes */
    atomic_store(&j->next, round << 32);
    atomic_store(&j->n_done, 0);
    j->run = run;
    j->task = task;
    atomic_store(&j->n_parts, n);
    take_parts(j);
    while (atomic_load(&j->n_done) < n) {}
}

static void wake(jobs *j, int awake) {
    pthread_mutex_lock(&j->mutex);
    atomic_store(&j->awake, awake);
    pthread_cond_broadcast(&j->wake);
    pthread_mutex_unlock(&j->mutex);
}

static void jobs_start(jobs *j) {
    long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
    memset(j, 0, sizeof *j);
    pthread_mutex_init(&j->mutex, NULL);
    pthread_cond_init(&j->wake, NULL);
    while (j->n_workers < MAX_WORKERS && (long)j->n_workers + 1 < n_cpus &&
           pthread_create(&j->threads[j->n_workers], NULL, work, j) == 0)
        j->n_workers++;
}

static void jobs_stop(jobs *j) {
    atomic_store(&j->quit, 1);
    wake(j, 0);
    for (size_t i = 0; i < j->n_workers; i++) pthread_join(j->threads[i], NULL);
    pthread_mutex_destroy(&j->mutex);
    pthread_cond_destroy(&j->wake);
}

/* ---------------------------------------------------------------- particles */

enum { N_PARTICLES = 4096 };

typedef struct world {
    float place[N_PARTICLES], speed[N_PARTICLES];
    size_t n_parts;
} world;

static void fly(void *arg, size_t part) {
    world *w = arg;
    for (size_t i = part * N_PARTICLES / w->n_parts; i < (part + 1) * N_PARTICLES / w->n_parts; i++) {
        w->speed[i] -= 0.001f * w->place[i];
        w->place[i] += 0.001f * w->speed[i];
    }
}

/* The game's own work, until a moment. */
static void simulate(jobs *j, double until) {
    static world w;
    w.n_parts = j->n_workers + 1;
    for (size_t i = 0; i < N_PARTICLES && w.speed[0] == 0; i++) w.speed[N_PARTICLES - 1 - i] = (float)i + 1;
    while (now_us() < until) parallel_for(j, w.n_parts, fly, &w);
}

/* ------------------------------------------------------------------- frames */

/* How many frames' parts took how much longer than the budget. */
typedef struct histogram {
    const char *name;
    size_t counts[N_BUCKETS], n, n_late;
    double sum, worst;
} histogram;

static const double bounds[N_BUCKETS - 1] = {50, 100, 200, 500, 1000, 2000, 5000};

static void count(histogram *h, double took) {
    double over = took - BUDGET_US;
    size_t i = 0;
    while (i < N_BUCKETS - 1 && over >= bounds[i]) i++;
    h->counts[i]++;
    h->n++;
    h->n_late += over > LATE_US;
    h->sum += took;
    h->worst = took > h->worst ? took : h->worst;
}

static void print(const histogram *h) {
    printf("\n%s: %zu frames, %.2f ms on average, %.2f ms at worst, %zu beyond %.1f ms\n", h->name, h->n,
           h->sum / (double)h->n / 1000, h->worst / 1000, h->n_late, (BUDGET_US + LATE_US) / 1000.0);
    for (size_t i = 0; i < N_BUCKETS; i++) {
        if (i + 1 < N_BUCKETS)
            printf("  below + %4.2f ms %6zu ", bounds[i] / 1000, h->counts[i]);
        else
            printf("  more           %6zu ", h->counts[i]);
        for (size_t k = 0; k < h->counts[i] * 50 / h->n; k++) putchar('#');
        putchar('\n');
    }
}

/* What talks: a sequence whose next token is on its way. */
typedef struct talker {
    inlay_model *model;
    inlay_session *session;
    uint64_t stream;
    size_t n_tokens;
    double busy_us; /* within slices */
} talker;

/* The evaluation is done: the next token is chosen, shown and begun. */
static int32_t next_token(talker *t) {
    int32_t token, status = inlay_sample(t->session, &token);
    char piece[256];
    size_t n = 0;
    if (status == INLAY_OK) status = inlay_stream_text(t->model, &t->stream, token, piece, sizeof piece, &n);
    if (status != INLAY_OK) return status;
    fwrite(piece, 1, n, stdout);
    fflush(stdout);
    t->n_tokens++;
    return inlay_eval_begin(t->session, &token, 1);
}

/* The model's part of a frame; NULL waits for as long. */
static int32_t run_part(talker *t, double begin) {
    double left;
    int32_t status = INLAY_OK;
    while (status == INLAY_OK && (left = begin + BUDGET_US - now_us()) > 0) {
        if (t == NULL) continue;
        status = inlay_eval_step(t->session, (uint64_t)left);
        if (status == INLAY_AGAIN) return INLAY_OK; /* the budget is spent */
        if (status == INLAY_OK) status = next_token(t);
    }
    return status;
}

static int32_t run_frames(jobs *j, talker *t, size_t n_frames, histogram *h) {
    double next = now_us();
    for (size_t i = 0; i < n_frames; i++, next += FRAME_US) {
        double left = next - now_us();
        if (left > 0) usleep((useconds_t)left);
        double begin = now_us();
        int32_t status = run_part(t, begin);
        double took = now_us() - begin;
        count(h, took);
        if (t != NULL) t->busy_us += took;
        if (status != INLAY_OK) return status;
        simulate(j, begin + WORK_US);
    }
    return INLAY_OK;
}

/* Tokens a second without slices, of as many tokens. */
static int32_t measure_unsliced(talker *t, size_t n_tokens, double *per_second) {
    int32_t token, status = inlay_eval_abandon(t->session);
    double begin = now_us();
    for (size_t i = 0; status == INLAY_OK && i < n_tokens; i++) {
        status = inlay_sample(t->session, &token);
        if (status == INLAY_OK) status = inlay_eval(t->session, &token, 1);
    }
    *per_second = (double)n_tokens * 1e6 / (now_us() - begin);
    return status;
}

/* The prompt is read in slices too, before the frames are counted. */
static int32_t begin_talk(talker *t, const char *prompt) {
    int32_t tokens[MAX_PROMPT], status;
    size_t n;
    status = inlay_tokenize(t->model, prompt, INLAY_ALL, INLAY_ADD_SPECIAL, tokens, MAX_PROMPT, &n);
    if (status == INLAY_OK) status = inlay_eval_begin(t->session, tokens, n);
    if (status == INLAY_OK) status = INLAY_AGAIN;
    while (status == INLAY_AGAIN) status = inlay_eval_step(t->session, BUDGET_US);
    return status == INLAY_OK ? next_token(t) : status;
}

static int32_t play(jobs *j, talker *t, size_t n_frames) {
    histogram waiting = {.name = "waiting"}, talking = {.name = "talking"};
    double unsliced = 0;
    int32_t status = run_frames(j, NULL, n_frames, &waiting);
    if (status == INLAY_OK) status = begin_talk(t, "Once upon a time, in a small house by the sea,");
    t->n_tokens = 0;
    if (status == INLAY_OK) status = run_frames(j, t, n_frames, &talking);
    size_t n_tokens = t->n_tokens;
    if (status == INLAY_OK) status = measure_unsliced(t, n_tokens, &unsliced);
    if (status != INLAY_OK) return status;
    double sliced = (double)n_tokens * 1e6 / t->busy_us;
    print(&waiting);
    print(&talking);
    printf("\n%zu tokens, %.1f a second of the model's time; %.1f without slices: %.0f %%\n", n_tokens, sliced, unsliced,
           100 * sliced / unsliced);
    return INLAY_OK;
}

/* Weights are packed while the game loads: it takes longer than any slice. */
static int32_t open_talker(talker *t, jobs *j, const char *path) {
    inlay_options *options;
    int32_t status = inlay_options_new(&options);
    if (status != INLAY_OK) return status;
    inlay_options_set_parallel(options, parallel_for, j);
    inlay_options_set_int(options, INLAY_OPT_THREADS, (int64_t)j->n_workers + 1);
    inlay_options_set_int(options, INLAY_OPT_PACK, INLAY_PACK_OPEN);
    inlay_options_set_float(options, INLAY_OPT_TEMPERATURE, 0.8);
    status = inlay_model_open(path, options, &t->model);
    if (status == INLAY_OK) status = inlay_session_new(t->model, options, &t->session);
    inlay_options_free(options);
    return status;
}

int main(int argc, char **argv) {
    static jobs j;
    talker t = {.stream = 0};
    double seconds = argc == 3 ? atof(argv[2]) : 10;
    if (argc < 2 || argc > 3 || seconds <= 0) return fprintf(stderr, "usage: %s MODEL [SECONDS]\n", argv[0]), 2;
    jobs_start(&j);
    wake(&j, 1);
    int32_t status = open_talker(&t, &j, argv[1]);
    if (status == INLAY_OK) status = play(&j, &t, (size_t)(seconds * 1e6 / FRAME_US) + 1);
    if (status != INLAY_OK) fprintf(stderr, "%s: %s\n", argv[0], inlay_error());
    inlay_session_free(t.session);
    inlay_model_free(t.model);
    jobs_stop(&j);
    return status == INLAY_OK ? 0 : 1;
}
