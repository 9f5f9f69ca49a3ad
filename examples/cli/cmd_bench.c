/* inlay bench: how fast a model opens, reads and writes here. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    {"prompt", 'p', "N,...", ARG_PROMPT_TOKENS, 0, "tokens of the prompt, several sizes (default: 256,32,1024)"},
    {"tokens", 'n', "N", ARG_TOKENS, 0, "tokens to generate after each (default: 64)"},
    {"repeat", 'r', "R", ARG_REPEAT, 0, "measure R times and tell the median (default: 3)"},
    CLI_OPTION_THREADS,
    CLI_OPTION_CPU,
    CLI_OPTION_LOW_MEMORY,
    CLI_OPTION_QUANTIZE,
    {"batch", 'b', "N", ARG_BATCH, INLAY_OPT_BATCH, "prompt tokens evaluated together"},
    {"json", 'j', NULL, ARG_JSON, 0, "print one JSON object"},
    CLI_OPTION_END,
};

/* A token that is written takes about as long as so many that are read. */
enum { GENERATE_WEIGHT = 8 };

enum { MAX_REPEAT = 1000, MAX_SIZES = 16, MAX_TOKENS = 1 << 20 };

/* A prompt of one size and the answer after it. */
typedef struct bench_size {
    int64_t n_prompt;
    double prompt_seconds[MAX_REPEAT];   /* [n_repeat] */
    double generate_seconds[MAX_REPEAT]; /* [n_repeat] */
    double prompt_speed, generate_speed; /* tokens a second, by the median */
} bench_size;

typedef struct bench {
    inlay_model *model;
    inlay_session *session;
    bench_size sizes[MAX_SIZES]; /* [n_sizes] */
    size_t n_sizes;
    int64_t n_longest, n_generate, n_repeat, n_vocab, n_threads;
    double open_seconds;    /* from the call that opens to the first evaluated token */
    int64_t peak_resident;  /* bytes, -1 where the system does not tell */
    int64_t peak_anonymous; /* the same of memory that is no file's */
    int64_t cache_bytes;    /* of keys and values, all of the context */
    int64_t token_bytes;    /* weights read for a token */
    double n_products;      /* multiplications for a token of a prompt */
    cli_machine machine;
    uint64_t work, work_done; /* tokens to evaluate in all, those written weighted */
} bench;

/* A line of /proc/self/status that tells kilobytes: raises *peak to it. */
static void read_peak(const char *line, const char *name, int64_t *peak) {
    size_t begin = strlen(name);
    int64_t kilobytes;

    if (strncmp(line, name, begin) != 0) return;
    begin += strspn(line + begin, " \t");
    if (cli_parse_int(line + begin, strcspn(line + begin, " \n"), &kilobytes) && kilobytes * 1024 > *peak)
        *peak = kilobytes * 1024;
}

/* VmHWM, the most that was ever resident, and RssAnon, which is this process's own and no pages of the model's file.
 * The second is looked at after each phase and the greatest value told. */
static void sample_memory(bench *b) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];

    if (file == NULL) return;
    while (fgets(line, sizeof line, file) != NULL) {
        read_peak(line, "VmHWM:", &b->peak_resident);
        read_peak(line, "RssAnon:", &b->peak_anonymous);
    }
    fclose(file);
}

/* Ids spread over the vocabulary; the same ones every time. */
static int32_t prompt_token(const bench *b, int64_t i) { return (int32_t)((i * 7919 + 17) % b->n_vocab); }

/* One bar for all that is measured. */
static int32_t show_progress(void *user, uint64_t done, uint64_t total) {
    const bench *b = user;

    (void)total;
    return cli_progress(NULL, b->work_done + done, b->work);
}

