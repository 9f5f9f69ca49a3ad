/* A model's file changes while the model is open: cut to nothing, overwritten, taken away, replaced. A copied file
 * makes no difference then; of a mapped one every call that would read it says so, in place of being killed. */
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/family_folder.h"
#include "support/temp_file.h"
#include "support/tiny_open.h"

enum { N_TOKENS = 6, STATE_ROOM = 1 << 20 };

static const int32_t tokens[N_TOKENS] = {5, 9, 17, 33, 65, 70};

/* ------------------------------------------------------------------ what happens to a file */

static void cut(const char *path) { CHECK_INT(truncate(path, 0), 0); }

static void overwrite(const char *path) {
    struct stat st;
    static const uint8_t ones[4096] = {[0] = 0xff, [1] = 0xff, [4095] = 0xff};
    int fd = open(path, O_WRONLY);
    CHECK(fd >= 0 && fstat(fd, &st) == 0);
    for (off_t at = 0; at < st.st_size; at += (off_t)sizeof ones)
        CHECK(pwrite(fd, ones, st.st_size - at < 4096 ? (size_t)(st.st_size - at) : 4096, at) > 0);
    close(fd);
    /* a file system's clock may be coarse: the change is later than the opening in any case */
    CHECK_INT(utimensat(AT_FDCWD, path, (const struct timespec[]){{2000000000, 0}, {2000000000, 0}}, 0), 0);
}

static void append(const char *path) {
    FILE *file = fopen(path, "ab");
    CHECK(file != NULL && fputs("more", file) >= 0 && fclose(file) == 0);
}

static void take_away(const char *path) { CHECK_INT(unlink(path), 0); }

static void replace(const char *path) { CHECK_INT(rename(temp_file("other", "nothing", 7), path), 0); }

/* Whether a mapped model may go on: its own file is as it was, though no longer under this name. */
static const struct {
    const char *name;
    void (*happen)(const char *path);
    bool may_go_on;
} events[] = {{"cut", cut, false},
              {"overwritten", overwrite, false},
              {"longer", append, false},
              {"taken away", take_away, true},
              {"replaced", replace, true}};

/* ------------------------------------------------------------------ what is called afterwards */

typedef struct opened {
    inlay_model *model;
    inlay_session *s;
    int64_t can;
    uint8_t *state; /* [n_state] saved before */
    size_t n_state;
} opened;

static int32_t call_eval(const opened *o) { return inlay_eval(o->s, tokens, N_TOKENS); }
static int32_t call_batch(const opened *o) {
    return inlay_eval_batch(o->s, (const int32_t[]){0}, tokens, (const size_t[]){0, N_TOKENS}, 1);
}
static int32_t call_all(const opened *o) {
    static float rows[N_TOKENS * 512];
    return inlay_eval_all(o->s, tokens, N_TOKENS, rows, N_TOKENS * 512);
}
static int32_t call_slices(const opened *o) {
    int32_t status = inlay_eval_begin(o->s, tokens, N_TOKENS);
    if (status == INLAY_OK) do status = inlay_eval_step(o->s, 1000000); while (status == INLAY_AGAIN);
    return status;
}
static int32_t call_score(const opened *o) {
    float logs[N_TOKENS];
    return inlay_score(o->s, tokens, N_TOKENS, logs);
}
static int32_t call_search(const opened *o) {
    int32_t answer[4];
    size_t n;
    return inlay_beam_search(o->s, 2, 4, 1.0, answer, 4, &n, NULL);
}
static int32_t call_speculate(const opened *o) {
    inlay_speculator *speculator;
    int32_t made[4], status;
    int64_t n_vocab = 0;
    size_t n;
    inlay_model_get_int(o->model, INLAY_MODEL_N_VOCAB, &n_vocab);
    if (inlay_speculator_new((size_t)n_vocab, 2, 64, NULL, &speculator) != INLAY_OK) exit(2);
    status = inlay_speculate(speculator, o->s, NULL, NULL, made, 4, &n);
    inlay_speculator_free(speculator);
    return status;
}
static int32_t call_save(const opened *o) {
    size_t n;
    return inlay_sequence_save(o->s, 0, o->state, STATE_ROOM, &n);
}
static int32_t call_load(const opened *o) { return inlay_sequence_load(o->s, 0, o->state, o->n_state); }
static int32_t call_encode(const opened *o) { return inlay_encode(o->s, tokens, N_TOKENS); }
static int32_t call_mask(const opened *o) { return inlay_logits_at(o->s, 2, NULL, NULL); }
static int32_t call_embed(const opened *o) {
    static float vector[512];
    return inlay_embeddings(o->s, tokens, (const size_t[]){0, N_TOKENS}, 1, vector, 512, NULL);
}
static int32_t call_classify(const opened *o) {
    float scores[64];
    size_t n;
    return inlay_scores(o->s, tokens, NULL, (const size_t[]){0, N_TOKENS}, 1, scores, 64, &n);
}

