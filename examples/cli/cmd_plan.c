/* inlay plan: tells how much memory a model will take. */
#include "cli.h"

static const cli_option options[] = {
    CLI_OPTION_CONTEXT,
    CLI_OPTION_BATCH,
    {"sequences", 0, "N", ARG_SEQUENCES, INLAY_OPT_SEQUENCES,
     "sequences of a session, each with the whole context (default: 1)"},
    CLI_OPTION_THREADS,
    CLI_OPTION_CPU,
    CLI_OPTION_LOW_MEMORY,
    CLI_OPTION_QUANTIZE,
    {"json", 'j', NULL, ARG_JSON, 0, "print one JSON object, in bytes"},
    CLI_OPTION_END,
};

static const struct {
    int32_t value;
    const char *name, *what;
} rows[] = {
    {INLAY_PLAN_MAPPED, "mapped", "of the file, mapped: shared between processes"},
    {INLAY_PLAN_MODEL, "model", "taken by the model"},
    {INLAY_PLAN_PACKED, "packed", "of these for packed weights"},
    {INLAY_PLAN_OPENING, "opening", "taken at most while it opens"},
    {INLAY_PLAN_SESSION, "session", "taken by a session"},
    {INLAY_PLAN_CACHE, "cache", "of these keys and values"},
    {INLAY_PLAN_PEAK, "peak", "taken at most in all"},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

static int run(const cli_args *args) {
    int64_t values[N_ROWS] = {0};
    bool json = args->value[ARG_JSON] != NULL;
    int code = cli_set_opening(args);

    if (code != CLI_OK) return code;
    if (inlay_plan(args->model, args->library, values, N_ROWS) != INLAY_OK) return cli_error("%s", inlay_error());
    for (size_t i = 0; i < N_ROWS; i++) {
        int64_t bytes = values[rows[i].value];

        if (json)
            printf("%s\"%s\": %lld%s", i == 0 ? "{" : ", ", rows[i].name, (long long)bytes,
                   i + 1 == N_ROWS ? "}\n" : "");
        else
            printf("%12.1f MB  %s\n", 1e-6 * (double)bytes, rows[i].what);
    }
    return CLI_OK;
}

const cli_command cli_plan = {
    "plan",
    "MODEL [options]",
    "tells how much memory a model and a session will take",
    "Exactly what the library will ask its allocator for, found without reading the weights. Keys\n"
    "and values, and packed weights, are only touched when they are needed.\n",
    options,
    run,
};
