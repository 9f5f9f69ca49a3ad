/* Reads a command line by the command's table of options, and prints that table as help. */
#include "cli.h"

#include <string.h>

/* -------------------------------------------------------------------- reading */

static const cli_option *find_long(const cli_option *options, const char *name, size_t size) {
    for (; options->name != NULL; options++)
        if (strlen(options->name) == size && memcmp(options->name, name, size) == 0) return options;
    return NULL;
}

static const cli_option *find_short(const cli_option *options, char letter) {
    for (; options->name != NULL; options++)
        if (options->letter == letter) return options;
    return NULL;
}

/* Notes one option; those of the library are checked by it at once. */
static int take(const cli_option *option, const char *value, cli_args *args) {
    args->value[option->arg] = value;
    if (option->arg == ARG_STOP) {
        if (args->n_stops == CLI_MAX_STOPS) return cli_usage("--stop: there are more than %d", CLI_MAX_STOPS);
        args->stops[args->n_stops++] = value;
    }
    if (option->key == 0) return CLI_OK;
    if (inlay_options_set_text(args->library, option->key, value, INLAY_ALL) == INLAY_OK) return CLI_OK;
    return cli_usage("--%s: %s", option->name, inlay_error());
}

/* What the option at argv[*i] is and where its value begins: after "=", after the letter, or in the
 * next argument, to which *i then moves. */
static int read_option(const cli_command *command, int argc, char **argv, int *i, cli_args *args) {
    const char *text = argv[*i], *value = NULL;
    bool is_long = text[1] == '-';
    size_t size = is_long ? strcspn(text + 2, "=") : 1;
    const cli_option *option =
        is_long ? find_long(command->options, text + 2, size) : find_short(command->options, text[1]);

    if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
        args->value[ARG_HELP] = "";
        return CLI_OK;
    }
    if (option == NULL)
        return cli_usage("'%s' is not an option of %s; see 'inlay %s --help'", text, command->name, command->name);

    if (is_long && text[2 + size] == '=')
        value = text + 3 + size;
    else if (!is_long && text[2] != '\0')
        value = text + 2;

    if (option->value == NULL) {
        if (value != NULL) return cli_usage("--%s takes no value, but was given '%s'", option->name, value);
        return take(option, "", args);
    }
    if (value == NULL && *i + 1 == argc)
        return cli_usage("%s needs a value: %s; see 'inlay %s --help'", text, option->value, command->name);
    if (value == NULL) value = argv[++*i];
    return take(option, value, args);
}

static bool takes_recording(const cli_command *command) { return strncmp(command->synopsis, "FILE MODEL", 10) == 0; }
static bool takes_text(const cli_command *command) { return strstr(command->synopsis, "[TEXT]") != NULL; }
static bool takes_output(const cli_command *command) { return strstr(command->synopsis, " OUT") != NULL; }

int cli_args_read(const cli_command *command, int argc, char **argv, cli_args *args) {
    bool only_operands = false; /* after "--" */
    int code;

    for (int i = 0; i < argc; i++) {
        const char *text = argv[i];

        if (!only_operands && strcmp(text, "--") == 0) {
            only_operands = true;
        } else if (!only_operands && text[0] == '-' && text[1] != '\0') {
            code = read_option(command, argc, argv, &i, args);
            if (code != CLI_OK) return code;
        } else if (args->recording == NULL && takes_recording(command)) {
            args->recording = text;
        } else if (args->model == NULL) {
            args->model = text;
        } else if (args->output == NULL && takes_output(command)) {
            args->output = text;
        } else if (args->text == NULL && takes_text(command)) {
            args->text = text;
        } else {
            return cli_usage("'%s' is one argument too many; see 'inlay %s --help'", text, command->name);
        }
    }
    if (args->model == NULL && args->value[ARG_HELP] == NULL)
        return cli_usage("%s needs a %s file; see 'inlay %s --help'", command->name,
                         strncmp(command->synopsis, "TEXT", 4) == 0 ? "text" : "model", command->name);
    if (args->output == NULL && args->value[ARG_HELP] == NULL && takes_output(command))
        return cli_usage("%s needs a file to write; see 'inlay %s --help'", command->name, command->name);
    return CLI_OK;
}

int cli_args_int(const cli_args *args, cli_arg arg, int64_t least, int64_t greatest, int64_t initial, int64_t *value) {
    const char *text = args->value[arg];

    *value = initial;
    if (text == NULL) return CLI_OK;
    if (cli_parse_int(text, strlen(text), value) && *value >= least && *value <= greatest) return CLI_OK;
    return cli_usage("'%s' is not a whole number from %lld to %lld", text, (long long)least, (long long)greatest);
}

/* ----------------------------------------------------------------------- help */

enum { HELP_COLUMN = 26 };

/* What the library says of an option's default, unless the help text already does. */
static void print_default(const cli_option *option, FILE *out) {
    int32_t kind;
    double initial;

    if (option->key == 0 || strstr(option->help, "default") != NULL) return;
    if (inlay_option_describe(option->key, &kind, NULL, NULL, NULL, &initial) != INLAY_OK) return;
    if (kind != INLAY_KIND_STRING) fprintf(out, " (default: %.9g)", initial);
}

static void print_option(const cli_option *option, FILE *out) {
    char left[64], letter[] = "    ";
    int width;

    if (option->letter != 0) letter[0] = '-', letter[1] = option->letter, letter[2] = ',';
    width =
        snprintf(left, sizeof left, "  %s--%s %s", letter, option->name, option->value != NULL ? option->value : "");
    fprintf(out, "%-*s%s%s", HELP_COLUMN, left, width < HELP_COLUMN ? "" : "  ", option->help);
    print_default(option, out);
    fputc('\n', out);
}

void cli_help(const cli_command *command, FILE *out) {
    static const cli_option help = {"help", 'h', NULL, ARG_HELP, 0, "print this text"};

    fprintf(out, "usage: inlay %s %s\n\n%s\n\noptions:\n", command->name, command->synopsis, command->summary);
    for (const cli_option *option = command->options; option->name != NULL; option++)
        print_option(option, out);
    print_option(&help, out);
    if (takes_text(command))
        fputs(
            "\nThe text is the argument after the model, or comes with -p, from a file with -f, or else from standard\n"
            "input; there a newline at its end belongs to it. It may hold any bytes.\n",
            out);
    if (command->notes != NULL) fprintf(out, "\n%s", command->notes);
}