/* These read nothing of the file. */
static int32_t call_tokenize(const opened *o) {
    int32_t ids[64];
    size_t n;
    return inlay_tokenize(o->model, "some text", INLAY_ALL, 0, ids, 64, &n);
}
static int32_t call_session(const opened *o) {
    inlay_session *s;
    int32_t status = inlay_session_new(o->model, NULL, &s);
    if (status == INLAY_OK) inlay_session_free(s);
    return status;
}
static int32_t call_drop(const opened *o) { return inlay_session_drop(o->s, 1, 2); }
static int32_t call_tensors(const opened *o) {
    size_t n = 0;
    const char *name;
    int32_t status = inlay_model_tensor_count(o->model, &n);
    for (size_t i = 0; i < n && status == INLAY_OK; i++) status = inlay_model_tensor(o->model, i, &name, NULL, NULL);
    return status;
}

static const struct {
    const char *name;
    int32_t (*call)(const opened *o);
    int64_t needs; /* INLAY_CAN_ */
    bool reads;
} calls[] = {{"inlay_eval", call_eval, INLAY_CAN_GENERATE, true},
             {"inlay_eval_batch", call_batch, INLAY_CAN_GENERATE, true},
             {"inlay_eval_all", call_all, INLAY_CAN_GENERATE, true},
             {"inlay_eval_step", call_slices, INLAY_CAN_GENERATE, true},
             {"inlay_score", call_score, INLAY_CAN_GENERATE, true},
             {"inlay_beam_search", call_search, INLAY_CAN_GENERATE, true},
             {"inlay_speculate", call_speculate, INLAY_CAN_GENERATE, true},
             {"inlay_sequence_save", call_save, INLAY_CAN_GENERATE, true},
             {"inlay_sequence_load", call_load, INLAY_CAN_GENERATE, true},
             {"inlay_encode", call_encode, INLAY_CAN_ENCODE, true},
             {"inlay_logits_at", call_mask, INLAY_CAN_FILL_MASK, true},
             {"inlay_embeddings", call_embed, INLAY_CAN_EMBED, true},
             {"inlay_scores", call_classify, INLAY_CAN_CLASSIFY, true},
             {"inlay_tokenize", call_tokenize, 0, false},
             {"inlay_session_new", call_session, 0, false},
             {"inlay_session_drop", call_drop, INLAY_CAN_SHIFT, false},
             {"inlay_model_tensor", call_tensors, 0, false}};

/* ------------------------------------------------------------------ trying it */

static opened open_file(const char *path, int load) {
    opened o = {.model = NULL};
    inlay_options *options = tiny_options(INLAY_OPT_LOAD, load, INLAY_OPT_PACK, INLAY_PACK_NEVER, INLAY_OPT_CONTEXT, 64,
                                          INLAY_OPT_BATCH, 64, INLAY_OPT_THREADS, 1, 0);
    if (inlay_model_open(path, options, &o.model) != INLAY_OK) exit(3);
    inlay_model_get_int(o.model, INLAY_MODEL_CAPABILITIES, &o.can);
    if ((o.can & INLAY_CAN_GENERATE) != 0) inlay_options_set_int(options, INLAY_OPT_SEQUENCES, 3);
    if (inlay_session_new(o.model, options, &o.s) != INLAY_OK) exit(3);
    if ((o.can & INLAY_CAN_ENCODE) != 0 && inlay_encode(o.s, tokens, N_TOKENS) != INLAY_OK) exit(3);
    if ((o.can & INLAY_CAN_GENERATE) != 0) {
        o.state = malloc(STATE_ROOM);
        if (inlay_eval(o.s, tokens, N_TOKENS) != INLAY_OK) exit(3);
        if (inlay_sequence_save(o.s, 0, o.state, STATE_ROOM, &o.n_state) != INLAY_OK) exit(3);
    }
    inlay_options_free(options);
    return o;
}

