/* inlay pack, inlay convert: write a model anew, in the form that opens at once or as a GGUF file. */
#include "cli.h"

#include <sys/stat.h>

/* A model is often not to be had again. */
static bool is_same_file(const char *a, const char *b) {
    struct stat one, other;

    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

typedef int32_t write_fn(const char *path, const char *new_path, const inlay_options *options);

/* `doing` is for the bar, `done` for the end. */
static int write_anew(const cli_args *args, write_fn *write, const char *doing, const char *done) {
    double begin = cli_seconds();
    int code = cli_set_opening(args);
    int32_t status;

    if (code != CLI_OK) return code;
    if (is_same_file(args->model, args->output))
        return cli_usage("'%s' is the model itself; expected another name for the new file", args->output);
    status = inlay_options_set_progress(args->library, cli_progress, NULL);
    if (status == INLAY_OK) {
        cli_progress_begin(doing);
        status = write(args->model, args->output, args->library);
        cli_progress_begin(NULL);
    }
    if (status != INLAY_OK) return cli_library_error(status);
    if (args->value[ARG_QUIET] == NULL)
        fprintf(stderr, "%s is %s, in %.1f s\n", args->output, done, cli_seconds() - begin);
    return CLI_OK;
}

#define OPTION_QUIET {"quiet", 'q', NULL, ARG_QUIET, 0, "say nothing when it is done"}

/* --------------------------------------------------------------------- pack */

static const cli_option pack_options[] = {CLI_OPTION_THREADS, OPTION_QUIET, CLI_OPTION_END};

static int pack(const cli_args *args) { return write_anew(args, inlay_pack_file, "packing", "packed"); }

const cli_command cli_pack = {
    "pack",
    "MODEL OUT [options]",
    "writes a model file that opens at once, in the form that the kernels read",
    "OUT gives the same results, bit for bit, on every CPU. It is opened like the file it was made\n"
    "of, needs no packing then, and processes that run it share its memory. Programs other than\n"
    "Inlay read its metadata, not its weights. It takes about the size of MODEL, a GGUF file or a\n"
    "Hugging Face folder; weights of Q3_K, IQ1 and IQ2 take two to three times theirs. It is written\n"
    "as OUT.part and renamed when it is whole; Ctrl-C leaves nothing. A file that is called OUT already\n"
    "is replaced without a question, but not MODEL itself.\n",
    pack_options,
    pack,
};

/* ------------------------------------------------------------------ convert */

static const cli_option convert_options[] = {
    {"quantize", 0, "TYPE", ARG_QUANTIZE, 0, "make float weights q8_0, q4_0, q4_k, q6_k or f16"},
    CLI_OPTION_THREADS,
    OPTION_QUIET,
    CLI_OPTION_END,
};

static int convert(const cli_args *args) { return write_anew(args, inlay_convert_file, "converting", "written"); }

const cli_command cli_convert = {
    "convert",
    "MODEL OUT [options]",
    "writes a Hugging Face folder, or any model, as one GGUF file",
    "MODEL is a folder with config.json and safetensors files, a GGUF file, whole or split, or an\n"
    "ARPA file. OUT gives the same results as MODEL, opened with the same --quantize, bit for bit.\n"
    "Its tensors and metadata have the names that GGUF has for them; the tokenizer of a folder is in\n"
    "it whole. The largest tensor is what is in memory meanwhile. It is written as OUT.part and\n"
    "renamed when it is whole; Ctrl-C leaves nothing. A file that is called OUT already is replaced\n"
    "without a question, but not MODEL itself.\n",
    convert_options,
    convert,
};
