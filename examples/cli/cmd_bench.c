/* inlay bench: how fast a model opens, reads and writes here. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    {"prompt", 'p', "N", ARG_PROMPT_TOKENS, 0, "tokens of the prompt (default: 256)"},
    {"tokens", 'n', "N", ARG_TOKENS, 0, "tokens to generate (default: 64)"},
    {"repeat", 'r', "R", ARG_REPEAT, 0, "measure R times and tell the median (default: 3)"},
    CLI_OPTION_THREADS,
    CLI_OPTION_CPU,
    {"batch", 'b', "N", ARG_BATCH, INLAY_OPT_BATCH, "prompt tokens evaluated together"},
    {"json", 'j', NULL, ARG_JSON, 0, "print one JSON object"},
    CLI_OPTION_END,
};

enum { MAX_REPEAT = 1000 };

typedef struct bench {
    inlay_model *model;
    inlay_session *session;
    int64_t n_prompt, n_generate, n_repeat, n_vocab;
    double open_seconds;                 /* from the call that opens to the first evaluated token */
    double prompt_seconds[MAX_REPEAT];   /* [n_repeat] */
    double generate_seconds[MAX_REPEAT]; /* [n_repeat] */
    int64_t peak_anonymous;              /* bytes, -1 where the system does not tell */
} bench;

/* The memory that is this process's own, not pages of the model's file: RssAnon of Linux. It is looked
 * at after each phase and the greatest value told. */
static void sample_memory(bench *b) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];

    if (file == NULL) return;
    while (fgets(line, sizeof line, file) != NULL) {
        size_t begin = sizeof "RssAnon:" - 1;
        int64_t kilobytes;

        if (strncmp(line, "RssAnon:", begin) != 0) continue;
        begin += strspn(line + begin, " \t");
        if (cli_parse_int(line + begin, strcspn(line + begin, " \n"), &kilobytes) &&
            kilobytes * 1024 > b->peak_anonymous)
            b->peak_anonymous = kilobytes * 1024;
    }
    fclose(file);
}

/* Ids spread over the vocabulary; the same ones every time. */
static int32_t prompt_token(const bench *b, int64_t i) { return (int32_t)((i * 7919 + 17) % b->n_vocab); }

static int open_all(const cli_args *args, bench *b) {
    double begin = cli_seconds();
    int32_t status = inlay_options_set_int(args->library, INLAY_OPT_CONTEXT, b->n_prompt + b->n_generate);
    int32_t token;
    int code;

    if (status != INLAY_OK) return cli_library_error(status);
    code = cli_open_model(args, &b->model);
    if (code == CLI_OK) code = cli_open_session(args, b->model, &b->session);
    if (code != CLI_OK) return code;
    status = inlay_model_get_int(b->model, INLAY_MODEL_N_VOCAB, &b->n_vocab);
    token = status == INLAY_OK ? prompt_token(b, 0) : 0;
    if (status == INLAY_OK) status = inlay_eval(b->session, &token, 1);
    b->open_seconds = cli_seconds() - begin;
    return status == INLAY_OK ? CLI_OK : cli_library_error(status);
}

/* One reading of the prompt and one answer. End tokens do not end it. */
static int measure(bench *b, const int32_t *prompt, int64_t round) {
    double begin, middle;
    int32_t status = inlay_session_truncate(b->session, 0);

    if (status != INLAY_OK) return cli_library_error(status);
    cli_progress_begin("reading the prompt");
    begin = cli_seconds();
    status = inlay_eval(b->session, prompt, (size_t)b->n_prompt);
    middle = cli_seconds();
    cli_progress_begin(NULL);
    for (int64_t i = 0; status == INLAY_OK && i < b->n_generate; i++) {
        int32_t token;

        status = cli_interrupted() ? INLAY_ERR_CANCELLED : inlay_sample(b->session, &token);
        if (status == INLAY_OK) status = inlay_eval(b->session, &token, 1);
    }
    b->prompt_seconds[round] = middle - begin;
    b->generate_seconds[round] = cli_seconds() - middle;
    return status == INLAY_OK ? CLI_OK : cli_library_error(status);
}