/* The status of one call after one event, in a process of its own, as a signal would end it; 128 and more: a signal. */
static int status_after(const char *path, int load, size_t event, size_t call) {
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        opened o = open_file(path, load);
        events[event].happen(path);
        _exit((o.can & calls[call].needs) != calls[call].needs ? 100 : -calls[call].call(&o));
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) exit(2);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void try_all(const uint8_t *data, size_t size, int load, const char *what) {
    for (size_t e = 0; e < sizeof events / sizeof *events; e++)
        for (size_t c = 0; c < sizeof calls / sizeof *calls; c++) {
            const char *path = temp_file("changing", data, size);
            int status = status_after(path, load, e, c);
            bool goes_on = load == INLAY_LOAD_COPY || events[e].may_go_on || !calls[c].reads;
            bool good = status == 100 || status == (goes_on ? 0 : -INLAY_ERR_CHANGED);
            if (!CHECK(good)) fprintf(stderr, "%s, %s, %s: %d\n", what, events[e].name, calls[c].name, status);
        }
}

static void try_families(int load) {
    static const char *const names[] = {"llama tied",  "mamba",  "rwkv",     "bert untied",
                                        "bert labels", "t5 512", "lfm2 bias"};
    for (size_t i = 0; i < family_count(); i++)
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            if (strcmp(family_name(i), names[k]) != 0) continue;
            size_t size;
            family_folder folder = family_folder_make(i);
            uint8_t *data = family_gguf(&folder, "gpt2", &size);
            try_all(data, size, load, names[k]);
            free(data);
            family_folder_free(&folder);
        }
}

TEST(a_copied_file_may_change_as_it_likes) { try_families(INLAY_LOAD_COPY); }
TEST(a_mapped_file_that_changed_is_an_error_of_each_call_that_reads_it) { try_families(INLAY_LOAD_MAP); }

/* A packed file is run from the map itself. */
TEST(a_packed_file_that_changed_is_an_error_too) {
    tiny_params p = tiny_defaults();
    size_t size, packed_size;
    uint8_t *data = tiny_model(&p, &size), *packed = malloc(4 << 20);
    CHECK_INT(inlay_pack_file(temp_file("plain", data, size), temp_path("packed"), NULL), INLAY_OK);
    FILE *file = fopen(temp_path("packed"), "rb");
    if (file == NULL || packed == NULL) exit(2);
    packed_size = fread(packed, 1, 4 << 20, file);
    fclose(file);
    try_all(packed, packed_size, INLAY_LOAD_MAP, "packed");
    free(packed);
    free(data);
}

/* While a copied model runs, another process does what it likes to the file. */
TEST(a_copied_file_may_be_cut_at_any_moment) {
    tiny_params p = tiny_defaults();
    size_t size;
    uint8_t *data = tiny_model(&p, &size);
    for (int i = 0; i < 40; i++) {
        const char *path = temp_file("cut", data, size);
        inlay_options *o = tiny_options(INLAY_OPT_LOAD, INLAY_LOAD_COPY, INLAY_OPT_THREADS, 1, 0);
        inlay_model *m = NULL;
        pid_t pid = fork();
        if (pid == 0) {
            for (volatile int k = 0; k < i * 2000; k++) continue; /* any moment */
            _exit(truncate(path, (off_t)(size / 3)) != 0);
        }
        int32_t status = inlay_model_open(path, o, &m); /* the whole file, or what tells that it was not */
        CHECK(status == INLAY_OK || status == INLAY_ERR_IO || status == INLAY_ERR_FORMAT);
        if (status == INLAY_OK) {
            inlay_session *s = tiny_session(m, INLAY_OPT_THREADS, 1, 0);
            CHECK_INT(inlay_eval(s, tokens, N_TOKENS), INLAY_OK);
            inlay_session_free(s);
        }
        int ended = 0;
        CHECK(waitpid(pid, &ended, 0) == pid && WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
        inlay_model_free(m);
        inlay_options_free(o);
    }
    free(data);
}

TEST_MAIN(CASE(a_copied_file_may_change_as_it_likes),
          CASE(a_mapped_file_that_changed_is_an_error_of_each_call_that_reads_it),
          CASE(a_packed_file_that_changed_is_an_error_too), CASE(a_copied_file_may_be_cut_at_any_moment))
