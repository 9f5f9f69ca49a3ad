/* Small complete models of every family, in both containers, damaged in every way that support/damage.h knows: each is
 * opened, given a text and run for a few tokens. It must give an error or finite numbers, in bounded memory and time,
 * and leave nothing behind. Workers are processes of their own: one that dies is reported with what killed it.
 *
 *     hostile_files [--every N] [--start I] [--end I] [--jobs N] [--family NAME]
 *     hostile_files --case I             one case, in this process: for a debugger
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "format/gguf.h"
#include "support/damage.h"
#include "support/family_folder.h"
#include "support/hostile_run.h"

enum { MAX_MODELS = 512, MAX_FILES = 3, MAX_JOBS = 64, CHUNK = 64, SECONDS = 20, MAX_FINDINGS = 20 };

/* ------------------------------------------------------------------ models */

/* A model, in one of the two containers, and which cases are its own. */
typedef struct model {
    size_t family;
    bool gguf;
    size_t first, n; /* cases */
} model;

static model models[MAX_MODELS];
static size_t n_models, n_cases;

/* The files of the model in hand. */
static struct {
    size_t i;
    bool is_open;
    family_folder folder;
    uint8_t *gguf;
    damage_file files[MAX_FILES];
    size_t n_files;
} hand;

static size_t gguf_metadata_size(const uint8_t *data, size_t size) {
    inlay__gguf gguf;
    size_t first = size;
    if (inlay__gguf_parse(&inlay__sys_default, "base", data, size, &gguf) != INLAY_OK) exit(2);
    for (size_t i = 0; i < gguf.n_tensors; i++)
        if ((size_t)(gguf.tensors[i].data - data) < first) first = (size_t)(gguf.tensors[i].data - data);
    inlay__gguf_free(&gguf);
    return first;
}

static void take_model(size_t i) {
    if (hand.is_open && hand.i == i) return;
    if (hand.is_open) family_folder_free(&hand.folder);
    free(hand.gguf);
    hand.gguf = NULL;
    hand.i = i;
    hand.is_open = true;
    hand.folder = family_folder_make(models[i].family);
    const family_folder *f = &hand.folder;
    if (models[i].gguf) {
        size_t size;
        hand.gguf = family_gguf(f, family_tokenizers[models[i].family % FAMILY_TOKENIZERS], &size);
        hand.n_files = 1;
        hand.files[0] = (damage_file){HOSTILE_GGUF, hand.gguf, size, gguf_metadata_size(hand.gguf, size), 0};
        return;
    }
    size_t n_header = (size_t)inlay__load_u64(f->weights);
    hand.n_files = 3;
    hand.files[0] = (damage_file){"config.json", (const uint8_t *)f->config, f->config_size, 0, f->config_size};
    hand.files[1] =
        (damage_file){"tokenizer.json", (const uint8_t *)f->tokenizer, f->tokenizer_size, 0, f->tokenizer_size};
    hand.files[2] = (damage_file){"model.safetensors", f->weights, f->weights_size, 8, n_header};
}

/* The first model of each kind, and all where `family` names one. */
static void list_models(const char *family) {
    char before[32] = "";
    for (size_t i = 0; i < family_count(); i++) {
        const char *name = family_name(i);
        size_t word = strcspn(name, " ");
        bool same = strncmp(before, name, word) == 0 && before[word] == '\0';
        snprintf(before, sizeof before, "%.*s", (int)word, name);
        if (family != NULL ? strstr(name, family) == NULL : same) continue;
        for (int gguf = 0; gguf < 2; gguf++) {
            model *m = &models[n_models];
            *m = (model){.family = i, .gguf = gguf != 0, .first = n_cases};
            take_model(n_models++);
            for (size_t k = 0; k < hand.n_files; k++) m->n += damage_count(&hand.files[k]);
            n_cases += m->n;
        }
    }
}

/* The model and the file of a case, which becomes the number of a way to damage that. */
static const damage_file *find_case(size_t *i) {
    size_t m = 0, k = 0;
    while (*i >= models[m].first + models[m].n) m++;
    take_model(m);
    for (*i -= models[m].first; *i >= damage_count(&hand.files[k]); k++) *i -= damage_count(&hand.files[k]);
    return &hand.files[k];
}

static void describe(size_t i, char *text, size_t capacity) {
    const damage_file *file = find_case(&i);
    snprintf(text, capacity, "'%s', ", family_name(models[hand.i].family));
    damage_describe(file, i, text + strlen(text), capacity - strlen(text));
}

/* ------------------------------------------------------------------ one case */

static hostile_verdict run_case(size_t i) {
    const damage_file *file = find_case(&i);
    hostile_file files[MAX_FILES];
    uint8_t *bytes = hostile_room(file->size + DAMAGE_ROOM);
    size_t size = damage_apply(file, i, bytes);
    bytes = hostile_to_the_end(bytes, size);
    for (size_t k = 0; k < hand.n_files; k++) {
        const damage_file *other = &hand.files[k];
        files[k] = other == file ? (hostile_file){file->name, bytes, size}
                                 : (hostile_file){other->name, other->data, other->size};
    }
    return hostile_run(files, hand.n_files);
}

/* ------------------------------------------------------------------ many cases */

