/* inlay tokenize: text on standard input becomes token ids, or ids become text. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    {"json", 'j', NULL, ARG_JSON, 0, "print {\"ids\": [...]}"},
    {"special", 's', NULL, ARG_SPECIAL, 0, "add the tokens the model wants at the beginning and end"},
    {"parse-special", 'S', NULL, ARG_PARSE_SPECIAL, 0, "turn text such as <|im_end|> into that token"},
    {"decode", 'd', "IDS", ARG_DECODE, 0, "read no text; print the bytes of these ids (1,2,3)"},
    CLI_OPTION_END,
};

static int print_ids(const inlay_model *model, const cli_ids *ids, bool json) {
    if (json) {
        fputs("{\"ids\": ", stdout);
        json_ids(stdout, ids->ids, ids->n);
        fputs("}\n", stdout);
        return CLI_OK;
    }
    for (size_t i = 0; i < ids->n; i++) {
        const char *text;
        size_t size;
        int32_t status = inlay_token_text(model, ids->ids[i], &text, &size);

        if (status != INLAY_OK) return cli_library_error(status);
        printf("%8ld  ", (long)ids->ids[i]);
        json_string(stdout, text, size);
        putchar('\n');
    }
    return CLI_OK;
}

static int encode(const cli_args *args, const inlay_model *model) {
    int32_t flags = (args->value[ARG_SPECIAL] != NULL ? INLAY_ADD_SPECIAL : 0) |
                    (args->value[ARG_PARSE_SPECIAL] != NULL ? INLAY_PARSE_SPECIAL : 0);
    cli_ids ids = {NULL, 0};
    char *text = NULL;
    size_t size = 0;
    int code = cli_read_file("-", &text, &size);

    if (code == CLI_OK) code = cli_tokens(model, text, size, flags, &ids);
    if (code == CLI_OK) code = print_ids(model, &ids, args->value[ARG_JSON] != NULL);
    free(text);
    free(ids.ids);
    return code;
}

static int decode(const inlay_model *model, const cli_ids *ids) {
    size_t size = 0;
    int32_t status = inlay_detokenize(model, ids->ids, ids->n, NULL, 0, &size);
    char *text;

    if (status != INLAY_OK && status != INLAY_ERR_BUFFER) return cli_library_error(status);
    text = malloc(size + 1);
    if (text == NULL) return cli_error("there is not enough memory for %zu bytes of text", size);
    status = inlay_detokenize(model, ids->ids, ids->n, text, size, &size);
    if (status == INLAY_OK) fwrite(text, 1, size, stdout);
    free(text);
    return status == INLAY_OK ? CLI_OK : cli_library_error(status);
}

static int run(const cli_args *args) {
    const char *list = args->value[ARG_DECODE];
    inlay_model *model = NULL;
    cli_ids ids = {NULL, 0};
    int32_t status;
    int code = CLI_OK;

    if (list != NULL &&
        (args->value[ARG_JSON] != NULL || args->value[ARG_SPECIAL] != NULL || args->value[ARG_PARSE_SPECIAL] != NULL))
        return cli_usage("--decode prints the bytes of the text and goes with no other option");
    if (list != NULL) code = cli_parse_ids(list, strlen(list), false, &ids);
    if (code != CLI_OK) return code;

    status = inlay_options_set_int(args->library, INLAY_OPT_VOCAB_ONLY, 1);
    code = status == INLAY_OK ? cli_open_model(args, &model) : cli_library_error(status);
    if (code == CLI_OK) code = list != NULL ? decode(model, &ids) : encode(args, model);
    free(ids.ids);
    cli_close(model, NULL);
    return code;
}

const cli_command cli_tokenize = {
    "tokenize",
    "MODEL [options] < TEXT",
    "splits the text on standard input into tokens",
    "Without --json a line has an id and the token's text as the vocabulary has it.\n"
    "The text may hold any bytes; a newline at its end counts.\n",
    options,
    run,
};
