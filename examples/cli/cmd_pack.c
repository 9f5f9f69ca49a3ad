/* inlay pack: writes a model so that it opens at once. */
#include "cli.h"

#include <sys/stat.h>

static const cli_option options[] = {
    CLI_OPTION_THREADS,
    {"quiet", 'q', NULL, ARG_QUIET, 0, "say nothing when it is done"},
    CLI_OPTION_END,
};

/* A model is often not to be had again. */
static bool is_same_file(const char *a, const char *b) {
    struct stat one, other;

    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static int run(const cli_args *args) {
    double begin = cli_seconds();
    int32_t status;

    if (is_same_file(args->model, args->output))
        return cli_usage("'%s' is the model itself; expected another name for the packed file", args->output);
    status = inlay_options_set_progress(args->library, cli_progress, NULL);
    if (status == INLAY_OK) {
        cli_progress_begin("packing");
        status = inlay_pack_file(args->model, args->output, args->library);
        cli_progress_begin(NULL);
    }
    if (status != INLAY_OK) return cli_library_error(status);
    if (args->value[ARG_QUIET] == NULL)
        fprintf(stderr, "%s is packed, in %.1f s\n", args->output, cli_seconds() - begin);
    return CLI_OK;
}

const cli_command cli_pack = {
    "pack",
    "MODEL OUT [options]",
    "writes a model file that opens at once, in the form that the kernels read",
    "OUT gives the same results, bit for bit, on every CPU. It is opened like the file it was made\n"
    "of, needs no packing then, and processes that run it share its memory. Programs other than\n"
    "Inlay read its metadata, not its weights. It takes about the size of MODEL, a GGUF file; weights\n"
    "of Q3_K, IQ1 and IQ2 take two to three times theirs. It is written as OUT.part and renamed when\n"
    "it is whole; Ctrl-C leaves nothing. A file that is called OUT already is replaced without a\n"
    "question, but not MODEL itself.\n",
    options,
    run,
};