/* What workers and their parent share. */
typedef struct shared {
    atomic_size_t next, n_done, n_opened, n_broken;
    struct {
        atomic_size_t at, end; /* the case that runs, and where the worker's chunk ends */
    } workers[MAX_JOBS];
} shared;

static shared *all;
static size_t every = 1, end_of_run;

static void arm_clock(void) {
    struct itimerval limit = {.it_value = {.tv_sec = SECONDS}};
    setitimer(ITIMER_PROF, &limit, NULL); /* of its own CPU time: nothing catches the signal */
}

static void work(size_t w) {
    size_t at = atomic_load(&all->workers[w].at), end = atomic_load(&all->workers[w].end);
    for (;;) {
        for (; at < end && at < end_of_run; at += every) {
            atomic_store(&all->workers[w].at, at);
            if (atomic_load(&all->n_done) % 64 == w % 64) arm_clock();
            hostile_verdict verdict = run_case(at);
            atomic_fetch_add(&all->n_done, 1);
            if (verdict.status == INLAY_OK) atomic_fetch_add(&all->n_opened, 1);
            if (verdict.broken == NULL) continue;
            char text[256];
            describe(at, text, sizeof text);
            fprintf(stderr, "case %zu, %s: %s\n", at, text, verdict.broken);
            if (atomic_fetch_add(&all->n_broken, 1) > MAX_FINDINGS) _exit(1);
        }
        arm_clock();
        at = atomic_fetch_add(&all->next, CHUNK * every);
        end = at + CHUNK * every;
        atomic_store(&all->workers[w].end, end);
        if (at >= end_of_run) _exit(0);
    }
}

static pid_t start(size_t w) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) work(w);
    if (pid < 0) exit(2);
    return pid;
}

/* What killed a worker, and on with its next case. */
static void report_death(size_t w, int status) {
    char text[256];
    size_t at = atomic_load(&all->workers[w].at);
    describe(at, text, sizeof text);
    fprintf(stderr, "case %zu, %s: %s\n", at, text,
            !WIFSIGNALED(status)            ? "the process ended"
            : WTERMSIG(status) == SIGPROF ? "it takes too long"
                                          : strsignal(WTERMSIG(status)));
    atomic_fetch_add(&all->n_broken, 1);
    atomic_store(&all->workers[w].at, at + every);
}

static void run_all(size_t n_jobs) {
    pid_t pids[MAX_JOBS];
    size_t n_running = n_jobs;
    time_t told = time(NULL);
    for (size_t w = 0; w < n_jobs; w++) pids[w] = start(w);
    while (n_running > 0) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid == 0) nanosleep(&(struct timespec){0, 20000000}, NULL);
        for (size_t w = 0; pid > 0 && w < n_jobs; w++) {
            if (pids[w] != pid) continue;
            bool ended = WIFEXITED(status) && WEXITSTATUS(status) <= 1;
            if (!ended) report_death(w, status);
            bool on = !ended && atomic_load(&all->n_broken) <= MAX_FINDINGS;
            if (on) pids[w] = start(w);
            else n_running--;
        }
        if (time(NULL) - told < 30) continue;
        told = time(NULL);
        fprintf(stderr, "%zu done, next is case %zu of %zu\n", atomic_load(&all->n_done), atomic_load(&all->next),
                end_of_run);
    }
}

static size_t number_of(const char *text) { return text != NULL ? (size_t)strtoull(text, NULL, 10) : 0; }

int main(int argc, char **argv) {
    size_t begin = 0, end = SIZE_MAX, n_jobs = 1, one = SIZE_MAX;
    const char *family = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--every") == 0) every = number_of(argv[i + 1]);
        else if (strcmp(argv[i], "--start") == 0) begin = number_of(argv[i + 1]);
        else if (strcmp(argv[i], "--end") == 0) end = number_of(argv[i + 1]);
        else if (strcmp(argv[i], "--jobs") == 0) n_jobs = number_of(argv[i + 1]);
        else if (strcmp(argv[i], "--case") == 0) one = number_of(argv[i + 1]);
        else if (strcmp(argv[i], "--family") == 0) family = argv[i + 1];
        else return fprintf(stderr, "no option is called %s\n", argv[i]), 2;
    }
    if (every == 0 || n_jobs == 0 || n_jobs > MAX_JOBS) return fprintf(stderr, "a number is out of range\n"), 2;
    list_models(family);
    end_of_run = end < n_cases ? end : n_cases;
    if (one != SIZE_MAX) {
        char text[256];
        if (one >= n_cases) return fprintf(stderr, "there are %zu cases\n", n_cases), 2;
        describe(one, text, sizeof text);
        hostile_verdict verdict = run_case(one);
        printf("case %zu, %s: %s, %s\n", one, text, verdict.status == INLAY_OK ? "a model" : inlay_error(),
               verdict.broken != NULL ? verdict.broken : "fine");
        return verdict.broken != NULL;
    }
    all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) return 2;
    atomic_store(&all->next, begin);
    run_all(n_jobs);
    printf("hostile files: %zu of %zu cases, %zu opened, %zu broke a promise\n", atomic_load(&all->n_done), n_cases,
           atomic_load(&all->n_opened), atomic_load(&all->n_broken));
    return atomic_load(&all->n_broken) > 0;
}
