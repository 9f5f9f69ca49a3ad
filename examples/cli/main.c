/* The program `inlay`: finds the command and lets it work. */
#include "cli.h"

#include <string.h>

static const cli_command *const commands[] = {&cli_run,    &cli_chat,  &cli_info,      &cli_tokenize,
                                              &cli_logits, &cli_embed, &cli_fill_mask, &cli_bench,
                                              &cli_pack,   &cli_plan,  &cli_score,     &cli_count,
                                              &cli_template, &cli_replay, &cli_convert};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *out) {
    fputs("usage: inlay COMMAND MODEL [options]\n"
          "\n"
          "Runs language models (GGUF files, Hugging Face folders) on the CPU.\n"
          "\n"
          "commands:\n",
          out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-10s%s\n", commands[i]->name, commands[i]->summary);
    fputs("\n"
          "  inlay COMMAND --help   tells the options of a command\n"
          "  inlay --version        tells the version\n"
          "\n"
          "Results go to standard output, progress and timing to standard error.\n"
          "Exit codes: 0 success, 1 an error, 2 a wrong command line, 130 stopped by Ctrl-C.\n",
          out);
}

static int print_version(void) {
    printf("inlay %s (ABI %ld, arithmetic %ld)\n%s\ncpu: %s\n", inlay_version(), (long)inlay_abi_version(),
           (long)inlay_arithmetic_version(), inlay_build_info(), inlay_cpu());
    return cli_finish(CLI_OK);
}

static int run_command(const cli_command *command, int argc, char **argv) {
    cli_args args = {0};
    int32_t status = inlay_options_new(&args.library);
    int code;

    if (status != INLAY_OK) return cli_library_error(status);
    code = cli_args_read(command, argc, argv, &args);
    if (code == CLI_OK && args.value[ARG_HELP] != NULL) {
        cli_help(command, stdout);
    } else if (code == CLI_OK) {
        cli_catch_interrupt();
        code = command->run(&args);
    }
    inlay_options_free(args.library);
    return cli_finish(code);
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : NULL;

    if (inlay_abi_version() != INLAY_ABI_VERSION)
        return cli_error("the library has ABI %ld, this program needs %d", (long)inlay_abi_version(),
                         INLAY_ABI_VERSION);
    if (name == NULL) {
        print_help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return cli_finish(CLI_OK);
    }
    if (strcmp(name, "--version") == 0) return print_version();

    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(name, commands[i]->name) == 0) return run_command(commands[i], argc - 2, argv + 2);
    return cli_usage("'%s' is not a command; see 'inlay --help'", name);
}