static int open_all(const cli_args *args, bench *b) {
    double begin = cli_seconds();
    int32_t status = inlay_options_set_int(args->library, INLAY_OPT_CONTEXT, b->n_longest + b->n_generate);
    int32_t token;
    int code;

    if (status != INLAY_OK) return cli_library_error(status);
    code = cli_open_model(args, &b->model);
    if (code == CLI_OK && (status = inlay_options_set_progress(args->library, show_progress, b)) != INLAY_OK)
        return cli_library_error(status);
    if (code == CLI_OK) code = cli_needs(args, b->model, INLAY_CAN_GENERATE);
    if (code == CLI_OK) code = cli_open_session(args, b->model, &b->session);
    if (code != CLI_OK) return code;
    status = inlay_model_get_int(b->model, INLAY_MODEL_N_VOCAB, &b->n_vocab);
    token = status == INLAY_OK ? prompt_token(b, 0) : 0;
    if (status == INLAY_OK) status = inlay_eval(b->session, &token, 1);
    b->open_seconds = cli_seconds() - begin;
    return status == INLAY_OK ? CLI_OK : cli_library_error(status);
}

/* One reading of the prompt and one answer. End tokens do not end it. */
static int measure(bench *b, bench_size *size, const int32_t *prompt, int64_t round) {
    double begin, middle;
    int32_t status = inlay_session_truncate(b->session, 0);

    if (status != INLAY_OK) return cli_library_error(status);
    begin = cli_seconds();
    status = inlay_eval(b->session, prompt, (size_t)size->n_prompt);
    middle = cli_seconds();
    b->work_done += (uint64_t)size->n_prompt;
    for (int64_t i = 0; status == INLAY_OK && i < b->n_generate; i++) {
        int32_t token;

        status = cli_interrupted() ? INLAY_ERR_CANCELLED : inlay_sample(b->session, &token);
        if (status == INLAY_OK) status = inlay_eval(b->session, &token, 1);
        b->work_done += GENERATE_WEIGHT;
    }
    size->prompt_seconds[round] = middle - begin;
    size->generate_seconds[round] = cli_seconds() - middle;
    return status == INLAY_OK ? CLI_OK : cli_library_error(status);
}

/* All sizes in turn, and that n_repeat times: what else the machine does meets them alike. The first of all is not
 * counted: in it weights are packed and memory is touched that later ones find there. */