static int measure_all(bench *b) {
    int32_t *prompt = malloc((size_t)b->n_prompt * sizeof *prompt);
    int code = CLI_OK;

    if (prompt == NULL) return cli_error("there is not enough memory for %lld tokens", (long long)b->n_prompt);
    for (int64_t i = 0; i < b->n_prompt; i++)
        prompt[i] = prompt_token(b, i);
    for (int64_t i = 0; code == CLI_OK && i < b->n_repeat; i++) {
        code = measure(b, prompt, i);
        sample_memory(b);
    }
    free(prompt);
    return code;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Tokens a second by the median time. */
static double speed(double *seconds, int64_t n, int64_t n_tokens) {
    double median;

    qsort(seconds, (size_t)n, sizeof *seconds, compare);
    median = n % 2 != 0 ? seconds[n / 2] : (seconds[n / 2 - 1] + seconds[n / 2]) / 2;
    return median > 0 ? (double)n_tokens / median : 0.0;
}

static int report(const cli_args *args, bench *b) {
    double prompt = speed(b->prompt_seconds, b->n_repeat, b->n_prompt);
    double generation = speed(b->generate_seconds, b->n_repeat, b->n_generate);
    int64_t threads = 0;
    const char *cpu = "";
    size_t size = 0;
    int32_t status = inlay_session_get_int(b->session, INLAY_SESSION_THREADS, &threads);

    if (status == INLAY_OK) status = inlay_model_get_string(b->model, INLAY_MODEL_CPU, &cpu, &size);
    if (status != INLAY_OK) return cli_library_error(status);
    if (args->value[ARG_JSON] == NULL) {
        printf("model     %s\ncpu       %.*s, %lld threads\n", args->model, (int)size, cpu, (long long)threads);
        printf("open      %.3f s to the first evaluated token\n", b->open_seconds);
        printf("prompt    %.1f tok/s (%lld tokens)\n", prompt, (long long)b->n_prompt);
        printf("generate  %.1f tok/s (%lld tokens)\n", generation, (long long)b->n_generate);
        if (b->peak_anonymous >= 0) printf("memory    %.1f MiB anonymous\n", (double)b->peak_anonymous / 1048576.0);
        return CLI_OK;
    }
    fputs("{\"prompt_tokens_per_second\": ", stdout);
    json_number(stdout, prompt);
    fputs(", \"generate_tokens_per_second\": ", stdout);
    json_number(stdout, generation);
    fputs(", \"open_seconds\": ", stdout);
    json_number(stdout, b->open_seconds);
    fputs(", \"peak_anonymous_bytes\": ", stdout);
    if (b->peak_anonymous >= 0)
        printf("%lld", (long long)b->peak_anonymous);
    else
        fputs("null", stdout);
    printf(", \"threads\": %lld, \"cpu\": ", (long long)threads);
    json_string(stdout, cpu, size);
    fputs(", \"model\": ", stdout);
    json_string(stdout, args->model, strlen(args->model));
    fputs("}\n", stdout);
    return CLI_OK;
}

static int run(const cli_args *args) {
    static bench b; /* large; one a process */
    int code = cli_args_int(args, ARG_PROMPT_TOKENS, 1, 1 << 20, 256, &b.n_prompt);

    if (code == CLI_OK) code = cli_args_int(args, ARG_TOKENS, 1, 1 << 20, 64, &b.n_generate);
    if (code == CLI_OK) code = cli_args_int(args, ARG_REPEAT, 1, MAX_REPEAT, 3, &b.n_repeat);
    if (code != CLI_OK) return code;

    b.peak_anonymous = -1;
    code = open_all(args, &b);
    sample_memory(&b);
    if (code == CLI_OK) code = measure_all(&b);
    if (code == CLI_OK) code = report(args, &b);
    cli_close(b.model, b.session);
    return code;
}

const cli_command cli_bench = {
    "bench",
    "MODEL [options]",
    "measures how fast a model is on this machine",
    "open_seconds runs from opening the file to the first evaluated token. The context is as long\n"
    "as prompt and answer together. peak_anonymous_bytes is the greatest RssAnon of\n"
    "/proc/self/status seen after opening and after each repetition; null where there is none.\n",
    options,
    run,
};
