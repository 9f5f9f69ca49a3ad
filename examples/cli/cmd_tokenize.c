/* inlay tokenize: text becomes token ids, or ids become text. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    CLI_OPTIONS_TEXT,
    {"ids", 'i', NULL, ARG_IDS, 0, "print the ids alone, on one line"},
    {"json", 'j', NULL, ARG_JSON, 0, "print {\"ids\": [...], \"spans\": [[first byte, byte after], ...]}"},
    {"special", 's', NULL, ARG_SPECIAL, 0, "add the tokens the model wants at the beginning and end"},
    {"parse-special", 'S', NULL, ARG_PARSE_SPECIAL, 0, "turn text such as <|im_end|> into that token"},
    {"decode", 'd', "IDS", ARG_DECODE, 0, "read no text; print the bytes of these ids (1,2,3)"},
    CLI_OPTION_END,
};

/* A text's tokens, each with where it stands: spans[2 i] to spans[2 i + 1]. */
typedef struct tokens {
    int32_t *ids;
    size_t *spans;
    size_t n;
} tokens;

static int tokenize(const inlay_model *model, const char *text, size_t size, int32_t flags, tokens *made) {
    size_t room = size + 16;
    int32_t status;

    made->ids = malloc(room * sizeof *made->ids);
    made->spans = malloc(2 * room * sizeof *made->spans);
    if (made->ids == NULL || made->spans == NULL) return cli_error("there is not enough memory for %zu tokens", room);
    status = inlay_tokenize_spans(model, text, size, flags, made->ids, made->spans, room, &made->n);
    return status == INLAY_OK ? CLI_OK : cli_library_error(status);
}

static void print_json(const tokens *made) {
    fputs("{\"ids\": ", stdout);
    json_ids(stdout, made->ids, made->n);
    fputs(", \"spans\": [", stdout);
    for (size_t i = 0; i < made->n; i++)
        printf("%s[%zu, %zu]", i > 0 ? ", " : "", made->spans[2 * i], made->spans[2 * i + 1]);
    fputs("]}\n", stdout);
}

static int print_lines(const inlay_model *model, const tokens *made) {
    for (size_t i = 0; i < made->n; i++) {
        const char *text;
        size_t size;
        int32_t status = inlay_token_text(model, made->ids[i], &text, &size);

        if (status != INLAY_OK) return cli_library_error(status);
        printf("%8ld  ", (long)made->ids[i]);
        json_string(stdout, text, size);
        putchar('\n');
    }
    return CLI_OK;
}

static int encode(const cli_args *args, const inlay_model *model) {
    int32_t flags = (args->value[ARG_SPECIAL] != NULL ? INLAY_ADD_SPECIAL : 0) |
                    (args->value[ARG_PARSE_SPECIAL] != NULL ? INLAY_PARSE_SPECIAL : 0);
    tokens made = {NULL, NULL, 0};
    const char *text = NULL;
    char *owned = NULL;
    size_t size = 0;
    int code = cli_read_text(&cli_tokenize, args, false, &text, &size, &owned);

    if (code == CLI_OK) code = tokenize(model, text, size, flags, &made);
    if (code == CLI_OK && args->value[ARG_JSON] != NULL) {
        print_json(&made);
    } else if (code == CLI_OK && args->value[ARG_IDS] != NULL) {
        for (size_t i = 0; i < made.n; i++) printf("%s%ld", i > 0 ? " " : "", (long)made.ids[i]);
        putchar('\n');
    } else if (code == CLI_OK) {
        code = print_lines(model, &made);
    }
    free(owned);
    free(made.ids);
    free(made.spans);
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
        (cli_gives_text(args) || args->value[ARG_IDS] != NULL || args->value[ARG_JSON] != NULL ||
         args->value[ARG_SPECIAL] != NULL || args->value[ARG_PARSE_SPECIAL] != NULL))
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
    "MODEL [TEXT] [options]",
    "splits a text into tokens",
    "A line has an id and the token's text as the vocabulary has it. A file with a vocabulary and\n"
    "no weights will do.\n",
    options,
    run,
};
