/* inlay template: renders a chat template without a model. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    {"input", 'i', "FILE", ARG_INPUT, 0, "the conversation as a JSON object; - is standard input"},
    CLI_OPTION_END,
};

static int print_rendered(const char *source, size_t source_size, const char *input, size_t input_size) {
    size_t capacity = 1 << 16, size = 0;
    char *text = NULL;
    int32_t status;

    do {
        char *larger = realloc(text, capacity);

        if (larger == NULL) {
            free(text);
            return cli_error("there is not enough memory for %zu bytes of text", capacity);
        }
        text = larger;
        status = inlay_template_render(source, source_size, input, input_size, text, capacity, &size);
        if (status == INLAY_ERR_BUFFER) capacity = size;
    } while (status == INLAY_ERR_BUFFER);
    if (status == INLAY_OK) fwrite(text, 1, size, stdout);
    free(text);
    return status == INLAY_OK ? CLI_OK : cli_library_error(status);
}

static int run(const cli_args *args) {
    char *source = NULL, *input = NULL;
    size_t source_size = 0, input_size = 0;
    int code;

    if (args->value[ARG_INPUT] == NULL) return cli_usage("template needs the conversation: --input FILE");
    code = cli_read_file(args->model, &source, &source_size);
    if (code == CLI_OK) code = cli_read_file(args->value[ARG_INPUT], &input, &input_size);
    if (code == CLI_OK) code = print_rendered(source, source_size, input, input_size);
    free(source);
    free(input);
    return code;
}

const cli_command cli_template = {
    "template",
    "FILE.jinja --input conversation.json",
    "renders a chat template",
    "The JSON object holds the template's variables: messages, tools, add_generation_prompt, bos_token,\n"
    "eos_token, any others, and now (2026-11-24T12:00:00), the time that the template sees.\n",
    options,
    run,
};
