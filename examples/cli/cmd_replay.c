/* inlay replay: does again what was recorded, and compares. */
#include "cli.h"

static const cli_option options[] = {
    CLI_OPTION_THREADS,
    CLI_OPTION_CPU,
    CLI_OPTION_BATCH,
    {"json", 'j', NULL, ARG_JSON, 0, "print one JSON object"},
    CLI_OPTION_END,
};

enum { N_VALUES = INLAY_REPLAY_SAME_CPU + 1 };

static const char *truth(int64_t value) { return value != 0 ? "true" : "false"; }

static void print_json(const int64_t *v, bool equal) {
    printf("{\"equal\": %s, \"records\": %lld, \"tokens\": %lld, \"record\": %lld, \"sequence\": %lld, \"position\": "
           "%lld, ",
           truth(equal), (long long)v[INLAY_REPLAY_RECORDS], (long long)v[INLAY_REPLAY_TOKENS],
           (long long)v[INLAY_REPLAY_RECORD], (long long)v[INLAY_REPLAY_SEQUENCE], (long long)v[INLAY_REPLAY_POSITION]);
    printf(
        "\"expected\": \"%llx\", \"found\": \"%llx\", \"same_model\": %s, \"same_arithmetic\": %s, \"same_cpu\": %s}\n",
        (unsigned long long)v[INLAY_REPLAY_EXPECTED], (unsigned long long)v[INLAY_REPLAY_FOUND],
        truth(v[INLAY_REPLAY_SAME_MODEL]), truth(v[INLAY_REPLAY_SAME_ARITHMETIC]), truth(v[INLAY_REPLAY_SAME_CPU]));
}

static void print_text(const int64_t *v, bool equal) {
    if (!equal) printf("different: %s\n", inlay_error());
    printf("%s%lld records, %lld tokens; %s model, %s arithmetic, %s CPU level\n", equal ? "equal: " : "equal before: ",
           (long long)v[INLAY_REPLAY_RECORDS], (long long)v[INLAY_REPLAY_TOKENS],
           v[INLAY_REPLAY_SAME_MODEL] ? "same" : "another", v[INLAY_REPLAY_SAME_ARITHMETIC] ? "same" : "another",
           v[INLAY_REPLAY_SAME_CPU] ? "same" : "another");
}

static int run(const cli_args *args) {
    inlay_model *model = NULL;
    int64_t values[N_VALUES];
    int32_t status = INLAY_OK;
    int code = cli_open_model(args, &model);

    if (code == CLI_OK) {
        inlay_options_set_progress(args->library, cli_progress, NULL);
        cli_progress_begin("replaying");
        status = inlay_replay(model, args->recording, args->library, values, N_VALUES);
        cli_progress_begin(NULL);
        if (status != INLAY_OK && status != INLAY_ERR_DIFFERENT)
            code = cli_library_error(status);
        else if (args->value[ARG_JSON] != NULL)
            print_json(values, status == INLAY_OK);
        else
            print_text(values, status == INLAY_OK);
    }
    cli_close(model, NULL);
    return code == CLI_OK && status != INLAY_OK ? CLI_ERROR : code;
}

const cli_command cli_replay = {
    "replay",
    "FILE MODEL [options]",
    "does again what was recorded, and tells whether every bit is equal",
    "FILE was written by 'inlay run --record FILE' or by a program (inlay_record_begin). Exit code 0: all is\n"
    "equal; 1: it is not, and which record, at which position, with which hash stands on standard\n"
    "output. CPU level, threads and batch make no difference.\n",
    options,
    run,
};
