/* What memory.py looks at: a host that opens a model, fills the context with a prompt and an answer, and nothing else.
 *
 *     memory_client MODEL CONTEXT THREADS CACHE PACK
 *
 * Before, between and after it prints "phase NAME" and its own /proc/self/status and smaps; at the end "tensor TYPE
 * ELEMENTS" for each tensor and facts as "fact NAME NUMBER". */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <inlay.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ANSWER = 64, PIECE = 256 };

/* Without the heap, which is what is looked at. */
static void print(const char *text, size_t size) {
    while (size > 0) {
        ssize_t n = write(1, text, size);
        if (n <= 0) _exit(1);
        text += n;
        size -= (size_t)n;
    }
}

static void print_file(const char *path) {
    char buffer[4096];
    int fd = open(path, O_RDONLY);
    ssize_t n;
    if (fd < 0) return;
    while ((n = read(fd, buffer, sizeof buffer)) > 0) print(buffer, (size_t)n);
    close(fd);
}

static void print_phase(const char *name) {
    char line[64];
    print(line, (size_t)snprintf(line, sizeof line, "phase %s\n", name));
    print_file("/proc/self/status");
    print_file("/proc/self/smaps");
}

static void print_fact(const char *name, int64_t value) {
    char line[96];
    print(line, (size_t)snprintf(line, sizeof line, "fact %s %" PRId64 "\n", name, value));
}

static void check(int32_t status) {
    if (status == INLAY_OK) return;
    fprintf(stderr, "memory_client: %s\n", inlay_error());
    exit(1);
}

static void print_tensors(const inlay_model *model) {
    size_t n;
    check(inlay_model_tensor_count(model, &n));
    for (size_t i = 0; i < n; i++) {
        char line[96];
        int32_t type;
        uint64_t shape[4];
        check(inlay_model_tensor(model, i, NULL, &type, shape));
        print(line, (size_t)snprintf(line, sizeof line, "tensor %s %" PRIu64 "\n", inlay_type_name(type),
                                     shape[0] * shape[1] * shape[2] * shape[3]));
    }
}

/* Reads a prompt and writes an answer until the context is full. */
static void fill(const inlay_model *model, inlay_session *session, int64_t n_context) {
    int64_t n_vocab, n_prompt = n_context > 2 * ANSWER ? n_context - ANSWER : 1;
    int32_t *prompt = malloc((size_t)n_prompt * sizeof *prompt), token;
    char piece[PIECE];
    size_t size;
    check(inlay_model_get_int(model, INLAY_MODEL_N_VOCAB, &n_vocab));
    if (prompt == NULL) exit(1);
    for (int64_t i = 0; i < n_prompt; i++) prompt[i] = (int32_t)((i * 7919 + 17) % n_vocab);
    check(inlay_eval(session, prompt, (size_t)n_prompt));
    print_phase("prompt");
    for (int64_t i = n_prompt; i < n_context; i++) {
        check(inlay_sample(session, &token));
        check(inlay_token_bytes(model, token, piece, sizeof piece, &size));
        check(inlay_eval(session, &token, 1));
    }
    free(prompt);
}

int main(int argc, char **argv) {
    inlay_options *options;
    inlay_model *model;
    inlay_session *session;
    int64_t value;
    if (argc != 6) {
        fprintf(stderr, "usage: memory_client MODEL CONTEXT THREADS CACHE PACK\n");
        return 2;
    }
    print_phase("start");
    check(inlay_options_new(&options));
    check(inlay_options_set_int(options, INLAY_OPT_CONTEXT, atoi(argv[2])));
    check(inlay_options_set_int(options, INLAY_OPT_THREADS, atoi(argv[3])));
    check(inlay_options_set_int(options, INLAY_OPT_CACHE_TYPE, atoi(argv[4])));
    check(inlay_options_set_int(options, INLAY_OPT_PACK, atoi(argv[5])));
    check(inlay_model_open(argv[1], options, &model));
    print_phase("open");
    check(inlay_session_new(model, options, &session));
    inlay_options_free(options);
    fill(model, session, atoi(argv[2]));
    print_phase("full");
    print_tensors(model);
    check(inlay_session_get_int(session, INLAY_SESSION_CACHE_MEMORY, &value));
    print_fact("cache", value);
    check(inlay_session_get_int(session, INLAY_SESSION_MEMORY, &value));
    print_fact("session", value);
    check(inlay_session_get_int(session, INLAY_SESSION_LENGTH, &value));
    print_fact("length", value);
    inlay_session_free(session);
    inlay_model_free(model);
    return 0;
}