static int measure_all(bench *b) {
    int32_t *prompt = malloc((size_t)b->n_longest * sizeof *prompt);
    int code = CLI_OK;

    if (prompt == NULL) return cli_error("there is not enough memory for %lld tokens", (long long)b->n_longest);
    for (int64_t i = 0; i < b->n_longest; i++)
        prompt[i] = prompt_token(b, i);
    b->work = (uint64_t)(b->sizes[0].n_prompt + GENERATE_WEIGHT * b->n_generate);
    for (size_t i = 0; i < b->n_sizes; i++)
        b->work += (uint64_t)(b->n_repeat * (b->sizes[i].n_prompt + GENERATE_WEIGHT * b->n_generate));
    cli_progress_begin("measuring");
    code = measure(b, &b->sizes[0], prompt, 0);
    for (int64_t round = 0; code == CLI_OK && round < b->n_repeat; round++)
        for (size_t i = 0; code == CLI_OK && i < b->n_sizes; i++) {
            code = measure(b, &b->sizes[i], prompt, round);
            sample_memory(b);
        }
    cli_progress_begin(NULL);
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

/* What a token costs: its bytes of weights, and its products, which are the elements of all matrices but the
 * embedding and the head, as a prompt wants the logits of its last position alone. */
static int32_t count_work(bench *b) {
    size_t n_tensors = 0;
    int32_t status = inlay_model_get_int(b->model, INLAY_MODEL_TOKEN_BYTES, &b->token_bytes);

    if (status == INLAY_OK) status = inlay_model_tensor_count(b->model, &n_tensors);
    for (size_t i = 0; status == INLAY_OK && i < n_tensors; i++) {
        const char *name = "";
        uint64_t shape[4] = {0, 0, 0, 0};

        status = inlay_model_tensor(b->model, i, &name, NULL, shape);
        if (strcmp(name, "token_embd.weight") != 0 && strcmp(name, "output.weight") != 0 && shape[1] > 1)
            b->n_products += (double)shape[0] * (double)shape[1] * (double)shape[2] * (double)shape[3];
    }
    return status;
}

/* The share of a limit, 0 to 1; 0 when the limit is not known. */
static double share(double reached, double limit) { return limit > 0 ? reached / limit : 0.0; }

static double products_share(const bench *b, const bench_size *size) {
    return share(size->prompt_speed * b->n_products, b->machine.products);
}

static double bytes_share(const bench *b, const bench_size *size) {
    return share(size->generate_speed * (double)b->token_bytes, b->machine.read_bytes);
}

static void report_text(const cli_args *args, const bench *b, const char *cpu, size_t cpu_size) {
    printf("model     %s\ncpu       %.*s, %lld threads\n", args->model, (int)cpu_size, cpu, (long long)b->n_threads);
    printf("open      %.3f s to the first evaluated token\n", b->open_seconds);
    if (b->peak_resident >= 0 && b->peak_anonymous >= 0)
        printf("memory    %.1f MB at most, %.1f MB of it the process's own; keys and values %.1f MB\n",
               (double)b->peak_resident * 1e-6, (double)b->peak_anonymous * 1e-6, (double)b->cache_bytes * 1e-6);
    printf("machine   reads %.1f GB/s, multiplies %.0f G int8/s; a token reads %.1f MB\n\n",
           b->machine.read_bytes * 1e-9, b->machine.products * 1e-9, (double)b->token_bytes * 1e-6);
    printf("%8s %14s %10s %16s %10s\n", "prompt", "prompt tok/s", "of int8", "generate tok/s", "of reads");
    for (size_t i = 0; i < b->n_sizes; i++)
        printf("%8lld %14.1f %9.0f%% %16.1f %9.0f%%\n", (long long)b->sizes[i].n_prompt, b->sizes[i].prompt_speed,
               100 * products_share(b, &b->sizes[i]), b->sizes[i].generate_speed, 100 * bytes_share(b, &b->sizes[i]));
}

static void json_field(const char *name, double value) {
    printf(", \"%s\": ", name);
    json_number(stdout, value);
}

/* null where it is not known. */
static void json_bytes(const char *name, int64_t value) {
    printf(", \"%s\": ", name);
    if (value >= 0)
        printf("%lld", (long long)value);
    else
        fputs("null", stdout);
}

static void report_json(const cli_args *args, const bench *b, const char *cpu, size_t cpu_size) {
    fputs("{\"prompt_tokens_per_second\": ", stdout);
    json_number(stdout, b->sizes[0].prompt_speed);
    json_field("generate_tokens_per_second", b->sizes[0].generate_speed);
    json_field("open_seconds", b->open_seconds);
    json_bytes("peak_resident_bytes", b->peak_resident);
    json_bytes("peak_anonymous_bytes", b->peak_anonymous);
    json_bytes("cache_bytes", b->cache_bytes);
    printf(", \"threads\": %lld, \"cpu\": ", (long long)b->n_threads);
    json_string(stdout, cpu, cpu_size);
    fputs(", \"model\": ", stdout);
    json_string(stdout, args->model, strlen(args->model));
    printf(", \"token_bytes\": %lld", (long long)b->token_bytes);
    json_field("machine_read_bytes_per_second", b->machine.read_bytes);
    json_field("machine_int8_products_per_second", b->machine.products);
    fputs(", \"sizes\": [", stdout);
    for (size_t i = 0; i < b->n_sizes; i++) {
        const bench_size *size = &b->sizes[i];

        printf("%s{\"prompt_tokens\": %lld, \"generate_tokens\": %lld", i > 0 ? ", " : "", (long long)size->n_prompt,
               (long long)b->n_generate);
        json_field("prompt_tokens_per_second", size->prompt_speed);
        json_field("prompt_share_of_int8", products_share(b, size));
        json_field("generate_tokens_per_second", size->generate_speed);
        json_field("generate_share_of_reads", bytes_share(b, size));
        fputs("}", stdout);
    }
    fputs("]}\n", stdout);
}

static int report(const cli_args *args, bench *b) {
    const char *cpu = "";
    char level[32] = "";
    size_t size = 0;
    int32_t status = inlay_session_get_int(b->session, INLAY_SESSION_THREADS, &b->n_threads);

    if (status == INLAY_OK) status = inlay_model_get_string(b->model, INLAY_MODEL_CPU, &cpu, &size);
    if (status == INLAY_OK) status = inlay_session_get_int(b->session, INLAY_SESSION_CACHE_MEMORY, &b->cache_bytes);
    if (status == INLAY_OK) status = count_work(b);
    if (status != INLAY_OK) return cli_library_error(status);

    for (size_t i = 0; i < b->n_sizes; i++) {
        b->sizes[i].prompt_speed = speed(b->sizes[i].prompt_seconds, b->n_repeat, b->sizes[i].n_prompt);
        b->sizes[i].generate_speed = speed(b->sizes[i].generate_seconds, b->n_repeat, b->n_generate);
    }
    memcpy(level, cpu, size < sizeof level ? size : sizeof level - 1);
    b->machine = cli_measure_machine(level, b->n_threads);
    (args->value[ARG_JSON] != NULL ? report_json : report_text)(args, b, cpu, size);
    return CLI_OK;
}

/* "256,32,1024" */
static int read_sizes(const cli_args *args, bench *b) {
    const char *text = args->value[ARG_PROMPT_TOKENS] != NULL ? args->value[ARG_PROMPT_TOKENS] : "256,32,1024";

    for (;; text++) {
        size_t n = strcspn(text, ",");
        int64_t value;

        if (b->n_sizes == MAX_SIZES || !cli_parse_int(text, n, &value) || value < 1 || value > MAX_TOKENS)
            return cli_usage("--prompt takes up to %d numbers from 1 to %d with commas between, not '%s'", MAX_SIZES,
                             MAX_TOKENS, args->value[ARG_PROMPT_TOKENS]);
        b->sizes[b->n_sizes++].n_prompt = value;
        if (value > b->n_longest) b->n_longest = value;
        text += n;
        if (*text == '\0') return CLI_OK;
    }
}

static int run(const cli_args *args) {
    static bench b; /* large; one a process */
    int code = read_sizes(args, &b);

    if (code == CLI_OK) code = cli_args_int(args, ARG_TOKENS, 1, MAX_TOKENS, 64, &b.n_generate);
    if (code == CLI_OK) code = cli_args_int(args, ARG_REPEAT, 1, MAX_REPEAT, 3, &b.n_repeat);
    if (code != CLI_OK) return code;

    b.peak_resident = b.peak_anonymous = -1;
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
    "Each size is a prompt that is read into an empty context, and an answer after it. open_seconds\n"
    "runs from opening the file to the first evaluated token. A first round of the first size is not\n"
    "counted. The context is as long as the longest prompt and its answer. peak_resident_bytes is VmHWM\n"
    "of /proc/self/status, pages of the model's file among it, and peak_anonymous_bytes the greatest\n"
    "RssAnon seen after opening and after each measurement; null where there is none. A token reads\n"
    "token_bytes of weights. The machine's limits are measured last, with the same threads and\n"
    "instructions: bytes read from memory, and products of 8-bit numbers; the shares are what the\n"
    "model made of them. A share above 100 % tells that the machine was busier then, or that it has\n"
    "a cache for the weights. Outside the list of sizes, the JSON object tells the speeds of the first.\n",
    options,
    run,
};
